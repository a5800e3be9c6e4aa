"""OAuth client credentials as an `httpx.Auth`: a generator that can be tested without a network.

Published: `POST {login}/oauth/token`, form-encoded, HTTP Basic with client id and secret, `grant_type=client_credentials`
(official SDK, api_client.get_client_credentials_token). Tokens live 300 to 172,800 s, as the client says.
"""

from __future__ import annotations

import base64
import threading
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from wfm.domain.redaction import HIDDEN, redact_headers, redact_text
from wfm.genesys.errors import TOKEN_CALL, AuthenticationFailed, BadAnswer, GenesysError, RateLimited, ServerFault, parse_body
from wfm.genesys.regions import Endpoint
from wfm.genesys.retry import retry_after_seconds

MARGIN_S = 60.0
"""How long before its end a token is renewed (or a tenth of its life, if that is shorter)."""
DEFAULT_LIFE_S = 86_400
SHORTEST_SECRET = 6
"""A shorter value is no real secret, and replacing it everywhere would spoil the text."""

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    return datetime.now(UTC)


class Credentials:
    """An OAuth client's id and secret. The secret appears in no repr."""

    __slots__ = ("client_id", "secret")

    def __init__(self, client_id: str, secret: SecretStr | str) -> None:
        self.client_id = client_id
        self.secret = secret if isinstance(secret, SecretStr) else SecretStr(secret)

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r})"

    def basic(self) -> str:
        """The Authorization header of the token request; id and secret form-encoded first (RFC 6749, 2.3.1)."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret.get_secret_value(), safe='')}"
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class _Token:
    value: SecretStr
    renew_at: datetime
    expires_at: datetime
    scopes: tuple[str, ...] | None


class ClientCredentialsAuth(httpx.Auth):
    """Fetches, caches and renews one client's token; renews once more when the tenant answers 401.

    Thread-safe: many threads that need a token at once cause one request. Raises AuthenticationFailed when the client
    is refused, RateLimited or ServerFault when the login host is.
    """

    def __init__(self, endpoint: Endpoint, credentials: Credentials, *, clock: Clock = utcnow) -> None:
        self.client_id = credentials.client_id
        self.token_url = f"{endpoint.login_url}/oauth/token"
        self._credentials = credentials
        self._clock = clock
        self._token: _Token | None = None
        self._given: deque[SecretStr] = deque(maxlen=8)  # an answer may echo the token before the last
        self._lock = threading.Lock()
        self.fetched = 0
        """How many tokens have been fetched."""

    def __repr__(self) -> str:
        return f"ClientCredentialsAuth(client_id={self.client_id!r}, expires_at={self.expires_at!r})"

    @property
    def expires_at(self) -> datetime | None:
        """When the token held ends (aware UTC), None while none is held."""
        token = self._token
        return token.expires_at if token is not None else None

    @property
    def granted(self) -> tuple[str, ...] | None:
        """The scopes that the token answer named, None where it named none."""
        token = self._token
        return token.scopes if token is not None else None

    def scrub(self, text: str) -> str:
        """Return the text without this client's secret and its latest tokens, wherever they are echoed."""
        for value in (self._credentials.secret, *tuple(self._given)):
            if len(value) >= SHORTEST_SECRET:
                text = text.replace(value.get_secret_value(), HIDDEN)
        return text

    def discard(self) -> None:
        """Drop the token held, so that the next call gets one with the client's present rights (a fixed scope)."""
        self._token = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # Overridden so that closing the outer generator closes this one at once: the lock must not outlive a broken call.
        yield from self.auth_flow(request)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = yield from self._held(request, refused=None)
        request.headers["Authorization"] = f"Bearer {token.value.get_secret_value()}"
        response = yield request
        if response.status_code == 401:
            token = yield from self._held(request, refused=token)
            request.headers["Authorization"] = f"Bearer {token.value.get_secret_value()}"
            yield request

    def _held(self, request: httpx.Request, refused: _Token | None) -> Generator[httpx.Request, httpx.Response, _Token]:
        """Return the token; fetch one first where there is none, it is about to end, or it is the one just refused."""
        token = self._token
        if token is not None and token is not refused and self._clock() < token.renew_at:
            return token
        with self._lock:
            token = self._token
            if token is not None and token is not refused and self._clock() < token.renew_at:
                return token
            response = yield self._token_request(request)
            response.read()
            self._token = token = self._read(response)
            self._given.append(token.value)
            self.fetched += 1
            return token

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        # The time-outs are in the extensions: a request built without them would wait for ever.
        return httpx.Request(
            "POST",
            self.token_url,
            headers={"Authorization": self._credentials.basic(), "Accept": "application/json"},
            data={"grant_type": "client_credentials"},
            extensions=dict(request.extensions),
        )

    def _read(self, response: httpx.Response) -> _Token:
        if response.status_code != 200:
            raise _refusal(response, self.scrub(response.text[:8000]))
        life, value, scopes = _token_members(response)
        now = self._clock()
        expires_at = now + timedelta(seconds=life)
        return _Token(SecretStr(value), expires_at - timedelta(seconds=min(MARGIN_S, life / 10)), expires_at, scopes)


def _token_members(response: httpx.Response) -> tuple[float, str, tuple[str, ...] | None]:
    try:
        body: Any = response.json()
        value = body["access_token"]
        life = float(body.get("expires_in") or DEFAULT_LIFE_S)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        value, life, body = None, 0.0, {}
    if not isinstance(value, str) or not value or not 0 < life <= 10**9:
        # The body may still hold a token, so it is not kept.
        raise BadAnswer(TOKEN_CALL, status=response.status_code, message="it holds no access token")
    scope = body.get("scope")
    return life, value, tuple(scope.split()) if isinstance(scope, str) else None


def _refusal(response: httpx.Response, payload: str) -> GenesysError:
    status = response.status_code
    text = redact_text(payload)
    code, message, correlation_id = parse_body(text)
    kind: type[GenesysError] = AuthenticationFailed
    if status == 429:
        kind = RateLimited
    elif status >= 500 or status == 408:
        kind = ServerFault
    return kind(
        TOKEN_CALL,
        status=status,
        code=code,
        message=message,
        correlation_id=response.headers.get("ININ-Correlation-Id") or correlation_id,
        headers=redact_headers(response.headers),
        body=text,
        retry_after=retry_after_seconds(response.headers.get("Retry-After")),
    )
