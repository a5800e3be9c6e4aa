"""Which runs a filter means: the index that leads, the walk down it, and how many there are."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import Outcome, RunFilter
from wfm.ledger import words
from wfm.ledger.counters import GRAIN_MINUTES, bucket_of, bucket_start, by_outcome
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, lowest_id
from wfm.ledger.schema import agents, causes, groups, operations, runs, ways
from wfm.ledger.search import postgres_query, sqlite_query
from wfm.ledger.walk import Bounds, IndexLead, Monotonic, Walked, WordLead, sliced, straight

COUNTED_UP_TO = 10_000
"""How many runs are counted one by one when no counter knows the number."""

COUNTING_S = 0.02
"""How long runs are counted one by one where no index holds the filter; at least one slice of 2,000 is."""

TEXT_MATCHES_TAKEN = 1_000
"""PostgreSQL: with no more matches than these, they are taken first; with more, the newest runs are tried one by one."""

_MILLISECOND = timedelta(milliseconds=1)

MOST_LEADS = 20
"""So many walks (agents, operations, ways with their outcomes) are merged; more are looked for run by run."""


@dataclass(frozen=True, slots=True)
class Many:
    """A number of runs; a lower bound unless `exact`."""

    n: int
    exact: bool


class RunQuery:
    """One filter on one tenant, in one transaction. `budget_s` bounds a search that no index holds; None does not."""

    def __init__(
        self,
        db: Database,
        connection: sa.Connection,
        tenant: int | None,
        which: RunFilter,
        *,
        budget_s: float | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._db = db
        self._connection = connection
        self._tenant = tenant
        self._filter = which
        self._budget_s = budget_s
        self._monotonic = monotonic
        self._nothing = tenant is None
        self._conditions: list[Any] = []
        self._outcome: list[Any] = []
        self._index = "ix_runs_time"
        self._leads: list[list[Any]] = [[runs.c.tenant_id == tenant]]
        self._held: list[Any] = []
        self._facet: tuple[str, str] | None = ("hour", "")
        if tenant is not None:
            self._conditions.append(runs.c.tenant_id == tenant)
            self._read_filter()

    # --- reading the filter ------------------------------------------------------------------------------------------

    def _read_filter(self) -> None:
        """Turns the filter into conditions. The last index named leads: the later, the fewer runs it usually leaves."""
        which = self._filter
        tenant = runs.c.tenant_id == self._tenant
        if which.phase is not None:
            self._add(runs.c.phase == which.phase.value)
        if which.retryable is not None:
            known = sa.select(causes.c.id).where(causes.c.tenant_id == self._tenant, causes.c.retryable == which.retryable)
            found = list(self._connection.scalars(known))
            self._nothing = self._nothing or not found
            self._add(runs.c.cause_id.in_(found))
        if which.outcome is not None:
            self._outcome = [runs.c.outcome == which.outcome.value]
            self._lead("ix_runs_outcome", [[tenant, *self._outcome]], [])
        self._read_way(which.route, which.action)
        for name, value in (("status", which.status), ("kind", which.kind), ("code", which.code)):
            if value is not None:
                column = runs.c[name]
                self._add(column == value, (name, str(value)))
                self._lead(f"ix_runs_{name}", [[tenant, column == value]], [column == value])
        if which.fingerprint is not None:
            asked = sa.select(groups.c.id).where(groups.c.tenant_id == self._tenant, groups.c.fingerprint == which.fingerprint)
            self._add_known(self._connection.scalar(asked), runs.c.group_id, "ix_runs_group", "group")
        if which.window_at is not None:
            open_then = sa.select(operations.c.id).where(
                operations.c.tenant_id == self._tenant,
                operations.c.window_start <= which.window_at,
                operations.c.window_end > which.window_at,
            )
            self._add_several(runs.c.operation_id, list(self._connection.scalars(open_then)), "ix_runs_operation")
        if which.agents is not None:
            members = words.known_agents(self._connection, self._tenant or 0, which.agents)
            self._add_several(runs.c.agent_no, sorted(number for number, _ in members.values()), "ix_runs_agent")
        if which.operation_id is not None:
            ours = (operations.c.id == decode(which.operation_id), operations.c.tenant_id == self._tenant)
            known_operation = self._connection.scalar(sa.select(operations.c.id).where(*ours))
            self._add_known(known_operation, runs.c.operation_id, "ix_runs_operation", "operation")
        if which.agent_id is not None:
            asked = sa.select(agents.c.id).where(agents.c.tenant_id == self._tenant, agents.c.agent_id == which.agent_id)
            self._add_known(self._connection.scalar(asked), runs.c.agent_no, "ix_runs_agent", None)
        if which.correlation_id is not None:
            same = runs.c.correlation_id == which.correlation_id
            self._add(same)
            self._lead("ix_runs_correlation", [[same]], [same])

    def _read_way(self, route: str | None, action: str | None) -> None:
        if route is None and action is None:
            return
        asked = sa.select(ways.c.id).where(ways.c.tenant_id == self._tenant)
        if route is not None:
            asked = asked.where(ways.c.route == route)
        if action is not None:
            asked = asked.where(ways.c.action == action)
        found = list(self._connection.scalars(asked))
        self._nothing = self._nothing or not found
        known = ("route", route) if action is None else ("action", action)
        facet = (known[0], known[1] or "") if route is None or action is None else None
        mine = runs.c.way_id.in_(found)
        self._add(mine, facet)
        if len(found) * len(Outcome) <= MOST_LEADS:
            # The index holds way and outcome as a pair: without an outcome asked for, each of them is a walk.
            outcomes = self._outcome or [runs.c.outcome == outcome.value for outcome in Outcome]
            self._lead("ix_runs_way_outcome", [[runs.c.way_id == way, one] for way in found for one in outcomes], [mine])

    def _add(self, condition: Any, facet: tuple[str, str] | None = None) -> None:
        self._conditions.append(condition)
        # Counters know one facet at a time, by outcome.
        self._facet = facet if self._facet == ("hour", "") else None

    def _lead(self, index: str, leads: list[list[Any]], held: list[Any]) -> None:
        self._index, self._leads, self._held = index, leads, held

    def _add_known(self, number: int | None, column: Any, index: str, facet: str | None) -> None:
        if number is None:
            self._nothing = True
            return
        self._add(column == number, (facet, str(number)) if facet else None)
        self._lead(index, [[column == number]], [self._conditions[-1]])

    def _add_several(self, column: Any, numbers: list[int], index: str) -> None:
        self._nothing = self._nothing or not numbers
        self._add(column.in_(numbers))
        if len(numbers) <= MOST_LEADS:
            self._lead(index, [[column == number] for number in numbers], [self._conditions[-1]])

    # --- pages -------------------------------------------------------------------------------------------------------

    def page(self, limit: int, *, older_than: int | None = None, newer_than: int | None = None) -> tuple[Walked, bool]:
        """Up to `limit` runs, newest first, and whether there are, or may be, more in the direction asked for."""
        if self._nothing:
            return Walked([]), False
        bounds = self._bounds(older_than=older_than, newer_than=newer_than)
        walked = self._walk(bounds, limit + 1, self._budget_s)
        more = len(walked.ids) > limit or walked.stopped_at is not None
        return Walked(sorted(walked.ids[:limit], reverse=True), walked.stopped_at), more

    def _bounds(self, *, older_than: int | None = None, newer_than: int | None = None) -> Bounds:
        """Ids hold the millisecond of the start: they bound the walk, the exact instant decides at the edges."""
        since, until = self._filter.since, self._filter.until
        over = [lowest_id(since) - 1] if since is not None else []
        under = [lowest_id(until + timedelta(milliseconds=1))] if until is not None else []
        over += [newer_than] if newer_than is not None else []
        under += [older_than] if older_than is not None else []
        return Bounds(max(over, default=None), min(under, default=None), upwards=newer_than is not None)

    def _instants(self) -> list[Any]:
        return _inside(self._filter.since, self._filter.until)

    def _walk(self, bounds: Bounds, limit: int, budget_s: float | None, *, counts: bool = False) -> Walked:
        every = [*self._conditions, *self._outcome]
        if self._filter.text.strip():
            return self._walk_text(every, bounds, limit, budget_s, counts)
        return self._walk_index([], bounds, limit, budget_s, counts)

    def _walk_index(self, more: list[Any], bounds: Bounds, limit: int, budget_s: float | None, counts: bool) -> Walked:
        tenant = self._conditions[0]
        outcome = [] if self._index in ("ix_runs_outcome", "ix_runs_way_outcome") else self._outcome
        others = [one for one in self._conditions[1:] if not any(one is held for held in self._held)]
        loose = [*others, *outcome, *more]
        # Ways, agents, operations and groups are one tenant's. Only a correlation id may be another's too.
        strange = [tenant] if self._index == "ix_runs_correlation" else []
        leads = [IndexLead(self._index, lead, [*loose, *strange, *self._instants()]) for lead in self._leads]
        if not loose:
            return straight(self._connection, leads, bounds, limit, counts=counts)
        return sliced(self._connection, leads, bounds, limit, budget_s=budget_s, monotonic=self._monotonic, counts=counts)

    def _walk_text(self, every: list[Any], bounds: Bounds, limit: int, budget_s: float | None, counts: bool) -> Walked:
        if self._db.is_sqlite:
            expression = sqlite_query(self._filter.text)
            if expression is None:
                return Walked([])
            lead = WordLead(expression, [*every, *self._instants()])
            return sliced(self._connection, [lead], bounds, limit, budget_s=budget_s, monotonic=self._monotonic, counts=counts)
        literal = postgres_query(self._filter.text)
        if literal is None:
            return Walked([])
        search = sa.table("run_search", sa.column("run_id", sa.BigInteger), sa.column("words"))
        match = search.c.words.op("@@")(sa.cast(sa.literal(literal), sa.dialects.postgresql.TSQUERY))
        # Materialized: inside a larger statement the planner would walk down the ids and try the words of each run.
        taken = sa.select(search.c.run_id).where(match).limit(TEXT_MATCHES_TAKEN + 1).cte("matches").prefix_with("MATERIALIZED")
        numbers = list(self._connection.scalars(sa.select(taken.c.run_id)))
        if len(numbers) > TEXT_MATCHES_TAKEN:
            return self._walk_index([sa.exists().where(search.c.run_id == runs.c.id, match)], bounds, limit, budget_s, counts)
        asked = sa.select(runs.c.id).where(*every, *self._instants(), *bounds.on(runs.c.id), runs.c.id.in_(numbers))
        return Walked(list(self._connection.scalars(asked.order_by(bounds.order(runs.c.id)).limit(limit))))

    # --- how many ----------------------------------------------------------------------------------------------------

    def total(self) -> Many:
        """How many runs there are: exactly where counters know or a short count ends, else at least so many."""
        known = self.counted_by_outcome()
        if known is not None:
            n = known[self._filter.outcome] if self._filter.outcome is not None else known.total()
            return Many(n, exact=True)
        walked = self._walk(self._bounds(), COUNTED_UP_TO + 1, None if self._budget_s is None else COUNTING_S, counts=True)
        return Many(walked.n, exact=walked.stopped_at is None and walked.n <= COUNTED_UP_TO)

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
            sa.select(runs.c.outcome, sa.func.count()).where(*self._conditions, *_inside(since, until)).group_by(runs.c.outcome)
        )
        return Counter({Outcome(outcome): n for outcome, n in self._connection.execute(asked)})


def _inside(since: datetime | None, until: datetime | None) -> list[Any]:
    """Inside the millisecond of an edge the row itself is asked; everywhere else the id, which every index holds."""
    found: list[Any] = []
    if since is not None:
        found += [
            runs.c.id >= lowest_id(since),
            sa.or_(runs.c.id >= lowest_id(since + _MILLISECOND), runs.c.started_at >= since),
        ]
    if until is not None:
        found += [
            runs.c.id < lowest_id(until + _MILLISECOND),
            sa.or_(runs.c.id < lowest_id(until), runs.c.started_at < until),
        ]
    return found


def _floor(at: datetime, grain_minutes: int) -> datetime:
    return bucket_start(bucket_of(at, grain_minutes))


def _ceil(at: datetime, grain_minutes: int) -> datetime:
    floor = _floor(at, grain_minutes)
    return floor if floor == at else floor + timedelta(minutes=grain_minutes)
