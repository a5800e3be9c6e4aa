"""What people paste: payloads, one or several, log lines with JSON in them, mails that quote, arrays, Architect errors.

Each error payload becomes one failed run. Time, agent, status and correlation id are taken from the payload or from the
words just before it, in a mail the time from its head; a payload without a time is one of now. Lines that hold no error
are named and left out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import TypeVar

from wfm.domain.imported_runs import ImportedRun, Unreadable
from wfm.files.imports.cell_values import NoTime, complains, status_of
from wfm.files.imports.column_mapping import mapping_for
from wfm.files.imports.records import ImportContext, Read, run_of
from wfm.payloads.correlation import id_in
from wfm.payloads.json_text import values_in
from wfm.payloads.mails import without_heads
from wfm.payloads.parsed_response import call_in
from wfm.payloads.paste import unquoted
from wfm.payloads.response_reader import read_value
from wfm.payloads.statuses import status_in, success_in

_Found = TypeVar("_Found")

MAX_PAYLOADS = 10_000
MAX_BROKEN = 2_000
"""Values that break off, after which a text is read as words only."""

_OPENS = re.compile(r"[{\[](?=\s*[\"{\[])")
_TIME = re.compile(
    r"\b20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-6]\d)?(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_JUST_BEFORE = re.compile(r"(?<![\w.:/-])([45]\d\d)(?: [A-Z][A-Za-z ]{1,30})?\s*(?:[:,;>|–-]|=>)?\s*\Z")
"""A bare number directly before the payload: "the call failed: 403 {…}", "403 Forbidden: {…}"."""
_FIELDS = (
    (
        "agent_id",
        re.compile(r"(?:/users/|user[ _-]?id\W{1,4}|agent[ _-]?id\W{1,4})([0-9a-f]{8}-[0-9a-f-]{27})", re.IGNORECASE),
    ),
    ("action", re.compile(r"\baction(?:[ _-]?name)?=\"?([\w.-]{1,100})", re.IGNORECASE)),
    ("agent", re.compile(r"\b(?:agent|user)(?:[ _-]?name)?=(?:(?=\")\"([^\"\n]{1,100})\"|([^\s,;\"]{1,100}))", re.IGNORECASE)),
)
"""What log lines call by name: `action=set_agent_unavailable agent="Bo Lindqvist"`."""
_NEXT_VALUE = re.compile(r"\n(?=\n|[{\[]|20)")
_STARTS_ENTRY = re.compile(r"^(?=\W{0,3}20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:)", re.MULTILINE)
_NEAR = 2_000


def read_payloads(text: str, context: ImportContext) -> Iterator[Read]:
    """The failed runs of a pasted text, in order. `line` is where the payload, or the text that holds none, begins."""
    text, heads = without_heads(unquoted(text.replace("\0", "").removeprefix("\ufeff")))
    lines = _Places(text, heads)
    found = 0
    end = 0
    for start, stop, values in _json_in(text):
        around = text[max(end, start - _NEAR) : start]
        own_words = _last_paragraph(around)
        yield from _words(text, end, start - len(own_words), lines, context)
        for value in values:
            found += 1
            if found > MAX_PAYLOADS:
                yield Unreadable(line=lines.at(start), why=f"Only the first {MAX_PAYLOADS:,} payloads of a text are read.")
                return
            yield _payload(value, own_words, lines.at(start), lines.sent(start), context)
        end = stop
    yield from _words(text, end, len(text), lines, context)


class _Places:
    """Line numbers of places that only go forward, and the mail that a place is in."""

    def __init__(self, text: str, heads: list[tuple[int, str]]) -> None:
        self._text, self._place, self._line = text, 0, 1
        self._heads = heads

    def sent(self, place: int) -> str:
        """When the mail around a place says it was sent; "" where no mail begins before it, or where it does not say."""
        begun = bisect_right(self._heads, place, key=itemgetter(0))
        return self._heads[begun - 1][1] if begun else ""

    def at(self, place: int) -> int:
        if place < self._place:
            return self._line - self._text.count("\n", place, self._place)
        self._line += self._text.count("\n", self._place, place)
        self._place = place
        return self._line


def _json_in(text: str) -> Iterator[tuple[int, int, list[dict[str, object]]]]:
    """(start, end, objects) of every JSON value in a text. A broken one is passed over to the next that opens a line."""
    # Not into a broken value: its inner parts would pass for answers.
    for start, end, value in values_in(text, _OPENS, max_broken=MAX_BROKEN, after_broken=_NEXT_VALUE):
        items = value if isinstance(value, list) else [value]
        if objects := [item for item in items if isinstance(item, dict)]:
            yield start, end, objects


def _last_paragraph(around: str) -> str:
    """What stands directly before a payload: its log line's beginning, its status line and headers."""
    blank = [found.end() for found in re.finditer(r"\n[ \t]*\n", around)]
    last = around[blank[-1] :] if blank else around
    if not last.strip() and blank and re.search(r"HTTP/[\d.]+ \d{3}", around):
        last = around[blank[-2] if len(blank) > 1 else 0 :]  # headers end with an empty line
    entries = [found.start() for found in _STARTS_ENTRY.finditer(last)]
    return last[entries[-1] :] if entries else last


