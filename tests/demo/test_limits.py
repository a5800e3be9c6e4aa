"""Fixed 60-second windows a client, the headers that tell of them, and correlation ids."""

from __future__ import annotations

import pytest

from tests.support.demo_inprocess import Clock, InProcess
from wfm.demo.tenant import Options

USERS = "/api/v2/users"


@pytest.fixture
def small() -> InProcess:
    """Five requests a minute."""
    return InProcess(Clock(), Options(agents=50, latency_ms=0, rate_limit=5))


def headers(response: object, *names: str) -> list[int]:
    return [int(response.headers[f"inin-ratelimit-{name}"]) for name in names]  # type: ignore[attr-defined]


def test_headers_count_up_and_the_window_is_sixty_seconds_from_the_first_request(small: InProcess) -> None:
    first = small.request("GET", USERS, "desk")
    assert headers(first, "allowed", "count", "reset") == [5, 1, 60]
    small.clock.advance(12.5)
    second = small.request("GET", USERS, "desk")
    assert headers(second, "allowed", "count", "reset") == [5, 2, 48]


def test_above_the_limit_it_is_429_with_retry_after_until_the_window_ends(small: InProcess) -> None:
    statuses = [small.request("GET", USERS, "desk").status_code for _ in range(5)]
    small.clock.advance(20)
    refused = small.request("GET", USERS, "desk")
    assert statuses == [200] * 5
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "40"
    assert headers(refused, "allowed", "count", "reset") == [5, 5, 40]
    assert refused.json()["code"] == "too.many.requests"
    assert refused.json()["limit"]["value"] == 5
    small.clock.advance(39.9)
    assert small.request("GET", USERS, "desk").status_code == 429
    small.clock.advance(0.2)
    assert headers(small.request("GET", USERS, "desk"), "count", "reset") == [1, 60]


def test_the_brief_path_answers_429_in_two_keys(small: InProcess) -> None:
    path = f"/api/v2/wfm/users/{small.working()['id']}/availability"
    for _ in range(5):
        small.request("GET", path, "desk")
    body = small.request("GET", path, "desk").json()
    assert set(body) == {"code", "message"}
    assert body["code"] == "too_many_requests"


def test_clients_have_windows_of_their_own_whatever_token_they_hold(small: InProcess) -> None:
    for _ in range(5):
        small.request("GET", USERS, "desk")
    assert small.request("GET", USERS, "read-only").status_code == 200
    small.forget_tokens()
    assert small.request("GET", USERS, "desk").status_code == 429


def test_failures_count_and_token_and_demo_requests_do_not(small: InProcess) -> None:
    assert small.request("GET", f"{USERS}/unknown", "desk").status_code == 404
    for _ in range(8):
        small.forget_tokens()
        small.token("desk")
        small.demo("GET", "/info")
        small.request("GET", USERS, headers={"Authorization": "Bearer nonsense"})
    assert headers(small.request("GET", USERS, "desk"), "count") == [2]


def test_every_answer_has_a_correlation_id_of_its_own_and_limit_headers(small: InProcess) -> None:
    answers = [
        small.request("GET", USERS, "desk"),
        small.request("GET", USERS),
        small.request("GET", f"{USERS}/unknown", "desk"),
        small.request("GET", "/api/v2/nothing", "desk"),
        small.request("PATCH", f"/api/v2/wfm/users/{small.working()['id']}/availability", "read-only", json={}),
        small.request("POST", "/oauth/token"),
        small.request("GET", "/_demo/info"),
        small.request("GET", "/elsewhere"),
        *[small.request("GET", USERS, "desk") for _ in range(4)],
    ]
    assert {answer.status_code for answer in answers} == {200, 400, 401, 403, 404, 429}
    ids = [answer.headers["ININ-Correlation-Id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all({f"inin-ratelimit-{n}" for n in ("allowed", "count", "reset")} <= set(a.headers) for a in answers)
    assert all((a.status_code == 429) == ("retry-after" in a.headers) for a in answers)


def test_published_errors_are_error_bodies_whose_context_is_the_correlation_id(small: InProcess) -> None:
    response = small.request("GET", f"{USERS}/unknown", "desk")
    body = response.json()
    assert body["contextId"] == response.headers["ININ-Correlation-Id"]
    assert (body["status"], body["code"]) == (404, "not.found")
    assert {"message", "messageParams", "details", "errors"} <= set(body)


def test_the_limit_is_told_by_the_published_path_and_follows_the_scenario() -> None:
    inside = InProcess(Clock(), Options(agents=50, latency_ms=0, rate_limit=300))

    def limit() -> int:
        rows = inside.get("/api/v2/organizations/limits/namespaces/platform.api")["entities"]
        return next(int(row["value"]) for row in rows if row["key"] == "client.credentials.token.rate.per.minute")

    assert limit() == 300
    inside.demo("POST", "/scenario", {"name": "busy-hour"})
    assert limit() == 60
    assert inside.demo("GET", "/info")["rate_limit"] == 60
    inside.demo("PATCH", "/settings", {"rate_limit": 10})
    assert limit() == 10


def test_a_body_over_512000_bytes_is_413(small: InProcess) -> None:
    unit = small.tenant.world.business_units[0].id
    path = f"/api/v2/workforcemanagement/businessunits/{unit}/agentschedules/search"
    response = small.request("POST", path, "desk", content=b" " * 512_001)
    assert (response.status_code, response.json()["code"]) == (413, "request.entity.too.large")
    assert small.request("POST", path, "desk", content=b" " * 512_000).status_code == 400


def test_stats_tell_what_was_accepted_and_refused(small: InProcess) -> None:
    agent = small.working()["id"]
    for _ in range(3):
        small.request("PATCH", f"/api/v2/wfm/users/{agent}/availability", "desk", json={"status": "available"})
    for _ in range(3):
        small.request("GET", USERS, "desk")
    small.clock.advance(15)
    stats = small.demo("GET", "/stats")
    assert (stats["requests_accepted"], stats["refused_429"], stats["writes_accepted"]) == (5, 1, 3)
    assert stats["window_resets_in_s"] == 45
    assert stats["clients"]["desk"] == {"allowed": 5, "count": 5, "resets_in_s": 45}
