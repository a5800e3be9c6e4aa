"""Items in mid-air: claimed before they are sent, never lost and never taken twice, settled once; or left alone.

Each call that writes is one short transaction that holds its operation's row, so two workers of one operation follow one
another. Counters, runs, attempts, failure groups and the text index change in the same transaction as the items.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import NotFound, Refused
from wfm.domain.operations import Counts, Item, ItemState, OperationState, Outcome, Phase
from wfm.ledger import lookups
from wfm.ledger.bulk_rows import change_rows, insert_rows
from wfm.ledger.counters import Counted, count_runs
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, encode, new_id
from wfm.ledger.item_rows import (
    count_moved,
    counts_by_operation,
    counts_of,
    item_of,
    items_with_agents,
    move_items,
    restorable,
    run_column,
    state_column,
)
from wfm.ledger.operation_rows import add_event, lock_operation
from wfm.ledger.records import Claim, Settlement
from wfm.ledger.run_rows import runs_with_names
from wfm.ledger.run_writer import Ended, RunWriter, new_run
from wfm.ledger.schema import agents, items, runs
from wfm.ledger.search_words import fold

_CLAIMABLE = (OperationState.SCHEDULED, OperationState.APPLYING)
_OPEN_OUTCOMES = (Outcome.SENDING.value, Outcome.UNCONFIRMED.value)
_OPEN_STATES = (ItemState.SENDING.value, ItemState.UNCONFIRMED.value)


class Items:
    """The agents of operations: where each stands in both phases."""

    def __init__(self, db: Database, run_writer: RunWriter) -> None:
        self._db, self._run_writer = db, run_writer

    def page(
        self,
        operation_id: str,
        *,
        apply_states: Collection[ItemState] | None = None,
        restore_states: Collection[ItemState] | None = None,
        search: str = "",
        after_seq: int = 0,
        limit: int = 500,
    ) -> list[Item]:
        """Items in their order, after `after_seq`. `search` is part of a name or an id; case and accents don't count."""
        asked = items_with_agents().where(items.c.operation_id == decode(operation_id), items.c.seq > after_seq)
        if apply_states is not None:
            asked = asked.where(items.c.apply_state.in_([state.value for state in apply_states]))
        if restore_states is not None:
            asked = asked.where(items.c.restore_state.in_([state.value for state in restore_states]))
        if search.strip():
            asked = asked.where(agents.c.sought.contains(fold(search.strip()), autoescape=True))
        with self._db.read() as connection:
            return [item_of(row) for row in connection.execute(asked.order_by(items.c.seq).limit(limit))]

    def counts(self, operation_ids: Collection[str]) -> dict[str, Counts]:
        """Where the items of these operations stand, from counters. Ids of nothing have no items."""
        numbers = {operation_id: decode(operation_id) for operation_id in operation_ids}
        with self._db.read() as connection:
            found = counts_by_operation(connection, [number for number in numbers.values() if number is not None])
        return {key: counts_of({}) if number is None else found[number] for key, number in numbers.items()}

    # --- claimed -----------------------------------------------------------------------------------------------------

    def claim(
        self,
        operation_id: str,
        phase: Phase,
        *,
        limit: int,
        worker_id: str,
        now: datetime,
        route: str,
        action: str | None,
        via: str,
        call: str,
    ) -> list[Claim]:
        """Take up to `limit` pending items into `sending`, each with a run that begins now. The intent is committed.

        Gives nothing in the apply phase once somebody asked to stop or the operation has moved on. In the restore phase
        only agents that are or may be out are taken.
        """

        def work(connection: sa.Connection) -> list[Claim]:
            operation = lock_operation(connection, operation_id)
            if phase is Phase.APPLY and not _may_apply(operation):
                return []
            taken = connection.execute(_pending(operation.id, phase).order_by(items.c.seq).limit(limit)).all()
            if not taken:
                return []
            tenant = operation.tenant_id
            target = (route, action or "", via, call, operation.client_id)
            target_number = lookups.call_target_number(connection, tenant, *target)
            claimed = [(row, new_id(now)) for row in taken]
            begun = [new_run(run, tenant, operation.id, row.agent_no, target_number, phase, now) for row, run in claimed]
            insert_rows(connection, runs, begun)
            _take(connection, operation.id, phase, claimed, worker_id, now)
            counted = Counted(
                started_at=now,
                outcome=Outcome.SENDING.value,
                operation_id=operation.id,
                phase=phase.value,
                route=route,
                action=action or "",
                client_id=operation.client_id,
            )
            count_runs(connection, tenant, come=[counted] * len(claimed))
            state, run_name = state_column(phase).name, run_column(phase).name
            changed = {state: ItemState.SENDING.value, "changed_at": now}
            return [
                Claim(item=item_of(row, **changed, **{run_name: run}), run_id=encode(run), claimed_at=now)
                for row, run in claimed
            ]

        return self._db.write(work)

    def orphaned(self, operation_id: str, phase: Phase, *, worker_id: str | None = None) -> list[Claim]:
        """Items found in `sending`, with the runs that were begun: all, or those of one worker."""
        asked = (
            items_with_agents()
            .add_columns(runs.c.started_at.label("claimed_at"))
            .join(runs, runs.c.id == run_column(phase))
            .where(items.c.operation_id == decode(operation_id), state_column(phase) == ItemState.SENDING.value)
        )
        if worker_id is not None:
            asked = asked.where(items.c.sender == worker_id)
        with self._db.read() as connection:
            found = connection.execute(asked.order_by(items.c.seq)).all()
        run_of = run_column(phase).name
        return [Claim(item=item_of(row), run_id=encode(getattr(row, run_of)), claimed_at=row.claimed_at) for row in found]

    # --- settled -----------------------------------------------------------------------------------------------------

    def settle(self, operation_id: str, phase: Phase, settlements: Sequence[Settlement], *, now: datetime) -> Counts:
        """Write how claimed items ended: items, runs, attempts, counters and failure groups in one transaction.

        A run that has ended already is left as it is, so settling twice changes nothing. A run that was unconfirmed may
        be settled once more, by a later read. Raises NotFound for a run that is not of this operation and phase.
        """
        for settlement in settlements:
            if settlement.state is ItemState.SENDING or settlement.outcome is Outcome.SENDING:
                raise ValueError("a settlement says how something ended: it can't be `sending`")

        def work(connection: sa.Connection) -> Counts:
            operation = lock_operation(connection, operation_id)
            self._settle(connection, operation, phase, settlements, now)
            return counts_by_operation(connection, [operation.id])[operation.id]

        return self._db.write(work)

    def settle_by_person(
        self, operation_id: str, phase: Phase, agent_id: str, outcome: ItemState, *, now: datetime, actor: str
    ) -> None:
        """Write how an unconfirmed item ended as a person who looked says: applied or failed. Raises NotFound, Refused."""
        if outcome not in (ItemState.APPLIED, ItemState.FAILED):
            raise ValueError("an unconfirmed item is settled as applied or failed")

        def work(connection: sa.Connection) -> None:
            operation = lock_operation(connection, operation_id)
            its_agent = items_with_agents().where(items.c.operation_id == operation.id, agents.c.agent_id == agent_id)
            found = connection.execute(its_agent).one_or_none()
            if found is None:
                raise NotFound(f"“{operation.title}” has no agent {agent_id!r}.")
            state = found._mapping[state_column(phase).name]
            if state != ItemState.UNCONFIRMED.value:
                raise Refused("state", f"{found.agent_name} is {state}: only an unconfirmed update is settled by hand.")
            run = connection.execute(runs_with_names().where(runs.c.id == found._mapping[run_column(phase).name])).one()
            said = f"{actor} looked: {outcome.value}."
            settlement = Settlement(
                run_id=encode(run.id),
                agent_id=agent_id,
                state=outcome,
                outcome=Outcome(outcome.value),
                finished_at=now,
                duration_ms=run.duration_ms,
                note=f"{run.note} {said}".strip(),
            )
            self._settle(connection, operation, phase, [settlement], now)
            add_event(connection, operation.id, now, actor, "settled", f"{found.agent_name}: {said}")

        self._db.write(work)

    def _settle(
        self, connection: sa.Connection, operation: Any, phase: Phase, settlements: Sequence[Settlement], now: datetime
    ) -> None:
        ended = _open_runs(connection, operation, phase, settlements)
        if not ended:
            return
        self._run_writer.end(connection, operation.tenant_id, ended)
        by_run = {one.row.id: one.settlement for one in ended}
        run, state = run_column(phase), state_column(phase)
        rows: list[Any] = []
        for some in lookups.batches(by_run):
            asked = sa.select(items).where(items.c.operation_id == operation.id, run.in_(some), state.in_(_OPEN_STATES))
            rows += connection.execute(asked).all()
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
        moved = ((row.apply_state, row.restore_state, settlement.state, 1) for row, settlement in ends)
        count_moved(connection, operation.id, phase, moved)

    # --- left alone --------------------------------------------------------------------------------------------------

    def skip(
        self, operation_id: str, phase: Phase, agent_reasons: Mapping[str, str] | None, reason: str, *, now: datetime
    ) -> int:
        """Leave pending items alone: those named, each for its reason (`reason` where that is empty), or all that are
        left (None). Gives how many.
        """

        def work(connection: sa.Connection) -> int:
            operation = lock_operation(connection, operation_id)
            pending = state_column(phase) == ItemState.PENDING.value
            if agent_reasons is None:
                condition = sa.and_(pending, restorable()) if phase is Phase.RESTORE else pending
                return move_items(connection, operation.id, phase, condition, ItemState.SKIPPED, now, reason)
            skipped = 0
            numbers = lookups.known_agents(connection, operation.tenant_id, agent_reasons)
            by_reason: dict[str, list[int]] = {}
            for agent_id, own in sorted(agent_reasons.items()):
                if agent_id in numbers:
                    by_reason.setdefault(own or reason, []).append(numbers[agent_id][0])
            for why, agent_numbers in by_reason.items():
                for some in lookups.batches(agent_numbers):
                    condition = sa.and_(pending, items.c.agent_no.in_(some))
                    skipped += move_items(connection, operation.id, phase, condition, ItemState.SKIPPED, now, why)
            return skipped

        return self._db.write(work)


