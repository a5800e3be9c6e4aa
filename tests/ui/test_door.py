"""The door over Streamlit's real server: who may upload and how much, whose pages speak to it, what strangers may ask."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, generate_xsrf_token_string

from tests.ui.conftest import ROOT, Serve
from tests.ui.world import OIDC, World
from wfm.desk import Desk
from wfm.ui.screens.imports.model import WAYS
from wfm.ui.screens.plan import lists
from wfm.ui.shell import context
from wfm.ui.shell.navigation import SCREENS
from wfm.ui.shell.web import door, identity, uploads
from wfm.ui.shell.web.origin import SameOrigin

HOST = "http://127.0.0.1:8501"
SECRET = "a cookie secret of more than thirty-two characters"
LOCAL = ("127.0.0.1", 50_000)
MAIN = ROOT / "wfm" / "ui" / "main.py"


@contextmanager
def opened(*, oidc: bool, remote: tuple[str, int] = LOCAL, script: Path = MAIN) -> Iterator[TestClient]:
    """Streamlit's own server behind the desk's door, in this process."""
    Runtime._instance = None
    app = st.App(
        script,
        middleware=door.middleware(oidc_configured=oidc, redirect_uri=f"{HOST}/oauth2callback" if oidc else None),
    )
    try:
        with TestClient(app, base_url=HOST, client=remote) as client:
            yield client
    finally:
        Runtime._instance = None


@pytest.fixture
def guarded(world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A real tenant with an OpenID provider; boss is an admin, whoever else signs in a viewer."""
    from streamlit.web.server.starlette import starlette_websocket

    monkeypatch.setattr(starlette_websocket, "get_cookie_secret", lambda: SECRET)
    monkeypatch.setattr(identity, "get_origin_from_redirect_uri", lambda: HOST)
    serve(world.desk(real=True, **{**OIDC, "admins": ("boss",)}))
    with opened(oidc=True) as client:
        yield client


@pytest.fixture
def demo(desk: Desk) -> Iterator[TestClient]:
    """The demo tenant, where nobody signs in."""
    with opened(oidc=False) as client:
        yield client


@dataclass
class Browser:
    """One browser before the desk: its cookies, and the session of its tab."""

    client: TestClient
    cookies: dict[str, str]
    token: str
    session: str = ""

    def headers(self, **more: str) -> dict[str, str]:
        said = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "x-xsrftoken": self.token}
        return {**said, **more}

    def upload(self, size: int = 10, *, session: str = "", file: str = "f1") -> int:
        path = f"/_stcore/upload_file/{session or self.session}/{file}"
        files = {"file": ("people.csv", b"a" * size, "text/csv")}
        return int(self.client.put(path, files=files, headers=self.headers()).status_code)

    def delete(self, *, session: str, file: str = "f1") -> int:
        return int(self.client.delete(f"/_stcore/upload_file/{session}/{file}", headers=self.headers()).status_code)


def browser(client: TestClient, sub: str = "") -> Browser:
    token = generate_xsrf_token_string()
    cookies = {"_streamlit_xsrf": token}
    if sub:
        claims = {"is_logged_in": True, "origin": HOST, "sub": sub, "iat": datetime.now(UTC).timestamp()}
        cookies["_streamlit_user"] = create_signed_value(SECRET, "_streamlit_user", json.dumps(claims)).decode()
    return Browser(client, cookies, token)


@contextmanager
def tab(person: Browser, screen: str) -> Iterator[Browser]:
    """A tab of that browser with this screen drawn."""
    with person.client.websocket_connect(
        "/_stcore/stream", subprotocols=["streamlit", person.token], headers=person.headers(origin=HOST, host="127.0.0.1:8501")
    ) as socket:
        asked = BackMsg()
        asked.rerun_script.page_name = screen
        for said in drawn(socket, asked):
            if said.WhichOneof("type") == "new_session":
                person.session = said.new_session.initialize.session_id
        deadline = time.monotonic() + 1.0  # the session learns its screen a moment after; a signed-out one never does
        while uploads._screen_of(person.session) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        yield person


def drawn(socket: WebSocketTestSession, asked: BackMsg) -> list[ForwardMsg]:
    """What the server says until the script has run to its end."""
    socket.send_bytes(asked.SerializeToString())
    messages: list[ForwardMsg] = []
    while not messages or messages[-1].WhichOneof("type") != "script_finished":
        messages.append(ForwardMsg())
        messages[-1].ParseFromString(socket.receive_bytes())
    return messages


def held(session: str) -> int:
    """Bytes that this session holds in the dashboard's memory."""
    storage: Any = Runtime.instance().uploaded_file_mgr
    return sum(len(file.data) for file in storage.file_storage.get(session, {}).values())


