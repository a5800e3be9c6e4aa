"""People and their groups, through the published paths (SDK models User, Team, Queue, Division)."""

from __future__ import annotations

from collections.abc import Iterable

from wfm.demo.api_presence import out_of_office, routing_status, user_presence
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.role_models import user_authorization
from wfm.demo.roles import user_grants
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer, is_id, page_links
from wfm.demo.world import Division, Person, Queue, Team

_USERS = "/api/v2/users"


def division_json(division: Division) -> Json:
    return {"id": division.id, "name": division.name, "selfUri": f"/api/v2/authorization/divisions/{division.id}"}


def user_json(tenant: DemoTenant, person: Person, expand: Iterable[str] = (), minute: int | None = None) -> Json:
    """SDK model User, with the expansions team, presence, routingStatus, outOfOffice and (where roles decide) authorization."""
    user: Json = {
        "id": person.id,
        "name": person.name,
        "division": division_json(person.division),
        "chat": {"jabberId": f"{person.id}@{tenant.world.domain}"},
        "department": person.unit.name,
        "email": person.email,
        "primaryContactInfo": [{"address": person.email, "mediaType": "EMAIL", "type": "PRIMARY"}],
        "state": "active" if tenant.states.active(person) else "inactive",
        "title": person.title,
        "username": person.email,
        "version": 1,
        "acdAutoAnswer": False,
        "selfUri": f"{_USERS}/{person.id}",
    }
    wanted = set(expand)
    if "team" in wanted and person.team is not None:
        user["team"] = team_json(tenant, person.team)
    if wanted & {"presence", "routingStatus"}:
        snap = tenant.states.snapshot(person, tenant.minute() if minute is None else minute)
        if "presence" in wanted:
            user["presence"] = user_presence(tenant, person, snap)
        if "routingStatus" in wanted:
            user["routingStatus"] = routing_status(tenant, person, snap)
    if "outOfOffice" in wanted:
        user["outOfOffice"] = out_of_office(tenant, person)
    if "authorization" in wanted and tenant.published:
        user["authorization"] = user_authorization(tenant.seed, user_grants(person))
    return user


def team_json(tenant: DemoTenant, team: Team) -> Json:
    return {
        "id": team.id,
        "name": team.name,
        "division": division_json(team.division),
        "description": team.description,
        "dateCreated": "2025-01-07T09:00:00.000Z",
        "dateModified": "2025-01-07T09:00:00.000Z",
        "memberCount": len(tenant.world.of_team[team.index]),
        "selfUri": f"/api/v2/teams/{team.id}",
    }


def queue_json(tenant: DemoTenant, queue: Queue) -> Json:
    members = tenant.members(queue)
    return {
        "id": queue.id,
        "name": queue.name,
        "division": division_json(queue.division),
        "description": queue.description,
        "dateCreated": "2025-01-07T09:00:00.000Z",
        "dateModified": "2025-01-07T09:00:00.000Z",
        "memberCount": len(members),
        "userMemberCount": len(members),
        "joinedMemberCount": sum(1 for _, joined in members if joined),
        "selfUri": f"/api/v2/routing/queues/{queue.id}",
    }


def get_users(call: Call) -> Answer:
    """Paged: 25 a page, at most 500, at most 100 with expand; `id` at most 100; `state` active (default), inactive, any."""
    tenant = call.tenant
    expand = call.query.get("expand", [])
    ids = call.query.get("id", [])
    if len(ids) > 100:
        raise Problem(400, "max.user.ids", "Only 100 users can be requested at a time.", field="id")
    size = call.whole("pageSize", 1, 100 if expand else 500, 100 if ids else 25)
    number = call.whole("pageNumber", 1, 1_000_000, 1)
    people: Iterable[Person]
    if ids:
        people = [person for user_id in dict.fromkeys(ids) if (person := tenant.person(user_id)) is not None]
    else:
        people = tenant.world.people
    found = [person for person in people if _in_state(tenant, person, call.first("state", "active"))]
    if call.first("sortOrder").lower() in ("desc", "descending"):
        found.reverse()
    minute = tenant.minute()
    entities = [user_json(tenant, person, expand, minute) for person in found[(number - 1) * size : number * size]]
    return answer({"entities": entities, **page_links(call, number, size, len(found))})


def _in_state(tenant: DemoTenant, person: Person, state: str) -> bool:
    if state not in ("active", "inactive", "deleted", "any"):
        raise bad_field("state", state, "active, inactive, deleted, any")
    return state == "any" or ((state == "active") == tenant.states.active(person) and state != "deleted")


def get_user(call: Call) -> Answer:
    person = call.tenant.person(call.params["userId"])
    if person is None:
        raise not_found()
    return answer(user_json(call.tenant, person, call.query.get("expand", [])))


def get_me(call: Call) -> Answer:
    """Client credentials have no user (published: 400 not.a.user)."""
    if call.token is not None and call.token.user:
        return answer(user_json(call.tenant, call.tenant.world.by_id[call.token.user], call.query.get("expand", [])))
    text = "This request requires a user context. Client credentials cannot be used for requests to this resource."
    raise Problem(400, "not.a.user", text)


def _cursor(call: Call) -> tuple[int, int]:
    """(where the page begins, its size). Raises Problem 400."""
    size = call.whole("pageSize", 1, 100, 25)
    at = call.whole("after", 0, 10_000_000, 0)
    if call.first("before"):
        at = max(0, call.whole("before", 0, 10_000_000, 0) - size)
    return at, size


