"""The official Python SDK as judge: the published paths of the demo tenant work for it, model by model.

What the SDK reads into its models is compared with what /_demo says, so that a member under a wrong name (which the SDK
would silently leave None) fails here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.official_sdk import ApiException, sdk


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo() as handle:
        yield handle


@pytest.fixture(scope="module", autouse=True)
def configured(demo: DemoHandle) -> Iterator[None]:
    """The SDK's global configuration, on the demo tenant, with its own token request."""
    before = sdk.configuration.host, sdk.configuration.access_token
    sdk.configuration.host = demo.url
    sdk.configuration.access_token = client_of(demo, "desk").access_token
    yield
    sdk.configuration.host, sdk.configuration.access_token = before


def client_of(demo: DemoHandle, name: str) -> Any:
    known = demo.clients[name]
    client = sdk.api_client.ApiClient(host=demo.url)
    return client.get_client_credentials_token(known["id"], known["secret"])


@pytest.fixture(scope="module")
def agent(demo: DemoHandle) -> dict[str, Any]:
    """An agent on shift for an hour at least, by what /_demo says."""
    rows = demo.agents(on_shift="true", status="available", out_of_office="false", scheduled="true")
    later = datetime.now(UTC) + timedelta(hours=1)
    return next(row for row in rows if row["team"] and datetime.fromisoformat(row["shift_ends"]) > later)


def nothing_missing(model: Any, *names: str) -> None:
    assert not [name for name in names if getattr(model, name) is None]


def test_the_sdk_watches_no_folder() -> None:
    """It would watch the whole home folder of whoever runs the tests."""
    assert not sdk.configuration.live_reload_config
    assert not [thread.name for thread in threading.enumerate() if "observer" in f"{thread.name} {thread!r}".casefold()]


def test_token_and_client(demo: DemoHandle) -> None:
    info = sdk.TokensApi().get_tokens_me()
    nothing_missing(info, "organization", "home_organization", "authorized_scope", "o_auth_client")
    assert info.o_auth_client.id == demo.clients["desk"]["id"]
    assert info.o_auth_client.authorized_grant_type == "CLIENT-CREDENTIALS"
    assert set(info.authorized_scope) == set(demo.clients["desk"]["scopes"])
    assert {row.role_id for row in info.o_auth_client.role_divisions}
    sdk.TokensApi().head_tokens_me()
    client = sdk.OAuthApi().get_oauth_client(info.o_auth_client.id)
    nothing_missing(client, "id", "name", "access_token_validity_seconds", "authorized_grant_type", "scope", "state")
    assert client.secret is None
    scopes = sdk.OAuthApi().get_oauth_scopes()
    assert scopes.total == len(scopes.entities) > 20


def test_organization_limits_and_authorization(demo: DemoHandle) -> None:
    organization = sdk.OrganizationApi().get_organizations_me()
    assert organization.id == demo.get("/_demo/info")["organization"]["id"]
    limits = sdk.OrganizationApi().get_organizations_limits_namespace("platform.api")
    nothing_missing(limits.entities[0], "key", "namespace", "value")
    subject = sdk.AuthorizationApi().get_authorization_subjects_me()
    nothing_missing(subject.grants[0], "subject_id", "division", "role", "grant_made_at")
    nothing_missing(subject.grants[0].role.policies[0], "domain", "entity_name", "actions")
    role = sdk.AuthorizationApi().get_authorization_role(subject.grants[0].role.id)
    nothing_missing(role.permission_policies[0], "domain", "entity_name", "action_set")
    permitted = sdk.AuthorizationApi().get_authorization_divisionspermitted_paged_me("wfm:schedule:edit")
    assert (permitted.total, permitted.all_divs_permitted) == (3, True)
    divisions = sdk.AuthorizationApi().get_authorization_divisions()
    nothing_missing(divisions.entities[0], "id", "name", "description", "home_division")


