"""The first schema: operations, items, runs, attempts, counters, failure groups, search and the small things."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    _words()
    _operations()
    _items()
    _runs()
    _counters()
    _groups()
    _small_things()
    _search()


def _column(name: str, kind: sa.types.TypeEngine[Any], *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=key, nullable=null, autoincrement=False)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True)


def _words() -> None:
    op.create_table("tenants", _number(), sa.Column("key", sa.Text(), nullable=False, unique=True))
    op.create_table(
        "agents",
        _number(),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        _column("agent_id", sa.Text()),
        _column("name", sa.Text()),
        _column("sought", sa.Text()),
        sa.UniqueConstraint("tenant_id", "agent_id", name="uq_agents"),
    )
    words = ("route", "action", "via", "call", "client_id")
    op.create_table(
        "ways",
        _number(),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        *(_column(name, sa.Text()) for name in words),
        sa.UniqueConstraint("tenant_id", *words, name="uq_ways"),
    )
    op.create_table(
        "causes",
        _number(),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        _column("digest", sa.Text()),
        _column("rule", sa.Text()),
        _column("cause", sa.Text()),
        _column("missing", sa.Text()),
        _column("retryable", sa.Boolean()),
        _column("fingerprint", sa.Text()),
        sa.UniqueConstraint("tenant_id", "digest", name="uq_causes"),
    )


def _operations() -> None:
    op.create_table(
        "operations",
        _column("id", BIG, key=True),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        *(_column(name, sa.Text()) for name in ("state", "client_id", "client_name", "plan_id", "title", "request", "route")),
        _column("action_id", sa.Text(), null=True),
        _column("restore_action_id", sa.Text(), null=True),
        _column("window_start", INSTANT),
        _column("window_end", INSTANT),
        _column("zone", sa.Text()),
        _column("window_now", sa.Boolean()),
        _column("revision", sa.Integer()),
        _column("created_at", INSTANT),
        _column("created_by", sa.Text()),
        _column("request_token", sa.Text(), null=True),
        *(_column(name, sa.Boolean()) for name in ("example", "rehearsal", "cancel_requested", "restore_requested")),
        *(_column(name, INSTANT, null=True) for name in ("started_at", "applied_at", "restore_started_at", "ended_at")),
        _column("halt_reason", sa.Text()),
        sa.UniqueConstraint("tenant_id", "request_token", name="uq_operations_token"),
    )
    op.create_index("ix_operations_newest", "operations", ["tenant_id", "id"])
    op.create_index("ix_operations_state", "operations", ["tenant_id", "state", "window_start"])
    op.create_table(
        "operation_blocked",
        sa.Column("operation_id", BIG, sa.ForeignKey("operations.id"), primary_key=True, autoincrement=False),
        _column("seq", sa.Integer(), key=True),
        *(_column(name, sa.Text()) for name in ("agent_id", "name", "why")),
    )
    op.create_table(
        "operation_events",
        _number(),
        sa.Column("operation_id", BIG, sa.ForeignKey("operations.id"), nullable=False),
        _column("at", INSTANT),
        *(_column(name, sa.Text()) for name in ("actor", "kind", "text")),
    )
    op.create_index("ix_operation_events", "operation_events", ["operation_id", "id"])


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("operation_id", BIG, sa.ForeignKey("operations.id"), primary_key=True, autoincrement=False),
        _column("seq", sa.Integer(), key=True),
        sa.Column("agent_no", sa.Integer(), sa.ForeignKey("agents.id"), nullable=False),
        _column("before", sa.Text(), null=True),
        _column("marker", sa.Text(), null=True),
        *(_column(name, sa.Text()) for name in ("apply_state", "restore_state", "skip_reason", "fate")),
        _column("apply_run", BIG, null=True),
        _column("restore_run", BIG, null=True),
        _column("sender", sa.Text()),
        _column("changed_at", INSTANT, null=True),
        sa.UniqueConstraint("operation_id", "agent_no", name="uq_items_agent"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_items_apply", "items", ["operation_id", "apply_state", "seq"])
    op.create_index("ix_items_restore", "items", ["operation_id", "restore_state", "seq"])
    op.create_table(
        "item_counts",
        sa.Column("operation_id", BIG, sa.ForeignKey("operations.id"), primary_key=True, autoincrement=False),
        _column("apply_state", sa.Text(), key=True),
        _column("restore_state", sa.Text(), key=True),
        _column("n", sa.Integer()),
        sqlite_with_rowid=False,
    )


def _runs() -> None:
    op.create_table(
        "runs",
        _column("id", BIG, key=True),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("operation_id", BIG, sa.ForeignKey("operations.id"), nullable=True),
        sa.Column("agent_no", sa.Integer(), sa.ForeignKey("agents.id"), nullable=False),
        sa.Column("way_id", sa.Integer(), sa.ForeignKey("ways.id"), nullable=False),
        _column("phase", sa.Text()),
        _column("outcome", sa.Text()),
        _column("status", sa.SmallInteger(), null=True),
        _column("code", sa.Text(), null=True),
        _column("kind", sa.Text(), null=True),
        _column("cause_id", sa.Integer(), null=True),
        _column("group_id", sa.Integer(), null=True),
        _column("correlation_id", sa.Text(), null=True),
        _column("attempts", sa.SmallInteger()),
        _column("duration_ms", sa.Integer(), null=True),
        _column("started_at", INSTANT),
        _column("finished_at", INSTANT, null=True),
        _column("note", sa.Text()),
    )
    _keyset_index("ix_runs_time", "tenant_id")
    _keyset_index("ix_runs_outcome", "tenant_id", "outcome")
    _keyset_index("ix_runs_status", "tenant_id", "status")
    _keyset_index("ix_runs_way", "way_id")
    _keyset_index("ix_runs_agent", "agent_no")
    _keyset_index("ix_runs_kind", "tenant_id", "kind", only="kind IS NOT NULL")
    _keyset_index("ix_runs_code", "tenant_id", "code", only="code IS NOT NULL")
    _keyset_index("ix_runs_operation", "operation_id", only="operation_id IS NOT NULL")
    _keyset_index("ix_runs_group", "group_id", only="group_id IS NOT NULL")
    _keyset_index("ix_runs_correlation", "correlation_id", only="correlation_id IS NOT NULL")
    op.create_table(
        "run_origins",
        sa.Column("run_id", BIG, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        _column("created_by", sa.Text()),
        _column("tags", sa.Text()),
    )
    op.create_table(
        "attempts",
        sa.Column("id", BIG, primary_key=True, autoincrement=True),
        sa.Column("run_id", BIG, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        _column("number", sa.SmallInteger()),
        _column("method", sa.Text()),
        _column("url", sa.Text()),
        _column("request_body", sa.Text(), null=True),
        _column("status", sa.SmallInteger(), null=True),
        _column("response_headers", sa.Text()),
        _column("response_body", sa.Text(), null=True),
        _column("correlation_id", sa.Text(), null=True),
        _column("fault", sa.Text()),
        _column("started_at", INSTANT),
        _column("duration_ms", sa.Integer()),
    )
    op.create_index("ix_attempts_run", "attempts", ["run_id", "number"], unique=True)


def _keyset_index(name: str, *columns: str, only: str | None = None) -> None:
    """An index that is walked down by id. On SQLite every index ends with the row's key already."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    where = sa.text(only) if only else None
    op.create_index(name, "runs", [*columns] if on_sqlite else [*columns, "id"], sqlite_where=where, postgresql_where=where)


