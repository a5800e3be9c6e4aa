"""Presence where roles in divisions decide (SDK models UserPresence, UcUserPresence, OrganizationPresenceDefinition).

What Genesys publishes is served as published. What it does not publish is the demo's own: a definition of another
division or a deactivated one is 400, and an agent out of office is 409 request.conflict. Whether a bulk update is all or
nothing, and whether On Queue may be set for another user, are switched by fault steps (see faults.py).
"""

from __future__ import annotations

from wfm.demo.api_presence import MAX_PRESENCES, get_presence, person_of, snapshot_of, user_presence
from wfm.demo.faults import BULK_KINDS
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.published_states import PublishedStates
from wfm.demo.roles import EDIT_PRESENCE
from wfm.demo.states import PresenceDefinition, Snapshot
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person, stable_id

Wanted = tuple[Person, PresenceDefinition, str]
_OTHER_USER = "Unable to update the presence of another user. You are missing the following permission(s): [{}]"


def _states(tenant: DemoTenant) -> PublishedStates:
    assert isinstance(tenant.states, PublishedStates)
    return tenant.states


def _uc_presence(tenant: DemoTenant, person: Person, snap: Snapshot) -> Json:
    """SDK model UcUserPresence. Its id is the presence's own: who it is about is `userId`."""
    whole = user_presence(tenant, person, snap)
    own_id = stable_id(tenant.seed, "presence of", person.id)
    return {**{name: whole[name] for name in whole if name != "primary"}, "id": own_id, "userId": person.id}


def get_source_presence(call: Call) -> Answer:
    """The only source here is PURECLOUD."""
    _check_source(call)
    return get_presence(call)


def _check_source(call: Call) -> None:
    if call.params["sourceId"].upper() != "PURECLOUD":
        raise not_found()


def _read(call: Call, body: Json, where: str = "") -> tuple[PresenceDefinition, str]:
    given = body.get("presenceDefinition")
    definition_id = given.get("id") if isinstance(given, dict) else None
    definition = call.tenant.states.definitions.get(str(definition_id))
    if definition is None:
        raise bad_field(f"{where}presenceDefinition.id", definition_id, "the id of a presence definition")
    if definition.deactivated:
        raise bad_field(f"{where}presenceDefinition.id", definition_id, "a presence definition that is not deactivated")
    message = body.get("message") or ""
    if not isinstance(message, str) or len(message) > 255:
        raise bad_field(f"{where}message", message, "text of at most 255 characters")
    return definition, message


def _check_state(call: Call, person: Person, definition: PresenceDefinition, where: str = "") -> None:
    if not _states(call.tenant).fits(person, definition):
        raise bad_field(
            f"{where}presenceDefinition.id", definition.id, "a presence definition of the user's division, or of all"
        )
    if call.tenant.states.out_of_office(person):
        raise Problem(409, "request.conflict", "The request conflicts with the current state of the target resource.")


def patch_presence(call: Call) -> Answer:
    """Body {"presenceDefinition": {"id"}, "message"}. The presence of another user needs presence:userPresence:edit."""
    tenant = call.tenant
    definition, message = _read(call, call.members())
    person = person_of(call)
    assert call.token is not None
    if call.token.user != person.id:
        if person.division.id not in tenant.rights(call.token, (EDIT_PRESENCE,), True).divisions:
            code = "presence.not.authorized.update.other.user.presence"
            raise Problem(403, code, _OTHER_USER.format(EDIT_PRESENCE))
        if definition.system == "OnQueue" and tenant.faults.strike(call.verb, call.path, "on_queue_refused".__eq__):
            code = "presence.not.authorized.update.on.queue"
            raise Problem(403, code, "You are not authorized to set the presence of this user to On Queue.")
    if tenant.faults.strike(call.verb, call.path, "presence_busy".__eq__):
        raise Problem(409, "presenceservice.conflict", "A previous update request has not yet completed.")
    _check_state(call, person, definition)
    _states(tenant).write_presence(person, definition, message, tenant.millis())
    return answer(user_presence(tenant, person, snapshot_of(call, person)))


def patch_source_presence(call: Call) -> Answer:
    _check_source(call)
    return patch_presence(call)


