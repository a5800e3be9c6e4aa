"""Real worker processes on a real demo tenant: killed, stopped, replaced; nobody twice, nobody forgotten."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.engine_world import TENANT, new_operation, utcnow, wait_for_state
from tests.support.worker_process import Workers, workers
from wfm.domain.operations import ItemState, Operation, OperationState, Outcome
from wfm.ledger import Ledger

pytestmark = pytest.mark.slow

ENDED = (
    OperationState.RESTORED,
    OperationState.ENDED_EARLY,
    OperationState.CANCELLED,
    OperationState.HALTED,
    OperationState.FAILED,
    OperationState.FAILED_IN_PART,
)


@pytest.fixture
def crew(demo: DemoHandle, tmp_path: Path) -> Iterator[Workers]:
    with workers(demo.url, TENANT, tmp_path) as group:
        yield group


def an_operation(demo: DemoHandle, ledger: Ledger, ids: list[str], **more: object) -> Operation:
    client = demo.clients[str(more.pop("client", "desk"))]
    return new_operation(ledger, ids, client_id=client["id"], client_name=client["name"], **more)  # type: ignore[arg-type]


def end_soon(ledger: Ledger, operation: Operation) -> datetime:
    """Moves the end near, once everybody is out: how long that takes is the machine's affair."""
    end = utcnow() + timedelta(seconds=0.5)
    ledger.lifecycle.revise_window(operation.id, end=end, now=utcnow(), actor="tester")
    return end


def once_each(ids: list[str], available: int = 1) -> dict[str, dict[str, int]]:
    return {agent_id: {"unavailable": 1, "available": available} for agent_id in ids}


def test_a_window_starts_and_ends_by_itself(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(20)
    crew.start()
    operation = an_operation(demo, ledger, ids)
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    end_soon(ledger, operation)
    wait_for_state(ledger, operation.id, OperationState.RESTORED)
    assert demo.updates() == once_each(ids)
    assert [seen.state for seen in ledger.workers.all(TENANT)] == ["working"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_nobody_twice_and_nobody_forgotten(demo: DemoHandle, ledger: Ledger, crew: Workers, seed: int) -> None:
    """kill -9 again and again, through apply and restore, and start anew each time."""
    chance = random.Random(seed)
    ids = demo.on_shift(90)
    demo.patch("/_demo/settings", {"latency_ms": 60})
    operation = an_operation(demo, ledger, ids, minutes=30)
    for _ in range(3):
        worker = crew.start()
        time.sleep(chance.uniform(0.05, 1.3))
        worker.kill()
    crew.start()
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)

    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    time.sleep(chance.uniform(0.2, 1.5))
    crew.kill_all()
    worker = crew.start()
    time.sleep(chance.uniform(0.05, 1.0))
    worker.kill()
    crew.start()
    wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)
    assert demo.updates() == once_each(ids)
    counts = ledger.items.counts([operation.id])[operation.id]
    assert counts.apply[ItemState.APPLIED] == counts.restore[ItemState.APPLIED] == len(ids)
    assert counts.out == 0
    assert ledger.runs.totals(TENANT)[Outcome.FAILED] == 0, "who was sent again did not fail"
    assert ledger.failure_groups.all(TENANT) == []


def test_a_polite_stop_gives_back_what_was_not_sent(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(60)
    demo.patch("/_demo/settings", {"latency_ms": 150})
    operation = an_operation(demo, ledger, ids)
    worker = crew.start()
    _wait_until(lambda: len(demo.updates()) >= 10)
    begun = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - begun < 15
    counts = ledger.items.counts([operation.id])[operation.id]
    assert counts.apply[ItemState.SENDING] == 0  # nothing hangs in the air
    assert counts.apply[ItemState.APPLIED] == len(demo.updates()) < 60
    assert worker.states[-1] == "stopping"
    assert ledger.workers.all(TENANT) == []
    demo.patch("/_demo/settings", {"latency_ms": 0})
    crew.start()
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)


def test_a_second_worker_stands_by_and_takes_over(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    first = crew.start()
    second = crew.start(wait_for="standby")
    _wait_until(lambda: sorted(seen.state for seen in ledger.workers.all(TENANT)) == ["standby", "working"])
    assert second.states == ["standby"]
    first.kill()
    second.wait_for("working", 20)
    ids = demo.on_shift(8)
    operation = an_operation(demo, ledger, ids)
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)


