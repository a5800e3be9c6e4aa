"""The HTTP client of one OAuth client: requests are paced, authenticated, retried where that is safe, and recorded.

What is retried and what is not:

* Reads (GET, and POST …/search or …/query): 408, 429, 5xx, time-outs and broken connections.
* Writes: 429, 408 and 503, which say that nothing was accepted, and a connection that never came about. A write that
  was sent and got no answer, or 500, 502, 504, raises OutcomeUnknown: it is read back, not resent.
* Never 400, 401 (after one fresh token), 403, 404, 409.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx
import stamina

from wfm.catalogue import PlatformOperation
from wfm.domain.operations import Exchange
from wfm.domain.redaction import redact_body
from wfm.genesys.auth import ClientCredentialsAuth, Credentials, utcnow
from wfm.genesys.errors import (
    TOKEN_CALL,
    BadAnswer,
    BudgetTimeout,
    Cancelled,
    ConnectionProblem,
    GenesysError,
    OutcomeUnknown,
    TimedOut,
    class_for,
    parse_body,
)
from wfm.genesys.network import Network
from wfm.genesys.pacing import NoPermit, Pacer, RequestLane
from wfm.genesys.recorder import KEPT_BODY, RawExchange, RecordingTransport, fault_of
from wfm.genesys.regions import Endpoint, is_loopback
from wfm.genesys.retry import SCREEN_POLICY, WORK_POLICY, Hook, Policy, retry_after_seconds

log = logging.getLogger("wfm.genesys")
# The libraries' own log lines repeat ours: httpx with the whole query, stamina without naming the call.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("stamina").setLevel(logging.ERROR)

CONNECTIONS = 32
KEEPALIVE_S = 4.0
"""Idle connections are closed before servers close them (5 s is a common default): a write that meets a closing connection
has an unknown outcome."""
CONNECT_TIMEOUT_S = 5.0

Query = Mapping[str, str | int | bool | Sequence[str]]


@dataclass(frozen=True)
class Reply:
    """A 2xx answer. `json` is None where there is no body. `headers` are redacted."""

    status: int
    json: Any = field(repr=False)
    correlation_id: str | None
    raw: tuple[RawExchange, ...] = field(repr=False)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        last = self.raw[-1] if self.raw else None
        return last.safe_headers() if last is not None else {}

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every attempt, redacted; built on demand, because bulk reads do not need them."""
        return exchanges_of(self.raw)


