"""Directory, schedules and states by the published paths, to what the black box sees."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.demo_inprocess import InProcess

WFM = "/api/v2/workforcemanagement"


def pages(inside: InProcess, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every entity of a listing, by following nextUri."""
    rows: list[dict[str, Any]] = []
    uri: str | None = f"{path}?{httpx.QueryParams(params)}" if params else path
    while uri:
        body = inside.get(uri)
        rows += body["entities"]
        uri = body.get("nextUri")
    return rows


def test_users_page_by_hundred_and_everybody_comes_once(inside: InProcess) -> None:
    users = pages(inside, "/api/v2/users", pageSize=100, state="any", expand="team")
    assert len(users) == len({user["id"] for user in users}) == 240
    first = inside.get("/api/v2/users", pageSize=100, state="any")
    assert (first["total"], first["pageCount"], first["pageSize"], first["pageNumber"]) == (240, 3, 100, 1)
    assert {user["state"] for user in users} == {"active", "inactive"}


def test_users_are_active_unless_asked_otherwise(inside: InProcess) -> None:
    active = pages(inside, "/api/v2/users", pageSize=100)
    inactive = pages(inside, "/api/v2/users", pageSize=100, state="inactive")
    assert {user["state"] for user in active} == {"active"}
    assert {user["state"] for user in inactive} == {"inactive"}
    assert len(active) + len(inactive) == 240


def test_users_by_id_and_its_limits(inside: InProcess) -> None:
    ids = [person.id for person in inside.tenant.world.people[:150]]
    found = inside.get("/api/v2/users", id=",".join(ids[:3]))["entities"]
    assert [user["id"] for user in found] == ids[:3]
    too_many = inside.request("GET", "/api/v2/users", "desk", params={"id": ids[:101]})
    assert (too_many.status_code, too_many.json()["code"]) == (400, "max.user.ids")
    for wrong in ({"pageSize": "x"}, {"pageSize": "0"}, {"pageSize": "101", "expand": "team"}, {"state": "asleep"}):
        response = inside.request("GET", "/api/v2/users", "desk", params=wrong)
        assert (response.status_code, response.json()["details"][0]["fieldName"]) == (400, next(iter(wrong)))


def test_user_expansions(inside: InProcess) -> None:
    agent = inside.working()
    plain = inside.get(f"/api/v2/users/{agent['id']}")
    assert not {"team", "presence", "routingStatus", "outOfOffice"} & set(plain)
    assert plain["division"]["name"] == agent["division"]
    full = inside.get(f"/api/v2/users/{agent['id']}", expand="team,presence,routingStatus,outOfOffice")
    assert full["team"]["name"] == agent["team"]
    assert full["presence"]["presenceDefinition"]["systemPresence"]
    assert full["routingStatus"]["status"] in ("OFF_QUEUE", "IDLE", "INTERACTING")
    assert full["outOfOffice"]["active"] is False
    away = inside.agent(out_of_office="true", active="true")["id"]
    assert inside.get(f"/api/v2/users/{away}", expand="outOfOffice")["outOfOffice"]["active"] is True


def test_client_credentials_have_no_user(inside: InProcess) -> None:
    response = inside.request("GET", "/api/v2/users/me", "desk")
    assert (response.status_code, response.json()["code"]) == (400, "not.a.user")


def search(inside: InProcess, *criteria: dict[str, Any], **more: Any) -> Any:
    response = inside.request("POST", "/api/v2/users/search", "read-only", json={"query": list(criteria), **more})
    assert response.status_code == 200, response.text
    return response.json()


def test_users_search(inside: InProcess) -> None:
    agent = inside.working()
    by_mail = search(inside, {"type": "EXACT", "fields": ["email"], "value": agent["email"].upper()})
    assert [user["id"] for user in by_mail["results"]] == [agent["id"]]
    word = agent["name"].split()[0]
    by_name = search(inside, {"type": "CONTAINS", "fields": ["name"], "value": word}, pageSize=100, expand=["team"])
    assert agent["id"] in [user["id"] for user in by_name["results"]]
    neither = search(
        inside,
        {"type": "CONTAINS", "fields": ["name"], "value": word},
        {"type": "EXACT", "fields": ["email"], "value": agent["email"], "operator": "NOT"},
        pageSize=100,
    )
    assert by_name["total"] - neither["total"] == 1
    either = search(
        inside,
        {
            "group": [
                {"type": "EXACT", "fields": ["id"], "value": agent["id"]},
                {"type": "EXACT", "fields": ["state"], "value": "inactive", "operator": "OR"},
            ]
        },
        pageSize=100,
    )
    assert agent["id"] in [user["id"] for user in either["results"]]
    assert either["total"] > 1
    bad = inside.request("POST", "/api/v2/users/search", "desk", json={"query": [{"type": "GUESS", "value": "x"}]})
    assert (bad.status_code, bad.json()["details"][0]["fieldName"]) == (400, "query[0].type")


