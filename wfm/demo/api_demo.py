"""/_demo: what tests and demonstrations need. Loopback only, no token, no limit, no latency."""

from __future__ import annotations

from typing import Any

from wfm.demo import api_demo_access
from wfm.demo.api_adherence import adherence_json
from wfm.demo.api_brief import availability
from wfm.demo.problems import Json, bad_field, not_found
from wfm.demo.published_states import PublishedStates
from wfm.demo.roster import iso_minute
from wfm.demo.states import AVAILABLE, UNAVAILABLE_STATUS
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import Person


def get_info(call: Call) -> Answer:
    """Organization, addresses, clients with their secrets, scenario, scenarios, number of agents, limits."""
    tenant = call.tenant
    return answer(
        {
            "demo": True,
            "organization": {"id": tenant.world.organization_id, "name": tenant.world.organization},
            "api": call.base_url,
            "login": call.base_url,
            "clients": [client.public() for client in tenant.access.clients.values()],
            "platform": tenant.platform.value,
            "scenario": tenant.scenario.name,
            "suggested_client": tenant.scenario.suggested_client,
            "scenarios": [{"name": s.name, "text": s.text} for s in tenant.scenarios.values()],
            "agents": len(tenant.world.people),
            "rate_limit": tenant.limit,
            "latency_ms": tenant.latency * 1000,
            "seed": tenant.seed,
            "share_on_shift": round(tenant.share_on_shift(), 3),
        }
    )


def get_updates(call: Call) -> Answer:
    """Accepted updates of each agent, by target state: {user_id: {"unavailable": n, "available": m}}."""
    return answer(call.tenant.states.updates())


def get_stats(call: Call) -> Answer:
    """Requests to /api since the start: accepted, refused for the limit, writes accepted, and each client's window.

    `operations` counts those accepted by "VERB /path/template", whatever their answer.
    `window_resets_in_s` is the longest wait until every client has a fresh window (0 when all have).
    """
    tenant = call.tenant
    windows = {}
    for name in tenant.access.clients:
        usage = tenant.limiter.look(name, tenant.limit)
        left = tenant.limiter.remaining(name)
        windows[name] = {"allowed": usage.allowed, "count": usage.count, "resets_in_s": round(left, 3)}
    longest = max(float(row["resets_in_s"]) for row in windows.values())
    operations = dict(sorted(tenant.operations.items()))
    return answer({**tenant.counters, "operations": operations, "window_resets_in_s": longest, "clients": windows})


def _person(call: Call) -> Person:
    person = call.tenant.person(call.params["id"])
    if person is None:
        raise not_found()
    return person


def _agent_row(tenant: DemoTenant, person: Person, minute: int) -> Json:
    snap = tenant.states.snapshot(person, minute)
    status, reason = tenant.states.status(person)
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "management_unit": None if person.outside_units else person.unit.name,
        "business_unit": None if person.outside_units else person.unit.business_unit.name,
        "zone": person.unit.zone,
        "team": person.team.name if person.team else None,
        "division": person.division.name,
        "active": tenant.states.active(person),
        "scheduled": tenant.states.scheduled(person),
        "out_of_office": snap.out_of_office,
        "status": status,
        "reason": reason,
        "presence": snap.presence.system,
        "definition": snap.presence.name,
        "message": tenant.states.live(person).message,
        "in_contact": snap.in_contact,
        "on_shift": snap.shift is not None and not snap.shift.off,
        "time_off": snap.shift is not None and snap.shift.off,
        "shift_ends": iso_minute(snap.shift.end) if snap.shift is not None else None,
    }


_FILTERS = ("active", "scheduled", "out_of_office", "in_contact", "on_shift", "time_off")


