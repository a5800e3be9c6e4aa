"""The worker: writes a heartbeat, finds what is due, and lets the engine do it. Screens never do any of this.

With the embedded database one worker works and the next one waits as standby, by a lock of the operating system that ends
with the process that holds it. With PostgreSQL any number of workers work side by side.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from wfm.domain.errors import DeskError, NotFound, StoreFault
from wfm.domain.operations import OPEN_STATES, Counts, ItemState, OperationState, Phase
from wfm.domain.workers import WorkerState
from wfm.engine.dependencies import EngineDependencies
from wfm.engine.phases import PhaseRunner
from wfm.engine.port import Engine
from wfm.engine.sweep import Key, RetryState, Sweep
from wfm.stores import ENGINE_FILE

log = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
SWEEP_S = 0.3
REAP_S = 2.0
READ_BACK_S = 20.0
SLOWEST_READ_BACK_S = 900.0
"""Restores that failed for a cause that may pass are tried again every 20 s, then at growing intervals up to this one."""
UNCONFIRMED_KEEP_S = 600.0
"""How long a worker that ends when idle stays for agents whose restore is unconfirmed: a later read may settle it."""
TIDY_S = 3_600.0
TIDY_AFTER = timedelta(days=3)
STANDBY_S = 0.5
PATIENCE_S = 15.0
"""How long a stop waits for requests under way, in addition to one request's time-out."""
FORGET_AFTER = timedelta(hours=24)
LOCK_FILE = "worker.lock"

_RESTING = (OperationState.IN_EFFECT, OperationState.FAILED_IN_PART, OperationState.CORRECTED)


