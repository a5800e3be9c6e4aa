"""The token, the client or the account was not accepted: before any question of rights."""

from __future__ import annotations

import re

from wfm.diagnosis.rules.base import Case, pattern
from wfm.diagnosis.rules.record import Example, Matchers, Rule, Variant, oauth_error, observed, platform_error, published
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form, dotted

_REFUSALS = frozenset({400, 401, 403, 407, 419, 440, 498})


_ACTION_FAILED = "The Data Action failed before it sent its request"


def _said_to_action(sign: re.Pattern[str], reason: str, change: str) -> Variant:
    """What the token server said to the integration, the reason in words, and the change."""
    return Variant(
        when=lambda case: any(sign.search(f"{dotted(layer.code or '')} {layer.message}") for layer in case.response.envelopes),
        cause=f"{_ACTION_FAILED}: {reason}.",
        fix=f"{change}, then test the action again.",
    )


def _action_sign_in(case: Case) -> bool:
    return case.response.category == "ACTION.AUTHENTICATION"


def _token_refused(case: Case) -> bool:
    """Whether the token server refuses and says no reason: most often the client, its secret or the region is wrong."""
    return case.of_token_server and not case.response.deciding.code and case.response.firm_status in (400, 401)


_DISABLED = pattern(r"\b(?:disabled|inactive|not active|deactivated|suspended|deleted)\b")
_CLIENT_DISABLED = pattern(rf"\bclient\b[^.\n]{{0,40}}{_DISABLED.pattern}")
_OF_CLIENTS = frozenset({"unauthorized.client", "invalid.client", "invalid.grant", "access.denied"})


def _client_disabled(case: Case) -> bool:
    """Whether the token server says that the client is disabled, whatever the code that it has for it."""
    asked = case.of_token_server or case.response.words in _OF_CLIENTS
    return asked and case.response.firm_status in (None, 400, 401) and bool(_CLIENT_DISABLED.search(case.text))


_CLIENT_NAMED = pattern(
    r"\b(?:authenticat|token|sign|log)\w*\b[^.\n]{0,60}\bclient[ _-]?(?:id\b[^.\n]{0,20}\bsecret|credentials)\b"
)


def _signs_in_as_client(case: Case) -> bool:
    """Whether a text says that a client signs in with its id and secret, and is answered 401 without a reason."""
    response = case.response
    bare = response.words in ("", "unauthorized")
    return response.form is Form.TEXT and bare and response.firm_status == 401 and bool(_CLIENT_NAMED.search(response.text))


_UNKNOWN = pattern(r"\b(?:not found|unknown|does(?:n'?t| not) exist|no such)\b")


INVALID_CLIENT = Rule(
    key="invalid-client",
    kind=Kind.INVALID_CLIENT,
    title="The OAuth client is not accepted",
    matchers=Matchers(
        special=_client_disabled,
        codes=pattern(r"^(?:\w+\.)?invalid\.client$", r"^invalid\.client\.(?:id|secret|credentials)$"),
        sentences=pattern(
            r"client (?:authentication failed|credentials (?:are|is) (?:invalid|wrong|incorrect))",
            r"\boauth client is (?:disabled|inactive|not active)\b",
            r"(?:invalid|unknown|wrong|incorrect) client(?:[ _-]?(?:id|secret|credentials?)|\b(?! request))",
        ),
        hint=lambda case: _token_refused(case) or _signs_in_as_client(case),
        within=_REFUSALS,
    ),
    cause="The token server does not accept the OAuth client: its id, its secret or its region is wrong.",
    confirm="Compare the client id with the one in Admin; check that the login host is of the same region.",
    fix="Correct the id and secret, or set the region of the organization. A lost secret can only be replaced.",
    who="OAuth admin",
    variants=(
        Variant(
            when=lambda case: bool(_DISABLED.search(case.text)),
            cause="The token server does not accept the OAuth client: it is disabled.",
            confirm="Check the state of the client in Admin.",
            fix="Enable the OAuth client in Admin, or use another one. Id and secret may be right.",
        ),
        Variant(
            when=lambda case: bool(_UNKNOWN.search(case.text)),
            cause="The token server does not know the OAuth client: its id is wrong, or it is of another region.",
            fix="Correct the client id, or set the login host of the organization's region. A new secret does not help.",
        ),
    ),
    source=observed("messages of the official SDKs; the codes are of RFC 6749."),
    example=Example(
        status=401,
        body='{"error":"invalid_client","description":"authentication failed"}',
        call="POST /oauth/token",
        via="oauth",
    ),
)

