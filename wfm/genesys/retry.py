"""Which failures are worth another try, and when. One predicate, with its reasons.

Backoff and jitter come from stamina; a `Retry-After` of the tenant is honoured instead. 429 is different: the shared
pacer holds every process back until the tenant's own instant, so a retry costs no attempt, only patience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wfm.genesys.errors import (
    TOKEN_CALL,
    AuthenticationFailed,
    BadAnswer,
    BudgetTimeout,
    Cancelled,
    ConnectionProblem,
    GenesysError,
    OutcomeUnknown,
    RateLimited,
    ServerFault,
)

MAX_WAIT_S = 30.0
"""A server fault's Retry-After above this is not waited for in place."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to try again, and the reason in words."""

    again: bool
    reason: str


def verdict(error: GenesysError) -> Verdict:
    """Whether the same request, unchanged, is worth sending again."""
    match error:
        case OutcomeUnknown():
            return Verdict(False, "a write that may have been done is read back, not resent")
        case BudgetTimeout() | Cancelled():
            return Verdict(False, "the caller's patience is over")
        case AuthenticationFailed():
            return Verdict(False, "the client is refused until somebody mends its id or secret")
        case RateLimited():
            return Verdict(True, "429: nothing was accepted; the pacer waits for the tenant's next window")
        case ServerFault():
            return Verdict(True, "408 or 5xx: the tenant's own fault, it may pass")
        case ConnectionProblem():
            return Verdict(True, "no answer, and nothing can have been changed")
        case BadAnswer():
            return Verdict(False, "the answer would be the same")
    # 400, 401 (after a fresh token), 403, 404: the same request is refused again. 409: only after a re-read.
    return Verdict(False, "the tenant understood the request and refused it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long and how often. `patience_s` bounds everything, waiting for permits and 429s included.

    `attempts` bounds those failures that the pacer does not hold back. Waits in seconds.
    """

    patience_s: float
    attempts: int = 4
    wait_initial_s: float = 0.3
    wait_max_s: float = 8.0
    wait_jitter_s: float = 0.5


SCREEN_POLICY = Policy(patience_s=25.0, attempts=3, wait_initial_s=0.2, wait_max_s=2.0, wait_jitter_s=0.2)
"""Somebody is looking: say soon what is wrong."""
WORK_POLICY = Policy(patience_s=300.0, attempts=6)
"""Apply and restore: agents are waiting to be taken out or, worse, to come back. Some ten seconds of a tenant that can't be
reached pass unnoticed."""


@dataclass
class Hook:
    """The predicate in the form that stamina asks for: False, or seconds to wait, or True for its own backoff.

    `over` is set when no permit came in time: then the failure that was met before is the last word.
    """

    policy: Policy
    faults: int = field(default=0, init=False)
    over: bool = field(default=False, init=False)

    def __call__(self, error: Exception) -> bool | float:
        if self.over or not isinstance(error, GenesysError) or not verdict(error).again:
            return False
        if isinstance(error, RateLimited):
            # The pacer holds the call back. It does not pace the login host: there the wait is ours.
            return min(error.retry_after or 1.0, MAX_WAIT_S) if error.call == TOKEN_CALL else 0.0
        self.faults += 1
        if self.faults >= self.policy.attempts:
            return False
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= MAX_WAIT_S else False
        return True


def retry_after_seconds(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds that a Retry-After header asks for: a number or an HTTP date. None for none, or for junk.

    Field reports say that the platform's header is not always a number, so nothing is taken for granted.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now()).total_seconds()
    if not -1e9 < seconds < 1e9:  # also NaN
        return None
    return max(0.0, seconds)
