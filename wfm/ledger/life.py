"""The life of an operation: moved on by compare-and-set, changed by people, found when it is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, Refused
from wfm.domain.operations import Counts, ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.plans import RouteName
from wfm.ledger.ids import decode
from wfm.ledger.operations import STOPPED, Operations, held_by_others, holding, in_another_window
from wfm.ledger.schema import agents, causes, item_counts, items, operations, runs, tenants
from wfm.ledger.store import RESTORABLE

_S = OperationState

_OVER = (_S.RESTORED, _S.ENDED_EARLY, _S.CANCELLED, _S.FAILED, _S.FAILED_IN_PART, _S.CORRECTED)
"""Only a person's request starts anything more."""

_ASKED_FOR = (_S.RESTORED, _S.ENDED_EARLY, _S.FAILED, _S.FAILED_IN_PART, _S.CORRECTED)
"""Reaching one of these fulfils what a person had asked for."""

_EVENTS: Mapping[OperationState, tuple[str, str]] = {
    _S.SCHEDULED: ("scheduled", "Scheduled."),
    _S.APPLYING: ("started", "Taking agents out."),
    _S.IN_EFFECT: ("applied", "All sent; the window is in effect."),
    _S.RESTORING: ("restoring", "Putting agents back."),
    _S.RESTORED: ("restored", "Restored."),
    _S.ENDED_EARLY: ("ended_early", "Ended early."),
    _S.HALTED: ("halted", "Halted."),
    _S.CANCELLED: ("cancelled", "Cancelled."),
    _S.FAILED: ("failed", "Nobody could be taken out."),
    _S.FAILED_IN_PART: ("failed_in_part", "Ended; some agents are not back."),
    _S.CORRECTED: ("corrected", "Corrected."),
}

_CORRECTION_EVENTS: Mapping[OperationState, tuple[str, str]] = {
    **_EVENTS,
    _S.APPLYING: ("started", "Correcting adherence."),
    _S.RESTORING: ("restoring", "Undoing the correction."),
    _S.FAILED: ("failed", "Nobody could be corrected."),
    _S.FAILED_IN_PART: ("failed_in_part", "Some corrections are not undone."),
}
"""A correction of the past takes nobody out and puts nobody back."""

_TRIED_AGAIN: Mapping[Phase, tuple[OperationState, ...]] = {
    Phase.APPLY: (_S.HALTED, _S.IN_EFFECT, _S.FAILED, _S.CORRECTED),
    Phase.RESTORE: (_S.FAILED_IN_PART, _S.RESTORING, _S.IN_EFFECT, _S.HALTED, _S.CANCELLED),
}
"""States in which what failed in a phase may be tried again."""

PASSING = frozenset({Kind.RATE_LIMITED, Kind.TIMEOUT, Kind.UPSTREAM_UNAVAILABLE, Kind.SERVER_ERROR})
"""Kinds of failure that say nothing against the update itself."""

_STAMPS = frozenset({"started_at", "applied_at", "restore_started_at", "ended_at", "halt_reason"})


