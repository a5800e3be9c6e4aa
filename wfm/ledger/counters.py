"""Counters of runs by bucket of time, facet and outcome: what charts and totals read instead of counting rows.

A facet is kept in one or more grains, the coarser for long stretches of time: `minute`, `hour` and `day` count all runs,
`group` has all three too, `operation` the minute, the others hour and day (`route`, `route_day`). Days are UTC's. Buckets
are those of a run's start. They change in the transaction that changes the run, so they are always equal to a GROUP BY
over the runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import Outcome
from wfm.ledger.bulk_rows import delete_rows, put_rows
from wfm.ledger.schema import run_counts

MINUTE, HOUR, DAY = 1, 60, 1440

ALL = "all"
"""The facet that every run is in; its value is empty."""

GRAINS_BY_FACET: Mapping[str, Mapping[int, str]] = {
    ALL: {MINUTE: "minute", HOUR: "hour", DAY: "day"},
    "operation": {MINUTE: "operation"},
    "group": {MINUTE: "group", HOUR: "group_hour", DAY: "group_day"},
    **{
        facet: {HOUR: facet, DAY: f"{facet}_day"}
        for facet in ("route", "action", "client", "phase", "kind", "code", "status", "cause")
    },
}
"""How many minutes the buckets of each facet are long, and the name that each grain is kept under."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = ("tenant_id", "facet", "value", "bucket", "outcome")
Key = tuple[str, str, int, str]
_Piece = tuple[str, int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What of a run is counted."""

    started_at: datetime
    outcome: str
    operation_id: int | None
    route: str
    action: str
    client_id: str
    phase: str
    group_id: int | None = None
    cause_id: int | None = None
    kind: str | None = None
    code: str | None = None
    status: int | None = None

    def keys(self) -> Iterator[Key]:
        """The counters that this run is in."""
        facets = {
            ALL: "",
            "operation": self.operation_id,
            "group": self.group_id,
            "cause": self.cause_id,
            "route": self.route,
            "action": self.action or None,
            "client": self.client_id or None,
            "phase": self.phase,
            "kind": self.kind,
            "code": self.code,
            "status": self.status,
        }
        minute = bucket_of(self.started_at, MINUTE)
        for facet, value in facets.items():
            if value is not None:
                for grain, kept in GRAINS_BY_FACET[facet].items():
                    yield kept, str(value), minute - minute % grain, self.outcome


def finest(facet: str) -> int:
    """Minutes of the shortest buckets of a facet."""
    return min(GRAINS_BY_FACET[facet])


def bucket_of(at: datetime, grain_minutes: int) -> int:
    """The bucket an instant is in, as minutes since 1970."""
    minutes = (at - _EPOCH) // timedelta(minutes=1)
    return minutes - minutes % grain_minutes


def bucket_start(bucket: int) -> datetime:
    return _EPOCH + timedelta(minutes=bucket)


def count_runs(
    connection: sa.Connection, tenant_id: int, *, gone: Iterable[Counted] = (), come: Iterable[Counted] = ()
) -> None:
    """Takes runs as they were out of the counters and puts them in as they are now."""
    changes: Counter[Key] = Counter()
    # Runs of one chunk are much alike.
    for run, n in Counter(come).items():
        changes.update(dict.fromkeys(run.keys(), n))
    for run, n in Counter(gone).items():
        changes.subtract(dict.fromkeys(run.keys(), n))
    # One order for all transactions, so that two of them never wait for each other.
    rows: list[dict[str, Any]] = [
        {"tenant_id": tenant_id, "facet": facet, "value": value, "bucket": bucket, "outcome": outcome, "n": n}
        for (facet, value, bucket, outcome), n in sorted(changes.items())
        if n
    ]
    put_rows(connection, run_counts, rows, keys=_KEYS, added=["n"])
    emptied = [{name: row[name] for name in _KEYS} for row in rows if row["n"] < 0]
    delete_rows(connection, run_counts, emptied, run_counts.c.n == 0)


def by_bucket(
    connection: sa.Connection,
    tenant_id: int,
    facet: str,
    values: Collection[str],
    since: datetime | None,
    until: datetime | None,
    step: int = 1,
) -> dict[tuple[str, int, Outcome], int]:
    """Runs by (value, start of the step, outcome), in minutes since 1970, of the facet's shortest buckets that begin at or
    after the one of `since` and before `until`. Steps are multiples of `step` minutes.
    """
    start = (run_counts.c.bucket - run_counts.c.bucket % sa.literal_column(str(int(step)))).label("start")
    found: dict[tuple[str, int, Outcome], int] = {}
    for conditions in _conditions(tenant_id, facet, values, since, until, step):
        asked = (
            sa.select(run_counts.c.value, start, run_counts.c.outcome, sa.func.sum(run_counts.c.n))
            .where(*conditions)
            .group_by(run_counts.c.value, start, run_counts.c.outcome)
        )
        for value, bucket, outcome, n in connection.execute(asked):
            key = str(value), int(bucket), Outcome(outcome)
            found[key] = found.get(key, 0) + int(n)
    return found


def by_outcome(
    connection: sa.Connection,
    tenant_id: int,
    facet: str,
    values: Collection[str],
    since: datetime | None,
    until: datetime | None,
) -> Counter[Outcome]:
    """Runs by outcome in the facet's shortest buckets that begin at or after the one of `since` and before `until`."""
    found: Counter[Outcome] = Counter()
    for conditions in _conditions(tenant_id, facet, values, since, until, DAY):
        asked = sa.select(run_counts.c.outcome, sa.func.sum(run_counts.c.n)).where(*conditions).group_by(run_counts.c.outcome)
        found.update({Outcome(outcome): int(n) for outcome, n in connection.execute(asked)})
    return found


def _conditions(
    tenant_id: int, facet: str, values: Collection[str], since: datetime | None, until: datetime | None, step: int
) -> Iterator[list[sa.ColumnElement[bool]]]:
    """One list of conditions a piece of the time, each a range of the table's key."""
    column = run_counts.c.value
    value = column == next(iter(values)) if len(values) == 1 else column.in_(sorted(values))
    low = None if since is None else bucket_of(since, finest(facet))
    high = None if until is None else bucket_of(until + timedelta(minutes=1) - timedelta(microseconds=1), MINUTE)
    grains = [grain for grain in sorted(GRAINS_BY_FACET[facet]) if step % grain == 0]
    for kept, first, last in _pieces(facet, grains, low, high):
        conditions = [run_counts.c.tenant_id == tenant_id, run_counts.c.facet == kept, value]
        if first is not None:
            conditions.append(run_counts.c.bucket >= first)
        if last is not None:
            conditions.append(run_counts.c.bucket < last)
        yield conditions


def _pieces(facet: str, grains: list[int], low: int | None, high: int | None) -> Iterator[_Piece]:
    """Covers a stretch of time (minutes since 1970, None is open) by the longest buckets that lie in it whole."""
    *finer, grain = grains or [finest(facet)]
    if low is not None and high is not None and low >= high:
        return
    first = low if low is None or not finer else low + -low % grain
    last = high if high is None or not finer else high - high % grain
    if finer and first is not None and last is not None and first >= last:
        yield from _pieces(facet, finer, low, high)
        return
    if low != first:
        yield from _pieces(facet, finer, low, first)
    yield GRAINS_BY_FACET[facet][grain], first, last
    if high != last:
        yield from _pieces(facet, finer, last, high)
