"""The run history as values: the table's frame, the chart over time and what it finds, and the retry of one run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from wfm.domain.diagnoses import Diagnosis
from wfm.domain.operations import Outcome, Phase, Run, RunFilter, RunOrder, RunPage
from wfm.domain.spreadsheet_cells import safe_cell
from wfm.ui.components.diagnosis import cause_word
from wfm.ui.components.markdown import cell
from wfm.ui.components.sentences import format_number, quantity
from wfm.ui.components.states import hex_color, style_of
from wfm.ui.components.times import clock, when

PAGE = 50
"""Runs a page of the table."""

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440, 10_080)
"""Widths of a bar of the chart, in minutes."""

HOUR = 60
MAX_BARS = 60
MAX_CHART_SPAN = timedelta(days=400)

Points = Sequence[tuple[datetime, Outcome, int]]


def route_word(run: Run) -> str:
    """Action or route of a run, and which way: "availability", "set_agent_unavailable", "availability (restore)"."""
    name = run.action or run.route
    return f"{name} (restore)" if run.phase is Phase.RESTORE else name


def frame(runs: Iterable[Run], zone: ZoneInfo) -> pd.DataFrame:
    """The table: one row a run in the order given. Times are in `zone`, durations in milliseconds."""
    rows = list(runs)
    return pd.DataFrame(
        {
            "time": pd.Series([run.started_at.astimezone(zone).replace(tzinfo=None) for run in rows], dtype="datetime64[ms]"),
            "agent": _texts(run.agent_name or run.agent_id or "–" for run in rows),
            "route": _texts(route_word(run) for run in rows),
            "operation": _texts(_operation(run) for run in rows),
            "outcome": pd.Series([[style_of(run.outcome).word] for run in rows], dtype="object"),
            "status": pd.Series([run.status for run in rows], dtype="Int64"),
            "code": _texts(run.code or "" for run in rows),
            "cause": _texts(cause_word(run) for run in rows),
            "ms": pd.Series([run.duration_ms for run in rows], dtype="Int64"),
            "tries": pd.Series([run.attempts for run in rows], dtype="Int64"),
            "correlation": _texts(run.correlation_id or "" for run in rows),
        }
    )


def _texts(values: Iterable[str]) -> pd.Series:
    """Text cells. The table's own download writes them as they are, so a formula is made text here already."""
    return pd.Series([cell(safe_cell(value)) for value in values], dtype="str")


def _operation(run: Run) -> str:
    title = run.operation_title or run.operation_id or ("imported" if run.imported else "by hand")
    return f"{title} (example)" if run.example and "example" not in title.casefold() else title


# --- how many --------------------------------------------------------------------------------------------------------


def matching_words(page: RunPage, *, narrowed: bool) -> str:
    """How many runs the filters beside the time range leave; "" where there are none."""
    if not narrowed:
        return ""
    if page.searched_to is not None and not page.at_least:
        return "None found so far"
    found = f"{format_number(page.at_least)}+" if page.total is None else format_number(page.total)
    return f"{found} match" if page.total != 1 else "1 matches"


def range_words(preset: str, spread: Spread, zone: ZoneInfo) -> str:
    """The time range in words that end a sentence; `preset` is that of the query."""
    if preset in _RANGE_WORDS:
        return _RANGE_WORDS[preset]
    return "in this time" if preset != "all" else f"since {when(spread.since, zone, today=spread.until)}"


_RANGE_WORDS = {
    "1h": "in the last hour",
    "24h": "in the last 24 hours",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
}


def headline(matching: str, title: str, range_word: str, *, of_filter: bool) -> str:
    """The line above the chart: how many match, exactly, and what the chart shows. Markdown.

    A chart's own sum may count some runs more: its first bar is whole.
    """
    if not matching:
        return f"**{title}**"
    return f"**{matching}** :gray[{range_word if of_filter else f'the chart shows all: {title}'}]"


def searched_words(page: RunPage, zone: ZoneInfo, now: datetime, order: RunOrder = RunOrder.NEWEST) -> str:
    """How far back a search looked that no index holds; "" where it looked at everything."""
    if page.searched_to is None:
        return ""
    back, on = page_words(order)
    way = on if page.older else back
    return (
        f"No index covers this combination: in the time a search may take, it reached "
        f"{when(page.searched_to, zone, seconds=True, today=now)}. {way} searches on from there; a shorter time range or an "
        "agent, an operation or a cause makes it exact."
    )


ORDER_WORDS = {
    RunOrder.NEWEST: "newest first",
    RunOrder.OLDEST: "oldest first",
    RunOrder.OUTCOME: "by outcome, worst first",
    RunOrder.CAUSE: "by cause",
    RunOrder.STATUS: "by status, lowest first",
    RunOrder.STATUS_DOWN: "by status, highest first",
    RunOrder.CODE: "by code",
}


