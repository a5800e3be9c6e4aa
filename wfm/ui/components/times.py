"""Times and durations in words a person says. Instants come as aware UTC and are shown in a named zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def now() -> datetime:
    """The instant, aware UTC."""
    return datetime.now(UTC)


def viewer_zone() -> ZoneInfo:
    """The zone of the viewer's browser; UTC where it does not say."""
    return zone_or_utc(st.context.timezone or "UTC")


def zone_or_utc(name: str) -> ZoneInfo:
    """That zone, UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock(instant: datetime, zone: ZoneInfo | None = None, *, seconds: bool = False) -> str:
    """Only the time of day: "14:30" or "14:30:05"."""
    return instant.astimezone(zone or viewer_zone()).strftime("%H:%M:%S" if seconds else "%H:%M")


def when(
    instant: datetime | None, zone: ZoneInfo | None = None, *, today: datetime | None = None, seconds: bool = False
) -> str:
    """The time, with the day where it is another one: "14:30", "tomorrow 09:00", "Mon 30 Nov 09:00"; "–" for None."""
    if instant is None:
        return "–"
    zone = zone or viewer_zone()
    local, here = instant.astimezone(zone), (today or now()).astimezone(zone)
    time = clock(instant, zone, seconds=seconds)
    days = (local.date() - here.date()).days
    if days == 0:
        return time
    if days in (-1, 1):
        return f"{'yesterday' if days < 0 else 'tomorrow'} {time}"
    return f"{local:%a} {local.day} {local:%b} {time}" if abs(days) < 180 else f"{local:%Y-%m-%d} {time}"


def span(start: datetime, end: datetime, zone_name: str, *, today: datetime | None = None) -> str:
    """A window: "14:30 → 15:00 Europe/Berlin", with the days where they matter."""
    zone = zone_or_utc(zone_name)
    first = when(start, zone, today=today)
    same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    last = clock(end, zone) if same_day else when(end, zone, today=today)
    return f"{first} → {last} {zone_name}"


def duration(length: timedelta | float) -> str:
    """A length in words: "8 s", "12 min", "2 h 05", "3 days 4 h". Seconds when a number is given."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    seconds = abs(seconds)
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 60 * 48:
        return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60} h"
    hours = round(seconds / 3600)
    return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"


def relative(instant: datetime, at: datetime | None = None) -> str:
    """How far from now: "in 12 min", "3 min ago", "now"."""
    delta = instant - (at or now())
    if abs(delta) < timedelta(seconds=2):
        return "now"
    return f"in {duration(delta)}" if delta > timedelta(0) else f"{duration(delta)} ago"


def milliseconds(value: int | None) -> str:
    """A request's duration: "41 ms", "1.2 s"; "–" for None."""
    if value is None:
        return "–"
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"
