"""The tables of the ledger. docs/ledger.md says what each keeps and why; migrations/ makes them, with their indexes.

Words that repeat in every run (tenant, agent, way, cause) are rows of their own, so that a run row stays lean.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Column, Integer, MetaData, Named, SmallInteger, Table, TypedColumns

from wfm.ledger.types import BigId, Instant, Names, Pairs, SafeText

metadata = MetaData()


class TenantColumns(TypedColumns):
    id = Column(Integer, primary_key=True)
    key: Named[str] = Column(SafeText, unique=True)


class AgentColumns(TypedColumns):
    """`sought` is the name and the id folded (no case, no accents), for searching."""

    id = Column(Integer, primary_key=True)
    tenant_id: Named[int] = Column(Integer)
    agent_id: Named[str] = Column(SafeText)
    name: Named[str] = Column(SafeText)
    sought: Named[str] = Column(SafeText)


class CallTargetColumns(TypedColumns):
    """A way a run was made: route, action, direct or through a Data Action, call and client."""

    id = Column(Integer, primary_key=True)
    tenant_id: Named[int] = Column(Integer)
    route: Named[str] = Column(SafeText)
    action: Named[str] = Column(SafeText)
    via: Named[str] = Column(SafeText)
    call: Named[str] = Column(SafeText)
    client_id: Named[str] = Column(SafeText)


class CauseColumns(TypedColumns):
    """What a diagnosis said, once for all the runs it said it of. `digest` makes it unique."""

    id = Column(Integer, primary_key=True)
    tenant_id: Named[int] = Column(Integer)
    digest: Named[str] = Column(SafeText)
    rule: Named[str] = Column(SafeText)
    cause: Named[str] = Column(SafeText)
    missing: Named[tuple[str, ...]] = Column(Names)
    retryable: Named[bool] = Column(Boolean)
    fingerprint: Named[str] = Column(SafeText)


class OperationColumns(TypedColumns):
    id = Column(BigId, primary_key=True, autoincrement=False)
    tenant_id: Named[int] = Column(Integer)
    state: Named[str] = Column(SafeText)
    client_id: Named[str] = Column(SafeText)
    client_name: Named[str] = Column(SafeText)
    plan_id: Named[str] = Column(SafeText)
    title: Named[str] = Column(SafeText)
    request: Named[str] = Column(SafeText)
    route: Named[str] = Column(SafeText)
    action_id: Named[str | None] = Column(SafeText)
    restore_action_id: Named[str | None] = Column(SafeText)
    window_start: Named[datetime] = Column(Instant)
    window_end: Named[datetime] = Column(Instant)
    zone: Named[str] = Column(SafeText)
    window_now: Named[bool] = Column(Boolean)
    revision: Named[int] = Column(Integer)
    created_at: Named[datetime] = Column(Instant)
    created_by: Named[str] = Column(SafeText)
    request_token: Named[str | None] = Column(SafeText)
    example: Named[bool] = Column(Boolean)
    rehearsal: Named[bool] = Column(Boolean)
    cancel_requested: Named[bool] = Column(Boolean)
    restore_requested: Named[bool] = Column(Boolean)
    started_at: Named[datetime | None] = Column(Instant)
    applied_at: Named[datetime | None] = Column(Instant)
    restore_started_at: Named[datetime | None] = Column(Instant)
    ended_at: Named[datetime | None] = Column(Instant)
    halt_reason: Named[str] = Column(SafeText)


class BlockedColumns(TypedColumns):
    operation_id = Column(BigId, primary_key=True, autoincrement=False)
    seq = Column(Integer, primary_key=True, autoincrement=False)
    agent_id: Named[str] = Column(SafeText)
    name: Named[str] = Column(SafeText)
    why: Named[str] = Column(SafeText)


class EventColumns(TypedColumns):
    id = Column(Integer, primary_key=True)
    operation_id: Named[int] = Column(BigId)
    at: Named[datetime] = Column(Instant)
    actor: Named[str] = Column(SafeText)
    kind: Named[str] = Column(SafeText)
    text: Named[str] = Column(SafeText)


class ItemColumns(TypedColumns):
    """`sender` is the worker that claimed the item, empty unless it is in `sending`."""

    operation_id = Column(BigId, primary_key=True, autoincrement=False)
    seq = Column(Integer, primary_key=True, autoincrement=False)
    agent_no: Named[int] = Column(Integer)
    before: Named[str | None] = Column(SafeText)
    marker: Named[str | None] = Column(SafeText)
    apply_state: Named[str] = Column(SafeText)
    restore_state: Named[str] = Column(SafeText)
    skip_reason: Named[str] = Column(SafeText)
    fate: Named[str] = Column(SafeText)
    apply_run: Named[int | None] = Column(BigId)
    restore_run: Named[int | None] = Column(BigId)
    sender: Named[str] = Column(SafeText)
    changed_at: Named[datetime | None] = Column(Instant)


class ItemCountColumns(TypedColumns):
    """How many items of an operation stand in each pair of states. Changed in the transaction that changes the items."""

    operation_id = Column(BigId, primary_key=True, autoincrement=False)
    apply_state: Named[str] = Column(SafeText, primary_key=True)
    restore_state: Named[str] = Column(SafeText, primary_key=True)
    n: Named[int] = Column(Integer)


class RunColumns(TypedColumns):
    """The run history: one update of one agent. The id holds the millisecond of `started_at` (see ids.py)."""

    id = Column(BigId, primary_key=True, autoincrement=False)
    tenant_id: Named[int] = Column(Integer)
    operation_id: Named[int | None] = Column(BigId)
    agent_no: Named[int] = Column(Integer)
    way_id: Named[int] = Column(Integer)
    phase: Named[str] = Column(SafeText)
    outcome: Named[str] = Column(SafeText)
    status: Named[int | None] = Column(SmallInteger)
    code: Named[str | None] = Column(SafeText)
    kind: Named[str | None] = Column(SafeText)
    cause_id: Named[int | None] = Column(Integer)
    group_id: Named[int | None] = Column(Integer)
    correlation_id: Named[str | None] = Column(SafeText)
    attempts: Named[int] = Column(SmallInteger)
    duration_ms: Named[int | None] = Column(Integer)
    started_at: Named[datetime] = Column(Instant)
    finished_at: Named[datetime | None] = Column(Instant)
    note: Named[str] = Column(SafeText)


class OriginColumns(TypedColumns):
    """Who made a run outside an operation, and what is to be known of it."""

    run_id = Column(BigId, primary_key=True, autoincrement=False)
    created_by: Named[str] = Column(SafeText)
    tags: Named[dict[str, str]] = Column(Pairs)


class AttemptColumns(TypedColumns):
    """Payloads: one HTTP exchange of a run. Read only when a run is opened."""

    id = Column(BigId, primary_key=True)
    run_id: Named[int] = Column(BigId)
    number: Named[int] = Column(SmallInteger)
    method: Named[str] = Column(SafeText)
    url: Named[str] = Column(SafeText)
    request_body: Named[str | None] = Column(SafeText)
    status: Named[int | None] = Column(SmallInteger)
    response_headers: Named[dict[str, str]] = Column(Pairs)
    response_body: Named[str | None] = Column(SafeText)
    correlation_id: Named[str | None] = Column(SafeText)
    fault: Named[str] = Column(SafeText)
    started_at: Named[datetime] = Column(Instant)
    duration_ms: Named[int] = Column(Integer)


class RunCountColumns(TypedColumns):
    """How many runs began in a bucket of time, by one facet and outcome. `bucket` is minutes since 1970."""

    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    facet: Named[str] = Column(SafeText, primary_key=True)
    value: Named[str] = Column(SafeText, primary_key=True)
    bucket = Column(Integer, primary_key=True, autoincrement=False)
    outcome: Named[str] = Column(SafeText, primary_key=True)
    n: Named[int] = Column(Integer)


class ReadCountColumns(TypedColumns):
    """How many reads worked and failed with a client."""

    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    client_id: Named[str] = Column(SafeText, primary_key=True)
    ok: Named[int] = Column(Integer)
    failed: Named[int] = Column(Integer)


class GroupColumns(TypedColumns):
    id = Column(Integer, primary_key=True)
    tenant_id: Named[int] = Column(Integer)
    fingerprint: Named[str] = Column(SafeText)
    kind: Named[str] = Column(SafeText)
    code: Named[str | None] = Column(SafeText)
    call: Named[str] = Column(SafeText)
    rule: Named[str] = Column(SafeText)
    cause: Named[str] = Column(SafeText)
    missing: Named[tuple[str, ...]] = Column(Names)
    state: Named[str] = Column(SafeText)
    first_seen: Named[datetime] = Column(Instant)
    last_seen: Named[datetime] = Column(Instant)
    runs: Named[int] = Column(Integer)
    agents: Named[int] = Column(Integer)
    sample_run: Named[int] = Column(BigId)
    state_at: Named[datetime | None] = Column(Instant)
    state_by: Named[str] = Column(SafeText)
    note: Named[str] = Column(SafeText)
    owner: Named[str] = Column(SafeText)
    revision: Named[int] = Column(Integer)


class GroupAgentColumns(TypedColumns):
    """The distinct agents that a failure group touched."""

    group_id = Column(Integer, primary_key=True, autoincrement=False)
    agent_no = Column(Integer, primary_key=True, autoincrement=False)


class GroupChangeColumns(TypedColumns):
    """Every change of a group's state, append-only."""

    id = Column(Integer, primary_key=True)
    group_id: Named[int] = Column(Integer)
    at: Named[datetime] = Column(Instant)
    actor: Named[str] = Column(SafeText)
    from_state: Named[str] = Column(SafeText)
    to_state: Named[str] = Column(SafeText)
    note: Named[str] = Column(SafeText)


