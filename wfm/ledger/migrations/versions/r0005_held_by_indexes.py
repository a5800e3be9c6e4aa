"""Two indexes that hold what is asked of them: an agent's runs with a status, and the windows that were open at an instant."""

from __future__ import annotations

from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None

HELD = ["outcome", "status", "kind", "code", "way_id", "phase", "operation_id", "cause_id", "group_id"]


def upgrade() -> None:
    op.create_index("ix_operations_window", "operations", ["tenant_id", "window_end", "window_start", "id"])
    op.drop_index("ix_runs_agent", "runs")
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_runs_agent", "runs", ["agent_no", "id", *HELD])
    else:
        op.create_index("ix_runs_agent", "runs", ["agent_no", "id"], postgresql_include=HELD)