def _cursor_page(call: Call, total: int) -> tuple[slice, Json]:
    """Teams are paged by cursor (SDK TeamEntityListing: nextUri and previousUri, no counts)."""
    at, size = _cursor(call)
    links: Json = {"selfUri": f"{call.path}?pageSize={size}&after={at}"}
    if at + size < total:
        links["nextUri"] = f"{call.path}?pageSize={size}&after={at + size}"
    if at:
        links["previousUri"] = f"{call.path}?pageSize={size}&before={at}"
    return slice(at, at + size), links


def get_teams(call: Call) -> Answer:
    name = call.first("name").casefold()
    teams = [team for team in call.tenant.world.teams if name in team.name.casefold() and call.allows(team.division.id)]
    page, links = _cursor_page(call, len(teams))
    return answer({"entities": [team_json(call.tenant, team) for team in teams[page]], **links})


def _team(call: Call) -> Team:
    team = next((team for team in call.tenant.world.teams if team.id == call.params["teamId"]), None)
    if team is None:
        raise not_found()
    call.require(team.division.id)
    return team


def get_team(call: Call) -> Answer:
    return answer(team_json(call.tenant, _team(call)))


def get_team_members(call: Call) -> Answer:
    _cursor(call)
    members = call.tenant.world.of_team[_team(call).index]
    page, links = _cursor_page(call, len(members))
    entities = [{"id": p.id, "name": p.name, "selfUri": f"{_USERS}/{p.id}"} for p in members[page]]
    return answer({"entities": entities, **links})


def get_queues(call: Call) -> Answer:
    name, wanted, divisions = call.first("name").casefold(), call.query.get("id"), call.query.get("divisionId")
    queues = [
        queue
        for queue in call.tenant.world.queues
        if name.strip("*") in queue.name.casefold()
        and call.allows(queue.division.id)
        and (not wanted or queue.id in wanted)
        and (not divisions or queue.division.id in divisions)
    ]
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    entities = [queue_json(call.tenant, queue) for queue in queues[(number - 1) * size : number * size]]
    return answer({"entities": entities, **page_links(call, number, size, len(queues))})


def queue_of(call: Call) -> Queue:
    wanted = call.params["queueId"]
    queue = next((queue for queue in call.tenant.world.queues if queue.id == wanted), None)
    if queue is None:
        if not call.tenant.published:
            raise not_found()
        if not is_id(wanted):
            raise Problem(400, "invalid.id", "A non-UUID value was specified for an ID field.", field="queueId")
        raise Problem(404, "resource.not.found", "The resource could not be found.")
    call.require(queue.division.id)
    return queue


def get_queue(call: Call) -> Answer:
    return answer(queue_json(call.tenant, queue_of(call)))


def member_json(tenant: DemoTenant, queue: Queue, person: Person, joined: bool, expand: Iterable[str], minute: int) -> Json:
    """SDK model QueueMember."""
    return {
        "id": person.id,
        "name": person.name,
        "user": user_json(tenant, person, expand, minute),
        "ringNumber": 1,
        "joined": joined,
        "memberBy": "user",
        "routingStatus": routing_status(tenant, person, tenant.states.snapshot(person, minute)),
        "selfUri": f"/api/v2/routing/queues/{queue.id}/members/{person.id}",
    }


def get_queue_members(call: Call) -> Answer:
    """At most 100 a page; `joined` true or false filters. No total is given, as published: pages follow nextUri."""
    tenant = call.tenant
    joined = call.first("joined").lower()
    if joined not in ("", "true", "false"):
        raise bad_field("joined", joined, "true, false")
    size, number = call.whole("pageSize", 1, 100, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    queue = queue_of(call)
    members = [(p, j) for p, j in tenant.members(queue) if not joined or j == (joined == "true")]
    expand, minute = call.query.get("expand", []), tenant.minute()
    entities = [
        member_json(tenant, queue, person, is_joined, expand, minute)
        for person, is_joined in members[(number - 1) * size : number * size]
    ]
    links = page_links(call, number, size, len(members))
    kept = ("pageSize", "pageNumber", "firstUri", "selfUri", "nextUri", "previousUri")
    return answer({"entities": entities, **{name: links[name] for name in kept if name in links}})


def get_divisions(call: Call) -> Answer:
    name, wanted = call.first("name").casefold().strip("*"), call.query.get("id")
    divisions = [
        division
        for division in call.tenant.world.divisions
        if name in division.name.casefold() and (not wanted or division.id in wanted)
    ]
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    counts: dict[str, int] = {}
    if call.first("objectCount").lower() == "true":
        for person in call.tenant.world.people:
            counts[person.division.id] = counts.get(person.division.id, 0) + 1
    entities = [
        {
            **division_json(division),
            "description": division.description,
            "homeDivision": division.home,
            "objectCounts": {"USER": counts.get(division.id, 0)} if counts else {},
        }
        for division in divisions[(number - 1) * size : number * size]
    ]
    return answer({"entities": entities, **page_links(call, number, size, len(divisions))})


ENDPOINTS = (
    Endpoint("GET", _USERS, get_users),
    Endpoint("GET", "/api/v2/users/me", get_me),
    Endpoint("GET", "/api/v2/users/{userId}", get_user),
    Endpoint("GET", "/api/v2/teams", get_teams),
    Endpoint("GET", "/api/v2/teams/{teamId}", get_team),
    Endpoint("GET", "/api/v2/teams/{teamId}/members", get_team_members),
    Endpoint("GET", "/api/v2/routing/queues", get_queues),
    Endpoint("GET", "/api/v2/routing/queues/{queueId}", get_queue, permissions=("routing:queue:view",)),
    Endpoint("GET", "/api/v2/routing/queues/{queueId}/members", get_queue_members),
    Endpoint("GET", "/api/v2/authorization/divisions", get_divisions),
)