class GenesysClient:
    """Sends catalogue operations. Thread-safe; one instance serves a process and one OAuth client.

    `timeout_s` bounds connecting (at most 5 s of it) and every wait for data. `transport` replaces the network in
    tests (httpx.MockTransport). `network` is the way to the tenant. `policies` say how patient each lane is.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        pacer: Pacer,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        *,
        network: Network | None = None,
        clock: Callable[[], datetime] = utcnow,
        policies: Mapping[RequestLane, Policy] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.pacer = pacer
        self.timeout_s = timeout_s
        self.auth = ClientCredentialsAuth(endpoint, credentials, clock=clock)
        self._clock = clock
        self._policies = dict(policies or {})
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
        network = network or Network()
        if transport is None:
            transport = network.transport(endpoint, limits)
        proxy = network.proxy_host(endpoint)
        self._recorder = RecordingTransport(transport, self.auth.token_url, clock, self.auth.scrub, proxy)
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        self._http = httpx.Client(
            base_url=endpoint.api_url,
            auth=self.auth,
            timeout=timeout,
            transport=self._recorder,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": "maintenance-desk"},
            trust_env=False,  # otherwise a proxy of the environment would bypass the recorder; see Network
        )

    def __repr__(self) -> str:
        return f"GenesysClient(host={self.endpoint.host!r}, client_id={self.auth.client_id!r})"

    def close(self) -> None:
        self._http.close()
        self.pacer.close()

    def send(
        self,
        operation: PlatformOperation,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: object = None,
        lane: RequestLane,
        retry: bool = True,
        patience_s: float | None = None,
        cancel: threading.Event | None = None,
    ) -> Reply:
        """Send one operation and return its answer.

        `patience_s` bounds everything, including the wait for the request budget (default: 25 s for screens, 300 s for
        work). `cancel` ends that wait with Cancelled; a request under way is always waited for. Raises GenesysError (see
        errors.py), and StoreFault when the request budget's database can't be used: then nothing that could have been
        accepted was sent.
        """
        policy = self._policy(lane, patience_s)
        hook = Hook(policy)
        call = _Call(operation, path or {}, query, body, lane, cancel, time.monotonic() + policy.patience_s, hook)
        if not retry:
            return self._once(call)
        for attempt in stamina.retry_context(
            on=hook,
            attempts=None,
            timeout=policy.patience_s,
            wait_initial=policy.wait_initial_s,
            wait_max=policy.wait_max_s,
            wait_jitter=policy.wait_jitter_s,
        ):
            if attempt.num > 1:
                log.info("Attempt %d: %s", attempt.num, call.last_error)
            with attempt:
                return self._once(call)
        raise AssertionError("stamina always returns or raises")

    def download(self, address: str) -> Any:
        """Return the JSON at a signed download address of an answer. The request has no token and counts towards no limit.

        Raises BadAnswer, TimedOut, ConnectionProblem.
        """
        call, failed, timed_out, response = "GET (download address)", "", False, None
        try:
            url = httpx.URL(address)
            if url.scheme != "https" and not is_loopback(address):
                failed = "the download address is not https"
            else:
                response = self._http.get(url, auth=None)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            timed_out = isinstance(error, httpx.TimeoutException)
            failed = "the download address can't be read"
            if isinstance(error, httpx.HTTPError):
                failed = fault_of(error, self._recorder.proxy)
        if response is None:
            raise (TimedOut if timed_out else ConnectionProblem)(call, message=failed)
        try:
            value = json.loads(response.content) if response.status_code == 200 else None
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise BadAnswer(call, status=response.status_code, message="it is not JSON")
        return value

    # --- inside ------------------------------------------------------------------------------------------------------

    def _policy(self, lane: RequestLane, patience_s: float | None) -> Policy:
        policy = self._policies.get(lane) or (SCREEN_POLICY if lane is RequestLane.SCREEN else WORK_POLICY)
        if patience_s is None:
            return policy
        return replace(policy, patience_s=patience_s)

    def _once(self, call: _Call) -> Reply:
        """Make one attempt: a permit, an exchange (two after a 401), and what it means."""
        permit = self._permit(call)
        exchanges: list[RawExchange] = []
        outcome = self._exchange(call, exchanges)
        # A token request is recorded only where it ended the call.
        call.raw.extend(exchange for exchange in exchanges if not exchange.login or exchanges[-1].login)
        last = next((exchange for exchange in reversed(exchanges) if not exchange.login), None)
        self.pacer.observe(
            permit, last.headers if last else None, last.status if last else None, sent=last is not None and last.sent
        )
        self._log(call, exchanges)
        result = self._read(call, outcome, exchanges[-1]) if isinstance(outcome, httpx.Response) else outcome
        if isinstance(result, Reply):
            return result
        # Raised here, outside every except block: an httpx error in the chain would hold the token.
        result.exchanges = exchanges_of(tuple(call.raw))
        call.last_error = result
        raise result

    def _permit(self, call: _Call) -> Any:
        gone: NoPermit | None = None
        try:
            return self.pacer.acquire(call.lane, max(0.0, call.deadline - time.monotonic()), call.cancel)
        except NoPermit as none:
            gone = none
        if gone.cancelled:
            raise Cancelled(call.key, exchanges=exchanges_of(tuple(call.raw)))
        if call.last_error is not None:
            call.hook.over = True
            raise call.last_error
        room = f", room again at {gone.until:%H:%M:%S} UTC" if gone.until else ""
        raise BudgetTimeout(call.key, message=f"the limit is {gone.limit} requests a minute{room}")

    def _exchange(self, call: _Call, exchanges: list[RawExchange]) -> httpx.Response | GenesysError:
        request = self._http.build_request(
            call.operation.verb,
            call.operation.fill(**call.path),
            params=query_params(call.query),
            content=call.content,
            headers={"Content-Type": "application/json"} if call.body is not None else None,
        )
        try:
            with self._recorder.recording(exchanges):
                return self._http.send(request)
        except GenesysError as error:  # of the token request
            return error.with_traceback(None)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failed, timed_out = exchanges[-1] if exchanges else None, isinstance(error, httpx.TimeoutException)
        except RuntimeError:
            # httpx raises this for a client that was closed: the desk stops while a thread still reads.
            if not self._http.is_closed:
                raise
            return Cancelled(call.key, message="the desk is stopping")
        fault = failed.fault if failed is not None and failed.fault else "the request could not be made"
        # Only the API call itself can have changed something, not a token request that broke.
        maybe_done = failed is not None and failed.sent and not failed.login and not call.operation.reads
        at = TOKEN_CALL if failed is not None and failed.login else call.key
        if maybe_done:
            return OutcomeUnknown(at, message=fault, status=failed.status if failed else None)
        return (TimedOut if timed_out else ConnectionProblem)(at, message=fault)

    def _read(self, call: _Call, response: httpx.Response, exchange: RawExchange) -> Reply | GenesysError:
        status = response.status_code
        if 200 <= status < 300:
            value: Any = None
            if exchange.body.strip():
                try:
                    value = json.loads(exchange.body)
                except (ValueError, RecursionError):
                    if call.operation.reads:
                        return BadAnswer(
                            call.key, status=status, message="it is not JSON", correlation_id=exchange.correlation_id
                        )
            return Reply(status, value, exchange.correlation_id, tuple(call.raw))
        text = redact_body(exchange.text(), KEPT_BODY)
        code, message, _ = parse_body(text)
        return class_for(status, reads=call.operation.reads)(
            call.key,
            status=status,
            code=code,
            message=message,
            correlation_id=exchange.correlation_id,
            headers=exchange.safe_headers(),
            body=text,
            retry_after=retry_after_seconds(response.headers.get("Retry-After"), self._clock),
        )

    def _log(self, call: _Call, exchanges: Sequence[RawExchange]) -> None:
        if not log.isEnabledFor(logging.DEBUG):
            return
        for exchange in exchanges:
            log.debug(
                "%s status=%s ms=%d lane=%s client=%s correlation=%s%s",
                TOKEN_CALL if exchange.login else call.key,
                exchange.status,
                exchange.duration_ms,
                call.lane.value,
                self.auth.client_id,
                exchange.correlation_id,
                f" fault={exchange.fault!r}" if exchange.fault else "",
            )


@dataclass(slots=True)
class _Call:
    """One operation on its way, over all its attempts."""

    operation: PlatformOperation
    path: Mapping[str, str]
    query: Query | None
    body: object
    lane: RequestLane
    cancel: threading.Event | None
    deadline: float
    hook: Hook
    raw: list[RawExchange] = field(default_factory=list)
    last_error: GenesysError | None = None

    @property
    def key(self) -> str:
        return self.operation.key

    @property
    def content(self) -> bytes | None:
        return None if self.body is None else json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def query_params(query: Query | None) -> dict[str, str | list[str]] | None:
    """Return query values as the platform expects them: lists repeated, booleans in lower case."""
    if not query:
        return None
    params: dict[str, str | list[str]] = {}
    for name, value in query.items():
        if isinstance(value, bool):
            params[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            params[name] = str(value)
        else:
            params[name] = [str(item) for item in value]
    return params


def exchanges_of(raw: Sequence[RawExchange]) -> tuple[Exchange, ...]:
    """Return the exchanges numbered and redacted."""
    return tuple(exchange.redacted(number) for number, exchange in enumerate(raw, start=1))
