"""Scheduled and actual states of agents, through the published adherence paths."""

from __future__ import annotations

from wfm.demo.api_brief import iso_ms
from wfm.demo.api_units import MANAGEMENT_UNIT, WFM, agents_of, management_unit_of, reference, user_reference
from wfm.demo.problems import Json, Problem
from wfm.demo.roster import ACTIVITY_CODES, iso_minute
from wfm.demo.states import Snapshot, scheduled_category
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person


def adherence_json(tenant: DemoTenant, person: Person, minute: int) -> Json:
    """SDK model UserScheduleAdherence."""
    snap = tenant.states.snapshot(person, minute)
    scheduled = scheduled_category(snap.part)
    since = _changed(tenant, person, snap)
    row: Json = {
        "id": person.id,
        "name": person.name,
        "user": user_reference(person),
        "businessUnit": reference("businessunits", person.unit.business_unit.id),
        "managementUnit": reference("managementunits", person.unit.id),
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
        "selfUri": f"{WFM}/adherence/{person.id}",
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
    known = [person for person in people if tenant.states.active(person) and not person.outside_units]
    return answer([adherence_json(tenant, person, minute) for person in known if call.allows(person.division.id)])


def get_unit_adherence(call: Call) -> Answer:
    """Return all agents of a management unit in one answer."""
    tenant, minute = call.tenant, call.tenant.minute()
    people = agents_of(tenant, management_unit_of(call))
    return answer({"entities": [adherence_json(tenant, person, minute) for person in people]})


ENDPOINTS = (
    Endpoint("GET", f"{WFM}/adherence", get_adherence),
    Endpoint("GET", f"{MANAGEMENT_UNIT}/adherence", get_unit_adherence, heavy=True),
)
