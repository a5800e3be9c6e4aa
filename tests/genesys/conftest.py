"""A tenant made of one function, and a client that talks to it without a network or a wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.unpaced import Unpaced
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.pacing import Pacer, RequestLane
from wfm.genesys.regions import Endpoint
from wfm.genesys.retry import Policy

SECRET = "s3cr3t-Of-The+Client/4711="
TOKEN = "opaque-token-of-no-known-shape-0815"
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
ENDPOINT = Endpoint("http://127.0.0.1:9", "http://127.0.0.1:8")
QUICK = Policy(patience_s=5.0, attempts=4, wait_initial_s=0.001, wait_max_s=0.002, wait_jitter_s=0.0)

Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


@dataclass
class SteppingClock:
    """A clock that is moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeTenant:
    """Gives out tokens and passes every other request to `handler`, or to a script of answers one by one.

    `tokens` counts the tokens given out (each differs); `requests` are the API requests in order.
    """

    handler: Handler | None = None
    script: list[Answer] = field(default_factory=list)
    token_script: list[Answer] = field(default_factory=list)
    token_life: int = 3600
    tokens: int = 0
    requests: list[httpx.Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._token(request) if request.url.path == "/oauth/token" else self._api(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _token(self, request: httpx.Request) -> Answer:
        assert parse_qs(request.content.decode()) == {"grant_type": ["client_credentials"]}
        with self.lock:
            self.tokens += 1
            if self.token_script:
                return self.token_script.pop(0)
            body = {"access_token": f"{TOKEN}-{self.tokens}", "token_type": "bearer", "expires_in": self.token_life}
            return httpx.Response(200, json=body)

    def _api(self, request: httpx.Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            if self.script:
                return self.script.pop(0)
        return self.handler(request) if self.handler is not None else httpx.Response(200, json={})


def make_client(tenant: FakeTenant, clock: SteppingClock | None = None, pacer: Pacer | None = None) -> GenesysClient:
    return GenesysClient(
        ENDPOINT,
        Credentials("client-1", SECRET),
        pacer or Unpaced(),
        transport=httpx.MockTransport(tenant),
        clock=clock or SteppingClock(),
        policies=dict.fromkeys(RequestLane, QUICK),
    )


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def tenant() -> FakeTenant:
    return FakeTenant()


@pytest.fixture
def client(tenant: FakeTenant, clock: SteppingClock) -> Iterator[GenesysClient]:
    made = make_client(tenant, clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=260) as handle:
        yield handle
