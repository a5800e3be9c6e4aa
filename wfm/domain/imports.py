"""Runs that the desk did not make, read from files line by line: JSON Lines, CSV, flow execution data, pasted payloads.

Pure and in constant memory: bytes come in, each line goes out as an `ImportedRun` or as a sentence with its number. What
can't be read never stops the rest. Shapes: JSON Lines and CSV as the desk exports them, or with other names for the same
(`MEANINGS`); flow execution data as Genesys Cloud gives it for download, whose names are published (executionItems,
executionInputOutputs, eventError) but not every level is: data actions are looked for wherever they stand.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST_LINE = 1_000_000
LARGEST_DOCUMENT = 32_000_000
"""Bytes of a flow execution file or of pasted text, which are held whole. JSON Lines and CSV have no limit."""

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "started", "startedat", "start", "starttime", "startdatetime", "datetime", "date"),
    "agent_id": ("agentid", "userid", "user", "agentguid"),
    "agent": ("agent", "agentname", "username", "name", "email"),
    "action": ("action", "actionname", "dataaction", "integrationaction"),
    "route": ("route",),
    "via": ("via",),
    "call": ("call", "operation", "endpoint", "path"),
    "phase": ("phase",),
    "outcome": ("outcome", "result", "success", "state"),
    "status": ("status", "httpstatus", "statuscode", "responsestatus"),
    "code": ("code", "errorcode"),
    "correlation_id": ("correlationid", "inincorrelationid", "contextid", "traceid", "conversationid"),
    "duration_ms": ("durationms", "duration", "elapsedms"),
    "request": ("request", "requestbody", "input", "inputs"),
    "response": ("response", "responsebody", "body", "error", "errormessage", "message", "output", "outputs", "payload"),
    "note": ("note", "comment"),
}
"""What a run has, and the names by which a column of it is recognised (letters and digits only, no case)."""

_WORKED = {"applied", "success", "succeeded", "ok", "true", "completed", "1", "yes"}
_FAILED = {"failed", "failure", "error", "false", "0", "no"}
_SKIPPED = {"skipped", "unconfirmed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """One run as a file tells it. `outcome` is applied, failed, skipped or unconfirmed; texts are as given."""

    line: int
    time: datetime
    agent_id: str
    agent: str
    action: str
    route: str
    via: str
    call: str
    phase: str
    outcome: str
    status: int | None
    code: str
    correlation_id: str
    duration_ms: int
    request: str
    response: str
    note: str

    @property
    def digest(self) -> str:
        """The same for the same run, wherever in whichever file it stands."""
        parts = [self.time.isoformat(), self.agent_id, self.action, self.call, self.phase, self.outcome, str(self.status)]
        parts += [self.code, self.correlation_id, self.request, self.response]
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A line that could not be read, and why, in a sentence."""

    line: int
    why: str


Read = ImportedRun | Unreadable


def mapping_for(columns: Iterable[str]) -> dict[str, str]:
    """Which column most likely means what: {meaning: column}. The first name of a meaning wins over the later ones."""
    plain = {_plain(column): column for column in reversed(list(columns))}
    found: dict[str, str] = {}
    for meaning, names in MEANINGS.items():
        column = next((plain[name] for name in names if name in plain), None)
        if column is not None and column not in found.values():
            found[meaning] = column
    return found


def lines_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines of a file that comes in pieces; None for one that is longer than 1 MB."""
    number, held, too_long = 0, b"", False
    for chunk in chunks:
        held += chunk
        *whole, held = held.split(b"\n")
        for line in whole:
            number += 1
            yield number, None if too_long or len(line) > LONGEST_LINE else line
            too_long = False
        if len(held) > LONGEST_LINE:
            held, too_long = b"", True
    if held or too_long:
        yield number + 1, None if too_long else held


def read_json_lines(chunks: Iterable[bytes], mapping: Mapping[str, str] | None = None) -> Iterator[Read]:
    """One object a line. Without a mapping, each line's own names decide."""
    for number, line in lines_of(chunks):
        if line is None:
            yield Unreadable(line=number, why=f"The line is longer than {LONGEST_LINE:,} bytes.")
            continue
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
        if not text:
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            yield Unreadable(line=number, why="The line is no JSON.")
            continue
        if not isinstance(record, dict):
            yield Unreadable(line=number, why="The line is JSON, but no object with names.")
            continue
        yield run_from(number, record, mapping or mapping_for(record))


