"""The two messages of the brief, with its two remedies. Its paths and scopes are in no published catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.diagnosis.rules.base import EXECUTE, Case, pattern, reads_work_writes_fail
from wfm.diagnosis.rules.record import Example, Matchers, Rule, Source
from wfm.domain.diagnoses import Kind, Provenance

_REFUSED = pattern(r"insufficient permissions? for resource access", r"^\s*forbidden\.?\s*$")
_THESE_WORDS = pattern(r"insufficient permissions? for resource access")
_ABSENT = pattern(r"^\s*resource not found\.?\s*$")
_USER = pattern(r"\b(?:user|agent)\b")
_SOURCE = Source(
    Provenance.BRIEF,
    "a forum thread. The path and the scope are not in Genesys's published API; an organization may have a "
    "gateway of its own there. In the published API editing schedules takes the permission wfm:schedule:edit.",
)


def needed_scopes(case: Case) -> tuple[str, ...]:
    """The scope that the call of the brief needs, by its path and verb."""
    known = case.operation
    if known is not None:
        return known.scopes
    verb = (case.call or "").partition(" ")[0]
    return ("wfm:schedule:read",) if verb in ("GET", "HEAD") else ("wfm:schedule:update",)


def _refused(case: Case) -> bool:
    if not (case.is_brief and case.response.firm_status in (None, 403)):
        return False
    named = case.response.names
    if named.permissions or named.scopes or named.licences or named.divisions:
        return False
    return case.response.words == "forbidden" or bool(_REFUSED.search(case.text))


def _holds_what_is_needed(case: Case) -> bool:
    held = case.evidence.held_scopes
    return _refused(case) and held is not None and bool(set(held) & set(needed_scopes(case)))


def _not_there(case: Case) -> bool:
    status = case.response.firm_status
    if not case.is_brief or status not in (None, 404):
        return False
    generic = case.response.words in ("not.found", "resource.not.found", "404", "") and not _USER.search(case.text)
    return generic and (status == 404 or case.response.words in ("not.found", "resource.not.found"))


def _call_unknown(case: Case) -> bool:
    """Whether nothing says which call failed, or only that a Data Action was executed."""
    return case.call is None or bool(EXECUTE.search(case.call))


def _refused_anywhere(case: Case) -> bool:
    named = case.response.names
    if not _call_unknown(case) or named.permissions or named.scopes or case.response.firm_status not in (None, 403):
        return False
    return case.response.words == "forbidden" and bool(_THESE_WORDS.search(case.text))


def _absent_anywhere(case: Case) -> bool:
    if not _call_unknown(case) or case.response.firm_status not in (None, 404):
        return False
    return case.response.deciding.code == "not_found" and bool(_ABSENT.search(case.response.deciding.message))


def _scope_values(case: Case) -> Mapping[str, str]:
    scope, held = needed_scopes(case)[0], case.evidence.held_scopes
    reads = scope.endswith(":read")
    may = "not update schedules, even where reading them works"
    if reads:
        may = "not read schedules"
    elif case.evidence.reads_ok or "wfm:schedule:read" in (held or ()):
        may = "read schedules but not update them"
    too_little = scope == "wfm:schedule:update" and "wfm:schedule:write" in (held or ())
    return {
        "may": may,
        "held": f"Check the scopes of {case.client}" if held is None else f"The token holds {', '.join(held) or 'no scopes'}",
        "scope": scope,
        "note": " wfm:schedule:write is not enough." if too_little else "",
        "counted": "" if reads else f" {reads_work_writes_fail(case.evidence)}".rstrip(),
    }


SCOPE = Rule(
    key="brief-scope-missing",
    kind=Kind.MISSING_SCOPE,
    title="The OAuth client lacks a schedule scope",
    matchers=Matchers(special=_refused),
    names=needed_scopes,
    cause="The OAuth client may {may|read schedules but not update them}.",
    more=(
        "The answer says forbidden and names nothing. On this tenant the scopes of the OAuth client decide: a write needs "
        "wfm:schedule:update. Neither wfm:schedule:write nor an admin's role is enough."
    ),
    confirm=(
        "{held|Check the scopes of the OAuth client}: this call needs {scope|wfm:schedule:update}.{note|}{counted| A read "
        "of the same agent with the same token works.}"
    ),
    fix="Add {scope|wfm:schedule:update} to {client}. The next token carries it.",
    who="OAuth admin",
    values=_scope_values,
    retry="No. After the scope is added, apply the same window again.",
    source=_SOURCE,
    example=Example(
        status=403,
        body='{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
        call="PATCH /api/v2/wfm/users/{userId}/availability",
    ),
)

SCOPE_HELD = Rule(
    key="brief-refused-with-scope",
    kind=Kind.MISSING_PERMISSION,
    title="Refused although the token holds the scope",
    matchers=Matchers(special=_holds_what_is_needed),
    cause="The token holds the scope that this call needs, so something else refuses it.",
    more="Either the refused token is older than the change, or a role or a division refuses.",
    confirm="Try an agent of another division, and check when the scope was added to {client}.",
    fix="If the scope was added just now, try again with a new token. Otherwise ask for the role that may edit these agents.",
    who="OAuth admin",
    retry="Not with the same token.",
    source=_SOURCE,
    example=Example(
        status=403,
        body='{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
        call="PATCH /api/v2/wfm/users/{userId}/availability",
        held_scopes=("wfm:schedule:read", "wfm:schedule:update"),
    ),
)

SCHEDULE = Rule(
    key="brief-schedule-not-found",
    kind=Kind.NOT_FOUND_SCHEDULE,
    title="The agent may have no schedule",
    matchers=Matchers(special=_not_there),
    cause="There is no schedule to write to: the agent may have no schedule, or the id is wrong.",
    more="An unknown user or adherence id gets the same answer.",
    confirm="Check the agent's schedule in the window, and the ids in the path.",
    fix="Check the schedule id; the agent may have no schedule. Publish one, or leave this agent out.",
    who="WFM planner",
    retry="No. After a schedule is published, yes.",
    source=_SOURCE,
    example=Example(
        status=404,
        body='{"code": "not_found", "message": "Resource not found"}',
        call="PATCH /api/v2/wfm/users/{userId}/availability",
    ),
)

REFUSED_ANYWHERE = Rule(
    key="brief-refused-call-unknown",
    kind=Kind.MISSING_PERMISSION,
    title="Insufficient permissions for resource access",
    matchers=Matchers(special=_refused_anywhere),
    cause="The caller may not do this. Which call was refused is not known, and the answer names no right.",
    more="Writes of schedules fail in these words when the OAuth client lacks the scope; reads work with the same token.",
    confirm=(
        "Find the refused call in the Data Action or the log. If it writes schedules, check the scopes for wfm:schedule:update."
    ),
    fix="If the call writes schedules: add wfm:schedule:update to {client}. Otherwise find what the call needs.",
    who="OAuth admin",
    retry="No. After the scope is added, yes.",
    source=_SOURCE,
    example=Example(status=403, body='{"code": "forbidden", "message": "Insufficient permissions for resource access"}'),
)

ABSENT_ANYWHERE = Rule(
    key="brief-not-found-call-unknown",
    kind=Kind.NOT_FOUND_OTHER,
    title="Resource not found",
    matchers=Matchers(special=_absent_anywhere),
    cause="Something that the request names does not exist. Which call failed is not known.",
    confirm=(
        "Find the call in the Data Action or the log. If it writes schedules, check whether the agent has one for that time."
    ),
    fix=(
        "If the call writes schedules: check the schedule id; the agent may have no schedule. Otherwise check the ids in "
        "the path."
    ),
    who="Supervisor",
    source=_SOURCE,
    example=Example(status=404, body='{"code": "not_found", "message": "Resource not found"}'),
)

RULES = (SCOPE_HELD, SCOPE, SCHEDULE, REFUSED_ANYWHERE, ABSENT_ANYWHERE)