def get_agents(call: Call) -> Answer:
    """A short form of all agents. Filters: active, scheduled, out_of_office, in_contact, on_shift, time_off (true or false),
    status (available, unavailable), limit."""
    tenant, minute = call.tenant, call.tenant.minute()
    wanted: dict[str, object] = {}
    for name in _FILTERS:
        given = call.first(name).lower()
        if given not in ("", "true", "false"):
            raise bad_field(name, given, "true, false")
        if given:
            wanted[name] = given == "true"
    if call.first("status"):
        wanted["status"] = call.first("status")
    most = call.whole("limit", 1, 50_000, 50_000)
    rows: list[Json] = []
    for person in tenant.world.people:
        row = _agent_row(tenant, person, minute)
        if all(row[name] == value for name, value in wanted.items()):
            rows.append(row)
            if len(rows) == most:
                break
    return answer({"agents": rows})


def get_agent(call: Call) -> Answer:
    """One agent with everything: state, availability, adherence, counts."""
    tenant, person = call.tenant, _person(call)
    minute, live = tenant.minute(), tenant.states.live(person)
    return answer(
        {
            **_agent_row(tenant, person, minute),
            "availability": availability(tenant, person),
            "adherence": adherence_json(tenant, person, minute),
            "updates": {"unavailable": live.unavailable, "available": live.available},
        }
    )


def set_agent_state(call: Call) -> Answer:
    """Change an agent as another person would: status, reason, presence, in_contact, out_of_office, scheduled, active.

    Not counted in /_demo/updates. `presence` is a presence's name; null for in_contact and its like means: as in the
    roster and the person.
    """
    tenant, body = call.tenant, call.members()
    unknown = sorted(set(body) - {"status", "reason", "presence", "in_contact", "out_of_office", "scheduled", "active"})
    if unknown:
        raise bad_field(unknown[0], body[unknown[0]], "status, reason, presence, in_contact, out_of_office, scheduled, active")
    if not body:
        raise bad_field("body", body, "at least one of status, presence, in_contact, out_of_office, scheduled, active")
    changes: dict[str, Any] = {}
    for name in ("in_contact", "out_of_office", "scheduled", "active"):
        if name in body:
            if body[name] is not None and not isinstance(body[name], bool):
                raise bad_field(name, body[name], "true, false, null")
            changes[name] = body[name]
    stamped = "status" in body or "presence" in body
    person = _person(call)
    changes |= _presence_change(tenant, person, body) if tenant.published else _status_change(tenant, body)
    tenant.states.change(person, tenant.millis() if stamped else None, **changes)
    return answer(_agent_row(tenant, person, tenant.minute()))


def _status_change(tenant: DemoTenant, body: Json) -> dict[str, Any]:
    reason = body.get("reason", "")
    if not isinstance(reason, str):
        raise bad_field("reason", reason, "text")
    if "status" in body:
        if body["status"] not in (AVAILABLE, UNAVAILABLE_STATUS):
            raise bad_field("status", body["status"], "available, unavailable")
        return {"status": body["status"], "reason": reason, "message": reason, "presence": None}
    if "presence" in body:
        names = {d.name.casefold(): d for d in tenant.states.definitions.values()}
        names |= {d.spoken.casefold(): d for d in tenant.states.definitions.values() if not d.secondary}
        found = names.get(str(body["presence"]).casefold())
        if found is None:
            raise bad_field("presence", body["presence"], ", ".join(d.name for d in tenant.states.definitions.values()))
        out = found.id == tenant.states.unavailable_presence.id
        return {
            "status": UNAVAILABLE_STATUS if out else AVAILABLE,
            "reason": reason,
            "message": reason,
            "presence": None if out else found.id,
        }
    return {}


def _presence_change(tenant: DemoTenant, person: Person, body: Json) -> dict[str, Any]:
    """Where roles decide, presence is all there is; `presence` names a definition of the person's division or of all."""
    if "status" in body:
        raise bad_field("status", body["status"], "no status: the published platform has presences")
    reason = body.get("reason", "")
    if not isinstance(reason, str):
        raise bad_field("reason", reason, "text")
    if "presence" not in body:
        return {}
    assert isinstance(tenant.states, PublishedStates)
    fitting = [row for row in tenant.states.definitions.values() if tenant.states.fits(person, row)]
    wanted = str(body["presence"]).casefold()
    found = next((row for row in fitting if wanted in (row.name.casefold(), row.spoken.casefold(), row.id)), None)
    if found is None:
        raise bad_field("presence", body["presence"], ", ".join(row.name for row in fitting))
    return {"presence": found.id, "message": reason}


