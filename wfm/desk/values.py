"""Values that the Desk returns to screens and the command line, in addition to those of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wfm.domain.diagnoses import Diagnosis
from wfm.domain.operations import Counts, Exchange, FailureGroup, Operation, Run
from wfm.domain.plans import AccessCheck, LaneName, LaneVerdict
from wfm.domain.tenant import Tenant, TokenFacts

ALIVE_S = 10.0
"""A worker is alive when its last heartbeat is younger than this many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChoice:
    """An OAuth client the desk can act with. `scopes` is None where the token states none."""

    id: str
    name: str
    scopes: tuple[str, ...] | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationView:
    """An operation with its counts. `eta` is when the running phase should be done at the tenant's limit."""

    operation: Operation
    counts: Counts
    blocked: int
    eta: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run opened. `lanes` is the four-lane verdict of a 401 or 403, else empty."""

    run: Run
    exchanges: tuple[Exchange, ...]
    diagnosis: Diagnosis | None
    lanes: Mapping[LaneName, LaneVerdict]
    same_failure: FailureGroup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """The rights of the token. `asymmetry` is a sentence when the ledger shows that reads work and writes fail, else ""."""

    token: TokenFacts
    checks: Mapping[str, tuple[AccessCheck, ...]]
    """By route name."""
    reads_ok: int
    writes_ok: int
    writes_failed: int
    asymmetry: str
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAction:
    """A Data Action of the tenant. `inputs` are (name, type, required) of its contract."""

    id: str
    name: str
    category: str
    integration: str
    inputs: tuple[tuple[str, str, bool], ...]
    request_type: str
    request_url: str
    request_template: str
    raw: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStep:
    """One step of a Data Action test. `error` is the raw text of its error, "" where it worked."""

    step: int
    name: str
    success: bool
    result: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """The result of testing or executing a Data Action. A test answers 200 even when it failed: `success` decides."""

    success: bool
    status: int | None
    result: str
    steps: tuple[ActionStep, ...]
    diagnosis: Diagnosis | None
    exchanges: tuple[Exchange, ...]
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One line of health. `problems` are sentences; empty when all is well."""

    tenant: Tenant
    reachable: bool
    token_until: datetime | None
    limit_per_minute: int
    used: int
    blocked_until: datetime | None
    worker_alive: bool
    worker_seen_at: datetime | None
    workers: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """Reads wait: the limit of requests a minute is used up until an instant (aware UTC)."""

    limit_per_minute: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """The demo tenant's description of itself."""

    scenario: str
    scenarios: tuple[tuple[str, str], ...]
    agents: int
    rate_limit: int
