"""Operations, items, runs and attempts: what was asked and what happened, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wfm.domain.agents import Status
from wfm.domain.diagnoses import Kind, in_one_line
from wfm.domain.plans import PlanRequest, RouteName
from wfm.domain.windows import Window


class OperationState(StrEnum):
    """The value is the word shown on screen."""

    SCHEDULED = "scheduled"
    APPLYING = "applying"
    IN_EFFECT = "in effect"
    RESTORING = "restoring"
    RESTORED = "restored"
    ENDED_EARLY = "ended early"
    HALTED = "halted"
    CANCELLED = "cancelled"
    FAILED = "failed"  # nobody could be taken out; nobody is out
    FAILED_IN_PART = "failed in part"  # the restore ended, some agents are not back
    CORRECTED = "corrected"  # an adherence correction is done; it is undone on demand only


OPEN_STATES = frozenset(
    {
        OperationState.SCHEDULED,
        OperationState.APPLYING,
        OperationState.IN_EFFECT,
        OperationState.RESTORING,
        OperationState.FAILED_IN_PART,
    }
)
"""States in which agents are, or will be, out: the operation holds its agents."""


class Phase(StrEnum):
    APPLY = "apply"
    RESTORE = "restore"


class ItemState(StrEnum):
    """Where one agent stands in one phase of an operation.

    `unconfirmed`: sent, outcome unknown, can't be read back. Never resent by itself; settled by a later read or a
    person. In the restore phase `applied` means the agent is back.
    """

    PENDING = "pending"
    SENDING = "sending"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCONFIRMED = "unconfirmed"


class SkipReason(StrEnum):
    """Why an agent was left alone. The value is the word shown on screen."""

    NEWLY_BLOCKED = "newly blocked at the start"
    HALTED = "not sent: the operation was halted"
    CANCELLED = "not sent: the operation was cancelled"
    NOT_OURS = "changed by somebody else since"
    OFF_SHIFT = "off shift by then"
    NEVER_OUT = "was never taken out"
    ALREADY = "already in that state"
    WINDOW_OVER = "not sent: the window was over"
    ENDED_EARLY = "not sent: the window was ended early"
    NO_RECORD = "no adherence record in the window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A plan being executed for one window. Instants are aware UTC.

    `revision` grows with every change of the window and every retry; workflow ids carry it. `client_id` is the OAuth
    client it was planned with and keeps. `example` marks the two that the first start makes on the demo tenant;
    `rehearsal` marks one applied although access was missing.
    """

    id: str
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
    revision: int
    state: OperationState
    created_at: datetime
    created_by: str
    example: bool
    rehearsal: bool
    cancel_requested: bool
    restore_requested: bool
    started_at: datetime | None
    applied_at: datetime | None
    restore_started_at: datetime | None
    ended_at: datetime | None
    halt_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items stand where, by phase. Kept as items settle, never counted over all rows.

    `restore` counts only the agents that are or may be out (apply state applied or unconfirmed): the others take no
    part in it. `still_out` is the exact number of agents out as the ledger keeps it; None where only sums are known.
    """

    apply: Mapping[ItemState, int]
    restore: Mapping[ItemState, int]
    still_out: int | None = None

    @property
    def total(self) -> int:
        return sum(self.apply.values())

    @property
    def out(self) -> int:
        """Agents that are out now: applied, and not yet restored or left alone on purpose."""
        if self.still_out is not None:
            return self.still_out
        done = self.restore.get(ItemState.APPLIED, 0) + self.restore.get(ItemState.SKIPPED, 0)
        return max(0, self.apply.get(ItemState.APPLIED, 0) - done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One agent of one operation. `before` is the state read before; `marker` recognises our own write later.

    `adherence_id` is set by the adherence route. `apply_run` and `restore_run` are the latest runs.
    """

    operation_id: str
    seq: int
    agent_id: str
    agent_name: str
    before: Status | None
    marker: str | None
    apply_state: ItemState
    restore_state: ItemState
    skip_reason: str
    fate: str
    apply_run: str | None
    restore_run: str | None
    changed_at: datetime | None


