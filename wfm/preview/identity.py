"""The plan id, its ingredients, and what changed when two ids differ.

The id is a hash of what a supervisor decides on: the agents to write, who is blocked and why, whether access is missing,
the versions of the schedules, tenant, client, route, action, window and reason. It is not made from presence, contacts
or the clock: those move by the second and are read again at the start anyway. So the momentary fates (out of office,
already unavailable, after contact) stay out, a window "now for 30 min" counts by its minutes, and a lane of access counts
only as missing or not: evidence that arrives between two previews (unknown, then "this read worked") decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from wfm.domain.plans import AccessCheck, Fate, LaneState, PlanRequest
from wfm.domain.schedules import AgentSchedule
from wfm.domain.sentences import quantity
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.preview.fates import Fates

NAMED = 3
"""Agents that a sentence names before "and n more"."""


def ingredients_of(
    *,
    fates: Fates,
    schedules: Mapping[str, AgentSchedule],
    access: Iterable[AccessCheck],
    tenant_key: str,
    facts: TokenFacts,
    request: PlanRequest,
    window: Window,
    action_id: str | None,
    restore_action_id: str | None,
) -> dict[str, object]:
    """Return everything the plan id is made from, as JSON values, and names for the sentences of `differences`."""
    return {
        "agents": dict(sorted(fates.agents.items())),
        "blocked": {key: [fate.value, name] for key, (fate, name) in sorted(fates.blocked.items())},
        "access": {check.call: _verdict(check) for check in sorted(access, key=lambda check: check.call) if check.to_write},
        "schedules": _versions(fates, schedules),
        "tenant": tenant_key,
        "client": [facts.client_id, facts.client_name],
        "route": request.route.value,
        "action_id": action_id,
        "restore_action_id": restore_action_id,
        "window": _window_of(window),
        "reason": request.reason,
    }


def plan_id_of(ingredients: Mapping[str, object]) -> str:
    """Return the id, as "7f3a-91c2-" and 16 more hex digits. The same ingredients give the same id, whatever the names."""
    parts = cast("Mapping[str, Any]", ingredients)
    essence = {
        **parts,
        "agents": sorted(parts["agents"]),
        "blocked": {key: value[0] for key, value in parts["blocked"].items()},
        "client": parts["client"][0],
    }
    text = json.dumps(essence, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:4]}-{digest[4:8]}-{digest[8:24]}"


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    """Return what changed between two plans, as sentences; empty exactly when their ids are equal.

    `old` may be {}: the earlier plan is not remembered (another process showed it).
    """
    if not old:
        return ("the earlier plan is not remembered here; compare it with the present preview",)
    before, after = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
    return (
        *_of_identity(before, after),
        *_of_agents(before, after),
        *_of_schedules(before, after),
        *_of_access(before["access"], after["access"]),
    )


def _window_of(window: Window) -> dict[str, object]:
    """Return what counts of a window. One for "now" counts by its minutes: its instants move with the clock."""
    if window.now:
        return {"minutes": window.minutes}
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def _verdict(check: AccessCheck) -> list[str]:
    """Return the missing lanes with what they need, as "scope: wfm:schedule:update"."""
    return sorted(
        f"{lane.value}: {', '.join(verdict.needed)}" if verdict.needed else lane.value
        for lane, verdict in check.lanes.items()
        if verdict.state is LaneState.MISSING
    )


def _versions(fates: Fates, schedules: Mapping[str, AgentSchedule]) -> dict[str, str]:
    """Return a short hash of the published schedule version that decided each agent's fate."""
    prints: dict[str, str] = {}  # many agents may share a version
    versions = {}
    for agent_id in sorted(fates.agents):
        schedule = schedules.get(agent_id)
        if schedule is not None:
            version = schedule.version
            if version not in prints:
                prints[version] = hashlib.sha256(version.encode()).hexdigest()[:12]
            versions[agent_id] = prints[version]
    return versions


