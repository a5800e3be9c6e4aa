"""JSON in a text: the whole of it, values between words, and what is left of a value that breaks off. Bounded work."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

MAX_DEPTH = 200
"""A deeper body is read as text."""

MAX_RECOVERED_DEPTH = 500
"""Levels of a truncated document that are closed again."""

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+'
_TOKEN = re.compile(_STRING + r'(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)  # a string left open reaches to the end, tried once
_WHOLE = re.compile(_STRING + '"', re.DOTALL)
_CLOSERS = {"[": "]", "{": "}"}
_DECODER = json.JSONDecoder()
_TOLERANT = json.JSONDecoder(strict=False)


def parse(text: str) -> object:
    """Return the JSON value of a whole text. Raises ValueError for anything else, whatever its depth or numbers."""
    value, end = value_at(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise ValueError("more behind the value")
    return value


def value_at(text: str, start: int) -> tuple[object, int]:
    """Return the JSON value that begins at `start`, and where it ends. Raises ValueError.

    A string that a mail or a terminal broke over lines is one line again: JSON itself has no such breaks.
    """
    try:
        try:
            return _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
            return _TOLERANT.raw_decode(text.replace("\n", " "), start)
    except RecursionError:
        raise ValueError("too deep") from None


def values_in(
    text: str, opens: re.Pattern[str], *, max_broken: int, after_broken: re.Pattern[str] | None = None
) -> Iterator[tuple[int, int, object]]:
    """Yield (start, end, value) of the JSON values between the words of a text, each begun where `opens` matches.

    Behind a value that does not parse the search goes on inside it, or where `after_broken` matches next. After
    `max_broken` of them it ends: each may cost a look at the whole rest.
    """
    position = broken = 0
    while broken < max_broken and (found := opens.search(text, position)):
        try:
            value, position = value_at(text, found.start())
        except ValueError:
            broken += 1
            behind = after_broken.search(text, found.start()) if after_broken else found
            position = behind.end() if behind else len(text)
        else:
            yield found.start(), position, value


def too_deep(text: str) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH. Counting first keeps the ordinary case free of a scan."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in _CLOSERS:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in "]}":
            depth = max(0, depth - 1)
    return False


def close_brackets(text: str) -> str:
    """Return the text with the brackets closed that it leaves open; "" where it breaks off inside a string."""
    closers: list[str] = []
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token[0] == '"' and not _WHOLE.fullmatch(token):
            return ""
        if token in _CLOSERS:
            closers.append(_CLOSERS[token])
        elif token in "]}" and closers:
            closers.pop()
    return text.rstrip().rstrip(",") + "".join(reversed(closers))


def recover(text: str, start: int, end: int) -> tuple[object, int, int]:
    """Return what a value from `start` on that breaks off at `end` holds up to its last whole member; where that is; its depth.

    None where nothing of it is whole.
    """
    closers: list[str] = []
    cuts: list[tuple[int, tuple[str, ...]]] = []
    for found in _TOKEN.finditer(text, start, end):
        token = found.group()
        if token in _CLOSERS:
            closers.append(_CLOSERS[token])
        elif token in ("]", "}"):
            if not closers or closers.pop() != token:
                break
            cuts.append((found.end(), tuple(closers)))
        elif token == ",":
            cuts.append((found.start(), tuple(closers)))
        if len(closers) > MAX_RECOVERED_DEPTH:
            break
        del cuts[:-3]
    for cut, still_open in reversed(cuts):
        try:
            return parse(text[start:cut] + "".join(reversed(still_open))), cut, len(still_open)
        except ValueError:
            continue
    return None, start, 0
