"""When people work: always somebody on shift, real days, published weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.demo_inprocess import Clock, InProcess
from wfm.demo.roster import ACTIVITY_CODES, Roster, anchor_for, local_day, monday
from wfm.demo.tenant import LEAST_ON_SHIFT
from wfm.demo.world import build_world

WORLD = build_world()
STARTS = [datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour, minutes=hour * 7 % 60) for hour in range(24)]
# Days around Berlin's clock changes, a year's end, a leap day.
ODD_DAYS = [
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 50, tzinfo=UTC),
    datetime(2028, 2, 29, 6, 0, tzinfo=UTC),
]


def minute_of(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


@pytest.mark.parametrize("opened", [*STARTS, *ODD_DAYS], ids=str)
def test_most_agents_are_on_shift_whenever_the_demo_is_opened(opened: datetime) -> None:
    roster = Roster(WORLD, anchor_for(opened))
    assert roster.share_on_shift(minute_of(opened)) > LEAST_ON_SHIFT
    assert roster.share_on_shift(minute_of(opened + timedelta(minutes=90))) > LEAST_ON_SHIFT


@pytest.mark.parametrize("opened", STARTS[::4], ids=str)
def test_some_shifts_end_and_some_begin_inside_the_next_hours(opened: datetime) -> None:
    roster = Roster(WORLD, anchor_for(opened))
    start, end = minute_of(opened), minute_of(opened + timedelta(hours=2))
    shifts = [shift for person in WORLD.people for shift in roster.shifts(person, start, end) if not shift.off]
    assert any(start < shift.end < end for shift in shifts)
    assert any(start < shift.start < end for shift in shifts)


def test_a_shift_is_filled_without_gaps_and_has_what_days_have() -> None:
    roster = Roster(WORLD, anchor_for(STARTS[9]))
    today = local_day("UTC", minute_of(STARTS[9]))
    seen: set[str] = set()
    days_off = 0
    for person in WORLD.people:
        for day in range(today, today + 7):
            shift = roster.shift(person, day)
            if shift is None:
                continue
            days_off += shift.off
            assert shift.parts[0].start == shift.start
            assert shift.parts[-1].end == shift.end
            assert all(before.end == after.start for before, after in pairwise(shift.parts))
            assert all(part.start % 15 == 0 for part in shift.parts)
            assert 480 <= shift.end - shift.start <= 540
            seen |= {ACTIVITY_CODES[part.code].category for part in shift.parts}
    assert {"OnQueueWork", "Break", "Meal", "Meeting", "Training", "OffQueueWork", "TimeOff"} <= seen
    assert days_off > 10


def test_nobody_has_two_shifts_at_once_over_a_clock_change() -> None:
    roster = Roster(WORLD, anchor_for(ODD_DAYS[0]))
    start = minute_of(ODD_DAYS[0])
    for person in WORLD.people:
        shifts = list(roster.shifts(person, start - 3 * 1440, start + 3 * 1440))
        assert all(before.end <= after.start for before, after in pairwise(shifts))


def test_this_week_and_the_next_are_published_and_the_week_after_is_not() -> None:
    now = minute_of(STARTS[9])
    week = monday(local_day("Europe/Berlin", now))
    published = [Roster.published(week + 7 * ahead, "Europe/Berlin", now) for ahead in (-27, -26, 0, 1, 2, 3)]
    assert published == [False, True, True, True, False, False]


def test_weeks_begin_on_monday() -> None:
    assert (
        monday(local_day("UTC", minute_of(datetime(2026, 11, 23, 0, 1, tzinfo=UTC))))
        == local_day("UTC", minute_of(datetime(2026, 11, 29, 23, 59, tzinfo=UTC))) - 6
    )


def contacts(inside: InProcess) -> set[str]:
    return {row["id"] for row in inside.demo("GET", "/agents?in_contact=true")["agents"]}


def test_a_few_agents_are_in_a_contact_and_it_changes_with_time_not_with_asking() -> None:
    clock = Clock()
    inside = InProcess(clock)
    on_queue = sum(row["presence"] == "OnQueue" for row in inside.demo("GET", "/agents")["agents"])
    first = contacts(inside)
    assert 0.03 < len(first) / on_queue < 0.15
    assert contacts(inside) == first
    clock.advance(60)
    assert contacts(inside) & first
    clock.advance(600)
    assert contacts(inside) != first


def hours_later(inside: InProcess, hours: float) -> float:
    inside.clock.advance(hours * 3600)
    return float(inside.demo("GET", "/info")["share_on_shift"])


def test_a_demo_left_running_still_has_people_at_work_whenever_it_is_looked_at(inside: InProcess) -> None:
    first = inside.tenant.roster
    assert all(hours_later(inside, 1.3) > LEAST_ON_SHIFT for _ in range(40))
    assert inside.tenant.roster.version > first.version


def test_the_roster_stays_while_an_update_holds_somebody_out(inside: InProcess) -> None:
    agent, before = inside.working()["id"], inside.tenant.roster
    path = f"/api/v2/wfm/users/{agent}/availability"
    inside.request("PATCH", path, "desk", json={"status": "unavailable", "reason": "x"})
    assert hours_later(inside, 10) < 0.3
    assert inside.tenant.roster is before
    inside.request("PATCH", path, "desk", json={"status": "available"})
    assert hours_later(inside, 0.3) > LEAST_ON_SHIFT


@pytest.mark.parametrize("opened", STARTS, ids=str)
def test_a_day_off_covers_the_shift_it_takes_the_place_of(opened: datetime) -> None:
    roster = Roster(WORLD, anchor_for(opened))
    days_off = 0
    for person in WORLD.people:
        zone = person.unit.business_unit.zone
        for shift in roster.shifts(person, minute_of(opened), minute_of(opened + timedelta(days=7))):
            if shift.off:
                days_off += 1
                assert local_day(zone, shift.start) == local_day(zone, shift.end - 1), person.name
    assert days_off
