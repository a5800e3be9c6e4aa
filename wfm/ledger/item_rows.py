"""Rows of items: as values, in which state, and counted by pair of states in the transaction that changes them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.agents import Status
from wfm.domain.operations import Counts, Item, ItemState, Phase
from wfm.ledger.bulk_rows import put_rows
from wfm.ledger.ids import encode
from wfm.ledger.lookups import batches
from wfm.ledger.records import field_names
from wfm.ledger.schema import agents, item_counts, items

RESTORABLE = (ItemState.APPLIED, ItemState.UNCONFIRMED)
"""States of the apply phase after which an agent is, or may be, out: only these take part in the restore."""

_BACK = (ItemState.APPLIED, ItemState.SKIPPED)


@functools.cache
def items_with_agents() -> sa.Select[Any]:
    """Items with the agents they are of; `item_of` reads its rows."""
    return sa.select(items, agents.c.agent_id, agents.c.name.label("agent_name")).join(agents, agents.c.id == items.c.agent_no)


def item_of(row: Any, **changes: Any) -> Item:
    """An item from a row of `items_with_agents`, with columns that the transaction has just changed."""
    values = row._asdict() | changes
    known = {name: values[name] for name in field_names(Item)} | {
        "operation_id": encode(values["operation_id"]),
        "before": Status(values["before"]) if values["before"] else None,
        "apply_state": ItemState(values["apply_state"]),
        "restore_state": ItemState(values["restore_state"]),
        "apply_run": encode(values["apply_run"]) if values["apply_run"] is not None else None,
        "restore_run": encode(values["restore_run"]) if values["restore_run"] is not None else None,
    }
    return Item(**known)


def state_column(phase: Phase) -> sa.Column[str]:
    return items.c.apply_state if phase is Phase.APPLY else items.c.restore_state


def run_column(phase: Phase) -> sa.Column[int | None]:
    return items.c.apply_run if phase is Phase.APPLY else items.c.restore_run


def restorable() -> sa.ColumnElement[bool]:
    """Whether an item takes part in the restore."""
    return items.c.apply_state.in_([state.value for state in RESTORABLE])


def counts_by_operation(connection: sa.Connection, numbers: Collection[int]) -> dict[int, Counts]:
    """Where the items of these operations stand, from counters."""
    pairs: dict[int, dict[tuple[ItemState, ItemState], int]] = {number: {} for number in numbers}
    for some in batches(numbers):
        for row in connection.execute(sa.select(item_counts).where(item_counts.c.operation_id.in_(some))):
            pairs[row.operation_id][ItemState(row.apply_state), ItemState(row.restore_state)] = row.n
    return {number: counts_of(found) for number, found in pairs.items()}


def counts_of(pairs: dict[tuple[ItemState, ItemState], int]) -> Counts:
    """Counts by phase from the number of items in each pair of states (apply, restore)."""
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


def count_items(connection: sa.Connection, number: int, changes: dict[tuple[str, str], int]) -> None:
    """Change how many items of an operation stand in pairs of states (apply, restore)."""
    rows = [
        {"operation_id": number, "apply_state": apply, "restore_state": restore, "n": n}
        for (apply, restore), n in sorted(changes.items())
        if n
    ]
    put_rows(connection, item_counts, rows, keys=["operation_id", "apply_state", "restore_state"], added=["n"])


def count_moved(connection: sa.Connection, number: int, phase: Phase, moved: Iterable[tuple[str, str, ItemState, int]]) -> None:
    """Change the counters for items that stood in (apply state, restore state) and are now in a state of the phase: so many."""
    changes: Counter[tuple[str, str]] = Counter()
    for apply, restore, to_state, n in moved:
        changes[apply, restore] -= n
        changes[(to_state.value, restore) if phase is Phase.APPLY else (apply, to_state.value)] += n
    count_items(connection, number, changes)


def move_items(
    connection: sa.Connection,
    number: int,
    phase: Phase,
    condition: sa.ColumnElement[bool],
    to_state: ItemState,
    now: datetime,
    reason: str,
) -> int:
    """Move all items that meet a condition to a state of a phase, with their counters. The operation is locked."""
    which = sa.and_(items.c.operation_id == number, condition)
    pair = (items.c.apply_state, items.c.restore_state)
    found = connection.execute(sa.select(*pair, sa.func.count()).where(which).group_by(*pair)).all()
    values = {state_column(phase).name: to_state.value, "changed_at": now, "sender": "", "skip_reason": reason}
    connection.execute(sa.update(items).where(which).values(values))
    count_moved(connection, number, phase, [(apply, restore, to_state, n) for apply, restore, n in found])
    return sum(n for _, _, n in found)
