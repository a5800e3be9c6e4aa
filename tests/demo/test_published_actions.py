"""Data Actions of the published platform: contracts of their own, and the rights of their integration's client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.published import UNKNOWN_USER, definition, in_division, published_tenant, refused
from tests.support.demo_inprocess import InProcess

ACTIONS = "/api/v2/integrations/actions"


@pytest.fixture
def platform() -> InProcess:
    return published_tenant()


def action(platform: InProcess, name: str) -> str:
    rows = platform.get(ACTIONS)["entities"]
    return f"{ACTIONS}/{next(row['id'] for row in rows if row['name'] == name)}"


def inputs(platform: InProcess, agent: dict[str, Any], **more: Any) -> dict[str, Any]:
    wanted = definition(platform, "Maintenance", "Care")
    return {"userId": agent["id"], "presenceDefinitionId": wanted, "message": 'Quote " and \\', **more}


def test_an_action_acts_with_the_rights_of_its_integration(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    done = platform.request(
        "POST", f"{action(platform, 'set_agent_presence_desk')}/execute", "desk", json=inputs(platform, agent)
    )
    assert (done.status_code, done.json()["message"]) == (200, 'Quote " and \\')
    assert platform.demo("GET", "/updates") == {agent["id"]: {"unavailable": 1, "available": 0}}
    path = f"{action(platform, 'set_agent_presence')}/execute"
    denied = platform.request("POST", path, "desk", json=inputs(platform, agent))
    assert refused(denied) == (403, "not.authorized")
    inner = denied.json()["errors"][0]["message"]
    assert "presence.not.authorized.update.other.user.presence" in inner
    platform.demo("PATCH", "/clients/architect-flow", {"grant": ["Presence Editor"]})
    assert platform.request("POST", path, "desk", json=inputs(platform, agent)).status_code == 200
    assert refused(platform.request("POST", path, "read-only", json={})) == (403, "missing.any.permissions")


def test_contracts_differ_and_are_held(platform: InProcess) -> None:
    queue = action(platform, "set_queue_membership_desk")
    contract = platform.get(queue, expand="contract")["contract"]["input"]["inputSchema"]
    assert contract == platform.get(f"{queue}/schemas/input.json")
    assert contract["properties"]["joined"]["type"] == "boolean"
    wrong = platform.request("POST", f"{queue}/execute", "desk", json={"queueId": "q", "agent": "a", "joined": "no"})
    assert refused(wrong) == (400, "invalid.schema")
    missing = platform.request("POST", f"{queue}/execute", "desk", json={"queueId": "q"})
    assert "agent" in missing.json()["message"]
    own = next(row for row in platform.get("/api/v2/routing/queues", pageSize=100)["entities"])
    user = platform.get(f"/api/v2/routing/queues/{own['id']}/members", joined="true")["entities"][0]["id"]
    body = {"queueId": own["id"], "agent": user, "joined": False}
    assert platform.request("POST", f"{queue}/execute", "desk", json=body).status_code == 200
    assert platform.demo("GET", "/updates")[user]["left_queues"] == 1
    assert "${input.joined}" in platform.request("GET", f"{queue}/templates/requesttemplate.vm", "desk").text
    assert refused(platform.request("GET", f"{queue}/schemas/none.json", "desk")) == (404, "not.found")


def test_a_test_run_tells_its_steps_and_secure_ones_are_filtered(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    path = f"{action(platform, 'set_agent_presence_desk')}/test"
    tested = platform.request("POST", path, "desk", json=inputs(platform, agent)).json()
    assert (tested["success"], [row["success"] for row in tested["operations"]]) == (True, [True] * 6)
    failed = platform.request("POST", path, "desk", json=inputs(platform, {"id": UNKNOWN_USER})).json()
    assert (failed["success"], failed["error"]["status"]) == (False, 404)
    assert [row["name"] for row in platform.get(ACTIONS, secure="true")["entities"]] == ["set_agent_presence_secure"]


def test_an_action_of_any_contract_is_added_changed_and_deleted(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    built_in = platform.get(action(platform, "set_agent_presence_desk"))
    schema = {
        "type": "object",
        "required": ["person", "detail"],
        "properties": {"person": {"type": "string"}, "detail": {"type": "string", "enum": ["presence", "team"]}},
    }
    body = {
        "category": "Own",
        "name": "read_person",
        "integrationId": built_in["integrationId"],
        "config": {
            "request": {"requestType": "GET", "requestUrlTemplate": "/api/v2/users/${input.person}?expand=${input.detail}"}
        },
        "contract": {"input": {"inputSchema": schema}, "output": {"successSchema": {"type": "object"}}},
    }
    assert refused(platform.request("POST", ACTIONS, "desk", json=body)) == (403, "missing.permissions")
    platform.demo("PATCH", "/clients/desk", {"grant": ["Data Action Administrator"]})
    own = platform.request("POST", ACTIONS, "desk", json=body).json()["selfUri"]
    done = platform.request("POST", f"{own}/execute", "desk", json={"person": agent["id"], "detail": "presence"})
    assert (done.json()["name"], done.json()["presence"]["id"]) == (agent["name"], agent["id"])
    odd = platform.request("POST", f"{own}/execute", "desk", json={"person": agent["id"], "detail": "age"})
    assert refused(odd) == (400, "invalid.schema")
    renamed = platform.request("PATCH", own, "desk", json={"name": "read_agent", "version": 1})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("read_agent", 2)
    assert refused(platform.request("PATCH", own, "desk", json={"name": "again", "version": 1})) == (409, "request.conflict")
    itself = {**body, "config": {"request": {"requestType": "POST", "requestUrlTemplate": f"{own}/execute"}}}
    nested = platform.request("POST", ACTIONS, "desk", json=itself).json()["selfUri"]
    ran = platform.request("POST", f"{nested}/execute", "desk", json={"person": "p", "detail": "team"})
    assert ran.status_code == 400
    assert platform.request("DELETE", own, "desk").status_code == 204
    assert refused(platform.request("GET", own, "desk")) == (404, "not.found")


def test_a_contract_changes_while_a_plan_waits(platform: InProcess) -> None:
    path = action(platform, "set_agent_presence_desk")
    agent = in_division(platform, "Care")[0]
    schema = platform.get(f"{path}/schemas/input.json")
    schema["properties"]["ticket"] = {"type": "string"}
    schema["required"].append("ticket")
    changed = platform.demo("POST", f"/actions/{path.rsplit('/', 1)[1]}/contract", schema)
    assert changed == {"version": 2} == {"version": platform.get(path)["version"]}
    old = platform.request("POST", f"{path}/execute", "desk", json=inputs(platform, agent))
    assert refused(old) == (400, "invalid.schema")
    assert "ticket" in old.json()["message"]
    new = platform.request("POST", f"{path}/execute", "desk", json=inputs(platform, agent, ticket="CHG-1"))
    assert new.status_code == 200
