"""The life of an operation: moved on by compare-and-set, changed by people, found when it is due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import BadInput, Refused
from wfm.domain.operations import ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.plans import RouteName
from wfm.ledger.database import Database
from wfm.ledger.held_agents import STOPPED, held_by_others, holding, in_another_window
from wfm.ledger.ids import decode
from wfm.ledger.item_rows import RESTORABLE, counts_by_operation, move_items, restorable, run_column
from wfm.ledger.operation_rows import add_event, change_operation, lock_operation
from wfm.ledger.operations import Operations
from wfm.ledger.schema import agents, causes, item_counts, items, operations, runs, tenants
from wfm.ledger.tenants import Tenants
from wfm.ledger.transitions import FULFILS_RESTORE, PASSING_KINDS, TIMESTAMPS, Trigger, next_step, state_after, told_of

_S = OperationState


class Lifecycle:
    """What becomes of operations. What is possible in which state is in `transitions`."""

    def __init__(self, db: Database, tenants: Tenants, operations: Operations) -> None:
        self._db, self._tenants, self._operations = db, tenants, operations

    # --- the worker --------------------------------------------------------------------------------------------------

    def transition(
        self,
        operation_id: str,
        from_states: Collection[OperationState],
        to_state: OperationState,
        *,
        now: datetime,
        actor: str = "worker",
        event: str = "",
        halt_reason: str | None = None,
        **timestamps: datetime | None,
    ) -> bool:
        """Move an operation on if it is in one of `from_states`; whether it was. Adds an event if the state changes.

        `timestamps` are started_at, applied_at, restore_started_at, ended_at. The end of a restore also fulfils a request
        to restore.
        """
        if unknown := timestamps.keys() - TIMESTAMPS:
            raise ValueError(f"no such timestamps: {sorted(unknown)}")

        def work(connection: sa.Connection) -> bool:
            row = lock_operation(connection, operation_id)
            if OperationState(row.state) not in from_states:
                return False
            changes: dict[str, Any] = {"state": to_state.value, **timestamps}
            if halt_reason is not None:
                changes["halt_reason"] = halt_reason
            if to_state in FULFILS_RESTORE:
                changes["restore_requested"] = False
            change_operation(connection, row.id, **changes)
            if row.state != to_state.value or event:
                kind, sentence = told_of(to_state, row.route)
                add_event(connection, row.id, now, actor, kind, event or sentence)
            return True

        return self._db.write(work)

    def due(self, tenant_key: str, now: datetime) -> list[tuple[Operation, Phase]]:
        """Operations with something to do at `now`, restores first, then by time; each once.

        Apply: scheduled or applying, the window has begun, nobody asked to stop. Restore: in effect, halted, or cancelled
        with agents out, when the window is over or somebody asked; restoring; applying when somebody asked to stop.
        Corrections of adherence are restored only when somebody asks.
        """
        due = [(when, phase, operation) for when, phase, operation in self._waiting(tenant_key) if when <= now]
        due.sort(key=lambda one: (one[1] is Phase.APPLY, one[0], one[2].id))
        return [(operation, phase) for _, phase, operation in due]

    def next_due(self, tenant_key: str, now: datetime) -> datetime | None:
        """When the next thing is due: `now` when something is due already, None when nothing waits."""
        return min((max(when, now) for when, _, _ in self._waiting(tenant_key)), default=None)

    def _waiting(self, tenant_key: str) -> list[tuple[datetime, Phase, Operation]]:
        someone_waits = sa.exists().where(
            item_counts.c.operation_id == operations.c.id,
            item_counts.c.apply_state.in_([state.value for state in RESTORABLE]),
            item_counts.c.restore_state.in_([ItemState.PENDING.value, ItemState.SENDING.value]),
            item_counts.c.n > 0,
        )
        busy = [state.value for state in (_S.SCHEDULED, _S.APPLYING, _S.IN_EFFECT, _S.RESTORING)]
        with self._db.read() as connection:
            found = self._operations.read(
                connection,
                operations.c.tenant_id == self._tenants.known(connection, tenant_key),
                sa.or_(
                    operations.c.state.in_(busy),
                    sa.and_(operations.c.state.in_([state.value for state in STOPPED]), someone_waits),
                    sa.and_(operations.c.state == _S.CORRECTED.value, operations.c.restore_requested),
                ),
            )
        return [(*step, operation) for operation in found if (step := next_step(operation)) is not None]

    # --- people ------------------------------------------------------------------------------------------------------

    def revise_window(self, operation_id: str, *, end: datetime, now: datetime, actor: str, note: str = "") -> Operation:
        """Move the end of the window. Raises BadInput, Refused (over already, or an agent is in another window then)."""

        def work(connection: sa.Connection) -> Operation:
            row = lock_operation(connection, operation_id)
            state_after(Trigger.REVISE, row.state, row.title)
            if end <= max(now, row.window_start):
                raise BadInput("window end", f"{end:%Y-%m-%d %H:%M} UTC", "a time after now and after the start")
            self._refuse_held(connection, row, end, holding())
            change_operation(connection, row.id, window_end=end, revision=row.revision + 1)
            moved = f"End moved from {row.window_end:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."
            add_event(connection, row.id, now, actor, "revised", f"{moved} {note}".strip())
            return self._operations.read_one(connection, row.id)

        return self._db.write(work)

    def request_cancel(self, operation_id: str, *, now: datetime, actor: str) -> Operation:
        """Cancel what has not started, at once; stop what is being applied and have those already out put back.

        Raises Refused("state") for an operation that is past that.
        """

        def work(connection: sa.Connection) -> Operation:
            row = lock_operation(connection, operation_id)
            state = state_after(Trigger.CANCEL, row.state, row.title)
            changes: dict[str, Any] = {"cancel_requested": True}
            if state is _S.CANCELLED:
                changes |= {"state": state.value, "ended_at": now}
                pending = items.c.apply_state == ItemState.PENDING.value
                move_items(connection, row.id, Phase.APPLY, pending, ItemState.SKIPPED, now, SkipReason.CANCELLED.value)
                add_event(connection, row.id, now, actor, "cancelled", "Cancelled before it started.")
            elif not row.cancel_requested:
                changes["restore_requested"] = True
                said = "Asked to stop; agents already out are restored."
                add_event(connection, row.id, now, actor, "cancel_requested", said)
            change_operation(connection, row.id, **changes)
            return self._operations.read_one(connection, row.id)

        return self._db.write(work)

    def request_restore(self, operation_id: str, *, now: datetime, actor: str, early: bool) -> Operation:
        """Have agents put back now. `early` says that the window is ended before its time.

        Of one that failed in part, those who are not back are tried again. Raises Refused("state") for an operation that
        has not started or in which nobody is left to put back.
        """

        def work(connection: sa.Connection) -> Operation:
            row = lock_operation(connection, operation_id)
            state_after(Trigger.RESTORE, row.state, row.title)
            if row.state == _S.FAILED_IN_PART.value:
                if not self._requeue(connection, row, Phase.RESTORE, now, actor):
                    raise Refused(
                        "state",
                        f"Of “{row.title}” only unconfirmed agents are left. The worker reads them again about a minute after "
                        "they were sent, and whom it finds still out can be restored then; or look at each and say on the "
                        "window's page how it ended.",
                    )
            elif row.state in (_S.HALTED.value, _S.CANCELLED.value) and not _someone_waits(connection, row.id):
                raise Refused("state", f"“{row.title}” is {row.state}. No agent is left to restore through it.")
            elif not row.restore_requested:
                kind, said = ("end_requested", "Asked to end now and restore all agents.")
                if not early:
                    by_clock = RouteName(row.route).undoable_by_clock
                    kind, said = ("restore_requested", "Asked to restore all agents." if by_clock else "Asked to undo it.")
                change_operation(connection, row.id, restore_requested=True)
                add_event(connection, row.id, now, actor, kind, said)
            return self._operations.read_one(connection, row.id)

        return self._db.write(work)

    def requeue_failed(self, operation_id: str, phase: Phase, *, now: datetime, actor: str, passing_only: bool = False) -> int:
        """Put what failed in a phase back to pending as a new revision; gives how many, 0 when nothing had failed.

        In the apply phase that includes agents who were not sent because the operation was halted. Raises Refused for a
        state in which that can't be, a window that is over, or an agent who is in another window by now.

        With `passing_only` only what failed for a cause that may pass by itself (see `failed_in_passing`).
        """

        def work(connection: sa.Connection) -> int:
            row = lock_operation(connection, operation_id)
            return self._requeue(connection, row, phase, now, actor, passing_only)

        return self._db.write(work)

    def failed_in_passing(self, operation_id: str, phase: Phase) -> int:
        """How many failed in a phase for a cause that may pass by itself: the tenant was out of reach, too slow, at fault."""
        number = decode(operation_id)
        if number is None:
            return 0
        with self._db.read() as connection:
            which = sa.and_(items.c.operation_id == number, _to_try_again(phase), _in_passing(number, phase))
            return connection.scalar(sa.select(sa.func.count()).select_from(items).where(which)) or 0

    def _requeue(
        self, connection: sa.Connection, row: sa.Row[Any], phase: Phase, now: datetime, actor: str, passing_only: bool = False
    ) -> int:
        trigger = Trigger.RETRY_APPLY if phase is Phase.APPLY else Trigger.RETRY_RESTORE
        changes: dict[str, Any] = {
            "state": state_after(trigger, row.state, row.title).value,
            "revision": row.revision + 1,
            "ended_at": None,
            "cancel_requested": False,
        }
        again = _to_try_again(phase)
        if passing_only:
            again = sa.and_(again, _in_passing(row.id, phase))
        if phase is Phase.APPLY:
            if RouteName(row.route).undoable_by_clock and row.window_end <= now:
                raise Refused("state", f"“{row.title}” is over: plan a new window for these agents.")
            self._refuse_held(connection, row, row.window_end, again)
            changes |= {"restore_requested": False, "halt_reason": "", "restore_started_at": None}
        moved = move_items(connection, row.id, phase, again, ItemState.PENDING, now, "")
        if moved:
            change_operation(connection, row.id, **changes)
            who = "1 agent" if moved == 1 else f"{moved} agents"
            said = f"Trying {who} again: what was in the way may have passed." if passing_only else f"Asked to try {who} again."
            add_event(connection, row.id, now, actor, "retried", said)
        return moved

    def _refuse_held(
        self, connection: sa.Connection, row: sa.Row[Any], end: datetime, condition: sa.ColumnElement[bool]
    ) -> None:
        """Refuse when one of the operation's agents that meets the condition is in another window before `end`."""
        tenant_key = connection.scalar(sa.select(tenants.c.key).where(tenants.c.id == row.tenant_id))
        self._db.lock(connection, "operations", tenant_key)
        ours = sa.select(agents.c.agent_id, agents.c.name).join(items, items.c.agent_no == agents.c.id)
        found = connection.execute(ours.where(items.c.operation_id == row.id, condition))
        names = {agent.agent_id: agent.name for agent in found}
        held = held_by_others(connection, row.tenant_id, row.window_start, end, names.keys(), row.id)
        if held:
            raise in_another_window(held, names)


def _to_try_again(phase: Phase) -> sa.ColumnElement[bool]:
    if phase is Phase.RESTORE:
        return sa.and_(items.c.restore_state == ItemState.FAILED.value, restorable())
    not_sent = sa.and_(items.c.apply_state == ItemState.SKIPPED.value, items.c.skip_reason == SkipReason.HALTED.value)
    return sa.or_(items.c.apply_state == ItemState.FAILED.value, not_sent)


def _in_passing(number: int, phase: Phase) -> sa.ColumnElement[bool]:
    """Items whose last run failed for a cause that may pass."""
    worth = sa.or_(runs.c.kind.in_([kind.value for kind in PASSING_KINDS]), causes.c.retryable)
    told = sa.select(runs.c.id).outerjoin(causes, causes.c.id == runs.c.cause_id)
    return run_column(phase).in_(told.where(runs.c.operation_id == number, worth))


def _someone_waits(connection: sa.Connection, number: int) -> bool:
    restore = counts_by_operation(connection, [number])[number].restore
    return bool(restore[ItemState.PENDING] or restore[ItemState.SENDING])
