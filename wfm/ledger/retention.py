"""Runs that have grown old, taken out in batches after somebody has archived them.

A run may go when it is older than the policy and nothing can still come of it: it has ended, its operation holds no agent
any more, its outcome is known, and it is not the newest run of a cause, which stays as the example. Its attempts, words,
origin and import mark go with it. Counters and failure groups are lowered in the same transaction, so that what a screen
counts it can also open; a cause keeps its first sighting. Operations, their items and their story stay.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

from wfm.domain.errors import StoreFault
from wfm.domain.operations import OPEN_STATES, Exchange, ItemState, Outcome, Run
from wfm.ledger import words
from wfm.ledger.counters import count_runs
from wfm.ledger.faults import store_fault
from wfm.ledger.history import exchange_of
from wfm.ledger.ids import decode, lowest_id
from wfm.ledger.imports import Imports
from wfm.ledger.schema import attempts, group_agents, groups, items, operations, origins, run_imports, runs
from wfm.ledger.settling import counted, runs_with_words

_UNSETTLED = (Outcome.SENDING.value, Outcome.UNCONFIRMED.value)
_UNSETTLED_ITEMS = (ItemState.SENDING.value, ItemState.UNCONFIRMED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Runs older than the policy: how many may go, and how many stay for which reason (the first that holds)."""

    rows: int
    open_windows: int
    unsettled: int
    examples: int


class Retention(Imports):
    """What goes out of the history."""

    @contextmanager
    def alone(self, tenant_key: str, task: str, *, passing: bool = False) -> Iterator[bool]:
        """Gives True to one holder at a time, of all threads and processes on this database, and False to the others.

        A session's advisory lock on PostgreSQL, a file beside the database on SQLite: both end with the process. The file of
        a `passing` task, whose name hardly comes again, is removed. Raises StoreFault.
        """
        if self._db.is_sqlite:
            lock = FileLock(f"{self._db.url.database}.{task}.lock", timeout=0, is_singleton=False, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                yield False
                return
            except OSError as error:
                raise StoreFault(f"The lock {lock.lock_file} can't be made ({error.strerror}).") from error
            try:
                yield True
            finally:
                if passing:
                    with suppress(OSError):
                        Path(lock.lock_file).unlink()
                lock.release()
            return
        with self._session_lock(f"{task}|{tenant_key}") as held:
            yield held

    @contextmanager
    def _session_lock(self, name: str) -> Iterator[bool]:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        try:
            connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise store_fault(error, self._db.url) or error from error
        try:
            held = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
            yield held
        finally:
            # Given back at once: the server notices only a little later that a session is gone.
            with suppress(sa.exc.DBAPIError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
            # Where that failed the session goes with its lock, so that nobody inherits it from the pool.
            connection.invalidate()
            connection.close()

    def expired(self, tenant_key: str, before: datetime) -> int:
        """How many runs that began before an instant may go. Reads the index of time once: for the night or a dry run."""
        return self.expired_by_reason(tenant_key, before).rows

    def expired_by_reason(self, tenant_key: str, before: datetime) -> Expired:
        """What a run of the policy would take out, and what it would leave. Reads the index of time once."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
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
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(runs.c.id).where(*_may_go(tenant, before), runs.c.id > (decode(after or "") or 0))
            ids = list(connection.scalars(asked.order_by(runs.c.id).limit(limit)))
            return self._with_attempts(connection, tenant_key, ids)

    def those_expired(
        self, tenant_key: str, run_ids: Sequence[str], before: datetime
    ) -> list[tuple[Run, tuple[Exchange, ...]]]:
        """Those of these runs that are here and may go, in order: what an earlier archive is held against."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            ids: list[int] = []
            for some in words.batches(number for run_id in run_ids if (number := decode(run_id)) is not None):
                ids += connection.scalars(sa.select(runs.c.id).where(*_may_go(tenant, before), runs.c.id.in_(some)))
            return self._with_attempts(connection, tenant_key, sorted(ids))

    def _with_attempts(
        self, connection: sa.Connection, tenant_key: str, ids: list[int]
    ) -> list[tuple[Run, tuple[Exchange, ...]]]:
        made: dict[int, list[Exchange]] = {}
        for some in words.batches(ids):
            rows = sa.select(attempts).where(attempts.c.run_id.in_(some)).order_by(attempts.c.run_id, attempts.c.number)
            for row in connection.execute(rows):
                made.setdefault(row.run_id, []).append(exchange_of(row))
        found = self._read_runs(connection, tenant_key, ids)
        return [(run, tuple(made.get(number, ()))) for number, run in zip(ids, found, strict=True)]

    def delete_expired(self, tenant_key: str, run_ids: Sequence[str], before: datetime) -> int:
        """Takes out these runs, those of them that still may go, in one short transaction; gives how many went."""

        def work(connection: sa.Connection) -> int:
            tenant = self._known_tenant(connection, tenant_key)
            # One order for all, so that two transactions never wait for each other.
            numbers = sorted(number for run_id in run_ids if (number := decode(run_id)) is not None)
            gone: list[Any] = []
            for some in words.batches(numbers):
                asked = runs_with_words().where(*_may_go(tenant, before), runs.c.id.in_(some)).order_by(runs.c.id)
                gone += connection.execute(asked.with_for_update(of=runs)).all()
            if tenant is None or not gone:
                return 0
            for some in words.batches([row.id for row in gone]):
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
            self._shrink_groups(connection, gone)
            count_runs(connection, tenant, gone=[counted(row) for row in gone])
            return len(gone)

        return self._db.write(work)

    def _shrink_groups(self, connection: sa.Connection, gone: Sequence[Any]) -> None:
        """A cause counts the runs and agents that can still be opened. Its newest run never goes, so none becomes empty."""
        lost: dict[int, Counter[int]] = {}
        for row in gone:
            if row.group_id is not None:
                lost.setdefault(row.group_id, Counter())[row.agent_no] += 1
        for group, touched in sorted(lost.items()):
            left = 0
            for some in words.batches(sorted(touched)):
                # One agent after the other, by its own runs, which are few: a cause may have millions.
                others = sa.select(runs.c.id).where(runs.c.agent_no == group_agents.c.agent_no, runs.c.group_id == group)
                still = others.with_hint(runs, "INDEXED BY ix_runs_agent", "sqlite").limit(1).scalar_subquery()
                mine = (group_agents.c.group_id == group, group_agents.c.agent_no.in_(some))
                left += connection.execute(sa.delete(group_agents).where(*mine, still.is_(None))).rowcount
            connection.execute(
                sa.update(groups)
                .where(groups.c.id == group)
                .values(runs=groups.c.runs - touched.total(), agents=groups.c.agents - left)
            )


def _old(tenant: int | None, before: datetime) -> list[Any]:
    return [runs.c.tenant_id == tenant, runs.c.id < lowest_id(before)]


def _held(tenant: int | None) -> sa.ColumnElement[bool]:
    """The run's operation has, or will have, agents out."""
    held = sa.select(operations.c.id).where(
        operations.c.tenant_id == tenant, operations.c.state.in_([state.value for state in OPEN_STATES])
    )
    return sa.and_(runs.c.operation_id.is_not(None), runs.c.operation_id.in_(held))


def _unsettled() -> sa.ColumnElement[bool]:
    """Nobody knows yet how the run ended, or its agent's item is in the air. What was imported so stays so, and may go."""
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
