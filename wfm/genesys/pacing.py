"""Request permits, shared by all processes through one database row a client. The arithmetic is in budget.py.

Why no ready-made limiter, and what this one measures: docs/decisions/0005-pacing.md.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wfm.domain.errors import StoreFault
from wfm.genesys.budget import DEFAULT_LIMIT, WINDOW_S, Budget, RequestLane, Seen, ask, observe
from wfm.genesys.pacing_store import BudgetRow
from wfm.genesys.retry import retry_after_seconds

log = logging.getLogger(__name__)

STORE_PATIENCE_S = 60.0
"""How long work waits for a database that is locked, full or restarting. A screen gets the error at once."""
STORE_PAUSE_S = 0.5
FLUSH_S = 0.05
"""The longest time that answers wait in this process before the others learn of them."""
FLUSH_MANY = 16

__all__ = ["NoPermit", "Pacer", "Permit", "RequestLane", "SharedPacer", "Usage"]


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to send one request. `window` is the limit window it was taken from."""

    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How far the limit is used up now. Instants are aware UTC.

    `limit_per_minute` is the tenant's own (`known` is false while it is assumed), `budget` the share of it that the
    desk may use, `used` what all users of the client have used of this window. `reset_at` is None between windows.
    """

    limit_per_minute: int
    budget: int
    used: int
    reset_at: datetime | None
    blocked_until: datetime | None
    known: bool

    def soonest(self, requests: float, now: datetime) -> datetime:
        """Return the earliest instant at which this many more requests can have been sent: what does not fit into this limit
        window waits for the following ones.
        """
        start = max(now, self.blocked_until or now)
        over = requests - max(0, self.budget - self.used)
        if over <= 0:
            return start
        following = max(start, self.reset_at or now)
        return following + timedelta(seconds=WINDOW_S * (math.ceil(over / max(1, self.budget)) - 1))


class NoPermit(Exception):
    """No permit came in time, or the caller gave up (`cancelled`). `until` is when there should be room."""

    def __init__(self, *, cancelled: bool, until: datetime | None, limit: int) -> None:
        self.cancelled = cancelled
        self.until = until
        self.limit = limit
        super().__init__("cancelled" if cancelled else "no room in the request budget")


class Pacer(Protocol):
    """Paces the requests of a client."""

    def acquire(self, lane: RequestLane, timeout: float | None = None, cancel: threading.Event | None = None) -> Permit:
        """Wait for a permit to send one request. Raises NoPermit, StoreFault."""

    def observe(self, permit: Permit, headers: Mapping[str, str] | None, status: int | None, *, sent: bool = True) -> None:
        """Report the answer to a permitted request. `headers` is None when no answer came, `sent` false when it never left.

        Never raises: the request has been sent, and its answer must reach the caller.
        """

    def usage(self) -> Usage:
        """Return how far the limit is used up."""

    def close(self) -> None: ...


class SharedPacer:
    """One client's budget, shared by every process that opens the same database with the same key. Thread-safe.

    `key` is tenant key and client id; `share` the part of the tenant's limit to use (0 to 1). A SQLite database
    should be a file of its own: every permit is a small write, and SQLite has one writer at a time. Raises StoreFault
    where the database can't be used.
    """

    def __init__(
        self,
        database_url: str,
        key: str,
        share: float = 0.9,
        *,
        clock: Callable[[], float] = time.time,
        window_s: float = WINDOW_S,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        self._row = BudgetRow(database_url, key, clock)
        self._share = share
        self._window_s = window_s
        self._turns = {lane: threading.Lock() for lane in RequestLane}
        self._changed = threading.Condition()
        self._changes = 0
        self._seen: list[Seen] = []
        self._seen_lock = threading.Lock()
        self._flushing = threading.Lock()
        self._flushed_at = 0.0
        self._limit = DEFAULT_LIMIT
        self._down = ("", 0.0)
        """The fault of a database that outlasted a caller's patience, and until when (monotonic, s) it is not asked again."""

    def acquire(self, lane: RequestLane, timeout: float | None = None, cancel: threading.Event | None = None) -> Permit:
        """Wait for a permit to send one request, at most `timeout` seconds and only while `cancel` is not set.

        Work also waits for a database that is out of reach, at most STORE_PATIENCE_S. Raises NoPermit, StoreFault.
        """
        begun = time.monotonic()
        deadline = None if timeout is None else begun + timeout
        patience = begun if lane is RequestLane.SCREEN else begun + STORE_PATIENCE_S
        if deadline is not None:
            patience = min(patience, deadline)
        logged = False
        with self._turn(lane, deadline, cancel):
            while True:
                if cancel is not None and cancel.is_set():
                    raise self._none(cancelled=True)
                changes = self._changes
                try:
                    budget, wait = self._ask(lane)
                except StoreFault as fault:
                    self._ride_out(fault, patience, cancel)
                    if not logged:
                        log.warning("Requests wait for the request budget: %s", fault)
                    logged = True
                    continue
                if wait == 0.0:
                    return Permit(budget.window)
                if deadline is not None:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise self._none(cancelled=False)
                    wait = min(wait, left)
                self._pause(wait, changes, cancel)

    def observe(self, permit: Permit, headers: Mapping[str, str] | None, status: int | None, *, sent: bool = True) -> None:
        """Record what the tenant answered, at once where it matters to others, else with the next permit. Never raises."""
        seen = read_headers(permit.window, self._row.now(), headers, status, sent=sent)
        with self._seen_lock:
            self._seen.append(seen)
            urgent = status == 429 or len(self._seen) >= FLUSH_MANY or seen.at - self._flushed_at > FLUSH_S
        # One thread informs the others; an answer waits for that only where it stops them all.
        if urgent and self._flushing.acquire(blocking=status == 429):
            try:
                self._change(lambda budget, now: budget)
            except Exception as error:  # of any kind: it says nothing about the request, which has been sent
                log.warning("What the tenant said of its rate limit is kept for the next transaction: %s", error)
            finally:
                self._flushing.release()
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def usage(self) -> Usage:
        """Return how far the limit is used up now. Raises StoreFault."""
        budget, now = self._change(lambda budget, now: budget)
        running = now < budget.ends
        return Usage(
            limit_per_minute=self._limit,
            budget=budget.allowed(self._share),
            used=budget.used if running else 0,
            reset_at=_instant(budget.ends) if running else None,
            blocked_until=_instant(budget.blocked_until) if budget.blocked_until > now else None,
            known=budget.limit is not None,
        )

    def close(self) -> None:
        """Write what the others don't know yet and close the database."""
        with contextlib.suppress(Exception):
            self._change(lambda budget, now: budget)
        self._row.close()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _ask(self, lane: RequestLane) -> tuple[Budget, float]:
        wait = 0.0

        def change(budget: Budget, now: float) -> Budget:
            nonlocal wait
            budget, wait = ask(budget, lane, now, self._share, self._window_s)
            return budget

        why, until = self._down
        if time.monotonic() < until:
            raise StoreFault(why)
        budget, _ = self._change(change)
        return budget, wait

    def _ride_out(self, fault: StoreFault, until: float, cancel: threading.Event | None) -> None:
        """Pause before the database is asked again. Raises the fault once `until` (monotonic, s) has come."""
        now = time.monotonic()
        if now >= until:
            # Callers that queue behind this one must not each wait as long again.
            self._down = (str(fault), now + STORE_PAUSE_S)
            raise fault
        pause = min(STORE_PAUSE_S, until - now)
        if cancel is not None:
            cancel.wait(pause)
        else:
            time.sleep(pause)

    def _change(self, change: Callable[[Budget, float], Budget]) -> tuple[Budget, float]:
        """Run one transaction: first the answers since the last one, then the change."""
        with self._seen_lock:
            seen, self._seen = self._seen, []

        def both(budget: Budget, now: float) -> Budget:
            for answer in seen:
                budget = observe(budget, answer, self._window_s)
            return change(budget, now)

        try:
            budget, now = self._row.change(both)
        except BaseException:
            with self._seen_lock:
                self._seen[:0] = seen
            raise
        self._flushed_at = now
        self._limit = budget.limit if budget.limit is not None else DEFAULT_LIMIT
        return budget, now

    @contextlib.contextmanager
    def _turn(self, lane: RequestLane, deadline: float | None, cancel: threading.Event | None) -> Iterator[None]:
        """Let one thread of a lane at a time ask the database; the others queue here."""
        lock = self._turns[lane]
        while not lock.acquire(timeout=0.1 if cancel is not None else _left(deadline, 5.0)):
            if cancel is not None and cancel.is_set():
                raise self._none(cancelled=True)
            if deadline is not None and time.monotonic() >= deadline:
                raise self._none(cancelled=False)
        try:
            yield
        finally:
            lock.release()

    def _pause(self, wait: float, changes: int, cancel: threading.Event | None) -> None:
        """Waits, at most until an answer changes the row or the caller gives up."""
        end = time.monotonic() + wait
        with self._changed:
            while self._changes == changes and (left := end - time.monotonic()) > 0:
                if cancel is not None and cancel.is_set():
                    return
                self._changed.wait(min(left, 0.1) if cancel is not None else left)

    def _none(self, *, cancelled: bool) -> NoPermit:
        try:
            usage = self.usage()
        except StoreFault:
            return NoPermit(cancelled=cancelled, until=None, limit=self._limit)
        return NoPermit(cancelled=cancelled, until=usage.blocked_until or usage.reset_at, limit=usage.limit_per_minute)


def read_headers(window: int, at: float, headers: Mapping[str, str] | None, status: int | None, *, sent: bool = True) -> Seen:
    """Read the rate-limit headers of an answer; a junk value is None.

    Published: inin-ratelimit-allowed, -count, -reset; Retry-After.
    """
    if headers is None or status == 401:
        # A request that is not authenticated counts for no client: its headers describe another window.
        return Seen(window, at, status, sent=sent)
    reset = headers.get("inin-ratelimit-reset", "")
    return Seen(
        window,
        at,
        status,
        allowed=_whole(headers.get("inin-ratelimit-allowed")),
        count=_whole(headers.get("inin-ratelimit-count")),
        reset=_seconds(reset),
        exact="." in reset,
        retry_after=retry_after_seconds(headers.get("Retry-After"), lambda: _instant(at)) if status == 429 else None,
        sent=sent,
    )


def _left(deadline: float | None, most: float) -> float:
    return most if deadline is None else max(0.0, min(most, deadline - time.monotonic()))


def _whole(value: str | None) -> int | None:
    try:
        number = int(value or "")
    except ValueError:
        return None
    return number if 0 <= number < 10**9 else None


def _seconds(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < 86_400 else None


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
