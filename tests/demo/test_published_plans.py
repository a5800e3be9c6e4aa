"""Activity plans: run by a job that is polled, seen in schedules and adherence, taken back down to one agent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.demo.published import UNKNOWN_USER, published_tenant, refused
from tests.support.demo_inprocess import Clock, InProcess
from wfm.demo.tenant import Options

WFM = "/api/v2/workforcemanagement"
UNAVAILABLE_CODE = "7"


@pytest.fixture
def platform() -> InProcess:
    return published_tenant()


def europe(platform: InProcess) -> str:
    rows = platform.get(f"{WFM}/businessunits")["entities"]
    return f"{WFM}/businessunits/{next(row['id'] for row in rows if row['name'] == 'Europe')}"


def working(platform: InProcess, how_many: int) -> list[dict[str, Any]]:
    """Agents of Europe, with a Maintenance of their division, who work on queue for the next 45 minutes by their schedule."""
    start = platform.clock.now
    rows = platform.demo("GET", "/agents?on_shift=true&scheduled=true&out_of_office=false")["agents"]
    found = []
    for row in rows:
        placed = row["business_unit"] == "Europe" and row["division"] != "Sales"
        if placed and activities(platform, row["id"], start, start + timedelta(minutes=45)) == ["0"]:
            found.append(row)
            if len(found) == how_many:
                return found
    raise AssertionError("too few agents are at work")


def activities(platform: InProcess, user: str, start: Any, end: Any) -> list[str]:
    """The activity codes of a user's schedule between two instants."""
    body = {"startDate": start.isoformat(), "endDate": end.isoformat(), "userIds": [user]}
    result = platform.request("POST", f"{europe(platform)}/agentschedules/search", "desk", json=body).json()["result"]
    codes = []
    for shift in (shift for row in result["agentSchedules"] for shift in row["shifts"]):
        for row in shift["activities"]:
            begins = type(start).fromisoformat(row["startDate"])
            if begins < end and start < begins + timedelta(minutes=row["lengthMinutes"]):
                codes.append(row["activityCodeId"])
    return codes


def plan_body(platform: InProcess, users: list[str], **changes: Any) -> dict[str, Any]:
    """A window of half an hour that begins in ten minutes."""
    local = (platform.clock.now + timedelta(minutes=10)).astimezone(ZoneInfo("Europe/Berlin"))
    minute, day = local.hour * 60 + local.minute, local.date().isoformat()
    return {
        "name": "Maintenance CHG-1",
        "activityCodeId": UNAVAILABLE_CODE,
        "type": "Individual",
        "lengthMinutes": 30,
        "optimizationObjective": "FavorSchedulingAll",
        "attendeesSearchRule": {"parts": [{"operation": "Include", "selector": "User", "ids": users}]},
        "fixedAvailability": [
            {
                "availabilityRange": {
                    "earliestStartMinutesFromMidnight": minute,
                    "latestEndMinutesFromMidnight": minute + 30,
                },
                "dateRange": {"startDate": day, "endDate": day},
            }
        ],
        **changes,
    }


