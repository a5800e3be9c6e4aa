"""Whose side a failure is on: what another service refuses is not answered with a right of Genesys Cloud."""

from __future__ import annotations

import re
from dataclasses import replace

from wfm import catalogue
from wfm.diagnosis.rules.base import PLATFORM_HOST, Case, names_platform_path
from wfm.diagnosis.rules.elsewhere import ANOTHER_SERVICE
from wfm.diagnosis.rules.record import CALLER_ADMIN, REMOTE_OWNER, Rule, Sentences, render
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import ParsedResponse

ELSEWHERE = frozenset({REMOTE_OWNER, CALLER_ADMIN})
"""Who can help where Genesys Cloud is not the one that refuses."""

_PLATFORM_CODE = re.compile(r"[a-z]+(?:\.[a-z]+)+")
_BRIEF_WORDS = re.compile(r"insufficient permissions? for resource access|^\s*resource not found\.?\s*$", re.IGNORECASE)
_OF_OTHERS = re.compile(  # what only other vendors say: ServiceNow, Microsoft, Salesforce, Google, AWS
    r"\bAPI level ACL\b|\bRequired to provide Auth information\b|\bAADSTS\d{4,}|\bprv[A-Z]\w+ privilege\b|\barn:aws:"
    r"|\bexplicit deny\b|\bgoogle\.(?:api_core|auth|cloud)\b|\bgoogleapis\.com\b|\bIAM permission\b|\bbotocore\b"
    r"|\bINSUFFICIENT_ACCESS\w*|\bINVALID_SESSION_ID\b|\bAuthoriz?ation_RequestDenied\b|\bAuthorizationFailed\b|\bPERMISSION_DENIED\b"
    r"|\bdefault credentials\b|\bunable to locate credentials\b|\bUNAUTHENTICATED\b|\bRESOURCE_EXHAUSTED\b"
    r"|<[Aa]piErrors\b|\brpc error: code = |\bStatusCode\.[A-Z_]{4,}"
)
_SERVICE = (
    r"(?:Zendesk|Service ?Now|Salesforce|Dynamics(?: 365)?|SAP|HubSpot|Freshdesk|Jira|Twilio|Five9|Okta|Zoho|SharePoint|Azure"
    r"|Google(?: \w+)?|DialogFlow|OpenAI|Contentful|(?:our|their|my|his) own (?:API|service|server|backend)"
    r"|(?:external|third[- ]party|3rd[- ]party|remote|customer'?s|upstream) (?:\w+ )?(?:API|endpoint|service|system)s?"
    r"|(?:the )?(?:web service|endpoint|API) behind the (?:data )?action)"
)
_TOLD = re.compile(  # "Zendesk rejects it", "our own API returned 403", "401 Unauthorized from Salesforce"
    rf"\b{_SERVICE}(?: \w+){{0,3}} (?:(?:reject|return|answer|respond|throw|fail)(?:s|ed|ing)?|refuse[sd]?|den(?:y|ies|ied)"
    rf"|gives?|gave|sends?|sent|repl(?:y|ies|ied))\b|\b[45]\d\d\b[^.\n]{{0,40}} (?:from|by) (?:the )?{_SERVICE}\b"
    rf"|\b{_SERVICE}(?: \w+){{0,3}} rate limit",
    re.IGNORECASE,
)
_NOT_TOLD = re.compile(  # "a 429 from the Genesys Cloud side, not ServiceNow"
    rf"\b[45]\d\d\b[^.\n]{{0,30}} (?:from|by) (?:the )?(?:Genesys|PureCloud)\b|\bnot {_SERVICE}\b", re.IGNORECASE
)
_NAMED_SERVICE = re.compile(rf"\b{_SERVICE}\b")
_OF_PLATFORM = re.compile(r"genesys|pure ?cloud|/api/v2/", re.IGNORECASE)
_RELATIVE = re.compile(r"\"(?:url|uri|path)\\?\": {0,2}\\?\"(/[^\"\\\s]{2,300})")
_KEY = re.compile(r"\b(?:api|subscription|access|function|host|master|app)[ _-]?key\b", re.IGNORECASE)
_REPORTS = re.compile(r"\b(?:backend service failed|response from web service)\b", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"\s*(?:basic|digest|ntlm|negotiate|apikey|hmac\w*|aws4\S*)\b", re.IGNORECASE)
_BY_SIDE = frozenset(
    {
        *("scope-missing", "permission-missing", "division-missing", "feature-not-enabled", "organization-refuses"),
        *("refused", "not-signed-in", "token-expired", "invalid-client", "rate-limit"),
    }
)
"""Rules whose sentences speak of the platform's own access."""


REFUSED = frozenset(
    {Kind.MISSING_SCOPE, Kind.MISSING_PERMISSION, Kind.MISSING_DIVISION, Kind.MISSING_LICENSE, Kind.FORBIDDEN_OTHER}
    | {Kind.UNAUTHENTICATED}
)
"""Kinds of refusals; of another service's they have a page of their own."""


