"""Starts and stops what the desk needs beside itself: the demo tenant and, with the embedded database, a worker.

Both run in sessions of their own, so that a killed dashboard leaves them working; the next start finds them and
takes them over. A proper stop ends what this data folder's launcher started and says who stays out until when.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from wfm.domain.errors import DeskError
from wfm.domain.operations import OPEN_STATES, OperationState
from wfm.domain.plans import RouteName
from wfm.settings import Settings

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
LOOKS = 20
STARTED_FOR = "DESK_STARTED_FOR"
"""In the environment of what is started: the data folder that it belongs to."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Started:
    """What runs beside the dashboard: addresses and process ids, None where nothing had to be started."""

    demo_url: str | None
    demo_pid: int | None
    worker_pid: int | None


@contextlib.contextmanager
def started(settings: Settings, *, examples: bool = True) -> Iterator[Started]:
    """Everything that the dashboard needs, for as long as it runs. Raises DeskError with a sentence."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    demo_url, demo_pid = (None, None) if settings.tenant_configured else ensure_demo(settings)
    worker_pid = ensure_worker(settings) if settings.embedded and _may_work(settings) else None
    stopping = threading.Event()
    if examples and demo_url is not None:
        threading.Thread(target=_examples, args=(settings, stopping), name="examples", daemon=True).start()
    try:
        yield Started(demo_url, demo_pid, worker_pid)
    finally:
        stopping.set()
        for line in farewell(settings):
            print(line, file=sys.stderr, flush=True)
        for pid in (worker_pid, demo_pid):
            if pid is not None:
                stop(pid)


def ensure_demo(settings: Settings) -> tuple[str, int | None]:
    """The address and process id of this data folder's demo tenant, started if it does not answer.

    The address is part of the tenant's key, so the port it had before is taken again where it is free.
    """
    known, pid = settings.demo_url(), _read_json(settings.demo_file).get("pid")
    # Another desk's demo tenant may have taken the address meanwhile: its agents and clients are not ours.
    if known is not None and _is_ours(pid, "demo-tenant", settings) and _answers(known):
        return known, pid
    last_port = int(known.rsplit(":", 1)[-1]) if known else settings.demo_port
    port = next((wanted for wanted in (last_port, settings.demo_port) if wanted and _free(wanted)), 0)
    log_file = settings.data_dir / "demo-tenant.log"
    command = ["demo-tenant", "--port", str(port), "--agents", str(settings.demo_agents)]
    process = _spawn([*command, "--state", str(settings.demo_state_file)], log_file, settings)
    import_module("wfm.desk")  # a second's work that is needed next: done while the demo tenant starts
    line = _first_line(process, log_file)
    url = str(json.loads(line)["api"])
    settings.demo_file.write_text(json.dumps({"api": url, "pid": process.pid}), encoding="utf-8")
    return url, process.pid


@contextlib.contextmanager
def demo_for_a_while(settings: Settings) -> Iterator[None]:
    """The demo tenant of this data folder for the length of a command, started where it was stopped with its desk.

    What it was started for is ended with it, a worker too, but for one that was alive before. Nothing happens where another
    tenant is configured, where it runs, and where it never ran. Raises DeskError.
    """
    known = settings.demo_url()
    if settings.tenant_configured or known is None or _answers(known):
        yield
        return
    before = _worker_pid(settings)
    _, pid = ensure_demo(settings)
    try:
        yield
    finally:
        worker = _worker_pid(settings)
        if worker is not None and worker != before:
            stop(worker)
        if pid is not None and _is_ours(pid, "demo-tenant", settings):
            stop(pid)


def _worker_pid(settings: Settings) -> int | None:
    """The worker that was started for this data folder, where it is alive."""
    pid = _read_json(settings.data_dir / "worker.json").get("pid")
    return pid if isinstance(pid, int) and _is_ours(pid, "worker", settings) else None


def ensure_worker(settings: Settings, *options: str) -> int | None:
    """The process id of a live worker of this data folder and tenant; one is started when none is alive.

    One worker works on an embedded database, so one that was left for another tenant is ended first: that tenant's
    windows wait, as they do whenever its desk is stopped.
    """
    from wfm.desk.core import endpoint_of

    record = settings.data_dir / "worker.json"
    known = _read_json(record)
    pid, tenant = known.get("pid"), endpoint_of(settings).api_url
    if isinstance(pid, int) and _is_ours(pid, "worker", settings):
        if known.get("tenant") == tenant:
            return pid
        log.warning("The worker of %s in this data folder is stopped: the desk works on %s now", known.get("tenant"), tenant)
        stop(pid)
    process = _spawn(["worker", *options], settings.data_dir / "worker.log", settings)
    record.write_text(json.dumps({"pid": process.pid, "tenant": tenant}), encoding="utf-8")
    return process.pid


def stop(pid: int) -> None:
    """Ends a process started here: politely, and after twenty seconds by force."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    return
            if not _alive(pid):
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