def test_teams_and_their_members(inside: InProcess) -> None:
    teams = pages(inside, "/api/v2/teams", pageSize=4)
    assert len(teams) == 6
    members = {team["id"]: pages(inside, f"/api/v2/teams/{team['id']}/members", pageSize=10) for team in teams}
    assert all(len(members[team["id"]]) == team["memberCount"] for team in teams)
    everybody = [row["id"] for rows in members.values() for row in rows]
    assert len(everybody) == len(set(everybody)) > 200
    found = inside.request(
        "POST", "/api/v2/teams/search", "desk", json={"query": [{"type": "STARTS_WITH", "fields": ["name"], "value": "bill"}]}
    ).json()
    assert [team["name"] for team in found["results"]] == ["Billing"]
    assert inside.request("GET", "/api/v2/teams/unknown/members", "desk").status_code == 404


def test_queues_and_their_members(inside: InProcess) -> None:
    queues = pages(inside, "/api/v2/routing/queues", pageSize=3)
    assert len(queues) == 8
    queue = queues[0]
    members = pages(inside, f"/api/v2/routing/queues/{queue['id']}/members", pageSize=7)
    assert len(members) == queue["memberCount"]
    joined = pages(inside, f"/api/v2/routing/queues/{queue['id']}/members", pageSize=100, joined="true")
    assert len(joined) == queue["joinedMemberCount"]
    assert all(row["joined"] and row["user"]["id"] == row["id"] for row in joined)
    too_large = inside.request("GET", f"/api/v2/routing/queues/{queue['id']}/members", "desk", params={"pageSize": 101})
    assert too_large.status_code == 400


def test_units_zones_and_their_people(inside: InProcess) -> None:
    units = inside.get(f"{WFM}/managementunits")["entities"]
    business = {row["id"]: row for row in inside.get(f"{WFM}/businessunits")["entities"]}
    assert (len(units), len(business)) == (4, 2)
    assert all(unit["businessUnit"]["id"] in business and unit["timeZone"] for unit in units)
    own = [unit for one in business for unit in inside.get(f"{WFM}/businessunits/{one}/managementunits")["entities"]]
    assert sorted(unit["id"] for unit in own) == sorted(unit["id"] for unit in units)
    zones = {inside.get(f"{WFM}/businessunits/{one}", expand="settings")["settings"]["timeZone"] for one in business}
    assert zones == {"Europe/Berlin", "Asia/Manila"}
    of_units = [row["id"] for unit in units for row in inside.get(f"{WFM}/managementunits/{unit['id']}/users")["entities"]]
    of_business = [
        user["id"]
        for one in business
        for unit in inside.get(f"{WFM}/businessunits/{one}/users")["managementUnits"]
        for user in unit["users"]
    ]
    assert sorted(of_units) == sorted(of_business)
    agent = inside.working()["id"]
    assert inside.get(f"{WFM}/agents/{agent}/managementunit")["managementUnit"]["id"] in {unit["id"] for unit in units}
    inactive = inside.agent(active="false")["id"]
    missing = inside.request("GET", f"{WFM}/agents/{inactive}/managementunit", "desk")
    assert (missing.status_code, missing.json()["code"]) == (404, "wfm.entity.not.found")
    assert inactive not in of_units


def test_divisions_and_what_is_permitted_there(inside: InProcess) -> None:
    divisions = inside.get("/api/v2/authorization/divisions")["entities"]
    assert len(divisions) == 3
    assert sum(row["homeDivision"] for row in divisions) == 1
    permitted = "/api/v2/authorization/divisionspermitted/paged/me"
    assert inside.get(permitted, permission="wfm:schedule:edit")["total"] == 3
    assert inside.get(permitted, "architect-flow", permission="wfm:schedule:edit")["entities"] == []
    assert inside.get(permitted, "architect-flow", permission="wfm:schedule:view")["allDivsPermitted"] is True
    assert inside.request("GET", permitted, "desk").json()["code"] == "missing.permission.param"


def schedule_search(inside: InProcess, unit: str, start: datetime, end: datetime, ids: list[str] | None = None) -> Any:
    body: dict[str, Any] = {"startDate": start.isoformat(), "endDate": end.isoformat()}
    if ids is not None:
        body["userIds"] = ids
    response = inside.request("POST", f"{WFM}/businessunits/{unit}/agentschedules/search", "read-only", json=body)
    assert response.status_code == 200, response.text
    return response.json()["result"]


