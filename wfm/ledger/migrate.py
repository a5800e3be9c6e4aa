"""Brings a database to the newest revision of the schema, once, however many processes open it together."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from wfm.domain.errors import StoreFault
from wfm.ledger.database import Database

SCRIPTS = Path(__file__).parent / "migrations"


def script_directory() -> ScriptDirectory:
    """The migrations as Alembic knows them."""
    return ScriptDirectory.from_config(_config())


def current_revision(connection: sa.Connection) -> str | None:
    """The revision that the database is at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrates in one transaction under the database's own lock. Raises StoreFault."""
    newest = script_directory().get_current_head()
    with database.read() as connection:
        found = current_revision(connection)
    if revision == "head" and found == newest:
        return
    _refuse_unknown(found)
    database.write(lambda connection: _upgrade(database, connection, revision))


def _upgrade(database: Database, connection: sa.Connection, revision: str) -> None:
    # SQLite: this transaction is the only writer. PostgreSQL: one process at a time passes here; the next finds it done.
    database.lock(connection, "migrations of the ledger")
    if database.is_sqlite:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _refuse_unknown(found: str | None) -> None:
    if found is None:
        return
    try:
        script_directory().get_revision(found)
    except CommandError as error:
        raise StoreFault(
            f"The desk's database was written by a newer version of this program (its schema is {found!r}). "
            "Nothing was changed. Install that version, or point WFM_DATA_DIR or WFM_DATABASE_URL at another database."
        ) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
