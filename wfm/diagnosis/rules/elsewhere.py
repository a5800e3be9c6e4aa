"""Refused elsewhere: by AWS, by the store of an upload, by the calling system. No right of Genesys Cloud is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case, pattern
from wfm.diagnosis.rules.record import CALLER_ADMIN, REMOTE_OWNER, Example, Matchers, Rule, Variant, action_error, observed
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form

_AWS_ACTION = re.compile(r"\bnot authorized to perform:? ([a-z][\w-]{1,40}:[A-Z]\w{2,60})")


_FUNCTION_URL = pattern(r"\bFunction URL authorization\b", r"\bLambda (?:function )?URLs?\b", r"\blambda:InvokeFunctionUrl\b")


def _action_refused(case: Case) -> re.Match[str] | None:
    if "to perform" not in case.response.text:
        return None
    return _AWS_ACTION.search(f"{case.text}\n{case.response.outer_text}")


def _by_function_url(case: Case) -> bool:
    """Whether the address of an AWS function refuses: it wants signed calls, or its policy does not let this caller in."""
    return case.response.effective_status == 403 and bool(_FUNCTION_URL.search(f"{case.response.text}\n{case.text}"))


def _aws_values(case: Case) -> Mapping[str, str]:
    found = _action_refused(case)
    return {"action": found[1]} if found else {}


ANOTHER_SERVICE = Rule(
    key="another-service-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="Another service refuses",
    matchers=Matchers(),
    cause="Another service refuses, not Genesys Cloud.",
    more=(
        "A service behind a Data Action, or one that a program calls, does not accept the credentials or does not let the "
        "account do this; the kind says which. No scope, role or division of Genesys Cloud is in question."
    ),
    confirm="Make the same call to that service directly, with the same credentials: it is refused in the same words.",
    fix="Correct the credentials, or give their account the right in that service.",
    who=REMOTE_OWNER,
    source=observed("answers of ServiceNow, Salesforce, Microsoft, Google and others behind Data Actions."),
    example=Example(
        status=403,
        body='{"error":{"message":"User Not Authorized","detail":"Failed API level ACL Validation"},"status":"failure"}',
        call="POST /api/v2/integrations/actions/{actionId}/execute",
        via="data_action",
    ),
)

_WALL = pattern(
    r"\berror code:? 10(?:0[5-9]|1[0-9]|20)\b",
    r"\bCloudflare to restrict access\b|\bAttention Required! \| Cloudflare\b|\bSorry, you have been blocked\b",
    r"\bIncapsula incident\b",
    r"\bdon[’']?t have permission to access\b[^\n]{1,300}\bReference ?#",  # Akamai
    r"\brequested URL was rejected\. Please consult\b",  # F5
    r"\bSucuri Website Firewall\b",
)


def _behind_wall(case: Case) -> bool:
    said = f"{case.text}\n{case.response.outer_text}\n{case.response.text}"
    return case.response.effective_status in (None, 200, 400, 403, 406, 503) and bool(_WALL.search(said))


FIREWALL = Rule(
    key="firewall-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="A firewall in front of the service blocks the call",
    matchers=Matchers(special=_behind_wall),
    cause="A firewall in front of the service blocks the call before the service sees it. No right is missing.",
    more="Cloudflare, Imperva, Akamai, F5 and others judge by the address of the caller, its headers and what it sends.",
    confirm="Have the owner of the service look the blocked request up in the log of the firewall, by the id in the answer.",
    fix="Have the firewall let the call pass: by the addresses that it comes from, or by the rule that the log names.",
    who=REMOTE_OWNER,
    source=observed("pages and codes of Cloudflare, Imperva, Akamai, F5 and Sucuri."),
    example=Example(status=403, body="error code: 1020", via="data_action"),
)

AWS_POLICY = Rule(
    key="aws-policy-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="An AWS policy refuses",
    matchers=Matchers(special=lambda case: _action_refused(case) is not None or _by_function_url(case)),
    cause="AWS refuses, not Genesys Cloud: the calling role or user may not do {action|this}.",
    more=(
        "No right of Genesys Cloud is missing. A function is called with lambda:InvokeFunction on its ARN, alias or "
        "version included."
    ),
    confirm="In AWS, check the policies of the role for {action|the action} on the named resource.",
    fix="Allow {action|the action} on that resource in a policy of the AWS role.",
    who=REMOTE_OWNER,
    values=_aws_values,
    variants=(
        Variant(
            when=_by_function_url,
            cause="AWS refuses, not Genesys Cloud: the function's URL wants signed calls, or its policy shuts this caller out.",
            confirm="In AWS, look at the function: the authorization type of its URL, and its resource policy.",
            fix=(
                "Set the authorization type of the function's URL to NONE and allow lambda:InvokeFunctionUrl in its resource "
                "policy, or call the function through the AWS Lambda integration."
            ),
        ),
    ),
    retry="No. A changed policy takes some seconds.",
    source=observed("AWS's own sentence behind Data Actions."),
    example=action_error(
        400,
        "BAD_REQUEST",
        (
            "User: arn:aws:sts::111122223333:assumed-role/actions/session is not authorized to perform: lambda:InvokeFunction "
            "on resource: arn:aws:lambda:eu-west-1:111122223333:function:lookup (Service: AWSLambda; Status Code: 403)"
        ),
        "ACTION.REMOTE_ENDPOINT",
    ),
)

_EXPIRED = pattern(r"\brequest has expired\b")  # S3, of an address that is signed for some minutes; its code is AccessDenied

SIGNATURE = Rule(
    key="signed-request-refused",
    kind=Kind.UNAUTHENTICATED,
    title="A signed request is not as it was signed",
    matchers=Matchers(
        special=lambda case: case.response.form is Form.XML and bool(_EXPIRED.search(case.text)),
        codes=pattern(r"^signature\.does\.not\.match$", r"^request\.time\.too\.skewed$", r"^incomplete\.signature$"),
        sentences=pattern(
            r"\brequest signature we calculated does not match", r"\brequest time and the current time is too large"
        ),
    ),
    cause="The signature does not fit the request: another method, header, body or time than the one that was signed.",
    more="An upload sends no Authorization header.",
    confirm="Compare method and headers, Content-Type included, with those that came with the upload address.",
    fix=(
        "Send the upload soon, with exactly the method, headers and body for which its address was given, or ask for a "
        "new address. For a request signed with a key, check the key and the clock."
    ),
    who="Action owner",
    source=observed("code and sentence of Amazon S3, where uploads of schedules and forecasts go."),
    example=Example(
        status=403,
        body=(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the "
            "signature you provided. Check your key and signing method.</Message></Error>"
        ),
    ),
)

NOT_LET_OUT = Rule(
    key="caller-not-let-out",
    kind=Kind.FORBIDDEN_OTHER,
    title="The calling system does not let the call out",
    matchers=Matchers(
        sentences=pattern(
            r"\bunauthorized endpoint\b",
            r"\bremote site settings?\b",
            r"\bblocked by CORS\b|\bAccess-Control-Allow-Origin\b|\bcross-origin request blocked\b",
            r"\bviolates the (?:following )?(?:document's )?content security policy",
            r"\btunnel connection failed: 40[37]\b|\bproxy (?:authentication required|refused)\b",
            r"\bblocked by (?:the |a |your )?(?:company |corporate |web )?(?:proxy|firewall|url filter)\b",
        ),
    ),
    cause="The calling system refuses to send the call: its own list of allowed addresses or a browser's rule forbids it.",
    confirm="Make the same call from another machine: it is answered. Genesys Cloud never saw this one.",
    fix=(
        "Allow the address in the calling system: in Salesforce as a remote site, at a proxy as a host. A page in a "
        "browser calls through a server of its own, or from an origin that is allowed."
    ),
    who=CALLER_ADMIN,
    source=observed("texts of Salesforce, browsers and proxies."),
    example=Example(
        body=(
            "System.CalloutException: Unauthorized endpoint, please check Setup->Security->Remote site settings. "
            "endpoint = https://login.mypurecloud.ie/oauth/token"
        )
    ),
)

RULES = (ANOTHER_SERVICE, FIREWALL, AWS_POLICY, SIGNATURE, NOT_LET_OUT)
