"""What goes wrong in a Data Action itself: contract, templates, function."""

from __future__ import annotations

import re
from dataclasses import replace

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads import statuses

_TIMED_OUT = pattern(r"timed? ?out")
_FUNCTION_WORDS = pattern(r"invoked function failed", r"function execution failed")


def _function_failed(case: Case) -> bool:
    if _TIMED_OUT.search(case.text):
        return False
    deciding = case.reading.deciding
    if deciding.is_function:
        return True
    by_header = "x-amz-function-error" in case.reading.headers
    answered = bool(deciding.code) or statuses.status_in(case.text) is not None  # what the function was answered decides
    return (by_header and not answered) or bool(_FUNCTION_WORDS.search(case.text))


_OUT_OF_MEMORY = pattern(r"\bsignal: killed", r"\bout ?of ?memory\b", r"\bheap limit\b", r"\bMemoryError\b")


def _function_words(case: Case, names: tuple[str, ...]) -> Words:
    words = FUNCTION.words
    which = "The function behind the Data Action" if case.behind_action else "The function"
    if not _OUT_OF_MEMORY.search(f"{case.text} {case.reading.deciding.code}"):
        return replace(words, cause=f"{which} stopped with an error of its own.")
    return Words(
        cause=f"{which} was stopped: most likely it needed more memory than it has.",
        confirm="The function's own log says how much memory it used and how much it has.",
        fix="Give the function more memory, or let it take less at once. The same input will fail again.",
        who=words.who,
    )


CONTRACT = Rule(
    key="action-contract",
    kind=Kind.CONTRACT_VIOLATION,
    title="Input or output does not fit the action's contract",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^invalid\.schema$"),
        sentences=pattern(
            r"\bmissing required properties",
            r"\bfailed to match\b[^.\n]{0,60}\bschema",
            # not the name of a step that went well
            r"\bvalidat\w+ (?:the )?(?:in|out)put\b[^.\n]{0,40}\bschema\b(?!\W{1,6}success\W{1,4}true)",
            r"\b(?:does|did|do) not (?:match|conform to|fit|satisfy) (?:the )?(?:input |output )?(?:schema|contract)\b",
            r"\b(?:not allowed|not permitted|rejected) by the (?:\w+ )?schema\b",
            r"\bvalidating the schema\b",
            r"\binstance (?:type|value)\b[^.\n]{0,80}\bnot (?:match|found)",
        ),
        within=frozenset({400, 422, 500}),
    ),
    words=Words(
        cause="What was given to the Data Action, or what came back, does not fit its contract.",
        confirm="Test the action with the same input: the failing step names the field.",
        fix="Correct the input, or change the contract to what the service really takes and gives.",
        who="Action owner",
    ),
    page=Page(
        means=(
            "A Data Action checks its input against the input contract, and the answer against the output contract. One of "
            "them does not fit; nothing is wrong with access."
        ),
        confirm="Test the action with the same input. The step that fails says whether it is the input or the output.",
        fix="Give every required input in its type, or change the contract.",
        who_can="The owner of the Data Action.",
        provenance="Published: invalid.schema is declared on execute. The class ACTION.PROCESSING in details is not confirmed.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            '{"errorCode":"INVALID_SCHEMA","status":400,"correlationId":"4d2ce3ed-159e-42d1-82ac-9fb828edb566",'
            '"userMessage":"object has missing required properties ([\\"userId\\"])","details":[{"errorCode":'
            '"ACTION.PROCESSING","fieldName":"userId"}]}'
        ),
        via="data_action",
    ),
)

