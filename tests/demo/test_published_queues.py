"""Members of queues join and leave: asynchronously, a hundred a call, silent about who is no member."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.published import UNKNOWN_USER, in_division, published_tenant, refused, user_token
from tests.support.demo_inprocess import InProcess


@pytest.fixture(scope="module")
def platform() -> InProcess:
    return published_tenant()


@pytest.fixture(autouse=True)
def as_at_first(platform: InProcess) -> None:
    platform.demo("POST", "/reset")
    platform.demo("PATCH", "/settings", {"propagation_s": 2})
    platform.forget_tokens()


def queue_of(platform: InProcess, division: str = "Care") -> str:
    rows = platform.get("/api/v2/routing/queues", pageSize=100)["entities"]
    return str(next(row["id"] for row in rows if row["division"]["name"] == division))


def members(platform: InProcess, queue: str) -> dict[str, bool]:
    rows: list[dict[str, Any]] = []
    number = 1
    while len(rows) % 100 == 0:
        found = platform.get(f"/api/v2/routing/queues/{queue}/members", pageSize=100, pageNumber=number)["entities"]
        if not found:
            break
        rows, number = rows + found, number + 1
    return {row["id"]: row["joined"] for row in rows}


def test_the_flag_changes_after_its_delay_and_comes_back_in_bulk(platform: InProcess) -> None:
    queue = queue_of(platform)
    before = members(platform, queue)
    joined = [user for user, flag in before.items() if flag][:100]
    stranger = next(row["id"] for row in in_division(platform, "Sales") if row["id"] not in before)
    platform.demo("PATCH", "/settings", {"propagation_s": 30})
    path = f"/api/v2/routing/queues/{queue}/members"
    body = [{"id": user, "joined": False} for user in (*joined[:98], stranger, UNKNOWN_USER)]
    answered = platform.request("PATCH", path, "desk", json=body)
    assert answered.status_code == 200
    assert {row["id"]: row["joined"] for row in answered.json()["entities"]} == dict.fromkeys(joined[:98], True)
    assert members(platform, queue) == before
    platform.clock.advance(29)
    assert members(platform, queue) == before
    platform.clock.advance(1)
    assert members(platform, queue) == before | dict.fromkeys(joined[:98], False)
    summary = next(row for row in platform.get("/api/v2/routing/queues", pageSize=100)["entities"] if row["id"] == queue)
    assert summary["joinedMemberCount"] == sum(members(platform, queue).values())
    back = [{"id": user, "joined": True} for user in joined[:98]]
    assert platform.request("PATCH", path, "desk", json=back).status_code == 200
    platform.clock.advance(30)
    assert members(platform, queue) == before
    counts = platform.demo("GET", "/updates")
    assert counts == {user: {"unavailable": 0, "available": 0, "left_queues": 1, "joined_queues": 1} for user in joined[:98]}


def test_declared_limits_and_codes(platform: InProcess) -> None:
    path = f"/api/v2/routing/queues/{queue_of(platform)}/members"
    many = [{"id": UNKNOWN_USER, "joined": False}] * 101
    assert refused(platform.request("PATCH", path, "desk", json=many)) == (400, "bad.request")
    nowhere = platform.request("PATCH", f"/api/v2/routing/queues/{UNKNOWN_USER}/members", "desk", json=many[:1])
    assert refused(nowhere) == (404, "resource.not.found")
    no_id = platform.request("PATCH", "/api/v2/routing/queues/elsewhere/members", "desk", json=many[:1])
    assert refused(no_id) == (400, "invalid.id")
    wrong = platform.request("PATCH", path, "desk", json=[{"id": UNKNOWN_USER, "joined": "no"}])
    assert wrong.json()["details"][0]["fieldName"] == "[0].joined"
    assert refused(platform.request("PATCH", path, "read-only", json=many[:1])) == (403, "missing.any.permissions")
    platform.demo("PATCH", "/clients/desk", {"withdraw": ["Queue Manager"], "divisions": ["Care"]})
    assert refused(platform.request("PATCH", path, "desk", json=many[:1])) == (403, "missing.any.division.permissions")


def test_a_user_leaves_a_queue_and_others_need_the_permission(platform: InProcess) -> None:
    queue = queue_of(platform)
    first, second = [user for user, flag in members(platform, queue).items() if flag][:2]
    body = [{"id": queue, "joined": False}, {"id": queue_of(platform, "Sales"), "joined": False}]
    own = user_token(platform, first)
    answered = platform.request("PATCH", f"/api/v2/users/{first}/queues", headers=own, json=body[:1])
    assert [(row["id"], row["joined"]) for row in answered.json()["entities"]] == [(queue, True)]
    other = platform.request("PATCH", f"/api/v2/users/{second}/queues", headers=own, json=body[:1])
    assert refused(other) == (403, "missing.division.permission")
    assert platform.request("PATCH", f"/api/v2/users/{second}/queues", "desk", json=body).status_code == 200
    platform.clock.advance(2)
    flags = members(platform, queue)
    assert (flags[first], flags[second]) == (False, False)


def test_join_flags_survive_a_restart(platform: InProcess) -> None:
    queue = queue_of(platform)
    user = next(user for user, flag in members(platform, queue).items() if flag)
    platform.request("PATCH", f"/api/v2/routing/queues/{queue}/members", "desk", json=[{"id": user, "joined": False}])
    states = platform.tenant.states
    records = list(states.records())
    states.reset()
    for record in records:
        states.replay(record)
    platform.clock.advance(5)
    assert members(platform, queue)[user] is False
