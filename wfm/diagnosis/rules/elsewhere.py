"""Refused elsewhere: by AWS, by the store of an upload, by the calling system. No right of Genesys Cloud is missing."""

from __future__ import annotations

import re

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.diagnosis.sides import CALLER_ADMIN, REMOTE_OWNER
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form

_AWS_ACTION = re.compile(r"\bnot authorized to perform:? ([a-z][\w-]{1,40}:[A-Z]\w{2,60})")


def _action_refused(case: Case) -> re.Match[str] | None:
    if "to perform" not in case.reading.text:
        return None
    return _AWS_ACTION.search(f"{case.text}\n{case.reading.outer_text}")


def _aws_words(case: Case, names: tuple[str, ...]) -> Words:
    found = _action_refused(case)
    action = found.group(1) if found else "the action"
    return Words(
        cause=f"AWS refuses: the role or user that calls may not do {action}. Genesys Cloud is not the one that refuses.",
        confirm=f"In AWS, look at the policies of the role for {action} on the named resource.",
        fix=f"Allow {action} on that resource in a policy of the AWS role.",
        who=REMOTE_OWNER,
    )


ANOTHER_SERVICE = Rule(
    key="another-service-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="Another service refuses",
    provenance=Provenance.OBSERVED,
    signs=Signs(),  # `sides` tells it, of whatever rule has found the refusal
    words=Words(
        cause="Another service refuses, not Genesys Cloud.",
        confirm="Make the same call to that service directly, with the same credentials: it is refused in the same words.",
        fix="Give the account with which that service is called the right there.",
        who=REMOTE_OWNER,
    ),
    page=Page(
        means=(
            "A service behind a Data Action, or another one that a program calls, does not accept the credentials or does not "
            "let the account do this. The kind says which. No scope, role or division of Genesys Cloud is in question."
        ),
        confirm="Make the same call to that service directly, with the same credentials: it is refused in the same words.",
        fix="Correct the credentials in the integration, or give its account the right in that service.",
        who_can="Whoever runs that service; for the credentials of a Data Action, whoever administers integrations.",
        provenance="Observed: answers of ServiceNow, Salesforce, Microsoft, Google and others behind Data Actions.",
        retry="No.",
    ),
    example=Example(
        status=403,
        body='{"error":{"message":"User Not Authorized","detail":"Failed API level ACL Validation"},"status":"failure"}',
        call="POST /api/v2/integrations/actions/{actionId}/execute",
        via="data_action",
    ),
)

AWS_POLICY = Rule(
    key="aws-policy-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="An AWS policy refuses",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=lambda case: _action_refused(case) is not None),
    said=_aws_words,
    words=Words(
        cause="AWS refuses: the role or user that calls may not do this.",
        confirm="In AWS, look at the policies of the role.",
        fix="Allow the action in a policy of the AWS role.",
        who=REMOTE_OWNER,
    ),
    page=Page(
        means="AWS knows who calls, and no policy of that role allows the action. No right of Genesys Cloud is missing.",
        confirm="The sentence names role, action and resource. In AWS, look at the role's policies and the resource's own.",
        fix="Allow that action on that resource, for a function lambda:InvokeFunction on its ARN, alias or version included.",
        who_can="Whoever administers the AWS account.",
        provenance="Observed: AWS's own sentence behind Data Actions.",
        retry="No. A changed policy takes some seconds.",
    ),
    example=Example(
        status=400,
        body=(
            '{"errorCode":"BAD_REQUEST","status":400,"correlationId":"4d2ce3ed-159e-42d1-82ac-9fb828edb566","userMessage":'
            '"User: arn:aws:sts::111122223333:assumed-role/actions/session is not authorized to perform: lambda:InvokeFunction '
            'on resource: arn:aws:lambda:eu-west-1:111122223333:function:lookup (Service: AWSLambda; Status Code: 403)",'
            '"details":[{"errorCode":"ACTION.REMOTE_ENDPOINT"}]}'
        ),
        via="data_action",
    ),
)

_EXPIRED = pattern(r"\brequest has expired\b")  # S3, of an address that is signed for some minutes; its code is AccessDenied

SIGNATURE = Rule(
    key="signed-request-refused",
    kind=Kind.UNAUTHENTICATED,
    title="A signed request is not as it was signed",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        special=lambda case: case.reading.form is Form.XML and bool(_EXPIRED.search(case.text)),
        codes=pattern(r"^signature\.does\.not\.match$", r"^request\.time\.too\.skewed$", r"^incomplete\.signature$"),
        sentences=pattern(
            r"\brequest signature we calculated does not match", r"\brequest time and the current time is too large"
        ),
    ),
    words=Words(
        cause="The signature does not fit the request: another method, header, body or time than the one that was signed.",
        confirm="Compare method and headers, Content-Type included, with those that came with the upload address.",
        fix=(
            "Send the upload soon, with exactly the method, headers and body for which its address was given; else ask for a "
            "new address. Of a request signed by a key, check the key and the clock."
        ),
        who="Action owner",
    ),
    page=Page(
        means=(
            "An address to upload to is signed for one method and certain headers, for some minutes. Anything added, left out "
            "or changed breaks the signature. Neither a token nor a right is missing."
        ),
        confirm="Compare the request with the answer that gave the address: its headers must be sent as given, and no others.",
        fix="Send exactly those headers and no Authorization header. If it is older than some minutes, ask for a new address.",
        who_can="Whoever wrote the upload.",
        provenance="Observed: the code and sentence are those of Amazon S3, where uploads of schedules and forecasts go.",
        retry="No.",
    ),
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
    provenance=Provenance.OBSERVED,
    signs=Signs(
        sentences=pattern(
            r"\bunauthorized endpoint\b",
            r"\bremote site settings?\b",
            r"\bblocked by CORS\b|\bAccess-Control-Allow-Origin\b|\bcross-origin request blocked\b",
            r"\bviolates the (?:following )?(?:document's )?content security policy",
            r"\btunnel connection failed: 40[37]\b|\bproxy (?:authentication required|refused)\b",
            r"\bblocked by (?:the |a |your )?(?:company |corporate |web )?(?:proxy|firewall|url filter)\b",
        ),
    ),
    words=Words(
        cause="The system that makes the call refuses to send it: its own list of allowed addresses or a browser's rule.",
        confirm="Make the same call from another machine: it is answered. Genesys Cloud never saw this one.",
        fix=(
            "Allow the address in the calling system: in Salesforce as a remote site, at a proxy as a host; "
            "a page in a browser calls by a server of its own, or by an origin that is allowed."
        ),
        who=CALLER_ADMIN,
    ),
    page=Page(
        means=(
            "The call never reached Genesys Cloud. Salesforce calls only addresses of its remote site settings; a browser only "
            "those that allow its page's origin; a company's network only those that its proxy lets through."
        ),
        confirm="The same call with curl from outside works.",
        fix="Allow the login and API host in the calling system.",
        who_can="Whoever administers the calling system or its network.",
        provenance="Observed: texts of Salesforce, browsers and proxies.",
        retry="No.",
    ),
    example=Example(
        body=(
            "System.CalloutException: Unauthorized endpoint, please check Setup->Security->Remote site settings. "
            "endpoint = https://login.mypurecloud.ie/oauth/token"
        )
    ),
)

RULES = (ANOTHER_SERVICE, AWS_POLICY, SIGNATURE, NOT_LET_OUT)
