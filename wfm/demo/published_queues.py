"""Joining and leaving queues: asynchronous, at most 100 a call, and silent about who is no member (published)."""

from __future__ import annotations

from wfm.demo.api_directory import member_json, queue_json, queue_of
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.published_states import PublishedStates
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer, page_links
from wfm.demo.world import Person, Queue

MAX_MEMBERS = 100
_MANAGE = ("routing:queueMember:manage",)


def _flags(call: Call) -> dict[str, bool]:
    """Return what the body wants: `joined` by id. Raises Problem 400."""
    items = call.json()
    if not isinstance(items, list) or not items or not all(isinstance(row, dict) for row in items):
        raise bad_field("body", items, "a list of entries, each with id and joined")
    if len(items) > MAX_MEMBERS:
        raise Problem(400, "bad.request", f"At most {MAX_MEMBERS} entries can be updated at a time.", field="body")
    flags: dict[str, bool] = {}
    for number, row in enumerate(items):
        if not isinstance(row.get("id"), str):
            raise bad_field(f"[{number}].id", row.get("id"), "an id")
        if not isinstance(row.get("joined"), bool):
            raise bad_field(f"[{number}].joined", row.get("joined"), "true, false")
        flags[row["id"]] = row["joined"]
    return flags


def _write(tenant: DemoTenant, person: Person, queue: Queue, joined: bool) -> None:
    assert isinstance(tenant.states, PublishedStates)
    tenant.states.write_joined(person, queue.index, joined, tenant.millis(), int(tenant.propagation_s * 1000))


def patch_members(call: Call) -> Answer:
    """Answer with those of the body who are members, as they are now: the change takes its time."""
    tenant, flags = call.tenant, _flags(call)
    queue = queue_of(call)
    minute = tenant.minute()
    people = [(person, joined) for person, joined in tenant.members(queue) if person.id in flags]
    entities = [member_json(tenant, queue, person, joined, (), minute) for person, joined in people]
    for person, _joined in people:
        _write(tenant, person, queue, flags[person.id])
    links = page_links(call, 1, MAX_MEMBERS, len(people))
    kept = ("pageSize", "pageNumber", "firstUri", "selfUri")
    return answer({"entities": entities, **{name: links[name] for name in kept}})


def patch_user_queues(call: Call) -> Answer:
    """Queues of one user. Of another user it takes routing:queueMember:manage in that user's division."""
    tenant, flags = call.tenant, _flags(call)
    person = tenant.person(call.params["userId"])
    if person is None:
        raise not_found()
    assert call.token is not None
    if call.token.user != person.id:
        call.rights = tenant.rights(call.token, _MANAGE, False)
    call.require(person.division.id)
    entities: list[Json] = []
    for queue in tenant.world.queues:
        own = dict(tenant.members(queue)).get(person) if queue.id in flags else None
        if own is not None:
            entities.append({**queue_json(tenant, queue), "joined": own})
            _write(tenant, person, queue, flags[queue.id])
    return answer({"entities": entities, **page_links(call, 1, MAX_MEMBERS, len(entities))})


ENDPOINTS = (
    Endpoint("PATCH", "/api/v2/routing/queues/{queueId}/members", patch_members),
    Endpoint("PATCH", "/api/v2/users/{userId}/queues", patch_user_queues),
)
