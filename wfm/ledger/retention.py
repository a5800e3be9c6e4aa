"""Runs that come from outside, written in batches, and runs that have grown old, taken out in batches.

A run may go when it is older than the policy, has ended, and its operation holds no agent any more. Its attempts, words,
origin and import mark go with it and every counter is lowered in the same transaction. Operations, their items and their
story stay; failure groups keep what they counted and their newest run, so that a cause keeps its history and an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import OPEN_STATES, Exchange, Outcome, Run
from wfm.ledger import words
from wfm.ledger.counters import count_runs
from wfm.ledger.history import History, exchange_of
from wfm.ledger.ids import decode, lowest_id, new_id
from wfm.ledger.records import DirectRun
from wfm.ledger.schema import attempts, groups, items, operations, origins, run_imports, runs
from wfm.ledger.settling import Ended, counted, runs_with_words


class Retention(History):
    """The ends of the history: what comes in from outside and what goes out."""

    def record_imported(self, tenant_key: str, given: Sequence[tuple[str, DirectRun]]) -> int:
        """Stores runs that the desk did not make, in one transaction; those whose digest is known already are left out.

        Gives how many were added. Digests are of the caller's making: the same line must give the same digest.
        """

        def work(connection: sa.Connection) -> int:
            tenant = self._tenant(connection, tenant_key)
            # Two imports of one file at once: the second sees the first's marks.
            self._db.lock(connection, "imports", tenant)
            fresh = {digest: direct for digest, direct in given if digest}
            for some in words.batches(list(fresh)):
                asked = sa.select(run_imports.c.digest).where(run_imports.c.tenant_id == tenant, run_imports.c.digest.in_(some))
                for known in list(connection.scalars(asked)):
                    del fresh[known]
            numbers: dict[int, tuple[str, DirectRun]] = {}
            for digest, direct in fresh.items():
                number = new_id(direct.started_at)
                numbers[number] = (digest, direct)
                self._begin_direct(connection, tenant, number, direct)
            if not numbers:
                return 0
            marks = [{"tenant_id": tenant, "digest": digest, "run_id": number} for number, (digest, _) in numbers.items()]
            connection.execute(sa.insert(run_imports), marks)
            begun: list[Any] = []
            for some_numbers in words.batches(list(numbers)):
                begun += connection.execute(runs_with_words().where(runs.c.id.in_(some_numbers))).all()
            count_runs(self._db, connection, tenant, come=[counted(row) for row in begun])
            self.end_runs(connection, tenant, [Ended(row, numbers[row.id][1].settlement) for row in begun])
            return len(numbers)

        return self._db.write(work)

    def expired(self, tenant_key: str, before: datetime) -> int:
        """How many runs that began before an instant may go. Reads the index of time once: for the night or a dry run."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(sa.func.count()).select_from(runs).where(*_may_go(tenant, before))
            return connection.scalar(asked) or 0

    def oldest_expired(
        self, tenant_key: str, before: datetime, *, after: str | None = None, limit: int = 500
    ) -> list[tuple[Run, tuple[Exchange, ...]]]:
        """The oldest runs that may go, with their attempts, past the run `after`: what an archive is written from."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(runs.c.id).where(*_may_go(tenant, before), runs.c.id > (decode(after or "") or 0))
            ids = list(connection.scalars(asked.order_by(runs.c.id).limit(limit)))
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
            numbers = [number for run_id in run_ids if (number := decode(run_id)) is not None]
            gone: list[Any] = []
            for some in words.batches(numbers):
                gone += connection.execute(runs_with_words().where(*_may_go(tenant, before), runs.c.id.in_(some))).all()
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
            count_runs(self._db, connection, tenant, gone=[counted(row) for row in gone])
            return len(gone)

        return self._db.write(work)


def _may_go(tenant: int | None, before: datetime) -> list[Any]:
    held = sa.select(operations.c.id).where(
        operations.c.tenant_id == tenant, operations.c.state.in_([state.value for state in OPEN_STATES])
    )
    return [
        runs.c.tenant_id == tenant,
        runs.c.id < lowest_id(before),
        runs.c.outcome != Outcome.SENDING.value,
        runs.c.id.not_in(sa.select(groups.c.sample_run).where(groups.c.tenant_id == tenant)),
        sa.or_(runs.c.operation_id.is_(None), runs.c.operation_id.not_in(held)),
    ]
