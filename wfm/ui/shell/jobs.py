"""Work of minutes that one person started on a screen: it runs in a thread of the dashboard, and screens look at it.

A script run ends whenever somebody clicks, so such work never runs in one. It is for work that a process may lose: an import
or an archive that breaks off keeps what it did, and starting it again does only the rest. Windows are the worker's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wfm.domain.errors import DeskError
from wfm.domain.people import Actor

log = logging.getLogger(__name__)

MAX_JOBS = 200


@dataclass(slots=True)
class Job:
    """One piece of work. `done` of `total` (None: unknown) in `unit`; `result` or `fault` once it has ended.

    `mark` is the same for the same work: what is imported, and how it is read.
    """

    unit: str
    total: int | None = None
    done: int = 0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    result: object = None
    fault: DeskError | None = None
    mark: str = ""
    _end: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return not self._end.is_set()

    def end(self, result: object = None, fault: DeskError | None = None) -> None:
        """It is over. Only the first end counts."""
        if self.running:
            self.result, self.fault, self.ended_at = result, fault, datetime.now(UTC)
            self._end.set()

    def wait(self, seconds: float) -> bool:
        """Whether it was over within that time."""
        return self._end.wait(seconds)


def export_key(actor: Actor, ticket: str) -> str:
    """Under which the progress of a file of runs is noted: one file a person and screen."""
    return f"export:{actor.subject}:{ticket[:32]}"


_lock = threading.Lock()
_jobs: dict[str, Job] = {}


def of(key: str) -> Job | None:
    """The job of that key, running or over; None where there is none."""
    with _lock:
        return _jobs.get(key)


def begin(key: str, *, unit: str, total: int | None = None) -> Job:
    """Puts a job on the board that somebody else carries out; what stood there under that key is gone."""
    with _lock:
        return _put(key, Job(unit=unit, total=total))


def _put(key: str, job: Job) -> Job:
    """The lock is held."""
    _jobs.pop(key, None)
    _jobs[key] = job
    over = [name for name, one in _jobs.items() if not one.running]
    for name in over[: max(0, len(_jobs) - MAX_JOBS)]:
        del _jobs[name]
    return job


def start(key: str, work: Callable[[Job], object], *, unit: str, total: int | None = None, mark: str = "") -> Job:
    """Does the work in a thread; gives the job that stands under that key already where this is a second click.

    That is a job that still runs, or one of the same `mark` that is over: a click may come after the end of what it repeats.
    """
    with _lock:
        there = _jobs.get(key)
        if there is not None and (there.running or (mark and there.mark == mark)):
            return there
        job = _put(key, Job(unit=unit, total=total, mark=mark))

    def run() -> None:
        try:
            job.end(work(job))
        except DeskError as error:
            job.end(fault=error)
        except Exception as error:  # whatever it is, the screen must not wait for ever
            log.exception("Work of a screen failed")
            job.end(fault=DeskError(f"An error in the desk itself ({type(error).__name__}); the dashboard's log has it."))

    threading.Thread(target=run, name=f"job {key}", daemon=True).start()
    return job


def forget(key: str) -> None:
    """Takes a job that is over off the board."""
    with _lock:
        if key in _jobs and not _jobs[key].running:
            del _jobs[key]