TEMPLATE = Rule(
    key="action-template",
    kind=Kind.TRANSLATION_FAILED,
    title="A template of the Data Action failed",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        codes=pattern(r"^invalid\.substitution$"),
        sentences=pattern(
            r"\btransform failed",
            r"\bjson ?path\b",
            r"\bfailed to parse (?:the )?(?:response|result)\b",
            r"\bvelocity\b[^.\n]{0,40}\b(?:error|exception|failed)",
            r"\bsuccess ?template\b",
            r"\btranslation ?map\b",
            r"\bsubstituting a value\b",
            r"\bresolved template\b",
            r"\bvariable \$\S{1,60} has not been set",
            r"\brequest ?template\b[^.\n]{0,60}\b(?:invalid|fail|error)",
        ),
        within=frozenset({400, 422, 500}),
    ),
    words=Words(
        cause="A template of the Data Action could not be filled: a variable is unset, or the result is no JSON.",
        confirm="Test the action: the step trace shows the template and the variable.",
        fix="Give the variable a value or a default in the translation map, and quote texts in the template.",
        who="Action owner",
    ),
    page=Page(
        means=(
            "The request template, the translation map or the success template could not be filled in. With a success "
            "template the call itself may already have worked: look before sending it again."
        ),
        confirm="Test the action: the failing step names the template and the variable.",
        fix="Set the variable, give it a default in translationMapDefaults, or escape texts with esc.jsonString.",
        who_can="The owner of the Data Action.",
        provenance="Observed: payloads of the test console. Published: invalid.substitution is declared on execute.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            "{\"message\":\"Transform failed to process result using 'successTemplate' template due to error:'Variable "
            '$Presences has not been set\'","code":"bad.request","status":400,"details":[{"errorCode":"ACTION.PROCESSING"}]}'
        ),
        via="data_action",
    ),
)

FUNCTION = Rule(
    key="function-failed",
    kind=Kind.SERVER_ERROR,
    title="The function failed",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_function_failed),
    said=_function_words,
    words=Words(
        cause="The function stopped with an error of its own.",
        confirm="The inner message carries the function's error and the line it came from.",
        fix="Fix the function. The same input will fail again.",
        who="Action owner",
    ),
    page=Page(
        means=(
            "The function was called and threw an error. It may come with HTTP 200 and a header, or wrapped as an internal "
            "server error; its own words lose their quotes on the way."
        ),
        confirm="Run the function alone with the same input.",
        fix="Fix the function. If it should report a failure, let it throw: a returned status code counts as success.",
        who_can="The owner of the function.",
        provenance="Observed: a community thread shows the payload. The header is AWS Lambda's.",
        retry="No.",
    ),
    example=Example(
        status=200,
        headers={"X-Amz-Function-Error": "Unhandled"},
        body=(
            '{"errorMessage":"Cannot read properties of undefined (reading \'schedules\')","errorType":"TypeError",'
            '"trace":["TypeError: Cannot read properties of undefined"]}'
        ),
        via="data_action",
    ),
)


def _package_processing(case: Case) -> bool:
    return case.reading.category == "ACTION.PROCESSING" and bool(_PUBLISH.search(case.call or ""))


_PUBLISH = re.compile(r"/integrations/actions/[^/]+/draft/(?:publish|function)\b")

PACKAGE = Rule(
    key="function-package-processing",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The function's package is still being processed",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_package_processing),
    retryable=True,
    words=Words(
        cause="The package of the function was uploaded and is still being processed: the draft can't be published yet.",
        confirm="Read the draft's function: its package is not ready yet.",
        fix="Wait some seconds and publish again.",
        who="Nobody: it passes",
    ),
    page=Page(
        means=(
            "A function action is published before the platform has taken in its package. The answer is a bare bad request "
            "with the class ACTION.PROCESSING (not confirmed), which on a test means a broken template instead."
        ),
        confirm="Read the function of the draft until its package is ready.",
        fix="Publish again after some seconds; the provider of Terraform does so by itself.",
        who_can="Nobody has to: it passes.",
        provenance="Observed: the provider of Terraform waits for it.",
        retry="Yes, after some seconds.",
    ),
    example=Example(
        status=400,
        body=(
            '{"message":"Bad Request","code":"bad.request","status":400,"contextId":"4d2ce3ed-159e-42d1-82ac-9fb828edb566",'
            '"details":[{"errorCode":"ACTION.PROCESSING"}],"errors":[]}'
        ),
        call="POST /api/v2/integrations/actions/{actionId}/draft/publish",
    ),
)

RULES = (PACKAGE, FUNCTION, CONTRACT, TEMPLATE)
