"""A database file that can't be opened, read or written is a sentence that says what to do."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wfm.domain.errors import StoreFault
from wfm.ledger import Ledger

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "desk.sqlite").mkdir()
    with pytest.raises(StoreFault, match="it is a folder"):
        Ledger(url(tmp_path / "desk.sqlite"))


def test_something_else_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite"
    file.write_bytes(b"no database at all " * 100)
    with pytest.raises(StoreFault, match="damaged or is no database"):
        Ledger(url(file))
    assert file.read_bytes() == b"no database at all " * 100


def test_one_that_may_only_be_read_says_so_and_writes_nothing(tmp_path: Path) -> None:
    """Held by SQLite itself (`PRAGMA query_only`), because file modes do not bind who runs as root."""
    import sqlalchemy as sa

    ledger = Ledger(url(tmp_path / "desk.sqlite"))
    ledger.preferences.set("t", "key", "before")

    def only_reads(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    engines = [one for one in vars(ledger.database).values() if isinstance(one, sa.Engine)]
    assert engines
    for engine in engines:
        sa.event.listen(engine, "connect", only_reads)
        engine.dispose()
    with pytest.raises(StoreFault, match="written"):
        ledger.preferences.set("t", "key", "after")
    assert ledger.preferences.get("t", "key") == "before"
    ledger.close()
