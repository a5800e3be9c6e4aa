"""The request is right, and the thing has changed, exists already, or is in use."""

from __future__ import annotations

import re
from collections.abc import Callable

from wfm.diagnosis.rules.base import Case, pattern, said
from wfm.diagnosis.rules.record import PASSES, Matchers, Rule, Variant, observed, platform_error, published
from wfm.diagnosis.rules.servers import passes
from wfm.domain.diagnoses import Kind

_CLASH = frozenset({409, 412, 423, 428})


def _says(sentence: re.Pattern[str]) -> Callable[[Case], bool]:
    """Whether the sentence says so under a status that speaks of the request: the sentence is right."""
    return lambda case: case.response.firm_status in (None, 400) and bool(sentence.search(case.text))


BUSY = Rule(
    key="earlier-update-running",
    kind=Kind.CONFLICT,
    title="An earlier update is still running",
    matchers=Matchers(
        codes=pattern(r"^presenceservice\.conflict$", r"\bunable\.to\.lock\b", r"\bin\.progress$"),
        sentences=pattern(
            r"\b(?:previous|earlier|prior) (?:update|operation|request|job)\b[^.\n]{0,60}\bnot (?:yet )?(?:complete|finish)",
            r"\b(?:is|are|already|still|currently) in progress\b",
            r"\balready an? [^.\n]{1,60}\bin progress\b",
            r"\b(?:still|currently|is|are) being (?:process|creat|updat|delet|publish|built|import|generat|provision)",
            r"\bstill (?:processing|building|running|initiali[sz]ing|pending|deploying)\b",
            r"\blocked by (?:another|an?|the) (?:\w+ )?(?:operation|process|request|transaction|job|import|update)\b",
        ),
        within=_CLASH | {400, 425},
    ),
    retryable=True,
    cause="An earlier update of the same thing has not finished yet.",
    confirm="Read the state after a few seconds.",
    fix="Wait a few seconds and send it again; the desk does so by itself.",
    who=PASSES,
    retry="Yes, after a few seconds.",
    source=published("presenceservice.conflict is declared on presence updates."),
    example=platform_error(409, "presenceservice.conflict", "A previous update request has not completed."),
)

_CHANGED = pattern(
    r"\b(?:changed|modified|updated|edited)\b(?: \w+){0,3} (?:since|in the meantime|meanwhile)\b",
    r"\b(?:changed|modified|updated) by (?:another|somebody|someone)\b",
    r"\bversion\b[^.\n]{0,40}\bexpected\b|\bexpected (?:\w+ )?version\b",
    r"\bversion\b[^.\n]{0,60}\b(?:does not match|mismatch|out of date|outdated|not the latest|too old)\b",
)


VERSION = Rule(
    key="changed-by-somebody",
    kind=Kind.CONFLICT,
    title="Somebody changed it in the meantime",
    matchers=Matchers(
        codes=pattern(r"\btransaction\.conflict$", r"\bversion\.(?:conflict|mismatch)$"),
        codes_within=pattern(
            r"\bwrong\.version",
            r"\brevision\.conflict",
            r"\bstale\b",
            r"\boptimistic",
        ),
        hint=_says(_CHANGED),
        sentences=pattern(
            r"\bversion\b[^.\n]{0,80}\b(?:match|mismatch|conflict|stale|outdated)",
            r"\bmodified by another|\b(?:changed|modified|updated) since\b",
            r"\bstale\b",
            r"\boptimistic lock",
        ),
        weak_codes=pattern(r"\bprecondition"),
        statuses=frozenset({412, 428}),
        within=_CLASH,
    ),
    cause="The schedule or entity was changed by somebody else after it was read.",
    more="Nothing was overwritten.",
    confirm="Read it again: its version (metadata.version) is a higher one.",
    fix="Read it again, see what changed, and make the change on the new version. A new preview does so.",
    who="Supervisor",
    retry="Not unchanged: it carries the old version.",
    source=published("wfm.transaction.conflict is declared on WFM writes."),
    example=platform_error(409, "wfm.transaction.conflict", "Entity was modified by another request"),
)

