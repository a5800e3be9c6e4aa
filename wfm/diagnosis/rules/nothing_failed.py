"""Nothing failed: the answer is that of a success, pasted by mistake or because its result is not there yet."""

from __future__ import annotations

import re

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form
from wfm.payloads.progress import DONE, FAILED, RUNNING

_OF_AN_ERROR = re.compile(r"error|fault|exception|fail|step|torn|WWW|inside", re.IGNORECASE)
_SAYS_WELL = re.compile(
    r"^\W*(?:ok|success\w*|accepted|created|no content|done|complete[d]?|saved|updated|deleted)\b|\bsuccessfully\b"
    r"|\b20[0-7][ :-]{1,3}(?:OK|Created|Accepted|No Content)\b|^<Response \[20",
    re.IGNORECASE,
)


def states(case: Case) -> set[str]:
    """How far things came, by their own words: "complete", "processing"."""
    return {layer.state for layer in case.reading.layers if layer.state}


def _succeeded(case: Case) -> bool:
    """Whether no part of the answer tells of a failure and something of it, be it the status, tells of a success."""
    reading = case.reading
    status = reading.effective_status
    if reading.form in (Form.TORN, Form.OVERSIZE, Form.PAGE) or (status is not None and not 200 <= status < 300):
        return False
    telling = [layer for layer in reading.layers if layer.says_something and "warning" not in layer.place]
    if any(layer.code or _OF_AN_ERROR.search(layer.place) for layer in telling) or states(case) & FAILED:
        return False
    if status is not None:
        return reading.form is not Form.TEXT or not telling or bool(_SAYS_WELL.search(reading.text))
    return not telling and bool(states(case) & (RUNNING | DONE))


def _still_running(case: Case) -> bool:
    going_on = case.reading.effective_status == 202 or states(case) & RUNNING
    return bool(going_on) and not states(case) & DONE and _succeeded(case)


def _warnings(case: Case) -> str:
    named = dict.fromkeys(layer.code or layer.message for layer in case.reading.layers if "warning" in layer.place)
    return ", ".join(name for name in named if name)


def _success_words(case: Case, names: tuple[str, ...]) -> Words:
    status = case.reading.effective_status
    by = f"HTTP {status} is a success, and " if status is not None else ""
    cause = f"No error: {by}nothing in the answer says that something failed."
    if warnings := _warnings(case):
        cause = f"No error: the work is complete, with warnings: {warnings}."
    return Words(
        cause=cause,
        confirm="Read the thing that the call changed: it is as the request wanted it.",
        fix="Nothing is to be fixed here. If something is wrong all the same, look at the call before this one or after it.",
        who="Nobody",
    )


STILL_RUNNING = Rule(
    key="still-processing",
    kind=Kind.UNPARSEABLE,
    title="No error: it is still being processed",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_still_running),
    words=Words(
        cause="No error: the request was accepted and is still being processed.",
        confirm="The answer carries an id or a state; the state changes when the work is done.",
        fix="Wait for the result: by the notification of this call, or by reading the job or query under its id.",
        who="Nobody: it passes",
    ),
    page=Page(
        means=(
            "The request was accepted, and the work goes on after the answer (HTTP 202, or a state such as Processing). "
            "Historical adherence, schedule generation, imports and bulk jobs answer so."
        ),
        confirm="Read the job or query by its id: its state changes. Some results come by notification only.",
        fix="Wait for the notification, or read the job until it is complete. The same request again starts the work twice.",
        who_can="Nobody has to: it passes.",
        provenance="Observed: a public project read such an answer as a failure.",
        retry="No: it is not a failure.",
    ),
    example=Example(
        status=202,
        body='{"id":"5b2e7c0a-5f0b-4f0e-8a77-0f3a2d1c9e11","downloadUrl":null,"queryState":"Processing"}',
        call="POST /api/v2/workforcemanagement/managementunits/{managementUnitId}/historicaladherencequery",
    ),
)

NOTHING_FAILED = Rule(
    key="nothing-failed",
    kind=Kind.UNPARSEABLE,
    title="No error: nothing failed",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_succeeded),
    said=_success_words,
    words=Words(
        cause="No error: nothing in the answer says that something failed.",
        confirm="Read the thing that the call changed: it is as the request wanted it.",
        fix="Nothing is to be fixed here. If something is wrong all the same, look at the call before this one or after it.",
        who="Nobody",
    ),
    page=Page(
        means=(
            "The answer is that of a success: a 2xx status, an empty 204, a test that went through, a job that is complete. "
            "A write of the platform often answers 204 without a body."
        ),
        confirm="Read the thing that the call changed.",
        fix="Nothing. If the effect is not there, another call or a later one undid it, or a Data Action's template lost it.",
        who_can="Nobody has to.",
        provenance="Observed: such answers are pasted by mistake.",
        retry="No: there is nothing to try again.",
    ),
    example=Example(
        status=200,
        body='{"operations":[{"step":1,"name":"Resolve input","success":true}],"finalResult":{"ok":true},"success":true}',
        call="POST /api/v2/integrations/actions/{actionId}/test",
        via="data_action",
    ),
)

RULES = (STILL_RUNNING, NOTHING_FAILED)
