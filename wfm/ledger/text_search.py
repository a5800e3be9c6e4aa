"""Walking down runs whose words are asked for, within a bounded time.

A rare word is found soonest by the index of words. A word that stands in many runs is found soonest by trying the newest
runs one by one; the index would gather all its matches first (the last word may be the beginning of a longer one). Which it
is nobody knows beforehand, so: a few hundred runs are tried. Where the words stand in none of them the index is asked for a
few milliseconds, since it knows rare words by then. Then a few thousand runs are tried; then the index is asked for the rest,
and broken off where that takes long; then runs are tried one by one again until the time is over.
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
from wfm.ledger.tokens import postgres_query, sqlite_patterns, sqlite_query

FIRST_SCAN_SLICE = 250
FIRST_SCAN = 3 * FIRST_SCAN_SLICE
"""So many candidates are tried before the index of words is asked. PostgreSQL can't break off gathering the matches of one
word, so it is never asked for a word that is seen to be frequent.
"""

SECOND_SCAN = 6_000
"""So many candidates are tried one by one before the index is asked for long, in slices as in any search."""

COUNT_SLICE = 1_000

PROBE_S = 0.01
"""So long the index is asked for words that seem to be rare."""

MAX_MATCHES = 1_000
"""PostgreSQL: so many matches are taken from the index of words; with more, runs are tried one by one."""

INDEX_SHARE = 2 / 3
"""The index of words may take so much of the time that is left."""

_FETCHED = 500


class TextSearch:
    """The words of one search in one transaction. `lead` is the walk without them; `every` all the other conditions."""

    def __init__(self, db: Database, connection: sa.Connection, text: str, lead: IndexScan, every: Sequence[Any]) -> None:
        self._db, self._connection = db, connection
        self._every = every
        self._index: _SqliteIndex | _PostgresIndex
        self._index = (_SqliteIndex if db.is_sqlite else _PostgresIndex)(db, connection, text, every)
        self._lead = replace(lead, residual=[*lead.residual, *self._index.in_row()])
        self._frequent = False

    def page(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult:
        """Up to `limit` ids; `stopped_at` where the time was over before the end."""
        if self._index.nothing:
            return ScanResult([])
        walked = self._scan(bounds, limit, deadline, first=FIRST_SCAN_SLICE, most=FIRST_SCAN)
        rare = walked.n == 0
        steps = [self._probe_index] if rare else []
        for step in (*steps, self._scan_some, self._search_index, self._scan_all):
            if walked.stopped_at is None or deadline.left() == 0:
                break
            bounds = bounds.past(walked.stopped_at)
            further = step(bounds, limit - walked.n, deadline)
            if further is not None:
                walked = walked.and_then(further)
        self._frequent = not rare and walked.n == limit
        return walked

    def _probe_index(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult | None:
        return self._index.walk(bounds, limit, PROBE_S)

    def _scan_some(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult | None:
        return self._scan(bounds, limit, deadline, most=SECOND_SCAN)

    def _search_index(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult | None:
        left = deadline.left()
        return self._index.walk(bounds, limit, None if left is None else left * INDEX_SHARE)

    def _scan_all(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult | None:
        return self._scan(bounds, limit, deadline)

    def _scan(
        self,
        bounds: Bounds,
        limit: int,
        deadline: Deadline,
        *,
        first: int | None = None,
        most: int | None = None,
        counts: bool = False,
    ) -> ScanResult:
        return scan_in_slices(
            self._connection,
            self._lead,
            bounds,
            limit,
            deadline=deadline,
            first=first,
            most=most,
            counts=counts,
            time_limit=partial(self._db.time_limit, self._connection),
        )

    def count(self, bounds: Bounds, limit: int, deadline: Deadline) -> ScanResult:
        """How many there are, at most `limit`; at least so many where `stopped_at` says that it came to no end."""
        if self._index.nothing:
            return ScanResult([])
        counted = self._index.count(bounds, limit, deadline, quick=self._frequent)
        if counted.exact or counted.n >= limit:
            return ScanResult([], counted=counted.n)
        walked = self._scan(bounds, limit, deadline, first=COUNT_SLICE, counts=True)
        return replace(walked, counted=max(walked.n, counted.n))


class _SqliteIndex:
    """FTS5: gives whole words from the newest without gathering them, beginnings of words only after that."""

    _words = sa.table("run_search", sa.column("rowid", sa.Integer))
    _content = sa.table("run_search_content", sa.column("id", sa.Integer), sa.column("c0", sa.Text))

    def __init__(self, db: Database, connection: sa.Connection, text: str, every: Sequence[Any]) -> None:
        self._db, self._connection, self._text, self._every = db, connection, text, every
        self._expression = sqlite_query(text)
        self.nothing = self._expression is None

    def in_row(self) -> list[sa.ColumnElement[bool]]:
        """What is tried run by run: FTS5 keeps the documents, whose words are cut by us, in a table of its own."""
        document = sa.literal(" ") + self._content.c.c0 + " "
        found = [sa.func.instr(document, pattern) > 0 for pattern in sqlite_patterns(self._text)]
        return [sa.exists().where(self._content.c.id == runs.c.id, *found)]

    def walk(self, bounds: Bounds, limit: int, seconds: float | None) -> ScanResult | None:
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
        every = self._counted(self._expression, bounds, limit, deadline)
        return every if every.n >= most.n else Estimate(most.n, exact=False)

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
        key = self._words.c.rowid
        match = sa.text("run_search MATCH :expression").bindparams(expression=expression)
        # A correlated EXISTS holds SQLite to this order: matches first, each looked up by its key.
        there = sa.exists().where(runs.c.id == key, *self._every)
        asked = sa.select(key).select_from(self._words).where(match, there, *bounds.on(key))
        return asked.order_by(bounds.order(key)).limit(limit)


class _PostgresIndex:
    """GIN: gives its matches in no order, and all of them before the first."""

    _vectors = sa.table("run_search", sa.column("run_id", sa.BigInteger), sa.column("words", postgresql.TSVECTOR))

    def __init__(self, db: Database, connection: sa.Connection, text: str, every: Sequence[Any]) -> None:
        self._db, self._connection, self._every = db, connection, every
        query = postgres_query(text)
        self.nothing = query is None
        self._query = sa.cast(sa.literal(query), postgresql.TSQUERY)
        self._taken: list[int] | None = None

    def in_row(self) -> list[sa.ColumnElement[bool]]:
        """What is tried run by run. Asked with EXISTS, the planner might gather the matches of the whole history for it."""
        words = sa.select(self._vectors.c.words).where(self._vectors.c.run_id == runs.c.id).scalar_subquery()
        return [words.op("@@")(self._query)]

    def walk(self, bounds: Bounds, limit: int, seconds: float | None) -> ScanResult | None:
        taken = self._matches(seconds)
        if taken is None or len(taken) > MAX_MATCHES:
            return None
        asked = sa.select(runs.c.id).where(*self._every, *bounds.on(runs.c.id), runs.c.id.in_(taken))
        return ScanResult(list(self._connection.scalars(asked.order_by(bounds.order(runs.c.id)).limit(limit))))

    def count(self, bounds: Bounds, limit: int, deadline: Deadline, *, quick: bool) -> Estimate:
        taken = None if quick else self._matches(deadline.left())
        if taken is None:
            return Estimate(0, exact=False)
        asked = sa.select(sa.func.count()).select_from(runs).where(*self._every, *bounds.on(runs.c.id), runs.c.id.in_(taken))
        return Estimate(min(self._connection.scalar(asked) or 0, limit), exact=len(taken) <= MAX_MATCHES)

    def _matches(self, seconds: float | None) -> list[int] | None:
        """One more than MATCHES_TAKEN where there are so many; None where that would take too long."""
        if self._taken is None:
            # Materialized: inside a larger statement the planner would walk down the ids and try the words of each run.
            found = self._vectors.c.words.op("@@")(self._query)
            asked = sa.select(self._vectors.c.run_id).where(found).limit(MAX_MATCHES + 1)
            matches = asked.cte("matches").prefix_with("MATERIALIZED")
            try:
                with settings_taken_back(self._connection), self._db.time_limit(self._connection, seconds):
                    # It likes to read the table through where it can't know how rare a word is.
                    self._connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                    self._taken = list(self._connection.scalars(sa.select(matches.c.run_id)))
            except TimeOver:
                return None
        return self._taken
