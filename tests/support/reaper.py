"""A process that waits for the end of a test run, however it comes, and ends and removes what is left of it.

python -m tests.support.reaper FOLDER

Its input is a pipe from the run, which the system closes with it. What the run started carries FOLDER in its environment,
also in a session of its own, also when started by another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

STARTED_BY = "DESK_TEST_RUNS"
"""In the environment of what tests start: the folders of the runs that it belongs to, the innermost last."""
BASETEMP = "basetemp"
"""The file in the run's folder that says where pytest keeps the folders of tests."""
NOTED = "process-"
"""The files in the run's folder that name a process of it, and hold its time of creation."""
COMPLETE = b"complete"
"""The input of a run that came to its end uninterrupted."""
SERVER_S = 5.0
"""How long a database server that is told to end at once may take for it."""
MAX_LOOKS = 100


def note(folder: Path) -> None:
    """This process belongs to the run: for one that changes its title, which may overwrite its environment."""
    (folder / f"{NOTED}{os.getpid()}").write_text(str(psutil.Process().create_time()), encoding="utf-8")


def started_by(folder: Path) -> list[psutil.Process]:
    """The processes alive that carry the folder of this run or are noted there, and what they started, but for this one."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _is_noted(process, folder) or str(folder) in process.environ().get(STARTED_BY, "").split(os.pathsep):
                found[process.pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
    return [process for process in found.values() if process.pid != os.getpid() and alive(process)]


def _is_noted(process: psutil.Process, folder: Path) -> bool:
    try:
        created = float((folder / f"{NOTED}{process.pid}").read_text(encoding="utf-8"))
        return abs(created - process.create_time()) < 2.0  # two readings may differ: the boot is told in seconds
    except (OSError, ValueError):
        return False


def alive(process: psutil.Process) -> bool:
    """Not ended; one that its parent is yet to hear of has."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def end(processes: Iterable[psutil.Process]) -> None:
    """End them by force; a PostgreSQL server without its farewell, so that its shared memory goes with it."""
    servers = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres":
                process.send_signal(signal.SIGQUIT)
                servers.append(process)
            else:
                process.kill()
    for server in psutil.wait_procs(servers, timeout=SERVER_S)[1]:
        with contextlib.suppress(psutil.Error):
            server.kill()


def main() -> int:
    folder = Path(sys.argv[1])
    complete = sys.stdin.buffer.read() == COMPLETE
    for _ in range(MAX_LOOKS):  # what was being started meanwhile is found by the next look
        left = started_by(folder)
        if not left:
            break
        end(left)
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        if not complete:  # pytest removes the folders of a run that it could finish, but for those of failures
            shutil.rmtree((folder / BASETEMP).read_text(encoding="utf-8"), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
