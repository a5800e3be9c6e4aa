"""A role is at fault: a permission that it lacks, or one that does not reach the division or team."""

from __future__ import annotations

from wfm import catalogue
from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern, permissions
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form

REFUSALS = frozenset({401, 403})
_RIGHTS = r"[^.\n]{0,90}\b(?:permissions?|privileges?)\b"


def listed(names: tuple[str, ...], joint: str) -> str:
    """Names as a person says them: "a", "a or b", "a, b or c"."""
    shown = [*names[:6], f"{len(names) - 6} more"] if len(names) > 7 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def _joint(case: Case) -> str:
    any_of = "any" in case.reading.words.split(".") or "at least one of" in case.text.casefold()
    return "or" if any_of else "and"


def is_client_credentials(case: Case) -> bool:
    return (case.evidence.grant_type or "").casefold().replace("_", "-") == "client-credentials"


def holder(case: Case) -> str:
    """Whose role decides: with client credentials the client's own, else the user's."""
    if is_client_credentials(case):
        return f"a role of {case.client}"
    return "a role of the user or OAuth client that calls"


def needed_permissions(case: Case) -> tuple[str, str]:
    """By the catalogue: what to add, and what the call needs ("a or b"); both "" where unknown."""
    known = case.operation
    if known is None or not known.permissions:
        return "", ""
    if known.any_or_all == "ALL":
        return (both := listed(known.permissions, "and")), both
    return known.permissions[0], listed(known.permissions, "or")


REFUSING = pattern(r"forbidden|denied|not\.authorized|unauthorized|insufficient|not\.allowed")


def refuses(case: Case) -> bool:
    """Whether the deciding answer is a refusal by its status, or, without one, by its code or words."""
    status = case.reading.firm_status
    if case.reading.form is Form.PAGE or case.evidence.via == "oauth":
        return False
    known = status is not None and status >= 300
    return status == 403 if known else bool(REFUSING.search(case.reading.words or case.text.replace(" ", ".")))


def _permission_named(case: Case) -> bool:
    return refuses(case) and bool(case.reading.names.permissions)


_NOT_THERE = pattern(
    r"\bnot (?:\w+ )?(?:in|for|within|inside) (?:the |this |that |your |any |its )?(?:[\w'-]{1,30} ){0,2}divisions?\b",
)


def _division_named(case: Case) -> bool:
    names = case.reading.names
    # Where nothing is lacking and the word falls, it is the division that lacks.
    told = names.divisions or _NOT_THERE.search(case.text) or (not names.permissions and "division" in case.text.casefold())
    return case.reading.firm_status in (None, 403) and bool(told) and bool(names.permissions or names.held)


def _held_elsewhere(case: Case) -> tuple[str, ...]:
    """The permissions that do not reach; an answer may say of them that they are held in another division."""
    return case.reading.names.permissions or case.reading.names.held


def _division_words(case: Case, names: tuple[str, ...]) -> Words:
    divisions = case.reading.names.divisions
    if unknown := _unpublished(case, names):
        return _unpublished_words(case, names, unknown)
    what = listed(names, "and") if names else "the permission"
    grant = names[0] if names and _joint(case) == "or" else what
    where = f"division {listed(divisions, 'and')}" if divisions else "the division of these agents"
    held = f"is not held in {where}" if len(names) == 1 else f"none is held in {where}"
    return Words(
        cause=f"{'Permission' if len(names) == 1 else 'Of the permissions'} {what} {held}."
        if names
        else f"The caller may do this, but not in {where}.",
        confirm="Compare the divisions of the role's grants with the division of the agents or of their business unit.",
        fix=f"Grant a role with {grant} in {where}.",
        who="Role admin",
    )


