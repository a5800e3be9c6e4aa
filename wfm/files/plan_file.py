"""PLAN.json: the plan that the command line takes. Every refusal names the field and what is accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pydantic import ValidationError

from wfm.domain.errors import BadInput, refuse_controls
from wfm.domain.plans import INCLUDABLE, Fate, PlanRequest, RouteName, Selection
from wfm.domain.windows import WindowSpec

FIELDS = ("agents", "selection", "window", "route", "action", "reason", "ticket", "include")
SELECTABLE = {"team": "teams", "queue": "queues", "management_unit": "management_units", "division": "divisions"}


WINDOW = '{"minutes": 30} or {"start": "2026-11-23T14:30", "end": "2026-11-23T15:00", "zone": "Europe/Berlin"}'
TIME = "a date and a time, such as 2026-11-23T14:30 or 2026-11-23T14:30:00+01:00"
WORDS = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
MAX_NAME = 300
"""Characters of an id, an e-mail or a name: more than any has."""


def read_plan(text: str) -> PlanRequest:
    """A PlanRequest from the text of a PLAN.json. Raises BadInput."""
    try:
        plan = json.loads(text, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        raise BadInput("plan", f"line {error.lineno}, column {error.colno}: {error.msg}", "a JSON object") from None
    except (ValueError, RecursionError):
        raise BadInput("plan", "a text with numbers or lists beyond all measure", "a JSON object") from None
    if not isinstance(plan, dict):
        raise BadInput("plan", WORDS[type(plan)], "a JSON object with agents or selection, and window")
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


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of a field that is there twice only one would count, and the agents of the other would be forgotten."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput("plan", f"{twice} twice", "each field once")
    return found


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
    for name in value:
        refuse_controls(field, name)
        if len(name) > MAX_NAME:
            raise BadInput(field, name, f"ids, e-mails or names of at most {MAX_NAME} characters")
    return tuple(name.strip() for name in value)


def _window(value: object) -> WindowSpec:
    if value is None:
        raise BadInput("window", None, WINDOW)
    if not isinstance(value, Mapping):
        raise BadInput("window", value, WINDOW)
    for field, given in value.items():
        if field in ("start", "end") and given is not None and not (isinstance(given, str) and _DATE_AND_TIME.match(given)):
            raise BadInput(f"window {field}", given, TIME)  # pydantic would take a number or a day
        if field == "minutes" and (isinstance(given, bool) or not isinstance(given, int | float | None)):
            raise BadInput("window minutes", given, "a number, such as 30")
    try:
        window = WindowSpec.model_validate(dict(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "window " + " ".join(str(part) for part in first["loc"])
        raise BadInput(field, first.get("input"), TIME if field in ("window start", "window end") else WINDOW) from None
    wall_clock = any(time is not None and time.tzinfo is None for time in (window.start, window.end))
    if wall_clock and "zone" not in value:
        raise BadInput("window zone", None, "an IANA time zone such as Europe/Berlin or UTC, for times without an offset")
    return window


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
    refuse_controls(field, value)
    return value.strip()


def _include(value: object) -> frozenset[Fate]:
    accepted = f"a list of {', '.join(sorted(INCLUDABLE))}"
    if not isinstance(value, list):
        raise BadInput("include", value, accepted)
    for name in value:
        if not isinstance(name, str) or name not in INCLUDABLE:
            raise BadInput("include", name, accepted)
    return frozenset(Fate(name) for name in value)