def page_words(order: RunOrder) -> tuple[str, str]:
    """What leads to the page before and to the page after, in this order."""
    return {RunOrder.NEWEST: ("Newer", "Older"), RunOrder.OLDEST: ("Older", "Newer")}.get(order, ("Previous", "Next"))


def order_sentence(order: RunOrder) -> str:
    """What the list is sorted by, and by what it could be."""
    ties = "" if order in (RunOrder.NEWEST, RunOrder.OLDEST) else ", newest first within each"
    return (
        f"Sorted {ORDER_WORDS[order] if ties else 'by time, ' + ORDER_WORDS[order]}{ties}. Time, outcome, "
        "cause, status and code have an index: the whole list can be sorted by them. A click on a column head sorts this "
        "page only."
    )


# --- over time -------------------------------------------------------------------------------------------------------


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


def finding(spread: Spread, range_word: str, zone: ZoneInfo) -> str:
    """The title of the chart: what it shows, in a sentence."""
    ended = spread.by_outcome
    total, failed = sum(ended.values()), ended.get(Outcome.FAILED, 0)
    if not total:
        return f"No runs {range_word}"
    unconfirmed = ended.get(Outcome.UNCONFIRMED, 0)
    tail = f", {format_number(unconfirmed)} unconfirmed" if unconfirmed else ""
    if not failed:
        return f"None of {quantity(total, 'run')} {range_word} failed{tail}"
    by_step: dict[datetime, int] = defaultdict(int)
    for start, outcome, n in spread.points:
        if outcome is Outcome.FAILED:
            by_step[start] += n
    start, most = max(by_step.items(), key=lambda pair: (pair[1], pair[0]), default=(spread.since, 0))
    most = min(most, failed)  # a first bar that begins earlier holds more
    sentence = f"{format_number(failed)} of {quantity(total, 'run')} {range_word} failed"
    if most * 2 < failed:
        return sentence + tail
    share = "all of them" if most == failed else f"{format_number(most)} of them"
    if failed == 1:
        share = "it did"
    return f"{sentence}, {share} {_stretch(spread, start, zone)}{tail}"


def _stretch(spread: Spread, start: datetime, zone: ZoneInfo) -> str:
    first, last = spread.bucket(start)
    if spread.step_minutes > 1440:
        return f"in the {spread.step_minutes // 1440} days from {first.astimezone(zone):%d %b}"
    if spread.step_minutes == 1440:
        return f"on {first.astimezone(zone):%d %b}"
    return f"between {when(first, zone, today=spread.until)} and {clock(last, zone)}"


def text_alternative(spread: Spread, zone: ZoneInfo, most: int = 12) -> str:
    """The chart in words: each bar that is not empty, the newest first, at most `most` of them."""
    bars: dict[datetime, list[str]] = defaultdict(list)
    for start, outcome, n in sorted(spread.points, key=lambda point: (point[0], list(Outcome).index(point[1]))):
        if n:
            bars[start].append(f"{format_number(n)} {style_of(outcome).word}")
    words = [
        f"{when(start, zone, today=spread.until)}: {', '.join(parts)}" for start, parts in sorted(bars.items(), reverse=True)
    ]
    left = len(words) - most
    return "; ".join(words[:most]) + (f"; and {left} earlier bars" if left > 0 else "")


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
    words = [style_of(outcome).word for outcome in shown]
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
                "scale": {"domain": words, "range": [hex_color(style_of(outcome).color) for outcome in shown]},
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


# --- one run ---------------------------------------------------------------------------------------------------------


def what_now(run: Run, diagnosis: Diagnosis | None) -> str:
    """The next step for the person at the screen, in a sentence or two."""
    restore = run.phase is Phase.RESTORE
    if run.outcome is Outcome.APPLIED:
        return "It worked; there is nothing to do."
    if run.outcome is Outcome.SENDING:
        return "Wait for the answer. If the worker stopped meanwhile, it checks first and sends only what is missing."
    if run.outcome is Outcome.SKIPPED:
        return f"Nothing was sent: {run.note or 'this agent was left alone'}."
    if run.outcome is Outcome.UNCONFIRMED:
        back = "back" if restore else "out"
        return (
            f"It was sent, but the desk could not read whether the agent is {back}. It is never sent again automatically. "
            "Check the agent in Genesys Cloud, then confirm it in the window."
        )
    if run.outcome is Outcome.RESENT:
        return (
            "There is nothing to do: a read showed that it did not take effect, so it was sent again. See the agent's next run."
        )
    still = "The agent may still be out of work. " if restore else ""
    if diagnosis is not None and diagnosis.retryable:
        return still + ("Retry it in the window." if restore else "The same request may work later: retry it.")
    again = "retry it in the window" if restore else "retry it through a new preview"
    return still + f"Unchanged, it would fail again. Fix the cause first, then {again}."


def can_retry(run: Run) -> bool:
    """Whether this run leads to a new plan: a failed update that took an agent out, of an agent we can name."""
    return run.outcome is Outcome.FAILED and run.phase is Phase.APPLY and bool(run.agent_id)
