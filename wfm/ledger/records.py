"""What crosses into and out of the ledger beside the values of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any

from wfm.domain.agents import Status
from wfm.domain.diagnoses import Diagnosis
from wfm.domain.operations import Exchange, GroupState, Item, ItemState, Outcome, Phase
from wfm.domain.plans import PlanRequest, RouteName
from wfm.domain.windows import Window


@cache
def field_names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def same_named(kind: type, row: Any) -> dict[str, Any]:
    """The columns of a row that are fields of a dataclass, by name. What is stored otherwise than it is read comes beside."""
    columns = row._asdict()
    return {name: columns[name] for name in field_names(kind) if name in columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One agent to write. `before` is the state that the bulk read gave; `fate` is the word of the preview."""

    agent_id: str
    agent_name: str
    before: Status | None
    fate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperation:
    """A plan that is applied. `request_token` makes creation happen once: the same token gives the same operation."""

    tenant_key: str
    client_id: str
    client_name: str
    plan_id: str
    title: str
    request: PlanRequest
    route: RouteName
    action_id: str | None
    restore_action_id: str | None
    window: Window
    created_by: str
    request_token: str
    items: tuple[NewItem, ...]
    blocked: tuple[tuple[str, str, str], ...] = ()
    """Agents left out: (agent id or given word, name, fate and reason)."""
    example: bool = False
    rehearsal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An item whose intent is committed: it is in `sending`, its run row exists. `claimed_at` is when the intent was."""

    item: Item
    run_id: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one claimed item ended. `state` is the item's new state; `outcome` the run's.

    `status`, `code`, `correlation_id` are of the last exchange; `diagnosis` is None when it worked. A settlement with
    `state=PENDING` gives the item back: unsent, or read back as not applied (outcome RESENT). The run stays with the
    exchanges it had.
    """

    run_id: str
    agent_id: str
    state: ItemState
    outcome: Outcome
    finished_at: datetime
    duration_ms: int | None
    status: int | None = None
    code: str | None = None
    correlation_id: str | None = None
    marker: str | None = None
    diagnosis: Diagnosis | None = None
    skip_reason: str = ""
    note: str = ""
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of an operation's story, append-only. `kind` is a stable word: created, started, applied, halted, …"""

    operation_id: str
    at: datetime
    actor: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker's last heartbeat."""

    worker_id: str
    tenant_key: str
    state: str
    pid: int
    host: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRun:
    """A run made outside an operation: a Data Action executed by hand. `exchanges` as in Settlement.

    `settlement.run_id` may be empty: the ledger then draws one. The id of a run that is there already records nothing.
    `client_id` is the OAuth client whose token was used.
    """

    tenant_key: str
    agent_id: str
    agent_name: str
    route: str
    action: str | None
    via: str
    call: str
    phase: Phase
    settlement: Settlement
    started_at: datetime
    created_by: str = ""
    client_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    operation_id: str = ""
    """Where an archived run comes back: the operation it was made in, if this tenant's ledger has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A filter of the history under a name of its owner's. `query` holds the parameters of its address."""

    name: str
    query: Mapping[str, str]
    is_default: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """One change of a failure group's state, by a person or by a new failure (actor "desk")."""

    at: datetime
    actor: str
    from_state: GroupState
    to_state: GroupState
    note: str
