"""PLAN.json: the plan that the command line takes. Every refusal names the field and what is accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import ValidationError

from wfm.domain.errors import BadInput
from wfm.domain.plans import Fate, PlanRequest, RouteName, Selection
from wfm.domain.windows import WindowSpec

FIELDS = ("agents", "selection", "window", "route", "action", "reason", "ticket", "include")
SELECTABLE = {"team": "teams", "queue": "queues", "management_unit": "management_units", "division": "divisions"}


def read_plan(text: str) -> PlanRequest:
    """A PlanRequest from the text of a PLAN.json. Raises BadInput."""
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("plan", str(error), "a JSON object") from None
    if not isinstance(plan, dict):
        raise BadInput("plan", type(plan).__name__, "a JSON object with agents or selection, and window")
    for name in plan:
        if name not in FIELDS:
            raise BadInput("plan", name, f"the fields {', '.join(FIELDS)}")
    route = _route(plan.get("route", RouteName.AVAILABILITY.value))
    action = _text(plan, "action") or None
    if action is not None and route is not RouteName.DATA_ACTION:
        raise BadInput("action", action, f"none with the route {route}; a Data Action is run by the route data_action")
    return PlanRequest(
        selection=_selection(plan),
        window=_window(plan.get("window")),
        route=route,
        action=action,
        reason=_text(plan, "reason", limit=200) or "maintenance_window",
        ticket=_text(plan, "ticket", limit=80),
        include=_include(plan.get("include", [])),
    )


def _selection(plan: Mapping[str, object]) -> Selection:
    agents, selection = plan.get("agents"), plan.get("selection")
    if (agents is None) == (selection is None):
        raise BadInput("agents", None if agents is None else "agents and selection", "either agents or selection")
    if agents is not None:
        return Selection(agents=_names("agents", agents))
    if not isinstance(selection, Mapping) or not selection:
        raise BadInput("selection", selection, f"an object with one of {', '.join(SELECTABLE)}")
    found: dict[str, tuple[str, ...]] = {}
    for kind, names in selection.items():
        if kind not in SELECTABLE:
            raise BadInput("selection", kind, f"one of {', '.join(SELECTABLE)}")
        found[SELECTABLE[kind]] = _names(f"selection {kind}", [names] if isinstance(names, str) else names)
    return Selection(**found)


def _names(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() for name in value):
        raise BadInput(field, value, "a list of non-empty texts")
    if not value:
        raise BadInput(field, "an empty list", "at least one")
    return tuple(name.strip() for name in value)


def _window(value: object) -> WindowSpec:
    accepted = '{"minutes": 30} or {"start": "2026-11-23T14:30", "end": "2026-11-23T15:00", "zone": "Europe/Berlin"}'
    if value is None:
        raise BadInput("window", None, accepted)
    if not isinstance(value, Mapping):
        raise BadInput("window", value, accepted)
    for field, given in value.items():
        if isinstance(given, bool) or (field in ("start", "end") and not isinstance(given, str | None)):
            raise BadInput(f"window {field}", given, accepted)  # pydantic would make a number of them
    try:
        return WindowSpec.model_validate(dict(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "window " + " ".join(str(part) for part in first["loc"])
        raise BadInput(field, first.get("input"), accepted) from None


def _route(value: object) -> RouteName:
    try:
        return RouteName(str(value))
    except ValueError:
        raise BadInput("route", value, ", ".join(RouteName)) from None


def _text(plan: Mapping[str, object], field: str, limit: int = 200) -> str:
    value = plan.get(field, "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise BadInput(field, value, f"a text of at most {limit} characters")
    return value.strip()


def _include(value: object) -> frozenset[Fate]:
    try:
        return frozenset(Fate(name) for name in value)  # type: ignore[attr-defined]
    except (ValueError, TypeError):
        raise BadInput("include", value, "a list of fates such as “not scheduled”") from None
