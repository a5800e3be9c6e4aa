"""Data Actions: the four of the brief's story, their contract, and how failures come wrapped."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.demo_inprocess import InProcess

ACTIONS = "/api/v2/integrations/actions"


def named(inside: InProcess, name: str) -> str:
    rows = inside.get(ACTIONS, name=name)["entities"]
    return next(str(row["id"]) for row in rows if row["name"] == name)


def execute(inside: InProcess, name: str, body: object, client: str = "desk", verb: str = "execute") -> Any:
    return inside.request("POST", f"{ACTIONS}/{named(inside, name)}/{verb}", client, json=body)


def remote(body: dict[str, Any]) -> Any:
    """The remote body that is escaped inside the inner message."""
    found = re.search(r"Response from web service: (\{.*\}) \[", body["errors"][0]["message"])
    assert found is not None
    return json.loads(found.group(1))


def test_four_actions_in_two_variants(inside: InProcess) -> None:
    rows = inside.get(ACTIONS)["entities"]
    assert sorted(row["name"] for row in rows) == [
        "set_agent_available",
        "set_agent_available_desk",
        "set_agent_unavailable",
        "set_agent_unavailable_desk",
    ]
    assert len({row["integrationId"] for row in rows}) == 2
    assert all("contract" not in row for row in rows)


def test_the_contract_and_the_request_are_told_on_demand(inside: InProcess) -> None:
    path = f"{ACTIONS}/{named(inside, 'set_agent_unavailable')}"
    whole = inside.get(path, expand="contract", includeConfig="true")
    assert set(whole["contract"]["input"]["inputSchema"]["properties"]) == {"userId", "status", "reason"}
    assert whole["config"]["request"]["requestType"] == "PATCH"
    assert "contract" not in inside.get(path)
    assert inside.request("GET", f"{ACTIONS}/unknown", "desk").status_code == 404


def test_with_the_desks_credentials_it_works_and_is_counted(inside: InProcess) -> None:
    agent = inside.working()["id"]
    done = execute(
        inside, "set_agent_unavailable_desk", {"userId": agent, "status": "unavailable", "reason": "maintenance_window"}
    )
    assert done.status_code == 200
    assert (done.json()["status"], done.json()["reason"]) == ("unavailable", "maintenance_window")
    back = execute(inside, "set_agent_available_desk", {"userId": agent}, "architect-flow")
    assert (back.status_code, back.json()["status"]) == (200, "available")
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 1}}


def test_with_architect_flows_credentials_it_fails_as_the_brief_tells_whoever_runs_it(inside: InProcess) -> None:
    agent = inside.working()["id"]
    failed = execute(inside, "set_agent_unavailable", {"userId": agent})
    body = failed.json()
    assert failed.status_code == 403
    assert remote(body) == {"code": "forbidden", "message": "Insufficient permissions for resource access"}
    assert body["details"] == [{"errorCode": "ACTION.REMOTE_ENDPOINT"}]
    assert body["contextId"] == failed.headers["ININ-Correlation-Id"]
    assert body["contextId"] in body["errors"][0]["message"]
    inside.demo("PATCH", "/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    assert execute(inside, "set_agent_unavailable", {"userId": agent}).status_code == 200


def test_remote_failures_keep_their_status(inside: InProcess) -> None:
    unscheduled = inside.agent(scheduled="false", active="true")["id"]
    missing = execute(inside, "set_agent_unavailable_desk", {"userId": unscheduled})
    assert (missing.status_code, remote(missing.json())["code"]) == (404, "not_found")
    away = inside.agent(out_of_office="true", scheduled="true")["id"]
    conflict = execute(inside, "set_agent_unavailable_desk", {"userId": away})
    assert (conflict.status_code, remote(conflict.json())["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "userId"),
        ({"userId": 7}, "userId"),
        ({"userId": None}, "userId"),
        ({"userId": "x", "status": "gone"}, "status"),
        ({"userId": "x", "minutes": 5}, "minutes"),
        ([], "body"),
    ],
)
def test_an_input_against_the_contract_is_400(inside: InProcess, body: object, field: str) -> None:
    response = execute(inside, "set_agent_unavailable_desk", body)
    assert (response.status_code, response.json()["code"]) == (400, "invalid.schema")
    assert response.json()["details"] == [{"errorCode": "ACTION.PROCESSING", "fieldName": field}]


def test_a_bad_input_is_400_before_an_unknown_action_is_404(inside: InProcess) -> None:
    path = f"{ACTIONS}/no-such-action/execute"
    assert inside.request("POST", path, "desk", json={}).status_code == 400
    assert inside.request("POST", path, "desk", json={"userId": "x"}).status_code == 404


def test_a_reader_may_not_execute(inside: InProcess) -> None:
    response = execute(inside, "set_agent_unavailable_desk", {"userId": "x"}, "read-only")
    assert (response.status_code, response.json()["code"]) == (403, "missing.any.permissions")


def test_a_test_is_200_with_its_steps_even_when_it_fails(inside: InProcess) -> None:
    agent = inside.working()["id"]
    good = execute(inside, "set_agent_unavailable_desk", {"userId": agent}, verb="test").json()
    assert good["success"] is True
    assert good["finalResult"]["status"] == "unavailable"
    assert [step["step"] for step in good["operations"]] == list(range(1, len(good["operations"]) + 1))
    response = execute(inside, "set_agent_unavailable", {"userId": agent}, verb="test")
    bad = response.json()
    assert (response.status_code, bad["success"], bad["operations"][-1]["success"]) == (200, False, False)
    assert bad["error"] == bad["operations"][-1]["error"]
    assert remote(bad["error"])["code"] == "forbidden"
    wrong = execute(inside, "set_agent_unavailable_desk", {}, verb="test").json()
    assert (wrong["success"], wrong["error"]["code"]) == (False, "invalid.schema")