def test_users_and_search(demo: DemoHandle, agent: dict[str, Any]) -> None:
    expand = ["team", "presence", "routingStatus", "outOfOffice"]
    found: dict[str, Any] = {}
    for number in range(1, 4):
        page = sdk.UsersApi().get_users(page_size=100, page_number=number, expand=expand, state="any")
        found |= {user.id: user for user in page.entities}
    assert len(found) == page.total == 240
    user = found[agent["id"]]
    nothing_missing(user, "name", "email", "state", "division", "version", "presence", "routing_status", "out_of_office")
    assert (user.name, user.email, user.team.name) == (agent["name"], agent["email"], agent["team"])
    nothing_missing(user.presence.presence_definition, "id", "system_presence")
    assert user.routing_status.status in ("IDLE", "INTERACTING", "OFF_QUEUE")
    assert user.out_of_office.active is False
    assert isinstance(user.presence.modified_date, datetime)
    assert sdk.UsersApi().get_user(agent["id"], expand=["team"]).team.name == agent["team"]
    assert [row.id for row in sdk.UsersApi().get_users(id=[agent["id"]]).entities] == [agent["id"]]
    criteria = sdk.UserSearchCriteria()
    criteria.type, criteria.fields, criteria.value = "EXACT", ["email"], agent["email"]
    request = sdk.UserSearchRequest()
    request.query = [criteria]
    results = sdk.UsersApi().post_users_search(request)
    assert [row.id for row in results.results] == [agent["id"]]


def test_teams_and_queues(demo: DemoHandle, agent: dict[str, Any]) -> None:
    teams = sdk.TeamsApi().get_teams().entities
    team = next(team for team in teams if team.name == agent["team"])
    nothing_missing(team, "id", "division", "member_count", "date_modified")
    members: list[str] = []
    after = ""
    while True:
        page = sdk.TeamsApi().get_team_members(team.id, page_size=20, after=after)
        members += [row.id for row in page.entities]
        if page.next_uri is None:
            break
        after = page.next_uri.split("after=")[1]
    assert agent["id"] in members
    assert len(members) == team.member_count
    queues = sdk.RoutingApi().get_routing_queues(page_size=100)
    assert queues.total == 8
    joined = sdk.RoutingApi().get_routing_queue_members(queues.entities[0].id, page_size=100, joined=True)
    nothing_missing(joined.entities[0], "id", "name", "user", "joined", "member_by", "routing_status")
    assert len(joined.entities) == queues.entities[0].joined_member_count


def test_units(agent: dict[str, Any]) -> None:
    wfm = sdk.WorkforceManagementApi()
    reference = wfm.get_workforcemanagement_agent_managementunit(agent["id"])
    unit = wfm.get_workforcemanagement_managementunit(reference.management_unit.id)
    assert (unit.name, unit.time_zone) == (agent["management_unit"], agent["zone"])
    assert unit.business_unit.id == reference.business_unit.id
    assert len(wfm.get_workforcemanagement_managementunits().entities) == 4
    assert len(wfm.get_workforcemanagement_businessunits().entities) == 2
    business = wfm.get_workforcemanagement_businessunit(reference.business_unit.id, expand=["settings"])
    assert (business.name, business.settings.start_day_of_week) == (agent["business_unit"], "Monday")
    assert len(wfm.get_workforcemanagement_businessunit_managementunits(business.id).entities) == 2
    users = wfm.get_workforcemanagement_managementunit_users(unit.id).entities
    listing = wfm.get_workforcemanagement_businessunit_users(business.id).management_units
    own = next(row for row in listing if row.management_unit.id == unit.id)
    assert [row.id for row in own.users] == [row.id for row in users]
    assert agent["id"] in [row.id for row in users]


def search_body(agent: dict[str, Any], start: datetime, end: datetime) -> Any:
    body = sdk.BuSearchAgentSchedulesRequest()
    body.start_date, body.end_date, body.user_ids = start, end, [agent["id"]]
    return body


