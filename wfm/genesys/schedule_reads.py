"""Published schedules in bulk, kept by whole days so that moving a window inside them reads nothing new.

`POST …/businessunits/{id}/agentschedules/search` (published): bodies under 512,000 bytes; the answer may come as a
download address instead, or be promised for later, which no route can wait for.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from wfm import catalogue
from wfm.domain.agents import Agent
from wfm.domain.schedules import AgentSchedule, Shift
from wfm.genesys.bulk_reads import Bulk, bad_answer, chunks, entities, members, reading
from wfm.genesys.cache import CachedValue
from wfm.genesys.client import Reply
from wfm.genesys.pacing import RequestLane
from wfm.genesys.parse import inside, known_zone, shift, text, time_off, written

SEARCH = catalogue.operation("POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search")
ACTIVITY_CODES = catalogue.operation("GET /api/v2/workforcemanagement/businessunits/{businessUnitId}/activitycodes")

MAX_BODY_BYTES = 512_000
"""Bytes (request.bytes.max, as quoted in public code). An id takes 39 bytes, so agents do not fill it."""
MAX_AGENTS = 2000
AGENT_DAYS = 6000
"""Maximum agents times days of one search: its answer has a few megabytes, well below the size of a download."""
CODES_TTL_S = 600.0
KEPT_AGENTS = 60_000

Codes = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Week:
    """A published schedule of a business unit: local dates from `first` to before `after`."""

    id: str
    first: date
    after: date


@dataclass(frozen=True, slots=True)
class _Kept:
    """One agent's cached schedule over a range of whole UTC days."""

    first: datetime
    after: datetime
    read_at: datetime
    zone: str
    weeks: tuple[_Week, ...]
    shifts: tuple[Shift, ...]
    time_off: tuple[tuple[datetime, datetime], ...]


