"""The token, the client or the account was not accepted: before any question of rights."""

from __future__ import annotations

from dataclasses import replace

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import dotted

_REFUSALS = frozenset({400, 401, 403, 407, 419, 440, 498})


_ACTION_REASONS = (
    (
        pattern(r"\binvalid[._]scope\b"),
        "the token server does not accept a scope that the integration asks for",
        "Correct the scope in the configuration of the integration (it is a scope of that service, not one of Genesys Cloud)",
    ),
    (
        pattern(r"\bunauthorized[._]client\b", r"\bgrant[ ._-]?type\b"),
        "the client of the integration may not use this grant type",
        "Use a client whose grant type is the one that the integration asks for",
    ),
    (
        pattern(r"\binvalid[._]client\b"),
        "the token server does not accept the id or the secret of the integration's client",
        "Correct client id and secret in the credentials of the integration",
    ),
)
"""What a token server says to an integration, the reason in words, and the change."""


def _action_sign_in(case: Case) -> bool:
    return case.reading.category == "ACTION.AUTHENTICATION"


def _token_refused(case: Case) -> bool:
    """Whether the token server refuses and says no reason: most often the client, its secret or the region is wrong."""
    return case.of_token_server and not case.reading.deciding.code and case.reading.firm_status in (400, 401)


def _action_words(case: Case, names: tuple[str, ...]) -> Words:
    """The sentences by what the token server said to the integration."""
    said = " ".join(f"{dotted(layer.code or '')} {layer.message}" for layer in case.reading.layers)
    cause = "The integration's own credentials are not accepted: the Data Action failed before it sent its request."
    fix = "Enter working credentials in the integration of this Data Action, then test it again."
    for sign, reason, change in _ACTION_REASONS:
        if sign.search(said):
            cause = f"The Data Action failed before it sent its request: {reason}."
            fix = f"{change}, then test the action again."
            break
    return Words(cause=cause, confirm=ACTION_SIGN_IN.words.confirm, fix=fix, who="Integration admin")


_DISABLED = pattern(r"\b(?:disabled|inactive|not active|deactivated|suspended|deleted)\b")
_CLIENT_DISABLED = pattern(rf"\bclient\b[^.\n]{{0,40}}{_DISABLED.pattern}")
_OF_CLIENTS = frozenset({"unauthorized.client", "invalid.client", "invalid.grant", "access.denied"})


def _client_disabled(case: Case) -> bool:
    """Whether the token server says that the client is disabled, whatever the code that it has for it."""
    asked = case.of_token_server or case.reading.words in _OF_CLIENTS
    return asked and case.reading.firm_status in (None, 400, 401) and bool(_CLIENT_DISABLED.search(case.text))


_UNKNOWN = pattern(r"\b(?:not found|unknown|does(?:n'?t| not) exist|no such)\b")


def _client_words(case: Case, names: tuple[str, ...]) -> Words:
    words = INVALID_CLIENT.words
    if _DISABLED.search(case.text):
        return replace(
            words,
            cause="The token server does not accept the OAuth client: it is disabled.",
            confirm="Look at the state of the client in Admin.",
            fix="Enable the OAuth client in Admin, or use another one. Id and secret may be right.",
        )
    if _UNKNOWN.search(case.text):
        return replace(
            words,
            cause="The token server does not know the OAuth client: its id is wrong, or it is of another region.",
            fix="Correct the client id, or set the login host of the organization's region. A new secret does not help.",
        )
    return words


