"""/_demo: information, states by somebody else, clients, scenarios, reset, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.demo_inprocess import Clock, InProcess
from wfm.demo.faults import KINDS
from wfm.demo.tenant import Options

OUT = {"status": "unavailable", "reason": "maintenance_window"}


def availability(inside: InProcess, agent: str) -> Any:
    return inside.get(f"/api/v2/wfm/users/{agent}/availability")


def put_out(inside: InProcess, agent: str) -> None:
    assert inside.request("PATCH", f"/api/v2/wfm/users/{agent}/availability", "desk", json=OUT).status_code == 200


def test_info(inside: InProcess) -> None:
    info = inside.demo("GET", "/info")
    assert info["organization"] == {"id": inside.tenant.world.organization_id, "name": "Alder & Finch Service (demo)"}
    assert [client["name"] for client in info["clients"]] == ["desk", "architect-flow", "read-only"]
    assert all(set(client) == {"name", "id", "secret", "scopes"} for client in info["clients"])
    assert info["scenario"] == "healthy"
    names = [scenario["name"] for scenario in info["scenarios"]]
    assert names == ["healthy", "missing-scope", "unscheduled-agents", "busy-hour", "flaky"]
    assert (info["agents"], info["rate_limit"], info["api"]) == (240, 100_000, "http://127.0.0.1:8808")
    assert info["organization"]["id"] == inside.get("/api/v2/organizations/me")["id"]


def test_forty_agents_can_be_taken_out_whenever_it_is_opened(inside: InProcess) -> None:
    rows = inside.demo("GET", "/agents?on_shift=true&status=available&in_contact=false&out_of_office=false&limit=50")["agents"]
    assert len(rows) == 50
    assert inside.demo("GET", "/info")["share_on_shift"] > 0.6


def test_updates_is_empty_at_first_and_counts_by_target_state(inside: InProcess) -> None:
    assert inside.demo("GET", "/updates") == {}
    agent = inside.working()["id"]
    put_out(inside, agent)
    put_out(inside, agent)
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 2, "available": 0}}


def test_somebody_else_changes_an_agent_uncounted(inside: InProcess) -> None:
    agent = inside.working()["id"]
    put_out(inside, agent)
    before = availability(inside, agent)
    row = inside.demo("POST", f"/agents/{agent}/state", {"status": "available", "reason": "back early"})
    assert row["status"] == "available"
    after = availability(inside, agent)
    assert (after["status"], after["reason"]) == ("available", "back early")
    assert after["dateModified"] > before["dateModified"]
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 0}}
    assert inside.demo("GET", f"/agents/{agent}")["updates"] == {"unavailable": 1, "available": 0}


def test_contact_out_of_office_schedule_presence_and_activity_of_any_agent(inside: InProcess) -> None:
    agent = inside.working()["id"]
    modified = availability(inside, agent)["dateModified"]
    path = f"/agents/{agent}/state"
    assert inside.demo("POST", path, {"in_contact": True})["in_contact"] is True
    assert inside.get(f"/api/v2/users/{agent}/routingstatus")["status"] == "INTERACTING"
    assert inside.demo("POST", path, {"in_contact": False})["in_contact"] is False
    assert inside.demo("POST", path, {"out_of_office": True})["out_of_office"] is True
    assert inside.request("PATCH", f"/api/v2/wfm/users/{agent}/availability", "desk", json=OUT).status_code == 409
    inside.demo("POST", path, {"out_of_office": None})
    assert availability(inside, agent)["dateModified"] == modified
    assert inside.demo("POST", path, {"presence": "On Queue"})["presence"] == "OnQueue"
    assert inside.demo("POST", path, {"presence": "Unavailable", "reason": "fault"})["status"] == "unavailable"
    inside.demo("POST", path, {"scheduled": False})
    assert inside.request("GET", f"/api/v2/wfm/users/{agent}/availability", "desk").status_code == 404
    inside.demo("POST", path, {"active": False})
    assert inside.get(f"/api/v2/users/{agent}")["state"] == "inactive"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"mood": "good"}, "mood"),
        ({"status": "out"}, "status"),
        ({"presence": "Gone fishing"}, "presence"),
        ({"in_contact": "yes"}, "in_contact"),
    ],
)
def test_bad_states_are_400(inside: InProcess, body: dict[str, Any], field: str) -> None:
    response = inside.request("POST", f"/_demo/agents/{inside.working()['id']}/state", json=body)
    assert (response.status_code, response.json()["details"][0]["fieldName"]) == (400, field)


def test_unknown_agents_clients_scenarios_and_paths(inside: InProcess) -> None:
    assert inside.request("POST", "/_demo/agents/x/state", json={"in_contact": True}).status_code == 404
    assert inside.request("PATCH", "/_demo/clients/nobody", json={"scopes": []}).status_code == 404
    assert inside.request("POST", "/_demo/scenario", json={"name": "sunny"}).status_code == 400
    assert inside.request("GET", "/_demo/nothing").status_code == 404
    assert inside.request("PUT", "/_demo/info").status_code == 405


def test_client_scopes_are_set_added_and_removed(inside: InProcess) -> None:
    def change(body: dict[str, Any]) -> list[str]:
        scopes: list[str] = inside.demo("PATCH", "/clients/read-only", body)["scopes"]
        return scopes

    assert change({"add": ["wfm:schedule:update"]}) == ["wfm:schedule:read", "wfm:schedule:update"]
    assert change({"remove": ["wfm:schedule:read"]}) == ["wfm:schedule:update"]
    assert change({"scopes": ["wfm:schedule:read", "wfm:schedule:write"]}) == ["wfm:schedule:read", "wfm:schedule:write"]
    for wrong in ({"add": ["wfm:everything"]}, {"scopes": 5}, {"secret": "x"}, {}, {"token_seconds": 0}):
        assert inside.request("PATCH", "/_demo/clients/read-only", json=wrong).status_code == 400


def test_scenarios_change_the_tenant_and_no_agent_state(inside: InProcess) -> None:
    agent = inside.agent(on_shift="true", status="available", out_of_office="false")["id"]
    put_out(inside, agent)
    before = inside.demo("GET", f"/agents/{agent}")["availability"]
    unscheduled = len(inside.demo("GET", "/agents?scheduled=false")["agents"])
    contacts = len(inside.demo("GET", "/agents?in_contact=true")["agents"])
    inside.demo("POST", "/scenario", {"name": "unscheduled-agents"})
    assert 80 < len(inside.demo("GET", "/agents?scheduled=false")["agents"]) < 125
    inside.demo("PUT", "/scenario", {"name": "busy-hour"})
    assert inside.demo("GET", "/info")["rate_limit"] == 60
    assert len(inside.demo("GET", "/agents?in_contact=true")["agents"]) > 3 * contacts
    inside.demo("POST", "/scenario", {"name": "healthy"})
    assert len(inside.demo("GET", "/agents?scheduled=false")["agents"]) == unscheduled
    assert inside.demo("GET", f"/agents/{agent}")["availability"] == before
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 0}}


def test_missing_scope_tells_the_story_anew(inside: InProcess) -> None:
    inside.demo("PATCH", "/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    agent = inside.working()["id"]
    path = f"/api/v2/wfm/users/{agent}/availability"
    assert inside.request("PATCH", path, "architect-flow", json=OUT).status_code == 200
    inside.demo("POST", "/scenario", {"name": "missing-scope"})
    assert inside.demo("GET", "/info")["suggested_client"] == "architect-flow"
    assert inside.request("PATCH", path, "architect-flow", json=OUT).status_code == 401
    inside.forget_tokens()
    assert inside.request("PATCH", path, "architect-flow", json=OUT).status_code == 403


def test_reset_puts_everything_back(inside: InProcess) -> None:
    agent = inside.working()["id"]
    first = availability(inside, agent)
    agents = inside.demo("GET", "/agents")
    put_out(inside, agent)
    inside.demo("PATCH", "/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    inside.demo("POST", "/scenario", {"name": "busy-hour"})
    inside.demo("POST", "/faults", [{"kind": "5xx", "count": 99}])
    info = inside.demo("POST", "/reset")
    assert info["scenario"] == "healthy"
    assert inside.demo("GET", "/updates") == {}
    assert inside.demo("GET", "/agents") == agents
    assert inside.demo("GET", "/faults") == {"faults": [], "scenario": []}
    scopes = {client["name"]: client["scopes"] for client in info["clients"]}
    assert scopes["architect-flow"] == ["wfm:schedule:read", "wfm:schedule:write"]
    assert inside.request("GET", "/api/v2/users", "desk").status_code == 401
    inside.forget_tokens()
    assert availability(inside, agent) == first


def test_demo_routes_answer_loopback_only() -> None:
    assert InProcess(peer="::1").request("GET", "/_demo/info").status_code == 200
    stranger = InProcess(peer="192.0.2.7")
    refused = stranger.request("GET", "/_demo/info")
    assert (refused.status_code, refused.json()["code"]) == (403, "loopback.only")
    assert "secret" not in refused.text
    assert stranger.request("GET", "/_demo").status_code == 403
    assert stranger.request("POST", "/_demo/reset").status_code == 403


def test_a_page_of_another_site_is_refused(inside: InProcess) -> None:
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        assert inside.request("POST", "/_demo/reset", headers=headers).status_code == 403
    for headers in ({"Host": "localhost:8808"}, {"Origin": "http://127.0.0.1:8501"}, {"Host": "[::1]:8808"}):
        assert inside.request("GET", "/_demo/info", headers=headers).status_code == 200


def test_demo_lists_its_routes(inside: InProcess) -> None:
    routes = inside.demo("GET", "")["routes"]
    for expected in ("GET /_demo/info", "GET /_demo/updates", "POST /_demo/reset", "PATCH /_demo/clients/{name}"):
        assert expected in routes


# Fault scripts, as far as they need no connection


def users(inside: InProcess) -> int:
    return inside.request("GET", "/api/v2/users", "desk").status_code


def test_a_storm_of_429_ends_after_its_count(inside: InProcess) -> None:
    inside.demo("POST", "/faults", [{"kind": "429", "count": 3, "retry_after": 2}])
    refused = inside.request("GET", "/api/v2/users", "desk")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert [users(inside) for _ in range(3)] == [429, 429, 200]
    shown = inside.demo("GET", "/faults")["faults"][0]
    assert (shown["fired"], shown["left"], shown["kind"]) == (3, 0, "429")


def test_a_share_of_server_errors_plays_the_same_way_twice(inside: InProcess) -> None:
    script = [{"kind": "5xx", "status": 502, "share": 0.3}]
    inside.demo("POST", "/faults", script)
    first = [users(inside) for _ in range(60)]
    inside.demo("POST", "/faults", script)
    assert [users(inside) for _ in range(60)] == first
    assert 8 <= first.count(502) <= 30
    assert inside.demo("DELETE", "/faults")["faults"] == []
    assert {users(inside) for _ in range(20)} == {200}


def test_a_server_error_does_nothing_and_has_the_dialect_of_its_path(inside: InProcess) -> None:
    agent = inside.working()["id"]
    inside.demo("POST", "/faults", {"kind": "5xx", "match": "PATCH /availability"})
    assert users(inside) == 200
    failed = inside.request("PATCH", f"/api/v2/wfm/users/{agent}/availability", "desk", json=OUT)
    assert (failed.status_code, set(failed.json())) == (503, {"code", "message"})
    assert inside.demo("GET", "/updates") == {}
    put_out(inside, agent)


def test_steps_fire_in_their_order_and_after_what_they_let_pass(inside: InProcess) -> None:
    inside.demo("POST", "/faults", [{"kind": "5xx", "status": 500, "after": 2}, {"kind": "5xx", "status": 504, "after": 2}])
    assert [users(inside) for _ in range(5)] == [200, 200, 500, 504, 200]


def test_tokens_are_revoked_in_mid_run(inside: InProcess) -> None:
    old = inside.token("desk")
    inside.demo("POST", "/faults", [{"kind": "revoke_tokens", "after": 2}])
    assert [users(inside) for _ in range(4)] == [200, 200, 401, 401]
    inside.forget_tokens()
    assert inside.token("desk") != old
    assert users(inside) == 200


def test_tokens_of_one_client_are_revoked_at_once(inside: InProcess) -> None:
    inside.token("desk")
    inside.token("read-only")
    assert inside.demo("POST", "/tokens/revoke", {"client": "desk"}) == {"revoked": 1}
    assert users(inside) == 401
    assert inside.request("GET", "/api/v2/users", "read-only").status_code == 200
    assert inside.request("POST", "/_demo/tokens/revoke", json={"client": "x"}).status_code == 400


def test_the_token_endpoint_can_fail_too(inside: InProcess) -> None:
    known = inside.tenant.access.clients["desk"]
    inside.demo("POST", "/faults", [{"kind": "5xx", "match": "POST /oauth"}])
    form = {"grant_type": "client_credentials"}
    assert inside.request("POST", "/oauth/token", data=form, auth=(known.id, known.secret)).status_code == 503
    assert inside.request("POST", "/oauth/token", data=form, auth=(known.id, known.secret)).status_code == 200


@pytest.mark.parametrize(
    ("script", "member"),
    [
        ("storm", "faults"),
        ([5], "faults[0]"),
        ([{"kind": "429"}, {"kind": "flood"}], "faults[1].kind"),
        ([{"kind": "5xx", "status": 404}], "faults[0].status"),
        ([{"kind": "5xx", "share": 2}], "faults[0].share"),
        ([{"kind": "5xx", "count": -1}], "faults[0].count"),
        ([{"kind": "5xx", "count": True}], "faults[0].count"),
        ([{"kind": "5xx", "matches": "x"}], "faults[0].matches"),
        ([{"kind": "5xx", "match": 5}], "faults[0].match"),
        ([{"kind": "timeout", "seconds": "long"}], "faults[0].seconds"),
    ],
)
def test_a_bad_script_is_400_that_names_its_member_and_changes_nothing(inside: InProcess, script: object, member: str) -> None:
    inside.demo("POST", "/faults", [{"kind": "429", "count": 7}])
    response = inside.request("POST", "/_demo/faults", json=script)
    assert (response.status_code, response.json()["details"][0]["fieldName"]) == (400, member)
    assert inside.demo("GET", "/faults")["faults"][0]["left"] == 7


def test_flaky_has_standing_faults_that_a_cleared_script_leaves(inside: InProcess) -> None:
    inside.demo("POST", "/scenario", {"name": "flaky"})
    inside.demo("DELETE", "/faults")
    kinds = {step["kind"] for step in inside.demo("GET", "/faults")["scenario"]}
    assert kinds == {"5xx", "429", "timeout_after_write"} <= set(KINDS)
    assert {users(inside) for _ in range(200)} == {200, 429, 503}


def test_latency_concerns_the_api_only() -> None:
    inside = InProcess(Clock(), Options(agents=10, latency_ms=120))
    slow = inside.request("GET", "/api/v2/organizations/me", "desk").elapsed.total_seconds()
    quick = inside.request("GET", "/_demo/info").elapsed.total_seconds()
    assert slow >= 0.12 > quick
