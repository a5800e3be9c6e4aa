"""Unavailable times, adherence explanations and time off of agents. None of them changes a schedule or a state (published).

The permission of PATCH …/agents/{agentId}/unavailabletimes is not published; here none is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wfm.demo.api_brief import instant_ms, iso_ms
from wfm.demo.api_units import MANAGEMENT_UNIT, WFM, management_unit_of, reference, require_unit, unknown, user_reference
from wfm.demo.problems import Json, Problem
from wfm.demo.roster import ACTIVITY_CODES
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person

MAX_SPANS = 100
_MAX_MINUTES = 53 * 7 * 1440
_MAX_NOTES = 1000
_DAY_MS = 86_400_000
_MAX_QUERY_DAYS = 33
_TIME, _EXPLANATION, _JOB, _TIME_OFF = "unavailable time", "explanation", "explanation job", "time off"
_STATUSES = ("Pending", "Approved", "Denied")


def _bad(field: str, accepted: str, code: str = "wfm.bad.request") -> Problem:
    text = f"Validation rules were violated on this request. {field}: accepted is {accepted}."
    return Problem(400, code, text, field=field)


def _agent(call: Call) -> Person:
    person = call.tenant.person(call.params["agentId"])
    if person is None or person.outside_units or not call.tenant.states.active(person):
        raise unknown()
    require_unit(call, person.unit.division)
    return person


def _caller(call: Call) -> Json:
    assert call.token is not None
    own = call.token.user or call.tenant.access.clients[call.token.client].id
    return {"id": own, "selfUri": f"/api/v2/users/{own}"}


def _instant(body: object, name: str, where: str = "", code: str = "wfm.bad.request") -> int:
    try:
        return instant_ms(name, body.get(name) if isinstance(body, dict) else None)
    except Problem:
        raise _bad(f"{where}{name}", "an instant with a zone, such as 2026-11-23T14:30:00Z", code) from None


def _minutes(body: object, name: str, where: str = "") -> int:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_MINUTES:
        raise _bad(f"{where}{name}", f"1 to {_MAX_MINUTES}")
    return value


def _notes(body: Json, where: str = "") -> str:
    notes = body.get("notes") or ""
    if not isinstance(notes, str) or len(notes) > _MAX_NOTES:
        raise _bad(f"{where}notes", f"text of at most {_MAX_NOTES} characters")
    return notes


# Unavailable times


def _spans(call: Call) -> list[Json]:
    rows = call.members().get("entities")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_SPANS or not all(isinstance(row, dict) for row in rows):
        raise _bad("entities", f"1 to {MAX_SPANS} entries")
    for number, row in enumerate(rows):
        if row.get("id") is not None and not isinstance(row["id"], str):
            raise _bad(f"entities[{number}].id", "an id")
        if not isinstance(row.get("delete", False), bool) or (row.get("delete") and not row.get("id")):
            raise _bad(f"entities[{number}].delete", "true for an entry with an id, or false")
        if not row.get("delete"):
            _instant(row.get("timeSpan"), "startDate", f"entities[{number}].timeSpan.")
            _minutes(row.get("timeSpan"), "lengthMinutes", f"entities[{number}].timeSpan.")
            _notes(row, f"entities[{number}].")
    return rows


def _write_span(call: Call, person: Person, row: Json) -> Json:
    """SDK model BulkUpdateAgentUnavailableTimesResultItem: Error for an id that is none of the agent's."""
    records = call.tenant.records
    kept = records.get(_TIME, row["id"]) if row.get("id") else None
    if row.get("id") and (kept is None or kept["agent"] != person.id):
        return {"unavailableTime": {"id": row["id"]}, "status": "Error"}
    own = row.get("id") or records.new_id(_TIME)
    if row.get("delete"):
        records.remove(_TIME, own)
    else:
        span = {name: row["timeSpan"][name] for name in ("startDate", "lengthMinutes")}
        records.put(_TIME, own, {"agent": person.id, "timeSpan": span, "notes": _notes(row)})
    return {"unavailableTime": {"id": own}, "status": "Complete"}


