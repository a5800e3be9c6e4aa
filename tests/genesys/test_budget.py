"""The budget against a simulated tenant: every kind of window and rounding that a tenant may have, in simulated time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.genesys.budget import (
    DEFAULT_LIMIT,
    FIRST_FEW,
    GUARD_S,
    MAX_BLOCK_S,
    WAITING_S,
    Budget,
    RequestLane,
    Seen,
    ask,
    ceiling,
    observe,
)

SCREEN, RESTORE, APPLY = RequestLane.SCREEN, RequestLane.RESTORE, RequestLane.APPLY

ROUNDINGS: dict[str, Callable[[float], float]] = {
    "up": lambda left: max(1, math.ceil(left)),
    "down": lambda left: math.floor(left),
    "up and one more": lambda left: math.ceil(left) + 1,
    "exact": lambda left: left,
}


@dataclass
class SimTenant:
    """A tenant that counts in fixed 60 s windows: begun by the first request ("lazy") or by the clock ("aligned")."""

    limit: int
    kind: str
    rounding: str
    began: float = -1e9
    count: int = 0
    refused: int = 0
    accepted: list[float] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    def take(self, now: float) -> tuple[int, int, float]:
        """(status, count, reset) for a request that arrives now."""
        if now - self.began >= 60:
            self.windows.append(self.count)
            self.began = now if self.kind == "lazy" else now - (now % 60)
            self.count = 0
        left = self.began + 60 - now
        reset = ROUNDINGS[self.rounding](left)
        if self.count >= self.limit:
            self.refused += 1
            return 429, self.count, reset
        self.count += 1
        self.accepted.append(now)
        return 200, self.count, reset


@dataclass
class Worker:
    lane: RequestLane
    pause: float = 0.0


def simulate(
    tenant: SimTenant,
    workers: list[Worker],
    seconds: float,
    *,
    share: float = 1.0,
    latency: tuple[float, float] = (0.02, 0.08),
    seed: int = 0,
    foreign_every: float | None = None,
    start: float = 1000.0,
) -> tuple[Budget, Counter[RequestLane]]:
    """Workers that ask, send and observe for so long. Requests take latency; answers come back after as much again."""
    rng = random.Random(seed)
    order = itertools.count()
    budget = Budget()
    worker: Worker
    window: int
    done: Counter[RequestLane] = Counter()
    events: list[tuple[float, int, str, Any]] = []

    def at(when: float, what: str, data: Any) -> None:
        heapq.heappush(events, (when, next(order), what, data))

    for worker in workers:
        at(start + rng.random() * 0.1, "ask", worker)
    if foreign_every is not None:
        at(start, "foreign", None)
    while events:
        now, _, what, data = heapq.heappop(events)
        if now > start + seconds:
            break
        if what == "foreign":
            tenant.take(now)
            assert foreign_every is not None
            at(now + foreign_every, "foreign", None)
        elif what == "ask":
            assert isinstance(data, Worker)
            budget, wait = ask(budget, data.lane, now, share)
            if wait:
                at(now + wait, "ask", data)
            else:
                at(now + rng.uniform(*latency), "arrive", (data, budget.window))
        elif what == "arrive":
            worker, window = data
            status, count, reset = tenant.take(now)
            at(now + rng.uniform(*latency), "answer", (worker, window, status, count, reset))
        else:
            worker, window, status, count, reset = data
            exact = tenant.rounding == "exact"
            budget = observe(budget, Seen(window, now, status, allowed=tenant.limit, count=count, reset=reset, exact=exact))
            if status == 200:
                done[worker.lane] += 1
            at(now + worker.pause, "ask", worker)
    return budget, done


@given(
    limit=st.sampled_from([40, 60, 300, 777, 3000]),
    kind=st.sampled_from(["lazy", "aligned"]),
    rounding=st.sampled_from(sorted(ROUNDINGS)),
    parallel=st.integers(1, 40),
    slowest=st.floats(0.02, 1.5),
    seed=st.integers(0, 1000),
    start=st.floats(1000, 1060),
)
@settings(max_examples=40, deadline=None)
def test_nobody_is_ever_refused(
    limit: int, kind: str, rounding: str, parallel: int, slowest: float, seed: int, start: float
) -> None:
    tenant = SimTenant(limit, kind, rounding)
    workers = [Worker(APPLY) for _ in range(parallel)] + [Worker(SCREEN, 0.7), Worker(RESTORE, 0.3)]
    simulate(tenant, workers, 200, latency=(0.01, slowest), seed=seed, start=start)
    assert tenant.refused == 0
    assert tenant.accepted


@pytest.mark.parametrize("kind", ["lazy", "aligned"])
@pytest.mark.parametrize("rounding", ["up", "down", "exact"])
@pytest.mark.parametrize("limit", [300, 3000])
def test_an_apply_alone_uses_the_limit_up(kind: str, rounding: str, limit: int) -> None:
    tenant = SimTenant(limit, kind, rounding)
    simulate(tenant, [Worker(APPLY) for _ in range(16)], 60 * 5 + 30)
    first, last = tenant.accepted[0], tenant.accepted[-1]
    whole = tenant.windows[2:]  # the first entry is the empty past, the second may be cut where windows are aligned
    assert len(whole) >= 3
    assert min(whole) >= limit * 0.99
    in_five = sum(1 for moment in tenant.accepted if moment - first < 300)
    assert in_five >= 0.97 * limit * 5 or kind == "aligned"
    assert tenant.refused == 0
    assert last > first


def test_a_burst_may_take_its_nine_tenths_at_once() -> None:
    tenant = SimTenant(300, "lazy", "up")
    simulate(tenant, [Worker(APPLY) for _ in range(10)], 5)
    assert len(tenant.accepted) >= 270


def test_a_tenth_is_kept_for_screens() -> None:
    tenant = SimTenant(300, "lazy", "up")
    late = Worker(SCREEN, pause=0.05)
    budget, done = simulate(tenant, [Worker(APPLY) for _ in range(10)], 6)
    assert done[APPLY] >= 265
    assert ceiling(budget, APPLY, 1006.0, 1.0) <= budget.used + 1
    granted = 0
    while True:
        budget, wait = ask(budget, late.lane, 1006.0, 1.0)
        if wait:
            break
        granted += 1
    assert 20 <= granted <= 30
    assert budget.used <= 300


def test_a_screen_gets_through_while_an_apply_saturates_the_limit() -> None:
    tenant = SimTenant(300, "lazy", "up")
    _, done = simulate(tenant, [*(Worker(APPLY) for _ in range(20)), Worker(SCREEN, pause=3.0)], 240)
    assert done[SCREEN] >= 60  # of at most 80: one every three seconds, whatever else is going on
    assert tenant.refused == 0


def test_restores_go_before_applies() -> None:
    tenant = SimTenant(300, "lazy", "up")
    workers = [Worker(APPLY) for _ in range(10)] + [Worker(RESTORE) for _ in range(10)]
    _, done = simulate(tenant, workers, 240)
    assert done[RESTORE] >= 3 * done[APPLY]
    assert done[APPLY] > 0  # but an apply does not starve
    assert sum(done.values()) >= 0.95 * 300 * 4


def test_a_slow_restore_does_not_waste_the_limit() -> None:
    tenant = SimTenant(300, "lazy", "up")
    workers = [Worker(APPLY) for _ in range(10)] + [Worker(RESTORE, pause=1.0)]
    _, done = simulate(tenant, workers, 240)
    assert sum(done.values()) >= 0.95 * 300 * 4
    assert done[APPLY] >= 0.6 * 300 * 4


@given(share=st.sampled_from([0.1, 0.5, 0.9]), limit=st.sampled_from([300, 3000]), seed=st.integers(0, 50))
@settings(max_examples=8, deadline=None)
def test_the_share_is_kept(share: float, limit: int, seed: int) -> None:
    tenant = SimTenant(limit, "lazy", "up")
    simulate(tenant, [Worker(APPLY) for _ in range(12)], 130, share=share, seed=seed)
    assert max([*tenant.windows, tenant.count]) <= math.floor(limit * share + 1e-9)


@pytest.mark.parametrize("every", [0.25, 1.0])
def test_other_users_of_the_client_shrink_what_is_left(every: float) -> None:
    """They send all the time; we stop before the limit, and nobody is refused at a share that leaves them room."""
    tenant = SimTenant(300, "lazy", "up")
    _, done = simulate(tenant, [Worker(APPLY) for _ in range(8)], 240, share=0.9, foreign_every=every)
    theirs = 240 / every
    assert tenant.refused <= theirs * 0.9  # theirs are refused by their own excess, never ours
    assert sum(done.values()) + theirs >= 0.85 * 300 * 4


def test_ours_are_not_refused_when_others_take_most_of_the_limit() -> None:
    tenant = SimTenant(300, "lazy", "up")
    _, done = simulate(tenant, [Worker(APPLY) for _ in range(4)], 240, share=0.9, foreign_every=0.3)
    # 200 of 300 a window are theirs: what we sent was accepted all the same.
    assert done[APPLY] >= 40 * 3


def test_the_default_holds_until_the_tenant_says_more() -> None:
    budget, granted = Budget(), 0
    for _ in range(2 * DEFAULT_LIMIT):
        budget, wait = ask(budget, SCREEN, 10.0, 1.0)
        granted += wait == 0
    assert granted == FIRST_FEW  # nothing has answered yet
    budget = observe(budget, Seen(budget.window, 10.0, 200))  # no headers at all
    for _ in range(2 * DEFAULT_LIMIT):
        budget, wait = ask(budget, SCREEN, 10.0, 1.0)
        granted += wait == 0
    assert granted == DEFAULT_LIMIT
    budget = observe(budget, Seen(budget.window, 10.1, 200, allowed=3000, count=300, reset=60))
    assert ask(budget, SCREEN, 10.1, 1.0)[1] == 0


def test_a_lower_limit_holds_at_once() -> None:
    budget = _begun(limit=3000, count=100)
    budget = observe(budget, Seen(budget.window, 2.0, 200, allowed=60, count=101, reset=58))
    assert ask(budget, SCREEN, 2.0, 1.0)[1] > 0


def test_a_429_stops_every_lane_until_its_time() -> None:
    budget = _begun(limit=300, count=10)
    budget = observe(budget, Seen(budget.window, 5.0, 429, allowed=300, count=10, reset=55, retry_after=7.0))
    for lane in RequestLane:
        assert ask(budget, lane, 11.9, 1.0)[1] > 0
    assert ask(budget, APPLY, 12.0 + GUARD_S, 1.0)[1] == 0


def test_a_429_without_a_time_waits_for_the_window_or_a_while() -> None:
    budget = _begun(limit=300, count=10)
    assert observe(budget, Seen(budget.window, 5.0, 429, count=300, reset=40)).blocked_until == pytest.approx(45 + GUARD_S)
    assert observe(budget, Seen(budget.window, 5.0, 429)).blocked_until == pytest.approx(15 + GUARD_S)


def test_a_junk_retry_after_does_not_stop_the_desk_for_a_day() -> None:
    budget = observe(_begun(), Seen(1, 5.0, 429, retry_after=1e8))
    assert budget.blocked_until <= 5.0 + MAX_BLOCK_S + 1


def test_a_request_that_never_left_gives_its_permit_back() -> None:
    budget = _begun(count=10)
    asked, _ = ask(budget, APPLY, 5.0, 1.0)
    assert asked.used == budget.used + 1
    assert observe(asked, Seen(asked.window, 5.1, None, sent=False)).used == budget.used


def test_a_request_that_got_no_answer_stays_spent() -> None:
    budget = _begun(count=10)
    asked, _ = ask(budget, APPLY, 5.0, 1.0)
    lost = observe(asked, Seen(asked.window, 15.0, None))
    assert lost.used == asked.used
    assert lost.pending == 0


def test_permits_of_a_killed_process_are_forgotten_after_one_more_window() -> None:
    budget = _begun(limit=100)
    for _ in range(40):
        budget, _ = ask(budget, APPLY, 5.0, 1.0)
    assert budget.pending == 40
    budget, _ = ask(budget, APPLY, 70.0, 1.0)
    assert budget.stale == 40
    budget, _ = ask(budget, APPLY, 140.0, 1.0)
    assert (budget.stale, budget.pending) == (1, 1)


def test_the_window_is_taken_anew_when_the_clock_jumps_back() -> None:
    budget = replace(_begun(limit=10, count=10), blocked_until=9.0, screen_waits_until=5.5)
    assert ask(budget, APPLY, 5.0, 1.0)[1] > 0
    assert ask(budget, APPLY, 5.0 - 3600, 1.0)[1] == 0


def test_an_answer_of_the_window_before_does_not_speak_of_this_one() -> None:
    budget, _ = ask(_begun(limit=300, count=300), APPLY, 61.0, 1.0)
    late = observe(budget, Seen(budget.window - 1, 61.1, 200, allowed=300, count=300, reset=1))
    assert late.count == 0
    assert ask(late, APPLY, 61.2, 1.0)[1] == 0


def test_an_early_guess_of_the_end_is_corrected_by_the_first_answer() -> None:
    """Our window rolled, the tenant's had not: its answer says so and is believed."""
    budget, _ = ask(_begun(limit=300, count=299), APPLY, 61.0, 1.0)
    told = observe(budget, Seen(budget.window, 61.1, 200, allowed=300, count=300, reset=2))
    assert ask(told, APPLY, 61.2, 1.0)[1] > 0
    assert ask(told, APPLY, 61.1 + 3 + GUARD_S, 1.0)[1] == 0


