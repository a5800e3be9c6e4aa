"""What a plan costs in requests and seconds at the tenant's rate limit.

The limit counts in fixed windows of 60 s (observed on the platform: `inin-ratelimit-reset`), so a run may spend a whole
window's budget at once and then waits for the next: 40 requests at 300 a minute take a moment, 400 take about a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from wfm.domain.operations import Phase
from wfm.domain.plans import Cost
from wfm.preview.reads import RouteFacts

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast this client may and can send.

    `share` is the part of the limit that the run may use; `latency_s` the time of one request and `parallel` how many
    are in flight; `left_now` and `resets_in_s` describe the window that has begun, where they are known.
    """

    limit_per_minute: int
    share: float = 0.9
    latency_s: float = 0.1
    parallel: int = 16
    left_now: int | None = None
    resets_in_s: float | None = None

    def seconds(self, requests: int) -> float:
        """The time that so many requests take, from the first sent to the last answered.

        Pure waiting for limit windows plus the flight time of the last burst; where the network is slower than the
        limit, the flight time of all.
        """
        if requests <= 0:
            return 0.0
        budget = max(1, int(self.limit_per_minute * self.share))
        flight = requests * self.latency_s / max(1, self.parallel)
        first = budget if self.left_now is None else max(0, min(self.left_now, budget))
        if requests <= first:
            return max(self.latency_s, flight)
        until_reset = WINDOW_S if self.resets_in_s is None else max(0.0, min(self.resets_in_s, WINDOW_S))
        rest = requests - first
        whole = (rest - 1) // budget
        last = rest - whole * budget
        waited = until_reset + whole * WINDOW_S + max(self.latency_s, last * self.latency_s / max(1, self.parallel))
        return max(waited, flight)


def cost_of(route: RouteFacts, agents: int, pace: Pace) -> Cost:
    """Requests and seconds to apply to so many agents and to restore them. Restoring is reckoned with a fresh budget."""
    apply = math.ceil(route.requests(Phase.APPLY) * agents)
    restore = math.ceil(route.requests(Phase.RESTORE) * agents)
    fresh = Pace(limit_per_minute=pace.limit_per_minute, share=pace.share, latency_s=pace.latency_s, parallel=pace.parallel)
    return Cost(
        apply_requests=apply,
        restore_requests=restore,
        apply_seconds=round(pace.seconds(apply), 1),
        restore_seconds=round(fresh.seconds(restore), 1),
        limit_per_minute=pace.limit_per_minute,
    )


def duration(seconds: float) -> str:
    """A length as people say it: "8 s", "3 min", "2 h 05"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02}"
