"""A worker in a process of its own, wired to a demo tenant as the composition root does it. Prints a line for each state.

python -m tests.support.worker_process '{"demo": "http://…", "data_dir": "…", "timeout_s": 2}'
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    import logging

    from wfm.diagnosis import diagnose
    from wfm.domain.operations import Item, Operation
    from wfm.domain.plans import Fate
    from wfm.engine import dbos_engine
    from wfm.engine.dependencies import EngineDependencies
    from wfm.engine.worker import run_worker, worker_name
    from wfm.genesys.auth import Credentials
    from wfm.genesys.client import GenesysClient
    from wfm.genesys.pacing import SharedPacer
    from wfm.genesys.reads import Reader
    from wfm.genesys.regions import endpoint_for_urls
    from wfm.ledger import Ledger

    given = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    data_dir = Path(given["data_dir"])
    postgres = given.get("postgres")
    dbos_engine.WORKFLOWS_VERSION = given.get("version", dbos_engine.WORKFLOWS_VERSION)
    info = httpx.get(f"{given['demo']}/_demo/info", trust_env=False).json()
    endpoint = endpoint_for_urls(given["demo"], given["demo"])
    made: dict[str, tuple[GenesysClient, Reader]] = {}
    making = threading.Lock()

    def client_for(client_id: str) -> tuple[GenesysClient, Reader]:
        with making:
            if client_id not in made:
                known = next(client for client in info["clients"] if client["id"] == client_id)
                pacing = postgres or f"sqlite:///{data_dir / 'pacing.sqlite'}"
                pacer = SharedPacer(pacing, f"{given['tenant']}|{client_id}", 1.0)
                client = GenesysClient(endpoint, Credentials(known["id"], known["secret"]), pacer, timeout_s=given["timeout_s"])
                made[client_id] = (client, Reader(client))
            return made[client_id]

    ledger = Ledger(postgres or f"sqlite:///{data_dir / 'desk.sqlite'}")
    if "dies" in given:
        _die_at(given["dies"], ledger, GenesysClient)

    def recheck(operation: Operation, items: Sequence[Item]) -> dict[str, tuple[Fate, str]]:
        return {}

    deps = EngineDependencies(
        ledger=ledger,
        tenant_key=given["tenant"],
        client_for=client_for,
        recheck=recheck,
        diagnose=diagnose,
        clock=lambda: datetime.now(UTC),
        worker_id=worker_name(),
        timeout_s=given["timeout_s"],
    )
    return run_worker(
        deps,
        data_dir=data_dir,
        postgres_url=postgres,
        on_state=lambda state: print(state, flush=True),
        exit_when_idle_s=given.get("exit_when_idle_s"),
    )


def _die_at(dies: dict[str, Any], ledger: Any, client: Any) -> None:
    """kill -9 of this process at one step of one phase: {"step": claim | send | read | settle, "phase", "nth", "after"}.

    `send` is a writing request, `read` a reading one about an agent; `after` is once it has been done.
    """
    lock, seen = threading.Lock(), itertools.count(1)

    def is_it(phase: str) -> bool:
        with lock:
            return bool(phase == dies["phase"] and next(seen) == dies["nth"])

    def mortal(step: Any, phase_of: Any) -> Any:
        def stepped(*given: Any, **more: Any) -> Any:
            phase = phase_of(*given, **more)
            now = phase is not None and is_it(phase)
            if now and not dies["after"]:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return step(*given, **more)
            finally:
                if now:
                    os.kill(os.getpid(), signal.SIGKILL)

        return stepped

    if dies["step"] in ("claim", "settle"):
        real = getattr(ledger.items, dies["step"])
        setattr(ledger.items, dies["step"], mortal(real, lambda _id, phase, *more, **names: phase.value))
        return

    def phase_of(_client: Any, operation: Any, *more: Any, **names: Any) -> str | None:
        wanted = operation.reads if dies["step"] == "read" else not operation.reads
        return names["lane"].value if wanted and "userId" in (names.get("path") or {}) else None

    client.send = mortal(client.send, phase_of)


@dataclass
class WorkerHandle:
    """A worker's process and the states it told so far."""

    process: subprocess.Popen[str]
    log: Path
    states: list[str] = field(default_factory=list)

    def wait_for(self, state: str, patience_s: float = 60.0) -> None:
        deadline = time.monotonic() + patience_s
        while state not in self.states:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the worker never said {state!r}: {self.states} {self.log.read_text()[-3000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9"""
        self.process.kill()
        self.process.wait(10)

    def terminate(self, patience_s: float = 60.0) -> int:
        self.process.terminate()
        return self.process.wait(patience_s)


class Workers:
    """Starts workers of one data folder and ends them all at the end."""

    def __init__(self, demo_url: str, tenant: str, data_dir: Path, **more: Any) -> None:
        self.given = {"demo": demo_url, "tenant": tenant, "data_dir": str(data_dir), "timeout_s": 1.0, **more}
        self._started: list[WorkerHandle] = []

    def start(self, wait_for: str | None = "working", **more: Any) -> WorkerHandle:
        log = Path(self.given["data_dir"]) / f"worker-{len(self._started)}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.worker_process", json.dumps({**self.given, **more})],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        handle = WorkerHandle(process, log)
        self._started.append(handle)
        threading.Thread(target=_read, args=(handle,), daemon=True).start()
        if wait_for is not None:
            handle.wait_for(wait_for)
        return handle

    def kill_all(self) -> None:
        for handle in self._started:
            with suppress(ProcessLookupError):
                handle.process.kill()
            handle.process.wait(10)

    def stop_all(self) -> None:
        self.kill_all()
        for handle in self._started:
            if handle.process.stdout is not None:
                handle.process.stdout.close()


def _read(handle: WorkerHandle) -> None:
    assert handle.process.stdout is not None
    with suppress(ValueError):
        for line in handle.process.stdout:
            handle.states.append(line.strip())


@contextmanager
def workers(demo_url: str, tenant: str, data_dir: Path, **more: Any) -> Iterator[Workers]:
    """Workers for a test; killed at its end."""
    group = Workers(demo_url, tenant, data_dir, **more)
    try:
        yield group
    finally:
        group.stop_all()


if __name__ == "__main__":
    sys.exit(main())
