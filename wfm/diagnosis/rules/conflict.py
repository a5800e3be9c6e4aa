"""The request is right, and the thing has changed, exists already, or is in use."""

from __future__ import annotations

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.diagnosis.rules.servers import passes
from wfm.domain.diagnoses import Kind, Provenance

_CLASH = frozenset({409, 412, 423, 428})

BUSY = Rule(
    key="earlier-update-running",
    kind=Kind.CONFLICT,
    title="An earlier update is still running",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
    words=Words(
        cause="An earlier update of the same thing has not finished yet.",
        confirm="Read the state after a few seconds.",
        fix="Wait a few seconds and send it again; the desk does so by itself.",
        who="Nobody: it passes",
    ),
    page=Page(
        means="Two updates of the same thing overlap: the first is still being worked on.",
        confirm="Read the state a few seconds later.",
        fix="Wait and try again.",
        who_can="Nobody has to: it passes.",
        provenance="Published: presenceservice.conflict is declared on presence updates.",
        retry="Yes, after a few seconds.",
    ),
    example=Example(
        status=409,
        body='{"message":"A previous update request has not completed.","code":"presenceservice.conflict","status":409}',
    ),
)

_CHANGED = pattern(
    r"\b(?:changed|modified|updated|edited)\b(?: \w+){0,3} (?:since|in the meantime|meanwhile)\b",
    r"\b(?:changed|modified|updated) by (?:another|somebody|someone)\b",
    r"\bversion\b[^.\n]{0,40}\bexpected\b|\bexpected (?:\w+ )?version\b",
    r"\bversion\b[^.\n]{0,60}\b(?:does not match|mismatch|out of date|outdated|not the latest|too old)\b",
)


def _said_to_have_changed(case: Case) -> bool:
    """Whether the sentence says so under a status that speaks of the request: the sentence is right."""
    return case.reading.firm_status in (None, 400) and bool(_CHANGED.search(case.text))


VERSION = Rule(
    key="changed-by-somebody",
    kind=Kind.CONFLICT,
    title="Somebody changed it in the meantime",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"\btransaction\.conflict$", r"\bversion\.(?:conflict|mismatch)$"),
        codes_within=pattern(
            r"\bwrong\.version",
            r"\brevision\.conflict",
            r"\bstale\b",
            r"\boptimistic",
        ),
        hint=_said_to_have_changed,
        sentences=pattern(
            r"\bversion\b[^.\n]{0,80}\b(?:match|mismatch|conflict|stale|outdated)",
            r"\bmodified by another",
            r"\bstale\b",
            r"\boptimistic lock",
        ),
        weak_codes=pattern(r"\bprecondition"),
        statuses=frozenset({412, 428}),
        within=_CLASH,
    ),
    words=Words(
        cause="The schedule or entity was changed by somebody else after it was read.",
        confirm="Read it again: its version is a higher one.",
        fix="Read it again, see what changed, and make the change on the new version.",
        who="Supervisor",
    ),
    page=Page(
        means="The request carries the version that was read, and a newer one exists. Nothing was overwritten.",
        confirm="Read it again: metadata.version has grown.",
        fix="Preview again: it reads the new version. Then apply.",
        who_can="The supervisor, by a new preview.",
        provenance="Published: wfm.transaction.conflict is declared on WFM writes.",
        retry="Not unchanged: it carries the old version.",
    ),
    example=Example(
        status=409,
        body='{"message":"Entity was modified by another request","code":"wfm.transaction.conflict","status":409}',
    ),
)

