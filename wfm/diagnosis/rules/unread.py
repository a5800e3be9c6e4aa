"""Nothing can be read, or nothing says that something failed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from wfm.diagnosis.rules import nothing_failed
from wfm.diagnosis.rules.base import Case, pattern, said
from wfm.diagnosis.rules.record import Example, Matchers, Rule, Variant, observed
from wfm.diagnosis.rules.servers import passes
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form


def _torn(case: Case) -> bool:
    return case.response.form in (Form.TRUNCATED, Form.OVERSIZE)


def _empty(case: Case) -> bool:
    return case.response.form is Form.EMPTY or not any(layer.says_something for layer in case.response.envelopes)


def phrase(status: int | None) -> str:
    """A status in words: "403 Forbidden"."""
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return str(status)


def _torn_values(case: Case) -> Mapping[str, str]:
    return {"status": f" Its HTTP status is {phrase(case.status)}."} if case.status else {}


TORN = Rule(
    key="answer-torn",
    kind=Kind.UNPARSEABLE,
    title="The answer is cut off or broken",
    matchers=Matchers(special=_torn),
    retryable=passes,
    cause="The answer is cut off, broken or too long to be taken apart.{status|}",
    confirm="Check the raw payload, and where it passed through: logs often cut long lines.",
    fix="Get the whole answer from the system that logged it; the correlation id finds it.",
    who="Admin",
    values=_torn_values,
    retry="By the HTTP status alone: 429, 502, 503 and 504 may pass.",
    source=observed(),
    example=Example(
        status=400, body='{"errorCode":"BAD_REQUEST","status":400,"userMessage":"Response from web service: {\\"error\\":\\"inv'
    ),
)

EMPTY = Rule(
    key="answer-empty",
    kind=Kind.UNPARSEABLE,
    title="The answer is empty",
    matchers=Matchers(special=_empty),
    retryable=passes,
    cause="The answer holds nothing that names an error.",
    confirm="Look for an HTTP status in the raw payload.",
    fix="Record the HTTP status and the headers with the body, then explain them together.",
    who="Admin",
    retry="Not known.",
    source=observed(),
    example=Example(body="{}"),
)

_NO_JSON = pattern(  # a program that wanted JSON: of .NET, Node, browsers, Java, Go
    r"\bunexpected character encountered while parsing value: <|\bunexpected token '?<",
    r"\b(?:unexpected|invalid) character \(?'<'|'<' is an invalid start of a value",
    r"\bexpecting value: line 1 column 1 \(char 0\)",  # Python
)

PAGE = Rule(
    key="answer-page",
    kind=Kind.UNPARSEABLE,
    title="A web page came instead of an answer",
    matchers=Matchers(special=lambda case: case.response.form is Form.PAGE or bool(_NO_JSON.search(case.text))),
    retryable=passes,
    cause="A web page came back, not an answer of an API: the address is probably that of a sign-in page or a proxy.",
    confirm="Open the address in a browser: a page appears.",
    fix="Correct the host or the path. The API host begins with api., the login host with login.",
    who="Action owner",
    variants=(
        Variant(
            when=lambda case: case.response.form is not Form.PAGE,
            cause="The program wanted JSON and got something else: a web page, as of a sign-in or a proxy, or nothing at all.",
            confirm="Have the program write down status and text of the answer before it takes it apart.",
            fix="Correct the host or the path; where they are right, the status and the page say what failed.",
            who="Owner of the calling program",
        ),
    ),
    retry="Not known.",
    source=observed(),
    example=Example(status=200, body="<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"),
)

UNKNOWN = Rule(
    key="answer-unknown",
    kind=Kind.UNPARSEABLE,
    title="The answer is of no known form",
    matchers=Matchers(special=lambda case: True),
    retryable=passes,
    cause="The text is readable, but no rule knows what it means{said|}.",
    values=said,
    confirm="Look for the whole answer (status line, headers and body) and compare it with a call that works.",
    fix="Explain the whole answer instead. If that says no more and it repeats, ask the maintainers of the desk for a rule.",
    who="Admin",
    variants=(
        Variant(
            when=lambda case: bool(said(case)),
            fix="Look the code and the sentence up in the manual of the service that gave the answer.",
        ),
    ),
    retry="Not known.",
    source=observed(),
    example=Example(body='"something went wrong"'),
)

RULES = (TORN, *nothing_failed.RULES, EMPTY, PAGE, UNKNOWN)
