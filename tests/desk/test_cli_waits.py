"""What a command that waits rides out, and the one sentence it ends with where something does not pass."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.damage import damage_file, fill, small_disk
from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.postgres import running_server
from wfm.cli import main
from wfm.cli_output import LOOKED_AGAIN
from wfm.desk import Desk as RealDesk
from wfm.desk.plans import Plans
from wfm.domain.people import Actor, Role
from wfm.files.plan_file import read_plan
from wfm.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FAST = "import wfm.cli_wait as waits; waits.PATIENCE_S = {patience}; from wfm.cli import main; main()"


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=240, rate_limit=100_000) as handle:
        yield handle


class Desk:
    """`python -m wfm …` on one data folder, or on one PostgreSQL database; commands run beside the test."""

    def __init__(self, demo: DemoHandle, folder: Path, database: str | None = None) -> None:
        self.demo, self.folder = demo, folder
        client = demo.clients["desk"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
        self.environment = clean | {
            "WFM_GENESYS_API_URL": demo.url,
            "WFM_GENESYS_LOGIN_URL": demo.url,
            "WFM_GENESYS_CLIENT_ID": client["id"],
            "WFM_GENESYS_CLIENT_SECRET": client["secret"],
            "WFM_DATA_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        if database is not None:
            self.environment["WFM_DATABASE_URL"] = database

    def settings(self) -> dict[str, Any]:
        client = self.demo.clients["desk"]
        return {
            "genesys_api_url": self.demo.url,
            "genesys_login_url": self.demo.url,
            "genesys_client_id": client["id"],
            "genesys_client_secret": client["secret"],
            "data_dir": self.folder,
        }

    def start(self, *words: str, patience: float | None = None) -> subprocess.Popen[str]:
        begins = ["-m", "wfm"] if patience is None else ["-c", FAST.format(patience=patience)]
        return subprocess.Popen(
            [sys.executable, *begins, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )

    def run(self, *words: str, patience: float | None = None, wait_s: float = 200) -> tuple[int, str, str]:
        """The exit code, the standard output and the standard error."""
        return ended(self.start(*words, patience=patience), wait_s)

    def plan(self, agents: list[str]) -> str:
        path = self.folder.parent / "plan.json"
        path.write_text(json.dumps({"agents": agents, "window": {"minutes": 30}}), encoding="utf-8")
        return str(path)

    def stop_worker(self) -> None:
        from wfm import processes

        noted = processes.recorded(self.folder / "worker.json")
        processes.stop(processes.find(noted, "worker", self.folder))


def ended(process: subprocess.Popen[str], wait_s: float = 200) -> tuple[int, str, str]:
    try:
        out, errors = process.communicate(timeout=wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"the command went on for ever: {out} {errors}") from None
    assert "Traceback" not in errors
    return process.returncode, out, errors


@pytest.fixture
def desk(demo: DemoHandle, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "data").mkdir()
    made = Desk(demo, tmp_path / "data")
    yield made
    made.stop_worker()


@pytest.fixture
def agents(demo: DemoHandle) -> list[str]:
    """Agents that can be taken out now. The tenant is as at first."""
    demo.post("/_demo/reset")
    demo.patch("/_demo/settings", {"latency_ms": 0})
    return demo.on_shift(40)


def made(demo: DemoHandle, kind: str) -> int:
    return sum(one[kind] for one in demo.updates().values())


def until(true: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program in the middle of a write."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield holder


def applied(desk: Desk, agents: list[str]) -> str:
    code, out, _ = desk.run("apply", desk.plan(agents), "--yes", "--json")
    assert code == 0
    return str(json.loads(out)["operation"])


# --- a store that is out of reach ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["desk.sqlite", "pacing.sqlite"])
def test_a_locked_store_is_waited_for(desk: Desk, demo: DemoHandle, agents: list[str], file: str) -> None:
    """Longer than the ten seconds that the database itself waits."""
    first = applied(desk, agents[:1])  # so that the files are there
    with locked(desk.folder / file) as holder:
        threading.Timer(14.0, holder.execute, ["ROLLBACK"]).start()
        code, out, errors = desk.run("apply", desk.plan(agents[1:4]), "--yes", "--json")
    assert (code, json.loads(out)["applied"]) == (0, 3), errors
    assert "Nothing was written" not in out + errors
    assert desk.run("restore", first)[0] == 0


def test_a_store_that_stays_locked_ends_in_one_sentence(desk: Desk, agents: list[str]) -> None:
    operation = applied(desk, agents[:3])
    with locked(desk.folder / "desk.sqlite"):
        code, out, errors = desk.run("restore", operation, patience=0.5)
        assert (code, out) == (3, "")
        assert re.fullmatch(
            rf"The desk's database \S+desk\.sqlite is locked by another program, for 0 s by now: operation {operation} is "
            rf"kept, and this continues it: .* -m wfm restore {operation}\n",
            errors,
        )
        code, out, _ = desk.run("restore", operation, "--json", patience=0.5)
        said = json.loads(out)
        assert (code, said["operation"], said["reason"]) == (3, operation, "unfinished")
        assert said["command"].endswith(f"-m wfm restore {operation}")
    shown = subprocess.run(said["command"], shell=True, env=desk.environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr


def test_an_apply_without_an_answer_says_how_to_know(
    desk: Desk, demo: DemoHandle, agents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is locked after the preview: whether the operation was made is not known by who got no answer."""
    really = Plans.apply
    with contextlib.ExitStack() as stack:

        def apply(self: Plans, *given: Any, **more: Any) -> Any:
            if not held:
                held.append(stack.enter_context(locked(desk.folder / "desk.sqlite")))
            return really(self, *given, **more)

        held: list[sqlite3.Connection] = []
        monkeypatch.setattr(Plans, "apply", apply)
        monkeypatch.setattr("wfm.cli_wait.PATIENCE_S", 0.5)
        for name, value in desk.environment.items():
            monkeypatch.setenv(name, value)
        plan = Path(desk.plan(agents[:2]))
        monkeypatch.chdir(plan.parent)
        said = CliRunner().invoke(main, ["apply", plan.name, "--yes", "--json"])
    answer = json.loads(said.stdout)
    assert (said.exit_code, answer["reason"], answer["operation"]) == (3, "unfinished", None)
    assert "Nothing was written" not in answer["error"]
    assert "whether the operation was made is not known, and this tells:" in answer["error"]
    assert answer["command"].endswith(f"-m wfm apply {plan} --yes")
    shown = subprocess.run(answer["command"], shell=True, env=desk.environment, capture_output=True, text=True, check=False)
    assert (shown.returncode, "2 applied" in shown.stdout) == (0, True), shown.stderr