DIVISION = Rule(
    key="division-missing",
    kind=Kind.MISSING_DIVISION,
    title="The permission does not reach this division",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        special=_division_named,
        codes=pattern(
            r"\bmissing\.(?:any\.|required\.)?division\.permissions?\b",
            r"permissions?\.in\.divisions",
            r"^wfm\.missing\.one\.of\.permission\.sets$",
            r"^wfm\.permission\.failure$",
            r"^wfm\.(?:management|business)\.units?\.not\.authorized$",
        ),
        codes_within=pattern(r"\bdivision(?:ed)?\b", r"^no\.permission\.for\.requested\.users$"),
        sentences=pattern(
            r"\bin the provided division",
            r"\bpermissions? (?:for|in|to) (?:this|the|any|your|that) \w{0,12} ?division",
            r"\bdivisions? you do not have permission",
            r"\bnot authorized for the division",
            r"\baccess to the division",
        ),
        within=frozenset({403}),
    ),
    names=_held_elsewhere,
    said=_division_words,
    words=Words(
        cause="The permission does not reach the division of these agents.",
        confirm="Compare the divisions of the role's grants with the division of the agents.",
        fix="Grant the role in that division.",
        who="Role admin",
    ),
    page=Page(
        means=(
            "The caller holds the permission somewhere, but not in the division of the agents, the management unit or "
            "the business unit that the call touches."
        ),
        confirm="Compare the grants (role and division) with the division of a refused agent; an agent of a granted one works.",
        fix="Grant the role in that division too, or leave the agents of that division out of the window.",
        who_can="Whoever grants roles in that division.",
        provenance=(
            "Published: missing.division.permission and its relatives are declared on practically every call; WFM has its "
            "own codes. Observed: a UUID as fourth part of a permission name is the division."
        ),
        retry="No. A changed grant may take up to five minutes.",
    ),
    example=Example(
        status=403,
        body=(
            '{"message":"Unable to perform the requested action. You are missing the following permission '
            '\'wfm:schedule:edit\' in the provided division(s).","code":"missing.division.permission","status":403}'
        ),
    ),
)

OTHERS_PRESENCE = Rule(
    key="presence-of-others",
    kind=Kind.MISSING_PERMISSION,
    title="May not change another user's presence",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^presence\.not\.authorized\.update\.other\.user\.presence$"),
        sentences=pattern(r"not authorized to update another user'?s presence"),
        within=REFUSALS,
    ),
    names=permissions,
    words=Words(
        cause="The caller may not change the presence of other users.",
        confirm="Look for presence:userPresence:edit in the roles of {client}.",
        fix="Add presence:userPresence:edit to a role of {client}, in the agents' division.",
        who="Role admin",
    ),
    page=Page(
        means=(
            "Since 20 July 2025 changing another user's presence needs presence:userPresence:edit. Integrations that "
            "worked before that day fail since."
        ),
        confirm="The caller's own presence can be changed; another user's cannot.",
        fix="Add presence:userPresence:edit to a role of the caller, in the division of the agents.",
        who_can="Whoever edits roles.",
        provenance="Published: the code is declared; the date is from the developer announcements.",
        retry="No. A changed role may take up to five minutes.",
    ),
    example=Example(
        status=403,
        body=(
            '{"message":"Not authorized to update another user\'s presence",'
            '"code":"presence.not.authorized.update.other.user.presence","status":403}'
        ),
    ),
)

TEAM_ONLY = Rule(
    key="team-only-grant",
    kind=Kind.MISSING_PERMISSION,
    title="The WFM permission is limited to teams",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(
            r"^wfm\.(?:team\.only\.permissions\.not\.allowed|missing\.team\.permissions|only\.authorized\.for\.team\.[a-z.]+|no\.authorization\.to\.edit\.schedule\.for\.teams|unauthorized\.for\.any\.team\.members|no\.authorized\.users\.in\.requested\.teams)$"
        ),
        sentences=pattern(r"\bonly (?:authorized|have access)\b[^.\n]{0,60}\bteams?\b", r"team access permissions"),
        within=frozenset({400, 403}),
    ),
    names=permissions,
    words=Words(
        cause="The WFM permission is granted for certain teams only, and these agents are not in them.",
        confirm="Look at the condition of the role's grant and at the teams of the refused agents.",
        fix="Grant the WFM role without the team condition, or for the teams of these agents.",
        who="Role admin",
    ),
    page=Page(
        means="A WFM role can be granted for certain teams only. The call touches agents outside them.",
        confirm="An agent of a granted team works, one of another team does not.",
        fix="Widen the grant to the teams of these agents, or leave them out.",
        who_can="Whoever grants WFM roles.",
        provenance="Published: the wfm.*team* codes are declared on WFM calls.",
        retry="No. A changed grant may take up to five minutes.",
    ),
    example=Example(
        status=403,
        body='{"message":"You must have access to the requested team","code":"wfm.missing.team.permissions","status":403}',
    ),
)


