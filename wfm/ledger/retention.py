"""Runs that have grown old, taken out in batches after somebody has archived them.

A run may go when it is older than the policy and nothing can still come of it: it has ended, its operation holds no agent
any more, its outcome is known, and it is not the newest run of a cause, which stays as the example. Its attempts, words,
origin and import mark go with it. Counters and failure groups are lowered in the same transaction, so that what a screen
counts it can also open; a cause keeps its first sighting. Operations, their items and their story stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import OPEN_STATES, Exchange, ItemState, Outcome, Run
from wfm.ledger.counters import count_runs
from wfm.ledger.database import Database
from wfm.ledger.failure_groups import FailureGroups
from wfm.ledger.ids import decode, lowest_id
from wfm.ledger.lookups import batches
from wfm.ledger.run_rows import counted, read_attempts, read_runs, runs_with_names
from wfm.ledger.schema import attempts, groups, items, operations, origins, run_imports, runs
from wfm.ledger.tenants import Tenants

_UNSETTLED = (Outcome.SENDING.value, Outcome.UNCONFIRMED.value)
_UNSETTLED_ITEMS = (ItemState.SENDING.value, ItemState.UNCONFIRMED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Runs older than the policy: how many may go, and how many stay for which reason (the first that holds)."""

    rows: int
    open_windows: int
    unsettled: int
    examples: int


class Retention:
    """What goes out of the history."""

    def __init__(self, db: Database, tenants: Tenants, failure_groups: FailureGroups) -> None:
        self._db, self._tenants, self._failure_groups = db, tenants, failure_groups

    def expired(self, tenant_key: str, before: datetime) -> Expired:
        """What a run of the policy would take out, and what it would leave. Reads the index of time once."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            reason = sa.case(
                (_held(tenant), "open"), (_unsettled(), "unsettled"), (_example(tenant), "example"), else_="rows"
            ).label("reason")
            asked = sa.select(reason, sa.func.count()).where(*_old(tenant, before)).group_by(reason)
            found = Counter({str(why): int(n) for why, n in connection.execute(asked)})
        return Expired(rows=found["rows"], open_windows=found["open"], unsettled=found["unsettled"], examples=found["example"])

    def oldest_expired(
        self, tenant_key: str, before: datetime, *, after: str | None = None, limit: int = 500
    ) -> list[tuple[Run, tuple[Exchange, ...]]]:
        """The oldest runs that may go, with their attempts, past the run `after`: what an archive is written from."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            asked = sa.select(runs.c.id).where(*_may_go(tenant, before), runs.c.id > (decode(after or "") or 0))
            ids = list(connection.scalars(asked.order_by(runs.c.id).limit(limit)))
            return _with_attempts(connection, tenant_key, ids)

    def expired_among(
        self, tenant_key: str, run_ids: Sequence[str], before: datetime
    ) -> list[tuple[Run, tuple[Exchange, ...]]]:
        """Those of these runs that are here and may go, in order: what an earlier archive is held against."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            ids: list[int] = []
            for some in batches(number for run_id in run_ids if (number := decode(run_id)) is not None):
                ids += connection.scalars(sa.select(runs.c.id).where(*_may_go(tenant, before), runs.c.id.in_(some)))
            return _with_attempts(connection, tenant_key, sorted(ids))

    def delete_expired(self, tenant_key: str, run_ids: Sequence[str], before: datetime) -> int:
        """Takes out these runs, those of them that still may go, in one short transaction; gives how many went."""

        def work(connection: sa.Connection) -> int:
            tenant = self._tenants.known(connection, tenant_key)
            # One order for all, so that two transactions never wait for each other.
            numbers = sorted(number for run_id in run_ids if (number := decode(run_id)) is not None)
            gone: list[Any] = []
            for some in batches(numbers):
                asked = runs_with_names().where(*_may_go(tenant, before), runs.c.id.in_(some)).order_by(runs.c.id)
                gone += connection.execute(asked.with_for_update(of=runs)).all()
            if tenant is None or not gone:
                return 0
            for some in batches([row.id for row in gone]):
                for column in (items.c.apply_run, items.c.restore_run):
                    connection.execute(
                        sa.update(items)
                        .where(items.c.operation_id.in_({row.operation_id for row in gone}), column.in_(some))
                        .values({column: None})
                    )
                if self._db.is_sqlite:
                    search = sa.table("run_search", sa.column("rowid", sa.Integer))
                    connection.execute(sa.delete(search).where(search.c.rowid.in_(some)))
                for table in (attempts, origins, run_imports):
                    connection.execute(sa.delete(table).where(table.c.run_id.in_(some)))
                connection.execute(sa.delete(runs).where(runs.c.id.in_(some)))
            self._failure_groups.shrink(connection, gone)
            count_runs(connection, tenant, gone=[counted(row) for row in gone])
            return len(gone)

        return self._db.write(work)


def _with_attempts(connection: sa.Connection, tenant_key: str, ids: list[int]) -> list[tuple[Run, tuple[Exchange, ...]]]:
    made = read_attempts(connection, ids)
    return [(run, made[number]) for number, run in zip(ids, read_runs(connection, tenant_key, ids), strict=True)]


def _old(tenant: int | None, before: datetime) -> list[Any]:
    return [runs.c.tenant_id == tenant, runs.c.id < lowest_id(before)]


def _held(tenant: int | None) -> sa.ColumnElement[bool]:
    """The run's operation has, or will have, agents out."""
    held = sa.select(operations.c.id).where(
        operations.c.tenant_id == tenant, operations.c.state.in_([state.value for state in OPEN_STATES])
    )
    return sa.and_(runs.c.operation_id.is_not(None), runs.c.operation_id.in_(held))


def _unsettled() -> sa.ColumnElement[bool]:
    """It is not known yet how the run ended, or its agent's item is under way. What was imported so stays so, and may go."""
    mine = (items.c.operation_id == runs.c.operation_id, items.c.agent_no == runs.c.agent_no)
    # One question a phase: each has its index by operation and state.
    in_air = sa.or_(
        sa.exists().where(*mine, items.c.apply_state.in_(_UNSETTLED_ITEMS)),
        sa.exists().where(*mine, items.c.restore_state.in_(_UNSETTLED_ITEMS)),
    )
    return sa.or_(
        runs.c.outcome == Outcome.SENDING.value,
        sa.and_(runs.c.operation_id.is_not(None), sa.or_(runs.c.outcome.in_(_UNSETTLED), in_air)),
    )


def _example(tenant: int | None) -> sa.ColumnElement[bool]:
    """The newest run of a cause."""
    return runs.c.id.in_(sa.select(groups.c.sample_run).where(groups.c.tenant_id == tenant))


def _may_go(tenant: int | None, before: datetime) -> list[Any]:
    return [*_old(tenant, before), ~_held(tenant), ~_unsettled(), ~_example(tenant)]
