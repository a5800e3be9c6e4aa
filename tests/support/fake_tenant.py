"""A tenant of availability in memory that misbehaves as it is told, and counts what it accepted."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.fake_sender import Sent, an_exchange, refused
from wfm.genesys.errors import ConnectionProblem, OutcomeUnknown

FINE, REFUSED, DOWN = "fine", "refused", "down"
LOST_BEFORE, LOST_AFTER = "lost before", "lost after"
"""The answer to a write is lost: before it was done, or after."""


@dataclass
class FakeTenant:
    """`script` says what happens to each request in turn; FINE when it is used up."""

    script: Iterable[str] = ()
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    unavailable: dict[str, int] = field(default_factory=dict)
    available: dict[str, int] = field(default_factory=dict)
    on_write: Callable[[str], None] = lambda agent_id: None

    def __post_init__(self) -> None:
        self._steps: Iterator[str] = iter(self.script)
        self._ticks = itertools.count()
        self._lock = threading.Lock()

    def __call__(self, sent: Sent) -> Any:
        with self._lock:
            step = next(self._steps, FINE)
            return self._answer(sent, step)

    def _answer(self, sent: Sent, step: str) -> Any:
        agent_id = sent.path.get("userId", "")
        reads = sent.call.startswith("GET")
        if step == DOWN:
            raise ConnectionProblem(sent.call, exchanges=(an_exchange(sent.call, None, fault="connection"),))
        if step == REFUSED:
            raise refused(sent.call, 403)
        if step == LOST_BEFORE:
            raise self._lost(sent, reads)
        if reads:
            if step == LOST_AFTER:
                raise self._lost(sent, reads)
            return self.state(agent_id)
        self._write(agent_id, sent.body)
        if step == LOST_AFTER:
            raise self._lost(sent, reads)
        return self.state(agent_id)

    def _lost(self, sent: Sent, reads: bool) -> Exception:
        kind = ConnectionProblem if reads else OutcomeUnknown
        return kind(sent.call, exchanges=(an_exchange(sent.call, None, fault="timeout"),))

    def state(self, agent_id: str) -> dict[str, Any]:
        return dict(self.states.get(agent_id, {"status": "available", "reason": "", "dateModified": "2026-01-01T00:00:00Z"}))

    def set(self, agent_id: str, status: str, reason: str = "") -> None:
        """Somebody else changes the agent."""
        stamp = f"2099-01-01T00:{next(self._ticks) // 60 % 60:02d}:{next(self._ticks) % 60:02d}.{next(self._ticks) % 1000:03d}Z"
        self.states[agent_id] = {"status": status, "reason": reason, "dateModified": stamp}

    def _write(self, agent_id: str, body: Any) -> None:
        counted = self.unavailable if body["status"] == "unavailable" else self.available
        counted[agent_id] = counted.get(agent_id, 0) + 1
        self.set(agent_id, body["status"], body.get("reason", ""))
        self.on_write(agent_id)
