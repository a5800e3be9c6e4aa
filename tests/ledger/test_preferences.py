"""Preferences of a tenant, drafts of a person."""

from __future__ import annotations

from tests.ledger.ledger_world import OTHER_TENANT, TENANT, World


def test_preferences_are_by_tenant(world: World) -> None:
    assert world.ledger.preferences.get(TENANT, "client") is None
    world.ledger.preferences.set(TENANT, "client", "one")
    world.ledger.preferences.set(TENANT, "client", "two")
    world.ledger.preferences.set(OTHER_TENANT, "client", "three")
    assert world.ledger.preferences.get(TENANT, "client") == "two"
    assert world.ledger.preferences.get(OTHER_TENANT, "client") == "three"
    assert world.ledger.preferences.get(TENANT, "other") is None


def test_drafts_are_by_person_and_tenant(world: World) -> None:
    assert world.ledger.drafts.get(TENANT, "sam") is None
    world.ledger.drafts.set(TENANT, "sam", '{"a": 1}')
    world.ledger.drafts.set(TENANT, "sam", '{"a": 2}')
    assert world.ledger.drafts.get(TENANT, "sam") == '{"a": 2}'
    assert world.ledger.drafts.get(TENANT, "kim") is None
    assert world.ledger.drafts.get(OTHER_TENANT, "sam") is None
