"""Rows of operations: as values, locked while they change, and what is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.errors import NotFound
from wfm.domain.operations import Operation, OperationState
from wfm.domain.plans import PlanRequest, RouteName
from wfm.domain.windows import Window
from wfm.ledger.ids import decode, encode
from wfm.ledger.records import NewOperation, field_names, same_named
from wfm.ledger.schema import events, operations

WITHOUT_REQUEST = [column for column in operations.c if column is not operations.c.request]
"""The columns but what people asked for, which may name 30,000 agents."""

_LOCKING = sa.select(*WITHOUT_REQUEST).where(operations.c.id == sa.bindparam("number")).with_for_update()


def lock_operation(connection: sa.Connection, operation_id: str) -> sa.Row[Any]:
    """The operation's row, held until the transaction ends: writers of one operation follow one another. Raises NotFound."""
    number = decode(operation_id)
    row = connection.execute(_LOCKING, {"number": number}).one_or_none() if number is not None else None
    if row is None:
        raise NotFound(f"There is no operation {operation_id!r}.")
    return row


def change_operation(connection: sa.Connection, number: int, **values: Any) -> None:
    connection.execute(sa.update(operations).where(operations.c.id == number).values(values))


def add_event(connection: sa.Connection, number: int, at: datetime, actor: str, kind: str, text: str) -> None:
    """Add a line to an operation's story."""
    row = {"operation_id": number, "at": at, "actor": actor, "kind": kind, "text": text}
    connection.execute(sa.insert(events).values(row))


def operation_of(row: Any, request: PlanRequest) -> Operation:
    """An operation from its row with the tenant's key, and what people asked for."""
    known = same_named(Operation, row) | {
        "id": encode(row.id),
        "request": request,
        "route": RouteName(row.route),
        "window": Window(start=row.window_start, end=row.window_end, zone=row.zone, now=row.window_now),
        "state": OperationState(row.state),
    }
    return Operation(**known)


def row_of(new: NewOperation, number: int, tenant: int, now: datetime) -> dict[str, Any]:
    given = {name: getattr(new, name) for name in field_names(NewOperation) if name in operations.c}
    return given | {
        "id": number,
        "tenant_id": tenant,
        "state": OperationState.SCHEDULED.value,
        "request": new.request.model_dump_json(),
        "route": new.route.value,
        "window_start": new.window.start,
        "window_end": new.window.end,
        "zone": new.window.zone,
        "window_now": new.window.now,
        "revision": 1,
        "created_at": now,
        "request_token": new.request_token or None,
        "cancel_requested": False,
        "restore_requested": False,
        "halt_reason": "",
    }
