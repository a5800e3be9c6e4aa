"""The organization: units, divisions, teams, queues and people. The same for the same seed, and the first 240 people
of a tenant of 50,000 are those of a tenant of 240."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from functools import cached_property

from wfm.demo.names import NameMaker

DEFAULT_SEED = 20261123
MAX_AGENTS = 50_000
_SPACE = uuid.UUID("6f1d1c2e-7c55-4c0e-9a83-2f1a53c1b0aa")


def stable_id(*parts: object) -> str:
    """A UUID that is the same for the same parts."""
    return str(uuid.uuid5(_SPACE, "/".join(str(part) for part in parts)))


@dataclass(frozen=True, slots=True)
class Division:
    id: str
    name: str
    description: str
    home: bool


@dataclass(frozen=True, slots=True)
class BusinessUnit:
    """`zone` is the IANA zone in which its weeks begin (Monday) and its schedules are published."""

    index: int
    id: str
    name: str
    zone: str
    division: Division


@dataclass(frozen=True, slots=True)
class ManagementUnit:
    """`zone` is where its people live; it may differ from the business unit's."""

    index: int
    id: str
    name: str
    zone: str
    business_unit: BusinessUnit
    division: Division


@dataclass(frozen=True, slots=True)
class Team:
    index: int
    id: str
    name: str
    description: str
    division: Division


@dataclass(frozen=True, slots=True)
class Queue:
    index: int
    id: str
    name: str
    description: str
    division: Division


@dataclass(frozen=True, slots=True)
class Person:
    """One user. What is fixed about them; what changes is in states.py.

    `salt` decides everything about their days; `scheduled` is false for those WFM has no schedule for; `queues` are
    pairs of a queue's index and whether they joined it.
    """

    index: int
    id: str
    name: str
    email: str
    unit: ManagementUnit
    team: Team | None
    division: Division
    queues: tuple[tuple[int, bool], ...]
    title: str
    active: bool
    scheduled: bool
    out_of_office: bool
    unavailable: bool
    salt: int
    outside_units: bool = False
    """In no management unit; `unit` is then only where they live."""


@dataclass(frozen=True)
class World:
    """The fixed part of the organization."""

    seed: int
    organization_id: str
    organization: str
    domain: str
    divisions: tuple[Division, ...]
    business_units: tuple[BusinessUnit, ...]
    units: tuple[ManagementUnit, ...]
    teams: tuple[Team, ...]
    queues: tuple[Queue, ...]
    people: tuple[Person, ...]

    @cached_property
    def by_id(self) -> dict[str, Person]:
        return {person.id: person for person in self.people}

    @cached_property
    def of_unit(self) -> tuple[tuple[Person, ...], ...]:
        """People by the index of their management unit."""
        inside = [person for person in self.people if not person.outside_units]
        return tuple(tuple(p for p in inside if p.unit.index == unit.index) for unit in self.units)

    @cached_property
    def of_team(self) -> tuple[tuple[Person, ...], ...]:
        return tuple(tuple(p for p in self.people if p.team is not None and p.team.index == team.index) for team in self.teams)

    @cached_property
    def of_queue(self) -> tuple[tuple[tuple[Person, bool], ...], ...]:
        """(person, joined) by the index of the queue."""
        members: list[list[tuple[Person, bool]]] = [[] for _ in self.queues]
        for person in self.people:
            for index, joined in person.queues:
                members[index].append((person, joined))
        return tuple(tuple(row) for row in members)


