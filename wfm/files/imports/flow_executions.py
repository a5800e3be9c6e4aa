"""Flow execution data as Genesys Cloud gives it for download: the data actions that a flow called.

Published (Resource Center, "Historical execution data overview", and the SDK's FlowCharacteristics): a flow has
`conversationId`, `endDateTime` and a list `execution` whose members have one name each, such as `actionAskForIntent`, over
`actionId`, `dateTime`, `executionId`, `outputPathId`, `outputVariables`, `trackingId` and again `execution`. How a data
action's inputs and outputs are written (level All) is not published: they are looked for under the names in use, wherever
they stand, and an action without them is still a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from wfm.domain.imported_runs import Unreadable
from wfm.files.column_headers import column_key
from wfm.files.imports.cell_values import NoTime, number_of, status_of, text_of_value
from wfm.files.imports.records import ImportContext, Read, run_of
from wfm.payloads.encodings import as_utf8
from wfm.payloads.json_text import recover, value_at

_TIMES = ("startdatetime", "datetimestart", "datetime", "starttime", "timestamp")
_AROUND = ("conversationid", "flowname", "correlationid", "contextid", "executionid", "instanceid", "id", "name", *_TIMES)
_NESTED = ("execution", "executions", "executionitems", "items")
_OF_A_CALL = frozenset({"executionid", "trackingid", "outputpathid", "inputs", "outputs", "executioninputoutputs"})
_MAX_DEPTH = 500
_SOMETHING = re.compile(r"[^\s,]")


def read_flow_data(document: bytes, context: ImportContext) -> Iterator[Read]:
    """The data actions of flow execution data, numbered from 1 in the order they stand in.

    A file that breaks off is read up to there. One that is no JSON, or holds no data action, is one unreadable line.
    """
    found, broken_at, open_still = _documents(b"".join(as_utf8([document], context.notes)).decode("utf-8-sig", "replace"))
    if broken_at and not found:
        yield Unreadable(line=1, why="The file is no JSON.")
        return
    if broken_at:
        yield Unreadable(line=broken_at, why="The file breaks off or is damaged here. What stands before was read.")
    number = 0
    stack: list[tuple[Any, str, dict[str, Any], int]] = [(found, "", {}, 0)]
    while stack:
        value, name, around, depth = stack.pop()
        if depth > _MAX_DEPTH:
            continue
        if isinstance(value, list):
            stack.extend((one, name, around, depth + 1) for one in reversed(value))
        elif isinstance(value, dict):
            if _is_data_action(name, value):
                number += 1
                if id(value) not in open_still:  # half an action would pass for one that worked
                    yield _flow_run(number, value, around, context)
                inner = {key: one for key, one in value.items() if column_key(key) in _NESTED}
            else:
                inner = value
                around = _around(name, value, around)
            stack.extend((one, key, around, depth + 1) for key, one in reversed(inner.items()))
    if not number and not broken_at:
        yield Unreadable(line=1, why="The file holds no data action: was the flow's execution data kept, at level All?")


def _around(name: str, value: Mapping[str, Any], around: dict[str, Any]) -> dict[str, Any]:
    """What is known of the flow from the objects around an action. A nearer one knows better."""
    own = {column_key(key): one for key, one in value.items() if isinstance(one, str | int) and column_key(key) in _AROUND}
    if "execution" in map(column_key, value) and not column_key(name).startswith("action"):
        own.setdefault("flowname", own.get("name", around.get("flowname", "")))
        own.setdefault("instanceid", own.get("id", around.get("instanceid", "")))
    for only_here in ("id", "name", "executionid"):
        own.pop(only_here, None)
    return {**around, **own}


def _is_data_action(name: str, value: Mapping[str, Any]) -> bool:
    """By its name in the list, or by what it says of its type. A list of the actions that there are is no list of calls."""
    kinds = [column_key(one) for one in (name, value.get("actionType"), value.get("objectType"), value.get("type")) if one]
    if any(kind.endswith(("dataaction", "calldata")) for kind in kinds):
        return "dataActions" not in value
    return "dataactions" in kinds and any(column_key(key) in _OF_A_CALL for key in value)


def _flow_run(number: int, item: Mapping[str, Any], around: Mapping[str, Any], context: ImportContext) -> Read:
    own = {column_key(key): value for key, value in item.items()}
    both = own.get("executioninputoutputs")
    sides = {column_key(key): value for key, value in both.items()} if isinstance(both, dict) else {"inputs": both}
    inputs = _names(_first(sides, own, "inputs", "inputvariables", "input"))
    outputs = _first(sides, own, "outputs", "outputvariables", "output", "results")
    errors = _first(own, sides, "eventerror", "errors", "error", "flowerror")
    answer = {column_key(key): value for key, value in {**_names(outputs), **_names_of_error(errors)}.items()}
    status = next((found for key in ("status", "httpstatus", "statuscode") if (found := status_of(answer.get(key)))), None)
    codes = (text_of_value(answer.get(key)) for key in ("code", "errorcode", "reason"))
    try:
        time = _time(own, around, context)
    except NoTime as error:
        return Unreadable(line=number, why=f"Data action {number:,} of the file: {error}")
    lowered = {column_key(key): value for key, value in inputs.items()}
    given = {
        "agent_id": lowered.get("userid") or lowered.get("agentid"),
        "agent": lowered.get("agentname") or lowered.get("username") or lowered.get("email"),
        "action": own.get("dataactionname") or own.get("actionname") or own.get("name") or "data action",
        "outcome": "failed" if _failed(own, errors, status) else "applied",
        "code": next((code for code in codes if code), ""),
        "correlation_id": own.get("correlationid")
        or own.get("contextid")
        or answer.get("correlationid")
        or answer.get("contextid")
        or around.get("conversationid"),
        "duration_ms": number_of(own.get("durationms")),
        "request": inputs or None,
        "response": _response(errors, outputs),
        "note": f"flow {around['flowname']}" if around.get("flowname") else "",
    }
    # The same action of the same conversation in a loop or a retry: each execution is a run of its own.
    place = text_of_value(own.get("executionid")) or text_of_value(own.get("trackingid"))
    return run_of(number, given, time, status, context, place=place)


def _failed(own: Mapping[str, Any], errors: object, status: int | None) -> bool:
    path = " ".join(
        str(own.get(name) or "") for name in ("outputpath", "actionoutputpathname", "executionpath", "outputpathid")
    )
    path = path.lower()
    if status is not None and status >= 400:
        return True
    return bool(errors) or any(word in path for word in ("fail", "timeout", "time-out", "error"))


def _response(errors: object, outputs: object) -> object:
    """What the diagnosis reads: the errors where there are any, a lone message as the text that it is."""
    answer = errors or outputs
    if isinstance(answer, list) and len(answer) == 1 and errors:
        answer = answer[0]
    if isinstance(answer, dict) and list(map(column_key, answer)) in (["message"], ["errormessage"]):
        return next(iter(answer.values()))
    return answer if errors else _names(answer) or None


def _names_of_error(errors: object) -> dict[str, Any]:
    first = next((one for one in errors if isinstance(one, dict)), {}) if isinstance(errors, list) else errors
    return dict(first) if isinstance(first, dict) else {}


def _time(own: Mapping[str, Any], around: Mapping[str, Any], context: ImportContext) -> Any:
    given = next((value for part in (own, around) for key in _TIMES if (value := part.get(key))), None)
    if given is None:
        raise NoTime("it has no time, and nothing around it has one.")
    return context.instant(given, "")


def _first(one: Mapping[str, Any], other: Mapping[str, Any], *names: str) -> Any:
    return next((value for part in (one, other) for name in names if (value := part.get(name))), None)


def _names(value: object) -> dict[str, Any]:
    """Inputs or outputs as names with values, whether given so or as a list of {name, value}."""
    if isinstance(value, dict):
        return {key: one["value"] if isinstance(one, dict) and "value" in one else one for key, one in value.items()}
    if isinstance(value, list):
        pairs = [one for one in value if isinstance(one, dict)]
        return {str(one.get("name") or one.get("variableName") or n): one.get("value") for n, one in enumerate(pairs)}
    return {}


def _documents(text: str) -> tuple[list[Any], int, set[int]]:
    """The JSON documents of a text; the line where the text breaks off (0: nowhere); what is not whole there."""
    found, position = list[Any](), 0
    while more := _SOMETHING.search(text, position):
        try:
            value, position = value_at(text, more.start())
        except ValueError as error:
            end = error.pos if isinstance(error, json.JSONDecodeError) else more.start()
            value, end, depth = recover(text, more.start(), end)
            line = text.count("\n", 0, end) + 1
            return [*found, *([] if value is None else [value])], line, _last_ones(value, depth)
        found.append(value)
    return found, 0, set()


def _last_ones(value: Any, depth: int) -> set[int]:
    """The identities of the last member, of its last member, and so on: those that were open where the text broke off."""
    found: set[int] = set()
    while depth and isinstance(value, list | dict) and value:
        found.add(id(value))
        value = value[-1] if isinstance(value, list) else list(value.values())[-1]
        depth -= 1
    return found
