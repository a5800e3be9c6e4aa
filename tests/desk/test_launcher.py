"""What runs beside the dashboard: found again, taken over, replaced, ended; never somebody else's process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.damage import fill, small_disk
from wfm import launcher, logs
from wfm import processes as known_processes
from wfm.domain.errors import DeskError, StoreFault
from wfm.launcher import ensure_demo, ensure_worker
from wfm.processes import STARTED_FOR, stop
from wfm.settings import Settings
from wfm.stores import PassingFault

DEMO = "http://127.0.0.1:8808"
SLEEP = "import time; time.sleep(300)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(300)"


class Processes:
    """Processes that sleep under the command line of a worker; all ended after the test."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []
        self.commands: list[list[str]] = []

    def start(self, *words: str, folder: Path | None = None, code: str = SLEEP) -> int:
        mark = {} if folder is None else {STARTED_FOR: str(folder.absolute())}
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], env={**os.environ, **mark}, stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process.pid

    def alive(self, pid: int) -> bool:
        return any(process.pid == pid and process.poll() is None for process in self.started)

    def end(self) -> None:
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """What the launcher spawns sleeps here instead."""
    group = Processes()

    def spawn(arguments: list[str], log_file: Path, settings: Settings) -> subprocess.Popen[str]:
        group.commands.append(arguments)
        log_file.write_text(json.dumps({"api": f"http://127.0.0.1:{arguments[2]}"}) + "\n" if "--port" in arguments else "")
        group.start("-m", "wfm", *arguments, folder=settings.data_dir)
        return group.started[-1]

    monkeypatch.setattr(launcher, "_spawn", spawn)
    yield group
    group.end()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return a_desk(tmp_path)


def a_desk(folder: Path, tenant: str = DEMO) -> Settings:
    return Settings(data_dir=folder, genesys_api_url=tenant, genesys_login_url=tenant)


def recorded(settings: Settings) -> dict[str, object]:
    found: dict[str, object] = json.loads((settings.data_dir / "worker.json").read_text())
    return found


# --- the worker ------------------------------------------------------------------------------------------------------


def test_a_worker_is_started_once_and_taken_over(settings: Settings, processes: Processes) -> None:
    pid = ensure_worker(settings)
    assert recorded(settings) == {"pid": pid, "tenant": DEMO, "created": created(pid)}
    assert ensure_worker(settings) == pid
    assert processes.commands == [["worker"]]


def test_a_worker_that_died_is_replaced(settings: Settings, processes: Processes) -> None:
    first = ensure_worker(settings)
    processes.started[0].kill()
    processes.started[0].wait(10)
    second = ensure_worker(settings)
    assert second != first
    assert recorded(settings)["pid"] == second


def test_the_worker_of_another_tenant_is_ended_first(settings: Settings, processes: Processes, tmp_path: Path) -> None:
    """One data folder, now configured for another tenant: the windows of the first one wait."""
    first = ensure_worker(settings)
    assert first is not None
    second = ensure_worker(a_desk(tmp_path, "http://127.0.0.1:9999"))
    assert second is not None
    assert not processes.alive(first)
    assert processes.alive(second)
    assert recorded(settings) == {"pid": second, "tenant": "http://127.0.0.1:9999", "created": created(second)}


@pytest.mark.parametrize(
    ("words", "same_folder"),
    [
        (("some", "editor"), True),  # the id went to something else
        (("-m", "wfm", "demo-tenant"), True),  # … to another process of ours
        (("-m", "wfm", "worker"), False),  # … to the worker of another data folder
    ],
)
def test_a_process_id_used_again_is_left_alone(
    settings: Settings, processes: Processes, tmp_path: Path, words: tuple[str, ...], same_folder: bool
) -> None:
    stranger = processes.start(*words, folder=tmp_path if same_folder else tmp_path / "another")
    for tenant in (DEMO, "http://127.0.0.1:9999"):
        (tmp_path / "worker.json").write_text(json.dumps({"pid": stranger, "tenant": tenant}))
        assert ensure_worker(settings) != stranger
    assert processes.alive(stranger)


