"""Presence, routing status and out of office, through the published paths.

Writing another user's presence needs wfm:schedule:update here: this tenant decides by the brief's scopes. The 403 has
the published code of that case.
"""

from __future__ import annotations

from typing import Any

from wfm.demo.api_brief import iso_ms
from wfm.demo.clients import UPDATE
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.states import AVAILABLE, UNAVAILABLE_STATUS, PresenceDefinition, Snapshot
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person

MAX_PRESENCES = 50
_DENIED = (
    "presence.not.authorized.update.other.user.presence",
    "Unable to update the presence of another user. You are missing the following permission(s): [presence:userPresence:edit]",
)


def _since(tenant: DemoTenant, person: Person, snap: Snapshot) -> str:
    """Return when the agent's present state began."""
    return iso_ms(tenant.states.since(person, snap))


def _definition(definition: PresenceDefinition) -> Json:
    return {
        "id": definition.id,
        "systemPresence": definition.spoken,
        "selfUri": f"/api/v2/presence/definitions/{definition.id}",
    }


def user_presence(tenant: DemoTenant, person: Person, snap: Snapshot) -> Json:
    """SDK model UserPresence. An agent made unavailable is Away, secondary presence Unavailable, with the reason."""
    message = tenant.states.status(person)[1] if snap.unavailable else tenant.states.live(person).message
    return {
        "id": person.id,
        "name": person.name,
        "source": "PURECLOUD",
        "sourceId": "PURECLOUD",
        "primary": True,
        "presenceDefinition": _definition(snap.presence),
        "message": message,
        "modifiedDate": _since(tenant, person, snap),
        "selfUri": f"/api/v2/users/{person.id}/presences/PURECLOUD",
    }


def uc_presence(tenant: DemoTenant, person: Person, snap: Snapshot) -> Json:
    """SDK model UcUserPresence, as the bulk paths have it."""
    whole = user_presence(tenant, person, snap)
    return {**{name: whole[name] for name in whole if name not in ("primary", "name")}, "userId": person.id}


def routing_status(tenant: DemoTenant, person: Person, snap: Snapshot) -> Json:
    return {"userId": person.id, "status": snap.routing, "startTime": _since(tenant, person, snap)}


def out_of_office(tenant: DemoTenant, person: Person) -> Json:
    active = tenant.states.out_of_office(person)
    return {
        "id": person.id,
        "user": {"id": person.id, "selfUri": f"/api/v2/users/{person.id}"},
        "active": active,
        "indefinite": active,
        **tenant.states.live(person).absence,
        "selfUri": f"/api/v2/users/{person.id}/outofoffice",
    }


def person_of(call: Call) -> Person:
    person = call.tenant.person(call.params["userId"])
    if person is None:
        raise Problem(404, "presenceservice.usernotfound", "User not found.")
    return person


def snapshot_of(call: Call, person: Person) -> Snapshot:
    return call.tenant.states.snapshot(person, call.tenant.minute())


def get_presence(call: Call) -> Answer:
    person = person_of(call)
    return answer(user_presence(call.tenant, person, snapshot_of(call, person)))


def _read(tenant: DemoTenant, body: Json, where: str = "") -> tuple[PresenceDefinition, str]:
    given = body.get("presenceDefinition")
    definition_id = given.get("id") if isinstance(given, dict) else None
    definition = tenant.states.definitions.get(str(definition_id))
    if definition is None:
        raise bad_field(f"{where}presenceDefinition.id", definition_id, "the id of a presence definition")
    message = body.get("message") or ""
    if not isinstance(message, str) or len(message) > 255:
        raise bad_field(f"{where}message", message, "text of at most 255 characters")
    return definition, message


def _write(tenant: DemoTenant, person: Person, definition: PresenceDefinition, message: str) -> None:
    """The secondary presence Unavailable is the brief's unavailable; every other presence is available again."""
    live = tenant.states.live(person)
    out = definition.id == tenant.states.unavailable_presence.id
    counts: dict[str, Any] = {"unavailable": live.unavailable + 1} if out else {"available": live.available + 1}
    tenant.states.change(
        person,
        tenant.millis(),
        status=UNAVAILABLE_STATUS if out else AVAILABLE,
        reason=message,
        presence=None if out else definition.id,
        message=message,
        **counts,
    )


def _refuse_out_of_office(tenant: DemoTenant, person: Person) -> None:
    if tenant.states.out_of_office(person):
        raise Problem(409, "presenceservice.conflict", "The presence of a user who is out of office can't be changed.")


