"""Error envelopes: JSON of any dialect becomes envelopes, from the outside in.

Dialects known: ErrorBody of the platform (published: SDK model), the older Architect one (errorCode, userMessage,
userParams, correlationId), Data Action wrappers and test results, OAuth (RFC 6749), problem details (RFC 9457), SCIM,
function errors, and the common shapes of other vendors that a web-services Data Action meets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from wfm.payloads import correlation, statuses
from wfm.payloads.json_text import MAX_DEPTH
from wfm.payloads.limits import MAX_BYTES, tidy
from wfm.payloads.members import CODE_KEYS, DETAIL_LISTS, MAX_ITEMS, Detail, details_of, key_of, params_of, text_of
from wfm.payloads.progress import DONE, FAILED, RUNNING, THERE, is_notification, is_thing

MAX_ENVELOPES = 40

_MESSAGE_KEYS = (
    "exceptionmessage",
    "message",
    "usermessage",
    "errormessage",
    "errordescription",
    "errorsummary",
    "description",
    "detail",
    "title",
    "faultstring",
    "msg",
    "httpmessage",
    "moreinformation",
    "userparamsmessage",
)
_STATUS_KEYS = (
    *("status", "statuscode", "http", "httpstatus", "httpstatuscode", "httpcode", "responsestatus"),
    *("responsecode", "responsestatuscode", "httpresponsestatuscode", "resultcode", "elbstatuscode", "scstatus"),
)
_ID_KEYS = ("contextid", "correlationid", "traceid")
_STATES = ("state", "status", "querystate", "jobstate", "jobstatus", "executionstate", "provisioningstate", "operationstate")
_MAY_EMBED = (
    *_MESSAGE_KEYS,
    "body",
    "response",
    "responsebody",
    "rawresult",
    "error",
    "finalresult",
    "data",
    "result",
    "cause",
)
_INNER = (
    *("error", "fault", "exception", "response", "responsebody", "data", "result", "body", "message", "detail", "eventbody"),
    *("reason", "cause", "job", "operation"),
)
_INNER_NAME = re.compile(r"error|fault|exception|failure|causes$|warnings$")
_BULK = ("results", "entities", "responses", "items")
_ERROR_WORDS = frozenset({"message", "messages", "usermessage", "reason", "status"})
_URI = re.compile(r"^(?:https?://|urn:)", re.IGNORECASE)
_SPACE = re.compile(r"\s")
_PHRASES = frozenset(status.phrase for status in HTTPStatus)
_KNOWN = frozenset((*HTTPStatus, 419, 440, 498, 499, *range(520, 531), 598, 599))
"""A code is a status only where it is one: 453 of some API is a code of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEnvelope:
    """One error of a chain. `level` counts bodies: 0 the answer itself, 1 a body escaped inside its sentences, …

    `params` are the values that fill a message (name, value) and members such as requiredScopes. `embedded` are raw
    strings that hold a bracket or a tag: a body of somebody else's may be escaped inside them. `truncated`: read out of JSON
    that does not parse. `state` is how far a body says that it came, in small letters: "complete", "processing".
    """

    place: str
    level: int = 0
    code: str | None = None
    message: str = ""
    status: int | None = None
    correlation_id: str | None = None
    entity_id: str = ""
    entity_name: str = ""
    params: tuple[tuple[str, str], ...] = ()
    details: tuple[Detail, ...] = ()
    method: str = ""
    path: str = ""
    is_function: bool = False
    operation_id: str = ""
    state: str = ""
    truncated: bool = False
    embedded: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        return bool(self.code or self.message)


@dataclass(slots=True)
class _Walk:
    level: int
    found: list[ErrorEnvelope] = field(default_factory=list)