def test_a_tenant_that_begins_a_new_window_early_is_followed() -> None:
    budget = _begun(limit=300, count=300)
    fresh = observe(budget, Seen(budget.window, 40.0, 200, allowed=300, count=1, reset=60))
    assert fresh.window == budget.window + 1
    assert ask(fresh, APPLY, 40.0, 1.0)[1] == 0


def test_a_waiting_lane_holds_lower_ones_back_and_no_longer_than_it_waits() -> None:
    full = _begun(limit=100, count=100)
    waiting, wait = ask(full, RESTORE, 5.0, 1.0)
    assert wait > 0
    freed = replace(waiting, count=10)
    assert ask(freed, APPLY, 5.1, 1.0)[1] > 0
    assert ask(freed, SCREEN, 5.1, 1.0)[1] == 0
    served, wait = ask(freed, RESTORE, 5.1, 1.0)
    assert wait == 0
    assert ask(served, APPLY, 5.1, 1.0)[1] == 0
    assert ask(freed, APPLY, 5.0 + WAITING_S + 0.01, 1.0)[1] == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(RequestLane)),
            st.floats(0, 5),
            st.sampled_from([200, 403, 429, 500, None]),
            st.one_of(st.none(), st.integers(0, 5000)),
            st.one_of(st.none(), st.floats(0, 100)),
            st.one_of(st.none(), st.integers(0, 5000)),
        ),
        max_size=60,
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_a_tenant_says_the_counts_stay_sane(
    script: list[tuple[RequestLane, float, int | None, int | None, float | None, int | None]],
) -> None:
    budget, now = Budget(), 100.0
    for lane, step, status, count, reset, allowed in script:
        now += step
        budget, wait = ask(budget, lane, now, 0.9)
        assert 0 <= wait <= 1.0
        if wait == 0:
            assert budget.used <= budget.allowed(0.9)
            budget = observe(budget, Seen(budget.window, now, status, allowed=allowed, count=count, reset=reset))
        assert budget.pending >= 0
        assert budget.stale >= 0
        assert budget.blocked_until <= now + MAX_BLOCK_S + 1


def _begun(limit: int = 300, count: int = 1) -> Budget:
    """A window that began at 0 and ends at 60, as its first answer told."""
    budget, _ = ask(Budget(ends=-60.0), APPLY, 0.0, 1.0)
    return observe(budget, Seen(budget.window, 0.0, 200, allowed=limit, count=count, reset=60))
