"""One database, SQLite or PostgreSQL: engine, short transactions, faults as sentences, and the few spots of own SQL."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from wfm.domain.errors import BadInput, StoreFault
from wfm.ledger.faults import store_fault
from wfm.ledger.ids import forget_sequence
from wfm.ledger.sqlite import WRITES, sqlite_engine

T = TypeVar("T")

_TRIES = 5
_PASSING = {"40001", "40P01"}
"""PostgreSQL: serialization failure and deadlock. The transaction is rolled back whole and may be run again."""

_CANCELLED = "57014"

PROGRESS = 1_000


class TimeOver(Exception):
    """A statement was broken off because its time was over."""


class Database:
    """Gives short transactions. Thread-safe; every error of the database comes out as StoreFault."""

    def __init__(self, url: str, *, busy_timeout_s: float = 10.0) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._make_folder()
            self.engine = sqlite_engine(self.url, busy_timeout_s=busy_timeout_s)
        else:
            self.engine = sa.create_engine(
                self.url,
                pool_pre_ping=True,
                pool_timeout=busy_timeout_s,
                connect_args={
                    "connect_timeout": max(2, round(busy_timeout_s)),
                    "options": f"-c lock_timeout={int(busy_timeout_s * 1000)} -c timezone=UTC",
                },
            )

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection to read from: one snapshot on SQLite. Never blocks writers."""
        with self._faults(), self.engine.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Runs `work` in one transaction that holds the write lock (SQLite) and gives its result.

        `work` may be run again when an id was drawn twice or PostgreSQL chose it as the victim of a deadlock, so it must
        change nothing but the database.
        """
        for tried in range(1, _TRIES + 1):
            try:
                with self._faults(), self.engine.connect() as connection:
                    connection.execution_options(**{WRITES: True})
                    with connection.begin():
                        return work(connection)
            except sa.exc.DBAPIError as error:
                passing = isinstance(error, sa.exc.IntegrityError) or getattr(error.orig, "sqlstate", None) in _PASSING
                if not passing or tried == _TRIES:
                    raise
                forget_sequence()
                time.sleep(random.uniform(0, 0.01 * tried))  # noqa: S311 - spreads two rivals, guards nothing
        raise AssertionError("unreachable: the last try returns or raises")

    @contextmanager
    def time_limit(self, connection: sa.Connection, seconds: float | None) -> Iterator[None]:
        """Break off statements that only read after so many seconds (None: never). Raises TimeOver.

        The transaction goes on. SQLite looks at the clock every PROGRESS steps of its machine, also inside a text index.
        """
        if seconds is None:
            yield
        else:
            with _sqlite_time_limit(connection, seconds) if self.is_sqlite else _postgres_time_limit(connection, seconds):
                yield

    def lock(self, connection: sa.Connection, *words: object) -> None:
        """Serialises transactions that name the same words until this one ends. SQLite has one writer anyway."""
        if not self.is_sqlite:
            digest = hashlib.sha256("\x1f".join(map(str, words)).encode()).digest()
            key = int.from_bytes(digest[:8], "big", signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            fault = store_fault(error, self.url)
            if fault is None:
                raise
            raise fault from error

    def _make_folder(self) -> None:
        if not self.url.database or self.url.database == ":memory:":
            raise BadInput("WFM_DATABASE_URL", "sqlite in memory", "a file, so that dashboard and worker share it")
        folder = Path(self.url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFault(
                f"The folder {folder} for the desk's database can't be made ({error.strerror}). Set WFM_DATA_DIR to another."
            ) from error


@contextmanager
def _sqlite_time_limit(connection: sa.Connection, seconds: float) -> Iterator[None]:
    raw: Any = connection.connection.dbapi_connection
    until = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() >= until, PROGRESS)
    try:
        yield
    except sa.exc.OperationalError as error:
        if str(error.orig) != "interrupted":
            raise
        raise TimeOver from error
    finally:
        raw.set_progress_handler(None, 0)


@contextmanager
def _postgres_time_limit(connection: sa.Connection, seconds: float) -> Iterator[None]:
    with settings_taken_back(connection):
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1_000))}")
        try:
            yield
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED:
                raise
            raise TimeOver from error


@contextmanager
def settings_taken_back(connection: sa.Connection) -> Iterator[None]:
    """A savepoint around reading statements (PostgreSQL): settings made in it end with it."""
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def _parsed(url: str) -> sa.URL:
    """The URL with the drivers that are used here. Raises BadInput without repeating a password."""
    accepted = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BadInput("WFM_DATABASE_URL", "a text that is no URL", accepted) from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed
    raise BadInput("WFM_DATABASE_URL", parsed.drivername, accepted)