def test_cancel_in_mid_run_puts_back_who_is_out_and_sends_nobody_else(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(120)
    demo.patch("/_demo/settings", {"latency_ms": 100})
    operation = an_operation(demo, ledger, ids)
    crew.start()
    _wait_until(lambda: len(demo.updates()) >= 12)
    ledger.lifecycle.request_cancel(operation.id, now=utcnow(), actor="tester")
    asked = time.monotonic()
    wait_for_state(ledger, operation.id, OperationState.CANCELLED)
    assert time.monotonic() - asked < 30
    updates = demo.updates()
    assert 12 <= len(updates) < 120
    assert updates == once_each(list(updates))
    skipped = ledger.items.page(operation.id, apply_states=[ItemState.SKIPPED])
    assert {item.skip_reason for item in skipped} == {"not sent: the operation was cancelled"}
    assert len(skipped) + len(updates) == 120


def test_cancel_does_not_wait_for_the_rate_limit(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    """With the limit used up, requests wait for the next minute; a cancel ends that wait."""
    ids = demo.on_shift(60)
    demo.patch("/_demo/settings", {"rate_limit": 30})
    operation = an_operation(demo, ledger, ids)
    crew.start()
    _wait_until(lambda: len(demo.updates()) >= 20)
    time.sleep(1.0)
    asked = time.monotonic()
    ledger.lifecycle.request_cancel(operation.id, now=utcnow(), actor="tester")
    wait_for_state(ledger, operation.id, OperationState.RESTORING, OperationState.CANCELLED, patience_s=20)
    assert time.monotonic() - asked < 15  # far less than the rest of the minute
    assert ledger.items.counts([operation.id])[operation.id].apply[ItemState.SENDING] == 0


def test_an_extended_window_ends_at_its_new_end(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(5)
    crew.start()
    operation = an_operation(demo, ledger, ids, minutes=0.2)
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    new_end = operation.window.end + timedelta(seconds=3)
    ledger.lifecycle.revise_window(operation.id, end=new_end, now=utcnow(), actor="tester")
    wait_for_state(ledger, operation.id, OperationState.RESTORED)
    ended = ledger.operations.get(TENANT, operation.id)
    assert ended.restore_started_at is not None
    assert new_end <= ended.restore_started_at < new_end + timedelta(seconds=3)
    assert demo.updates() == once_each(ids)


def test_an_overdue_restore_comes_before_an_apply_that_is_due(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(30)
    worker = crew.start()
    overdue = an_operation(demo, ledger, ids[:20])
    wait_for_state(ledger, overdue.id, OperationState.IN_EFFECT)
    worker.kill()
    ends = end_soon(ledger, overdue)
    _wait_until(lambda: utcnow() > ends)
    due = an_operation(demo, ledger, ids[20:])
    crew.start()
    wait_for_state(ledger, due.id, OperationState.IN_EFFECT)
    restored = wait_for_state(ledger, overdue.id, OperationState.RESTORED)
    started = ledger.operations.get(TENANT, due.id).started_at
    assert restored.ended_at is not None
    assert started is not None
    assert restored.ended_at <= started


def test_a_worker_of_another_version_takes_over_what_was_left(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(60)
    demo.patch("/_demo/settings", {"latency_ms": 100})
    operation = an_operation(demo, ledger, ids)
    old = crew.start(version="0")
    _wait_until(lambda: len(demo.updates()) >= 5)
    old.kill()
    crew.start()
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)


def test_only_its_own_tenant_is_touched(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    ids = demo.on_shift(4)
    other = an_operation(demo, ledger, ids[:2], tenant="api.mypurecloud.com|real")
    ours = an_operation(demo, ledger, ids[2:])
    crew.start()
    wait_for_state(ledger, ours.id, OperationState.IN_EFFECT)
    time.sleep(1.0)
    assert ledger.operations.get("api.mypurecloud.com|real", other.id).state is OperationState.SCHEDULED
    assert set(demo.updates()) == set(ids[2:])


FAULTS = {
    "429 storm": [{"kind": "429", "count": 25, "retry_after": 1}],
    "5xx share": [{"kind": "5xx", "status": 503, "share": 0.2}],
    "500 share": [{"kind": "5xx", "status": 500, "share": 0.2, "match": "PATCH"}],
    "revoked token": [{"kind": "revoke_tokens", "after": 12}],
    "timeout after write": [{"kind": "timeout_after_write", "count": 6, "seconds": 5, "match": "PATCH"}],
    "reset": [{"kind": "reset", "count": 4, "match": "PATCH"}, {"kind": "reset_after_write", "count": 4, "match": "PATCH"}],
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_tenant_lose_nobody(demo: DemoHandle, ledger: Ledger, crew: Workers, name: str) -> None:
    ids = demo.on_shift(30)
    demo.post("/_demo/faults", {"faults": FAULTS[name]})
    operation = an_operation(demo, ledger, ids)
    crew.start()
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)
    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)
    assert demo.updates() == once_each(ids)


def test_a_scope_mended_between_two_operations_is_seen(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    """The same client, the same worker: refused, then mended, then it works."""
    ids = demo.on_shift(8)
    crew.start()
    refused = an_operation(demo, ledger, ids, client="architect-flow")
    wait_for_state(ledger, refused.id, OperationState.HALTED)
    demo.patch("/_demo/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    mended = an_operation(demo, ledger, ids, client="architect-flow")
    wait_for_state(ledger, mended.id, OperationState.IN_EFFECT)
    assert demo.updates() == once_each(ids, available=0)


def test_a_restarted_tenant_in_mid_run_loses_nobody(ledger: Ledger, tmp_path: Path) -> None:
    """The tenant goes away and comes back: what could not be sent fails, is tried again, and nobody is sent twice."""
    with running_demo(agents=120, latency_ms=60, state=tmp_path / "state") as own, workers(own.url, TENANT, tmp_path) as crew:
        ids = own.on_shift(60)
        operation = an_operation(own, ledger, ids)
        crew.start()
        _wait_until(lambda: len(own.updates()) >= 10)
        own.kill()
        own.restart()
        wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
        if ledger.items.counts([operation.id])[operation.id].apply[ItemState.FAILED]:
            from wfm.domain.operations import Phase

            ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=utcnow(), actor="tester")
            wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
        assert own.updates() == once_each(ids, available=0)


def _wait_until(true: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
