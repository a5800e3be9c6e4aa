"""OAuth clients, their tokens, and the count of their requests.

The demo tenant decides by scope, as the brief's does; on the published platform a client-credentials token has no
scopes and roles decide.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from wfm.catalogue import BRIEF_SCOPES
from wfm.demo.world import stable_id

READ, WRITE, UPDATE = BRIEF_SCOPES
TOKEN_SECONDS = 86_400
WINDOW_SECONDS = 60.0

_CLIENTS = (
    ("desk", (READ, WRITE, UPDATE), "The maintenance desk"),
    ("architect-flow", (READ, WRITE), "The Architect flow of the brief: it lacks wfm:schedule:update"),
    ("read-only", (READ,), "Reads schedules, writes nothing"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client. Its secret is the demo's own and is given out by /_demo/info."""

    name: str
    id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]
    description: str
    token_seconds: int = TOKEN_SECONDS

    def public(self) -> dict[str, Any]:
        """Return the client as in /_demo/info and in the ready line."""
        return {"name": self.name, "id": self.id, "secret": self.secret, "scopes": list(self.scopes)}


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token. `expires` is in seconds since the epoch."""

    client: str
    scopes: tuple[str, ...]
    expires: float


def default_clients(seed: int) -> dict[str, Client]:
    """Return the three initial clients: the same ids and secrets for the same seed."""
    return {
        name: Client(
            name=name,
            id=stable_id(seed, "client", name),
            secret=hashlib.sha256(f"demo secret/{seed}/{name}".encode()).hexdigest()[:43],
            scopes=scopes,
            description=text,
        )
        for name, scopes, text in _CLIENTS
    }


def fingerprint(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Access:
    """Clients and tokens. `append` writes a record that must survive before the change is made."""

    def __init__(self, seed: int, append: Callable[[dict[str, Any]], None]) -> None:
        self._append = append
        self.defaults = default_clients(seed)
        self.clients = dict(self.defaults)
        self._tokens: dict[str, Token] = {}

    def by_id(self, client_id: str) -> Client | None:
        return next((client for client in self.clients.values() if client.id == client_id), None)

    def check_secret(self, client_id: str, secret: str) -> Client | None:
        """Return the client if the secret is its own."""
        client = self.by_id(client_id)
        given, known = secret.encode(), (client.secret if client else "").encode()
        return client if secrets.compare_digest(given, known) and client is not None else None

    def issue(self, client: Client, scopes: tuple[str, ...], now: float) -> str:
        """Issue a token with these scopes."""
        value = secrets.token_urlsafe(48)
        token = Token(client.name, scopes, now + client.token_seconds)
        key = fingerprint(value)
        self._append({"t": "token", "key": key, "client": token.client, "scopes": list(scopes), "expires": token.expires})
        self._tokens[key] = token
        return value

    def token(self, value: str, now: float) -> Token | None:
        """Return the facts of that bearer token, or None if it is unknown, revoked or expired."""
        token = self._tokens.get(fingerprint(value))
        return token if token is not None and now < token.expires else None

    def revoke(self, value: str) -> None:
        key = fingerprint(value)
        self._append({"t": "revoked", "key": key})
        self._tokens.pop(key, None)

    def revoke_all(self, client: str | None = None) -> int:
        """End every token (of one client). Returns how many there were."""
        gone = [key for key, token in self._tokens.items() if client is None or token.client == client]
        self._append({"t": "revoked", "client": client})
        for key in gone:
            del self._tokens[key]
        return len(gone)

    def change(self, name: str, *, scopes: tuple[str, ...] | None = None, token_seconds: int | None = None) -> Client:
        """Change scopes or token lifetime; tokens already issued keep theirs. Raises KeyError."""
        client = self.clients[name]
        changed = replace(
            client,
            scopes=client.scopes if scopes is None else scopes,
            token_seconds=client.token_seconds if token_seconds is None else token_seconds,
        )
        self._append(_client_record(changed))
        self.clients[name] = changed
        return changed

    def restore_defaults(self) -> None:
        """Reset every client and end every token."""
        for client in self.defaults.values():
            self._append(_client_record(client))
        self.clients = dict(self.defaults)
        self.revoke_all()

    def replay(self, record: dict[str, Any]) -> None:
        """Apply a record read from the state file."""
        kind = record["t"]
        if kind == "client" and record["name"] in self.clients:
            client = self.clients[record["name"]]
            self.clients[client.name] = replace(
                client, scopes=tuple(record["scopes"]), token_seconds=int(record["token_seconds"])
            )
        elif kind == "token":
            self._tokens[record["key"]] = Token(record["client"], tuple(record["scopes"]), float(record["expires"]))
        elif kind == "revoked":
            if "key" in record:
                self._tokens.pop(record["key"], None)
            else:
                wanted = record["client"]
                self._tokens = {k: t for k, t in self._tokens.items() if wanted is not None and t.client != wanted}

    def records(self, now: float) -> Iterator[dict[str, Any]]:
        """Return everything that a compacted state file keeps."""
        for client in self.clients.values():
            yield _client_record(client)
        for key, token in self._tokens.items():
            if token.expires > now:
                yield {
                    "t": "token",
                    "key": key,
                    "client": token.client,
                    "scopes": list(token.scopes),
                    "expires": token.expires,
                }


def _client_record(client: Client) -> dict[str, Any]:
    return {"t": "client", "name": client.name, "scopes": list(client.scopes), "token_seconds": client.token_seconds}


@dataclass(slots=True)
class _Window:
    began: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """One client's window after a request. `reset` is in whole seconds, at least 1."""

    allowed: int
    count: int
    reset: int
    refused: bool = False

    def headers(self) -> dict[str, str]:
        """As published: inin-ratelimit-allowed, -count, -reset (seconds)."""
        return {
            "inin-ratelimit-allowed": str(self.allowed),
            "inin-ratelimit-count": str(self.count),
            "inin-ratelimit-reset": str(self.reset),
        }


class Limiter:
    """Counts requests a client in fixed 60-second windows. A window begins with the first request after the last one.

    A refused request is not counted: `count` never exceeds `allowed`.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._windows: dict[str, _Window] = {}

    def _window(self, client: str) -> tuple[_Window, float]:
        now = self._monotonic()
        window = self._windows.get(client)
        if window is None or now - window.began >= WINDOW_SECONDS:
            window = self._windows[client] = _Window(now)
        return window, now

    def count(self, client: str, allowed: int) -> Usage:
        """Count one request, or refuse it."""
        window, now = self._window(client)
        refused = window.count >= allowed
        if not refused:
            window.count += 1
        return Usage(allowed, min(window.count, allowed), self._reset(window, now), refused)

    def look(self, client: str, allowed: int) -> Usage:
        """Return a client's window without counting a request; a client without a window has all of it left."""
        now = self._monotonic()
        window = self._windows.get(client)
        if window is None or now - window.began >= WINDOW_SECONDS:
            return Usage(allowed, 0, int(WINDOW_SECONDS))
        return Usage(allowed, min(window.count, allowed), self._reset(window, now))

    def remaining(self, client: str) -> float:
        """Return the seconds until the client's window ends; 0 when none is open."""
        window = self._windows.get(client)
        return 0.0 if window is None else max(0.0, window.began + WINDOW_SECONDS - self._monotonic())

    def forget(self) -> None:
        """Start every window again."""
        self._windows.clear()

    @staticmethod
    def _reset(window: _Window, now: float) -> int:
        return max(1, math.ceil(window.began + WINDOW_SECONDS - now))
