"""One run from a record with names, whatever the names are in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from wfm.domain.imported_runs import ImportedRun, Unreadable
from wfm.domain.text import has_controls, inert
from wfm.domain.windows import zone_named
from wfm.files.column_headers import column_key
from wfm.files.imports.cell_values import (
    FAILED,
    OTHERS,
    WORKED,
    NoTime,
    complains,
    instant,
    milliseconds,
    outcome_of,
    status_of,
    text_of_value,
)
from wfm.files.imports.column_mapping import MEANINGS

EARLY = timedelta(days=1)
"""How far ahead of our clock another one may be before its times are not believed."""
EXECUTE = "POST /api/v2/integrations/actions/{actionId}/execute"
_MAX_NOTES = 20

_ONE_LINE = ("agent_id", "agent", "action", "route", "via", "call", "code", "correlation_id", "run", "operation_id", "kind")
"""What names something. Requests, answers, causes and notes are texts of others, kept as they are and shown inert."""

_DECLARES_UTC = re.compile(r"(?:utc|gmt)(?:0|00|0000)?$")


Read = ImportedRun | Unreadable


def _nobody(cell: str) -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class ImportContext:
    """How a file is to be read, and what the reading had to assume.

    `mapping` is {meaning: column} (None: the names decide), `zone` the declared IANA zone of times that name none ("" none
    declared), `now` the latest time that is believed, `decimal_comma` whether “1,234” is a little more than one, `known`
    whom of the tenant a cell names (the same for the same agent). `notes` are sentences; `zone_missing` becomes true with
    the first time that would need a zone.
    """

    now: datetime
    mapping: Mapping[str, str] | None = None
    zone: str = ""
    decimal_comma: bool = False
    known: Callable[[str], object] = _nobody
    notes: list[str] = field(default_factory=list)
    zone_missing: bool = False
    _zone: ZoneInfo | None = None

    def __post_init__(self) -> None:
        """Raises BadInput for a zone that there is not."""
        self._zone = zone_named(self.zone) if self.zone else None

    def note(self, sentence: str) -> None:
        """Says it once."""
        if sentence not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(sentence)

    def instant(self, value: object, column: str) -> datetime:
        """The time of a run. A column whose name ends with UTC or GMT declares its zone. Raises NoTime."""
        declared = self._zone
        if declared is None and column and _DECLARES_UTC.search(column_key(column)):
            declared = ZoneInfo("UTC")
        try:
            found = instant(value, declared)
        except NoTime as error:
            self.zone_missing = self.zone_missing or error.needs_zone
            raise
        if found > self.now + EARLY:
            raise NoTime(f"The time “{str(value)[:40]}” lies in the future.")
        return found


def run_from(
    line: int, record: Mapping[str, object], mapping: Mapping[str, str], context: ImportContext, *, own: bool = False
) -> Read:
    """One run from a record and what its columns mean. `own`: the desk wrote it, so whatever names it holds come back."""
    given = {meaning: record.get(column) for meaning, column in mapping.items() if meaning in MEANINGS}
    for meaning in () if own else _ONE_LINE:
        if has_controls(name := text_of_value(given.get(meaning)), lines=True):
            return Unreadable(
                line=line, why=f"{mapping[meaning]}: “{inert(name[:40])}” can't be used: it holds control characters."
            )
    if given.get("time") in (None, ""):
        return Unreadable(line=line, why="The line has no time; a run needs one such as 2026-11-23T14:30:00Z.")
    try:
        time = context.instant(given["time"], mapping.get("time", ""))
    except NoTime as error:
        return Unreadable(line=line, why=str(error))
    status = status_of(given.get("status"))
    word = text_of_value(given.get("status")).strip().casefold()
    if status is None and word in WORKED | FAILED | OTHERS and not word.isdigit():
        given["outcome"] = given.get("outcome") or given["status"]  # many logs call so what came of it
    elif status is None and given.get("status") not in (None, ""):
        shown = str(given["status"])[:40]
        return Unreadable(line=line, why=f"The status “{shown}” is no HTTP status from 100 to 599.")
    given["call"] = _call(given.get("call"), given.get("method"))
    outcome = text_of_value(given.get("outcome")).strip()
    if outcome and outcome.casefold() not in WORKED | FAILED | OTHERS | {"sending"} and given.get("response") in (None, ""):
        # “Result” is what many logs call the answer.
        context.note(f"“{mapping.get('outcome', '')}” holds more than outcomes: what else it says was read as the answer.")
        given["response"], given["outcome"] = given["outcome"], "failed" if complains(outcome) else None
    return run_of(line, given, time, status, context)


def _call(call: object, method: object) -> object:
    """“PATCH /api/v2/…” where the verb and the address stand in columns of their own."""
    verb, address = text_of_value(method).strip().upper(), text_of_value(call).strip()
    if not verb.isalpha() or not address or " " in address:
        return call
    try:
        return f"{verb} {urlsplit(address).path or address}"
    except ValueError:
        return call


def run_of(
    line: int, given: Mapping[str, object], time: datetime, status: int | None, context: ImportContext, *, place: str = ""
) -> ImportedRun:
    """One run from what is given by meaning, its time and status being known."""

    def text(meaning: str, longest: int) -> str:
        return text_of_value(given.get(meaning))[:longest]

    code = text("code", 200)
    agent_id = text("agent_id", 200) or text("agent", 200) or "unknown"
    action = text("action", 200)
    phase = text("phase", 20).lower()
    return ImportedRun(
        line=line,
        time=time,
        agent_id=agent_id,
        agent=text("agent", 200) or agent_id,
        action=action,
        route=text("route", 60) or ("data_action" if action else "imported"),
        via=text("via", 60) or ("data_action" if action else "direct"),
        call=text("call", 300) or (EXECUTE if action else "unknown"),
        phase=phase if phase in ("apply", "restore") else "apply",
        outcome=outcome_of(given.get("outcome"), status, code),
        status=status,
        code=code,
        correlation_id=text("correlation_id", 200),
        duration_ms=milliseconds(given.get("duration_ms"), decimal_comma=context.decimal_comma),
        request=text_of_value(given.get("request")),
        response=text_of_value(given.get("response")),
        note=text("note", 2_000),
        place=place,
        run=text("run", 40),
        operation_id=text("operation_id", 40),
        kind=text("kind", 40),
        cause=text("cause", 2_000),
        missing=_names(given.get("missing")),
        retryable={"true": True, "false": False}.get(text("retryable", 10).lower()),
    )


def _names(value: object) -> tuple[str, ...]:
    """Names as JSON Lines and Parquet have them, a list, or as CSV has them, one text."""
    if isinstance(value, list | tuple):
        return tuple(text_of_value(one)[:200] for one in value)[:50]
    return tuple(text_of_value(value).split())[:50]
