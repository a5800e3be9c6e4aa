"""Real workers whose databases are locked by another program, or restart, while agents go out and come back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import TENANT, new_operation, open_ledger, utcnow, wait_for_state
from tests.support.postgres import running_server
from tests.support.worker_process import workers
from wfm.domain.operations import Operation, OperationState, Outcome, RunFilter
from wfm.ledger import Ledger

pytestmark = pytest.mark.slow

HELD_S = 12.0
"""Longer than a connection waits for a lock."""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Another program holds the file's write lock."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def an_operation(demo: DemoHandle, ledger: Ledger, count: int) -> tuple[Operation, list[str]]:
    ids = demo.on_shift(count)
    assert len(ids) == count
    client = demo.clients["desk"]
    return new_operation(ledger, ids, client_id=client["id"], client_name=client["name"]), ids


def wait_until(true: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def agree(demo: DemoHandle, ledger: Ledger, operation: Operation, ids: list[str], available: int) -> None:
    assert demo.updates() == {agent_id: {"unavailable": 1, "available": available} for agent_id in ids}
    failed = ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=Outcome.FAILED)).runs
    assert failed == ()
    assert ledger.operations.get(TENANT, operation.id).halt_reason in (None, "")


def restart(server: Any) -> None:
    server.stop()
    server.start()


@pytest.mark.parametrize(
    ("out", "back"),
    [("pacing.sqlite", "desk.sqlite"), ("desk.sqlite", "engine.sqlite"), ("engine.sqlite", "pacing.sqlite")],
)
def test_a_file_that_another_program_holds_for_longer_than_its_time_out(
    demo: DemoHandle, tmp_path: Path, out: str, back: str
) -> None:
    """In the middle of apply, and another in the middle of restore: nobody fails for it, nobody stays out."""
    demo.patch("/_demo/settings", {"latency_ms": 60})
    with closing(open_ledger(tmp_path)) as ledger, workers(demo.url, TENANT, tmp_path) as crew:
        operation, ids = an_operation(demo, ledger, 50)
        crew.start()
        wait_until(lambda: len(demo.updates()) >= 5)
        with held(tmp_path / out):
            time.sleep(HELD_S)
        wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
        agree(demo, ledger, operation, ids, available=0)
        ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
        wait_until(lambda: sum(made["available"] for made in demo.updates().values()) >= 5)
        with held(tmp_path / back):
            time.sleep(HELD_S)
        wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)
        agree(demo, ledger, operation, ids, available=1)


@pytest.mark.postgres
def test_a_postgresql_that_restarts_while_agents_go_out_and_come_back(demo: DemoHandle, tmp_path: Path) -> None:
    demo.patch("/_demo/settings", {"latency_ms": 60})
    with (
        running_server() as server,
        closing(Ledger(server.get_uri())) as ledger,
        workers(demo.url, TENANT, tmp_path, postgres=server.get_uri()) as crew,
    ):
        operation, ids = an_operation(demo, ledger, 90)
        crew.start()
        wait_until(lambda: len(demo.updates()) >= 15)
        restart(server)
        time.sleep(0.5)
        crew.start()  # the first may have lost its session, and then ends: another goes on
        wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
        agree(demo, ledger, operation, ids, available=0)
        ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
        wait_until(lambda: sum(made["available"] for made in demo.updates().values()) >= 10)
        restart(server)
        time.sleep(0.5)
        crew.start()
        wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)
        agree(demo, ledger, operation, ids, available=1)
