"""What goes wrong in a Data Action itself: contract, templates, function."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case, pattern, said
from wfm.diagnosis.rules.record import PASSES, Example, Matchers, Rule, Variant, action_error, observed, published
from wfm.domain.diagnoses import Kind
from wfm.payloads import statuses

_TIMED_OUT = pattern(r"timed? ?out")
_FUNCTION_WORDS = pattern(r"invoked function failed|function execution failed|process exited before completing request")


def _function_failed(case: Case) -> bool:
    if _TIMED_OUT.search(case.text):
        return False
    deciding = case.response.deciding
    if deciding.is_function:
        return True
    by_header = "x-amz-function-error" in case.response.headers
    answered = bool(deciding.code) or statuses.status_in(case.text) is not None  # what the function was answered decides
    return (by_header and not answered) or bool(_FUNCTION_WORDS.search(case.text))


_OUT_OF_MEMORY = pattern(r"\bsignal: killed", r"\bout ?of ?memory\b", r"\bheap limit\b", r"\bMemoryError\b")


def _function_values(case: Case) -> Mapping[str, str]:
    return {**({"which": "The function behind the Data Action"} if case.behind_action else {}), **said(case)}


CONTRACT = Rule(
    key="action-contract",
    kind=Kind.CONTRACT_VIOLATION,
    title="Input or output does not fit the action's contract",
    matchers=Matchers(
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
    cause="What was given to the Data Action, or what came back, does not fit its contract.",
    confirm="Test the action with the same input: the failing step names the field, and whether input or output is meant.",
    fix="Correct the input, or change the contract to what the service really takes and gives.",
    who="Action owner",
    source=published("invalid.schema is declared on execute. The class ACTION.PROCESSING in details is not confirmed."),
    example=action_error(
        400, "INVALID_SCHEMA", 'object has missing required properties (["userId"])', "ACTION.PROCESSING", fieldName="userId"
    ),
)

TEMPLATE = Rule(
    key="action-template",
    kind=Kind.TRANSLATION_FAILED,
    title="A template of the Data Action failed",
    matchers=Matchers(
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
    cause="A template of the Data Action could not be filled: a variable is unset, or the result is no JSON.",
    more=(
        "With a success template the call itself may already have worked: check before you send it again. Defaults stand "
        "in translationMapDefaults; esc.jsonString quotes texts."
    ),
    confirm="Test the action: the step trace shows the template and the variable.",
    fix="Give the variable a value or a default in the translation map, and quote texts in the template.",
    who="Action owner",
    source=observed("payloads of the test console. Published: invalid.substitution is declared on execute."),
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
    matchers=Matchers(special=_function_failed),
    cause="{which|The function} stopped with an error of its own{said|}.",
    more=(
        "The answer may come with HTTP 200 and a header, or wrapped as an internal server error. A function that returns "
        "a status code counts as a success: to report a failure it throws."
    ),
    confirm="The inner message carries the function's error and the line it came from.",
    fix="Fix the function. The same input will fail again.",
    who="Action owner",
    values=_function_values,
    variants=(
        Variant(
            when=lambda case: bool(_OUT_OF_MEMORY.search(f"{case.text} {case.response.deciding.code}")),
            cause="{which|The function} was stopped: most likely it needed more memory than it has.",
            confirm="The function's own log says how much memory it used and how much it has.",
            fix="Give the function more memory, or let it take less at once. The same input will fail again.",
        ),
    ),
    source=observed("a community thread shows the payload. The header is AWS Lambda's."),
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
    return case.response.category == "ACTION.PROCESSING" and bool(_PUBLISH.search(case.call or ""))


_PUBLISH = re.compile(r"/integrations/actions/[^/]+/draft/(?:publish|function)\b")

PACKAGE = Rule(
    key="function-package-processing",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The function's package is still being processed",
    matchers=Matchers(special=_package_processing),
    retryable=True,
    cause="The package of the function is still being processed: the draft can't be published yet.",
    more=(
        "The answer is a bare bad request with the class ACTION.PROCESSING (not confirmed), which on a test means a "
        "broken template instead."
    ),
    confirm="Read the draft's function: its package is not ready yet.",
    fix="Wait some seconds and publish again.",
    who=PASSES,
    retry="Yes, after some seconds.",
    source=observed("the Terraform provider waits for it and publishes again by itself."),
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