@pytest.mark.parametrize(
    ("words", "folder"), [(("some", "editor"), "another"), (("-m", "wfm", "worker"), ".")], ids=["a stranger", "a worker"]
)
def test_an_id_used_again_is_known_by_the_time_of_creation(
    settings: Settings, processes: Processes, tmp_path: Path, words: tuple[str, ...], folder: str
) -> None:
    """Whatever it looks like, and where a system tells neither its command line nor its environment."""
    first = ensure_worker(settings)
    record = recorded(settings)
    later = processes.start(*words, folder=(tmp_path / folder).resolve())
    (tmp_path / "worker.json").write_text(json.dumps(record | {"pid": later, "created": created(later) - 3_600}))
    assert ensure_worker(a_desk(tmp_path, "http://127.0.0.1:9999")) not in (first, later)
    assert processes.alive(later)


@pytest.mark.parametrize("ours", [True, False])
def test_a_record_of_an_earlier_version_is_known_by_its_mark(
    settings: Settings, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    """It holds no time of creation. That works without /proc too: there a stranger's process was taken for ours."""
    there = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: not str(path).startswith("/proc") and there(path))
    other = processes.start(*(("-m", "wfm", "worker") if ours else ("some", "editor")), folder=tmp_path)
    (tmp_path / "worker.json").write_text(json.dumps({"pid": other, "tenant": "http://127.0.0.1:9999"}))
    assert ensure_worker(settings) != other
    assert processes.alive(other) is not ours  # one that is ours works for another tenant, and is ended


def test_who_ended_meanwhile_and_whose_id_was_used_again_is_not_stopped(settings: Settings, processes: Processes) -> None:
    """Days may pass between a start and the stop. What is held is the process, not its number."""
    held = known_processes.by_id(ensure_worker(settings))
    assert held is not None
    processes.started[0].kill()
    processes.started[0].wait(10)
    stranger = processes.start("some", "editor")
    for part in (held, vars(held)["_proc"]):  # the system gives the number to somebody else
        setattr(part, "pid" if part is not held else "_pid", stranger)
    stop(held)
    assert processes.alive(stranger)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": "x"}', '{"pid": null}'])
def test_a_broken_record_starts_a_worker(settings: Settings, processes: Processes, record: str) -> None:
    (settings.data_dir / "worker.json").write_text(record)
    assert processes.alive(ensure_worker(settings) or 0)


# --- the demo tenant -------------------------------------------------------------------------------------------------


def a_demo_desk(folder: Path, port: int) -> Settings:
    return Settings(data_dir=folder, demo_port=port)


def test_the_demo_tenant_keeps_its_port(tmp_path: Path, processes: Processes) -> None:
    """Its address is part of the tenant's key: on another port its history would be another tenant's."""
    known = free_port()
    (tmp_path / "demo-tenant.json").write_text(json.dumps({"api": f"http://127.0.0.1:{known}", "pid": 999_999_999}))
    url, pid = ensure_demo(a_demo_desk(tmp_path, 0))
    assert url == f"http://127.0.0.1:{known}"
    assert processes.alive(pid or 0)
    assert processes.commands[0][:5] == ["demo-tenant", "--port", str(known), "--agents", "240"]
    assert processes.commands[0][5:] == ["--state", str(tmp_path / "demo-tenant.state")]
    assert json.loads((tmp_path / "demo-tenant.json").read_text()) == {"api": url, "pid": pid, "created": created(pid)}


def test_a_port_in_use_is_left_for_a_free_one(tmp_path: Path, processes: Processes) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ensure_demo(a_demo_desk(tmp_path, taken.getsockname()[1]))
    assert processes.commands[0][:3] == ["demo-tenant", "--port", "0"]