def test_schedule_search_agrees_with_the_brief_and_with_now(inside: InProcess) -> None:
    agent = inside.working()
    person = inside.tenant.world.by_id[agent["id"]]
    now = inside.clock.now
    bu = person.unit.business_unit
    result = schedule_search(inside, bu.id, now, now + timedelta(minutes=30), [agent["id"]])
    assert result["businessUnitTimeZone"] == bu.zone
    assert [row["weekDate"] for row in result["publishedSchedules"]] == ["2026-11-23"]
    (own,) = result["agentSchedules"]
    (shift,) = own["shifts"]
    end = datetime.fromisoformat(shift["startDate"]) + timedelta(minutes=shift["lengthMinutes"])
    assert end == datetime.fromisoformat(agent["shift_ends"])
    assert shift["schedule"]["id"] == result["publishedSchedules"][0]["id"]
    assert sum(activity["lengthMinutes"] for activity in shift["activities"]) == shift["lengthMinutes"]
    codes = {row["id"]: row["category"] for row in inside.get(f"{WFM}/businessunits/{bu.id}/activitycodes")["entities"]}
    assert {activity["activityCodeId"] for activity in shift["activities"]} <= set(codes)
    brief = inside.get(f"/api/v2/wfm/users/{agent['id']}/schedule")
    same = next(row for row in brief["shifts"] if row["id"] == shift["id"])
    assert [codes[activity["activityCodeId"]] for activity in shift["activities"]] == [
        activity["category"] for activity in same["activities"]
    ]


def test_schedule_search_leaves_out_the_unscheduled_and_marks_time_off(inside: InProcess) -> None:
    now = inside.clock.now
    unscheduled = {row["id"] for row in inside.demo("GET", "/agents?scheduled=false")["agents"]}
    off = {row["id"] for row in inside.demo("GET", "/agents?time_off=true")["agents"]}
    seen: set[str] = set()
    marked: set[str] = set()
    for unit in inside.tenant.world.business_units:
        for row in schedule_search(inside, unit.id, now, now + timedelta(hours=1))["agentSchedules"]:
            seen.add(row["user"]["id"])
            if row["fullDayTimeOffMarkers"]:
                marked.add(row["user"]["id"])
                assert date.fromisoformat(row["fullDayTimeOffMarkers"][0]["businessUnitDate"])
    assert not seen & unscheduled
    assert marked == off
    assert off


def test_schedule_search_of_the_week_after_next_finds_nothing_published(inside: InProcess) -> None:
    start = inside.clock.now + timedelta(days=15)
    unit = inside.tenant.world.business_units[0]
    result = schedule_search(inside, unit.id, start, start + timedelta(hours=2))
    assert result["publishedSchedules"] == []
    assert all(row["shifts"] == [] for row in result["agentSchedules"])
    weeks = inside.get(f"{WFM}/businessunits/{unit.id}/weeks/2026-12-07/schedules")["entities"]
    assert [(row["weekDate"], row["published"]) for row in weeks] == [("2026-12-07", False)]
    recent = inside.get(f"{WFM}/businessunits/{unit.id}/weeks/recent/schedules", includeOnlyPublished="true")["entities"]
    assert max(row["weekDate"] for row in recent) == "2026-11-30"


def test_republished_schedules_have_new_ids_and_the_same_shifts(inside: InProcess) -> None:
    unit, now = inside.tenant.world.business_units[0].id, inside.clock.now
    before = schedule_search(inside, unit, now, now + timedelta(hours=1))
    inside.demo("POST", "/schedules/republish")
    after = schedule_search(inside, unit, now, now + timedelta(hours=1))
    assert before["publishedSchedules"][0]["id"] != after["publishedSchedules"][0]["id"]
    times = [[(s["id"], s["startDate"]) for s in row["shifts"]] for row in before["agentSchedules"]]
    assert times == [[(s["id"], s["startDate"]) for s in row["shifts"]] for row in after["agentSchedules"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "startDate"),
        ({"startDate": "2026-11-23T10:00:00Z"}, "endDate"),
        ({"startDate": "2026-11-23T10:00:00Z", "endDate": "2026-11-23T10:00:00Z"}, "endDate"),
        ({"startDate": "2026-11-23T10:00:00Z", "endDate": "2027-11-23T10:00:00Z"}, "endDate"),
        ({"startDate": "2026-11-23T10:00:00Z", "endDate": "2026-11-23T11:00:00Z", "userIds": "x"}, "userIds"),
    ],
)
def test_bad_schedule_searches(inside: InProcess, body: dict[str, Any], field: str) -> None:
    unit = inside.tenant.world.units[0].id
    response = inside.request("POST", f"{WFM}/managementunits/{unit}/agentschedules/search", "desk", json=body)
    assert (response.status_code, response.json()["details"][0]["fieldName"]) == (400, field)


