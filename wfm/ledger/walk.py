"""Walking down runs by id: straight where an index holds the whole filter, else in slices for a bounded time.

A *lead* is what an index holds; *loose* is what must be looked up run by run. With nothing loose a page is read straight
off the index. Otherwise a slice of the lead is taken, its loose conditions are tried, and the next slice is twice as long,
until the page is full, the end is reached or the time is over. The walk then says how far it came.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import sqlalchemy as sa

from wfm.ledger.schema import runs

FIRST_SLICE = 2_000
LONGEST_SLICE = 20_000

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Walked:
    """Ids in the order of the walk. `stopped_at` is the last id looked at when time was over before the end.

    A walk that only counts gives no ids, but `counted`.
    """

    ids: list[int]
    stopped_at: int | None = None
    counted: int = 0

    @property
    def n(self) -> int:
        return len(self.ids) + self.counted


class Lead(Protocol):
    """Candidates in the order of their ids. `bounds` limit the id."""

    def reach(self, connection: sa.Connection, bounds: Bounds, n: int) -> tuple[int, int | None]:
        """How many of the next `n` candidates there are, and the last one's id."""
        ...

    def matching(self, connection: sa.Connection, bounds: Bounds, limit: int) -> list[int]:
        """Up to `limit` candidates that meet the loose conditions too."""
        ...

    def count(self, connection: sa.Connection, bounds: Bounds, limit: int) -> int:
        """How many candidates meet the loose conditions too, at most `limit`."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids above `over` and below `under`, walked upwards or downwards."""

    over: int | None = None
    under: int | None = None
    upwards: bool = False

    def on(self, key: sa.ColumnElement[int]) -> list[sa.ColumnElement[bool]]:
        found = []
        if self.over is not None:
            found.append(key > self.over)
        if self.under is not None:
            found.append(key < self.under)
        return found

    def order(self, key: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
        return key.asc() if self.upwards else key.desc()

    def past(self, last: int) -> Bounds:
        """What is left after the walk came to `last`."""
        return Bounds(last, self.under, True) if self.upwards else Bounds(self.over, last, False)

    def to(self, last: int) -> Bounds:
        """The part up to `last`, which is in it."""
        return Bounds(self.over, last + 1, True) if self.upwards else Bounds(last - 1, self.under, False)


@dataclass(frozen=True, slots=True)
class IndexLead:
    """Runs off one index, by equality on its first columns."""

    index: str
    conditions: Sequence[Any]
    loose: Sequence[Any]

    def reach(self, connection: sa.Connection, bounds: Bounds, n: int) -> tuple[int, int | None]:
        asked = sa.select(runs.c.id).where(*self.conditions, *bounds.on(runs.c.id))
        taken = self._led(asked.order_by(bounds.order(runs.c.id)).limit(n)).subquery()
        return _last(connection, taken.c.id, bounds)

    def matching(self, connection: sa.Connection, bounds: Bounds, limit: int) -> list[int]:
        return list(connection.scalars(self._matching(bounds, limit)))

    def count(self, connection: sa.Connection, bounds: Bounds, limit: int) -> int:
        return _counted(connection, self._matching(bounds, limit))

    def _matching(self, bounds: Bounds, limit: int) -> sa.Select[int]:
        asked = sa.select(runs.c.id).where(*self.conditions, *self.loose, *bounds.on(runs.c.id))
        return cast("sa.Select[int]", self._led(asked.order_by(bounds.order(runs.c.id)).limit(limit)))

    def _led(self, asked: Any) -> Any:
        # SQLite keeps no statistics here and would choose among equal indexes by chance.
        return asked.with_hint(runs, f"INDEXED BY {self.index}", "sqlite")


@dataclass(frozen=True, slots=True)
class WordLead:
    """Runs off SQLite's index of words, which keeps its matches in the order of their ids."""

    expression: str
    loose: Sequence[Any]

    def reach(self, connection: sa.Connection, bounds: Bounds, n: int) -> tuple[int, int | None]:
        key, search, match = self._search()
        asked = sa.select(key).select_from(search).where(match, *bounds.on(key))
        taken = asked.order_by(bounds.order(key)).limit(n).subquery()
        return _last(connection, taken.c[0], bounds)

    def matching(self, connection: sa.Connection, bounds: Bounds, limit: int) -> list[int]:
        return list(connection.scalars(self._matching(bounds, limit)))

    def count(self, connection: sa.Connection, bounds: Bounds, limit: int) -> int:
        return _counted(connection, self._matching(bounds, limit))

    def _matching(self, bounds: Bounds, limit: int) -> sa.Select[int]:
        key, search, match = self._search()
        # A correlated EXISTS holds SQLite to this order: matches first, each looked up by its key.
        there = sa.exists().where(runs.c.id == key, *self.loose)
        asked = sa.select(key).select_from(search).where(match, there, *bounds.on(key))
        return asked.order_by(bounds.order(key)).limit(limit)

    def _search(self) -> tuple[sa.ColumnElement[int], sa.TableClause, sa.TextClause]:
        search = sa.table("run_search", sa.column("rowid", sa.Integer))
        match = sa.text("run_search MATCH :expression").bindparams(expression=self.expression)
        return search.c.rowid, search, match


def straight(connection: sa.Connection, leads: Sequence[Lead], bounds: Bounds, limit: int, *, counts: bool = False) -> Walked:
    """A walk that the leads' indexes hold whole."""
    if counts:
        return Walked([], counted=_count(connection, leads, bounds, limit))
    walks = [lead.matching(connection, bounds, limit) for lead in leads]
    return Walked(list(heapq.merge(*walks, reverse=not bounds.upwards))[:limit])


def sliced(
    connection: sa.Connection,
    leads: Sequence[Lead],
    bounds: Bounds,
    limit: int,
    *,
    budget_s: float | None,
    monotonic: Monotonic = time.monotonic,
    counts: bool = False,
) -> Walked:
    """A walk in slices. One slice is always looked through, however little time there is; None is without end."""
    until = None if budget_s is None else monotonic() + budget_s
    found: list[int] = []
    counted = 0
    size = FIRST_SLICE
    while True:
        came = [lead.reach(connection, bounds, size) for lead in leads]
        # The lead that came least far decides: beyond it another may hold more.
        full = [last for count, last in came if count == size and last is not None]
        stop = None if not full else min(full) if bounds.upwards else max(full)
        part = bounds if stop is None else bounds.to(stop)
        if counts:
            counted += _count(connection, leads, part, limit - counted)
        else:
            walks = [lead.matching(connection, part, limit - len(found)) for lead in leads]
            found += list(heapq.merge(*walks, reverse=not bounds.upwards))[: limit - len(found)]
        if stop is None or len(found) + counted >= limit:
            return Walked(found, counted=counted)
        if until is not None and monotonic() >= until:
            return Walked(found, stopped_at=stop, counted=counted)
        bounds = bounds.past(stop)
        size = min(size * 2, LONGEST_SLICE)


def _count(connection: sa.Connection, leads: Sequence[Lead], bounds: Bounds, limit: int) -> int:
    n = 0
    for lead in leads:
        if n < limit:
            n += lead.count(connection, bounds, limit - n)
    return n


def _counted(connection: sa.Connection, matching: sa.Select[int]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(matching.order_by(None).subquery())) or 0


def _last(connection: sa.Connection, key: Any, bounds: Bounds) -> tuple[int, int | None]:
    ends = sa.func.max(key) if bounds.upwards else sa.func.min(key)
    count, last = connection.execute(sa.select(sa.func.count(), ends)).one()
    return int(count), last
