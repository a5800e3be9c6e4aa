"""Nothing can be read, or nothing says that something failed."""

from __future__ import annotations

from http import HTTPStatus

from wfm.diagnosis.rules import nothing_failed
from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words
from wfm.diagnosis.rules.servers import passes
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form


def _torn(case: Case) -> bool:
    return case.reading.form in (Form.TORN, Form.OVERSIZE)


def _empty(case: Case) -> bool:
    return case.reading.form is Form.EMPTY or not any(layer.says_something for layer in case.reading.layers)


def phrase(status: int | None) -> str:
    """A status in words: "403 Forbidden"."""
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return str(status)


def _torn_words(case: Case, names: tuple[str, ...]) -> Words:
    status = f" Its HTTP status is {phrase(case.status)}." if case.status else ""
    return Words(
        cause=f"The answer is cut off, broken or too long to be taken apart.{status}",
        confirm="Look at the raw payload, and where it passed through: logs often cut long lines.",
        fix="Get the whole answer from the system that logged it; the correlation id finds it.",
        who="Admin",
    )


TORN = Rule(
    key="answer-torn",
    kind=Kind.UNPARSEABLE,
    title="The answer is cut off or broken",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_torn),
    retryable=passes,
    said=_torn_words,
    words=Words(
        cause="The answer is cut off or broken.",
        confirm="Look at the raw payload.",
        fix="Get the whole answer; the correlation id finds it.",
        who="Admin",
    ),
    page=Page(
        means="The payload is JSON that was cut, doubled or garbled on its way, or longer than the desk takes apart.",
        confirm="The raw payload shows where it ends. Status and correlation id are still read where they can be.",
        fix="Get the whole payload from where it was logged.",
        who_can="Whoever has the logs.",
        provenance="Observed.",
        retry="By the HTTP status alone: 429, 502, 503 and 504 may pass.",
    ),
    example=Example(
        status=400, body='{"errorCode":"BAD_REQUEST","status":400,"userMessage":"Response from web service: {\\"error\\":\\"inv'
    ),
)

EMPTY = Rule(
    key="answer-empty",
    kind=Kind.UNPARSEABLE,
    title="The answer is empty",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_empty),
    retryable=passes,
    words=Words(
        cause="The answer holds nothing that names an error.",
        confirm="Look at the raw payload and for an HTTP status.",
        fix="Record the HTTP status and the headers with the body, then explain them together.",
        who="Admin",
    ),
    page=Page(
        means="No body, or one without words, and no HTTP status that would say something.",
        confirm="Look at the raw payload.",
        fix="Record the HTTP status and headers with the body.",
        who_can="Whoever made the record.",
        provenance="Observed.",
        retry="Not known.",
    ),
    example=Example(body="[]"),
)

PAGE = Rule(
    key="answer-page",
    kind=Kind.UNPARSEABLE,
    title="A web page came instead of an answer",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=lambda case: case.reading.form is Form.PAGE),
    retryable=passes,
    words=Words(
        cause="A web page came back, not an answer of an API: the address is probably that of a sign-in page or a proxy.",
        confirm="Open the address in a browser: a page appears.",
        fix="Correct the host or the path. The API host begins with api., the login host with login.",
        who="Action owner",
    ),
    page=Page(
        means="The address answers with a web page: a sign-in page, a proxy, or the wrong host.",
        confirm="Open the address in a browser.",
        fix="Correct host or path in the settings or in the Data Action.",
        who_can="Whoever set the address.",
        provenance="Observed.",
        retry="Not known.",
    ),
    example=Example(status=200, body="<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"),
)

UNKNOWN = Rule(
    key="answer-unknown",
    kind=Kind.UNPARSEABLE,
    title="The answer is of no known form",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=lambda case: True),
    retryable=passes,
    words=Words(
        cause="The text is readable, but no rule knows what it means.",
        confirm="Look for the whole answer (status line, headers and body) and compare it with a call that works.",
        fix="Explain the whole answer instead. If that says no more and it repeats, ask whoever maintains the desk for a rule.",
        who="Admin",
    ),
    page=Page(
        means="Neither code, words nor status of the answer are known to a rule.",
        confirm="Read the message as it is.",
        fix="If it repeats, a rule of its own is worth its few lines.",
        who_can="Whoever maintains the desk.",
        provenance="Observed.",
        retry="Not known.",
    ),
    example=Example(body='"something went wrong"'),
)

RULES = (TORN, *nothing_failed.RULES, EMPTY, PAGE, UNKNOWN)
