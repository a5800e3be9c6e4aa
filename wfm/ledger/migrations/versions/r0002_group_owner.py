"""Who takes care of a failure group, and a revision by which two people notice each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("failure_groups", sa.Column("owner", sa.Text(), nullable=False, server_default=""))
    op.add_column("failure_groups", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
