"""A demo tenant in a process of its own, for tests.

with running_demo(agents=60) as demo:
    token = demo.token("desk")
    demo.get("/_demo/updates")
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
SHIFT_LEFT = timedelta(minutes=15)
"""Longer than any test."""


@dataclass
class DemoHandle:
    """A running demo tenant. `info` is what it printed when ready."""

    url: str
    info: dict[str, Any]
    process: subprocess.Popen[str]
    options: dict[str, object]
    http: httpx.Client = field(repr=False)

    @property
    def clients(self) -> dict[str, dict[str, Any]]:
        """The OAuth clients by name, each with id, secret and scopes (as they were at the start)."""
        return {client["name"]: client for client in self.info["clients"]}

    def request(self, method: str, path: str, client: str | None = None, **more: Any) -> httpx.Response:
        """One request; with `client` it carries a new token of that client."""
        headers = dict(more.pop("headers", {}))
        if client is not None:
            headers["Authorization"] = f"Bearer {self.token(client)}"
        return self.http.request(method, path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        """GET a /_demo path and return its JSON. Raises httpx.HTTPStatusError."""
        response = self.http.get(path, params=params or None)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, body: object = None) -> Any:
        """POST to a /_demo path and return its JSON. Raises httpx.HTTPStatusError."""
        response = self.http.post(path, json=body)
        response.raise_for_status()
        return response.json()

    def patch(self, path: str, body: object) -> Any:
        """PATCH a /_demo path and return its JSON. Raises httpx.HTTPStatusError."""
        response = self.http.patch(path, json=body)
        response.raise_for_status()
        return response.json()

    def delete(self, path: str) -> Any:
        """DELETE a /_demo path and return its JSON. Raises httpx.HTTPStatusError."""
        response = self.http.delete(path)
        response.raise_for_status()
        return response.json()

    def token(self, client: str = "desk") -> str:
        """A new access token of that client."""
        known = self.clients[client]
        response = self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(known["id"], known["secret"])
        )
        response.raise_for_status()
        return str(response.json()["access_token"])

    def updates(self) -> dict[str, dict[str, int]]:
        """How often each agent was accepted an update, by target state."""
        updates: dict[str, dict[str, int]] = self.get("/_demo/updates")
        return updates

    def agents(self, **filters: Any) -> list[dict[str, Any]]:
        """Agents in short; filters such as on_shift="true", status="available", limit=40."""
        rows: list[dict[str, Any]] = self.get("/_demo/agents", **filters)["agents"]
        return rows

    def on_shift(self, count: int) -> list[str]:
        """The ids of so many agents who can be taken out, and whose shift does not end while a test runs."""
        rows = self.agents(on_shift="true", active="true", out_of_office="false", status="available", limit=1_000)
        until = datetime.now(UTC) + SHIFT_LEFT
        return [row["id"] for row in rows if datetime.fromisoformat(row["shift_ends"]) > until][:count]

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self.process.kill()
        _ended(self.process, 10)

    def restart(self) -> None:
        """Start it again on the same port with the same options (after kill)."""
        self.kill()
        port = int(self.url.rsplit(":", 1)[1])
        self.process, self.info = _start({**self.options, "port": port})


def _command(options: dict[str, object]) -> list[str]:
    words = [sys.executable, "-m", "wfm.demo"]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def _start(options: dict[str, object], patience_s: float = 60) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # Errors go to a file: a pipe that nobody reads would stop the process once it is full.
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            _command(options), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdout is not None
        line = _first_line(process.stdout, patience_s)
        if not line.startswith("{"):
            process.kill()
            _ended(process, 10)
            errors.seek(0)
            raise RuntimeError(f"the demo tenant did not start: {line}{errors.read()}")
    return process, json.loads(line)


def _ended(process: subprocess.Popen[str], patience_s: float) -> None:
    """Wait for its end and close what belongs to it."""
    process.wait(patience_s)
    if process.stdout is not None:
        process.stdout.close()


def _first_line(stream: IO[str], patience_s: float) -> str:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if select.select([stream], [], [], 0.5)[0]:
            return stream.readline()
    return ""


@contextmanager
def running_demo(
    *,
    agents: int = 240,
    latency_ms: float = 0,
    rate_limit: int = 100_000,
    scenario: str | None = None,
    state: Path | None = None,
    seed: int | None = None,
    port: int = 0,
    platform: str | None = None,
) -> Iterator[DemoHandle]:
    """Start a demo tenant (without latency, nearly without limit), and stop it at the end."""
    options: dict[str, object] = {
        "port": port,
        "agents": agents,
        "latency_ms": latency_ms,
        "rate_limit": rate_limit,
        "scenario": scenario,
        "state": state,
        "seed": seed,
        "platform": platform,
    }
    process, info = _start(options)
    with httpx.Client(base_url=info["api"], timeout=30, trust_env=False) as http:
        handle = DemoHandle(url=info["api"], info=info, process=process, options=options, http=http)
        try:
            yield handle
        finally:
            handle.process.terminate()
            try:
                _ended(handle.process, 5)
            except subprocess.TimeoutExpired:
                handle.kill()
