"""Shifts and their activities, computed and never stored.

A day of an agent follows from the agent's salt, the local date and the roster's anchor. The anchor is the three-hour
block (UTC) in which the demo was opened: most shifts are placed around it, so that a person who opens the demo, at any
hour, finds most agents on shift. Instants are whole minutes since the epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wfm.demo.world import Person, World, stable_id

ON_QUEUE, BREAK, MEAL, MEETING, OFF_QUEUE, TIME_OFF, TRAINING, UNAVAILABLE = range(8)

BLOCK_MINUTES = 180
_DAY = 1440
_EPOCH = date(1970, 1, 1)
_MASK = (1 << 64) - 1
_REST_EVERY = 8
_DENSE_REST_EVERY = 40
_WEEKS_BACK = 26


@dataclass(frozen=True, slots=True)
class ActivityCode:
    """A WFM activity code. `index` is its id as a number; the id is the same number as text."""

    index: int
    name: str
    category: str
    paid: bool
    on_queue: bool = False

    @property
    def id(self) -> str:
        return str(self.index)


ACTIVITY_CODES = (
    ActivityCode(ON_QUEUE, "On Queue Work", "OnQueueWork", True, True),
    ActivityCode(BREAK, "Break", "Break", True),
    ActivityCode(MEAL, "Meal", "Meal", False),
    ActivityCode(MEETING, "Meeting", "Meeting", True),
    ActivityCode(OFF_QUEUE, "Off Queue Work", "OffQueueWork", True),
    ActivityCode(TIME_OFF, "Time Off", "TimeOff", True),
    ActivityCode(TRAINING, "Training", "Training", True),
    ActivityCode(UNAVAILABLE, "Unavailable", "Unavailable", False),
)
"""Categories as published (SDK BusinessUnitActivityCode.category); ids and names are the demo's."""


class Part(NamedTuple):
    """One activity: start and end in minutes since the epoch, and the activity code's index."""

    start: int
    end: int
    code: int


class Shift(NamedTuple):
    """One shift, or (with `off`) the shift that a day of time off replaces."""

    day: int
    start: int
    end: int
    parts: tuple[Part, ...]
    off: bool


def shift_id(person: Person, shift: Shift) -> str:
    """Return the id of a person's shift on a day. It has the form of a UUID but is cheaper to make."""
    return f"{person.id[:24]}{shift.day:012x}"


def roll(salt: int, day: int, what: int, sides: int) -> int:
    """Return a random number that is the same for the same agent, day and question."""
    x = (salt ^ (day * 0x9E3779B97F4A7C15) ^ (what * 0xBF58476D1CE4E5B9)) & _MASK
    x ^= x >> 31
    x = (x * 0x94D049BB133111EB) & _MASK
    x ^= x >> 29
    return x % sides