def envelopes_of(value: object, level: int = 0) -> tuple[ErrorEnvelope, ...]:
    """The envelopes of a JSON value, outside in; empty where nothing in it looks like an error."""
    walk = _Walk(level=level)
    _visit(value, "body", walk, 0)
    if isinstance(value, dict) and _tells_no_failure(value, walk.found):
        walk.found[:] = [ErrorEnvelope(place="body", level=level, state=THERE)]
    if walk.found and not any(envelope.correlation_id for envelope in walk.found):
        walk.found[0] = replace(walk.found[0], correlation_id=correlation_id_beside(value))
    return tuple(walk.found)


def _tells_no_failure(value: Mapping[object, object], found: list[ErrorEnvelope]) -> bool:
    """Whether an object is a thing of the platform whose title or description is no sentence of an error."""
    members = {key_of(key): inner for key, inner in list(value.items())[:MAX_ITEMS]}
    if not is_thing(members) or any(
        envelope.code or (envelope.status or 0) >= 300 or envelope.state in FAILED for envelope in found
    ):
        return False
    if is_notification(members):
        return all(not envelope.message or "heartbeat" in envelope.message.casefold() for envelope in found)
    error_words = {name for name in members if members[name] and (name in _ERROR_WORDS or _INNER_NAME.search(name))}
    return not error_words and all(envelope.place == "body" for envelope in found)


def correlation_id_beside(value: object) -> str | None:
    """A correlation id that stands beside the errors: in metadata, or in headers printed into the body."""
    queue, visited = [value], 0
    while queue and visited < 200:
        visited += 1
        item = queue.pop(0)
        if isinstance(item, dict):
            members = {key_of(key): inner for key, inner in list(item.items())[:MAX_ITEMS]}
            named = text_of(members, ("name", "key", "field"), 100)
            if correlation.is_name(key_of(named)) and (found := text_of(members, ("value",), 200)):
                return found  # HAR and proxies: {"name": "ININ-Correlation-Id", "value": "…"}
            if found := text_of(members, tuple(filter(correlation.is_name, members)), 200):
                return found
            queue += [inner for inner in members.values() if isinstance(inner, (dict, list))]
        elif isinstance(item, list):
            queue += [inner for inner in item[:MAX_ITEMS] if isinstance(inner, dict)]
    return None


def _visit(value: object, place: str, walk: _Walk, depth: int) -> None:
    if depth > MAX_DEPTH or len(walk.found) >= MAX_ENVELOPES:
        return
    if isinstance(value, str):
        if value.strip():
            embedded = (value,) if _may_embed(value) else ()
            walk.found.append(ErrorEnvelope(place=place, level=walk.level, message=tidy(value, 4_000), embedded=embedded))
    elif isinstance(value, list):
        for number, item in enumerate(value[:MAX_ITEMS]):
            if isinstance(item, (dict, str)) or place != "body":
                _visit(item, f"{place}[{number}]" if place != "body" else f"[{number}]", walk, depth + 1)
    elif isinstance(value, dict):
        _visit_object(value, place, walk, depth)


def _visit_object(value: Mapping[object, object], place: str, walk: _Walk, depth: int) -> None:
    members = {key_of(key): item for key, item in reversed(list(value.items())[:500])}
    members = dict(reversed(members.items()))  # of two spellings of one name the first counts, in the order given
    own = _own_envelope(members, place, walk.level)
    if own.state == "success" and isinstance(members.get("operations"), list):
        walk.found.append(
            ErrorEnvelope(place=place, level=walk.level, state=THERE)
        )  # a test that went through: its result is data
        return
    if own.says_something or own.status or own.correlation_id or own.params or own.details or own.embedded or own.state:
        walk.found.append(own)
    named = [name for name in members if name not in _INNER and name != "errors" and _INNER_NAME.search(name)]
    for name in (*_INNER, *named):
        inner = members.get(name)
        listed = isinstance(inner, list) and (name in ("error", "detail") or name in named or _are_errors(inner))
        if isinstance(inner, dict) or listed:
            _visit(inner, name, walk, depth + 1)
    if own.state in FAILED:
        _visit_messages(members.get("messages"), walk)
    if "warning" in place and isinstance(messages := members.get("messages"), list):
        _visit(messages, f"{place}.messages", walk, depth + 1)
    errors = members.get("errors")
    if isinstance(errors, (list, str)):
        _visit(errors, "errors", walk, depth + 1)
    elif isinstance(errors, dict):
        for field_name, messages in list(errors.items())[:MAX_ITEMS]:
            first = messages[0] if isinstance(messages, list) and messages else messages
            _visit(f"{field_name}: {first}" if isinstance(first, str) else first, f"errors.{field_name}", walk, depth + 1)
    _visit_steps(members.get("operations"), walk, depth)
    for name in _BULK:
        _visit_bulk(name, members.get(name), walk, depth)


