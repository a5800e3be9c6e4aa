"""Settling: how claimed items ended, written once.

Counters, runs, attempts, failure groups and search words change in the same transaction as the items.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import NotFound
from wfm.domain.operations import Counts, Exchange, ItemState, Outcome, Phase
from wfm.ledger import words
from wfm.ledger.bulk import change_rows, insert_rows
from wfm.ledger.counters import Counted, count_runs
from wfm.ledger.failures import Failures
from wfm.ledger.ids import decode
from wfm.ledger.life import Life
from wfm.ledger.records import Settlement
from wfm.ledger.schema import agents, attempts, items, runs, ways
from wfm.ledger.store import run_column, state_column
from wfm.ledger.textindex import index_runs

_OPEN_OUTCOMES = (Outcome.SENDING.value, Outcome.UNCONFIRMED.value)
_OPEN_STATES = (ItemState.SENDING.value, ItemState.UNCONFIRMED.value)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that a settlement ends: its row joined with agent and way, and the settlement."""

    row: Any
    settlement: Settlement


class Settling(Life, Failures):
    """Ends runs and items."""

    def settle(self, operation_id: str, phase: Phase, settlements: Sequence[Settlement], *, now: datetime) -> Counts:
        """Writes how claimed items ended: items, runs, attempts, counters and failure groups in one transaction.

        A run that has ended already is left as it is, so settling twice changes nothing. A run that was unconfirmed may
        be settled once more, by a later read. Raises NotFound for a run that is not of this operation and phase.
        """
        for settlement in settlements:
            if settlement.state is ItemState.SENDING or settlement.outcome is Outcome.SENDING:
                raise ValueError("a settlement says how something ended: it can't be `sending`")

        def work(connection: sa.Connection) -> Counts:
            operation = self._locked(connection, operation_id)
            self._settle(connection, operation, phase, settlements, now)
            return self._counts(connection, [operation.id])[operation.id]

        return self._db.write(work)

    def _settle(
        self, connection: sa.Connection, operation: Any, phase: Phase, settlements: Sequence[Settlement], now: datetime
    ) -> None:
        ended = self._open_runs(connection, operation, phase, settlements)
        if not ended:
            return
        self.end_runs(connection, operation.tenant_id, ended)
        by_run = {one.row.id: one.settlement for one in ended}
        run = run_column(phase)
        state = state_column(phase)
        rows: list[Any] = []
        for some in words.batches(by_run):
            found = connection.execute(
                sa.select(items).where(items.c.operation_id == operation.id, run.in_(some), state.in_(_OPEN_STATES))
            )
            rows += found.all()
        if not rows:
            return
        ends = [(row, by_run[row._mapping[run.name]]) for row in rows]
        changed = [
            {
                "operation_id": row.operation_id,
                "seq": row.seq,
                state.name: settlement.state.value,
                # The mark of our own write is what the restore compares with: a restore never changes it.
                "marker": row.marker if phase is Phase.RESTORE or settlement.marker is None else settlement.marker,
                "skip_reason": settlement.skip_reason,
                "sender": "",
                "changed_at": now,
            }
            for row, settlement in ends
        ]
        change_rows(connection, items, changed, keys=["operation_id", "seq"])
        changes = moves(phase, ((row, settlement.state) for row, settlement in ends))
        self._count_items(connection, operation.id, changes)

    def _open_runs(
        self, connection: sa.Connection, operation: Any, phase: Phase, settlements: Sequence[Settlement]
    ) -> list[Ended]:
        """The settlements that still change something, with their runs. The last of several for one run counts."""
        wanted = {decode(settlement.run_id): settlement for settlement in settlements}
        found: dict[int, Any] = {}
        for some in words.batches(number for number in wanted if number is not None):
            for row in connection.execute(runs_with_words().where(runs.c.id.in_(some))):
                if row.operation_id == operation.id and row.phase == phase.value:
                    found[row.id] = row
        if len(found) != len(wanted):
            strange = [one.run_id for number, one in wanted.items() if number not in found]
            raise NotFound(f"“{operation.title}” has no run {', '.join(strange[:3])} in its {phase.value} phase.")
        return [
            Ended(row, wanted[number])
            for number, row in sorted(found.items())
            if row.outcome in _OPEN_OUTCOMES and row.outcome != wanted[number].outcome.value
        ]

    def end_runs(self, connection: sa.Connection, tenant: int, ended: Sequence[Ended]) -> None:
        """Ends runs: rows, attempts, search words, failure groups, counters. A run keeps its first diagnosis."""
        joined = self._join_groups(
            connection,
            tenant,
            [
                (one.row, one.settlement.diagnosis)
                for one in ended
                if one.settlement.diagnosis is not None and one.row.cause_id is None
            ],
            sent_again={one.row.id for one in ended if one.settlement.outcome is Outcome.RESENT},
        )
        gone, come, changes = [], [], []
        for one in ended:
            row, settlement = one.row, one.settlement
            before = counted(row)
            diagnosis = settlement.diagnosis if row.id in joined else None
            cause, group = joined.get(row.id, (row.cause_id, row.group_id))
            after = replace(
                before,
                outcome=settlement.outcome.value,
                status=settlement.status if settlement.status is not None else row.status,
                code=settlement.code or row.code,
                kind=diagnosis.kind.value if diagnosis else row.kind,
                group_id=group,
                cause_id=cause,
            )
            gone.append(before)
            come.append(after)
            changes.append(
                {
                    "id": row.id,
                    "outcome": after.outcome,
                    "status": after.status,
                    "code": after.code,
                    "kind": after.kind,
                    "cause_id": cause,
                    "group_id": group,
                    "correlation_id": settlement.correlation_id or row.correlation_id,
                    "attempts": row.attempts + len(settlement.exchanges),
                    "duration_ms": settlement.duration_ms,
                    "finished_at": settlement.finished_at,
                    "note": settlement.note or row.note,
                }
            )
        change_rows(connection, runs, changes, keys=["id"])
        self._add_attempts(connection, ended)
        self._index_words(connection, ended)
        count_runs(connection, tenant, gone=gone, come=come)

    def _add_attempts(self, connection: sa.Connection, ended: Sequence[Ended]) -> None:
        rows = [
            {
                "run_id": one.row.id,
                "number": one.row.attempts + place,
                "method": exchange.method,
                "url": exchange.url,
                "request_body": exchange.request_body,
                "status": exchange.status,
                "response_headers": dict(exchange.response_headers),
                "response_body": exchange.response_body,
                "correlation_id": exchange.correlation_id,
                "fault": exchange.fault,
                "started_at": exchange.started_at,
                "duration_ms": exchange.duration_ms,
            }
            for one in ended
            for place, exchange in enumerate(one.settlement.exchanges, start=1)
        ]
        insert_rows(connection, attempts, rows)

    def _index_words(self, connection: sa.Connection, ended: Sequence[Ended]) -> None:
        texts: dict[int, list[str | None]] = {}
        earlier = self._earlier_texts(connection, [one.row.id for one in ended if one.row.attempts])
        for one in ended:
            row, settlement = one.row, one.settlement
            texts[row.id] = [
                row.agent_name,
                row.agent_id,
                row.action,
                settlement.code or row.code,
                settlement.correlation_id or row.correlation_id,
                settlement.diagnosis.cause if settlement.diagnosis else None,
                *(settlement.diagnosis.missing if settlement.diagnosis else ()),
                settlement.note,
                *earlier.get(row.id, ()),
                *exchange_texts(settlement.exchanges),
            ]
        index_runs(self._db, connection, texts)

    def _earlier_texts(self, connection: sa.Connection, numbers: Iterable[int]) -> dict[int, list[str | None]]:
        """The texts of attempts that a run has already, when it is settled a second time."""
        texts: dict[int, list[str | None]] = {}
        for some in words.batches(numbers):
            columns = (
                attempts.c.correlation_id,
                attempts.c.fault,
                attempts.c.response_body,
                attempts.c.request_body,
                attempts.c.url,
            )
            found = connection.execute(sa.select(attempts.c.run_id, *columns).where(attempts.c.run_id.in_(some)))
            for number, *parts in found:
                texts.setdefault(number, []).extend(parts)
        return texts