LOCKED = Rule(
    key="locked-by-somebody",
    kind=Kind.CONFLICT,
    title="Somebody else has it locked",
    provenance=Provenance.OBSERVED,
    signs=Signs(
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
    words=Words(
        cause="It is locked: another person or program has it open for a change.",
        confirm="Open it in Admin or Architect: it shows who has locked it.",
        fix=(
            "Have the one who locked it save and unlock it, or unlock it by force (what is not saved there is lost). Then try "
            "again."
        ),
        who="Owner of the lock",
    ),
    page=Page(
        means=(
            "A flow or another thing is locked while somebody edits it. Until it is unlocked, nobody else changes or "
            "publishes it."
        ),
        confirm="Open it: the lock shows its owner. A program that broke off may have left it.",
        fix=(
            "Ask the owner to unlock it, or unlock it by force: with the permission architect:flow:unlock in Architect, by "
            "--forceUnlock of Archy, by force_unlock of the provider of Terraform. Changes that are not saved are lost."
        ),
        who_can="The owner of the lock; whoever may unlock by force.",
        provenance="Observed: texts of Archy and of the provider of Terraform.",
        retry="No: it fails until it is unlocked.",
    ),
    example=Example(
        status=409,
        body='{"message":"The flow is locked by another user.","code":"architect.flow.locked.by.user","status":409}',
    ),
)

_THERE = pattern(
    r"\balready (?:exists?|in\b|taken|been (?:taken|used|added|assigned)|registered|used|assigned|added|associated|defined"
    r"|present|(?:an? )?(?:member|part)\b|belongs|has (?:this|that|an?)\b)(?!\w| (?:the )?pro[cg])",
    r"\bduplicate (?:\w+ )?(?:name|e-?mail|number|extension)\b",  # values in the plural repeat inside the request itself
    r"\b(?:is|are) not unique\b",
)


def _said_to_exist(case: Case) -> bool:
    """Whether the sentence says so under a status that speaks of the request: the sentence is right."""
    return case.reading.firm_status in (None, 400) and bool(_THERE.search(case.text))


EXISTS = Rule(
    key="exists-already",
    kind=Kind.CONFLICT,
    title="It exists already",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"\balready\.exists?$", r"^duplicate\.(?:value|entry|key|record)s?$"),
        codes_within=pattern(
            r"\bduplicate\b",
            r"^uniqueness$",
            r"\bnot\.unique\b",
            r"\balready\b",
            r"\bunique\b",
        ),
        sentences=pattern(r"\balready exists?\b", r"\balready in use\b", r"\bduplicate\b"),
        hint=_said_to_exist,
        within=_CLASH,
    ),
    words=Words(
        cause="Something with that name or for that time exists already.",
        confirm="Search for it: it is there.",
        fix="Use the one that exists, or choose another name or time.",
        who="Supervisor",
    ),
    page=Page(
        means="What the request would create is there already, or its name is taken.",
        confirm="Search for it by name, or in the window's time.",
        fix="Use the existing one, or another name.",
        who_can="The supervisor.",
        provenance="Published: resource.already.exists and its relatives.",
        retry="No.",
    ),
    example=Example(
        status=409,
        body='{"message":"A resource with that name already exists.","code":"resource.already.exists","status":409}',
    ),
)


def _conflict_words(case: Case, names: tuple[str, ...]) -> Words:
    if not passes(case):
        return CONFLICT.words
    return Words(
        cause="It can't be done at this moment: what the request touches is in a state that passes.",
        confirm="Read the thing again after a minute: its state changes by itself.",
        fix="Wait until that is over, then send it again.",
        who="Nobody: it passes",
    )


CONFLICT = Rule(
    key="conflict",
    kind=Kind.CONFLICT,
    title="It does not fit the present state",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        weak_codes=pattern(r"\bconflict\b", r"\bconflict(?:ed|ing)?$"),
        statuses=frozenset({409, 423}),
        within=_CLASH | {400},
    ),
    retryable=passes,
    said=_conflict_words,
    words=Words(
        cause="The request does not fit the present state of what it touches.",
        confirm="Read the thing again and compare its state with what the request wants.",
        fix="Bring it into a state that allows the change, or leave it out.",
        who="Supervisor",
    ),
    page=Page(
        means="The thing is in use, locked, limited in number, or in a state that does not allow this change.",
        confirm="Read it again: its state says why.",
        fix="Change the state first, or leave this one out.",
        who_can="The supervisor, or whoever owns the thing.",
        provenance="Published: request.conflict is declared on practically every call.",
        retry="No, unless the answer says so.",
    ),
    example=Example(
        status=409,
        body=(
            '{"message":"The request conflicts with the current state of the target resource.","code":"request.conflict",'
            '"status":409}'
        ),
    ),
)

RULES = (BUSY, LOCKED, VERSION, EXISTS, CONFLICT)
