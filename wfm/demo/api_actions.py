"""Data Actions: list, read, execute, test.

Four actions call PATCH …/availability with credentials of their own, whichever client executes them: two with
architect-flow, which fail as in the brief, two with desk. Failures are wrapped as the platform wraps them (reference: a real
payload of December 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from wfm import catalogue
from wfm.demo.api_brief import availability, read_update, scheduled_person, set_availability
from wfm.demo.clients import WRITE
from wfm.demo.problems import Json, Problem, bad_field, error_body, not_found
from wfm.demo.states import AVAILABLE, UNAVAILABLE_STATUS
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer, page_links
from wfm.demo.world import stable_id

CATEGORY = "Genesys Cloud Data Actions"
_PATH = "/api/v2/integrations/actions"
_DENIED = (
    "missing.any.permissions",
    "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
    "[integrations:action:execute, bridge:actions:execute]",
)


@dataclass(frozen=True, slots=True)
class DataAction:
    """One action. `client` names the OAuth client whose credentials its integration has; `status` is its default."""

    name: str
    client: str
    status: str
    reason: str


ACTIONS = (
    DataAction("set_agent_unavailable", "architect-flow", UNAVAILABLE_STATUS, "maintenance_window"),
    DataAction("set_agent_unavailable_desk", "desk", UNAVAILABLE_STATUS, "maintenance_window"),
    DataAction("set_agent_available", "architect-flow", AVAILABLE, ""),
    DataAction("set_agent_available_desk", "desk", AVAILABLE, ""),
)


def _id(tenant: DemoTenant, action: DataAction) -> str:
    return stable_id(tenant.seed, "action", action.name)


def _action(call: Call) -> DataAction:
    action = next((row for row in ACTIONS if _id(call.tenant, row) == call.params["actionId"]), None)
    if action is None:
        raise not_found()
    return action


def _input_schema(action: DataAction) -> Json:
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": "Input",
        "type": "object",
        "required": ["userId"],
        "properties": {
            "userId": {"type": "string", "description": "User id of the agent"},
            "status": {"type": "string", "enum": [AVAILABLE, UNAVAILABLE_STATUS], "default": action.status},
            "reason": {"type": "string", "default": action.reason},
        },
        "additionalProperties": False,
    }


_SUCCESS_SCHEMA: Json = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "title": "Output",
    "type": "object",
    "properties": {"status": {"type": "string"}, "reason": {"type": "string"}, "dateModified": {"type": "string"}},
}


def _json(tenant: DemoTenant, action: DataAction, contract: bool, config: bool) -> Json:
    """SDK model Action."""
    own = f"{_PATH}/{_id(tenant, action)}"
    row: Json = {
        "id": _id(tenant, action),
        "name": action.name,
        "integrationId": stable_id(tenant.seed, "integration", action.client),
        "category": f"{CATEGORY} ({action.client})",
        "version": 1,
        "secure": False,
        "selfUri": own,
    }
    if contract:
        row["contract"] = contract_json(own, _input_schema(action), _SUCCESS_SCHEMA)
    if config:
        request: Json = {
            "requestType": "PATCH",
            "requestUrlTemplate": "/api/v2/wfm/users/${input.userId}/availability",
            "requestTemplate": '{"status": "${input.status}", "reason": "$esc.jsonString(${input.reason})"}',
        }
        row["config"] = config_json(request, timeout_s=10)
    return row


def contract_json(own: str, inputs: Json, success: Json) -> Json:
    """The contract of the action at that path, by the schemas of its input and its success."""
    return {
        "input": {"inputSchema": inputs, "inputSchemaUri": f"{own}/schemas/input.json"},
        "output": {"successSchema": success, "successSchemaUri": f"{own}/schemas/success.json"},
    }


def config_json(request: Json, timeout_s: int) -> Json:
    """The configuration of an action that sends this request as JSON and gives its answer as it is."""
    return {
        "timeoutSeconds": timeout_s,
        "request": {**request, "headers": {"Content-Type": "application/json"}},
        "response": {"translationMap": {}, "translationMapDefaults": {}, "successTemplate": "${rawResult}"},
    }


def page_of_actions(call: Call, json_of: Callable[[bool], Iterable[Json]]) -> Answer:
    """Filters: category, name (part of), ids (at most 50), secure. `json_of` gives all, with their request where True."""
    ids = call.query.get("ids", [])
    if len(ids) > 50:
        raise bad_field("ids", len(ids), "at most 50 ids")
    name, category, secure = call.first("name").casefold(), call.first("category"), call.first("secure").lower()
    rows = [
        row
        for row in json_of(call.first("includeConfig").lower() == "true")
        if name in row["name"].casefold()
        and (not category or row["category"] == category)
        and (not ids or row["id"] in ids)
        and (not secure or row["secure"] == (secure == "true"))
    ]
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    return answer({"entities": rows[(number - 1) * size : number * size], **page_links(call, number, size, len(rows))})


def get_actions(call: Call) -> Answer:
    return page_of_actions(call, lambda config: (_json(call.tenant, action, config, config) for action in ACTIONS))


def get_action(call: Call) -> Answer:
    """With expand=contract the contract, with includeConfig=true the request."""
    config = call.first("includeConfig").lower() == "true"
    return answer(_json(call.tenant, _action(call), "contract" in call.query.get("expand", []), config))


def invalid_input(field: str, text: str) -> Problem:
    """400 invalid.schema: the input does not fit the contract."""
    message = f"There was an issue validating the schema. {text}"
    details = [{"errorCode": "ACTION.PROCESSING", "fieldName": field}]
    return Problem(400, "invalid.schema", message, field=field, extra={"details": details})


def _inputs(body: Any) -> Json:
    """Return the inputs. Raises Problem 400 where they violate the contract, which is one for all actions."""
    if not isinstance(body, dict):
        raise invalid_input("body", "The input is not an object")
    unknown = sorted(set(body) - {"userId", "status", "reason"})
    if unknown:
        raise invalid_input(unknown[0], f"object instance has properties which are not allowed by the schema: [{unknown[0]!r}]")
    inputs = {name: value for name, value in body.items() if value is not None}
    if "userId" not in inputs:
        raise invalid_input("userId", "object has missing required properties (['userId'])")
    for name, value in inputs.items():
        if not isinstance(value, str):
            raise invalid_input(
                name, f"instance type of {name} does not match any allowed primitive type (allowed: ['string'])"
            )
    if inputs.get("status", AVAILABLE) not in (AVAILABLE, UNAVAILABLE_STATUS):
        text = f"instance value ({inputs['status']!r}) not found in enum (possible values: ['available','unavailable'])"
        raise invalid_input("status", text)
    return inputs


def _with_defaults(action: DataAction, inputs: Json) -> Json:
    return {"status": action.status, "reason": action.reason, **inputs}


def _request(tenant: DemoTenant, action: DataAction, inputs: Json) -> Json:
    """Make the action's call, with the scopes that a new token of its client would have."""
    held = tenant.access.clients[action.client].scopes
    if not set(catalogue.PATCH_AVAILABILITY.scopes) & set(held):
        raise Problem(403, "forbidden", "Insufficient permissions for resource access")
    status, reason = read_update({"status": inputs["status"], "reason": inputs["reason"]})
    person = scheduled_person(tenant, inputs["userId"])
    set_availability(tenant, person, status, reason)
    return availability(tenant, person)


