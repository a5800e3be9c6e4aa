"""Runs that come from outside, written in batches, each once; archived ones under the ids they had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import OPEN_STATES, ItemState, Outcome, Phase
from wfm.ledger import words
from wfm.ledger.bulk import insert_rows
from wfm.ledger.counters import count_runs
from wfm.ledger.history import History
from wfm.ledger.ids import decode, instant_of, lowest_id, new_id
from wfm.ledger.records import DirectRun
from wfm.ledger.schema import items, operations, origins, run_imports, runs
from wfm.ledger.settling import Ended, counted, runs_with_words
from wfm.ledger.store import run_column, state_column


class Imports(History):
    """What comes in from outside."""

    def record_imported(self, tenant_key: str, given: Sequence[tuple[str, DirectRun]]) -> int:
        """Stores runs that the desk did not make, in one transaction; those that are known already are left out.

        Known is a run whose digest was imported, or whose id this tenant has. Digests are of the caller's making: the same
        line must give the same digest. Gives how many were added.
        """

        def work(connection: sa.Connection) -> int:
            tenant = self._tenant(connection, tenant_key)
            # Two imports of one file at once: the second sees the first's marks.
            self._db.lock(connection, "imports", tenant)
            fresh = self._fresh(connection, tenant, given)
            if not fresh:
                return 0
            known_operations = self._operations_of(connection, tenant, fresh.values())
            numbers = self._begin_imported(connection, tenant, fresh, known_operations)
            marks = [{"tenant_id": tenant, "digest": digest, "run_id": number} for number, (digest, _) in numbers.items()]
            insert_rows(connection, run_imports, marks)
            begun: list[Any] = []
            for some in words.batches(sorted(numbers)):
                begun += connection.execute(runs_with_words().where(runs.c.id.in_(some))).all()
            count_runs(connection, tenant, come=[counted(row) for row in begun])
            self.end_runs(connection, tenant, [Ended(row, numbers[row.id][1].settlement) for row in begun])
            self._point_items(connection, [row for row in begun if row.operation_id is not None])
            return len(numbers)

        return self._db.write(work)

    def _fresh(self, connection: sa.Connection, tenant: int, given: Sequence[tuple[str, DirectRun]]) -> dict[str, DirectRun]:
        """By digest, what is neither imported nor here under its own id."""
        fresh = {digest: direct for digest, direct in reversed(given) if digest}
        fresh = dict(reversed(fresh.items()))  # of several alike the first counts
        for some in words.batches(list(fresh)):
            asked = sa.select(run_imports.c.digest).where(run_imports.c.tenant_id == tenant, run_imports.c.digest.in_(some))
            for known in list(connection.scalars(asked)):
                del fresh[known]
        ids = {digest: number for digest, direct in fresh.items() if (number := decode(direct.settlement.run_id)) is not None}
        here: set[int] = set()
        for numbers in words.batches(ids.values()):
            here.update(connection.scalars(sa.select(runs.c.id).where(runs.c.id.in_(numbers), runs.c.tenant_id == tenant)))
        for digest, number in ids.items():
            if number in here:
                del fresh[digest]
        return fresh

    def _operations_of(self, connection: sa.Connection, tenant: int, given: Any) -> set[int]:
        """The operations, named by the runs, that this tenant has and that are over."""
        named = {number for direct in given if (number := decode(direct.operation_id)) is not None}
        found: set[int] = set()
        over = operations.c.state.not_in([state.value for state in OPEN_STATES])
        for some in words.batches(sorted(named)):
            asked = sa.select(operations.c.id).where(operations.c.tenant_id == tenant, operations.c.id.in_(some), over)
            found.update(connection.scalars(asked))
        return found

    def _begin_imported(
        self, connection: sa.Connection, tenant: int, fresh: dict[str, DirectRun], known_operations: set[int]
    ) -> dict[int, tuple[str, DirectRun]]:
        """Writes the rows, still without an end; gives (digest, run) by number."""
        names = {direct.agent_id: direct.agent_name for direct in fresh.values()}
        agents = words.make_agents(self._db, connection, tenant, names, renames=False)
        ways: dict[tuple[str, ...], int] = {}
        numbers: dict[int, tuple[str, DirectRun]] = {}
        rows: list[dict[str, Any]] = []
        taken = self._taken(connection, fresh.values())
        for digest, direct in fresh.items():
            way = (direct.route, direct.action or "", direct.via, direct.call, direct.client_id)
            if way not in ways:
                made_of = dict(zip(("route", "action", "via", "call", "client_id"), way, strict=True))
                ways[way] = words.make_way(self._db, connection, tenant, **made_of)
            number = _own_number(direct)
            if number is None or number in taken or number in numbers:
                number = new_id(direct.started_at)
            numbers[number] = (digest, direct)
            operation = decode(direct.operation_id)
            rows.append(
                {
                    "id": number,
                    "tenant_id": tenant,
                    "operation_id": operation if operation in known_operations else None,
                    "agent_no": agents[direct.agent_id],
                    "way_id": ways[way],
                    "phase": direct.phase.value,
                    "outcome": Outcome.SENDING.value,
                    "attempts": 0,
                    "started_at": direct.started_at,
                    "note": "",
                }
            )
        insert_rows(connection, runs, rows)
        who = [
            {"run_id": number, "created_by": direct.created_by, "tags": dict(direct.tags)}
            for number, (_, direct) in numbers.items()
        ]
        insert_rows(connection, origins, who)
        return numbers

    def _taken(self, connection: sa.Connection, given: Any) -> set[int]:
        """Ids that another tenant's runs have: the primary key knows no tenants."""
        wanted = [number for direct in given if (number := _own_number(direct)) is not None]
        taken: set[int] = set()
        for some in words.batches(wanted):
            taken.update(connection.scalars(sa.select(runs.c.id).where(runs.c.id.in_(some))))
        return taken

    def _point_items(self, connection: sa.Connection, begun: Sequence[Any]) -> None:
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
