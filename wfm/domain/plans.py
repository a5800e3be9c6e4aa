"""Plans: who, when, how, and what the preview found. See docs/architecture.md for the flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from wfm.domain.agents import Agent, AgentState
from wfm.domain.errors import refuse_controls
from wfm.domain.schedules import AgentSchedule
from wfm.domain.windows import Window, WindowSpec


class RouteName(StrEnum):
    """The ways to make an agent unavailable that exist today (product.md lists those to come)."""

    AVAILABILITY = "availability"
    ADHERENCE = "adherence"
    DATA_ACTION = "data_action"

    @property
    def undoable_by_clock(self) -> bool:
        """Whether the window's end undoes it. A correction of the past is undone on demand only."""
        return self is not RouteName.ADHERENCE


class Severity(StrEnum):
    READY = "ready"
    WARNING = "warning"
    BLOCKED = "blocked"


class Fate(StrEnum):
    """What will happen to one agent. The value is the word shown on screen."""

    READY = "ready"
    AFTER_CONTACT = "after contact"
    SHIFT_ENDS_INSIDE = "shift ends inside"
    SHIFT_STARTS_INSIDE = "shift starts inside"
    ALREADY_UNAVAILABLE = "already unavailable"
    NOT_SCHEDULED = "not scheduled"
    SCHEDULE_UNPUBLISHED = "schedule unpublished"
    TIME_OFF = "time off"
    OUT_OF_OFFICE = "out of office"
    INACTIVE = "inactive"
    WRONG_DIVISION = "wrong division"
    UNKNOWN_USER = "unknown user"
    IN_ANOTHER_WINDOW = "in another window"


_WARNINGS = (Fate.AFTER_CONTACT, Fate.SHIFT_ENDS_INSIDE, Fate.SHIFT_STARTS_INSIDE)
SEVERITY: Mapping[Fate, Severity] = {
    **dict.fromkeys(Fate, Severity.BLOCKED),
    **dict.fromkeys(_WARNINGS, Severity.WARNING),
    Fate.READY: Severity.READY,
}

INCLUDABLE: frozenset[Fate] = frozenset({Fate.NOT_SCHEDULED, Fate.SCHEDULE_UNPUBLISHED, Fate.TIME_OFF, Fate.OUT_OF_OFFICE})
"""Blocked fates a person may include on purpose: the tenant may still refuse. The others would do harm or nothing."""


class Selection(BaseModel):
    """Who: the union of everything named, minus `exclude`. Ids or names for groups; ids or e-mails for agents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    management_units: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    search: str = ""
    exclude: tuple[str, ...] = ()

    def is_empty(self) -> bool:
        return not (self.agents or self.teams or self.queues or self.management_units or self.divisions or self.search.strip())


class PlanRequest(BaseModel):
    """What a person asks for; what a half-filled plan is saved as. Contains no result and no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    selection: Selection
    window: WindowSpec
    route: RouteName = RouteName.AVAILABILITY
    action: str | None = Field(default=None, description="Data Action name or id that makes unavailable")
    reason: str = Field(default="maintenance_window", min_length=1, max_length=200)
    ticket: str = Field(default="", max_length=80)
    include: frozenset[Fate] = frozenset()


def refuse_signs(selection: Selection) -> None:
    """Raises BadInput, which names the field, where a selection holds control characters. No tenant has such names."""
    for name, words in selection:
        for word in (words,) if isinstance(words, str) else words:
            refuse_controls(name.replace("_", " "), word)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSelection:
    """A selection made concrete. `unknown` are the given words that matched nobody, in the order given.

    `ambiguous` are those of the unknown words that are the name of several agents: which one is meant can't be told.
    """

    agents: tuple[Agent, ...]
    unknown: tuple[str, ...]
    as_of: datetime
    ambiguous: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFate:
    """One row of the preview. `reason` is a short sentence with its evidence ("shift ends 14:45").

    `agent` is None only for `unknown user`; `given` is then the word that matched nobody. `writes` says whether
    this agent is written to when the plan is applied.
    """

    given: str
    agent: Agent | None
    fate: Fate
    severity: Severity
    reason: str
    writes: bool
    state: AgentState | None = None
    schedule: AgentSchedule | None = None


