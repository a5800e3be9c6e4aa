"""Which runs a filter means: the index that leads, the walk down it, and how many there are."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import Outcome, RunFilter
from wfm.ledger.counters import GRAIN_MINUTES, bucket_of, bucket_start, by_outcome
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, lowest_id
from wfm.ledger.schema import agents, groups, runs, ways
from wfm.ledger.search import postgres_query, sqlite_query

COUNTED_UP_TO = 10_000
"""How many runs are counted one by one when no counter knows the number."""

TEXT_MATCHES_TAKEN = 1_000
"""PostgreSQL: with no more matches than these, they are taken first; with more, the newest runs are tried one by one."""


class RunQuery:
    """One filter on one tenant, in one transaction."""

    def __init__(self, db: Database, connection: sa.Connection, tenant: int | None, which: RunFilter) -> None:
        self._db = db
        self._connection = connection
        self._tenant = tenant
        self._filter = which
        self._nothing = tenant is None
        self._conditions: list[Any] = []
        self._outcome: list[Any] = []
        self._index = "ix_runs_time"
        self._ways: list[int] = []
        self._facet: tuple[str, str] | None = ("hour", "")
        if tenant is not None:
            self._conditions.append(runs.c.tenant_id == tenant)
            self._read_filter()

    # --- reading the filter ------------------------------------------------------------------------------------------

    def _read_filter(self) -> None:
        """Turns the filter into conditions. The last index named leads: the later, the fewer runs it usually leaves."""
        which = self._filter
        if which.phase is not None:
            self._add(runs.c.phase == which.phase.value, None, None)
        if which.outcome is not None:
            self._outcome = [runs.c.outcome == which.outcome.value]
            self._index = "ix_runs_outcome"
        self._read_way(which.route, which.action)
        if which.status is not None:
            self._add(runs.c.status == which.status, "ix_runs_status", ("status", str(which.status)))
        if which.kind is not None:
            self._add(runs.c.kind == which.kind.value, "ix_runs_kind", ("kind", which.kind.value))
        if which.code is not None:
            self._add(runs.c.code == which.code, "ix_runs_code", ("code", which.code))
        if which.fingerprint is not None:
            asked = sa.select(groups.c.id).where(groups.c.tenant_id == self._tenant, groups.c.fingerprint == which.fingerprint)
            self._add_known(self._connection.scalar(asked), runs.c.group_id, "ix_runs_group", "group")
        if which.operation_id is not None:
            self._add_known(decode(which.operation_id), runs.c.operation_id, "ix_runs_operation", "operation")
        if which.agent_id is not None:
            asked = sa.select(agents.c.id).where(agents.c.tenant_id == self._tenant, agents.c.agent_id == which.agent_id)
            self._add_known(self._connection.scalar(asked), runs.c.agent_no, "ix_runs_agent", None)
        if which.correlation_id is not None:
            self._add(runs.c.correlation_id == which.correlation_id, "ix_runs_correlation", None)

    def _read_way(self, route: str | None, action: str | None) -> None:
        if route is None and action is None:
            return
        asked = sa.select(ways.c.id).where(ways.c.tenant_id == self._tenant)
        if route is not None:
            asked = asked.where(ways.c.route == route)
        if action is not None:
            asked = asked.where(ways.c.action == action)
        self._ways = list(self._connection.scalars(asked))
        self._nothing = self._nothing or not self._ways
        known = ("route", route) if action is None else ("action", action)
        facet = (known[0], known[1] or "") if route is None or action is None else None
        self._add(runs.c.way_id.in_(self._ways), "ix_runs_way", facet)

    def _add(self, condition: Any, index: str | None, facet: tuple[str, str] | None) -> None:
        self._conditions.append(condition)
        self._index = index or self._index
        # Counters know one facet at a time, by outcome.
        self._facet = facet if self._facet == ("hour", "") else None

    def _add_known(self, number: int | None, column: Any, index: str, facet: str | None) -> None:
        if number is None:
            self._nothing = True
        else:
            self._add(column == number, index, (facet, str(number)) if facet else None)

    # --- pages -------------------------------------------------------------------------------------------------------

    def page(self, limit: int, *, older_than: int | None = None, newer_than: int | None = None) -> tuple[list[int], bool]:
        """The numbers of up to `limit` runs, newest first, and whether there are more in the direction asked for."""
        if self._nothing:
            return [], False
        bounds = self._time_bounds(self._filter.since, self._filter.until)
        if older_than is not None:
            bounds.append(runs.c.id < older_than)
        if newer_than is not None:
            bounds.append(runs.c.id > newer_than)
        found = self._walk(bounds, limit + 1, upwards=newer_than is not None)
        return sorted(found[:limit], reverse=True), len(found) > limit

    def _walk(self, bounds: list[Any], limit: int, *, upwards: bool) -> list[int]:
        order = runs.c.id.asc() if upwards else runs.c.id.desc()
        if self._filter.text.strip():
            return self._walk_text(bounds, limit, order)
        # An index leads with one way: several ways are several walks, merged.
        leads = [runs.c.way_id == way for way in self._ways] if self._index == "ix_runs_way" else [sa.true()]
        walks = []
        for lead in leads:
            asked = sa.select(runs.c.id).where(*self._conditions, *self._outcome, lead, *bounds).order_by(order).limit(limit)
            walks.append(list(self._connection.scalars(self._led(asked))))
        return list(heapq.merge(*walks, reverse=not upwards))[:limit]

    def _led(self, asked: Any) -> Any:
        """SQLite keeps no statistics here and would choose among equal indexes by chance."""
        return asked.with_hint(runs, f"INDEXED BY {self._index}", "sqlite")

    def _walk_text(self, bounds: list[Any], limit: int, order: Any) -> list[int]:
        if self._db.is_sqlite:
            expression = sqlite_query(self._filter.text)
            if expression is None:
                return []
            search = sa.table("run_search", sa.column("rowid", sa.Integer))
            match = sa.text("run_search MATCH :expression").bindparams(expression=expression)
            key = search.c.rowid
            ordered = key.asc() if order.modifier is sa.sql.operators.asc_op else key.desc()
            # CROSS JOIN holds SQLite to this order: matches first, newest first, each looked up by its key.
            asked = (
                sa.select(key)
                .select_from(search)
                .where(match, sa.exists().where(runs.c.id == key, *self._conditions, *self._outcome, *bounds))
            )
            return list(self._connection.scalars(asked.order_by(ordered).limit(limit)))
        literal = postgres_query(self._filter.text)
        if literal is None:
            return []
        return self._walk_postgres_text(literal, bounds, limit, order)

    def _walk_postgres_text(self, literal: str, bounds: list[Any], limit: int, order: Any) -> list[int]:
        search = sa.table("run_search", sa.column("run_id", sa.BigInteger), sa.column("words"))
        match = search.c.words.op("@@")(sa.cast(sa.literal(literal), sa.dialects.postgresql.TSQUERY))
        taken = sa.select(search.c.run_id).where(match).limit(TEXT_MATCHES_TAKEN + 1)
        numbers = list(self._connection.scalars(taken))
        asked = sa.select(runs.c.id).where(*self._conditions, *self._outcome, *bounds).order_by(order).limit(limit)
        if len(numbers) <= TEXT_MATCHES_TAKEN:
            return list(self._connection.scalars(asked.where(runs.c.id.in_(numbers))))
        return list(self._connection.scalars(asked.where(sa.exists().where(search.c.run_id == runs.c.id, match))))

    def _time_bounds(self, since: datetime | None, until: datetime | None) -> list[Any]:
        """Ids hold the millisecond of the start: they bound the walk, the exact instant decides at the edges."""
        bounds: list[Any] = []
        if since is not None:
            bounds += [runs.c.id >= lowest_id(since), runs.c.started_at >= since]
        if until is not None:
            bounds += [runs.c.id < lowest_id(until + timedelta(milliseconds=1)), runs.c.started_at < until]
        return bounds

    # --- how many ----------------------------------------------------------------------------------------------------

    def total(self) -> int | None:
        """How many runs there are, exactly; None when no counter knows and there are more than 10,000."""
        known = self.counted_by_outcome()
        if known is not None:
            return known[self._filter.outcome] if self._filter.outcome is not None else known.total()
        bounds = self._time_bounds(self._filter.since, self._filter.until)
        found = len(self._walk(bounds, COUNTED_UP_TO + 1, upwards=False))
        return found if found <= COUNTED_UP_TO else None

    def counted_by_outcome(self) -> Counter[Outcome] | None:
        """Runs of the filter by outcome, from counters; None when they don't know. The filter's outcome is not applied."""
        if self._nothing:
            return Counter()
        if self._facet is None or self._filter.text.strip():
            return None
        return self._between(*self._facet, self._filter.since, self._filter.until)

    def _between(self, facet: str, value: str, since: datetime | None, until: datetime | None) -> Counter[Outcome]:
        """Whole buckets from the counters; what is left at the edges from finer counters or, inside a minute, from runs."""
        if since is not None and until is not None and since >= until:
            return Counter()
        grain = GRAIN_MINUTES[facet]
        first = None if since is None else _ceil(since, grain)
        last = None if until is None else _floor(until, grain)
        if first is not None and last is not None and first > last:
            return self._edge(facet, value, since, until)
        assert self._tenant is not None
        found = by_outcome(self._connection, self._tenant, facet, value, first, last)
        if since is not None and since != first:
            found += self._edge(facet, value, since, first)
        if until is not None and until != last:
            found += self._edge(facet, value, last, until)
        return found

    def _edge(self, facet: str, value: str, since: datetime | None, until: datetime | None) -> Counter[Outcome]:
        if facet == "hour":
            return self._between("minute", "", since, until)
        asked = (
            sa.select(runs.c.outcome, sa.func.count())
            .where(*self._conditions, *self._time_bounds(since, until))
            .group_by(runs.c.outcome)
        )
        return Counter({Outcome(outcome): n for outcome, n in self._connection.execute(asked)})


def _floor(at: datetime, grain_minutes: int) -> datetime:
    return bucket_start(bucket_of(at, grain_minutes))


def _ceil(at: datetime, grain_minutes: int) -> datetime:
    floor = _floor(at, grain_minutes)
    return floor if floor == at else floor + timedelta(minutes=grain_minutes)