_DIVISIONS = (
    ("Alder & Finch", "Home division", True),
    ("Care", "Service for customers", False),
    ("Sales", "New business", False),
)
_BUSINESS_UNITS = (("Europe", "Europe/Berlin", 1), ("Worldwide", "Asia/Manila", 2))
# name, zone, business unit, division. Of the three zones only Berlin's changes its clocks.
_UNITS = (
    ("Berlin Service", "Europe/Berlin", 0, 1),
    ("Leipzig Back Office", "Europe/Berlin", 0, 0),
    ("Manila Support", "Asia/Manila", 1, 2),
    ("Bogotá Support", "America/Bogota", 1, 1),
)
_TEAMS = (
    ("Billing", "Invoices and payments", 1),
    ("Technical Support", "Faults and set-up", 1),
    ("Retention", "Cancellations", 2),
    ("New Business", "First contact", 2),
    ("Back Office", "Written requests", 0),
    ("Priority Desk", "Large customers", 0),
)
_TEAMS_OF_UNIT = ((0, 1, 2), (4, 5, 0), (1, 3, 2), (3, 5, 4))
_QUEUES = (
    ("Billing Voice", "Calls about invoices", 1),
    ("Technical Voice", "Calls about faults", 1),
    ("Technical Chat", "Messages about faults", 1),
    ("Retention Voice", "Calls about cancellations", 2),
    ("Sales Voice", "Calls of new customers", 2),
    ("Sales Messaging", "Messages of new customers", 2),
    ("Back Office Mail", "Written requests", 0),
    ("Priority Voice", "Calls of large customers", 0),
)
_QUEUES_OF_TEAM = ((0, 6), (1, 2), (3, 0), (4, 5), (6, 2), (7, 1))
_TITLES = ("Agent", "Senior Agent", "Specialist", "Team Lead")


def build_world(seed: int = DEFAULT_SEED, agents: int = 240) -> World:
    """Build the organization of that seed with this many agents (1 to 50,000)."""
    divisions = tuple(Division(stable_id(seed, "division", n), n, d, home) for n, d, home in _DIVISIONS)
    business_units = tuple(
        BusinessUnit(i, stable_id(seed, "bu", n), n, zone, divisions[d]) for i, (n, zone, d) in enumerate(_BUSINESS_UNITS)
    )
    units = tuple(
        ManagementUnit(i, stable_id(seed, "mu", n), n, zone, business_units[b], divisions[d])
        for i, (n, zone, b, d) in enumerate(_UNITS)
    )
    teams = tuple(Team(i, stable_id(seed, "team", n), n, text, divisions[d]) for i, (n, text, d) in enumerate(_TEAMS))
    queues = tuple(Queue(i, stable_id(seed, "queue", n), n, text, divisions[d]) for i, (n, text, d) in enumerate(_QUEUES))
    rng = random.Random(seed)
    names = NameMaker(rng)
    people = tuple(_person(index, rng, names, units, teams, divisions) for index in range(agents))
    return World(
        seed=seed,
        organization_id=stable_id(seed, "organization"),
        organization="Alder & Finch Service (demo)",
        domain="alder-finch.example",
        divisions=divisions,
        business_units=business_units,
        units=units,
        teams=teams,
        queues=queues,
        people=people,
    )


def _person(
    index: int,
    rng: random.Random,
    names: NameMaker,
    units: tuple[ManagementUnit, ...],
    teams: tuple[Team, ...],
    divisions: tuple[Division, ...],
) -> Person:
    name, local = names.next()
    salt = rng.getrandbits(64)
    user_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    unit = units[index % len(units)]
    # One in 31 works for no team, so that the desk meets agents without one.
    team = None if index % 31 == 27 else teams[_TEAMS_OF_UNIT[unit.index][salt % 3]]
    queues: tuple[tuple[int, bool], ...] = ()
    if team is not None:
        own = _QUEUES_OF_TEAM[team.index]
        picked = {own[0], own[(salt >> 8) % 2], *([(salt >> 16) % len(_QUEUES)] if (salt >> 12) % 4 == 0 else [])}
        queues = tuple((queue, (salt >> (20 + queue)) % 16 != 0) for queue in sorted(picked))
    # Strides instead of chances: a tenant of a hundred agents has each kind of exception too.
    return Person(
        index=index,
        id=user_id,
        name=name,
        email=f"{local}@alder-finch.example",
        unit=unit,
        team=team,
        division=team.division if team is not None else divisions[0],
        queues=queues,
        title=_TITLES[(salt >> 40) % 16 // 5],
        active=index % 79 != 37,
        scheduled=index % 33 != 12,
        out_of_office=index % 61 == 21,
        unavailable=index % 97 == 55,
        salt=salt,
    )
