"""Operations: made once, moved by compare-and-set, changed by people, found when they are due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import BadInput, NotFound, Refused
from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.plans import RouteName
from wfm.ledger import words
from wfm.ledger.ids import decode, encode, new_id
from wfm.ledger.records import NewOperation
from wfm.ledger.schema import agents, blocked, item_counts, items, operations, tenants
from wfm.ledger.search import fold
from wfm.ledger.store import RESTORABLE, Store, item_of, items_with_agents

_S = OperationState

_STOPPED = (_S.HALTED, _S.CANCELLED)
"""Nothing more is sent to take agents out, but some may be out until the window ends."""

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

_STAMPS = frozenset({"started_at", "applied_at", "restore_started_at", "ended_at", "halt_reason"})

_SHOWN_DIFFERENCES = 20

Held = dict[str, tuple[str, str]]


class Operations(Store):
    """What was asked."""

    def create_operation(self, new: NewOperation, now: datetime) -> Operation:
        """Stores a plan that is applied, with its items, once for each `request_token`.

        Raises Refused("in_another_window") when another window holds one of its agents at an overlapping time, with a
        sentence an agent as differences; Refused("nobody_ready") without items; BadInput for an agent given twice.
        """
        names = {item.agent_id: item.agent_name for item in new.items}
        if not names:
            raise Refused("nobody_ready", "There is nobody to write: every agent of the plan is blocked.")
        if len(names) != len(new.items):
            raise BadInput("agents", "an agent given twice", "each agent once")
        return self._db.write(lambda connection: self._create(connection, new, names, now))

    def _create(self, connection: sa.Connection, new: NewOperation, names: dict[str, str], now: datetime) -> Operation:
        tenant = self._tenant(connection, new.tenant_key)
        self._db.lock(connection, "operations", new.tenant_key)
        token = new.request_token or None
        same_token = (operations.c.tenant_id == tenant, operations.c.request_token == token)
        if token and (earlier := self._read_operations(connection, *same_token)):
            return earlier[0]
        numbers = words.make_agents(self._db, connection, tenant, names)
        held = _held(connection, tenant, new.window.start, new.window.end, names.keys(), None)
        if held:
            raise _in_another_window(held, names)
        number = new_id(now)
        connection.execute(sa.insert(operations).values(_new_row(new, number, tenant, token, now)))
        rows = [
            {
                "operation_id": number,
                "seq": seq,
                "agent_no": numbers[item.agent_id],
                "before": item.before.value if item.before else None,
                "marker": None,
                "apply_state": ItemState.PENDING.value,
                "restore_state": ItemState.PENDING.value,
                "skip_reason": "",
                "fate": item.fate,
                "apply_run": None,
                "restore_run": None,
                "sender": "",
                "changed_at": None,
            }
            for seq, item in enumerate(new.items, start=1)
        ]
        for some in words.batches(rows, 5_000):
            connection.execute(sa.insert(items), some)
        left_out: list[dict[str, Any]] = [
            {"operation_id": number, "seq": seq, "agent_id": agent_id, "name": name, "why": why}
            for seq, (agent_id, name, why) in enumerate(new.blocked, start=1)
        ]
        for others in words.batches(left_out, 5_000):
            connection.execute(sa.insert(blocked), others)
        self._count_items(connection, number, {(ItemState.PENDING, ItemState.PENDING): len(rows)})
        self._event(connection, number, now, new.created_by, "created", _created_sentence(new))
        return self._operation_now(connection, number)

    # --- reading -----------------------------------------------------------------------------------------------------

    def operation(self, tenant_key: str, operation_id: str) -> Operation:
        """One operation of this tenant. Raises NotFound."""
        number = decode(operation_id)
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            if number is not None and tenant is not None:
                found = self._read_operations(connection, operations.c.id == number, operations.c.tenant_id == tenant)
                if found:
                    return found[0]
        raise NotFound(f"There is no operation {operation_id!r} in this tenant.")

    def operations(
        self, tenant_key: str, *, states: Collection[OperationState] | None = None, limit: int = 100, before: str | None = None
    ) -> list[Operation]:
        """Operations of this tenant, newest first; `before` is the id of the last one of the page before."""
        with self._db.read() as connection:
            conditions: list[Any] = [operations.c.tenant_id == self._known_tenant(connection, tenant_key)]
            if states is not None:
                conditions.append(operations.c.state.in_([state.value for state in states]))
            if before is not None:
                number = decode(before)
                if number is None:
                    raise BadInput("before", before, "the id of an operation")
                conditions.append(operations.c.id < number)
            return self._read_operations(connection, *conditions, limit=limit)

    def counts(self, operation_ids: Collection[str]) -> dict[str, Counts]:
        """Where the items of these operations stand, from counters. Ids of nothing have no items."""
        numbers = {operation_id: decode(operation_id) for operation_id in operation_ids}
        with self._db.read() as connection:
            found = self._counts(connection, [number for number in numbers.values() if number is not None])
        nothing = Counts(apply=dict.fromkeys(ItemState, 0), restore=dict.fromkeys(ItemState, 0), still_out=0)
        return {key: nothing if number is None else found[number] for key, number in numbers.items()}

    def blocked(self, operation_id: str) -> list[tuple[str, str, str]]:
        """Agents left out when it was planned: agent id or given word, name, why."""
        asked = sa.select(blocked.c.agent_id, blocked.c.name, blocked.c.why).where(
            blocked.c.operation_id == decode(operation_id)
        )
        with self._db.read() as connection:
            return [(agent_id, name, why) for agent_id, name, why in connection.execute(asked.order_by(blocked.c.seq))]

    def items(
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

    def held_agents(
        self,
        tenant_key: str,
        start: datetime,
        end: datetime,
        agent_ids: Collection[str] | None = None,
        except_operation: str | None = None,
    ) -> Held:
        """Agents that a window overlapping [start, end) holds: its id and title by agent id.

        An open window holds an agent whose item is pending, sending, applied or unconfirmed and not restored; one that
        was halted or cancelled still holds those who are out through it.
        """
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            if tenant is None:
                return {}
            spared = decode(except_operation) if except_operation else None
            return _held(connection, tenant, start, end, agent_ids, spared)

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
            kind, sentence = _EVENTS[to_state]
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
        """When the next thing is due (not after `now` when something is), None when nothing waits."""
        return min((when for when, _, _ in self._waiting(tenant_key)), default=None)

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
                    sa.and_(operations.c.state.in_([state.value for state in _STOPPED]), someone_waits),
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

        Raises Refused("state") for an operation that has not started or in which nobody is left to put back.
        """
        may = [_S.APPLYING, _S.IN_EFFECT, _S.RESTORING, _S.HALTED, _S.CANCELLED, _S.CORRECTED]

        def work(connection: sa.Connection) -> Operation:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, may, "There is nobody to put back through it")
            if not row.restore_requested:
                kind, said = ("end_requested", "Asked to end now and put everybody back.")
                if not early:
                    kind, said = ("restore_requested", "Asked to put everybody back.")
                connection.execute(sa.update(operations).where(operations.c.id == row.id).values(restore_requested=True))
                self._event(connection, row.id, now, actor, kind, said)
            return self._operation_now(connection, row.id)

        return self._db.write(work)

    def requeue_failed(self, operation_id: str, phase: Phase, *, now: datetime, actor: str) -> int:
        """Puts what failed in a phase back to pending as a new revision; gives how many, 0 when nothing had failed.

        In the apply phase that includes agents who were not sent because the operation was halted. Raises Refused for a
        state in which that can't be, a window that is over, or an agent who is in another window by now.
        """
        may = {
            Phase.APPLY: [_S.HALTED, _S.IN_EFFECT, _S.FAILED, _S.CORRECTED],
            Phase.RESTORE: [_S.FAILED_IN_PART, _S.RESTORING, _S.IN_EFFECT, _S.HALTED, _S.CANCELLED],
        }[phase]

        def work(connection: sa.Connection) -> int:
            row = self._locked(connection, operation_id)
            _refuse_unless(row, may, "What failed in it can't be tried again")
            correction = row.route == RouteName.ADHERENCE.value
            if phase is Phase.APPLY and not correction and row.window_end <= now:
                raise Refused("state", f"“{row.title}” is over: plan a new window for these agents.")
            again = _to_try_again(phase)
            if phase is Phase.APPLY:
                self._refuse_held(connection, row, row.window_start, row.window_end, again)
            moved = self._move_items(connection, row.id, phase, again, ItemState.PENDING, now, "")
            if moved:
                state = _S.APPLYING if phase is Phase.APPLY else _S.RESTORING
                changes = {"state": state.value, "revision": row.revision + 1, "ended_at": None, "cancel_requested": False}
                changes |= {"restore_requested": False, "halt_reason": ""} if phase is Phase.APPLY else {}
                connection.execute(sa.update(operations).where(operations.c.id == row.id).values(changes))
                self._event(connection, row.id, now, actor, "retried", f"Asked to try {moved} agents again.")
            return moved

        return self._db.write(work)

    def _refuse_held(
        self, connection: sa.Connection, row: sa.Row[Any], start: datetime, end: datetime, *conditions: Any
    ) -> None:
        """Refuses when one of the operation's agents that it holds (or meets the conditions) is in another window."""
        ours = sa.select(agents.c.agent_id, agents.c.name).join(items, items.c.agent_no == agents.c.id)
        holds = conditions or (_holding(),)
        tenant_key = connection.scalar(sa.select(tenants.c.key).where(tenants.c.id == row.tenant_id))
        self._db.lock(connection, "operations", tenant_key)
        found = connection.execute(ours.where(items.c.operation_id == row.id, *holds))
        names = {row.agent_id: row.name for row in found}
        held = _held(connection, row.tenant_id, start, end, names.keys(), row.id)
        if held:
            raise _in_another_window(held, names)

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