# --- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("screen", ["plan", "import_runs", "runs"])
def test_a_signed_out_visitor_uploads_nothing(guarded: TestClient, screen: str) -> None:
    with tab(browser(guarded), screen) as stranger:
        assert stranger.upload() == 401
        assert stranger.delete(session=stranger.session) == 401
        assert held(stranger.session) == 0


def test_a_signed_in_person_uploads_to_the_screen_that_takes_it(guarded: TestClient) -> None:
    with tab(browser(guarded, "vic"), "plan") as viewer:
        assert viewer.upload() == 204
        assert held(viewer.session) == 10
        assert viewer.delete(session=viewer.session) == 204
        assert held(viewer.session) == 0
    with tab(browser(guarded, "boss"), "import_runs") as admin:
        assert admin.upload() == 204


def test_each_screen_asks_for_its_own_capability(guarded: TestClient) -> None:
    with tab(browser(guarded, "vic"), "import_runs") as viewer:
        assert viewer.upload() == 403
    with tab(browser(guarded, "boss"), "runs") as admin:
        assert admin.upload() == 403  # this screen takes no file
        assert held(admin.session) == 0


def test_nobody_uploads_into_another_session(guarded: TestClient) -> None:
    with tab(browser(guarded, "boss"), "plan") as boss, tab(browser(guarded, "vic"), "plan") as viewer:
        assert boss.upload() == 204
        assert viewer.upload(session=boss.session) == 403
        assert viewer.delete(session=boss.session) == 403
        assert browser(guarded).upload(session=boss.session) == 401
        assert held(boss.session) == 10


def test_on_the_demo_tenant_everybody_uploads_into_the_own_session_only(demo: TestClient) -> None:
    with tab(browser(demo), "import_runs") as one, tab(browser(demo), "plan") as other:
        assert one.upload() == 204
        assert other.upload() == 204
        assert other.upload(session=one.session) == 403
        assert held(one.session) == 10


