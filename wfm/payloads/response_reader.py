"""From bytes to a ParsedResponse: every error that an answer holds, from the outside in."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from wfm.payloads import literals, statuses, text_extraction
from wfm.payloads.encodings import decode
from wfm.payloads.error_envelopes import ErrorEnvelope, correlation_id_beside, envelopes_of
from wfm.payloads.json_text import close_brackets, parse, too_deep, value_at
from wfm.payloads.limits import HEAD, TAIL, excerpt, tidy
from wfm.payloads.log_records import FULL, values_in_record, weight
from wfm.payloads.parsed_response import Form, ParsedResponse
from wfm.payloads.progress import DONE, FAILED, RUNNING, THERE, are_things

MAX_LEVELS = 6
"""How deep bodies inside sentences inside bodies are followed."""

_XSSI = re.compile(r"^\)\]\}'?,?\s*\n")
_CHALLENGE = re.compile(
    r'\b(error|error_description|scope)\s*=\s*(?:"([^"]{0,1000})"|\'([^\']{0,1000})\'|([^\s,"\']{1,300}))', re.IGNORECASE
)

_PROPERTIES = re.compile(r"\n\s+at [^\n]{1,300}\{\s*\n")  # of an error, which Node prints behind its stack
_LOG_LINE = re.compile(  # "[ERROR] …", "[2026-03-02 …", "{ Error: …" as an old Node prints it
    r"\[\s*(?:[A-Za-z]{3,20}\]|\d{4}-\d\d|\d\d?[./:]\d\d)|\{ \w{0,40}Error: "
)
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]{24,}={0,2}")


def read_value(value: object) -> ParsedResponse:
    """Read an answer whose JSON is parsed already."""
    return ParsedResponse(form=Form.JSON, status=None, headers={}, envelopes=_all_envelopes(value), text="")


def read(status: int | None, headers: Mapping[str, str], body: bytes | str | None, *, cut: bool = False) -> ParsedResponse:
    """Reads an answer. Never raises; the work is bounded by MAX_BYTES, MAX_DEPTH and MAX_LEVELS.

    `cut` says that the body was longer before: what is left of it is read as text.
    """
    raw, cut_here = decode(body)
    cut = cut or cut_here
    text = raw.strip("\ufeff\x00 \t\r\n")
    known = _lowered(headers)
    form, envelopes = (Form.OVERSIZE, ()) if cut else _parse_body(text)
    shown = tidy(excerpt(text), HEAD + TAIL + 10)
    if form in (Form.TEXT, Form.OVERSIZE):
        for name, value in text_extraction.headers_in(shown).items():
            known.setdefault(name, value)
        envelopes = envelopes or _from_text(shown, form)
    elif form is Form.PAGE:
        shown = text_extraction.page_text(excerpt(text))
        inner = _from_text(shown, Form.TEXT) if '{"' in shown else ()
        if weight(inner) == FULL:
            form, envelopes = Form.TEXT, inner  # a mail or a page around an answer
        else:
            envelopes = (ErrorEnvelope(place="page", message=shown),)
    challenge = _challenge(known.get("www-authenticate", ""))
    if challenge is not None:
        envelopes = (*envelopes, challenge)
    named = status
    if named is None and form in (Form.TEXT, Form.OVERSIZE, Form.PAGE):
        named = statuses.status_in(shown) or (statuses.success_in(shown) if form is Form.TEXT else None)
    return ParsedResponse(form=form, status=named, headers=known, envelopes=envelopes, text=shown)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {tidy(str(name), 200).casefold(): tidy(str(value), 2_000) for name, value in list(headers.items())[:200]}


def _parse_body(text: str) -> tuple[Form, tuple[ErrorEnvelope, ...]]:
    if not text:
        return Form.EMPTY, ()
    text = _decode_base64(_XSSI.sub("", text))
    if too_deep(text):
        return Form.OVERSIZE, ()
    try:
        value = parse(text)
    except ValueError:
        return _not_json(text)
    for _ in range(MAX_LEVELS):  # JSON inside a JSON string, as some proxies send it
        if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
            break
        try:
            value = parse(value)
        except ValueError:
            break
    if isinstance(value, dict | list):
        envelopes = _all_envelopes(value)
        told = any(one.says_something or one.status or one.state in RUNNING | DONE | FAILED for one in envelopes)
        well = not told and are_things(value)
        return Form.JSON, (*envelopes, ErrorEnvelope(place="body", state=THERE)) if well else envelopes
    return (Form.TEXT, _with_embedded_bodies(envelopes_of(value))) if isinstance(value, str) else (Form.TEXT, ())


def _all_envelopes(value: object, level: int = 0) -> tuple[ErrorEnvelope, ...]:
    """The envelopes of a JSON value with the bodies inside its sentences; of a record of a log those of the answer in it."""
    own = envelopes_of(value, level)
    envelopes = _with_embedded_bodies(own) if level == 0 else own
    if any(envelope.state == THERE for envelope in own):
        return envelopes  # what a thing or the result of a test holds is data
    of_action = any(detail.code.startswith("ACTION.") for envelope in envelopes for detail in envelope.details)
    known = FULL if of_action else weight(envelopes)  # what a Data Action wraps is read already
    best: tuple[ErrorEnvelope, ...] = ()
    for inner_value in values_in_record(value) if known < FULL else ():
        inner = _answer(inner_value.value, level) if inner_value.value is not value else ()
        if (found := weight(inner, inner_value.status)) > known:
            known, best = found, (*inner, inner_value.envelope)
        if known == FULL:
            break
    if best and not any(envelope.correlation_id for envelope in best):
        best = (*best, ErrorEnvelope(place="log", correlation_id=correlation_id_beside(value)))
    return best or envelopes


def _answer(value: object, level: int) -> tuple[ErrorEnvelope, ...]:
    """What a member of a record says as an answer; () for a text that shows neither a body nor a status."""
    if not isinstance(value, str):
        return _with_embedded_bodies(envelopes_of(value, level), level)
    value = _decode_base64(value)
    if "{" in value or "</" in value or value[:1] == "<":
        return _parse_body(value.strip())[1] or _from_text(value, Form.TEXT)
    return _from_text(value, Form.TEXT) if statuses.status_in(value) else ()


def _decode_base64(text: str) -> str:
    """A body that came as base64 (some proxies and functions send it so), else the text as it is."""
    packed = text.partition(";base64,")[2] if text.startswith("data:") else text
    if not packed.startswith(("eyJ", "ewo", "ewog", "ew0K", "W3s", "H4sI")) or not _BASE64.fullmatch(packed):
        return text
    try:
        return decode(base64.b64decode(packed))[0].strip()  # H4sI: packed by gzip besides, as CloudWatch hands logs on
    except ValueError:
        return text


def _not_json(text: str) -> tuple[Form, tuple[ErrorEnvelope, ...]]:
    if text_extraction.looks_like_page(text):
        return Form.PAGE, ()
    if text[0] == "<":
        return _xml(text)
    if text[0] in "{[" and not _LOG_LINE.match(text):
        if text[-1] in "}]":
            with suppress(ValueError):
                return Form.JSON, _all_envelopes(literals.parse(text))
        with suppress(ValueError):
            value_at(text, 0)  # an answer with words behind it
            return Form.TEXT, ()
        return Form.TRUNCATED, _with_embedded_bodies(_truncated(text))
    return Form.TEXT, ()


def _xml(text: str) -> tuple[Form, tuple[ErrorEnvelope, ...]]:
    """The error of an XML answer, with the body that one of its elements carries."""
    envelope = text_extraction.xml_envelope(text)
    bodies = text_extraction.embedded_values(excerpt(html.unescape(text)))[:1] if "{" in text else []
    inner = tuple(replace(part, level=part.level + 1) for body in bodies for part in _all_envelopes(body))
    if envelope is None:
        return (Form.XML, inner) if weight(inner) > 1 else (Form.TEXT, ())
    return Form.XML, (envelope, *inner)


def _truncated(text: str) -> tuple[ErrorEnvelope, ...]:
    """What is left of truncated JSON: all of it where only the closing brackets are gone, else what its members say."""
    try:
        return envelopes_of(parse(close_brackets(text)))
    except ValueError:
        return text_extraction.recover_members(excerpt(text))


def _from_text(text: str, form: Form) -> tuple[ErrorEnvelope, ...]:
    """A sentence, an exception text or a log line, with the body that it may carry."""
    if not text:
        return ()
    candidates = [_all_envelopes(value) for value in text_extraction.embedded_values(text)]
    # A details[] entry names the class of a failure, not the failure: {"errorCode": "ACTION.REMOTE_ENDPOINT"}.
    readable = [
        envelopes
        for envelopes in candidates
        if any(envelope.message or (envelope.code and not envelope.code.startswith("ACTION.")) for envelope in envelopes)
    ]
    for inner in sorted(readable, key=lambda envelopes: not any(envelope.code for envelope in envelopes)):
        before = text_extraction.before_body(text)
        repeats = all(statuses.only_repeats(word) for envelope in inner for word in (envelope.code or "", envelope.message))
        if (repeats or _PROPERTIES.search(text)) and before.count(" ") > 1:  # the sentence before it says more
            code = text_extraction.code_in(before) or (None if repeats else inner[0].code)
            return (ErrorEnvelope(place="text", code=code, message=before), *inner)
        return inner
    if (envelope := text_extraction.xml_inside(text) if "</" in text else None) is not None:
        return (envelope,)
    well = next((envelopes for envelopes in candidates if any(envelope.state in RUNNING | DONE for envelope in envelopes)), ())
    if well and not text_extraction.tells_of_failure(text):
        return well  # "Test result: {"success": true}"
    if (returned := text_extraction.error_in_address(text)) is not None:
        return (ErrorEnvelope(place="address", code=returned[0], message=returned[1] or text[:4_000]),)
    return (
        ErrorEnvelope(
            place=form.value if form is Form.OVERSIZE else "text", code=text_extraction.code_in(text), message=text[:4_000]
        ),
    )


def _with_embedded_bodies(envelopes: tuple[ErrorEnvelope, ...], level: int = 0) -> tuple[ErrorEnvelope, ...]:
    """Adds the envelopes of bodies that are escaped inside sentences, level by level."""
    everything = list(envelopes)
    fresh = list(envelopes)
    for deeper in range(level + 1, MAX_LEVELS):
        inner: list[ErrorEnvelope] = []
        for envelope in fresh:
            for embedded in envelope.embedded:
                if len(inner) < 20:
                    inner += [replace(part, place=f"inside {envelope.place}") for part in _embedded_envelopes(embedded, deeper)]
        if not inner:
            break
        everything += inner
        fresh = inner
    return tuple(everything)


def _embedded_envelopes(embedded: str, level: int) -> tuple[ErrorEnvelope, ...]:
    """The envelopes of the body inside a sentence, JSON whole or truncated, or XML."""
    for value in text_extraction.embedded_values(embedded)[:1]:
        return envelopes_of(value, level)
    envelope = text_extraction.xml_inside(embedded)
    if envelope is not None:
        return (replace(envelope, level=level),)
    return text_extraction.recover_members(excerpt(text_extraction.truncated_inside(embedded)), level=level)


def _challenge(header: str) -> ErrorEnvelope | None:
    """The error of a WWW-Authenticate header (RFC 6750), else None."""
    parts = {name.casefold(): double or single or bare for name, double, single, bare in _CHALLENGE.findall(header)}
    if not parts.get("error"):
        return None
    scopes = (("scope", parts["scope"]),) if parts.get("scope") else ()
    return ErrorEnvelope(
        place="WWW-Authenticate", code=parts["error"], message=parts.get("error_description", ""), params=scopes
    )
