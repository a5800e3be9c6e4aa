"""Data Actions of the published platform as values: what each calls, with which inputs; built in, added, changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from wfm.demo.api_actions import CATEGORY
from wfm.demo.problems import Json, Problem, bad_field
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Call
from wfm.demo.world import stable_id

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int}
_VERBS = ("GET", "PUT", "POST", "PATCH", "DELETE")
_MAX_TIMEOUT_S = 60
_KIND = "data action"


@dataclass(frozen=True, slots=True)
class DataAction:
    """One action. `client` names the OAuth client whose credentials its integration has; `inputs` are JSON schemas by name."""

    id: str
    category: str
    name: str
    client: str
    verb: str
    url: str
    body: str
    inputs: dict[str, Json]
    required: tuple[str, ...]
    secure: bool = False
    timeout_s: int = 10
    version: int = 1


ACTION_NAMES = ("set_agent_presence", "set_agent_presence_desk", "set_agent_presence_secure", "set_queue_membership_desk")


def _built_in_id(seed: int, name: str) -> str:
    return stable_id(seed, "published action", name)


_PRESENCE_INPUTS: dict[str, Json] = {
    "userId": {"type": "string", "description": "User id of the agent"},
    "presenceDefinitionId": {"type": "string", "description": "Id of the presence definition to set"},
    "message": {"type": "string", "description": "Shown beside the presence", "default": ""},
}
_MEMBERSHIP_INPUTS: dict[str, Json] = {
    "queueId": {"type": "string", "description": "Id of the queue"},
    "agent": {"type": "string", "description": "User id of the member"},
    "joined": {"type": "boolean", "description": "Whether calls of the queue reach the agent"},
}


def _built_in(seed: int) -> tuple[DataAction, ...]:
    def made(name: str, client: str, url: str, body: str, inputs: dict[str, Json], secure: bool = False) -> DataAction:
        return DataAction(
            id=_built_in_id(seed, name),
            category=f"{CATEGORY} ({client})",
            name=name,
            client=client,
            verb="PATCH",
            url=url,
            body=body,
            inputs=inputs,
            required=tuple(field for field, schema in inputs.items() if "default" not in schema),
            secure=secure,
        )

    own, other, secure, queues = ACTION_NAMES
    presence = (
        "/api/v2/users/${input.userId}/presences/purecloud",
        '{"presenceDefinition": {"id": "${input.presenceDefinitionId}"}, "message": "$esc.jsonString(${input.message})"}',
        _PRESENCE_INPUTS,
    )
    members = "/api/v2/routing/queues/${input.queueId}/members", '[{"id": "${input.agent}", "joined": ${input.joined}}]'
    return (
        made(own, "architect-flow", *presence),
        made(other, "desk", *presence),
        made(secure, "desk", *presence, secure=True),
        made(queues, "desk", *members, _MEMBERSHIP_INPUTS),
    )


def integration_id(seed: int, client: str) -> str:
    """Return the id of the integration that has that client's credentials."""
    return stable_id(seed, "integration", client)


def actions_of(tenant: DemoTenant) -> dict[str, DataAction]:
    """Return the actions by id: those that are built in, with what was added, changed or deleted since."""
    actions = {action.id: action for action in _built_in(tenant.seed)}
    for own, row in tenant.records.rows(_KIND).items():
        if row:
            actions[own] = DataAction(**{**row, "required": tuple(row["required"])})
        else:
            actions.pop(own, None)
    return actions


def put_action(tenant: DemoTenant, action: DataAction) -> None:
    """Add or change an action."""
    tenant.records.put(_KIND, action.id, asdict(action))


def end_action(tenant: DemoTenant, action: DataAction) -> None:
    """Delete an action."""
    tenant.records.put(_KIND, action.id, {})


def _text(body: Json, name: str, highest: int = 256) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= highest:
        raise bad_field(name, value, f"text of 1 to {highest} characters")
    return value


def _read_request(config: object) -> tuple[str, str, str, int]:
    """(verb, URL template, body template, seconds) of an SDK ActionConfig. Raises Problem 400."""
    request = config.get("request") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(request, dict):
        raise bad_field("config.request", request, "an object")
    verb, url = request.get("requestType"), request.get("requestUrlTemplate")
    if verb not in list(_VERBS):
        raise bad_field("config.request.requestType", verb, ", ".join(_VERBS))
    if not isinstance(url, str) or not url.startswith("/api/v2/"):
        raise bad_field("config.request.requestUrlTemplate", url, "a path below /api/v2/")
    body, seconds = request.get("requestTemplate") or "", config.get("timeoutSeconds") or 10
    if not isinstance(body, str):
        raise bad_field("config.request.requestTemplate", body, "text")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= _MAX_TIMEOUT_S:
        raise bad_field("config.timeoutSeconds", seconds, f"1 to {_MAX_TIMEOUT_S}")
    return str(verb), url, body, seconds


def read_inputs(schema: object) -> tuple[dict[str, Json], tuple[str, ...]]:
    """(input schemas by name, required names) of a contract. Raises Problem 400 invalid.schema."""

    def wrong(text: str) -> Problem:
        return Problem(400, "invalid.schema", f"There was an issue validating the schema. {text}", field="inputSchema")

    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise wrong("The input schema is of type object")
    inputs, required = schema.get("properties") or {}, schema.get("required") or []
    if not isinstance(inputs, dict):
        raise wrong("properties is an object")
    for name, row in inputs.items():
        if not isinstance(row, dict) or row.get("type") not in list(TYPES):
            raise wrong(f"{name}: this tenant knows inputs of type {', '.join(TYPES)}")
        if not isinstance(row.get("enum", []), list):
            raise wrong(f"{name}: enum is a list")
    if not isinstance(required, list) or any(name not in list(inputs) for name in required):
        raise wrong("required lists inputs")
    return inputs, tuple(required)


def read_action(call: Call, body: Json) -> DataAction:
    """Return the action that a PostActionInput describes. Raises Problem 400."""
    tenant = call.tenant
    clients = {integration_id(tenant.seed, name): name for name in tenant.access.clients}
    if body.get("integrationId") not in list(clients):
        raise bad_field("integrationId", body.get("integrationId"), "the id of an integration of this tenant")
    verb, url, template, seconds = _read_request(body.get("config"))
    contract: Any = body.get("contract")
    part = contract.get("input") if isinstance(contract, dict) else None
    inputs, required = read_inputs(part.get("inputSchema") if isinstance(part, dict) else None)
    if not isinstance(body.get("secure", False), bool):
        raise bad_field("secure", body["secure"], "true, false")
    return DataAction(
        id=tenant.records.new_id(_KIND),
        category=_text(body, "category"),
        name=_text(body, "name"),
        client=clients[body["integrationId"]],
        verb=verb,
        url=url,
        body=template,
        inputs=inputs,
        required=required,
        secure=body.get("secure", False),
        timeout_s=seconds,
    )


def read_change(before: DataAction, body: Json) -> DataAction:
    """Return the action as an UpdateActionInput changes it. Raises Problem 400."""
    changes: dict[str, Any] = {name: _text(body, name) for name in ("name", "category") if body.get(name) is not None}
    if body.get("config") is not None:
        verb, url, template, seconds = _read_request(body["config"])
        changes |= {"verb": verb, "url": url, "body": template, "timeout_s": seconds}
    return replace(before, version=before.version + 1, **changes)
