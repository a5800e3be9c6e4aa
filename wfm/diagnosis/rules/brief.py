"""The two messages of the brief, with its two remedies. Its paths and scopes are in no published catalogue."""

from __future__ import annotations

from wfm.diagnosis.rules.base import EXECUTE, Case, Example, Page, Rule, Signs, Words, pattern, reads_work_writes_fail
from wfm.domain.diagnoses import Kind, Provenance

_REFUSED = pattern(r"insufficient permissions? for resource access", r"^\s*forbidden\.?\s*$")
_THESE_WORDS = pattern(r"insufficient permissions? for resource access")
_ABSENT = pattern(r"^\s*resource not found\.?\s*$")
_USER = pattern(r"\b(?:user|agent)\b")
_SOURCE = (
    "Brief: a forum thread. The path and the scope are not in Genesys's published API; an organization may have a "
    "gateway of its own there. In the published API editing schedules takes the permission wfm:schedule:edit."
)


def needed_scopes(case: Case) -> tuple[str, ...]:
    """The scope that the call of the brief needs, by its path and verb."""
    known = case.operation
    if known is not None:
        return known.scopes
    verb = (case.call or "").partition(" ")[0]
    return ("wfm:schedule:read",) if verb in ("GET", "HEAD") else ("wfm:schedule:update",)


def _refused(case: Case) -> bool:
    if not (case.is_brief and case.reading.firm_status in (None, 403)):
        return False
    named = case.reading.names
    if named.permissions or named.scopes or named.licences or named.divisions:
        return False
    return case.reading.words == "forbidden" or bool(_REFUSED.search(case.text))


def _holds_what_is_needed(case: Case) -> bool:
    held = case.evidence.held_scopes
    return _refused(case) and held is not None and bool(set(held) & set(needed_scopes(case)))


def _not_there(case: Case) -> bool:
    status = case.reading.firm_status
    if not case.is_brief or status not in (None, 404):
        return False
    generic = case.reading.words in ("not.found", "resource.not.found", "404", "") and not _USER.search(case.text)
    return generic and (status == 404 or case.reading.words in ("not.found", "resource.not.found"))


def _call_unknown(case: Case) -> bool:
    """Whether nothing says which call failed, or only that a Data Action was executed."""
    return case.call is None or bool(EXECUTE.search(case.call))


def _refused_anywhere(case: Case) -> bool:
    named = case.reading.names
    if not _call_unknown(case) or named.permissions or named.scopes or case.reading.firm_status not in (None, 403):
        return False
    return case.reading.words == "forbidden" and bool(_THESE_WORDS.search(case.text))


def _absent_anywhere(case: Case) -> bool:
    if not _call_unknown(case) or case.reading.firm_status not in (None, 404):
        return False
    return case.reading.deciding.code == "not_found" and bool(_ABSENT.search(case.reading.deciding.message))


def _scope_words(case: Case, names: tuple[str, ...]) -> Words:
    scope = names[0]
    reads_work = bool(case.evidence.reads_ok) or "wfm:schedule:read" in (case.evidence.held_scopes or ())
    if scope.endswith(":read"):
        cause = "The OAuth client may not read schedules."
    elif reads_work:
        cause = "The OAuth client may read schedules but not update them."
    else:
        cause = "The OAuth client may not update schedules, even where reading them works."
    held = case.evidence.held_scopes
    if held is None:
        confirm = f"Look at the scopes of {case.client}: {scope} must be among them."
    else:
        confirm = f"The token holds {', '.join(held) or 'no scopes'}; this call needs {scope}."
    if held and "wfm:schedule:write" in held and scope == "wfm:schedule:update":
        confirm += " wfm:schedule:write is not enough."
    if not scope.endswith(":read"):
        confirm = f"{confirm} {reads_work_writes_fail(case.evidence)}".strip()
    return Words(
        cause=cause,
        confirm=confirm,
        fix=f"Add {scope} to {case.client}. The next token carries it.",
        who="OAuth admin",
    )