def test_schedules(agent: dict[str, Any]) -> None:
    wfm = sdk.WorkforceManagementApi()
    reference = wfm.get_workforcemanagement_agent_managementunit(agent["id"])
    business = reference.business_unit.id
    now = datetime.now(UTC)
    body = search_body(agent, now, now + timedelta(minutes=1))
    answer = wfm.post_workforcemanagement_businessunit_agentschedules_search(business, body=body)
    assert answer.status == "Complete"
    nothing_missing(answer.result, "business_unit_time_zone", "agent_schedules", "published_schedules")
    (own,) = answer.result.agent_schedules
    (shift,) = own.shifts
    nothing_missing(shift, "id", "start_date", "length_minutes", "activities", "schedule", "manually_edited")
    end = shift.start_date + timedelta(minutes=shift.length_minutes)
    assert end == datetime.fromisoformat(agent["shift_ends"])
    nothing_missing(shift.activities[0], "start_date", "length_minutes", "activity_code_id", "description", "paid")
    published = answer.result.published_schedules[0]
    nothing_missing(published, "id", "week_date", "week_count")
    codes = wfm.get_workforcemanagement_businessunit_activitycodes(business).entities
    assert {activity.activity_code_id for activity in shift.activities} <= {code.id for code in codes}
    nothing_missing(codes[0], "name", "active", "category", "length_in_minutes", "counts_as_paid_time")
    by_unit = wfm.post_workforcemanagement_managementunit_agentschedules_search(reference.management_unit.id, body=body)
    assert [row.user.id for row in by_unit.result.agent_schedules] == [agent["id"]]
    weeks = wfm.get_workforcemanagement_businessunit_week_schedules(business, str(published.week_date))
    assert [(row.id, row.published, row.metadata.version) for row in weeks.entities] == [(published.id, True, 1)]
    week = wfm.get_workforcemanagement_businessunit_week_schedule(business, str(published.week_date), published.id)
    nothing_missing(week.management_units[0], "management_unit", "agent_count")


def test_full_days_off_are_markers(demo: DemoHandle) -> None:
    off = demo.agents(time_off="true", limit=1)[0]
    business = sdk.WorkforceManagementApi().get_workforcemanagement_agent_managementunit(off["id"]).business_unit.id
    now = datetime.now(UTC)
    body = search_body(off, now, now + timedelta(minutes=1))
    answer = sdk.WorkforceManagementApi().post_workforcemanagement_businessunit_agentschedules_search(business, body=body)
    (marker,) = answer.result.agent_schedules[0].full_day_time_off_markers
    nothing_missing(marker, "business_unit_date", "length_minutes", "activity_code_id", "paid", "description")


def test_adherence_presence_and_routing_follow_a_brief_update(demo: DemoHandle, agent: dict[str, Any]) -> None:
    wfm, unit = sdk.WorkforceManagementApi(), None
    unit = wfm.get_workforcemanagement_agent_managementunit(agent["id"]).management_unit.id
    path = f"/api/v2/wfm/users/{agent['id']}/availability"
    done = demo.request("PATCH", path, "desk", json={"status": "unavailable", "reason": "maintenance_window"})
    assert done.status_code == 200
    (single,) = wfm.get_workforcemanagement_adherence([agent["id"]])
    everybody = wfm.get_workforcemanagement_managementunit_adherence(unit).entities
    whole = next(row for row in everybody if row.user.id == agent["id"])
    for row in (single, whole):
        assert row.actual_activity_category == "Unavailable"
        assert row.scheduled_activity_category not in (None, "Unscheduled")
        assert (row.system_presence, row.routing_status, row.is_out_of_office) == ("Away", "OFF_QUEUE", False)
        assert row.adherence_state in ("InAdherence", "OutOfAdherence")
        nothing_missing(row, "business_unit", "management_unit", "team", "impact", "time_of_adherence_change")
    presence = sdk.PresenceApi().get_user_presences_purecloud(agent["id"])
    definitions = {row.id: row for row in sdk.PresenceApi().get_presence_definitions().entities}
    assert definitions[presence.presence_definition.id].language_labels == {"en_US": "Unavailable"}
    assert definitions[presence.presence_definition.id].system_presence == "Away"
    assert presence.message == "maintenance_window"
    assert sdk.UsersApi().get_user_routingstatus(agent["id"]).status == "OFF_QUEUE"
    assert sdk.UsersApi().get_user_outofoffice(agent["id"]).active is False
    bulk = sdk.PresenceApi().get_users_presences_purecloud_bulk(id=[agent["id"]])
    assert (bulk[0].user_id, bulk[0].message) == (agent["id"], "maintenance_window")
    assert demo.request("PATCH", path, "desk", json={"status": "available"}).status_code == 200


