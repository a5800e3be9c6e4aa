"""Operations: what was asked, made once, with its story."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import BadInput, NotFound, Refused
from wfm.domain.operations import OPEN_STATES, ItemState, Operation, OperationState
from wfm.domain.plans import PlanRequest
from wfm.ledger import lookups
from wfm.ledger.bulk_rows import insert_rows
from wfm.ledger.database import Database
from wfm.ledger.held_agents import Held, held_by_others, in_another_window
from wfm.ledger.ids import decode, encode, new_id
from wfm.ledger.item_rows import count_items
from wfm.ledger.operation_rows import WITHOUT_REQUEST, add_event, operation_of, row_of
from wfm.ledger.records import Event, NewOperation
from wfm.ledger.schema import blocked, events, item_counts, items, operations, tenants
from wfm.ledger.tenants import Tenants

MAX_REQUESTS_CACHED = 256


class Operations:
    """Operations of all tenants. What becomes of them is in `lifecycle`."""

    def __init__(self, db: Database, tenants: Tenants) -> None:
        self._db, self._tenants = db, tenants
        self._requests: dict[int, PlanRequest] = {}

    def create(self, new: NewOperation, now: datetime) -> Operation:
        """Store a plan that is applied, with its items, once for each `request_token`.

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
        tenant = self._tenants.number(connection, new.tenant_key)
        self._db.lock(connection, "operations", new.tenant_key)
        same_token = (operations.c.tenant_id == tenant, operations.c.request_token == new.request_token)
        if new.request_token and (earlier := self.read(connection, *same_token)):
            return earlier[0]
        numbers = lookups.make_agents(connection, tenant, names)
        held = held_by_others(connection, tenant, new.window.start, new.window.end, names.keys(), None)
        if held:
            raise in_another_window(held, names)
        number = new_id(now)
        connection.execute(sa.insert(operations).values(row_of(new, number, tenant, now)))
        for some in lookups.batches(_item_rows(new, number, numbers), 5_000):
            insert_rows(connection, items, some)
        left_out: list[dict[str, Any]] = [
            {"operation_id": number, "seq": seq, "agent_id": agent_id, "name": name, "why": why}
            for seq, (agent_id, name, why) in enumerate(new.blocked, start=1)
        ]
        for others in lookups.batches(left_out, 5_000):
            insert_rows(connection, blocked, others)
        count_items(connection, number, {(ItemState.PENDING, ItemState.PENDING): len(new.items)})
        add_event(connection, number, now, new.created_by, "created", _created_sentence(new))
        return self.read_one(connection, number)

    # --- reading -----------------------------------------------------------------------------------------------------

    def by_token(self, tenant_key: str, request_token: str) -> Operation | None:
        """The operation that was made with this token; None where none was, and for an empty token."""
        if not request_token:
            return None
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            same = (operations.c.tenant_id == tenant, operations.c.request_token == request_token)
            return next(iter(self.read(connection, *same)), None)

    def get(self, tenant_key: str, operation_id: str) -> Operation:
        """One operation of this tenant. Raises NotFound."""
        number = decode(operation_id)
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            if number is not None and tenant is not None:
                found = self.read(connection, operations.c.id == number, operations.c.tenant_id == tenant)
                if found:
                    return found[0]
        raise NotFound(f"There is no operation {operation_id!r} in this tenant.")

    def page(
        self, tenant_key: str, *, states: Collection[OperationState] | None = None, limit: int = 100, before: str | None = None
    ) -> list[Operation]:
        """Operations of this tenant, newest first; `before` is the id of the last one of the page before."""
        with self._db.read() as connection:
            conditions: list[Any] = [operations.c.tenant_id == self._tenants.known(connection, tenant_key)]
            if states is not None:
                conditions.append(operations.c.state.in_([state.value for state in states]))
            if before is not None:
                number = decode(before)
                if number is None:
                    raise BadInput("before", before, "the id of an operation")
                conditions.append(operations.c.id < number)
            return self.read(connection, *conditions, limit=limit)

    def ended(self, tenant_key: str, since: datetime, limit: int = 20) -> list[Operation]:
        """Operations of this tenant that ended since then and are not going on, whichever was planned when; the last first."""
        settled = [state.value for state in OperationState if state not in OPEN_STATES]
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            of_then = (operations.c.tenant_id == tenant, operations.c.state.in_(settled), operations.c.ended_at >= since)
            return self.read(connection, *of_then, order=operations.c.ended_at.desc(), limit=limit)

    def unsettled(self, tenant_key: str, states: Collection[OperationState]) -> list[str]:
        """Operations in these states with an update that is unconfirmed or a restore that failed, oldest first; by counters."""
        of_operation = item_counts.c.operation_id == operations.c.id
        doubtful = sa.or_(
            item_counts.c.apply_state == ItemState.UNCONFIRMED.value,
            item_counts.c.restore_state.in_([ItemState.UNCONFIRMED.value, ItemState.FAILED.value]),
        )
        with self._db.read() as connection:
            asked = sa.select(operations.c.id).where(
                operations.c.tenant_id == self._tenants.known(connection, tenant_key),
                operations.c.state.in_([state.value for state in states]),
                sa.exists().where(of_operation, doubtful, item_counts.c.n > 0),
            )
            return [encode(number) for number in connection.scalars(asked.order_by(operations.c.id))]

    def titles(self, tenant_key: str, *, limit: int = 100) -> dict[str, tuple[str, datetime]]:
        """Title and start of the window of the newest operations, by id, newest first. Reads no requests of thousands."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            asked = sa.select(operations.c.id, operations.c.title, operations.c.window_start)
            asked = asked.where(operations.c.tenant_id == tenant).order_by(operations.c.id.desc()).limit(limit)
            return {encode(row.id): (row.title, row.window_start) for row in connection.execute(asked)}

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
            for some in lookups.batches(number for number in numbers.values() if number is not None):
                rows = connection.execute(sa.select(operations.c.id, last.label("n")).where(operations.c.id.in_(some)))
                found |= {row.id: row.n or 0 for row in rows}
        return {key: 0 if number is None else found.get(number, 0) for key, number in numbers.items()}

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
            tenant = self._tenants.known(connection, tenant_key)
            if tenant is None:
                return {}
            spared = decode(except_operation) if except_operation else None
            return held_by_others(connection, tenant, start, end, agent_ids, spared)

    # --- the story -----------------------------------------------------------------------------------------------------

    def events(self, operation_id: str) -> list[Event]:
        """An operation's story, oldest first."""
        asked = sa.select(events).where(events.c.operation_id == decode(operation_id)).order_by(events.c.id)
        with self._db.read() as connection:
            rows = connection.execute(asked).all()
        return [Event(operation_id=operation_id, at=row.at, actor=row.actor, kind=row.kind, text=row.text) for row in rows]

    def add_event(self, operation_id: str, *, at: datetime, actor: str, kind: str, text: str) -> None:
        """Add a line to an operation's story; kind "comment" for what a person says. Raises NotFound."""
        number = decode(operation_id)

        def work(connection: sa.Connection) -> None:
            if number is None or connection.scalar(sa.select(operations.c.id).where(operations.c.id == number)) is None:
                raise NotFound(f"There is no operation {operation_id!r}.")
            add_event(connection, number, at, actor, kind, text)

        self._db.write(work)

    # --- inside a transaction ------------------------------------------------------------------------------------------

    def read(self, connection: sa.Connection, *conditions: Any, order: Any = None, limit: int | None = None) -> list[Operation]:
        """Operations that meet these conditions, newest first."""
        asked = sa.select(*WITHOUT_REQUEST, tenants.c.key.label("tenant_key"))
        asked = asked.join(tenants, tenants.c.id == operations.c.tenant_id)
        asked = asked.where(*conditions).order_by(operations.c.id.desc() if order is None else order)
        rows = connection.execute(asked if limit is None else asked.limit(limit)).all()
        requests = self._plan_requests(connection, [row.id for row in rows])
        return [operation_of(row, requests[row.id]) for row in rows]

    def read_one(self, connection: sa.Connection, number: int) -> Operation:
        """An operation that is there."""
        return self.read(connection, operations.c.id == number)[0]

    def _plan_requests(self, connection: sa.Connection, numbers: Collection[int]) -> dict[int, PlanRequest]:
        """What people asked for. It never changes and may name 30,000 agents, so it is parsed once."""
        found = {number: kept for number in numbers if (kept := self._requests.get(number)) is not None}
        for some in lookups.batches(number for number in numbers if number not in found):
            asked = sa.select(operations.c.id, operations.c.request).where(operations.c.id.in_(some))
            found |= {number: PlanRequest.model_validate_json(text) for number, text in connection.execute(asked)}
        if len(self._requests) > MAX_REQUESTS_CACHED:
            self._requests.clear()
        self._requests.update(found)
        return found


def _item_rows(new: NewOperation, number: int, agent_numbers: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "operation_id": number,
            "seq": seq,
            "agent_no": agent_numbers[item.agent_id],
            "before": item.before.value if item.before else None,
            "apply_state": ItemState.PENDING.value,
            "restore_state": ItemState.PENDING.value,
            "skip_reason": "",
            "fate": item.fate,
            "sender": "",
        }
        for seq, item in enumerate(new.items, start=1)
    ]


def _created_sentence(new: NewOperation) -> str:
    left_out = f", {len(new.blocked)} left out" if new.blocked else ""
    who = "1 agent" if len(new.items) == 1 else f"{len(new.items)} agents"
    return f"{'Rehearsal planned' if new.rehearsal else 'Planned'} for {who}{left_out}."