class Worker:
    """The worker of one process. `run` returns when the worker is stopped or loses its right to work."""

    def __init__(
        self,
        deps: EngineDependencies,
        make_engine: Callable[[Callable[[str, Phase, bool], bool], Callable[[], None]], Engine],
        *,
        lock_file: Path | None,
        stop: threading.Event | None = None,
        on_state: Callable[[str], None] = lambda state: None,
        exit_when_idle_s: float | None = None,
    ) -> None:
        self._deps = deps
        self._make_engine = make_engine
        self._lock_file = lock_file
        self._stop = stop or threading.Event()
        self._on_state = on_state
        self._idle_s = exit_when_idle_s
        self._state = WorkerState.STANDBY if lock_file is not None else WorkerState.STARTING
        self._runner = PhaseRunner(deps, self._stop)
        self._busy: set[Key] = set()
        self._busy_lock = threading.Lock()
        self._ended = threading.Event()
        self._lost = False
        self._waiting_again = False
        self._again_at: dict[str, RetryState] = {}
        self._unconfirmed_since: dict[str, float] = {}

    def stop(self) -> None:
        """Stop: wait for requests under way and give everything else back. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Work until stopped; return 0 after a proper stop, 1 when the right to work is lost. Raises StoreFault."""
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heart.start()
        try:
            with self._only_one() as mine:
                if mine:
                    self._work()
        finally:
            self._ended.set()
            heart.join(HEARTBEAT_S)
            self._forget()
        return 1 if self._lost else 0

    # --- one worker an embedded database -----------------------------------------------------------------------------

    @contextmanager
    def _only_one(self) -> Iterator[bool]:
        """Wait for the lock as standby; yield false when stopped before the lock was free."""
        if self._lock_file is None:
            yield True
            return
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(self._lock_file))
        while not self._stop.is_set():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self._say(WorkerState.STANDBY)
                self._stop.wait(STANDBY_S)
                continue
            except OSError as error:
                raise StoreFault(f"The lock file {self._lock_file} can't be used: {error.strerror or error}.") from error
            try:
                yield True
            finally:
                lock.release()
            return
        yield False

    # --- work --------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        engine = self._launch()
        sweep = Sweep(self._deps, engine, self._running)
        reader = threading.Thread(target=self._read_back_again, name="read-back", daemon=True)
        reader.start()
        last_reap = last_tidy = busy_at = time.monotonic()
        try:
            while not self._stop.is_set():
                now = time.monotonic()
                try:
                    sweep.step()
                    if now - last_reap >= REAP_S:
                        last_reap = now
                        engine.reap()
                    if now - last_tidy >= TIDY_S:
                        last_tidy = now
                        engine.tidy(TIDY_AFTER)
                        self._forget_others()
                except DeskError as fault:
                    log.warning("The sweep could not be done: %s", fault)
                    self._stop.wait(1.0)
                    if engine.damaged() and not self._stop.is_set():
                        engine.destroy(self._deps.timeout_s + PATIENCE_S)
                        engine = self._launch()
                        sweep = Sweep(self._deps, engine, self._running)
                except Exception:
                    log.exception("The sweep failed")
                    self._stop.wait(5.0)
                if self._running() or self._anything_open():
                    busy_at = now
                if self._idle_s is not None and now - busy_at > self._idle_s:
                    break
                self._stop.wait(SWEEP_S)
        finally:
            self._stop.set()
            self._say(WorkerState.STOPPING)
            engine.destroy(self._deps.timeout_s + PATIENCE_S)
            reader.join(self._deps.timeout_s)

    def _launch(self) -> Engine:
        """Return a new engine that takes workflows. Raises StoreFault."""
        self._say(WorkerState.STARTING)
        engine = self._make_engine(self._advance, self._lose)
        engine.launch()
        self._say(WorkerState.WORKING)
        return engine

    def _advance(self, operation_id: str, phase: Phase, first: bool) -> bool:
        """Do one step of a workflow. An operation of another tenant is not found here and left alone."""
        key = (operation_id, phase)
        with self._busy_lock:
            self._busy.add(key)
        try:
            return self._runner.advance(operation_id, phase, first)
        except NotFound as error:
            # No secret for its client, or another tenant's operation: this worker can do nothing.
            log.warning("%s of %s can't continue here: %s", phase, operation_id, error)
            return False
        finally:
            with self._busy_lock:
                self._busy.discard(key)

    def _running(self) -> frozenset[Key]:
        with self._busy_lock:
            return frozenset(self._busy)

    def _lose(self) -> None:
        log.error("This worker lost its session with the database and stops: another one may work in its place.")
        self._lost = True
        self._stop.set()

    def _anything_open(self) -> bool:
        if self._idle_s is None:
            return False
        if self._waiting_again:
            return True
        try:
            return self._deps.ledger.lifecycle.next_due(self._deps.tenant_key, self._deps.clock()) is not None
        except DeskError:
            return True

    def _read_back_again(self) -> None:
        """At intervals, read back what is unconfirmed in operations that rest, and retry restores that failed."""
        ledger = self._deps.ledger
        while not self._stop.wait(READ_BACK_S):
            try:
                counts = ledger.items.counts(ledger.operations.unsettled(self._deps.tenant_key, _RESTING))
            except DeskError as fault:
                log.warning("Unconfirmed updates could not be read: %s", fault)
                continue
            waiting = [operation_id for operation_id, of_one in counts.items() if self._settle_rest(operation_id, of_one)]
            self._waiting_again = bool(waiting)
            self._forget_settled(counts.keys())

    def _forget_settled(self, unsettled: Collection[str]) -> None:
        """Forget the retries of operations that have ended. One whose restore is under way may fail again and is kept."""
        for operation_id in {*self._again_at, *self._unconfirmed_since} - set(unsettled):
            try:
                state = self._deps.ledger.operations.get(self._deps.tenant_key, operation_id).state
            except NotFound:
                pass
            except StoreFault:
                return  # the next call asks again
            else:
                if state in OPEN_STATES:
                    continue
            self._again_at.pop(operation_id, None)
            self._unconfirmed_since.pop(operation_id, None)

    def _settle_rest(self, operation_id: str, counts: Counts) -> bool:
        """Settle what is left of an operation; return whether an agent still waits to be restored.

        An operation that can't be read does not hold up the others.
        """
        try:
            unconfirmed = counts.apply[ItemState.UNCONFIRMED] + counts.restore[ItemState.UNCONFIRMED]
            if unconfirmed and not self._stop.is_set():
                self._runner.read_back_unconfirmed(operation_id)
            if counts.restore[ItemState.FAILED] and not self._stop.is_set() and self._try_again(operation_id):
                return True
            if counts.restore[ItemState.UNCONFIRMED]:
                now = time.monotonic()
                return now - self._unconfirmed_since.setdefault(operation_id, now) < UNCONFIRMED_KEEP_S
            self._unconfirmed_since.pop(operation_id, None)
        except DeskError as fault:
            log.warning("What is not settled in %s could not be read: %s", operation_id, fault)
        except Exception:
            log.exception("Settling what is left of %s failed", operation_id)
        return False

    def _try_again(self, operation_id: str) -> bool:
        """Retry a failed restore when its time has come; return whether agents wait for the tenant to answer."""
        now = time.monotonic()
        retry = self._again_at.setdefault(operation_id, RetryState(0))
        if now < retry.again_at:
            return True
        started = self._runner.try_again(operation_id)
        if started:
            retry.times += 1
            retry.again_at = now + min(SLOWEST_READ_BACK_S, READ_BACK_S * 2 ** min(retry.times - 1, 10))
        return started is not None

    # --- heartbeat ---------------------------------------------------------------------------------------------------

    def _say(self, state: WorkerState) -> None:
        if state != self._state:
            self._state = state
            self._heartbeat()
        self._on_state(state)

    def _beat(self) -> None:
        while not self._ended.is_set():
            self._heartbeat()
            self._ended.wait(HEARTBEAT_S)

    def _heartbeat(self) -> None:
        deps = self._deps
        try:
            deps.ledger.workers.heartbeat(
                deps.worker_id,
                deps.tenant_key,
                state=self._state,
                pid=os.getpid(),
                host=socket.gethostname(),
                now=deps.clock(),
            )
        except Exception as error:
            log.warning("The heartbeat could not be written: %s", error)

    def _forget(self) -> None:
        try:
            self._deps.ledger.workers.forget(self._deps.worker_id)
        except Exception as error:
            log.warning("The heartbeat could not be removed: %s", error)

    def _forget_others(self) -> None:
        """Remove the heartbeats that killed workers left behind."""
        ledger, now = self._deps.ledger, self._deps.clock()
        for seen in ledger.workers.all(self._deps.tenant_key):
            if now - seen.seen_at > FORGET_AFTER:
                ledger.workers.forget(seen.worker_id)