def _spans_of(call: Call, person: Person) -> list[Json]:
    """SDK model UnavailableTime."""
    rows = call.tenant.records.rows(_TIME).items()
    return [{"id": own, "timeSpan": row["timeSpan"], "notes": row["notes"]} for own, row in rows if row["agent"] == person.id]


def patch_agent_times(call: Call) -> Answer:
    rows = _spans(call)
    person = _agent(call)
    return answer({"results": [_write_span(call, person, row) for row in rows]})


def patch_own_times(call: Call) -> Answer:
    """Those of the agent who calls; client credentials are no agent."""
    rows = _spans(call)
    assert call.token is not None
    person = call.tenant.person(call.token.user)
    if person is None or person.outside_units:
        raise unknown()
    for row in rows:
        if _write_span(call, person, row)["status"] == "Error":
            raise unknown()
    return answer({"entities": _spans_of(call, person)})


def query_agent_times(call: Call) -> Answer:
    """Those that overlap startDate to endDate."""
    body = call.members()
    first, last = _instant(body, "startDate"), _instant(body, "endDate")
    person = _agent(call)
    rows = [
        row
        for row in _spans_of(call, person)
        if (start := instant_ms("startDate", row["timeSpan"]["startDate"])) < last
        and first < start + row["timeSpan"]["lengthMinutes"] * 60_000
    ]
    return answer({"entities": rows})


# Adherence explanations


def _job(call: Call, kind: str, explanation: str) -> Answer:
    """SDK model AdherenceExplanationAsyncResponse."""
    tenant = call.tenant
    own = tenant.records.new_id(_JOB)
    ready = tenant.millis() + int(tenant.job_s * 1000)
    tenant.records.put(_JOB, own, {"type": kind, "explanation": explanation, "ready": ready})
    uri = f"{WFM}/adherence/explanations/jobs/{own}"
    return answer({"job": {"id": own, "type": kind, "status": "Processing", "selfUri": uri}}, 202)


def _one_of(value: object, name: str, accepted: tuple[str, ...]) -> str:
    if value not in list(accepted):
        raise _bad(name, ", ".join(accepted))
    return str(value)


def add_explanation(call: Call) -> Answer:
    """The only type is Late (published)."""
    body = call.members()
    row = {
        "type": _one_of(body.get("type"), "type", ("Late",)),
        "status": _one_of(body.get("status") or "Pending", "status", _STATUSES),
        "startDate": iso_ms(_instant(body, "startDate")),
        "lengthMinutes": _minutes(body, "lengthMinutes"),
        "notes": _notes(body),
    }
    person = _agent(call)
    own = call.tenant.records.new_id(_EXPLANATION)
    call.tenant.records.put(_EXPLANATION, own, {"agent": person.id, **row})
    return _job(call, "AddExplanation", own)


def change_explanation(call: Call) -> Answer:
    status = _one_of(call.members().get("status"), "status", _STATUSES)
    person, own = _agent(call), call.params["explanationId"]
    kept = call.tenant.records.get(_EXPLANATION, own)
    if kept is None or kept["agent"] != person.id:
        raise unknown()
    review = {"reviewedBy": _caller(call), "reviewedDate": iso_ms(call.tenant.millis())}
    call.tenant.records.put(_EXPLANATION, own, {**kept, "status": status, **review})
    return _job(call, "UpdateExplanation", own)


def get_explanation_job(call: Call) -> Answer:
    """SDK model AdherenceExplanationJob."""
    tenant, own = call.tenant, call.params["jobId"]
    job = tenant.records.get(_JOB, own)
    if job is None:
        raise unknown()
    row: Json = {"id": own, "type": job["type"], "selfUri": call.path}
    if tenant.millis() < job["ready"]:
        return answer({**row, "status": "Processing"})
    kept = dict(tenant.records.rows(_EXPLANATION)[job["explanation"]])
    person = tenant.world.by_id[kept.pop("agent")]
    explanation = {
        "id": job["explanation"],
        "agent": user_reference(person),
        "managementUnit": reference("managementunits", person.unit.id),
        "businessUnit": reference("businessunits", person.unit.business_unit.id),
        **kept,
        "selfUri": f"{WFM}/agents/{person.id}/adherence/explanations/{job['explanation']}",
    }
    return answer({**row, "status": "Complete", "adherenceExplanation": explanation})


