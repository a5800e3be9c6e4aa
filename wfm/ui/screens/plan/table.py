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

Values = dict[str, str | datetime]

PAGE = 14
"""Agents on one page of the timeline."""

LEAVE_OUT, TAKE_BACK = "Leave out", "Take back"
BY_HAND = "left out"
CHARACTER = 6.9
"""Pixels of a character in a table, a little more than most need."""

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


def is_left_out(row: AgentFate) -> bool:
    """Whether a person left this agent out: nothing else keeps them from being taken out."""
    return not row.writes and row.severity is not Severity.BLOCKED


def change_of(row: AgentFate) -> str | None:
    """What can be done with this row in the list itself; None for one that is blocked."""
    if is_left_out(row):
        return TAKE_BACK
    return LEAVE_OUT if row.writes else None


def table(rows: Sequence[AgentFate], window: Window) -> pd.DataFrame:
    """A row an agent: name, what can be changed, fate, reason, local time of the start, unit, team, e-mail."""
    changes = [change_of(row) for row in rows]
    return pd.DataFrame(
        {
            "agent": [cell(name_of(row)) for row in rows],
            **({"change": changes} if any(changes) else {}),
            "fate": [[BY_HAND if is_left_out(row) else row.fate.value] for row in rows],
            "reason": ["by you" if is_left_out(row) else cell(row.reason) for row in rows],
            "local": [_local(row, window) for row in rows],
            "unit": [cell(row.agent.management_unit or "–") if row.agent else "–" for row in rows],
            "team": [cell(row.agent.team or "–") if row.agent else "–" for row in rows],
            "e-mail": [cell(row.agent.email) if row.agent else "" for row in rows],
        }
    )


def width(texts: Sequence[str], least: int) -> int:
    """Pixels for a column in which no text is cut."""
    return max(least, round(max(map(len, texts), default=0) * CHARACTER) + 18)


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


def bars(rows: Sequence[AgentFate], window: Window) -> list[Values]:
    """Stretches of shifts for the timeline: agent, start, end (wall clock as UTC), what, kind (work, pause, off)."""
    zone = times.zone_or_utc(window.zone)
    first, last = horizon(window)
    found: list[Values] = []

    def add(name: str, start: datetime, end: datetime, what: str, kind: str) -> None:
        start, end = max(start, first), min(end, last)
        if start < end:
            stretch: Values = {"agent": name, "start": wall_clock(start, zone), "end": wall_clock(end, zone)}
            found.append(stretch | {"what": cell(what), "kind": kind})

    for number, row in enumerate(rows):
        if row.schedule is None:
            continue
        name = label(row, number)
        for shift in row.schedule.shifts:
            for activity in shift.activities or ():
                kind = "work" if activity.category in _WORK else "pause"
                add(name, activity.start, activity.end, activity.category, kind)
            if not shift.activities:
                add(name, shift.start, shift.end, "shift", "work")
        for off_start, off_end in row.schedule.time_off:
            add(name, off_start, off_end, "time off", "off")
    return found


def marks(rows: Sequence[AgentFate], window: Window) -> list[Values]:
    """The window across the line of each agent who is not left out by hand, with fate and severity."""
    zone = times.zone_or_utc(window.zone)
    first, last = horizon(window)
    start, end = wall_clock(max(window.start, first), zone), wall_clock(min(window.end, last), zone)
    return [
        {
            "agent": label(row, number),
            "start": start,
            "end": end,
            "fate": row.fate.value,
            "severity": row.severity.value,
            "reason": cell(row.reason),
        }
        for number, row in enumerate(rows)
        if not is_left_out(row)
    ]


def label(row: AgentFate, number: int) -> str:
    """A name for the axis: cut where long, and with its place where others have the same name."""
    name = name_of(row)
    return cell(name if len(name) <= 22 else name[:21] + "…") + "\u200b" * number
