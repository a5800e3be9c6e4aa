"""AWS's own limits and faults behind a Data Action: "… (Service: AWSLambda; Status Code: 429; Error Code: …)"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.diagnosis.sides import REMOTE_OWNER
from wfm.domain.diagnoses import Kind, Provenance

_REPORT = re.compile(  # the newer SDK has commas and no error code
    r"\(Service: (?:AWS|Amazon)? ?(\w{2,40})[;,] Status Code: (\d{3})[;,](?: Error Code: (\w{3,60}?)(?:Exception|Fault)?[;,])?",
    re.IGNORECASE,
)
_BY_STATUS = {"403": "AccessDenied", "404": "ResourceNotFound", "429": "TooManyRequests", "500": "Service", "503": "Service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """What one sort of AWS's error codes means. `{service}` is filled in."""

    code: re.Pattern[str]
    kind: Kind
    cause: str
    fix: str
    passes: bool = False


_FAULTS = (
    _Fault(
        code=pattern(r"^TooManyRequests$|^(?:EC2)?Throttl\w*|^(?:Request)?LimitExceeded$|^ProvisionedThroughput"),
        kind=Kind.RATE_LIMITED,
        cause="AWS {service} takes no more calls just now: a limit of the AWS account or function, not of Genesys.",
        fix=(
            "Wait, then send it again. If it repeats, raise the concurrency of the function or the quota in AWS, or let the "
            "Data Action run less often."
        ),
        passes=True,
    ),
    _Fault(
        code=pattern(r"^ResourceNotFound$|^NoSuch\w+|^FunctionNotFound$"),
        kind=Kind.NOT_FOUND_OTHER,
        cause="AWS {service} has nothing under the name (ARN) that the Data Action calls: no such function, alias or version.",
        fix="Correct the ARN in the Data Action, region, alias and version included, or create the function in AWS.",
    ),
    _Fault(
        code=pattern(r"^KMS\w*|^EC2AccessDenied$"),
        kind=Kind.FORBIDDEN_OTHER,
        cause="AWS {service} can't start the function: its role may not use the key or the network that it needs.",
        fix="In AWS, let the role of the function use its key (kms:Decrypt), or its network; or change its key.",
    ),
    _Fault(
        code=pattern(r"^AccessDenied$|^UnauthorizedOperation$"),
        kind=Kind.FORBIDDEN_OTHER,
        cause="AWS {service} refuses, not Genesys: a role or policy in AWS does not allow what its sentence names.",
        fix="In AWS, correct the role that the sentence names: its policies, or whom it trusts.",
    ),
    _Fault(
        code=pattern(r"^Invalid(?:Runtime|ZipFile|SubnetID|SecurityGroupID)$|^SubnetIPAddressLimit\w*|^EFS\w+|^SnapStart\w+"),
        kind=Kind.SERVER_ERROR,
        cause="AWS {service} can't start the function: its set-up (runtime, package, network or file system) is at fault.",
        fix="Correct the set-up of the function in AWS: its own error code names the part. The same call will fail again.",
    ),
    _Fault(
        code=pattern(r"^Service(?:Unavailable)?$|^Internal(?:Failure|ServerError)$|^Resource(?:NotReady|Conflict)$"),
        kind=Kind.UPSTREAM_UNAVAILABLE,
        cause="AWS {service} fails or is not ready just now. Genesys Cloud and the function are not at fault.",
        fix="Wait and send it again. If it lasts, look at the state of AWS in that region.",
        passes=True,
    ),
)


def _found(case: Case) -> tuple[_Fault, str] | None:
    if "(Service:" not in case.reading.text:
        return None
    report = _REPORT.search(f"{case.text}\n{case.reading.outer_text}")
    if report is None:
        return None
    service, status, code = report.groups()
    code = code or _BY_STATUS.get(status, "")
    return next(((fault, service) for fault in _FAULTS if fault.code.search(code)), None)


def _kind(case: Case) -> Kind:
    found = _found(case)
    return found[0].kind if found else AWS_FAULT.kind


def _passes(case: Case) -> bool:
    found = _found(case)
    return found is not None and found[0].passes


def _words(case: Case, names: tuple[str, ...]) -> Words:
    found = _found(case)
    if found is None:
        return AWS_FAULT.words
    fault, service = found
    return Words(
        cause=fault.cause.format(service=service), confirm=AWS_FAULT.words.confirm, fix=fault.fix, who=AWS_FAULT.words.who
    )


AWS_FAULT = Rule(
    key="aws-limit-or-fault",
    kind=Kind.RATE_LIMITED,
    title="A limit or fault of AWS",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=lambda case: _found(case) is not None),
    kind_in=_kind,
    retryable=_passes,
    said=_words,
    words=Words(
        cause="AWS could not carry the call out.",
        confirm="In AWS, call the function with the same input and look at its metrics and its log.",
        fix="Correct in AWS what its error code names.",
        who=REMOTE_OWNER,
    ),
    page=Page(
        means=(
            "The call of a Data Action reached AWS, and AWS itself answered: a limit is used up, the name is of nothing, the "
            "function can't be started, or AWS fails. Genesys Cloud passes the sentence on as it is."
        ),
        confirm="The brackets hold AWS's service, status and error code. In AWS, call the function with the same input.",
        fix="Limits pass, or are raised in AWS. A name is corrected in the Data Action, everything else in AWS.",
        who_can="Whoever administers the AWS account; for the name, the owner of the Data Action.",
        provenance="Observed: sentences of the AWS SDK behind Data Actions. The error codes are those of AWS Lambda's Invoke.",
        retry="By the error code: limits and faults of AWS pass, the others stay.",
    ),
    example=Example(
        status=400,
        body=(
            '{"errorCode":"BAD_REQUEST","status":400,"correlationId":"4d2ce3ed-159e-42d1-82ac-9fb828edb566","userMessage":'
            '"Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: 1)",'
            '"details":[{"errorCode":"ACTION.REMOTE_ENDPOINT"}]}'
        ),
        via="data_action",
    ),
)

RULES = (AWS_FAULT,)
