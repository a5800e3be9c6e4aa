"""The token: fetched once, kept, renewed, discarded, and never shown."""

from __future__ import annotations

import base64
import logging
import threading
import traceback

import httpx
import pytest

from tests.genesys.conftest import ENDPOINT, NOW, SECRET, TOKEN, FakeTenant, SteppingClock, make_client
from wfm import catalogue
from wfm.genesys.auth import ClientCredentialsAuth, Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.errors import (
    AuthenticationFailed,
    BadAnswer,
    ConnectionProblem,
    GenesysError,
    OutcomeUnknown,
    ServerFault,
    Unauthenticated,
)
from wfm.genesys.pacing import RequestLane

GET = catalogue.GET_AVAILABILITY
PATCH = catalogue.PATCH_AVAILABILITY
SCREEN = RequestLane.SCREEN
PATH = {"userId": "a1"}


def get(client: GenesysClient) -> None:
    client.send(GET, path=PATH, lane=SCREEN)


def test_the_flow_needs_no_network(clock: SteppingClock) -> None:
    auth = ClientCredentialsAuth(ENDPOINT, Credentials("id", SECRET), clock=clock)
    request = httpx.Request("GET", "http://127.0.0.1:9/api/v2/x", extensions={"timeout": {"read": 3.0}})
    flow = auth.auth_flow(request)
    token_request = next(flow)
    assert str(token_request.url) == "http://127.0.0.1:8/oauth/token"
    assert token_request.extensions["timeout"] == {"read": 3.0}
    said = base64.b64decode(token_request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert said == "id:s3cr3t-Of-The%2BClient%2F4711%3D"  # form-encoded first: RFC 6749, 2.3.1
    sent = flow.send(httpx.Response(200, json={"access_token": "t1", "expires_in": 600}))
    assert sent is request
    assert sent.headers["Authorization"] == "Bearer t1"
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(200))


def test_one_token_serves_many_calls(tenant: FakeTenant, client: GenesysClient) -> None:
    for _ in range(3):
        get(client)
    assert tenant.tokens == 1
    assert client.auth.fetched == 1


def test_it_is_renewed_before_it_ends(tenant: FakeTenant, client: GenesysClient, clock: SteppingClock) -> None:
    get(client)
    assert client.auth.expires_at is not None
    assert (client.auth.expires_at - NOW).total_seconds() == 3600
    clock.step(3600 - 61)
    get(client)
    assert tenant.tokens == 1
    clock.step(2)
    get(client)
    assert tenant.tokens == 2


def test_a_short_life_is_not_all_margin(tenant: FakeTenant, client: GenesysClient, clock: SteppingClock) -> None:
    tenant.token_life = 30
    get(client)
    clock.step(26)
    get(client)
    assert tenant.tokens == 1
    clock.step(2)
    get(client)
    assert tenant.tokens == 2


def test_a_401_renews_once_and_repeats_even_a_write(tenant: FakeTenant, client: GenesysClient) -> None:
    get(client)
    tenant.script = [httpx.Response(401, json={"code": "bad.credentials"})]
    reply = client.send(PATCH, path=PATH, body={"status": "unavailable"}, lane=SCREEN)
    assert reply.status == 200
    assert tenant.tokens == 2
    assert [exchange.status for exchange in reply.exchanges] == [401, 200]
    assert tenant.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}-2"
    assert tenant.requests[-1].content == tenant.requests[-2].content


def test_a_401_with_a_fresh_token_is_final(tenant: FakeTenant, client: GenesysClient) -> None:
    tenant.handler = lambda request: httpx.Response(401, json={"code": "authentication.required", "message": "No."})
    with pytest.raises(Unauthenticated) as refused:
        get(client)
    assert tenant.tokens == 2
    assert len(tenant.requests) == 2
    assert len(refused.value.exchanges) == 2


def test_discard_makes_the_next_call_fetch_anew(tenant: FakeTenant, client: GenesysClient) -> None:
    get(client)
    client.auth.discard()
    assert client.auth.expires_at is None
    get(client)
    assert tenant.tokens == 2


def test_many_threads_fetch_one_token(tenant: FakeTenant, client: GenesysClient) -> None:
    ready = threading.Barrier(12)

    def run() -> None:
        ready.wait()
        get(client)

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert tenant.tokens == 1
    assert len(tenant.requests) == 12


