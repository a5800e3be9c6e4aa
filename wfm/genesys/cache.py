"""A value that is read once and cached for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class CachedValue(Generic[T]):
    """One cached value with the instant it was read. Threads that need it at once cause one read. Thread-safe."""

    def __init__(self, ttl_s: float, clock: Callable[[], datetime]) -> None:
        self._ttl = timedelta(seconds=ttl_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[T, datetime] | None = None

    def get(self, read: Callable[[], T], *, fresh: bool = False) -> tuple[T, datetime]:
        """Return the value and its instant: the cached one if it is young enough, else one read now.

        With `fresh` it is always read, unless another thread did so while this one waited.
        """
        asked_at = self._clock()
        with self._lock:
            held = self._held
            if held is not None:
                oldest = asked_at if fresh else asked_at - self._ttl
                # A clock that was set back makes the value look younger than it is: then it is read again.
                if oldest < held[1] <= self._clock():
                    return held
            at = self._clock()
            self._held = (read(), at)
            return self._held

    def peek(self) -> tuple[T, datetime] | None:
        """What is held, however old."""
        return self._held

    def forget(self) -> None:
        self._held = None