def _unpublished(case: Case, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that are not in the published API. On the brief's paths the brief's own count too."""
    known = catalogue.published_permissions() | (set(catalogue.BRIEF_SCOPES) if case.is_brief else set())
    return tuple(name for name in names if name not in known and "*" not in name)


def _unpublished_words(case: Case, names: tuple[str, ...], unknown: tuple[str, ...]) -> Words:
    """A name that does not exist can't be added to any role: what the call needs is asked for, else the nearest real one."""
    known = catalogue.published_permissions()
    near = tuple(dict.fromkeys(found for name in unknown if (found := catalogue.nearest_name(name, known))))
    real = tuple(name for name in names if name not in unknown)
    one, _ = needed_permissions(case)
    if real and _joint(case) == "or":
        wanted = real[0]  # one that exists is enough
    else:
        wanted = one or (listed(tuple(dict.fromkeys((*real, *near))), _joint(case)) if real or near else "")
    are = "is" if len(unknown) == 1 else "are"
    divisions = case.reading.names.divisions
    where = f"division {listed(divisions, 'and')}" if divisions else "the division of the agents"
    nearest = f"; nearest: {listed(near, 'and')}" if near else ""
    return Words(
        cause=f"The caller may not do this. The answer names {listed(unknown, 'and')}, which {are} not in Genesys's published "
        f"API{nearest}.",
        confirm="GET /api/v2/authorization/permissions lists every permission that the organization has.",
        fix=f"Add {wanted} to {holder(case)}, in {where}."
        if wanted
        else f"Find what the call needs, then add it to {holder(case)}.",
        who="Role admin",
    )


def _permission_words(case: Case, names: tuple[str, ...]) -> Words:
    if unknown := _unpublished(case, names):
        return _unpublished_words(case, names, unknown)
    if names:
        joint = _joint(case)
        if len(names) == 1:
            cause = f"The caller lacks the permission {names[0]}."
        elif joint == "and":
            cause = f"The caller lacks the permissions {listed(names, joint)}."
        else:
            cause = f"The caller holds none of the permissions {listed(names, 'and')}; one of them is enough."
        one = names[0] if len(names) == 1 or joint == "or" else listed(names, "and")
        fix = f"Add {one} to {holder(case)}, in the division of the agents."
    else:
        cause = "The caller may not do this; the answer does not say which permission is missing."
        one, needed = needed_permissions(case)
        fix = f"Find what the call needs, then add it to {holder(case)}."
        if needed:
            fix = f"Add {one} to {holder(case)}: this call needs {needed}."
    confirm = "Compare the permissions of the caller's roles with the names above; role changes take up to five minutes."
    return Words(cause=cause, confirm=confirm, fix=fix, who="Role admin")


PERMISSION = Rule(
    key="permission-missing",
    kind=Kind.MISSING_PERMISSION,
    title="A permission is missing",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"\bmissing\.(?:any\.)?permissions?$"),
        codes_within=pattern(
            r"\bpermissions?\.(?:denied|missing|required|check\.failed|fail(?:ure)?)",
            r"\bno\.\w*\.?permission",
            r"\bmissing\.\w+\.permissions?\b",
            r"\bmissing\.permissions?\b",
            r"^insufficient\.(?:\w+\.)?(?:permissions?|privileges?|access\b.*)",
            r"not\.(?:editor|admin)\b",
            r"^permission\.denied$",
        ),
        sentences=pattern(
            rf"\b(?:missing|lacks?|lacking|lack of|insufficient|improper|no|without)\b{_RIGHTS}",
            rf"\b(?:requires?|required|needs?|(?:do|does)(?: not|n'?t) (?:have|hold)|must (?:have|hold))\b{_RIGHTS}",
            r"\b(?:permissions?|privileges?)\b[^.\n]{0,40}\b(?:required|missing|denied|insufficient|needed)\b",
            r"\bmissing [\w ]{0,30}permission",
        ),
        hint=_permission_named,
        within=REFUSALS,
    ),
    names=permissions,
    said=_permission_words,
    words=Words(
        cause="The caller lacks a permission.",
        confirm="Compare the permissions of the caller's roles with what the call needs.",
        fix="Add the permission to a role of the caller.",
        who="Role admin",
    ),
    page=Page(
        means=(
            "The caller is known, and none of its roles holds what the call needs. Where the sentence says at least one "
            "of, one is enough. Sometimes the platform names no permission, or prints the name of a Java class."
        ),
        confirm=(
            "With client credentials the roles of the OAuth client count, with a user token the user's. If the named "
            "permission does not exist in the organization, a licence or feature is missing, not a role."
        ),
        fix="Add the permission to a role of the caller, in the division of the agents.",
        who_can="Whoever edits roles.",
        provenance="Published: missing.permissions and missing.any.permissions are declared on practically every call.",
        retry="No. A changed role may take up to five minutes.",
    ),
    example=Example(
        status=403,
        body=(
            '{"message":"Unable to perform the requested action. You must have at least one of the following permissions '
            'assigned: [wfm:schedule:view, wfm:publishedSchedule:view]","code":"missing.any.permissions","status":403}'
        ),
    ),
)

RULES = (DIVISION, TEAM_ONLY, OTHERS_PRESENCE, PERMISSION)