class Outcome(StrEnum):
    """How a run ended; `sending` while it has not.

    `not applied, sent again`: its outcome was unknown, a read showed that it did not take effect, and the agent's next
    run sends it once more. No failure: what it says of the agent is said by that next run.
    """

    SENDING = "sending"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCONFIRMED = "unconfirmed"
    RESENT = "not applied, sent again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One attempt: one HTTP exchange. Bodies and headers are redacted before they get here.

    `status` is None when no answer came; `fault` then says why (timeout, connection, …). `duration_ms` is wall time,
    0 where nobody measured it (an imported run).
    """

    number: int
    method: str
    url: str
    request_body: str | None
    status: int | None
    response_headers: Mapping[str, str]
    response_body: str | None
    correlation_id: str | None
    fault: str
    started_at: datetime
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One update of one agent: the row of the run history.

    `via` is direct or data_action; `call` is "PATCH /api/v2/…" as a template. `kind`, `cause`, `fingerprint` and
    `missing` come from the diagnosis of the last attempt, empty when it worked. `example` as in Operation.
    """

    id: str
    tenant_key: str
    operation_id: str | None
    operation_title: str
    phase: Phase
    agent_id: str
    agent_name: str
    route: str
    action: str | None
    via: str
    call: str
    outcome: Outcome
    status: int | None
    code: str | None
    kind: Kind | None
    cause: str
    rule: str
    fingerprint: str | None
    missing: tuple[str, ...]
    correlation_id: str | None
    retryable: bool | None
    attempts: int
    duration_ms: int | None
    started_at: datetime
    finished_at: datetime | None
    example: bool
    note: str
    imported: bool = False

    def summary(self) -> str:
        """The cause in one line, with what is missing; empty where nothing went wrong."""
        return in_one_line(self.cause, self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs. Empty means all. Instants are aware UTC; `text` is searched in payloads, names and codes.

    `team` is the id or name of a team: the Desk turns it into `agents` (ids of today's members) before the ledger is
    asked, which knows no teams. `window_at` means the runs of operations whose window holds that instant.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: Outcome | None = None
    kind: Kind | None = None
    route: str | None = None
    action: str | None = None
    operation_id: str | None = None
    agent_id: str | None = None
    status: int | None = None
    code: str | None = None
    correlation_id: str | None = None
    fingerprint: str | None = None
    phase: Phase | None = None
    text: str = ""
    retryable: bool | None = None
    team: str | None = None
    agents: tuple[str, ...] | None = None
    window_at: datetime | None = None


class RunOrder(StrEnum):
    """What a list of runs is sorted by: only what an index holds. The value is the word in the URL.

    Within one outcome, kind, status or code the newest come first; runs that have none come last.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    OUTCOME = "outcome"
    CAUSE = "cause"
    STATUS = "status"
    STATUS_DOWN = "-status"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of runs. `newer` and `older` are cursors, None at the ends; in another order than newest first, `newer`
    leads to the page before and `older` to the page after.

    `total` is exact where counters give it, else None and `at_least` is a lower bound ("10,000+").
    `searched_to` is set when a search that no index holds ran out of its 300 ms: everything back to that instant (forward
    to it, on the way to newer runs) was looked at, and the cursor in that direction looks further from there. The page
    may then hold fewer runs than asked for, or none.
    """

    runs: tuple[Run, ...]
    newer: str | None
    older: str | None
    total: int | None
    at_least: int
    searched_to: datetime | None = None


class GroupState(StrEnum):
    OPEN = "open"
    FIXED = "fixed"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    REGRESSED = "regressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """The runs that failed for the same reason.

    `state_at`, `state_by` and `note` belong to the last change of state (None and empty for one that nobody touched):
    the propagation clock of "I fixed it" starts at `state_at`. `owner` takes care of it ("" nobody). `revision` grows
    with every change that a person or a proof makes: who changes an older one is told of the newer first.

    `runs` and `agents` are of what people did; the runs of a demo tenant's examples are counted apart, in `examples`.
    """

    fingerprint: str
    tenant_key: str
    kind: Kind
    code: str | None
    call: str
    rule: str
    cause: str
    missing: tuple[str, ...]
    state: GroupState
    first_seen: datetime
    last_seen: datetime
    runs: int
    agents: int
    sample_run: str
    examples: int = 0
    state_at: datetime | None = None
    state_by: str = ""
    note: str = ""
    owner: str = ""
    revision: int = 0