def run(platform: InProcess, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Make a plan, run it, and wait: the path of the plan, and the finished job."""
    made = platform.request("POST", f"{europe(platform)}/activityplans", "desk", json=body)
    assert made.status_code == 201, made.text
    plan = made.json()["selfUri"]
    started = platform.request("POST", f"{plan}/runs/jobs", "desk")
    assert (started.status_code, started.json()["status"]) == (201, "Processing")
    job = started.json()["selfUri"]
    assert platform.get(job)["activityPlan"]["occurrences"] == []
    platform.clock.advance(1)
    return plan, platform.get(job)


def test_a_run_puts_the_activity_into_the_schedules_and_adherence_agrees(platform: InProcess) -> None:
    agents = [row["id"] for row in working(platform, 3)]
    start = platform.clock.now + timedelta(minutes=12)
    assert activities(platform, agents[0], start, start + timedelta(minutes=5)) == ["0"]
    plan, job = run(platform, plan_body(platform, agents))
    assert (job["status"], job["type"], job["exceptions"]) == ("Complete", "RunPlan", [])
    (occurrence,) = job["activityPlan"]["occurrences"]
    (session,) = occurrence["sessions"]
    assert {row["id"] for row in session["users"]} == set(agents)
    assert activities(platform, agents[0], start, start + timedelta(minutes=5)) == [UNAVAILABLE_CODE]
    assert platform.get(plan)["lastRunDate"]
    platform.clock.advance(15 * 60)
    maintenance = platform.request("GET", f"{WFM}/adherence", "desk", params={"userId": agents[0]}).json()[0]
    assert maintenance["scheduledActivityCategory"] == "Unavailable"
    platform.demo("POST", f"/agents/{agents[0]}/state", {"presence": "Maintenance"})
    row = platform.request("GET", f"{WFM}/adherence", "desk", params={"userId": agents[0]}).json()[0]
    assert row["adherenceState"] == "InAdherence"


def test_what_a_run_cannot_do_is_told_by_exceptions(platform: InProcess) -> None:
    agent = working(platform, 1)[0]["id"]
    off = next(
        row["id"]
        for row in platform.demo("GET", "/agents?on_shift=false&active=true")["agents"]
        if row["business_unit"] == "Europe"
    )
    _plan, job = run(platform, plan_body(platform, [agent, off, UNKNOWN_USER]))
    assert [row["exceptionType"] for row in job["exceptions"]] == ["InvalidUserIds", "UnscheduledAttendees"]
    (occurrence,) = job["activityPlan"]["occurrences"]
    assert [row["id"] for row in job["exceptions"][1]["occurrences"]] == [occurrence["id"]]
    assert [user["id"] for session in occurrence["sessions"] for user in session["users"]] == [agent]
    body = plan_body(platform, [agent])
    later = (platform.clock.now + timedelta(days=30)).date().isoformat()
    body["fixedAvailability"][0]["dateRange"] = {"startDate": later, "endDate": later}
    _plan, draft = run(platform, body)
    assert [row["exceptionType"] for row in draft["exceptions"]] == ["NoScheduleFound"]


def test_sessions_are_taken_back_down_to_one_agent(platform: InProcess) -> None:
    first, second, third = [row["id"] for row in working(platform, 3)]
    plan, job = run(platform, plan_body(platform, [first, second, third]))
    occurrence = job["activityPlan"]["occurrences"][0]
    session = occurrence["sessions"][0]
    start = platform.clock.now + timedelta(minutes=12)

    def codes() -> list[str]:
        return [activities(platform, user, start, start + timedelta(minutes=5))[0] for user in (first, second, third)]

    def delete(path: str, ids: list[str] | None) -> dict[str, Any]:
        body = {} if ids is None else {"json": {"ids": ids}}
        started = platform.request("POST", f"{path}/deletions/jobs", "desk", **body)
        assert started.status_code == 201, started.text
        platform.clock.advance(1)
        ended: dict[str, Any] = platform.get(f"{path}/deletions/jobs/{started.json()['id']}")
        assert ended["status"] == "Complete"
        return ended

    users = f"{session['selfUri']}/users"
    one = delete(users, [first])
    assert (one["type"], codes()) == ("DeleteSessionUsers", ["0", UNAVAILABLE_CODE, UNAVAILABLE_CODE])
    again = delete(users, [first])
    assert [row["exceptionType"] for row in again["exceptions"]] == ["SessionUsersNotRemoved"]
    sessions = delete(f"{plan}/occurrences/{occurrence['id']}/sessions", [session["id"]])
    assert (sessions["type"], codes()) == ("DeleteSessions", ["0", "0", "0"])
    plan, job = run(platform, plan_body(platform, [second]))
    gone = delete(f"{plan}/occurrences", [job["activityPlan"]["occurrences"][0]["id"], UNKNOWN_USER])
    assert [row["exceptionType"] for row in gone["exceptions"]] == ["InvalidOccurrence"]
    assert codes() == ["0", "0", "0"]
    other, _job = run(platform, plan_body(platform, [third]))
    assert codes()[2] == UNAVAILABLE_CODE
    whole = delete(other, None)
    assert (whole["type"], codes()[2]) == ("DeleteActivityPlan", "0")
    assert refused(platform.request("GET", other, "desk")) == (404, "wfm.entity.not.found")


def test_jobs_that_end_in_error_or_never(platform: InProcess) -> None:
    agent = working(platform, 1)[0]["id"]
    start = platform.clock.now + timedelta(minutes=12)
    platform.demo("POST", "/faults", [{"kind": "job_error"}, {"kind": "job_never", "after": 0}])
    _plan, failed = run(platform, plan_body(platform, [agent]))
    assert (failed["status"], failed.get("error"), failed["exceptions"]) == ("Error", None, [])
    plan, endless = run(platform, plan_body(platform, [agent]))
    platform.clock.advance(300)
    assert platform.get(endless["selfUri"])["status"] == "Processing"
    assert refused(platform.request("POST", f"{plan}/runs/jobs", "desk")) == (409, "wfm.transaction.conflict")
    assert activities(platform, agent, start, start + timedelta(minutes=5)) == ["0"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""),
        ("activityCodeId", "99"),
        ("type", "Both"),
        ("lengthMinutes", 0),
        ("attendeesSearchRule", {"parts": []}),
        ("fixedAvailability", [{}]),
        ("managementUnitIds", [UNKNOWN_USER]),
        ("recurrenceSettings", {"recurrencePeriod": {"magnitude": 0, "granularity": "Days"}}),
    ],
)
def test_a_body_that_cannot_be_used_names_its_member(platform: InProcess, member: str, value: object) -> None:
    body = plan_body(platform, [UNKNOWN_USER], **{member: value})
    answered = platform.request("POST", f"{europe(platform)}/activityplans", "desk", json=body)
    assert refused(answered) == (400, "wfm.bad.request")
    assert answered.json()["details"][0]["fieldName"].startswith(member)


def test_permissions_and_the_division_of_the_unit(platform: InProcess) -> None:
    path, body = f"{europe(platform)}/activityplans", plan_body(platform, [UNKNOWN_USER])
    assert refused(platform.request("POST", path, "read-only", json=body)) == (403, "missing.permissions")
    platform.demo("PATCH", "/clients/desk", {"withdraw": ["Activity Planner"], "divisions": ["Care"]})
    assert refused(platform.request("POST", path, "desk", json=body)) == (403, "wfm.permission.failure")
    assert platform.request("GET", path, "read-only").json() == {"entities": []}


def test_a_queue_and_a_division_select_less_those_who_are_excluded(platform: InProcess) -> None:
    one = working(platform, 1)[0]
    divisions = {row.name: row.id for row in platform.tenant.world.divisions}
    parts = [
        {"operation": "Include", "selector": "Division", "ids": [divisions[one["division"]]]},
        {"operation": "Exclude", "selector": "User", "ids": [one["id"]]},
    ]
    _plan, job = run(platform, plan_body(platform, [], attendeesSearchRule={"parts": parts}))
    (occurrence,) = job["activityPlan"]["occurrences"]
    placed = [user["id"] for session in occurrence["sessions"] for user in session["users"]]
    assert len(placed) > 5
    assert one["id"] not in placed
    rows = {row["id"]: row for row in platform.demo("GET", "/agents")["agents"]}
    assert {rows[user]["division"] for user in placed} == {one["division"]}


def test_plans_jobs_and_sessions_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    options = Options(agents=240, latency_ms=0, rate_limit=100_000, platform="published", state=tmp_path / "state")
    platform = InProcess(clock=clock, options=options)
    agent = working(platform, 1)[0]["id"]
    plan, done = run(platform, plan_body(platform, [agent]))
    started = platform.request("POST", f"{plan}/deletions/jobs", "desk").json()
    platform.tenant.close()
    again = InProcess(clock=clock, options=options)
    start = clock.now + timedelta(minutes=12)
    assert activities(again, agent, start, start + timedelta(minutes=5)) == [UNAVAILABLE_CODE]
    assert again.get(done["selfUri"]) == done
    clock.advance(1)
    assert again.get(f"{plan}/deletions/jobs/{started['id']}")["status"] == "Complete"
    assert activities(again, agent, start, start + timedelta(minutes=5)) == ["0"]
    again.tenant.close()
