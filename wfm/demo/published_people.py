"""Users where roles decide: the listing by cursor, out of office, routing status."""

from __future__ import annotations

from typing import Any

from wfm.demo.api_brief import instant_ms
from wfm.demo.api_directory import user_json
from wfm.demo.api_presence import out_of_office, routing_status
from wfm.demo.problems import Problem, bad_field
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person

_ROUTING = ("OFF_QUEUE", "IDLE", "INTERACTING", "NOT_RESPONDING", "COMMUNICATING")


def query_users(call: Call) -> Answer:
    """Cursor-paged. Needs directory:user:view in all divisions (published): there is no filtering by division."""
    for division in call.tenant.world.divisions:
        call.require(division.id)
    size = call.whole("pageSize", 1, 500, 25)
    at = call.whole("cursor", 0, 10_000_000, 0)
    state = call.first("state", "active")
    if state not in ("active", "inactive", "deleted", "any"):
        raise bad_field("state", state, "active, inactive, deleted, any")
    tenant = call.tenant
    people = [row for row in tenant.world.people if state == "any" or _state(call, row) == state]
    if call.first("sortOrder").lower() in ("desc", "descending"):
        people.reverse()
    minute, expand = tenant.minute(), call.query.get("expand", [])
    page = [user_json(tenant, person, expand, minute) for person in people[at : at + size]]
    body: dict[str, Any] = {"entities": page, "results": len(page), "selfUri": f"{call.path}?pageSize={size}&cursor={at}"}
    if at + size < len(people):
        body |= {"cursor": str(at + size), "nextUri": f"{call.path}?pageSize={size}&cursor={at + size}"}
    return answer(body)


def _state(call: Call, person: Person) -> str:
    return "active" if call.tenant.states.active(person) else "inactive"


def _person(call: Call, code: str = "presenceservice.usernotfound", text: str = "User not found.") -> Person:
    person = call.tenant.person(call.params["userId"])
    if person is None:
        raise Problem(404, code, text)
    return person


def get_out_of_office(call: Call) -> Answer:
    return answer(out_of_office(call.tenant, _person(call)))


def put_out_of_office(call: Call) -> Answer:
    """Body {active, startDate, endDate, indefinite}. Whether it may be set for others is not published: here it may."""
    body = call.members()
    absence: dict[str, Any] = {}
    for name in ("active", "indefinite"):
        if not isinstance(body.get(name, False), bool):
            raise bad_field(name, body[name], "true, false")
        absence[name] = body.get(name, False)
    for name in ("startDate", "endDate"):
        if body.get(name) is not None:
            instant_ms(name, body[name])
            absence[name] = body[name]
    person = _person(call)
    call.tenant.states.change(person, None, out_of_office=absence["active"], absence=absence)
    return answer(out_of_office(call.tenant, person))


def put_routing_status(call: Call) -> Answer:
    """Only the status that the agent has is accepted: of the others none is a legal change here (published: 400)."""
    status = call.members().get("status")
    if status not in _ROUTING:
        raise bad_field("status", status, ", ".join(_ROUTING))
    tenant, person = call.tenant, _person(call, "resource.not.found", "The resource could not be found.")
    snap = tenant.states.snapshot(person, tenant.minute())
    if status != snap.routing:
        raise Problem(400, "general.bad.request", "An invalid routing status transition was attempted.")
    return answer(routing_status(tenant, person, snap))


_USER = "/api/v2/users/{userId}"
ENDPOINTS = (
    Endpoint("GET", "/api/v2/users/query", query_users),
    Endpoint("GET", f"{_USER}/outofoffice", get_out_of_office),
    Endpoint("PUT", f"{_USER}/outofoffice", put_out_of_office),
    Endpoint("PUT", f"{_USER}/routingstatus", put_routing_status),
)
