"""All users and groups in bulk: about one request for a hundred agents, and one or two for a management unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wfm import catalogue
from wfm.domain.agents import Agent, Directory, Group, GroupKind, ManagementUnit
from wfm.genesys.bulk_reads import PAGE_SIZE, Bulk, entities, members, page_count, reading
from wfm.genesys.client import Query
from wfm.genesys.errors import Forbidden, GenesysError, ResourceNotFound
from wfm.genesys.pacing import RequestLane
from wfm.genesys.parse import NO_ZONE, agent, inside, known_zone, text

USERS = catalogue.operation("GET /api/v2/users")
UNITS = catalogue.operation("GET /api/v2/workforcemanagement/managementunits")
UNIT_USERS = catalogue.operation("GET /api/v2/workforcemanagement/managementunits/{managementUnitId}/users")
BUSINESS_UNITS = catalogue.operation("GET /api/v2/workforcemanagement/businessunits")
BUSINESS_UNIT = catalogue.operation("GET /api/v2/workforcemanagement/businessunits/{businessUnitId}")
TEAMS = catalogue.operation("GET /api/v2/teams")
QUEUES = catalogue.operation("GET /api/v2/routing/queues")
QUEUE_MEMBERS = catalogue.operation("GET /api/v2/routing/queues/{queueId}/members")
DIVISIONS = catalogue.operation("GET /api/v2/authorization/divisions")

Rows = list[dict[str, Any]]


@dataclass
class _Parts:
    """What the first round brought."""

    users: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lists: dict[str, Rows] = field(default_factory=dict)


class DirectoryReads:
    """Reads the directory. `gaps` are the optional reads that the tenant refused last time, by name."""

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk
        self.gaps: dict[str, GenesysError] = {}

    def read(self, lane: RequestLane, as_of: datetime) -> Directory:
        """Read the directory. Users and management units must be readable; teams, queues, divisions, business units need not.

        Raises GenesysError with `read` set.
        """
        gaps: dict[str, GenesysError] = {}
        first = self._first_round(lane, gaps)
        units = self._units(first, lane, gaps)
        users, of_unit = self._second_round(first, units, lane)
        unit_of = {agent_id: unit for unit_id, unit in units.items() for agent_id in of_unit[unit_id]}
        team_names = {text(row.get("id")): text(row.get("name")) for row in first.lists["teams"]}
        agents = {row["id"]: agent(row, unit_of.get(row["id"]), team_names) for row in users if isinstance(row.get("id"), str)}
        self.gaps = gaps
        return Directory(agents=agents, groups=_groups(agents, first.lists, units, of_unit), units=units, as_of=as_of)

    def _first_round(self, lane: RequestLane, gaps: dict[str, GenesysError]) -> _Parts:
        parts = _Parts()

        def users(state: str) -> Callable[[], None]:
            def job() -> None:
                with reading("users"):
                    parts.users[state] = [self._users_page(state, 1, lane)]

            return job

        def optional(name: str, read: Callable[[], Rows]) -> Callable[[], None]:
            def job() -> None:
                try:
                    parts.lists[name] = read()
                except (Forbidden, ResourceNotFound) as error:
                    parts.lists[name] = []
                    gaps[name] = error.at(name)

            return job

        def units() -> None:
            with reading("management units"):
                parts.lists["units"] = entities(members(self._bulk.send(UNITS, lane)))

        self._bulk.gather(
            [
                users("active"),
                users("inactive"),
                units,
                optional("business units", lambda: entities(members(self._bulk.send(BUSINESS_UNITS, lane)))),
                optional("teams", lambda: self._teams(lane)),
                optional("queues", lambda: self._listing(QUEUES, lane)),
                optional("divisions", lambda: self._listing(DIVISIONS, lane)),
            ]
        )
        return parts

    def _second_round(
        self, first: _Parts, units: Mapping[str, ManagementUnit], lane: RequestLane
    ) -> tuple[Rows, dict[str, frozenset[str]]]:
        """Read the other pages of users, and the members of each unit."""
        of_unit: dict[str, frozenset[str]] = {}
        jobs: list[Callable[[], None]] = []

        def unit_users(unit_id: str) -> None:
            with reading("users of a management unit"):
                rows = entities(members(self._bulk.send(UNIT_USERS, lane, path={"managementUnitId": unit_id})))
            of_unit[unit_id] = frozenset(text(row.get("id")) for row in rows)

        def page(state: str, number: int) -> None:
            with reading("users"):
                first.users[state].append(self._users_page(state, number, lane))

        jobs += [partial(unit_users, unit_id) for unit_id in units]
        jobs += [
            partial(page, state, number) for state in first.users for number in range(2, page_count(first.users[state][0]) + 1)
        ]
        self._bulk.gather(jobs)
        users = [row for state in ("active", "inactive") for one in first.users[state] for row in entities(one)]
        users.sort(key=lambda row: (text(row.get("name")).casefold(), text(row.get("id"))))
        return users, of_unit

    def _users_page(self, state: str, number: int, lane: RequestLane) -> dict[str, Any]:
        query: Query = {"pageSize": PAGE_SIZE, "pageNumber": number, "state": state, "expand": "team"}
        return members(self._bulk.send(USERS, lane, query=query))

    def _listing(self, operation: catalogue.PlatformOperation, lane: RequestLane) -> Rows:
        """Read pages one after another: this runs inside a gathered job."""
        rows: Rows = []
        number = 1
        while True:
            page = members(self._bulk.send(operation, lane, query={"pageSize": PAGE_SIZE, "pageNumber": number}))
            rows += entities(page)
            if number >= page_count(page) or not entities(page):
                return rows
            number += 1

    def _teams(self, lane: RequestLane) -> Rows:
        """Read all teams. They are paged by cursor: `after` out of nextUri."""
        rows: Rows = []
        after = ""
        while True:
            query: Query = {"pageSize": PAGE_SIZE, "after": after} if after else {"pageSize": PAGE_SIZE}
            page = members(self._bulk.send(TEAMS, lane, query=query))
            rows += entities(page)
            following = _cursor(text(page.get("nextUri")))
            if not following or following == after or not entities(page):
                return rows
            after = following

    def _units(self, first: _Parts, lane: RequestLane, gaps: dict[str, GenesysError]) -> dict[str, ManagementUnit]:
        """Return management units with business unit and zone. The zone moves from the one to the other (published note)."""
        names = {text(row.get("id")): text(row.get("name")) for row in first.lists["business units"]}
        rows = [row for row in first.lists["units"] if text(row.get("id"))]
        without_zone = {text(inside(row, "businessUnit", "id")) for row in rows if not known_zone(row.get("timeZone"))} - {""}
        zones: dict[str, str] = {}

        def zone_of(business_unit: str) -> None:
            path, query = {"businessUnitId": business_unit}, {"expand": "settings.timeZone"}
            try:
                unit = members(self._bulk.send(BUSINESS_UNIT, lane, path=path, query=query))
                zones[business_unit] = known_zone(inside(unit, "settings", "timeZone"))
            except (Forbidden, ResourceNotFound) as error:
                gaps["time zones"] = error.at("time zones")

        self._bulk.gather([partial(zone_of, business_unit) for business_unit in sorted(without_zone)])
        units = {}
        for row in rows:
            unit_id, business_unit = text(row.get("id")), text(inside(row, "businessUnit", "id"))
            units[unit_id] = ManagementUnit(
                id=unit_id,
                name=text(row.get("name")) or unit_id,
                business_unit_id=business_unit,
                business_unit=names.get(business_unit) or text(inside(row, "businessUnit", "name")) or business_unit,
                zone=known_zone(row.get("timeZone")) or zones.get(business_unit) or NO_ZONE,
            )
        return units


def read_queue_members(bulk: Bulk, queue_id: str, size: int | None, lane: RequestLane) -> frozenset[str]:
    """Return the ids of all members of a queue, joined or not. The listing has no total (published): pages follow nextUri.

    `size` is how many members the queue says it has; the pages that this promises are read at once.
    """
    path = {"queueId": queue_id}

    def page(number: int) -> dict[str, Any]:
        query = {"pageSize": PAGE_SIZE, "pageNumber": number}
        return members(bulk.send(QUEUE_MEMBERS, lane, path=path, query=query))

    promised = max(1, -(-(size or 0) // PAGE_SIZE))
    pages = bulk.gather([partial(page, number) for number in range(1, promised + 1)])
    while pages[-1].get("nextUri") and entities(pages[-1]):
        pages.append(page(len(pages) + 1))
    return frozenset(
        text(inside(row, "user", "id")) or text(row.get("id")) for listing in pages for row in entities(listing)
    ) - {""}


def _groups(
    agents: Mapping[str, Agent],
    lists: Mapping[str, Rows],
    units: Mapping[str, ManagementUnit],
    of_unit: Mapping[str, frozenset[str]],
) -> tuple[Group, ...]:
    """Return every group with its number of agents, and also teams and divisions that only agents name."""
    in_team = Counter(person.team_id for person in agents.values() if person.team_id)
    in_division = Counter(person.division_id for person in agents.values() if person.division_id)
    teams = {person.team_id: person.team or person.team_id for person in agents.values() if person.team_id}
    teams |= {text(row.get("id")): text(row.get("name")) for row in lists["teams"]}
    divisions = {p.division_id: p.division or p.division_id for p in agents.values() if p.division_id}
    divisions |= {text(row.get("id")): text(row.get("name")) for row in lists["divisions"]}
    groups = [Group(kind=GroupKind.TEAM, id=i, name=name or i, size=in_team[i]) for i, name in teams.items() if i]
    groups += [
        Group(kind=GroupKind.QUEUE, id=text(row.get("id")), name=text(row.get("name")), size=_size(row))
        for row in lists["queues"]
        if text(row.get("id"))
    ]
    groups += [
        Group(kind=GroupKind.MANAGEMENT_UNIT, id=unit.id, name=unit.name, size=len(of_unit[unit.id] & agents.keys()))
        for unit in units.values()
    ]
    groups += [Group(kind=GroupKind.DIVISION, id=i, name=name or i, size=in_division[i]) for i, name in divisions.items() if i]
    kinds = list(GroupKind)
    return tuple(sorted(groups, key=lambda group: (kinds.index(group.kind), group.name.casefold(), group.id)))


def _size(row: Mapping[str, Any]) -> int | None:
    size = row.get("memberCount")
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def _cursor(uri: str) -> str:
    return parse_qs(urlsplit(uri).query).get("after", [""])[0]