@pytest.mark.postgres
def test_a_restart_of_postgres_is_ridden_out(demo: DemoHandle, agents: list[str], tmp_path: Path) -> None:
    """While agents go out and while they come back. Workers lose their session, and whoever runs them starts them again."""
    demo.patch("/_demo/settings", {"latency_ms": 150})
    with running_server() as server:
        desk = Desk(demo, tmp_path, server.get_uri())
        with kept_up(desk):
            command = desk.start("apply", desk.plan(agents), "--yes", "--json")
            until(lambda: made(demo, "unavailable") >= 12)
            server.stop()
            time.sleep(3.0)
            server.start()
            code, out, errors = ended(command)
            said = json.loads(out)
            assert said["state"] == "in effect", (out, errors)
            assert "Nothing was written" not in out + errors
            assert (code, said["failed"], said["unconfirmed"]) == (0, 0, 0), (out, errors)
            command = desk.start("restore", said["operation"], "--json")
            until(lambda: made(demo, "available") >= 5)
            server.stop()
            time.sleep(1.0)
            server.start()
            code, out, errors = ended(command)
            assert json.loads(out).get("operation") == said["operation"], (out, errors)
            assert "Nothing was written" not in out + errors
    updates = demo.updates()
    assert all(one["unavailable"] <= 1 and one["available"] <= 1 for one in updates.values())


