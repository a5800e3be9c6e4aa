"""What every part of the ledger stands on: the database, the clock, tenants, and rows made into values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.agents import Status
from wfm.domain.errors import NotFound
from wfm.domain.operations import Counts, Item, ItemState, Operation, OperationState, Phase
from wfm.domain.plans import PlanRequest, RouteName
from wfm.domain.windows import Window
from wfm.ledger import words
from wfm.ledger.bulk import put_rows
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, encode
from wfm.ledger.migrate import upgrade
from wfm.ledger.schema import agents, events, item_counts, items, operations, tenants

Clock = Callable[[], datetime]

RESTORABLE = (ItemState.APPLIED, ItemState.UNCONFIRMED)
"""States of the apply phase after which an agent is, or may be, out: only these take part in the restore."""

_BACK = (ItemState.APPLIED, ItemState.SKIPPED)
_REQUESTS_KEPT = 256


def utcnow() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)


class Store:
    """Opens the database, bringing its schema up to date. Thread-safe."""

    def __init__(self, url: str, *, clock: Clock = utcnow, busy_timeout_s: float = 10.0) -> None:
        self._db = Database(url, busy_timeout_s=busy_timeout_s)
        self._clock = clock
        self._tenants: dict[str, int] = {}
        self._requests: dict[int, PlanRequest] = {}
        try:
            upgrade(self._db)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Closes every connection."""
        self._db.close()

    # --- tenants -----------------------------------------------------------------------------------------------------

    def _known_tenant(self, connection: sa.Connection, key: str) -> int | None:
        """For reads: a tenant that nothing was stored for has nothing."""
        found = self._tenants.get(key)
        if found is None:
            found = words.tenant_number(connection, key)
            if found is not None and not connection.get_execution_options().get("ledger_writes"):
                self._tenants[key] = found  # only what is committed is remembered
        return found

    def _tenant(self, connection: sa.Connection, key: str) -> int:
        """For writes."""
        return self._tenants.get(key) or words.make_tenant(self._db, connection, key)

    # --- operations --------------------------------------------------------------------------------------------------

    def _locked(self, connection: sa.Connection, operation_id: str) -> sa.Row[Any]:
        """The operation's row, held until the transaction ends: writers of one operation follow one another."""
        number = decode(operation_id)
        row = connection.execute(_LOCKING, {"number": number}).one_or_none() if number is not None else None
        if row is None:
            raise NotFound(f"There is no operation {operation_id!r}.")
        return row

    def _read_operations(
        self, connection: sa.Connection, *conditions: Any, order: Any = None, limit: int | None = None
    ) -> list[Operation]:
        columns = [column for column in operations.c if column is not operations.c.request]
        asked = sa.select(*columns, tenants.c.key.label("tenant_key")).join(tenants, tenants.c.id == operations.c.tenant_id)
        asked = asked.where(*conditions).order_by(operations.c.id.desc() if order is None else order)
        rows = connection.execute(asked if limit is None else asked.limit(limit)).all()
        requests = self._plan_requests(connection, [row.id for row in rows])
        return [_operation(row, requests[row.id]) for row in rows]

    def _plan_requests(self, connection: sa.Connection, numbers: Collection[int]) -> dict[int, PlanRequest]:
        """What people asked for. It never changes and may name 30,000 agents, so it is parsed once."""
        found = {number: kept for number in numbers if (kept := self._requests.get(number)) is not None}
        for some in words.batches(number for number in numbers if number not in found):
            asked = sa.select(operations.c.id, operations.c.request).where(operations.c.id.in_(some))
            found |= {number: PlanRequest.model_validate_json(text) for number, text in connection.execute(asked)}
        if len(self._requests) > _REQUESTS_KEPT:
            self._requests.clear()
        self._requests.update(found)
        return found

    def _operation_now(self, connection: sa.Connection, number: int) -> Operation:
        return self._read_operations(connection, operations.c.id == number)[0]

    # --- counts ------------------------------------------------------------------------------------------------------

    def _counts(self, connection: sa.Connection, numbers: Collection[int]) -> dict[int, Counts]:
        pairs: dict[int, dict[tuple[ItemState, ItemState], int]] = {number: {} for number in numbers}
        for some in words.batches(numbers):
            rows = connection.execute(sa.select(item_counts).where(item_counts.c.operation_id.in_(some)))
            for row in rows:
                pairs[row.operation_id][ItemState(row.apply_state), ItemState(row.restore_state)] = row.n
        return {number: _counts_of(found) for number, found in pairs.items()}

    def _count_items(self, connection: sa.Connection, number: int, changes: dict[tuple[str, str], int]) -> None:
        """Changes how many items of an operation stand in pairs of states (apply, restore)."""
        rows = [
            {"operation_id": number, "apply_state": apply, "restore_state": restore, "n": n}
            for (apply, restore), n in sorted(changes.items())
            if n
        ]
        put_rows(connection, item_counts, rows, keys=["operation_id", "apply_state", "restore_state"], added=["n"])

    # --- events ------------------------------------------------------------------------------------------------------

    def _event(self, connection: sa.Connection, number: int, at: datetime, actor: str, kind: str, text: str) -> None:
        row = {"operation_id": number, "at": at, "actor": actor, "kind": kind, "text": text}
        connection.execute(sa.insert(events).values(row))


