"""An OpenAPI document of chosen operations, made of what the catalogue and the official SDK say of them. Nothing is fetched.

Answers must fit the SDK's models with no member beside them. Errors are those that the catalogue declares and those that
Genesys declares on practically every operation, all of the form ErrorBody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.sdk_operations import SdkOperation, enums, inner_type, members, sdk_operations
from wfm import catalogue

Json = dict[str, Any]
GENERIC_ERRORS = (400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 503, 504)
MAX_BODY_DEPTH = 4
_PRIMITIVES: dict[str, Json] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "LocalDateTime": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "object": {},
}


def openapi_cut(keys: Iterable[str], parameters: Mapping[str, list[str]], bodies: Mapping[str, Any]) -> Json:
    """Make the document.

    Args:
        keys: Operations, as "VERB /path/template".
        parameters: Values to try for a path parameter or a list of ids in the query, by its name on the wire.
        bodies: A body that works, by the operation.
    """
    wanted: set[str] = {"ErrorBody"}
    paths: dict[str, Json] = {}
    for key in keys:
        operation = sdk_operations()[key]
        entry = _operation(operation, parameters, bodies.get(key), wanted)
        paths.setdefault(operation.path, {})[operation.verb.lower()] = entry
    return {
        "openapi": "3.0.3",
        "info": {"title": "Genesys Cloud Platform API, a cut", "version": "269"},
        "paths": paths,
        "components": {"schemas": _models(wanted)},
    }


def _operation(operation: SdkOperation, parameters: Mapping[str, list[str]], body: Any, wanted: set[str]) -> Json:
    rows = [
        {"name": wire, "in": "path", "required": True, "schema": {"type": "string", "enum": parameters[wire]}}
        for wire, _own in operation.path_params
    ]
    for wire, own in operation.query_params:
        schema = _answer_schema(operation.types[own], set())
        if schema.get("type") == "array" and wire in parameters:
            schema["items"] = {"type": "string", "enum": parameters[wire]}
        rows.append({"name": wire, "in": "query", "required": own in operation.required, "schema": schema, "explode": False})
    entry: Json = {"operationId": operation.method, "parameters": rows, "responses": _responses(operation, wanted)}
    if operation.body_type is not None:
        content: Json = {"schema": _body_schema(operation.body_type, 0)}
        if body is not None:
            content["example"] = body
        required = "body" in operation.required
        entry["requestBody"] = {"required": required, "content": {"application/json": content}}
    return entry


def _responses(operation: SdkOperation, wanted: set[str]) -> Json:
    error = {"description": "error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}}
    declared = {status for status, _code in catalogue.operation(operation.key).errors}
    responses: Json = {str(status): error for status in sorted({*GENERIC_ERRORS, *declared})}
    done: Json = {"description": "done"}
    if operation.answer is not None:
        kind = "text/plain" if operation.answer == "str" else "application/json"
        done["content"] = {kind: {"schema": _answer_schema(operation.answer, wanted)}}
    if operation.answer is None:
        responses["204"] = done
    return responses | {str(status): done for status in (200, 201, 202)}


def _answer_schema(kind: str, wanted: set[str]) -> Json:
    outer, inner = inner_type(kind)
    if outer == "list":
        return {"type": "array", "items": _answer_schema(inner, wanted)}
    if outer == "dict":
        return {"type": "object", "additionalProperties": _answer_schema(inner, wanted)}
    if inner in _PRIMITIVES:
        return dict(_PRIMITIVES[inner])
    wanted.add(inner)
    return {"$ref": f"#/components/schemas/{inner}"}


def _models(wanted: set[str]) -> Json:
    made: Json = {}
    while wanted - made.keys():
        model = min(wanted - made.keys())
        properties: Json = {name: _answer_schema(kind, wanted) for name, kind in members(model).items()}
        for name, values in enums(model).items():
            properties[name] = {"type": "string", "enum": list(values)}
        made[model] = {"type": "object", "properties": properties, "additionalProperties": False}
    return made


def _body_schema(kind: str, depth: int) -> Json:
    """The body's model written out, so that what is made of it stays small."""
    outer, inner = inner_type(kind)
    if outer == "list":
        return {"type": "array", "items": _body_schema(inner, depth), "maxItems": 3}
    if outer == "dict":
        return {"type": "object", "additionalProperties": _body_schema(inner, depth + 1), "maxProperties": 3}
    if inner in _PRIMITIVES:
        return dict(_PRIMITIVES[inner])
    if depth >= MAX_BODY_DEPTH:
        return {"type": "object"}
    properties = {name: _body_schema(own, depth + 1) for name, own in members(inner).items()}
    for name, values in enums(inner).items():
        properties[name] = {"type": "string", "enum": list(values)}
    return {"type": "object", "properties": properties}
