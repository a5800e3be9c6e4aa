"""Whose pages may speak to the desk: only its own, by host and port.

Streamlit compares host names alone where they differ, so a page that another program serves on this machine would get in.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

DEFAULT_PORTS = {"http": 80, "https": 443}
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing: a page of another origin may send them, and can't read the answer."""

Place = tuple[str, int]
"""A host, as browsers write it, and a port."""


class SameOrigin:
    """Refuses the web sockets and the changing requests of pages that this desk did not serve.

    `allowed` are further origins, or hosts alone (Streamlit's server.corsAllowedOrigins). A program that is no browser sends no
    Origin and is not looked at here.
    """

    def __init__(self, app: ASGIApp, *, allowed: Iterable[str] = ()) -> None:
        self.app = app
        self.allowed = [origin.strip().rstrip("/").lower().rpartition("://") for origin in allowed]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in HARMLESS)
        if not changes or self._is_own(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("This page is not a page of this desk.", status_code=403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "another origin"})

    def _is_own(self, headers: Headers) -> bool:
        origins, hosts = headers.getlist("origin"), headers.getlist("host")
        if not origins:
            return True
        if len(origins) > 1 or len(hosts) != 1:
            return False
        scheme, _, netloc = origins[0].lower().partition("://")
        # A proxy that ends TLS passes the Host without a port: the port is then the one of the browser's scheme.
        port = DEFAULT_PORTS.get(scheme)
        place = place_of(netloc, port) if port is not None else None
        if port is None or place is None:
            return False
        others = [other for wanted, _, other in self.allowed if wanted in ("", scheme)]
        return any(place == place_of(host, port) for host in (hosts[0].lower(), *others))


def place_of(netloc: str, default_port: int) -> Place | None:
    """Host and port of “host”, “host:port” or “[IPv6]:port”; None for anything else."""
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if not host or parts.netloc != netloc or "@" in netloc:
        return None
    with contextlib.suppress(ValueError):  # a name
        host = ipaddress.ip_address(host).compressed
    return host, default_port if port is None else port