_OUTER = {
    400: ("bad.request", "The request could not be understood by the server due to malformed syntax."),
    403: ("not.authorized", "You are not authorized to perform the requested action."),
    404: ("not.found", "The requested resource was not found."),
    409: ("request.conflict", "The request conflicts with the current state of the target resource."),
}


def wrapped(problem: Problem, correlation_id: str, brief: bool = True) -> Json:
    """A remote failure as the platform wraps it: the remote body is escaped inside the inner message."""
    code, message = _OUTER.get(problem.status, ("internal.server.error", "Internal Server Error"))
    remote = orjson.dumps(problem.body(brief, correlation_id)).decode()
    inner_text = (
        "REST call for action execute failed. Message: Request to backend service failed. "
        f"Response from web service: {remote} [{correlation_id}]"
    )
    inner = {
        "message": inner_text,
        "code": code.replace(".", "_").upper(),
        "status": problem.status,
        "messageParams": {},
        "details": [],
        "errors": [],
    }
    details = [{"errorCode": "ACTION.REMOTE_ENDPOINT"}]
    return error_body(problem.status, code, message, correlation_id, details=details, errors=[inner])


def execute(call: Call) -> Answer:
    """The success schema, or the wrapped error with the remote status."""
    inputs = _inputs(call.json())
    action = _action(call)
    try:
        return answer(_request(call.tenant, action, _with_defaults(action, inputs)))
    except Problem as problem:
        return answer(wrapped(problem, call.correlation_id), problem.status)


def test(call: Call) -> Answer:
    """200 even when it fails: {operations: [{step, name, success, result, error}], error, finalResult, success}."""
    body = call.json()
    action = _action(call)
    operations: list[Json] = []

    def done(name: str, result: object) -> None:
        operations.append({"step": len(operations) + 1, "name": name, "success": True, "result": result})

    def failed(name: str, error: Json) -> Answer:
        operations.append({"step": len(operations) + 1, "name": name, "success": False, "error": error})
        return answer({"operations": operations, "error": error, "success": False})

    try:
        inputs = _with_defaults(action, _inputs(body))
    except Problem as problem:
        return failed("Validate input against schema", problem.body(False, call.correlation_id))
    done("Validate input against schema", inputs)
    done("Resolve request URL template", f"/api/v2/wfm/users/{inputs['userId']}/availability")
    done("Resolve request body template", {"status": inputs["status"], "reason": inputs["reason"]})
    try:
        result = _request(call.tenant, action, inputs)
    except Problem as problem:
        return failed("Execute", wrapped(problem, call.correlation_id))
    done("Execute", result)
    done("Resolve translation map", {})
    done("Validate output against schema", result)
    return answer({"operations": operations, "finalResult": result, "success": True})


ENDPOINTS = (
    Endpoint("GET", _PATH, get_actions),
    Endpoint("GET", f"{_PATH}/{{actionId}}", get_action),
    Endpoint("POST", f"{_PATH}/{{actionId}}/execute", execute, (WRITE,), denied=_DENIED),
    Endpoint("POST", f"{_PATH}/{{actionId}}/test", test, (WRITE,), denied=_DENIED),
)
