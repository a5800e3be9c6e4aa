"""The history at scale: an index of ways by outcome, saved views, and marks by which an import adds nothing twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _index("ix_runs_way_outcome", "way_id", "outcome")
    op.drop_index("ix_runs_way", "runs")
    op.create_table(
        "saved_views",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "run_imports",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("run_id", BIG, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sqlite_with_rowid=False,
    )
    # Deleting a run looks here for its mark: without an index every deletion would read the whole table.
    op.create_index("ix_run_imports_run", "run_imports", ["run_id"])


def _index(name: str, *columns: str) -> None:
    """Walked down by id; on SQLite every index ends with the row's key already."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_index(name, "runs", [*columns] if on_sqlite else [*columns, "id"])
