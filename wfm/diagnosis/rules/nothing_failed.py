"""Nothing failed: the answer is that of a success, pasted by mistake or because its result is not there yet."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case
from wfm.diagnosis.rules.record import PASSES, Example, Matchers, Rule, observed
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form
from wfm.payloads.progress import DONE, FAILED, RUNNING

_OF_AN_ERROR = re.compile(r"error|fault|exception|fail|step|torn|WWW|inside", re.IGNORECASE)
_SAYS_WELL = re.compile(
    r"^\W*(?:ok|success\w*|accepted|created|no content|done|complete[d]?|saved|updated|deleted)\b|\bsuccessfully\b"
    r"|\b20[0-7][ :-]{1,3}(?:OK|Created|Accepted|No Content)\b|^<Response \[20"
    r"|^\W*(?:http ?)?status(?:[ _]?code)?\W{1,4}20[0-7]\b",
    re.IGNORECASE,
)
_TERRAFORM_WELL = re.compile(
    r"^(?:Apply|Destroy) complete! Resources:|^No changes\. \S|^Success! The configuration is valid", re.MULTILINE
)


def states(case: Case) -> set[str]:
    """How far things came, by their own words: "complete", "processing"."""
    return {layer.state for layer in case.response.envelopes if layer.state}


def _succeeded(case: Case) -> bool:
    """Whether no part of the answer tells of a failure and something of it, be it the status, tells of a success."""
    response = case.response
    status = response.effective_status
    if response.form in (Form.TRUNCATED, Form.OVERSIZE, Form.PAGE) or (status is not None and not 200 <= status < 300):
        return False
    telling = [layer for layer in response.envelopes if layer.says_something and "warning" not in layer.place]
    if any(layer.code or _OF_AN_ERROR.search(layer.place) for layer in telling) or states(case) & FAILED:
        return False
    if status is not None:
        return response.form is not Form.TEXT or not telling or bool(_SAYS_WELL.search(response.text))
    if response.form is Form.TEXT and _TERRAFORM_WELL.search(response.text):
        return "Error:" not in response.text
    return not telling and bool(states(case) & (RUNNING | DONE))


def _still_running(case: Case) -> bool:
    going_on = case.response.effective_status == 202 or states(case) & RUNNING
    return bool(going_on) and not states(case) & DONE and _succeeded(case)


def _warnings(case: Case) -> str:
    named = dict.fromkeys(layer.code or layer.message for layer in case.response.envelopes if "warning" in layer.place)
    return ", ".join(name for name in named if name)


def _success_values(case: Case) -> Mapping[str, str]:
    status = case.response.effective_status
    if warnings := _warnings(case):
        return {"why": f"the work is complete, with warnings: {warnings}"}
    return {"why": f"HTTP {status} is a success, and nothing in the answer says that something failed"} if status else {}


STILL_RUNNING = Rule(
    key="still-processing",
    kind=Kind.UNPARSEABLE,
    title="No error: it is still being processed",
    matchers=Matchers(special=_still_running),
    cause="No error: the request was accepted and is still being processed.",
    more=(
        "Historical adherence, schedule generation, imports and bulk jobs give such answers (HTTP 202, or a state such as "
        "Processing). The same request again starts the work twice."
    ),
    confirm="The answer carries an id or a state; the state changes when the work is done.",
    fix="Wait for the result: by the notification of this call, or by reading the job or query by its id.",
    who=PASSES,
    retry="No: it is not a failure.",
    source=observed("a public project read such an answer as a failure."),
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
    matchers=Matchers(special=_succeeded),
    cause="No error: {why|nothing in the answer says that something failed}.",
    more="A write of the platform often answers 204 without a body. A Data Action's template may lose the result.",
    confirm="Read the thing that the call changed: it is as the request wanted it.",
    fix="Nothing needs fixing here. If something is wrong all the same, check the call before this one or after it.",
    who="Nobody",
    values=_success_values,
    retry="No: there is nothing to try again.",
    source=observed("such answers are pasted by mistake."),
    example=Example(
        status=200,
        body='{"operations":[{"step":1,"name":"Resolve input","success":true}],"finalResult":{"ok":true},"success":true}',
        call="POST /api/v2/integrations/actions/{actionId}/test",
        via="data_action",
    ),
)

RULES = (STILL_RUNNING, NOTHING_FAILED)
