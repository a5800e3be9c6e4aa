"""kill -9 at each step of apply, restore, read-back and settle, one after the other, over both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import TENANT, new_operation, utcnow, wait_for_state
from tests.support.postgres import postgres_server, postgres_url
from tests.support.worker_process import Workers, workers
from wfm.domain.operations import ItemState, OperationState, Outcome, RunFilter
from wfm.ledger import Ledger

pytestmark = pytest.mark.slow

__all__ = ["postgres_server", "postgres_url"]

AGENTS = 40
STEPS = [("claim", True), ("send", False), ("send", True), ("read", False), ("read", True), ("settle", False), ("settle", True)]
LOST = {"kind": "reset_after_write", "count": 3, "match": "PATCH"}
"""Some answers are lost, so that there is something to read back."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.sqlite'}"
    made: str = request.getfixturevalue("postgres_url")
    return made


@pytest.fixture
def crew(demo: DemoHandle, url: str, tmp_path: Path) -> Iterator[Workers]:
    more: dict[str, Any] = {} if url.startswith("sqlite") else {"postgres": url}
    with workers(demo.url, TENANT, tmp_path, timeout_s=0.3, **more) as group:
        yield group


def dies_at_each_step(demo: DemoHandle, crew: Workers, phase: str) -> None:
    for step, after in STEPS:
        demo.post("/_demo/faults", {"faults": [LOST]})
        worker = crew.start(wait_for=None, dies={"step": step, "phase": phase, "nth": 2, "after": after})
        assert worker.wait(60) == -9, f"{step} came about less than twice: {worker.log.read_text()[-2000:]}"
    demo.delete("/_demo/faults")
    crew.start()


def test_killed_at_every_step_nobody_twice_and_nobody_forgotten(
    demo: DemoHandle, crew: Workers, url: str, tmp_path: Path
) -> None:
    demo.patch("/_demo/settings", {"latency_ms": 20})
    ids = demo.on_shift(AGENTS)
    client = demo.clients["desk"]
    with closing(Ledger(url)) as ledger:
        operation = new_operation(ledger, ids, client_id=client["id"], client_name=client["name"])
        dies_at_each_step(demo, crew, "apply")
        wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)
        assert demo.updates() == {agent_id: {"unavailable": 1, "available": 0} for agent_id in ids}

        crew.kill_all()
        ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
        dies_at_each_step(demo, crew, "restore")
        wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)
        assert demo.updates() == {agent_id: {"unavailable": 1, "available": 1} for agent_id in ids}
        counts = ledger.items.counts([operation.id])[operation.id]
        assert counts.apply[ItemState.APPLIED] == counts.restore[ItemState.APPLIED] == AGENTS
        failed = ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=Outcome.FAILED)).runs
        assert failed == ()
