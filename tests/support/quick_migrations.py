"""An empty database is brought to the newest revision by the statements that Alembic executed on the first one.

A plugin of pytest. Alembic takes nine tenths of the time that a new ledger takes, and most tests start with one. A process
migrates its first database of each kind as it is; `tests/support/test_quick_migrations.py` holds one against the other.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

Statement = tuple[str, Any, bool]
READS = ("SELECT", "PRAGMA")

upgrade = command.upgrade
"""Alembic's own."""
_recorded: dict[tuple[str | None, str], list[Statement]] = {}


def quick_upgrade(config: Config, revision: str, *more: Any, **options: Any) -> None:
    """Alembic's `upgrade`, by the recorded statements where that gives the same."""
    connection = config.attributes.get("connection")
    if revision != "head" or more or options or connection is None or sa.inspect(connection).get_table_names():
        upgrade(config, revision, *more, **options)
        return
    kind = (config.get_main_option("script_location"), connection.dialect.name)
    if kind not in _recorded:
        _recorded[kind] = _record(connection, config)
        return
    for statement, parameters, several in _recorded[kind]:
        cursor = connection.connection.cursor()
        (cursor.executemany if several else cursor.execute)(statement, parameters)
        cursor.close()


def _record(connection: sa.Connection, config: Config) -> list[Statement]:
    made: list[Statement] = []

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, several: bool) -> None:
        if not statement.lstrip().upper().startswith(READS):
            made.append((statement, parameters, several))

    sa.event.listen(connection, "after_cursor_execute", executed)
    try:
        upgrade(config, "head")
    finally:
        sa.event.remove(connection, "after_cursor_execute", executed)
    return made


def pytest_configure() -> None:
    command.upgrade = quick_upgrade
