"""Index scans of runs in the order of their ids: straight where an index holds the whole filter, else in slices.

*Residual* conditions are those that the index does not hold, so they are tried run by run. Without any a page is read
straight off the index. Otherwise a slice of the index is taken, the residual is tried on it, and the next slice is longer
where the time allows, until the page is full, the end is reached or the time is over. The result then says how far it came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wfm.ledger.database import Database, TimeOver
from wfm.ledger.schema import runs

FIRST_SLICE = 2_000
MIN_SLICE = 50
MAX_SLICE = 8_000

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of runs; a lower bound unless `exact`."""

    n: int
    exact: bool


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Ids in the order of the scan. `stopped_at` is the last id looked at when it stopped before the end.

    A scan that only counts gives no ids, but `counted`.
    """

    ids: list[int]
    stopped_at: int | None = None
    counted: int = 0

    @property
    def n(self) -> int:
        return len(self.ids) + self.counted

    def and_then(self, further: ScanResult) -> ScanResult:
        """This result with that of a scan that went on from where it stopped."""
        return ScanResult([*self.ids, *further.ids], further.stopped_at, self.counted + further.counted)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a search has to stop; `at` None is never."""

    at: float | None
    monotonic: Monotonic = time.monotonic

    @classmethod
    def after(cls, seconds: float | None, monotonic: Monotonic = time.monotonic) -> Deadline:
        """So many seconds from now."""
        return cls(None if seconds is None else monotonic() + seconds, monotonic)

    def left(self) -> float | None:
        """Seconds that are left, not below 0; None is no end."""
        return None if self.at is None else max(0.0, self.at - self.monotonic())


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids above `over` and below `under`, scanned upwards or downwards."""

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
        """What is left after the scan came to `last`."""
        return Bounds(last, self.under, True) if self.upwards else Bounds(self.over, last, False)

    def to(self, last: int) -> Bounds:
        """The part up to `last`, which is in it."""
        return Bounds(self.over, last + 1, True) if self.upwards else Bounds(last - 1, self.under, False)


@dataclass(frozen=True, slots=True)
class InList:
    """A column that may have any of these values: so many scans of one index, merged."""

    column: sa.Column[Any]
    values: Sequence[int] | Sequence[str]

    def condition(self) -> sa.ColumnElement[bool]:
        """The values stand in the statement itself: a team can have more members than a statement may have parameters."""
        return self.column.in_(sa.bindparam(None, list(self.values), expanding=True, literal_execute=True, unique=True))

    def array(self) -> postgresql.ARRAY[Any]:
        """The type of all the values together."""
        return postgresql.ARRAY(self.column.type)


@dataclass(frozen=True, slots=True)
class IndexScan:
    """Runs off one index, in the order of their ids: by equality on its first columns, or by lists of values.

    SQLite merges the scans of several values by itself: it leaves each as soon as that can add nothing to the page.
    PostgreSQL would read and sort them whole, so there each is asked for its own page in a `lateral` join.
    """

    index: str
    conditions: Sequence[Any]
    residual: Sequence[Any] = ()
    in_lists: Sequence[InList] = ()
    lateral: bool = False

    def scan_to(self, connection: sa.Connection, bounds: Bounds, n: int) -> tuple[int, int | None]:
        """How many of the next `n` candidates there are, and the last one's id."""
        taken = self._select((), bounds, n).subquery()
        ends = sa.func.max(taken.c.id) if bounds.upwards else sa.func.min(taken.c.id)
        count, last = connection.execute(sa.select(sa.func.count(), ends).select_from(taken)).one()
        return int(count), last

    def matching(self, connection: sa.Connection, bounds: Bounds, limit: int) -> list[int]:
        """Up to `limit` candidates that meet the residual too."""
        return list(connection.scalars(self._select(self.residual, bounds, limit)))

    def count(self, connection: sa.Connection, bounds: Bounds, limit: int) -> int:
        """How many candidates meet the residual too, at most `limit`."""
        in_lists = [one.condition() for one in self.in_lists]
        asked = sa.select(runs.c.id).where(*self.conditions, *in_lists, *self.residual, *bounds.on(runs.c.id)).limit(limit)
        return connection.scalar(sa.select(sa.func.count()).select_from(self._hinted(asked).subquery())) or 0

    def _select(self, residual: Sequence[Any], bounds: Bounds, limit: int) -> sa.Select[int]:
        asked = sa.select(runs.c.id).where(*self.conditions, *residual, *bounds.on(runs.c.id))
        if not self.in_lists:
            return self._hinted(asked.order_by(bounds.order(runs.c.id)).limit(limit))
        if not self.lateral:
            asked = asked.where(*(one.condition() for one in self.in_lists))
            return self._hinted(asked.order_by(bounds.order(runs.c.id)).limit(limit))
        return self._merged(asked, bounds, limit)

    def _merged(self, asked: sa.Select[int], bounds: Bounds, limit: int) -> sa.Select[int]:
        starts = [
            sa.func.unnest(sa.literal(list(one.values), one.array())).table_valued("start").render_derived()
            for one in self.in_lists
        ]
        mine = [one.column == start.c.start for one, start in zip(self.in_lists, starts, strict=True)]
        lateral = asked.where(*mine).order_by(bounds.order(runs.c.id)).limit(limit).lateral()
        return sa.select(lateral.c.id).select_from(*starts, lateral).order_by(bounds.order(lateral.c.id)).limit(limit)

    def _hinted(self, asked: sa.Select[int]) -> sa.Select[int]:
        # SQLite keeps no statistics here and would choose among equal indexes by chance.
        return asked.with_hint(runs, f"INDEXED BY {self.index}", "sqlite")


def scan_in_slices(
    db: Database,
    connection: sa.Connection,
    index_scan: IndexScan,
    bounds: Bounds,
    limit: int,
    *,
    deadline: Deadline,
    first: int | None = None,
    most: int | None = None,
    counts: bool = False,
) -> ScanResult:
    """Scan in slices, the first of `first` candidates, through at most about `most`. One slice is always looked through,
    however little time there is; the others are broken off when the time is over. `counts` gives how many
    instead of which.
    """
    found: list[int] = []
    counted = scanned = 0
    reached: int | None = None
    size = FIRST_SLICE if first is None else first
    left = deadline.left()
    while True:
        wanted = limit - len(found) - counted
        try:
            with db.time_limit(connection, left if scanned else None):
                many, last = index_scan.scan_to(connection, bounds, size)
                stop = last if many == size else None
                part = bounds if stop is None else bounds.to(stop)
                if counts:
                    counted += index_scan.count(connection, part, wanted)
                else:
                    found += index_scan.matching(connection, part, wanted)
        except TimeOver:
            return ScanResult(found, reached, counted)
        if stop is None or len(found) + counted >= limit:
            return ScanResult(found, counted=counted)
        scanned, reached = scanned + many, stop
        before, left = left, deadline.left()
        if left == 0 or (most is not None and scanned >= most):
            return ScanResult(found, stop, counted)
        bounds = bounds.past(stop)
        if before is None or left is None or 3 * (before - left) < left:
            size = min(size * 2, MAX_SLICE)
        elif before - left > left:
            # As many as there is time for.
            size = max(MIN_SLICE, int(size * left / (before - left)))
