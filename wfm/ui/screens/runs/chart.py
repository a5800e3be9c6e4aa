"""Runs over time as values, and their chart as a Vega-Lite specification. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wfm.domain.operations import Outcome, RunFilter
from wfm.ui.components.states import hex_color, style_of

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440, 10_080)
"""Widths of a bar of the chart, in minutes."""
HOUR = 60
MAX_BARS = 60
MAX_CHART_SPAN = timedelta(days=400)

Points = Sequence[tuple[datetime, Outcome, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Runs over a time range: `points` are (start of the step, outcome, how many). Instants are aware UTC.

    `exact`: where the chart shows all runs, how many of them ended how, for sentences: the first bar is whole, and so may begin
    before the time does.
    `of_filter`: they are those of the whole filter; else all runs of the time, for no counter knows the filter.
    """

    since: datetime
    until: datetime
    step_minutes: int
    points: Points
    exact: Mapping[Outcome, int] | None = None
    of_filter: bool = True

    @property
    def total(self) -> int:
        return sum(n for _, _, n in self.points)

    @property
    def by_outcome(self) -> Mapping[Outcome, int]:
        """How many runs ended how: exactly where that is known, else by the bars."""
        if self.exact is not None:
            return self.exact
        found: Counter[Outcome] = Counter()
        for _, outcome, n in self.points:
            found[outcome] += n
        return found

    @property
    def axis_format(self) -> str:
        return "%H:%M" if self.until - self.since <= timedelta(hours=36) else "%d %b"

    def bucket(self, start: datetime) -> tuple[datetime, datetime]:
        """The stretch of time behind one bar."""
        return start, start + timedelta(minutes=self.step_minutes)


def step_for(since: datetime, until: datetime) -> int:
    """Minutes a bar: the finest step that needs no more than MAX_BARS bars."""
    minutes = max(1.0, (until - since).total_seconds() / 60)
    return next((step for step in STEPS if minutes / step <= MAX_BARS), STEPS[-1])


def step_of(since: datetime, until: datetime, which: RunFilter) -> int:
    """Minutes a bar of the runs of a filter. Most dimensions are counted by the hour, which no bar can be shorter than."""
    by_minute = replace(which, since=None, until=None, outcome=None, operation_id=None, fingerprint=None) == RunFilter()
    return max(step_for(since, until), 1 if by_minute else HOUR)


def chart_range(
    since: datetime | None, until: datetime | None, now: datetime, first: datetime | None = None
) -> tuple[datetime, datetime]:
    """Where the chart begins and ends. Open ends are now, and the first run at all or MAX_CHART_SPAN before the end."""
    end = min(until or now, now) if since is None or since < now else until or now
    if since is not None:
        return since, end
    earliest = end - MAX_CHART_SPAN
    return min(end - timedelta(hours=1), max(earliest, first) if first is not None else earliest), end


def over_time_spec(spread: Spread, zone: ZoneInfo) -> dict[str, Any]:
    """Stacked bars by outcome on the clock of `zone`, as Vega-Lite. Clicking one gives `pick` with its start and outcome."""
    order = [Outcome.FAILED, Outcome.UNCONFIRMED, Outcome.RESENT, Outcome.SKIPPED, Outcome.SENDING, Outcome.APPLIED]
    width = timedelta(minutes=spread.step_minutes)
    rows = [
        {
            # Naive wall-clock times: Vega then shows them as they are, whatever zone the browser has.
            "from": wall(start, zone),
            "to": wall(start + width, zone),
            "at": start.astimezone(UTC).isoformat(),
            "outcome": style_of(outcome).word,
            "runs": n,
            "order": order.index(outcome),
        }
        for start, outcome, n in spread.points
        if n
    ]
    shown = [outcome for outcome in order if any(outcome is point[1] and point[2] for point in spread.points)]
    labels = [style_of(outcome).word for outcome in shown]
    legend = {"title": None, "orient": "right", "labelLimit": 150} if len(shown) > 1 else None
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "orient": "vertical", "binSpacing": 1, "clip": True},
        "params": [{"name": "pick", "select": {"type": "point", "fields": ["at", "outcome"]}}],
        "encoding": {
            "x": time_axis(spread, zone, ticks=8),
            "x2": {"field": "to"},
            "y": COUNT_AXIS,
            "color": {
                "field": "outcome",
                "type": "nominal",
                "scale": {"domain": labels, "range": [hex_color(style_of(outcome).color) for outcome in shown]},
                "legend": legend,
            },
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [FROM_TIP, {"field": "outcome", "type": "nominal"}, RUNS_TIP],
            "opacity": {"condition": {"param": "pick", "value": 1.0}, "value": 0.35},
        },
    }


COUNT_AXIS = {
    "field": "runs",
    "type": "quantitative",
    "title": None,
    "stack": "zero",
    "axis": {"tickCount": 3, "tickMinStep": 1, "labelExpr": "format(datum.value, '~s')"},
}
FROM_TIP = {"field": "from", "type": "temporal", "format": "%a %d %b %H:%M", "title": "from"}
RUNS_TIP = {"field": "runs", "type": "quantitative", "format": ","}


def time_axis(spread: Spread, zone: ZoneInfo, *, ticks: int) -> dict[str, Any]:
    """The horizontal axis of a chart over time: from the first bar's start to the last one's end."""
    width = timedelta(minutes=spread.step_minutes)
    starts = [start for start, _, n in spread.points if n]
    ends = [min([spread.since, *starts]), max([spread.until, *(start + width for start in starts)])]
    return {
        "field": "from",
        "type": "temporal",
        "title": None,
        "scale": {"domain": [wall(end, zone) for end in ends]},
        "axis": {"grid": False, "labelOverlap": True, "tickCount": ticks, "format": spread.axis_format},
    }


def wall(instant: datetime, zone: ZoneInfo) -> str:
    """The wall clock of a zone without its offset: Vega shows it as it is, whatever zone the browser has."""
    return instant.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
