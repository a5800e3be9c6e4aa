"""One holder at a time for a task, of all threads and processes on one database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout

from wfm.domain.errors import StoreFault
from wfm.ledger.database import Database
from wfm.ledger.faults import store_fault


class TaskLocks:
    """Locks that end with their process: a session's advisory lock on PostgreSQL, a file beside the database on SQLite."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @contextmanager
    def exclusive(self, tenant_key: str, task: str, *, passing: bool = False) -> Iterator[bool]:
        """Give True to one holder at a time, and False to the others. Raises StoreFault.

        The file of a `passing` task, whose name hardly comes again, is removed.
        """
        if not self._db.is_sqlite:
            with self._session_lock(f"{task}|{tenant_key}") as held:
                yield held
            return
        lock = FileLock(f"{self._db.url.database}.{task}.lock", timeout=0, is_singleton=False, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        except OSError as error:
            raise StoreFault(f"The lock {lock.lock_file} can't be made ({error.strerror}).") from error
        try:
            yield True
        finally:
            if passing:
                with suppress(OSError):
                    Path(lock.lock_file).unlink()
            lock.release()

    @contextmanager
    def _session_lock(self, name: str) -> Iterator[bool]:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        try:
            connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise store_fault(error, self._db.url) or error from error
        try:
            held = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
            yield held
        finally:
            # Given back at once: the server notices only a little later that a session is gone.
            with suppress(sa.exc.DBAPIError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
            # Where that failed the session goes with its lock, so that no one inherits it from the pool.
            connection.invalidate()
            connection.close()
