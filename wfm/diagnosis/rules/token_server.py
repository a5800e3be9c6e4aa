"""No token was given, each reason by itself: the grant type, a scope asked for, the trust of an AWS role, the wrong host."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case, pattern, scopes
from wfm.diagnosis.rules.record import REMOTE_OWNER, Example, Matchers, Rule, Variant, action_error, oauth_error, observed
from wfm.domain.diagnoses import Kind
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
    matchers=Matchers(weak_codes=pattern(r"^unauthorized\.client$"), sentences=pattern(*_GRANT_WORDS), within=_WITHIN),
    cause="The OAuth client may not use this grant type. Its id and secret may be right.",
    more="A client is made for one way to sign in. A new secret does not help.",
    confirm="Compare the grant type of {client} in Admin with the grant_type of the request.",
    fix="Use a client whose grant type is the one that is asked for: Client Credentials for a program without a user.",
    who="OAuth admin",
    source=observed("unauthorized_client with such a sentence. The code is of RFC 6749."),
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
    matchers=Matchers(
        codes=pattern(r"^unsupported\.grant\.type$"),
        sentences=pattern(
            r"\b(?:invalid|unsupported|unknown|wrong) grant[ _-]?type",
            r"\bgrant[ _-]?type\b[^.\n]{0,40}\b(?:invalid|required|missing)\b",
            r"\bgrant[ _-]?type\b[^.\n]{0,40}\b(?:not|must be) (?:given|provided|specified|set|present)\b",
            r"\b(?:missing|required|must contain)\b(?: \w+){0,3}[: '\"`]{1,4}grant[ _-]type\b",
        ),
        within=_WITHIN,
    ),
    cause="The token server does not know the grant type of the request, or found none in its body.",
    confirm="Check the body: grant_type=client_credentials, sent as application/x-www-form-urlencoded.",
    fix="Send grant_type in a form body, in the spelling of OAuth: client_credentials, authorization_code, refresh_token.",
    who="Action owner",
    source=observed("the code is of RFC 6749."),
    example=oauth_error(400, "unsupported_grant_type"),
)


def _asked_values(case: Case) -> Mapping[str, str]:
    names = scopes(case)
    return {"named": f" ({', '.join(names[:4])})"} if names else {}


SCOPE_ASKED = Rule(
    key="scope-asked-not-accepted",
    kind=Kind.MISSING_SCOPE,
    title="The token server does not accept a scope that is asked for",
    matchers=Matchers(codes_within=pattern(r"^invalid\.scope$"), within=_WITHIN),
    names=scopes,
    cause=(
        "The token server does not accept a scope that is asked for{named|}: it does not exist there, or the client may "
        "not have it."
    ),
    confirm="Compare the scopes in the request for the token with those that the server lists for the client.",
    fix="Correct the scope in the request for the token, or in the configuration of the integration.",
    who="OAuth admin",
    values=_asked_values,
    variants=(Variant(when=lambda case: case.behind_action, who="Integration admin"),),
    source=observed("such answers behind Data Actions. The code is of RFC 6749."),
    example=oauth_error(400, "invalid_scope", "unknown scope"),
)

_ASSUME_ROLE = pattern(
    r"\bnot authorized to perform:? sts:AssumeRole", r"\bAssumeRole\b[^\n]{0,200}\b(?:access ?denied|not authorized)"
)


def _trust(case: Case) -> bool:
    if "AssumeRole" not in case.response.text:
        return False
    return bool(_ASSUME_ROLE.search(f"{case.text}\n{case.response.outer_text}"))


AWS_TRUST = Rule(
    key="aws-role-not-trusted",
    kind=Kind.UNAUTHENTICATED,
    title="The AWS role does not trust Genesys Cloud",
    matchers=Matchers(special=_trust),
    cause="AWS does not let Genesys Cloud take the role of the integration: the role's trust policy does not allow it.",
    more="A Data Action of an AWS integration first takes a role (sts:AssumeRole). No right of Genesys Cloud is missing.",
    confirm="In AWS, check the role's trust policy: principal and external id (the organization's id) must fit.",
    fix=(
        "Correct the role's trust policy (the Genesys Cloud account as principal, the organization id as external id), or "
        "the role's ARN in the credentials."
    ),
    who=REMOTE_OWNER,
    source=observed("AWS's own sentence behind Data Actions."),
    example=action_error(
        400,
        "INVALID_CREDENTIALS",
        (
            "User: arn:aws:sts::111122223333:assumed-role/a/s is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::444455556666:role/r"
        ),
        "ACTION.AUTHENTICATION",
    ),
)

_WRONG_TOKEN_HOST = pattern(r"https?://(?:api|apps)\.[^/\s\"']{3,100}/oauth/(?:token|authorize)\b|/api/v2/oauth/token\b")
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
    status = case.response.effective_status
    if (status is not None and not 400 <= status < 500) or status == 429:
        return False
    if any(host.search(f"{case.evidence.call or ''}\n{case.url}") for host in (_WRONG_TOKEN_HOST, _WRONG_API_HOST)):
        return True
    return case.of_token_server and (status in _NO_TOKEN_SERVER or case.response.words == "authentication.required")


def _called_login_host(case: Case) -> bool:
    return bool(_WRONG_API_HOST.search(f"{case.evidence.call or ''}\n{case.url}"))


WRONG_HOST = Rule(
    key="token-asked-of-wrong-host",
    kind=Kind.UNAUTHENTICATED,
    title="The token is asked of the wrong host",
    matchers=Matchers(special=_wrong_host),
    kind_in=lambda case: _BY_STATUS.get(case.response.effective_status or 0, Kind.UNAUTHENTICATED),
    cause="The token was asked of a host that gives none: the token server is the login host of the organization's region.",
    more="Asked at the other host, a token or a call is not found, not allowed, or not signed in, whatever the client.",
    confirm="Compare the host with the region of the organization: login. and api. stand before the same domain.",
    fix="Ask for the token at https://login.<domain of the region>/oauth/token, and call the API at https://api.<domain>.",
    who="Action owner",
    variants=(
        Variant(
            when=_called_login_host,
            cause="The call went to the login host, which gives tokens and does not answer API calls.",
            fix="Send the call to the API host of the same region: api. instead of login.",
        ),
    ),
    source=observed("answers of both hosts, which are published."),
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

_RETURN = r"\b(?:redirect|callback|reply)[ _-]?ur[il]"
_REDIRECT = pattern(
    r"\bredirect_ur[il]_(?:mismatch|not_\w+|invalid)",
    rf"{_RETURN}\b[^\n]{{0,160}}\b(?:not|n't|invalid|mismatch\w*|un(?:known|auth|regist)\w*|differ\w*|missing)\b",
    rf"\b(?:invalid|unknown|unauthori[sz]ed|unregistered|wrong|mismatch\w*|missing)\b[^.\n]{{0,30}}{_RETURN}",
)

REDIRECT = Rule(
    key="redirect-address-not-allowed",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The sign-in may not return to this address",
    matchers=Matchers(
        special=lambda case: case.response.firm_status in (None, 400, 401, 403) and bool(_REDIRECT.search(case.text)),
        codes=pattern(r"^redirect\.ur[il]\.mismatch$|^invalid\.redirect\.ur[il]$"),
    ),
    kind_in=lambda case: Kind.UNAUTHENTICATED if case.response.words == "invalid.grant" else Kind.BAD_REQUEST_OTHER,
    cause="The OAuth client does not allow the redirect URI of the sign-in, or the sign-in began with another one.",
    confirm="Compare the redirect_uri of the request with the authorized redirect URIs of {client}, letter by letter.",
    fix="Add this redirect URI to {client}, or send one that is listed: scheme, port and last slash count too.",
    who="OAuth admin",
    source=observed("the rule is of RFC 6749."),
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
    if case.response.words != "access.denied" or (case.response.firm_status or 400) not in (302, 303, 400, 401):
        return False
    return case.of_token_server or bool(_DECLINED.search(case.text)) or error_in_address(case.response.text) is not None


DECLINED = Rule(
    key="sign-in-declined",
    kind=Kind.UNAUTHENTICATED,
    title="The sign-in was declined",
    matchers=Matchers(special=_declined),
    cause="The sign-in ended without consent: the person declined it, or may not use this application.",
    confirm="Sign in again with the same account and read what the page asks for.",
    fix="Sign in again and allow the access. If an administrator must approve the application, have it approved first.",
    who="The person who signs in",
    source=observed("the code is of RFC 6749."),
    example=Example(body="https://app.example.com/cb#error=access_denied&error_description=user+denied"),
)

RULES = (AWS_TRUST, REDIRECT, WRONG_HOST, DECLINED, GRANT_UNKNOWN, GRANT_TYPE, SCOPE_ASKED)
