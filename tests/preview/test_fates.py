"""Fates: their order, what only counts about now, how a window falls on shifts, in the agent's own time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.preview_world import NOW, Room, agent, ask, at, later, make_room, schedule, shift, state, token
from wfm.domain.agents import Status
from wfm.domain.plans import INCLUDABLE, SEVERITY, AgentFate, Fate, ResolvedSelection, RouteName, Severity
from wfm.domain.schedules import AgentSchedule
from wfm.domain.windows import Window
from wfm.preview.fates import World, decide

WHO = "user-00001"

# What stops an agent, in the order of the questions. Each is laid over a world where everything after it holds too.
SCHEDULE_OFF: dict[str, Any] = {"schedule": schedule(WHO, shift(at(7), at(12)))}
TROUBLES: list[tuple[Fate, dict[str, Any]]] = [
    (Fate.INACTIVE, {"agent": {"active": False}}),
    (Fate.WRONG_DIVISION, {"divisions": frozenset({"div-elsewhere"})}),
    (Fate.IN_ANOTHER_WINDOW, {"held": {WHO: "CHG-1"}}),
    (Fate.NOT_SCHEDULED, SCHEDULE_OFF),
    (Fate.OUT_OF_OFFICE, {"state": {"out_of_office": True}}),
    (Fate.ALREADY_UNAVAILABLE, {"state": {"status": Status.UNAVAILABLE}}),
    (Fate.SHIFT_ENDS_INSIDE, {"schedule": schedule(WHO, shift(at(7), at(13, 30)))}),
    (Fate.AFTER_CONTACT, {"state": {"in_contact": True}}),
]


def fate_of(window: Window | None = None, **world: Any) -> AgentFate:
    """The fate of one agent of Hamburg, on shift 07-17 UTC and available, with these changes."""
    one = agent(1, **world.pop("agent", {}))
    seen = {WHO: state(WHO, **world.pop("state", {}))}
    planned = world.pop("schedule", schedule(WHO, shift(at(7), at(17))))
    window = window or Window(start=NOW, end=NOW + timedelta(minutes=30), zone="Europe/Berlin", now=True)
    made = World(
        window=window,
        now=world.pop("now", NOW),
        route=world.pop("route", RouteName.AVAILABILITY),
        schedules={WHO: planned} if planned else {},
        states=world.pop("states", seen),
        held=world.pop("held", {}),
        **world,
    )
    return decide(ResolvedSelection(agents=(one,), unknown=(), as_of=NOW), made).rows[0]


def merged(*changes: dict[str, Any]) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for change in changes:
        for name, value in change.items():
            together[name] = {**together.get(name, {}), **value} if isinstance(value, dict) else value
    return together


def window(start: datetime, end: datetime, zone: str = "Europe/Berlin") -> Window:
    return Window(start=start, end=end, zone=zone)


class TestOrder:
    @pytest.mark.parametrize("first", range(len(TROUBLES)))
    def test_the_first_trouble_decides_when_all_later_ones_hold_too(self, first: int) -> None:
        fate, _ = TROUBLES[first]
        # later troubles first, so that an earlier one of the same kind (schedule) has the last word
        changes = merged(*(change for _, change in reversed(TROUBLES[first:])))
        assert fate_of(**changes).fate is fate

    def test_without_trouble_ready(self) -> None:
        row = fate_of()
        assert (row.fate, row.severity, row.writes, row.reason) == (
            Fate.READY,
            Severity.READY,
            True,
            "on shift 08:00–18:00",
        )

    @pytest.mark.parametrize(("fate", "change"), TROUBLES, ids=[fate.value for fate, _ in TROUBLES])
    def test_severity_and_writing_follow_the_table(self, fate: Fate, change: dict[str, Any]) -> None:
        row = fate_of(**change)
        assert row.severity is SEVERITY[fate]
        assert row.writes is (SEVERITY[fate] is not Severity.BLOCKED)
        assert row.reason


class TestAboutNow:
    @pytest.mark.parametrize("trouble", [Fate.OUT_OF_OFFICE, Fate.ALREADY_UNAVAILABLE, Fate.AFTER_CONTACT])
    @pytest.mark.parametrize(("minutes", "counts"), [(-10, True), (0, True), (5, True), (6, False), (60, False)])
    def test_what_agents_do_now_counts_only_for_a_window_that_starts_about_now(
        self, trouble: Fate, minutes: int, counts: bool
    ) -> None:
        start = NOW + timedelta(minutes=minutes)
        row = fate_of(window(start, start + timedelta(minutes=30)), **dict(TROUBLES)[trouble])
        assert row.fate is (trouble if counts else Fate.READY)

    def test_a_correction_of_the_past_asks_no_present_state(self) -> None:
        past = window(NOW - timedelta(hours=3), NOW - timedelta(hours=2))
        row = fate_of(past, route=RouteName.ADHERENCE, state={"status": Status.UNAVAILABLE, "out_of_office": True})
        assert row.fate is Fate.READY

    def test_a_shift_that_ends_inside_outranks_a_contact_but_names_it(self) -> None:
        row = fate_of(schedule=schedule(WHO, shift(at(7), at(13, 30))), state={"in_contact": True})
        assert row.fate is Fate.SHIFT_ENDS_INSIDE
        assert row.reason == "shift ends 14:30, window goes on to 14:42; in a contact now, changes after it"

    def test_a_state_that_is_not_known_is_said_to_be(self) -> None:
        row = fate_of(states={})
        assert row.fate is Fate.READY
        assert row.reason == "on shift 08:00–18:00; present state unknown"


class TestIncluded:
    @pytest.mark.parametrize("fate", sorted(INCLUDABLE))
    def test_a_blocked_fate_included_on_purpose_is_written_as_a_warning(self, fate: Fate) -> None:
        by_fate: dict[Fate, dict[str, Any]] = {
            Fate.NOT_SCHEDULED: SCHEDULE_OFF,
            Fate.SCHEDULE_UNPUBLISHED: {"schedule": schedule(WHO, published=False)},
            Fate.TIME_OFF: {"schedule": schedule(WHO, time_off=((at(0), at(23)),))},
            Fate.OUT_OF_OFFICE: {"state": {"out_of_office": True}},
        }
        changes = by_fate[fate]
        assert not fate_of(**changes).writes
        row = fate_of(**changes, include=frozenset({fate}))
        assert (row.fate, row.severity, row.writes) == (fate, Severity.WARNING, True)
        assert row.reason.startswith("included on purpose")

    @pytest.mark.parametrize("fate", sorted(set(Fate) - INCLUDABLE))
    def test_the_others_can_not_be_included(self, fate: Fate) -> None:
        changes = dict(TROUBLES).get(fate, {})
        assert fate_of(**changes, include=frozenset({fate})).writes is fate_of(**changes).writes

    def test_including_one_trouble_does_not_excuse_the_next(self) -> None:
        """An agent off shift who is unavailable already isn't ours to give back: restoring him would do harm."""
        row = fate_of(**SCHEDULE_OFF, state={"status": Status.UNAVAILABLE}, include=frozenset({Fate.NOT_SCHEDULED}))
        assert (row.fate, row.writes) == (Fate.ALREADY_UNAVAILABLE, False)