def test_presence_is_written_by_the_sdk(demo: DemoHandle, agent: dict[str, Any]) -> None:
    definitions = sdk.PresenceApi().get_presence_definitions().entities
    maintenance = next(row for row in definitions if row.language_labels == {"en_US": "Maintenance"})
    presence = sdk.UserPresence()
    presence.presence_definition = sdk.PresenceDefinition()
    presence.presence_definition.id = maintenance.id
    presence.message = "moved"
    written = sdk.PresenceApi().patch_user_presences_purecloud(agent["id"], presence)
    assert (written.presence_definition.id, written.message) == (maintenance.id, "moved")
    item = sdk.MutableUserPresence()
    item.id, item.presence_definition = agent["id"], presence.presence_definition
    assert sdk.PresenceApi().put_users_presences_bulk([item])[0].presence_definition.id == maintenance.id
    assert demo.get(f"/_demo/agents/{agent['id']}")["presence"] == "Away"
    demo.post(f"/_demo/agents/{agent['id']}/state", {"presence": "On Queue"})


def test_data_actions(demo: DemoHandle, agent: dict[str, Any]) -> None:
    api = sdk.IntegrationsApi()
    listing = api.get_integrations_actions(page_size=100)
    ids = {row.name: row.id for row in listing.entities}
    nothing_missing(listing.entities[0], "integration_id", "category", "version", "secure")
    action = api.get_integrations_action(ids["set_agent_unavailable"], expand="contract", include_config=True)
    assert action.contract.input.input_schema.required == ["userId"]
    nothing_missing(action.config.request, "request_type", "request_url_template", "request_template")
    body = {"userId": agent["id"], "status": "unavailable", "reason": "maintenance_window"}
    done = api.post_integrations_action_execute(ids["set_agent_unavailable_desk"], body)
    assert done["status"] == "unavailable"
    with pytest.raises(ApiException) as failed:
        api.post_integrations_action_execute(ids["set_agent_unavailable"], body)
    assert failed.value.status == 403
    assert "Insufficient permissions for resource access" in failed.value.body
    tested = api.post_integrations_action_test(ids["set_agent_unavailable"], body)
    assert tested.success is False
    assert tested.operations[-1].error.status == 403
    assert tested.operations[-1].error.errors[0].code == "NOT_AUTHORIZED"
    back = api.post_integrations_action_test(ids["set_agent_available_desk"], {"userId": agent["id"]})
    assert (back.success, back.final_result["status"]) == (True, "available")


def test_errors_are_what_the_sdk_expects(demo: DemoHandle) -> None:
    with pytest.raises(ApiException) as unknown:
        sdk.UsersApi().get_user("00000000-0000-4000-8000-000000000000")
    assert unknown.value.status == 404
    assert unknown.value.headers["ININ-Correlation-Id"] in unknown.value.body
    stranger = sdk.api_client.ApiClient(host=demo.url)
    stranger.access_token = "nonsense"
    with pytest.raises(ApiException) as refused:
        sdk.UsersApi(stranger).get_users()
    assert refused.value.status == 401


def test_the_sdk_waits_as_retry_after_tells_it(demo: DemoHandle) -> None:
    demo.post("/_demo/faults", [{"kind": "429", "retry_after": 1}])
    began = time.monotonic()
    assert sdk.UsersApi().get_users().total > 200
    assert time.monotonic() - began >= 1
    assert demo.get("/_demo/faults")["faults"][0]["fired"] == 1
