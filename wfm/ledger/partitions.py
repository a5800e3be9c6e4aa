"""Lists of runs in another order than newest first: by what an index holds, each value a stretch of the list.

An index of a column ends in the run's id, so a list sorted by status is the runs of the lowest status, newest first, then
those of the next: one walk down one index a stretch. What values there are is asked of the index too, one jump a value.
Runs without a value come last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput
from wfm.domain.operations import Outcome, RunFilter, RunOrder
from wfm.ledger.ids import decode, encode
from wfm.ledger.query import ColumnEquals, RunQuery
from wfm.ledger.schema import runs

MAX_VALUES = 500
"""So many values are stretches of their own. What lies beyond is one more, newest first: a search in slices."""

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


@dataclass(slots=True)
class SortedPage:
    """Ids of one page in the order of the list, with the cursors of the pages before and after it.

    `whole`: this is the whole list. `stopped_at` as of a walk that ran out of time.
    """

    ids: list[int] = field(default_factory=list)
    before: str | None = None
    after: str | None = None
    whole: bool = False
    stopped_at: int | None = None


def partitions(connection: sa.Connection, tenant: int | None, which: RunFilter, order: RunOrder) -> list[Partition]:
    """The stretches of the list, in order. A filter on the sorted column leaves one."""
    if order is RunOrder.OLDEST or tenant is None:
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
    parts: Sequence[Partition], order: RunOrder, query: Callable[[Partition], RunQuery], cursor: str | None, limit: int
) -> SortedPage:
    """One page, by the cursor of another page of this order. Raises BadInput for a cursor that is none.

    `query` gives the filter narrowed to a stretch.
    """
    upwards = order is RunOrder.OLDEST
    back, place, at = _read_cursor(parts, cursor)
    way = range(place, -1, -1) if back else range(place, len(parts))
    rows: list[tuple[int, int]] = []  # (stretch, id)
    more, stopped = False, None
    for number in way:
        wanted = limit - len(rows)
        newer = upwards != back
        bounds = {"newer_than": at if at is not None else 0} if newer else {"older_than": at}
        asked = query(parts[number])
        if asked.surely_empty():
            at, more = None, False  # an index of the outcome would be walked to its end for nothing
            continue
        walked, more = asked.page(max(1, wanted), **bounds)
        at, stopped = None, walked.stopped_at
        if wanted == 0:
            more, stopped = bool(walked.ids) or more, None  # only looked whether anything follows
        else:
            ids = walked.ids[::-1] if newer else walked.ids
            rows += [(number, one) for one in ids]
        if more or stopped is not None:
            place = number
            break
    if back and not more:
        return sorted_page(parts, order, query, None, limit)  # the first page, filled up
    if back:
        rows.reverse()
    part = SortedPage(ids=[one for _, one in rows], stopped_at=stopped)
    first = rows[0] if rows else None
    last = rows[-1] if rows else None
    ahead = (place, stopped) if stopped is not None else (first if back else last)
    if more and ahead is not None:
        on = _cursor("n" if back else "o", parts, ahead)
        part.before, part.after = (on, None) if back else (None, on)
    if back and last is not None:
        part.after = _cursor("o", parts, last)
    elif not back and cursor is not None and first is not None:
        part.before = _cursor("n", parts, first)
    part.whole = cursor is None and not more
    return part


def _cursor(way: str, parts: Sequence[Partition], at: tuple[int, int]) -> str:
    partition = parts[at[0]]
    if partition is None:
        return f"{way}{encode(at[1])}"
    sign = ">" if partition.greater_than else "="
    return f"{way}{encode(at[1])}." + ("" if partition.value is None else f"{sign}{partition.value}")


def _read_cursor(parts: Sequence[Partition], cursor: str | None) -> tuple[bool, int, int | None]:
    """Whether it leads back, into which stretch, and past which id."""
    if cursor is None:
        return False, 0, None
    ours = {_cursor("o", parts, (number, 0))[14:]: number for number in range(len(parts))}
    at, number = decode(cursor[1:14]), ours.get(cursor[14:])
    if cursor[:1] not in ("n", "o") or at is None or number is None:
        raise BadInput("cursor", cursor, "the cursor of a page of this order, as the links to other pages carry it")
    return cursor[0] == "n", number, at
