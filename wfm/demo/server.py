"""The server around the application: uvicorn on loopback, one JSON line when it is ready."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from wfm.demo.app import DemoApp
from wfm.demo.platforms import Platform
from wfm.demo.tenant import DemoTenant, Options
from wfm.domain.errors import BadInput

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Reports when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: dict[str, Any]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(json.dumps(self._ready) + "\n")
            sys.stdout.flush()


def ready_line(tenant: DemoTenant, port: int) -> dict[str, Any]:
    """{"api", "login", "clients": [{"name", "id", "secret", "scopes"}]}"""
    url = f"http://{HOST}:{port}"
    return {"api": url, "login": url, "clients": [client.public() for client in tenant.access.clients.values()]}


def serve(
    port: int = 8808,
    agents: int = 240,
    latency_ms: float = 20,
    rate_limit: int = 300,
    scenario: str | None = None,
    state: Path | None = None,
    seed: int | None = None,
    platform: str = Platform.BOTH,
) -> None:
    """Serve a demo tenant on 127.0.0.1 until interrupted. Prints one JSON line when ready.

    Port 0 takes any free one. `scenario` and `seed` None: as the state file has them, else healthy and the default
    seed. Raises BadInput for an option, a port or a state file that can't be used.
    """
    options = Options(
        agents=agents,
        latency_ms=latency_ms,
        rate_limit=rate_limit,
        scenario=scenario,
        state=state,
        seed=seed,
        platform=platform,
    )
    listener = _listen(port)
    try:
        tenant = DemoTenant(options)
    except OSError as error:
        listener.close()
        raise BadInput("state", state, f"a file that can be written ({error.strerror or error})") from None
    except BadInput:
        listener.close()
        raise
    config = uvicorn.Config(
        DemoApp(tenant),
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_keep_alive=120,  # longer than clients keep idle connections
        timeout_graceful_shutdown=1,
        backlog=2048,
        server_header=False,
    )
    try:
        _Server(config, ready_line(tenant, listener.getsockname()[1])).run(sockets=[listener])
    finally:
        tenant.close()


def _listen(port: int) -> socket.socket:
    """Return a socket bound to that port of 127.0.0.1. Raises BadInput."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise BadInput("port", port, f"a free port, or 0 for any free one ({why})") from None
    return listener
