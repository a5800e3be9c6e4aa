"""The form as a request, and the words of the Plan screen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.preview_world import NOW, agent, ask, at, make_room, schedule, shift, state
from wfm.domain.plans import LaneName, LaneState, LaneVerdict, PlanRequest, Preview, RouteName, Selection, Severity
from wfm.domain.windows import WindowSpec
from wfm.ui.screens.plan import chart, model, sentences
from wfm.ui.screens.plan import table as plan_table


def preview(**changes: object) -> Preview:
    """A plan for sixteen agents: one in a contact, one whose shift ends soon, one off, one not scheduled; one in New York."""
    room = make_room(16)
    in_contact, ends, off, unscheduled, abroad = (f"user-{number:05}" for number in (3, 13, 11, 7, 4))
    room.reader.state_of[in_contact] = state(in_contact, in_contact=True)
    room.reader.schedule_of[ends] = schedule(ends, shift(at(7), at(13, 30)))
    room.reader.schedule_of[off] = schedule(off, shift(at(7), at(17), (at(7), at(17))))
    del room.reader.schedule_of[unscheduled]
    room.reader.agents[abroad] = agent(4, zone="America/New_York")
    return room.previewer.preview(ask(**{"reason": "DB upgrade", "ticket": "CHG-1042", **changes}))


def test_groups_go_through_the_one_field_and_back() -> None:
    selection = Selection(teams=("t1",), queues=("q1", "q2"), divisions=("d",), agents=("a",))
    keys = model.group_keys(selection)
    assert model.with_groups(selection, keys) == selection
    assert model.with_groups(selection, ["queue:q2"]) == Selection(queues=("q2",), agents=("a",))
    assert model.with_groups(Selection(), ["team:with:colon"]).teams == ("with:colon",)


def test_agents_are_added_once_and_taken_back_in() -> None:
    selection = Selection(agents=("a",), exclude=("b", "c"))
    added = model.with_agents(selection, ["a", "b"])
    assert added.agents == ("a", "b")
    assert added.exclude == ("c",)


def test_who_is_left_out_is_taken_back_as_they_came() -> None:
    selection = Selection(agents=("a",), teams=("t",))
    left = model.without_agent(model.without_agent(selection, "a"), "z")
    assert (left.agents, left.exclude) == (("a",), ("a", "z"))
    assert model.without_agent(left, "z") == left
    assert model.with_agent_again(model.with_agent_again(left, "a"), "z") == selection


@pytest.mark.parametrize(
    "window",
    [
        WindowSpec(minutes=45, zone="Europe/Berlin"),
        WindowSpec(start=NOW - timedelta(days=2), end=NOW - timedelta(days=2, minutes=-45), zone="Europe/Berlin"),
    ],
)
def test_the_same_again_keeps_agents_and_length_but_neither_reason_nor_ticket(window: WindowSpec) -> None:
    was = PlanRequest(selection=Selection(teams=("t",)), window=window, reason="DB upgrade", ticket="CHG-1")
    again = model.same_again(was, NOW)
    assert again.selection == was.selection
    assert (again.reason, again.ticket) == (model.DEFAULT_REASON, "")
    resolved = again.window.resolve(NOW)
    assert resolved.end - resolved.start == timedelta(minutes=45)
    assert resolved.start >= NOW


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (WindowSpec(minutes=30), "30"),
        (WindowSpec(minutes=27), "27"),
        (WindowSpec(start=NOW, end=NOW + timedelta(hours=1)), "at"),
        (WindowSpec(), "at"),
    ],
)
def test_which_preset_a_window_is(window: WindowSpec, expected: str) -> None:
    assert model.preset_of(window) == expected
    assert expected in model.preset_choices(window)


def test_a_length_that_is_no_preset_is_a_choice_while_the_plan_has_it() -> None:
    assert model.preset_choices(WindowSpec(minutes=30)) == ["15", "30", "60", "120", "at"]
    assert model.preset_choices(WindowSpec(minutes=437)) == ["15", "30", "60", "120", "437", "at"]
    words = [sentences.minutes_label(minutes) for minutes in (27, 60, 125, 437)]
    assert words == ["27 min", "1 h", "2 h 05", "7 h 17"]


def test_who_is_included_on_purpose_is_not_counted_as_left_out() -> None:
    found = preview()
    off = next(row for row in found.rows if row.severity is Severity.BLOCKED)
    others = tuple(row for row in found.rows if row is not off)
    taken = replace(found, rows=(*others, replace(off, severity=Severity.WARNING, writes=True)))
    before, after = model.totals_by_severity(found), model.totals_by_severity(taken)
    assert sum(after[Severity.BLOCKED].values()) == sum(before[Severity.BLOCKED].values()) - 1
    assert after[Severity.WARNING][off.fate] == 1
    assert list(after) == list(Severity)


def test_words_that_match_nobody_are_no_agents() -> None:
    found = preview(selection=Selection(agents=("user-00001", "nobody@example.com")))
    assert (len(found.rows), model.agents_of(found)) == (2, 1)
    assert "left out" not in sentences.what_happens(found)


def test_an_hour_of_another_zone_than_the_viewers_is_named_with_it() -> None:
    start = NOW + timedelta(hours=2)
    abroad = preview(window=WindowSpec(start=start, end=start + timedelta(hours=1), zone="Asia/Kolkata"))
    here = preview(window=WindowSpec(start=start, end=start + timedelta(hours=1), zone="UTC"))
    assert sentences.action_label(abroad).endswith("20:42 Asia/Kolkata")
    assert sentences.action_label(here).endswith("15:12")


def test_the_first_guess_is_soon_round_and_on_the_wall_clock_of_the_zone() -> None:
    start, end = model.next_slot(NOW, "Europe/Berlin")
    assert (start, end) == (datetime(2026, 11, 24, 14, 30), datetime(2026, 11, 24, 15, 0))  # noqa: DTZ001  # wall clock


def test_the_action_is_named_by_what_it_does() -> None:
    assert sentences.action_label(preview()) == "Take 14 agents out now"
    later = preview(window=WindowSpec(start=NOW + timedelta(hours=2), end=NOW + timedelta(hours=3), zone="Europe/Berlin"))
    assert sentences.action_label(replace(later, computed_at=datetime.now(UTC))).startswith("Take ")
    correction = preview(route=RouteName.ADHERENCE)
    assert sentences.action_label(correction) == "Correct 14 agents"


def test_what_happens_counts_those_who_finish_their_contact_and_those_left_out() -> None:
    said = sentences.what_happens(preview())
    assert said.startswith("14 agents become unavailable now and are restored at ")
    assert "1 agent finishes the contact first." in said
    assert "2 agents are left out." in said


def test_every_row_is_counted_once_by_severity() -> None:
    found = model.totals_by_severity(preview())
    assert sum(count for fates in found.values() for count in fates.values()) == 16
    assert set(found[Severity.BLOCKED]) <= {row.fate for row in preview().rows}


def test_cost_in_words() -> None:
    assert sentences.cost_line(preview()) == "14 requests · under 1 s at 300/min · back: up to 28, under 1 s"


def test_the_table_shows_what_needs_a_look_first() -> None:
    rows = plan_table.ordered(preview().rows)
    ranks = [[Severity.BLOCKED, Severity.WARNING, Severity.READY].index(row.severity) for row in rows]
    assert ranks == sorted(ranks)


def test_a_row_says_what_can_be_done_with_it() -> None:
    shown = preview()
    ready = next(row for row in shown.rows if row.severity is Severity.READY)
    blocked = next(row for row in shown.rows if row.severity is Severity.BLOCKED)
    out = replace(ready, writes=False)
    frame = plan_table.table([ready, blocked, out], shown.window)
    assert list(frame["change"].astype(object).where(frame["change"].notna(), None)) == ["Leave out", None, "Take back"]
    assert list(frame["fate"]) == [[ready.fate.value], [blocked.fate.value], ["left out"]]
    assert plan_table.ordered([out, blocked]) == [blocked, out]
    assert plan_table.marks([out], shown.window) == []


def test_no_reason_is_cut() -> None:
    long = "already in the window “" + "Wartung der Datenbank " * 8 + "”"
    assert plan_table.width([long, "short"], 120) >= len(long) * 6.5
    assert plan_table.width(["short"], 120) == 120


def test_access_folds_to_one_line() -> None:
    found = preview()
    writes = [check for check in found.access if check.to_write]
    reads = [check for check in found.access if not check.to_write]
    held = [replace(check, lanes=dict.fromkeys(check.lanes, verdict_of(LaneState.HELD))) for check in writes]
    missing = [replace(held[0], lanes={LaneName.SCOPE: verdict_of(LaneState.MISSING)}), *held[1:]]
    unknown = [replace(held[0], lanes={LaneName.SCOPE: verdict_of(LaneState.UNKNOWN)}), *held[1:]]
    for checks, expected in ((held, LaneState.HELD), (missing, LaneState.MISSING), (unknown, LaneState.UNKNOWN)):
        said, shown = sentences.access_line(checks, reads)
        assert shown is expected
        assert said.startswith("Access")


def verdict_of(state: LaneState) -> LaneVerdict:
    return LaneVerdict(state=state, needed=(), evidence="")


def test_the_local_start_is_named_where_it_differs() -> None:
    shown = preview()
    table = plan_table.table(shown.rows, shown.window)
    local = dict(zip(table["e-mail"], table["local"], strict=True))
    assert local["agent4@example.org"] == "08:12 New York"
    assert local["agent3@example.org"] == "14:12"


def test_filters_of_the_list() -> None:
    rows = preview().rows
    assert {row.fate.value for row in plan_table.chosen(rows, ["time off"], "")} <= {"time off"}
    assert [row.agent.name for row in plan_table.chosen(rows, [], "00012") if row.agent] == [
        row.agent.name for row in rows if row.agent and "00012" in row.agent.name
    ]
    assert plan_table.chosen(rows, [], "no such person") == []


def test_the_timeline_stays_inside_its_horizon_and_names_tell_apart() -> None:
    shown = preview()
    first, last = plan_table.horizon(shown.window)
    assert first < shown.window.start < shown.window.end < last
    assert timedelta(hours=6) <= last - first <= timedelta(days=5)
    bars = plan_table.bars(shown.rows, shown.window)
    assert bars
    assert all(str(bar["start"]) < str(bar["end"]) for bar in bars)
    labels = [plan_table.label(row, number) for number, row in enumerate(shown.rows)]
    assert len(set(labels)) == len(labels)


def test_a_window_of_a_month_still_has_a_timeline() -> None:
    window = WindowSpec(minutes=31 * 24 * 60).resolve(NOW)
    first, last = plan_table.horizon(window)
    assert last - first < timedelta(days=5)


def test_a_fresh_request_is_nobody_now_for_half_an_hour() -> None:
    fresh = model.fresh_request("Europe/Berlin")
    assert isinstance(fresh, PlanRequest)
    assert fresh.selection.is_empty()
    assert fresh.window.minutes == 30


# --- words that depend on the route ------------------------------------------------------------------------------------


def test_a_window_that_is_over_does_not_say_now() -> None:
    over = preview(window=WindowSpec(start=NOW - timedelta(hours=3), end=NOW - timedelta(hours=2), zone="Europe/Berlin"))
    assert sentences.action_label(replace(over, computed_at=over.window.end)) == f"Take {len(over.ready)} agents out"


@pytest.mark.parametrize("route", list(RouteName))
def test_every_route_says_what_becomes_of_it_at_the_end(route: RouteName) -> None:
    assert ("automatically" in sentences.UNDONE[route]) is (route is not RouteName.ADHERENCE)


def test_each_source_says_how_old_it_is() -> None:
    shown = replace(preview(), as_of={"directory": NOW, "schedules": NOW + timedelta(seconds=5), "token": NOW})
    said = sentences.as_of_line(shown)
    assert said.startswith("as of: people ")
    assert ", schedules " in said
    assert "token" not in said
    assert sentences.as_of_line(replace(shown, as_of={})).startswith("as of ")


# --- the timeline ------------------------------------------------------------------------------------------------------


def test_the_timeline_draws_every_agent_with_the_window_across() -> None:
    shown = preview()
    colors = {severity: f"#00000{number}" for number, severity in enumerate(Severity)}
    spec: Any = chart.timeline(shown.rows, shown.window, severities=colors, shift="#888888", off="#ffff00")
    shifts, window = spec["layer"]
    names = shifts["encoding"]["y"]["scale"]["domain"]
    assert len(names) == len(set(names)) == len(shown.rows)
    assert [mark["agent"] for mark in window["data"]["values"]] == names
    assert {bar["agent"] for bar in shifts["data"]["values"]} <= set(names)
    zone = ZoneInfo(shown.window.zone)
    local = shown.window.start.astimezone(zone)
    assert {mark["start"] for mark in window["data"]["values"]} == {f"{local:%Y-%m-%dT%H:%M:%SZ}"}
    assert window["encoding"]["stroke"]["scale"]["range"] == list(colors.values())
    json.dumps(spec)
