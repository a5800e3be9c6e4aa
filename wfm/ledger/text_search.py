"""Text search within a bounded time: the newest few hundred runs say how frequent the words are.

Frequent words are found soonest by scanning on, since the text index gathers all its matches first (the last word may be the
beginning of a longer one): seconds for a word that stands in every run. Rare words are found soonest by the index: scanning
for one that stands in a few runs takes minutes. What the index can't answer in its share of the time is scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wfm.ledger.database import Database, TimeOver, settings_taken_back
from wfm.ledger.scan import Bounds, Deadline, Estimate, IndexScan, ScanResult, scan_in_slices
from wfm.ledger.schema import runs
from wfm.ledger.search_words import postgres_query, sqlite_patterns, sqlite_query

FIRST_SCAN_SLICE = 250
FIRST_SCAN = 3 * FIRST_SCAN_SLICE
"""How many candidates are scanned to see how frequent the words are."""

MAX_SCANNED_FOR_PAGE = 6_000
"""Words are frequent if the page fills within so many candidates, at the rate seen."""

COUNT_SLICE = 1_000

MAX_MATCHES = 1_000
"""PostgreSQL: so many matches are taken from the text index; with more, runs are scanned."""

INDEX_SHARE = 2 / 3
"""So much of the time that is left the text index may take."""

_FETCHED = 500


class TextSearch:
    """One text in one transaction. `index_scan` is the scan without it; `conditions` are all the other ones."""

    def __init__(
        self, db: Database, connection: sa.Connection, text: str, index_scan: IndexScan, conditions: Sequence[Any]
    ) -> None:
        self._index: _SqliteIndex | _PostgresIndex
        self._index = (_SqliteIndex if db.is_sqlite else _PostgresIndex)(db, connection, text, conditions)
        index_scan = replace(index_scan, residual=[*index_scan.residual, *self._index.row_conditions()])
        self._scan = partial(scan_in_slices, db, connection, index_scan)
        self._frequent = False

    def page(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult:
        """Up to `limit` ids; `stopped_at` where the time was over before the end."""
        if self._index.matches_nothing:
            return ScanResult([])
        result = self._scan(bounds, limit, deadline=deadline, first=FIRST_SCAN_SLICE, most=FIRST_SCAN)
        seen = result.n
        frequent = seen * MAX_SCANNED_FOR_PAGE >= limit * FIRST_SCAN
        if not frequent and result.stopped_at is not None:
            left = deadline.left()
            share = None if left is None else left * INDEX_SHARE
            found = self._index.search(bounds.past(result.stopped_at), limit - seen, share)
            result = result if found is None else result.and_then(found)
        if result.stopped_at is not None and result.n < limit and deadline.left() != 0:
            rest = self._scan(bounds.past(result.stopped_at), limit - result.n, deadline=deadline)
            result = result.and_then(rest)
        self._frequent = seen > 0 and result.n == limit
        return result

    def count(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult:
        """How many there are, at most `limit`; at least so many where `stopped_at` says that it came to no end."""
        if self._index.matches_nothing:
            return ScanResult([])
        counted = self._index.count(bounds, limit, deadline, quick=self._frequent)
        if counted.exact or counted.n >= limit:
            return ScanResult([], counted=counted.n)
        result = self._scan(bounds, limit, deadline=deadline, first=COUNT_SLICE, counts=True)
        return replace(result, counted=max(result.n, counted.n))


class _SqliteIndex:
    """FTS5: gives whole words from the newest without gathering them, beginnings of words only after that."""

    _table = sa.table("run_search", sa.column("rowid", sa.Integer))
    _content = sa.table("run_search_content", sa.column("id", sa.Integer), sa.column("c0", sa.Text))

    def __init__(self, db: Database, connection: sa.Connection, text: str, conditions: Sequence[Any]) -> None:
        self._db, self._connection, self._text, self._conditions = db, connection, text, conditions
        self._expression = sqlite_query(text)
        self.matches_nothing = self._expression is None

    def row_conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a scan tries run by run: FTS5 keeps the documents, whose words are cut by us, in a table of its own."""
        document = sa.literal(" ") + self._content.c.c0 + " "
        found = [sa.func.instr(document, pattern) > 0 for pattern in sqlite_patterns(self._text)]
        return [sa.exists().where(self._content.c.id == runs.c.id, *found)]

    def search(self, bounds: Bounds, limit: int, seconds: float | None) -> ScanResult | None:
        found: list[int] = []
        try:
            with self._db.time_limit(self._connection, seconds):
                for number in self._connection.scalars(self._asked(self._expression, bounds, limit)):
                    found.append(number)
        except TimeOver:
            # What came is all there is down to the last of it.
            return ScanResult(found, found[-1]) if found else None
        return ScanResult(found)

    def count(self, bounds: Bounds, limit: int, deadline: Deadline, *, quick: bool) -> Estimate:
        whole = sqlite_query(self._text, open_ended=False)
        most = self._counted(whole, bounds, limit, deadline)
        if whole == self._expression or most.n >= limit:
            return most
        if not most.exact or quick:
            return Estimate(most.n, exact=False)
        conditions = self._counted(self._expression, bounds, limit, deadline)
        return conditions if conditions.n >= most.n else Estimate(most.n, exact=False)

    def _counted(self, expression: str | None, bounds: Bounds, limit: int, deadline: Deadline) -> Estimate:
        n = 0
        try:
            with self._db.time_limit(self._connection, deadline.left()):
                result = self._connection.execute(self._asked(expression, bounds, limit))
                while some := len(result.fetchmany(_FETCHED)):
                    n += some
        except TimeOver:
            return Estimate(n, exact=False)
        return Estimate(n, exact=True)

    def _asked(self, expression: str | None, bounds: Bounds, limit: int) -> sa.Select[int]:
        key = self._table.c.rowid
        match = sa.text("run_search MATCH :expression").bindparams(expression=expression)
        # A correlated EXISTS holds SQLite to this order: matches first, each looked up by its key.
        there = sa.exists().where(runs.c.id == key, *self._conditions)
        asked = sa.select(key).select_from(self._table).where(match, there, *bounds.on(key))
        return asked.order_by(bounds.order(key)).limit(limit)


