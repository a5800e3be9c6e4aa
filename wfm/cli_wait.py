"""How a command waits for an operation: through a store that is out of reach, and with a worker that dies or can't start.

What does not pass ends in one sentence with the operation and the command that goes on. docs/cli.md describes it.
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
"""After so many workers in a row that came to nothing, the command says why instead of starting the next."""
STEADY_S = 30.0
"""A worker that has lived so long has come to something: its last heartbeat would count for 10 s if it were dead."""
UNFINISHED = frozenset({OperationState.APPLYING, OperationState.RESTORING})


def patient(ask: Callable[[], T]) -> T:
    """The answer, as soon as the store can be used. Raises PassingFault after a minute, every other error at once."""
    begun = time.monotonic()
    while True:
        try:
            return ask()
        except PassingFault:
            if time.monotonic() - begun >= PATIENCE_S:
                raise
            time.sleep(POLL_S)


def out_of_reach(fault: PassingFault) -> str:
    """The beginning of the sentence that a command ends with when its patience is over."""
    return f"{fault.what}, for {PATIENCE_S:.0f} s by now:"


def still_going(settings: Settings, why: str, operation_id: str, words: str) -> StillGoing:
    """The end of a command whose operation is kept. `words` go on with it, as in "wait OPERATION"."""
    command = f"{launcher.command_line(settings)} {words}"
    return StillGoing(f"{why} operation {operation_id} is kept, and this goes on with it:", operation_id, command)


def can_work(desk: Desk) -> bool:
    """Whether a worker is alive or can be started here: beside PostgreSQL whoever runs the workers starts them."""
    return desk.settings.embedded or desk.health.worker_alive()


def ensure_worker(desk: Desk) -> int | None:
    """The process id of a worker that was started for this command; None where one is alive."""
    if desk.health.worker_alive() or not desk.settings.embedded:
        return None
    return launcher.ensure_worker(desk.settings, "--exit-when-idle")


@dataclass
class Waiting:
    """One command's wait for one operation. `words` go on with it where this one gives up, as in "wait OPERATION"."""

    desk: Desk
    operation_id: str
    words: str
    _starts: list[int] = field(default_factory=list)
    """Workers that were started since anything went on; guarded by nothing, one thread waits."""

    def ask(self, ask: Callable[[], T]) -> T:
        """The answer of a store that may be out of reach for a minute. Raises StillGoing after that."""
        try:
            return patient(ask)
        except StoreFault as fault:
            # Of a fault that does not pass, what it is: what follows may say that nothing was written.
            why = out_of_reach(fault) if isinstance(fault, PassingFault) else f"{str(fault).partition('. ')[0]}:"
            raise self._going(why) from fault

    @contextlib.contextmanager
    def worker(self, *, keep: bool) -> Iterator[None]:
        """A live worker for the length of a command; one that was started for it stays only as long as it is needed."""
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
        """Polls until the operation is settled: everybody out or, `restored`, everybody back.

        A worker that dies meanwhile is replaced, where this command may start one. Raises StillGoing.
        """
        try:
            return self._poll(restored)
        except KeyboardInterrupt:
            raise StillGoing(
                f"You stopped waiting; the operation {self.operation_id} goes on by itself. To put everybody back now:",
                self.operation_id,
                f"{launcher.command_line(self.desk.settings)} restore {self.operation_id}",
            ) from None

    def _poll(self, restored: bool) -> OperationView:
        last_seen = last_start = time.monotonic()
        before = None
        while True:
            asked = time.monotonic()
            view = self.ask(lambda: self.desk.windows.get(self.operation_id))
            if settled(view, restored):
                return view
            alive = self.ask(self.desk.health.worker_alive)
            now = time.monotonic()
            last_seen += now - asked  # while the store could not be asked, nobody could be seen
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
        """The worker that is started, or was and is still at it. Raises StillGoing after several that came to nothing."""
        running = launcher.worker_process(self.desk.settings) is not None
        if not running and len(self._starts) >= FAILED_STARTS and not self.ask(self.desk.health.worker_alive):
            raise self._going(f"The worker was started {len(self._starts)} times and did not work{self._reason()}:")
        pid = self.ask(lambda: ensure_worker(self.desk))
        if pid is not None and pid not in self._starts:
            self._starts.append(pid)
        return pid

    def _reason(self) -> str:
        """What the last worker said at its end, in brackets; where nobody starts one here, that somebody must."""
        if not self.desk.settings.embedded:
            return " (start one: python -m wfm worker)"
        log = launcher.worker_log(self.desk.settings)
        said = logs.last_words(log)
        return f" (its log, {log}, ends with “{said}”)" if said else ""

    def _going(self, why: str) -> StillGoing:
        return still_going(self.desk.settings, why, self.operation_id, self.words)


def settled(view: OperationView, until_restored: bool) -> bool:
    """Whether there is nothing to wait for: everybody is out or, `until_restored`, back, or it has come to another end."""
    operation = view.operation
    if operation.restore_requested and operation.state is OperationState.CORRECTED:
        return False  # the undoing of a correction has not begun
    if operation.restore_requested and operation.state in (OperationState.HALTED, OperationState.CANCELLED):
        return not any(view.counts.restore.get(state, 0) for state in (ItemState.PENDING, ItemState.SENDING))
    if operation.state in UNFINISHED or operation.state is OperationState.SCHEDULED or operation.restore_requested:
        return operation.state not in OPEN_STATES
    return not (until_restored and operation.state is OperationState.IN_EFFECT)
