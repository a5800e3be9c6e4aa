"""Faults of a database, made where its driver would raise them: at a statement, or after a commit that took place."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import sqlalchemy as sa

LOCKED = "database is locked"
FULL = "database or disk is full"
GONE = "server closed the connection unexpectedly"


@dataclass(frozen=True, slots=True)
class Outage:
    """`length` statements fail, from the one that is the `at`-th since the start. With `after`, commits do, once they took
    place: the caller hears of a fault, and what it wrote is there.
    """

    at: int
    length: int
    after: bool = False
    says: str = LOCKED

    def covers(self, number: int) -> bool:
        return self.at <= number < self.at + self.length


class FaultyDatabase:
    """An engine of SQLAlchemy that fails as told while `failing` runs. Thread-safe."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._outages: Sequence[Outage] = ()
        self._statements = self._commits = 0
        self.hits = 0
        self._dialect = cast(Any, engine.dialect)
        self._commit = self._dialect.do_commit
        self._dialect.do_commit = self._do_commit
        sa.event.listen(engine, "before_cursor_execute", self._before)

    def close(self) -> None:
        self._dialect.do_commit = self._commit
        sa.event.remove(self._engine, "before_cursor_execute", self._before)

    @contextmanager
    def failing(self, outages: Sequence[Outage]) -> Iterator[None]:
        with self._lock:
            self._outages, self._statements, self._commits = tuple(outages), 0, 0
        try:
            yield
        finally:
            with self._lock:
                self._outages = ()

    def _before(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        with self._lock:
            self._statements += 1
            hit = next((one for one in self._outages if not one.after and one.covers(self._statements)), None)
            self.hits += hit is not None
        if hit is not None:
            raise sa.exc.OperationalError(statement, None, self._driver_error(hit.says))

    def _do_commit(self, connection: Any) -> None:
        self._commit(connection)
        with self._lock:
            self._commits += 1
            hit = next((one for one in self._outages if one.after and one.covers(self._commits)), None)
            self.hits += hit is not None
        if hit is not None:
            raise self._driver_error(hit.says)

    def _driver_error(self, says: str) -> Exception:
        if self._engine.dialect.name == "sqlite":
            module: Any = self._engine.dialect.dbapi
            kind: type[Exception] = getattr(module, "OperationalError", sqlite3.OperationalError)
            return kind(says)
        return psycopg.OperationalError(GONE)
