"""Windows over time: what is shown of which range, and what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.ui.values import an_operation
from wfm.domain.operations import OperationState
from wfm.domain.windows import Window
from wfm.ui.components.states import HEX
from wfm.ui.screens.windows import chart
from wfm.ui.screens.windows.chart import MAX_WINDOWS, Range

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 13, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(name: str, starts_in: timedelta, state: OperationState = OperationState.SCHEDULED, **changes: Any) -> Any:
    """A window of one hour that starts so long after NOW."""
    view = an_operation(name, state)
    window = Window(start=NOW + starts_in, end=NOW + starts_in + HOUR, zone="Europe/Berlin")
    return replace(view, operation=replace(view.operation, window=window, **changes))


def shown(views: list[Any], which: Range) -> list[str]:
    return [bar.id for bar in chart.bars(views, which, NOW, BERLIN)]


def test_the_shortest_range_that_shows_every_open_window_comes_first() -> None:
    tonight, friday, later = at("a", 3 * HOUR), at("b", 72 * HOUR), at("c", 15 * 24 * HOUR)
    past = at("p", -200 * HOUR, OperationState.RESTORED)
    assert chart.fitting([tonight, past], NOW, BERLIN) is Range.DAY
    assert chart.fitting([tonight, friday], NOW, BERLIN) is Range.WEEK
    assert chart.fitting([tonight, later], NOW, BERLIN) is Range.MONTH


def test_only_what_lies_inside_is_shown_by_its_start() -> None:
    views = [at("late", 10 * HOUR), at("soon", HOUR), at("friday", 72 * HOUR), at("gone", -90 * HOUR, OperationState.RESTORED)]
    assert shown(views, Range.DAY) == ["soon", "late"]
    assert shown(views, Range.WEEK) == ["soon", "late", "friday"]
    assert shown(views, Range.MONTH) == ["gone", "soon", "late", "friday"]


def test_a_bar_ends_where_the_window_let_its_agents_go() -> None:
    early = at("e", -2 * HOUR, OperationState.ENDED_EARLY, ended_at=NOW - 100 * timedelta(minutes=1))
    cancelled = at("c", 2 * HOUR, OperationState.CANCELLED, ended_at=NOW)
    first, second = chart.bars([early, cancelled], Range.DAY, NOW, BERLIN)
    assert first.end - first.start == timedelta(minutes=20)
    assert second.end == second.start


def test_of_too_many_windows_the_open_ones_are_kept() -> None:
    past = [at(f"p{n}", -HOUR * 2, OperationState.RESTORED) for n in range(MAX_WINDOWS + 5)]
    assert "open" in shown([*past, at("open", 12 * HOUR)], Range.DAY)
    assert len(shown(past, Range.DAY)) == MAX_WINDOWS


def test_the_chart_says_the_same_in_words() -> None:
    views = [at("a", HOUR), at("b", 2 * HOUR)]  # of one name, which the axis must keep apart
    bars = chart.bars(views, Range.DAY, NOW, BERLIN)
    assert len({bar.title for bar in bars}) == 2
    one = "DB upgrade · CHG-1042: scheduled · 36 agents"
    assert chart.as_text(bars, BERLIN, NOW) == f"{one}, 15:12 to 16:12. {one}, 16:12 to 17:12"
    assert chart.finding(bars, Range.DAY, BERLIN).startswith("2 windows from 6 h ago to 18 h from now")
    spec = chart.chart(bars, Range.DAY, NOW, BERLIN, colors=HEX["light"], ink="#000000")
    values = json.loads(json.dumps(spec))["data"]["values"]
    assert [(one["id"], one["start"]) for one in values] == [("a", "2026-11-24T15:12:00Z"), ("b", "2026-11-24T16:12:00Z")]


def test_days_stay_whole_when_the_clocks_change() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    first, last = chart.bounds(Range.WEEK, now, BERLIN)
    assert (first.hour, last.hour) == (0, 0)
    assert (last.date() - first.date()).days == 7
