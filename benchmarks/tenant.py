"""A demo tenant, a worker and a Desk of their own for one benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from wfm import settings
from wfm.desk import Desk
from wfm.domain.people import Actor, Role

ROOT = Path(__file__).resolve().parent.parent
ACTOR = Actor(subject="bench", name="bench", role=Role.ADMIN)


@dataclass(frozen=True)
class Bench:
    """What one benchmark works with."""

    desk: Desk
    demo: httpx.Client
    worker: psutil.Process
    environment: dict[str, str]
    url: str


@contextlib.contextmanager
def bench(agents: int, rate_limit: int, latency_ms: int, *, database_url: str = "", platform: str = "both") -> Iterator[Bench]:
    """Run a demo tenant with this many agents and a Desk that uses the `desk` client at the whole limit, on an embedded
    database of its own or the one named. `platform` is which paths the tenant serves.
    """
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder, contextlib.ExitStack() as stack:
        command = ["demo-tenant", "--port", "0", "--agents", str(agents), "--rate-limit", str(rate_limit)]
        command += ["--platform", platform]
        demo = stack.enter_context(_process([*command, "--latency-ms", str(latency_ms)], dict(os.environ), pipe=True))
        assert demo.stdout is not None
        ready = json.loads(demo.stdout.readline())
        client = next(one for one in ready["clients"] if one["name"] == "desk")
        configured = {
            "WFM_GENESYS_API_URL": ready["api"],
            "WFM_GENESYS_LOGIN_URL": ready["login"],
            "WFM_GENESYS_CLIENT_ID": client["id"],
            "WFM_GENESYS_CLIENT_SECRET": client["secret"],
            "WFM_GENESYS_RATE_SHARE": "1.0",
            "WFM_DATA_DIR": folder,
            "WFM_CONFIRM_ABOVE": "1000000",
        }
        if database_url:
            configured["WFM_DATABASE_URL"] = database_url
        environment = {**{name: value for name, value in os.environ.items() if not name.startswith("WFM_")}, **configured}
        os.environ.update(configured)
        stack.callback(lambda: [os.environ.pop(name, None) for name in configured])
        worker = stack.enter_context(_process(["worker"], environment))
        desk = stack.enter_context(contextlib.closing(Desk.open(settings.load())))
        deadline = time.monotonic() + 30
        while not desk.health.check().worker_alive and time.monotonic() < deadline:
            time.sleep(0.1)
        http = stack.enter_context(httpx.Client(base_url=ready["api"], timeout=60))
        yield Bench(desk, http, psutil.Process(worker.pid), environment, ready["api"])


@contextlib.contextmanager
def _process(words: list[str], environment: dict[str, str], pipe: bool = False) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "wfm", *words],
        stdout=subprocess.PIPE if pipe else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
