"""No token was given, each reason by itself: the grant type, a scope asked for, the trust of an AWS role, the wrong host."""

from __future__ import annotations

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern, scopes
from wfm.diagnosis.sides import REMOTE_OWNER
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.text_extraction import error_in_address

_WITHIN = frozenset({400, 401, 403})
_GRANT_WORDS = (
    r"\b(?:not|n'?t|un)\s?(?:authori[sz]ed|allowed|permitted|enabled|supported|configured)\b[^.\n]{0,40}\bgrant[ _-]?type",
    r"\bgrant[ _-]?type\b[^.\n]{0,60}\b(?:not (?:authori[sz]ed|allowed|permitted|enabled)|disabled)\b",
)

GRANT_TYPE = Rule(
    key="grant-type-not-allowed",
    kind=Kind.INVALID_CLIENT,
    title="The OAuth client is made for another grant type",
    provenance=Provenance.OBSERVED,
    signs=Signs(codes=pattern(r"^unauthorized\.client$"), sentences=pattern(*_GRANT_WORDS), within=_WITHIN),
    words=Words(
        cause="The OAuth client may not use this grant type: its id and secret can be right all the same.",
        confirm="Compare the grant type of {client} in Admin with the grant_type of the request.",
        fix="Use a client whose grant type is the one that is asked for: Client Credentials for a program without a user.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "A client is made for one way to sign in: client credentials, authorization code, or another. The request uses "
            "another way. A new secret does not help."
        ),
        confirm="In Admin the client shows its grant type; the request shows its own as grant_type.",
        fix="Create a client with the grant type that the program uses, or let the program use that of the client.",
        who_can="Whoever administers OAuth clients.",
        provenance="Observed: unauthorized_client with such a sentence. The code is of RFC 6749.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body='{"error":"unauthorized_client","description":"client is not authorized for this grant type"}',
        call="POST /oauth/token",
        via="oauth",
    ),
)

GRANT_UNKNOWN = Rule(
    key="grant-type-unknown",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The token server does not know the grant type",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        codes=pattern(r"^unsupported\.grant\.type$"),
        sentences=pattern(
            r"\b(?:invalid|unsupported|unknown|wrong) grant[ _-]?type",
            r"\bgrant[ _-]?type\b[^.\n]{0,40}\b(?:invalid|required|missing)\b",
            r"\bgrant[ _-]?type\b[^.\n]{0,40}\b(?:not|must be) (?:given|provided|specified|set|present)\b",
            r"\b(?:missing|required)\b(?: \w+){0,3}[: '\"`]{1,4}grant[ _-]type\b",
        ),
        within=_WITHIN,
    ),
    words=Words(
        cause="The token server does not know the grant type of the request, or found none in its body.",
        confirm="Look at the body: grant_type=client_credentials, sent as application/x-www-form-urlencoded.",
        fix="Send grant_type in a form body, in the spelling of OAuth: client_credentials, authorization_code, refresh_token.",
        who="Action owner",
    ),
    page=Page(
        means="The grant type is misspelt, is missing, or was sent as JSON where a form is wanted.",
        confirm="Look at the Content-Type and the body of the request for a token.",
        fix="Send a form body with grant_type in it.",
        who_can="Whoever wrote the request for the token.",
        provenance="Observed. The code is of RFC 6749.",
        retry="No.",
    ),
    example=Example(status=400, body='{"error":"unsupported_grant_type"}', call="POST /oauth/token", via="oauth"),
)


def _scope_words(case: Case, names: tuple[str, ...]) -> Words:
    named = f" {', '.join(names[:4])}" if names else ""
    return Words(
        cause=f"The token server does not accept a scope that is asked for{named and ':'}{named}: it does not exist there, "
        "or the client may not have it.",
        confirm="Compare the scopes in the request for the token with those that the server lists for the client.",
        fix="Correct the scope in the request for the token; of an integration, in its configuration.",
        who="Integration admin" if case.behind_action else "OAuth admin",
    )


SCOPE_ASKED = Rule(
    key="scope-asked-not-accepted",
    kind=Kind.MISSING_SCOPE,
    title="The token server does not accept a scope that is asked for",
    provenance=Provenance.OBSERVED,
    signs=Signs(codes_within=pattern(r"^invalid\.scope$"), within=_WITHIN),
    names=scopes,
    said=_scope_words,
    words=Words(
        cause="The token server does not accept a scope that is asked for.",
        confirm="Compare the scopes in the request for the token with those of the client.",
        fix="Correct the scope in the request for the token.",
        who="OAuth admin",
    ),
    page=Page(
        means="The request for a token names a scope that is misspelt, unknown, or not granted to the client. None was given.",
        confirm="Compare the scopes asked for, letter by letter, with those of the client or of the service's documentation.",
        fix="Correct the scope where it is configured: in the program, or in the integration of the Data Action.",
        who_can="Whoever configures the integration or the program.",
        provenance="Observed behind Data Actions. The code is of RFC 6749.",
        retry="No.",
    ),
    example=Example(
        status=400, body='{"error":"invalid_scope","error_description":"unknown scope"}', call="POST /oauth/token", via="oauth"
    ),
)