def test_many_threads_that_meet_a_revoked_token_renew_it_once(tenant: FakeTenant, client: GenesysClient) -> None:
    get(client)
    ready = threading.Barrier(10)
    first = f"Bearer {TOKEN}-1"

    def handler(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == first:
            ready.wait(10)
            return httpx.Response(401, json={})
        return httpx.Response(200, json={})

    tenant.handler = handler
    threads = [threading.Thread(target=get, args=(client,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert tenant.tokens == 2


def test_a_broken_token_request_leaves_no_lock_behind(tenant: FakeTenant, client: GenesysClient) -> None:
    tenant.token_script = [httpx.ConnectError("refused") for _ in range(4)]
    with pytest.raises(ConnectionProblem):
        get(client)
    get(client)
    assert len(tenant.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_secret_says_so(tenant: FakeTenant, client: GenesysClient, status: int) -> None:
    body = {"error": "invalid_client", "error_description": "client not found or invalid client secret"}
    tenant.token_script = [httpx.Response(status, json=body, headers={"ININ-Correlation-Id": "c-1"})]
    with pytest.raises(AuthenticationFailed) as refused:
        get(client)
    error = refused.value
    assert isinstance(error, Unauthenticated)
    assert isinstance(error, GenesysError)
    assert (error.status, error.code, error.correlation_id) == (status, "invalid_client", "c-1")
    assert "WFM_GENESYS_CLIENT_SECRET" in str(error)
    assert "client not found" in str(error)
    assert [exchange.status for exchange in error.exchanges] == [status]
    assert tenant.tokens == 1  # asking again would lock the client out sooner
    assert tenant.requests == []


def test_a_login_host_that_fails_is_asked_again(tenant: FakeTenant, client: GenesysClient) -> None:
    tenant.token_script = [httpx.Response(503), httpx.Response(429, headers={"Retry-After": "0"})]
    get(client)
    assert tenant.tokens == 3


def test_a_write_whose_token_request_timed_out_was_not_sent(tenant: FakeTenant, client: GenesysClient) -> None:
    tenant.token_script = [httpx.ReadTimeout("slow") for _ in range(9)]
    with pytest.raises(ConnectionProblem) as failed:
        client.send(PATCH, path=PATH, body={}, lane=SCREEN)
    assert not isinstance(failed.value, OutcomeUnknown)
    assert tenant.tokens == 4  # the attempts of the policy
    assert tenant.requests == []


def test_a_login_host_that_stays_down_ends_as_its_fault(tenant: FakeTenant, client: GenesysClient) -> None:
    tenant.token_script = [httpx.Response(502) for _ in range(9)]
    with pytest.raises(ServerFault) as failed:
        client.send(PATCH, path=PATH, body={}, lane=SCREEN)
    assert failed.value.call == "POST /oauth/token"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"access_token": ""}', b'{"access_token": 7}', b'{"access_token": "x", "expires_in": "soon"}']
)
def test_a_token_answer_without_token_is_a_bad_answer(tenant: FakeTenant, client: GenesysClient, body: bytes) -> None:
    tenant.token_script = [httpx.Response(200, content=body)]
    with pytest.raises(BadAnswer):
        get(client)


def test_secret_and_token_are_nowhere_to_be_seen(
    tenant: FakeTenant, clock: SteppingClock, caplog: pytest.LogCaptureFixture
) -> None:
    """In no repr, log, exchange, error, nor anything an error's chain refers to, even when the tenant echoes them."""
    caplog.set_level(logging.DEBUG)
    client = make_client(tenant, clock)
    echoes = f"token {TOKEN}-1, secret {SECRET}, {client.auth._credentials.basic()}"
    shown: list[object] = [client, client.auth, client.auth._credentials]
    errors: list[GenesysError] = []

    def attempt(*answers: httpx.Response | Exception, token: httpx.Response | Exception | None = None) -> None:
        tenant.script = list(answers)
        if token is not None:
            client.auth.discard()
            tenant.token_script = [token] * 5
        try:
            reply = client.send(PATCH, path=PATH, body={"note": echoes}, query={"q": echoes}, lane=SCREEN)
        except GenesysError as error:
            errors.append(error)
            shown.append(error.exchanges)
        else:
            shown.extend([reply, reply.exchanges, reply.headers])
        tenant.token_script = []

    attempt(httpx.Response(200, text=f'{{"said": "{echoes}"}}', headers={"X-Echo": echoes}))
    attempt(httpx.Response(403, json={"code": "forbidden", "message": echoes}, headers={"X-Echo": echoes}))
    attempt(httpx.Response(500, text=echoes))
    attempt(httpx.ReadTimeout("slow", request=httpx.Request("GET", "http://x", headers={"Authorization": TOKEN})))
    attempt(httpx.Response(401, text=echoes), httpx.Response(401, text=echoes))
    attempt(token=httpx.Response(400, json={"error": "invalid_client", "error_description": echoes}))
    attempt(token=httpx.ConnectError("no", request=httpx.Request("GET", "http://x", headers={"Authorization": SECRET})))
    assert len(errors) == 6

    for error in errors:
        seen: BaseException | None = error
        while seen is not None:
            shown += ["".join(traceback.format_exception(seen)), repr(seen), str(seen), repr(vars(seen))]
            assert not isinstance(seen, httpx.HTTPError), "an httpx error holds the request and so the token"
            seen = seen.__cause__ or seen.__context__
    text = "\n".join([*(repr(one) for one in shown), caplog.text, *(repr(vars(r)) for r in caplog.records)])
    for secret in (SECRET, TOKEN, client.auth._credentials.basic().removeprefix("Basic ")):
        assert secret not in text
    assert "status=403" in caplog.text
