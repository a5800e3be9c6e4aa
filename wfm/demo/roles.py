"""Roles, and who holds them in which divisions: what decides with the published platform alone.

The names of permissions are published ones. Which role holds what is the demo's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wfm.demo.clients import Client, Grants, new_client
from wfm.demo.world import Division, Person, World, stable_id

EDIT_PRESENCE = "presence:userPresence:edit"


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the organization. `permissions` are names such as routing:queue:view."""

    name: str
    text: str
    permissions: tuple[str, ...]

    @property
    def policies(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Return the permissions as (domain, entity, actions)."""
        actions: dict[tuple[str, str], list[str]] = {}
        for permission in self.permissions:
            domain, entity, action = permission.split(":")
            actions.setdefault((domain, entity), []).append(action)
        return tuple((domain, entity, tuple(rows)) for (domain, entity), rows in actions.items())

    def id(self, seed: int) -> str:
        return stable_id(seed, "published role", self.name)


READER = Role(
    "Operations Reader",
    "Reads people, groups, schedules, states and access; writes nothing",
    (
        "architect:flowExecution:view",
        "architect:flowInstance:search",
        "architect:flowInstance:view",
        "audits:audit:view",
        "authorization:grant:view",
        "authorization:role:view",
        "directory:user:view",
        "groups:team:view",
        "integrations:action:view",
        "oauth:client:view",
        "presence:presenceDefinition:view",
        "routing:queue:view",
        "usage:client:view",
        "wfm:activityCode:view",
        "wfm:activityPlan:view",
        "wfm:activityPlanRunJob:view",
        "wfm:agent:view",
        "wfm:historicalAdherence:view",
        "wfm:publishedSchedule:view",
        "wfm:realtimeAdherence:view",
        "wfm:schedule:view",
        "wfm:timeOffRequest:view",
        "wfm:unavailableTimes:view",
    ),
)
PRESENCE_EDITOR = Role("Presence Editor", "Changes the presence of others", (EDIT_PRESENCE,))
QUEUE_MANAGER = Role("Queue Manager", "Activates and deactivates members of queues", ("routing:queueMember:manage",))
PLANNER = Role(
    "Activity Planner",
    "Plans activities and runs the plans",
    ("wfm:activityPlan:add", "wfm:activityPlan:edit", "wfm:activityPlanRunJob:add"),
)
ACTION_RUNNER = Role("Data Action Runner", "Runs Data Actions", ("integrations:action:execute",))
ACTION_ADMIN = Role(
    "Data Action Administrator",
    "Adds, changes and deletes Data Actions",
    ("integrations:action:add", "integrations:action:delete", "integrations:action:edit"),
)
RECORDER = Role(
    "WFM Recorder",
    "Adds and reviews time off and adherence explanations",
    ("wfm:adherenceExplanation:add", "wfm:adherenceExplanation:edit", "wfm:timeOffRequest:add", "wfm:timeOffRequest:edit"),
)
PRESENCE_ADMIN = Role(
    "Presence Administrator",
    "Makes and deactivates presence definitions",
    ("presence:presenceDefinition:add", "presence:presenceDefinition:edit"),
)
AGENT = Role(
    "Agent",
    "What every user of the demo tenant holds in their own division",
    ("routing:queue:join", "wfm:agentSchedule:view", "wfm:agentUnavailableTimes:submit"),
)
ROLES = {
    role.name: role
    for role in (READER, PRESENCE_EDITOR, QUEUE_MANAGER, PLANNER, ACTION_RUNNER, RECORDER, ACTION_ADMIN, PRESENCE_ADMIN, AGENT)
}

_DESK = (READER, PRESENCE_EDITOR, QUEUE_MANAGER, PLANNER, ACTION_RUNNER, RECORDER)
_LEFT_OUT = "Sales"
_TEAM_LEAD = "Team Lead"


def published_clients(seed: int, divisions: tuple[Division, ...]) -> dict[str, Client]:
    """Return the clients of the published platform: their rights are grants, none has a scope."""

    def everywhere(*roles: Role) -> Grants:
        return tuple((role.name, division.id) for role in roles for division in divisions)

    spared = next(division.id for division in divisions if division.name == _LEFT_OUT)
    partial = tuple(grant for grant in everywhere(*_DESK) if grant != (PRESENCE_EDITOR.name, spared))
    rows: tuple[tuple[str, str, Grants], ...] = (
        ("desk", "The maintenance desk: all that its routes need, in every division", everywhere(*_DESK)),
        ("desk-partial", f"As desk, but without {EDIT_PRESENCE} in division {_LEFT_OUT}", partial),
        ("architect-flow", "Runs Data Actions; may not change the presence of others", everywhere(READER, ACTION_RUNNER)),
        ("read-only", "May only read", everywhere(READER)),
    )
    return {name: new_client(seed, name, text, grants=grants) for name, text, grants in rows}


def user_grants(person: Person) -> Grants:
    """Return the roles of a user: an agent in the own division; a team lead reads and changes presences there too."""
    own = (AGENT, READER, PRESENCE_EDITOR) if person.title == _TEAM_LEAD else (AGENT,)
    return tuple((role.name, person.division.id) for role in own)


def held_in(grants: Grants) -> Mapping[str, frozenset[str]]:
    """Return the divisions in which each permission is held."""
    held: dict[str, set[str]] = {}
    for role, division in grants:
        for permission in ROLES[role].permissions:
            held.setdefault(permission, set()).add(division)
    return {permission: frozenset(divisions) for permission, divisions in held.items()}


def divisions_where(held: Mapping[str, frozenset[str]], permissions: tuple[str, ...], every: bool) -> frozenset[str]:
    """Return the divisions in which all (`every`) or any of the permissions are held."""
    rows = [held.get(permission, frozenset()) for permission in permissions]
    if not rows:
        return frozenset()
    return frozenset.intersection(*rows) if every else frozenset.union(*rows)


def people_by_role(world: World) -> dict[str, int]:
    """Return how many users hold each role."""
    counts: dict[str, int] = {}
    for person in world.people:
        for role, _division in user_grants(person):
            counts[role] = counts.get(role, 0) + 1
    return counts