def get_bulk(call: Call) -> Answer:
    """At most 50 users; one who is unknown refuses the whole call (published: 404 presenceservice.usernotfound)."""
    ids = call.query.get("id", [])
    if not ids:
        raise bad_field("id", None, f"1 to {MAX_PRESENCES} user ids")
    if len(ids) > MAX_PRESENCES:
        raise Problem(400, "max.user.presences", f"Only {MAX_PRESENCES} users can be requested at a time.", field="id")
    people = [call.tenant.person(user_id) for user_id in ids]
    if None in people:
        raise Problem(404, "presenceservice.usernotfound", "User not found.")
    return answer([_uc_presence(call.tenant, person, snapshot_of(call, person)) for person in people if person is not None])


def put_bulk(call: Call) -> Answer:
    """An array of MutableUserPresence, at most 50; On Queue can't be set here (published).

    The first item that can't be done refuses the call and nothing is written. Fault steps: with bulk_partly the others are
    written all the same; with bulk_partly_answered the answer is then 200 with these alone.
    """
    tenant, items = call.tenant, _items(call)
    wanted: list[Wanted] = []
    refused: Problem | None = None
    for number, item in enumerate(items):
        try:
            wanted.append(_wanted(call, item, f"[{number}]."))
        except Problem as problem:
            refused = refused or problem
    step = tenant.faults.strike(call.verb, call.path, BULK_KINDS.__contains__) if refused is not None else None
    if refused is not None and step is None:
        raise refused
    for person, definition, message in wanted:
        _states(tenant).write_presence(person, definition, message, tenant.millis())
    if refused is not None and step is not None and step.kind == "bulk_partly":
        raise refused
    return answer([user_presence(tenant, person, snapshot_of(call, person)) for person, _, _ in wanted])


def _items(call: Call) -> list[Json]:
    items = call.json()
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise bad_field("body", items, "a list of presences, each with id and presenceDefinition")
    if len(items) > MAX_PRESENCES:
        raise Problem(400, "max.user.presences", f"Only {MAX_PRESENCES} users can be updated at a time.", field="body")
    for item in items:
        given = item.get("presenceDefinition")
        known = call.tenant.states.definitions.get(str(given.get("id"))) if isinstance(given, dict) else None
        if known is not None and known.system == "OnQueue":
            raise Problem(400, "endpoint.does.not.support.on.queue", "This endpoint does not support setting On Queue.")
    return items


def _wanted(call: Call, item: Json, where: str) -> Wanted:
    definition, message = _read(call, item, where)
    person = call.tenant.person(str(item.get("id")))
    if person is None:
        raise not_found()
    call.require(person.division.id)
    _check_state(call, person, definition, where)
    return person, definition, message


def get_definitions(call: Call) -> Answer:
    """Not paged. `deactivated` TRUE or FALSE (default). Those of a division need the permission there (published)."""
    given = call.first("deactivated", "FALSE").upper()
    if given not in ("TRUE", "FALSE"):
        raise bad_field("deactivated", given, "TRUE, FALSE")
    wanted = call.query.get("divisionId")
    rows = [
        definition_json(row)
        for row in call.tenant.states.definitions.values()
        if row.deactivated == (given == "TRUE")
        and (row.division == "*" or call.allows(row.division))
        and (not wanted or row.division in wanted)
    ]
    return answer({"total": len(rows), "entities": rows, "selfUri": "/api/v2/presence/definitions"})


def definition_json(definition: PresenceDefinition) -> Json:
    """SDK model OrganizationPresenceDefinition. `type` is System or User."""
    return {
        "id": definition.id,
        "name": definition.name,
        "type": "User" if definition.secondary else "System",
        "languageLabels": {"en_US": definition.name},
        "systemPresence": definition.system,
        "divisionId": definition.division,
        "deactivated": definition.deactivated,
        "selfUri": f"/api/v2/presence/definitions/{definition.id}",
    }


_OWN = "/api/v2/users/{userId}/presences"
ENDPOINTS = (
    Endpoint("GET", f"{_OWN}/purecloud", get_presence),
    Endpoint("GET", f"{_OWN}/PURECLOUD", get_presence),
    Endpoint("GET", f"{_OWN}/{{sourceId}}", get_source_presence),
    Endpoint("PATCH", f"{_OWN}/purecloud", patch_presence),
    Endpoint("PATCH", f"{_OWN}/PURECLOUD", patch_presence),
    Endpoint("PATCH", f"{_OWN}/{{sourceId}}", patch_source_presence),
    Endpoint("PUT", "/api/v2/users/presences/bulk", put_bulk),
    Endpoint("GET", "/api/v2/users/presences/purecloud/bulk", get_bulk),
    Endpoint("GET", "/api/v2/presence/definitions", get_definitions),
)
