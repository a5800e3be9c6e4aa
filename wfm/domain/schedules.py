"""Published schedules: shifts and what is in them. All instants are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One stretch of a shift. `category` is a WFM activity category such as OnQueueWork, Break, Meal, TimeOff."""

    start: datetime
    end: datetime
    category: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    id: str
    start: datetime
    end: datetime
    activities: tuple[Activity, ...]

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end

    def covers(self, start: datetime, end: datetime) -> bool:
        return self.start <= start and end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSchedule:
    """What WFM has published for one agent over the range asked for.

    `published` is false when the week has no published schedule for the agent's business unit; `version` names the
    published schedule and changes when it is republished; `time_off` are whole stretches off (UTC).
    """

    agent_id: str
    published: bool
    version: str
    shifts: tuple[Shift, ...]
    time_off: tuple[tuple[datetime, datetime], ...] = ()
