"""The sweep: finds in the ledger what is due and starts it in the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wfm.domain.operations import Operation, Phase
from wfm.engine.dependencies import EngineDependencies
from wfm.engine.port import Engine

OVERDUE_FIRST_S = 120.0
"""After a start, applies wait at most this long for overdue restores."""
SLOWEST_RETRY_S = 30.0

Key = tuple[str, Phase]


@dataclass(slots=True)
class RetryState:
    """How often a phase was started without ending, and when it may be started again (monotonic, s)."""

    revision: int
    times: int = 0
    again_at: float = 0.0


class Sweep:
    """Finds what is due and starts it. Has no clock and no thread of its own, so that tests can step it."""

    def __init__(self, deps: EngineDependencies, engine: Engine, running: Callable[[], frozenset[Key]]) -> None:
        self._deps = deps
        self._engine = engine
        self._running = running
        self._tries: dict[Key, RetryState] = {}
        self._overdue: set[str] | None = None
        self._began = time.monotonic()

    def step(self) -> list[Key]:
        """Read the ledger once, start what is due and return what was started. Raises StoreFault."""
        now = time.monotonic()
        due = self._deps.ledger.lifecycle.due(self._deps.tenant_key, self._deps.clock())
        running = self._running()
        restores = {operation.id for operation, phase in due if phase is Phase.RESTORE}
        if self._overdue is None:
            self._overdue = restores
        self._overdue &= restores
        hold_applies = bool(self._overdue) and now - self._began < OVERDUE_FIRST_S
        started = []
        waiting: set[Key] = set()
        for operation, phase in due:
            key = (operation.id, phase)
            waiting.add(key)
            if key in running or (phase is Phase.APPLY and hold_applies):
                continue
            if self._start(operation, phase, now):
                started.append(key)
        self._tries = {key: retry for key, retry in self._tries.items() if key in waiting}
        return started

    def _start(self, operation: Operation, phase: Phase, now: float) -> bool:
        key = (operation.id, phase)
        retry = self._tries.get(key)
        if retry is None or retry.revision != operation.revision:
            retry = self._tries[key] = RetryState(operation.revision)
        if now < retry.again_at or not self._engine.start(operation.id, phase, operation.revision):
            return False
        retry.times += 1
        # At once the first time, then more slowly each time that it ends before its work is done.
        retry.again_at = now + min(SLOWEST_RETRY_S, 0.25 * 2**retry.times)
        return True
