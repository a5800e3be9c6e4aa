"""Processes that the launcher started: recorded, found again, and ended. Never other processes.

A process id is used again, so a record holds the time of creation too: both together are one process, on any system.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import psutil

from wfm.stores import writing

STARTED_FOR = "DESK_STARTED_FOR"
"""Environment variable of a started process: the data folder that it belongs to."""
STOP_TIMEOUT_S = 20.0
REAP_S = 2.0
SAME_WITHIN_S = 2.0
"""How far two readings of one creation time may differ: on Linux it counts from the boot time, which has whole seconds."""
LOOKS = 20


def record(file: Path, pid: int, **facts: str) -> None:
    """Record a process that was started. The earlier record stays whole until then. Raises StoreFault."""
    noted: dict[str, Any] = {"pid": pid, **facts}
    with contextlib.suppress(psutil.Error):
        noted["created"] = psutil.Process(pid).create_time()
    new = file.with_name(f"{file.name}.new")
    with writing(file):
        new.write_text(json.dumps(noted), encoding="utf-8")
        new.replace(file)


def recorded(file: Path) -> dict[str, Any]:
    """Return the record; empty where there is none that can be read."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def find(noted: dict[str, Any], word: str, folder: Path) -> psutil.Process | None:
    """Return the recorded process if it is alive. `word` is its command, for records without a creation time.

    An earlier version wrote those: then the process must have this data folder in its environment.
    """
    pid, created = noted.get("pid"), noted.get("created")
    if not isinstance(pid, int):
        return None
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        same = abs(process.create_time() - created) <= SAME_WITHIN_S if created is not None else _marked(process, word, folder)
    except (psutil.Error, ValueError, TypeError, OverflowError):
        return None
    return process if same else None


def by_id(pid: int | None) -> psutil.Process | None:
    """Return a handle on a process that was just started or found: it stays that process when its id is used again."""
    if pid is None:
        return None
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def stop(process: psutil.Process | int | None) -> None:
    """End a process: by a signal, and after twenty seconds by force. An id must have been found just now."""
    if isinstance(process, int):
        process = by_id(process)
    if process is None:
        return
    try:
        process.terminate()  # psutil refuses where the id was used again
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(process.pid, os.WNOHANG)[0] == process.pid:
                    return
            if not process.is_running():
                return
            if process.status() == psutil.STATUS_ZOMBIE:  # ended; its parent has not collected it yet
                deadline = min(deadline, time.monotonic() + REAP_S)
            time.sleep(0.05)
        process.kill()
    except psutil.Error:
        return  # it has ended, or is another user's


def _marked(process: psutil.Process, word: str, folder: Path) -> bool:
    for _ in range(LOOKS):
        words, environment = process.cmdline(), process.environ()
        if len(words) > 1 and environment:
            return "wfm" in words and word in words and environment.get(STARTED_FOR) == str(folder.absolute())
        time.sleep(0.01)  # just started: the system has not filled these in yet
    return False