class ScheduleReads:
    """Reads and caches schedules. Thread-safe."""

    def __init__(self, bulk: Bulk, clock: Callable[[], datetime], ttl_s: float) -> None:
        self._bulk = bulk
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._codes: dict[str, CachedValue[Codes]] = {}
        self.as_of: datetime | None = None

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self._codes.clear()

    def read(
        self, agents: Sequence[Agent], start: datetime, end: datetime, lane: RequestLane, *, fresh: bool = False
    ) -> dict[str, AgentSchedule]:
        """Return every agent's schedule from the day before the start to the day after the end (UTC days).

        An agent without management unit has no published schedule. Raises GenesysError with `read` set.
        """
        first, after = day_range(start, end)
        with_unit = [agent for agent in agents if agent.business_unit_id]
        asked_at = self._clock()
        with self._reading:  # the second of two screens uses what the first has just read
            oldest = asked_at if fresh else asked_at - self._ttl
            # A copy: another thread may forget it meanwhile.
            kept = {agent.id: one for agent in with_unit if (one := self._fitting(agent.id, first, after, oldest)) is not None}
            missing = [agent for agent in with_unit if agent.id not in kept]
            if missing:
                with reading("schedules"):
                    kept |= self._fetch(missing, first, after, lane)
        self.as_of = min((one.read_at for one in kept.values()), default=asked_at)
        return {agent.id: _schedule(agent, kept.get(agent.id), start, end, first, after) for agent in agents}

    def _fitting(self, agent_id: str, first: datetime, after: datetime, oldest: datetime) -> _Kept | None:
        """Return the cached schedule of an agent, if it is young enough and covers these days."""
        kept = self._kept.get(agent_id)
        if kept is None or not (kept.first <= first and after <= kept.after and oldest < kept.read_at <= self._clock()):
            return None
        return kept

    def _fetch(self, agents: Sequence[Agent], first: datetime, after: datetime, lane: RequestLane) -> dict[str, _Kept]:
        by_unit: dict[str, dict[str, str]] = defaultdict(dict)
        for agent in agents:
            by_unit[agent.business_unit_id or ""][agent.id] = agent.zone
        codes_of = self._bulk.gather([partial(self._codes_of, unit, lane) for unit in by_unit])
        codes = dict(zip(by_unit, codes_of, strict=True))
        days = max(1, (after - first).days)
        limit = max(20, min(MAX_AGENTS, AGENT_DAYS // days))
        jobs = [
            partial(self._search, unit, ids, first, after, codes[unit], known[ids[0]], lane)
            for unit, known in by_unit.items()
            for ids in chunks(known, limit)
        ]
        schedules = {agent_id: kept for answer in self._bulk.gather(jobs) for agent_id, kept in answer.items()}
        with self._lock:
            if len(self._kept) > KEPT_AGENTS:
                self._kept.clear()
            self._kept |= schedules
        return schedules

    def _codes_of(self, business_unit: str, lane: RequestLane) -> Codes:
        """Return (category, name) of every activity code of a business unit, cached ten minutes."""
        with self._lock:
            cached = self._codes.setdefault(business_unit, CachedValue(CODES_TTL_S, self._clock))

        def read() -> Codes:
            reply = self._bulk.send(ACTIVITY_CODES, lane, path={"businessUnitId": business_unit})
            page = whole_answer(self._bulk, reply)
            return {text(row.get("id")): (text(row.get("category")), text(row.get("name"))) for row in entities(page)}

        return cached.get(read)[0]

    def _search(
        self,
        business_unit: str,
        ids: Sequence[str],
        first: datetime,
        after: datetime,
        codes: Codes,
        zone: str,
        lane: RequestLane,
    ) -> dict[str, _Kept]:
        read_at = self._clock()
        body = {"startDate": written(first), "endDate": written(after), "userIds": list(ids)}
        reply = self._bulk.send(SEARCH, lane, path={"businessUnitId": business_unit}, body=body)
        answer = whole_answer(self._bulk, reply)
        member = answer.get("result")
        result: dict[str, Any] = member if isinstance(member, dict) else answer
        if not isinstance(inside(result, "agentSchedules"), list):
            if inside(answer, "status") == "Processing":
                raise bad_answer(
                    reply, "the schedules are only promised for later by a notification; ask for fewer agents or days"
                )
            raise bad_answer(reply, "it holds no agentSchedules")
        zone = known_zone(result.get("businessUnitTimeZone")) or zone
        weeks = tuple(filter(None, (_week(row) for row in result.get("publishedSchedules") or ())))
        rows = {text(inside(row, "user", "id")): row for row in result["agentSchedules"] if isinstance(row, dict)}
        empty: dict[str, Any] = {}
        return {
            agent_id: _Kept(
                first=first,
                after=after,
                read_at=read_at,
                zone=zone,
                weeks=weeks,
                shifts=_shifts(rows.get(agent_id, empty), codes),
                time_off=_time_off(rows.get(agent_id, empty), zone),
            )
            for agent_id in ids
        }


def whole_answer(bulk: Bulk, reply: Reply) -> dict[str, Any]:
    """Return the whole answer, fetched from its download address where it was too large to be sent directly."""
    answer = members(reply)
    address = answer.get("downloadUrl")
    if isinstance(address, str) and address and not answer.get("result") and not answer.get("entities"):
        downloaded = bulk.client.download(address)
        if not isinstance(downloaded, dict):
            raise bad_answer(reply, "its download is not a JSON object")
        return downloaded
    return answer


def day_range(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return midnight (UTC) of the day before the start, and of the second day after the end."""
    first = datetime.combine(start.astimezone(UTC).date(), datetime.min.time(), UTC) - timedelta(days=1)
    after = datetime.combine(end.astimezone(UTC).date(), datetime.min.time(), UTC) + timedelta(days=2)
    return first, after


def _schedule(
    agent: Agent, kept: _Kept | None, start: datetime, end: datetime, first: datetime, after: datetime
) -> AgentSchedule:
    if kept is None:
        return AgentSchedule(agent_id=agent.id, published=False, version="", shifts=())
    # Cut to the days asked for: cached days beyond them must not change the answer.
    shifts = tuple(shift_ for shift_ in kept.shifts if shift_.overlaps(first, after))
    off = tuple(stretch for stretch in kept.time_off if stretch[0] < after and first < stretch[1])
    covering = covering_weeks(kept.weeks, start, end, kept.zone)
    return AgentSchedule(
        agent_id=agent.id,
        published=covering is not None,
        version=_version(covering or (), shifts, off, start, end),
        shifts=shifts,
        time_off=off,
    )


def covering_weeks(weeks: Sequence[_Week], start: datetime, end: datetime, zone: str) -> tuple[str, ...] | None:
    """Return the ids of the published schedules that cover every local date from start to end; None where a date has none."""
    local = ZoneInfo(zone)
    day = start.astimezone(local).date()
    last = (end - timedelta(microseconds=1) if end > start else end).astimezone(local).date()
    ids: dict[str, None] = {}
    while day <= last:
        week = next((week for week in weeks if week.first <= day < week.after), None)
        if week is None:
            return None
        ids[week.id] = None
        day = min(week.after, last + timedelta(days=1))
    return tuple(ids)


def _version(
    schedules: Iterable[str],
    shifts: Sequence[Shift],
    off: Sequence[tuple[datetime, datetime]],
    start: datetime,
    end: datetime,
) -> str:
    """Return a version that changes when the schedule is published again or its content from start to end is edited.

    The id of the published schedule alone would miss an edit of the day; the search returns no version.
    """
    digest = hashlib.sha256()
    for shift_ in shifts:
        if shift_.overlaps(start, end):
            digest.update(
                repr((shift_.id, shift_.start, shift_.end, [(a.start, a.end, a.category) for a in shift_.activities])).encode()
            )
    for stretch in off:
        if stretch[0] < end and start < stretch[1]:
            digest.update(repr(stretch).encode())
    ids = "+".join(schedules)
    return f"{ids}@{digest.hexdigest()[:12]}" if ids else ""


def _week(row: object) -> _Week | None:
    if not isinstance(row, dict):
        return None
    try:
        first = date.fromisoformat(text(row.get("weekDate"))[:10])
    except ValueError:
        return None
    count = row.get("weekCount")
    weeks = count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 1
    return _Week(text(row.get("id")), first, first + timedelta(weeks=weeks))


def _shifts(row: Mapping[str, Any], codes: Codes) -> tuple[Shift, ...]:
    shifts = (shift(part, codes) for part in row.get("shifts") or () if isinstance(part, dict))
    return tuple(sorted((part for part in shifts if part is not None), key=lambda part: part.start))


def _time_off(row: Mapping[str, Any], zone: str) -> tuple[tuple[datetime, datetime], ...]:
    stretches = (time_off(marker, zone) for marker in row.get("fullDayTimeOffMarkers") or () if isinstance(marker, dict))
    return tuple(sorted(stretch for stretch in stretches if stretch is not None))
