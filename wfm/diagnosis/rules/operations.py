"""An asynchronous operation (an import, an update of schedules, a publication) was taken and failed later."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case, pattern
from wfm.diagnosis.rules.record import Example, Matchers, Rule, observed
from wfm.domain.diagnoses import Kind
from wfm.payloads.correlation import UUID
from wfm.payloads.progress import FAILED

_JOB = re.compile(
    rf"\b(?:job|operation|task|execution|run)(?:[ _-]?id)?[\"' ]{{0,2}}[:=]?[\"' ]{{0,2}}({UUID})\b",
    re.IGNORECASE,
)
_JOB_FAILED = pattern(r"\bfail(?:ed|ure)\b", r"\bended (?:in|with) (?:an )?error", r"\bdid not (?:complete|finish|succeed)\b")


_MARKED = re.compile(
    r"(?:\[(?:ERROR|FATAL) {0,2}\]|\bException info:|\btracing messages:(?! setting the Archy))[ :-]{0,4}([^\n]{8,300})"
)


def _ended_without_reason(case: Case) -> bool:
    deciding = case.response.deciding
    if deciding.code or (case.response.status or 200) >= 300:
        return False
    says_nothing = deciding.message.casefold() in ("", *FAILED)
    alone = len([layer for layer in case.response.envelopes if layer.says_something or layer.details]) <= 1
    return alone and says_nothing and bool({deciding.state, deciding.message.casefold()} & FAILED)


def _job_failed(case: Case) -> bool:
    """Whether a text says that a job failed, and names the job and nothing else."""
    named = case.response.firm_status is None and not case.response.deciding.code and _JOB.search(case.text)
    return bool(named) and bool(_JOB_FAILED.search(case.text)) and not _reason(case)


def _reason(case: Case) -> str:
    """What the answer says of an operation that failed: its message, or the first line of a log that is marked as an error.

    Archy ends its log with "Exception info: …".
    """
    deciding = case.response.deciding
    if (case.response.firm_status or 200) >= 300:
        return ""
    if any(layer.state in FAILED for layer in case.response.envelopes):
        said = (layer.message for layer in case.response.envelopes if layer.level == case.response.level)
        return next((message for message in said if message and message.casefold() not in FAILED), "")
    if deciding.code or not (_JOB.search(case.text) and _JOB_FAILED.search(case.text)):
        return ""
    marked = _MARKED.search(case.text)
    return marked.group(1).strip() if marked else ""


def _operation_values(case: Case) -> Mapping[str, str]:
    """The operation with its id where the answer names it, and the reason."""
    found = _JOB.search(case.text)
    named = case.response.deciding.operation_id or next(
        (layer.operation_id for layer in case.response.envelopes if layer.operation_id), found.group(1) if found else ""
    )
    operation = {"operation": f"The asynchronous operation {named}"} if named else {}
    return {
        **operation,
        "request": operation.get("operation", "What was asked for"),
        "reason": f": {_reason(case).rstrip('.')[:300]}",
    }


WITHOUT_REASON = Rule(
    key="operation-without-reason",
    kind=Kind.SERVER_ERROR,
    title="An asynchronous operation ended without a reason",
    matchers=Matchers(special=_ended_without_reason, hint=_job_failed),
    cause="{operation|The asynchronous operation} ended in an error, and the platform gives no reason for it.",
    more="The request was accepted and failed later. One possible reason is a version that somebody else changed meanwhile.",
    confirm="Read the thing that it should change, a schedule by its metadata.version: it did not change.",
    fix="Read the newest version and try once more. If it repeats, give the operation id to Genesys support.",
    who="Genesys support",
    values=_operation_values,
    retry="Not unchanged: read the version first.",
    source=observed("the developer forum shows such notifications."),
    example=Example(
        status=200, body='{"status":"Error","operationId":"86cb276f-3af5-48da-94be-8945d8b5fc09","eventType":"Update"}'
    ),
)


WITH_REASON = Rule(
    key="operation-failed",
    kind=Kind.BAD_REQUEST_OTHER,
    title="An asynchronous operation failed",
    matchers=Matchers(hint=lambda case: bool(_reason(case))),
    cause="{request|The asynchronous operation} failed{reason|, for the reason that stands in its answer}.",
    confirm="Read the state of the operation, or its log, for further messages: often the first one caused the others.",
    fix="Correct what the message names, then try again.",
    who="The person who sent the request",
    values=_operation_values,
    retry="No: the same operation fails again.",
    source=observed("jobs of Architect and imports of schedules give such answers."),
    example=Example(
        status=200,
        body='{"operationId":"86cb276f-3af5-48da-94be-8945d8b5fc09","status":"Error","errorMessage":"The week has no shift"}',
    ),
)

RULES = (WITHOUT_REASON, WITH_REASON)
