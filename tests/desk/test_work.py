"""The worker composed of a Desk: which rooms it is given, and when it ends by itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.engine_world import new_operation
from tests.support.inside import inside
from wfm import work
from wfm.desk import Desk
from wfm.domain.errors import NotFound
from wfm.domain.operations import ItemState, OperationState
from wfm.domain.workers import WorkerState
from wfm.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=240, rate_limit=100_000) as handle:
        yield handle


@pytest.fixture
def settings(demo: DemoHandle, tmp_path: Path) -> Settings:
    client = demo.clients["desk"]
    return Settings(
        genesys_api_url=demo.url,
        genesys_login_url=demo.url,
        genesys_client_id=client["id"],
        genesys_client_secret=client["secret"],
        data_dir=tmp_path / "data",
    )


@contextlib.contextmanager
def a_worker(settings: Settings, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    secret = settings.genesys_client_secret
    client = (
        {}
        if secret is None
        else {
            "WFM_GENESYS_CLIENT_ID": str(settings.genesys_client_id),
            "WFM_GENESYS_CLIENT_SECRET": secret.get_secret_value(),
        }
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "wfm", "worker", *options],
        cwd=ROOT,
        env={
            **clean,
            "WFM_GENESYS_API_URL": str(settings.genesys_api_url),
            "WFM_GENESYS_LOGIN_URL": str(settings.genesys_login_url),
            **client,
            "WFM_DATA_DIR": str(settings.data_dir),
        },
        stdout=subprocess.PIPE if "--json" in options else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def until(true: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_an_operation_keeps_the_client_it_was_planned_with(settings: Settings, demo: DemoHandle) -> None:
    with contextlib.closing(Desk.open(settings)) as desk:
        rooms = work.dependencies_of(desk)
        client, reads = rooms.client_for(demo.clients["architect-flow"]["id"])
        assert reads.token().client_name == "architect-flow"
        assert rooms.client_for(demo.clients["architect-flow"]["id"])[0] is client  # made once
        assert rooms.tenant_key == desk.tenant.key
        with pytest.raises(NotFound, match="no secret"):
            rooms.client_for("a-client-of-yesterday")


def test_the_worker_of_one_tenant_leaves_the_windows_of_another(settings: Settings, demo: DemoHandle) -> None:
    """Demo windows in a database whose desk is configured for a real tenant, and the other way round."""
    ids = demo.on_shift(4)
    real = "api.mypurecloud.com|11111111-2222-3333-4444-555555555555"
    before = demo.updates()
    with contextlib.closing(Desk.open(settings)) as desk:
        client = str(settings.genesys_client_id)
        theirs = new_operation(inside(desk).ledger, ids[:2], tenant=real, client_id=client)
        ours = new_operation(inside(desk).ledger, ids[2:], tenant=desk.tenant.key, client_id=client)
        with a_worker(settings):
            until(lambda: desk.windows.get(ours.id).operation.state is OperationState.IN_EFFECT)
        assert inside(desk).ledger.operations.get(real, theirs.id).state is OperationState.SCHEDULED
        assert {item.apply_state for item in inside(desk).ledger.items.page(theirs.id)} == {ItemState.PENDING}
        with pytest.raises(NotFound):
            desk.windows.get(theirs.id)
    after = demo.updates()
    assert {agent for agent in after if after[agent] != before.get(agent)} == set(ids[2:])


def test_the_examples_leave_nobody_out_where_somebody_mended_the_access_first(tmp_path: Path) -> None:
    with running_demo(agents=120, rate_limit=100_000) as own:
        own.patch("/_demo/clients/architect-flow", {"add": ["wfm:schedule:update"]})
        settings = Settings(genesys_api_url=own.url, genesys_login_url=own.url, data_dir=tmp_path / "data")
        with contextlib.closing(Desk.open(settings)) as desk, a_worker(settings):
            assert desk.demo is not None
            desk.demo.make_examples()
            assert [view.operation.state for view in desk.windows.newest()] == [OperationState.ENDED_EARLY] * 2
        made = own.updates()
    assert len(made) == 4
    assert {(one["unavailable"], one["available"]) for one in made.values()} == {(2, 2)}


@pytest.mark.slow
def test_a_locked_database_is_survived_and_seen(settings: Settings, demo: DemoHandle) -> None:
    """Longer than anybody waits for a lock: nobody is sent twice, and the screens say that no worker is alive."""
    demo.patch("/_demo/settings", {"latency_ms": 400})
    ids = demo.on_shift(80)
    before = {agent: made["unavailable"] for agent, made in demo.updates().items()}

    def out() -> int:
        return sum(made["unavailable"] - before.get(agent, 0) for agent, made in demo.updates().items())

    with contextlib.closing(Desk.open(settings)) as desk, a_worker(settings) as worker:
        until(lambda: desk.health.check().worker_alive)
        operation = new_operation(inside(desk).ledger, ids, tenant=desk.tenant.key, client_id=str(settings.genesys_client_id))
        until(lambda: out() >= 5)
        holder = sqlite3.connect(settings.data_dir / "desk.sqlite", isolation_level=None, timeout=30)
        holder.execute("BEGIN IMMEDIATE")
        locked = time.monotonic()
        until(lambda: not desk.health.check().worker_alive)
        assert any("No worker is alive" in problem for problem in desk.health.check().problems)
        assert out() < len(ids), "sending went on without the ledger"
        until(lambda: time.monotonic() - locked > 12)
        holder.execute("ROLLBACK")
        holder.close()
        until(lambda: desk.windows.get(operation.id).operation.state is OperationState.IN_EFFECT)
        until(lambda: desk.health.check().worker_alive)
        assert worker.poll() is None
        assert desk.windows.get(operation.id).counts.apply[ItemState.APPLIED] == len(ids)
    demo.patch("/_demo/settings", {"latency_ms": 0})
    made = demo.updates()
    assert {agent: made[agent]["unavailable"] - before.get(agent, 0) for agent in ids} == dict.fromkeys(ids, 1)


def test_a_second_worker_waits_as_standby_and_takes_over(settings: Settings) -> None:
    def says(worker: subprocess.Popen[bytes]) -> str:
        assert worker.stdout is not None
        told = json.loads(worker.stdout.readline())
        assert told["worker"] == worker.pid
        return says(worker) if told["state"] == "starting" else str(told["state"])

    with a_worker(settings, "--json") as first, a_worker(settings, "--json") as second:
        # Which of the two gets the lock is theirs to settle.
        states = {worker: says(worker) for worker in (first, second)}
        assert sorted(states.values()) == ["standby", "working"]
        working, standby = sorted(states, key=lambda worker: states[worker], reverse=True)
        working.kill()
        assert says(standby) == "working"
        standby.terminate()
        assert says(standby) == "stopping"
        assert standby.wait(60) == 0


@pytest.mark.parametrize(
    ("state", "alive", "help_"),
    [
        (WorkerState.WORKING, True, ""),
        (WorkerState.STOPPING, True, ""),
        (WorkerState.STARTING, False, "One is starting."),
        (WorkerState.STANDBY, False, "python -m wfm worker"),  # it waits for one that works, and works itself after that
    ],
)
def test_a_worker_is_alive_once_it_has_passed_its_start(settings: Settings, state: str, alive: bool, help_: str) -> None:
    with contextlib.closing(Desk.open(settings)) as desk:
        inside(desk).ledger.workers.heartbeat("w1", desk.tenant.key, state=state, pid=1, host="h", now=datetime.now(UTC))
        health = desk.health.check()
        assert desk.health.worker_alive() is health.worker_alive is alive
        assert health.workers == int(alive)
        assert any(help_ in problem for problem in health.problems) is not alive
        inside(desk).ledger.workers.heartbeat(
            "w1", desk.tenant.key, state=state, pid=1, host="h", now=datetime.now(UTC) - timedelta(seconds=11)
        )
        assert not desk.health.worker_alive()


def test_a_worker_whose_folder_is_gone_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "FOLDER_GONE_S", 0.02)
    settings.data_dir.mkdir()
    stop = threading.Event()
    thread = threading.Thread(target=work._stop_without_folder, args=(settings.data_dir, stop), daemon=True)
    thread.start()
    assert not stop.wait(0.2)
    shutil.rmtree(settings.data_dir)
    assert stop.wait(10)
    thread.join(10)


def test_one_that_was_started_for_a_command_ends_when_nothing_is_open(settings: Settings) -> None:
    """A window that starts later keeps it; when that is cancelled it ends."""
    code = f"import wfm.cli as cli; cli.IDLE_EXIT_S = 1.0; cli.main({['worker', '--exit-when-idle']!r})"
    with contextlib.closing(Desk.open(settings)) as desk:
        later = datetime.now(UTC) + timedelta(hours=1)
        operation = new_operation(inside(desk).ledger, ["a"], tenant=desk.tenant.key, start=later)
        environment = {
            "WFM_GENESYS_API_URL": str(settings.genesys_api_url),
            "WFM_GENESYS_LOGIN_URL": str(settings.genesys_login_url),
            "WFM_GENESYS_CLIENT_ID": str(settings.genesys_client_id),
            "WFM_GENESYS_CLIENT_SECRET": settings.genesys_client_secret.get_secret_value(),  # type: ignore[union-attr]
            "WFM_DATA_DIR": str(settings.data_dir),
        }
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment})
        try:
            until(lambda: desk.health.check().worker_alive)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(3)
            inside(desk).ledger.lifecycle.request_cancel(operation.id, now=datetime.now(UTC), actor="tester")
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def test_a_chore_waits_for_the_right_to_work_and_outlives_its_faults(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    enough, working, stop = threading.Event(), threading.Event(), threading.Event()

    def chore() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise NotFound("no such thing")
        if len(done) == 2:
            raise RuntimeError("a fault of the desk")
        enough.set()

    thread = threading.Thread(target=work._now_and_then, args=(0.01, chore, working, stop), name="night", daemon=True)
    thread.start()
    assert not enough.wait(0.2)
    assert done == []  # a standby does nothing
    working.set()
    assert enough.wait(10)
    stop.set()
    thread.join(10)
    assert "night could not be done: no such thing" in caplog.text
    assert "night failed" in caplog.text
