"""Uploads: who may send a file to which screen, and how much one session may hold.

Streamlit takes a file from anybody who knows a session and keeps it in memory. Here a file is taken only from the person to
whom the session belongs, for the screen that is open in it, in that screen's size, and so much for each session.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.util import calc_hash

from wfm.domain.people import Capability
from wfm.ui.shell.navigation import SCREENS, Screen
from wfm.ui.shell.web.identity import refusal, same_person

PATH = "/_stcore/upload_file/"
MEGABYTE = 1024 * 1024
FRAMING_BYTES = 64 * 1024
"""What a browser puts around a file: boundaries, its name."""
MAX_SESSION_FILES = 4
MAX_SESSION_BYTES = 110 * MEGABYTE
"""Held by one session at a time: one file of the largest kind and the one that takes its place."""

_BY_HASH: dict[str, Screen] = {calc_hash(screen.name): screen for screen in SCREENS}
"""Screens by the name that Streamlit gives the page of a session."""


class GuardUploads:
    """Lets a file through to Streamlit where its sender, its screen and its size allow it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._coming: Counter[str] = Counter()
        self._files_coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or PATH not in scope["path"] or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        session, _, file = scope["path"].partition(PATH)[2].partition("/")
        refused = await run_in_threadpool(_not_theirs, request, session)
        if refused is not None or scope["method"] != "PUT":
            await (refused or self.app)(scope, receive, send)
            return
        # From the look at what is held to the note of what comes there is no await: two files can't both take the last room.
        size = _size_of(request)
        refused = self._too_much(session, file, size)
        if refused is not None:
            await refused(scope, receive, send)
            return
        self._coming[session] += size or 0
        self._files_coming[session] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming[session] -= size or 0
            self._files_coming[session] -= 1
            if not self._files_coming[session]:
                del self._coming[session], self._files_coming[session]

    def _too_much(self, session: str, file: str, size: int | None) -> Response | None:
        if size is None:
            return PlainTextResponse("Say how large the file is (Content-Length).", status_code=411)
        screen = _screen_of(session)
        if screen is None or screen.upload is None:
            return PlainTextResponse("This screen takes no file.", status_code=403)
        if size > screen.upload.max_mb * MEGABYTE + FRAMING_BYTES:
            return PlainTextResponse(f"This screen takes files of up to {screen.upload.max_mb} MB.", status_code=413)
        held = {name: len(kept.data) for name, kept in _held(session).items() if name != file}
        files = len(held) + self._files_coming[session] + 1
        if files > MAX_SESSION_FILES or sum(held.values()) + self._coming[session] + size > MAX_SESSION_BYTES:
            return PlainTextResponse("This session holds as many files as it may. Reload the page.", status_code=413)
        return None


def _not_theirs(request: Request, session: str) -> Response | None:
    """Why this person may do nothing with the files of that session; None where they may."""
    client = Runtime.instance().get_client(session)
    if client is None or client.client_context is None:
        return PlainTextResponse("There is no such session. Reload the page.", status_code=400)
    screen = _screen_of(session)
    upload = screen.upload if screen is not None else None
    refused = refusal(request, upload.needs if upload is not None else Capability.VIEW)
    if refused is None and not same_person(request, client.client_context):
        return PlainTextResponse("This session belongs to someone else. Reload the page.", status_code=403)
    return refused


def _screen_of(session: str) -> Screen | None:
    app = Runtime.instance().get_app_session(session)
    return _BY_HASH.get(app.page_script_hash) if app is not None else None


def _held(session: str) -> dict[str, Any]:
    """The files that Streamlit holds for that session, by their ids."""
    storage: Any = Runtime.instance().uploaded_file_mgr
    return dict(storage.file_storage.get(session, {}))


def _size_of(request: Request) -> int | None:
    """Bytes that the server will read of the body at the most; None where the request does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and "transfer-encoding" not in request.headers else None
