"""Operations: made once, moved by compare-and-set, changed by people, found when they are due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import BadInput, NotFound, Refused
from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState
from wfm.ledger import words
from wfm.ledger.bulk import insert_rows
from wfm.ledger.ids import decode, encode, new_id
from wfm.ledger.records import NewOperation
from wfm.ledger.schema import agents, blocked, item_counts, items, operations
from wfm.ledger.search import fold
from wfm.ledger.store import Store, item_of, items_with_agents

_S = OperationState

STOPPED = (_S.HALTED, _S.CANCELLED)
"""Nothing more is sent to take agents out, but some may be out until the window ends."""

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

    def operation_by_token(self, tenant_key: str, request_token: str) -> Operation | None:
        """The operation that was made with this token; None where none was, and for an empty token."""
        if not request_token:
            return None
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            same = (operations.c.tenant_id == tenant, operations.c.request_token == request_token)
            return next(iter(self._read_operations(connection, *same)), None)

    def _create(self, connection: sa.Connection, new: NewOperation, names: dict[str, str], now: datetime) -> Operation:
        tenant = self._tenant(connection, new.tenant_key)
        self._db.lock(connection, "operations", new.tenant_key)
        token = new.request_token or None
        same_token = (operations.c.tenant_id == tenant, operations.c.request_token == token)
        if token and (earlier := self._read_operations(connection, *same_token)):
            return earlier[0]
        numbers = words.make_agents(self._db, connection, tenant, names)
        held = held_by_others(connection, tenant, new.window.start, new.window.end, names.keys(), None)
        if held:
            raise in_another_window(held, names)
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
            insert_rows(connection, items, some)
        left_out: list[dict[str, Any]] = [
            {"operation_id": number, "seq": seq, "agent_id": agent_id, "name": name, "why": why}
            for seq, (agent_id, name, why) in enumerate(new.blocked, start=1)
        ]
        for others in words.batches(left_out, 5_000):
            insert_rows(connection, blocked, others)
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

    def ended(self, tenant_key: str, since: datetime, limit: int = 20) -> list[Operation]:
        """Operations of this tenant that ended since then and are not going on, whichever was planned when; the last first."""
        settled = [state.value for state in OperationState if state not in OPEN_STATES]
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            of_then = (operations.c.tenant_id == tenant, operations.c.state.in_(settled), operations.c.ended_at >= since)
            return self._read_operations(connection, *of_then, order=operations.c.ended_at.desc(), limit=limit)

    def unsettled(self, tenant_key: str, states: Collection[OperationState]) -> list[str]:
        """Operations in these states with an update that is unconfirmed or a restore that failed, oldest first; by counters."""
        of_operation = item_counts.c.operation_id == operations.c.id
        doubtful = sa.or_(
            item_counts.c.apply_state == ItemState.UNCONFIRMED.value,
            item_counts.c.restore_state.in_([ItemState.UNCONFIRMED.value, ItemState.FAILED.value]),
        )
        with self._db.read() as connection:
            asked = sa.select(operations.c.id).where(
                operations.c.tenant_id == self._known_tenant(connection, tenant_key),
                operations.c.state.in_([state.value for state in states]),
                sa.exists().where(of_operation, doubtful, item_counts.c.n > 0),
            )
            return [encode(number) for number in connection.scalars(asked.order_by(operations.c.id))]

    def operation_titles(self, tenant_key: str, *, limit: int = 100) -> dict[str, tuple[str, datetime]]:
        """Title and start of the window of the newest operations, by id, newest first. Reads no requests of thousands."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(operations.c.id, operations.c.title, operations.c.window_start)
            asked = asked.where(operations.c.tenant_id == tenant).order_by(operations.c.id.desc()).limit(limit)
            return {encode(row.id): (row.title, row.window_start) for row in connection.execute(asked)}

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

    def blocked_counts(self, operation_ids: Collection[str]) -> dict[str, int]:
        """How many agents were left out of each of these operations when it was planned. Reads none of them."""
        numbers = {operation_id: decode(operation_id) for operation_id in operation_ids}
        # They are numbered from 1 and never change: the last number is how many there are.
        last = sa.select(sa.func.max(blocked.c.seq)).where(blocked.c.operation_id == operations.c.id).scalar_subquery()
        found: dict[int, int] = {}
        with self._db.read() as connection:
            for some in words.batches(number for number in numbers.values() if number is not None):
                rows = connection.execute(sa.select(operations.c.id, last.label("n")).where(operations.c.id.in_(some)))
                found |= {row.id: row.n or 0 for row in rows}
        return {key: 0 if number is None else found.get(number, 0) for key, number in numbers.items()}

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
            return held_by_others(connection, tenant, start, end, agent_ids, spared)


def holding() -> sa.ColumnElement[bool]:
    """Whether an item holds its agent."""
    out = [ItemState.PENDING, ItemState.SENDING, ItemState.APPLIED, ItemState.UNCONFIRMED]
    return sa.and_(
        items.c.apply_state.in_([state.value for state in out]),
        items.c.restore_state.not_in([ItemState.APPLIED.value, ItemState.SKIPPED.value]),
    )


def held_by_others(
    connection: sa.Connection,
    tenant: int,
    start: datetime,
    end: datetime,
    agent_ids: Collection[str] | None,
    except_number: int | None,
) -> Held:
    stopped = operations.c.state.in_([state.value for state in STOPPED])
    rivals = sa.select(operations.c.id, operations.c.title, stopped.label("stopped")).where(
        operations.c.tenant_id == tenant,
        operations.c.state.in_([state.value for state in (*OPEN_STATES, *STOPPED)]),
        operations.c.window_start < end,
        operations.c.window_end > start,
    )
    if except_number is not None:
        rivals = rivals.where(operations.c.id != except_number)
    held: Held = {}
    wanted = None if agent_ids is None else set(agent_ids)
    for number, title, is_stopped in connection.execute(rivals.order_by(operations.c.id)).all():
        asked = sa.select(agents.c.agent_id).join(items, items.c.agent_no == agents.c.id)
        asked = asked.where(items.c.operation_id == number, holding())
        if is_stopped:
            asked = asked.where(items.c.apply_state != ItemState.PENDING.value)
        for agent_id in connection.scalars(asked):
            if wanted is None or agent_id in wanted:
                held.setdefault(agent_id, (encode(number), title))
    return held


def in_another_window(held: Held, names: Mapping[str, str]) -> Refused:
    sentences = [f"{names.get(agent_id) or agent_id} is in “{title}”." for agent_id, (_, title) in sorted(held.items())]
    more = len(sentences) - _SHOWN_DIFFERENCES
    if more > 0:
        sentences = [*sentences[:_SHOWN_DIFFERENCES], f"And {more} more."]
    who = "1 agent is" if len(held) == 1 else f"{len(held)} agents are"
    return Refused("in_another_window", f"{who} in another window at that time. Nothing was written.", tuple(sentences))


def _created_sentence(new: NewOperation) -> str:
    left_out = f", {len(new.blocked)} left out" if new.blocked else ""
    who = "1 agent" if len(new.items) == 1 else f"{len(new.items)} agents"
    return f"{'Rehearsal planned' if new.rehearsal else 'Planned'} for {who}{left_out}."


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
