"""The run history: pages by cursor, one run with its attempts, totals and charts from counters, runs made by hand."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from wfm.domain.errors import BadInput, NotFound
from wfm.domain.operations import Exchange, Outcome, Run, RunFilter, RunOrder, RunPage
from wfm.ledger.counters import bucket_start, by_bucket, finest
from wfm.ledger.database import Database
from wfm.ledger.ids import decode, instant_of, new_id
from wfm.ledger.partitions import Partition, partitions, sorted_page
from wfm.ledger.query import MAX_COUNTED, LedgerRunQuery
from wfm.ledger.records import DirectRun
from wfm.ledger.run_rows import read_attempts, read_runs
from wfm.ledger.run_writer import RunWriter
from wfm.ledger.scan import Deadline, Estimate
from wfm.ledger.schema import origins, runs
from wfm.ledger.tenants import Tenants

MAX_PAGE = 1_000
_PLACES = {outcome: place for place, outcome in enumerate(Outcome)}


class Runs:
    """What happened: one run an update of an agent."""

    search_budget_s = 0.28
    """How long a page is looked for where no index holds its filter, so that it is there within 300 ms."""

    search_clock = staticmethod(time.monotonic)

    def __init__(self, db: Database, tenants: Tenants, writer: RunWriter) -> None:
        self._db, self._tenants, self._writer = db, tenants, writer

    def page(
        self,
        tenant_key: str,
        which: RunFilter,
        *,
        cursor: str | None = None,
        limit: int = 50,
        order: RunOrder = RunOrder.NEWEST,
    ) -> RunPage:
        """One page of runs by the cursor of another page of this order. Raises BadInput for a cursor that is none.

        `total` is exact where counters or a short count give it; beyond 10,000 only `at_least` is said.
        """
        limit = max(1, min(limit, MAX_PAGE))
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            ends = Deadline.after(self.search_budget_s, self.search_clock)

            @functools.cache
            def query(partition: Partition) -> LedgerRunQuery:
                return self._query(connection, tenant_key, which, budget_s=ends.left(), partition=partition)

            page = sorted_page(partitions(connection, tenant, which, order), order, query, cursor, limit)
            total = Estimate(len(page.ids), exact=True) if page.whole else query(None).total()
            found = read_runs(connection, tenant_key, page.ids)
        return RunPage(
            runs=tuple(found),
            newer=page.before,
            older=page.after,
            total=total.n if total.exact else None,
            at_least=total.n if total.exact else min(total.n, MAX_COUNTED),
            searched_to=None if page.stopped_at is None else instant_of(page.stopped_at),
        )

    def _query(
        self,
        connection: sa.Connection,
        tenant_key: str,
        which: RunFilter,
        *,
        budget_s: float | None = None,
        partition: Partition = None,
    ) -> LedgerRunQuery:
        tenant = self._tenants.known(connection, tenant_key)
        return LedgerRunQuery(
            self._db, connection, tenant, which, budget_s=budget_s, monotonic=self.search_clock, partition=partition
        )

    def get(self, tenant_key: str, run_id: str) -> tuple[Run, tuple[Exchange, ...]]:
        """One run with its attempts in order. Raises NotFound."""
        number = decode(run_id)
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            ours = sa.select(runs.c.id).where(runs.c.id == number, runs.c.tenant_id == tenant)
            if number is None or connection.scalar(ours) is None:
                raise NotFound(f"There is no run {run_id!r} in this tenant.")
            run = read_runs(connection, tenant_key, [number])[0]
            return run, read_attempts(connection, [number])[number]

    def origin(self, tenant_key: str, run_id: str) -> tuple[str, dict[str, str]] | None:
        """Who made a run outside an operation, and its tags; None for a run of an operation. Raises NotFound."""
        run, _ = self.get(tenant_key, run_id)
        with self._db.read() as connection:
            row = connection.execute(sa.select(origins).where(origins.c.run_id == decode(run.id))).one_or_none()
        return None if row is None else (row.created_by, row.tags)

    def batches(self, tenant_key: str, which: RunFilter, *, batch: int = 1_000) -> Iterator[list[Run]]:
        """All runs of a filter, newest first, in batches; each batch is read for itself, so nothing is held open."""
        older_than: int | None = None
        more = True
        while more:
            with self._db.read() as connection:
                result, more = self._query(connection, tenant_key, which).page(batch, older_than=older_than)
                found = read_runs(connection, tenant_key, result.ids)
            if found:
                older_than = result.ids[-1]
                yield found

    def over_time(
        self, tenant_key: str, since: datetime, until: datetime, *, step_minutes: int, which: RunFilter | None = None
    ) -> list[tuple[datetime, Outcome, int]] | None:
        """(start of step, outcome, runs), from counters; steps are multiples of `step_minutes` since 1970, UTC.

        `which` narrows it, but for its time; None where counters don't know that filter: they know an outcome and one more
        dimension. Steps without runs are left out. The first and the last step hold whole minutes (or hours, where a
        dimension is counted by the hour) only from `since` and until `until`.
        """
        if step_minutes < 1:
            raise BadInput("step", step_minutes, "a number of minutes, at least 1")
        which = replace(which or RunFilter(), since=None, until=None)
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            facet = self._query(connection, tenant_key, which).facet()
            if facet is None:
                return None
            name, values = facet
            if tenant is None or not values:
                return []
            grain = max(step_minutes, finest(name))
            found = by_bucket(connection, tenant, name, values, since, until, grain)
        steps: Counter[tuple[int, Outcome]] = Counter()
        for (_, step, outcome), n in found.items():
            if which.outcome in (None, outcome):
                steps[step, outcome] += n
        ordered = sorted(steps.items(), key=lambda one: (one[0][0], _PLACES[one[0][1]]))
        return [(bucket_start(step), outcome, n) for (step, outcome), n in ordered]

    def first_at(self, tenant_key: str) -> datetime | None:
        """When the oldest run began, to the millisecond; None where there is none."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            lowest = connection.scalar(sa.select(sa.func.min(runs.c.id)).where(runs.c.tenant_id == tenant))
        return None if lowest is None else instant_of(lowest)

    def totals(self, tenant_key: str, since: datetime | None = None, until: datetime | None = None) -> dict[Outcome, int]:
        """Runs by outcome that began at or after `since` and before `until`; exact."""
        with self._db.read() as connection:
            query = self._query(connection, tenant_key, RunFilter(since=since, until=until))
            found = query.counted_by_outcome() or Counter()
        return {outcome: found[outcome] for outcome in Outcome}

    def record(self, direct: DirectRun) -> Run:
        """Store a run made outside an operation, with its attempts; once for a given run id."""
        number = decode(direct.settlement.run_id)

        def work(connection: sa.Connection) -> Run:
            tenant = self._tenants.number(connection, direct.tenant_key)
            there = connection.scalar(sa.select(runs.c.tenant_id).where(runs.c.id == number))
            if number is not None and there == tenant:
                return read_runs(connection, direct.tenant_key, [number])[0]
            run = number if number is not None and there is None else new_id(direct.started_at)
            self._writer.store(connection, tenant, {run: direct})
            return read_runs(connection, direct.tenant_key, [run])[0]

        return self._db.write(work)
