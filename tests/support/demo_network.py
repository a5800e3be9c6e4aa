"""A network of one demo tenant: whatever this process asks by httpx is answered by it, without a socket.

with plugged(DemoNetwork(DemoTenant(Options(agents=60, latency_ms=0)))) as network:
    Desk.open(...)
    network.down = True
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from wfm.demo.app import DemoApp
from wfm.demo.tenant import DemoTenant

PATIENCE_S = 30.0


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, so that any thread can ask, also one that runs a loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="demo network", daemon=True).start()
    return loop


@dataclass
class DemoNetwork:
    """Every host is this tenant. `down`: no connection comes about. `asked` are the requests so far, "GET /api/v2/…".

    `answers` replaces the answer to a request by (status, JSON): for what only a tenant of the platform says. `changed` is
    set once anything was written to the tenant, or somebody was told other than what it says.
    """

    tenant: DemoTenant
    down: bool = False
    asked: list[str] = field(default_factory=list)
    changed: bool = False
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._app = DemoApp(self.tenant)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answers one request. Raises httpx.ConnectError while down, httpx.ReadError where the tenant breaks the connection."""
        if self.down:
            self.changed = True
            raise httpx.ConnectError("Connection refused", request=request)
        line = f"{request.method} {request.url.path}"
        self.asked.append(line)
        self.changed |= line in self.answers or not _reads(line)
        if line in self.answers:
            status, body = self.answers[line]
            return httpx.Response(status, json=body, request=request)
        exchange = _Exchange(request.read())
        call = self._app(_scope(request), exchange.receive, exchange.send)
        asyncio.run_coroutine_threadsafe(call, _loop()).result(PATIENCE_S)
        if exchange.broken:
            raise httpx.ReadError("Connection reset by peer", request=request)
        return httpx.Response(exchange.status, headers=exchange.headers, content=bytes(exchange.answer), request=request)


def _reads(line: str) -> bool:
    return line.startswith(("GET ", "HEAD ")) or line.endswith(("/search", "/query", "/oauth/token"))


class _Exchange:
    """One request and its answer in the words of ASGI, with the transport that a fault of the tenant breaks."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status, self.headers, self.answer, self.broken = 0, [], bytearray(), False  # type: ignore[var-annotated]
        self.transport = self

    async def receive(self) -> MutableMapping[str, Any]:
        body, self._body = self._body, None
        return {"type": "http.disconnect"} if body is None else {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.answer += message["body"]

    def get_extra_info(self, name: str) -> None:
        return None

    def abort(self) -> None:
        self.broken = True


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 50_000),
    }


@contextmanager
def plugged(network: DemoNetwork) -> Iterator[DemoNetwork]:
    """Makes it the network of every httpx client of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "__init__", lambda transport, *args, **options: None)
        patch.setattr(httpx.HTTPTransport, "handle_request", lambda transport, request: network.handle(request))
        patch.setattr(httpx.HTTPTransport, "close", lambda transport: None)
        patch.setattr(httpx.HTTPTransport, "__exit__", lambda transport, *args: None)
        yield network