class TestSchedules:
    @pytest.mark.parametrize(
        ("planned", "fate", "reason"),
        [
            (None, Fate.NOT_SCHEDULED, "WFM has no schedule for this agent"),
            (schedule(WHO, published=False), Fate.SCHEDULE_UNPUBLISHED, "the schedule of Tue 24 Nov is not published"),
            (schedule(WHO), Fate.NOT_SCHEDULED, "no shift on Tue 24 Nov"),
            (schedule(WHO, shift(at(5), at(12))), Fate.NOT_SCHEDULED, "off shift: the last shift ends 13:00"),
            (schedule(WHO, shift(at(20), at(23))), Fate.NOT_SCHEDULED, "off shift: the next shift starts 21:00"),
            (
                schedule(WHO, shift(at(5), at(8)), shift(at(14), at(16))),
                Fate.NOT_SCHEDULED,
                "off shift: the next shift starts 15:00",
            ),
            (schedule(WHO, shift(at(7, day=22), at(15, day=22))), Fate.NOT_SCHEDULED, "no shift on Tue 24 Nov"),
            (schedule(WHO, shift(at(7), at(13))), Fate.NOT_SCHEDULED, "off shift: the last shift ends 14:00"),
            (schedule(WHO, shift(at(14), at(18))), Fate.NOT_SCHEDULED, "off shift: the next shift starts 15:00"),
            (schedule(WHO, shift(at(7), at(14))), Fate.READY, "on shift 08:00–15:00"),
            (schedule(WHO, shift(at(13), at(18))), Fate.READY, "on shift 14:00–19:00"),
            (schedule(WHO, shift(at(13), at(13, 30)), shift(at(13, 30), at(20))), Fate.READY, "on shift 14:00–21:00"),
            (
                schedule(WHO, shift(at(7), at(13, 45))),
                Fate.SHIFT_ENDS_INSIDE,
                "shift ends 14:45, window goes on to 15:00",
            ),
            (
                schedule(WHO, shift(at(13, 15), at(18))),
                Fate.SHIFT_STARTS_INSIDE,
                "shift starts 14:15, window starts 14:00",
            ),
            (
                schedule(WHO, shift(at(13, 15), at(13, 45))),
                Fate.SHIFT_ENDS_INSIDE,
                "shift starts 14:15 and shift ends 14:45, window goes on to 15:00",
            ),
            (
                schedule(WHO, shift(at(7), at(13, 20)), shift(at(13, 40), at(18))),
                Fate.READY,
                "on shift, off 14:20–14:40 in between",
            ),
            (schedule(WHO, time_off=((at(23, day=23), at(23)),)), Fate.TIME_OFF, "time off all day"),
            (
                schedule(WHO, shift(at(7), at(17), (at(7), at(17)))),
                Fate.TIME_OFF,
                "time off all day",
            ),
            (schedule(WHO, shift(at(7), at(17), (at(12), at(15)))), Fate.TIME_OFF, "time off 13:00–16:00"),
            (schedule(WHO, time_off=((at(12, day=23), at(15)),)), Fate.TIME_OFF, "time off Mon 13:00–Tue 16:00"),
            (
                schedule(WHO, shift(at(7), at(17), (at(12), at(13, 30)), (at(13, 30), at(15)))),
                Fate.TIME_OFF,
                "time off 13:00–16:00",
            ),
            (
                schedule(WHO, shift(at(7), at(17), (at(13, 30), at(17)))),
                Fate.SHIFT_ENDS_INSIDE,
                "time off starts 14:30, window goes on to 15:00",
            ),
            (
                schedule(WHO, shift(at(7), at(17), (at(7), at(13, 30)))),
                Fate.SHIFT_STARTS_INSIDE,
                "time off ends 14:30, window starts 14:00",
            ),
            (
                schedule(WHO, shift(at(7), at(17), (at(13, 20), at(13, 30)))),
                Fate.READY,
                "on shift, off 14:20–14:30 in between",
            ),
            (
                schedule(WHO, shift(at(7), at(17), (at(8), at(9)))),
                Fate.READY,
                "on shift 08:00–18:00",
            ),
        ],
    )
    def test_how_the_window_falls_on_the_schedule(self, planned: AgentSchedule | None, fate: Fate, reason: str) -> None:
        """Window 14:00-15:00 in Berlin; instants of the table are UTC, an hour less."""
        row = fate_of(window(at(13), at(14)), schedule=planned, now=at(9))
        assert (row.fate, row.reason) == (fate, reason)

    def test_an_agent_of_no_unit_has_no_schedule(self) -> None:
        row = fate_of(agent={"management_unit_id": None, "business_unit_id": None}, schedule=None)
        assert (row.fate, row.reason) == (Fate.NOT_SCHEDULED, "in no management unit, so WFM has no schedule")

    @given(
        st.lists(st.tuples(st.integers(0, 95), st.integers(1, 40)), max_size=4),
        st.lists(st.tuples(st.integers(0, 95), st.integers(1, 40)), max_size=3),
        st.integers(8, 80),
        st.integers(1, 16),
    )
    def test_the_fate_is_what_counting_quarter_hours_says(
        self, shifts: list[tuple[int, int]], off: list[tuple[int, int]], start: int, length: int
    ) -> None:
        """Against a slow and simple judge: the set of quarters at work, and the set of those in the window."""
        base = at(0)

        def span(first: int, quarters: int) -> tuple[datetime, datetime]:
            return base + timedelta(minutes=15 * first), base + timedelta(minutes=15 * (first + quarters))

        planned = schedule(WHO, *(shift(*span(*each)) for each in shifts), time_off=tuple(span(*each) for each in off))
        away = {quarter for first, long in off for quarter in range(first, first + long)}
        works = {quarter for first, long in shifts for quarter in range(first, first + long)} - away
        asked = set(range(start, start + length))
        inside = works & asked
        if not inside:
            expected = Fate.TIME_OFF if away & asked else Fate.NOT_SCHEDULED
        elif max(inside) < max(asked):
            expected = Fate.SHIFT_ENDS_INSIDE
        elif min(inside) > min(asked):
            expected = Fate.SHIFT_STARTS_INSIDE
        else:
            expected = Fate.READY
        assert fate_of(window(*span(start, length), zone="UTC"), schedule=planned, now=base).fate is expected


