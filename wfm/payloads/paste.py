"""A pasted text taken apart: the answer in a curl transcript or a mail, its status and headers, and several payloads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from wfm.payloads.correlation import UUID
from wfm.payloads.error_envelopes import as_status, envelopes_of
from wfm.payloads.json_text import value_at, values_in
from wfm.payloads.limits import excerpt

MAX_PAYLOADS = 8
MAX_BROKEN = 2_000
"""Values that do not parse, after which no more payloads are looked for."""

_STATUS_LINE = re.compile(r"^[ \t]*(?:[<*] ?)?HTTP/\d(?:\.\d)? ([2-5]\d\d)\b[^\n]{0,200}$", re.MULTILINE)
_REQUEST_LINE = re.compile(r"^[ \t]*> ?(?:GET|HEAD|POST|PUT|PATCH|DELETE) \S", re.MULTILINE)
_QUOTED_ANSWER = re.compile(r"^>[> \t]*(?:HTTP/\d|[{\[]\s*[\"'{]?)", re.MULTILINE)  # what curl marks with ">" is the request
_HEADER = re.compile(r"^(?:< ?)?([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]*([^\n]{0,2000})$")
_CURL_NOISE = re.compile(
    r"^(?:[*<>](?:[ \t][^\n]*)?|[{}] \[\d+ bytes data\]|[ \t]*% Total[^\n]*|[ \t]*Dload[^\n]*|[\s\d.:kM-]{20,})$", re.MULTILINE
)
_CURL_END = re.compile(r"\* Connection #\d+ to host [^\n]{1,200} left intact\s*$")
_QUOTE = re.compile(r"^(?:[ \t]*>)+[ \t]?", re.MULTILINE)
_MARGIN = re.compile(r"^(?:[\d:.TZ-]{6,30} +)?[│╷╵┃](?: |$)", re.MULTILINE)  # Terraform's, behind the time where CI logs it
_BREAK = re.compile(
    r"(?<=[A-Za-z,])[ \t]{0,8}\n(?=[\[(]|[a-z](?![\w-]{1,40}[:=](?! ?\[)))"
)  # no member or header begins behind it
_LAST_WORD = re.compile(r"[ ][A-Za-z][a-z]*,?$")
_BEFORE_BRACKETS = re.compile(rf"(?<=:)[ \t]{{0,8}}\n(?=\[\w)|(?<=\])[ \t]{{0,8}}\n(?=\({UUID}\))")
MIN_BROKEN = 24
"""A shorter line was not broken by a terminal or a mail."""
_BROKEN_ID = re.compile(r"(?<=[0-9a-f]{4}-)[ \t]{0,8}\n(?=[0-9a-f]{4})", re.IGNORECASE)
_SMART = str.maketrans("“”„‟‘’", '""""\'\'')
_OPENS = re.compile(r"\{\s*[\"']")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """One answer: `around` is all of the text that belongs to it, `body` what was sent back."""

    body: str
    around: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def unquoted(text: str) -> str:
    """Return a pasted text without what mails, terminals and word processors add: quote marks, margins, typographic quotes.

    Lines stay lines.
    """
    text = re.sub(r"\r\n?", "\n", text)
    if '"' not in text and "“" in text:
        text = text.translate(_SMART)
    if _QUOTED_ANSWER.search(text) or (_QUOTE.search(text) and not _REQUEST_LINE.search(text)):
        text = _QUOTE.sub("", text)
    return _MARGIN.sub("", text)


def _unwrapped(text: str) -> str:
    """The text with the sentences and ids that were broken over lines in one line again."""
    return _BEFORE_BRACKETS.sub(" ", _BREAK.sub(_joined, _BROKEN_ID.sub("", text)))


def _joined(found: re.Match[str]) -> str:
    line = found.string[found.string.rfind("\n", 0, found.start()) + 1 : found.start()]
    return " " if len(line) >= MIN_BROKEN and _LAST_WORD.search(line[-40:]) else found.group()


def take_apart(text: str) -> tuple[Pasted, ...]:
    """The answers in a pasted text, in order; always at least one. Works within the bounds of `decode` and `excerpt`."""
    text = _unwrapped(unquoted(text))
    starts = [found for found in _STATUS_LINE.finditer(text) if not _is_interim(found.group(1))]
    if starts:
        ends = [*(found.start() for found in starts[1:]), len(text)]
        begins = [0, *ends[:-1]]
        parts = zip(starts, begins, ends, strict=True)
        return tuple(_answer(text, start, begin, end) for start, begin, end in list(parts)[-MAX_PAYLOADS:])
    return tuple(Pasted(body=part, around=part) for part in _segments(text))


def _is_interim(status: str) -> bool:
    return status in ("100", "101", "102", "103")


def _answer(text: str, start: re.Match[str], begin: int, end: int) -> Pasted:
    """A status line, the headers under it, and what follows as the body. A tunnel's own answer is a proxy's: it counts too."""
    lines = text[start.end() : end].split("\n")[1:]
    headers: dict[str, str] = {}
    while lines and len(headers) <= 100 and (found := _HEADER.match(lines[0].strip())):
        headers[found.group(1)] = found.group(2).strip()
        del lines[0]
    body = "\n".join(lines)
    if start.group().lstrip().startswith(("<", "*")) or _REQUEST_LINE.search(text):
        body = _CURL_END.sub("", _CURL_NOISE.sub("", body).strip())
    return Pasted(body=_without_tail(body.strip()), around=text[begin:end], status=as_status(start.group(1)), headers=headers)


def _without_tail(body: str) -> str:
    """The JSON body without the words of a mail that follow it; a second body after it stays."""
    if body[:1] not in ("{", "["):
        return body
    try:
        _, end = value_at(body, 0)
    except ValueError:
        return body
    return body if _OPENS.search(body, end) else body[:end]


def _segments(text: str) -> list[str]:
    """The text cut after each error body, so that what stands before a body goes with it; whole where there are not two."""
    searched = excerpt(text) if len(text) > 64_000 else text
    cuts: list[int] = []
    known: set[str | None] = set()
    for _, end, value in values_in(searched, _OPENS, max_broken=MAX_BROKEN):
        envelopes = envelopes_of(value)
        if any(envelope.says_something and (envelope.code or envelope.status) for envelope in envelopes):
            ids = {envelope.correlation_id for envelope in envelopes} - {None}
            if cuts and ids & known:  # the same answer once more, as a provider prints it and as it came
                cuts.pop()
            known |= ids
            cuts.append(end)
        if len(cuts) == MAX_PAYLOADS:
            break
    if len(cuts) < 2 or searched.lstrip().startswith("["):  # one answer that is a list
        return [text]
    bounds = [0, *cuts[:-1], len(searched)]
    return [searched[begin:end] for begin, end in pairwise(bounds)]
