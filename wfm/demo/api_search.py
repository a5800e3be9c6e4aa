"""Searches of users and teams, through the published paths (SDK UserSearchRequest, TeamSearchRequest)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wfm.demo.api_directory import team_json, user_json
from wfm.demo.problems import Json, bad_field
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person, Team

_FIELDS: dict[str, Callable[[DemoTenant, Person], str]] = {
    "id": lambda _tenant, person: person.id,
    "guid": lambda _tenant, person: person.id,
    "name": lambda _tenant, person: person.name,
    "email": lambda _tenant, person: person.email,
    "username": lambda _tenant, person: person.email,
    "title": lambda _tenant, person: person.title,
    "department": lambda _tenant, person: person.unit.name,
    "state": lambda tenant, person: "active" if tenant.states.active(person) else "inactive",
    "divisionId": lambda _tenant, person: person.division.id,
    "teamId": lambda _tenant, person: person.team.id if person.team else "",
}
_TESTS: dict[str, Callable[[str, list[str]], bool]] = {
    "EXACT": lambda text, values: text in values,
    "TERM": lambda text, values: any(value in text.split() for value in values),
    "TERMS": lambda text, values: text in values or any(value in text.split() for value in values),
    "CONTAINS": lambda text, values: any(value in text for value in values),
    "STARTS_WITH": lambda text, values: any(text.startswith(value) for value in values),
    "QUERY_STRING": lambda text, values: any(value.strip("*") in text for value in values),
}
_DEFAULT_FIELDS = ["name", "email", "title", "department"]


def _fields_of(tenant: DemoTenant, person: Person) -> Callable[[str], str]:
    return lambda name: _FIELDS[name](tenant, person).casefold()


def matches(value_of: Callable[[str], str], criteria: list[Json], default_fields: list[str]) -> bool:
    """Return whether the criteria hold. `value_of` gives a field's text, casefolded."""
    verdict = True
    for number, test in enumerate(criteria):
        if isinstance(test.get("group"), list):
            hit = matches(value_of, test["group"], default_fields)
        else:
            values = [str(v).casefold() for v in (test.get("values") or [test.get("value", "")])]
            hit = any(_TESTS[test["type"]](value_of(name), values) for name in (test.get("fields") or default_fields))
        operator = str(test.get("operator") or "AND").upper()
        if operator == "NOT":
            verdict = verdict and not hit
        elif operator == "OR" and number:
            verdict = verdict or hit
        else:
            verdict = verdict and hit
    return verdict


def check_criteria(criteria: object, fields: Iterable[str], where: str = "query") -> list[Json]:
    """Return the criteria of a search body. Raises Problem 400."""
    if not isinstance(criteria, list) or not all(isinstance(test, dict) for test in criteria):
        raise bad_field(where, criteria, "a list of criteria, each with type, fields and value")
    accepted = list(fields)
    for number, test in enumerate(criteria):
        here = f"{where}[{number}]"
        if isinstance(test.get("group"), list):
            check_criteria(test["group"], accepted, f"{here}.group")
            continue
        if test.get("type") not in list(_TESTS):
            raise bad_field(f"{here}.type", test.get("type"), ", ".join(_TESTS))
        for name, known in (("fields", accepted), ("values", None)):
            given = test.get(name) or []
            if not isinstance(given, list) or (known is not None and any(row not in known for row in given)):
                raise bad_field(f"{here}.{name}", given, ", ".join(known or ["a list"]))
    return criteria


def _search_page(body: Json, highest: int) -> tuple[int, int]:
    page: list[int] = []
    for name, top, default in (("pageSize", highest, 25), ("pageNumber", 1_000_000, 1)):
        value = body.get(name) or default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= top:
            raise bad_field(name, value, f"a whole number from 1 to {top}")
        page.append(value)
    return page[0], page[1]


def _search_answer(found: list[Json], total: int, size: int, number: int, kind: str) -> Answer:
    pages = -(-total // size)
    return answer(
        {"total": total, "pageCount": pages, "pageSize": size, "pageNumber": number, "types": [kind], "results": found}
    )


def search_users(call: Call) -> Answer:
    """SDK UserSearchRequest. Active users only, unless a criterion asks for state."""
    tenant, body = call.tenant, call.members()
    criteria = check_criteria(body.get("query") or [], _FIELDS)
    size, number = _search_page(body, 100)
    any_state = "state" in str(criteria)
    found = [
        person
        for person in tenant.world.people
        if (any_state or tenant.states.active(person))
        and call.allows(person.division.id)
        and matches(_fields_of(tenant, person), criteria, _DEFAULT_FIELDS)
    ]
    sort_by = body.get("sortBy") or "name"
    if sort_by not in list(_FIELDS):
        raise bad_field("sortBy", sort_by, ", ".join(_FIELDS))
    found.sort(key=lambda person: _FIELDS[sort_by](tenant, person).casefold())
    if str(body.get("sortOrder") or "ASC").upper().startswith("DESC"):
        found.reverse()
    expand = body.get("expand") or []
    if not isinstance(expand, list) or not all(isinstance(name, str) for name in expand):
        raise bad_field("expand", expand, "a list of expansions")
    page = [user_json(tenant, person, expand) for person in found[(number - 1) * size : number * size]]
    return _search_answer(page, len(found), size, number, "users")


def search_teams(call: Call) -> Answer:
    """SDK TeamSearchRequest over id and name."""
    tenant, body = call.tenant, call.members()
    criteria = check_criteria(body.get("query") or [], ("id", "name"))
    size, number = _search_page(body, 100)

    def is_wanted(team: Team) -> bool:
        texts = {"id": team.id, "name": team.name.casefold()}
        return call.allows(team.division.id) and matches(texts.__getitem__, criteria, ["name"])

    found = sorted((team for team in tenant.world.teams if is_wanted(team)), key=lambda team: team.name)
    page = [team_json(tenant, team) for team in found[(number - 1) * size : number * size]]
    return _search_answer(page, len(found), size, number, "teams")


ENDPOINTS = (
    Endpoint("POST", "/api/v2/users/search", search_users, heavy=True),
    Endpoint("POST", "/api/v2/teams/search", search_teams),
)