def get_faults(call: Call) -> Answer:
    """The present script with what each step has done, and the permanent faults of the scenario."""
    return answer(call.tenant.faults.shown())


def set_faults(call: Call) -> Answer:
    """Replace the script (see faults.py)."""
    call.tenant.faults.set_script(call.json())
    return get_faults(call)


def clear_faults(call: Call) -> Answer:
    """End the script; the scenario's own faults stay."""
    call.tenant.faults.set_script([])
    return get_faults(call)


def get_scenario(call: Call) -> Answer:
    return answer(
        {"scenario": call.tenant.scenario.name, "text": call.tenant.scenario.text, "scenarios": list(call.tenant.scenarios)}
    )


def set_scenario(call: Call) -> Answer:
    """Body {"name": "busy-hour"} (or {"scenario": …}). Agent states stay."""
    body = call.members()
    name = body.get("name", body.get("scenario"))
    if not isinstance(name, str) or name not in call.tenant.scenarios:
        raise bad_field("name", name, ", ".join(call.tenant.scenarios))
    call.tenant.switch(name)
    return get_scenario(call)


_SETTINGS = (("rate_limit", 1, 1_000_000), ("latency_ms", 0, 60_000), ("propagation_s", 0, 3600), ("job_s", 0, 3600))


def change_settings(call: Call) -> Answer:
    """Body {"rate_limit": n, "latency_ms": n, "propagation_s": n, "job_s": n}: until the process ends."""
    tenant, body = call.tenant, call.members()
    unknown = sorted(set(body) - {name for name, _lowest, _highest in _SETTINGS})
    if unknown or not body:
        raise bad_field(unknown[0] if unknown else "body", body, ", ".join(name for name, _lowest, _highest in _SETTINGS))
    for name, lowest, highest in _SETTINGS:
        value = body.get(name, lowest)
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise bad_field(name, value, f"a number from {lowest} to {highest}")
    if "rate_limit" in body:
        tenant.rate_limit = int(body["rate_limit"])
    if "latency_ms" in body:
        tenant.latency = body["latency_ms"] / 1000
    tenant.propagation_s = float(body.get("propagation_s", tenant.propagation_s))
    tenant.job_s = float(body.get("job_s", tenant.job_s))
    return get_info(call)


def republish(call: Call) -> Answer:
    """Publish every schedule again: the same shifts, new schedule ids."""
    return answer({"version": call.tenant.republish()})


def reset(call: Call) -> Answer:
    """Reset agents, counts, adherence, clients, tokens, faults, windows of the limit and scenario."""
    call.tenant.reset()
    return get_info(call)


def get_index(call: Call) -> Answer:
    """List what is under /_demo."""
    return answer({"routes": [f"{row.verb} {row.template}" for row in ENDPOINTS]})


ENDPOINTS = (
    Endpoint("GET", "/_demo", get_index),
    Endpoint("GET", "/_demo/info", get_info),
    Endpoint("GET", "/_demo/updates", get_updates),
    Endpoint("GET", "/_demo/stats", get_stats),
    Endpoint("GET", "/_demo/agents", get_agents),
    Endpoint("GET", "/_demo/agents/{id}", get_agent),
    Endpoint("GET", "/_demo/agents/{id}/state", get_agent),
    Endpoint("POST", "/_demo/agents/{id}/state", set_agent_state),
    Endpoint("GET", "/_demo/faults", get_faults),
    Endpoint("POST", "/_demo/faults", set_faults),
    Endpoint("DELETE", "/_demo/faults", clear_faults),
    Endpoint("GET", "/_demo/scenario", get_scenario),
    Endpoint("POST", "/_demo/scenario", set_scenario),
    Endpoint("PUT", "/_demo/scenario", set_scenario),
    *api_demo_access.ENDPOINTS,
    Endpoint("PATCH", "/_demo/settings", change_settings),
    Endpoint("POST", "/_demo/schedules/republish", republish),
    Endpoint("POST", "/_demo/reset", reset),
)
