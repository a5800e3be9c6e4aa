"""Heartbeats of workers."""

from __future__ import annotations

from tests.ledger.ledger_world import NOON, OTHER_TENANT, TENANT, World
from wfm.ledger.records import WorkerSeen


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