class Life(Operations):
    """What becomes of an operation."""

    # --- the worker --------------------------------------------------------------------------------------------------

    def move(
        self,
        operation_id: str,
        from_states: Collection[OperationState],
        to_state: OperationState,
        *,
        now: datetime,
        actor: str = "worker",
        event: str = "",
        **stamps: Any,
    ) -> bool:
        """Moves an operation on if it is in one of `from_states`; whether it was. Writes an event if the state changes.

        `stamps` are started_at, applied_at, restore_started_at, ended_at, halt_reason. The end of a restore also fulfils
        a request to restore.
        """
        if unknown := set(stamps) - _STAMPS:
            raise ValueError(f"no such stamps: {sorted(unknown)}")
        return self._db.write(
            lambda connection: self._move(connection, operation_id, from_states, to_state, now, actor, event, stamps)
        )

    def _move(
        self,
        connection: sa.Connection,
        operation_id: str,
        from_states: Collection[OperationState],
        to_state: OperationState,
        now: datetime,
        actor: str,
        event: str,
        stamps: dict[str, Any],
    ) -> bool:
        row = self._locked(connection, operation_id)
        if OperationState(row.state) not in from_states:
            return False
        changes = {"state": to_state.value, **stamps}
        if to_state in _ASKED_FOR:
            changes["restore_requested"] = False
        connection.execute(sa.update(operations).where(operations.c.id == row.id).values(changes))
        if row.state != to_state.value or event:
            events = _CORRECTION_EVENTS if row.route == RouteName.ADHERENCE.value else _EVENTS
            kind, sentence = events[to_state]
            self._event(connection, row.id, now, actor, kind, event or sentence)
        return True

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
            tenant = self._known_tenant(connection, tenant_key)
            found = self._read_operations(
                connection,
                operations.c.tenant_id == tenant,
                sa.or_(
                    operations.c.state.in_(busy),
                    sa.and_(operations.c.state.in_([state.value for state in STOPPED]), someone_waits),
                    sa.and_(operations.c.state == _S.CORRECTED.value, operations.c.restore_requested),
                ),
            )
        waiting = ((_when(operation), operation) for operation in found)
        return [(when[0], when[1], operation) for when, operation in waiting if when is not None]

    # --- people ------------------------------------------------------------------------------------------------------

    def revise_window(self, operation_id: str, *, end: datetime, now: datetime, actor: str, note: str = "") -> Operation:
        """Moves the end of the window. Raises BadInput, Refused (over already, or an agent is in another window then)."""

        def work(connection: sa.Connection) -> Operation:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, [state for state in OperationState if state not in _OVER], "Its window can't be moved any more")
            if end <= max(now, row.window_start):
                raise BadInput("window end", f"{end:%Y-%m-%d %H:%M} UTC", "a time after now and after the start")
            self._refuse_held(connection, row, row.window_start, end)
            changes = {"window_end": end, "revision": row.revision + 1}
            connection.execute(sa.update(operations).where(operations.c.id == row.id).values(changes))
            moved = f"End moved from {row.window_end:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."
            self._event(connection, row.id, now, actor, "revised", f"{moved} {note}".strip())
            return self._operation_now(connection, row.id)

        return self._db.write(work)

    def request_cancel(self, operation_id: str, *, now: datetime, actor: str) -> Operation:
        """Cancels what has not started, at once; stops what is being applied and has those already out put back.

        Raises Refused("state") for an operation that is past that.
        """

        def work(connection: sa.Connection) -> Operation:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, [_S.SCHEDULED, _S.APPLYING], "It can't be cancelled; end it now or restore it instead")
            changes: dict[str, Any] = {"cancel_requested": True}
            if row.state == _S.SCHEDULED.value:
                changes |= {"state": _S.CANCELLED.value, "ended_at": now}
                pending = items.c.apply_state == ItemState.PENDING.value
                self._move_items(connection, row.id, Phase.APPLY, pending, ItemState.SKIPPED, now, SkipReason.CANCELLED.value)
                self._event(connection, row.id, now, actor, "cancelled", "Cancelled before it started.")
            elif not row.cancel_requested:
                changes["restore_requested"] = True
                self._event(
                    connection, row.id, now, actor, "cancel_requested", "Asked to stop; agents already out are put back."
                )
            connection.execute(sa.update(operations).where(operations.c.id == row.id).values(changes))
            return self._operation_now(connection, row.id)

        return self._db.write(work)

    def request_restore(self, operation_id: str, *, now: datetime, actor: str, early: bool) -> Operation:
        """Has agents put back now. `early` says that the window is ended before its time.

        Of one that failed in part, those who are not back are tried again. Raises Refused("state") for an operation that
        has not started or in which nobody is left to put back.
        """
        may = [_S.APPLYING, _S.IN_EFFECT, _S.RESTORING, _S.HALTED, _S.CANCELLED, _S.CORRECTED, _S.FAILED_IN_PART]

        def work(connection: sa.Connection) -> Operation:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, may, "There is nobody to put back through it")
            counts = self._counts(connection, [row.id])[row.id]
            if row.state == _S.FAILED_IN_PART.value:
                if not self._requeue(connection, row, Phase.RESTORE, now, actor):
                    raise Refused(
                        "state",
                        f"Of “{row.title}” only unconfirmed agents are left. The worker reads them again about a minute after "
                        "they were sent, and whom it finds still out can be restored then; or look at each and say on the "
                        "window's page how it ended.",
                    )
            elif row.state in (_S.HALTED.value, _S.CANCELLED.value) and not _someone_waits(counts):
                raise Refused("state", f"“{row.title}” is {row.state}. There is nobody to put back through it.")
            elif not row.restore_requested:
                kind, said = ("end_requested", "Asked to end now and put everybody back.")
                if not early:
                    undo = row.route == RouteName.ADHERENCE.value
                    kind, said = ("restore_requested", "Asked to undo it." if undo else "Asked to put everybody back.")
                connection.execute(sa.update(operations).where(operations.c.id == row.id).values(restore_requested=True))
                self._event(connection, row.id, now, actor, kind, said)
            return self._operation_now(connection, row.id)

        return self._db.write(work)

    def requeue_failed(self, operation_id: str, phase: Phase, *, now: datetime, actor: str, passing_only: bool = False) -> int:
        """Puts what failed in a phase back to pending as a new revision; gives how many, 0 when nothing had failed.

        In the apply phase that includes agents who were not sent because the operation was halted. Raises Refused for a
        state in which that can't be, a window that is over, or an agent who is in another window by now.

        With `passing_only` only what failed for a cause that may pass by itself (see `failed_in_passing`).
        """

        def work(connection: sa.Connection) -> int:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, _TRIED_AGAIN[phase], "What failed in it can't be tried again")
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
        again = _to_try_again(phase)
        if passing_only:
            again = sa.and_(again, _in_passing(row.id, phase))
        changes: dict[str, Any] = {"revision": row.revision + 1, "ended_at": None, "cancel_requested": False}
        if phase is Phase.APPLY:
            if row.route != RouteName.ADHERENCE.value and row.window_end <= now:
                raise Refused("state", f"“{row.title}” is over: plan a new window for these agents.")
            self._refuse_held(connection, row, row.window_start, row.window_end, again)
            changes |= {"state": _S.APPLYING.value, "restore_requested": False, "halt_reason": ""}
        else:
            changes |= {"state": _S.RESTORING.value}
        moved = self._move_items(connection, row.id, phase, again, ItemState.PENDING, now, "")
        if moved:
            connection.execute(sa.update(operations).where(operations.c.id == row.id).values(changes))
            who = "1 agent" if moved == 1 else f"{moved} agents"
            said = f"Trying {who} again: what was in the way may have passed." if passing_only else f"Asked to try {who} again."
            self._event(connection, row.id, now, actor, "retried", said)
        return moved

    def _refuse_held(
        self, connection: sa.Connection, row: sa.Row[Any], start: datetime, end: datetime, *conditions: Any
    ) -> None:
        """Refuses when one of the operation's agents that it holds (or meets the conditions) is in another window."""
        ours = sa.select(agents.c.agent_id, agents.c.name).join(items, items.c.agent_no == agents.c.id)
        holds = conditions or (holding(),)
        tenant_key = connection.scalar(sa.select(tenants.c.key).where(tenants.c.id == row.tenant_id))
        self._db.lock(connection, "operations", tenant_key)
        found = connection.execute(ours.where(items.c.operation_id == row.id, *holds))
        names = {row.agent_id: row.name for row in found}
        held = held_by_others(connection, row.tenant_id, start, end, names.keys(), row.id)
        if held:
            raise in_another_window(held, names)

    def _move_items(
        self,
        connection: sa.Connection,
        number: int,
        phase: Phase,
        condition: sa.ColumnElement[bool],
        to_state: ItemState,
        now: datetime,
        reason: str | None,
    ) -> int:
        """Moves all items that meet a condition to a state of a phase, with their counters. The operation is locked."""
        which = sa.and_(items.c.operation_id == number, condition)
        pair = (items.c.apply_state, items.c.restore_state)
        found = connection.execute(sa.select(*pair, sa.func.count()).where(which).group_by(*pair)).all()
        column = "apply_state" if phase is Phase.APPLY else "restore_state"
        values = {column: to_state.value, "changed_at": now, "sender": ""}
        if reason is not None:
            values["skip_reason"] = reason
        connection.execute(sa.update(items).where(which).values(values))
        changes: dict[tuple[str, str], int] = {}
        for apply, restore, n in found:
            after = (to_state.value, restore) if phase is Phase.APPLY else (apply, to_state.value)
            changes[apply, restore] = changes.get((apply, restore), 0) - n
            changes[after] = changes.get(after, 0) + n
        self._count_items(connection, number, changes)
        return sum(n for _, _, n in found)


