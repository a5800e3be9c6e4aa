"""Saved views: one's own, by tenant, one of them the default."""

from __future__ import annotations

import pytest

from tests.ledger.ledger_world import MINUTE, NOON, OTHER_TENANT, TENANT, World
from wfm.domain.errors import NotFound, Refused
from wfm.ledger.saved_views import MAX_VIEWS


def save(world: World, name: str, *, subject: str = "sam", default: bool = False, **query: str) -> None:
    world.ledger.saved_views.save(subject, TENANT, name, query, is_default=default, now=NOON)


def test_views_are_their_owners_and_their_tenants(world: World) -> None:
    save(world, "late", q="ünï \"x\" 'y'")
    save(world, "early", outcome="failed")
    assert [(view.name, view.query) for view in world.ledger.saved_views.all("sam", TENANT)] == [
        ("early", {"outcome": "failed"}),
        ("late", {"q": "ünï \"x\" 'y'"}),
    ]
    assert world.ledger.saved_views.all("kim", TENANT) == world.ledger.saved_views.all("sam", OTHER_TENANT) == []


def test_a_view_saved_again_takes_the_place_of_the_old(world: World) -> None:
    save(world, "mine", outcome="failed")
    world.ledger.saved_views.save("sam", TENANT, "mine", {"status": "403"}, is_default=False, now=NOON + MINUTE)
    (view,) = world.ledger.saved_views.all("sam", TENANT)
    assert (view.query, view.changed_at) == ({"status": "403"}, NOON + MINUTE)


def test_there_is_one_default(world: World) -> None:
    save(world, "a", default=True)
    save(world, "b", subject="kim", default=True)
    save(world, "c", default=True)
    assert [view.name for view in world.ledger.saved_views.all("sam", TENANT) if view.is_default] == ["c"]
    assert [view.name for view in world.ledger.saved_views.all("kim", TENANT) if view.is_default] == ["b"]
    save(world, "c")
    assert not any(view.is_default for view in world.ledger.saved_views.all("sam", TENANT))


def test_a_view_is_deleted_once(world: World) -> None:
    save(world, "a")
    world.ledger.saved_views.delete("sam", TENANT, "a")
    assert world.ledger.saved_views.all("sam", TENANT) == []
    with pytest.raises(NotFound, match="a"):
        world.ledger.saved_views.delete("sam", TENANT, "a")


def test_no_more_views_than_anybody_reads(sqlite_world: World) -> None:
    for n in range(MAX_VIEWS):
        save(sqlite_world, f"view {n}")
    save(sqlite_world, "view 0", status="403")
    with pytest.raises(Refused, match="Delete one"):
        save(sqlite_world, "one more")
