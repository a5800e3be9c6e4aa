"""Activity plans: made, run and taken back by jobs that are polled (SDK models ActivityPlanResponse and its like).

The names of the permissions to delete are not published: this tenant asks for wfm:activityPlan:edit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from wfm.demo.api_brief import iso_ms
from wfm.demo.api_units import BUSINESS_UNIT, business_unit_of, unknown
from wfm.demo.planning import plan_run
from wfm.demo.plans import (
    DELETE_OCCURRENCES,
    DELETE_PLAN,
    DELETE_SESSIONS,
    DELETE_USERS,
    RUN,
    Job,
    Occurrence,
    Plan,
    Session,
)
from wfm.demo.problems import Json, Problem
from wfm.demo.roster import ACTIVITY_CODES
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import BusinessUnit

_SELECTORS = ("AcdSkill", "User", "Group", "Queue", "Division", "ManagementUnit")
_TYPES, _OBJECTIVES, _STATES = ("Individual", "Group"), ("FavorServiceGoals", "FavorSchedulingAll"), ("Active", "Inactive")
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MINUTES_OF_DAY = 1440
_MAX_LENGTH = 1440
_MAX_DAYS = 366

Check = Callable[[Any], bool]


def _bad(field: str, accepted: str) -> Problem:
    """400 wfm.bad.request, which names the field."""
    text = f"Validation rules were violated on this request. {field}: accepted is {accepted}."
    return Problem(400, "wfm.bad.request", text, field=field)


def _whole(lowest: int, highest: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _text(highest: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= highest


def _one_of(accepted: tuple[str, ...]) -> Check:
    return lambda value: isinstance(value, str) and value in accepted


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, str) for row in value)


def _need(holder: object, where: str, name: str, check: Check, accepted: str, required: bool = True) -> None:
    value = holder.get(name) if isinstance(holder, dict) else None
    if (value is None and required) or (value is not None and not check(value)):
        raise _bad(f"{where}{name}", accepted)


def _check_plan(body: Json) -> None:
    """Raise Problem 400 for a CreateActivityPlanRequest that can't be used."""
    codes = tuple(code.id for code in ACTIVITY_CODES)
    _need(body, "", "name", lambda value: _text(100)(value) and bool(value.strip()), "text of 1 to 100 characters")
    _need(body, "", "description", _text(1000), "text of at most 1000 characters", required=False)
    _need(body, "", "activityCodeId", _one_of(codes), "the id of an activity code")
    _need(body, "", "type", _one_of(_TYPES), ", ".join(_TYPES))
    _need(body, "", "lengthMinutes", _whole(1, _MAX_LENGTH), f"1 to {_MAX_LENGTH}")
    _need(body, "", "optimizationObjective", _one_of(_OBJECTIVES), ", ".join(_OBJECTIVES), required=False)
    _need(body, "", "state", _one_of(_STATES), ", ".join(_STATES), required=False)
    _need(body, "", "countsAsPaidTime", lambda value: isinstance(value, bool), "true, false", required=False)
    _need(body, "", "startTimeIncrementMinutes", _whole(1, 60), "1 to 60", required=False)
    _need(body, "", "managementUnitIds", _ids, "a list of ids", required=False)
    _need(body, "", "facilitated", lambda value: value is False, "false: this tenant has no facilitators", required=False)
    _check_rule(body.get("attendeesSearchRule"))
    _check_availability(body.get("fixedAvailability"), body["lengthMinutes"])
    recurrence = body.get("recurrenceSettings")
    if recurrence is not None:
        period = recurrence.get("recurrencePeriod") if isinstance(recurrence, dict) else None
        where = "recurrenceSettings.recurrencePeriod."
        _need(period, where, "magnitude", _whole(1, 52), "1 to 52")
        _need(period, where, "granularity", _one_of(("Days", "Weeks")), "Days, Weeks")


def _check_rule(rule: object) -> None:
    parts = rule.get("parts") if isinstance(rule, dict) else None
    if not isinstance(parts, list) or not parts:
        raise _bad("attendeesSearchRule.parts", "a list of parts, each with operation, selector and ids")
    for number, part in enumerate(parts):
        where = f"attendeesSearchRule.parts[{number}]."
        _need(part, where, "operation", _one_of(("Include", "Exclude")), "Include, Exclude")
        _need(part, where, "selector", _one_of(_SELECTORS), ", ".join(_SELECTORS))
        _need(part, where, "ids", _ids, "a list of ids")


