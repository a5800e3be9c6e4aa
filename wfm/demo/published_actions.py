"""Data Actions that call published paths, each with a contract of its own, with the rights of their integration's client.

Templates are filled as far as these actions need: ${input.name} and $esc.jsonString(${input.name}). The inner request is
not counted towards a limit. Failures are wrapped as the platform wraps them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from wfm.demo import published_presence, published_queues
from wfm.demo.api_actions import CATEGORY, invalid_input, wrapped
from wfm.demo.clients import Token
from wfm.demo.needs import authorize
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, Table, answer, page_links
from wfm.demo.world import stable_id

_PATH = "/api/v2/integrations/actions"
_DRAFT_4 = "http://json-schema.org/draft-04/schema#"
_INNER = Table((*published_presence.ENDPOINTS, *published_queues.ENDPOINTS))
_TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int}
_INPUT = re.compile(r"(\$esc\.jsonString\()?\$\{input\.(\w+)\}(?(1)\))")


@dataclass(frozen=True, slots=True)
class DataAction:
    """One action. `client` names the OAuth client whose credentials its integration has; `inputs` are JSON schemas by name."""

    name: str
    client: str
    verb: str
    url: str
    body: str
    inputs: dict[str, Json] = field(hash=False)
    required: tuple[str, ...]
    secure: bool = False

    def id(self, seed: int) -> str:
        return stable_id(seed, "published action", self.name)


def _presence(name: str, client: str, secure: bool = False) -> DataAction:
    return DataAction(
        name=name,
        client=client,
        verb="PATCH",
        url="/api/v2/users/${input.userId}/presences/purecloud",
        body='{"presenceDefinition": {"id": "${input.presenceDefinitionId}"}, "message": "$esc.jsonString(${input.message})"}',
        inputs={
            "userId": {"type": "string", "description": "User id of the agent"},
            "presenceDefinitionId": {"type": "string", "description": "Id of the presence definition to set"},
            "message": {"type": "string", "description": "Shown beside the presence", "default": ""},
        },
        required=("userId", "presenceDefinitionId"),
        secure=secure,
    )


ACTIONS = (
    _presence("set_agent_presence", "architect-flow"),
    _presence("set_agent_presence_desk", "desk"),
    _presence("set_agent_presence_secure", "desk", secure=True),
    DataAction(
        name="set_queue_membership_desk",
        client="desk",
        verb="PATCH",
        url="/api/v2/routing/queues/${input.queueId}/members",
        body='[{"id": "${input.agent}", "joined": ${input.joined}}]',
        inputs={
            "queueId": {"type": "string", "description": "Id of the queue"},
            "agent": {"type": "string", "description": "User id of the member"},
            "joined": {"type": "boolean", "description": "Whether calls of the queue reach the agent"},
        },
        required=("queueId", "agent", "joined"),
    ),
)


def _action(call: Call) -> DataAction:
    action = next((row for row in ACTIONS if row.id(call.tenant.seed) == call.params["actionId"]), None)
    if action is None:
        raise not_found()
    return action


def _schema(action: DataAction) -> Json:
    return {
        "$schema": _DRAFT_4,
        "title": "Input",
        "type": "object",
        "required": list(action.required),
        "properties": action.inputs,
        "additionalProperties": False,
    }


_SUCCESS: Json = {"$schema": _DRAFT_4, "title": "Output", "type": "object", "properties": {}, "additionalProperties": True}


def _json(tenant: DemoTenant, action: DataAction, contract: bool, config: bool) -> Json:
    """SDK model Action."""
    own = f"{_PATH}/{action.id(tenant.seed)}"
    row: Json = {
        "id": action.id(tenant.seed),
        "name": action.name,
        "integrationId": stable_id(tenant.seed, "integration", action.client),
        "category": f"{CATEGORY} ({action.client})",
        "version": 1,
        "secure": action.secure,
        "selfUri": own,
    }
    if contract:
        row["contract"] = {
            "input": {"inputSchema": _schema(action), "inputSchemaUri": f"{own}/schemas/input.json"},
            "output": {"successSchema": _SUCCESS, "successSchemaUri": f"{own}/schemas/success.json"},
        }
    if config:
        row["config"] = {
            "timeoutSeconds": 10,
            "request": {
                "requestType": action.verb,
                "requestUrlTemplate": action.url,
                "requestTemplate": action.body,
                "requestTemplateUri": f"{own}/templates/requesttemplate.vm",
                "headers": {"Content-Type": "application/json"},
            },
            "response": {"translationMap": {}, "translationMapDefaults": {}, "successTemplate": "${rawResult}"},
        }
    return row


def get_actions(call: Call) -> Answer:
    """Filters: category, name (part of), ids (at most 50), secure."""
    tenant = call.tenant
    ids = call.query.get("ids", [])
    if len(ids) > 50:
        raise bad_field("ids", len(ids), "at most 50 ids")
    name, category, secure = call.first("name").casefold(), call.first("category"), call.first("secure").lower()
    config = call.first("includeConfig").lower() == "true"
    rows = [
        row
        for action in ACTIONS
        if (not secure or action.secure == (secure == "true"))
        and name in (row := _json(tenant, action, config, config))["name"].casefold()
        and (not category or row["category"] == category)
        and (not ids or row["id"] in ids)
    ]
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    return answer({"entities": rows[(number - 1) * size : number * size], **page_links(call, number, size, len(rows))})


def get_action(call: Call) -> Answer:
    """With expand=contract the contract, with includeConfig=true the request."""
    config = call.first("includeConfig").lower() == "true"
    return answer(_json(call.tenant, _action(call), "contract" in call.query.get("expand", []), config))


def get_schema(call: Call) -> Answer:
    """SDK model JsonSchemaDocument: input.json or success.json."""
    action = _action(call)
    schemas = {"input.json": _schema(action), "success.json": _SUCCESS}
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
        if not isinstance(value, _TYPES[kind]):
            text = f"instance type of {name} does not match any allowed primitive type (allowed: [{kind!r}])"
            raise invalid_input(name, text)
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
    tenant = call.tenant
    inner = Call(
        tenant=tenant,
        verb=action.verb,
        path=_INPUT.sub(lambda found: _text(inputs.get(found.group(2), "")), action.url),
        raw_query=b"",
        headers=call.headers,
        body=_fill_body(action, inputs).encode(),
        correlation_id=call.correlation_id,
        base_url=call.base_url,
        token=Token(action.client, (), float("inf")),
    )
    found = _INNER.find(inner.verb, inner.path)
    if isinstance(found, frozenset):
        raise not_found()
    endpoint, inner.params = found
    assert inner.token is not None
    inner.rights = authorize(tenant, inner.token, endpoint)
    return orjson.loads(endpoint.handler(inner).body)


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


_ACTION = f"{_PATH}/{{actionId}}"
ENDPOINTS = (
    Endpoint("GET", _PATH, get_actions),
    Endpoint("GET", _ACTION, get_action),
    Endpoint("GET", f"{_ACTION}/schemas/{{fileName}}", get_schema),
    Endpoint("GET", f"{_ACTION}/templates/{{fileName}}", get_template),
    Endpoint("POST", f"{_ACTION}/execute", execute),
    Endpoint("POST", f"{_ACTION}/test", test),
)
