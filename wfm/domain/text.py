"""Words of others: which characters a text may hold, and how it is shown. One place for screens, files, terminals and logs.

What somebody types or a file gives is refused where it holds control characters (`errors.refuse_controls`). What is there
already, in the tenant or in the history, is shown so that it can do nothing (`inert`, `isolated`) and stays as it is in store.
"""

from __future__ import annotations

import logging
import re
from typing import Any

MAX_NAME = 200
MAX_WORD = 240
MAX_SENTENCE = 2_000
_LONG_WORD = re.compile(rf"\S{{{MAX_WORD + 1},}}")

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""C0 with ESC, DEL, C1 with the one-character CSI, line ends of Unicode, halves of a character."""
_BUT_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""The same for a text of several lines, which may hold tabs and line breaks."""
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}

_TURNS = re.compile("[\u202a-\u202e\u2066\u2067]")
"""Embeddings, overrides and isolates with a direction: they turn round what follows, to the end of the line."""
_ISOLATE, _END, _LEFT_TO_RIGHT = "\u2068", "\u2069", "\u200e"
_DIRECTED = re.compile(
    "[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Letters written from right to left, and characters that say a direction."""


def has_controls(text: str, *, lines: bool = False) -> bool:
    """Whether a text holds control characters or terminal escapes. With `lines` it may hold tabs and line breaks."""
    return (_BUT_LINES if lines else _CONTROLS).search(text) is not None


def inert(text: str, *, lines: bool = False) -> str:
    """The text with its control characters as signs that can be seen (␛, \\x9b) and do nothing to a terminal or a screen.

    With `lines`, tabs and line breaks stay what they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return (_BUT_LINES if lines else _CONTROLS).sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _PICTURES.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def neutral(text: str) -> str:
    """The text with � for every character that would turn round what stands beside it.

    A pair that only isolates stays: it is what `isolated` puts around a name.
    """
    if not _DIRECTED.search(text):
        return text
    text = _TURNS.sub("\ufffd", text)
    depth, kept = 0, list[str]()
    for sign in text:
        depth += (sign == _ISOLATE) - (sign == _END)
        if depth < 0:
            depth, sign = 0, "\ufffd"
        kept.append(sign)
    return "".join(kept) + _END * depth


def isolated(name: str, *, sentence: bool = False) -> str:
    """A name that can stand between others: whatever its direction is, it ends with the name.

    `sentence`: one of ours that names somebody, and so runs from left to right although a name may begin it.
    """
    if name.isascii() or not _DIRECTED.search(name):
        return name
    calm = neutral(name)
    if calm.startswith(_ISOLATE) and calm.find(_END) == len(calm) - 1:
        return calm
    return f"{_ISOLATE}{_LEFT_TO_RIGHT if sentence else ''}{calm}{_END}"


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters: both ends of a longer one, since a path is known by its last part."""
    if len(text) <= limit:
        return text
    head = limit * 4 // 7
    return f"{text[:head]}…{text[head + 1 - limit :]}"


def shown(name: str) -> str:
    """A name or an id of others as screens and terminals list it: on one line, inert, isolated, of bounded length."""
    return isolated(inert(shortened(name, MAX_NAME)))


def bounded(text: str, limit: int) -> str:
    """The text in at most `limit` characters, and no word of it longer than MAX_WORD."""
    if len(text) <= min(limit, MAX_WORD):
        return text
    short = shortened(text, 4 * limit)
    return shortened(_LONG_WORD.sub(lambda word: shortened(word[0], MAX_WORD), short), limit)


def echoed(sentence: str) -> str:
    """A sentence that may quote what somebody gave: inert, neutral, of bounded length in each word and as a whole."""
    short = bounded(sentence, MAX_SENTENCE)
    return short if short.isascii() and short.isprintable() else neutral(inert(short))


class InertFormatter(logging.Formatter):
    """Log lines whose message can't end the line or steer the terminal that shows them. A traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = inert(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return inert(super().formatException(ei), lines=True)
