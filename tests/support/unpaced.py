"""A pacer without any limit."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from wfm.genesys.budget import DEFAULT_LIMIT
from wfm.genesys.pacing import Permit, RequestLane, Usage


class Unpaced:
    """Permits every request at once. `statuses` are those of the requests so far."""

    def __init__(self) -> None:
        self.statuses: list[int | None] = []

    def acquire(self, lane: RequestLane, timeout: float | None = None, cancel: threading.Event | None = None) -> Permit:
        return Permit(0)

    def observe(self, permit: Permit, headers: Mapping[str, str] | None, status: int | None, *, sent: bool = True) -> None:
        self.statuses.append(status)

    def usage(self) -> Usage:
        limit = DEFAULT_LIMIT
        return Usage(limit_per_minute=limit, budget=limit, used=0, reset_at=None, blocked_until=None, known=False)

    def close(self) -> None:
        pass
