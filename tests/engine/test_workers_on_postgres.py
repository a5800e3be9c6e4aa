"""Several workers at one PostgreSQL database: they share the work, and what one leaves behind another takes over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import TENANT, new_operation, utcnow, wait_for_state
from tests.support.postgres import postgres_server, postgres_url
from tests.support.worker_process import WorkerHandle, Workers, workers
from wfm.domain.operations import ItemState, Operation, OperationState, Phase
from wfm.ledger import Ledger

__all__ = ["postgres_server", "postgres_url"]
pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.xdist_group("postgres-workers")]

PATIENCE_S = 60.0


@pytest.fixture
def ledger(postgres_url: str) -> Iterator[Ledger]:
    opened = Ledger(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def crew(demo: DemoHandle, ledger: Ledger, postgres_url: str, tmp_path: Path) -> Iterator[Workers]:
    with workers(demo.url, TENANT, tmp_path, postgres=postgres_url) as group:
        yield group


def an_operation(demo: DemoHandle, ledger: Ledger, ids: list[str]) -> Operation:
    client = demo.clients["desk"]
    return new_operation(ledger, ids, client_id=client["id"], client_name=client["name"])


def whose(pair: list[WorkerHandle], ledger: Ledger, operation: Operation) -> WorkerHandle:
    """The worker that has agents of this operation in its hands just now."""
    found: list[WorkerHandle] = []

    def look() -> bool:
        for seen in ledger.workers.all(TENANT):
            if any(ledger.items.orphaned(operation.id, phase, worker_id=seen.worker_id) for phase in Phase):
                found.extend(handle for handle in pair if handle.pid == seen.pid)
        return bool(found)

    _wait_until(look)
    return found[0]


def test_one_is_killed_and_the_other_takes_over(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    """kill -9 in mid-apply and in mid-restore: the reaper of the other worker goes on, nobody twice, nobody forgotten."""
    ids = demo.on_shift(90)
    demo.patch("/_demo/settings", {"latency_ms": 200})
    pair = [crew.start(), crew.start()]
    assert sorted(seen.state for seen in ledger.workers.all(TENANT)) == ["working", "working"]
    operation = an_operation(demo, ledger, ids)
    _wait_until(lambda: len(demo.updates()) >= 20)
    victim = whose(pair, ledger, operation)
    victim.kill()
    assert len(demo.updates()) < len(ids), "it was over before anybody was killed"
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT, patience_s=PATIENCE_S)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 0} for agent in ids}

    pair = [next(handle for handle in pair if handle is not victim), crew.start()]
    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    _wait_until(lambda: sum(made["available"] for made in demo.updates().values()) >= 10)
    whose(pair, ledger, operation).kill()
    assert sum(made["available"] for made in demo.updates().values()) < len(ids)
    wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY, patience_s=PATIENCE_S)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 1} for agent in ids}
    counts = ledger.items.counts([operation.id])[operation.id]
    assert counts.apply[ItemState.APPLIED] == counts.restore[ItemState.APPLIED] == len(ids)


def test_both_work_and_nobody_is_sent_twice(demo: DemoHandle, ledger: Ledger, crew: Workers) -> None:
    """Windows that begin together are shared between the workers, each window by one."""
    ids = demo.on_shift(96)
    demo.patch("/_demo/settings", {"latency_ms": 100})
    crew.start()
    crew.start()
    operations = [an_operation(demo, ledger, ids[first : first + 12]) for first in range(0, 96, 12)]
    for operation in operations:
        wait_for_state(ledger, operation.id, OperationState.IN_EFFECT, patience_s=PATIENCE_S)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 0} for agent in ids}


def test_who_loses_the_session_stops_and_is_replaced(
    demo: DemoHandle,
    ledger: Ledger,
    crew: Workers,
    postgres_url: str,
) -> None:
    """A worker whose session is gone can't be told from a dead one: it ends itself before anybody works in its place."""
    ids = demo.on_shift(90)
    demo.patch("/_demo/settings", {"latency_ms": 200})
    first = crew.start(timeout_s=4.0)
    operation = an_operation(demo, ledger, ids)
    _wait_until(lambda: len(demo.updates()) >= 10)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        ended = admin.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database ="
            " (select oid from pg_database where datname = current_database())"
        ).fetchall()
    assert ended, "no session held the worker's name"
    crew.start(timeout_s=4.0)
    assert first.wait(30) == 1
    wait_for_state(ledger, operation.id, OperationState.IN_EFFECT, patience_s=PATIENCE_S)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 0} for agent in ids}


def _wait_until(true: Callable[[], bool], patience_s: float = 30.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