def _holding() -> sa.ColumnElement[bool]:
    """Whether an item holds its agent."""
    out = [ItemState.PENDING, ItemState.SENDING, ItemState.APPLIED, ItemState.UNCONFIRMED]
    return sa.and_(
        items.c.apply_state.in_([state.value for state in out]),
        items.c.restore_state.not_in([ItemState.APPLIED.value, ItemState.SKIPPED.value]),
    )


def _held(
    connection: sa.Connection,
    tenant: int,
    start: datetime,
    end: datetime,
    agent_ids: Collection[str] | None,
    except_number: int | None,
) -> Held:
    stopped = operations.c.state.in_([state.value for state in _STOPPED])
    rivals = sa.select(operations.c.id, operations.c.title, stopped.label("stopped")).where(
        operations.c.tenant_id == tenant,
        operations.c.state.in_([state.value for state in (*OPEN_STATES, *_STOPPED)]),
        operations.c.window_start < end,
        operations.c.window_end > start,
    )
    if except_number is not None:
        rivals = rivals.where(operations.c.id != except_number)
    held: Held = {}
    wanted = None if agent_ids is None else set(agent_ids)
    for number, title, is_stopped in connection.execute(rivals.order_by(operations.c.id)).all():
        asked = sa.select(agents.c.agent_id).join(items, items.c.agent_no == agents.c.id)
        asked = asked.where(items.c.operation_id == number, _holding())
        if is_stopped:
            asked = asked.where(items.c.apply_state != ItemState.PENDING.value)
        for agent_id in connection.scalars(asked):
            if wanted is None or agent_id in wanted:
                held.setdefault(agent_id, (encode(number), title))
    return held


