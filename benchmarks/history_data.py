"""Makes a ledger of many runs fast: rows in SQL inside the database, indexes last, counters by one GROUP BY.

The runs are spread evenly over 180 days: 5,000 agents, 400 runs an operation, 80% by availability; nine in ten applied,
seven in a hundred failed for six causes of very unequal size. One run in a million says “zyxglorp”. Payload rows
(attempts) are left out: they are read one run at a time, by key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Confidence, Diagnosis, Kind, Provenance
from wfm.ledger import Ledger, lookups
from wfm.ledger.counters import ALL, GRAINS_BY_FACET, HOUR
from wfm.ledger.ids import lowest_id
from wfm.ledger.schema import groups, operations
from wfm.ledger.types import to_micros

TENANT = "bench.example.com|org-1"
AGENTS, PER_OPERATION, DAYS = 5_000, 400, 180
RARE, COMMON = "zyxglorp", "forbidden"
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
EXECUTE = "POST /api/v2/integrations/actions/{actionId}/execute"

WAYS = (
    ("availability", "", "direct", CALL, 80),
    ("adherence", "", "direct", "PATCH /api/v2/wfm/users/{userId}/schedule/adherence/{adherenceId}", 5),
    ("data_action", "set_agent_unavailable", "data_action", EXECUTE, 8),
    ("data_action", "set_agent_available", "data_action", EXECUTE, 6),
    ("data_action", "seldom_used", "data_action", EXECUTE, 1),
)
CAUSES = (
    (Kind.MISSING_SCOPE, 403, "forbidden", "Insufficient permissions for resource access", 60, False),
    (Kind.NOT_FOUND_OTHER, 404, "not_found", "Resource not found", 20, False),
    (Kind.RATE_LIMITED, 429, "too.many.requests", "Rate limit exceeded the maximum", 12, True),
    (Kind.SERVER_ERROR, 503, "service.unavailable", "The service is temporarily unavailable", 5, True),
    (Kind.CONFLICT, 409, "conflict", "The resource was changed by somebody else", 2, True),
    (Kind.MISSING_SCOPE, 403, "forbidden", "Unable to perform the requested action missing wfm:agent:edit", 1, False),
)


def make(ledger: Ledger, many: int, until: datetime) -> None:
    """Fill an empty ledger with `many` runs, the last at `until`."""
    db = ledger.database
    start = until - timedelta(days=DAYS)
    with db.engine.connect() as connection:
        connection.execution_options(ledger_writes=True)
        with connection.begin():
            tenant = ledger.tenants.number(connection, TENANT)
            first_agent = _agents(ledger, connection, tenant)
            way_ids = [
                lookups.call_target_number(
                    connection, tenant, route=route, action=action, via=via, call=call, client_id="bench"
                )
                for route, action, via, call, _ in WAYS
            ]
            cause_ids, group_ids = _causes(ledger, connection, tenant, start, until)
            kept = _drop_indexes(connection)
            _operations(connection, db.is_sqlite, tenant, many, start, until)
            _runs(connection, db.is_sqlite, tenant, many, start, until, first_agent, way_ids, cause_ids, group_ids)
            _counters(connection, tenant)
            _words(connection, db.is_sqlite)
            for statement in kept:
                run_sql(connection, statement)
            _group_sums(connection)
    with db.engine.connect() as connection:
        raw = connection.execution_options(isolation_level="AUTOCOMMIT")
        if db.is_sqlite:
            raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            raw.exec_driver_sql("VACUUM ANALYZE")


def _agents(ledger: Ledger, connection: sa.Connection, tenant: int) -> int:
    names = {f"agent-{n:05d}": f"Agent{n:05d} Somebody" for n in range(AGENTS)}
    numbers = lookups.make_agents(connection, tenant, names)
    assert max(numbers.values()) - min(numbers.values()) == AGENTS - 1
    return min(numbers.values())


def _causes(
    ledger: Ledger, connection: sa.Connection, tenant: int, start: datetime, until: datetime
) -> tuple[list[int], list[int]]:
    cause_ids: list[int] = []
    group_ids: list[int] = []
    for number, (kind, status, code, message, _, retryable) in enumerate(CAUSES):
        diagnosis = Diagnosis(
            kind=kind,
            status=status,
            code=code,
            message=message,
            missing=("wfm:schedule:update",) if kind is Kind.MISSING_SCOPE else (),
            divisions=(),
            correlation_id=None,
            retryable=retryable,
            entity=None,
            chain=(),
            rule=f"bench-{number}",
            confidence=Confidence.CERTAIN,
            provenance=Provenance.BRIEF,
            cause=message,
            confirm="",
            fix="",
            who="",
        )
        fingerprint = f"bench-{number}"
        cause_ids.append(*lookups.make_causes(connection, tenant, [(diagnosis, fingerprint)]).values())
        row = {"tenant_id": tenant, "fingerprint": fingerprint, "kind": kind.value, "code": code, "call": CALL}
        row |= {"rule": diagnosis.rule, "cause": message, "missing": diagnosis.missing, "state": "open"}
        row |= {"first_seen": start, "last_seen": until, "runs": 0, "agents": 0, "sample_run": 0}
        row |= {"state_by": "", "note": "", "owner": "", "revision": 0}
        group_ids.append(connection.execute(sa.insert(groups).values(row).returning(groups.c.id)).scalar_one())
    return cause_ids, group_ids


def _drop_indexes(connection: sa.Connection) -> list[str]:
    """Drop the indexes of runs and return the statements that create them again."""
    if connection.dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'runs' AND sql IS NOT NULL"
    else:
        asked = (
            "SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE tablename IN ('runs', 'run_search') "
            "AND indexname NOT LIKE '%_pkey'"
        )
    found = [(str(row.name), str(row.sql)) for row in run_sql(connection, asked).all()]
    for name, _ in found:
        run_sql(connection, f"DROP INDEX {name}")
    return [statement for _, statement in found]


def _numbers(on_sqlite: bool, many: int) -> str:
    if on_sqlite:
        return f"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {many - 1}) SELECT i FROM n) AS n"
    return f"generate_series(0::bigint, {many - 1}) AS n(i)"


def _operations(connection: sa.Connection, on_sqlite: bool, tenant: int, many: int, start: datetime, until: datetime) -> None:
    request = '{"selection": {"agents": ["agent-00001"]}, "window": {"minutes": 30}}'
    count = (many + PER_OPERATION - 1) // PER_OPERATION
    step = (until - start) / count
    values = {column.name: "''" for column in operations.c}
    values |= dict.fromkeys(("action_id", "restore_action_id", "request_token", "ended_at", "restore_started_at"), "NULL")
    values |= dict.fromkeys(("example", "rehearsal", "cancel_requested", "restore_requested", "window_now"), "FALSE")
    at = f"({to_micros(start)} + i * {int(step / timedelta(microseconds=1))})"
    values |= dict.fromkeys(("window_start", "created_at", "started_at", "applied_at"), at)
    values |= {"id": f"{lowest_id(start)} + i", "tenant_id": str(tenant), "window_end": f"{at} + 1800000000", "revision": "1"}
    values |= {"state": "'restored'", "route": "'availability'", "request": f"'{request}'", "zone": "'UTC'"}
    values |= {"title": "'Maintenance ' || i", "client_id": "'bench'", "client_name": "'desk'"}
    run_sql(
        connection,
        f"INSERT INTO operations ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {_numbers(on_sqlite, count)}",
    )


def _runs(
    connection: sa.Connection,
    on_sqlite: bool,
    tenant: int,
    many: int,
    start: datetime,
    until: datetime,
    first_agent: int,
    way_ids: list[int],
    cause_ids: list[int],
    group_ids: list[int],
) -> None:
    step_us = int((until - start) / many / timedelta(microseconds=1))
    at = f"({to_micros(start)} + i * {step_us})"
    # Three draws of 0 to 9,999 that know nothing of each other, from the number of the run.
    way_draw, end_draw, cause_draw, agent_draw = (
        f"((i * {factor} + {offset}) % {prime} % 10000)"
        for factor, offset, prime in ((7919, 3, 1000003), (104729, 11, 999983), (15485863, 5, 999979), (32452843, 7, 999961))
    )
    way = _pick(way_draw, [one[4] for one in WAYS], [str(number) for number in way_ids])
    failed = f"{end_draw} >= 9000 AND {end_draw} < 9700"
    outcome = f"CASE WHEN {end_draw} < 9000 THEN 'applied' WHEN {failed} THEN 'failed' "
    outcome += f"WHEN {end_draw} < 9900 THEN 'skipped' ELSE 'unconfirmed' END"

    def by_cause(values: list[str], other: str = "NULL") -> str:
        return f"CASE WHEN {failed} THEN {_pick(cause_draw, [one[4] for one in CAUSES], values)} ELSE {other} END"

    hexed = "lower(hex(randomblob(16)))" if on_sqlite else "replace(md5(i::text || 'x'), '-', '')"
    values = {
        "id": f"{at} / 1000 * {1 << 21} + i % 1000",
        "tenant_id": str(tenant),
        "operation_id": f"{lowest_id(start)} + i / {PER_OPERATION}",
        "agent_no": f"{first_agent} + ({agent_draw} * 7 + i) % {AGENTS}",
        "way_id": way,
        "phase": "CASE WHEN i % 2 = 0 THEN 'apply' ELSE 'restore' END",
        "outcome": outcome,
        "status": by_cause([str(one[1]) for one in CAUSES], "200"),
        "code": by_cause([f"'{one[2]}'" for one in CAUSES]),
        "kind": by_cause([f"'{one[0].value}'" for one in CAUSES]),
        "cause_id": by_cause([str(number) for number in cause_ids]),
        "group_id": by_cause([str(number) for number in group_ids]),
        "correlation_id": hexed,
        "attempts": "1",
        "duration_ms": "20 + i % 400",
        "started_at": at,
        "finished_at": f"{at} + 40000",
        "note": "''",
    }
    run_sql(
        connection,
        f"INSERT INTO runs ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {_numbers(on_sqlite, many)}",
    )


def _pick(draw: str, shares: list[int], values: list[str]) -> str:
    """Return a CASE that takes each value with its share of a hundred."""
    parts, upper = [], 0
    for share, value in zip(shares[:-1], values[:-1], strict=True):
        upper += share * 100
        parts.append(f"WHEN {draw} < {upper} THEN {value}")
    return f"(CASE {' '.join(parts)} ELSE {values[-1]} END)"


def _counters(connection: sa.Connection, tenant: int) -> None:
    hour = "(started_at / 3600000000 * 60)"
    sources = {
        ALL: ("''", ""),
        "operation": ("CAST(operation_id AS TEXT)", "WHERE operation_id IS NOT NULL"),
        "group": ("CAST(group_id AS TEXT)", "WHERE group_id IS NOT NULL"),
        "cause": ("CAST(cause_id AS TEXT)", "WHERE cause_id IS NOT NULL"),
        "phase": ("phase", ""),
        "kind": ("kind", "WHERE kind IS NOT NULL"),
        "code": ("code", "WHERE code IS NOT NULL"),
        "status": ("CAST(status AS TEXT)", "WHERE status IS NOT NULL"),
        "route": ("route", "JOIN ways ON ways.id = way_id"),
        "action": ("action", "JOIN ways ON ways.id = way_id WHERE action <> ''"),
        "client": ("client_id", "JOIN ways ON ways.id = way_id"),
    }
    into = "INSERT INTO run_counts (tenant_id, facet, value, bucket, outcome, n) "
    for facet, grains in GRAINS_BY_FACET.items():
        value, rest = sources[facet]
        (shortest, kept), *longer = sorted(grains.items())
        bucket = hour if shortest == HOUR else "(started_at / 60000000)"
        run_sql(
            connection,
            f"{into} SELECT {tenant}, '{kept}', {value}, {bucket}, outcome, count(*) FROM runs {rest} GROUP BY 3, 4, 5",
        )
        for minutes, name in longer:
            run_sql(
                connection,
                f"{into} SELECT {tenant}, '{name}', value, bucket / {minutes} * {minutes}, outcome, sum(n) FROM run_counts "
                f"WHERE tenant_id = {tenant} AND facet = '{kept}' GROUP BY 3, 4, 5",
            )


def _words(connection: sa.Connection, on_sqlite: bool) -> None:
    """Index the words of runs as settling does: agent, ids, code, message, address."""
    parts = [
        "replace(lower(agents.name), ' ', ' ')",
        "replace(agents.agent_id, '-', ' ')",
        "replace(ways.action, '_', ' ')",
        "replace(replace(coalesce(runs.code, ''), '.', ' '), '_', ' ')",
        "runs.correlation_id",
        "replace(lower(coalesce(causes.cause, 'status unavailable reason maintenance window')), ':', ' ')",
        "CASE WHEN runs.duration_ms = 20 AND runs.id % 2500 = 0 THEN '" + RARE + "' ELSE '' END",
        "'http 127 0 0 1 8808 api v2 wfm users agent availability'",
    ]
    joined = (
        "FROM runs JOIN agents ON agents.id = agent_no JOIN ways ON ways.id = way_id LEFT JOIN causes ON causes.id = cause_id"
    )
    text = " || ' ' || ".join(parts)
    if on_sqlite:
        run_sql(connection, f"INSERT INTO run_search (rowid, words) SELECT runs.id, {text} {joined} ORDER BY runs.id")
        return
    # Words of letters and digits in their order, as the ledger cuts them; the parser of to_tsvector would cut otherwise.
    vector = (
        "(SELECT string_agg('''' || word || ''':' || place, ' ')::tsvector FROM "
        "regexp_split_to_table(btrim(doc), ' +') WITH ORDINALITY AS w(word, place))"
    )
    run_sql(
        connection,
        f"INSERT INTO run_search (run_id, words) SELECT id, {vector} FROM (SELECT runs.id AS id, {text} AS doc {joined}) d",
    )


def _group_sums(connection: sa.Connection) -> None:
    run_sql(
        connection,
        "INSERT INTO failure_group_agents (group_id, agent_no) "
        "SELECT DISTINCT group_id, agent_no FROM runs WHERE group_id IS NOT NULL",
    )
    for column, what in (
        ("runs", "(SELECT count(*) FROM runs WHERE group_id = failure_groups.id)"),
        ("agents", "(SELECT count(*) FROM failure_group_agents WHERE group_id = failure_groups.id)"),
        ("first_seen", "coalesce((SELECT min(started_at) FROM runs WHERE group_id = failure_groups.id), first_seen)"),
        ("last_seen", "coalesce((SELECT max(started_at) FROM runs WHERE group_id = failure_groups.id), last_seen)"),
        ("sample_run", "coalesce((SELECT max(id) FROM runs WHERE group_id = failure_groups.id), 0)"),
    ):
        run_sql(connection, f"UPDATE failure_groups SET {column} = {what}")


def run_sql(connection: sa.Connection, statement: str) -> sa.CursorResult[*tuple[Any, ...]]:
    """Run a statement without parameters. PostgreSQL's driver would take a single percent sign for one."""
    if connection.dialect.name != "sqlite":
        statement = statement.replace("%", "%%")
    return connection.exec_driver_sql(statement)


def new_year() -> datetime:
    """Return when the generated runs end: a fixed instant, so that two generations are alike."""
    return datetime(2026, 11, 1, tzinfo=UTC)