@pytest.mark.postgres
def test_a_postgres_that_stays_away_names_what_goes_on(demo: DemoHandle, agents: list[str], tmp_path: Path) -> None:
    demo.patch("/_demo/settings", {"latency_ms": 150})
    with running_server() as server:
        desk = Desk(demo, tmp_path, server.get_uri())
        with kept_up(desk):
            command = desk.start("apply", desk.plan(agents), "--yes", "--json", patience=2.0)
            until(lambda: made(demo, "unavailable") >= 12)
            server.stop()
            code, out, errors = ended(command)
            said = json.loads(out)
            assert (code, said["reason"]) == (3, "unfinished"), errors
            assert "Nothing was written" not in out + errors
            assert said["command"].endswith(f"-m wfm wait {said['operation']}")
            assert "doesn't answer, for 2 s by now: operation" in said["error"]
            assert said["operation"] in said["error"]
            server.start()
            code, out, errors = desk.run("wait", said["operation"], "--json")
            assert json.loads(out)["state"] == "in effect", errors


@contextlib.contextmanager
def kept_up(desk: Desk) -> Iterator[None]:
    """A worker, started again whenever it ends, as a service manager does."""
    over, log = threading.Event(), desk.folder / "kept-up.log"
    held: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        while not over.is_set():
            with log.open("ab") as out:
                words = [sys.executable, "-m", "wfm", "worker", "--json"]
                held.append(subprocess.Popen(words, stdout=out, stderr=out, env=desk.environment))
            held[-1].wait()
            over.wait(0.5)

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        until(lambda: log.exists() and '"working"' in log.read_text())
        yield
    finally:
        over.set()
        for process in held:
            process.kill()
        keeper.join(10)


# --- a worker that can't start ---------------------------------------------------------------------------------------


def test_a_worker_that_never_starts_is_told_with_its_reason(desk: Desk, demo: DemoHandle, agents: list[str]) -> None:
    (desk.folder / "engine.sqlite").mkdir()
    begun = time.monotonic()
    code, out, errors = desk.run("apply", desk.plan(agents[:3]), "--yes", "--json")
    assert time.monotonic() - begun < 150
    said = json.loads(out)
    assert (code, said["reason"]) == (3, "unfinished")
    assert re.search(
        r"The worker was started 3 times and did not work \(its log, \S+worker\.log, ends with “The engine's database "
        rf"\S+engine\.sqlite can't be used: .*”\): operation {said['operation']} is kept, and this continues it: "
        rf".* -m wfm wait {said['operation']}$",
        said["error"],
    )
    assert (desk.folder / "worker.log").read_text().count("--- started worker") == 3
    assert made(demo, "unavailable") == 0
    (desk.folder / "engine.sqlite").rmdir()
    code, out, errors = desk.run("wait", said["operation"])
    assert (code, "3 applied" in out) == (0, True), errors
    assert desk.run("restore", said["operation"])[0] == 0


def test_a_fault_that_does_not_pass_names_the_operation_too(desk: Desk, agents: list[str]) -> None:
    (desk.folder / "worker.log").mkdir()
    code, out, _ = desk.run("apply", desk.plan(agents[:1]), "--yes", "--json")
    said = json.loads(out)
    assert (code, said["reason"]) == (3, "unfinished")
    assert "worker.log can't be written: Is a directory: operation " in said["error"]
    (desk.folder / "worker.log").rmdir()
    assert desk.run("restore", said["operation"])[0] == 0


def test_damaged_files_without_facts_are_named_and_nobody_stays_out(desk: Desk, demo: DemoHandle, agents: list[str]) -> None:
    operation = applied(desk, agents[:3])
    desk.stop_worker()
    damage_file(desk.folder / "engine.sqlite", "garbage")
    damage_file(desk.folder / "pacing.sqlite", "another type of file")
    code, out, errors = desk.run("restore", operation)
    assert (code, "3 restored" in out) == (0, True), errors
    for name in ("engine.sqlite", "pacing.sqlite"):
        assert errors.count(f"{name} was damaged. It is kept as") == 1
    assert demo.updates() == {agent: {"unavailable": 1, "available": 1} for agent in agents[:3]}
    code, out, errors = desk.run("runs")
    assert (code, "was damaged" in errors) == (0, False)  # said once