class TestLocalTime:
    def test_reasons_are_in_the_agents_time_and_say_so_where_it_differs(self) -> None:
        row = fate_of(agent={"zone": "America/Bogota"})
        assert row.reason == "on shift 02:00–12:00 (Bogota time)"
        same = fate_of(agent={"zone": "Europe/Stockholm"})
        assert same.reason == "on shift 08:00–18:00", "another zone with the same clock needs no word"

    def test_other_days_are_named(self) -> None:
        row = fate_of(schedule=schedule(WHO, shift(at(22, day=23), at(14))))
        assert row.reason == "on shift Mon 23:00–15:00"
        far = fate_of(window(at(13), at(13, day=30)), schedule=schedule(WHO, shift(at(7), at(17))))
        assert far.reason == "shift ends 18:00, window goes on to Mon 14:00"
        farther = fate_of(window(at(13, day=1), at(13, day=20)), schedule=schedule(WHO, shift(at(7, day=1), at(17, day=1))))
        assert farther.reason == "shift ends 18:00, window goes on to 20 Nov 14:00"

    def test_midnight_is_the_end_of_its_day(self) -> None:
        assert fate_of(schedule=schedule(WHO, shift(at(7), at(23)))).reason == "on shift 08:00–24:00"

    def test_a_zone_unknown_here_is_shown_in_utc(self) -> None:
        assert fate_of(agent={"zone": "Mars/Olympus"}).reason == "on shift 07:00–17:00 (UTC)"

    def test_a_window_across_the_change_of_clocks_reads_right_on_both_sides(self) -> None:
        """Berlin, 25 October 2026: the night lasts an hour longer. On shift from 22:00 (CEST) to 06:00 (CET)."""
        start, end = datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC)
        night = schedule(WHO, shift(start, end))
        asked = window(datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC))
        row = fate_of(asked, schedule=night, now=datetime(2026, 10, 20, tzinfo=UTC))
        assert (row.fate, row.reason) == (Fate.READY, "on shift Sat 22:00–06:00")

    def test_a_zone_that_leaves_the_windows_clock_only_at_its_end_says_so(self) -> None:
        """Berlin and Johannesburg (no DST) agree before the change on 25 October, and not after it."""
        start, end = datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC)
        asked = window(datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC))
        row = fate_of(
            asked,
            agent={"zone": "Africa/Johannesburg"},
            schedule=schedule(WHO, shift(start, end)),
            now=datetime(2026, 10, 20, tzinfo=UTC),
        )
        assert row.reason == "on shift Sat 22:00–07:00 (Johannesburg time)"

    def test_a_whole_day_off_is_a_whole_day_also_when_the_clocks_change(self) -> None:
        """A day off in Berlin on 25 October lasts 25 hours; one in Bogota is another day."""
        off = (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
        asked = window(datetime(2026, 10, 25, 8, tzinfo=UTC), datetime(2026, 10, 25, 9, tzinfo=UTC))
        row = fate_of(asked, schedule=schedule(WHO, time_off=(off,)), now=datetime(2026, 10, 20, tzinfo=UTC))
        assert row.reason == "time off all day"
        short = replace(schedule(WHO), time_off=((off[0], off[1] - timedelta(hours=1)),))
        row = fate_of(asked, schedule=short, now=datetime(2026, 10, 20, tzinfo=UTC))
        assert row.reason == "time off 00:00–23:00"


class TestDivisions:
    def test_roles_in_other_divisions_leave_agents_out(self, room: Room) -> None:
        room.reader.facts = token(None, role_divisions=(("role-1", "div-north"),))
        preview = room.previewer.preview(ask())
        assert preview.totals() == {Fate.READY: 3, Fate.WRONG_DIVISION: 3}
        assert next(row.reason for row in preview.rows if not row.writes) == "in division South, where the token has no role"

    @pytest.mark.parametrize(
        "facts",
        [
            token(role_divisions=(("role-1", "div-elsewhere"),)),  # decided by scope
            token(None, role_divisions=(("role-1", "*"),)),  # every division
            token(None),  # not told
        ],
    )
    def test_nobody_is_in_the_wrong_division_where_divisions_do_not_decide(self, facts: Any, room: Room) -> None:
        room.reader.facts = facts
        assert room.previewer.preview(ask()).totals() == {Fate.READY: 6}


class TestAll:
    @given(st.data())
    def test_every_agent_has_exactly_one_fate(self, data: st.DataObject) -> None:
        room = make_room(5)
        for key in room.reader.agents:
            trouble = data.draw(st.sampled_from([None, *(change for _, change in TROUBLES)]))
            if not trouble:
                continue
            room.reader.agents[key] = replace(room.reader.agents[key], **trouble.get("agent", {}))
            room.reader.state_of[key] = state(key, **trouble.get("state", {}))
            room.held |= {key: "CHG-1"} if "held" in trouble else {}
            room.reader.schedule_of |= {key: replace(trouble["schedule"], agent_id=key)} if "schedule" in trouble else {}
        words = data.draw(st.lists(st.sampled_from([*room.reader.agents, "ghost", "x@y.zz"]), min_size=1, max_size=8))
        preview = room.previewer.preview(ask(*words))
        assert sorted(row.given for row in preview.rows) == sorted(set(words))
        assert sum(preview.totals().values()) == len(preview.rows)
        assert all(row.writes is (row.severity is not Severity.BLOCKED) for row in preview.rows)
        assert len(preview.ready) == preview.cost.apply_requests

    def test_a_scheduled_window_later_today_needs_no_states(self, room: Room) -> None:
        preview = room.previewer.preview(ask(window=later(at(15))))
        assert "states" not in [source for source, _ in room.reader.reads]
        assert all(row.state is None for row in preview.rows)
        assert "states" not in preview.as_of
