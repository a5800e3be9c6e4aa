"""Windows over time: which are behind, which hold agents now, which come. A table of bars, and its Vega-Lite chart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from wfm.desk import OperationView
from wfm.domain.operations import OPEN_STATES
from wfm.domain.sentences import quantity
from wfm.ui.components import times
from wfm.ui.components.charts import Spec, row_axis, wall_clock
from wfm.ui.components.markdown import cell
from wfm.ui.components.states import style_of
from wfm.ui.screens.windows.model import title_of

ROW = 28
MAX_WINDOWS = 12
"""Windows on the chart. More than that are a list, not a picture."""
MAX_LABEL = 30


class Range(StrEnum):
    """How much time is shown. The value is the word on screen."""

    DAY = "day"
    WEEK = "week"
    MONTH = "4 weeks"


_AROUND = {
    Range.DAY: (timedelta(hours=6), timedelta(hours=18)),
    Range.WEEK: (timedelta(days=1), timedelta(days=6)),
    Range.MONTH: (timedelta(days=4), timedelta(days=24)),
}
"""How far back and how far ahead of now."""

_TICKS = {Range.DAY: timedelta(hours=3), Range.WEEK: timedelta(days=1), Range.MONTH: timedelta(days=4)}
_FORMATS = {Range.DAY: "%H:%M", Range.WEEK: "%a %d %b", Range.MONTH: "%a %d %b"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One window as a stretch of time, cut to what is shown. `title` tells windows of one name apart."""

    id: str
    title: str
    state: str
    color: str
    start: datetime
    end: datetime
    note: str