def _when(operation: Operation) -> tuple[datetime, Phase] | None:
    """When the next step of an operation is due, and which; None when nothing happens by itself."""
    stop = operation.cancel_requested or operation.restore_requested
    by_clock = operation.route is not RouteName.ADHERENCE
    if operation.state in (_S.SCHEDULED, _S.APPLYING) and not stop:
        return operation.window.start, Phase.APPLY
    at_once = operation.state is _S.RESTORING or operation.state is _S.APPLYING or operation.restore_requested
    if at_once:
        return operation.window.start, Phase.RESTORE
    return (operation.window.end, Phase.RESTORE) if by_clock else None


def _to_try_again(phase: Phase) -> sa.ColumnElement[bool]:
    if phase is Phase.RESTORE:
        restorable = items.c.apply_state.in_([state.value for state in RESTORABLE])
        return sa.and_(items.c.restore_state == ItemState.FAILED.value, restorable)
    not_sent = sa.and_(items.c.apply_state == ItemState.SKIPPED.value, items.c.skip_reason == SkipReason.HALTED.value)
    return sa.or_(items.c.apply_state == ItemState.FAILED.value, not_sent)


def _in_passing(number: int, phase: Phase) -> sa.ColumnElement[bool]:
    """Items whose last run failed for a cause that may pass."""
    last = items.c.apply_run if phase is Phase.APPLY else items.c.restore_run
    worth = sa.or_(runs.c.kind.in_([kind.value for kind in PASSING]), causes.c.retryable)
    told = sa.select(runs.c.id).outerjoin(causes, causes.c.id == runs.c.cause_id)
    return last.in_(told.where(runs.c.operation_id == number, worth))


def _refuse_unless(row: sa.Row[Any], states: Collection[OperationState], sentence: str) -> None:
    state = OperationState(row.state)
    if state not in states:
        raise Refused("state", f"“{row.title}” is {state.value}. {sentence}.")


def _someone_waits(counts: Counts) -> bool:
    return bool(counts.restore[ItemState.PENDING] or counts.restore[ItemState.SENDING])
