"""An asynchronous operation (an import, an update of schedules, a publication) was taken and failed later."""

from __future__ import annotations

import re

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.correlation import UUID
from wfm.payloads.progress import FAILED

_JOB = re.compile(
    rf"\b(?:job|operation|task|execution|run)(?:[ _-]?id)?[\"' ]{{0,2}}[:=]?[\"' ]{{0,2}}({UUID})\b",
    re.IGNORECASE,
)
_JOB_FAILED = pattern(r"\bfail(?:ed|ure)\b", r"\bended (?:in|with) (?:an )?error", r"\bdid not (?:complete|finish|succeed)\b")


_MARKED = re.compile(r"\[(?:ERROR|FATAL) {0,2}\][ :-]{0,4}([^\n]{8,300})")


def _ended_without_reason(case: Case) -> bool:
    deciding = case.reading.deciding
    if deciding.code or (case.reading.status or 200) >= 300:
        return False
    says_nothing = deciding.message.casefold() in ("", *FAILED)
    alone = len([layer for layer in case.reading.layers if layer.says_something or layer.details]) <= 1
    return alone and says_nothing and bool({deciding.state, deciding.message.casefold()} & FAILED)


def _job_failed(case: Case) -> bool:
    """Whether a text says that a job failed, and names the job and nothing else."""
    named = case.reading.firm_status is None and not case.reading.deciding.code and _JOB.search(case.text)
    return bool(named) and bool(_JOB_FAILED.search(case.text)) and not _reason(case)


def _reason(case: Case) -> str:
    """What the answer says of an operation that failed: its message, or the first line of a log that is marked as an error."""
    deciding = case.reading.deciding
    if (case.reading.firm_status or 200) >= 300:
        return ""
    if any(layer.state in FAILED for layer in case.reading.layers):
        said = (layer.message for layer in case.reading.layers if layer.level == case.reading.level)
        return next((message for message in said if message and message.casefold() not in FAILED), "")
    if deciding.code or not (_JOB.search(case.text) and _JOB_FAILED.search(case.text)):
        return ""
    marked = _MARKED.search(case.text)
    return marked.group(1).strip() if marked else ""


def _operation(case: Case) -> str:
    """The operation with its id where the answer names it."""
    found = _JOB.search(case.text)
    named = case.reading.deciding.operation_id or next(
        (layer.operation_id for layer in case.reading.layers if layer.operation_id), found.group(1) if found else ""
    )
    return f"The asynchronous operation {named}".rstrip()


def _job_words(case: Case, names: tuple[str, ...]) -> Words:
    words = WITHOUT_REASON.words
    return Words(
        cause=f"{_operation(case)} ended in an error, and the platform gives no reason for it.",
        confirm=words.confirm,
        fix=words.fix,
        who=words.who,
    )


WITHOUT_REASON = Rule(
    key="operation-without-reason",
    kind=Kind.SERVER_ERROR,
    title="An asynchronous operation ended without a reason",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_ended_without_reason, hint=_job_failed),
    said=_job_words,
    words=Words(
        cause="The asynchronous operation ended in an error, and the platform gives no reason for it.",
        confirm="Read the thing that it should change, a schedule by its version: it did not change.",
        fix="Read the newest version and try once more. If it repeats, give the operation id to Genesys support.",
        who="Genesys support",
    ),
    page=Page(
        means=(
            "A schedule update, import or copy was taken and failed later. The notification carries a state and an operation "
            "id, and nothing else. A version that somebody else changed meanwhile is one possible reason."
        ),
        confirm="Read metadata.version of the schedule again: it did not grow.",
        fix="Preview again, so that the newest version is used, and try once more.",
        who_can="The supervisor for the second try; Genesys support for the reason.",
        provenance="Observed: the developer forum shows such notifications.",
        retry="Not unchanged: read the version first.",
    ),
    example=Example(
        status=200, body='{"status":"Error","operationId":"86cb276f-3af5-48da-94be-8945d8b5fc09","eventType":"Update"}'
    ),
)


def _failed_words(case: Case, names: tuple[str, ...]) -> Words:
    words = WITH_REASON.words
    return Words(
        cause=f"{_operation(case)} failed: {_reason(case).rstrip('.')[:300]}.",
        confirm=words.confirm,
        fix=words.fix,
        who=words.who,
    )


WITH_REASON = Rule(
    key="operation-failed",
    kind=Kind.BAD_REQUEST_OTHER,
    title="An asynchronous operation failed",
    provenance=Provenance.OBSERVED,
    signs=Signs(hint=lambda case: bool(_reason(case))),
    said=_failed_words,
    words=Words(
        cause="The asynchronous operation failed, for the reason that stands in its answer.",
        confirm="Read the state of the operation, or its log, for further messages: often the first one caused the others.",
        fix="Correct what the message names, then start the operation again.",
        who="Whoever started the operation",
    ),
    page=Page(
        means="An import, an update or a publication was taken, worked on, and ended with a message that says why.",
        confirm="Read the operation or its log for further messages.",
        fix="Correct what the message names, then start the operation again.",
        who_can="Whoever started the operation.",
        provenance="Observed: jobs of Architect and imports of schedules answer so.",
        retry="No: the same operation fails again.",
    ),
    example=Example(
        status=200,
        body='{"operationId":"86cb276f-3af5-48da-94be-8945d8b5fc09","status":"Error","errorMessage":"The week has no shift"}',
    ),
)

RULES = (WITHOUT_REASON, WITH_REASON)