def run_worker(
    deps: EngineDependencies,
    *,
    data_dir: Path,
    postgres_url: str | None = None,
    stop: threading.Event | None = None,
    on_state: Callable[[str], None] = lambda state: None,
    exit_when_idle_s: float | None = None,
) -> int:
    """Run a worker in this process until SIGTERM, SIGINT or `stop`; return its exit code.

    `data_dir` holds the lock and the engine's own database; with `postgres_url` (the ledger's) both are there instead,
    and several workers may run. `on_state` is called with each `WorkerState`. `deps.worker_id` is made unique to this
    process. Raises StoreFault when the engine can't start.
    """
    # Imported here: it takes half a second and 60 MB that no dashboard needs.
    from wfm.engine.dbos_engine import DbosEngine

    deps = replace(deps, worker_id=f"{deps.worker_id}-{uuid.uuid4().hex[:8]}")

    def make_engine(advance: Callable[[str, Phase, bool], bool], on_lost: Callable[[], None]) -> Engine:
        if postgres_url is not None:
            return DbosEngine(deps.tenant_key, advance, postgres_url=postgres_url, on_lost=on_lost)
        return DbosEngine(deps.tenant_key, advance, sqlite_file=data_dir / ENGINE_FILE, on_lost=on_lost)

    worker = Worker(
        deps,
        make_engine,
        lock_file=None if postgres_url is not None else data_dir / LOCK_FILE,
        stop=stop,
        on_state=on_state,
        exit_when_idle_s=exit_when_idle_s,
    )
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
    return worker.run()


def worker_name() -> str:
    """Return a name for `EngineDependencies.worker_id`: the host and the process id."""
    return f"{socket.gethostname()}-{os.getpid()}"
