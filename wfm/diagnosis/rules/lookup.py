"""Something that the request names is not there: the user, the schedule, or another thing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import Case, pattern, said
from wfm.diagnosis.rules.record import Matchers, Rule, Variant, platform_error, published
from wfm.domain.diagnoses import Kind

_ABSENT = frozenset({400, 404, 410})
_SCHEDULE_FIELDS = frozenset({"scheduleid", "schedule", "weekid"})
_USER_FIELDS = frozenset({"userid", "agentid", "user", "agent", "userids", "agentids"})


def _fields(case: Case) -> set[str]:
    """The fields and entities that the deciding body says were not found."""
    found = set()
    for layer in case.response.envelopes:
        if layer.level == case.response.level:
            found |= {layer.entity_name.casefold()} - {""}
            found |= {part.casefold() for detail in layer.details for part in (detail.field, detail.entity_name) if part}
    return found


def _absent(case: Case) -> bool:
    words = case.response.words
    return case.status in (404, 410) or (case.status in (None, 400) and "not.found" in words)


def _schedule_named(case: Case) -> bool:
    return _absent(case) and bool(_fields(case) & _SCHEDULE_FIELDS)


def _user_named(case: Case) -> bool:
    return _absent(case) and bool(_fields(case) & _USER_FIELDS)


SCHEDULE = Rule(
    key="schedule-not-found",
    kind=Kind.NOT_FOUND_SCHEDULE,
    title="The schedule does not exist",
    matchers=Matchers(
        special=_schedule_named,
        codes=pattern(
            r"^(?:(?!analytics|architect|reporting|export|emergency)\w+\.)?(?:agent\.|published\.)?schedules?\.not\.found$"
        ),
        sentences=pattern(
            r"\bschedules?\b(?: (?:id |with id )?[\w-]{1,40})?(?: \w+){0,4} (?:was |were |could )?not (?:be )?found",
            r"\bschedules?\b[^.\n]{0,40}\bdoes(?:n'?t| not) exist",
            r"\bno (?:published )?schedules? (?:was |were )?(?:found|exists?)",
            r"\bagent (?:is not scheduled|has no schedule)",
            r"\bnot found[:\s-]{1,3}(?:the )?schedule\b",
        ),
        within=_ABSENT,
    ),
    cause="The schedule that the request names does not exist, or not in that week and business unit.",
    confirm="List the schedules of the week: the id is not among them.",
    fix="Check the schedule id and the week. A schedule that is published again may have a new id.",
    who="WFM planner",
    source=published("wfm.entity.not.found with the field in details."),
    example=platform_error(
        404,
        "wfm.entity.not.found",
        (
            "One of the requested resources in the path variables was not found, please check the error details for more "
            "information"
        ),
        details=[{"errorCode": "NOT_FOUND", "fieldName": "scheduleId", "entityId": "62f7ff22-ba95-422f-b1c3-6695c55b578e"}],
    ),
)

USER = Rule(
    key="user-not-found",
    kind=Kind.NOT_FOUND_USER,
    title="The user or agent does not exist",
    matchers=Matchers(
        special=_user_named,
        codes=pattern(
            r"(?:^|\.)(?:users?|agents?)(?:\.ids?)?\.?not\.?found(?:\.on\.\w+)?$",
            r"usernotfound$",
            r"userdoesnotexist$",
            r"^no\.such\.user$",
        ),
        sentences=pattern(
            r"\b(?:users?|agents?)\b(?: (?:id |with )?[\w-]{1,40})?(?: \w+){0,4} (?:was |were |could |is )?not (?:be )?found",
            r"\b(?:unable to|could ?not|cannot|can'?t) find (?:a |an |the )?(?:specified |requested )?(?:user|agent)\b",
            r"\b(?:user|agent)\b[^.\n]{0,60}\bdoes(?:n'?t| not) exist",
            r"\b(?:agents?|users?)\b[^.\n]{0,40}\bnot in (?:a|an|the|this|that|any) (?:management|business) unit",
            r"\bnot found[:\s-]{1,3}(?:the )?(?:user|agent)\b",
            r"\bno (?:such )?(?:user|agent)\b(?! ids?\b)(?: (?:was )?found)?",
        ),
        within=_ABSENT,
    ),
    cause="The user does not exist in this organization, or is in no management unit.",
    confirm="Search the user by name or e-mail; check the agent's management unit.",
    fix="Correct the user id, or leave this agent out. An agent without a management unit is added to one first.",
    who="Supervisor",
    source=published("presenceservice.usernotfound, user.not.found, wfm.entity.not.found."),
    example=platform_error(404, "presenceservice.usernotfound", "The specified user was not found"),
)


_NAMED_ABSENT = re.compile(  # "The queue 'Support' referenced by the flow was not found"
    r"\b(?:the|an?) ((?:\w{2,30} ){1,2})(['\"])([^'\"\n]{1,80})\2[^.\n]{0,60}? (?:(?:was|is|could) not (?:be )?found"
    r"|does(?:n'?t| not) exist)\b",
    re.IGNORECASE,
)


def _nothing_values(case: Case) -> Mapping[str, str]:
    found = _NAMED_ABSENT.search(case.text)
    told = said(case, NOTHING.matchers.sentences)
    return {"call": case.call or "", "thing": f"{found[1].strip()} '{found[3]}'" if found else "", **told}


def _call_unknown(case: Case) -> bool:
    return case.operation is None and "/api/" in (case.call or "")


_NOT_FOUND = pattern(r"\b(?:was|were|could|is|are)? ?not (?:be )?found\b", r"\bdoes(?:n'?t| not) exist\b")


def _said_twice(case: Case) -> bool:
    """Whether code and words both say that something is not there, under a status that says another thing."""
    absent = "not.found" in case.response.words and bool(_NOT_FOUND.search(case.text))
    return absent and case.status in (409, 422, 500)


NOTHING = Rule(
    key="nothing-found",
    kind=Kind.NOT_FOUND_OTHER,
    title="Something else is not there",
    matchers=Matchers(
        hint=_said_twice,
        weak_codes=pattern(
            r"not\.?found",
            r"does(?:nt|\.not)\.?exist",
            r"^no\.results$",
            r"^no\.such\.\w+$",
            r"\bdeleted$",
            r"doesn'?t\.exist",
        ),
        sentences=pattern(
            r"\bno results were found|\bresource not found for\b",
            r"\b(?:could not|unable to|can'?t|cannot) find (?:the |an? )?\w+ with (?:the )?(?:id|name)\b",
            _NAMED_ABSENT.pattern,
        ),
        statuses=frozenset({404, 410}),
        within=_ABSENT,
    ),
    cause="Something that the request names does not exist{said|; the answer does not say more}.",
    more="It may be deleted, in another organization, or hidden from this caller.",
    confirm="Read the same thing by its id, with the same token.",
    fix="Check the ids in the path and that the path exists.",
    who="Supervisor",
    values=_nothing_values,
    variants=(
        Variant(
            when=lambda case: bool(_NAMED_ABSENT.search(case.text)),
            cause="The {thing|thing} that is named does not exist in this organization.",
            confirm="Search for the {thing|thing} in Admin.",
            fix="Create the {thing|thing}, or correct the name where it is referred to.",
        ),
        Variant(when=_call_unknown, fix="Check the path: {call|it} is not a call that the desk knows."),
    ),
    source=published("not.found is declared on practically every call."),
    example=platform_error(404, "not.found", "The requested resource was not found."),
)

RULES = (SCHEDULE, USER, NOTHING)