_ASSUME_ROLE = pattern(
    r"\bnot authorized to perform:? sts:AssumeRole", r"\bAssumeRole\b[^\n]{0,200}\b(?:access ?denied|not authorized)"
)


def _trust(case: Case) -> bool:
    if "AssumeRole" not in case.reading.text:
        return False
    return bool(_ASSUME_ROLE.search(f"{case.text}\n{case.reading.outer_text}"))


AWS_TRUST = Rule(
    key="aws-role-not-trusted",
    kind=Kind.UNAUTHENTICATED,
    title="The AWS role does not trust Genesys Cloud",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_trust),
    words=Words(
        cause="AWS does not let Genesys Cloud take the role of the integration: the role's trust policy does not allow it.",
        confirm="In AWS, look at the trust policy of the role: principal and external id (the organization's id) must fit.",
        fix="Correct the role's trust policy: the Genesys Cloud account as principal, the organization id as external id.",
        who=REMOTE_OWNER,
    ),
    page=Page(
        means=(
            "A Data Action of an AWS integration first takes a role (sts:AssumeRole). The role's trust policy names who may, "
            "and Genesys Cloud is not among them, or the external id differs. No right of Genesys Cloud is missing."
        ),
        confirm="Compare the role's ARN in the credentials with that in AWS, and its trust policy with the guide.",
        fix="Correct principal and external id in the trust policy, or the role's ARN in the integration's credentials.",
        who_can="Whoever administers the AWS account.",
        provenance="Observed: AWS's own sentence behind Data Actions.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            '{"errorCode":"INVALID_CREDENTIALS","status":400,"correlationId":"4d2ce3ed-159e-42d1-82ac-9fb828edb566",'
            '"userMessage":"User: arn:aws:sts::111122223333:assumed-role/a/s is not authorized to perform: '
            'sts:AssumeRole on resource: arn:aws:iam::444455556666:role/r","details":[{"errorCode":"ACTION.AUTHENTICATION"}]}'
        ),
        via="data_action",
    ),
)

_WRONG_TOKEN_HOST = pattern(r"https?://(?:api|apps)\.[^/\s\"']{3,100}/oauth/(?:token|authorize)\b")
_WRONG_API_HOST = pattern(r"https?://login\.[^/\s\"']{3,100}/api/v\d/")
_NO_TOKEN_SERVER = frozenset({404, 405, 410})
_BY_STATUS = {
    404: Kind.NOT_FOUND_OTHER,
    410: Kind.NOT_FOUND_OTHER,
    405: Kind.METHOD_NOT_ALLOWED,
    403: Kind.FORBIDDEN_OTHER,
    400: Kind.BAD_REQUEST_OTHER,
}


def _wrong_host(case: Case) -> bool:
    status = case.reading.effective_status
    if (status is not None and not 400 <= status < 500) or status == 429:
        return False
    if any(host.search(f"{case.evidence.call or ''}\n{case.url}") for host in (_WRONG_TOKEN_HOST, _WRONG_API_HOST)):
        return True
    return case.of_token_server and (status in _NO_TOKEN_SERVER or case.reading.words == "authentication.required")


def _host_words(case: Case, names: tuple[str, ...]) -> Words:
    if _WRONG_API_HOST.search(f"{case.evidence.call or ''}\n{case.url}"):
        cause = "The call went to the login host, which gives tokens and answers no call of the API."
        fix = "Send the call to the API host of the same region: api. instead of login."
    else:
        cause = (
            "The token was asked of a host that gives none: the token server is the login host of the organization's region."
        )
        fix = "Ask for the token at https://login.<domain of the region>/oauth/token, and call the API at https://api.<domain>."
    confirm = "Compare the host with the region of the organization: login. and api. stand before the same domain."
    return Words(cause=cause, confirm=confirm, fix=fix, who="Action owner")


