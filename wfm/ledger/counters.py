"""Counters of runs by bucket of time, facet and outcome: what charts and totals read instead of counting rows.

The facets `minute` and `hour` count all runs. `operation` and `group` are kept by the minute, the others by the hour.
Buckets are those of a run's start. They change in the transaction that changes the run, so they are always equal to a
GROUP BY over the runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import Outcome
from wfm.ledger.database import Database
from wfm.ledger.schema import run_counts

GRAIN_MINUTES = {
    "minute": 1,
    "operation": 1,
    "group": 1,
    "hour": 60,
    "route": 60,
    "action": 60,
    "client": 60,
    "kind": 60,
    "code": 60,
    "status": 60,
}
"""How many minutes a bucket of each facet is long."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What of a run is counted."""

    started_at: datetime
    outcome: str
    operation_id: int | None
    group_id: int | None
    route: str
    action: str
    client_id: str
    kind: str | None
    code: str | None
    status: int | None

    def keys(self) -> Iterator[Key]:
        """The counters that this run is in."""
        facets = {
            "minute": "",
            "hour": "",
            "operation": self.operation_id,
            "group": self.group_id,
            "route": self.route,
            "action": self.action or None,
            "client": self.client_id or None,
            "kind": self.kind,
            "code": self.code,
            "status": self.status,
        }
        for facet, value in facets.items():
            if value is not None:
                yield facet, str(value), bucket_of(self.started_at, GRAIN_MINUTES[facet]), self.outcome


def bucket_of(at: datetime, grain_minutes: int) -> int:
    """The bucket an instant is in, as minutes since 1970."""
    minutes = (at - _EPOCH) // timedelta(minutes=1)
    return minutes - minutes % grain_minutes


def bucket_start(bucket: int) -> datetime:
    """When a bucket begins."""
    return _EPOCH + timedelta(minutes=bucket)


def count_runs(
    db: Database, connection: sa.Connection, tenant_id: int, *, gone: Iterable[Counted] = (), come: Iterable[Counted] = ()
) -> None:
    """Takes runs as they were out of the counters and puts them in as they are now."""
    changes: Counter[Key] = Counter()
    for run in come:
        changes.update(run.keys())
    for run in gone:
        changes.subtract(run.keys())
    # One order for all transactions, so that two of them never wait for each other.
    rows: list[dict[str, Any]] = [
        {"tenant_id": tenant_id, "facet": facet, "value": value, "bucket": bucket, "outcome": outcome, "n": n}
        for (facet, value, bucket, outcome), n in sorted(changes.items())
        if n
    ]
    db.put(connection, run_counts, rows, keys=["tenant_id", "facet", "value", "bucket", "outcome"], added=["n"])
    emptied = [{f"at_{name}": row[name] for name in row if name != "n"} for row in rows if row["n"] < 0]
    if emptied:
        names = ("tenant_id", "facet", "value", "bucket", "outcome")
        at = [run_counts.c[name] == sa.bindparam(f"at_{name}") for name in names]
        connection.execute(sa.delete(run_counts).where(*at, run_counts.c.n == 0), emptied)


def by_bucket(
    connection: sa.Connection,
    tenant_id: int,
    facet: str,
    value: str,
    since: datetime | None,
    until: datetime | None,
    step: int = 1,
) -> list[tuple[int, Outcome, int]]:
    """(bucket, outcome, runs) of the buckets that begin at or after `since` and before `until`, summed by `step` minutes."""
    start = (run_counts.c.bucket - run_counts.c.bucket % sa.literal_column(str(int(step)))).label("start")
    asked = (
        sa.select(start, run_counts.c.outcome, sa.func.sum(run_counts.c.n))
        .where(*_range(tenant_id, facet, value, since, until))
        .group_by(start, run_counts.c.outcome)
        .order_by(start)
    )
    return [(int(bucket), Outcome(outcome), int(n)) for bucket, outcome, n in connection.execute(asked)]


def by_outcome(
    connection: sa.Connection, tenant_id: int, facet: str, value: str, since: datetime | None, until: datetime | None
) -> Counter[Outcome]:
    """Runs by outcome in the buckets that begin at or after `since` and before `until`."""
    asked = (
        sa.select(run_counts.c.outcome, sa.func.sum(run_counts.c.n))
        .where(*_range(tenant_id, facet, value, since, until))
        .group_by(run_counts.c.outcome)
    )
    return Counter({Outcome(outcome): int(n) for outcome, n in connection.execute(asked)})


def _range(
    tenant_id: int, facet: str, value: str, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    conditions = [run_counts.c.tenant_id == tenant_id, run_counts.c.facet == facet, run_counts.c.value == value]
    if since is not None:
        conditions.append(run_counts.c.bucket >= bucket_of(since, 1))
    if until is not None:
        conditions.append(run_counts.c.bucket < bucket_of(until + timedelta(minutes=1) - timedelta(microseconds=1), 1))
    return conditions
