"""Addresses that no screen has: `/pages/plan`, `/~/+/plan` and the like lead home.

Streamlit answers every unknown path with its own document, whose files lie relative to that path: below a folder it would
stay blank for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDERS = frozenset({"_stcore", "app", "auth", "component", "export", "media", "static"})
"""What is served below a folder, by Streamlit or by the desk. Screens are not."""


@dataclass
class LeadHome:
    """Redirects whoever opens a document below any other folder to the first screen."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            first, below, _ = scope["path"].strip("/").partition("/")
            if below and first not in FOLDERS and "text/html" in Request(scope).headers.get("accept", ""):
                await RedirectResponse("/", status_code=303)(scope, receive, send)
                return
        await self.app(scope, receive, send)