def patch_presence(call: Call) -> Answer:
    """Body {"presenceDefinition": {"id"}, "message"}."""
    definition, message = _read(call.tenant, call.members())
    person = person_of(call)
    _refuse_out_of_office(call.tenant, person)
    _write(call.tenant, person, definition, message)
    return answer(user_presence(call.tenant, person, snapshot_of(call, person)))


def get_bulk(call: Call) -> Answer:
    ids = call.query.get("id", [])
    if not ids or len(ids) > MAX_PRESENCES:
        raise Problem(400, "max.user.presences", f"From 1 to {MAX_PRESENCES} users can be requested.", field="id")
    people = [person for user_id in ids if (person := call.tenant.person(user_id)) is not None]
    return answer([uc_presence(call.tenant, person, snapshot_of(call, person)) for person in people])


def put_bulk(call: Call) -> Answer:
    """An array of {id, presenceDefinition: {id}, message}, at most 50; On Queue can't be set here (published)."""
    tenant, items = call.tenant, call.json()
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise bad_field("body", items, "a list of presences, each with id and presenceDefinition")
    if len(items) > MAX_PRESENCES:
        raise Problem(400, "max.user.presences", f"Only {MAX_PRESENCES} users can be updated at a time.", field="body")
    wanted: list[tuple[str, PresenceDefinition, str]] = []
    for number, item in enumerate(items):
        definition, message = _read(tenant, item, f"[{number}].")
        if definition.system == "OnQueue":
            raise Problem(400, "endpoint.does.not.support.on.queue", "This endpoint does not support setting On Queue.")
        wanted.append((str(item.get("id")), definition, message))
    people = []
    for user_id, definition, message in wanted:
        person = tenant.person(user_id)
        if person is None:
            raise Problem(404, "presenceservice.usernotfound", "User not found.")
        _refuse_out_of_office(tenant, person)
        people.append((person, definition, message))
    for person, definition, message in people:
        _write(tenant, person, definition, message)
    return answer([uc_presence(tenant, person, snapshot_of(call, person)) for person, _, _ in people])


def get_definitions(call: Call) -> Answer:
    """Not paged. `type` is System or User (SDK OrganizationPresenceDefinition)."""
    deactivated = call.first("deactivated", "false").lower()
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "type": "User" if row.secondary else "System",
            "languageLabels": {"en_US": row.name},
            "systemPresence": row.system,
            "divisionId": "*",
            "deactivated": False,
            "selfUri": f"/api/v2/presence/definitions/{row.id}",
        }
        for row in call.tenant.states.definitions.values()
        if deactivated != "true"
    ]
    return answer({"total": len(rows), "entities": rows, "selfUri": "/api/v2/presence/definitions"})


def get_system_presences(call: Call) -> Answer:
    rows = [row for row in call.tenant.states.definitions.values() if not row.secondary]
    return answer([{"id": row.id, "name": row.spoken.upper(), "selfUri": f"/api/v2/systempresences/{row.id}"} for row in rows])


def get_routing_status(call: Call) -> Answer:
    person = call.tenant.person(call.params["userId"])
    if person is None:
        raise not_found()
    return answer(routing_status(call.tenant, person, snapshot_of(call, person)))


def get_out_of_office(call: Call) -> Answer:
    person = call.tenant.person(call.params["userId"])
    if person is None:
        raise not_found()
    return answer(out_of_office(call.tenant, person))


_OWN = "/api/v2/users/{userId}/presences"
ENDPOINTS = (
    Endpoint("GET", f"{_OWN}/purecloud", get_presence),
    Endpoint("GET", f"{_OWN}/PURECLOUD", get_presence),
    Endpoint("PATCH", f"{_OWN}/purecloud", patch_presence, (UPDATE,), denied=_DENIED),
    Endpoint("PATCH", f"{_OWN}/PURECLOUD", patch_presence, (UPDATE,), denied=_DENIED),
    Endpoint("PUT", "/api/v2/users/presences/bulk", put_bulk, (UPDATE,), denied=_DENIED),
    Endpoint("GET", "/api/v2/users/presences/purecloud/bulk", get_bulk),
    Endpoint("GET", "/api/v2/presence/definitions", get_definitions),
    Endpoint("GET", "/api/v2/systempresences", get_system_presences),
    Endpoint("GET", "/api/v2/users/{userId}/routingstatus", get_routing_status),
    Endpoint("GET", "/api/v2/users/{userId}/outofoffice", get_out_of_office),
)
