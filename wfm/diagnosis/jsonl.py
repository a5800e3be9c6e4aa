"""Diagnoses for the command line: a JSON line in, a JSON line out; and the same for people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wfm.diagnosis.explain import diagnose_pasted
from wfm.diagnosis.matching import diagnose
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind
from wfm.payloads.error_envelopes import as_status
from wfm.payloads.limits import clean

MEMBERS = ("id", "kind", "missing", "code", "correlation_id", "retryable", "rule", "cause", "fix")
"""What an answer line holds."""


def diagnose_jsonl(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """`diagnose --jsonl`: an answer a line, in order; empty lines are passed over.

    A line that is no JSON object stops nothing: it is answered like any other text that nobody can read, without `rule`,
    and `cause` says which line it is and what is wrong with it. One line at a time is held in memory.
    """
    for number, case in _cases(lines):
        yield diagnose_jsonl_line(case) if isinstance(case, Mapping) else _unread(number, case)


def render_jsonl(lines: Iterable[bytes]) -> Iterator[str]:
    """The same lines for people: each diagnosis under its id; a line that can't be read is named in one sentence."""
    for number, case in _cases(lines):
        if isinstance(case, Mapping):
            yield f"{clean(str(case.get('id', f'line {number}')), 100)}\n{render(_diagnosis(case))}"
        else:
            yield str(_unread(number, case)["cause"])


def is_jsonl(raw: bytes) -> bool:
    """Whether a file holds recorded answers, a JSON object a line with "body" and what came with it, and not a payload."""
    first = next((line for line in raw.splitlines() if line.strip()), b"")
    case = next((case for _, case in _cases([first])), "")
    return isinstance(case, Mapping) and "body" in case and bool({"http_status", "context"} & set(case))


def _cases(lines: Iterable[bytes]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Each line's number with its object, or with the reason why it has none; empty lines are passed over."""
    for number, raw in enumerate(lines, start=1):
        text = raw.decode("utf-8", "replace").lstrip("\ufeff").strip()
        if not text:
            continue
        try:
            case = json.loads(text)
        except ValueError as error:
            yield number, str(error)
        except RecursionError:
            yield number, "it is nested too deep"
        else:
            yield number, case if isinstance(case, dict) else "a JSON object is wanted"


def _unread(number: int, reason: str) -> dict[str, Any]:
    values = {"kind": Kind.UNPARSEABLE.value, "missing": [], "retryable": False}
    cause, fix = f"Line {number} was not read: {reason}.", "Make the line one JSON object with http_status, headers and body."
    return {**dict.fromkeys(MEMBERS), **values, "cause": cause, "fix": fix}


def diagnose_jsonl_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """One line of `diagnose --jsonl`: {"id", "http_status", "headers", "body", "context"} → the diagnosis as plain values.

    Takes whatever is there: a member that is missing or of another type counts as not given. `context` may hold
    "endpoint" ("VERB /path"), "via", and what else Evidence knows ("client_name", "grant_type", "held_scopes").
    """
    return as_record(line.get("id"), _diagnosis(line))


def _diagnosis(line: Mapping[str, Any]) -> Diagnosis:
    status, headers = as_status(line.get("http_status")), _headers(line.get("headers"))
    body, evidence = _body(line.get("body")), _evidence(line.get("context"))
    if body is not None and status is None and not headers:
        return diagnose_pasted(body, evidence)  # nothing came with it: status and headers may stand in the text
    return diagnose(status, headers, body, evidence)


def as_record(identity: object, diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain values, with the members of MEMBERS in their order."""
    return {
        "id": identity,
        "kind": diagnosis.kind.value,
        "missing": list(diagnosis.missing),
        "code": diagnosis.code,
        "correlation_id": diagnosis.correlation_id,
        "retryable": diagnosis.retryable,
        "rule": diagnosis.rule,
        "cause": diagnosis.cause,
        "fix": diagnosis.fix,
    }


def render(diagnosis: Diagnosis) -> str:
    """A diagnosis for a person at a terminal: what it is, what to do, and what proves it."""
    status = f"HTTP {diagnosis.status}" if diagnosis.status is not None else "no HTTP status"
    rows = [
        ("What", f"{diagnosis.what} ({', '.join(part for part in (status, diagnosis.code) if part)})"),
        ("Cause", diagnosis.cause),
        ("Missing", ", ".join(diagnosis.missing)),
        ("Divisions", ", ".join(diagnosis.divisions)),
        ("About", diagnosis.entity or ""),
        ("Confirm", diagnosis.confirm),
        ("Fix", diagnosis.fix),
        ("Who can", diagnosis.who),
        ("Retry", _retry(diagnosis)),
        ("Correlation", diagnosis.correlation_id or "none in the answer"),
        ("Chain", " → ".join(diagnosis.chain) if len(diagnosis.chain) > 1 else ""),
        ("Source", f"rule {diagnosis.rule}, {diagnosis.provenance.value}, {diagnosis.confidence.value}"),
    ]
    wrapped = (
        textwrap.fill(value, 100, initial_indent=f"{name:<12}", subsequent_indent=" " * 12) for name, value in rows if value
    )
    return "\n".join(wrapped)


def _retry(diagnosis: Diagnosis) -> str:
    if diagnosis.nothing_failed:
        return "nothing to try again"
    return "may help, unchanged" if diagnosis.retryable else "does not help unchanged"


def _headers(value: object) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(name): ", ".join(map(str, item)) if isinstance(item, list) else str(item) for name, item in value.items()}
    if isinstance(value, list):  # [["Name", "value"], …], as HAR and some proxies write them
        return {str(pair[0]): str(pair[1]) for pair in value if isinstance(pair, list) and len(pair) == 2}
    return {}


def _body(value: object) -> str | bytes | None:
    if value is None or isinstance(value, str | bytes):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return str(type(value))


def _evidence(value: object) -> Evidence:
    if not isinstance(value, Mapping):
        return Evidence()
    scopes = value.get("held_scopes")
    return Evidence(
        call=_word(value.get("endpoint")) or _word(value.get("call")),
        via=_word(value.get("via")) or "direct",
        client_name=_word(value.get("client_name")),
        grant_type=_word(value.get("grant_type")),
        held_scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list | tuple) else None,
    )


def _word(value: object) -> str | None:
    return clean(value, 500) or None if isinstance(value, str) else None
