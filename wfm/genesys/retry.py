"""Which failures are retried, and when. One predicate, with its reasons.

Backoff and jitter come from stamina; a `Retry-After` of the tenant replaces them. 429 is different: the shared pacer
holds every process back until the instant that the tenant names, so a retry costs no attempt, only patience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wfm.genesys.errors import TOKEN_CALL, ConnectionProblem, GenesysError, RateLimited, ServerFault

MAX_WAIT_S = 30.0
"""A longer Retry-After of a server fault is not waited for."""


def is_worth_again(error: GenesysError) -> bool:
    """Judge whether the same request, unchanged, is worth sending again.

    Yes: 429, of which nothing was accepted (the pacer waits for the tenant's next window); 408 or 5xx, the tenant's own fault,
    which may pass; no answer, where nothing can have been changed. No: a write that may have been done, which is read back;
    a caller whose patience is over; 400, 401 (after a fresh token), 403 and 404, which would be refused again; 409, which
    needs a re-read first; an answer that can't be read, which would be the same.
    """
    return isinstance(error, RateLimited | ServerFault | ConnectionProblem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long and how often to retry. `patience_s` bounds everything, including waits for permits and 429s.

    `attempts` bounds the failures that the pacer does not hold back. Waits are in seconds.
    """

    patience_s: float
    attempts: int = 4
    wait_initial_s: float = 0.3
    wait_max_s: float = 8.0
    wait_jitter_s: float = 0.5


SCREEN_POLICY = Policy(patience_s=25.0, attempts=3, wait_initial_s=0.2, wait_max_s=2.0, wait_jitter_s=0.2)
"""A person is waiting: report soon what is wrong."""
WORK_POLICY = Policy(patience_s=300.0, attempts=6)
"""Apply and restore: agents are waiting to be taken out or, worse, to come back. About ten seconds of a tenant that can't
be reached do no harm."""


@dataclass
class Hook:
    """Return the predicate in the form that stamina takes: False, or seconds to wait, or True for its own backoff.

    `over` is set when no permit came in time: then the failure before it is final.
    """

    policy: Policy
    faults: int = field(default=0, init=False)
    over: bool = field(default=False, init=False)

    def __call__(self, error: Exception) -> bool | float:
        if self.over or not isinstance(error, GenesysError) or not is_worth_again(error):
            return False
        if isinstance(error, RateLimited):
            # The pacer holds the call back, but it does not pace the login host: that wait is done here.
            return min(error.retry_after or 1.0, MAX_WAIT_S) if error.call == TOKEN_CALL else 0.0
        self.faults += 1
        if self.faults >= self.policy.attempts:
            return False
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= MAX_WAIT_S else False
        return True


def retry_after_seconds(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds that a Retry-After header (a number or an HTTP date) asks for; None for none, or for junk.

    Field reports say that the platform's header is not always a number.
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