WRONG_HOST = Rule(
    key="token-asked-of-wrong-host",
    kind=Kind.UNAUTHENTICATED,
    title="The token is asked of the wrong host",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_wrong_host),
    kind_in=lambda case: _BY_STATUS.get(case.reading.effective_status or 0, Kind.UNAUTHENTICATED),
    said=_host_words,
    words=Words(
        cause="The token was asked of a host that gives none.",
        confirm="Compare the host with the region of the organization.",
        fix="Ask for the token at the login host of the region.",
        who="Action owner",
    ),
    page=Page(
        means=(
            "Each region has two hosts: login. gives tokens, api. answers calls. Asked at the other one, a token or a call is "
            "not found, not allowed, or not signed in, whatever the client."
        ),
        confirm="Compare both hosts with the region of the organization.",
        fix="Ask for the token at login., make the calls at api., both with the domain of the organization's region.",
        who_can="Whoever set the address.",
        provenance="Observed. The two hosts are published.",
        retry="No.",
    ),
    example=Example(
        status=401,
        body=(
            '{"message":"No authentication bearer token specified in authorization header.",'
            '"code":"authentication.required","status":401}'
        ),
        call="POST https://api.mypurecloud.ie/oauth/token",
        via="oauth",
    ),
)

_REDIRECT = pattern(
    r"\bredirect_ur[il]_(?:mismatch|not_\w+|invalid)",
    r"\bredirect[ _-]?ur[il]\b[^\n]{0,160}\b(?:not|n't|invalid|mismatch\w*|un(?:known|auth|regist)\w*|differ\w*|missing)\b",
    r"\b(?:invalid|unknown|unauthori[sz]ed|unregistered|wrong|mismatch\w*|missing)\b[^.\n]{0,30}\bredirect[ _-]?ur[il]",
)

REDIRECT = Rule(
    key="redirect-address-not-allowed",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The sign-in may not return to this address",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        special=lambda case: case.reading.firm_status in (None, 400, 401, 403) and bool(_REDIRECT.search(case.text)),
        codes=pattern(r"^redirect\.ur[il]\.mismatch$|^invalid\.redirect\.ur[il]$"),
    ),
    kind_in=lambda case: Kind.UNAUTHENTICATED if case.reading.words == "invalid.grant" else Kind.BAD_REQUEST_OTHER,
    words=Words(
        cause="The redirect URI of the sign-in is not one of those that the OAuth client allows, or not the one it began with.",
        confirm="Compare the redirect_uri of the request with the authorized redirect URIs of {client}, letter by letter.",
        fix="Add this redirect URI to {client}, or send one that stands there: scheme, port and last slash count too.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "A client lists the addresses to which a person's sign-in may return. The request names another one, or for the "
            "token another one than for the sign-in."
        ),
        confirm="Compare both addresses letter by letter: http and https, port, path and last slash.",
        fix="Add the address to the client in Admin, or correct it in the program.",
        who_can="Whoever administers OAuth clients; whoever configures the program.",
        provenance="Observed. The rule is of RFC 6749.",
        retry="No.",
    ),
    example=Example(
        status=400, body='{"error":"invalid_request","error_description":"Invalid redirect_uri"}', call="GET /oauth/authorize"
    ),
)

_DECLINED = pattern(
    r"\b(?:user|owner|person|admin\w*)\b[^.\n]{0,40}\b(?:denied|declined|cancel\w*|refused|rejected)\b",
    r"\bconsent\b[^.\n]{0,40}\b(?:denied|declined|required|not given)\b",
)


def _declined(case: Case) -> bool:
    """Whether a person's sign-in ended without consent: access_denied in the address that the browser returned to."""
    if case.reading.words != "access.denied" or (case.reading.firm_status or 400) not in (302, 303, 400, 401):
        return False
    return case.of_token_server or bool(_DECLINED.search(case.text)) or error_in_address(case.reading.text) is not None


DECLINED = Rule(
    key="sign-in-declined",
    kind=Kind.UNAUTHENTICATED,
    title="The sign-in was declined",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_declined),
    words=Words(
        cause="The sign-in ended without consent: the person declined it, or may not use this application.",
        confirm="Sign in again with the same account and read what the page asks for or says.",
        fix="Sign in again and allow the access; where an administrator must approve the application, have it approved first.",
        who="The person who signs in",
    ),
    page=Page(
        means="The sign-in page sent the person back with access_denied: no code and no token were given.",
        confirm="Sign in again and read the page.",
        fix="Allow the access, or have an administrator approve the application for the organization.",
        who_can="The person who signs in; an administrator for approvals.",
        provenance="Observed. The code is of RFC 6749.",
        retry="No.",
    ),
    example=Example(body="https://app.example.com/cb#error=access_denied&error_description=user+denied"),
)

RULES = (AWS_TRUST, REDIRECT, WRONG_HOST, DECLINED, GRANT_UNKNOWN, GRANT_TYPE, SCOPE_ASKED)
