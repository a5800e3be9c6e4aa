"""The worker: the engine composed with the connections, the ledger and the clock of a Desk, and the diagnosis.

It is beside the Desk, not part of it: a dashboard never runs the engine.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wfm.desk import Desk
from wfm.diagnosis import diagnose
from wfm.domain.errors import DeskError, StoreFault
from wfm.domain.operations import Item, Operation
from wfm.domain.plans import Fate
from wfm.domain.workers import WorkerState
from wfm.engine.dependencies import Client, EngineDependencies
from wfm.engine.worker import run_worker, worker_name
from wfm.genesys.reads import Reader

log = logging.getLogger(__name__)

FOLDER_GONE_S = 5.0
PROVE_S = 10.0
"""How often causes that are marked as fixed are probed: a read of the ledger, and a token for each of them."""
NIGHT_S = 300.0
"""How often the worker checks whether the nightly run is due: a read of the ledger."""


def run(desk: Desk, *, exit_when_idle_s: float | None = None, on_state: Callable[[str], None] = lambda state: None) -> int:
    """Apply and restore what is due until stopped; return the exit code. Raises StoreFault when it can't start.

    With `exit_when_idle_s` it also ends when nothing is open or due for that many seconds. `on_state` gets each change:
    standby, starting, working, stopping.
    """
    settings = desk.settings
    stop = threading.Event()
    working = threading.Event()

    last = ""

    def changed(state: str) -> None:
        nonlocal last
        if state == last:
            return
        last = state
        log.info("This worker is %s", state)
        working.set() if state == WorkerState.WORKING else working.clear()
        on_state(state)

    unprovable: dict[str, int] = {}
    for name, every_s, chore in (
        ("proofs", PROVE_S, lambda: _prove_fixes(desk, unprovable)),
        ("night", NIGHT_S, lambda: _tidy_history(desk)),
    ):
        threading.Thread(target=_now_and_then, args=(every_s, chore, working, stop), name=name, daemon=True).start()
    if settings.embedded:
        threading.Thread(target=_stop_without_folder, args=(settings.data_dir.absolute(), stop), daemon=True).start()
    return run_worker(
        dependencies_of(desk),
        data_dir=settings.data_dir,
        postgres_url=None if settings.embedded else settings.ledger_url,
        stop=stop,
        on_state=changed,
        exit_when_idle_s=exit_when_idle_s,
    )


def dependencies_of(desk: Desk) -> EngineDependencies:
    """Return what the engine needs of the Desk. An operation keeps the client it was planned with."""
    connections = desk.dependencies.connections

    def client_for(client_id: str) -> tuple[Client, Reader]:
        connection = connections.get(client_id)
        return connection.client, connection.reader

    def recheck(operation: Operation, items: Sequence[Item]) -> Mapping[str, tuple[Fate, str]]:
        with connections.reads_counted(operation.client_id) as connection:
            return connection.previewer.recheck(operation, items)

    return EngineDependencies(
        ledger=desk.dependencies.ledger,
        tenant_key=desk.tenant.key,
        client_for=client_for,
        recheck=recheck,
        diagnose=diagnose,
        clock=desk.clock,
        worker_id=worker_name(),
        timeout_s=desk.settings.genesys_timeout_s,
    )


def _now_and_then(every_s: float, chore: Callable[[], None], working: threading.Event, stop: threading.Event) -> None:
    """Do a chore at intervals while this worker works. Errors are logged and the chore is tried again."""
    while not stop.wait(every_s):
        if not working.is_set():
            continue
        try:
            chore()
        except DeskError as fault:
            log.warning("%s could not be done: %s", threading.current_thread().name, fault)
        except Exception:
            log.exception("%s failed", threading.current_thread().name)


def _prove_fixes(desk: Desk, unprovable: dict[str, int]) -> None:
    """Close or reopen by evidence what people marked as fixed, without a screen being open."""
    for proof in desk.proofs.probe_fixed(unprovable):
        log.info("Failure group %s is %s: %s", proof.group.fingerprint, proof.group.state, proof.sentence)


def _tidy_history(desk: Desk) -> None:
    """Once a night, archive and delete runs by the policy."""
    report = desk.retention.nightly()
    if report is not None:
        log.info("%d runs older than %d days archived in %d files", report.rows, report.days, len(report.files))


def _stop_without_folder(folder: Path, stop: threading.Event) -> None:
    """Stop the worker when its data folder is removed: it would hold the deleted files open for ever."""
    while not stop.wait(FOLDER_GONE_S):
        if not folder.is_dir():
            log.error("%s", StoreFault(f"The data folder {folder} is gone: this worker stops."))
            stop.set()
