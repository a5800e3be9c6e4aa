"""Rows of runs: as values with their attempts, and with what is needed to end or to count them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Exchange, Outcome, Phase, Run
from wfm.ledger.counters import Counted
from wfm.ledger.ids import encode
from wfm.ledger.lookups import batches
from wfm.ledger.records import same_named
from wfm.ledger.schema import agents, attempts, call_targets, causes, groups, operations, run_imports, runs


def read_runs(connection: sa.Connection, tenant_key: str, ids: Iterable[int]) -> list[Run]:
    """These runs, which are there, in the order of their ids as given."""
    ids = list(ids)
    rows: dict[int, Any] = {}
    for some in batches(ids):
        rows |= {row.id: row for row in connection.execute(_WHOLE_RUNS.where(runs.c.id.in_(some)))}
    return [_run(rows[number], tenant_key) for number in ids]


def read_attempts(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[Exchange, ...]]:
    """The attempts of these runs, in their order, by run."""
    found: dict[int, list[Exchange]] = {number: [] for number in ids}
    for some in batches(ids):
        asked = sa.select(attempts).where(attempts.c.run_id.in_(some)).order_by(attempts.c.run_id, attempts.c.number)
        for row in connection.execute(asked):
            found[row.run_id].append(Exchange(**same_named(Exchange, row)))
    return {number: tuple(exchanges) for number, exchanges in found.items()}


@functools.cache
def runs_with_names() -> sa.Select[Any]:
    """Runs with what is needed to end them: agent and call target by name."""
    return (
        sa.select(
            runs,
            agents.c.agent_id,
            agents.c.name.label("agent_name"),
            call_targets.c.route,
            call_targets.c.action,
            call_targets.c.call,
            call_targets.c.client_id,
        )
        .join(agents, agents.c.id == runs.c.agent_no)
        .join(call_targets, call_targets.c.id == runs.c.way_id)
    )


def counted(row: Any) -> Counted:
    return Counted(**same_named(Counted, row))


_WHOLE_RUNS = (
    sa.select(
        runs,
        agents.c.agent_id,
        agents.c.name.label("agent_name"),
        call_targets.c.route,
        call_targets.c.action,
        call_targets.c.via,
        call_targets.c.call,
        causes.c.rule,
        causes.c.cause,
        causes.c.missing,
        causes.c.retryable,
        groups.c.fingerprint,
        operations.c.title,
        operations.c.example,
        sa.exists().where(run_imports.c.run_id == runs.c.id).label("imported"),
    )
    .join(agents, agents.c.id == runs.c.agent_no)
    .join(call_targets, call_targets.c.id == runs.c.way_id)
    .outerjoin(causes, causes.c.id == runs.c.cause_id)
    .outerjoin(groups, groups.c.id == runs.c.group_id)
    .outerjoin(operations, operations.c.id == runs.c.operation_id)
)


def _run(row: Any, tenant_key: str) -> Run:
    known = same_named(Run, row) | {
        "id": encode(row.id),
        "tenant_key": tenant_key,
        "operation_id": encode(row.operation_id) if row.operation_id is not None else None,
        "operation_title": row.title or "",
        "phase": Phase(row.phase),
        "action": row.action or None,
        "outcome": Outcome(row.outcome),
        "kind": Kind(row.kind) if row.kind else None,
        "cause": row.cause or "",
        "rule": row.rule or "",
        "missing": row.missing or (),
        "example": bool(row.example),
        "imported": bool(row.imported),
    }
    return Run(**known)
