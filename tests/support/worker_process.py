"""A worker in a process of its own, wired to a demo tenant as the composition root does it.

Tests start dozens, and importing what a worker needs takes ten times as long as starting one: they are forks of one process
a test run, which has imported it and done nothing else. `tests/desk` starts workers as people do, by the command line.

python -m tests.support.worker_process

is that process. It forks for each line of its input and ends with it. On its output a line of JSON tells `number` of the
request and, once each, the worker's `pid` and exit `code`, and each `state`.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    import psycopg  # noqa: F401 - for the forks

    import wfm.diagnosis
    import wfm.engine.dbos_engine
    import wfm.engine.worker  # noqa: F401 - the same

    numbers: dict[int, int] = {}

    def tell(number: int, what: str, value: int | str) -> None:
        os.write(told, json.dumps({"number": number, what: value}).encode() + b"\n")  # short enough to arrive in one piece

    def reap(*_: object) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                tell(numbers.pop(ended[0]), "code", os.waitstatus_to_exitcode(ended[1]))

    told = os.dup(1)
    signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid:
            numbers[pid] = request["number"]
            tell(request["number"], "pid", pid)
        else:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        if not pid:
            _redirect(Path(request["log"]))
            return work(request["given"], functools.partial(tell, request["number"], "state"))
    return 0


def _redirect(log: Path) -> None:
    with Path(os.devnull).open("rb") as nothing, log.open("ab") as out:
        os.dup2(nothing.fileno(), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)


def work(given: Mapping[str, Any], on_state: Callable[[str], None]) -> int:
    """What the worker's process does; its exit code."""
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
        on_state=on_state,
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
    """A worker's process and the states it told so far. `code` is how it ended: negative for a signal."""

    log: Path
    pid: int = 0
    code: int | None = None
    states: list[str] = field(default_factory=list)

    def wait_for(self, state: str, patience_s: float = 60.0) -> None:
        deadline = time.monotonic() + patience_s
        while state not in self.states:
            if self.code is not None or time.monotonic() > deadline:
                raise AssertionError(f"the worker never said {state!r}: {self.states} {self.log.read_text()[-3000:]}")
            time.sleep(0.02)

    def wait(self, patience_s: float = 60.0) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + patience_s
        while self.code is None:
            assert time.monotonic() < deadline, f"still alive after {patience_s} s: {self.log.read_text()[-3000:]}"
            time.sleep(0.01)
        return self.code

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.code is None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9"""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def terminate(self, patience_s: float = 60.0) -> int:
        self.signal(signal.SIGTERM)
        return self.wait(patience_s)


class Forks:
    """The process whose forks the workers are."""

    def __init__(self) -> None:
        self._handles: dict[int, WorkerHandle] = {}
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, given: Mapping[str, Any], log: Path) -> WorkerHandle:
        number = next(self._numbers)
        handle = self._handles[number] = WorkerHandle(log)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"number": number, "given": given, "log": str(log)}) + "\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + 120  # the first waits for all that is imported
        while not handle.pid:
            assert self._process.poll() is None, "the process that forks has ended"
            assert time.monotonic() < deadline, "no worker was forked"
            time.sleep(0.005)
        return handle

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            handle = self._handles[told["number"]]
            handle.pid = told.get("pid", handle.pid)
            handle.states += [told["state"]] if "state" in told else []
            handle.code = told.get("code", handle.code)

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()


@functools.cache
def forks() -> Forks:
    """Those of this test run, until `stop_forking`."""
    return Forks()


def stop_forking() -> None:
    if forks.cache_info().currsize:
        forks().stop()
        forks.cache_clear()


class Workers:
    """Starts workers of one data folder and ends them all at the end."""

    def __init__(self, demo_url: str, tenant: str, data_dir: Path, **more: Any) -> None:
        self.given = {"demo": demo_url, "tenant": tenant, "data_dir": str(data_dir), "timeout_s": 1.0, **more}
        self._started: list[WorkerHandle] = []

    def start(self, wait_for: str | None = "working", **more: Any) -> WorkerHandle:
        log = Path(self.given["data_dir"]) / f"worker-{len(self._started)}.log"
        log.touch()
        handle = forks().start({**self.given, **more}, log)
        self._started.append(handle)
        if wait_for is not None:
            handle.wait_for(wait_for)
        return handle

    def kill_all(self) -> None:
        for handle in self._started:
            handle.kill()


@contextmanager
def workers(demo_url: str, tenant: str, data_dir: Path, **more: Any) -> Iterator[Workers]:
    """Workers for a test; killed at its end."""
    group = Workers(demo_url, tenant, data_dir, **more)
    try:
        yield group
    finally:
        group.kill_all()


if __name__ == "__main__":
    sys.exit(main())