def read_csv(chunks: Iterable[bytes], mapping: Mapping[str, str] | None = None) -> Iterator[Read]:
    """Rows under a header; commas, semicolons or tabs. Line numbers are those of the row's last line."""
    reader = csv.reader(_csv_lines(chunks), delimiter=",")
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unreadable(line=reader.line_num, why=f"The row can't be read: {error}.")
            continue
        if header is None:
            delimiter = max(",;\t", key=lambda one: ",".join(row).count(one)) if len(row) == 1 else ","
            if delimiter != ",":
                reader = csv.reader(_rest(reader), delimiter=delimiter)
                row = next(csv.reader([row[0]], delimiter=delimiter))
            header = [name.strip() for name in row]
            continue
        if not any(cell.strip() for cell in row):
            continue
        line = reader.line_num + (0 if delimiter == "," else 1)
        if len(row) > len(header):
            yield Unreadable(line=line, why=f"The row has {len(row)} cells, the header {len(header)}.")
            continue
        yield run_from(line, dict(zip(header, map(_unquoted, row), strict=False)), mapping or mapping_for(header))


def _csv_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    for number, line in lines_of(chunks):
        # A line too long becomes an empty one, so that the numbers stay right.
        yield (line or b"").decode("utf-8-sig" if number == 1 else "utf-8", "replace").replace("\0", "") + "\n"


def _rest(reader: Any) -> Iterator[str]:
    """The lines behind the header as they were: a reader with a comma saw each as cells to be joined again."""
    for row in reader:
        yield ",".join(row) + "\n"


def _unquoted(cell: str) -> str:
    """Without the apostrophe by which an export keeps a formula from running."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip()[:1] in "=+-@＝＋－＠" and len(cell) > 1 else cell


def run_from(line: int, record: Mapping[str, object], mapping: Mapping[str, str]) -> Read:
    """One run from a record and what its columns mean."""
    given = {meaning: record.get(column) for meaning, column in mapping.items() if meaning in MEANINGS}
    time = _instant(given.get("time"))
    if time is None:
        said = "no time" if given.get("time") in (None, "") else f"the time {str(given['time'])[:40]!r}"
        return Unreadable(line=line, why=f"The line has {said}; a run needs one such as 2026-11-23T14:30:00Z.")
    status = _number(given.get("status"))
    if given.get("status") not in (None, "") and (status is None or not 100 <= status <= 599):
        return Unreadable(line=line, why=f"The status {str(given['status'])[:40]!r} is no HTTP status from 100 to 599.")
    response = _text(given.get("response"))
    code = _text(given.get("code"))
    outcome = _outcome(given.get("outcome"), status, code)
    agent_id = _text(given.get("agent_id")) or _text(given.get("agent")) or "unknown"
    action = _text(given.get("action"))
    phase = _text(given.get("phase")).lower()
    return ImportedRun(
        line=line,
        time=time,
        agent_id=agent_id[:200],
        agent=(_text(given.get("agent")) or agent_id)[:200],
        action=action[:200],
        route=(_text(given.get("route")) or ("data_action" if action else "imported"))[:60],
        via=(_text(given.get("via")) or ("data_action" if action else "direct"))[:60],
        call=(_text(given.get("call")) or ("POST /api/v2/integrations/actions/{actionId}/execute" if action else "unknown"))[
            :300
        ],
        phase=phase if phase in ("apply", "restore") else "apply",
        outcome=outcome,
        status=status,
        code=code[:200],
        correlation_id=_text(given.get("correlation_id"))[:200],
        duration_ms=max(0, min(_number(given.get("duration_ms")) or 0, 2_000_000_000)),
        request=_text(given.get("request")),
        response=response,
        note=_text(given.get("note"))[:2_000],
    )


def read_flow_data(document: bytes) -> Iterator[Read]:
    """The data actions of flow execution data. A file that is no JSON is one unreadable line."""
    try:
        whole = json.loads(document.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        yield Unreadable(line=1, why="The file is no JSON, or broken off.")
        return
    number = 0
    stack: list[tuple[Any, str, dict[str, Any]]] = [(whole, "", {})]
    while stack:
        value, name, around = stack.pop()
        if isinstance(value, list):
            stack.extend((one, name, around) for one in reversed(value))
        elif isinstance(value, dict):
            known = {**around, **{key: one for key, one in value.items() if isinstance(one, str | int) and key in _AROUND}}
            if _is_data_action(name, value):
                number += 1
                yield _flow_run(number, value, known)
            else:
                stack.extend((one, key, known) for key, one in reversed(value.items()))
    if not number:
        yield Unreadable(line=1, why="The file holds no data action: was the flow's execution data kept at level All?")


_AROUND = ("conversationId", "flowName", "startDateTime", "dateTimeStart", "correlationId", "contextId")


def _is_data_action(name: str, value: Mapping[str, Any]) -> bool:
    kind = f"{name} {value.get('actionType', '')} {value.get('type', '')}".lower().replace("_", "")
    return "dataaction" in kind and not isinstance(value.get("dataActions"), list)


def _flow_run(number: int, item: Mapping[str, Any], around: Mapping[str, Any]) -> Read:
    plain = {_plain(key): value for key, value in item.items()}
    inputs_outputs = plain.get("executioninputoutputs") or {}
    sides = inputs_outputs if isinstance(inputs_outputs, dict) else {"inputs": inputs_outputs}
    inputs = _names(sides.get("inputs") or plain.get("inputs"))
    outputs = sides.get("outputs") or plain.get("outputs")
    errors = plain.get("eventerror") or plain.get("errors") or plain.get("error")
    path = str(plain.get("outputpath") or plain.get("actionoutputpathname") or plain.get("executionpath") or "").lower()
    failed = bool(errors) or "fail" in path or "timeout" in path
    lowered = {_plain(key): value for key, value in inputs.items()}
    said = errors if errors else outputs
    codes = _names(outputs) | (errors if isinstance(errors, dict) else {})
    record = {
        "time": next(
            (plain[key] for key in ("startdatetime", "datetimestart", "datetime", "starttime") if plain.get(key)), None
        )
        or around.get("startDateTime")
        or around.get("dateTimeStart"),
        "agent_id": lowered.get("userid") or lowered.get("agentid"),
        "action": plain.get("dataactionname") or plain.get("actionname") or plain.get("name") or "data action",
        "outcome": "failed" if failed else "applied",
        "status": next((value for key, value in codes.items() if _plain(key) in ("status", "httpstatus", "statuscode")), None),
        "code": next((value for key, value in codes.items() if _plain(key) in ("code", "errorcode")), None),
        "correlation_id": plain.get("correlationid") or plain.get("contextid") or around.get("conversationId"),
        "duration_ms": plain.get("durationms"),
        "request": inputs,
        "response": said,
        "note": f"flow {around['flowName']}" if around.get("flowName") else "",
    }
    if _number(record["status"]) is None or not 100 <= (_number(record["status"]) or 0) <= 599:
        record["status"] = None
    return run_from(number, record, {name: name for name in MEANINGS})


def _names(value: object) -> dict[str, Any]:
    """Inputs or outputs as names with values, whether given so or as a list of {name, value}."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        pairs = [one for one in value if isinstance(one, dict)]
        return {str(one.get("name") or one.get("variableName") or n): one.get("value") for n, one in enumerate(pairs)}
    return {}