LOCKED = Rule(
    key="locked-by-somebody",
    kind=Kind.CONFLICT,
    title="Somebody else has it locked",
    matchers=Matchers(
        codes=pattern(
            r"(?<!not\.)\blocked\.by\b",
            r"\b(?:flow|prompt|draft|resource)\.(?:is\.)?locked$",
            r"\bcheckedout\b|\bchecked\.out\b",
        ),
        sentences=pattern(
            r"(?<!account )(?<!account is )(?<!user is )(?<!not )\b(?:locked|checked out)(?: for editing)? "
            r"(?:by|to) (?!you\b|operation|process|job)\w",
        ),
        within=_CLASH | {400},
    ),
    cause="It is locked: another person or program has it open for a change.",
    more=(
        "A program that broke off may have left the lock. To unlock by force: the permission architect:flow:unlock in "
        "Architect, --forceUnlock in Archy, force_unlock in the Terraform provider."
    ),
    confirm="Open it in Admin or Architect: it shows who has locked it.",
    fix="Have the one who locked it save and unlock it, or unlock it by force (unsaved changes are lost). Then try again.",
    who="Owner of the lock",
    retry="No: it fails until it is unlocked.",
    source=observed("texts of Archy and of the Terraform provider."),
    example=platform_error(409, "architect.flow.locked.by.user", "The flow is locked by another user."),
)

_THERE = pattern(
    r"\balready (?:exists?|in\b|taken|been (?:taken|used|added|assigned)|registered|used|assigned|added|associated|defined"
    r"|present|(?:an? )?(?:member|part)\b|belongs|has (?:this|that|an?)\b)(?!\w| (?:the )?pro[cg])",
    r"\bduplicate (?:\w+ )?(?:name|e-?mail|number|extension)\b",  # values in the plural repeat inside the request itself
    r"\b(?:is|are) not unique\b",
)


EXISTS = Rule(
    key="exists-already",
    kind=Kind.CONFLICT,
    title="It exists already",
    matchers=Matchers(
        codes=pattern(r"\balready\.exists?$", r"^duplicate\.(?:value|entry|key|record)s?$"),
        codes_within=pattern(
            r"\bduplicate\b",
            r"^uniqueness$",
            r"\bnot\.unique\b",
            r"\balready\b",
            r"\bunique\b",
        ),
        sentences=pattern(r"\balready exists?\b", r"\balready in use\b", r"\bduplicate\b"),
        hint=_says(_THERE),
        within=_CLASH,
    ),
    cause="Something with that name or for that time exists already.",
    confirm="Search for it by name, or in the window's time.",
    fix="Use the one that exists, or choose another name or time.",
    who="Supervisor",
    source=published("resource.already.exists and its relatives."),
    example=platform_error(409, "resource.already.exists", "A resource with that name already exists."),
)


CONFLICT = Rule(
    key="conflict",
    kind=Kind.CONFLICT,
    title="It does not fit the present state",
    matchers=Matchers(
        weak_codes=pattern(r"\bconflict\b", r"\bconflict(?:ed|ing)?$"),
        statuses=frozenset({409, 423}),
        within=_CLASH | {400},
    ),
    retryable=passes,
    cause="The request does not fit the present state of what it touches{said|}.",
    values=said,
    more="It is in use, limited in number, or in a state that does not allow this change.",
    confirm="Read the thing again and compare its state with what the request wants.",
    fix="Bring it into a state that allows the change, or leave it out.",
    who="Supervisor",
    variants=(
        Variant(
            when=passes,
            cause="It can't be done at this moment: what the request touches is in a state that passes.",
            confirm="Read the thing again after a minute: its state changes by itself.",
            fix="Wait until that is over, then send it again.",
            who=PASSES,
        ),
    ),
    retry="No, unless the answer says so.",
    source=published("request.conflict is declared on practically every call."),
    example=platform_error(409, "request.conflict", "The request conflicts with the current state of the target resource."),
)

RULES = (BUSY, LOCKED, VERSION, EXISTS, CONFLICT)