def _in_another_window(held: Held, names: Mapping[str, str]) -> Refused:
    sentences = [f"{names.get(agent_id) or agent_id} is in “{title}”." for agent_id, (_, title) in sorted(held.items())]
    more = len(sentences) - _SHOWN_DIFFERENCES
    if more > 0:
        sentences = [*sentences[:_SHOWN_DIFFERENCES], f"And {more} more."]
    who = "1 agent is" if len(held) == 1 else f"{len(held)} agents are"
    return Refused("in_another_window", f"{who} in another window at that time. Nothing was written.", tuple(sentences))


def _refuse_unless(row: sa.Row[Any], states: Collection[OperationState], sentence: str) -> None:
    state = OperationState(row.state)
    if state not in states:
        raise Refused("state", f"“{row.title}” is {state.value}. {sentence}.")


def _created_sentence(new: NewOperation) -> str:
    left_out = f", {len(new.blocked)} left out" if new.blocked else ""
    return f"{'Rehearsal planned' if new.rehearsal else 'Planned'} for {len(new.items)} agents{left_out}."


def _new_row(new: NewOperation, number: int, tenant: int, token: str | None, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "tenant_id": tenant,
        "state": _S.SCHEDULED.value,
        "client_id": new.client_id,
        "client_name": new.client_name,
        "plan_id": new.plan_id,
        "title": new.title,
        "request": new.request.model_dump_json(),
        "route": new.route.value,
        "action_id": new.action_id,
        "restore_action_id": new.restore_action_id,
        "window_start": new.window.start,
        "window_end": new.window.end,
        "zone": new.window.zone,
        "window_now": new.window.now,
        "revision": 1,
        "created_at": now,
        "created_by": new.created_by,
        "request_token": token,
        "example": new.example,
        "rehearsal": new.rehearsal,
        "cancel_requested": False,
        "restore_requested": False,
        "halt_reason": "",
    }
