"""The brief's contract: availability, schedule, adherence, and the order in which a request can fail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.demo_inprocess import Clock, InProcess
from wfm.demo.tenant import Options

FORBIDDEN = {"code": "forbidden", "message": "Insufficient permissions for resource access"}
NOT_FOUND = {"code": "not_found", "message": "Resource not found"}
OUT = {"status": "unavailable", "reason": "maintenance_window"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def path_of(user_id: str, what: str = "availability") -> str:
    return f"/api/v2/wfm/users/{user_id}/{what}"


def patch(inside: InProcess, user_id: str, body: object, client: str = "desk", what: str = "availability") -> Any:
    return inside.request("PATCH", path_of(user_id, what), client, json=body)


def test_an_agent_is_made_unavailable_and_available_again(inside: InProcess) -> None:
    agent = inside.working()["id"]
    before = inside.get(path_of(agent))
    assert set(before) == {"status", "reason", "dateModified"}
    assert before["status"] == "available"
    out = patch(inside, agent, OUT)
    assert out.status_code == 200
    assert out.json() == inside.get(path_of(agent))
    assert (out.json()["status"], out.json()["reason"]) == ("unavailable", "maintenance_window")
    back = patch(inside, agent, {"status": "available"}).json()
    assert (back["status"], back["reason"]) == ("available", "")
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 1}}


def test_date_modified_strictly_increases_even_within_a_millisecond(inside: InProcess) -> None:
    agent = inside.working()["id"]
    stamps = [patch(inside, agent, OUT).json()["dateModified"] for _ in range(4)]
    assert stamps == sorted(set(stamps))
    assert all(datetime.fromisoformat(stamp).tzinfo is not None and len(stamp) == 24 for stamp in stamps)


def test_unavailable_shows_in_presence_routing_and_adherence(inside: InProcess) -> None:
    agent = inside.working()["id"]
    patch(inside, agent, OUT)
    presence = inside.get(f"/api/v2/users/{agent}/presences/purecloud")
    assert presence["presenceDefinition"]["systemPresence"] == "Away"
    assert presence["message"] == "maintenance_window"
    definitions = {row["id"]: row for row in inside.get("/api/v2/presence/definitions")["entities"]}
    assert definitions[presence["presenceDefinition"]["id"]]["name"] == "Unavailable"
    assert definitions[presence["presenceDefinition"]["id"]]["type"] == "User"
    assert inside.get(f"/api/v2/users/{agent}/routingstatus")["status"] == "OFF_QUEUE"
    row = inside.get("/api/v2/workforcemanagement/adherence", userId=agent)[0]
    assert (row["actualActivityCategory"], row["systemPresence"]) == ("Unavailable", "Away")
    current = inside.get(path_of(agent, "schedule/adherence"))[-1]
    assert (current["status"], current["reason"]) == ("unavailable", "maintenance_window")
    patch(inside, agent, {"status": "available", "reason": "done"})
    row = inside.get("/api/v2/workforcemanagement/adherence", userId=agent)[0]
    assert row["actualActivityCategory"] != "Unavailable"
    assert inside.get(path_of(agent, "schedule/adherence"))[-1]["status"] == "available"


@pytest.mark.parametrize("client", ["architect-flow", "read-only"])
@pytest.mark.parametrize("what", ["availability", "schedule/adherence", "schedule/adherence/{id}"])
def test_without_update_scope_writes_are_403_and_reads_work(inside: InProcess, client: str, what: str) -> None:
    agent = inside.working()["id"]
    record = inside.get(path_of(agent, "schedule/adherence"))[-1]["id"]
    response = patch(inside, agent, OUT, client, what.replace("{id}", record))
    assert response.status_code == 403
    assert response.json() == FORBIDDEN
    for read in ("availability", "schedule", "schedule/adherence"):
        assert inside.request("GET", path_of(agent, read), client).status_code == 200
    assert inside.demo("GET", "/updates") == {}


def test_without_read_scope_reads_are_403(inside: InProcess) -> None:
    inside.demo("PATCH", "/clients/read-only", {"scopes": []})
    response = inside.request("GET", path_of(inside.working()["id"]), "read-only")
    assert (response.status_code, response.json()) == (403, FORBIDDEN)


@pytest.mark.parametrize("what", ["availability", "schedule", "schedule/adherence"])
def test_no_schedule_unknown_and_inactive_users_are_404_and_say_nothing_more(inside: InProcess, what: str) -> None:
    unscheduled = inside.agent(scheduled="false", active="true")["id"]
    inactive = inside.agent(active="false")["id"]
    for user_id in (unscheduled, inactive, NOBODY, "not-a-user-id", "a%2Fb"):
        response = inside.request("GET", path_of(user_id, what), "desk")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)
        if what != "schedule":
            assert patch(inside, user_id, OUT, what=what).json() == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "away", "reason": "x"}, "status"),
        ({"status": None}, "status"),
        ({"status": ["unavailable"]}, "status"),
        ({"status": "unavailable", "reason": 7}, "reason"),
        ({"status": "unavailable", "reason": "x" * 201}, "reason"),
        ([], "body"),
        ("unavailable", "body"),
    ],
)
def test_a_bad_body_is_400_with_the_field(inside: InProcess, body: object, field: str) -> None:
    agent = inside.working()["id"]
    response = patch(inside, agent, body)
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"
    assert response.json()["field"] == field
    assert field in response.json()["message"] or field == "body"
    if body in ({}, {"status": None}):
        assert response.json()["message"] == "Field 'status' is missing. Accepted: available, unavailable."
    assert inside.demo("GET", "/updates") == {}


def test_a_body_that_is_not_json_is_400(inside: InProcess) -> None:
    response = inside.request("PATCH", path_of(inside.working()["id"]), "desk", content=b"{status:")
    assert (response.status_code, response.json()["field"]) == (400, "body")


def test_an_agent_out_of_office_is_409(inside: InProcess) -> None:
    agent = inside.agent(out_of_office="true", scheduled="true")["id"]
    response = patch(inside, agent, OUT)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert inside.demo("GET", "/updates") == {}


def test_order_of_answers_401_429_403_400_404_409() -> None:
    inside = InProcess(Clock(), Options(agents=240, latency_ms=0, rate_limit=4))
    away = inside.agent(out_of_office="true", scheduled="true")["id"]
    bad, good = {"status": "?"}, OUT

    def status(client: str | None, user_id: str, body: object) -> int:
        return inside.request("PATCH", path_of(user_id), client, json=body).status_code

    assert status(None, NOBODY, bad) == 401
    assert [status("read-only", NOBODY, bad) for _ in range(5)] == [403, 403, 403, 403, 429]
    assert status("desk", NOBODY, bad) == 400
    assert status("desk", NOBODY, good) == 404
    assert status("desk", away, bad) == 400
    assert status("desk", away, good) == 409
    assert status("desk", away, good) == 429
    assert status(None, away, good) == 401


def test_schedule_of_this_week(inside: InProcess) -> None:
    agent = inside.working()
    schedule = inside.get(path_of(agent["id"], "schedule"))
    assert schedule["userId"] == agent["id"]
    assert schedule["published"] is True
    assert schedule["weekDate"] == "2026-11-23"
    now = inside.clock.now
    current = [
        shift
        for shift in schedule["shifts"]
        if datetime.fromisoformat(shift["startDate"]) <= now < datetime.fromisoformat(shift["endDate"])
    ]
    assert [shift["endDate"] for shift in current] == [agent["shift_ends"]]
    assert current[0]["activities"][0]["startDate"] == current[0]["startDate"]
    assert current[0]["activities"][-1]["endDate"] == current[0]["endDate"]


def adherence(inside: InProcess, agent: str, **params: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = inside.get(path_of(agent, "schedule/adherence"), **params)
    return rows


def test_adherence_records_are_the_shifts_of_a_week(inside: InProcess) -> None:
    agent = inside.working()["id"]
    records = adherence(inside, agent)
    assert 4 <= len(records) <= 8
    assert all(set(record) == {"id", "startDate", "endDate", "status", "reason"} for record in records)
    assert all(record["status"] in ("available", "unavailable") for record in records)
    assert len({record["id"] for record in records}) == len(records)
    assert datetime.fromisoformat(records[-1]["startDate"]) <= inside.clock.now


def test_a_past_record_is_corrected_and_the_present_stays(inside: InProcess) -> None:
    agent = inside.working()["id"]
    past = adherence(inside, agent)[0]
    start = datetime.fromisoformat(past["startDate"]) + timedelta(minutes=30)
    body = {**OUT, "startDate": start.isoformat(), "endDate": (start + timedelta(minutes=30)).isoformat()}
    response = patch(inside, agent, body, what=f"schedule/adherence/{past['id']}")
    assert response.status_code == 200
    corrected = response.json()
    assert (corrected["id"], corrected["status"], corrected["reason"]) == (past["id"], "unavailable", "maintenance_window")
    assert datetime.fromisoformat(corrected["startDate"]) == start
    assert adherence(inside, agent)[0] == corrected
    assert inside.get(path_of(agent))["status"] == "available"
    assert inside.demo("GET", "/updates") == {agent: {"unavailable": 1, "available": 0}}
    undone = patch(inside, agent, {k: past[k] for k in past if k != "id"}, what=f"schedule/adherence/{past['id']}")
    assert undone.json() == past


def test_a_past_stretch_of_the_running_shift_is_corrected_without_touching_now(inside: InProcess) -> None:
    agent = inside.working()["id"]
    current = adherence(inside, agent)[-1]
    modified = inside.get(path_of(agent))["dateModified"]
    body = {**OUT, "endDate": (inside.clock.now - timedelta(minutes=5)).isoformat()}
    response = patch(inside, agent, body, what=f"schedule/adherence/{current['id']}")
    assert response.json()["status"] == "unavailable"
    assert inside.get(path_of(agent)) == {"status": "available", "reason": "", "dateModified": modified}


def test_a_correction_of_who_is_out_of_office_by_now_can_be_undone(inside: InProcess) -> None:
    agent = inside.agent(out_of_office="true", scheduled="true", on_shift="true")["id"]
    current = adherence(inside, agent)[-1]
    start = datetime.fromisoformat(current["startDate"])
    body = {**OUT, "endDate": (start + timedelta(minutes=5)).isoformat()}
    what = f"schedule/adherence/{current['id']}"
    assert patch(inside, agent, body, what=what).json()["status"] == "unavailable"
    undone = patch(inside, agent, {k: current[k] for k in current if k != "id"}, what=what)
    assert (undone.status_code, undone.json()) == (200, current)
    assert patch(inside, agent, OUT, what=what).status_code == 409


def test_the_form_without_an_id_sets_the_current_record_and_availability(inside: InProcess) -> None:
    agent = inside.working()["id"]
    current = adherence(inside, agent)[-1]
    response = patch(inside, agent, OUT, what="schedule/adherence")
    assert response.json() == {**current, **OUT}
    assert inside.get(path_of(agent))["status"] == "unavailable"
    assert patch(inside, agent, {"status": "available"}, what="schedule/adherence").json()["status"] == "available"
    assert inside.get(path_of(agent))["status"] == "available"


def test_unknown_adherence_ids_are_404(inside: InProcess) -> None:
    agent, other = inside.working()["id"], inside.agent(on_shift="false", scheduled="true")["id"]
    foreign = adherence(inside, other)[-1]["id"]
    tomorrow = adherence(inside, agent)[-1]["id"]
    tomorrow = tomorrow[:24] + f"{int(tomorrow[24:], 16) + 3:012x}"
    for record in (NOBODY, foreign, tomorrow, "x"):
        response = patch(inside, agent, OUT, what=f"schedule/adherence/{record}")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"startDate": "yesterday"}, "startDate"),
        ({"startDate": "2026-11-20T10:00:00"}, "startDate"),
        ({"endDate": 5}, "endDate"),
        ({"startDate": "2026-11-20T10:00:00Z", "endDate": "2026-11-20T09:00:00Z"}, "endDate"),
    ],
)
def test_bad_times_are_400_with_the_field(inside: InProcess, times: dict[str, object], field: str) -> None:
    agent = inside.working()["id"]
    record = adherence(inside, agent)[0]["id"]
    response = patch(inside, agent, {**OUT, **times}, what=f"schedule/adherence/{record}")
    assert (response.status_code, response.json()["field"]) == (400, field)


def test_a_correction_over_another_record_is_409(inside: InProcess) -> None:
    agent = inside.working()["id"]
    first, second = adherence(inside, agent)[:2]
    body = {**OUT, "startDate": first["startDate"], "endDate": second["endDate"]}
    response = patch(inside, agent, body, what=f"schedule/adherence/{first['id']}")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_adherence_of_an_earlier_range(inside: InProcess) -> None:
    agent = inside.working()["id"]
    records = adherence(inside, agent, startDate="2026-10-20T00:00:00Z", endDate="2026-10-27T00:00:00Z")
    assert records
    assert all("2026-10-1" < record["startDate"] < "2026-10-27" for record in records)
    too_long = inside.request("GET", path_of(agent, "schedule/adherence"), "desk", params={"startDate": "2026-01-01T00:00:00Z"})
    assert (too_long.status_code, too_long.json()["field"]) == (400, "endDate")


def test_unknown_brief_paths_and_verbs(inside: InProcess) -> None:
    agent = inside.working()["id"]
    assert inside.request("GET", path_of(agent, "nothing"), "desk").json()["code"] == "not_found"
    response = inside.request("DELETE", path_of(agent), "desk")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PATCH")
