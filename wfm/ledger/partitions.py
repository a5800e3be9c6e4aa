"""Pages of runs in any order: a list is partitions by value of the sorted column, each newest first.

An index of a column ends in the run's id, so a list sorted by status is the runs of the lowest status, newest first, then
those of the next: one index scan a partition. What values there are is asked of the index too, one jump a value. Runs
without a value come last. A list by time is one partition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput
from wfm.domain.operations import Outcome, RunFilter, RunOrder
from wfm.ledger.ids import decode, encode
from wfm.ledger.query import ColumnEquals, LedgerRunQuery
from wfm.ledger.schema import runs

MAX_VALUES = 500
"""So many values are partitions of their own. What lies beyond is one more, newest first: a search in slices."""

_COLUMN = {
    RunOrder.OUTCOME: "outcome",
    RunOrder.CAUSE: "kind",
    RunOrder.STATUS: "status",
    RunOrder.STATUS_DOWN: "status",
    RunOrder.CODE: "code",
}
_O = Outcome
_WORST_FIRST = (_O.FAILED, _O.UNCONFIRMED, _O.SENDING, _O.RESENT, _O.SKIPPED, _O.APPLIED)

Partition = ColumnEquals | None
"""None is the whole list."""


@dataclass(frozen=True, slots=True)
class SortedPage:
    """Ids of one page in the order of the list, with the cursors of the pages before and after it.

    `whole`: this is the whole list. `stopped_at` as of a scan that ran out of time.
    """

    ids: list[int]
    before: str | None
    after: str | None
    whole: bool
    stopped_at: int | None


def partitions(connection: sa.Connection, tenant: int | None, which: RunFilter, order: RunOrder) -> list[Partition]:
    """The partitions of the list, in order. A filter on the sorted column leaves one."""
    if order not in _COLUMN or tenant is None:
        return [None]
    name = _COLUMN[order]
    chosen = {"outcome": which.outcome, "kind": which.kind, "status": which.status, "code": which.code}[name]
    if chosen is not None:
        return [ColumnEquals(name, chosen.value if isinstance(chosen, Outcome | Kind) else chosen)]
    if order is RunOrder.OUTCOME:
        return [ColumnEquals(name, outcome.value) for outcome in _WORST_FIRST]
    values = _values(connection, tenant, name)
    found = [ColumnEquals(name, value) for value in values]
    if len(values) == MAX_VALUES:
        found.append(ColumnEquals(name, values[-1], greater_than=True))
    if order is RunOrder.STATUS_DOWN:
        found.reverse()
    return [*found, ColumnEquals(name, None)]


def _values(connection: sa.Connection, tenant: int, name: str) -> list[Any]:
    """The values that a column has, lowest first, by jumps down its index: however many runs there are."""
    column = runs.c[name]
    found: list[Any] = []
    while len(found) < MAX_VALUES:
        asked = sa.select(column).where(runs.c.tenant_id == tenant, column.is_not(None))
        if found:
            asked = asked.where(column > found[-1])
        value = connection.scalar(asked.order_by(column).limit(1).with_hint(runs, f"INDEXED BY ix_runs_{name}", "sqlite"))
        if value is None:
            break
        found.append(value)
    return found


def sorted_page(
    parts: Sequence[Partition], order: RunOrder, query: Callable[[Partition], LedgerRunQuery], cursor: str | None, limit: int
) -> SortedPage:
    """One page, by the cursor of another page of this order. Raises BadInput for a cursor that is none.

    `query` gives the filter narrowed to a partition.
    """
    back, begins, past = _read_cursor(parts, cursor)
    upwards = order is RunOrder.OLDEST
    newer = upwards != back
    place, at = begins, past
    rows: list[tuple[int, int]] = []  # (partition, id)
    more, stopped = False, None
    for number in range(place, -1, -1) if back else range(place, len(parts)):
        wanted = limit - len(rows)
        asked = query(parts[number])
        if order is not RunOrder.NEWEST and asked.surely_empty():
            at, more = None, False  # an index of the outcome would be scanned to its end for nothing
            continue
        bounds = {"newer_than": at or 0} if newer else {"older_than": at}
        result, more = asked.page(max(1, wanted), **bounds)
        at, stopped = None, result.stopped_at
        if wanted == 0:
            more, stopped = bool(result.ids) or more, None  # only looked whether anything follows
        else:
            rows += [(number, one) for one in (result.ids[::-1] if newer else result.ids)]
        if more or stopped is not None:
            place = number
            break
    if back and not more:
        return sorted_page(parts, order, query, None, limit)  # the first page, filled up with what has come since
    if back:
        rows.reverse()
    ahead = behind = None
    if more:
        ahead = (place, stopped) if stopped is not None else rows[0 if back else -1]
    if past is not None:
        # Where nothing was found, the way back begins with the run that the cursor names.
        behind = rows[-1 if back else 0] if rows else (begins, max(0, past + (1 if newer else -1)))
    onwards = None if ahead is None else _cursor("n" if back else "o", parts, ahead)
    backwards = None if behind is None else _cursor("o" if back else "n", parts, behind)
    return SortedPage(
        ids=[number for _, number in rows],
        before=onwards if back else backwards,
        after=backwards if back else onwards,
        whole=cursor is None and not more,
        stopped_at=stopped,
    )


def _cursor(way: str, parts: Sequence[Partition], at: tuple[int, int]) -> str:
    partition = parts[at[0]]
    if partition is None:
        return f"{way}{encode(at[1])}"
    sign = ">" if partition.greater_than else "="
    return f"{way}{encode(at[1])}." + ("" if partition.value is None else f"{sign}{partition.value}")


def _read_cursor(parts: Sequence[Partition], cursor: str | None) -> tuple[bool, int, int | None]:
    """Whether it leads back, into which partition, and past which id."""
    if cursor is None:
        return False, 0, None
    ours = {_cursor("o", parts, (number, 0))[14:]: number for number in range(len(parts))}
    at, number = decode(cursor[1:14]), ours.get(cursor[14:])
    if cursor[:1] not in ("n", "o") or at is None or number is None:
        raise BadInput("cursor", cursor, "the cursor of a page of this order, as the links to other pages carry it")
    return cursor[0] == "n", number, at