@lru_cache(maxsize=20_000)
def iso_minute(minute: int) -> str:
    """Return a minute as the platform writes instants: 2026-11-23T14:30:00.000Z."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")


def day_of(value: date) -> int:
    """Return days since the epoch."""
    return (value - _EPOCH).days


def date_of(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def anchor_for(now: datetime) -> int:
    """Return the anchor (minutes since the epoch) of a demo opened at `now`."""
    return int(now.timestamp()) // 60 // BLOCK_MINUTES * BLOCK_MINUTES


@lru_cache(maxsize=8192)
def minute_of(zone: str, day: int, minute_of_day: int) -> int:
    local = datetime.combine(date_of(day), datetime.min.time(), ZoneInfo(zone)) + timedelta(minutes=minute_of_day)
    return int(local.timestamp()) // 60


@lru_cache(maxsize=8192)
def _offset(zone: str, hour: int) -> int:
    """Return the minutes that the zone is ahead of UTC in that hour since the epoch."""
    ahead = datetime.fromtimestamp(hour * 3600, ZoneInfo(zone)).utcoffset() or timedelta()
    return int(ahead.total_seconds()) // 60


def local_day(zone: str, minute: int) -> int:
    """Return the local date (days since the epoch) at that instant."""
    return (minute + _offset(zone, minute // 60)) // _DAY


def monday(day: int) -> int:
    """Return the Monday of the week of that day."""
    return day - (day + 3) % 7  # the epoch was a Thursday


class Roster:
    """Shifts of all agents around one anchor. `version` counts republications; schedule ids carry both.

    With `dense` nearly everybody is on shift at the anchor, as where the published platform alone is served. `sessions` are
    activities that were put over the shifts, by the agent's index; they change while the roster is in use.
    """

    def __init__(
        self,
        world: World,
        anchor: int,
        version: int = 1,
        *,
        dense: bool = False,
        sessions: Mapping[int, tuple[Part, ...]] | None = None,
    ) -> None:
        self.world = world
        self.sessions = sessions if sessions is not None else {}
        self.dense = dense
        self.anchor = anchor
        self.version = version
        self._anchor_local = {unit.zone: (anchor + _offset(unit.zone, anchor // 60)) % _DAY for unit in world.units}

    def hours(self, person: Person) -> tuple[int, int]:
        """Return the start of the shift in minutes of the local day, and its length in minutes."""
        salt = person.salt
        length = 480 + 30 * ((salt >> 24) % 3)
        kind = (salt >> 32) % (84 if self.dense else 100)
        step = salt >> 48
        if kind < 80:  # most: began up to two and a half hours before the anchor
            ahead = -15 * (1 + step % 10)
        elif kind < 88:  # ends in the hours after the anchor
            ahead = 30 * (1 + step % 9) - length
        elif kind < 92:  # begins in the hours after the anchor
            ahead = 30 * (1 + step % 9)
        else:  # early, day, late and night by the local clock
            return (360, 540, 840, 1320)[step % 4], length
        return (self._anchor_local[person.unit.zone] + ahead) % _DAY, length

    def shift(self, person: Person, day: int) -> Shift | None:
        """Return the shift that begins on that local day, or None on a day off."""
        salt = person.salt
        if (day + (salt >> 4)) % (_DENSE_REST_EVERY if self.dense else _REST_EVERY) == 0:
            return None
        minute, length = self.hours(person)
        start = minute_of(person.unit.zone, day, minute)
        if roll(salt, day // 5, 1, 100) < 3 and self._on_one_date(person, start, start + length):
            return Shift(day, start, start + length, (Part(start, start + length, TIME_OFF),), True)
        parts = _parts(salt, day, start, length)
        for session in self.sessions.get(person.index, ()):
            parts = _laid_over(parts, session)
        return Shift(day, start, start + length, parts, False)

    @staticmethod
    def _on_one_date(person: Person, start: int, end: int) -> bool:
        """Return whether a full day off, published as one date of the business unit, covers all of that shift."""
        zone = person.unit.business_unit.zone
        return local_day(zone, start) == local_day(zone, end - 1)

    def shifts(self, person: Person, start: int, end: int) -> Iterator[Shift]:
        """Shifts (and days of time off) that overlap [start, end), oldest first. Whether they are published and the
        agent has a schedule at all is for the caller to ask."""
        zone = person.unit.zone
        for day in range(local_day(zone, start) - 1, local_day(zone, end) + 1):
            shift = self.shift(person, day)
            if shift is not None and shift.start < end and start < shift.end:
                yield shift

    def at(self, person: Person, minute: int) -> tuple[Shift, Part] | None:
        """Return the shift and the activity of that instant, or None."""
        for shift in self.shifts(person, minute, minute + 1):
            for part in shift.parts:
                if part.start <= minute < part.end:
                    return shift, part
        return None

    @staticmethod
    def local_midnight(zone: str, day: int) -> int:
        """Return the start of that local day."""
        return minute_of(zone, day, 0)

    def week_of(self, shift: Shift, zone: str) -> int:
        """Return the Monday (days since the epoch) of the schedule with the shift; `zone` is the business unit's."""
        return monday(local_day(zone, shift.start))

    def week_id(self, business_unit_id: str, week: int) -> str:
        return stable_id(self.world.seed, "schedule", business_unit_id, date_of(week).isoformat(), self.anchor, self.version)

    @staticmethod
    def published(week: int, zone: str, now: int) -> bool:
        """Return whether a week is published: this week, the next and 26 weeks back are. The week after next is a draft."""
        this = monday(local_day(zone, now))
        return this - 7 * _WEEKS_BACK <= week <= this + 7

    def share_on_shift(self, minute: int) -> float:
        """Return how many of the active, scheduled agents are at work at that instant (sampled above 2,000 agents)."""
        people = [p for p in self.world.people[:2000] if p.active and p.scheduled]
        if not people:
            return 1.0
        found = (self.at(person, minute) for person in people)
        return sum(1 for hit in found if hit is not None and not hit[0].off) / len(people)


def _laid_over(parts: tuple[Part, ...], session: Part) -> tuple[Part, ...]:
    """Return the parts with the session in place of what it covers; a session outside them changes nothing."""
    if session.end <= parts[0].start or parts[-1].end <= session.start:
        return parts
    laid: list[Part] = []
    for part in parts:
        laid.append(Part(part.start, min(part.end, session.start), part.code))
        laid.append(Part(max(part.start, session.end), part.end, part.code))
    laid.append(session)
    return tuple(sorted(part for part in laid if part.start < part.end))


def _parts(salt: int, day: int, start: int, length: int) -> tuple[Part, ...]:
    fixed: list[tuple[int, int, int]] = [(105 + 15 * roll(salt, day, 2, 3), 15, BREAK)]
    dice = roll(salt, day, 3, 100)
    if dice < 25:
        fixed.append((165, 30, MEETING))
    fixed.append((225 + 15 * roll(salt, day, 4, 3), 30, MEAL))
    if dice >= 92:
        fixed.append((300, 60, TRAINING))
    elif 60 <= dice < 66:
        fixed.append((300, 45, OFF_QUEUE))
    fixed.append((375 + 15 * roll(salt, day, 5, 3), 15, BREAK))
    if roll(salt, day, 6, 100) < 2:  # the rest of the day off
        fixed.append((435, length - 435, TIME_OFF))
    parts: list[Part] = []
    at = start
    for offset, minutes, code in fixed:
        begin = start + offset
        if begin > at:
            parts.append(Part(at, begin, ON_QUEUE))
        parts.append(Part(begin, begin + minutes, code))
        at = begin + minutes
    if at < start + length:
        parts.append(Part(at, start + length, ON_QUEUE))
    return tuple(parts)