def _check_availability(rows: object, length: int) -> None:
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise _bad("fixedAvailability", "a list of one availability")
    where = "fixedAvailability[0]."
    span, days = rows[0].get("availabilityRange"), rows[0].get("dateRange")
    earliest, latest = "earliestStartMinutesFromMidnight", "latestEndMinutesFromMidnight"
    _need(span, f"{where}availabilityRange.", earliest, _whole(0, _MINUTES_OF_DAY - 1), f"0 to {_MINUTES_OF_DAY - 1}")
    _need(span, f"{where}availabilityRange.", latest, _whole(1, 2 * _MINUTES_OF_DAY), f"1 to {2 * _MINUTES_OF_DAY}")
    if span[latest] - span[earliest] < length:  # type: ignore[index]
        raise _bad(f"{where}availabilityRange", "a range at least as long as the activity")
    first = _date(days.get("startDate")) if isinstance(days, dict) else None
    last = _date(days.get("endDate")) if isinstance(days, dict) else None
    if first is None or last is None or not 0 <= (last - first).days <= _MAX_DAYS:
        raise _bad(f"{where}dateRange", f"startDate and endDate, at most {_MAX_DAYS} days apart")
    weekdays = rows[0].get("daysOfWeek")
    if weekdays is not None and not (_ids(weekdays) and set(weekdays) <= set(_DAYS)):
        raise _bad(f"{where}daysOfWeek", ", ".join(_DAYS))


def _uri(plan: Plan, *rest: str) -> str:
    own = f"/api/v2/workforcemanagement/businessunits/{plan.business_unit}/activityplans/{plan.id}"
    return "/".join((own, *rest))


_KEPT = (
    "name",
    "description",
    "type",
    "initialSchedulePeriod",
    "lengthMinutes",
    "groupSettings",
    "recurrenceSettings",
    "attendeesSearchRule",
    "transitionTimeMinutes",
    "serviceGoalImpactOverrides",
    "optimizationObjective",
    "fixedAvailability",
    "state",
    "countsAsPaidTime",
    "startTimeIncrementMinutes",
)


def _plan_json(plan: Plan) -> Json:
    """SDK model ActivityPlanResponse."""
    unit_uri = "/api/v2/workforcemanagement/managementunits"
    units = [{"id": own, "selfUri": f"{unit_uri}/{own}"} for own in plan.body.get("managementUnitIds") or ()]
    by = {"id": plan.by, "selfUri": f"/api/v2/users/{plan.by}"}
    code = plan.body["activityCodeId"]
    row: Json = {
        "id": plan.id,
        **{name: plan.body[name] for name in _KEPT if plan.body.get(name) is not None},
        "managementUnits": units,
        "activityCode": {
            "id": code,
            "selfUri": f"/api/v2/workforcemanagement/businessunits/{plan.business_unit}/activitycodes/{code}",
        },
        "facilitated": False,
        "createdDate": iso_ms(plan.created),
        "createdBy": by,
        "modifiedDate": iso_ms(plan.modified),
        "modifiedBy": by,
        "selfUri": _uri(plan),
    }
    if plan.last_run is not None:
        row |= {"lastRunDate": iso_ms(plan.last_run), "lastRunBy": by}
    return row


def _plan_of(call: Call) -> tuple[BusinessUnit, Plan]:
    unit = business_unit_of(call)
    plan = call.tenant.plans.plans.get(call.params["activityPlanId"])
    if plan is None or plan.business_unit != unit.id:
        raise unknown()
    return unit, plan


def _caller(call: Call) -> str:
    assert call.token is not None
    return call.token.user or call.tenant.access.clients[call.token.client].id


def create_plan(call: Call) -> Answer:
    tenant, body = call.tenant, call.members()
    _check_plan(body)
    unit = business_unit_of(call)
    own = {row.id for row in tenant.world.units if row.business_unit.id == unit.id}
    if not set(body.get("managementUnitIds") or ()) <= own:
        raise _bad("managementUnitIds", "management units of the business unit")
    now = tenant.millis()
    body = {"optimizationObjective": "FavorServiceGoals", "state": "Active", "countsAsPaidTime": True, **body}
    plan = Plan(tenant.plans.new_id("plan"), unit.id, body, now, now, _caller(call))
    tenant.plans.add_plan(plan)
    return answer(_plan_json(plan), 201)