class PreferenceColumns(TypedColumns):
    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    key: Named[str] = Column(SafeText, primary_key=True)
    value: Named[str] = Column(SafeText)


class DraftColumns(TypedColumns):
    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    subject: Named[str] = Column(SafeText, primary_key=True)
    plan: Named[str] = Column(SafeText)


class SavedViewColumns(TypedColumns):
    """A filter of the history under a name of its owner's. `query` holds the parameters of its address as JSON."""

    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    subject: Named[str] = Column(SafeText, primary_key=True)
    name: Named[str] = Column(SafeText, primary_key=True)
    query: Named[dict[str, str]] = Column(Pairs)
    is_default: Named[bool] = Column(Boolean)
    changed_at: Named[datetime] = Column(Instant)


class RunImportColumns(TypedColumns):
    """The digest of an imported line and the run it became: importing it again adds nothing."""

    tenant_id = Column(Integer, primary_key=True, autoincrement=False)
    digest: Named[str] = Column(SafeText, primary_key=True)
    run_id: Named[int] = Column(BigId)


class WorkerColumns(TypedColumns):
    worker_id: Named[str] = Column(SafeText, primary_key=True)
    tenant_id: Named[int] = Column(Integer)
    state: Named[str] = Column(SafeText)
    pid: Named[int] = Column(Integer)
    host: Named[str] = Column(SafeText)
    seen_at: Named[datetime] = Column(Instant)


