"""Envelopes of logs opened: where in a record the answer lies, whatever the members around it are called.

Shapes met: HAR (entries of request and response), Splunk (`_raw`), CloudWatch (`@message`, logEvents), Application Insights
(innermostMessage, customDimensions), Elastic (`_source`), and a member of any name one level above.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from wfm.payloads import correlation, statuses
from wfm.payloads.error_envelopes import ErrorEnvelope, status_of
from wfm.payloads.limits import HEAD, TAIL, excerpt
from wfm.payloads.members import MAX_ITEMS, key_of, text_of

MAX_NODES = 300
"""How many members of a record are looked at."""

MAX_TEXT = 64_000
"""So many characters of the texts in a record are looked at."""

MAX_DEPTH = 14

FULL = 3
"""What an error body weighs as the platform answers: code, sentence, and status or correlation id."""

_SENT = frozenset({"config", "input", "inputs", "postdata", "requestbody", "requestpayload", "querystring", "cookies"})
"""Members that hold what was sent, not what came back."""

_PACKED = frozenset({"text", "body", "content", "data", "payload"})
_LOGS_OWN = frozenset({"level", "severity", "loglevel", "logger", "stream", "version", "stack", "stacktrace", "trace"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordValue:
    """A value in a record, with what the members around it say of the exchange."""

    value: object
    depth: int = 0
    status: int | None = None
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def envelope(self) -> ErrorEnvelope:
        """The exchange; it says nothing itself."""
        known = correlation.in_headers(self.headers)
        return ErrorEnvelope(place="log", status=self.status, method=self.method, path=self.path, correlation_id=known)


def values_in_record(record: object) -> Iterator[RecordValue]:
    """The values in a record that may be an answer (objects, and texts), from the outside in; of bounded number."""
    queue = deque([RecordValue(value=record)])
    visited = text = 0
    while queue and visited < MAX_NODES and text < MAX_TEXT:
        visited += 1
        here = queue.popleft()
        if isinstance(here.value, str):
            text += min(len(here.value), HEAD + TAIL)
            if here.value.strip():
                yield replace(here, value=excerpt(here.value))
        elif here.depth < MAX_DEPTH:
            if isinstance(here.value, dict):
                here = _with_exchange(here, here.value)
                yield here
            queue.extend(_inside(here))


def _inside(here: RecordValue) -> Iterator[RecordValue]:
    if isinstance(here.value, dict):
        for name, inner in list(here.value.items())[:MAX_ITEMS]:
            key = key_of(name)
            if key in _SENT or (key == "request" and "response" in here.value) or key in _LOGS_OWN:
                continue
            if isinstance(inner, (str, dict, list)):
                yield replace(here, value=inner, depth=here.depth + 1)
    elif isinstance(here.value, list):
        for inner in here.value[:MAX_ITEMS]:
            if isinstance(inner, (str, dict, list)):
                yield replace(here, value=inner, depth=here.depth + 1)


def _with_exchange(here: RecordValue, value: Mapping[object, object]) -> RecordValue:
    """What the members of an object say of the exchange that its inner values belong to."""
    members = {key_of(name): inner for name, inner in list(value.items())[:MAX_ITEMS]}
    request = members.get("request", members.get("httprequest"))
    if isinstance(request, dict):
        members = {**{key_of(name): inner for name, inner in list(request.items())[:MAX_ITEMS]}, **members}
    value = _unpacked(value, members)
    return replace(
        here,
        value=value,
        status=status_of(members) or here.status,
        method=(text_of(members, ("method", "httpmethod", "verb"), 10) or here.method).upper(),
        path=text_of(members, ("url", "requesturl", "uri", "requesturi", "path"), 500) or here.path,
        headers={**here.headers, **headers_in(members.get("headers", members.get("responseheaders")))},
    )


def headers_in(value: object) -> dict[str, str]:
    """Headers as an object, or as a list of names and values."""
    if isinstance(value, dict):
        return {str(name).casefold(): inner for name, inner in list(value.items())[:MAX_ITEMS] if isinstance(inner, str)}
    pairs = [entry for entry in value[:MAX_ITEMS] if isinstance(entry, dict)] if isinstance(value, list) else []
    return {str(pair.get("name")).casefold(): str(pair.get("value")) for pair in pairs if "name" in pair}


def _unpacked(value: Mapping[object, object], members: Mapping[str, object]) -> Mapping[object, object]:
    """An object whose text is marked as base64, with the text read: a HAR file, an API Gateway's answer, Power Automate."""
    # Power Automate calls it $content
    marked = members.get("encoding") == "base64" or members.get("isbase64encoded") is True or "$content" in value
    if not marked:
        return value
    return {
        name: _decoded(inner) if key_of(name) in _PACKED and isinstance(inner, str) else inner for name, inner in value.items()
    }


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return text


def weight(envelopes: tuple[ErrorEnvelope, ...], status: int | None = None) -> int:
    """How much of an error some envelopes are: of code, failing status and sentence each counts one; a sentence alone nothing.

    `status` is that of the exchange around them.
    """
    best = 0
    for envelope in envelopes:
        failing = max(envelope.status or 0, status or 0 if envelope.says_something else 0) >= 400
        failing = failing or bool(envelope.message and statuses.status_in(envelope.message))
        if envelope.is_function:  # a function's own report; what it was answered may be inside
            best = max(best, 1)
        elif envelope.code or failing:
            best = max(best, bool(envelope.code) + bool(failing or envelope.correlation_id) + bool(envelope.message))
    return best