def _take(
    connection: sa.Connection, number: int, phase: Phase, claimed: list[tuple[Any, int]], worker_id: str, now: datetime
) -> None:
    state, run = state_column(phase), run_column(phase)
    changed = [
        {
            "operation_id": number,
            "seq": row.seq,
            state.name: ItemState.SENDING.value,
            run.name: run_number,
            "sender": worker_id,
            "changed_at": now,
        }
        for row, run_number in claimed
    ]
    change_rows(connection, items, changed, keys=["operation_id", "seq"])
    moved = ((row.apply_state, row.restore_state, ItemState.SENDING, 1) for row, _ in claimed)
    count_moved(connection, number, phase, moved)


def _open_runs(connection: sa.Connection, operation: Any, phase: Phase, settlements: Sequence[Settlement]) -> list[Ended]:
    """The settlements that still change something, with their runs. The last of several for one run counts."""
    wanted = {decode(settlement.run_id): settlement for settlement in settlements}
    found: dict[int, Any] = {}
    for some in lookups.batches(number for number in wanted if number is not None):
        for row in connection.execute(runs_with_names().where(runs.c.id.in_(some))):
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


def _may_apply(operation: Any) -> bool:
    claimable = OperationState(operation.state) in _CLAIMABLE
    return claimable and not operation.cancel_requested and not operation.restore_requested


def _pending(number: int, phase: Phase) -> sa.Select[Any]:
    asked = items_with_agents().where(items.c.operation_id == number, state_column(phase) == ItemState.PENDING.value)
    return asked.where(restorable()) if phase is Phase.RESTORE else asked
