"""Windows: from the words a person says (a wall clock, a zone) to two instants. DST gaps are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from wfm.domain.errors import BadInput

SHORTEST = timedelta(minutes=1)
MAX_LENGTH = timedelta(days=31)
FURTHEST = timedelta(days=26 * 7)
"""As far as WFM keeps schedules at hand, either way (published: 26 weeks around the current one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time agents are out. `start` and `end` are aware UTC; `zone` is the IANA zone people meant.

    `now` is true when the window was asked for as "now, for so many minutes": it starts when it is applied.
    """

    start: datetime
    end: datetime
    zone: str
    now: bool = False

    @property
    def minutes(self) -> float:
        return (self.end - self.start).total_seconds() / 60

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end

    def local(self, zone: str | None = None) -> tuple[datetime, datetime]:
        """Start and end on the wall clock of the window's zone, or of `zone` (an agent's, say)."""
        wall = ZoneInfo(zone or self.zone)
        return self.start.astimezone(wall), self.end.astimezone(wall)


class WindowSpec(BaseModel):
    """What a person or a PLAN.json gives: `minutes` from now, or `start` and `end` with a zone.

    A time without offset is wall-clock time in `zone`; a time with offset is taken as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime | None = None
    end: datetime | None = None
    zone: str = "UTC"
    minutes: float | None = None

    def resolve(self, now: datetime) -> Window:
        """The window as instants. Raises BadInput naming the field.

        A wall-clock time that a DST change skips does not exist and is refused; one that happens twice is taken as
        the first. Lengths are real minutes, so a window across a DST change is an hour shorter or longer than the
        wall clock suggests.
        """
        zone = zone_named(self.zone)
        if self.minutes is not None:
            if self.start is not None or self.end is not None:
                raise BadInput("window", "minutes with start or end", "either minutes, or start and end")
            start, end, is_now = now, now + _minutes(self.minutes), True
        else:
            if self.start is None or self.end is None:
                missing = "start" if self.start is None else "end"
                raise BadInput(f"window {missing}", None, "a date and a time, such as 2026-11-23T14:30")
            start = _instant("window start", self.start, zone)
            end = _instant("window end", self.end, zone)
            is_now = False
        length = end - start
        if length <= timedelta(0):
            raise BadInput("window end", _shown(end, zone), f"a time after the start, {_shown(start, zone)}")
        if length < SHORTEST:
            raise BadInput("window length", f"{length.total_seconds():.0f} s", "at least 1 minute")
        if length > MAX_LENGTH:
            raise BadInput("window length", f"{length.days} days", f"at most {MAX_LENGTH.days} days")
        if start - now > FURTHEST:
            raise BadInput("window start", _shown(start, zone), "at most 26 weeks ahead")
        if now - start > FURTHEST:
            raise BadInput("window start", _shown(start, zone), "at most 26 weeks back")
        return Window(start=start, end=end, zone=self.zone, now=is_now)


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("zone", name, "an IANA time zone such as Europe/Berlin or UTC") from None


def _minutes(value: float) -> timedelta:
    if not 0 < value <= MAX_LENGTH.total_seconds() / 60:
        raise BadInput("window minutes", f"{value:g}", f"more than 0 and at most {MAX_LENGTH.days * 24 * 60}")
    return timedelta(minutes=value)


def _shown(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M ") + zone.key


def _instant(field: str, value: datetime, zone: ZoneInfo) -> datetime:
    try:
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        local = value.replace(tzinfo=zone)
        back = local.astimezone(UTC).astimezone(zone)
    except OverflowError:  # the first and the last day that a computer knows
        raise BadInput(field, value.isoformat(), "a date within 26 weeks of today") from None
    if back.replace(tzinfo=None) != value:
        raise BadInput(
            field,
            value.strftime("%Y-%m-%d %H:%M"),
            f"a time that exists in {zone.key}: the clocks skip this one, {back:%H:%M} comes in its place",
        )
    return local.astimezone(UTC)
