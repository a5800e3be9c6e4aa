"""A tenant that is not the demo tenant: the demo tenant behind a small proxy that hides what makes it one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import httpx

PASSED_ON = ("authorization", "content-type", "accept")
NOT_PASSED_BACK = ("content-length", "transfer-encoding", "connection", "content-encoding", "date", "server")


class _Proxy(BaseHTTPRequestHandler):
    upstream: ClassVar[httpx.Client]
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/_demo"):
            self._answer(404, {}, b"{}")
            return
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        got = self.upstream.request(self.command, self.path, content=body, headers=headers)
        self._answer(got.status_code, dict(got.headers), got.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in NOT_PASSED_BACK:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def as_real_tenant(demo_url: str) -> Iterator[str]:
    """The address of a tenant that answers as the demo tenant does, but for /_demo."""
    with httpx.Client(base_url=demo_url, timeout=30.0) as upstream:
        handler = type("Proxy", (_Proxy,), {"upstream": upstream})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