# --- a disk that is full ---------------------------------------------------------------------------------------------


def test_a_full_disk_never_ends_in_a_traceback(demo: DemoHandle, agents: list[str], tmp_path: Path) -> None:
    """First as everything is begun on it, then under an operation that is there already."""
    with small_disk(tmp_path / "disk", 12_000) as disk:
        desk = Desk(demo, disk)
        (disk / "filler").touch()
        try:
            fill(disk)
            code, out, errors = desk.run("apply", desk.plan(agents[:3]), "--yes", patience=0.5)
            assert code == 3
            assert re.fullmatch(r".*the disk is full.*\n", errors)
            (disk / "filler").unlink()
            operation = applied(desk, agents[:3])
            desk.stop_worker()
            fill(disk)
            code, out, errors = desk.run("restore", operation, patience=0.5)
            assert code == 3
            assert re.fullmatch(rf".*the disk is full, for 0 s by now: operation {operation} is kept.*\n", errors), errors
            (disk / "filler").unlink()
            code, out, errors = desk.run("restore", operation)
            assert (code, "3 restored" in out) == (0, True), errors
        finally:
            desk.stop_worker()


# --- the second look -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "code"), [(1, 0), (2, 4)])
def test_a_second_look_that_differs_is_looked_at_once_more(
    desk: Desk, demo: DemoHandle, agents: list[str], monkeypatch: pytest.MonkeyPatch, changes: int, code: int
) -> None:
    """Nobody has seen the plan but the command. It says what differed, and gives up where no two looks agree."""
    looks: list[str] = []
    really = Plans.apply

    def apply(self: Plans, *given: Any, **more: Any) -> Any:
        if len(looks) < changes:
            demo.post("/_demo/schedules/republish")
        looks.append(more["request_token"])
        return really(self, *given, **more)

    monkeypatch.setattr(Plans, "apply", apply)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(main, ["apply", desk.plan(agents[:3]), "--yes", "--json"])
    assert said.exit_code == code, said.output
    answer = json.loads(said.stdout)
    assert len(looks) == 2
    assert len(set(looks)) == 1  # one token: never two operations
    if code:
        assert (answer["reason"], answer["state"], answer["applied"]) == ("stale", "refused", 0)
        assert any("republished" in line for line in answer["differences"])
        assert made(demo, "unavailable") == 0
    else:
        assert answer["applied"] == 3
        assert any("republished" in line for line in answer["looked_again"])
    if not code:
        assert desk.run("restore", answer["operation"])[0] == 0


def test_people_read_what_differed(desk: Desk, demo: DemoHandle, agents: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    really = Plans.apply

    def apply(self: Plans, *given: Any, **more: Any) -> Any:
        monkeypatch.setattr(Plans, "apply", really)
        demo.post("/_demo/schedules/republish")
        return self.apply(*given, **more)

    monkeypatch.setattr(Plans, "apply", apply)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(main, ["apply", desk.plan(agents[:1]), "--yes"])
    assert (said.exit_code, "1 applied" in said.stdout) == (0, True)
    assert said.stderr.splitlines()[0] == LOOKED_AGAIN
    assert "  · the schedule was republished or edited: " in said.stderr


def test_a_second_try_after_a_lost_answer_makes_no_second_operation(desk: Desk, agents: list[str]) -> None:
    """The ledger has the operation, but its answer never came: agents held by it would make the plan another one."""
    with contextlib.closing(RealDesk.open(Settings(**desk.settings()))) as opened:
        request = read_plan(json.dumps({"agents": agents[:2], "window": {"minutes": 30}}))
        found = opened.plans.preview(request)
        actor = Actor(subject="os:t", name="t", role=Role.ADMIN)
        first = opened.plans.apply(request, found.plan_id, actor=actor, request_token="one")
        again = opened.plans.apply(request, found.plan_id, actor=actor, request_token="one")
        assert again.id == first.id
        assert len(opened.windows.newest()) == 1
        opened.windows.cancel(first.id, actor)
