"""Runs that come from outside, written in batches, each once; archived ones under the ids they had."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import OPEN_STATES, ItemState, Phase
from wfm.ledger.bulk_rows import insert_rows
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, instant_of, lowest_id, new_id
from wfm.ledger.item_rows import run_column, state_column
from wfm.ledger.lookups import batches
from wfm.ledger.records import DirectRun
from wfm.ledger.run_writer import RunWriter
from wfm.ledger.schema import items, operations, run_imports, runs
from wfm.ledger.tenants import Tenants


class Imports:
    def __init__(self, db: Database, tenants: Tenants, run_writer: RunWriter) -> None:
        self._db, self._tenants, self._run_writer = db, tenants, run_writer

    def record(self, tenant_key: str, given: Sequence[tuple[str, DirectRun]]) -> int:
        """Store runs that the desk did not make, in one transaction; those that are known already are left out.

        Known is a run whose digest was imported, or whose id this tenant has. Digests are of the caller's making: the same
        line must give the same digest. Gives how many were added.
        """

        def work(connection: sa.Connection) -> int:
            tenant = self._tenants.number(connection, tenant_key)
            # Two imports of one file at once: the second sees the first's marks.
            self._db.lock(connection, "imports", tenant)
            fresh = _fresh(connection, tenant, given)
            if not fresh:
                return 0
            numbers = _numbers(connection, fresh)
            marks = [{"tenant_id": tenant, "digest": digest, "run_id": number} for digest, number in numbers.items()]
            directs = {number: fresh[digest] for digest, number in numbers.items()}
            known = _operations_of(connection, tenant, fresh.values())
            begun = self._run_writer.store(connection, tenant, directs, operations=known, renames=False)
            insert_rows(connection, run_imports, marks)
            _point_items(connection, [row for row in begun if row.operation_id is not None])
            return len(directs)

        return self._db.write(work)


def _fresh(connection: sa.Connection, tenant: int, given: Sequence[tuple[str, DirectRun]]) -> dict[str, DirectRun]:
    """By digest, what is neither imported nor here under its own id."""
    fresh = {digest: direct for digest, direct in reversed(given) if digest}
    fresh = dict(reversed(fresh.items()))  # of several alike the first counts
    for some in batches(list(fresh)):
        asked = sa.select(run_imports.c.digest).where(run_imports.c.tenant_id == tenant, run_imports.c.digest.in_(some))
        for known in list(connection.scalars(asked)):
            del fresh[known]
    ids = {digest: number for digest, direct in fresh.items() if (number := decode(direct.settlement.run_id)) is not None}
    here: set[int] = set()
    for numbers in batches(ids.values()):
        here.update(connection.scalars(sa.select(runs.c.id).where(runs.c.id.in_(numbers), runs.c.tenant_id == tenant)))
    for digest, number in ids.items():
        if number in here:
            del fresh[digest]
    return fresh


def _operations_of(connection: sa.Connection, tenant: int, given: Collection[DirectRun]) -> set[int]:
    """The operations, named by the runs, that this tenant has and that are over."""
    named = {number for direct in given if (number := decode(direct.operation_id)) is not None}
    found: set[int] = set()
    over = operations.c.state.not_in([state.value for state in OPEN_STATES])
    for some in batches(sorted(named)):
        asked = sa.select(operations.c.id).where(operations.c.tenant_id == tenant, operations.c.id.in_(some), over)
        found.update(connection.scalars(asked))
    return found


def _numbers(connection: sa.Connection, fresh: dict[str, DirectRun]) -> dict[str, int]:
    """The ids of these runs by digest: those they bring along where they are free, else new ones."""
    own = {digest: number for digest, direct in fresh.items() if (number := _own_number(direct)) is not None}
    used: set[int] = set()
    for some in batches(own.values()):  # of any tenant: the primary key knows no tenants
        used.update(connection.scalars(sa.select(runs.c.id).where(runs.c.id.in_(some))))
    numbers: dict[str, int] = {}
    for digest, direct in fresh.items():
        number = own.get(digest)
        if number is None or number in used:
            number = new_id(direct.started_at)
        used.add(number)
        numbers[digest] = number
    return numbers


def _point_items(connection: sa.Connection, begun: Sequence[Any]) -> None:
    """An agent's item finds its newest run again where the archive had taken it."""
    for row in sorted(begun, key=lambda one: int(one.id)):
        column, state = run_column(Phase(row.phase)), state_column(Phase(row.phase))
        connection.execute(
            sa.update(items)
            .where(
                items.c.operation_id == row.operation_id,
                items.c.agent_no == row.agent_no,
                state != ItemState.PENDING.value,
                sa.or_(column.is_(None), column < row.id),
            )
            .values({column: row.id})
        )


def _own_number(direct: DirectRun) -> int | None:
    """The id that a run brings along, if it is one that this ledger could have given for its time."""
    number = decode(direct.settlement.run_id)
    if number is None or instant_of(number) != instant_of(lowest_id(direct.started_at)):
        return None
    return number
