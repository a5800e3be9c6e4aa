"""Agents, the groups they are picked by, and the state they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A Genesys Cloud user as the directory gives them. `zone` is the IANA zone of the business unit."""

    id: str
    name: str
    email: str
    active: bool
    division_id: str
    division: str
    team_id: str | None
    team: str | None
    management_unit_id: str | None
    management_unit: str | None
    business_unit_id: str | None
    zone: str


class GroupKind(StrEnum):
    TEAM = "team"
    QUEUE = "queue"
    MANAGEMENT_UNIT = "management_unit"
    DIVISION = "division"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Something agents can be picked by."""

    kind: GroupKind
    id: str
    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementUnit:
    """A WFM management unit and the business unit it belongs to. `zone` is an IANA name."""

    id: str
    name: str
    business_unit_id: str
    business_unit: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody and every group, read in bulk. `as_of` is an aware UTC instant.

    Queue membership is read when a queue is picked, not here: it would cost a request a page of every queue.
    """

    agents: Mapping[str, Agent]
    groups: tuple[Group, ...]
    units: Mapping[str, ManagementUnit]
    as_of: datetime


class Status(StrEnum):
    """The two states the desk writes."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What an agent does right now, from the bulk read of adherence (source: GET managementunits/{id}/adherence).

    `status` is UNAVAILABLE when the actual activity category is Unavailable. `in_contact` means routing status
    INTERACTING or COMMUNICATING. `read_at` is an aware UTC instant.
    """

    agent_id: str
    status: Status
    presence: str
    on_queue: bool
    in_contact: bool
    out_of_office: bool
    read_at: datetime
