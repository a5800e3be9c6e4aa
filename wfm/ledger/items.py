"""Items in mid-air: claimed before they are sent, never lost and never taken twice; left alone, or settled by hand.

Each call is one short transaction that holds its operation's row, so two workers of one operation follow one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import NotFound, Refused
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase
from wfm.ledger import words
from wfm.ledger.bulk import change_rows, insert_rows
from wfm.ledger.counters import Counted, count_runs
from wfm.ledger.ids import decode, encode, new_id
from wfm.ledger.records import Claim, Settlement
from wfm.ledger.schema import agents, items, runs
from wfm.ledger.settling import Settling, moves, runs_with_words
from wfm.ledger.store import RESTORABLE, item_of, items_with_agents, run_column, state_column

_CLAIMABLE = (OperationState.SCHEDULED, OperationState.APPLYING)


class Items(Settling):
    """Claim, skip, and what a person says."""

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
        """Takes up to `limit` pending items into `sending`, each with a run that begins now. The intent is committed.

        Gives nothing in the apply phase once somebody asked to stop or the operation has moved on. In the restore phase
        only agents that are or may be out are taken.
        """

        def work(connection: sa.Connection) -> list[Claim]:
            operation = self._locked(connection, operation_id)
            if phase is Phase.APPLY and not _may_apply(operation):
                return []
            taken = connection.execute(_pending(operation.id, phase).order_by(items.c.seq).limit(limit)).all()
            if not taken:
                return []
            way = words.make_way(
                self._db,
                connection,
                operation.tenant_id,
                route=route,
                action=action or "",
                via=via,
                call=call,
                client_id=operation.client_id,
            )
            claimed = [(row, new_id(now)) for row in taken]
            self._begin_runs(connection, operation, phase, way, claimed, now)
            self._take(connection, operation.id, phase, claimed, worker_id, now)
            begun = Counted(
                started_at=now,
                outcome=Outcome.SENDING.value,
                operation_id=operation.id,
                group_id=None,
                cause_id=None,
                phase=phase.value,
                route=route,
                action=action or "",
                client_id=operation.client_id,
                kind=None,
                code=None,
                status=None,
            )
            count_runs(connection, operation.tenant_id, come=[begun] * len(claimed))
            return [
                Claim(
                    item=item_of(
                        row,
                        **{state_column(phase).name: ItemState.SENDING.value, run_column(phase).name: run},
                        changed_at=now,
                    ),
                    run_id=encode(run),
                    sent_at=now,
                )
                for row, run in claimed
            ]

        return self._db.write(work)

    def _begin_runs(
        self, connection: sa.Connection, operation: Any, phase: Phase, way: int, claimed: list[tuple[Any, int]], now: datetime
    ) -> None:
        rows = [
            {
                "id": run,
                "tenant_id": operation.tenant_id,
                "operation_id": operation.id,
                "agent_no": item.agent_no,
                "way_id": way,
                "phase": phase.value,
                "outcome": Outcome.SENDING.value,
                "attempts": 0,
                "started_at": now,
                "note": "",
            }
            for item, run in claimed
        ]
        insert_rows(connection, runs, rows)

    def _take(
        self,
        connection: sa.Connection,
        number: int,
        phase: Phase,
        claimed: list[tuple[Any, int]],
        worker_id: str,
        now: datetime,
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
        self._count_items(connection, number, moves(phase, ((row, ItemState.SENDING) for row, _ in claimed)))

    def orphaned(self, operation_id: str, phase: Phase, *, worker_id: str | None = None) -> list[Claim]:
        """Items found in `sending`, with the runs that were begun: all, or those of one worker."""
        asked = (
            items_with_agents()
            .add_columns(runs.c.started_at.label("sent_at"))
            .join(runs, runs.c.id == run_column(phase))
            .where(items.c.operation_id == decode(operation_id), state_column(phase) == ItemState.SENDING.value)
        )
        if worker_id is not None:
            asked = asked.where(items.c.sender == worker_id)
        with self._db.read() as connection:
            found = connection.execute(asked.order_by(items.c.seq)).all()
        run_of = run_column(phase).name
        return [Claim(item=item_of(row), run_id=encode(getattr(row, run_of)), sent_at=row.sent_at) for row in found]

    # --- left alone, and settled by hand -----------------------------------------------------------------------------

    def skip(
        self, operation_id: str, phase: Phase, agent_reasons: Mapping[str, str] | None, reason: str, *, now: datetime
    ) -> int:
        """Leaves pending items alone: those named, each for its reason (`reason` where that is empty), or all that are
        left (None). Gives how many.
        """

        def work(connection: sa.Connection) -> int:
            operation = self._locked(connection, operation_id)
            pending = state_column(phase) == ItemState.PENDING.value
            if agent_reasons is None:
                condition = sa.and_(pending, items.c.apply_state.in_(_names(RESTORABLE))) if phase is Phase.RESTORE else pending
                return self._move_items(connection, operation.id, phase, condition, ItemState.SKIPPED, now, reason)
            moved = 0
            numbers = words.known_agents(connection, operation.tenant_id, agent_reasons)
            by_reason: dict[str, list[int]] = {}
            for agent_id, own in sorted(agent_reasons.items()):
                if agent_id in numbers:
                    by_reason.setdefault(own or reason, []).append(numbers[agent_id][0])
            for why, agent_numbers in by_reason.items():
                for some in words.batches(agent_numbers):
                    condition = sa.and_(pending, items.c.agent_no.in_(some))
                    moved += self._move_items(connection, operation.id, phase, condition, ItemState.SKIPPED, now, why)
            return moved

        return self._db.write(work)

    def settle_by_person(
        self, operation_id: str, phase: Phase, agent_id: str, outcome: ItemState, *, now: datetime, actor: str
    ) -> None:
        """A person says how an unconfirmed item ended, having looked: applied or failed. Raises NotFound, Refused."""
        if outcome not in (ItemState.APPLIED, ItemState.FAILED):
            raise ValueError("an unconfirmed item is settled as applied or failed")

        def work(connection: sa.Connection) -> None:
            operation = self._locked(connection, operation_id)
            found = connection.execute(
                items_with_agents().where(
                    items.c.operation_id == operation.id,
                    agents.c.agent_id == agent_id,
                )
            ).one_or_none()
            if found is None:
                raise NotFound(f"“{operation.title}” has no agent {agent_id!r}.")
            state = found._mapping[state_column(phase).name]
            if state != ItemState.UNCONFIRMED.value:
                raise Refused("state", f"{found.agent_name} is {state}: only an unconfirmed update is settled by hand.")
            run = connection.execute(runs_with_words().where(runs.c.id == found._mapping[run_column(phase).name])).one()
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
            self._event(connection, operation.id, now, actor, "settled", f"{found.agent_name}: {said}")

        self._db.write(work)


def _may_apply(operation: Any) -> bool:
    wanted = OperationState(operation.state) in _CLAIMABLE
    return wanted and not operation.cancel_requested and not operation.restore_requested


def _pending(number: int, phase: Phase) -> sa.Select[Any]:
    asked = items_with_agents().where(items.c.operation_id == number, state_column(phase) == ItemState.PENDING.value)
    return asked.where(items.c.apply_state.in_(_names(RESTORABLE))) if phase is Phase.RESTORE else asked


def _names(states: Iterable[ItemState]) -> list[str]:
    return [state.value for state in states]
