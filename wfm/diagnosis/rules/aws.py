"""AWS's own limits and faults behind a Data Action: "… (Service: AWSLambda; Status Code: 429; Error Code: …)"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from wfm.diagnosis.rules.base import Case, pattern
from wfm.diagnosis.rules.record import REMOTE_OWNER, Matchers, Rule, Variant, action_error, observed
from wfm.domain.diagnoses import Kind

_REPORT = re.compile(  # the newer SDK has commas and no error code
    r"\(Service: (?:AWS|Amazon)? ?(\w{2,40})[;,] Status Code: (\d{3})[;,](?: Error Code: (\w{3,60}?)(?:Exception|Fault)?[;,])?",
    re.IGNORECASE,
)
_OF_BOTOCORE = re.compile(r"\bAn error occurred \((\w{3,60}?)(?:Exception|Fault)?\) when calling the (\w{2,60}) operation\b")
_SERVICES = {"Invoke": "Lambda", "AssumeRole": "STS"} | dict.fromkeys(("GetObject", "PutObject", "HeadObject"), "S3")
_SERVICES |= dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "Query", "Scan", "DeleteItem"), "DynamoDB")
_BY_STATUS = {"403": "AccessDenied", "404": "ResourceNotFound", "429": "TooManyRequests", "500": "Service", "503": "Service"}


def _report(case: Case) -> tuple[str, str] | None:
    """AWS's service and error code, where its sentence is passed on."""
    if found := _OF_BOTOCORE.search(case.response.text):
        return _SERVICES.get(found[2], found[2]), found[1]
    if "(Service:" not in case.response.text:
        return None
    report = _REPORT.search(f"{case.text}\n{case.response.outer_text}")
    return (report[1], report[3] or _BY_STATUS.get(report[2], "")) if report else None


def _code(*alternatives: str) -> Callable[[Case], bool]:
    """Whether the error code of AWS is one of these."""
    codes = pattern(*alternatives)
    return lambda case: (report := _report(case)) is not None and bool(codes.search(report[1]))


_FAULTS = (
    Variant(
        when=_code(r"^TooManyRequests$|^(?:EC2)?Throttl\w*|^(?:Request)?LimitExceeded$|^ProvisionedThroughput"),
        kind=Kind.RATE_LIMITED,
        cause="AWS {service|Lambda} takes no more calls just now: a limit of the AWS account or function, not of Genesys.",
        fix=(
            "Wait, then send it again. If it repeats, raise the concurrency of the function or the quota in AWS, or let the "
            "Data Action run less often."
        ),
        retryable=True,
    ),
    Variant(
        when=_code(r"^ResourceNotFound$|^NoSuch\w+|^FunctionNotFound$"),
        kind=Kind.NOT_FOUND_OTHER,
        cause="AWS {service|Lambda} has no {thing|function, alias or version} of the name (ARN) that is called.",
        fix="Correct the name or ARN where it is called, region, account, alias and version included, or create it in AWS.",
    ),
    Variant(
        when=_code(r"^KMS\w*|^EC2AccessDenied$"),
        kind=Kind.FORBIDDEN_OTHER,
        cause="AWS {service|Lambda} can't start the function: its role may not use the key or the network that it needs.",
        fix="In AWS, let the role of the function use its key (kms:Decrypt), or its network; or change its key.",
    ),
    Variant(
        when=_code(r"^AccessDenied$|^UnauthorizedOperation$"),
        kind=Kind.FORBIDDEN_OTHER,
        cause="AWS {service|Lambda} refuses, not Genesys: a role or policy in AWS does not allow what its sentence names.",
        fix="In AWS, correct the role that the sentence names: its policies, or whom it trusts.",
    ),
    Variant(
        when=_code(r"^Invalid(?:Runtime|ZipFile|SubnetID|SecurityGroupID)$|^SubnetIPAddressLimit\w*|^EFS\w+|^SnapStart\w+"),
        kind=Kind.SERVER_ERROR,
        cause="AWS {service|Lambda} can't start the function: its runtime, package, network or file system is at fault.",
        fix="Correct the set-up of the function in AWS: its own error code names the part. The same call will fail again.",
    ),
    Variant(
        when=_code(r"^Service(?:Unavailable)?$|^Internal(?:Failure|ServerError)$|^Resource(?:NotReady|Conflict)$"),
        kind=Kind.UPSTREAM_UNAVAILABLE,
        cause="AWS {service|Lambda} fails or is not ready just now. Genesys Cloud and the function are not at fault.",
        fix="Wait and send it again. If it lasts, look at the state of AWS in that region.",
        retryable=True,
    ),
    Variant(
        when=_code(r"^ExpiredToken$|^UnrecognizedClient$|^InvalidClientTokenId$|^InvalidAccessKeyId$"),
        kind=Kind.UNAUTHENTICATED,
        cause="AWS {service|Lambda} does not accept the key or session with which the call is signed.",
        fix="Give the program or the integration a valid key or role of AWS. A session that has expired is fetched again.",
    ),
    Variant(
        when=_code(r"^Validation$|^InvalidParameter\w*$|^InvalidRequestContent$"),
        kind=Kind.VALIDATION,
        cause="AWS {service|Lambda} does not accept a value of the call; its sentence names it.",
        fix="Correct the value, then send the call again.",
    ),
    Variant(
        when=_code(r"^ConditionalCheckFailed$|^TransactionCanceled$|^\w*AlreadyExists$"),
        kind=Kind.CONFLICT,
        cause="AWS {service|Lambda} refuses the write: what is stored there is not as the call expects.",
        fix="Read what is stored there, then decide whether to write again.",
    ),
)


def _values(case: Case) -> Mapping[str, str]:
    report = _report(case)
    if not report:
        return {}
    return {"service": report[0]} | ({} if "lambda" in report[0].casefold() else {"thing": "thing"})


AWS_FAULT = Rule(
    key="aws-limit-or-fault",
    kind=Kind.RATE_LIMITED,
    title="A limit or fault of AWS",
    matchers=Matchers(special=lambda case: any(fault.when(case) for fault in _FAULTS)),
    cause=(
        "AWS could not carry out the call: a limit is used up, the name does not exist, the function can't start, or AWS fails."
    ),
    more="Genesys Cloud passes AWS's sentence on: its brackets hold service, status and error code.",
    confirm="In AWS, call the function with the same input and check its metrics and its log.",
    fix="Correct in AWS what its error code names.",
    who=REMOTE_OWNER,
    values=_values,
    variants=_FAULTS,
    retry="By the error code: limits and faults of AWS pass, the others stay.",
    source=observed("sentences of the AWS SDK behind Data Actions. The error codes are those of AWS Lambda's Invoke."),
    example=action_error(
        400,
        "BAD_REQUEST",
        "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: 1)",
        "ACTION.REMOTE_ENDPOINT",
    ),
)

RULES = (AWS_FAULT,)
