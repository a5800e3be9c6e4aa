"""A data folder that an earlier version left with a window in effect is opened and restored."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tarfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import free_port
from wfm import launcher
from wfm.desk import Desk
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.settings import Settings, load

pytestmark = pytest.mark.slow

KEPT = Path(__file__).parent / "data" / "in_effect.tar.gz"
RECORDED_AT = "127.0.0.1:18087"
ORGANIZATION = "495f35b7-6a3d-5f9f-bd23-086267e74ff1"
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Left:
    """What the earlier version left: its folder and the window in effect."""

    settings: Settings
    operation: str
    agents: tuple[str, ...]


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Left:
    folder = tmp_path / "data"
    with tarfile.open(KEPT) as archive:
        archive.extractall(folder, filter="data")
    recorded = json.loads((folder / "recorded.json").read_text())
    _move_to(folder, f"127.0.0.1:{free_port()}")
    _let_time_pass(folder / "desk.sqlite")
    monkeypatch.setenv("WFM_DATA_DIR", str(folder))
    settings = load(data_dir=folder, demo_port=0, demo_agents=60)
    return Left(settings, recorded["operation"], tuple(recorded["agents"]))


def _move_to(folder: Path, address: str) -> None:
    """Writes another address of as many digits over the recorded one, everywhere and in what is derived from it."""
    assert len(address) == len(RECORDED_AT)
    swaps = ((_tag(RECORDED_AT), _tag(address)), (RECORDED_AT.encode(), address.encode()))
    for path in folder.iterdir():
        content = path.read_bytes()
        for before, after in swaps:
            content = content.replace(before, after)
        path.write_bytes(content)


def _let_time_pass(ledger: Path) -> None:
    """The window has ended while everything was stopped, whatever this machine's clock says."""
    ended = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1_000_000)
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(
            "UPDATE operations SET window_end = ?, window_start = ? WHERE window_end > ?", (ended, ended - 300_000_000, ended)
        )


def _tag(address: str) -> bytes:
    """The engine's name of a tenant."""
    return hashlib.sha256(f"{address}|{ORGANIZATION}".encode()).hexdigest()[:12].encode()


def test_a_window_in_effect_is_restored_by_the_next_version(left: Left) -> None:
    with launcher.started(left.settings, examples=False) as running, contextlib.closing(Desk.open(left.settings)) as desk:
        before = desk.windows.get(left.operation)
        assert len(before.operation.request.selection.agents) == len(left.agents) == before.counts.apply[ItemState.APPLIED]
        deadline = time.monotonic() + PATIENCE_S
        while (view := desk.windows.get(left.operation)).operation.state is not OperationState.RESTORED:
            assert time.monotonic() < deadline, (view.operation.state, view.counts, desk.windows.events(left.operation))
            time.sleep(0.1)
        assert view.counts.restore[ItemState.APPLIED] == len(left.agents)
        updates = httpx.get(f"{running.demo_url}/_demo/updates", timeout=10).raise_for_status().json()
        assert {agent: updates[agent] for agent in left.agents} == {
            agent: {"unavailable": 1, "available": 1} for agent in left.agents
        }
        restored = desk.runs.page(RunFilter(operation_id=left.operation, phase=Phase.RESTORE)).runs
        assert {(run.agent_id, run.outcome) for run in restored} == {(agent, Outcome.APPLIED) for agent in left.agents}
        # What the earlier version wrote is still there: other windows, the history and its causes.
        assert len(desk.windows.newest()) == 4
        assert desk.runs.page(RunFilter()).total == 28 + len(left.agents)
        assert [group.rule for group in desk.failures.groups()] == ["brief-scope-missing"]
        # Two of the eight were answered 500, read back and sent again: no failures, as this version tells it.
        assert (desk.runs.totals()[Outcome.FAILED], desk.runs.totals()[Outcome.RESENT]) == (4, 2)
