"""Brings a person back to the address they asked for once they have signed in.

Streamlit's sign-in ends at "/" whatever was asked for. A document asked for without a sign-in cookie leaves its address in
a short-lived cookie; the redirect that ends the sign-in goes there. Only paths of this desk are followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "wfm_next"
SIGNED_IN = "_streamlit_user"
CALLBACK = "/oauth2callback"
LASTS_S = 600
MAX_PATH = 2_000


def safe_path(asked: str) -> str | None:
    """The path if it can only lead to this desk, else None."""
    fine = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()
    return asked if fine and len(asked) <= MAX_PATH else None


@dataclass
class ReturnTo:
    """Keeps the address over the sign-in."""

    app: ASGIApp
    https: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        back = scope["path"].rstrip("/").endswith(CALLBACK)

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if back and 300 <= message["status"] < 400:
                    self._go_back(request, headers)
                elif message["status"] == 200 and _is_document(request, Headers(raw=message["headers"])):
                    self._remember(request, headers)
            await send(message)

        await self.app(scope, receive, changed)

    def _go_back(self, request: Request, headers: MutableHeaders) -> None:
        asked = safe_path(unquote(request.cookies.get(COOKIE, "")))
        if asked:
            headers["location"] = asked
        headers.append("set-cookie", self._cookie("", 0))

    def _remember(self, request: Request, headers: MutableHeaders) -> None:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if asked != "/" and safe_path(asked):
            headers.append("set-cookie", self._cookie(quote(asked, safe=""), LASTS_S))

    def _cookie(self, value: str, max_age: int) -> str:
        # `value` is percent-encoded, so nothing in it can end the cookie.
        return f"{COOKIE}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{'; Secure' if self.https else ''}"


def _is_document(request: Request, headers: Headers) -> bool:
    """A page opened by somebody who has not signed in. Later addresses matter too: the last one asked for wins."""
    html = headers.get("content-type", "").startswith("text/html")
    return html and "text/html" in request.headers.get("accept", "") and SIGNED_IN not in request.cookies