def test_adherence_by_unit_and_by_user_agree(inside: InProcess) -> None:
    units = inside.tenant.world.units
    rows = [row for unit in units for row in inside.get(f"{WFM}/managementunits/{unit.id}/adherence")["entities"]]
    assert len(rows) == len(inside.demo("GET", "/agents?active=true")["agents"])
    ids = [row["id"] for row in rows[:100]]
    single = inside.request("GET", f"{WFM}/adherence", "desk", params={"userId": ids}).json()
    assert single == rows[:100]
    assert inside.request("GET", f"{WFM}/adherence", "desk").json()["code"] == "no.user.ids.specified"
    many = inside.request("GET", f"{WFM}/adherence", "desk", params={"userId": [row["id"] for row in rows[:101]]})
    assert (many.status_code, many.json()["code"]) == (400, "max.user.ids")


def test_only_those_made_unavailable_have_that_category(inside: InProcess) -> None:
    units = inside.tenant.world.units
    rows = [row for unit in units for row in inside.get(f"{WFM}/managementunits/{unit.id}/adherence")["entities"]]
    by_category = {row["id"] for row in rows if row["actualActivityCategory"] == "Unavailable"}
    by_state = {row["id"] for row in inside.demo("GET", "/agents?status=unavailable&active=true")["agents"]}
    assert by_category == by_state
    assert len({row["actualActivityCategory"] for row in rows}) >= 4
    in_contact = {row["id"] for row in rows if row["routingStatus"] == "INTERACTING"}
    assert in_contact == {row["id"] for row in inside.demo("GET", "/agents?in_contact=true")["agents"]}


@pytest.mark.parametrize(
    ("verb", "path", "query", "body"),
    [
        ("GET", "/api/v2/teams/unknown/members", {"pageSize": "0"}, None),
        ("GET", "/api/v2/routing/queues/unknown/members", {"pageSize": "many"}, None),
        ("POST", "/api/v2/workforcemanagement/businessunits/unknown/agentschedules/search", {}, {"startDate": "soon"}),
        ("POST", "/api/v2/workforcemanagement/managementunits/unknown/agentschedules/search", {}, []),
    ],
)
def test_a_bad_question_is_400_before_an_unknown_thing_is_404(
    inside: InProcess, verb: str, path: str, query: dict[str, str], body: object
) -> None:
    assert inside.request(verb, path, "desk", params=query, json=body).status_code == 400


def test_unknown_units_are_404_with_the_published_codes(inside: InProcess) -> None:
    assert inside.request("GET", f"{WFM}/managementunits/x/users", "desk").json()["code"] == "wfm.management.unit.not.found"
    assert inside.request("GET", f"{WFM}/businessunits/x/users", "desk").json()["code"] == "wfm.business.unit.not.found"


def test_presence_is_written_by_the_published_paths_too(inside: InProcess) -> None:
    agent = inside.working()["id"]
    definitions = {row["name"]: row["id"] for row in inside.get("/api/v2/presence/definitions")["entities"]}
    path = f"/api/v2/users/{agent}/presences/purecloud"
    body = {"presenceDefinition": {"id": definitions["Unavailable"]}, "message": "maintenance"}
    denied = inside.request("PATCH", path, "architect-flow", json=body)
    assert (denied.status_code, denied.json()["code"]) == (403, "presence.not.authorized.update.other.user.presence")
    assert inside.request("PATCH", path, "desk", json=body).status_code == 200
    own = inside.get(f"/api/v2/wfm/users/{agent}/availability")
    assert (own["status"], own["reason"]) == ("unavailable", "maintenance")
    bulk = [{"id": agent, "presenceDefinition": {"id": definitions["Meeting"]}}]
    assert inside.request("PUT", "/api/v2/users/presences/bulk", "desk", json=bulk).status_code == 200
    read = inside.get("/api/v2/users/presences/purecloud/bulk", id=agent)
    assert read[0]["presenceDefinition"]["id"] == definitions["Meeting"]
    assert inside.get(f"/api/v2/wfm/users/{agent}/availability")["status"] == "available"
    on_queue = [{"id": agent, "presenceDefinition": {"id": definitions["OnQueue"]}}]
    refused = inside.request("PUT", "/api/v2/users/presences/bulk", "desk", json=on_queue)
    assert refused.json()["code"] == "endpoint.does.not.support.on.queue"
    assert inside.request("PUT", "/api/v2/users/presences/bulk", "desk", json=bulk * 51).json()["code"] == "max.user.presences"
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 1}}


def test_all_three_clients_read_the_directory(inside: InProcess) -> None:
    unit = inside.tenant.world.units[0]
    for client in ("desk", "architect-flow", "read-only"):
        for path in (
            "/api/v2/users",
            "/api/v2/teams",
            f"{WFM}/managementunits/{unit.id}/adherence",
            "/api/v2/organizations/me",
        ):
            assert inside.request("GET", path, client).status_code == 200
