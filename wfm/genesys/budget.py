"""The arithmetic of the shared request budget: pure functions over one row, no clock, no database.

The tenant counts a client's requests in fixed windows of 60 s and says after every request how many it allows, how
many it has counted and in how many seconds the window ends (published: `inin-ratelimit-allowed`, `-count`, `-reset`).
The row mirrors that window. What is used up is what the tenant has counted, plus our permits that it may not have
counted yet:

    used = count (of the tenant) + pending (given, unanswered) + stale (given in the window before, unanswered)

So other users of the same client shrink what is left by themselves, and nothing is spent twice.

The end of a window must never be guessed too early (a burst into the old window is answered 429) nor much too late
(every second is 1.7 % of the throughput). Two upper bounds are kept and the lower one holds: the first answer seen in
a window plus 60 s, and the earliest "now + reset" plus the second that rounding may hide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

WINDOW_S = 60.0
DEFAULT_LIMIT = 300
"""Requests a minute until the tenant says otherwise: the platform's own default for client credentials."""
FIRST_FEW = 10
"""Requests that may be under way before the tenant has ever answered: its limit may be below the default."""
SCREEN_SHARE = 0.1
"""A tenth of what is left of a window is kept for screens, so it is released as the window runs out."""
RESTORE_SHARE = 0.5
"""While agents are being restored, half of what is left of a window is kept from applies."""
RELEASE_EARLY = 0.025
"""The reserves are gone this part of a window before its end, so that the last permits still arrive inside it."""
GUARD_S = 0.05
"""Clocks and networks jitter: a window counts as over this long after its end."""
WAITING_S = 0.6
"""How long a lane that had to wait keeps lower lanes back, unless it asks again."""
RESTORING_S = 2.0
"""How long after its last permit a restore counts as running."""
MAX_BLOCK_S = 600.0
"""The longest time that a Retry-After blocks a client: a junk header must not stop the desk for a day."""
DEFAULT_BLOCK_S = 10.0
"""The block after a 429 with neither Retry-After nor reset."""
POLL_S = 0.25


class RequestLane(StrEnum):
    """Who a request is for, in the order of precedence: a screen (and cancel), a restore, an apply."""

    SCREEN = "screen"
    RESTORE = "restore"
    APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One client's window, as all processes see it. Times are seconds since the epoch.

    `limit` is what the tenant allows (None until it said so). `window` numbers the windows; `seen_at` is when its
    first answer came (None: begun by us, not yet confirmed); `ends` is when it is over for us.
    """

    limit: int | None = None
    window: int = 0
    seen_at: float | None = None
    ends: float = 0.0
    count: int = 0
    pending: int = 0
    stale: int = 0
    blocked_until: float = 0.0
    screen_waits_until: float = 0.0
    restore_waits_until: float = 0.0
    restoring_until: float = 0.0

    @property
    def used(self) -> int:
        return self.count + self.pending + self.stale

    def allowed(self, share: float) -> int:
        """Requests a window that we may use, at least one."""
        return max(1, math.floor((self.limit if self.limit is not None else DEFAULT_LIMIT) * share + 1e-9))


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts in one answer. `window` is that of its permit; header values are None where the tenant sent none."""

    window: int
    at: float
    status: int | None
    allowed: int | None = None
    count: int | None = None
    reset: float | None = None
    exact: bool = False
    """Whether reset was given in fractions of a second."""
    retry_after: float | None = None
    sent: bool = True
    """False when the request never left: its permit is given back."""


def ask(budget: Budget, lane: RequestLane, now: float, share: float, window_s: float = WINDOW_S) -> tuple[Budget, float]:
    """Take one permit if there is room: return the new row and 0, or the row (lane marked as waiting) and seconds to wait.

    The wait estimates when to ask again; it is never so long that the lane loses its precedence.
    """
    if _ahead(budget.blocked_until, now, MAX_BLOCK_S):
        return _waiting(budget, lane, now, budget.blocked_until - now)
    budget = _rolled(budget, now, window_s)
    if lane is not RequestLane.SCREEN and _ahead(budget.screen_waits_until, now, WAITING_S):
        return _waiting(budget, lane, now, 0.05)
    if lane is RequestLane.APPLY and _ahead(budget.restore_waits_until, now, WAITING_S):
        return _waiting(budget, lane, now, 0.05)
    room = ceiling(budget, lane, now, share, window_s) - budget.used
    if budget.limit is None and budget.count == 0 and budget.used >= FIRST_FEW:
        return _waiting(budget, lane, now, 0.1)
    if room <= 0:
        return _waiting(budget, lane, now, _until_room(budget, lane, now, share, window_s))
    changes: dict[str, float] = {"pending": budget.pending + 1}
    if lane is RequestLane.SCREEN:
        changes["screen_waits_until"] = 0.0
    elif lane is RequestLane.RESTORE:
        changes |= {"restore_waits_until": 0.0, "restoring_until": now + RESTORING_S}
    return replace(budget, **changes), 0.0  # type: ignore[arg-type]


