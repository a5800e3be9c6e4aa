"""Unavailable times, explanations and time off: kept, asked for, changed; no schedule and no state follows from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.demo.published import UNKNOWN_USER, published_tenant, refused, user_token
from tests.support.demo_inprocess import InProcess

WFM = "/api/v2/workforcemanagement"


@pytest.fixture
def platform() -> InProcess:
    return published_tenant()


def agent_and_unit(platform: InProcess) -> tuple[str, str]:
    agent = platform.working()["id"]
    return agent, platform.get(f"{WFM}/agents/{agent}/managementunit")["managementUnit"]["id"]


def dates(platform: InProcess, hours: int = 24) -> dict[str, str]:
    now = platform.clock.now
    return {"startDate": now.isoformat(), "endDate": (now + timedelta(hours=hours)).isoformat()}


def test_unavailable_times_are_added_changed_and_deleted(platform: InProcess) -> None:
    agent, _unit = agent_and_unit(platform)
    path = f"{WFM}/agents/{agent}/unavailabletimes"
    span: dict[str, Any] = {"timeSpan": {"startDate": platform.clock.now.isoformat(), "lengthMinutes": 60}, "notes": "CHG-1"}
    (added,) = platform.request("PATCH", path, "desk", json={"entities": [span]}).json()["results"]
    assert added["status"] == "Complete"
    own = added["unavailableTime"]["id"]

    def listed() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = platform.request("POST", f"{path}/query", "desk", json=dates(platform)).json()["entities"]
        return rows

    assert listed() == [{"id": own, **span}]
    both = {"entities": [{"id": own, **span, "notes": "CHG-2"}, {"id": UNKNOWN_USER, **span}]}
    results = platform.request("PATCH", path, "desk", json=both).json()["results"]
    assert [row["status"] for row in results] == ["Complete", "Error"]
    assert [row["notes"] for row in listed()] == ["CHG-2"]
    self_service = f"{WFM}/unavailabletimes"
    mine = platform.request("PATCH", self_service, headers=user_token(platform, agent), json={"entities": [span]})
    assert len(mine.json()["entities"]) == 2
    assert refused(platform.request("PATCH", self_service, "desk", json={"entities": [span]})) == (403, "missing.permissions")
    platform.request("PATCH", path, "desk", json={"entities": [{"id": own, "delete": True}]})
    assert own not in [row["id"] for row in listed()]
    platform.clock.advance(2 * 3600)
    assert listed() == []
    wrong = platform.request("PATCH", path, "desk", json={"entities": [{"timeSpan": {"startDate": "noon"}}]})
    assert wrong.json()["details"][0]["fieldName"] == "entities[0].timeSpan.startDate"


def test_explanations_end_by_a_job(platform: InProcess) -> None:
    agent, _unit = agent_and_unit(platform)
    path = f"{WFM}/agents/{agent}/adherence/explanations"
    body = {"type": "Late", "startDate": platform.clock.now.isoformat(), "lengthMinutes": 30, "notes": "CHG-1"}
    started = platform.request("POST", path, "desk", json=body)
    assert started.status_code == 202
    job = started.json()["job"]["selfUri"]
    assert "adherenceExplanation" not in platform.get(job)
    platform.clock.advance(1)
    explained = platform.get(job)["adherenceExplanation"]
    assert (explained["agent"]["id"], explained["status"], explained["notes"]) == (agent, "Pending", "CHG-1")
    reviewed = platform.request("PATCH", explained["selfUri"], "desk", json={"status": "Approved"}).json()["job"]["selfUri"]
    platform.clock.advance(1)
    assert platform.get(reviewed)["adherenceExplanation"]["status"] == "Approved"
    assert refused(platform.request("POST", path, "desk", json={**body, "type": "Early"})) == (400, "wfm.bad.request")
    assert refused(platform.request("POST", path, "read-only", json=body)) == (403, "missing.permissions")
    nobody = platform.request("GET", f"{WFM}/adherence/explanations/jobs/{UNKNOWN_USER}", "desk")
    assert refused(nobody) == (404, "wfm.entity.not.found")


def test_time_off_is_asked_for_once_for_many_and_its_version_is_held(platform: InProcess) -> None:
    agent, unit = agent_and_unit(platform)
    path = f"{WFM}/managementunits/{unit}/timeoffrequests"
    body: dict[str, Any] = {
        "status": "APPROVED",
        "users": [{"id": agent}],
        "activityCodeId": "5",
        "partialDayStartDateTimes": [platform.clock.now.isoformat()],
        "dailyDurationMinutes": 30,
    }
    (made,) = platform.request("POST", path, "desk", json=body).json()["timeOffRequests"]
    assert (made["user"]["id"], made["status"], made["metadata"]) == (agent, "APPROVED", {"version": 1})
    found = platform.request("POST", f"{path}/query", "desk", json={"dateRange": dates(platform)}).json()["entities"]
    assert [row["id"] for row in found] == [made["id"]]
    denied = {"status": "DENIED", "metadata": {"version": 1}}
    assert platform.request("PATCH", made["selfUri"], "desk", json=denied).json()["metadata"] == {"version": 2}
    again = platform.request("PATCH", made["selfUri"], "desk", json=denied)
    assert refused(again) == (409, "wfm.transaction.conflict")
    long = platform.request("POST", f"{path}/query", "desk", json={"dateRange": dates(platform, 34 * 24)})
    assert refused(long) == (400, "wfm.validation.failure")
    stranger = platform.request("POST", path, "desk", json={**body, "users": [{"id": UNKNOWN_USER}]})
    assert refused(stranger) == (400, "wfm.entity.not.found")
    assert refused(platform.request("POST", path, "desk", json={**body, "activityCodeId": "0"}))[0] == 400
    assert platform.demo("GET", f"/agents/{agent}")["on_shift"] is True


def test_they_survive_a_restart_and_a_reset_ends_them(platform: InProcess) -> None:
    agent, _unit = agent_and_unit(platform)
    span = {"timeSpan": {"startDate": platform.clock.now.isoformat(), "lengthMinutes": 60}}
    platform.request("PATCH", f"{WFM}/agents/{agent}/unavailabletimes", "desk", json={"entities": [span]})
    records = list(platform.tenant.records.records())
    platform.demo("POST", "/reset")
    platform.forget_tokens()
    asked = f"{WFM}/agents/{agent}/unavailabletimes/query"
    assert platform.request("POST", asked, "desk", json=dates(platform)).json()["entities"] == []
    for record in records:
        platform.tenant.records.replay(record)
    assert len(platform.request("POST", asked, "desk", json=dates(platform)).json()["entities"]) == 1
