"""Weeks of schedules and the schedule search, through the published paths."""

from __future__ import annotations

from datetime import date

from wfm.demo.api_brief import instant_ms
from wfm.demo.api_units import (
    BUSINESS_UNIT,
    MANAGEMENT_UNIT,
    WFM,
    business_unit_of,
    management_unit_of,
    reference,
    unknown,
    user_reference,
)
from wfm.demo.problems import Json, bad_field
from wfm.demo.roster import ACTIVITY_CODES, TIME_OFF, Shift, date_of, day_of, iso_minute, local_day, monday, shift_id
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import BusinessUnit, ManagementUnit, Person, stable_id

_MAX_SEARCH_DAYS = 92


def _week_json(tenant: DemoTenant, unit: BusinessUnit, week: int) -> Json:
    schedule = tenant.roster.week_id(unit.id, week)
    return {
        "id": schedule,
        "weekDate": date_of(week).isoformat(),
        "weekCount": 1,
        "description": f"Week of {date_of(week):%d %B %Y}",
        "published": tenant.roster.published(week, unit.zone, tenant.minute()),
        "metadata": {"version": tenant.roster.version},
        "selfUri": f"{WFM}/businessunits/{unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule}",
    }


def _weeks(call: Call, unit: BusinessUnit) -> list[int]:
    """The Mondays that `weekId` (yyyy-MM-dd or recent: 26 weeks either way) means and that have a schedule."""
    tenant, given = call.tenant, call.params["weekId"]
    this = monday(local_day(unit.zone, tenant.minute()))
    existing = range(this - 26 * 7, this + 15, 7)
    if given == "recent":
        return list(existing)
    try:
        asked = day_of(date.fromisoformat(given))
    except ValueError:
        raise bad_field("weekId", given, "a date such as 2026-11-23, or recent") from None
    return [asked] if asked in existing else []


def get_week_schedules(call: Call) -> Answer:
    unit = business_unit_of(call)
    only = call.first("includeOnlyPublished").lower() == "true"
    rows = [_week_json(call.tenant, unit, week) for week in _weeks(call, unit)]
    return answer({"entities": [row for row in rows if row["published"] or not only]})


def get_week_schedule(call: Call) -> Answer:
    """Metadata; with expand the agents of each management unit."""
    tenant, unit = call.tenant, business_unit_of(call)
    row = next((r for w in _weeks(call, unit) if (r := _week_json(tenant, unit, w))["id"] == call.params["scheduleId"]), None)
    if row is None:
        raise unknown()
    expand = any(name.startswith("managementUnits") for name in call.query.get("expand", []))
    summaries: list[Json] = []
    for own in tenant.world.units:
        if own.business_unit.id == unit.id:
            people = [person for person in tenant.world.of_unit[own.index] if tenant.states.scheduled(person)]
            summary: Json = {"managementUnit": reference("managementunits", own.id), "agentCount": len(people)}
            summaries.append(summary | ({"agents": [user_reference(person) for person in people]} if expand else {}))
    return answer({**row, "managementUnits": summaries})


def search_business_unit(call: Call) -> Answer:
    wanted = _wanted(call)
    unit = business_unit_of(call)
    units = [own for own in call.tenant.world.units if own.business_unit.id == unit.id]
    return _search(call.tenant, wanted, unit, units)


def search_management_unit(call: Call) -> Answer:
    wanted = _wanted(call)
    unit = management_unit_of(call)
    return _search(call.tenant, wanted, unit.business_unit, [unit])


def _wanted(call: Call) -> tuple[int, int, list[str] | None]:
    """(first minute, last minute, user ids) of SDK BuSearchAgentSchedulesRequest. Raises Problem 400."""
    body = call.members()
    start, end = instant_ms("startDate", body.get("startDate")), instant_ms("endDate", body.get("endDate"))
    if end <= start:
        raise bad_field("endDate", body.get("endDate"), "an instant after startDate")
    if end - start > _MAX_SEARCH_DAYS * 86_400_000:
        raise bad_field("endDate", body.get("endDate"), f"at most {_MAX_SEARCH_DAYS} days after startDate")
    ids = body.get("userIds")
    if ids is not None and (not isinstance(ids, list) or not all(isinstance(user_id, str) for user_id in ids)):
        raise bad_field("userIds", ids, "a list of user ids")
    return start // 60_000, -(-end // 60_000), ids


