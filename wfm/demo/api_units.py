"""Business units, management units, their members, and activity codes, through the published paths."""

from __future__ import annotations

from collections.abc import Iterable

from wfm.demo.problems import Json, Problem
from wfm.demo.roster import ACTIVITY_CODES, TIME_OFF
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import BusinessUnit, Division, ManagementUnit, Person

WFM = "/api/v2/workforcemanagement"
_NOT_FOUND = (
    "One of the requested resources in the path variables was not found, please check the error details for more information"
)


def unknown(code: str = "wfm.entity.not.found", message: str = _NOT_FOUND) -> Problem:
    return Problem(404, code, message)


def business_unit_of(call: Call) -> BusinessUnit:
    wanted = call.params["businessUnitId"]
    unit = next((unit for unit in call.tenant.world.business_units if unit.id == wanted), None)
    if unit is None:
        raise unknown("wfm.business.unit.not.found", "The business unit was not found")
    require_unit(call, unit.division)
    return unit


def management_unit_of(call: Call) -> ManagementUnit:
    wanted = call.params["managementUnitId"]
    unit = next((unit for unit in call.tenant.world.units if unit.id == wanted), None)
    if unit is None:
        raise unknown("wfm.management.unit.not.found", "The management unit was not found")
    require_unit(call, unit.division)
    return unit


def require_unit(call: Call, division: Division) -> None:
    """Raise Problem 403 (published: wfm.permission.failure) unless the caller has what is needed in the unit's division."""
    if not call.allows(division.id):
        raise Problem(403, "wfm.permission.failure", "User is not authorized for the division of the unit")


def _division(division: Division) -> Json:
    return {"id": division.id, "selfUri": f"/api/v2/authorization/divisions/{division.id}"}


def reference(kind: str, id_: str) -> Json:
    return {"id": id_, "selfUri": f"{WFM}/{kind}/{id_}"}


def user_reference(person: Person) -> Json:
    return {"id": person.id, "selfUri": f"/api/v2/users/{person.id}"}


# Units and their members


def get_business_units(call: Call) -> Answer:
    wanted = call.query.get("divisionId")
    rows = [
        {
            "id": unit.id,
            "name": unit.name,
            "authorized": True,
            "division": _division(unit.division),
            "selfUri": f"{WFM}/businessunits/{unit.id}",
        }
        for unit in call.tenant.world.business_units
        if not wanted or unit.division.id in wanted
    ]
    return answer({"entities": rows})


def get_business_unit(call: Call) -> Answer:
    """With expand=settings (or settings.timeZone, …) the answer has the zone and the first day of the week too."""
    unit = business_unit_of(call)
    row: Json = {
        "id": unit.id,
        "name": unit.name,
        "division": _division(unit.division),
        "selfUri": f"{WFM}/businessunits/{unit.id}",
    }
    if any(name.startswith("settings") for name in call.query.get("expand", [])):
        row["settings"] = {"startDayOfWeek": "Monday", "timeZone": unit.zone, "metadata": {"version": 1}}
    return answer(row)


def _unit_json(unit: ManagementUnit) -> Json:
    return {
        "id": unit.id,
        "name": unit.name,
        "businessUnit": reference("businessunits", unit.business_unit.id),
        "startDayOfWeek": "Monday",
        "timeZone": unit.zone,
        "division": _division(unit.division),
        "version": 1,
        "selfUri": f"{WFM}/managementunits/{unit.id}",
    }


def _units(units: Iterable[ManagementUnit]) -> Answer:
    rows = [_unit_json(unit) for unit in units]
    return answer({"entities": rows, "pageSize": len(rows), "pageNumber": 1, "total": len(rows), "pageCount": 1})


def get_management_units(call: Call) -> Answer:
    """Not paged (the published paging parameters are deprecated and ignored)."""
    wanted = call.query.get("divisionId")
    return _units(unit for unit in call.tenant.world.units if not wanted or unit.division.id in wanted)


def get_units_of_business_unit(call: Call) -> Answer:
    own = business_unit_of(call)
    return _units(unit for unit in call.tenant.world.units if unit.business_unit.id == own.id)


def get_management_unit(call: Call) -> Answer:
    return answer(_unit_json(management_unit_of(call)))


def agents_of(tenant: DemoTenant, unit: ManagementUnit) -> list[Person]:
    """Return the people whom WFM knows in that unit: the active ones, with a schedule or without."""
    return [person for person in tenant.world.of_unit[unit.index] if tenant.states.active(person)]


def get_unit_users(call: Call) -> Answer:
    people = agents_of(call.tenant, management_unit_of(call))
    return answer({"entities": [user_reference(person) for person in people]})


def get_business_unit_users(call: Call) -> Answer:
    own, wanted = business_unit_of(call), call.query.get("managementUnitIds")
    units = [unit for unit in call.tenant.world.units if unit.business_unit.id == own.id and (not wanted or unit.id in wanted)]
    rows = [
        {
            "managementUnit": reference("managementunits", unit.id),
            "users": [user_reference(person) for person in agents_of(call.tenant, unit)],
        }
        for unit in units
    ]
    return answer({"managementUnits": rows})


def get_agent_unit(call: Call) -> Answer:
    """404 wfm.entity.not.found means: the agent is in no management unit (published)."""
    person = call.tenant.person(call.params["agentId"])
    if person is None or person.outside_units or not call.tenant.states.active(person):
        raise unknown(message="The requested agent is not in a management unit")
    return answer(
        {
            "user": user_reference(person),
            "managementUnit": reference("managementunits", person.unit.id),
            "businessUnit": reference("businessunits", person.unit.business_unit.id),
        }
    )


def get_activity_codes(call: Call) -> Answer:
    unit = business_unit_of(call)
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
            "selfUri": f"{WFM}/businessunits/{unit.id}/activitycodes/{code.id}",
        }
        for code in ACTIVITY_CODES
    ]
    return answer({"entities": rows})


BUSINESS_UNIT = f"{WFM}/businessunits/{{businessUnitId}}"
MANAGEMENT_UNIT = f"{WFM}/managementunits/{{managementUnitId}}"
ENDPOINTS = (
    Endpoint("GET", f"{WFM}/businessunits", get_business_units),
    Endpoint("GET", BUSINESS_UNIT, get_business_unit),
    Endpoint("GET", f"{BUSINESS_UNIT}/managementunits", get_units_of_business_unit),
    Endpoint("GET", f"{BUSINESS_UNIT}/users", get_business_unit_users),
    Endpoint("GET", f"{BUSINESS_UNIT}/activitycodes", get_activity_codes),
    Endpoint("GET", f"{WFM}/managementunits", get_management_units),
    Endpoint("GET", MANAGEMENT_UNIT, get_management_unit),
    Endpoint("GET", f"{MANAGEMENT_UNIT}/users", get_unit_users),
    Endpoint("GET", f"{WFM}/agents/{{agentId}}/managementunit", get_agent_unit),
)
