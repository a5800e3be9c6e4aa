"""What the client sends, retries, records and says. No network, no waiting."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from tests.genesys.conftest import NOW, QUICK, FakeTenant, SteppingClock, make_client
from tests.support.unpaced import Unpaced
from wfm import catalogue
from wfm.domain.errors import DeskError
from wfm.genesys.auth import Credentials
from wfm.genesys.budget import RequestLane
from wfm.genesys.client import GenesysClient, query_params
from wfm.genesys.errors import (
    BadAnswer,
    BadRequest,
    BudgetTimeout,
    Cancelled,
    Conflict,
    ConnectionProblem,
    Forbidden,
    GenesysError,
    OutcomeUnknown,
    RateLimited,
    ResourceNotFound,
    ServerFault,
    TimedOut,
    parse_body,
)
from wfm.genesys.pacing import NoPermit, Permit
from wfm.genesys.regions import Endpoint

GET, PATCH = catalogue.GET_AVAILABILITY, catalogue.PATCH_AVAILABILITY
SEARCH = catalogue.operation("POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search")
EXECUTE = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/execute")
APPLY, SCREEN = RequestLane.APPLY, RequestLane.SCREEN
PATH = {"userId": "a1"}

NOT_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
MAYBE_SENT = [
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.WriteTimeout("slow"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
]


def patch(client: GenesysClient, **more: Any) -> Any:
    return client.send(PATCH, path=PATH, body={"status": "unavailable", "reason": "Wartung"}, lane=APPLY, **more)


def get(client: GenesysClient, **more: Any) -> Any:
    return client.send(GET, path=PATH, lane=SCREEN, **more)


class TestSending:
    def test_path_query_body_and_headers(self, tenant: FakeTenant, client: GenesysClient) -> None:
        client.send(
            EXECUTE,
            path={"actionId": "a/b c"},
            query={"flatten": True, "id": ["x", "y"], "n": 3},
            body={"naïve": "ja"},
            lane=APPLY,
        )
        sent = tenant.requests[0]
        assert sent.method == "POST"
        assert sent.url.raw_path.decode() == "/api/v2/integrations/actions/a%2Fb%20c/execute?flatten=true&id=x&id=y&n=3"
        assert json.loads(sent.content) == {"naïve": "ja"}
        assert sent.headers["Content-Type"] == "application/json"
        assert sent.headers["Authorization"].startswith("Bearer ")

    def test_a_read_has_no_body(self, tenant: FakeTenant, client: GenesysClient) -> None:
        get(client)
        assert tenant.requests[0].content == b""
        assert "Content-Type" not in tenant.requests[0].headers

    def test_the_reply(self, tenant: FakeTenant, client: GenesysClient) -> None:
        headers = {"ININ-Correlation-Id": "c-7", "Set-Cookie": "sid=abcdef123"}
        tenant.script = [httpx.Response(200, json={"status": "available"}, headers=headers)]
        reply = patch(client)
        assert (reply.status, reply.json, reply.correlation_id) == (200, {"status": "available"}, "c-7")
        assert reply.headers["set-cookie"] == "[redacted]"
        (exchange,) = reply.exchanges
        assert exchange.number == 1
        assert (exchange.method, exchange.status, exchange.correlation_id) == ("PATCH", 200, "c-7")
        assert exchange.url == "http://127.0.0.1:9/api/v2/wfm/users/a1/availability"
        assert json.loads(exchange.request_body or "") == {"status": "unavailable", "reason": "Wartung"}
        assert exchange.started_at == NOW
        assert exchange.fault == ""

    def test_an_empty_answer_is_none(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [httpx.Response(204)]
        assert patch(client).json is None

    def test_a_read_must_be_json_a_done_write_need_not(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(200, text="<html>")
        with pytest.raises(BadAnswer):
            get(client)
        assert patch(client).json is None

    def test_a_redirect_is_not_followed_with_the_token(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [httpx.Response(302, headers={"Location": "https://evil.example/"})]
        with pytest.raises(BadRequest):
            get(client)
        assert len(tenant.requests) == 1

    def test_secrets_in_a_query_are_not_recorded(self, tenant: FakeTenant, client: GenesysClient) -> None:
        reply = get(client, query={"access_token": "abc", "name": "Bo"})
        assert reply.exchanges[0].url.endswith("?access_token=[redacted]&name=Bo")


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, BadRequest),
            (403, Forbidden),
            (404, ResourceNotFound),
            (405, BadRequest),
            (409, Conflict),
            (413, BadRequest),
            (422, BadRequest),
        ],
    )
    def test_what_the_tenant_refuses_is_never_sent_again(
        self, tenant: FakeTenant, client: GenesysClient, status: int, kind: type[GenesysError]
    ) -> None:
        body = {"code": "some.code", "message": "Because.", "contextId": "ctx-1", "access_token": "abc123"}
        tenant.handler = lambda request: httpx.Response(status, json=body)
        for send in (get, patch):
            tenant.requests.clear()
            with pytest.raises(kind) as caught:
                send(client)
            error = caught.value
            assert len(tenant.requests) == 1
            assert (error.status, error.code, error.message) == (status, "some.code", "Because.")
            assert error.correlation_id == "ctx-1"
            assert "abc123" not in (error.body or "")
            assert "Because" in (error.body or "")
            assert len(error.exchanges) == 1
            assert "ctx-1" in str(error)
            assert error.call == (GET.key if send is get else PATCH.key)

    def test_every_error_is_a_sentence_for_people(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [
            httpx.Response(403, json={"code": "forbidden", "message": "Insufficient permissions for resource access"})
        ]
        with pytest.raises(DeskError) as caught:
            patch(client)
        assert str(caught.value) == (
            "The tenant refused PATCH /api/v2/wfm/users/{userId}/availability (403 forbidden): "
            "Insufficient permissions for resource access."
        )

    def test_the_header_names_the_correlation_before_the_body(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [httpx.Response(404, json={"contextId": "body"}, headers={"ININ-Correlation-Id": "header"})]
        with pytest.raises(ResourceNotFound) as caught:
            get(client)
        assert caught.value.correlation_id == "header"
        assert caught.value.exchanges[0].correlation_id == "header"

    def test_real_payloads_never_break_the_reading(self, error_payloads: list[dict[str, Any]]) -> None:
        for case in error_payloads:
            code, message, correlation_id = parse_body(case["body"])
            assert code is None or isinstance(code, str)
            assert isinstance(message, str)
            assert correlation_id is None or isinstance(correlation_id, str)

    def test_real_payloads_come_through_as_errors(
        self, tenant: FakeTenant, client: GenesysClient, error_payloads: list[dict[str, Any]]
    ) -> None:
        for case in error_payloads:
            status = int(case["http_status"] or 0)
            if status < 400:
                continue
            headers = {n: v for n, v in case["headers"].items() if n.lower() not in ("content-length", "content-encoding")}
            tenant.handler = lambda request, s=status, c=case, h=headers: httpx.Response(s, headers=h, text=c["body"])
            with pytest.raises(GenesysError) as caught:
                client.send(EXECUTE, path={"actionId": "x"}, body={}, lane=APPLY, retry=False)
            assert caught.value.status == status, case["id"]
            assert caught.value.exchanges, case["id"]


class TestRetries:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_reads_are_sent_again(self, tenant: FakeTenant, client: GenesysClient, status: int) -> None:
        tenant.script = [httpx.Response(status, headers={"Retry-After": "0"}), httpx.Response(200, json={"ok": 1})]
        reply = get(client)
        assert reply.json == {"ok": 1}
        assert [e.status for e in reply.exchanges] == [status, 200]
        assert [e.number for e in reply.exchanges] == [1, 2]

    @pytest.mark.parametrize("fault", [*NOT_SENT, *MAYBE_SENT], ids=lambda fault: type(fault).__name__)
    def test_reads_are_sent_again_after_any_broken_connection(
        self, tenant: FakeTenant, client: GenesysClient, fault: Exception
    ) -> None:
        tenant.script = [fault, httpx.Response(200, json={})]
        exchanges = get(client).exchanges
        assert [e.status for e in exchanges] == [None, 200]
        assert exchanges[0].fault

    def test_a_search_is_a_read_though_it_is_a_post(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [httpx.ReadTimeout("slow"), httpx.Response(502), httpx.Response(200, json={})]
        assert client.send(SEARCH, path={"businessUnitId": "b"}, body={}, lane=SCREEN).status == 200

    @pytest.mark.parametrize("status", [408, 429, 503])
    def test_writes_that_were_not_accepted_are_sent_again(self, tenant: FakeTenant, client: GenesysClient, status: int) -> None:
        tenant.script = [httpx.Response(status, headers={"Retry-After": "0"}), httpx.Response(200, json={})]
        assert len(patch(client).exchanges) == 2

    @pytest.mark.parametrize("fault", NOT_SENT, ids=lambda fault: type(fault).__name__)
    def test_writes_that_never_left_are_sent_again(self, tenant: FakeTenant, client: GenesysClient, fault: Exception) -> None:
        tenant.script = [fault, httpx.Response(200, json={})]
        assert [e.status for e in patch(client).exchanges] == [None, 200]

    @pytest.mark.parametrize("fault", MAYBE_SENT, ids=lambda fault: type(fault).__name__)
    def test_a_write_that_may_have_arrived_is_not(self, tenant: FakeTenant, client: GenesysClient, fault: Exception) -> None:
        tenant.script = [httpx.Response(503, headers={"Retry-After": "0"}), fault]
        with pytest.raises(OutcomeUnknown) as caught:
            patch(client)
        assert len(tenant.requests) == 2
        assert caught.value.status is None
        assert [e.status for e in caught.value.exchanges] == [503, None]
        assert caught.value.exchanges[1].fault == caught.value.message

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_write_that_failed_in_the_middle_is_not(self, tenant: FakeTenant, client: GenesysClient, status: int) -> None:
        tenant.handler = lambda request: httpx.Response(status, json={"code": "internal.server.error"})
        with pytest.raises(OutcomeUnknown) as caught:
            patch(client)
        assert len(tenant.requests) == 1
        assert caught.value.status == status
        assert "read back" in str(caught.value)

    def test_attempts_are_bounded(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(503)
        with pytest.raises(ServerFault) as caught:
            get(client)
        assert len(tenant.requests) == QUICK.attempts
        assert len(caught.value.exchanges) == QUICK.attempts

    def test_a_long_retry_after_is_not_waited_for(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(503, headers={"Retry-After": "3600"})
        with pytest.raises(ServerFault) as caught:
            get(client)
        assert len(tenant.requests) == 1
        assert caught.value.retry_after == 3600

    def test_rate_limits_cost_patience_not_attempts(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.script = [httpx.Response(429, headers={"Retry-After": "0"}) for _ in range(12)]
        reply = patch(client)
        assert len(reply.exchanges) == 13

    def test_a_storm_of_rate_limits_ends_with_patience(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(429, json={"code": "too.many.requests", "message": "Slow down."})
        with pytest.raises(RateLimited) as caught:
            patch(client, patience_s=0.05)
        assert caught.value.code == "too.many.requests"

    def test_retry_false_sends_once(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(503)
        with pytest.raises(ServerFault):
            get(client, retry=False)
        assert len(tenant.requests) == 1

    def test_time_outs_and_refusals_to_connect_are_told_apart(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.ReadTimeout("slow")
        with pytest.raises(TimedOut):
            get(client)
        tenant.handler = lambda request: httpx.ConnectError("refused")
        with pytest.raises(ConnectionProblem) as caught:
            patch(client)
        assert not isinstance(caught.value, TimedOut)
        assert "Nothing was changed" in str(caught.value)


class FullPacer(Unpaced):
    """Never has room, and remembers what it was told."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.seen: list[tuple[int | None, bool]] = []

    def acquire(self, lane: RequestLane, timeout: float | None = None, cancel: threading.Event | None = None) -> Permit:
        if self.room == 0:
            raise NoPermit(cancelled=cancel is not None and cancel.is_set(), until=NOW, limit=300)
        self.room -= 1
        return Permit(1)

    def observe(self, permit: Permit, headers: Any, status: int | None, *, sent: bool = True) -> None:
        self.seen.append((status, sent))


