"""The ASGI application: finds the handler, and keeps the order in which a request can fail.

For /api: token (401), rate limit (429), scope or role (403), body (400), existence (404), state (409). /oauth and /_demo count
towards no limit and have no latency; /_demo answers loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from wfm.demo import oauth, served
from wfm.demo.clients import Usage
from wfm.demo.faults import AFTER_WRITE, Step
from wfm.demo.needs import authorize
from wfm.demo.problems import Problem, not_found, resource_not_found
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import MAX_BODY_BYTES, Answer, Call, Endpoint, Table

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)

_SENT_BEFORE = frozenset({"timeout", "reset", "5xx"})
_MAX_DEMO_BODY_BYTES = 4_000_000
_SERVER_ERRORS = {
    500: (
        "internal.server.error",
        "The server encountered an unexpected condition which prevented it from fulfilling the request.",
    ),
    502: ("bad.gateway", "The server got an invalid answer from another one."),
    503: ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
    504: ("request.timeout", "The request timed out."),
}


class _NoAnswer(Exception):
    """The answer never comes: the connection is held for `seconds`, then broken."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class DemoApp:
    """`await app(scope, receive, send)` for one tenant."""

    def __init__(self, tenant: DemoTenant) -> None:
        self.tenant = tenant
        self._api_table = Table(served.api(tenant.platform))
        self._demo_table = Table(served.CONTROL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = str(scope["path"])
        largest = _MAX_DEMO_BODY_BYTES if path.startswith("/_demo") else MAX_BODY_BYTES
        received = await _read(receive, largest)
        if received is None:
            return
        body, too_large = received
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        call = Call(
            tenant=self.tenant,
            verb=str(scope["method"]),
            path=path,
            raw_query=scope["query_string"],
            headers=headers,
            body=body,
            correlation_id=str(uuid.uuid4()),
            base_url=f"http://{headers.get('host', '127.0.0.1')}",
            dispatch=self._dispatch,
        )
        try:
            reply, usage = await self._answer(call, scope, too_large)
        except _NoAnswer as silence:
            await _break(receive, send, silence.seconds)
            return
        await _send(send, call, reply, usage)

    async def _answer(self, call: Call, scope: Scope, too_large: bool) -> tuple[Answer, Usage]:
        tenant = self.tenant
        usage = tenant.limiter.look("", tenant.limit)
        brief = self._is_brief(call)
        try:
            tenant.tend()
            if call.path == "/_demo" or call.path.startswith("/_demo/"):
                return self._demo(call, scope), usage
            if call.path == "/oauth/token":
                return self._oauth(call), usage
            if not call.path.startswith("/api/"):
                raise not_found()
            self._authenticate(call)
            assert call.token is not None
            usage = tenant.limiter.count(call.token.counted_as, tenant.limit)
            if usage.refused:
                raise _too_many(usage)
            return await self._api(call, too_large), usage
        except Problem as problem:
            if problem.status == 429:
                tenant.counters["refused_429"] += 1
            return _problem(call, problem, brief), usage
        except _NoAnswer:
            raise
        except Exception:
            log.exception("%s %s broke the demo tenant (correlation id %s)", call.verb, call.path, call.correlation_id)
            broken = Problem(500, "internal.server.error", "The server encountered an unexpected condition.")
            return _problem(call, broken, brief), usage

    def _demo(self, call: Call, scope: Scope) -> Answer:
        _loopback_only(call, scope)
        return self._find(self._demo_table, call).handler(call)

    def _oauth(self, call: Call) -> Answer:
        if call.verb != "POST":
            raise Problem(405, "method.not.allowed", "The token endpoint takes POST.", headers={"Allow": "POST"})
        step = self.tenant.faults.strike(call.verb, call.path, lambda kind: kind in _SENT_BEFORE or kind == "429")
        if step is not None:
            _act(step)
        return oauth.token(call)

    def _authenticate(self, call: Call) -> None:
        tenant = self.tenant
        if tenant.faults.strike(call.verb, call.path, lambda kind: kind == "revoke_tokens") is not None:
            tenant.access.revoke_all()
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        challenge = {"WWW-Authenticate": 'Bearer realm="demo tenant"'}
        if scheme.lower() != "bearer" or not value.strip():
            text = "No authentication bearer token specified in authorization header."
            raise Problem(401, "authentication.required", text, headers=challenge)
        call.token = tenant.access.token(value.strip(), tenant.seconds())
        if call.token is None:
            raise Problem(401, "bad.credentials", "Invalid login credentials.", headers=challenge)

    async def _api(self, call: Call, too_large: bool) -> Answer:
        tenant = self.tenant
        step = tenant.faults.strike(call.verb, call.path, lambda kind: kind == "429")
        if step is not None:
            _act(step)
        tenant.counters["requests_accepted"] += 1
        if tenant.latency:
            await asyncio.sleep(tenant.latency / 2)
        step = tenant.faults.strike(call.verb, call.path, lambda kind: kind in _SENT_BEFORE)
        if step is not None:
            _act(step)
        endpoint = self._find(self._api_table, call)
        tenant.operations[f"{call.verb} {endpoint.template}"] += 1
        self._authorize(call, endpoint)
        if too_large:
            text = f"The request is over the size limit. Maximum bytes: {MAX_BODY_BYTES}"
            raise Problem(413, "request.entity.too.large", text)
        reply = await asyncio.to_thread(endpoint.handler, call) if endpoint.heavy else endpoint.handler(call)
        if endpoint.writes and reply.status < 300:
            tenant.counters["writes_accepted"] += 1
            step = tenant.faults.strike(call.verb, call.path, lambda kind: kind in AFTER_WRITE)
            if step is not None:
                _act(step)
        if tenant.latency:
            await asyncio.sleep(tenant.latency / 2)
        return reply

    def _dispatch(self, call: Call) -> Answer:
        """Answer a request from within, which counts towards no limit."""
        endpoint = self._find(self._api_table, call)
        self._authorize(call, endpoint)
        return endpoint.handler(call)

    def _authorize(self, call: Call, endpoint: Endpoint) -> None:
        tenant = self.tenant
        assert call.token is not None
        if not tenant.published:
            if endpoint.scopes and not set(endpoint.scopes) & set(call.token.scopes):
                raise Problem(403, *endpoint.denied)
            return
        call.rights = authorize(tenant, call.token, endpoint)

    def _find(self, table: Table, call: Call) -> Endpoint:
        found = table.find(call.verb, call.path)
        if isinstance(found, frozenset) and call.verb == "HEAD" and "GET" in found:
            found = table.find("GET", call.path)
        if isinstance(found, tuple):
            endpoint, call.params = found
            return endpoint
        if found:
            text = f"{call.verb} is not supported here."
            raise Problem(405, "method.not.allowed", text, headers={"Allow": ", ".join(sorted(found))})
        raise resource_not_found() if self._is_brief(call) else not_found()

    def _is_brief(self, call: Call) -> bool:
        return not self.tenant.published and call.path.startswith("/api/v2/wfm/")


def _act(step: Step) -> None:
    """Do what the step says. Always raises."""
    if step.kind == "429":
        text = f"Rate limit exceeded the maximum. Retry the request in [{step.retry_after}] seconds"
        raise Problem(429, "too.many.requests.retry.after", text, headers={"Retry-After": str(step.retry_after)})
    if step.kind == "5xx":
        code, text = _SERVER_ERRORS.get(step.status, _SERVER_ERRORS[500])
        raise Problem(step.status, code, text)
    raise _NoAnswer(step.seconds if step.kind.startswith("timeout") else 0)


def _too_many(usage: Usage) -> Problem:
    text = f"Rate limit exceeded the maximum [{usage.allowed}] requests within [60] seconds"
    limit = {"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": usage.allowed}
    return Problem(429, "too.many.requests", text, headers={"Retry-After": str(usage.reset)}, extra={"limit": limit})


def _problem(call: Call, problem: Problem, brief: bool) -> Answer:
    body = orjson.dumps(problem.body(brief, call.correlation_id))
    return Answer(problem.status, body, problem.headers)


def _loopback_only(call: Call, scope: Scope) -> None:
    """Refuse a peer that is not loopback, and a page of another site that a browser here has open."""
    peer = (scope.get("client") or ("",))[0]
    host = call.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    origin = call.headers.get("origin", "")
    origin_host = origin.split("://", 1)[-1].rsplit(":", 1)[0].strip("[]")
    if not (_is_loopback(peer) and _is_loopback(host) and (not origin or _is_loopback(origin_host))):
        raise Problem(403, "loopback.only", "/_demo answers on loopback only.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _read(receive: Receive, largest: int) -> tuple[bytes, bool] | None:
    """The body, and whether it is larger than may be (the rest is read and dropped). None: the client went away."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        if part and size <= largest:
            parts.append(part)
        if not message.get("more_body"):
            break
    return (b"", True) if size > largest else (b"".join(parts), False)


async def _send(send: Send, call: Call, reply: Answer, usage: Usage) -> None:
    headers: Mapping[str, str] = {
        "Content-Type": reply.content_type,
        "Content-Length": str(len(reply.body)),
        "ININ-Correlation-Id": call.correlation_id,
        **usage.headers(),
        **reply.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if call.verb == "HEAD" else reply.body})


async def _break(receive: Receive, send: Send, seconds: float) -> None:
    """Hold the connection, then reset it without an answer. ASGI has no word for that: it is done to uvicorn's transport."""
    if seconds:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_gone(receive), seconds)
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("the connection can't be broken: this server hides its transport")
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Linger for no time: the peer gets a reset, not an end of file.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
