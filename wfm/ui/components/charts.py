"""What charts share, as plain values of a Vega-Lite specification. Pure.

Plain values, not a chart library's objects: checking and copying those took longer than everything else on a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Spec = dict[str, object]


def row_axis(field: str, names: list[str], *, limit: int) -> Spec:
    """A line a name, in the order given; a label is cut after `limit` pixels."""
    return {
        "field": field,
        "type": "nominal",
        "sort": names,
        "scale": {"domain": names},
        "title": None,
        "axis": {"labelLimit": limit, "ticks": False},
    }


def wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall clock of the zone, labelled UTC: the chart draws in UTC, so every browser shows the same times."""
    return instant.astimezone(zone).replace(tzinfo=UTC)


def picked_points(chart_state: Any) -> list[Mapping[str, Any]]:
    """What a click chose, from the state of a chart whose selection is called `pick`; [] where nothing is chosen."""
    return (chart_state or {}).get("selection", {}).get("pick") or []
