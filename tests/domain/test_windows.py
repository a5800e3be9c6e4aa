"""From the wall clock to instants: DST gaps and folds, lengths, bounds, in several zones."""

# ruff: noqa: DTZ001 - times on a wall clock, without a zone, are what is tested

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wfm.domain.errors import BadInput
from wfm.domain.windows import FURTHEST, MAX_LENGTH, SHORTEST, Window, WindowSpec

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)

# zone, local day of the change, the hour that is skipped (spring) or happens twice (autumn), minutes the clock moves
GAPS = [
    ("Europe/Berlin", datetime(2026, 3, 29, 2, 30), "03:30"),
    ("America/New_York", datetime(2026, 3, 8, 2, 30), "03:30"),
    ("America/St_Johns", datetime(2026, 3, 8, 2, 15), "03:15"),
    ("Australia/Sydney", datetime(2026, 10, 4, 2, 30), "03:30"),
    ("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15), "02:45"),  # half an hour only
    ("Africa/Cairo", datetime(2026, 4, 24, 0, 30), "01:30"),
]
FOLDS = [
    ("Europe/Berlin", datetime(2026, 10, 25, 2, 30), timedelta(hours=2)),
    ("America/New_York", datetime(2026, 11, 1, 1, 30), timedelta(hours=-4)),
    ("Australia/Sydney", datetime(2026, 4, 5, 2, 30), timedelta(hours=11)),
    ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 45), timedelta(hours=11)),
]


def near(local: datetime) -> datetime:
    """A `now` three weeks before."""
    return local.replace(tzinfo=UTC) - timedelta(days=21)


@pytest.mark.parametrize(("zone", "skipped", "following"), GAPS)
@pytest.mark.parametrize("field", ["start", "end"])
def test_a_time_that_the_clocks_skip_is_refused_and_the_next_named(
    zone: str, skipped: datetime, following: str, field: str
) -> None:
    other = skipped + timedelta(hours=5) if field == "start" else skipped - timedelta(hours=5)
    spec = WindowSpec(zone=zone, start=min(skipped, other), end=max(skipped, other))
    with pytest.raises(BadInput) as refused:
        spec.resolve(near(skipped))
    assert refused.value.field == f"window {field}"
    assert zone in str(refused.value)
    assert following in str(refused.value)


@pytest.mark.parametrize(("zone", "twice", "offset"), FOLDS)
def test_a_time_that_happens_twice_is_the_first(zone: str, twice: datetime, offset: timedelta) -> None:
    window = WindowSpec(zone=zone, start=twice, end=twice + timedelta(hours=3)).resolve(near(twice))
    assert window.start == twice.replace(tzinfo=UTC) - offset
    assert window.local()[0].replace(tzinfo=None) == twice


def test_lengths_are_real_minutes_across_a_change() -> None:
    autumn = WindowSpec(zone="Europe/Berlin", start=datetime(2026, 10, 25, 1), end=datetime(2026, 10, 25, 4)).resolve(AUTUMN)
    spring = WindowSpec(zone="Europe/Berlin", start=datetime(2026, 3, 29, 1), end=datetime(2026, 3, 29, 4)).resolve(NOW)
    assert (autumn.minutes, spring.minutes) == (240, 120)


def test_an_end_that_is_later_on_the_wall_but_not_in_truth_is_judged_by_the_instant() -> None:
    """01:30 the second time, given with its offset, to 01:45 the first time: the wall says later, the world earlier."""
    start = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1)
    spec = WindowSpec(zone="America/New_York", start=start, end=datetime(2026, 11, 1, 1, 45))
    with pytest.raises(BadInput, match="window end"):
        spec.resolve(AUTUMN)


def test_a_time_with_an_offset_is_taken_as_it_is() -> None:
    start = datetime.fromisoformat("2026-03-10T14:30:00+05:30")
    window = WindowSpec(zone="Europe/Berlin", start=start, end=start + timedelta(hours=1)).resolve(NOW)
    assert window.start == datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    assert window.start.tzinfo is UTC


def test_minutes_start_now() -> None:
    window = WindowSpec(minutes=30, zone="Asia/Kathmandu").resolve(NOW)
    assert (window.start, window.end, window.now) == (NOW, NOW + timedelta(minutes=30), True)
    assert f"{window.local()[0]:%H:%M}" == "17:45"


