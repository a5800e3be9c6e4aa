"""Data Actions that call published paths, each with a contract of its own, with the rights of their integration's client.

Templates are filled as far as these actions need: ${input.name} and $esc.jsonString(${input.name}). The inner request is
not counted towards a limit. Failures are wrapped as the platform wraps them.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import orjson

from wfm.demo.action_contracts import (
    DRAFT_4,
    TYPES,
    DataAction,
    actions_of,
    end_action,
    integration_id,
    put_action,
    read_action,
    read_change,
)
from wfm.demo.api_actions import config_json, contract_json, invalid_input, page_of_actions, wrapped
from wfm.demo.clients import Token
from wfm.demo.problems import Json, Problem, not_found
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer

_PATH = "/api/v2/integrations/actions"
_INPUT = re.compile(r"(\$esc\.jsonString\()?\$\{input\.(\w+)\}(?(1)\))")


def _action(call: Call) -> DataAction:
    action = actions_of(call.tenant).get(call.params["actionId"])
    if action is None:
        raise not_found()
    return action


def input_schema(action: DataAction) -> Json:
    return {
        "$schema": DRAFT_4,
        "title": "Input",
        "type": "object",
        "required": list(action.required),
        "properties": action.inputs,
        "additionalProperties": False,
    }


_SUCCESS: Json = {"$schema": DRAFT_4, "title": "Output", "type": "object", "properties": {}, "additionalProperties": True}


def _json(tenant: DemoTenant, action: DataAction, contract: bool, config: bool) -> Json:
    """SDK model Action."""
    own = f"{_PATH}/{action.id}"
    row: Json = {
        "id": action.id,
        "name": action.name,
        "integrationId": integration_id(tenant.seed, action.client),
        "category": action.category,
        "version": action.version,
        "secure": action.secure,
        "selfUri": own,
    }
    if contract:
        row["contract"] = contract_json(own, input_schema(action), _SUCCESS)
    if config:
        request: Json = {
            "requestType": action.verb,
            "requestUrlTemplate": action.url,
            "requestTemplate": action.body,
            "requestTemplateUri": f"{own}/templates/requesttemplate.vm",
        }
        row["config"] = config_json(request, action.timeout_s)
    return row


def get_actions(call: Call) -> Answer:
    actions = actions_of(call.tenant).values()
    return page_of_actions(call, lambda config: (_json(call.tenant, action, config, config) for action in actions))


def get_action(call: Call) -> Answer:
    """With expand=contract the contract, with includeConfig=true the request."""
    config = call.first("includeConfig").lower() == "true"
    return answer(_json(call.tenant, _action(call), "contract" in call.query.get("expand", []), config))


def get_schema(call: Call) -> Answer:
    """SDK model JsonSchemaDocument: input.json or success.json."""
    action = _action(call)
    schemas = {"input.json": input_schema(action), "success.json": _SUCCESS}
    if call.params["fileName"] not in schemas:
        raise not_found()
    return answer(schemas[call.params["fileName"]])


def get_template(call: Call) -> Answer:
    """The text of a template: requesttemplate.vm or successtemplate.vm."""
    action = _action(call)
    templates = {"requesttemplate.vm": action.body, "successtemplate.vm": "${rawResult}"}
    if call.params["fileName"] not in templates:
        raise not_found()
    return Answer(200, templates[call.params["fileName"]].encode(), content_type="text/plain")


def _inputs(action: DataAction, body: Any) -> Json:
    """Return the inputs with their defaults. Raises Problem 400 invalid.schema where they violate the contract."""
    if not isinstance(body, dict):
        raise invalid_input("body", "The input is not an object")
    unknown = sorted(set(body) - set(action.inputs))
    if unknown:
        raise invalid_input(unknown[0], f"object instance has properties which are not allowed by the schema: {unknown[:1]}")
    given = {name: schema["default"] for name, schema in action.inputs.items() if "default" in schema}
    given |= {name: value for name, value in body.items() if value is not None}
    for name in action.required:
        if name not in given:
            raise invalid_input(name, f"object has missing required properties ([{name!r}])")
    for name, value in given.items():
        kind = action.inputs[name]["type"]
        if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            text = f"instance type of {name} does not match any allowed primitive type (allowed: [{kind!r}])"
            raise invalid_input(name, text)
        if value not in action.inputs[name].get("enum", [value]):
            raise invalid_input(name, f"instance value ({value!r}) not found in enum")
    return given


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _fill_body(action: DataAction, inputs: Json) -> str:
    def fill(found: re.Match[str]) -> str:
        value = _text(inputs.get(found.group(2), ""))
        return orjson.dumps(value).decode()[1:-1] if found.group(1) else value

    return _INPUT.sub(fill, action.body)


def _fill_url(action: DataAction, inputs: Json) -> str:
    return _INPUT.sub(lambda found: quote(_text(inputs.get(found.group(2), "")), safe=""), action.url)


def _request(call: Call, action: DataAction, inputs: Json) -> Any:
    """Make the action's call as its integration's client, and return the JSON. Raises Problem."""
    if call.dispatch is None:
        raise Problem(400, "bad.request", "A Data Action can't run another one here.")
    path, _, query = _INPUT.sub(lambda found: _text(inputs.get(found.group(2), "")), action.url).partition("?")
    inner = Call(
        tenant=call.tenant,
        verb=action.verb,
        path=path,
        raw_query=query.encode(),
        headers=call.headers,
        body=_fill_body(action, inputs).encode(),
        correlation_id=call.correlation_id,
        base_url=call.base_url,
        token=Token(action.client, (), float("inf")),
    )
    return orjson.loads(call.dispatch(inner).body or b"null")


def execute(call: Call) -> Answer:
    """What the inner call answers, or the wrapped error with the remote status."""
    action = _action(call)
    inputs = _inputs(action, call.json())
    try:
        return answer(_request(call, action, inputs))
    except Problem as problem:
        return answer(wrapped(problem, call.correlation_id, brief=False), problem.status)


def test(call: Call) -> Answer:
    """200 even when it fails: {operations: [{step, name, success, result, error}], error, finalResult, success}."""
    action, operations = _action(call), list[Json]()

    def done(name: str, result: object) -> None:
        operations.append({"step": len(operations) + 1, "name": name, "success": True, "result": result})

    def failed(name: str, error: Json) -> Answer:
        operations.append({"step": len(operations) + 1, "name": name, "success": False, "error": error})
        return answer({"operations": operations, "error": error, "success": False})

    try:
        inputs = _inputs(action, call.json())
    except Problem as problem:
        return failed("Validate input against schema", problem.body(False, call.correlation_id))
    done("Validate input against schema", inputs)
    done("Resolve request URL template", _fill_url(action, inputs))
    done("Resolve request body template", _fill_body(action, inputs))
    try:
        result = _request(call, action, inputs)
    except Problem as problem:
        return failed("Execute", wrapped(problem, call.correlation_id, brief=False))
    done("Execute", result)
    done("Resolve translation map", {})
    done("Validate output against schema", result)
    return answer({"operations": operations, "finalResult": result, "success": True})


def add_action(call: Call) -> Answer:
    """SDK model PostActionInput. Its integration is one of the tenant's; its request stays on the tenant."""
    action = read_action(call, call.members())
    put_action(call.tenant, action)
    return answer(_json(call.tenant, action, True, True))


def change_action(call: Call) -> Answer:
    """SDK model UpdateActionInput: name, category, config. `version` must be the present one; the contract stays."""
    body = call.members()
    before = _action(call)
    if body.get("version") != before.version:
        raise Problem(409, "request.conflict", "The request conflicts with the current state of the target resource.")
    changed = read_change(before, body)
    put_action(call.tenant, changed)
    return answer(_json(call.tenant, changed, True, True))


def delete_action(call: Call) -> Answer:
    end_action(call.tenant, _action(call))
    return Answer(204)


_ACTION = f"{_PATH}/{{actionId}}"
ENDPOINTS = (
    Endpoint("GET", _PATH, get_actions),
    Endpoint("POST", _PATH, add_action),
    Endpoint("GET", _ACTION, get_action),
    Endpoint("PATCH", _ACTION, change_action),
    Endpoint("DELETE", _ACTION, delete_action),
    Endpoint("GET", f"{_ACTION}/schemas/{{fileName}}", get_schema),
    Endpoint("GET", f"{_ACTION}/templates/{{fileName}}", get_template),
    Endpoint("POST", f"{_ACTION}/execute", execute),
    Endpoint("POST", f"{_ACTION}/test", test),
)