def _visit_messages(messages: object, walk: _Walk) -> None:
    """What an operation that failed says: {"status": "Failure", "messages": [{"type": "ERROR", "text": "…"}]}."""
    for number, item in enumerate(messages[:MAX_ITEMS] if isinstance(messages, list) else ()):
        members = {key_of(key): inner for key, inner in list(item.items())[:MAX_ITEMS]} if isinstance(item, dict) else {}
        mild = text_of(members, ("type", "severity", "level"), 40).casefold() in ("warning", "info", "debug", "trace")
        message = item if isinstance(item, str) else text_of(members, ("text", *_MESSAGE_KEYS), 4_000)
        if message and not mild and len(walk.found) < MAX_ENVELOPES:
            walk.found.append(
                ErrorEnvelope(
                    place=f"messages[{number}]",
                    level=walk.level,
                    code=text_of(members, CODE_KEYS, 200) or None,
                    message=message,
                )
            )


def _are_errors(items: list[object]) -> bool:
    """Whether a list that may hold anything holds errors: the first says a code and a message."""
    first = {key_of(key) for key in list(items[0])[:MAX_ITEMS]} if items and isinstance(items[0], dict) else set()
    return "message" in first and bool(first & {"code", "errorcode"})


def _visit_bulk(name: str, items: object, walk: _Walk, depth: int) -> None:
    """The errors of single items in a bulk answer; what the items themselves say is no error."""
    for number, item in enumerate(items[:MAX_ITEMS] if isinstance(items, list) else ()):
        for key, inner in list(item.items())[:MAX_ITEMS] if isinstance(item, dict) else ():
            if _INNER_NAME.search(key_of(key)) and isinstance(inner, (dict, list)):
                _visit(inner, f"{name}[{number}]", walk, depth + 1)


def _visit_steps(steps: object, walk: _Walk, depth: int) -> None:
    """The step trace of a Data Action test (published: SDK TestExecutionResult): only steps that failed matter."""
    if not isinstance(steps, list):
        return
    for step in steps[:MAX_ITEMS]:
        if isinstance(step, dict) and step.get("success") is False:
            name = tidy(f"step {step.get('step', '?')}: {step.get('name', '')}", 200)
            before = len(walk.found)
            _visit(step.get("error"), name, walk, depth + 1)
            if len(walk.found) > before:
                walk.found[before] = replace(walk.found[before], place=name)


def _own_envelope(members: Mapping[str, object], place: str, level: int) -> ErrorEnvelope:
    code, message = _code_and_message(members)
    if not code and not message and "warning" in place:
        code = text_of(members, ("type",), 200) or None  # of a run that ended with warnings: {"type": "AgentNotLicensed"}
    return ErrorEnvelope(
        place=place,
        level=level,
        code=code,
        message=message,
        status=status_of(members) or _status_by_phrase(members, level, says_something=bool(code or message)),
        correlation_id=text_of(members, _ID_KEYS, 200) or None,
        entity_id=text_of(members, ("entityid",), 200),
        entity_name=text_of(members, ("entityname",), 200),
        params=params_of(members),
        details=tuple(detail for name in DETAIL_LISTS for detail in details_of(members.get(name)))[:MAX_ITEMS],
        method=text_of(members, ("method", "httpmethod", "verb"), 10).upper(),
        path=text_of(members, ("path", "uri", "url", "endpoint", "requesturi", "instance"), 500),
        is_function="errortype" in members and bool({"trace", "stacktrace", "errormessage"} & set(members)),
        operation_id=text_of(members, ("operationid", "jobid", "taskid"), 200),
        state=_state(members),
        embedded=tuple(
            dict.fromkeys(
                item[:MAX_BYTES]
                for item in (members.get(key) for key in _MAY_EMBED)
                if isinstance(item, str) and _may_embed(item)
            )
        ),
    )