def read_payloads(text: str, now: datetime) -> Iterator[Read]:
    """Pasted payloads: blocks between empty lines, each the answer to one failed run, now and of an unknown agent."""
    line = 1
    for block in re.split(r"\n\s*\n", text):
        if block.strip():
            status = re.search(r"\b(?:HTTP/[\d.]+ |status\D{0,12})([1-5]\d\d)\b", block, re.IGNORECASE)
            record = {"time": now.isoformat(), "response": block.strip(), "status": status.group(1) if status else None}
            yield run_from(line, {**record, "outcome": "failed"}, {name: name for name in MEANINGS})
        line += block.count("\n") + 2


def _outcome(given: object, status: int | None, code: str) -> str:
    word = _text(given).strip().lower()
    if word in _SKIPPED:
        return word
    if word in _FAILED or (status is not None and status >= 400):
        return "failed"
    if word in _WORKED or (status is not None and status < 400 and not code):
        return "applied"
    return "failed" if code else "unconfirmed"


def _instant(value: object) -> datetime | None:
    """An aware UTC instant from ISO 8601 (UTC where no zone is given) or from seconds or milliseconds since 1970."""
    try:
        number = float(str(value))
    except ValueError:
        number = None
    try:
        if number is not None:
            found = datetime.fromtimestamp(number / 1_000 if number > 1e11 else number, UTC)
        else:
            found = datetime.fromisoformat(str(value).strip().replace(" UTC", "Z"))
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if 2000 <= found.year < 2100 else None


def _number(value: object) -> int | None:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    except (ValueError, RecursionError):
        return str(value)[:1_000]


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())
