"""Counters by the day and of phases and causes; an index by which the runs of a cause are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

COARSER = {
    "day": ("hour", 1440),
    "group_hour": ("group", 60),
    "group_day": ("group", 1440),
    **{f"{facet}_day": (facet, 1440) for facet in ("route", "action", "client", "kind", "code", "status", "phase", "cause")},
}
"""What each new grain is summed from, and how many minutes its buckets are long."""


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    only = sa.text("cause_id IS NOT NULL")
    columns = ["cause_id"] if on_sqlite else ["cause_id", "id"]
    op.create_index("ix_runs_cause", "runs", columns, sqlite_where=only, postgresql_where=only)
    for facet, value, rest in (("phase", "phase", ""), ("cause", "CAST(cause_id AS TEXT)", "WHERE cause_id IS NOT NULL")):
        op.execute(  # names of this file only
            "INSERT INTO run_counts (tenant_id, facet, value, bucket, outcome, n) "  # noqa: S608
            f"SELECT tenant_id, '{facet}', {value}, started_at / 3600000000 * 60, outcome, count(*) FROM runs {rest} "
            "GROUP BY 1, 3, 4, 5"
        )
    for facet, (finer, minutes) in COARSER.items():
        op.execute(
            "INSERT INTO run_counts (tenant_id, facet, value, bucket, outcome, n) "  # noqa: S608
            f"SELECT tenant_id, '{facet}', value, bucket / {minutes} * {minutes}, outcome, sum(n) FROM run_counts "
            f"WHERE facet = '{finer}' GROUP BY 1, 3, 4, 5"
        )
