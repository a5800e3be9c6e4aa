"""Objects that a program printed in its own notation: a Python dict, an object as Node's console shows it."""

from __future__ import annotations

import ast
import json
import re

MAX_TEXT = 16_000

_TOKEN = re.compile(
    r"\s+"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`"
    r"|\[Symbol\([^()\n]{0,60}\)\])"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b(?!\s*:))"
    r"|[\w$]{1,60} \[[\w$ :]{1,60}\](?=\s*\{)|<ref \*\d+>"  # the name of a class: Object [AxiosHeaders] {…}
    r"|(?P<shortened>\[(?:Object|Array|Function|Circular|Getter)[^\[\]\n]{0,80}\])"
    r"|(?P<more>\.\.\. \d+ more [^\n]{1,60})"
    r"|(?P<word>[A-Za-z_$][\w$.-]*|\d+)(?P<key>\s*:)?"
    r"|(?P<mark>[{}\[\],:])",
    re.DOTALL,
)
_KNOWN = {"true": "true", "false": "false", "null": "null", "undefined": "null", "NaN": "null", "None": "null"}
_COMMAS = re.compile(r",(?=[}\],])|(?<=[{\[]),")
_UNESCAPED = re.compile(r"\\([\"'`\\/nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str) -> object:
    """The value of a Python literal or of an object printed by Node. Raises ValueError."""
    try:
        return python(text)
    except ValueError:
        return inspected(text)


def python(text: str) -> object:
    """A Python dict or list printed into a log ({'code': 'forbidden'}). Raises ValueError."""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    try:
        value: object = ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError("no literal") from error
    return value


def inspected(text: str) -> object:
    """An object as Node's console shows it ({ code: 'forbidden', details: [ [Object] ] }). Raises ValueError."""
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    parts: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError("no literal")
        position = found.end()
        parts.append(_as_json(found))
    try:
        return json.loads(_COMMAS.sub("", "".join(parts)), strict=False)
    except RecursionError:
        raise ValueError("too deep") from None


def _as_json(token: re.Match[str]) -> str:
    """One token in JSON's notation; "" for what has none: spaces, the name of a class before its bracket."""
    if (text := token["text"]) is not None:
        return json.dumps(_UNESCAPED.sub(lambda found: _ESCAPES.get(found.group(1), found.group(1)), text[1:-1]))
    if token["word"] is not None:
        if token["key"]:
            return f"{json.dumps(token['word'])}:"
        return _KNOWN.get(token["word"], "")
    if token["shortened"] is not None:  # [Object], and [Object: null prototype] before the object itself
        return "" if "prototype" in token["shortened"] else "null"
    return token["number"] or token["mark"] or ""