INVALID_CLIENT = Rule(
    key="invalid-client",
    kind=Kind.INVALID_CLIENT,
    title="The OAuth client is not accepted",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        special=_client_disabled,
        codes=pattern(r"^(?:\w+\.)?invalid\.client$", r"^invalid\.client\.(?:id|secret|credentials)$"),
        sentences=pattern(
            r"client (?:authentication failed|credentials (?:are|is) (?:invalid|wrong|incorrect))",
            r"\boauth client is (?:disabled|inactive|not active)\b",
            r"(?:invalid|unknown|wrong|incorrect) client(?:[ _-]?(?:id|secret|credentials?)|\b(?! request))",
        ),
        hint=_token_refused,
        within=_REFUSALS,
    ),
    said=_client_words,
    words=Words(
        cause="The token server does not accept the OAuth client: its id, its secret or its region is wrong.",
        confirm="Compare the client id with the one in Admin; check that the login host is of the same region.",
        fix="Correct the id and secret, or set the region of the organization. A lost secret can only be replaced.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "No token was given. The client id is unknown, the secret is wrong, the client is disabled, or it belongs "
            "to another region: the token server answers the same in each case."
        ),
        confirm="Compare the id in the settings with the one in Admin, and the login host with the organization's region.",
        fix="Correct id, secret or region in the settings. A secret that is lost can only be replaced.",
        who_can="Whoever administers OAuth clients; for the settings of this desk, its operator.",
        provenance="Observed: messages of the official SDKs; the codes are of RFC 6749.",
        retry="No.",
    ),
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
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(
            r"^(?:[a-z.]+\.)?(?:credentials?|tokens?|jwt)\.(?:is\.|has\.)?expired(?:\.error)?$",
            r"^expired\.(?:access\.)?token$",
        ),
        codes_within=pattern(
            r"session\.?(?:id)?\.?(?:expired|timed\.out)", r"invalid\.session\.id", r"expired\.(?:session|credentials?|jwt)"
        ),
        sentences=pattern(
            r"\b(?:tokens?|sessions?|credentials?|jwt|assertion)\b(?: \w+){0,8} (?:expired|revoked)\b",
            r"\bexpired (?:access |bearer |refresh |auth )?(?:token|session|credentials?|jwt)",
            r"\bjwt expired",
            r"\btoken (?:is )?no longer valid",
        ),
        statuses=frozenset({419, 440, 498}),
        within=frozenset({400, 401, 403, 407, 419, 440, 498}),
    ),
    words=Words(
        cause="The token or session used for this call has expired.",
        confirm="Look when the token was fetched and how long it lives. A fresh token works.",
        fix="Fetch a new token and send the call again. Behind a Data Action, renew the integration's credentials.",
        who="OAuth admin",
    ),
    page=Page(
        means="The credentials were right once and are too old now: a token, a session or a refresh token ran out.",
        confirm="Fetch a new token and repeat the call: it works.",
        fix=(
            "The desk fetches a new token by itself and tries once more. Behind a Data Action the credentials belong to "
            "the integration: enter them again there. A refresh token that ran out needs a new sign-in."
        ),
        who_can="Whoever owns the credentials: OAuth admin, or the owner of the integration.",
        provenance="Published: credentials.expired is declared in the API definition. Other spellings are other vendors'.",
        retry="Not the same request: it carries the old token.",
    ),
    example=Example(
        status=401,
        body='{"message":"The supplied credentials are expired and cannot be used.","code":"credentials.expired","status":401}',
    ),
)

ADDRESS = Rule(
    key="address-not-allowed",
    kind=Kind.UNAUTHENTICATED,
    title="Calls from this address are not allowed",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^ip\.not\.authorized$", r"ip\.(?:address\.)?(?:not\.allowed|blocked|restricted)"),
        sentences=pattern(r"\bip address\b.{0,60}\bnot (?:authorized|allowed|permitted|whitelisted)"),
        within=frozenset({401, 403}),
    ),
    words=Words(
        cause="The organization does not accept calls from this network address.",
        confirm="Compare the address that the desk calls from with the organization's list of allowed addresses.",
        fix="Add the address of the machine that runs the desk to the organization's allowed addresses.",
        who="Organization admin",
    ),
    page=Page(
        means="The organization limits where calls may come from, and the address of this machine is not in its list.",
        confirm="The same call works from an allowed network.",
        fix="Add the outgoing address of the machine that runs the desk and its worker to the allowed addresses.",
        who_can="An administrator of the organization.",
        provenance="Published: ip.not.authorized is declared in the API definition.",
        retry="No.",
    ),
    example=Example(
        status=401,
        body=(
            '{"message":"Requests originating from this IP address are not authorized: [203.0.113.7]",'
            '"code":"ip.not.authorized","status":401}'
        ),
    ),
)

