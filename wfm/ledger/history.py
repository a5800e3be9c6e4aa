"""The run history: pages by cursor, one run with its attempts, totals and charts from counters, runs made by hand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, NotFound
from wfm.domain.operations import Exchange, Outcome, Phase, Run, RunFilter, RunOrder, RunPage
from wfm.ledger import words
from wfm.ledger.bulk import put_rows
from wfm.ledger.counters import bucket_start, by_bucket, by_outcome, count_runs, finest
from wfm.ledger.ids import decode, encode, instant_of, new_id
from wfm.ledger.items import Items
from wfm.ledger.query import COUNTED_UP_TO, Only, RunQuery
from wfm.ledger.records import DirectRun
from wfm.ledger.schema import agents, attempts, causes, groups, operations, origins, read_counts, run_imports, runs, ways
from wfm.ledger.settling import Ended, counted, runs_with_words
from wfm.ledger.sorting import sorted_page, stretches
from wfm.ledger.walk import Deadline, Many

LARGEST_PAGE = 1_000
_PLACES = {outcome: place for place, outcome in enumerate(Outcome)}


class History(Items):
    """What happened."""

    search_budget_s = 0.28
    """How long a page is looked for where no index holds its filter, so that it is there within 300 ms."""

    search_clock = staticmethod(time.monotonic)

    def runs(
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
        limit = max(1, min(limit, LARGEST_PAGE))
        if order is not RunOrder.NEWEST:
            return self._sorted_runs(tenant_key, which, order, cursor, limit)
        newer_than, older_than = _positions(cursor)
        with self._db.read() as connection:
            query = self._query(connection, tenant_key, which, budget_s=self.search_budget_s)
            walked, more = query.page(limit, older_than=older_than, newer_than=newer_than)
            if newer_than is not None and not more:
                # Back at the newest end: the first page, filled up with what has come since.
                cursor, newer_than = None, None
                walked, more = query.page(limit)
            ids, stopped = walked.ids, walked.stopped_at
            total = Many(len(ids), exact=True) if cursor is None and not more else query.total()
            found = self._read_runs(connection, tenant_key, ids)
        newer = older = None
        if newer_than is not None:
            newer = stopped if stopped is not None else ids[0] if more else None
            older = ids[-1] if ids else newer_than + 1
        else:
            if cursor is not None and (ids or older_than is not None):
                newer = ids[0] if ids else max(0, (older_than or 0) - 1)
            if more:
                older = stopped if stopped is not None else ids[-1]
        return RunPage(
            runs=tuple(found),
            newer=None if newer is None else f"n{encode(newer)}",
            older=None if older is None else f"o{encode(older)}",
            total=total.n if total.exact else None,
            at_least=min(total.n, COUNTED_UP_TO) if not total.exact else total.n,
            searched_to=None if stopped is None else instant_of(stopped),
        )

    def _sorted_runs(self, tenant_key: str, which: RunFilter, order: RunOrder, cursor: str | None, limit: int) -> RunPage:
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            ends = Deadline.after(self.search_budget_s, self.search_clock)

            def query(only: Only | None) -> RunQuery:
                return self._query(connection, tenant_key, which, budget_s=ends.left(), only=only)

            part = sorted_page(stretches(connection, tenant, which, order), order, query, cursor, limit)
            total = Many(len(part.ids), exact=True) if part.whole else query(None).total()
            found = self._read_runs(connection, tenant_key, part.ids)
        return RunPage(
            runs=tuple(found),
            newer=part.before,
            older=part.after,
            total=total.n if total.exact else None,
            at_least=min(total.n, COUNTED_UP_TO) if not total.exact else total.n,
            searched_to=None if part.stopped_at is None else instant_of(part.stopped_at),
        )

    def _query(
        self,
        connection: sa.Connection,
        tenant_key: str,
        which: RunFilter,
        *,
        budget_s: float | None = None,
        only: Only | None = None,
    ) -> RunQuery:
        tenant = self._known_tenant(connection, tenant_key)
        return RunQuery(self._db, connection, tenant, which, budget_s=budget_s, monotonic=self.search_clock, only=only)

    def run(self, tenant_key: str, run_id: str) -> tuple[Run, tuple[Exchange, ...]]:
        """One run with its attempts in order. Raises NotFound."""
        number = decode(run_id)
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            ours = sa.select(runs.c.id).where(runs.c.id == number, runs.c.tenant_id == tenant)
            if number is None or connection.scalar(ours) is None:
                raise NotFound(f"There is no run {run_id!r} in this tenant.")
            run = self._read_runs(connection, tenant_key, [number])[0]
            asked = sa.select(attempts).where(attempts.c.run_id == number).order_by(attempts.c.number)
            return run, tuple(exchange_of(row) for row in connection.execute(asked))

    def origin(self, tenant_key: str, run_id: str) -> tuple[str, dict[str, str]] | None:
        """Who made a run outside an operation, and its tags; None for a run of an operation. Raises NotFound."""
        run, _ = self.run(tenant_key, run_id)
        with self._db.read() as connection:
            row = connection.execute(sa.select(origins).where(origins.c.run_id == decode(run.id))).one_or_none()
        return None if row is None else (row.created_by, row.tags)

    def iter_runs(self, tenant_key: str, which: RunFilter, *, batch: int = 1_000) -> Iterator[list[Run]]:
        """All runs of a filter, newest first, in batches; each batch is read for itself, so nothing is held open."""
        older_than: int | None = None
        more = True
        while more:
            with self._db.read() as connection:
                walked, more = self._query(connection, tenant_key, which).page(batch, older_than=older_than)
                found = self._read_runs(connection, tenant_key, walked.ids)
            if found:
                older_than = walked.ids[-1]
                yield found

    def runs_over_time(
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
            tenant = self._known_tenant(connection, tenant_key)
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

    def first_run_at(self, tenant_key: str) -> datetime | None:
        """When the oldest run began, to the millisecond; None where there is none."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            lowest = connection.scalar(sa.select(sa.func.min(runs.c.id)).where(runs.c.tenant_id == tenant))
        return None if lowest is None else instant_of(lowest)

    def totals(self, tenant_key: str, since: datetime | None = None, until: datetime | None = None) -> dict[Outcome, int]:
        """Runs by outcome that began at or after `since` and before `until`; exact."""
        with self._db.read() as connection:
            query = self._query(connection, tenant_key, RunFilter(since=since, until=until))
            found = query.counted_by_outcome() or Counter()
        return {outcome: found[outcome] for outcome in Outcome}

    def read_write_counts(self, tenant_key: str, client_id: str) -> tuple[int, int, int]:
        """How many reads and writes have worked with a client, and how many writes failed."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            if tenant is None:
                return 0, 0, 0
            asked = sa.select(read_counts.c.ok).where(read_counts.c.tenant_id == tenant, read_counts.c.client_id == client_id)
            reads = connection.scalar(asked) or 0
            writes = by_outcome(connection, tenant, "client", [client_id], None, None)
        return reads, writes[Outcome.APPLIED], writes[Outcome.FAILED]

    def note_reads(self, tenant_key: str, client_id: str, ok: int, failed: int = 0) -> None:
        """Counts reads that worked and failed with a client."""

        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenant(connection, tenant_key), "client_id": client_id, "ok": ok, "failed": failed}
            put_rows(connection, read_counts, [row], keys=["tenant_id", "client_id"], added=["ok", "failed"])

        if ok or failed:
            self._db.write(work)

    def record(self, direct: DirectRun) -> Run:
        """Stores a run made outside an operation, with its attempts; once for a given run id."""
        number = decode(direct.settlement.run_id)

        def work(connection: sa.Connection) -> Run:
            tenant = self._tenant(connection, direct.tenant_key)
            there = connection.scalar(sa.select(runs.c.tenant_id).where(runs.c.id == number))
            if number is not None and there == tenant:
                return self._read_runs(connection, direct.tenant_key, [number])[0]
            run = number if number is not None and there is None else new_id(direct.started_at)
            self._begin_direct(connection, tenant, run, direct)
            begun = connection.execute(runs_with_words().where(runs.c.id == run)).one()
            count_runs(connection, tenant, come=[counted(begun)])
            self.end_runs(connection, tenant, [Ended(begun, direct.settlement)])
            return self._read_runs(connection, direct.tenant_key, [run])[0]

        return self._db.write(work)

    def _begin_direct(self, connection: sa.Connection, tenant: int, run: int, direct: DirectRun) -> None:
        way = words.make_way(
            self._db,
            connection,
            tenant,
            route=direct.route,
            action=direct.action or "",
            via=direct.via,
            call=direct.call,
            client_id=direct.client_id,
        )
        agent = words.make_agents(self._db, connection, tenant, {direct.agent_id: direct.agent_name})[direct.agent_id]
        row = {
            "id": run,
            "tenant_id": tenant,
            "agent_no": agent,
            "way_id": way,
            "phase": direct.phase.value,
            "outcome": Outcome.SENDING.value,
            "attempts": 0,
            "started_at": direct.started_at,
            "note": "",
        }
        connection.execute(sa.insert(runs).values(row))
        origin = {"run_id": run, "created_by": direct.created_by, "tags": dict(direct.tags)}
        connection.execute(sa.insert(origins).values(origin))

    def _read_runs(self, connection: sa.Connection, tenant_key: str, ids: list[int]) -> list[Run]:
        rows: dict[int, Any] = {}
        for some in words.batches(ids):
            rows |= {row.id: row for row in connection.execute(_WHOLE_RUNS.where(runs.c.id.in_(some)))}
        return [_run(rows[number], tenant_key) for number in ids]


_WHOLE_RUNS = (
    sa.select(
        runs,
        agents.c.agent_id,
        agents.c.name.label("agent_name"),
        ways.c.route,
        ways.c.action,
        ways.c.via,
        ways.c.call,
        causes.c.rule,
        causes.c.cause,
        causes.c.missing,
        causes.c.retryable,
        groups.c.fingerprint,
        operations.c.title,
        operations.c.example,
        sa.exists().where(run_imports.c.run_id == runs.c.id).label("imported"),
    )
    .join(agents, agents.c.id == runs.c.agent_no)
    .join(ways, ways.c.id == runs.c.way_id)
    .outerjoin(causes, causes.c.id == runs.c.cause_id)
    .outerjoin(groups, groups.c.id == runs.c.group_id)
    .outerjoin(operations, operations.c.id == runs.c.operation_id)
)


def _run(row: Any, tenant_key: str) -> Run:
    return Run(
        id=encode(row.id),
        tenant_key=tenant_key,
        operation_id=encode(row.operation_id) if row.operation_id is not None else None,
        operation_title=row.title or "",
        phase=Phase(row.phase),
        agent_id=row.agent_id,
        agent_name=row.agent_name,
        route=row.route,
        action=row.action or None,
        via=row.via,
        call=row.call,
        outcome=Outcome(row.outcome),
        status=row.status,
        code=row.code,
        kind=Kind(row.kind) if row.kind else None,
        cause=row.cause or "",
        rule=row.rule or "",
        fingerprint=row.fingerprint,
        missing=row.missing or (),
        correlation_id=row.correlation_id,
        retryable=row.retryable,
        attempts=row.attempts,
        duration_ms=row.duration_ms,
        started_at=row.started_at,
        finished_at=row.finished_at,
        example=bool(row.example),
        note=row.note,
        imported=bool(row.imported),
    )


def exchange_of(row: Any) -> Exchange:
    """An attempt from a row of `attempts`."""
    return Exchange(
        number=row.number,
        method=row.method,
        url=row.url,
        request_body=row.request_body,
        status=row.status,
        response_headers=row.response_headers,
        response_body=row.response_body,
        correlation_id=row.correlation_id,
        fault=row.fault,
        started_at=row.started_at,
        duration_ms=row.duration_ms,
    )


def _positions(cursor: str | None) -> tuple[int | None, int | None]:
    """(newer than, older than) of a cursor."""
    if cursor is None:
        return None, None
    number = decode(cursor[1:])
    if cursor[:1] not in ("n", "o") or number is None:
        raise BadInput("cursor", cursor, "the cursor of a page, as the links “newer” and “older” carry it")
    return (number, None) if cursor[0] == "n" else (None, number)
