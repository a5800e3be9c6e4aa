"""The sweep: finds in the ledger what is due and starts it in the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wfm.domain.operations import Operation, Phase
from wfm.engine.dependencies import EngineDependencies
from wfm.engine.port import Engine

OVERDUE_FIRST_S = 120.0
"""After a start, applies wait this long at most for overdue restores to be done."""
SLOWEST_RETRY_S = 30.0

Key = tuple[str, Phase]


@dataclass(slots=True)
class Try:
    """How often a phase was started without coming to an end, and when it may be started again (monotonic, s)."""

    revision: int
    times: int = 0
    again_at: float = 0.0


class Sweep:
    """Finds what is due and starts it. Holds no clock and no thread, so that tests can step it."""

    def __init__(self, deps: EngineDependencies, engine: Engine, running: Callable[[], frozenset[Key]]) -> None:
        self._deps = deps
        self._engine = engine
        self._running = running
        self._tries: dict[Key, Try] = {}
        self._overdue: set[str] | None = None
        self._began = time.monotonic()

    def step(self) -> list[Key]:
        """One look at the ledger; gives what was started. Raises StoreFault."""
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
        self._tries = {key: one for key, one in self._tries.items() if key in waiting}
        return started

    def _start(self, operation: Operation, phase: Phase, now: float) -> bool:
        key = (operation.id, phase)
        known = self._tries.get(key)
        if known is None or known.revision != operation.revision:
            known = self._tries[key] = Try(operation.revision)
        if now < known.again_at or not self._engine.start(operation.id, phase, operation.revision):
            return False
        known.times += 1
        # At once the first time; slower each time that it ended without having done its work.
        known.again_at = now + min(SLOWEST_RETRY_S, 0.25 * 2**known.times)
        return True
