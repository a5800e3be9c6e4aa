"""Presence definitions of the organization (SDK OrganizationPresenceDefinition): made, changed, deactivated."""

from __future__ import annotations

from dataclasses import replace

from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.published_presence import definition_json
from wfm.demo.published_states import PublishedStates
from wfm.demo.states import PresenceDefinition
from wfm.demo.wire import Answer, Call, Endpoint, answer
from wfm.demo.world import stable_id

MAX_DEFINITIONS = 200
_CODE = "presenceservice.organizationpresence."


def _conflict(code: str, message: str) -> Problem:
    return Problem(409, f"{_CODE}{code}", message)


def _states(call: Call) -> PublishedStates:
    assert isinstance(call.tenant.states, PublishedStates)
    return call.tenant.states


def _checked(call: Call, body: Json) -> tuple[str, str, str, bool]:
    """(name, system presence, division id, deactivated) of a body. Raises Problem 409 with the published codes."""
    labels = body.get("languageLabels")
    if not isinstance(labels, dict) or not labels:
        raise _conflict("musthaveatleastonelocalelabeldefined", "At least one locale label must be defined")
    if not all(isinstance(text, str) and text.strip() and len(text) <= 100 for text in labels.values()):
        raise _conflict("localevaluesinvalid", "Invalid locale value")
    system = body.get("systemPresence")
    if system not in {row.system for row in call.tenant.states.definitions.values()}:
        raise _conflict("systempresencecannotbenull", "A valid system presence must be provided")
    division = body.get("divisionId") or "*"
    if division not in {"*", *(row.id for row in call.tenant.world.divisions)}:
        raise _conflict("invaliddivisionid", "Invalid divisionId provided")
    if division != "*":
        call.require(division)
    deactivated = body.get("deactivated", False)
    if not isinstance(deactivated, bool):
        raise bad_field("deactivated", deactivated, "true, false")
    return str(labels.get("en_US") or next(iter(labels.values()))), str(system), str(division), deactivated


def add_definition(call: Call) -> Answer:
    """Make a definition of a division or, without divisionId, of all."""
    states = _states(call)
    name, system, division, deactivated = _checked(call, call.members())
    if len(states.definitions) >= MAX_DEFINITIONS:
        raise _conflict(
            "toomanyorganizationpresences", "Too many presence definitions. Please delete a definition and try again"
        )
    new_id = stable_id(call.tenant.seed, "added presence", len(states.definitions), name)
    definition = PresenceDefinition(new_id, name, system, True, division, deactivated)
    states.put_definition(definition)
    return answer(definition_json(definition), 201)


def _definition(call: Call) -> PresenceDefinition:
    definition = call.tenant.states.definitions.get(call.params["definitionId"])
    if definition is None:
        raise not_found()
    if definition.division != "*":
        call.require(definition.division)
    return definition


def get_definition(call: Call) -> Answer:
    return answer(definition_json(_definition(call)))


def change_definition(call: Call) -> Answer:
    """Rename, move or deactivate a definition of the organization's own. Who has it keeps it."""
    name, system, division, deactivated = _checked(call, call.members())
    definition = _definition(call)
    if not definition.secondary:
        raise bad_field("definitionId", definition.id, "a definition of the organization's own")
    changed = replace(definition, name=name, system=system, division=division, deactivated=deactivated)
    _states(call).put_definition(changed)
    return answer(definition_json(changed))


_ONE = "/api/v2/presence/definitions/{definitionId}"
ENDPOINTS = (
    Endpoint("POST", "/api/v2/presence/definitions", add_definition),
    Endpoint("GET", _ONE, get_definition, permissions=("presence:presenceDefinition:view",)),
    Endpoint("PUT", _ONE, change_definition, permissions=("presence:presenceDefinition:edit",)),
)