def test_a_demo_tenant_that_answers_is_taken_over(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = a_demo_desk(tmp_path, 0)
    first = ensure_demo(settings)
    monkeypatch.setattr(launcher, "_answers", lambda url: True)
    assert ensure_demo(settings) == first
    assert len(processes.commands) == 1


def test_a_demo_tenant_that_is_busy_is_waited_for(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one could not use the state file of the first."""
    settings = a_demo_desk(tmp_path, 0)
    first = ensure_demo(settings)
    answers = iter([False, False, True])
    monkeypatch.setattr(launcher, "_answers", lambda url: next(answers))
    assert ensure_demo(settings) == first
    assert len(processes.commands) == 1


def test_a_demo_tenant_that_ends_meanwhile_is_started_again(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = a_demo_desk(tmp_path, 0)
    _, pid = ensure_demo(settings)
    assert pid is not None

    def answers(url: str) -> bool:
        stop(pid)
        return False

    monkeypatch.setattr(launcher, "_answers", answers)
    assert ensure_demo(settings)[1] != pid
    assert len(processes.commands) == 2


def test_the_demo_tenant_of_another_desk_is_not_ours(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took our port while we were away. It is neither used nor, at the end, stopped."""
    stranger = processes.start("-m", "wfm", "demo-tenant", folder=tmp_path / "another")
    monkeypatch.setattr(launcher, "_answers", lambda url: True)
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        address = f"http://127.0.0.1:{theirs.getsockname()[1]}"
        (tmp_path / "demo-tenant.json").write_text(json.dumps({"api": address, "pid": stranger}))
        url, pid = ensure_demo(a_demo_desk(tmp_path, 0))
    assert url != address
    assert pid != stranger
    assert processes.alive(stranger)


def test_a_demo_tenant_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spawn(arguments: list[str], log_file: Path, settings: Settings) -> subprocess.Popen[bytes]:
        with log_file.open("wb") as out:
            return subprocess.Popen([sys.executable, "-c", "print('no room for 240 agents')"], stdout=out)

    monkeypatch.setattr(launcher, "_spawn", spawn)
    with pytest.raises(DeskError, match="did not start: no room for 240 agents"):
        ensure_demo(a_demo_desk(tmp_path, 0))


# --- what is left on the disk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["worker.log", "worker.json"])
def test_a_disk_without_room_is_told_and_leaves_nothing_running(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        settings = a_desk(disk)
        before = ensure_worker(settings)
        record = (disk / "worker.json").read_bytes()
        processes.started[0].kill()
        processes.started[0].wait(10)
        if what == "worker.log":
            monkeypatch.undo()  # the real log of a real process
        filler = fill(disk)
        with pytest.raises(PassingFault, match=rf"{what} can't be written: the disk is full\. Free some space"):
            ensure_worker(settings)
        assert (disk / "worker.json").read_bytes() == record  # what was noted is whole
        assert not any(processes.alive(process.pid) for process in processes.started)
        filler.unlink()
        if what == "worker.json":
            after = ensure_worker(settings)
            assert after != before
            assert processes.alive(after or 0)


def test_a_demo_tenant_without_room_is_told(tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        ensure_demo(a_demo_desk(disk, 0))
        processes.started[0].kill()
        processes.started[0].wait(10)
        fill(disk)
        with pytest.raises(PassingFault, match=r"demo-tenant\.json can't be written: the disk is full"):
            ensure_demo(a_demo_desk(disk, 0))
        assert not any(processes.alive(process.pid) for process in processes.started)
        (disk / "demo-tenant.log").unlink()
        fill(disk, "more")
        monkeypatch.undo()
        with pytest.raises(PassingFault, match=r"demo-tenant\.log can't be written: the disk is full"):
            ensure_demo(a_demo_desk(disk, 0))


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "worker.log").mkdir()
    with pytest.raises(StoreFault, match=r"worker\.log can't be written: Is a directory") as refused:
        ensure_worker(a_desk(tmp_path))
    assert not isinstance(refused.value, PassingFault)


def test_a_crash_loop_leaves_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start is a line, what was said before stays, and nothing grows for ever."""
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 2_000)
    log = tmp_path / "worker.log"
    for number in range(200):
        with logs.open_log(log, "worker") as out:
            out.write(f"Traceback …\n  somewhere\nRuntimeError: crash {number}\n\n".encode())
        assert logs.last_words(log) == f"RuntimeError: crash {number}"
    assert log.read_text().count("--- started worker") > 1
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3"]
    assert all(file.stat().st_size < 2_200 for file in files)
    told = "".join(file.read_text() for file in reversed(files))
    assert "crash 150" in told
    assert told.index("crash 150") < told.index("crash 199")


def test_the_output_of_a_process_moves_on_with_its_log(tmp_path: Path) -> None:
    """A worker runs for months: its log is bounded while it runs, and its last words stand in the file in use."""
    code = """
import logging, sys
from pathlib import Path
from wfm import logs
logs.MAX_LOG_BYTES = 3_000
logs.set_up()
for number in range(300):
    logging.getLogger("somebody").info("line %d", number)
print("said on the standard output", flush=True)
raise RuntimeError("last words")
"""
    log = tmp_path / "worker.log"
    with logs.open_log(log, "worker") as out:
        environment = {**os.environ, logs.LOG_FILE: str(log), "PYTHONPATH": str(launcher.ROOT)}
        done = subprocess.run([sys.executable, "-c", code], stdout=out, stderr=out, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    assert logs.last_words(log) == "RuntimeError: last words"
    assert "said on the standard output" in log.read_text()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3"]
    assert all(file.stat().st_size <= 4_000 for file in files)


# --- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alive_before", [True, False])
def test_a_command_leaves_behind_what_was_there_before(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch, alive_before: bool
) -> None:
    settings = a_demo_desk(tmp_path, 0)
    (tmp_path / "demo-tenant.json").write_text(json.dumps({"api": f"http://127.0.0.1:{free_port()}", "pid": 999_999_999}))
    before = ensure_worker(settings) if alive_before else None
    with launcher.temporary_demo_tenant(settings):
        worker = ensure_worker(settings)
        demo = json.loads((tmp_path / "demo-tenant.json").read_text())["pid"]
        assert processes.alive(demo)
        assert before in (None, worker)
    assert not processes.alive(demo)
    assert processes.alive(worker or 0) is alive_before


def test_the_command_that_is_told_can_be_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(launcher.ROOT / ".venv"))
    monkeypatch.chdir(launcher.ROOT)
    if Path(sys.prefix, "bin", "python").exists():
        assert launcher.command_line(Settings()) == ".venv/bin/python -m wfm"
        elsewhere = launcher.command_line(Settings(data_dir=Path("my data")))
        assert elsewhere == "WFM_DATA_DIR='my data' .venv/bin/python -m wfm"
    monkeypatch.chdir(tmp_path)
    told = launcher.command_line(Settings())
    assert told.startswith(f"cd {launcher.ROOT} && WFM_DATA_DIR={tmp_path / '.data'} /")
    assert told.endswith(" -m wfm")


def test_who_does_not_end_when_asked_is_ended(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_processes, "STOP_TIMEOUT_S", 0.3)
    pid = processes.start(code=STUBBORN)
    out = processes.started[0].stdout
    assert out is not None
    assert out.readline() == "ready\n"
    stop(pid)
    assert processes.started[0].wait(10) in (-signal.SIGKILL, 0)  # 0: its end was already heard of
    assert not exists(pid)


def test_stopping_what_is_gone_is_nothing() -> None:
    begun = time.monotonic()
    stop(999_999_999)
    assert time.monotonic() - begun < known_processes.STOP_TIMEOUT_S  # nobody to wait for


def created(pid: int | None) -> float:
    return psutil.Process(pid).create_time()


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
