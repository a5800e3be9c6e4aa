"""The published platform alone: which paths there are, and roles in divisions that decide every call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.published import UNKNOWN_USER, definition, in_division, item, published_tenant, refused, user_token
from tests.support.demo_inprocess import InProcess
from wfm import catalogue
from wfm.demo.api_brief import ENDPOINTS as BRIEF
from wfm.demo.platforms import Platform
from wfm.demo.roles import EDIT_PRESENCE, ROLES
from wfm.demo.served import api
from wfm.demo.tenant import DemoTenant, Options
from wfm.domain.errors import BadInput

BULK = "/api/v2/users/presences/bulk"


@pytest.fixture
def platform() -> InProcess:
    return published_tenant()


@pytest.mark.parametrize("path", sorted({row.template for row in BRIEF}))
def test_the_briefs_paths_answer_as_unknown_paths_do(platform: InProcess, path: str) -> None:
    agent = platform.working()["id"]
    for verb in ("GET", "PATCH"):
        answered = platform.request(verb, path.replace("{userId}", agent), "desk", json={"status": "unavailable"})
        nowhere = platform.request(verb, "/api/v2/nowhere/at/all", "desk", json={})
        assert refused(answered) == refused(nowhere) == (404, "not.found")
        assert {**answered.json(), "contextId": ""} == {**nowhere.json(), "contextId": ""}


def test_the_brief_alone_keeps_reads_and_data_actions_but_no_published_write() -> None:
    brief = InProcess(options=Options(latency_ms=0, platform="brief"))
    agent = brief.working()["id"]
    wanted = brief.get("/api/v2/presence/definitions")["entities"][0]["id"]
    body = {"presenceDefinition": {"id": wanted}}
    path = f"/api/v2/users/{agent}/presences/purecloud"
    assert brief.request("PATCH", path, "desk", json=body).status_code == 405
    assert brief.request("GET", path, "desk").status_code == 200
    availability = f"/api/v2/wfm/users/{agent}/availability"
    assert brief.request("PATCH", availability, "desk", json={"status": "unavailable"}).status_code == 200
    action = brief.get("/api/v2/integrations/actions")["entities"][1]["id"]
    done = brief.request("POST", f"/api/v2/integrations/actions/{action}/execute", "desk", json={"userId": agent})
    assert done.status_code == 200


def test_every_path_that_is_served_is_published() -> None:
    known = catalogue.published_paths()
    served = api(Platform.PUBLISHED)
    aliases = {"/api/v2/users/{userId}/presences/PURECLOUD"}
    assert {row.template for row in served} - aliases <= set(known)
    assert not [row for row in served if row.template not in aliases and row.verb not in known[row.template]]


def test_roles_hold_published_permissions_only() -> None:
    held = {permission for role in ROLES.values() for permission in role.permissions}
    assert held <= catalogue.published_permissions()


def test_client_credentials_have_no_scopes_and_roles_in_divisions(platform: InProcess) -> None:
    known = platform.tenant.access.clients["desk-partial"]
    token = platform.request("POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=(known.id, known.secret))
    assert set(token.json()) == {"access_token", "token_type", "expires_in"}
    info = platform.get("/api/v2/tokens/me", "desk-partial")
    assert (info["authorizedScope"], info["OAuthClient"]["scope"]) == ([], [])
    editor = next(
        role["id"]
        for row in info["OAuthClient"]["roleDivisions"]
        if (role := platform.get(f"/api/v2/authorization/roles/{row['roleId']}"))["name"] == "Presence Editor"
    )
    divisions = {row["id"]: row["name"] for row in platform.get("/api/v2/authorization/divisions")["entities"]}
    own = [divisions[row["divisionId"]] for row in info["OAuthClient"]["roleDivisions"] if row["roleId"] == editor]
    assert own == ["Alder & Finch", "Care"]
    grants = platform.get("/api/v2/authorization/subjects/me", "desk-partial")["grants"]
    assert [row["division"]["name"] for row in grants if row["role"]["id"] == editor] == own
    permitted = platform.get("/api/v2/authorization/divisionspermitted/paged/me", "desk-partial", permission=EDIT_PRESENCE)
    assert [row["name"] for row in permitted["entities"]] == own
    assert permitted["allDivsPermitted"] is False


def test_a_role_of_another_client_is_read_with_its_permission_only(platform: InProcess) -> None:
    path = f"/api/v2/authorization/subjects/{platform.tenant.access.clients['read-only'].id}"
    assert platform.get(path)["grants"][0]["role"]["name"] == "Operations Reader"
    agent = next(row for row in in_division(platform, "Care"))
    stranger = platform.request("GET", path, headers=user_token(platform, agent["id"]))
    assert refused(stranger) == (403, "missing.permissions")
    assert "authorization:grant:view" in stranger.json()["message"]


def test_read_only_reads_and_writes_nothing(platform: InProcess) -> None:
    agent = in_division(platform, "Care")[0]
    wanted = item(agent, definition(platform, "Maintenance", "Care"))
    assert platform.request("GET", f"/api/v2/users/{agent['id']}", "read-only").status_code == 200
    bulk = platform.request("PUT", BULK, "read-only", json=[wanted])
    assert refused(bulk) == (403, "missing.permissions")
    assert EDIT_PRESENCE in bulk.json()["message"]
    single = platform.request("PATCH", f"/api/v2/users/{agent['id']}/presences/purecloud", "read-only", json=wanted)
    assert refused(single) == (403, "presence.not.authorized.update.other.user.presence")
    assert platform.demo("GET", "/updates") == {}


def test_the_division_of_the_user_touched_decides(platform: InProcess) -> None:
    care, sales = in_division(platform, "Care")[0], in_division(platform, "Sales")[0]
    window = definition(platform, "IT window", "Sales")
    path = f"/api/v2/users/{sales['id']}/presences/purecloud"
    single = platform.request("PATCH", path, "desk-partial", json=item(sales, window))
    assert refused(single) == (403, "presence.not.authorized.update.other.user.presence")
    bulk = platform.request("PUT", BULK, "desk-partial", json=[item(sales, window)])
    assert refused(bulk) == (403, "missing.division.permission")
    maintenance = definition(platform, "Maintenance", "Care")
    assert platform.request("PUT", BULK, "desk-partial", json=[item(care, maintenance)]).status_code == 200
    assert platform.request("PUT", BULK, "desk", json=[item(sales, window)]).status_code == 200
    assert set(platform.demo("GET", "/updates")) == {care["id"], sales["id"]}


def test_a_role_withdrawn_or_granted_counts_at_once_for_the_same_token(platform: InProcess) -> None:
    care = in_division(platform, "Care")[0]
    wanted = [item(care, definition(platform, "Maintenance", "Care"))]
    platform.token("desk")
    platform.demo("PATCH", "/clients/desk", {"withdraw": ["Presence Editor"], "divisions": ["Care"]})
    assert refused(platform.request("PUT", BULK, "desk", json=wanted)) == (403, "missing.division.permission")
    platform.demo("PATCH", "/clients/desk", {"withdraw": ["Presence Editor"]})
    assert refused(platform.request("PUT", BULK, "desk", json=wanted)) == (403, "missing.permissions")
    platform.demo("PATCH", "/clients/desk", {"grant": ["Presence Editor"]})
    assert platform.request("PUT", BULK, "desk", json=wanted).status_code == 200
    wrong = platform.request("PATCH", "/_demo/clients/desk", json={"grant": ["Wizard"]})
    assert (wrong.status_code, "Presence Editor" in wrong.json()["message"]) == (400, True)


def test_users_have_roles_in_their_own_division(platform: InProcess) -> None:
    users = platform.get("/api/v2/users", pageSize=100, expand="authorization")["entities"]
    lead = next(row for row in users if row["title"] == "Team Lead" and row["division"]["name"] == "Care")
    agent = next(row for row in users if row["title"] == "Agent")
    assert EDIT_PRESENCE in lead["authorization"]["permissions"]
    assert [role["name"] for role in agent["authorization"]["roles"]] == ["Agent"]
    own = user_token(platform, lead["id"])
    me = platform.request("GET", "/api/v2/users/me", headers=own, params={"expand": "authorization"}).json()
    assert (me["id"], me["authorization"]) == (lead["id"], lead["authorization"])
    maintenance = definition(platform, "Maintenance", "Care")
    care = [row for row in in_division(platform, "Care") if row["id"] != lead["id"]]
    assert platform.request("PUT", BULK, headers=own, json=[item(care[0], maintenance)]).status_code == 200
    sales = in_division(platform, "Sales")[0]
    available = definition(platform, "Available")
    elsewhere = platform.request("PUT", BULK, headers=own, json=[item(sales, available)])
    assert refused(elsewhere) == (403, "missing.division.permission")
    assert refused(platform.request("GET", "/api/v2/users/me", "desk")) == (400, "not.a.user")


def test_a_user_changes_the_own_presence_without_a_permission(platform: InProcess) -> None:
    first, second = in_division(platform, "Care")[:2]
    own = user_token(platform, first["id"])
    available = item(first, definition(platform, "Available"), "I am back")
    done = platform.request("PATCH", f"/api/v2/users/{first['id']}/presences/purecloud", headers=own, json=available)
    assert (done.status_code, done.json()["message"]) == (200, "I am back")
    other = platform.request("PATCH", f"/api/v2/users/{second['id']}/presences/purecloud", headers=own, json=available)
    assert refused(other) == (403, "presence.not.authorized.update.other.user.presence")


def test_a_users_token_needs_the_scope_too(platform: InProcess) -> None:
    lead = next(row for row in platform.get("/api/v2/users", pageSize=500)["entities"] if row["title"] == "Team Lead")
    reads = user_token(platform, lead["id"], ["users:readonly", "presence"])
    assert platform.request("GET", "/api/v2/users", headers=reads).status_code == 200
    denied = platform.request("GET", "/api/v2/routing/queues", headers=reads)
    assert refused(denied) == (403, "app.not.authorized.for.scope")
    info = platform.request("GET", "/api/v2/tokens/me", headers=user_token(platform, lead["id"])).json()
    assert (info["OAuthClient"]["authorizedGrantType"], info["OAuthClient"]["roleDivisions"]) == ("CODE", [])
    assert "presence" in info["authorizedScope"]


def test_lists_leave_out_what_lies_in_another_division(platform: InProcess) -> None:
    users = platform.get("/api/v2/users", pageSize=500)["entities"]
    lead = next(row for row in users if row["title"] == "Team Lead" and row["division"]["name"] == "Care")
    own = user_token(platform, lead["id"])
    queues = platform.request("GET", "/api/v2/routing/queues", headers=own, params={"pageSize": 100}).json()["entities"]
    assert {row["division"]["name"] for row in queues} == {"Care"}
    foreign = next(row for row in platform.get("/api/v2/routing/queues", pageSize=100)["entities"] if row not in queues)
    members = platform.request("GET", f"/api/v2/routing/queues/{foreign['id']}/members", headers=own)
    assert refused(members) == (403, "missing.any.division.permissions")
    teams = platform.request("GET", "/api/v2/teams", headers=own, params={"pageSize": 100}).json()["entities"]
    assert {row["division"]["name"] for row in teams} == {"Care"}


def test_people_are_mostly_on_queue_and_of_every_kind(platform: InProcess) -> None:
    rows = [row for row in platform.demo("GET", "/agents")["agents"] if row["active"]]
    on_queue = [row for row in rows if row["presence"] == "OnQueue"]
    assert 0.8 * len(rows) < len(on_queue) < 0.95 * len(rows)
    assert any(row["in_contact"] for row in on_queue)
    assert any(row["out_of_office"] for row in rows)
    assert sum(row["on_shift"] for row in rows) > 0.8 * len(rows)
    outside = [row for row in rows if row["management_unit"] is None]
    assert len(outside) >= 5
    nobody = platform.request("GET", f"/api/v2/workforcemanagement/agents/{outside[0]['id']}/managementunit", "desk")
    assert refused(nobody) == (404, "wfm.entity.not.found")
    listed = {
        user["id"]
        for unit in platform.get("/api/v2/workforcemanagement/managementunits")["entities"]
        for user in platform.get(f"/api/v2/workforcemanagement/managementunits/{unit['id']}/users")["entities"]
    }
    assert listed == {row["id"] for row in rows} - {row["id"] for row in outside}


def test_definitions_differ_by_division(platform: InProcess) -> None:
    names = {division.id: division.name for division in platform.tenant.world.divisions} | {"*": "all"}
    rows = platform.get("/api/v2/presence/definitions")["entities"]
    own = {(row["name"], names[row["divisionId"]]) for row in rows if row["type"] == "User"}
    assert own >= {("Maintenance", "Care"), ("Maintenance", "Alder & Finch"), ("IT window", "Sales"), ("Coaching", "all")}
    assert ("Maintenance", "Sales") not in own
    ended = platform.get("/api/v2/presence/definitions", deactivated="TRUE")["entities"]
    assert [(row["name"], names[row["divisionId"]], row["deactivated"]) for row in ended] == [("Maintenance", "Sales", True)]


def test_a_state_file_keeps_its_platform(tmp_path: Path) -> None:
    state = tmp_path / "tenant.state"
    tenant = DemoTenant(Options(agents=20, state=state, platform="published"))
    tenant.access.change("desk", grants=())
    tenant.close()
    with pytest.raises(BadInput, match="platform"):
        DemoTenant(Options(agents=20, state=state))
    again = DemoTenant(Options(agents=20, state=state, platform="published"))
    assert again.access.clients["desk"].grants == ()
    again.close()
    with pytest.raises(BadInput, match="published"):
        DemoTenant(Options(platform="nowhere"))


def test_an_unknown_user_gets_no_token(platform: InProcess) -> None:
    assert platform.request("POST", f"/_demo/users/{UNKNOWN_USER}/token").status_code == 404


def test_its_scenarios_are_its_own() -> None:
    platform = published_tenant()
    names = {row["name"] for row in platform.demo("GET", "/info")["scenarios"]}
    assert names >= {"bulk-partly", "on-queue-refused", "slow", "missing-permission"}
    assert platform.request("POST", "/_demo/scenario", json={"name": "missing-scope"}).status_code == 400
    platform.demo("PATCH", "/clients/architect-flow", {"grant": ["Presence Editor"]})
    platform.demo("POST", "/scenario", {"name": "missing-permission"})
    grants = platform.tenant.access.clients["architect-flow"].grants
    assert "Presence Editor" not in {role for role, _division in grants}
    platform.demo("POST", "/scenario", {"name": "bulk-partly"})
    care = in_division(platform, "Care")[0]
    body = [item(care, definition(platform, "Maintenance", "Care")), item({"id": UNKNOWN_USER}, "none")]
    assert platform.request("PUT", BULK, "desk", json=body).status_code == 400
    assert set(platform.demo("GET", "/updates")) == {care["id"]}
    platform.demo("POST", "/scenario", {"name": "slow"})
    assert (platform.tenant.propagation_s, platform.tenant.job_s) == (90, 90)
    with pytest.raises(BadInput, match="bulk-partly"):
        DemoTenant(Options(platform="published", scenario="missing-scope"))


def test_its_organization_is_another_one() -> None:
    other = InProcess(options=Options(latency_ms=0))
    assert published_tenant().get("/api/v2/organizations/me")["id"] != other.get("/api/v2/organizations/me")["id"]