SCOPE = Rule(
    key="brief-scope-missing",
    kind=Kind.MISSING_SCOPE,
    title="The OAuth client lacks a schedule scope",
    provenance=Provenance.BRIEF,
    signs=Signs(special=_refused),
    names=needed_scopes,
    said=_scope_words,
    words=Words(
        cause="The OAuth client may not update schedules.",
        confirm="Look at the scopes of {client}.",
        fix="Add wfm:schedule:update to {client}.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "The token may read schedules, yet a write is refused: forbidden, and nothing named. On this tenant the scope of "
            "the OAuth client decides: a write needs wfm:schedule:update. Having wfm:schedule:write or an admin's role is not "
            "enough."
        ),
        confirm=(
            "Access shows the scopes that the token holds beside the one that the call needs. A read of the same agent "
            "with the same token works."
        ),
        fix="Add wfm:schedule:update to the OAuth client. Nothing else changes; the next token carries it.",
        who_can="Whoever administers OAuth clients.",
        provenance=_SOURCE,
        retry="No. After the scope is added, the same window can be applied again.",
    ),
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
    provenance=Provenance.BRIEF,
    signs=Signs(special=_holds_what_is_needed),
    words=Words(
        cause="The token holds the scope that this call needs, so something else refuses it.",
        confirm="Compare with an agent of another division; look when the scope was added to {client}.",
        fix="If the scope was added just now, try again with a new token. Else ask for the role that may edit these agents.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "The tenant refuses the call with forbidden and names nothing, but the token holds the scope it needs. "
            "Either the refused token was older than the change, or a role or a division refuses."
        ),
        confirm="Access shows the scopes of the token held now. Try one agent again, and one of another division.",
        fix="Use a new token. If it is still refused, ask for the role that may edit schedules in the agents' division.",
        who_can="Whoever administers OAuth clients and roles.",
        provenance=_SOURCE,
        retry="Not with the same token.",
    ),
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
    provenance=Provenance.BRIEF,
    signs=Signs(special=_not_there),
    words=Words(
        cause="There is no schedule to write to: the agent may have no schedule, or the id is of nobody.",
        confirm="Look at the agent's schedule for the window, and at the ids in the path.",
        fix="Check the schedule id; the agent may have no schedule. Publish one, or leave this agent out.",
        who="WFM planner",
    ),
    page=Page(
        means=(
            "Resource not found, and nothing more. On this tenant it is what an agent without a schedule answers; an "
            "unknown user or adherence id answers the same."
        ),
        confirm="The preview says whether the agent is scheduled in the window. Compare the ids in the path with it.",
        fix="Check the schedule id; the agent may have no schedule. Publish a schedule, or leave the agent out.",
        who_can="The WFM planner of the agent's unit.",
        provenance=_SOURCE,
        retry="No. After a schedule is published, yes.",
    ),
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
    provenance=Provenance.BRIEF,
    signs=Signs(special=_refused_anywhere),
    words=Words(
        cause="The caller may not do this; which call was refused is not known, and the answer names no right.",
        confirm="Find the call that was refused. If it writes schedules, look for wfm:schedule:update among the scopes.",
        fix="If the call writes schedules: add wfm:schedule:update to {client}. Else find what the call needs.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "Forbidden, with these words and nothing named. It is known from writes of schedules: there the OAuth client "
            "lacks the scope wfm:schedule:update, and reads work with the same token. Here the refused call is not known."
        ),
        confirm="Look in the Data Action or the log for the verb and path. A read that works with the same token points to it.",
        fix="For a write of schedules add the missing scope, wfm:schedule:update, to the OAuth client. Else look the call up.",
        who_can="Whoever administers OAuth clients; for another call, whoever edits roles.",
        provenance=_SOURCE,
        retry="No. After the scope is added, yes.",
    ),
    example=Example(status=403, body='{"code": "forbidden", "message": "Insufficient permissions for resource access"}'),
)

ABSENT_ANYWHERE = Rule(
    key="brief-not-found-call-unknown",
    kind=Kind.NOT_FOUND_OTHER,
    title="Resource not found",
    provenance=Provenance.BRIEF,
    signs=Signs(special=_absent_anywhere),
    words=Words(
        cause="Something that the request names is not there; which call it was is not known.",
        confirm="Find the call. If it writes schedules, look whether the agent has a schedule for that time.",
        fix="If the call writes schedules: check the schedule id; the agent may have no schedule. Else check the path's ids.",
        who="Supervisor",
    ),
    page=Page(
        means=(
            "Resource not found, and nothing more. It is known from writes of schedules: there the agent has no schedule, or "
            "an id is wrong. Here the call is not known."
        ),
        confirm="Look in the Data Action or the log for the verb and path, and read the same thing by its id.",
        fix="For a write of schedules check the schedule id; the agent may have no schedule. Else check the ids in the path.",
        who_can="The supervisor for ids; the WFM planner for schedules.",
        provenance=_SOURCE,
        retry="No.",
    ),
    example=Example(status=404, body='{"code": "not_found", "message": "Resource not found"}'),
)

RULES = (SCOPE_HELD, SCOPE, SCHEDULE, REFUSED_ANYWHERE, ABSENT_ANYWHERE)