def _words(text: str, start: int, stop: int, lines: _Places, context: ImportContext) -> Iterator[Read]:
    """Text without JSON: a paragraph, or a log line, that complains is an answer; what does not is named and left out."""
    for place, paragraph in _paragraphs(text, start, stop):
        cuts = [found.start() for found in _STARTS_ENTRY.finditer(paragraph)]
        edges = sorted({0, *cuts, len(paragraph)})
        for begin, end in pairwise(edges):
            part = paragraph[begin:end].strip()
            if not re.search(r"\w", part):
                continue
            line = lines.at(place + begin)
            if complains(part):
                yield _failed(line, {"response": part}, part, None, lines.sent(place), context)
            else:
                yield Unreadable(line=line, why=f"No error is told here: “{_shown(part)}”.")


def _paragraphs(text: str, start: int, stop: int) -> Iterator[tuple[int, str]]:
    """(place, text) of lines that follow each other without an empty one."""
    begun: int | None = None
    place = start
    while place < stop:
        end = text.find("\n", place, stop)
        end = stop if end < 0 else end
        blank = not text[place:end].strip()
        if not blank and begun is None:
            begun = place
        elif blank and begun is not None:
            yield begun, text[begun:place]
            begun = None
        place = end + 1
    if begun is not None:
        yield begun, text[begun:stop]


def _payload(value: Mapping[str, object], words: str, line: int, sent: str, context: ImportContext) -> Read:
    parsed = read_value(value)
    given = {meaning: value[column] for meaning, column in mapping_for(value).items()}
    if given.get("outcome") is not True and not parsed.tells_outcome:
        return Unreadable(line=line, why=f"This JSON tells no error: “{_shown(json.dumps(value, ensure_ascii=False)[:200])}”.")
    nested = given.get("response")
    whole = not (isinstance(nested, dict | list) or (isinstance(nested, str) and nested.lstrip()[:1] in ("{", "[")))
    if whole:
        given["response"] = dict(value)  # a message alone would say less than the payload that it stands in
    status = status_of(given.get("status"))
    if given.get("outcome") is not True and (status is None or status >= 400):
        given["outcome"] = "failed"
    given["correlation_id"] = given.get("correlation_id") or parsed.correlation_id
    if parsed.call and " " in parsed.call:
        given["call"] = given.get("call") or parsed.call
    return _failed(line, given, words, status, sent, context, parsed.effective_status)


def _failed(
    line: int,
    given: dict[str, object],
    words: str,
    status: int | None,
    sent: str,
    context: ImportContext,
    stated: int | None = None,
) -> ImportedRun:
    """One run: what its payload says comes first, then the words before it, then the mail around it."""
    near = words[-_NEAR:]
    time, timed = _time_of(given.get("time"), near, sent, context)
    if status is None:
        before = _JUST_BEFORE.search(near)
        status = (int(before[1]) if before else None) or _nearest(status_in, near) or _nearest(success_in, near) or stated
    for meaning, pattern in _FIELDS:
        if not given.get(meaning) and (found := _last(pattern, near)):
            given[meaning] = found[found.lastindex or 0]
    for meaning, find in (("correlation_id", id_in), ("call", call_in)):
        given[meaning] = given.get(meaning) or _nearest(find, near)
    given.setdefault("outcome", "failed")
    run = run_of(line, given, time, status, context)
    return run if timed else replace(run, timed=False)


def _nearest(find: Callable[[str], _Found | None], words: str) -> _Found | None:
    """What the line nearest to the payload says; else what is said over several lines."""
    return next((found for line in reversed(words.splitlines()) if (found := find(line))), None) or find(words)


def _last(pattern: re.Pattern[str], words: str) -> re.Match[str] | None:
    """The nearest to the payload: what stands further up belongs to something before it."""
    found = None
    for found in pattern.finditer(words):  # noqa: B007 - the last one is wanted
        pass
    return found


def _time_of(given: object, words: str, sent: str, context: ImportContext) -> tuple[datetime, bool]:
    time_match = _last(_TIME, words)
    for one in (given, time_match.group() if time_match else None):
        if not isinstance(one, str | int | float) or one == "":
            continue
        try:
            return context.instant(one, ""), True
        except NoTime as error:
            context.note(f"{error} That payload is taken as one of {'the mail' if sent else 'now'}.")
    if sent:
        try:
            return context.instant(sent, ""), True
        except NoTime as error:
            context.note(f"{error} What that mail quotes is taken as of now.")
    return context.now, False


def _shown(part: str) -> str:
    first = part.split("\n", 1)[0].strip()
    return first if len(first) <= 60 else first[:59] + "…"
