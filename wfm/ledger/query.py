"""Which runs a filter means: the index to scan, the page off it, and how many there are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from wfm.domain.operations import Outcome, RunFilter
from wfm.ledger import lookups
from wfm.ledger.counters import ALL, bucket_of, bucket_start, by_outcome, finest
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, lowest_id
from wfm.ledger.scan import Bounds, Deadline, Estimate, IndexScan, InList, Monotonic, ScanResult, scan_in_slices
from wfm.ledger.schema import call_targets, causes, groups, operations, runs
from wfm.ledger.text_search import TextSearch

MAX_COUNTED = 10_000
"""So many runs are counted one by one when no counter knows the number."""

COUNT_LIMIT_S = 0.01
"""How long runs are counted one by one where no index holds the filter; at least one slice is."""

MAX_SCANS = 300
"""PostgreSQL: so many scans (of agents, operations, causes) are merged; with more, runs are tried one by one."""

_MILLISECOND = timedelta(milliseconds=1)
_Facet = tuple[str, tuple[str, ...]]


class ColumnEquals(NamedTuple):
    """What a partition of a sorted list has in a column: one value or none or, `greater_than`, every value above that one."""

    column: str
    value: str | int | None
    greater_than: bool = False


_EVERY_RUN: _Facet = (ALL, ("",))


class LedgerRunQuery:
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
        partition: ColumnEquals | None = None,
    ) -> None:
        self._db = db
        self._connection = connection
        self._tenant = tenant
        self._filter = which
        self._budget_s = budget_s
        self._monotonic = monotonic
        self._matches_nothing = tenant is None
        self._of_tenant = runs.c.tenant_id == tenant
        self._conditions: list[Any] = []
        self._outcome: Any = None
        self._facet: _Facet | None = _EVERY_RUN
        self._index_scan = IndexScan("ix_runs_time", [self._of_tenant])
        self._in_index: list[Any] = []
        self._text: TextSearch | None = None
        self._first_page: tuple[int, Bounds] | None = None
        self._out_of_time = False
        if tenant is not None:
            self._read_filter()
            if partition is not None:
                self._read_partition(partition)
            residual = [*self._index_scan.residual, *self._residual(), *self._times()]
            self._index_scan = replace(self._index_scan, residual=residual)
            if which.text.strip():
                conditions = [self._of_tenant, *self._conditions, *self._times()]
                self._text = TextSearch(db, connection, which.text, self._index_scan, conditions)

    # --- reading the filter ------------------------------------------------------------------------------------------

    def _read_filter(self) -> None:
        """Turn the filter into conditions. The last index named is scanned: the later, the fewer runs it usually leaves."""
        which = self._filter
        if which.phase is not None:
            self._add(runs.c.phase == which.phase.value, ("phase", (which.phase.value,)))
        if which.outcome is not None:
            self._outcome = runs.c.outcome == which.outcome.value
            self._conditions.append(self._outcome)  # counters know every facet by outcome
            self._scan_by("ix_runs_outcome", [self._of_tenant, self._outcome], in_index=[self._outcome])
        self._read_call_target(which.route, which.action)
        for name, value in (("status", which.status), ("kind", which.kind), ("code", which.code)):
            if value is not None:
                same = self._add(runs.c[name] == value, (name, (str(value),)))
                self._scan_by(f"ix_runs_{name}", [self._of_tenant, same], in_index=[same])
        if which.retryable is not None:
            known = sa.select(causes.c.id).where(causes.c.tenant_id == self._tenant, causes.c.retryable == which.retryable)
            self._any_of(runs.c.cause_id, self._connection.scalars(known).all(), "ix_runs_cause", "cause")
        if which.fingerprint is not None:
            mine = sa.select(groups.c.id).where(groups.c.tenant_id == self._tenant, groups.c.fingerprint == which.fingerprint)
            self._any_of(runs.c.group_id, self._connection.scalars(mine).all(), "ix_runs_group", "group")
        if which.window_at is not None:
            open_then = sa.select(operations.c.id).where(
                operations.c.tenant_id == self._tenant,
                operations.c.window_start <= which.window_at,
                operations.c.window_end > which.window_at,
            )
            self._any_of(runs.c.operation_id, self._connection.scalars(open_then).all(), "ix_runs_operation", "operation")
        if which.agents is not None:
            self._any_of(runs.c.agent_no, self._numbers(which.agents), "ix_runs_agent")
        if which.operation_id is not None:
            ours = (operations.c.id == decode(which.operation_id), operations.c.tenant_id == self._tenant)
            known = sa.select(operations.c.id).where(*ours)
            self._any_of(runs.c.operation_id, self._connection.scalars(known).all(), "ix_runs_operation", "operation")
        if which.agent_id is not None:
            self._any_of(runs.c.agent_no, self._numbers([which.agent_id]), "ix_runs_agent")
        if which.correlation_id is not None:
            same = self._add(runs.c.correlation_id == which.correlation_id)
            # Operations, agents, call targets, groups and causes are one tenant's. A correlation id may be another's too.
            self._scan_by("ix_runs_correlation", [same], in_index=[same], residual=[self._of_tenant])

    def _read_partition(self, partition: ColumnEquals) -> None:
        """A partition of the list, beside the filter. The indexes of kind and code hold no runs without one."""
        name, value = partition.column, partition.value
        if partition.greater_than:
            self._add(runs.c[name] > value)
            return
        facet = (name, (str(value),)) if value is not None and name != "outcome" else None
        same = self._add(runs.c[name].is_(None) if value is None else runs.c[name] == value, facet)
        if self._index_scan.index == "ix_runs_time" and (value is not None or name == "status"):
            self._scan_by(f"ix_runs_{name}", [self._of_tenant, same], in_index=[same])

    def _numbers(self, agent_ids: Sequence[str]) -> list[int]:
        return sorted(number for number, _ in lookups.known_agents(self._connection, self._tenant or 0, agent_ids).values())

    def _read_call_target(self, route: str | None, action: str | None) -> None:
        if route is None and action is None:
            return
        asked = sa.select(call_targets.c.id).where(call_targets.c.tenant_id == self._tenant)
        if route is not None:
            asked = asked.where(call_targets.c.route == route)
        if action is not None:
            asked = asked.where(call_targets.c.action == action)
        facet: _Facet | None = None
        if action is None:
            facet = "route", (route or "",)
        elif route is None:
            facet = "action", (action,)
        found = self._connection.scalars(asked).all()
        self._matches_nothing = self._matches_nothing or not found
        mine = self._add(runs.c.way_id.in_(found), facet)
        # The index holds call target and outcome as a pair: without an outcome asked for, each of them is a scan.
        outcome = self._filter.outcome
        outcomes = InList(runs.c.outcome, [one.value for one in Outcome] if outcome is None else [outcome.value])
        if self._mergeable(len(found) * len(outcomes.values)):
            in_index = [mine] if outcome is None else [mine, self._outcome]
            self._scan_by("ix_runs_way_outcome", [], in_index=in_index, in_lists=[InList(runs.c.way_id, found), outcomes])

    def _any_of(self, column: Any, numbers: Sequence[int], index: str, facet: str | None = None) -> None:
        """Runs whose column is one of these numbers: none where there are none."""
        self._matches_nothing = self._matches_nothing or not numbers
        in_list = InList(column, numbers)
        same = self._add(in_list.condition(), (facet, tuple(map(str, numbers))) if facet else None)
        if len(numbers) == 1:
            self._scan_by(index, [column == numbers[0]], in_index=[same])
        elif self._mergeable(len(numbers)):
            self._scan_by(index, [], in_index=[same], in_lists=[in_list])

    def _mergeable(self, scans: int) -> bool:
        return self._db.is_sqlite or scans <= MAX_SCANS

    def _add(self, condition: Any, facet: _Facet | None = None) -> Any:
        self._conditions.append(condition)
        # Counters know one facet at a time.
        self._facet = facet if self._facet is _EVERY_RUN else None
        return condition

    def _scan_by(
        self,
        index: str,
        equal: list[Any],
        *,
        in_index: list[Any],
        in_lists: Sequence[InList] = (),
        residual: Sequence[Any] = (),
    ) -> None:
        self._index_scan = IndexScan(index, equal, residual, in_lists, lateral=not self._db.is_sqlite)
        self._in_index = in_index

    def _residual(self) -> list[Any]:
        """The conditions that the scanned index does not hold."""
        return [condition for condition in self._conditions if not any(condition is one for one in self._in_index)]

    # --- pages -------------------------------------------------------------------------------------------------------

    def page(self, limit: int, *, older_than: int | None = None, newer_than: int | None = None) -> tuple[ScanResult, bool]:
        """Up to `limit` runs, newest first, and whether there are, or may be, more in the direction asked for."""
        if self._matches_nothing:
            return ScanResult([]), False
        bounds = self._bounds(older_than=older_than, newer_than=newer_than)
        result = self._scan(bounds, limit + 1, self._budget_s)
        if older_than is None and not newer_than and result.ids:
            self._first_page = result.n, bounds.past(result.stopped_at if result.stopped_at is not None else result.ids[-1])
        self._out_of_time = result.stopped_at is not None
        more = len(result.ids) > limit or self._out_of_time
        return ScanResult(sorted(result.ids[:limit], reverse=True), result.stopped_at), more

    def _bounds(self, *, older_than: int | None = None, newer_than: int | None = None) -> Bounds:
        """Ids hold the millisecond of the start: they bound the scan, the exact instant decides at the edges."""
        since, until = self._filter.since, self._filter.until
        over = [lowest_id(since) - 1] if since is not None else []
        under = [lowest_id(until + timedelta(milliseconds=1))] if until is not None else []
        over += [newer_than] if newer_than is not None else []
        under += [older_than] if older_than is not None else []
        return Bounds(max(over, default=None), min(under, default=None), upwards=newer_than is not None)

    def _times(self) -> list[Any]:
        return _inside(self._filter.since, self._filter.until)

    def _scan(self, bounds: Bounds, limit: int, seconds: float | None, *, counts: bool = False) -> ScanResult:
        deadline = Deadline.after(seconds, self._monotonic)
        if self._text is not None:
            return (self._text.count if counts else self._text.page)(bounds, limit, deadline)
        if self._residual():
            index_scan = self._index_scan
            return scan_in_slices(self._db, self._connection, index_scan, bounds, limit, deadline=deadline, counts=counts)
        if counts:
            return ScanResult([], counted=self._index_scan.count(self._connection, bounds, limit))
        return ScanResult(self._index_scan.matching(self._connection, bounds, limit))

    def surely_empty(self) -> bool:
        """Whether counters know that no run of the asked outcome is among these; False where they can't say."""
        if self._filter.outcome is None:
            return False
        known = self.counted_by_outcome()
        return known is not None and not known[self._filter.outcome]

    def facet(self) -> tuple[str, tuple[str, ...]] | None:
        """The facet of the counters, and its values, that holds exactly these runs but for their outcome and time.

        None where counters don't know; no values where there is nothing.
        """
        if self._matches_nothing:
            return ALL, ()
        return None if self._text is not None else self._facet

    # --- how many ----------------------------------------------------------------------------------------------------

    def total(self) -> Estimate:
        """How many runs there are: exactly where counters know or a short count ends, else at least so many.

        After the first page it goes on counting where that ended, unless looking for it took all the time there is.
        """
        known = self.counted_by_outcome()
        if known is not None:
            n = known[self._filter.outcome] if self._filter.outcome is not None else known.total()
            return Estimate(n, exact=True)
        n, bounds = self._first_page or (0, self._bounds())
        if self._out_of_time:
            return Estimate(n, exact=False)
        seconds = None if self._budget_s is None else COUNT_LIMIT_S
        result = self._scan(bounds, MAX_COUNTED + 1 - n, seconds, counts=True)
        return Estimate(n + result.n, exact=result.stopped_at is None and n + result.n <= MAX_COUNTED)

    def counted_by_outcome(self) -> Counter[Outcome] | None:
        """Runs of the filter by outcome, from counters; None when they don't know. The filter's outcome is not applied."""
        if self._matches_nothing:
            return Counter()
        if self._facet is None or self._text is not None:
            return None
        return self._between(*self._facet, self._filter.since, self._filter.until)

    def _between(self, facet: str, values: Sequence[str], since: datetime | None, until: datetime | None) -> Counter[Outcome]:
        """Whole buckets from the counters, what is left at the edges from runs."""
        if since is not None and until is not None and since >= until:
            return Counter()
        grain = finest(facet)
        first = None if since is None else _ceil(since, grain)
        last = None if until is None else _floor(until, grain)
        if first is not None and last is not None and first > last:
            return self._edge(since, until)
        assert self._tenant is not None
        found = by_outcome(self._connection, self._tenant, facet, values, first, last)
        if since is not None and since != first:
            found += self._edge(since, first)
        if until is not None and until != last:
            found += self._edge(last, until)
        return found

    def _edge(self, since: datetime | None, until: datetime | None) -> Counter[Outcome]:
        conditions = [one for one in self._conditions if one is not self._outcome]
        asked = sa.select(runs.c.outcome, sa.func.count()).where(self._of_tenant, *conditions, *_inside(since, until))
        return Counter({Outcome(outcome): n for outcome, n in self._connection.execute(asked.group_by(runs.c.outcome))})


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