def get_plans(call: Call) -> Answer:
    unit = business_unit_of(call)
    rows = [plan for plan in call.tenant.plans.plans.values() if plan.business_unit == unit.id]
    return answer({"entities": [_plan_json(plan) for plan in rows]})


def get_plan(call: Call) -> Answer:
    return answer(_plan_json(_plan_of(call)[1]))


def _start(call: Call, plan: Plan, kind: str, **members: Any) -> Job:
    """Start a job. 409 while another job of the plan has not ended."""
    tenant = call.tenant
    if tenant.plans.running(plan, tenant.millis()):
        raise Problem(409, "wfm.transaction.conflict", "Entity was modified by another request")
    step = tenant.faults.strike(call.verb, call.path, {"job_error", "job_never"}.__contains__)
    outcome = "Complete" if step is None else {"job_error": "Error", "job_never": ""}[step.kind]
    ready = tenant.millis() + int(tenant.job_s * 1000)
    job = Job(tenant.plans.new_id("job"), plan.id, kind, ready, outcome, **members)
    tenant.plans.add_job(job)
    return job


def _job_members(call: Call, plan: Plan, job: Job) -> Json:
    status = job.status(call.tenant.millis())
    exceptions = [
        {"exceptionType": kind, "occurrences": [{"id": own, "selfUri": _uri(plan, "occurrences", own)} for own in ids]}
        for kind, ids in job.exceptions
    ]
    return {"id": job.id, "status": status, "exceptions": exceptions if status == "Complete" else []}


def _structure(call: Call, plan: Plan, job: Job) -> Json:
    """SDK model ActivityPlanStructureWithOccurrenceSessionsUsersReference: what the job made or took away."""
    shown = job.occurrences if job.status(call.tenant.millis()) == "Complete" else ()

    def session(occurrence: Occurrence, row: Session) -> Json:
        users = [{"id": user, "selfUri": f"/api/v2/users/{user}"} for user in row.users]
        return {"id": row.id, "users": users, "selfUri": _uri(plan, "occurrences", occurrence.id, "sessions", row.id)}

    occurrences = [
        {
            "id": own.id,
            "sessions": [session(own, row) for row in own.sessions],
            "selfUri": _uri(plan, "occurrences", own.id),
        }
        for own in shown
    ]
    return {"id": plan.id, "occurrences": occurrences, "selfUri": _uri(plan)}


def run_plan(call: Call) -> Answer:
    """SDK model ActivityPlanRunJobResponse: the job, to be polled."""
    unit, plan = _plan_of(call)
    planned = plan_run(call.tenant, unit, plan)
    job = _start(call, plan, RUN, occurrences=planned.occurrences, exceptions=planned.exceptions)
    reference = {"id": plan.id, "selfUri": _uri(plan)}
    own = {"activityPlan": reference, "selfUri": _uri(plan, "runs", "jobs", job.id)}
    return answer({**_job_members(call, plan, job), **own}, 201)


def _job_json(call: Call, plan: Plan, job: Job) -> Json:
    """SDK model ActivityPlanJobResponse. A job that ends in Error gives no reason."""
    where = "runs" if job.kind == RUN else "deletions"
    own = {"type": job.kind, "activityPlan": _structure(call, plan, job), "selfUri": _uri(plan, where, "jobs", job.id)}
    return {**_job_members(call, plan, job), **own}


def get_job(call: Call) -> Answer:
    """Poll a job of the plan. The plan may be gone by the deletion that is polled."""
    unit, job = business_unit_of(call), call.tenant.plans.jobs.get(call.params["jobId"])
    plan_id = call.params["activityPlanId"]
    if job is None or job.plan != plan_id:
        raise unknown()
    plan = call.tenant.plans.plans.get(plan_id) or Plan(plan_id, unit.id, {}, 0, 0, "")
    if plan.business_unit != unit.id:
        raise unknown()
    return answer(_job_json(call, plan, job))


def get_plan_jobs(call: Call) -> Answer:
    """SDK model ActivityPlanJobListing, of all plans of the unit."""
    unit = business_unit_of(call)
    plans = call.tenant.plans
    rows = [(plans.plans[job.plan], job) for job in plans.jobs.values() if job.plan in plans.plans]
    return answer({"entities": [_job_json(call, plan, job) for plan, job in rows if plan.business_unit == unit.id]})


