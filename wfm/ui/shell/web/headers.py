"""Security headers on every answer, and which hosts are answered at all. Plain ASGI: no answer is buffered."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

INLINE_SCRIPT = "sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA="
"""The one inline script of Streamlit's index.html. A test computes it and fails when Streamlit changed it."""

_POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' 'wasm-unsafe-eval' '{INLINE_SCRIPT}'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "media-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HOST = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


def content_security_policy(host: str) -> str:
    """The policy of a page that this host served, as the Host header names it: it may speak to that host and no other.

    The web socket is named beside 'self', which not every browser takes to include it.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return f"{_POLICY}; connect-src 'self'{sockets}"


@dataclass
class SecurityHeaders:
    """Adds HEADERS and the policy to every answer; behind https tells the browser to stay there and marks cookies Secure."""

    app: ASGIApp
    https: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        policy = content_security_policy(Headers(scope=scope).get("host", ""))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(message, policy)
            await send(message)

        await self.app(scope, receive, with_headers)

    def _add(self, message: MutableMapping[str, Any], policy: str) -> None:
        headers = MutableHeaders(scope=message)
        headers["content-security-policy"] = policy
        for name, value in HEADERS.items():
            headers[name] = value
        if self.https:
            headers["strict-transport-security"] = "max-age=31536000"
            message["headers"] = [
                (name, value + b"; Secure" if name.lower() == b"set-cookie" and b"secure" not in value.lower() else value)
                for name, value in message["headers"]
            ]
