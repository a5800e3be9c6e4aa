"""The row behind the shared request budget: one a client, changed in short exclusive transactions.

SQLite (WAL, BEGIN IMMEDIATE) and PostgreSQL (SELECT … FOR UPDATE). The table makes itself: it holds a minute of
counters, nothing that needs a migration or a backup.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wfm.domain.errors import StoreFault
from wfm.genesys.budget import Budget
from wfm.stores import PassingFault, disk_full, set_aside_if_damaged

TABLE = "pacing_budget"
RESYNC_S = 30.0
"""How often the offset between this host's clock and a database server's is measured."""

_COLUMNS = tuple(field.name for field in fields(Budget))
_WHOLE = frozenset({"limit", "window", "count", "pending", "stale"})
_NULLABLE = frozenset({"limit", "seen_at"})


def _stored(name: str) -> str:
    # limit, window and count are reserved in SQL.
    return f"b_{name}"


def _table(metadata: sa.MetaData) -> sa.Table:
    columns = [
        sa.Column(
            _stored(name), sa.BigInteger if name in _WHOLE else sa.Double, nullable=name in _NULLABLE, server_default=None
        )
        for name in _COLUMNS
    ]
    return sa.Table(TABLE, metadata, sa.Column("key", sa.String(400), primary_key=True), *columns)


def _identity(url: sa.URL) -> tuple[int, int] | None:
    """Return (device, inode) of a SQLite database's file; None where there is no file."""
    try:
        facts = Path(url.database or "").stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


class BudgetRow:
    """One client's row, read and written by `change` only. Thread-safe."""

    def __init__(self, database_url: str, key: str, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._offset = 0.0
        self._synced_at: float | None = None
        self._lock = threading.Lock()
        self._url = sa.make_url(database_url)
        if self._url.drivername in ("postgres", "postgresql"):
            self._url = self._url.set(drivername="postgresql+psycopg")
        self._sqlite = self._url.get_backend_name() == "sqlite"
        listed = ", ".join(_stored(name) for name in _COLUMNS)
        lock = "" if self._sqlite else " FOR UPDATE"
        self._select = sa.text(f"SELECT {listed} FROM {TABLE} WHERE key = :key{lock}")  # noqa: S608
        changes = ", ".join(f"{_stored(name)} = :{name}" for name in _COLUMNS)
        self._update = sa.text(f"UPDATE {TABLE} SET {changes} WHERE key = :key")  # noqa: S608
        self._insert = sa.text(
            f"INSERT INTO {TABLE} (key, {listed}) VALUES (:key, {', '.join(':' + name for name in _COLUMNS)}) "  # noqa: S608
            "ON CONFLICT (key) DO NOTHING"
        )
        self._open_file()

    def now(self) -> float:
        """Return seconds since the epoch by the clock that all processes share: the host's with SQLite, else the server's."""
        return self._clock() + self._offset

    def change(self, change: Callable[[Budget, float], Budget]) -> tuple[Budget, float]:
        """Read, change and write the row in one exclusive transaction. Raises StoreFault."""
        with self._lock:
            if self._sqlite and self._opened != _identity(self._url):
                self._open_again()  # another process set a damaged file aside: two files would be two budgets
            try:
                return self._change(change)
            except SQLAlchemyError as error:
                fault = self._fault(error)
                if not self._sqlite or isinstance(fault, PassingFault):
                    raise fault from None
            self._open_again()
            try:
                return self._change(change)
            except SQLAlchemyError as error:
                raise self._fault(error) from None

    def _open_again(self) -> None:
        self._engine.dispose()
        self._open_file()

    def _change(self, change: Callable[[Budget, float], Budget]) -> tuple[Budget, float]:
        self._sync()
        with self._engine.begin() as connection:
            row = connection.execute(self._select, {"key": self._key}).one_or_none()
            if row is None:  # another process emptied the table
                connection.execute(self._insert, self._values(Budget()))
                row = connection.execute(self._select, {"key": self._key}).one()
            before = Budget(**dict(zip(_COLUMNS, row, strict=True)))
            now = self.now()
            after = change(before, now)
            if after != before:
                connection.execute(self._update, self._values(after))
        return after, now

    def close(self) -> None:
        self._engine.dispose()

    def _values(self, budget: Budget) -> dict[str, Any]:
        return {"key": self._key, **{name: getattr(budget, name) for name in _COLUMNS}}

    def _open_file(self) -> None:
        """Open the database and create the row where it is missing; set a damaged file aside first. Raises StoreFault."""
        if self._sqlite:
            set_aside_if_damaged(Path(self._url.database or ""))
        try:
            self._engine = self._open()
            self._prepare()
            self._opened = _identity(self._url)
        except (SQLAlchemyError, OSError) as error:
            raise self._fault(error) from None

    def _open(self) -> sa.Engine:
        if not self._sqlite:
            return sa.create_engine(self._url, pool_size=1, max_overflow=1, pool_pre_ping=True)
        engine = sa.create_engine(
            self._url, pool_size=1, max_overflow=0, connect_args={"timeout": 10.0, "check_same_thread": False}
        )

        @sa.event.listens_for(engine, "connect")
        def _pragmas(connection: Any, _: object) -> None:
            connection.isolation_level = None  # transactions are begun by hand, below
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            # A power cut loses a minute's count, which the tenant's next answer repeats.
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

        @sa.event.listens_for(engine, "begin")
        def _immediate(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    def _prepare(self) -> None:
        metadata = sa.MetaData()
        table = _table(metadata)
        for attempt in range(5):
            try:
                metadata.create_all(self._engine, tables=[table], checkfirst=True)
                break
            except DBAPIError:
                # Two processes may create the table at once: the other one's is as good.
                if attempt == 4 or not sa.inspect(self._engine).has_table(TABLE):
                    if attempt == 4:
                        raise
                    time.sleep(0.05)
        with self._engine.begin() as connection:
            connection.execute(self._insert, self._values(Budget()))
        self._sync()

    def _sync(self) -> None:
        """Measure the offset of the database server's clock from ours: hosts must agree on when a window ends."""
        local = self._clock()
        if self._sqlite or (self._synced_at is not None and 0 <= local - self._synced_at < RESYNC_S):
            return
        with self._engine.connect() as connection:
            remote = float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        self._offset = remote - (local + self._clock()) / 2
        self._synced_at = local

    def _fault(self, error: Exception) -> StoreFault:
        where = self._url.render_as_string(hide_password=True)
        why = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
        if self._sqlite and disk_full(Path(self._url.database or "")):
            why = "the disk is full"
        at, advice = f"The request budget at {where} can't be used", "Nothing is sent until it can."
        passes = not self._sqlite or any(word in why for word in ("locked", "busy", "full"))
        return PassingFault(f"{at}: {why}", advice) if passes else StoreFault(f"{at}: {why}. {advice}")