def is_remote(case: Case) -> bool:
    """Whether the error that decides is that of another service, and nothing shows that it is the platform's."""
    response = case.response
    if case.evidence.behind or case.is_brief:
        return False
    if case.elsewhere or _OF_OTHERS.search(response.text):
        return True
    if _asks_for_other_credentials(response):
        return not case.of_token_server
    here = [layer for layer in response.envelopes if layer.level == response.level]
    rights = (*response.names.permissions, *response.names.held)
    told_by_form = any(layer.correlation_id and layer.code for layer in here) or bool(
        _PLATFORM_CODE.fullmatch(response.deciding.code or "")
    )
    of_platform = (
        (told_by_form and not _is_wrapper(response))
        or bool(_BRIEF_WORDS.search(case.text))
        or bool(set(rights) & catalogue.published_permissions())
        or names_platform_path(case.text)
    )
    if of_platform:
        return False
    if any(layer.place == "XML" for layer in here):
        return True  # the platform answers in JSON
    named = _TOLD if _OF_PLATFORM.search(response.text) else _NAMED_SERVICE
    told = named.search(response.text) and not _NOT_TOLD.search(response.text)
    return case.behind_action or _called_elsewhere(response) or bool(told)


def _called_elsewhere(response: ParsedResponse) -> bool:
    """Whether a function reports of a call whose path is none of the platform's."""
    paths = _RELATIVE.findall(response.text)
    return any(layer.is_function for layer in response.envelopes) and bool(paths) and not any(map(names_platform_path, paths))


def _is_wrapper(response: ParsedResponse) -> bool:
    """Whether the error that decides is a Data Action's own report of a service whose answer has no body that can be read.

    Code and correlation id are then the wrapper's, and say nothing of whose answer it was.
    """
    remote = response.category in ("", "ACTION.REMOTE_ENDPOINT")
    return response.level == 0 and remote and (bool(response.category) or bool(_REPORTS.search(response.inner_text)))


def _asks_for_other_credentials(response: ParsedResponse) -> bool:
    """Whether the answer asks to sign in as the platform never does: by Basic, or at somebody else's address."""
    challenge = response.headers.get("www-authenticate", "")
    if PLATFORM_HOST.search(challenge):
        return False
    return bool(_OTHER_SCHEME.match(challenge)) or "://" in challenge


_MAY_NOT = "{service} refuses, not Genesys Cloud: the account may not do this.{lacking}"
_GIVE_RIGHT = "Give the account with which {caller} signs in the right in that service.{if_genesys}"
_IF_GENESYS = " Only where the service is Genesys Cloud itself do the roles of the integration's OAuth client count."
_NOT_ACCEPTED = (
    "{service} does not accept the credentials that it was given, or got none.",
    "Enter {credentials} for that service {where}, and see that the request sends them as the service wants it.",
)
_SAID = {
    Kind.RATE_LIMITED: (
        "Too many calls in a short time to {service}, not to Genesys Cloud.",
        "Wait, then send it again, and call that service less often. A higher limit is that service's to give.",
    ),
    Kind.EXPIRED_TOKEN: (
        "The token or session for {service} has expired.",
        "Renew the credentials {where}, then try again.",
    ),
    Kind.UNAUTHENTICATED: _NOT_ACCEPTED,
    Kind.INVALID_CLIENT: _NOT_ACCEPTED,
    Kind.MISSING_LICENSE: (
        "{service} refuses, not Genesys Cloud: a licence or feature is missing there.{lacking}",
        "Have the licence or feature enabled in that service for the account with which {caller} signs in.",
    ),
}
"""Cause and fix of what another service refuses, by the kind of the refusal."""


_AT_GENESYS = frozenset({"Supervisor", "WFM planner", "Genesys support"})


def who(case: Case, said: str) -> str:
    """Who can help: where another service answers, nobody who looks after agents or the platform."""
    if said not in _AT_GENESYS or not is_remote(case):
        return said
    if said == "Genesys support":
        return REMOTE_OWNER
    return "Action owner" if case.behind_action else "Owner of the calling program"


def _service(case: Case) -> str:
    if case.elsewhere:
        return f"the service at {case.elsewhere}"
    return "the service behind the Data Action" if case.behind_action else "the other service"


def sentences(case: Case, rule: Rule) -> Sentences | None:
    """What is said where another service refuses; None where the rule's own sentences are right."""
    if rule.key not in _BY_SIDE or not is_remote(case):
        return None
    names = rule.names(case) if rule.names else ()
    key = "a valid key" if _KEY.search(case.text) else "working credentials"
    values = {
        "service": _service(case),
        "where": "in the integration of this Data Action" if case.behind_action else "in the program that calls",
        "caller": "the integration" if case.behind_action else "the program",
        "lacking": f" It names {', '.join(names[:4])}." if names else "",
        "credentials": key,
        "if_genesys": _IF_GENESYS if case.behind_action and not case.elsewhere else "",
    }
    cause, fix = _SAID.get(rule.kind, (_MAY_NOT, _GIVE_RIGHT))
    general = ANOTHER_SERVICE.general()
    return replace(general, cause=render(cause, values), fix=render(fix, values))
