"""The brief's paths: availability, schedule and adherence of one agent. In no published catalogue.

Without wfm:schedule:update a write is 403. No schedule, an unknown or inactive user and an unknown adherence id are
404 without detail. An agent who is out of office can't be changed: 409.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from wfm import catalogue
from wfm.demo.problems import Json, Problem, bad_field, resource_not_found
from wfm.demo.roster import ACTIVITY_CODES, Shift, date_of, iso_minute, local_day, monday, roll, shift_id
from wfm.demo.states import AVAILABLE, UNAVAILABLE_STATUS
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, Handler, answer
from wfm.demo.world import Person, stable_id

_RECORD_DAYS = 7
_MAX_RANGE_DAYS = 31
_FURTHEST_BACK_DAYS = 366


@lru_cache(maxsize=20_000)
def iso_ms(millis: int) -> str:
    """2026-11-23T14:30:00.123Z"""
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_ms(field: str, value: object) -> int:
    """Milliseconds since the epoch of an ISO instant with a zone. Raises Problem 400."""
    accepted = "an ISO 8601 instant with a zone, such as 2026-11-23T14:30:00Z"
    if not isinstance(value, str):
        raise bad_field(field, value, accepted)
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError
        return int(parsed.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise bad_field(field, value, accepted) from None


def read_update(body: Json) -> tuple[str, str]:
    """(status, reason) of a body. Raises Problem 400 naming the field."""
    status = body.get("status")
    if status not in (AVAILABLE, UNAVAILABLE_STATUS):
        raise bad_field("status", status, "available, unavailable")
    reason = body.get("reason", "")
    if reason is None:
        reason = ""
    if not isinstance(reason, str) or len(reason) > 200:
        raise bad_field("reason", reason, "text of at most 200 characters")
    return str(status), reason


def scheduled_person(tenant: DemoTenant, user_id: str) -> Person:
    """Return the agent if they have a schedule. Raises Problem 404."""
    person = tenant.person(user_id)
    if person is None or not tenant.states.scheduled(person):
        raise resource_not_found()
    return person


def set_availability(tenant: DemoTenant, person: Person, status: str, reason: str, **more: Any) -> None:
    """Accept an update: state, presence and counts. Raises Problem 409 for an agent out of office."""
    if tenant.states.out_of_office(person):
        raise Problem(409, "conflict", "The agent is out of office; the status can't be changed")
    live = tenant.states.live(person)
    counts: dict[str, Any] = (
        {"unavailable": live.unavailable + 1} if status == UNAVAILABLE_STATUS else {"available": live.available + 1}
    )
    tenant.states.change(person, tenant.millis(), status=status, reason=reason, presence=None, message=reason, **counts, **more)


def availability(tenant: DemoTenant, person: Person) -> Json:
    status, reason = tenant.states.status(person)
    return {"status": status, "reason": reason, "dateModified": iso_ms(tenant.states.live(person).modified)}


def get_availability(call: Call) -> Answer:
    return answer(availability(call.tenant, scheduled_person(call.tenant, call.params["userId"])))


def patch_availability(call: Call) -> Answer:
    status, reason = read_update(call.members())
    person = scheduled_person(call.tenant, call.params["userId"])
    set_availability(call.tenant, person, status, reason)
    return answer(availability(call.tenant, person))


def get_schedule(call: Call) -> Answer:
    """This week's published schedule of the agent, in the agent's business unit's week."""
    tenant = call.tenant
    person = scheduled_person(tenant, call.params["userId"])
    unit = person.unit.business_unit
    week = monday(local_day(unit.zone, tenant.minute()))
    start = tenant.roster.local_midnight(unit.zone, week)
    end = tenant.roster.local_midnight(unit.zone, week + 7)
    shifts = [s for s in tenant.roster.shifts(person, start, end) if tenant.roster.week_of(s, unit.zone) == week]
    return answer(
        {
            "id": tenant.roster.week_id(unit.id, week),
            "userId": person.id,
            "managementUnitId": person.unit.id,
            "weekDate": date_of(week).isoformat(),
            "timeZone": unit.zone,
            "startDate": iso_minute(start),
            "endDate": iso_minute(end),
            "published": True,
            "shifts": [_shift(person, shift) for shift in shifts if not shift.off],
            "timeOff": [{"startDate": iso_minute(s.start), "endDate": iso_minute(s.end)} for s in shifts if s.off],
        }
    )


def _shift(person: Person, shift: Shift) -> Json:
    return {
        "id": shift_id(person, shift),
        "startDate": iso_minute(shift.start),
        "endDate": iso_minute(shift.end),
        "activities": [
            {
                "startDate": iso_minute(part.start),
                "endDate": iso_minute(part.end),
                "category": ACTIVITY_CODES[part.code].category,
                "name": ACTIVITY_CODES[part.code].name,
            }
            for part in shift.parts
        ],
    }


@dataclass(frozen=True, slots=True)
class Record:
    """One adherence record: one shift of one agent. Instants in milliseconds since the epoch."""

    id: str
    day: int
    start: int
    end: int
    status: str
    reason: str

    def shown(self) -> Json:
        return {
            "id": self.id,
            "startDate": iso_ms(self.start),
            "endDate": iso_ms(self.end),
            "status": self.status,
            "reason": self.reason,
        }


def _record_id(tenant: DemoTenant, person: Person, day: int) -> str:
    # The day is in the id, so that a lookup does not try all days.
    return f"{stable_id(tenant.seed, 'adherence', person.id)[:24]}{day:012x}"