def test_the_wall_clock_of_somebody_elsewhere() -> None:
    window = WindowSpec(minutes=30, zone="Europe/Berlin").resolve(NOW)
    assert [f"{moment:%H:%M}" for moment in window.local("America/New_York")] == ["07:00", "07:30"]


@pytest.mark.parametrize("minutes", [0, -1, 0.5, float("nan"), float("inf"), MAX_LENGTH.total_seconds() / 60 + 1, 1e300])
def test_minutes_out_of_bounds_are_refused(minutes: float) -> None:
    with pytest.raises(BadInput, match=r"window (minutes|length)"):
        WindowSpec(minutes=minutes).resolve(NOW)


@pytest.mark.parametrize("minutes", [SHORTEST.total_seconds() / 60, MAX_LENGTH.total_seconds() / 60])
def test_the_bounds_themselves_are_allowed(minutes: float) -> None:
    assert WindowSpec(minutes=minutes).resolve(NOW).minutes == minutes


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2026-03-10T14:30", "2026-03-10T14:30", "window end"),  # a window of zero
        ("2026-03-10T14:30", "2026-03-10T14:00", "window end"),  # end before start
        ("2026-03-10T14:30:00", "2026-03-10T14:30:40", "window length"),
        ("2026-03-10T14:30", "2026-04-19T14:30", "window length"),  # 40 days
        ("2027-03-10T14:30", "2027-03-10T15:30", "window start"),  # a year ahead
        ("2025-03-10T14:30", "2025-03-10T15:30", "window start"),  # a year back
        ("0001-01-01T00:00", "0001-01-01T01:00", "window start"),
        ("9999-12-31T23:00", "9999-12-31T23:59", "window start"),
        ("2026-03-10T14:30", None, "window end"),
        (None, "2026-03-10T14:30", "window start"),
        (None, None, "window start"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "UTC"])
def test_what_can_not_be_used_names_its_field(start: str | None, end: str | None, field: str, zone: str) -> None:
    spec = WindowSpec.model_validate({"start": start, "end": end, "zone": zone})
    with pytest.raises(BadInput) as refused:
        spec.resolve(NOW)
    assert refused.value.field == field
    assert refused.value.accepted


def test_minutes_and_instants_together_are_refused() -> None:
    with pytest.raises(BadInput, match="either minutes, or start and end"):
        WindowSpec(minutes=30, start=datetime(2026, 3, 10, 14, 30)).resolve(NOW)


@pytest.mark.parametrize("zone", ["Europe/Berlino", "", "CEST2", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(BadInput, match="IANA"):
        WindowSpec(minutes=30, zone=zone).resolve(NOW)


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 8, 1)),
    st.integers(min_value=1, max_value=31 * 24 * 60),
    st.sampled_from([gap[0] for gap in GAPS] + ["UTC", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Chatham", "Asia/Tokyo"]),
)
def test_a_window_says_the_wall_clock_it_was_asked_for(start: datetime, minutes: int, zone: str) -> None:
    """Whatever is accepted reads back as it was given, is UTC, and lasts what the instants say."""
    start = start.replace(second=0, microsecond=0)
    end = start + timedelta(minutes=minutes)
    now = datetime(2026, 4, 15, tzinfo=UTC)
    try:
        window = WindowSpec(zone=zone, start=start, end=end).resolve(now)
    except BadInput as refused:
        assume("skip" in refused.accepted)
        assert refused.field in ("window start", "window end")  # noqa: PT017 - a refused gap is one of two fair answers
        return
    assert [moment.replace(tzinfo=None) for moment in window.local()] == [start, end]
    assert window.start.tzinfo is UTC
    assert window.end.tzinfo is UTC
    assert abs(window.minutes - minutes) <= 61
    assert SHORTEST <= window.end - window.start <= MAX_LENGTH
    assert abs(window.start - now) <= FURTHEST


@given(st.integers(0, 1000), st.integers(1, 500), st.integers(0, 1000), st.integers(1, 500))
def test_windows_overlap_when_they_share_a_minute(a: int, a_long: int, b: int, b_long: int) -> None:
    first = Window(start=NOW + timedelta(minutes=a), end=NOW + timedelta(minutes=a + a_long), zone="UTC")
    shared = set(range(a, a + a_long)) & set(range(b, b + b_long))
    assert first.overlaps(NOW + timedelta(minutes=b), NOW + timedelta(minutes=b + b_long)) == bool(shared)