def farewell(settings: Settings) -> list[str]:
    """Who stays out when the desk stops, until when, and the command that restores them."""
    from wfm.desk import Desk

    try:
        with contextlib.closing(Desk.open(settings)) as desk:
            views = desk.operations(states=OPEN_STATES)
    except DeskError as error:
        return [f"Who is still out could not be read: {error}"]
    lines = []
    for view in views:
        operation = view.operation
        start, end = operation.window.local()
        if operation.route is RouteName.ADHERENCE:
            continue  # a correction of the past takes nobody out
        if view.counts.out:
            until = f"{end:%Y-%m-%d %H:%M} {operation.window.zone}"
            who = "1 agent stays" if view.counts.out == 1 else f"{view.counts.out} agents stay"
            lines.append(
                f"{who} out for “{operation.title}” until {until}, and longer while the desk is "
                f"stopped. Restore them now: {command_line(settings)} restore {operation.id}"
            )
        elif operation.state is OperationState.SCHEDULED:
            lines.append(
                f"“{operation.title}” is scheduled for {start:%Y-%m-%d %H:%M} {operation.window.zone} and starts only while "
                "the desk runs."
            )
    if lines:
        lines.append("At the next start overdue restores run first.")
    return lines


def command_line(settings: Settings) -> str:
    """How `python -m wfm` is called here, to be copied to a terminal: this environment, this folder, this data."""
    python = Path(sys.prefix, "bin", "python")
    if not python.exists():
        python = Path(sys.executable)
    here = Path.cwd()
    if here == ROOT:
        before, folder = [], settings.data_dir
        python = python.relative_to(here) if python.is_relative_to(here) else python
    else:
        before, folder = [f"cd {shlex.quote(str(ROOT))} &&"], settings.data_dir.absolute()
    if settings.data_dir != Settings.model_fields["data_dir"].default or before:
        before.append(f"WFM_DATA_DIR={shlex.quote(str(folder))}")
    return " ".join([*before, shlex.quote(str(python)), "-m wfm"])


def _may_work(settings: Settings) -> bool:
    return settings.genesys_client_id is not None or not settings.tenant_configured or settings.genesys_api_url is not None


def _examples(settings: Settings, stopping: threading.Event) -> None:
    """Two short past operations on a fresh demo tenant, through the real engine, so that Runs and Failures teach."""
    from wfm.desk import Desk

    try:
        with contextlib.closing(Desk.open(settings)) as desk:
            if desk.demo is not None:
                desk.demo.make_examples()
    except Exception as error:
        if stopping.is_set():
            return  # tenant, worker and interpreter end under this thread: nothing to say
        if not isinstance(error, DeskError):
            raise
        log.warning("The example operations could not be made: %s", error)


def _spawn(arguments: list[str], log_file: Path, settings: Settings) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with log_file.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "wfm", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, STARTED_FOR: str(settings.data_dir.absolute())},
        )


def _first_line(process: subprocess.Popen[bytes], log_file: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith('{"api"') and line.rstrip().endswith("}"):
                return line
        if process.poll() is not None:
            tail = log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise DeskError(f"The demo tenant did not start: {' '.join(tail) or 'no output'} (log: {log_file})")
        time.sleep(0.02)
    stop(process.pid)
    raise DeskError(f"The demo tenant was not ready within {START_TIMEOUT_S:.0f} s (log: {log_file})")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_demo/info", timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_ours(pid: object, word: str, settings: Settings) -> bool:
    """Whether that process is one that the launcher of this data folder started.

    Process ids are used again, by a worker of another folder too; so the process must carry the mark of this one.
    """
    if not isinstance(pid, int) or not _alive(pid):
        return False
    process = Path(f"/proc/{pid}")
    if not Path("/proc/self/environ").exists():
        return True  # no /proc here: the id alone must do
    mark = os.fsencode(f"{STARTED_FOR}={settings.data_dir.absolute()}")
    for _ in range(LOOKS):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False
        if len(words) > 1 and len(environment) > 1:
            return b"wfm" in words and word.encode() in words and mark in environment
        time.sleep(0.01)  # just begun: the system has not filled these in yet
    return False
