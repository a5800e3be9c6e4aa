"""Runs that earlier versions called failed although their agents were sent again: an outcome of their own.

An index finds the examples of a demo tenant, which failure groups count apart.

They are known by their note, which no other run has. Counters and failure groups change with them. A group that would lose
its last run and of which people have said something keeps its runs as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

NOTE = "the outcome was unknown; read back: not applied, so it is sent again"
RESENT = "not applied, sent again"
BATCH = 500
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000

FACETS: tuple[tuple[str, str, int], ...] = (
    ("minute", "", MINUTE),
    ("hour", "", HOUR),
    ("day", "", DAY),
    ("operation", "operation_id", MINUTE),
    ("group", "group_id", MINUTE),
    ("group_hour", "group_id", HOUR),
    ("group_day", "group_id", DAY),
    *(
        (f"{name}{grain}", column, length)
        for name, column in (
            ("route", "route"),
            ("action", "action"),
            ("client", "client_id"),
            ("phase", "phase"),
            ("kind", "kind"),
            ("code", "code"),
            ("status", "status"),
            ("cause", "cause_id"),
        )
        for grain, length in (("", HOUR), ("_day", DAY))
    ),
)
"""Counter, what of the run it is of ("" every run), and the microseconds of its buckets, as this revision counts them."""


def upgrade() -> None:
    op.create_index("ix_operations_example", "operations", ["tenant_id", "example"])
    connection = op.get_bind()
    asked = sa.text(
        "SELECT runs.*, ways.route, ways.action, ways.client_id FROM runs JOIN ways ON ways.id = runs.way_id "
        "WHERE runs.outcome = 'failed' AND runs.note = :note ORDER BY runs.id"
    )
    found = connection.execute(asked, {"note": NOTE}).all()
    kept = _spoken_of_and_emptied(connection, {row.group_id for row in found if row.group_id is not None}, found)
    moved = [row for row in found if row.group_id not in kept]
    _recount(connection, moved)
    for start in range(0, len(moved), BATCH):
        change = sa.text("UPDATE runs SET outcome = :outcome, group_id = NULL WHERE id IN :ids")
        ids = [row.id for row in moved[start : start + BATCH]]
        connection.execute(change.bindparams(sa.bindparam("ids", expanding=True)), {"outcome": RESENT, "ids": ids})
    for group in sorted({row.group_id for row in moved if row.group_id is not None}):
        _shrink(connection, group, min(row.started_at for row in moved if row.group_id == group))


def _spoken_of_and_emptied(connection: sa.Connection, groups: set[int], found: Sequence[Any]) -> set[int]:
    kept = set()
    for group in sorted(groups):
        runs = connection.scalar(sa.text("SELECT runs FROM failure_groups WHERE id = :id"), {"id": group})
        said = connection.scalar(sa.text("SELECT count(*) FROM failure_group_changes WHERE group_id = :id"), {"id": group})
        if said and runs == sum(row.group_id == group for row in found):
            kept.add(group)
    return kept


def _recount(connection: sa.Connection, moved: Sequence[Any]) -> None:
    changes: dict[tuple[int, str, str, int], int] = {}
    for row in moved:
        for facet, column, length in FACETS:
            value = row._mapping[column] if column else ""
            if value is None or (column and value == ""):
                continue
            key = (row.tenant_id, facet, str(value), row.started_at // length * (length // MINUTE))
            changes[key] = changes.get(key, 0) + 1
    less = sa.text(
        "UPDATE run_counts SET n = n - :n WHERE tenant_id = :t AND facet = :f AND value = :v AND bucket = :b "
        "AND outcome = 'failed'"
    )
    more = sa.text("INSERT INTO run_counts (tenant_id, facet, value, bucket, outcome, n) VALUES (:t, :f, :v, :b, :o, :n)")
    rows = [{"t": t, "f": f, "v": v, "b": b, "n": n, "o": RESENT} for (t, f, v, b), n in sorted(changes.items())]
    if rows:
        connection.execute(less, rows)
        connection.execute(more, [row for row in rows if not str(row["f"]).startswith("group")])  # in no group any more
        connection.execute(sa.text("DELETE FROM run_counts WHERE n = 0"))


def _shrink(connection: sa.Connection, group: int, first_moved: int) -> None:
    """A group counts the runs it still has; one that has none is gone. When it was first seen may be known of no run."""
    mine = {"id": group}
    members = sa.text(
        "SELECT count(*) AS runs, count(DISTINCT agent_no) AS agents, min(started_at) AS first_seen, "
        "max(started_at) AS last_seen, max(id) AS sample_run FROM runs WHERE group_id = :id"
    )
    left = connection.execute(members, mine).one()
    if not left.runs:
        for table, column in (("failure_group_agents", "group_id"), ("failure_groups", "id")):
            connection.execute(sa.text(f"DELETE FROM {table} WHERE {column} = :id"), mine)  # noqa: S608 - names of this file
        return
    still = "SELECT agent_no FROM runs WHERE group_id = :id"
    gone = f"DELETE FROM failure_group_agents WHERE group_id = :id AND agent_no NOT IN ({still})"  # noqa: S608
    connection.execute(sa.text(gone), mine)
    change = sa.text(
        "UPDATE failure_groups SET runs = :runs, agents = :agents, last_seen = :last_seen, sample_run = :sample_run, "
        "first_seen = CASE WHEN first_seen < :moved THEN first_seen ELSE :first_seen END WHERE id = :id"
    )
    connection.execute(change, {**left._mapping, **mine, "moved": first_moved})
