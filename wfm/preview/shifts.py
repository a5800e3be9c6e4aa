"""How a window overlaps an agent's published schedule, and the sentence for it in the agent's local time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wfm.domain.plans import Fate
from wfm.domain.schedules import AgentSchedule, Shift
from wfm.domain.windows import Window

TIME_OFF = "TimeOff"
"""The activity category of time off (published: WFM activity categories)."""

NEAR_SHIFT = timedelta(hours=16)
"""A shift further away than this has nothing to do with the window."""

Span = tuple[datetime, datetime]


class LocalClock:
    """Writes instants as an agent's wall clock shows them: "14:45", "Tue 09:00", "24 Nov 09:00".

    Days are named where they differ from the day the window starts on. `suffix` names the zone where the agent's wall
    clock differs from the window's zone. A zone that is unknown here is taken as UTC.
    """

    def __init__(self, zone: str, window: Window) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            self._zone = ZoneInfo("UTC")
        self._start = window.start.astimezone(self._zone)
        self._spelled: dict[datetime, str] = {}
        self._spans: dict[Span, str] = {}
        differs = any(
            instant.astimezone(self._zone).utcoffset() != instant.astimezone(ZoneInfo(window.zone)).utcoffset()
            for instant in (window.start, window.end)
        )
        city = self._zone.key.rsplit("/", 1)[-1].replace("_", " ")
        self.suffix = (f" ({city} time)" if "/" in self._zone.key else f" ({city})") if differs else ""

    def say(self, instant: datetime) -> str:
        spelled = self._spelled.get(instant)
        if spelled is None:
            spelled = self._spelled[instant] = self._spell(instant)
        return spelled

    def span(self, start: datetime, end: datetime) -> str:
        """Write a span: "09:00–17:00". An end at the next midnight reads 24:00; from a day on, both ends name their day."""
        spelled = self._spans.get((start, end))
        if spelled is None:
            local_start, local_end = start.astimezone(self._zone), end.astimezone(self._zone)
            next_day = local_end.date() - local_start.date() == timedelta(days=1)
            until = "24:00" if next_day and local_end.hour == local_end.minute == 0 else self.say(end)
            if end - start >= timedelta(days=1) and local_start.date() != local_end.date() and until == f"{local_end:%H:%M}":
                until = f"{local_end:%a} {until}"  # "Fri 11:00–11:00" would read as no time at all
            spelled = self._spans[start, end] = f"{self.say(start)}–{until}"
        return spelled

    def day(self) -> str:
        """Return the day on which the window starts, as "Mon 23 Nov"."""
        return f"{self._start:%a} {self._start.day} {self._start:%b}"

    def whole_day(self, start: datetime, end: datetime) -> bool:
        """Return whether the span covers the whole local day on which the window starts."""
        midnight = self._start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        following = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=self._zone)
        return start <= midnight.astimezone(UTC) and following.astimezone(UTC) <= end

    def _spell(self, instant: datetime) -> str:
        local = instant.astimezone(self._zone)
        days = abs((local.date() - self._start.date()).days)
        time = f"{local.hour:02}:{local.minute:02}"
        if days == 0:
            return time
        return f"{local:%a} {time}" if days < 7 else f"{local.day} {local:%b} {time}"


def on_schedule(schedule: AgentSchedule | None, in_unit: bool, window: Window, clock: LocalClock) -> tuple[Fate, str]:
    """Return the fate by the schedule alone: one of not scheduled, schedule unpublished, time off, shift ends inside,
    shift starts inside, ready. The reason is a sentence without a full stop.
    """
    if schedule is None:
        reason = "WFM has no schedule for this agent" if in_unit else "in no management unit, so WFM has no schedule"
        return Fate.NOT_SCHEDULED, reason
    if not schedule.published:
        return Fate.SCHEDULE_UNPUBLISHED, f"the schedule of {clock.day()} is not published"
    shift = _covering(schedule, window)
    if shift is not None and not _time_off(schedule, window):
        return Fate.READY, f"on shift {clock.span(shift.start, shift.end)}{clock.suffix}"
    return _in_part(schedule, window, clock)


def _covering(schedule: AgentSchedule, window: Window) -> Shift | None:
    return next((shift for shift in schedule.shifts if shift.covers(window.start, window.end)), None)


def _time_off(schedule: AgentSchedule, window: Window) -> list[Span]:
    """Return the time off that overlaps the window, merged: whole markers, and activities of the category TimeOff."""
    spans = [span for span in schedule.time_off if window.overlaps(*span)]
    spans += [
        (activity.start, activity.end)
        for shift in schedule.shifts
        if shift.overlaps(window.start, window.end)
        for activity in shift.activities
        if activity.category == TIME_OFF and window.overlaps(activity.start, activity.end)
    ]
    return _merged(spans) if len(spans) > 1 else spans


def _in_part(schedule: AgentSchedule, window: Window, clock: LocalClock) -> tuple[Fate, str]:
    off = _time_off(schedule, window)
    shifts = _merged((shift.start, shift.end) for shift in schedule.shifts)
    at_work = _without([_clipped(span, window) for span in shifts if window.overlaps(*span)], off)
    if not at_work:
        if off:
            touched = [span for span in shifts if window.overlaps(*span)]
            all_day = clock.whole_day(*off[0]) or (bool(touched) and all(_inside(span, off) for span in touched))
            return Fate.TIME_OFF, ("time off all day" if all_day else f"time off {clock.span(*off[0])}") + clock.suffix
        return Fate.NOT_SCHEDULED, _nearest(shifts, window, clock) + clock.suffix
    first, last = at_work[0][0], at_work[-1][1]
    ends = "time off starts" if any(start == last for start, _ in off) else "shift ends"
    begins = "time off ends" if any(end == first for _, end in off) else "shift starts"
    end_note = f"{ends} {clock.say(last)}, window goes on to {clock.say(window.end)}"
    start_note = f"{begins} {clock.say(first)}, window starts {clock.say(window.start)}"
    if last < window.end:
        note = f"{begins} {clock.say(first)} and {end_note}" if first > window.start else end_note
        return Fate.SHIFT_ENDS_INSIDE, note + clock.suffix
    if first > window.start:
        return Fate.SHIFT_STARTS_INSIDE, start_note + clock.suffix
    if len(at_work) == 1:
        start, end = next(span for span in shifts if span[0] <= first and last <= span[1])
        return Fate.READY, f"on shift {clock.span(start, end)}{clock.suffix}"
    gaps = ", ".join(clock.span(at_work[i][1], at_work[i + 1][0]) for i in range(min(3, len(at_work) - 1)))
    return Fate.READY, f"on shift, off {gaps}{' and more' if len(at_work) > 4 else ''} in between{clock.suffix}"


def _inside(span: Span, off: list[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in off)


def _nearest(shifts: list[Span], window: Window, clock: LocalClock) -> str:
    before = [span for span in shifts if span[1] <= window.start]
    after = [span for span in shifts if span[0] >= window.end]
    ended = before[-1] if before and window.start - before[-1][1] < NEAR_SHIFT else None
    starts = after[0] if after and after[0][0] - window.end < NEAR_SHIFT else None
    if ended and (not starts or window.start - ended[1] <= starts[0] - window.end):
        return f"off shift: the last shift ends {clock.say(ended[1])}"
    if starts:
        return f"off shift: the next shift starts {clock.say(starts[0])}"
    return f"no shift on {clock.day()}"


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans sorted, with those that touch or overlap merged."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged


def _without(spans: Iterable[Span], off: list[Span]) -> list[Span]:
    rest: list[Span] = []
    for start, end in spans:
        for off_start, off_end in off:
            if off_end <= start or off_start >= end:
                continue
            if start < off_start:
                rest.append((start, off_start))
            start = max(start, off_end)
        if start < end:
            rest.append((start, end))
    return rest


def _clipped(span: Span, window: Window) -> Span:
    return max(span[0], window.start), min(span[1], window.end)
