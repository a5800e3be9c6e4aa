"""Names of workers on PostgreSQL, held by advisory locks that end with the session that holds them.

A worker takes the first free name of a numbered series, so that it gets the same name after a restart and no other worker
has it meanwhile. A worker that gets the lock of another name knows that the other worker is dead.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import sqlalchemy as sa

from wfm.domain.errors import StoreFault

MAX_WORKERS = 64
LAUNCHING = "maintenance-desk-launch"
LAUNCH_POLL_S = 0.1


class WorkerIdentity:
    """A worker's name, held by one session for as long as the worker lives. Thread-safe."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
        self.name = name
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def take(cls, url: str, prefix: str) -> WorkerIdentity:
        """Take the first free name with this prefix. Raises StoreFault."""
        libpq_url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection = psycopg.connect(
                libpq_url, autocommit=True, keepalives_idle=5, keepalives_interval=2, keepalives_count=3
            )
        except psycopg.Error as error:
            raise StoreFault("The desk's PostgreSQL database can't be reached by the worker.") from error
        for number in range(1, MAX_WORKERS + 1):
            name = f"{prefix}-{number}"
            if _try(connection, name):
                return cls(connection, name)
        connection.close()
        raise StoreFault(f"There are {MAX_WORKERS} workers at this database already.")

    def held(self) -> bool:
        """Return whether the session that holds the name is still there."""
        with self._lock:
            try:
                self._connection.execute("select 1")
            except psycopg.Error:
                return False
            return True

    def is_free(self, name: str) -> bool:
        """Return whether no worker holds that name: its worker is dead."""
        with self._lock:
            if not _try(self._connection, name):
                return False
            self._connection.execute("select pg_advisory_unlock(%s)", (_key(name),))
            return True

    @contextmanager
    def launching(self) -> Iterator[None]:
        """Hold the launch lock, which one worker has at a time.

        The lock is polled, never waited for inside the database: the engine's tables need an index that is created
        concurrently, which waits for every statement under way. The first worker would wait for the second, both for ever.
        """
        while not self._took(LAUNCHING):
            time.sleep(LAUNCH_POLL_S)
        try:
            yield
        finally:
            with self._lock, suppress(psycopg.Error):
                self._connection.execute("select pg_advisory_unlock(%s)", (_key(LAUNCHING),))

    def _took(self, name: str) -> bool:
        with self._lock:
            return _try(self._connection, name)

    def release(self) -> None:
        with self._lock, suppress(psycopg.Error):
            self._connection.close()


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _try(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s)", (_key(name),)).fetchone()
    return bool(row and row[0])