def _search(
    tenant: DemoTenant, wanted: tuple[int, int, list[str] | None], business_unit: BusinessUnit, units: list[ManagementUnit]
) -> Answer:
    """SDK BuAsyncAgentSchedulesSearchResponse, always complete at once.

    Published weeks only. Agents without a schedule are left out; others are there even with no shift in the range.
    Without userIds all agents of the unit are returned.
    """
    first, last, ids = wanted
    weeks = _published_weeks(tenant, business_unit, first, last)
    indexes = {unit.index for unit in units}
    if ids is None:
        people = [person for unit in units for person in tenant.world.of_unit[unit.index]]
    else:
        known = (tenant.person(user_id) for user_id in dict.fromkeys(ids))
        people = [person for person in known if person is not None and person.unit.index in indexes]
    search = _Search(tenant, business_unit, first, last, weeks)
    schedules = [search.agent(person) for person in people if tenant.states.scheduled(person)]
    references = [
        {
            "id": schedule_id,
            "weekDate": date_of(week).isoformat(),
            "weekCount": 1,
            "selfUri": f"{WFM}/businessunits/{business_unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule_id}",
        }
        for week, schedule_id in weeks.items()
    ]
    result = {"agentSchedules": schedules, "businessUnitTimeZone": business_unit.zone, "publishedSchedules": references}
    return answer({"status": "Complete", "result": result})


def _published_weeks(tenant: DemoTenant, unit: BusinessUnit, first: int, last: int) -> dict[int, str]:
    """Published weeks that overlap the range, with the ids of their schedules."""
    from_week, to_week = monday(local_day(unit.zone, first)), monday(local_day(unit.zone, last - 1))
    now = tenant.minute()
    return {
        week: tenant.roster.week_id(unit.id, week)
        for week in range(from_week, to_week + 1, 7)
        if tenant.roster.published(week, unit.zone, now)
    }


class _Search:
    """One schedule search: what is the same for all its agents."""

    def __init__(self, tenant: DemoTenant, unit: BusinessUnit, first: int, last: int, weeks: dict[int, str]) -> None:
        self.tenant, self.unit, self.first, self.last, self.weeks = tenant, unit, first, last, weeks
        self.schedules = {
            week: {
                "id": schedule_id,
                "weekDate": date_of(week).isoformat(),
                "selfUri": f"{WFM}/businessunits/{unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule_id}",
            }
            for week, schedule_id in weeks.items()
        }

    def agent(self, person: Person) -> Json:
        """SDK BuAgentScheduleSearchResponse."""
        roster = self.tenant.roster
        shifts: list[Json] = []
        markers: list[Json] = []
        for shift in roster.shifts(person, self.first, self.last):
            schedule = self.schedules.get(roster.week_of(shift, self.unit.zone))
            if schedule is None:
                continue
            if shift.off:
                markers.append(self._marker(person, shift))
            else:
                shifts.append(_shift(person, shift, schedule))
        return {"user": {"id": person.id}, "shifts": shifts, "fullDayTimeOffMarkers": markers}

    def _marker(self, person: Person, shift: Shift) -> Json:
        """A full day off, on the business unit's date in which the shift would have been."""
        day = local_day(self.unit.zone, shift.start)
        return {
            "businessUnitDate": date_of(day).isoformat(),
            "lengthMinutes": 480,
            "description": "Time off",
            "activityCodeId": str(TIME_OFF),
            "paid": True,
            "payableMinutes": 480,
            "timeOffRequestId": stable_id(self.tenant.seed, "time-off", person.id, shift.day // 5),
        }


def _shift(person: Person, shift: Shift, schedule: Json) -> Json:
    return {
        "id": shift_id(person, shift),
        "startDate": iso_minute(shift.start),
        "lengthMinutes": shift.end - shift.start,
        "manuallyEdited": False,
        "schedule": schedule,
        "activities": [
            {
                "startDate": iso_minute(start),
                "lengthMinutes": end - start,
                "activityCodeId": _CODE_IDS[code],
                "description": "",
                "paid": _PAID[code],
            }
            for start, end, code in shift.parts
        ],
    }


_CODE_IDS = tuple(code.id for code in ACTIVITY_CODES)
_PAID = tuple(code.paid for code in ACTIVITY_CODES)

ENDPOINTS = (
    Endpoint("GET", f"{BUSINESS_UNIT}/weeks/{{weekId}}/schedules", get_week_schedules),
    Endpoint("GET", f"{BUSINESS_UNIT}/weeks/{{weekId}}/schedules/{{scheduleId}}", get_week_schedule),
    Endpoint("POST", f"{BUSINESS_UNIT}/agentschedules/search", search_business_unit, heavy=True),
    Endpoint("POST", f"{MANAGEMENT_UNIT}/agentschedules/search", search_management_unit, heavy=True),
)