@functools.cache
def runs_with_words() -> sa.Select[Any]:
    """Runs with what is needed to end them: agent and way in words."""
    return (
        sa.select(
            runs,
            agents.c.agent_id,
            agents.c.name.label("agent_name"),
            ways.c.route,
            ways.c.action,
            ways.c.call,
            ways.c.client_id,
        )
        .join(agents, agents.c.id == runs.c.agent_no)
        .join(ways, ways.c.id == runs.c.way_id)
    )


def counted(row: Any) -> Counted:
    """What of a row of `runs_with_words` is counted."""
    return Counted(
        started_at=row.started_at,
        outcome=row.outcome,
        operation_id=row.operation_id,
        group_id=row.group_id,
        cause_id=row.cause_id,
        phase=row.phase,
        route=row.route,
        action=row.action,
        client_id=row.client_id,
        kind=row.kind,
        code=row.code,
        status=row.status,
    )


def exchange_texts(exchanges: Iterable[Exchange]) -> list[str | None]:
    """What of exchanges is searched in: ids and answers before requests, since the space is bounded."""
    texts: list[str | None] = []
    for exchange in exchanges:
        texts += [exchange.correlation_id, exchange.fault, exchange.response_body, exchange.request_body, exchange.url]
    return texts


def moves(phase: Phase, moved: Iterable[tuple[Any, ItemState]]) -> dict[tuple[str, str], int]:
    """The changes of the counters when items (rows as they were) move to a state of a phase."""
    changes: dict[tuple[str, str], int] = {}
    for row, to_state in moved:
        before = (row.apply_state, row.restore_state)
        after = (to_state.value, row.restore_state) if phase is Phase.APPLY else (row.apply_state, to_state.value)
        changes[before] = changes.get(before, 0) - 1
        changes[after] = changes.get(after, 0) + 1
    return changes
