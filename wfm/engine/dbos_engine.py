"""The engine on DBOS: SQLite in a file of its own beside the ledger, or the PostgreSQL database of the ledger.

The reasons, and the traps that are avoided here: docs/decisions/0004-engine.md. Only the worker imports this module:
dashboards write ledger rows and the worker's sweep finds what is due.

Workflow ids are `{phase}:{operation}:{revision}:{tenant}`, with `:2`, `:3` … for a phase that ended before its work was
done (the worker was stopped, the ledger was out of reach) and was started again.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID

from wfm.domain.errors import StoreFault
from wfm.domain.operations import Phase
from wfm.domain.redaction import redact_text
from wfm.engine.port import Advance
from wfm.engine.worker_identity import WorkerIdentity
from wfm.ledger.sqlite import OLDEST_FOR_ALL, sqlite_module
from wfm.stores import damage, disk_full, set_aside_if_damaged

log = logging.getLogger(__name__)

WORKFLOWS_VERSION = "1"
"""Changes when the steps of the workflow change. Pinned, because the default (a hash of the code) would abandon running
workflows whenever a line changes."""
MAX_CONCURRENCY = 24
"""Operations that a worker runs at the same time."""
POLL_S = 0.25
FORSAKEN_AFTER_S = 60.0
"""Seconds after which a workflow of another version that no worker took is started again in ours."""
_ACTIVE = ("ENQUEUED", "PENDING", "DELAYED")
_ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_advance: Advance | None = None
_running: set[str] = set()
_running_lock = threading.Lock()


@DBOS.step(name="advance")
def _advance_step(operation_id: str, phase: str, first: bool) -> bool:
    if _advance is None:
        raise RuntimeError("the engine was launched without a runner")
    return _advance(operation_id, Phase(phase), first)


@DBOS.workflow(name="operation-phase")
def _operation_phase(operation_id: str, phase: str) -> None:
    """One phase of one operation, step by step. What each step finds and leaves is in the ledger."""
    workflow_id = str(DBOS.workflow_id)
    with _running_lock:
        _running.add(workflow_id)
    try:
        first = True
        while _advance_step(operation_id, phase, first):
            first = False
    finally:
        with _running_lock:
            _running.discard(workflow_id)


class DbosEngine:
    """Runs the phases of one tenant's operations. One instance a process: DBOS itself is one.

    With SQLite the caller holds the lock that makes it the only worker of the file. With PostgreSQL each worker takes a
    slot of its own, and `on_lost` is called when that is lost: the worker must then stop.
    """

    def __init__(
        self,
        tenant_key: str,
        advance: Advance,
        *,
        sqlite_file: Path | None = None,
        postgres_url: str | None = None,
        on_lost: Callable[[], None] = lambda: None,
        version: str = WORKFLOWS_VERSION,
        poll_s: float = POLL_S,
    ) -> None:
        if (sqlite_file is None) == (postgres_url is None):
            raise ValueError("either a file or a PostgreSQL server")
        self._advance = advance
        self._file = sqlite_file
        self._postgres = postgres_url
        self._on_lost = on_lost
        self._version = version
        self._poll_s = poll_s
        self._tenant = hashlib.sha256(tenant_key.encode()).hexdigest()[:12]
        self._queue = f"operations-{self._tenant}"
        self._engine: sa.Engine | None = None
        self._identity: WorkerIdentity | None = None
        self._executor = f"worker-{self._tenant}"
        self._seen_idle: set[str] = set()

    def launch(self) -> None:
        """Start taking workflows, first those that this executor left behind. Raises StoreFault.

        A damaged file is set aside and made again: the sweep finds in the ledger what is due.
        """
        global _advance
        _advance = self._advance
        config: DBOSConfig = {
            "name": f"desk-{self._tenant}",
            "application_version": self._version,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        try:
            if self._file is not None:
                _refuse_old_sqlite()
                self._file.parent.mkdir(parents=True, exist_ok=True)
                set_aside_if_damaged(self._file, sqlite_module())
                url = f"sqlite:///{self._file.absolute()}"
                self._engine = _sqlite_engine(url)
                config["system_database_url"] = url
                config["system_database_engine"] = self._engine
            else:
                assert self._postgres is not None
                self._identity = WorkerIdentity.take(self._postgres, self._executor)
                self._executor = self._identity.name
                config["system_database_url"] = _libpq_url(self._postgres)
                config["sys_db_pool_size"] = 10
            config["executor_id"] = self._executor
            DBOS(config=config)
            DBOS.listen_queues([self._queue])
            with self._startup_lock():
                DBOS.launch()
                DBOS.register_queue(
                    self._queue,
                    worker_concurrency=MAX_CONCURRENCY,
                    partition_concurrency=1,
                    polling_interval_sec=self._poll_s,
                    on_conflict="always_update",
                )
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self.destroy(0)
            raise StoreFault(f"The engine's database{self._place()} can't be used: {self._why(error)}") from error

    def _startup_lock(self) -> AbstractContextManager[None]:
        """Return a lock that keeps two workers that start together from both creating the tables."""
        return self._identity.launching() if self._identity is not None else nullcontext()

    def start(self, operation_id: str, phase: Phase, revision: int) -> bool:
        """Enqueue the phase unless it waits or runs already; return whether it did. Raises StoreFault."""
        with self._as_store_fault():
            known = self._known(operation_id, phase)
            if any(self._still_counts(flow) for flow in known if flow.status in _ACTIVE):
                return False
            base = f"{phase.value}:{operation_id}:{revision}:{self._tenant}"
            taken = {flow.workflow_id for flow in known}
            workflow_id = next(one for one in chain([base], (f"{base}:{n}" for n in count(2))) if one not in taken)
            with SetWorkflowID(workflow_id), SetEnqueueOptions(queue_partition_key=operation_id):
                DBOS.enqueue_workflow(self._queue, _operation_phase, operation_id, phase.value)
            return True

    def reap(self) -> int:
        """Take over the workflows of dead executors, and those of ours that nothing runs. Raises StoreFault."""
        if self._identity is not None and not self._identity.held():
            self._on_lost()
            return 0
        taken = 0
        idle: set[str] = set()
        with self._as_store_fault():
            pending = DBOS.list_workflows(
                status="PENDING", queue_name=self._queue, load_input=False, load_output=False, limit=500
            )
        with _running_lock:
            running = set(_running)
        for flow in pending:
            if flow.workflow_id in running:
                continue
            if flow.executor_id == self._executor:
                # It may just have been dequeued: only a workflow that is idle twice in a row was forgotten.
                idle.add(flow.workflow_id)
                if flow.workflow_id not in self._seen_idle:
                    continue
            elif not self._is_dead(flow.executor_id):
                continue
            with self._as_store_fault():
                if flow.app_version != self._version:
                    DBOS.cancel_workflow(flow.workflow_id)  # its steps are not ours: the sweep starts it again
                else:
                    DBOS.resume_workflow(flow.workflow_id, queue_name=self._queue)
            taken += 1
        self._seen_idle = idle
        return taken

    def _is_dead(self, executor_id: str | None) -> bool:
        if self._identity is None:
            return True  # the lock makes us the only worker of this file
        return executor_id is not None and self._identity.is_free(executor_id)

    def tidy(self, older_than: timedelta) -> int:
        """Delete workflows that ended longer ago than this, at most 500; return how many. Raises StoreFault."""
        before = (datetime.now(UTC) - older_than).isoformat()
        with self._as_store_fault():
            ended = DBOS.list_workflows(
                status=list(_ENDED),
                queue_name=self._queue,
                completed_before=before,
                load_input=False,
                load_output=False,
                limit=500,
            )
            if ended:
                DBOS.delete_workflows([flow.workflow_id for flow in ended])
        return len(ended)

    def damaged(self) -> bool:
        """Return whether the engine's own file is damaged. With PostgreSQL that is for the server to say."""
        return self._file is not None and damage(self._file, sqlite_module()) is not None

    def destroy(self, patience_s: float) -> None:
        """Stop taking workflows and wait at most this many seconds for those that run. Errors are logged."""
        deadline = time.monotonic() + patience_s
        while (left := self._still_running()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left and patience_s:
            log.warning("The engine stops over work that did not end within %.0f s: %s", patience_s, ", ".join(sorted(left)))
        try:
            DBOS.destroy()
        except Exception:
            log.exception("The engine did not stop as it should")
        if self._identity is not None:
            self._identity.release()
            self._identity = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    # --- inside ------------------------------------------------------------------------------------------------------

    def _still_running(self) -> frozenset[str]:
        with _running_lock:
            return frozenset(_running)

    def _place(self) -> str:
        return f" {self._file}" if self._file is not None else ""

    def _why(self, error: BaseException) -> str:
        if self._file is not None and disk_full(self._file):
            return "the disk is full"
        return _first_line(error)

    @contextmanager
    def _as_store_fault(self) -> Iterator[None]:
        """Raise errors of the engine's database as StoreFault."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise StoreFault(f"The engine's database{self._place()} can't be used just now: {self._why(error)}") from error

    def _known(self, operation_id: str, phase: Phase) -> list[Any]:
        return DBOS.list_workflows(
            workflow_id_prefix=f"{phase.value}:{operation_id}:",
            queue_name=self._queue,
            load_input=False,
            load_output=False,
        )

    def _still_counts(self, flow: Any) -> bool:
        """Return whether an active workflow will run; one of another version that no worker takes any more will not."""
        if flow.app_version == self._version or flow.status == "PENDING":
            return True
        age = time.time() - (flow.updated_at or flow.created_at or 0) / 1000
        if age < FORSAKEN_AFTER_S:
            return True
        DBOS.cancel_workflow(flow.workflow_id)
        return False


def _refuse_old_sqlite() -> None:
    """Raise StoreFault for a SQLite that is too old: on Python 3.12 and newer DBOS fails on it without saying why."""
    module = sqlite_module()
    if sys.version_info >= (3, 12) and module.sqlite_version_info < OLDEST_FOR_ALL:
        raise StoreFault(
            f"This Python's SQLite is {module.sqlite_version}; the worker needs 3.42 or newer. Install pysqlite3-binary, use "
            "Python 3.11, or set WFM_DATABASE_URL to a PostgreSQL database."
        )


def _sqlite_engine(url: str) -> sa.Engine:
    """Return a SQLite engine as DBOS expects it (the driver begins transactions, at once for writing), in WAL mode, which
    DBOS does not set: twice as fast, and readers don't wait for the writer.
    """
    engine = sa.create_engine(url, module=sqlite_module())

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _first_line(error: BaseException) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return redact_text(lines[0] if lines else type(error).__name__)


def _libpq_url(url: str) -> str:
    """Return the address without a driver's name: DBOS adds its own."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
