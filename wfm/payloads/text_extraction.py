"""What can be read out of plain text: bodies escaped inside sentences, exception texts, log lines, pages, truncated JSON."""

from __future__ import annotations

import html
import re
from itertools import islice
from urllib.parse import unquote_plus

from wfm.payloads import correlation, literals, statuses
from wfm.payloads.error_envelopes import ErrorEnvelope, as_status
from wfm.payloads.json_text import values_in
from wfm.payloads.limits import tidy

MAX_TRIES = 6
"""How many brackets of a sentence are tried as the start of a body."""

_START = re.compile(r"\{|\[\s*\{")
_LITERAL = re.compile(r"\{\s*(?:u?['\"]|[A-Za-z_$][\w$]{0,40}:\s)")
_DOUBLED = re.compile(r'[{\[,]\s{0,4}""\w')
_ARROW = re.compile(r'"\s{0,4}=>\s{0,4}')
_ESCAPED = re.compile(r'\\(["\\/])')
_MEMBER_CODE = re.compile(
    r"(?<!status )\b(?:(?:error|exception|fault|result)[_ ]?)?code[\"']?\s*[:=]\s*[\"']?"
    r"([A-Za-z][\w.\-]{2,100}|\d{3,6})\b(?!\s*[:=])",
    re.IGNORECASE,
)
_OAUTH_CODE = re.compile(
    r"\b(invalid_client(?:_credentials)?|invalid_grant|invalid_scope|invalid_request|invalid_token|insufficient_scope|unauthorized_client"
    r"|unsupported_grant_type|access_denied|temporarily_unavailable)\b"
)
_DOTTED_CODE = re.compile(
    r"\b(missing(?:\.any)?(?:\.division)?\.permissions?|app\.not\.authorized\.for\.scope|not\.authorized|bad\.credentials"
    r"|authentication\.required|too\.many\.requests(?:\.retry\.after)?|wfm\.[a-z.]{3,60}[a-z])\b"
)
_OF_BOTOCORE = re.compile(r"\bAn error occurred \((\w{3,80})\) when calling the \w{2,60} operation\b")
_OF_RUBY = re.compile(r"\b\w{2,40}::Errors?::([A-Z]\w{3,60}): ")
_OF_SALESFORCE = re.compile(r"\berror: ([A-Z][A-Z0-9]*(?:_[A-Z0-9]+){1,8}), ")
_RETURNED = re.compile(r"https?://[^\s\"'<>]{1,600}?[?#&]error=([A-Za-z_.]{3,60})")
_DESCRIBED = re.compile(r"[?#&]error_description=([^&\s\"'<>]{1,1000})")
_FAILS = re.compile(
    r"\b(?:\w{0,40}error|\w{0,40}exception|fault|fail(?:ed|s|ure)?|denied|refused|rejected|forbidden|unauthori[sz]ed"
    r"|timed? ?out)\b",
    re.IGNORECASE,
)
_HEADER = re.compile(r"['\"]?([A-Za-z][A-Za-z0-9-]{2,60})['\"]?\s*(?:=>|:)\s*['\"]?([^'\"\n,}]{1,300})")
_KNOWN_HEADER = re.compile(r"^(?:inin-|x-|www-|retry-after|content-type|genesys-)", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{1,2000}>")
_SCRIPT = re.compile(r"<(script|style)\b[^<]{0,20000}</\1>", re.IGNORECASE)
_TITLE = re.compile(r"<(?:title|h1)[^<>]{0,200}>([^<]{1,300})<", re.IGNORECASE)
_XML = re.compile(
    r"<(?:\w{1,20}:)?(status|statuscode|code|errorcode|errortype|faultcode|exceptioncode|value|message|faultstring|errormessage|exceptionmessage"
    r"|description|text)"
    r"(?:\s[^<>]{0,200})?>([^<]{1,2000})<",
    re.IGNORECASE,
)
_WRAPS = re.compile(r"\b(?:backend service|web service|action execute|invoked function)\b")
_SENTENCES = ("message", "userMessage", "errorMessage", "error_description", "detail", "title")
_MEMBER = re.compile(
    r"[\"'](code|errorCode|error|message|userMessage|errorMessage|error_description|detail|title|status|statusCode|contextId"
    r"|correlationId)[\"']\s*:\s*(?:\"((?:[^\"\\]|\\.){0,4000})(\"|\\?$)|(\d{1,6})\b)"
)


def embedded_values(text: str) -> list[object]:
    """The JSON objects inside a sentence, in order; quotes that were escaped on the way are undone where need be."""
    for version in _unescaped(text):
        found = islice(values_in(version, _START, max_broken=MAX_TRIES), MAX_TRIES)
        if values := [value for _, _, value in found if value]:
            return values
    return _literals(text)


def _literals(text: str) -> list[object]:
    """An object of Python or Node that was printed into a sentence; tried up to each of its last few closing brackets."""
    opening = _LITERAL.search(text)
    start, end = (opening.start() if opening else 0), len(text)
    for _ in range(MAX_TRIES if opening else 0):
        end = text.rfind("}", start, end)
        if end < 0:
            break
        try:
            return [literals.parse(text[start : end + 1])]
        except ValueError:
            continue
    return []


def _unescaped(text: str) -> list[str]:
    versions = [text]
    if _DOUBLED.search(text):  # a cell of a CSV file
        versions.append(text.replace('""', '"'))
    if "&quot;" in text or "\\u0022" in text:  # escaped for a web page, or by System.Text.Json
        versions.append(html.unescape(text).replace("\\u0022", '"'))
    if '"=>' in text:  # a Ruby hash
        versions.append(_ARROW.sub('": ', text))
    while len(versions) < 4 and '\\"' in versions[-1]:
        versions.append(_ESCAPED.sub(r"\1", versions[-1]))
    return versions


def truncated_inside(text: str) -> str:
    """The start of a body inside a sentence that does not parse: from its bracket on, unescaped; "" where there is none."""
    start = _START.search(text)
    return correlation.without_trailing_id(_unescaped(text[start.start() :])[-1]).rstrip() if start else ""


def code_in(text: str) -> str | None:
    """A machine code that a text names, where there is no doubt that it is one."""
    for pattern in (_OAUTH_CODE, _DOTTED_CODE, _OF_BOTOCORE, _OF_RUBY, _OF_SALESFORCE, _MEMBER_CODE):
        found = pattern.search(text[:8_000])
        if found:
            return found.group(1)
    return None


def error_in_address(text: str) -> tuple[str, str] | None:
    """Code and description that a sign-in hands back in an address (RFC 6749): "…/cb?error=access_denied&…"."""
    found = _RETURNED.search(text[:8_000])
    if found is None:
        return None
    described = _DESCRIBED.search(text, found.start(), found.end() + 2_000)
    return found.group(1), tidy(unquote_plus(described.group(1)), 1_000) if described else ""


def before_body(text: str) -> str:
    """The words before the first body of a text."""
    start = _START.search(text)
    return tidy(text[: start.start()] if start else text, 4_000)


def tells_of_failure(text: str) -> bool:
    """Whether the words before the first body of a text speak of a failure."""
    before = before_body(text)
    return bool(_FAILS.search(before[:8_000]) or statuses.status_in(before) or code_in(before))


def headers_in(text: str) -> dict[str, str]:
    """Response headers that an exception text printed, lower-cased names."""
    return {
        name.casefold(): value.strip()
        for name, value in _HEADER.findall(text[:8_000])
        if _KNOWN_HEADER.match(name) and name.casefold() != "x"
    }


def looks_like_page(text: str) -> bool:
    start = text.lstrip()[:600].casefold()
    return start.startswith("<") and any(tag in start for tag in ("<html", "<!doctype html", "<head", "<body", "<title"))


def page_text(text: str) -> str:
    """The words of an HTML page, its title first."""
    titles = " ".join(dict.fromkeys(html.unescape(title).strip() for title in _TITLE.findall(text[:20_000])))
    body = html.unescape(_TAG.sub(" ", _SCRIPT.sub(" ", text)))
    return tidy(f"{titles}. {' '.join(body.split())}", 2_000)


def xml_envelope(text: str) -> ErrorEnvelope | None:
    """The error of an XML or SOAP answer, else None."""
    found = {name.casefold(): html.unescape(value).strip() for name, value in reversed(_XML.findall(text[:20_000]))}
    fault = found if re.search(r"[<:]fault\b", text[:20_000], re.IGNORECASE) else {}
    found = {
        **{name: fault[kept] for name, kept in (("faultcode", "value"), ("faultstring", "text")) if kept in fault},
        **found,
    }
    code = next((found[key] for key in ("code", "errorcode", "exceptioncode", "faultcode", "errortype") if key in found), None)
    keys = ("message", "faultstring", "errormessage", "exceptionmessage", "description")
    message = next((found[key] for key in keys if key in found), "")
    if not code and not message:
        return None
    return ErrorEnvelope(
        place="XML",
        code=tidy(code, 200) if code else None,
        message=tidy(message, 2_000),
        status=as_status(code) or as_status(found.get("status", found.get("statuscode"))),
    )


def xml_inside(text: str) -> ErrorEnvelope | None:
    """The error of an XML answer that stands inside a sentence, else None; a web page is none."""
    start = text.find("<")
    return None if start < 0 or looks_like_page(text[start:]) else xml_envelope(text[start:])


def recover_members(text: str, level: int = 0) -> tuple[ErrorEnvelope, ...]:
    """What can still be read in truncated JSON; empty where nothing can.

    Where the tear is inside an escaped body, the error that decides is in there: the wrapper's own code is then no
    answer and is left out.
    """
    members: dict[str, str] = {}
    embedded: list[str] = []
    truncated_inside = False
    for name, quoted, closing, number in _MEMBER.findall(text):
        value = number or _ESCAPED.sub(r"\1", quoted)
        whole = bool(number) or closing == '"'
        if whole or name in _SENTENCES:  # half a sentence still says something, half a code says another one
            members.setdefault(name, value)
        if "{" in value:
            embedded.append(value)
        if not whole and ("{" in value or _WRAPS.search(value)):
            truncated_inside = True
    code = members.get("code") or members.get("errorCode")
    error = members.get("error", "")
    if not code and error and not re.search(r"\s", error):
        code = error
    envelope = ErrorEnvelope(
        place="truncated body",
        level=level,
        code=tidy(code, 200) if code and not truncated_inside else None,
        message=tidy(next((members[name] for name in _SENTENCES if name in members), ""), 2_000),
        status=as_status(members.get("status", members.get("statusCode"))),
        correlation_id=tidy(members.get("contextId") or members.get("correlationId") or "", 200) or None,
        truncated=True,
        embedded=tuple(embedded),
    )
    return (envelope,) if envelope.says_something or envelope.status or envelope.correlation_id or embedded else ()