class TestPacing:
    def test_no_room_in_time_says_so_and_sends_nothing(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        with pytest.raises(BudgetTimeout) as caught:
            patch(make_client(tenant, clock, FullPacer()))
        assert "300 requests a minute" in str(caught.value)
        assert "Nothing was sent" in str(caught.value)
        assert tenant.requests == []

    def test_giving_up_says_so(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(Cancelled):
            patch(make_client(tenant, clock, FullPacer()), cancel=cancel)
        assert tenant.requests == []

    def test_a_client_closed_under_a_thread_that_still_reads_says_so(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        client = make_client(tenant, clock, FullPacer(room=9))
        client.close()
        with pytest.raises(Cancelled, match="stopping"):
            patch(client)
        assert tenant.requests == []

    def test_when_patience_ends_the_tenants_own_answer_is_told(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        tenant.handler = lambda request: httpx.Response(429, json={"code": "too.many.requests"})
        with pytest.raises(RateLimited) as caught:
            patch(make_client(tenant, clock, FullPacer(room=1)))
        assert caught.value.code == "too.many.requests"

    def test_the_pacer_hears_of_every_attempt(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        pacer = FullPacer(room=9)
        tenant.script = [httpx.ConnectError("refused"), httpx.Response(503), httpx.ReadTimeout("slow")]
        with pytest.raises(OutcomeUnknown):
            patch(make_client(tenant, clock, pacer))
        assert pacer.seen == [(None, False), (503, True), (None, True)]

    def test_a_failed_token_request_gives_the_permit_back(self, tenant: FakeTenant, clock: SteppingClock) -> None:
        pacer = FullPacer(room=9)
        tenant.token_script = [httpx.Response(400, json={"error": "invalid_client"})]
        with pytest.raises(GenesysError):
            patch(make_client(tenant, clock, pacer))
        assert pacer.seen == [(None, False)]


class TestDownloads:
    def test_a_download_gets_no_token(self, tenant: FakeTenant, client: GenesysClient) -> None:
        tenant.handler = lambda request: httpx.Response(200, json={"entities": []})
        assert client.download("https://files.example/x?sig=1") == {"entities": []}
        assert "Authorization" not in tenant.requests[0].headers

    @pytest.mark.parametrize("address", ["http://files.example/x", "file:///etc/passwd", "not an address"])
    def test_other_addresses_are_not_fetched(self, tenant: FakeTenant, client: GenesysClient, address: str) -> None:
        with pytest.raises(ConnectionProblem):
            client.download(address)
        assert tenant.requests == []

    def test_a_broken_download_is_a_bad_answer(self, tenant: FakeTenant, client: GenesysClient) -> None:
        for answer in (httpx.Response(403, text="<Error>"), httpx.Response(200, text="{")):
            tenant.script = [answer]
            with pytest.raises(BadAnswer):
                client.download("https://files.example/x")


def test_query_values() -> None:
    assert query_params(None) is None
    assert query_params({"a": 1, "b": False, "c": ("x", "y"), "d": ""}) == {"a": "1", "b": "false", "c": ["x", "y"], "d": ""}


def test_a_host_that_nobody_listens_on() -> None:
    """Over a real socket: the sentence names the call, not a stack of libraries."""
    client = GenesysClient(
        Endpoint("http://127.0.0.1:1", "http://127.0.0.1:1"),
        Credentials("c", "secret-1"),
        Unpaced(),
        policies=dict.fromkeys(RequestLane, QUICK),
    )
    with pytest.raises(ConnectionProblem) as caught:
        patch(client)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert str(caught.value).startswith("The tenant can't be reached for POST /oauth/token")
    client.close()