EXPIRED = Rule(
    key="token-expired",
    kind=Kind.EXPIRED_TOKEN,
    title="The token or session has expired",
    matchers=Matchers(
        codes=pattern(
            r"^(?:[a-z.]+\.)?(?:credentials?|tokens?|jwt)\.(?:is\.|has\.)?expired(?:\.error)?$",
            r"^expired\.(?:access\.)?token$",
        ),
        codes_within=pattern(
            r"session\.?(?:id)?\.?(?:expired|timed\.out)", r"invalid\.session\.id", r"expired\.(?:session|credentials?|jwt)"
        ),
        sentences=pattern(
            r"(?<!\bpage )(?<!\bsync )\b(?:tokens?|sessions?|credentials?|jwt|assertion)\b(?: \w+){0,8} (?:expired|revoked)\b",
            r"\bexpired (?:access |bearer |refresh |auth )?(?:token|session|credentials?|jwt)",
            r"\bjwt expired",
            r"\btoken (?:is )?no longer valid",
        ),
        statuses=frozenset({419, 440, 498}),
        within=frozenset({400, 401, 403, 407, 419, 440, 498}),
    ),
    cause="The token or session used for this call has expired.",
    more="A refresh token that has run out needs a new sign-in. The desk fetches its own token again by itself.",
    confirm="Check when the token was fetched and how long it lives. A new token works.",
    fix="Fetch a new token and send the call again. Behind a Data Action, renew the integration's credentials.",
    who="OAuth admin",
    retry="Not the same request: it carries the old token.",
    source=published("credentials.expired is declared in the API definition. Other spellings are other vendors'."),
    example=platform_error(401, "credentials.expired", "The supplied credentials are expired and cannot be used."),
)

ADDRESS = Rule(
    key="address-not-allowed",
    kind=Kind.UNAUTHENTICATED,
    title="Calls from this address are not allowed",
    matchers=Matchers(
        codes=pattern(r"^ip\.not\.authorized$", r"ip\.(?:address\.)?(?:not\.allowed|blocked|restricted)"),
        sentences=pattern(r"\bip address\b.{0,60}\bnot (?:authorized|allowed|permitted|whitelisted)"),
        within=frozenset({401, 403}),
    ),
    cause="The organization does not accept calls from this network address.",
    confirm="Compare the address that the desk calls from with the organization's list of allowed addresses.",
    fix="Add the address of the machine that runs the desk and its worker to the organization's allowed addresses.",
    who="Organization admin",
    source=published("ip.not.authorized is declared in the API definition."),
    example=platform_error(
        401, "ip.not.authorized", "Requests originating from this IP address are not authorized: [203.0.113.7]"
    ),
)

ACTION_SIGN_IN = Rule(
    key="action-sign-in-failed",
    kind=Kind.UNAUTHENTICATED,
    title="The Data Action could not sign in",
    matchers=Matchers(special=_action_sign_in),
    cause=f"{_ACTION_FAILED}: the integration's own credentials are not accepted.",
    more="Scopes and permissions of the call are not in question yet.",
    confirm="Test the action in Admin: it stops at the authentication step. The inner message names the reason.",
    fix="Enter working credentials in the integration, then test the action again.",
    who="Integration admin",
    variants=(
        _said_to_action(
            pattern(r"\binvalid[._]scope\b"),
            "the token server does not accept a scope that the integration asks for",
            "Correct the scope in the configuration of the integration (a scope of that service, not of Genesys Cloud)",
        ),
        _said_to_action(
            pattern(r"\bunauthorized[._]client\b", r"\bgrant[ ._-]?type\b"),
            "the client of the integration may not use this grant type",
            "Use a client whose grant type is the one that the integration asks for",
        ),
        _said_to_action(
            pattern(r"\binvalid[._]client\b"),
            "the token server does not accept the id or the secret of the integration's client",
            "Correct client id and secret in the credentials of the integration",
        ),
    ),
    source=observed("a help article shows the payload with details ACTION.AUTHENTICATION."),
    example=Example(
        status=400,
        body=(
            '{"errorCode":"INVALID_CREDENTIALS","status":400,"correlationId":"0f2d7a54-31c7-4b0c-9a55-0c1f3d1f7a10",'
            '"userMessage":"There was an issue validating the credentials.","details":[{"errorCode":"ACTION.AUTHENTICATION"}],'
            '"errors":[{"errorCode":"INVALID_CREDENTIALS","status":400,"userMessage":"Request to backend service failed.'
            '  Response from web service: {\\"error\\":\\"invalid_grant\\"}"}]}'
        ),
        via="data_action",
    ),
)