def _counters() -> None:
    op.create_table(
        "run_counts",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        _column("facet", sa.Text(), key=True),
        _column("value", sa.Text(), key=True),
        _column("bucket", sa.Integer(), key=True),
        _column("outcome", sa.Text(), key=True),
        _column("n", sa.Integer()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "read_counts",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        _column("client_id", sa.Text(), key=True),
        _column("ok", sa.Integer()),
        _column("failed", sa.Integer()),
    )


def _groups() -> None:
    op.create_table(
        "failure_groups",
        _number(),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        _column("fingerprint", sa.Text()),
        _column("kind", sa.Text()),
        _column("code", sa.Text(), null=True),
        *(_column(name, sa.Text()) for name in ("call", "rule", "cause", "missing", "state")),
        _column("first_seen", INSTANT),
        _column("last_seen", INSTANT),
        _column("runs", sa.Integer()),
        _column("agents", sa.Integer()),
        _column("sample_run", BIG),
        _column("state_at", INSTANT, null=True),
        _column("state_by", sa.Text()),
        _column("note", sa.Text()),
        sa.UniqueConstraint("tenant_id", "fingerprint", name="uq_failure_groups"),
    )
    op.create_index("ix_failure_groups_seen", "failure_groups", ["tenant_id", "last_seen"])
    op.create_table(
        "failure_group_agents",
        sa.Column("group_id", sa.Integer(), sa.ForeignKey("failure_groups.id"), primary_key=True, autoincrement=False),
        sa.Column("agent_no", sa.Integer(), sa.ForeignKey("agents.id"), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "failure_group_changes",
        _number(),
        sa.Column("group_id", sa.Integer(), sa.ForeignKey("failure_groups.id"), nullable=False),
        _column("at", INSTANT),
        *(_column(name, sa.Text()) for name in ("actor", "from_state", "to_state", "note")),
    )
    op.create_index("ix_failure_group_changes", "failure_group_changes", ["group_id", "id"])


def _small_things() -> None:
    op.create_table(
        "preferences",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        _column("key", sa.Text(), key=True),
        _column("value", sa.Text()),
    )
    op.create_table(
        "drafts",
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
        _column("subject", sa.Text(), key=True),
        _column("plan", sa.Text()),
    )
    op.create_table(
        "workers",
        _column("worker_id", sa.Text(), key=True),
        sa.Column("tenant_id", sa.Integer(), sa.ForeignKey("tenants.id"), nullable=False),
        _column("state", sa.Text()),
        _column("pid", sa.Integer()),
        _column("host", sa.Text()),
        _column("seen_at", INSTANT),
    )


def _search() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE run_search USING fts5(words, columnsize=0, tokenize='unicode61 remove_diacritics 0')")
        return
    op.create_table(
        "run_search",
        sa.Column("run_id", BIG, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        _column("words", postgresql.TSVECTOR()),
    )
    op.create_index("ix_run_search_words", "run_search", ["words"], postgresql_using="gin")
