"""The launcher's side over answer_plainly HTTP: headers, the gate, health, and exports that ask who is there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from tests.ui.conftest import Serve
from tests.ui.world import NEEDED, PEOPLE, World, add_run, all_runs, stop_worker, the_group
from wfm.desk import Desk
from wfm.domain.operations import ItemState
from wfm.ui.shell.web import identity
from wfm.ui.shell.web.addresses import LeadHome
from wfm.ui.shell.web.gate import LocalOnly
from wfm.ui.shell.web.headers import HEADERS, INLINE_SCRIPT, SecurityHeaders, content_security_policy
from wfm.ui.shell.web.return_to import ReturnTo, safe_path
from wfm.ui.shell.web.routes import ROUTES

HOST = "http://127.0.0.1:8501"
SECRET = "a cookie secret of more than thirty-two characters"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Three runs to export, one with a name that a spreadsheet would run."""
    three_runs(desk)
    return desk


def three_runs(desk: Desk) -> None:
    add_run(desk, 1)
    add_run(desk, 2, agent_name="=HYPERLINK(1)")
    add_run(desk, 3, ItemState.APPLIED)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=list(ROUTES)), base_url=HOST, client=("127.0.0.1", 50_000)) as made:
        yield made


@pytest.fixture
def provider(real_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A real tenant with an OpenID provider, whose cookies Streamlit signs with SECRET; three runs to export."""
    from streamlit.web.server.starlette import starlette_websocket

    monkeypatch.setattr(starlette_websocket, "get_cookie_secret", lambda: SECRET)
    monkeypatch.setattr(identity, "get_origin_from_redirect_uri", lambda: HOST)
    three_runs(real_desk)
    return real_desk


def cookie(secret: str = SECRET, **changes: object) -> dict[str, str]:
    """The sign-in cookie as Streamlit writes it after /oauth2callback."""
    claims = {
        "is_logged_in": True,
        "origin": HOST,
        "sub": "s1",
        "email": "someone@example.com",
        "iat": datetime.now(UTC).timestamp(),
        **changes,
    }
    return {"_streamlit_user": create_signed_value(secret, "_streamlit_user", json.dumps(claims)).decode()}


def get(client: TestClient, path: str, cookies: Mapping[str, str] | None = None) -> Any:
    client.cookies.clear()
    for name, value in (cookies or {}).items():
        client.cookies.set(name, value)
    return client.get(path)


# --- who gets a file -------------------------------------------------------------------------------------------------

EXPORTS = ["/export/runs.csv", "/export/runs.jsonl", "/export/run/{run}.json", "/export/failure/{failure}.md"]
WHO = PEOPLE[1].name


def content(path: str) -> str:
    """What stands in such a file."""
    return NEEDED if "failure" in path else WHO


def address(path: str, desk: Desk) -> str:
    group = the_group(desk)
    first = next(run for run in all_runs(desk) if run.agent_id == PEOPLE[1].id)
    return path.format(run=first.id, failure=group.fingerprint)


@pytest.mark.parametrize("path", EXPORTS)
def test_an_anonymous_visitor_gets_no_file(path: str, client: TestClient, provider: Desk) -> None:
    answer = get(client, address(path, provider))
    assert answer.status_code == 401
    assert content(path) not in answer.text


@pytest.mark.parametrize("path", EXPORTS)
@pytest.mark.parametrize(
    "bad",
    [
        cookie(secret="another secret of more than thirty-two characters"),
        cookie(origin="http://evil.example"),
        cookie(is_logged_in=False),
        cookie(iat=1_000_000),
        {"_streamlit_user": "not-signed"},
        {"_streamlit_user": ""},
    ],
    ids=["other secret", "other origin", "signed out", "expired", "unsigned", "empty"],
)
def test_a_cookie_that_does_not_prove_who_it_is_gets_no_file(
    path: str, bad: dict[str, str], client: TestClient, provider: Desk
) -> None:
    assert get(client, address(path, provider), bad).status_code == 401


@pytest.mark.parametrize("path", EXPORTS)
def test_a_signed_in_viewer_gets_the_file(path: str, client: TestClient, provider: Desk) -> None:
    answer = get(client, address(path, provider), cookie())
    assert answer.status_code == 200
    assert content(path) in answer.text
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["cache-control"] == "no-store"


def test_the_demo_tenant_gives_files_to_everyone(client: TestClient, desk: Desk) -> None:
    assert get(client, "/export/runs.csv").status_code == 200


def test_without_a_provider_only_this_machine_gets_files(client: TestClient, world: World, serve: Serve) -> None:
    serve(world.desk(real=True))
    assert get(client, "/export/runs.csv").status_code == 200
    for name in ("x-forwarded-for", "x-client-ip", "cf-connecting-ip", "forwarded"):
        assert client.get("/export/runs.csv", headers={name: "127.0.0.1"}).status_code == 401
    assert client.get("/export/runs.csv", headers={"host": "evil.example"}).status_code == 401
    with TestClient(Starlette(routes=list(ROUTES)), base_url=HOST, client=("10.1.2.3", 1)) as distant:
        assert distant.get("/export/runs.csv").status_code == 401


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_the_filter_of_the_address_is_the_filter_of_the_file(client: TestClient, desk: Desk) -> None:
    add_run(desk, 1, ItemState.APPLIED)
    answer = get(client, f"/export/runs.jsonl?time=all&status=403&agent={PEOPLE[1].id}")
    assert answer.status_code == 200
    (row,) = [json.loads(line) for line in answer.text.splitlines()]
    assert (row["status"], row["agent"]) == (403, WHO)


def test_a_filter_that_makes_no_sense_is_refused_by_name_instead_of_giving_everything(client: TestClient, desk: Desk) -> None:
    answer = get(client, "/export/runs.csv?status=teapot")
    assert answer.status_code == 400
    assert answer.text.splitlines() == [
        "No file was made. Fix this in the address first:",
        "The address says status=“teapot”. Accepted: an HTTP status from 100 to 599.",
    ]
    unknown = get(client, "/export/runs.csv?failure=nope")
    assert (unknown.status_code, "there is no such failure group in this tenant" in unknown.text) == (400, True)
    assert "more than once" in get(client, "/export/runs.csv?outcome=failed&outcome=applied").text
    assert get(client, "/export/runs.csv?runs=").text.startswith("runs: ")


def test_formulas_are_made_safe_on_the_way(client: TestClient, desk: Desk) -> None:
    assert "'=HYPERLINK(1)" in get(client, "/export/runs.csv").text


def test_other_formats_and_unknown_runs_are_said_so(client: TestClient, desk: Desk) -> None:
    assert get(client, "/export/runs.exe").status_code == 400
    assert get(client, "/export/run/nobody.json").status_code == 404
    assert get(client, "/export/failure/nothing.md").status_code == 404


# --- health ----------------------------------------------------------------------------------------------------------


def test_health_says_nothing_of_the_tenant(client: TestClient, world: World, serve: Serve) -> None:
    desk = serve(world.desk(real=True))
    assert get(client, "/healthz").json() == {"status": "ok"}
    ready = get(client, "/readyz").text
    for name in (desk.tenant.organization_name, desk.tenant.organization_id, desk.tenant.host):
        assert name not in ready


def test_not_ready_without_a_worker(client: TestClient, desk: Desk) -> None:
    assert get(client, "/readyz").status_code == 200
    stop_worker(desk)
    answer = get(client, "/readyz")
    assert (answer.status_code, answer.json()["worker"]) == (503, False)


# --- headers and the gate --------------------------------------------------------------------------------------------


def answer_plainly(_: Request) -> Response:
    return PlainTextResponse("hello", headers={"set-cookie": "a=b; HttpOnly"})


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def app(*middleware: Middleware) -> Starlette:
    return Starlette(
        routes=[Route("/", answer_plainly), Route("/healthz", answer_plainly), WebSocketRoute("/ws", echo)],
        middleware=middleware,
    )


def test_every_answer_carries_the_security_headers() -> None:
    with TestClient(app(Middleware(SecurityHeaders)), base_url=HOST) as client:
        answer = client.get("/nowhere")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "strict-transport-security" not in answer.headers


def test_behind_https_cookies_are_secure() -> None:
    with TestClient(app(Middleware(SecurityHeaders, https=True)), base_url=HOST) as client:
        answer = client.get("/")
    assert answer.headers["set-cookie"] == "a=b; HttpOnly; Secure"
    assert "max-age" in answer.headers["strict-transport-security"]


def test_the_policy_allows_streamlits_one_inline_script_and_no_other() -> None:
    index = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", index, flags=re.DOTALL)
    hashes = [f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" for text in inline]
    assert hashes == [INLINE_SCRIPT]
    policy = content_security_policy("127.0.0.1:8501")
    assert "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert re.search(r"script-src[^;]*unsafe-inline", policy) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8501", "'self' ws://127.0.0.1:8501 wss://127.0.0.1:8501"),
        ("[::1]:8501", "'self' ws://[::1]:8501 wss://[::1]:8501"),
        ("desk.example", "'self' ws://desk.example wss://desk.example"),
        ("desk.example:80; script-src *", "'self'"),
        ("desk.example *", "'self'"),
        ("*.example", "'self'"),
        ("", "'self'"),
    ],
)
def test_a_page_speaks_to_the_desk_itself_and_to_nobody_else(host: str, expected: str) -> None:
    with TestClient(app(Middleware(SecurityHeaders)), base_url=HOST) as client:
        answer = client.get("/", headers={"host": host})
    directives = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert directives["connect-src"] == expected
    assert len(directives) == 13


@pytest.mark.parametrize("distant", [("10.1.2.3", 1), ("192.168.0.9", 2)])
def test_the_gate_keeps_others_out_of_pages_and_sockets(distant: tuple[str, int]) -> None:
    with TestClient(app(Middleware(LocalOnly, active=lambda: True)), base_url=HOST, client=distant) as client:
        assert client.get("/").status_code == 403
        assert client.get("/healthz").status_code == 200
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws"):
            pass


def test_the_gate_lets_this_machine_in_and_everyone_when_it_is_open() -> None:
    with TestClient(app(Middleware(LocalOnly, active=lambda: True)), base_url=HOST, client=("127.0.0.1", 1)) as client:
        assert client.get("/").status_code == 200
        with client.websocket_connect("/ws", headers={"host": "127.0.0.1:8501"}) as socket:
            assert socket.receive_text() == "hello"
    with TestClient(app(Middleware(LocalOnly, active=lambda: False)), base_url=HOST, client=("10.1.2.3", 1)) as client:
        assert client.get("/").status_code == 200


# --- back to where one came from -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/windows?id=7", "/windows?id=7"),
        ("/", "/"),
        ("//evil.example/x", None),
        ("https://evil.example", None),
        ("/\\evil.example", None),
        ("/a\nb", None),
        ("", None),
        ("/" + "x" * 3_000, None),
    ],
)
def test_only_paths_of_this_desk_are_followed(asked: str, expected: str | None) -> None:
    assert safe_path(asked) == expected


def document(_: Request) -> Response:
    return HTMLResponse("<html></html>")


def callback(_: Request) -> Response:
    return RedirectResponse("/", status_code=302)


@pytest.fixture
def returning() -> Iterator[TestClient]:
    routes = [Route("/oauth2callback", callback), Route("/{rest:path}", document)]
    made = Starlette(routes=routes, middleware=[Middleware(ReturnTo)])
    with TestClient(made, base_url=HOST, follow_redirects=False, headers={"accept": "text/html"}) as client:
        yield client


def test_the_address_asked_for_is_kept_over_the_sign_in(returning: TestClient) -> None:
    returning.get("/windows?id=7&x=a%2Fb")
    answer = returning.get("/oauth2callback?code=1")
    assert answer.headers["location"] == "/windows?id=7&x=a%2Fb"
    assert returning.get("/oauth2callback?code=2").headers["location"] == "/"


def test_the_cookie_is_short_lived_and_not_for_scripts(returning: TestClient) -> None:
    made = returning.get("/windows").headers["set-cookie"]
    assert "HttpOnly" in made
    assert "SameSite=Lax" in made
    assert "Max-Age=600" in made


def test_who_is_signed_in_gets_no_such_cookie(returning: TestClient) -> None:
    returning.cookies.set("_streamlit_user", "something")
    assert "set-cookie" not in returning.get("/windows").headers


def test_a_forged_cookie_leads_nowhere_else(returning: TestClient) -> None:
    returning.cookies.set("wfm_next", "%2F%2Fevil.example")
    assert returning.get("/oauth2callback").headers["location"] == "/"


@pytest.mark.parametrize("path", ["/pages/plan", "/pages/plan.py", "/~/+/plan", "/~/+/pages/plan.py", "/plan/"])
def test_an_address_below_a_folder_leads_home_and_runs_no_page(path: str) -> None:
    """Streamlit would answer its document there, whose files lie elsewhere: a blank page."""
    everything = Route("/{path:path}", lambda request: HTMLResponse("its document"))
    client = TestClient(
        Starlette(routes=[everything], middleware=[Middleware(LeadHome)]), base_url=HOST, follow_redirects=False
    )
    answer = client.get(path, headers={"accept": "text/html,*/*"})
    if path == "/plan/":
        assert answer.text == "its document"
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    for served in ("/static/js/index.js", "/export/runs.csv", "/auth/login", "/_stcore/health", "/plan", "/"):
        assert client.get(served, headers={"accept": "text/html,*/*"}).status_code == 200
    assert client.get(path, headers={"accept": "*/*"}).status_code == 200
