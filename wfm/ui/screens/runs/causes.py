"""Failures over time by cause, and the causes that failed most. A click on either filters to that cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import CauseSeries, Desk
from wfm.domain.operations import Outcome, RunFilter
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components.charts import picked_points
from wfm.ui.components.diagnosis import kind_word
from wfm.ui.components.markdown import cell
from wfm.ui.components.run_query import changed
from wfm.ui.components.states import hex_color
from wfm.ui.screens.runs import state
from wfm.ui.screens.runs.chart import COUNT_AXIS, FROM_TIP, RUNS_TIP, Spread, time_axis, wall

MAX_CAUSES = 5
HEIGHT = 150
_LABEL = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """The causes that failed most in a time range, the most first; `others` is how many runs failed for another."""

    series: tuple[CauseSeries, ...]
    others: int

    @property
    def total(self) -> int:
        return sum(one.total for one in self.series) + self.others


def causes_of(desk: Desk, spread: Spread, chosen: RunFilter) -> Causes:
    """The causes of the failures in a chart's time range, of those that the filter names. Raises StoreFault."""
    every = desk.failures.causes_over_time(spread.since, spread.until, spread.step_minutes)
    found = [one for one in every if _meets(one, chosen)]
    return Causes(series=tuple(found[:MAX_CAUSES]), others=sum(one.total for one in found[MAX_CAUSES:]))


def _meets(one: CauseSeries, chosen: RunFilter) -> bool:
    asked = ((chosen.fingerprint, one.group.fingerprint), (chosen.kind, one.group.kind), (chosen.code, one.group.code))
    return all(wanted in (None, there) for wanted, there in asked)


def of_filter(chosen: RunFilter) -> bool:
    """Whether the causes are those of the whole filter: counters know a cause and no other dimension beside it."""
    rest = replace(chosen, since=None, until=None, fingerprint=None, kind=None, code=None)
    return rest in (RunFilter(), RunFilter(outcome=Outcome.FAILED))


def finding(causes: Causes, range_word: str) -> str:
    """The title: which cause stands for how many of the failures."""
    if not causes.series:
        return f"No run {range_word} failed for a known cause"
    top = causes.series[0]
    many = quantity(len(causes.series), "cause") if not causes.others else f"more than {quantity(len(causes.series), 'cause')}"
    share = "all" if top.total == causes.total else format_number(top.total)
    return f"{format_number(causes.total)} failed {range_word} for {many}; {share} of them: {label(top)}"


def label(one: CauseSeries) -> str:
    """A cause in a few text: kind and what is missing."""
    group = one.group
    missing = f": {', '.join(group.missing)}" if group.missing else ""
    text = f"{kind_word(group.kind)}{missing}"
    return cell(text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…")


def labels(series: Sequence[CauseSeries]) -> list[str]:
    """A label a cause, told apart by the call where two would read alike."""
    names = [label(one) for one in series]
    return [
        f"{word} ({one.group.call.partition(' ')[0]} …/{one.group.call.rpartition('/')[2]})" if names.count(word) > 1 else word
        for word, one in zip(names, series, strict=True)
    ]


def charts(causes: Causes, spread: Spread, title: str, zone: ZoneInfo) -> None:
    """Over time on the left; how many of each on the right, which is the legend too."""
    names = labels(causes.series)
    known = {word: one.group.fingerprint for word, one in zip(names, causes.series, strict=True)}
    over_time, top = st.columns([3, 2], gap="medium")
    spoken = "; ".join(f"{word}: {quantity(one.total, 'run')}" for word, one in zip(names, causes.series, strict=True))
    with over_time:
        st.vega_lite_chart(
            over_time_spec(causes.series, names, spread, zone),
            height=HEIGHT,
            key="runs-causes-time",
            on_select=partial(_pick, "runs-causes-time", known),
            alt=f"{title}. Failures over time by cause.",
        )
    with top:
        st.vega_lite_chart(
            top_spec(causes.series, names),
            height=HEIGHT,
            key="runs-causes-top",
            on_select=partial(_pick, "runs-causes-top", known),
            alt=f"Top causes. {spoken}",
        )


def over_time_spec(series: Sequence[CauseSeries], names: list[str], spread: Spread, zone: ZoneInfo) -> dict[str, Any]:
    """Failures by cause, stacked, as Vega-Lite. Clicking one gives `pick` with its cause."""
    width = timedelta(minutes=spread.step_minutes)
    rows = [
        {"from": wall(at, zone), "to": wall(at + width, zone), "cause": word, "runs": n}
        for word, one in zip(names, series, strict=True)
        for at, n in one.points
        if n
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "orient": "vertical", "binSpacing": 1, "clip": True},
        "params": [_PICK],
        "encoding": {
            "x": time_axis(spread, zone, ticks=6),
            "x2": {"field": "to"},
            "y": COUNT_AXIS,
            "color": _color(names),
            "tooltip": [FROM_TIP, {"field": "cause", "type": "nominal"}, RUNS_TIP],
        },
    }


_PICK = {"name": "pick", "select": {"type": "point", "fields": ["cause"]}}


def top_spec(series: Sequence[CauseSeries], names: list[str]) -> dict[str, Any]:
    """How many runs failed for each cause, the most on top, as Vega-Lite."""
    return {
        "data": {"values": [{"cause": word, "runs": one.total} for word, one in zip(names, series, strict=True)]},
        "mark": {"type": "bar", "height": 14},
        "params": [_PICK],
        "encoding": {
            "x": {
                "field": "runs",
                "type": "quantitative",
                "title": None,
                "axis": {"tickCount": 3, "tickMinStep": 1, "format": "~s", "grid": False},
            },
            "y": {
                "field": "cause",
                "type": "nominal",
                "title": None,
                "sort": names,
                "axis": {"labelLimit": 290, "ticks": False, "domain": False},
            },
            "color": _color(names),
            "tooltip": [{"field": "cause", "type": "nominal"}, RUNS_TIP],
        },
    }


def _color(names: list[str]) -> dict[str, Any]:
    """Tints of the colour of failure, the most first: a hue of its own would say a state that there is not."""
    scale = {"domain": names, "range": tints(hex_color("red"), len(names))}
    return {"field": "cause", "type": "nominal", "scale": scale, "legend": None}


def tints(color: str, many: int) -> list[str]:
    """The colour, then lighter ones of it: mixed with middle grey, so that they stand on light and dark alike."""
    base = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = []
    for step in range(many):
        share = 1 - 0.75 * step / max(1, many - 1)
        mixed.append("#" + "".join(f"{round(part * share + 168 * (1 - share)):02x}" for part in base))
    return mixed


def _pick(key: str, known: dict[str, str]) -> None:
    picked = picked_cause(st.session_state.get(key), known)
    if picked is not None:
        state.push(changed(state.current(), fingerprint=picked))


def picked_cause(chart_state: Any, known: dict[str, str]) -> str | None:
    """The fingerprint behind a click; None where nothing was chosen."""
    points = picked_points(chart_state)
    return known.get(str(points[0].get("cause"))) if points else None