tenants = Table("tenants", metadata, TenantColumns)
agents = Table("agents", metadata, AgentColumns)
call_targets = Table("ways", metadata, CallTargetColumns)
causes = Table("causes", metadata, CauseColumns)
operations = Table("operations", metadata, OperationColumns)
blocked = Table("operation_blocked", metadata, BlockedColumns)
events = Table("operation_events", metadata, EventColumns)
items = Table("items", metadata, ItemColumns)
item_counts = Table("item_counts", metadata, ItemCountColumns)
runs = Table("runs", metadata, RunColumns)
origins = Table("run_origins", metadata, OriginColumns)
attempts = Table("attempts", metadata, AttemptColumns)
run_counts = Table("run_counts", metadata, RunCountColumns)
read_counts = Table("read_counts", metadata, ReadCountColumns)
groups = Table("failure_groups", metadata, GroupColumns)
group_agents = Table("failure_group_agents", metadata, GroupAgentColumns)
group_changes = Table("failure_group_changes", metadata, GroupChangeColumns)
preferences = Table("preferences", metadata, PreferenceColumns)
drafts = Table("drafts", metadata, DraftColumns)
saved_views = Table("saved_views", metadata, SavedViewColumns)
run_imports = Table("run_imports", metadata, RunImportColumns)
workers = Table("workers", metadata, WorkerColumns)
