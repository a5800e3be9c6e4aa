"""Units, schedules and adherence through the published workforce-management paths."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from wfm.demo.api_brief import instant_ms, iso_ms
from wfm.demo.roster import ACTIVITY_CODES, TIME_OFF, Shift, date_of, day_of, iso_minute, local_day, monday, shift_id
from wfm.demo.states import Snapshot, scheduled_category
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, Json, Problem, answer, bad_field
from wfm.demo.world import BusinessUnit, Division, ManagementUnit, Person, stable_id

_WFM = "/api/v2/workforcemanagement"
_LONGEST_SEARCH_DAYS = 92
_NOT_FOUND = (
    "One of the requested resources in the path variables was not found, please check the error details for more information"
)


def _unknown(code: str = "wfm.entity.not.found", message: str = _NOT_FOUND) -> Problem:
    return Problem(404, code, message)


def _business_unit(call: Call) -> BusinessUnit:
    wanted = call.params["businessUnitId"]
    unit = next((unit for unit in call.tenant.world.business_units if unit.id == wanted), None)
    if unit is None:
        raise _unknown("wfm.business.unit.not.found", "The business unit was not found")
    return unit


def _management_unit(call: Call) -> ManagementUnit:
    wanted = call.params["managementUnitId"]
    unit = next((unit for unit in call.tenant.world.units if unit.id == wanted), None)
    if unit is None:
        raise _unknown("wfm.management.unit.not.found", "The management unit was not found")
    return unit


def _division(division: Division) -> Json:
    return {"id": division.id, "selfUri": f"/api/v2/authorization/divisions/{division.id}"}


def _reference(kind: str, id_: str) -> Json:
    return {"id": id_, "selfUri": f"{_WFM}/{kind}/{id_}"}


def _user(person: Person) -> Json:
    return {"id": person.id, "selfUri": f"/api/v2/users/{person.id}"}


# Units and who belongs to them


def get_business_units(call: Call) -> Answer:
    wanted = call.query.get("divisionId")
    rows = [
        {
            "id": unit.id,
            "name": unit.name,
            "authorized": True,
            "division": _division(unit.division),
            "selfUri": f"{_WFM}/businessunits/{unit.id}",
        }
        for unit in call.tenant.world.business_units
        if not wanted or unit.division.id in wanted
    ]
    return answer({"entities": rows})


def get_business_unit(call: Call) -> Answer:
    """With expand=settings (or settings.timeZone, …) the zone and the first day of the week are told too."""
    unit = _business_unit(call)
    row: Json = {
        "id": unit.id,
        "name": unit.name,
        "division": _division(unit.division),
        "selfUri": f"{_WFM}/businessunits/{unit.id}",
    }
    if any(name.startswith("settings") for name in call.query.get("expand", [])):
        row["settings"] = {"startDayOfWeek": "Monday", "timeZone": unit.zone, "metadata": {"version": 1}}
    return answer(row)


def _unit_json(unit: ManagementUnit) -> Json:
    return {
        "id": unit.id,
        "name": unit.name,
        "businessUnit": _reference("businessunits", unit.business_unit.id),
        "startDayOfWeek": "Monday",
        "timeZone": unit.zone,
        "division": _division(unit.division),
        "version": 1,
        "selfUri": f"{_WFM}/managementunits/{unit.id}",
    }


def _units(units: Iterable[ManagementUnit]) -> Answer:
    rows = [_unit_json(unit) for unit in units]
    return answer({"entities": rows, "pageSize": len(rows), "pageNumber": 1, "total": len(rows), "pageCount": 1})


def get_management_units(call: Call) -> Answer:
    """Not paged (the published paging parameters are deprecated and ignored)."""
    wanted = call.query.get("divisionId")
    return _units(unit for unit in call.tenant.world.units if not wanted or unit.division.id in wanted)


def get_units_of_business_unit(call: Call) -> Answer:
    own = _business_unit(call)
    return _units(unit for unit in call.tenant.world.units if unit.business_unit.id == own.id)


def get_management_unit(call: Call) -> Answer:
    return answer(_unit_json(_management_unit(call)))


def _agents(tenant: DemoTenant, unit: ManagementUnit) -> list[Person]:
    """People whom WFM knows in that unit: the active ones, with a schedule or without."""
    return [person for person in tenant.world.of_unit[unit.index] if tenant.states.active(person)]


def get_unit_users(call: Call) -> Answer:
    people = _agents(call.tenant, _management_unit(call))
    return answer({"entities": [_user(person) for person in people]})


def get_business_unit_users(call: Call) -> Answer:
    own, wanted = _business_unit(call), call.query.get("managementUnitIds")
    units = [unit for unit in call.tenant.world.units if unit.business_unit.id == own.id and (not wanted or unit.id in wanted)]
    rows = [
        {
            "managementUnit": _reference("managementunits", unit.id),
            "users": [_user(person) for person in _agents(call.tenant, unit)],
        }
        for unit in units
    ]
    return answer({"managementUnits": rows})


def get_agent_unit(call: Call) -> Answer:
    """404 wfm.entity.not.found means: the agent is in no management unit (published)."""
    person = call.tenant.person(call.params["agentId"])
    if person is None or not call.tenant.states.active(person):
        raise _unknown(message="The requested agent is not in a management unit")
    return answer(
        {
            "user": _user(person),
            "managementUnit": _reference("managementunits", person.unit.id),
            "businessUnit": _reference("businessunits", person.unit.business_unit.id),
        }
    )


def get_activity_codes(call: Call) -> Answer:
    unit = _business_unit(call)
    rows = [
        {
            "id": code.id,
            "name": code.name,
            "active": True,
            "defaultCode": True,
            "category": code.category,
            "lengthInMinutes": {"Break": 15, "Meal": 30, "Meeting": 30}.get(code.category, 60),
            "countsAsPaidTime": code.paid,
            "countsAsWorkTime": code.paid and code.index != TIME_OFF,
            "agentTimeOffSelectable": code.index == TIME_OFF,
            "countsTowardShrinkage": code.category != "OnQueueWork",
            "interruptible": code.on_queue,
            "secondaryPresences": [],
            "metadata": {"version": 1},
            "selfUri": f"{_WFM}/businessunits/{unit.id}/activitycodes/{code.id}",
        }
        for code in ACTIVITY_CODES
    ]
    return answer({"entities": rows})


# Schedules


def _week_json(tenant: DemoTenant, unit: BusinessUnit, week: int) -> Json:
    schedule = tenant.roster.week_id(unit.id, week)
    return {
        "id": schedule,
        "weekDate": date_of(week).isoformat(),
        "weekCount": 1,
        "description": f"Week of {date_of(week):%d %B %Y}",
        "published": tenant.roster.published(week, unit.zone, tenant.minute()),
        "metadata": {"version": tenant.roster.version},
        "selfUri": f"{_WFM}/businessunits/{unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule}",
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
    unit = _business_unit(call)
    only = call.first("includeOnlyPublished").lower() == "true"
    rows = [_week_json(call.tenant, unit, week) for week in _weeks(call, unit)]
    return answer({"entities": [row for row in rows if row["published"] or not only]})


def get_week_schedule(call: Call) -> Answer:
    """Metadata; with expand the agents of each management unit."""
    tenant, unit = call.tenant, _business_unit(call)
    row = next((r for w in _weeks(call, unit) if (r := _week_json(tenant, unit, w))["id"] == call.params["scheduleId"]), None)
    if row is None:
        raise _unknown()
    expand = any(name.startswith("managementUnits") for name in call.query.get("expand", []))
    summaries: list[Json] = []
    for own in tenant.world.units:
        if own.business_unit.id == unit.id:
            people = [person for person in tenant.world.of_unit[own.index] if tenant.states.scheduled(person)]
            summary: Json = {"managementUnit": _reference("managementunits", own.id), "agentCount": len(people)}
            summaries.append(summary | ({"agents": [_user(person) for person in people]} if expand else {}))
    return answer({**row, "managementUnits": summaries})


def search_business_unit(call: Call) -> Answer:
    unit = _business_unit(call)
    units = [own for own in call.tenant.world.units if own.business_unit.id == unit.id]
    return _search(call, unit, units)


def search_management_unit(call: Call) -> Answer:
    unit = _management_unit(call)
    return _search(call, unit.business_unit, [unit])


def _search(call: Call, business_unit: BusinessUnit, units: list[ManagementUnit]) -> Answer:
    """SDK BuSearchAgentSchedulesRequest → BuAsyncAgentSchedulesSearchResponse, always complete at once.

    Published weeks only. Agents without a schedule are left out; others are there even with no shift in the range.
    Without userIds everybody of the unit is given.
    """
    tenant, body = call.tenant, call.members()
    start, end = instant_ms("startDate", body.get("startDate")), instant_ms("endDate", body.get("endDate"))
    if end <= start:
        raise bad_field("endDate", body.get("endDate"), "an instant after startDate")
    if end - start > _LONGEST_SEARCH_DAYS * 86_400_000:
        raise bad_field("endDate", body.get("endDate"), f"at most {_LONGEST_SEARCH_DAYS} days after startDate")
    ids = body.get("userIds")
    if ids is not None and (not isinstance(ids, list) or not all(isinstance(user_id, str) for user_id in ids)):
        raise bad_field("userIds", ids, "a list of user ids")
    first, last = start // 60_000, -(-end // 60_000)
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
            "selfUri": f"{_WFM}/businessunits/{business_unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule_id}",
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
                "selfUri": f"{_WFM}/businessunits/{unit.id}/weeks/{date_of(week).isoformat()}/schedules/{schedule_id}",
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
        """A full day off, on the business unit's date in which the shift's middle would have been."""
        day = local_day(self.unit.zone, (shift.start + shift.end) // 2)
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


# Adherence


def adherence_json(tenant: DemoTenant, person: Person, minute: int) -> Json:
    """SDK model UserScheduleAdherence."""
    snap = tenant.states.snapshot(person, minute)
    scheduled = scheduled_category(snap.part)
    since = _changed(tenant, person, snap)
    row: Json = {
        "id": person.id,
        "name": person.name,
        "user": _user(person),
        "businessUnit": _reference("businessunits", person.unit.business_unit.id),
        "managementUnit": _reference("managementunits", person.unit.id),
        "scheduledActivityCategory": scheduled,
        "systemPresence": snap.presence.system,
        "organizationSecondaryPresenceId": snap.presence.id if snap.presence.secondary else "",
        "routingStatus": snap.routing,
        "actualActivityCategory": snap.category,
        "isOutOfOffice": snap.out_of_office,
        "adherenceState": _adherence_state(scheduled, snap),
        "impact": "Neutral" if snap.part is None else _impact(scheduled, snap.category),
        "timeOfAdherenceChange": since,
        "presenceUpdateTime": since,
        "removedFromManagementUnit": False,
        "suppressOnTimeReminder": False,
        "selfUri": f"{_WFM}/adherence/{person.id}",
    }
    if person.team is not None:
        row["team"] = {"id": person.team.id, "selfUri": f"/api/v2/teams/{person.team.id}"}
    if snap.part is not None:
        code = ACTIVITY_CODES[snap.part.code]
        row["scheduledActivityCode"] = {"id": code.id, "name": code.name, "secondaryPresences": []}
    return row


def _changed(tenant: DemoTenant, person: Person, snap: Snapshot) -> str:
    if snap.unavailable or snap.part is None:
        return iso_ms(tenant.states.live(person).modified)
    return iso_minute(snap.part.start)


def _adherence_state(scheduled: str, snap: Snapshot) -> str:
    if snap.part is None:
        return "Unscheduled"
    if scheduled == "TimeOff":
        return "InAdherence" if snap.presence.system == "Offline" else "OutOfAdherence"
    return "InAdherence" if scheduled == snap.category else "OutOfAdherence"


def _impact(scheduled: str, actual: str) -> str:
    if scheduled == actual:
        return "Neutral"
    return "Negative" if scheduled == "OnQueueWork" else "Positive" if actual == "OnQueueWork" else "Neutral"


def get_adherence(call: Call) -> Answer:
    """1 to 100 users (published: no.user.ids.specified, max.user.ids)."""
    ids = call.query.get("userId", [])
    if not ids:
        raise Problem(400, "no.user.ids.specified", "No user ids were specified.", field="userId")
    if len(ids) > 100:
        raise Problem(400, "max.user.ids", "Only 100 users can be requested at a time.", field="userId")
    tenant, minute = call.tenant, call.tenant.minute()
    people = [person for user_id in dict.fromkeys(ids) if (person := tenant.person(user_id)) is not None]
    return answer([adherence_json(tenant, person, minute) for person in people if tenant.states.active(person)])


def get_unit_adherence(call: Call) -> Answer:
    """Everybody of a management unit in one answer."""
    tenant, minute = call.tenant, call.tenant.minute()
    people = _agents(tenant, _management_unit(call))
    return answer({"entities": [adherence_json(tenant, person, minute) for person in people]})


_BU = f"{_WFM}/businessunits/{{businessUnitId}}"
_MU = f"{_WFM}/managementunits/{{managementUnitId}}"
ENDPOINTS = (
    Endpoint("GET", f"{_WFM}/businessunits", get_business_units),
    Endpoint("GET", _BU, get_business_unit),
    Endpoint("GET", f"{_BU}/managementunits", get_units_of_business_unit),
    Endpoint("GET", f"{_BU}/users", get_business_unit_users),
    Endpoint("GET", f"{_BU}/activitycodes", get_activity_codes),
    Endpoint("GET", f"{_BU}/weeks/{{weekId}}/schedules", get_week_schedules),
    Endpoint("GET", f"{_BU}/weeks/{{weekId}}/schedules/{{scheduleId}}", get_week_schedule),
    Endpoint("POST", f"{_BU}/agentschedules/search", search_business_unit, heavy=True),
    Endpoint("GET", f"{_WFM}/managementunits", get_management_units),
    Endpoint("GET", _MU, get_management_unit),
    Endpoint("GET", f"{_MU}/users", get_unit_users),
    Endpoint("GET", f"{_MU}/adherence", get_unit_adherence, heavy=True),
    Endpoint("POST", f"{_MU}/agentschedules/search", search_management_unit, heavy=True),
    Endpoint("GET", f"{_WFM}/agents/{{agentId}}/managementunit", get_agent_unit),
    Endpoint("GET", f"{_WFM}/adherence", get_adherence),
)