class LaneName(StrEnum):
    """The four lanes of a verdict on access."""

    SCOPE = "scope"
    PERMISSION = "permission"
    DIVISION = "division"
    LICENCE = "licence or feature"


class LaneState(StrEnum):
    HELD = "held"
    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneVerdict:
    """One lane for one call. `needed` names what the call needs; `evidence` says how the state is known.

    `next_step` is what to do about this lane, "" where nothing is.
    """

    state: LaneState
    evidence: str
    needed: tuple[str, ...] = ()
    next_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCheck:
    """May the token make this call? `operation` is a catalogue key, `call` reads "PATCH /api/v2/…".

    `advice` is the one next step where something is missing, else "". `provenance` is published, observed or brief.
    `purposes` say what the plan makes the call for: apply, restore, read back, preview. The first three are `to_write`.
    """

    operation: str
    call: str
    lanes: Mapping[LaneName, LaneVerdict]
    advice: str
    provenance: str
    purposes: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return any(verdict.state is LaneState.MISSING for verdict in self.lanes.values())

    @property
    def to_write(self) -> bool:
        """Needed to write or to take back what was written, not only to look (also where the purposes aren't stated)."""
        return self.purposes != ("preview",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question asked of the whole plan and its answer. `code` is stable: too_slow, nobody_ready, …"""

    code: str
    severity: Severity
    title: str
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What applying and restoring takes: `apply_requests`, `restore_requests`, and seconds at this tenant's limit."""

    apply_requests: int
    restore_requests: int
    apply_seconds: float
    restore_seconds: float
    limit_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOffer:
    """A route with whether it can be taken for this window and why (one short sentence)."""

    route: RouteName
    offered: bool
    best: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything a person needs to decide. Nothing was written to make it.

    `plan_id` is a hash of the agents to write, blocking fates, access verdicts, schedule versions, tenant and
    client; `ingredients` are the parts it was made from, kept to tell what changed when it is stale.
    `refusals` say why it may not be applied (empty when it may). `read_requests` is what this preview
    cost in requests to the tenant (0 when everything was cached). `as_of` names each source's instant.
    """

    plan_id: str
    request: PlanRequest
    tenant_key: str
    client_id: str
    client_name: str
    window: Window
    rows: tuple[AgentFate, ...]
    access: tuple[AccessCheck, ...]
    findings: tuple[Finding, ...]
    routes: tuple[RouteOffer, ...]
    cost: Cost
    as_of: Mapping[str, datetime]
    computed_at: datetime
    read_requests: int
    ingredients: Mapping[str, object]
    refusals: tuple[tuple[str, str], ...] = field(default=())
    """Pairs (code, sentence); codes as in errors.Refused."""
    action_id: str | None = None
    """The Data Action that makes unavailable (route data_action), resolved from the name or id asked for."""
    restore_action_id: str | None = None
    """Its counterpart that makes available again, None where there is none."""

    @property
    def ready(self) -> tuple[AgentFate, ...]:
        """The rows that will be written: ready, warnings, and blocked ones included on purpose."""
        return tuple(row for row in self.rows if row.writes)

    @property
    def can_apply(self) -> bool:
        return not self.refusals

    @property
    def missing_access(self) -> bool:
        """A call that the plan needs to write lacks something: every agent would fail the same way."""
        return any(check.missing and check.to_write for check in self.access)

    def totals(self) -> dict[Fate, int]:
        """How many agents have each fate, in the order of Fate."""
        counts = dict.fromkeys(Fate, 0)
        for row in self.rows:
            counts[row.fate] += 1
        return {fate: n for fate, n in counts.items() if n}


def short_plan_id(plan_id: str) -> str:
    """The plan id as people see and say it: 7f3a·91c2."""
    return "·".join(plan_id.split("-")[:2])
