"""`make run` in real life: killed, started again, stopped with agents out, and overdue at the next start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.conftest import ROOT, RunningDesk, running_desk
from wfm import processes
from wfm.desk import Desk
from wfm.desk.tenant_lookup import endpoint_of
from wfm.domain.operations import OperationState
from wfm.ledger import Ledger
from wfm.settings import Settings, load

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0


class House:
    """A data folder, the desks that run on it one after the other, and what a person at a terminal does beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("WFM_", "STREAMLIT_"))}
        self.environment |= {"WFM_DATA_DIR": str(folder), "WFM_DEMO_PORT": "0", "PYTHONPATH": str(ROOT)}

    def pid(self, name: str) -> int:
        return int(json.loads((self.folder / name).read_text())["pid"])

    @property
    def demo(self) -> str:
        return str(json.loads((self.folder / "demo-tenant.json").read_text())["api"])

    def ask(self, path: str) -> Any:
        return httpx.get(f"{self.demo}{path}", timeout=10).raise_for_status().json()

    def mend(self) -> None:
        scopes = {"add": ["wfm:schedule:update"]}
        httpx.patch(f"{self.demo}/_demo/clients/architect-flow", json=scopes, timeout=10).raise_for_status()

    def hurry(self) -> None:
        """No rate limit that this test would have to wait for."""
        httpx.patch(f"{self.demo}/_demo/settings", json={"rate_limit": 100_000}, timeout=10).raise_for_status()

    def ready(self, count: int) -> list[str]:
        _, found = self.wfm("preview", self.plan([agent["id"] for agent in self.ask("/_demo/agents")["agents"]]))
        # The last ones: the examples of a fresh demo tenant, which may run at any moment, take the first.
        return [row["id"] for row in found["agents"]["ready"] if row["fate"] == "ready"][-count:]

    def plan(self, agents: list[str]) -> str:
        path = self.folder / "plan.json"
        path.write_text(json.dumps({"agents": agents, "window": {"minutes": 45}}))
        return str(path)

    def take_out(self, agents: list[str]) -> str:
        code, said = self.wfm("apply", self.plan(agents), "--yes")
        assert (code, said["state"], said["applied"]) == (0, "in effect", len(agents)), said
        return str(said["operation"])

    def wfm(self, *words: str) -> tuple[int, Any]:
        command = [sys.executable, "-m", "wfm", *words, "--json"]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def updates(self, agent: str) -> dict[str, int]:
        made: dict[str, int] = self.ask("/_demo/updates").get(agent, {"unavailable": 0, "available": 0})
        return made

    def end_window(self, operation_id: str) -> None:
        """Time passes while everything is stopped: the window's end is now behind us."""
        with contextlib.closing(self.ledger()) as ledger:
            now = datetime.now(UTC)
            ledger.lifecycle.revise_window(operation_id, end=now + timedelta(milliseconds=20), now=now, actor="the clock")
        time.sleep(0.05)

    def ledger(self) -> Ledger:
        return Ledger(f"sqlite:///{self.folder / 'desk.sqlite'}")

    def state(self, operation_id: str) -> OperationState:
        with contextlib.closing(Desk.open(Settings(data_dir=self.folder))) as desk:
            return desk.windows.get(operation_id).operation.state


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    for name in ("worker.json", "demo-tenant.json"):
        if (tmp_path / name).exists():
            processes.stop(made.pid(name))


def test_killed_started_again_stopped_and_overdue(house: House) -> None:
    with running_desk(house.folder, WFM_DEMO_AGENTS="60") as desk:
        worker, demo = house.pid("worker.json"), house.pid("demo-tenant.json")
        house.hurry()
        house.mend()
        first, *others = house.ready(6)
        early = house.take_out([first])
        kill(desk)
        # Without the dashboard the worker works on.
        late = house.take_out(others)
        assert alive(worker)
        assert house.pid("worker.json") == worker

    with running_desk(house.folder, WFM_DEMO_AGENTS="60") as desk:
        assert (house.pid("worker.json"), house.pid("demo-tenant.json")) == (worker, demo)
        code, _ = house.wfm("restore", early)
        assert code == 0
        said = desk.stop()
    assert "5 agents stay out for" in said
    told = next(line for line in said.splitlines() if "5 agents stay out for" in line)
    command = told.split("Restore them now: ")[1]
    assert command.endswith(f"python -m wfm restore {late}")
    assert "At the next start overdue restores run first." in said
    assert early not in said
    assert not alive(worker)
    assert not alive(demo)

    address = house.demo
    # The command that was told works as it stands, although everything is stopped, and leaves it so.
    back = subprocess.run(
        command.replace(late, f"{late} --json"),
        shell=True,
        cwd=ROOT,
        env=house.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["restored"] == 5
    assert not alive(house.pid("demo-tenant.json"))
    assert not alive(house.pid("worker.json"))

    with running_desk(house.folder, WFM_DEMO_AGENTS="60") as desk:
        assert house.demo == address
        house.hurry()
        late = house.take_out(others)
        desk.stop()
    house.end_window(late)
    with running_desk(house.folder, WFM_DEMO_AGENTS="60") as desk:
        assert house.demo == address  # the same tenant, with what it knew
        house.hurry()
        until(lambda: house.state(late) is OperationState.RESTORED)
        assert house.updates(first) == {"unavailable": 1, "available": 1}
        assert {agent: house.updates(agent) for agent in others} == {
            agent: {"unavailable": 2, "available": 2} for agent in others
        }
        # A power cut: everything at once.
        for pid in (house.pid("worker.json"), house.pid("demo-tenant.json")):
            os.kill(pid, signal.SIGKILL)
        kill(desk)

    with running_desk(house.folder, WFM_DEMO_AGENTS="60") as desk:
        assert house.demo == address
        house.hurry()
        assert house.updates(first) == {"unavailable": 1, "available": 1}
        assert house.take_out([first])  # the mended scope was kept too
        assert house.updates(first) == {"unavailable": 2, "available": 1}
        assert "1 agent stays out for" in desk.stop()


def test_the_port_is_the_makefile_s_to_set() -> None:
    told = subprocess.run(["make", "-n", "run", "PORT=9017"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "streamlit run app.py --server.port 9017" in told
    by_default = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--server.port 8501" in by_default


def test_make_takes_the_first_python_that_fits(tmp_path: Path) -> None:
    for name, script in (("python3", "exit 1"), ("python", "exit 1"), ("python3.14", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHON", None)
    told = subprocess.run(
        ["make", "-n", "run", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f'"python3.14" -m venv --clear {tmp_path / "venv"}' in told


@pytest.mark.parametrize("region", ["us_east_1", "us-east-1", "mypurecloud.com", "US-East-1", "https://api.mypurecloud.com"])
def test_a_region_may_be_spelled_as_people_know_it(region: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WFM_GENESYS_REGION", region)
    monkeypatch.setenv("WFM_GENESYS_CLIENT_ID", "client")
    monkeypatch.setenv("WFM_GENESYS_CLIENT_SECRET", "secret")
    assert endpoint_of(load()).api_url == "https://api.mypurecloud.com"


def kill(desk: RunningDesk) -> None:
    desk.process.kill()
    desk.process.wait(10)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)