# Time off

_KEPT = ("activityCodeId", "notes", "fullDayManagementUnitDates", "partialDayStartDateTimes", "dailyDurationMinutes", "paid")
_TIME_OFF_CODES = [code.id for code in ACTIVITY_CODES if code.category == "TimeOff"]


def _valid(body: Json, name: str, check: Callable[[Any], bool], accepted: str) -> None:
    if body.get(name) is not None and not check(body[name]):
        raise _bad(name, accepted, "wfm.validation.failure")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, str) for row in value)


def _check_time_off(body: Json, statuses: tuple[str, ...]) -> None:
    _valid(body, "status", lambda value: value in list(statuses), ", ".join(statuses))
    _valid(body, "activityCodeId", lambda value: value in _TIME_OFF_CODES, "an activity code of category TimeOff")
    _valid(body, "notes", lambda value: isinstance(value, str) and len(value) <= _MAX_NOTES, "text")
    _valid(body, "fullDayManagementUnitDates", _texts, "a list of dates")
    _valid(body, "partialDayStartDateTimes", _texts, "a list of instants")
    _valid(body, "paid", lambda value: isinstance(value, bool), "true, false")
    for number, start in enumerate(body.get("partialDayStartDateTimes") or ()):
        _instant({"start": start}, "start", f"partialDayStartDateTimes[{number}].", "wfm.validation.failure")
    minutes = body.get("dailyDurationMinutes")
    if minutes is not None:
        _minutes(body, "dailyDurationMinutes")


def _time_off_json(own: str, row: Json) -> Json:
    """SDK model TimeOffRequestResponse."""
    shown = {name: value for name, value in row.items() if name not in ("unit", "version", "user")}
    uri = f"{MANAGEMENT_UNIT.replace('{managementUnitId}', row['unit'])}/users/{row['user']}/timeoffrequests/{own}"
    user = {"id": row["user"], "selfUri": f"/api/v2/users/{row['user']}"}
    return {"id": own, "user": user, "markedAsRead": False, **shown, "metadata": {"version": row["version"]}, "selfUri": uri}


def add_time_off(call: Call) -> Answer:
    """One request for each user named. It is not applied to a published schedule (published)."""
    body = call.members()
    _check_time_off(body, ("PENDING", "APPROVED"))
    if body.get("status") is None or body.get("activityCodeId") is None:
        raise _bad("status, activityCodeId", "both", "wfm.validation.failure")
    if not (body.get("fullDayManagementUnitDates") or body.get("partialDayStartDateTimes")):
        raise _bad("partialDayStartDateTimes", "these or fullDayManagementUnitDates", "wfm.validation.failure")
    users = body.get("users")
    if not isinstance(users, list) or not users or not all(isinstance(row, dict) for row in users):
        raise _bad("users", "a list of users", "wfm.validation.failure")
    unit, tenant = management_unit_of(call), call.tenant
    members = {person.id for person in tenant.world.of_unit[unit.index]}
    if any(row.get("id") not in list(members) for row in users):
        raise Problem(400, "wfm.entity.not.found", "A user is not in the management unit", field="users")
    by, now = _caller(call), iso_ms(tenant.millis())
    rows: list[Json] = []
    for row in users:
        own = tenant.records.new_id(_TIME_OFF)
        kept = {name: body[name] for name in _KEPT if body.get(name) is not None}
        full = bool(body.get("fullDayManagementUnitDates"))
        times = {"submittedBy": by, "submittedDate": now, "modifiedBy": by, "modifiedDate": now}
        request = {"unit": unit.id, "user": row["id"], "version": 1, "status": body["status"], "isFullDayRequest": full}
        tenant.records.put(_TIME_OFF, own, {**request, **kept, **times})
        rows.append(_time_off_json(own, tenant.records.rows(_TIME_OFF)[own]))
    return answer({"timeOffRequests": rows})