def bounds(which: Range, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when is shown: whole hours of that zone for a day, else whole days."""
    back, ahead = _AROUND[which]
    local = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if which is not Range.DAY:
        local = local.replace(hour=0)
    return local - back, local + ahead


def fitting(views: Sequence[OperationView], now: datetime, zone: ZoneInfo) -> Range:
    """The shortest range that shows every open window; the longest where none does."""
    opened = [view for view in views if view.operation.state in OPEN_STATES]
    for which in Range:
        if all(_inside(view, *bounds(which, now, zone)) for view in opened):
            return which
    return Range.MONTH


def _inside(view: OperationView, first: datetime, last: datetime) -> bool:
    window = view.operation.window
    return window.start < last and _until(view) > first


def _until(view: OperationView) -> datetime:
    """When it let go of its agents: its end, or before that when it was ended, halted or cancelled."""
    operation = view.operation
    ended = None if operation.state in OPEN_STATES else operation.ended_at
    return max(operation.window.start, min(operation.window.end, ended)) if ended else operation.window.end


def bars(views: Sequence[OperationView], which: Range, now: datetime, zone: ZoneInfo) -> list[Bar]:
    """The windows inside the range, by start; of too many, those that are open or nearest to now."""
    first, last = bounds(which, now, zone)
    inside = [view for view in views if _inside(view, first, last)]
    inside.sort(key=lambda view: (view.operation.state not in OPEN_STATES, abs(view.operation.window.start - now)))
    shown = sorted(inside[:MAX_WINDOWS], key=lambda view: view.operation.window.start)
    found = []
    for number, view in enumerate(shown):
        operation, state = view.operation, style_of(view.operation.state)
        title = title_of(operation)
        cut = title if len(title) <= MAX_LABEL else title[: MAX_LABEL - 1] + "…"
        start, end = max(operation.window.start, first), min(_until(view), last)
        note = f"{state.word} · {quantity(view.counts.total, 'agent')}"
        found.append(Bar(operation.id, cut + "\u200b" * number, state.word, state.color, start, end, note))
    return found


def finding(shown: Sequence[Bar], which: Range, zone: ZoneInfo) -> str:
    """What the chart says, in a sentence."""
    count = quantity(len(shown), "window") if shown else "No window"
    back, ahead = _AROUND[which]
    return f"{count} from {times.duration(back)} ago to {times.duration(ahead)} from now · times in {zone.key}"


def as_text(shown: Sequence[Bar], zone: ZoneInfo, now: datetime) -> str:
    """The chart as text, for who does not see it."""
    lines = (
        f"{bar.title.rstrip(chr(0x200B))}: {bar.note}, {times.when(bar.start, zone, today=now)} to "
        f"{times.when(bar.end, zone, today=now)}"
        for bar in shown
    )
    return ". ".join(lines)


def chart(shown: Sequence[Bar], which: Range, now: datetime, zone: ZoneInfo, *, colors: Mapping[str, str], ink: str) -> Spec:
    """The specification. `colors` gives a hexadecimal for each colour name, `ink` is that of words.

    A click picks a window's id as `pick`.
    """
    begin, end = (wall_clock(instant, zone) for instant in bounds(which, now, zone))
    x, y = _time_axis(which, begin, end), row_axis("window", [bar.title for bar in shown], limit=240)
    moment: Spec = {"data": {"values": [{"start": _text(wall_clock(now, zone))}]}, "encoding": {"x": x}}
    return {
        "data": {"values": [_row(bar, begin, end, now, zone, colors) for bar in shown]},
        "layer": [
            {**moment, "mark": {"type": "rule", "strokeDash": [3, 3], "color": ink, "opacity": 0.5}},
            {**moment, "mark": _words(ink) | {"text": "now", "dy": 8, "y": {"expr": "height"}}},
            _bars(x, y),
            # What is said of a window stands behind its bar or, in the right half, before it.
            _label("!datum.left", _words(ink) | {"align": "left", "dx": 8}, x | {"field": "end"}, y),
            _label("datum.left", _words(ink) | {"align": "right", "dx": -8}, x, y),
            _lines_to_click(x, y),
        ],
        "height": {"step": ROW},
        "padding": {"left": 8, "right": 16, "top": 8, "bottom": 16},
        "config": {"view": {"strokeWidth": 0}, "axis": {"labelFontSize": 11, "gridOpacity": 0.35, "domain": False}},
    }


def _time_axis(which: Range, begin: datetime, end: datetime) -> Spec:
    ticks = []
    tick = begin
    while tick <= end:
        ticks.append(_text(tick))
        tick += _TICKS[which]
    return {
        "field": "start",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [_text(begin), _text(end)]},
        "axis": {
            "format": _FORMATS[which],
            "orient": "top",
            "title": None,
            "labelPadding": 6,
            "values": ticks,
            "labelFlush": False,
        },
    }


def _row(bar: Bar, begin: datetime, end: datetime, now: datetime, zone: ZoneInfo, colors: Mapping[str, str]) -> Spec:
    return {
        "id": bar.id,
        "window": cell(bar.title),
        "state": bar.state,
        "note": cell(bar.note),
        "start": _text(wall_clock(bar.start, zone)),
        "end": _text(wall_clock(bar.end, zone)),
        "color": colors[bar.color],
        "left": wall_clock(bar.end, zone) > begin + (end - begin) / 2,
        "first": _text(begin),
        "last": _text(end),
        "times": f"{times.when(bar.start, zone, today=now)} to {times.when(bar.end, zone, today=now)}",
    }


def _bars(x: Spec, y: Spec) -> Spec:
    color: Spec = {"field": "color", "type": "nominal", "scale": None}
    return {
        "mark": {"type": "bar", "height": 14, "cornerRadius": 2, "strokeWidth": 3},
        "encoding": {"x": x, "x2": {"field": "end"}, "y": y, "color": color, "stroke": color},
    }


def _words(ink: str) -> Spec:
    return {"type": "text", "fontSize": 11, "color": ink}


def _label(where: str, mark: Spec, x: Spec, y: Spec) -> Spec:
    return {"transform": [{"filter": where}], "mark": mark, "encoding": {"x": x, "y": y, "text": {"field": "note"}}}


def _lines_to_click(x: Spec, y: Spec) -> Spec:
    """The whole line can be clicked: half an hour in four weeks is a hair."""
    tips = [_tip("window"), _tip("note", "state"), _tip("times")]
    return {
        "params": [{"name": "pick", "select": {"type": "point", "fields": ["id"]}}],
        "mark": {"type": "bar", "height": ROW, "opacity": 0, "cursor": "pointer"},
        "encoding": {"x": x | {"field": "first"}, "x2": {"field": "last"}, "y": y, "tooltip": tips},
    }


def _tip(field: str, title: str = "") -> Spec:
    tip: Spec = {"field": field, "type": "nominal"}
    return tip | {"title": title} if title else tip


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
