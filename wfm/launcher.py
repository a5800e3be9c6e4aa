"""Start and stop the processes that the desk needs: the demo tenant and, with the embedded database, a worker.

Both run in sessions of their own, so that they survive a killed dashboard; the next start finds them and takes them over.
A proper stop ends what the launcher of this data folder started and reports which agents stay out until when.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import httpx
import psutil

from wfm import logs, processes
from wfm.domain.errors import DeskError
from wfm.domain.operations import OPEN_STATES, OperationState
from wfm.domain.text import inert, neutral
from wfm.processes import STARTED_FOR, stop
from wfm.settings import Settings
from wfm.stores import damage_sentence, set_aside_since, writing

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
WORKER, DEMO = "worker", "demo-tenant"
"""The commands that are started."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Started:
    """The processes beside the dashboard: addresses and process ids, None where nothing had to be started."""

    demo_url: str | None
    demo_pid: int | None
    worker_pid: int | None


@contextlib.contextmanager
def started(settings: Settings, *, examples: bool = True) -> Iterator[Started]:
    """Run everything that the dashboard needs for as long as it runs. Raises DeskError with a sentence."""
    begun = datetime.now(UTC)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    demo_url, demo_pid = (None, None) if settings.tenant_configured else ensure_demo(settings)
    worker_pid = ensure_worker(settings) if settings.embedded and _may_work(settings) else None
    ours = [processes.by_id(pid) for pid in (worker_pid, demo_pid)]
    stopping = threading.Event()
    if examples and demo_url is not None:
        threading.Thread(target=_examples, args=(settings, stopping), name="examples", daemon=True).start()
    try:
        yield Started(demo_url, demo_pid, worker_pid)
    finally:
        stopping.set()
        for line in [*shutdown_notice(settings), *map(damage_sentence, set_aside_since(settings.data_dir, begun))]:
            print(neutral(inert(line)), file=sys.stderr, flush=True)
        for process in ours:
            stop(process)


def ensure_demo(settings: Settings) -> tuple[str, int | None]:
    """Return the address and process id of this data folder's demo tenant; start it if it does not answer.

    The address is part of the tenant's key, so the earlier port is used again where it is free.
    """
    known, running = settings.demo_url(), _answering_demo(settings)
    # Another desk's demo tenant may have taken the address meanwhile: its agents and clients are not ours.
    if known is not None and running is not None:
        return known, running.pid
    last_port = int(known.rsplit(":", 1)[-1]) if known else settings.demo_port
    port = next((wanted for wanted in (last_port, settings.demo_port) if wanted and _free(wanted)), 0)
    log_file = settings.data_dir / "demo-tenant.log"
    command = [DEMO, "--port", str(port), "--agents", str(settings.demo_agents)]
    process = _spawn([*command, "--state", str(settings.demo_state_file)], log_file, settings)
    import_module("wfm.desk")  # needed next and takes a second: done while the demo tenant starts
    line = _first_line(process, log_file)
    url = str(json.loads(line)["api"])
    _record(settings.demo_file, process.pid, api=url)
    return url, process.pid


@contextlib.contextmanager
def temporary_demo_tenant(settings: Settings) -> Iterator[None]:
    """Run the demo tenant of this data folder for the length of a command, if it was stopped with its desk.

    It is ended afterwards, and so is a worker, except one that was alive before. Nothing happens where another tenant is
    configured, and where the demo tenant runs or never ran. Raises DeskError.
    """
    known = settings.demo_url()
    if settings.tenant_configured or known is None or _answers(known):
        yield
        return
    before = worker_process(settings)
    demo = processes.by_id(ensure_demo(settings)[1])
    try:
        yield
    finally:
        worker = worker_process(settings)
        if worker != before:
            stop(worker)
        stop(demo)


def worker_process(settings: Settings) -> psutil.Process | None:
    """Return the worker that was started for this data folder if it is alive."""
    return processes.find(processes.recorded(worker_file(settings)), WORKER, settings.data_dir)


def worker_file(settings: Settings) -> Path:
    """Return the file that records the worker that the launcher started."""
    return settings.data_dir / "worker.json"


def worker_log(settings: Settings) -> Path:
    """Return the log of the workers that the launcher started, the newest last."""
    return settings.data_dir / "worker.log"


def ensure_worker(settings: Settings, *options: str) -> int | None:
    """Return the process id of a live worker of this data folder and tenant; start one when none is alive.

    One worker works on an embedded database, so one that was left for another tenant is ended first: that tenant's
    windows wait, as they do whenever its desk is stopped. Raises StoreFault where it can't be recorded: none is left behind.
    """
    from wfm.desk.tenant_lookup import endpoint_of

    worker, tenant = worker_process(settings), endpoint_of(settings).api_url
    if worker is not None:
        known = processes.recorded(worker_file(settings)).get("tenant")
        if known == tenant:
            return worker.pid
        log.warning("The worker of %s in this data folder is stopped: the desk works on %s now", known, tenant)
        stop(worker)
    process = _spawn([WORKER, *options], worker_log(settings), settings)
    _record(worker_file(settings), process.pid, tenant=tenant)
    return process.pid


def _record(file: Path, pid: int, **facts: str) -> None:
    """Record a process. If that fails, end it and raise StoreFault: without a record it would be started again and again."""
    try:
        processes.record(file, pid, **facts)
    except DeskError:
        stop(pid)
        raise


def shutdown_notice(settings: Settings) -> list[str]:
    """Say which agents stay out when the desk stops, until when, and the command that restores them."""
    from wfm.desk import Desk

    try:
        with contextlib.closing(Desk.open(settings)) as desk:
            views = desk.windows.newest(states=OPEN_STATES)
    except DeskError as error:
        return [f"Who is still out could not be read: {error}"]
    lines = []
    for view in views:
        operation = view.operation
        start, end = operation.window.local()
        if not operation.route.undoable_by_clock:
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
    """Return `python -m wfm` as it is called here, to copy to a terminal: this environment, this folder, this data."""
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
    """Make two short past operations on a new demo tenant, through the real engine, as examples in Runs and Failures."""
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
    with writing(log_file):
        out = logs.open_log(log_file, arguments[0])
    named = {logs.LOG_FILE: str(log_file.absolute())} if arguments[0] == WORKER else {}
    with out:
        return subprocess.Popen(
            [sys.executable, "-m", "wfm", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, STARTED_FOR: str(settings.data_dir.absolute()), **named},
        )


def _first_line(process: subprocess.Popen[bytes], log_file: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for line in logs.lines_since_start(log_file):
            if line.startswith('{"api"') and line.rstrip().endswith("}"):
                return line
        if process.poll() is not None:
            raise DeskError(f"The demo tenant did not start: {logs.last_words(log_file) or 'no output'} (log: {log_file})")
        time.sleep(0.02)
    stop(process.pid)
    raise DeskError(f"The demo tenant was not ready within {START_TIMEOUT_S:.0f} s (log: {log_file})")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_demo/info", timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _answering_demo(settings: Settings) -> psutil.Process | None:
    """Return this data folder's demo tenant if it answers; wait for one that is busy or about to end.

    Meanwhile a second one could not use its state file.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while running := processes.find(processes.recorded(settings.demo_file), DEMO, settings.data_dir):
        url = settings.demo_url()
        if url is not None and _answers(url):
            return running
        if url is None or time.monotonic() > deadline:
            return None
        time.sleep(0.1)
    return None


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
