"""What a run costs: requests by route, seconds by limit windows, bursts and the network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.plans import RouteName
from wfm.preview.cost import Pace, cost_of, duration
from wfm.routes import by_name

PACE = Pace(limit_per_minute=300, share=1.0, latency_s=0.1, parallel=10)


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [
        (0, 0),
        (1, 0.1),
        (40, 0.4),  # one burst: four rounds of ten
        (270, 2.7),  # all that goes at once: a tenth is kept for screens
        (285, 30),  # half of the kept tenth, released half-way through the minute
        (300, 60),
        (301, 60.1),
        (340, 60.4),
        (3000, 600),
    ],
)
def test_bursts_inside_a_window_and_waiting_between(requests: int, seconds: float) -> None:
    assert PACE.seconds(requests) == pytest.approx(seconds, abs=0.05)


def test_a_slow_network_counts_alone() -> None:
    slow = Pace(limit_per_minute=100_000, share=1.0, latency_s=1.0, parallel=2)
    assert slow.seconds(1000) == 500


def test_the_share_makes_it_longer() -> None:
    assert Pace(limit_per_minute=300, share=0.5).seconds(300) > Pace(limit_per_minute=300, share=1.0).seconds(270)


@given(st.integers(1, 20_000), st.integers(1, 5_000), st.floats(0.05, 1.0), st.floats(0, 2), st.integers(1, 32))
def test_more_requests_never_take_less_and_the_limit_is_never_beaten(
    requests: int, limit: int, share: float, latency: float, parallel: int
) -> None:
    pace = Pace(limit_per_minute=limit, share=share, latency_s=latency, parallel=parallel)
    took = pace.seconds(requests)
    assert took <= pace.seconds(requests + 1) + 1e-6
    windows = int(took // 60) + 1
    assert requests <= windows * max(1, int(limit * share + 1e-9)) + 1e-6


def test_requests_follow_the_route() -> None:
    assert cost_of(by_name(RouteName.AVAILABILITY), 40, PACE).apply_requests == 40
    assert cost_of(by_name(RouteName.AVAILABILITY), 40, PACE).restore_requests == 80
    assert cost_of(by_name(RouteName.DATA_ACTION), 40, PACE).restore_requests == 40
    nobody = cost_of(by_name(RouteName.AVAILABILITY), 0, PACE)
    assert (nobody.apply_requests, nobody.apply_seconds) == (0, 0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "1 s"), (8.4, "8 s"), (89, "89 s"), (90, "2 min"), (3000, "50 min"), (7500, "2 h 05")]
)
def test_durations_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
