"""The demo tenant's application without a socket, with a clock that tests set."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from wfm.demo.app import DemoApp
from wfm.demo.tenant import DemoTenant, Options

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Wall clock and monotonic clock in one; both move only by `advance`."""

    now: datetime = MONDAY_NOON
    elapsed: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds


@dataclass
class InProcess:
    """Requests straight into the application. `peer` is the address they seem to come from."""

    clock: Clock = field(default_factory=Clock)
    options: Options = field(default_factory=lambda: Options(agents=240, latency_ms=0, rate_limit=100_000))
    peer: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.tenant = DemoTenant(self.options, self.clock, self.clock.monotonic)
        self._tokens: dict[str, str] = {}

    def request(self, method: str, path: str, client: str | None = None, **more: Any) -> httpx.Response:
        """One request; with `client` it carries a token of that client, the same one until `forget_tokens`."""
        headers = dict(more.pop("headers", {}))
        if client is not None:
            headers["Authorization"] = f"Bearer {self.token(client)}"

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(DemoApp(self.tenant), client=(self.peer, 5000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8808", trust_env=False) as http:
                return await http.request(method, path, headers=headers, **more)

        return asyncio.run(send())

    def get(self, path: str, client: str | None = "desk", **params: Any) -> Any:
        """The JSON of a GET that works."""
        response = self.request("GET", path, client, params=params or None)
        assert response.status_code == 200, response.text
        return response.json()

    def demo(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a /_demo request that works."""
        response = self.request(method, f"/_demo{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def token(self, client: str) -> str:
        if client not in self._tokens:
            known = self.tenant.access.clients[client]
            response = self.request(
                "POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=(known.id, known.secret)
            )
            assert response.status_code == 200, response.text
            self._tokens[client] = response.json()["access_token"]
        return self._tokens[client]

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def agent(self, **filters: str) -> dict[str, Any]:
        """The first agent that /_demo/agents gives for these filters."""
        rows: list[dict[str, Any]] = self.demo("GET", f"/agents?{httpx.QueryParams({**filters, 'limit': 1})}")["agents"]
        assert rows, f"no agent with {filters}"
        return rows[0]

    def working(self) -> dict[str, Any]:
        """An agent on shift, available, not out of office."""
        return self.agent(on_shift="true", status="available", out_of_office="false", scheduled="true")
