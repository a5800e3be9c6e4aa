"""How a command waits for an operation: through a store that is out of reach, and with a worker that dies or can't start.

A fault that does not pass ends in one sentence with the operation and the command that continues it. docs/cli.md describes it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from wfm import launcher, logs
from wfm.cli_output import StillGoing
from wfm.desk import Desk, OperationView
from wfm.domain.errors import StoreFault
from wfm.domain.operations import OPEN_STATES, ItemState, OperationState
from wfm.processes import by_id, stop
from wfm.settings import Settings
from wfm.stores import PassingFault

T = TypeVar("T")

PATIENCE_S = 60.0
"""How long a command waits for a store that is locked, full, restarting or out of reach."""
POLL_S = 0.25
WORKER_PATIENCE_S = 60.0
REPLACE_WORKER_S = 3.0
FAILED_STARTS = 3
"""Workers in a row that fail before the command says why instead of starting the next one."""
STEADY_S = 30.0
"""A worker that lives this long has started: the last heartbeat of a dead one counts for 10 s."""
UNFINISHED = frozenset({OperationState.APPLYING, OperationState.RESTORING})


def patient(ask: Callable[[], T]) -> T:
    """Return the answer as soon as the store can be used. Raises PassingFault after a minute, every other error at once."""
    begun = time.monotonic()
    while True:
        try:
            return ask()
        except PassingFault:
            if time.monotonic() - begun >= PATIENCE_S:
                raise
            time.sleep(POLL_S)


def out_of_reach(fault: PassingFault) -> str:
    """Return the beginning of the sentence that a command ends with when its patience is over."""
    return f"{fault.what}, for {PATIENCE_S:.0f} s by now:"


def still_going(settings: Settings, why: str, operation_id: str, words: str) -> StillGoing:
    """Return the error that ends a command whose operation is kept. `words` continue it, as in "wait OPERATION"."""
    command = f"{launcher.command_line(settings)} {words}"
    return StillGoing(f"{why} operation {operation_id} is kept, and this continues it:", operation_id, command)


def can_work(desk: Desk) -> bool:
    """Return whether a worker is alive or can be started here: beside PostgreSQL the operator starts them."""
    return desk.settings.embedded or desk.health.worker_alive()


def ensure_worker(desk: Desk) -> int | None:
    """Return the process id of a worker that was started for this command; None where one is alive."""
    if desk.health.worker_alive() or not desk.settings.embedded:
        return None
    return launcher.ensure_worker(desk.settings, "--exit-when-idle")


@dataclass
class Waiting:
    """One command's wait for one operation. `words` continue it where this one gives up, as in "wait OPERATION"."""

    desk: Desk
    operation_id: str
    words: str
    _starts: list[int] = field(default_factory=list)
    """Workers started since the last progress. No lock: one thread waits."""

    def ask(self, ask: Callable[[], T]) -> T:
        """Return the answer of a store that may be out of reach for a minute. Raises StillGoing after that."""
        try:
            return patient(ask)
        except StoreFault as fault:
            # Only what the fault is: the rest of its sentence may say that nothing was written.
            why = out_of_reach(fault) if isinstance(fault, PassingFault) else f"{str(fault).partition('. ')[0]}:"
            raise self._going(why) from fault

    @contextlib.contextmanager
    def worker(self, *, keep: bool) -> Iterator[None]:
        """Keep a worker alive for the length of a command; one that was started for it stays only as long as it is needed."""
        pid = self._start()
        process = by_id(pid)
        try:
            yield
        finally:
            if process is not None and not keep:
                with contextlib.suppress(StoreFault):  # it ends by itself when nothing is open
                    if not self.desk.windows.newest(states=OPEN_STATES):
                        stop(process)

    def until(self, *, restored: bool) -> OperationView:
        """Poll until the operation is settled: all agents out or, with `restored`, all back.

        A worker that dies meanwhile is replaced, where this command may start one. Raises StillGoing.
        """
        try:
            return self._poll(restored)
        except KeyboardInterrupt:
            raise StillGoing(
                f"You stopped waiting; the operation {self.operation_id} continues by itself. To restore all agents now:",
                self.operation_id,
                f"{launcher.command_line(self.desk.settings)} restore {self.operation_id}",
            ) from None

    def _poll(self, restored: bool) -> OperationView:
        last_seen = last_start = time.monotonic()
        before = None
        while True:
            asked_at = time.monotonic()
            view = self.ask(lambda: self.desk.windows.get(self.operation_id))
            if settled(view, restored):
                return view
            alive = self.ask(self.desk.health.worker_alive)
            now = time.monotonic()
            last_seen += now - asked_at  # while the store was out of reach, no heartbeat could be read
            stands = (view.operation.state, view.operation.revision, view.counts)
            if (before is not None and stands != before) or (alive and now - last_start > STEADY_S):
                self._starts.clear()
            before = stands
            if alive:
                last_seen = now
            elif now - last_start > REPLACE_WORKER_S * 2 ** max(0, len(self._starts) - 1):
                last_start = now
                self._start()
            if now - last_seen > WORKER_PATIENCE_S:
                raise self._going(f"No worker has been alive for {WORKER_PATIENCE_S:.0f} s{self._reason()}:")
            time.sleep(POLL_S)

    def _start(self) -> int | None:
        """Start a worker unless one is starting. Raises StillGoing after several that failed."""
        running = launcher.worker_process(self.desk.settings) is not None
        if not running and len(self._starts) >= FAILED_STARTS and not self.ask(self.desk.health.worker_alive):
            raise self._going(f"The worker was started {len(self._starts)} times and did not work{self._reason()}:")
        pid = self.ask(lambda: ensure_worker(self.desk))
        if pid is not None and pid not in self._starts:
            self._starts.append(pid)
        return pid

    def _reason(self) -> str:
        """Return the last log line of the worker, in brackets; where none is started here, how to start one."""
        if not self.desk.settings.embedded:
            return " (start one: python -m wfm worker)"
        log = launcher.worker_log(self.desk.settings)
        last_words = logs.last_words(log)
        return f" (its log, {log}, ends with “{last_words}”)" if last_words else ""

    def _going(self, why: str) -> StillGoing:
        return still_going(self.desk.settings, why, self.operation_id, self.words)


def settled(view: OperationView, until_restored: bool) -> bool:
    """Return whether the wait is over: all agents are out or, with `until_restored`, back, or the operation ended otherwise."""
    operation = view.operation
    if operation.restore_requested and operation.state is OperationState.CORRECTED:
        return False  # the undoing of a correction has not begun
    if operation.restore_requested and operation.state in (OperationState.HALTED, OperationState.CANCELLED):
        return not any(view.counts.restore.get(state, 0) for state in (ItemState.PENDING, ItemState.SENDING))
    if operation.state in UNFINISHED or operation.state is OperationState.SCHEDULED or operation.restore_requested:
        return operation.state not in OPEN_STATES
    return not (until_restored and operation.state is OperationState.IN_EFFECT)
