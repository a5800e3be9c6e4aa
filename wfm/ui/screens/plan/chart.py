"""The timeline of the preview as a Vega-Lite specification: shifts, and the window across them. Pure.

Plain values, not a chart library's objects: checking and copying those took longer than everything else on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wfm.domain.plans import AgentFate, Severity
from wfm.domain.windows import Window
from wfm.ui.components import times
from wfm.ui.components.charts import Spec, row_axis, wall_clock
from wfm.ui.screens.plan import table

ROW = 31
"""Pixels a line: that of the table beside it."""

KINDS = {"work": 0.55, "pause": 0.2, "off": 0.5}
"""How strong a stretch of a shift is drawn: work, breaks and meals, time off."""


def timeline(rows: Sequence[AgentFate], window: Window, *, severities: Mapping[Severity, str], shift: str, off: str) -> Spec:
    """The specification. Colours as hexadecimal: of each severity, of a shift, of time off."""
    names = [table.label(row, number) for number, row in enumerate(rows)]
    first, last = table.horizon(window)
    zone = times.zone_or_utc(window.zone)
    begin, end = wall_clock(first, zone), wall_clock(last, zone)
    hours = round((end - begin).total_seconds() / 3600)
    step = next(step for step in (1, 2, 3, 6, 12) if hours / step <= 8 or step == 12)
    axis: Spec = {"format": "%H:%M", "orient": "top", "title": None, "grid": True, "labelFlush": False, "labelPadding": 6}
    axis["values"] = [_moment(begin + timedelta(hours=hour)) for hour in range(0, hours + 1, step)]
    scale = {"type": "utc", "domain": [_moment(begin), _moment(end)]}
    place: Spec = {
        "x": {"field": "start", "type": "temporal", "scale": scale, "axis": axis},
        "x2": {"field": "end"},
        "y": row_axis("agent", names, limit=150),
    }
    return {
        "layer": [
            {
                "data": {"values": _values(table.bars(rows, window))},
                "mark": {"type": "bar", "height": 12, "cornerRadius": 2},
                "encoding": {
                    **place,
                    "color": _scaled("kind", list(KINDS), [shift, shift, off]),
                    "opacity": _scaled("kind", list(KINDS), list(KINDS.values())),
                    "tooltip": [_tip("what"), _clock("start", "from"), _clock("end", "to")],
                },
            },
            {
                "data": {"values": _values(table.marks(rows, window))},
                "mark": {"type": "bar", "height": 22, "cornerRadius": 2, "fillOpacity": 0.28, "strokeWidth": 1.5},
                "encoding": {
                    **place,
                    "color": _scaled("severity", [one.value for one in severities], list(severities.values())),
                    "stroke": _scaled("severity", [one.value for one in severities], list(severities.values())),
                    "tooltip": [_tip("fate"), _tip("reason"), _clock("start", "window from"), _clock("end", "to")],
                },
            },
        ],
        "resolve": {"scale": {"color": "independent", "stroke": "independent", "opacity": "independent"}},
        "height": {"step": ROW},
        "padding": {"left": 14, "right": 8, "top": 15, "bottom": 4},
        "config": {"view": {"strokeWidth": 0}, "axis": {"labelFontSize": 11, "gridOpacity": 0.35, "domain": False}},
    }


def _values(rows: Sequence[table.Values]) -> list[dict[str, str]]:
    """The rows with instants as text that every browser reads as UTC."""
    return [
        {name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]


def _scaled(field: str, domain: Sequence[str], range_: Sequence[object]) -> Spec:
    return {"field": field, "type": "nominal", "legend": None, "scale": {"domain": list(domain), "range": list(range_)}}


def _tip(field: str) -> Spec:
    return {"field": field, "type": "nominal"}


def _clock(field: str, title: str) -> Spec:
    return {"field": field, "type": "temporal", "timeUnit": "utchoursminutes", "title": title, "format": "%H:%M"}


def _moment(instant: datetime) -> Spec:
    return {
        "year": instant.year,
        "month": instant.month,
        "date": instant.day,
        "hours": instant.hour,
        "minutes": instant.minute,
        "utc": True,
    }
