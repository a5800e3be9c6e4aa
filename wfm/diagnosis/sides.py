"""Whose side a failure is on: what another service refuses is not answered with a right of Genesys Cloud."""

from __future__ import annotations

import re

from wfm import catalogue
from wfm.diagnosis.rules.base import PLATFORM_HOST, Case, Rule, Words
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import ParsedResponse

REMOTE_OWNER = "Owner of the remote service"
CALLER_ADMIN = "Admin of the calling system"
ELSEWHERE = frozenset({REMOTE_OWNER, CALLER_ADMIN})
"""Who can help where Genesys Cloud is not the one that refuses."""

_PLATFORM_CODE = re.compile(r"[a-z]+(?:\.[a-z]+)+")
_BRIEF_WORDS = re.compile(r"insufficient permissions? for resource access|^\s*resource not found\.?\s*$", re.IGNORECASE)
_OF_OTHERS = re.compile(  # what only other vendors say: ServiceNow, Microsoft, Salesforce, Google, AWS
    r"\bAPI level ACL\b|\bRequired to provide Auth information\b|\bAADSTS\d{4,}|\bprv[A-Z]\w+ privilege\b|\barn:aws:"
    r"|\bINSUFFICIENT_ACCESS\w*|\bINVALID_SESSION_ID\b|\bAuthoriz?ation_RequestDenied\b|\bAuthorizationFailed\b|\bPERMISSION_DENIED\b"
)
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
    reading = case.reading
    if case.evidence.behind or case.is_brief:
        return False
    if case.elsewhere or _OF_OTHERS.search(reading.text):
        return True
    if _asks_for_other_credentials(reading):
        return not case.of_token_server
    here = [layer for layer in reading.layers if layer.level == reading.level]
    named = (*reading.names.permissions, *reading.names.held)
    told_by_form = any(layer.correlation_id and layer.code for layer in here) or bool(
        _PLATFORM_CODE.fullmatch(reading.deciding.code or "")
    )
    of_platform = (
        (told_by_form and not _is_wrapper(reading))
        or bool(_BRIEF_WORDS.search(case.text))
        or bool(set(named) & catalogue.published_permissions())
        or "/api/v2/" in case.text
    )
    return case.behind_action and not of_platform


def _is_wrapper(reading: ParsedResponse) -> bool:
    """Whether the error that decides is a Data Action's own report of a service whose answer has no body that can be read.

    Code and correlation id are then the wrapper's, and say nothing of whose answer it was.
    """
    remote = reading.category in ("", "ACTION.REMOTE_ENDPOINT")
    return reading.level == 0 and remote and (bool(reading.category) or bool(_REPORTS.search(reading.inner_text)))


def _asks_for_other_credentials(reading: ParsedResponse) -> bool:
    """Whether the answer asks to sign in as the platform never does: by Basic, or at somebody else's address."""
    challenge = reading.headers.get("www-authenticate", "")
    if PLATFORM_HOST.search(challenge):
        return False
    return bool(_OTHER_SCHEME.match(challenge)) or "://" in challenge


def _service(case: Case) -> str:
    if case.elsewhere:
        return f"the service at {case.elsewhere}"
    return "the service behind the Data Action" if case.behind_action else "the other service"


def words(case: Case, rule: Rule, names: tuple[str, ...]) -> Words | None:
    """The sentences where another service refuses; None where the rule's own are right."""
    if rule.key not in _BY_SIDE or not is_remote(case):
        return None
    service = _service(case)
    where = "in the integration of this Data Action" if case.behind_action else "in the program that calls"
    account = "with which the integration signs in" if case.behind_action else "with which the program signs in"
    if rule.kind is Kind.RATE_LIMITED:
        cause = f"Too many calls in a short time to {service}, not to Genesys Cloud."
        fix = "Wait, then send it again, and call that service less often. A higher limit is that service's to give."
    elif rule.kind is Kind.EXPIRED_TOKEN:
        cause = f"The token or session for {service} has expired."
        fix = f"Renew the credentials {where}, then try again."
    elif rule.kind in (Kind.UNAUTHENTICATED, Kind.INVALID_CLIENT):
        cause = f"{service} does not accept the credentials that it was given, or got none."
        given = "a valid key" if _KEY.search(case.text) else "working credentials"
        fix = f"Enter {given} for that service {where}, and see that the request sends them as the service wants it."
    else:
        lacking = f" It names {', '.join(names[:4])}." if names else ""
        what = "a licence or feature is missing there" if rule.kind is Kind.MISSING_LICENSE else "the account may not do this"
        cause = f"{service} refuses, not Genesys Cloud: {what}.{lacking}"
        fix = f"Give the account {account} the right in that service."
        if case.behind_action and not case.elsewhere:
            fix += " Only where the service is Genesys Cloud itself do the roles of the integration's OAuth client count."
    confirm = "Make the same call to that service directly, with the same credentials: it is refused in the same words."
    return Words(cause=cause, confirm=confirm, fix=fix, who=REMOTE_OWNER)