def test_a_session_holds_so_much_and_no_more(demo: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_SESSION_BYTES", 5_000)
    with tab(browser(demo), "plan") as one, tab(browser(demo), "plan") as other:
        assert one.upload(3_000, file="a") == 204
        assert one.upload(3_000, file="b") == 413
        assert one.upload(3_500, file="a") == 204  # in place of the first
        assert other.upload(3_000) == 204
        assert one.delete(session=one.session, file="a") == 204
        assert [one.upload(10, file=f"n{number}") for number in range(uploads.MAX_SESSION_FILES + 1)][-2:] == [204, 413]
        assert held(one.session) == 10 * uploads.MAX_SESSION_FILES


def test_a_screen_takes_files_of_its_size_and_only_those_that_say_their_size(demo: TestClient) -> None:
    with tab(browser(demo), "plan") as one:
        assert one.upload(5 * 1024 * 1024) == 204
        assert one.upload(6 * 1024 * 1024, file="f2") == 413
        path = f"/_stcore/upload_file/{one.session}/f3"
        answer = demo.put(path, content=iter([b"abc"]), headers=one.headers(**{"content-type": "multipart/form-data"}))
        assert answer.status_code == 411
    assert browser(demo).upload(session="no-such-session") == 400


def test_a_field_holds_one_file_and_lets_go_of_the_one_before(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "field.py"
    script.write_text(
        "from wfm.ui.components import upload\n"
        "given = upload.file('File', ['csv'], key='field', max_mb=5)\n"
        "assert given is None or given.getvalue() == given.name.encode()\n"
    )
    with opened(oidc=False, script=script) as client:
        one = browser(client)
        with client.websocket_connect(
            "/_stcore/stream", subprotocols=["streamlit", one.token], headers=one.headers(origin=HOST, host="127.0.0.1:8501")
        ) as socket:
            messages = drawn(socket, rerun())
            session = next(said.new_session.initialize.session_id for said in messages if said.HasField("new_session"))
            field = next(
                said.delta.new_element.file_uploader.id
                for said in messages
                if said.HasField("delta") and said.delta.new_element.HasField("file_uploader")
            )
            storage: Any = Runtime.instance().uploaded_file_mgr
            for name in ("one.csv", "two.csv"):
                storage.add_file(session, UploadedFileRec(file_id=name, name=name, type="text/csv", data=name.encode()))
                assert not drawn(socket, rerun(field, name))[-1].script_finished
                assert list(storage.file_storage[session]) == [name]
            drawn(socket, rerun(field))
            assert not storage.file_storage[session]


def rerun(field: str = "", *files: str) -> BackMsg:
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    if field:
        state = asked.rerun_script.widget_states.widgets.add(id=field).file_uploader_state_value
        for name in files:
            state.uploaded_file_info.add(file_id=name, name=name, size=len(name)).file_urls.file_id = name
    return asked


def test_every_field_for_a_file_is_the_one_that_lets_go_and_its_screen_says_its_size() -> None:
    found = {
        path for room in ("wfm", "pages") for path in (ROOT / room).rglob("*.py") if "file_uploader(" in path.read_text("utf-8")
    }
    assert found == {ROOT / "wfm" / "ui" / "components" / "upload.py"}
    sizes = {screen.name: screen.upload.max_mb for screen in SCREENS if screen.upload is not None}
    assert sizes == {"plan": lists.MAX_CSV_MB, "import_runs": max(way.max_mb for way in WAYS.values())}
    assert 2 * max(sizes.values()) * uploads.MEGABYTE < uploads.MAX_SESSION_BYTES


@pytest.mark.parametrize(("bound", "host"), [("::1", "[::1]:8501"), ("10.1.2.3", "10.1.2.3"), ("0.0.0.0", "127.0.0.1:8501")])
def test_the_address_that_it_is_bound_to_is_answered_in_the_browsers_spelling(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, bound: str, host: str
) -> None:
    real = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: bound if name == "server.address" else real(name))
    context.desk()  # known to be the demo tenant, so that other machines are answered
    with opened(oidc=False, remote=("::1" if ":" in bound else "127.0.0.1", 1)) as client:
        assert client.get("/healthz", headers={"host": host}).status_code != 400
        assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
        with client.websocket_connect(
            "/_stcore/stream", subprotocols=["streamlit"], headers={"host": host, "origin": f"http://{host}"}
        ):
            pass


# --- Streamlit's own addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/openapi.json"])
def test_what_streamlit_tells_of_itself_is_for_people_who_may_look(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 401
    assert guarded.get(path, headers={"accept": "application/x-protobuf"}).status_code == 401
    assert guarded.get(path, headers=browser(guarded, "vic").headers()).status_code != 401


def test_a_strangers_browser_gets_what_the_sign_in_page_needs(guarded: TestClient) -> None:
    for path in ("/_stcore/health", "/_stcore/host-config", "/", "/static/favicon.png"):
        assert guarded.get(path).status_code in (200, 404), path
    with tab(browser(guarded), "plan") as stranger:
        assert stranger.session


def test_metrics_on_the_demo_tenant_and_for_this_machine(demo: TestClient, world: World, serve: Serve) -> None:
    assert "# EOF" in demo.get("/_stcore/metrics").text
    serve(world.desk(real=True))
    assert demo.get("/_stcore/metrics").status_code == 200
    assert demo.get("/_stcore/metrics", headers={"cf-connecting-ip": "203.0.113.9"}).status_code == 403


@pytest.mark.parametrize(
    ("allowed", "origin", "served"),
    [
        ("https://desk.example", "https://desk.example", True),
        ("https://desk.example:443/", "https://Desk.example", True),
        ("https://desk.example", "http://desk.example", False),
        ("https://desk.example", "https://desk.example:8443", False),
        ("desk.example", "https://desk.example", True),
        ("desk.example", "https://desk.example:8443", False),
        ("desk.example:8443", "https://desk.example:8443", True),
    ],
)
def test_a_further_origin_that_streamlit_is_told_of_is_served(allowed: str, origin: str, served: bool) -> None:
    app = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("changed"), methods=["POST"])],
        middleware=[Middleware(SameOrigin, allowed=[allowed])],
    )
    with TestClient(app, base_url=HOST) as client:
        assert client.post("/", headers={"origin": origin}).status_code == (200 if served else 403)


# --- whose pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8501", "http://127.0.0.1:3000"),
        ("127.0.0.1:8501", "http://127.0.0.1"),
        ("127.0.0.1:8501", "https://127.0.0.1"),
        ("localhost:8501", "http://localhost:8502"),
        ("localhost:8501", "http://127.0.0.1:8501"),
        ("127.0.0.1:8501", "http://evil.example"),
        ("127.0.0.1:8501", "http://evil.example:8501"),
        ("127.0.0.1:8501", "http://127.0.0.1:8501@evil.example"),
        ("127.0.0.1:8501", "http://user@127.0.0.1:8501"),
        ("127.0.0.1:8501", "http://127.0.0.1:99999"),
        ("127.0.0.1:8501", "ftp://127.0.0.1:8501"),
        ("127.0.0.1:8501", "null"),
        ("127.0.0.1:8501", ""),
    ],
)
def test_a_page_of_another_origin_gets_no_socket(demo: TestClient, host: str, origin: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        demo.websocket_connect("/_stcore/stream", subprotocols=["streamlit"], headers={"host": host, "origin": origin}),
    ):
        pass
    assert demo.put("/_stcore/upload_file/a/b", headers={"host": host, "origin": origin}).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("LOCALHOST", "https://localhost:443"),
        ("localhost:443", "https://localhost"),
        ("127.0.0.1:8501", None),
    ],
)
def test_its_own_pages_and_programs_get_one(demo: TestClient, host: str, origin: str | None) -> None:
    headers = {"host": host} | ({"origin": origin} if origin is not None else {})
    with demo.websocket_connect("/_stcore/stream", subprotocols=["streamlit"], headers=headers):
        pass