def _record(tenant: DemoTenant, person: Person, day: int) -> Record | None:
    shift = tenant.roster.shift(person, day)
    if shift is None or shift.start > tenant.minute():
        return None
    status, reason = AVAILABLE, ""
    if shift.off:
        status, reason = UNAVAILABLE_STATUS, "time_off"
    elif shift.end > tenant.minute():
        status, reason = tenant.states.status(person)
    elif roll(person.salt, day, 9, 20) == 0:
        status, reason = UNAVAILABLE_STATUS, "late_start"
    record_id = _record_id(tenant, person, day)
    corrected = tenant.states.live(person).records.get(record_id, {})
    if corrected.get("end", 0) > tenant.millis() and not shift.off:
        # A record that lasts is the present state; correcting it has set that as well.
        corrected = {name: corrected[name] for name in ("start", "end")}
    return Record(
        id=record_id,
        day=day,
        start=corrected.get("start", shift.start * 60_000),
        end=corrected.get("end", shift.end * 60_000),
        status=corrected.get("status", status),
        reason=corrected.get("reason", reason),
    )


def _records(tenant: DemoTenant, person: Person, first: int, last: int) -> list[Record]:
    """Records of shifts that began on those local days, oldest first."""
    return [record for day in range(first, last + 1) if (record := _record(tenant, person, day)) is not None]


def get_adherence(call: Call) -> Answer:
    """Records of the last seven days, or of `startDate` to `endDate` (at most 31 days)."""
    tenant = call.tenant
    zone_end = tenant.millis()
    end = instant_ms("endDate", call.first("endDate")) if call.first("endDate") else zone_end
    start = instant_ms("startDate", call.first("startDate")) if call.first("startDate") else end - _RECORD_DAYS * 86_400_000
    if end < start:
        raise bad_field("endDate", call.first("endDate"), "an instant not before startDate")
    if end - start > _MAX_RANGE_DAYS * 86_400_000:
        raise bad_field("endDate", call.first("endDate"), f"at most {_MAX_RANGE_DAYS} days after startDate")
    person = scheduled_person(tenant, call.params["userId"])
    zone = person.unit.zone
    found = _records(tenant, person, local_day(zone, start // 60_000) - 1, local_day(zone, end // 60_000))
    return answer([record.shown() for record in found if record.start <= end and record.end >= start])


def _current(tenant: DemoTenant, person: Person) -> Record:
    """Return the current record, off shift that of the last shift. Raises Problem 404."""
    today = local_day(person.unit.zone, tenant.minute())
    found = _records(tenant, person, today - _RECORD_DAYS, today)
    if not found:
        raise resource_not_found()
    return found[-1]


def _named(tenant: DemoTenant, person: Person, record_id: str) -> Record:
    """Return the record of that id. Raises Problem 404."""
    today = local_day(person.unit.zone, tenant.minute())
    try:
        day = int(record_id[24:], 16)
    except ValueError:
        raise resource_not_found() from None
    if record_id != _record_id(tenant, person, day) or not today - _FURTHEST_BACK_DAYS <= day <= today:
        raise resource_not_found()
    record = _record(tenant, person, day)
    if record is None:
        raise resource_not_found()
    return record


def patch_adherence(call: Call) -> Answer:
    """Correct one record, or with no id the current one. A correction that lasts beyond now also sets availability."""
    tenant = call.tenant
    body = call.members()
    status, reason = read_update(body)
    start = instant_ms("startDate", body["startDate"]) if body.get("startDate") is not None else None
    end = instant_ms("endDate", body["endDate"]) if body.get("endDate") is not None else None
    if start is not None and end is not None and end <= start:
        raise bad_field("endDate", body["endDate"], "an instant after startDate")
    person = scheduled_person(tenant, call.params["userId"])
    record_id = call.params.get("adherenceId")
    record = _current(tenant, person) if record_id is None else _named(tenant, person, record_id)
    begin, finish = record.start if start is None else start, record.end if end is None else end
    if finish <= begin:
        raise bad_field("endDate" if end is not None else "startDate", body.get("endDate"), "an interval of some length")
    _refuse_overlap(tenant, person, record, begin, finish)
    kept = dict(tenant.states.live(person).records)
    kept[record.id] = {"status": status, "reason": reason, "start": begin, "end": finish}
    # An agent out of office stays so: making the record available again, as an undone correction does, changes only the past.
    record_only = status == AVAILABLE and tenant.states.out_of_office(person)
    if begin <= tenant.millis() < finish and not record_only:
        set_availability(tenant, person, status, reason, records=kept)
    else:
        live = tenant.states.live(person)
        tenant.states.change(
            person,
            None,
            records=kept,
            unavailable=live.unavailable + (status == UNAVAILABLE_STATUS),
            available=live.available + (status == AVAILABLE),
        )
    changed = _record(tenant, person, record.day)
    return answer((changed or record).shown())


def _refuse_overlap(tenant: DemoTenant, person: Person, record: Record, begin: int, finish: int) -> None:
    others = _records(tenant, person, record.day - 2, record.day + 2)
    if any(other.id != record.id and begin < other.end and other.start < finish for other in others):
        raise Problem(409, "conflict", "The interval overlaps another adherence record of the agent")


def _endpoint(operation: catalogue.PlatformOperation, handler: Handler) -> Endpoint:
    return Endpoint(operation.verb, operation.path, handler, operation.scopes, brief=True)


ENDPOINTS = (
    _endpoint(catalogue.GET_AVAILABILITY, get_availability),
    _endpoint(catalogue.PATCH_AVAILABILITY, patch_availability),
    _endpoint(catalogue.GET_SCHEDULE, get_schedule),
    _endpoint(catalogue.GET_ADHERENCE, get_adherence),
    _endpoint(catalogue.PATCH_ADHERENCE_CURRENT, patch_adherence),
    _endpoint(catalogue.PATCH_ADHERENCE, patch_adherence),
)