def _state(members: Mapping[str, object]) -> str:
    """How far something came, by its own word: "complete", "processing"; "success" and "failed" for yes and no."""
    success = members.get("success", members.get("successful"))
    if isinstance(success, bool):
        return "success" if success else "failed"
    words = (str(value).strip().casefold() for name in _STATES if isinstance(value := members.get(name), str))
    return next((word for word in words if 0 < len(word) <= 40 and not word.isdigit()), "")


def _may_embed(text: str) -> bool:
    """Whether a body of somebody else's may be inside a sentence: JSON, or the closing tag of XML."""
    return "{" in text or "</" in text


def _code_and_message(members: Mapping[str, object]) -> tuple[str | None, str]:
    message = text_of(members, (*_MESSAGE_KEYS, *(name for name in members if name.endswith(("message", "msg")))), 4_000)
    code = text_of(members, CODE_KEYS, 200)
    error = members.get("error")
    if isinstance(error, str) and error.strip():
        # OAuth says error="invalid_client"; servers that say error="Method Not Allowed" repeat the status in words.
        if _SPACE.search(error.strip()) or error.strip() in _PHRASES:
            message = message or tidy(error, 4_000)
        else:
            code = code or tidy(error, 200)
    if not code:
        kind = members.get("type")
        if isinstance(kind, str) and _URI.match(kind) and ("title" in members or "detail" in members):
            code = tidy(kind, 300)
    title, detail = members.get("title"), members.get("detail")
    if isinstance(title, str) and isinstance(detail, str):
        message = tidy(f"{title} {detail}", 4_000)
    further = members.get("moreinfo")
    if isinstance(further, str) and message and not _URI.match(further):
        message = tidy(f"{message}: {further}", 4_000)
    for name in ("detail", "extensions"):
        inner = members.get(name)
        if not code and isinstance(inner, dict):
            code = text_of({key_of(key): item for key, item in list(inner.items())[:MAX_ITEMS]}, CODE_KEYS, 200)
    reason = members.get("reason")
    if not message and isinstance(reason, str) and (code or status_of(members)):
        message = tidy(reason, 4_000)
    state = members.get("status")
    if not message and not code and isinstance(state, str) and "operationid" in members and not _goes_well(state):
        message = tidy(state, 200)  # an asynchronous operation that ended: a state is all that it says
    return code or None, message


def _goes_well(state: str) -> bool:
    return state.strip().casefold() in RUNNING | DONE


def status_of(members: Mapping[str, object]) -> int | None:
    """The HTTP status among members, their names as `key_of` has them."""
    for key in (*_STATUS_KEYS, "code"):
        status = as_status(members.get(key))
        if status is not None and (key != "code" or (status >= 400 and status in _KNOWN)):
            return status
    return None


def _status_by_phrase(members: Mapping[str, object], level: int, *, says_something: bool) -> int | None:
    """The status that {"status": "Forbidden", "message": "…"} stands for, or {"error": "Forbidden"} in a body whose own HTTP
    status was lost on the way."""
    words = [members.get(name) for name in _STATUS_KEYS] if says_something else []
    words += [members.get("error")] if level > 0 else []
    return next((status for word in words if isinstance(word, str) and (status := statuses.of_phrase(word))), None)


def as_status(value: object) -> int | None:
    """An HTTP status out of a number or its text, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) <= 5 and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if isinstance(value, float) and value == value and abs(value) < 1_000:
        value = int(value)
    return value if isinstance(value, int) and 100 <= value <= 599 else None
