"""The cost of a plan in requests and seconds at the tenant's rate limit.

The limit counts in fixed windows of 60 s (observed on the platform: `inin-ratelimit-reset`), so a run may spend a whole
window's budget at once and then waits for the next: 40 requests at 300 a minute take a moment, 400 take about a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from wfm.domain.operations import Phase
from wfm.domain.plans import Cost
from wfm.genesys.budget import SCREEN_SHARE, WINDOW_S
from wfm.routes import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast this client may send and can send.

    `share` is the part of the limit that the desk may use; of that, a tenth is kept for screens and released as the
    minute runs out. `latency_s` is the time of one request, `parallel` how many are in flight.
    """

    limit_per_minute: int
    share: float = 0.9
    latency_s: float = 0.1
    parallel: int = 16

    def seconds(self, requests: int) -> float:
        """Return the time of this many requests from the first sent to the last answered, starting with a fresh budget.

        Whole limit windows are waited for; the rest goes as one burst, as fast as the network allows, except for the last
        tenth, which is released bit by bit. Where the network is slower than the limit, only its time counts.
        """
        if requests <= 0:
            return 0.0
        budget = max(1, int(self.limit_per_minute * self.share + 1e-9))
        whole = (requests - 1) // budget
        last = requests - whole * budget
        at_once = budget - int(budget * SCREEN_SHARE)
        released = WINDOW_S * (last - at_once) / (budget - at_once) if last > at_once else 0.0
        waited = whole * WINDOW_S + max(released, self._flight(last))
        return max(waited, self._flight(requests))

    def _flight(self, requests: int) -> float:
        """Return the rounds that requests take, `parallel` at a time."""
        return math.ceil(requests / max(1, self.parallel)) * self.latency_s


def cost_of(route: Route, agents: int, pace: Pace) -> Cost:
    """Return requests and seconds to apply to this many agents and to restore them."""
    apply = math.ceil(route.requests(Phase.APPLY) * agents)
    restore = math.ceil(route.requests(Phase.RESTORE) * agents)
    return Cost(
        apply_requests=apply,
        restore_requests=restore,
        apply_seconds=round(pace.seconds(apply), 1),
        restore_seconds=round(pace.seconds(restore), 1),
        limit_per_minute=pace.limit_per_minute,
    )


def duration(seconds: float) -> str:
    """Write a length of time for people: "8 s", "3 min", "2 h 05"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02}"
