"""The small things."""

from __future__ import annotations

import pytest

from tests.ledger.ledger_world import NOON, OTHER_TENANT, TENANT, World
from wfm.domain.errors import NotFound
from wfm.ledger.records import Event, WorkerSeen


def test_comments_stand_in_the_story(world: World) -> None:
    operation = world.create()
    world.ledger.operations.add_event(operation.id, at=NOON, actor="Kim", kind="comment", text="Looks “fine” ✓\nline 2")
    assert world.ledger.operations.events(operation.id)[-1] == Event(
        operation_id=operation.id, at=NOON, actor="Kim", kind="comment", text="Looks “fine” ✓\nline 2"
    )
    for strange in ("junk", operation.id[:-1] + ("0" if operation.id[-1] != "0" else "1")):
        with pytest.raises(NotFound):
            world.ledger.operations.add_event(strange, at=NOON, actor="Kim", kind="comment", text="x")
        assert world.ledger.operations.events(strange) == []


def test_preferences_are_by_tenant(world: World) -> None:
    assert world.ledger.preferences.get(TENANT, "client") is None
    world.ledger.preferences.set(TENANT, "client", "one")
    world.ledger.preferences.set(TENANT, "client", "two")
    world.ledger.preferences.set(OTHER_TENANT, "client", "three")
    assert world.ledger.preferences.get(TENANT, "client") == "two"
    assert world.ledger.preferences.get(OTHER_TENANT, "client") == "three"
    assert world.ledger.preferences.get(TENANT, "other") is None


def test_drafts_are_by_person_and_tenant(world: World) -> None:
    assert world.ledger.drafts.get("sam", TENANT) is None
    world.ledger.drafts.save("sam", TENANT, '{"a": 1}')
    world.ledger.drafts.save("sam", TENANT, '{"a": 2}')
    assert world.ledger.drafts.get("sam", TENANT) == '{"a": 2}'
    assert world.ledger.drafts.get("kim", TENANT) is None
    assert world.ledger.drafts.get("sam", OTHER_TENANT) is None


def test_heartbeats(world: World) -> None:
    world.ledger.workers.heartbeat("w1", TENANT, state="working", pid=1, host="h", now=NOON)
    world.ledger.workers.heartbeat("w2", TENANT, state="standby", pid=2, host="h", now=world.later())
    world.ledger.workers.heartbeat("w1", TENANT, state="idle", pid=3, host="h", now=world.later())
    world.ledger.workers.heartbeat("w3", OTHER_TENANT, state="idle", pid=4, host="h", now=NOON)
    seen = world.ledger.workers.all(TENANT)
    assert seen[0] == WorkerSeen(worker_id="w1", tenant_key=TENANT, state="idle", pid=3, host="h", seen_at=world.now)
    assert [worker.worker_id for worker in seen] == ["w1", "w2"]
    world.ledger.workers.forget("w1")
    world.ledger.workers.forget("strange")
    assert [worker.worker_id for worker in world.ledger.workers.all(TENANT)] == ["w2"]
    assert world.ledger.workers.all("strange") == []
