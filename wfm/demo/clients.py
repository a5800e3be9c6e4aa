"""OAuth clients, their tokens, and the count of their requests.

With the brief's paths the demo tenant decides by scope, as the brief's does; with the published platform alone a
client-credentials token has no scopes and roles in divisions decide (see roles.py).
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
Grants = tuple[tuple[str, str], ...]
"""Roles by name, each in one division: (role, division id)."""
TOKEN_SECONDS = 86_400
WINDOW_SECONDS = 60.0
SIGN_IN = "sign-in"
"""Name of the client by which users sign in; it has no client credentials."""

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
    grants: Grants = ()

    def public(self) -> dict[str, Any]:
        """Return the client as in /_demo/info and in the ready line."""
        shown: dict[str, Any] = {"name": self.name, "id": self.id, "secret": self.secret, "scopes": list(self.scopes)}
        if self.grants:
            shown["roles"] = [{"role": role, "divisionId": division} for role, division in self.grants]
        return shown


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token. `expires` is in seconds since the epoch. `user` is the id of the user it stands for, "" for none."""

    client: str
    scopes: tuple[str, ...]
    expires: float
    user: str = ""

    @property
    def counted_as(self) -> str:
        """Return whose window of the limit its requests count in: the client's, or that of one user of it."""
        return f"{self.client}/{self.user}" if self.user else self.client


def new_client(seed: int, name: str, text: str, scopes: tuple[str, ...] = (), grants: Grants = ()) -> Client:
    """Make a client: the same id and secret for the same seed and name."""
    return Client(
        name=name,
        id=stable_id(seed, "client", name),
        secret=hashlib.sha256(f"demo secret/{seed}/{name}".encode()).hexdigest()[:43],
        scopes=scopes,
        description=text,
        grants=grants,
    )


def default_clients(seed: int) -> dict[str, Client]:
    """Return the three initial clients of a tenant that decides by scope."""
    return {name: new_client(seed, name, text, scopes) for name, scopes, text in _CLIENTS}


def fingerprint(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Access:
    """Clients and tokens. `append` writes a record that must survive before the change is made."""

    def __init__(self, defaults: dict[str, Client], append: Callable[[dict[str, Any]], None]) -> None:
        self._append = append
        self.defaults = defaults
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
        """Issue a token of a client with these scopes."""
        return self._issue(Token(client.name, scopes, now + client.token_seconds))

    def issue_for_user(self, user_id: str, scopes: tuple[str, ...], now: float) -> str:
        """Issue a token as a user gets who signs in."""
        return self._issue(Token(SIGN_IN, scopes, now + TOKEN_SECONDS, user_id))

    def _issue(self, token: Token) -> str:
        value = secrets.token_urlsafe(48)
        key = fingerprint(value)
        self._append(_token_record(key, token))
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

    def change(
        self,
        name: str,
        *,
        scopes: tuple[str, ...] | None = None,
        token_seconds: int | None = None,
        grants: Grants | None = None,
    ) -> Client:
        """Change scopes or token lifetime, which issued tokens keep, or grants, which count at once. Raises KeyError."""
        client = self.clients[name]
        changed = replace(
            client,
            scopes=client.scopes if scopes is None else scopes,
            token_seconds=client.token_seconds if token_seconds is None else token_seconds,
            grants=client.grants if grants is None else grants,
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
                client,
                scopes=tuple(record["scopes"]),
                token_seconds=int(record["token_seconds"]),
                grants=tuple((role, division) for role, division in record.get("grants", client.grants)),
            )
        elif kind == "token":
            self._tokens[record["key"]] = Token(
                record["client"], tuple(record["scopes"]), float(record["expires"]), record.get("user", "")
            )
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
                yield _token_record(key, token)


def _client_record(client: Client) -> dict[str, Any]:
    return {
        "t": "client",
        "name": client.name,
        "scopes": list(client.scopes),
        "token_seconds": client.token_seconds,
        "grants": client.grants,
    }


def _token_record(key: str, token: Token) -> dict[str, Any]:
    return {
        "t": "token",
        "key": key,
        "client": token.client,
        "scopes": list(token.scopes),
        "expires": token.expires,
        "user": token.user,
    }


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
