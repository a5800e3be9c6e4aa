"""Whose side a failure is on: what a service behind a Data Action refuses is not answered with a right of Genesys Cloud."""

from __future__ import annotations

import re

from wfm import catalogue
from wfm.diagnosis.rules.base import Case, Rule, Words
from wfm.domain.diagnoses import Kind

REMOTE_OWNER = "Owner of the remote service"
CALLER_ADMIN = "Admin of the calling system"
ELSEWHERE = frozenset({REMOTE_OWNER, CALLER_ADMIN})
"""Who can help where Genesys Cloud is not the one that refuses."""

_PLATFORM_CODE = re.compile(r"[a-z]+(?:\.[a-z]+)+")
_BRIEF_WORDS = re.compile(r"insufficient permissions? for resource access|^\s*resource not found\.?\s*$", re.IGNORECASE)
_BY_SIDE = frozenset(
    {
        *("scope-missing", "permission-missing", "division-missing", "feature-not-enabled", "organization-refuses"),
        *("refused", "not-signed-in", "token-expired"),
    }
)
"""Rules whose sentences speak of the platform's own access."""

_SERVICE = "the service behind the Data Action"


def is_remote(case: Case) -> bool:
    """Whether the error that decides is that of a service behind a Data Action, and nothing shows that it is the platform's."""
    reading = case.reading
    if not case.behind_action or case.evidence.behind or case.is_brief or (case.operation and case.operation.path in case.text):
        return False
    here = [layer for layer in reading.layers if layer.level == reading.level]
    named = (*reading.names.permissions, *reading.names.held)
    of_platform = (
        any(layer.correlation_id and layer.code for layer in here)
        or bool(_PLATFORM_CODE.fullmatch(reading.deciding.code or ""))
        or bool(_BRIEF_WORDS.search(case.text))
        or bool(set(named) & catalogue.published_permissions())
        or "/api/v2/" in case.text
    )
    return not of_platform


def words(case: Case, rule: Rule, names: tuple[str, ...]) -> Words | None:
    """The sentences where another service refuses; None where the rule's own are right."""
    if rule.key not in _BY_SIDE or not is_remote(case):
        return None
    if rule.kind is Kind.EXPIRED_TOKEN:
        cause = f"The token or session with which the Data Action calls {_SERVICE} has expired."
        fix = "Renew the credentials in the integration of this Data Action, then test it again."
    elif rule.kind is Kind.UNAUTHENTICATED:
        cause = f"{_SERVICE} does not accept the credentials that it was given, or got none."
        fix = (
            "Enter working credentials for that service in the integration, and see that the request of the action sends them "
            "(a header or a key, as the service wants it)."
        )
    else:
        lacking = f" It names {', '.join(names[:4])}." if names else ""
        what = "a licence or feature is missing there" if rule.kind is Kind.MISSING_LICENSE else "the account may not do this"
        cause = f"{_SERVICE} refuses, not Genesys Cloud: {what}.{lacking}"
        fix = (
            "Give the account with which the integration signs in the right in that service. Only where the service is "
            "Genesys Cloud itself do the roles of the integration's OAuth client count."
        )
    confirm = "Make the same call to that service directly, with the same credentials: it is refused in the same words."
    return Words(cause=cause, confirm=confirm, fix=fix, who=REMOTE_OWNER)
