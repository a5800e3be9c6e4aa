"""How a worker starts and stops: what it says meanwhile, and an engine whose file is damaged."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbos import DBOS

from tests.support.damage import DAMAGES, damage_file
from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import TENANT, new_operation, utcnow, wait_for_state
from tests.support.worker_process import Workers, workers
from wfm.domain.operations import Operation, OperationState, Phase
from wfm.domain.workers import PASSED_START
from wfm.engine.dbos_engine import DbosEngine
from wfm.ledger import Ledger

pytestmark = pytest.mark.slow


@pytest.fixture
def crew(demo: DemoHandle, tmp_path: Path) -> Iterator[Workers]:
    with workers(demo.url, TENANT, tmp_path) as group:
        yield group


def in_effect(demo: DemoHandle, ledger: Ledger, ids: list[str]) -> Operation:
    client = demo.clients["desk"]
    operation = new_operation(ledger, ids, client_id=client["id"], client_name=client["name"])
    return wait_for_state(ledger, operation.id, OperationState.IN_EFFECT)


def restored(ledger: Ledger, operation: Operation) -> None:
    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    wait_for_state(ledger, operation.id, OperationState.ENDED_EARLY)


def asides(folder: Path) -> list[Path]:
    return [path for path in folder.glob("engine.sqlite.damaged-*") if not path.name.endswith(("-wal", "-shm"))]


def test_a_worker_that_can_not_start_never_says_that_it_works(ledger: Ledger, crew: Workers, tmp_path: Path) -> None:
    (tmp_path / "engine.sqlite").mkdir()
    worker = crew.start(wait_for=None)
    seen = set()
    deadline = time.monotonic() + 60
    while worker.code is None:
        assert time.monotonic() < deadline, "it neither starts nor ends"
        seen |= {row.state for row in ledger.workers.all(TENANT)}
        time.sleep(0.01)
    assert seen <= {"starting", "standby"}, "it gave a heartbeat as if it worked"
    assert not seen & PASSED_START
    while not worker.states:  # what it printed is read by a thread of its own
        assert time.monotonic() < deadline, "it never said that it starts"
        time.sleep(0.01)
    assert set(worker.states) - {"standby"} == {"starting"}
    assert worker.code != 0
    assert ledger.workers.all(TENANT) == []


def test_the_states_of_a_worker(ledger: Ledger, crew: Workers) -> None:
    worker = crew.start()
    assert worker.states == ["starting", "working"]
    worker.terminate()
    assert worker.states[2:] == ["stopping"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_engine_loses_nobody(demo: DemoHandle, ledger: Ledger, crew: Workers, tmp_path: Path, how: str) -> None:
    ids = demo.on_shift(6)
    worker = crew.start()
    operation = in_effect(demo, ledger, ids)
    assert worker.terminate() == 0
    kept = damage_file(tmp_path / "engine.sqlite", how)
    worker = crew.start()
    restored(ledger, operation)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 1} for agent in ids}
    assert [path.read_bytes() for path in asides(tmp_path)] == [kept]
    assert "engine.sqlite was damaged. It is kept as" in worker.log.read_text()


def test_an_engine_that_comes_to_harm_at_work_is_made_again(
    demo: DemoHandle, ledger: Ledger, crew: Workers, tmp_path: Path
) -> None:
    ids = demo.on_shift(6)
    worker = crew.start()
    operation = in_effect(demo, ledger, ids)
    file = tmp_path / "engine.sqlite"
    with file.open("r+b") as raw:
        raw.write(os.urandom(file.stat().st_size))
    os.truncate(f"{file}-wal", 0)
    restored(ledger, operation)
    assert demo.updates() == {agent: {"unavailable": 1, "available": 1} for agent in ids}
    assert worker.code is None
    assert worker.states == ["starting", "working", "starting", "working"]
    assert len(asides(tmp_path)) == 1


def test_a_stop_that_goes_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = launched(tmp_path, lambda *_: False)
    really = DBOS.destroy

    def destroy(**more: object) -> None:
        really(**more)  # type: ignore[arg-type]
        raise RuntimeError("a thread would not end")

    monkeypatch.setattr(DBOS, "destroy", destroy)
    with caplog.at_level(logging.ERROR):
        engine.destroy(0)
    assert "The engine did not stop as it should" in caplog.text
    assert "a thread would not end" in caplog.text


def test_work_that_does_not_end_in_time_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    begun: list[str] = []

    def slow(operation_id: str, phase: Phase, first: bool) -> bool:
        begun.append(operation_id)
        time.sleep(1.5)
        return False

    engine = launched(tmp_path, slow)
    engine.start("op-1", Phase.APPLY, 1)
    deadline = time.monotonic() + 30
    while not begun:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with caplog.at_level(logging.WARNING):
        engine.destroy(0.1)
    assert "did not end within 0 s: apply:op-1:1:" in caplog.text
    time.sleep(1.5)  # the step ends before the next test begins


def launched(folder: Path, advance: Callable[[str, Phase, bool], bool]) -> DbosEngine:
    engine = DbosEngine("tenant", advance, sqlite_file=folder / "engine.sqlite", poll_s=0.05)
    engine.launch()
    return engine