def ceiling(budget: Budget, lane: RequestLane, now: float, share: float, window_s: float = WINDOW_S) -> int:
    """Return how much of the window may be used up for this lane to get a permit."""
    allowed = budget.allowed(share)
    if lane is RequestLane.SCREEN:
        return allowed
    early = RELEASE_EARLY * window_s
    left = min(1.0, max(0.0, (budget.ends - early - now) / (window_s - early)))
    kept = int(allowed * SCREEN_SHARE * left)
    if lane is RequestLane.APPLY and _ahead(budget.restoring_until, now, RESTORING_S):
        kept += int(allowed * RESTORE_SHARE * left)
    return allowed - kept


def observe(budget: Budget, seen: Seen, window_s: float = WINDOW_S) -> Budget:
    """Return the row after an answer (or after a request that got none)."""
    budget, ours = _settled(budget, seen)
    if seen.allowed is not None and seen.allowed > 0:
        budget = replace(budget, limit=seen.allowed)
    if seen.count is not None and seen.reset is not None:
        budget = _mirrored(budget, seen, ours, window_s)
    elif ours and seen.sent:
        budget = replace(budget, count=budget.count + 1)
    if seen.status == 429:
        wait = seen.retry_after if seen.retry_after is not None else seen.reset
        wait = min(MAX_BLOCK_S, DEFAULT_BLOCK_S if wait is None else wait)
        budget = replace(budget, blocked_until=max(budget.blocked_until, seen.at + wait + GUARD_S))
    return budget


def _ahead(until: float, now: float, most: float) -> bool:
    """Return whether that moment is still to come. One further ahead than possible was set by a clock that has jumped."""
    return now < until <= now + most + 1.0


def _rolled(budget: Budget, now: float, window_s: float) -> Budget:
    """Return a new, unconfirmed window where the last one is over (or so far ahead that a clock must have jumped)."""
    if now < budget.ends + GUARD_S and budget.ends - now <= 2 * window_s:
        return budget
    return replace(
        budget,
        window=budget.window + 1,
        seen_at=None,
        ends=now + window_s + 1.0,
        count=0,
        pending=0,
        stale=budget.pending,
    )


def _settled(budget: Budget, seen: Seen) -> tuple[Budget, bool]:
    """Count the permit as answered; return whether it was of the window that is running."""
    if seen.window == budget.window:
        return replace(budget, pending=max(0, budget.pending - 1)), True
    if seen.window == budget.window - 1:
        return replace(budget, stale=max(0, budget.stale - 1)), False
    return budget, False


def _mirrored(budget: Budget, seen: Seen, ours: bool, window_s: float) -> Budget:
    assert seen.count is not None
    assert seen.reset is not None
    end = seen.at + seen.reset
    if budget.seen_at is None:
        # An answer to a permit of the last window may still describe that one: only a long reset describes the new one.
        return _begun(budget, seen, window_s) if ours or seen.reset > window_s / 2 else budget
    if end > budget.ends + window_s / 2:
        # The tenant's window is over already: follow it.
        fresh = replace(budget, window=budget.window + 1, stale=budget.pending, pending=0)
        return _begun(fresh, seen, window_s)
    if end < budget.ends - window_s / 2:
        return budget
    return replace(budget, count=max(budget.count, seen.count), ends=min(budget.ends, end + _hidden(seen)))


def _begun(budget: Budget, seen: Seen, window_s: float) -> Budget:
    """Return the window as its first answer describes it."""
    assert seen.count is not None
    assert seen.reset is not None
    ends = min(seen.at + max(window_s, seen.reset), seen.at + seen.reset + _hidden(seen))
    return replace(budget, seen_at=seen.at, count=seen.count, ends=ends)


def _hidden(seen: Seen) -> float:
    """Return the seconds that rounding of the reset may hide."""
    return 0.0 if seen.exact else 1.0


def _waiting(budget: Budget, lane: RequestLane, now: float, wait: float) -> tuple[Budget, float]:
    if lane is RequestLane.SCREEN:
        budget = replace(budget, screen_waits_until=now + WAITING_S)
    elif lane is RequestLane.RESTORE:
        budget = replace(budget, restore_waits_until=now + WAITING_S, restoring_until=now + RESTORING_S)
    return budget, min(max(wait, 0.01), POLL_S if lane is not RequestLane.APPLY else 1.0)


def _until_room(budget: Budget, lane: RequestLane, now: float, share: float, window_s: float) -> float:
    until_end = budget.ends + GUARD_S - now
    if budget.used >= budget.allowed(share):
        # Full. Answers under way may still show that there is room.
        return min(until_end, 0.1) if budget.pending + budget.stale else until_end
    per_second = budget.allowed(share) * SCREEN_SHARE / window_s
    return min(until_end, 1.0 / per_second if per_second > 0 else 1.0)