class _PostgresIndex:
    """GIN: gives its matches in no order, and all of them before the first."""

    _vectors = sa.table("run_search", sa.column("run_id", sa.BigInteger), sa.column("words", postgresql.TSVECTOR))

    def __init__(self, db: Database, connection: sa.Connection, text: str, conditions: Sequence[Any]) -> None:
        self._db, self._connection, self._conditions = db, connection, conditions
        query = postgres_query(text)
        self.matches_nothing = query is None
        self._query = sa.cast(sa.literal(query), postgresql.TSQUERY)
        self._matched: list[int] | None = None

    def row_conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a scan tries run by run. Asked with EXISTS, the planner might gather the matches of the whole history for it."""
        words = sa.select(self._vectors.c.words).where(self._vectors.c.run_id == runs.c.id).scalar_subquery()
        return [words.op("@@")(self._query)]

    def search(self, bounds: Bounds, limit: int, seconds: float | None) -> ScanResult | None:
        matched = self._matches(seconds)
        if matched is None or len(matched) > MAX_MATCHES:
            return None
        asked = sa.select(runs.c.id).where(*self._conditions, *bounds.on(runs.c.id), runs.c.id.in_(matched))
        return ScanResult(list(self._connection.scalars(asked.order_by(bounds.order(runs.c.id)).limit(limit))))

    def count(self, bounds: Bounds, limit: int, deadline: Deadline, *, quick: bool) -> Estimate:
        matched = None if quick else self._matches(deadline.left())
        if matched is None:
            return Estimate(0, exact=False)
        asked = (
            sa.select(sa.func.count()).select_from(runs).where(*self._conditions, *bounds.on(runs.c.id), runs.c.id.in_(matched))
        )
        return Estimate(min(self._connection.scalar(asked) or 0, limit), exact=len(matched) <= MAX_MATCHES)

    def _matches(self, seconds: float | None) -> list[int] | None:
        """One more than MATCHES_TAKEN where there are so many; None where that would take too long."""
        if self._matched is None:
            # Materialized: inside a larger statement the planner would scan the ids and try the words of each run.
            found = self._vectors.c.words.op("@@")(self._query)
            asked = sa.select(self._vectors.c.run_id).where(found).limit(MAX_MATCHES + 1)
            matches = asked.cte("matches").prefix_with("MATERIALIZED")
            try:
                with settings_taken_back(self._connection), self._db.time_limit(self._connection, seconds):
                    # It likes to read the table through where it can't know how rare a word is.
                    self._connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                    self._matched = list(self._connection.scalars(sa.select(matches.c.run_id)))
            except TimeOver:
                return None
        return self._matched
