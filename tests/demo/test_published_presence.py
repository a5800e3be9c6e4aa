"""Presences of the published platform: bulk and single, declared limits and codes, and what is switched by fault steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.published import UNKNOWN_USER, definition, in_division, item, published_tenant, refused
from tests.support.demo_inprocess import InProcess

BULK = "/api/v2/users/presences/bulk"
READ = "/api/v2/users/presences/purecloud/bulk"
USER_PRESENCE = {
    "id",
    "name",
    "source",
    "sourceId",
    "primary",
    "presenceDefinition",
    "message",
    "modifiedDate",
    "selfUri",
}


@pytest.fixture
def platform() -> InProcess:
    return published_tenant()


def single(agent: dict[str, Any]) -> str:
    return f"/api/v2/users/{agent['id']}/presences/purecloud"


def read(platform: InProcess, agents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    rows = platform.get(READ, id=",".join(row["id"] for row in agents))
    return {row["userId"]: row for row in rows}


def test_fifty_are_changed_in_one_call_and_come_back(platform: InProcess) -> None:
    agents = in_division(platform, "Care")[:50]
    assert len(agents) == 50
    before = read(platform, agents)
    out = definition(platform, "Maintenance", "Care")
    platform.clock.advance(5)
    done = platform.request("PUT", BULK, "desk", json=[item(row, out) for row in agents])
    assert done.status_code == 200
    assert all(set(row) == USER_PRESENCE for row in done.json())
    after = read(platform, agents)
    for agent in agents:
        now = after[agent["id"]]
        assert (now["presenceDefinition"]["id"], now["message"]) == (out, "Maintenance CHG-1")
        assert now["presenceDefinition"]["systemPresence"] == "Away"
        assert now["modifiedDate"] > before[agent["id"]]["modifiedDate"]
        assert now["id"] != now["userId"]
    for agent in agents:
        old = before[agent["id"]]
        back = item(agent, old["presenceDefinition"]["id"], old["message"])
        assert platform.request("PATCH", single(agent), "desk", json=back).status_code == 200
    assert {user: (row["presenceDefinition"], row["message"]) for user, row in read(platform, agents).items()} == {
        user: (row["presenceDefinition"], row["message"]) for user, row in before.items()
    }
    counts = platform.demo("GET", "/updates")
    assert counts == {row["id"]: {"unavailable": 1, "available": 1} for row in agents}
    operations = platform.demo("GET", "/stats")["operations"]
    assert operations[f"PUT {BULK}"] == 1
    assert operations["PATCH /api/v2/users/{userId}/presences/purecloud"] == 50


def test_what_an_agent_had_before_counts_as_available(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    platform.demo("POST", f"/agents/{agent['id']}/state", {"presence": "Coaching"})
    out, coaching = definition(platform, "Maintenance", "Care"), definition(platform, "Coaching")
    for wanted in (out, out, coaching, coaching, out, definition(platform, "Available")):
        assert platform.request("PUT", BULK, "desk", json=[item(agent, wanted)]).status_code == 200
    assert platform.demo("GET", "/updates")[agent["id"]] == {"unavailable": 3, "available": 3}


def test_limits_and_codes_are_the_declared_ones(platform: InProcess) -> None:
    agents = in_division(platform, "Care")[:2] * 26
    out = definition(platform, "Maintenance", "Care")
    assert refused(platform.request("PUT", BULK, "desk", json=[item(row, out) for row in agents[:51]])) == (
        400,
        "max.user.presences",
    )
    on_queue = item(agents[1], definition(platform, "OnQueue"))
    assert refused(platform.request("PUT", BULK, "desk", json=[item(agents[0], out), on_queue])) == (
        400,
        "endpoint.does.not.support.on.queue",
    )
    fifty_one = platform.request("GET", READ, "desk", params={"id": ",".join(row["id"] for row in agents[:51])})
    assert refused(fifty_one) == (400, "max.user.presences")
    unknown = platform.request("GET", READ, "desk", params={"id": f"{agents[0]['id']},{UNKNOWN_USER}"})
    assert refused(unknown) == (404, "presenceservice.usernotfound")
    nobody = platform.request("PATCH", f"/api/v2/users/{UNKNOWN_USER}/presences/purecloud", "desk", json=item(agents[0], out))
    assert refused(nobody) == (404, "presenceservice.usernotfound")
    source = platform.request("GET", f"/api/v2/users/{agents[0]['id']}/presences/elsewhere", "desk")
    assert refused(source) == (404, "not.found")
    assert platform.demo("GET", "/updates") == {}


def test_out_of_office_is_not_a_conflict_of_updates(platform: InProcess) -> None:
    away = platform.agent(out_of_office="true", active="true")
    available = item(away, definition(platform, "Available"))
    for verb, path, body in (("PATCH", single(away), available), ("PUT", BULK, [available])):
        assert refused(platform.request(verb, path, "desk", json=body)) == (409, "request.conflict")
    platform.demo("POST", "/faults", [{"kind": "presence_busy"}])
    agent = in_division(platform, "Care")[0]
    busy = item(agent, definition(platform, "Available"))
    assert refused(platform.request("PATCH", single(agent), "desk", json=busy)) == (409, "presenceservice.conflict")
    assert platform.request("PATCH", single(agent), "desk", json=busy).status_code == 200


@pytest.mark.parametrize("bad", ["unknown user", "division", "out of office", "definition"])
@pytest.mark.parametrize("kind", ["", "bulk_partly", "bulk_partly_answered"])
def test_a_chunk_with_one_bad_id(platform: InProcess, kind: str, bad: str) -> None:
    care, sales = in_division(platform, "Care")[:3], in_division(platform, "Sales")[0]
    out, available = definition(platform, "Maintenance", "Care"), definition(platform, "Available")
    wrong, status = {
        "unknown user": (item({"id": UNKNOWN_USER}, out), 404),
        "division": (item(sales, available), 403),
        "out of office": (item(platform.agent(out_of_office="true", active="true"), available), 409),
        "definition": (item(sales, out), 400),
    }[bad]
    if bad == "division":
        platform.demo("PATCH", "/clients/desk", {"withdraw": ["Presence Editor"], "divisions": ["Sales"]})
    if kind:
        platform.demo("POST", "/faults", [{"kind": kind, "share": 1}])
    body = [item(care[0], out), wrong, item(care[1], out), item(care[2], out)]
    answered = platform.request("PUT", BULK, "desk", json=body)
    changed = {row["id"] for row in care} if kind else set()
    assert set(platform.demo("GET", "/updates")) == changed
    assert answered.status_code == (200 if kind == "bulk_partly_answered" else status)
    if kind == "bulk_partly_answered":
        assert [row["id"] for row in answered.json()] == [row["id"] for row in care]


def test_on_queue_for_another_user_is_a_switch(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    platform.demo("POST", f"/agents/{agent['id']}/state", {"presence": "Maintenance"})
    on_queue = item(agent, definition(platform, "OnQueue"), "")
    platform.demo("POST", "/faults", [{"kind": "on_queue_refused", "share": 1}])
    answered = platform.request("PATCH", single(agent), "desk", json=on_queue)
    assert refused(answered) == (403, "presence.not.authorized.update.on.queue")
    available = item(agent, definition(platform, "Available"), "")
    assert platform.request("PATCH", single(agent), "desk", json=available).status_code == 200
    platform.demo("DELETE", "/faults")
    assert platform.request("PATCH", single(agent), "desk", json=on_queue).status_code == 200
    assert platform.demo("GET", f"/agents/{agent['id']}")["presence"] == "OnQueue"


def test_definitions_of_another_division_and_deactivated_ones_are_refused(platform: InProcess) -> None:
    care, sales = in_division(platform, "Care")[0], in_division(platform, "Sales")[0]
    (ended,) = platform.get("/api/v2/presence/definitions", deactivated="TRUE")["entities"]
    for agent, wanted in ((sales, ended["id"]), (sales, definition(platform, "Maintenance", "Care")), (care, "none")):
        answered = platform.request("PATCH", single(agent), "desk", json=item(agent, wanted))
        assert refused(answered) == (400, "invalid.value")
        assert answered.json()["details"][0]["fieldName"] == "presenceDefinition.id"


def test_a_contact_goes_on_when_its_agent_leaves_the_queue(platform: InProcess) -> None:
    busy = next(row for row in in_division(platform, "Care", in_contact="true") if row["presence"] == "OnQueue")
    out = definition(platform, "Maintenance", "Care")
    assert platform.request("PUT", BULK, "desk", json=[item(busy, out)]).status_code == 200
    status = f"/api/v2/users/{busy['id']}/routingstatus"
    assert platform.get(status)["status"] == "INTERACTING"
    platform.clock.advance(600)
    assert platform.get(status)["status"] == "OFF_QUEUE"


def test_the_limit_is_a_minute_and_a_client(platform: InProcess) -> None:
    platform.demo("PATCH", "/settings", {"rate_limit": 300})
    agent = in_division(platform, "Care")[0]
    answers = [platform.request("GET", single(agent), "desk") for _ in range(301)]
    assert [row.status_code for row in answers[:300]] == [200] * 300
    assert refused(answers[300]) == (429, "too.many.requests")
    assert platform.request("GET", single(agent), "read-only").status_code == 200
    platform.clock.advance(60)
    assert platform.request("GET", single(agent), "desk").status_code == 200


def test_a_definition_is_made_and_deactivated_in_the_middle_of_a_window(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    care = next(row.id for row in platform.tenant.world.divisions if row.name == "Care")
    body = {"languageLabels": {"en_US": "Drill"}, "systemPresence": "Busy", "divisionId": care}
    path = "/api/v2/presence/definitions"
    assert refused(platform.request("POST", path, "desk", json=body)) == (403, "missing.permissions")
    platform.demo("PATCH", "/clients/desk", {"grant": ["Presence Administrator"]})
    made = platform.request("POST", path, "desk", json=body)
    assert (made.status_code, made.json()["divisionId"]) == (201, care)
    own = made.json()["id"]
    assert platform.request("PATCH", single(agent), "desk", json=item(agent, own)).status_code == 200
    ended = platform.request("PUT", f"{path}/{own}", "desk", json={**body, "deactivated": True})
    assert ended.json()["deactivated"] is True
    assert read(platform, [agent])[agent["id"]]["presenceDefinition"]["id"] == own
    assert refused(platform.request("PATCH", single(agent), "desk", json=item(agent, own))) == (400, "invalid.value")
    for wrong, code in (
        ({"languageLabels": {}}, "musthaveatleastonelocalelabeldefined"),
        ({"systemPresence": "Asleep"}, "systempresencecannotbenull"),
        ({"divisionId": "nowhere"}, "invaliddivisionid"),
    ):
        answered = platform.request("POST", path, "desk", json={**body, **wrong})
        assert refused(answered) == (409, f"presenceservice.organizationpresence.{code}")
    platform.demo("POST", "/reset")
    assert own not in platform.tenant.states.definitions