def delete_plan(call: Call) -> Answer:
    _unit, plan = _plan_of(call)
    job = _start(call, plan, DELETE_PLAN, occurrences=plan.occurrences)
    return answer(_job_json(call, plan, job), 201)


def _wanted_ids(call: Call) -> list[str]:
    ids = call.members().get("ids")
    if not isinstance(ids, list) or not ids or not _ids(ids):
        raise _bad("ids", "a list of ids")
    return list(dict.fromkeys(ids))


def delete_occurrences(call: Call) -> Answer:
    ids = _wanted_ids(call)
    _unit, plan = _plan_of(call)
    touched = tuple(row for row in plan.occurrences if row.id in ids)
    missing = tuple(own for own in ids if own not in {row.id for row in touched})
    exceptions = (("InvalidOccurrence", missing),) if missing else ()
    job = _start(call, plan, DELETE_OCCURRENCES, occurrences=touched, exceptions=exceptions)
    return answer(_job_json(call, plan, job), 201)


def _occurrence(plan: Plan, occurrence_id: str) -> Occurrence:
    occurrence = next((row for row in plan.occurrences if row.id == occurrence_id), None)
    if occurrence is None:
        raise unknown()
    return occurrence


def delete_sessions(call: Call) -> Answer:
    ids = _wanted_ids(call)
    _unit, plan = _plan_of(call)
    occurrence = _occurrence(plan, call.params["occurrenceId"])
    gone = tuple(row for row in occurrence.sessions if row.id in ids)
    exceptions = (("SessionsNotDeleted", (occurrence.id,)),) if len(gone) < len(ids) else ()
    touched = Occurrence(occurrence.id, gone)
    removed = tuple(row.id for row in gone)
    job = _start(call, plan, DELETE_SESSIONS, occurrences=(touched,), exceptions=exceptions, removed=removed)
    return answer(_job_json(call, plan, job), 201)


def delete_session_users(call: Call) -> Answer:
    """Take single users out of one session."""
    ids = _wanted_ids(call)
    _unit, plan = _plan_of(call)
    occurrence = _occurrence(plan, call.params["occurrenceId"])
    session = next((row for row in occurrence.sessions if row.id == call.params["sessionId"]), None)
    if session is None:
        raise unknown()
    removed = tuple(user for user in ids if user in session.users)
    exceptions = (("SessionUsersNotRemoved", (occurrence.id,)),) if len(removed) < len(ids) else ()
    touched = Occurrence(occurrence.id, (Session(session.id, session.start, session.end, removed),))
    job = _start(call, plan, DELETE_USERS, occurrences=(touched,), exceptions=exceptions, removed=removed)
    return answer(_job_json(call, plan, job), 201)


_PLANS = f"{BUSINESS_UNIT}/activityplans"
_PLAN = f"{_PLANS}/{{activityPlanId}}"
_SESSIONS = f"{_PLAN}/occurrences/{{occurrenceId}}/sessions"
_EDIT, _VIEW = ("wfm:activityPlan:edit",), ("wfm:activityPlan:view",)


def _deletion(path: str, handler: Callable[[Call], Answer]) -> tuple[Endpoint, Endpoint]:
    jobs = f"{path}/deletions/jobs"
    poll = Endpoint("GET", f"{jobs}/{{jobId}}", get_job, permissions=_VIEW)
    return Endpoint("POST", jobs, handler, permissions=_EDIT), poll


ENDPOINTS = (
    Endpoint("GET", _PLANS, get_plans, permissions=_VIEW),
    Endpoint("POST", _PLANS, create_plan),
    Endpoint("GET", f"{_PLANS}/jobs", get_plan_jobs, permissions=_VIEW),
    Endpoint("GET", _PLAN, get_plan, permissions=_VIEW),
    Endpoint("POST", f"{_PLAN}/runs/jobs", run_plan),
    Endpoint("GET", f"{_PLAN}/runs/jobs/{{jobId}}", get_job),
    *_deletion(_PLAN, delete_plan),
    *_deletion(f"{_PLAN}/occurrences", delete_occurrences),
    *_deletion(_SESSIONS, delete_sessions),
    *_deletion(f"{_SESSIONS}/{{sessionId}}/users", delete_session_users),
)
