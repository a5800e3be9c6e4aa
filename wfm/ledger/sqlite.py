"""SQLite, set up for several processes that read while one writes. Also used for the engine's own database."""

from __future__ import annotations

import importlib
import sqlite3
import time
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

OLDEST_FOR_ALL = (3, 42)
"""From this version on SQLite has everything the durable engine asks for on Python 3.12 and newer."""

WRITES = "ledger_writes"
"""Execution option of a connection: its transaction takes the write lock at its beginning."""


def sqlite_module() -> ModuleType:
    """The database module to use: Python's own, or `pysqlite3` where Python's is too old and that is installed."""
    if sqlite3.sqlite_version_info >= OLDEST_FOR_ALL:
        return sqlite3
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


class Hinting(SQLiteCompiler):
    """Writes `INDEXED BY` where a query asks for it. SQLAlchemy's own compiler drops hints for SQLite without a word."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        return text


def sqlite_engine(url: sa.URL | str, *, busy_timeout_s: float = 10.0) -> sa.Engine:
    """An engine with WAL, synchronous NORMAL, foreign keys, and transactions that begin when they are said to.

    A transaction whose connection carries the execution option `ledger_writes` begins IMMEDIATE, so that it waits for
    the write lock (up to `busy_timeout_s`) instead of failing half-way; others are snapshots that never block.
    """
    engine = sa.create_engine(url, module=sqlite_module(), connect_args={"timeout": busy_timeout_s})
    engine.dialect.statement_compiler = Hinting
    timeout_ms = int(busy_timeout_s * 1000)

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # The driver's own transaction handling begins too late and commits behind our back.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={timeout_ms}")
        _use_wal(cursor, busy_timeout_s)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-16000")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _use_wal(cursor: Any, patience_s: float) -> None:
    """Switches a new file to WAL. SQLite does not wait for a lock here even when told to, so two first opens would clash."""
    until = time.monotonic() + patience_s
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite_module().OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(0.02)
        else:
            return