ACTION_SIGN_IN = Rule(
    key="action-sign-in-failed",
    kind=Kind.UNAUTHENTICATED,
    title="The Data Action could not sign in",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_action_sign_in),
    said=_action_words,
    words=Words(
        cause="The integration's own credentials are not accepted: the Data Action failed before it sent its request.",
        confirm="Test the action in Admin: it stops at the authentication step. The inner message names the reason.",
        fix="Enter working credentials in the integration of this Data Action, then test it again.",
        who="Integration admin",
    ),
    page=Page(
        means=(
            "The Data Action signs in with the credentials of its integration, and that sign-in failed. The request "
            "itself was never sent, so scopes and permissions of this call are not in question yet."
        ),
        confirm="Test the action: the step that fetches a token fails, and the inner message says why.",
        fix="Enter working credentials in the integration, or repair the account that they belong to.",
        who_can="Whoever administers integrations.",
        provenance="Observed: a help article shows the payload with details ACTION.AUTHENTICATION.",
        retry="No.",
    ),
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
    if case.reading.words != "invalid.grant" or case.reading.firm_status not in (None, 400, 401, 403):
        return False
    expired = EXPIRED.signs.sentences
    return expired is None or not expired.search(case.text)


GRANT = Rule(
    key="grant-refused",
    kind=Kind.UNAUTHENTICATED,
    title="The sign-in behind the token is refused",
    provenance=Provenance.OBSERVED,
    signs=Signs(special=_grant_refused, weak_codes=pattern(r"^invalid\.grant$"), within=frozenset({400, 401, 403})),
    words=Words(
        cause="The token server accepts the client but not the sign-in: password, code or refresh token.",
        confirm="The description beside the code names the reason; sign in by hand with the same account.",
        fix="Sign in again for a new code or token, or correct the account that the credentials belong to.",
        who="Integration admin",
    ),
    page=Page(
        means=(
            "No token was given, because what was offered for it is wrong, used already, or too old: a password, an "
            "authorization code, a refresh token or an assertion."
        ),
        confirm="The error_description says more. Signing in by hand with the same account shows whether it works.",
        fix="Sign in again. For an integration, enter working credentials.",
        who_can="Whoever owns the account or the integration.",
        provenance="Observed behind Data Actions; the code is of RFC 6749.",
        retry="No.",
    ),
    example=Example(
        status=400, body='{"error":"invalid_grant","error_description":"Authorization code was not accepted"}', via="oauth"
    ),
)

UNAUTHENTICATED = Rule(
    key="not-signed-in",
    kind=Kind.UNAUTHENTICATED,
    title="The token is missing or not accepted",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
            r"^login\.required$",
            r"^auth(?:entication)?\.(?:failed|error|failure)$",
        ),
        weak_codes=pattern(r"^invalid\.(?:access\.|authentication\.)?token$", r"^token\.invalid$", r"^unauthorized(?:\.\w+)?$"),
        sentences=pattern(
            r"\bmissing authentication token",
            r"\b(?:access |bearer |auth(?:entication)? )?token (?:is )?(?:missing|invalid|not (?:recogni[sz]ed|provided))",
            r"\binvalid (?:access |bearer )?token",
            r"\bno authentication",
            r"\bnot authenticated",
            r"\bauthentication (?:is )?(?:required|failed)",
            r"\binvalid (?:login )?credentials",
            r"\binvalid (?:api|subscription) key",
            r"\bmissing api key",
        ),
        statuses=frozenset({401, 407}),
        within=frozenset({401, 403, 407}),
    ),
    words=Words(
        cause="The call carries no token, or one that is not accepted.",
        confirm="Repeat the call with a fresh token. In a Data Action, look at the Authorization header it sends.",
        fix="Use a valid token. In a Genesys Cloud Data Action leave the header out: the integration adds its own.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "The platform does not know who is calling: the token is missing, wrong, of another region, or no longer "
            "known. An expired token is often reported in the same words."
        ),
        confirm="Repeat the call with a fresh token of the same client.",
        fix=(
            "Fetch a new token. In a Genesys Cloud Data Action no Authorization header is needed, the integration's "
            "credentials are used; an unset {{oauth_token}} sends an empty one."
        ),
        who_can="OAuth admin; for a Data Action, whoever administers integrations.",
        provenance="Published: authentication.required and bad.credentials are declared on practically every call.",
        retry="Not the same request: it carries the same token.",
    ),
    example=Example(
        status=401,
        body=(
            '{"message":"No authentication bearer token specified in authorization header.",'
            '"code":"authentication.required","status":401}'
        ),
    ),
)

RULES = (ACTION_SIGN_IN, EXPIRED, INVALID_CLIENT, ADDRESS, UNAUTHENTICATED, GRANT)
