"""What tests work on is what Alembic makes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import quick_migrations
from tests.support.postgres import postgres_server, postgres_url
from wfm.ledger import Ledger

__all__ = ["postgres_server", "postgres_url"]

IN_SQLITE = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
IN_POSTGRES = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
 WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


def what_is_there(url: str) -> tuple[list[tuple[object, ...]], dict[str, list[tuple[object, ...]]]]:
    """The schema and all rows."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            schema = connection.exec_driver_sql(IN_SQLITE if connection.dialect.name == "sqlite" else IN_POSTGRES).all()
            tables = sorted(sa.inspect(connection).get_table_names())
            rows = {name: connection.execute(sa.select(sa.text("*")).select_from(sa.table(name))).all() for name in tables}
    finally:
        engine.dispose()
    return [tuple(row) for row in schema], {name: [tuple(row) for row in found] for name, found in rows.items()}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Two empty databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'one'}", f"sqlite:///{tmp_path / 'two'}"
    one = sa.make_url(request.getfixturevalue("postgres_url"))
    two = one.set(database=f"{one.database}_two")
    with sa.create_engine(one, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {two.database}")
    return one.render_as_string(hide_password=False), two.render_as_string(hide_password=False)


def test_a_database_made_quickly_is_what_the_migrations_make(urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    by_alembic, quickly = urls
    monkeypatch.setattr(quick_migrations, "_recorded", {})
    Ledger(by_alembic).close()
    monkeypatch.setattr(quick_migrations, "upgrade", None)  # not asked for the second one
    Ledger(quickly).close()
    assert what_is_there(quickly) == what_is_there(by_alembic)