_LOCKING = (
    sa.select(*(column for column in operations.c if column is not operations.c.request))
    .where(operations.c.id == sa.bindparam("number"))
    .with_for_update()
)


@functools.cache
def items_with_agents() -> sa.Select[Any]:
    """Items with the agents they are of; `item_of` reads its rows."""
    return sa.select(items, agents.c.agent_id, agents.c.name.label("agent_name")).join(agents, agents.c.id == items.c.agent_no)


def item_of(row: Any, **changes: Any) -> Item:
    """An item from a row of `items_with_agents`, with columns that the transaction has just changed."""
    values = row._asdict() | changes
    return Item(
        operation_id=encode(values["operation_id"]),
        seq=values["seq"],
        agent_id=values["agent_id"],
        agent_name=values["agent_name"],
        before=Status(values["before"]) if values["before"] else None,
        marker=values["marker"],
        apply_state=ItemState(values["apply_state"]),
        restore_state=ItemState(values["restore_state"]),
        skip_reason=values["skip_reason"],
        fate=values["fate"],
        apply_run=encode(values["apply_run"]) if values["apply_run"] is not None else None,
        restore_run=encode(values["restore_run"]) if values["restore_run"] is not None else None,
        changed_at=values["changed_at"],
    )


def state_column(phase: Phase) -> sa.Column[str]:
    """The column of an item's state in a phase."""
    return items.c.apply_state if phase is Phase.APPLY else items.c.restore_state


def run_column(phase: Phase) -> sa.Column[int | None]:
    """The column of an item's latest run in a phase."""
    return items.c.apply_run if phase is Phase.APPLY else items.c.restore_run


def _counts_of(pairs: dict[tuple[ItemState, ItemState], int]) -> Counts:
    apply = dict.fromkeys(ItemState, 0)
    restore = dict.fromkeys(ItemState, 0)
    out = 0
    for (apply_state, restore_state), n in pairs.items():
        apply[apply_state] += n
        if apply_state in RESTORABLE:
            restore[restore_state] += n
        if apply_state is ItemState.APPLIED and restore_state not in _BACK:
            out += n
    return Counts(apply=apply, restore=restore, still_out=out)


def _operation(row: Any, request: PlanRequest) -> Operation:
    return Operation(
        id=encode(row.id),
        tenant_key=row.tenant_key,
        client_id=row.client_id,
        client_name=row.client_name,
        plan_id=row.plan_id,
        title=row.title,
        request=request,
        route=RouteName(row.route),
        action_id=row.action_id,
        restore_action_id=row.restore_action_id,
        window=Window(start=row.window_start, end=row.window_end, zone=row.zone, now=row.window_now),
        revision=row.revision,
        state=OperationState(row.state),
        created_at=row.created_at,
        created_by=row.created_by,
        example=row.example,
        rehearsal=row.rehearsal,
        cancel_requested=row.cancel_requested,
        restore_requested=row.restore_requested,
        started_at=row.started_at,
        applied_at=row.applied_at,
        restore_started_at=row.restore_started_at,
        ended_at=row.ended_at,
        halt_reason=row.halt_reason,
    )
