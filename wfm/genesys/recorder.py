"""Recording of every HTTP exchange of a call as it happens; it is redacted when it is stored or shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from wfm.domain.operations import Exchange
from wfm.domain.redaction import redact_body, redact_headers, redact_json, redact_text
from wfm.genesys.errors import parse_body

KEPT_BODY = 64_000
"""Characters of a body that an exchange keeps."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
"""Failures in which the request never left. Anything else may have been received."""


@dataclass(slots=True, repr=False)
class RawExchange:
    """One exchange, raw: it holds the token, so it is never stored or shown. `login` marks a request for a token."""

    method: str
    url: httpx.URL
    login: bool
    request_body: bytes
    started_at: datetime
    scrub: Callable[[str], str]
    duration_ms: int = 0
    status: int | None = None
    headers: httpx.Headers | None = None
    body: bytes = b""
    fault: str = ""
    sent: bool = True

    @property
    def correlation_id(self) -> str | None:
        """ININ-Correlation-Id of the answer; the body's contextId where the header is missing."""
        if self.headers is None:
            return None
        correlation_id: str | None = self.headers.get("ININ-Correlation-Id")
        if correlation_id is None and self.status is not None and self.status >= 400:
            correlation_id = parse_body(self.text())[2]
        return correlation_id

    def text(self) -> str:
        """Return the answer's body as text, cut, without the client's secrets."""
        return self.scrub(self.body[: 4 * KEPT_BODY].decode("utf-8", "replace")[:KEPT_BODY])

    def safe_headers(self) -> dict[str, str]:
        """Return the answer's headers, redacted."""
        return {name: self.scrub(value) for name, value in redact_headers(self.headers or {}).items()}

    def redacted(self, number: int) -> Exchange:
        """Return the exchange as it may be stored and shown."""
        # A login's bodies hold the secret or the token and nothing else worth keeping.
        request_body = None if self.login or not self.request_body else self.scrub(self.request_body.decode("utf-8", "replace"))
        kept = self.status is not None and not (self.login and self.status == 200)
        return Exchange(
            number=number,
            method=self.method,
            url=self.scrub(safe_url(self.url)),
            request_body=redact_body(request_body, KEPT_BODY),
            status=self.status,
            response_headers=self.safe_headers(),
            response_body=redact_body(self.text(), KEPT_BODY) if kept else None,
            correlation_id=self.correlation_id,
            fault=self.fault,
            started_at=self.started_at,
            duration_ms=self.duration_ms,
        )


def safe_url(url: httpx.URL) -> str:
    """Return the address without user info and with secret-named or secret-shaped query values replaced."""
    bare = url.copy_with(username=None, password=None, query=None, fragment=None)
    clean = redact_json(dict.fromkeys(url.params))
    assert isinstance(clean, dict)
    pairs = []
    for name, value in url.params.multi_items():
        hidden = redact_json({name: value})
        assert isinstance(hidden, dict)
        pairs.append(f"{name}={hidden[name]}")
    return redact_text(str(bare)) + ("?" + "&".join(pairs) if pairs else "")


@dataclass
class _Current(threading.local):
    exchanges: list[RawExchange] | None = None


@dataclass
class RecordingTransport(httpx.BaseTransport):
    """A transport that records what goes through the one it wraps, for the thread that sends."""

    inner: httpx.BaseTransport
    token_url: str
    clock: Callable[[], datetime]
    scrub: Callable[[str], str]
    proxy: str = ""
    _current: _Current = field(default_factory=_Current)

    @contextmanager
    def recording(self, exchanges: list[RawExchange]) -> Iterator[None]:
        """Append what this thread sends in the block to `exchanges`."""
        self._current.exchanges = exchanges
        try:
            yield
        finally:
            self._current.exchanges = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = RawExchange(
            method=request.method,
            url=request.url,
            login=str(request.url) == self.token_url,
            request_body=request.read(),
            started_at=self.clock(),
            scrub=self.scrub,
        )
        if self._current.exchanges is not None:
            self._current.exchanges.append(exchange)
        began = time.perf_counter()
        try:
            response = self.inner.handle_request(request)
            exchange.status, exchange.headers = response.status_code, response.headers
            exchange.body = response.read()
        except httpx.TransportError as error:
            exchange.status = None
            exchange.fault = fault_of(error, self.proxy)
            exchange.sent = not isinstance(error, NOT_SENT)
            raise
        except httpx.HTTPError as error:  # a body that can't be decoded
            exchange.fault = fault_of(error, self.proxy)
            raise
        finally:
            exchange.duration_ms = round((time.perf_counter() - began) * 1000)
        return response

    def close(self) -> None:
        self.inner.close()


_FAULTS = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "no free connection in time"),
    (httpx.ReadTimeout, "no answer in time"),
    (httpx.WriteTimeout, "the request could not be sent in time"),
    (httpx.RemoteProtocolError, "the connection ended without an answer"),
    (httpx.NetworkError, "the connection broke"),
    (httpx.DecodingError, "the answer's encoding can't be read"),
)


def fault_of(error: httpx.HTTPError, proxy: str = "") -> str:
    """Return why no answer came, in a few words. `proxy` is the host of the one in use."""
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not trusted; if a proxy inspects TLS, name the authority's file in WFM_CA_BUNDLE"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy {proxy} refuses: {redact_text(str(error))[:160]}; check WFM_HTTPS_PROXY"
    if proxy and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"no connection through the proxy {proxy} ({redact_text(str(error))[:160]})"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({redact_text(str(error))[:160]})"
    return next((words for kind, words in _FAULTS if isinstance(error, kind)), f"no answer ({type(error).__name__})")
