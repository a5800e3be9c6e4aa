"""The preview's rows as a table and as a timeline. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from wfm.domain.plans import AgentFate, Severity
from wfm.domain.windows import Window
from wfm.ui.components import times
from wfm.ui.components.charts import wall_clock
from wfm.ui.components.markdown import cell

PAGE = 14
"""Agents on one page of the timeline."""

_RANK = {Severity.BLOCKED: 0, Severity.WARNING: 1, Severity.READY: 2}
_WORK = {"OnQueueWork", "Meeting", "Training", "OffQueueWork"}


def ordered(rows: Sequence[AgentFate]) -> list[AgentFate]:
    """Blocked first, then warnings, then ready, each by name: what needs a look is on top."""
    return sorted(rows, key=lambda row: (_RANK[row.severity], row.fate.value, name_of(row).casefold(), row.given))


def chosen(rows: Sequence[AgentFate], fates: Sequence[str], text: str) -> list[AgentFate]:
    """The rows with one of these fates (all when empty) whose name, e-mail or reason holds every word of the text."""
    words = text.casefold().split()
    return [row for row in rows if (not fates or row.fate.value in fates) and all(word in _haystack(row) for word in words)]


def _haystack(row: AgentFate) -> str:
    email = row.agent.email if row.agent else ""
    return f"{name_of(row)} {email} {row.reason} {row.given}".casefold()


def name_of(row: AgentFate) -> str:
    return row.agent.name if row.agent else row.given


def table(rows: Sequence[AgentFate], window: Window) -> pd.DataFrame:
    """A row an agent: name, unit, team, local time of the start, fate, reason, whether it is written to."""
    return pd.DataFrame(
        {
            "agent": [cell(name_of(row)) for row in rows],
            "fate": [[row.fate.value] for row in rows],
            "reason": [cell(row.reason) for row in rows],
            "local": [_local(row, window) for row in rows],
            "unit": [cell(row.agent.management_unit or "–") if row.agent else "–" for row in rows],
            "team": [cell(row.agent.team or "–") if row.agent else "–" for row in rows],
            "e-mail": [cell(row.agent.email) if row.agent else "" for row in rows],
        }
    )


def _local(row: AgentFate, window: Window) -> str:
    """The start on the agent's own clock, with its zone where that differs from the window's."""
    if row.agent is None:
        return ""
    zone = times.zone_or_utc(row.agent.zone)
    there = window.start.astimezone(zone)
    here = window.start.astimezone(times.zone_or_utc(window.zone))
    if there.utcoffset() == here.utcoffset():
        return f"{there:%H:%M}"
    return f"{there:%H:%M} {row.agent.zone.rsplit('/', 1)[-1].replace('_', ' ')}"


def horizon(window: Window) -> tuple[datetime, datetime]:
    """From when to when the timeline is drawn: whole hours around the window, six at least, two days at most."""
    length = min(window.end - window.start, timedelta(days=2))
    margin = max(timedelta(hours=2), (timedelta(hours=6) - length) / 2, length / 4)
    start = (window.start - margin).replace(minute=0, second=0, microsecond=0)
    end = (window.start + length + margin).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return start, end


def bars(rows: Sequence[AgentFate], window: Window) -> pd.DataFrame:
    """Stretches of shifts for the timeline: agent, start, end (wall clock as UTC), what, kind (work, pause, off)."""
    zone = times.zone_or_utc(window.zone)
    first, last = horizon(window)
    found = []
    for number, row in enumerate(rows):
        if row.schedule is None:
            continue
        for shift in row.schedule.shifts:
            for activity in shift.activities or ():
                start, end = max(activity.start, first), min(activity.end, last)
                if start < end:
                    kind = "work" if activity.category in _WORK else "pause"
                    found.append(
                        (label(row, number), wall_clock(start, zone), wall_clock(end, zone), cell(activity.category), kind)
                    )
            if not shift.activities and shift.start < last and shift.end > first:
                start, end = max(shift.start, first), min(shift.end, last)
                found.append((label(row, number), wall_clock(start, zone), wall_clock(end, zone), "shift", "work"))
        for off_start, off_end in row.schedule.time_off:
            start, end = max(off_start, first), min(off_end, last)
            if start < end:
                found.append((label(row, number), wall_clock(start, zone), wall_clock(end, zone), "time off", "off"))
    return pd.DataFrame(found, columns=["agent", "start", "end", "what", "kind"])


def marks(rows: Sequence[AgentFate], window: Window) -> pd.DataFrame:
    """The window across each agent's line, with fate and severity."""
    zone = times.zone_or_utc(window.zone)
    first, last = horizon(window)
    start, end = wall_clock(max(window.start, first), zone), wall_clock(min(window.end, last), zone)
    return pd.DataFrame(
        [
            (label(row, number), start, end, row.fate.value, row.severity.value, cell(row.reason))
            for number, row in enumerate(rows)
        ],
        columns=["agent", "start", "end", "fate", "severity", "reason"],
    )


def label(row: AgentFate, number: int) -> str:
    """A name for the axis: cut where long, and with its place where others have the same name."""
    name = name_of(row)
    return cell(name if len(name) <= 22 else name[:21] + "…") + "\u200b" * number