def query_time_off(call: Call) -> Answer:
    """statuses [PENDING], or a dateRange of at most 33 days, is mandatory (published). Ranges are taken of partial days."""
    body = call.members()
    for name in ("ids", "userIds", "statuses"):
        _valid(body, name, _texts, "a list")
    span = body.get("dateRange")
    if span is None and body.get("statuses") != ["PENDING"]:
        raise _bad("dateRange", "a range, unless statuses is [PENDING]", "wfm.validation.failure")
    first = last = None
    if span is not None:
        first = _instant(span, "startDate", "dateRange.", "wfm.validation.failure")
        last = _instant(span, "endDate", "dateRange.", "wfm.validation.failure")
        if not 0 < last - first <= _MAX_QUERY_DAYS * _DAY_MS:
            raise _bad("dateRange", f"at most {_MAX_QUERY_DAYS} days", "wfm.validation.failure")
    unit = management_unit_of(call)
    rows = [
        {name: value for name, value in _time_off_json(own, row).items() if name not in ("modifiedBy", "modifiedDate")}
        for own, row in call.tenant.records.rows(_TIME_OFF).items()
        if row["unit"] == unit.id
        and (not body.get("ids") or own in body["ids"])
        and (not body.get("userIds") or row["user"] in body["userIds"])
        and (not body.get("statuses") or row["status"] in body["statuses"])
        and (first is None or last is None or _within(row, first, last))
    ]
    return answer({"entities": rows})


def _within(row: Json, first: int, last: int) -> bool:
    starts = [instant_ms("start", start) for start in row.get("partialDayStartDateTimes", ())]
    return not starts or any(first <= start < last for start in starts)


def change_time_off(call: Call) -> Answer:
    """Approve, deny or edit. 409 wfm.transaction.conflict when metadata.version is not the present one."""
    body = call.members()
    _check_time_off(body, ("PENDING", "APPROVED", "DENIED"))
    unit, own = management_unit_of(call), call.params["timeOffRequestId"]
    kept = call.tenant.records.get(_TIME_OFF, own)
    if kept is None or (kept["unit"], kept["user"]) != (unit.id, call.params["userId"]):
        raise unknown()
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("version") != kept["version"]:
        raise Problem(409, "wfm.transaction.conflict", "Entity was modified by another request")
    changed = {name: body[name] for name in (*_KEPT, "status") if body.get(name) is not None}
    by, now = _caller(call), iso_ms(call.tenant.millis())
    review = {"reviewedBy": by, "reviewedDate": now, "modifiedBy": by, "modifiedDate": now, "version": kept["version"] + 1}
    call.tenant.records.put(_TIME_OFF, own, {**kept, **changed, **review})
    return answer(_time_off_json(own, call.tenant.records.rows(_TIME_OFF)[own]))


_AGENT = f"{WFM}/agents/{{agentId}}"
_REQUESTS = f"{MANAGEMENT_UNIT}/timeoffrequests"
ENDPOINTS = (
    Endpoint("PATCH", f"{_AGENT}/unavailabletimes", patch_agent_times),
    Endpoint("POST", f"{_AGENT}/unavailabletimes/query", query_agent_times),
    Endpoint("PATCH", f"{WFM}/unavailabletimes", patch_own_times),
    Endpoint("POST", f"{_AGENT}/adherence/explanations", add_explanation),
    Endpoint("PATCH", f"{_AGENT}/adherence/explanations/{{explanationId}}", change_explanation),
    Endpoint("GET", f"{WFM}/adherence/explanations/jobs/{{jobId}}", get_explanation_job),
    Endpoint("POST", _REQUESTS, add_time_off),
    Endpoint("POST", f"{_REQUESTS}/query", query_time_off),
    Endpoint("PATCH", f"{MANAGEMENT_UNIT}/users/{{userId}}/timeoffrequests/{{timeOffRequestId}}", change_time_off),
)
