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
    r"(?:access|refresh|id|oauth|session|auth|api|bearer)[-_]?token|(?:client|api|app|shared)[-_]?secret|pass(?:word|wd|phrase)"
    r"|api[-_]?key|subscription[-_]?key|private[-_]?key|secret[-_]?(?:access[-_]?)?key|assertion"
)
# These names stand in ordinary sentences and in permissions too (oauth:token:view): only a value with a digit in it is hidden.
_DOUBTFUL_WORDS = r"authorization|token|secret|pwd|credentials?|signature|sig|(?:j|php)?sess(?:ion)?[-_]?id|access[-_]?key"
_STRONG = ("token", "secret", "pass", "key", "assertion")
_QUOTE = r"""(?:\\*["']|&quot;|&\#34;)"""
_IS = r"\s*(?:[=:]|%3[ad])\s*"
_NOT_A_TOKEN = r"(?!(?:authentication|authorization|credentials|required|challenge|scheme|tokens|header)\b)"
# Words that must be there, a pattern, what stands instead. Looking for words costs next to nothing, a pattern does not.
_SHAPES = (
    (
        ("private key-",),
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]{0,40}-----)?"),
        HIDDEN,
    ),
    (
        ("bearer", "basic"),
        re.compile(rf"\b(Bearer|Basic)\s+{_NOT_A_TOKEN}[A-Za-z0-9\-._~+/]{{6,}}=*", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),
    (("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    # name: "value", also with the quotes escaped, as JSON within JSON has them; the value ends with the same quote
    (
        _STRONG,
        re.compile(rf"((?:{_SECRET_WORDS}){_QUOTE}?{_IS})({_QUOTE})(?:(?!\2).)+", re.IGNORECASE | re.DOTALL),
        rf"\1\2{HIDDEN}",
    ),
    # name=value, name: value, as in forms (also percent-encoded), queries and notes
    (
        _STRONG,
        re.compile(
            rf"""((?:{_SECRET_WORDS}){_QUOTE}?{_IS})(?!{re.escape(HIDDEN)})(?:[^\s"'&,;}}\\%]|%(?!26)[0-9a-f]{{2}})+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        ("authorization", "token", "secret", "pwd", "credential", "sig", "sess", "access"),
        re.compile(
            rf"""((?<![a-z])(?:{_DOUBTFUL_WORDS}){_QUOTE}?{_IS}{_QUOTE}?(?:(?:token|digest|apikey)\s+)?)"""
            r"""(?=[^\s"'&,;<>:]*\d)[^\s"'&,;<>:\\%]{8,}""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # <password>value</password>
    (
        ("</",),
        re.compile(rf"(<(?:\w{{1,20}}:)?(?:{_SECRET_WORDS})\b[^<>]{{0,200}}>)[^<]+(?=</)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # scheme://user:value@host, and -u user:value
    (("://",), re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (
        (" -u", "-user"),
        re.compile(r"""(\s(?:-u|--user|--proxy-user)[ =]?['"]?[^\s:'"]{1,200}:)[^\s'"]+"""),
        rf"\1{HIDDEN}",
    ),
    # an authorization code in a redirect
    (("?code=", "&code="), re.compile(r"([?&]code=)[A-Za-z0-9_-]{20,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (("cookie",), re.compile(r"\b((?:Set-)?Cookie\s*:\s*)[^\r\n]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


_TELLING = tuple(dict.fromkeys(word for words, _, _ in _SHAPES for word in words))


def redact_text(text: str) -> str:
    """The text with every secret-shaped part replaced."""
    lower = text.lower()
    if not [word for word in _TELLING if word in lower]:  # most texts: each word is looked for once
        return text
    for words, pattern, replacement in _SHAPES:
        if any(word in lower for word in words):
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
