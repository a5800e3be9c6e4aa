"""Who is answered at all, before any screen or file: the last line where nobody can be told apart.

On a real tenant without an OpenID provider the desk answers this machine only, however it was bound or proxied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from wfm.domain.people import Capability
from wfm.ui.shell.roles import is_local
from wfm.ui.shell.web.identity import refusal

ALWAYS = ("/healthz", "/readyz", "/_stcore/health")

STREAMLITS_OWN = "/_stcore/"
BEFORE_SIGN_IN = frozenset({"health", "host-config", "stream", "bidi-components"})
"""What of Streamlit's own addresses a browser needs to show the sign-in page, and a probe to see the process answer."""

REFUSED = (
    "This desk works on a real tenant and has no OpenID provider, so it answers on its own machine only. Open it there, "
    "or configure WFM_OIDC_METADATA_URL and its companions (docs/operator.md)."
)


@dataclass
class LocalOnly:
    """Refuses whatever does not come from this machine, web sockets included, while `active()`."""

    app: ASGIApp
    active: Callable[[], bool]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in ALWAYS or not self.active():
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        remote = connection.client.host if connection.client else None
        if is_local(remote, connection.headers):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(REFUSED, status_code=403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "this machine only"})


@dataclass
class ForPeople:
    """Gives Streamlit's own addresses (metrics and whatever it adds) only to people who may look."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not _before_sign_in(scope["path"]):
            refused = await run_in_threadpool(refusal, HTTPConnection(scope), Capability.VIEW)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _before_sign_in(path: str) -> bool:
    _, own, rest = path.partition(STREAMLITS_OWN)
    return not own or rest.partition("/")[0] in BEFORE_SIGN_IN
