"""Secrets out of anything that is logged, stored, shown or exported.

Works on names (authorization, client_secret, access_token, …) and on shapes (Bearer …, Basic …, JWT).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

HIDDEN = "[redacted]"

_NAMES = re.compile(
    r"(authorization|secret|password|passwd|token$|_token|api[-_]?key|cookie|credential|private[-_]?key|assertion)",
    re.IGNORECASE,
)
_SECRET_WORDS = (
    r"(?:access|refresh|id|oauth|session)[-_]?token|client[-_]?secret|pass(?:word|wd)|api[-_]?key|private[-_]?key|assertion"
)
_SHAPES = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9\-._~+/]{6,}=*", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),
    # name: "value", also with the quotes escaped, as JSON within JSON has them; the value ends with the same quote
    (
        re.compile(rf"""((?:{_SECRET_WORDS})(?:\\*["'])?\s*[=:]\s*)(\\*["'])(?:(?!\2).)+""", re.IGNORECASE | re.DOTALL),
        rf"\1\2{HIDDEN}",
    ),
    # name=value, name: value, as in forms, queries and notes
    (re.compile(rf"""((?:{_SECRET_WORDS})(?:\\*["'])?\s*[=:]\s*)[^\s"'&,;}}\\]+""", re.IGNORECASE), rf"\1{HIDDEN}"),
    # scheme://user:value@host
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b((?:Set-)?Cookie\s*:\s*)[^\r\n]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


def redact_text(text: str) -> str:
    """The text with every secret-shaped part replaced."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with secret-named values replaced and the others cleaned by shape."""
    return {name: HIDDEN if _NAMES.search(name) else redact_text(value) for name, value in headers.items()}


def redact_json(value: object) -> object:
    """A JSON value with the values of secret-named members replaced, at any depth up to 200.

    A list or object under a secret name keeps its shape; every text and number in it is replaced.
    """
    return _walk(value, 0, hide=False)


def _walk(value: object, depth: int, hide: bool) -> object:
    if depth > 200:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            key: _walk(item, depth + 1, hide or (isinstance(key, str) and bool(_NAMES.search(key))))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_walk(item, depth + 1, hide) for item in value]
    if hide and isinstance(value, str | int | float):
        return HIDDEN
    return redact_text(value) if isinstance(value, str) else value


def redact_body(body: str | None, limit: int = 64_000) -> str | None:
    """A request or response body ready to be stored: redacted, and cut at `limit` characters."""
    if body is None:
        return None
    if len(body) <= limit:
        try:
            return json.dumps(redact_json(json.loads(body)), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return redact_text(body[:limit])