def _of_identity(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    if before["tenant"] != after["tenant"]:
        yield f"the tenant is another one: {after['tenant']}, it was {before['tenant']}"
    if before["client"][0] != after["client"][0]:
        yield f"the OAuth client is another one: {after['client'][1]}, it was {before['client'][1]}"
    if before["route"] != after["route"]:
        yield f"the route is another one: {after['route']}, it was {before['route']}"
    if any(before[key] != after[key] for key in ("action_id", "restore_action_id")):
        yield "the Data Action, or the one that takes it back, is another one"
    if before["window"] != after["window"]:
        yield f"the window is another one: {_window(after['window'])}, it was {_window(before['window'])}"
    if before["reason"] != after["reason"]:
        yield f"the reason reads “{after['reason']}”, it read “{before['reason']}”"


def _of_agents(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    ready, still = before["agents"], after["agents"]
    out, left = before["blocked"], after["blocked"]
    lost = [f"{ready[key]} {_now_is(key, left)}" for key in ready if key not in still]
    gained = [f"{still[key]}{_was(key, out)}" for key in still if key not in ready]
    changed = [
        f"{name} ({fate}, was {out[key][0]})" for key, (fate, name) in left.items() if key in out and out[key][0] != fate
    ]
    came = [f"{name} ({fate})" for key, (fate, name) in left.items() if key not in out and key not in ready]
    went = [name for key, (_, name) in out.items() if key not in left and key not in still]
    yield from _sentence("is no longer ready", "are no longer ready", lost)
    yield from _sentence("is ready that was not", "are ready that were not", gained)
    yield from _sentence("is left out for another reason", "are left out for other reasons", changed)
    yield from _sentence("is selected now and left out", "are selected now and left out", came)
    yield from _sentence("that was left out is no longer selected", "that were left out are no longer selected", went)


def _sentence(singular: str, plural: str, agents: list[str]) -> Iterable[str]:
    if agents:
        count, more = len(agents), len(agents) - NAMED
        names = ", ".join(agents[:NAMED]) + (f", and {more:,} more" if more > 0 else "")
        yield quantity(count, f"agent {singular}: ", f"agents {plural}: ") + names


def _of_schedules(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    """Return changes of schedules of agents that are ready in both plans; other sentences report those who came or went."""
    old, new = before["schedules"], after["schedules"]
    both = [key for key in after["agents"] if key in before["agents"]]
    changed = [after["agents"][key] for key in both if old.get(key) != new.get(key)]
    if changed:
        whom = ", ".join(changed[:NAMED]) + (f", and {len(changed) - NAMED:,} more" if len(changed) > NAMED else "")
        yield f"the schedule was republished or edited: {whom}"


def _of_access(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterable[str]:
    for call in sorted({*before, *after}):
        was, now = before.get(call), after.get(call)
        if was == now:
            continue
        if was is None or now is None:
            yield f"the access changed: {call} is {'no longer' if now is None else 'now'} needed"
        elif now and set(now) - set(was):
            yield f"the access changed: {call} now lacks {_and(sorted(set(now) - set(was)))}"
        else:
            yield f"the access changed: {call} no longer lacks {_and(sorted(set(was) - set(now)))}"


def _now_is(key: str, blocked: Mapping[str, list[str]]) -> str:
    if key not in blocked:
        return "is no longer selected"
    return {
        Fate.TIME_OFF.value: "is on time off",
        Fate.SCHEDULE_UNPUBLISHED.value: "has no published schedule",
        Fate.WRONG_DIVISION.value: "is in the wrong division",
        Fate.UNKNOWN_USER.value: "is unknown",
    }.get(blocked[key][0], f"is {blocked[key][0]}")


def _was(key: str, blocked: Mapping[str, list[str]]) -> str:
    return f" (was {blocked[key][0]})" if key in blocked else " (newly selected)"


def _and(words: list[str]) -> str:
    return " and ".join(words)


def _window(window: Mapping[str, Any]) -> str:
    return f"now for {window['minutes']:g} min" if "minutes" in window else f"{window['start']} to {window['end']}"


def tally(fates: Iterable[Fate]) -> str:
    """Return how many agents have each fate, most first: "8 not scheduled, 3 time off"."""
    counts = Counter(fates).most_common()
    return ", ".join(f"{count:,} {fate.value}" for fate, count in counts)