def _grant_refused(case: Case) -> bool:
    """Whether the code says so; a sentence such as "authorization code is invalid" then speaks of no value of a request."""
    if case.response.words != "invalid.grant" or case.response.firm_status not in (None, 400, 401, 403):
        return False
    expired = EXPIRED.matchers.sentences
    return expired is None or not expired.search(case.text)


GRANT = Rule(
    key="grant-refused",
    kind=Kind.UNAUTHENTICATED,
    title="The sign-in behind the token is refused",
    matchers=Matchers(special=_grant_refused, weak_codes=pattern(r"^invalid\.grant$"), within=frozenset({400, 401, 403})),
    cause="The token server accepts the client but not the sign-in: password, code or refresh token.",
    more="What was offered for a token is wrong, used already, or too old.",
    confirm="The description beside the code names the reason. Sign in by hand with the same account.",
    fix="Sign in again for a new code or token, or correct the account that the credentials belong to.",
    who="Integration admin",
    source=observed("such answers behind Data Actions; the code is of RFC 6749."),
    example=oauth_error(400, "invalid_grant", "Authorization code was not accepted"),
)

_OF_AWS_GATEWAY = pattern(r"^missing authentication token$")

UNAUTHENTICATED = Rule(
    key="not-signed-in",
    kind=Kind.UNAUTHENTICATED,
    title="The token is missing or not accepted",
    matchers=Matchers(
        codes=pattern(
            r"^authentication\.required$",
            r"^bad\.credentials$",
            r"^(?:not\.|un)authenticated$",
            r"^missing\.authentication\.token$",
            r"^unrecognized\.client$",
            r"^(?:third\.party\.)?invalid\.credentials$",
        ),
        codes_within=pattern(
            r"(?:^|\.)invalid\.(?:api\.key|signature|auth\w*)$",
            r"\bfailed\.(?:authentication|to\.resolve\.api\.key)$",
            r"^(?:auth\w*\.)?token\.(?:missing|required)$",
            r"^(?:login\.required|invalid\.login)$",
            r"^auth(?:entication)?\.(?:failed|error|failure)$",
            r"^invalid\.authentication\.token$",
        ),
        weak_codes=pattern(r"^invalid\.(?:access\.)?token$", r"^token\.invalid$", r"^unauthorized(?:\.\w+)?$"),
        sentences=pattern(
            r"\bcould not load the default credentials\b|\bunable to locate credentials\b",  # SDKs of Google and AWS
            r"\bmissing authentication token",
            r"\b(?:access |bearer |auth(?:entication)? )?token (?:is )?(?:missing|invalid|not (?:recogni[sz]ed|provided))",
            r"\binvalid (?:access |bearer )?token",
            r"\bno authentication",
            r"\bnot authenticated|\b(?:not|no) logged[- ]in\b",
            r"\bauthentication (?:is )?(?:required|failed)",
            r"\binvalid (?:login )?credentials",
            r"\binvalid (?:api|subscription) key",
            r"\b(?:missing|no) api key",
            r"\bcredentials (?:were |are )?(?:not provided|missing|required)\b",
        ),
        statuses=frozenset({401, 407}),
        within=frozenset({401, 403, 407}),
    ),
    cause="The call carries no token, or one that is not accepted.",
    more=(
        "A token of another region is not accepted, and an expired one is often reported in the same words. In a Data "
        "Action an unset {{oauth_token}} sends an empty one."
    ),
    confirm="Repeat the call with a new token. In a Data Action, check the Authorization header that it sends.",
    fix="Use a valid token. In a Genesys Cloud Data Action leave the header out: the integration adds its own.",
    who="OAuth admin",
    variants=(
        Variant(
            when=lambda case: bool(_OF_AWS_GATEWAY.search(case.text)),
            cause="The gateway of AWS knows no such path or verb, or wants a signed request: it says both in these words.",
            confirm="Compare the address with the one that AWS shows for the stage of the API.",
            fix="Correct the path, its stage included, or the verb. Where both are right, sign the request.",
            who="Action owner",
        ),
    ),
    retry="Not the same request: it carries the same token.",
    source=published("authentication.required and bad.credentials are declared on practically every call."),
    example=platform_error(401, "authentication.required", "No authentication bearer token specified in authorization header."),
)

RULES = (ACTION_SIGN_IN, EXPIRED, INVALID_CLIENT, ADDRESS, UNAUTHENTICATED, GRANT)
