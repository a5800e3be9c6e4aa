"""A role is at fault: a permission that it lacks, or one that does not reach the division or team."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wfm import catalogue
from wfm.diagnosis.rules.base import Case, pattern, permissions
from wfm.diagnosis.rules.record import ROLE_CHANGE, Matchers, Rule, Variant, platform_error, published
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form

REFUSALS = frozenset({401, 403})
_FIND = "Find what the call needs, then add it to {holder}"
_RIGHTS = r"[^.\n]{0,90}\b(?:permissions?|privileges?)\b"


def listed(names: tuple[str, ...], joint: str) -> str:
    """Names as a person says them: "a", "a or b", "a, b or c"."""
    shown = [*names[:6], f"{len(names) - 6} more"] if len(names) > 7 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def _joint(case: Case) -> str:
    any_of = "any" in case.response.words.split(".") or "at least one of" in case.text.casefold()
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
    status = case.response.firm_status
    if case.response.form is Form.PAGE or case.evidence.via == "oauth":
        return False
    known = status is not None and status >= 300
    return status == 403 if known else bool(REFUSING.search(case.response.words or case.text.replace(" ", ".")))


def _permission_named(case: Case) -> bool:
    return refuses(case) and bool(case.response.names.permissions)


_NOT_THERE = pattern(
    r"\bnot (?:\w+ )?(?:in|for|within|inside) (?:the |this |that |your |any |its )?(?:[\w'-]{1,30} ){0,2}divisions?\b",
)


def _division_named(case: Case) -> bool:
    names = case.response.names
    # Where nothing is lacking and the word falls, it is the division that lacks.
    told = names.divisions or _NOT_THERE.search(case.text) or (not names.permissions and "division" in case.text.casefold())
    return case.response.firm_status in (None, 403) and bool(told) and bool(names.permissions or names.held)


def _held_elsewhere(case: Case) -> tuple[str, ...]:
    """The permissions that do not reach; an answer may say of them that they are held in another division."""
    return case.response.names.permissions or case.response.names.held


def _division_values(case: Case) -> Mapping[str, str]:
    names, divisions = _held_elsewhere(case), case.response.names.divisions
    values = {"where": f"division {listed(divisions, 'and')}" if divisions else "the division of these agents"}
    if names:
        values |= {"what": listed(names, _joint(case)), "grant": names[0] if _joint(case) == "or" else listed(names, "and")}
    return {**values, **_unpublished_values(case, names)}


def _unpublished(case: Case, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that are not in the published API. On the brief's paths the brief's own count too."""
    known = catalogue.published_permissions() | (set(catalogue.BRIEF_SCOPES) if case.is_brief else set())
    return tuple(name for name in names if name not in known and "*" not in name)


def _unpublished_values(case: Case, names: tuple[str, ...]) -> Mapping[str, str]:
    """A name that does not exist can't be added to any role: what the call needs is asked for, else the nearest real one."""
    unknown = _unpublished(case, names)
    if not unknown:
        return {}
    known, divisions = catalogue.published_permissions(), case.response.names.divisions
    near = tuple(dict.fromkeys(found for name in unknown if (found := catalogue.nearest_name(name, known))))
    real = tuple(name for name in names if name not in unknown)
    one, _ = needed_permissions(case)
    if real and _joint(case) == "or":
        wanted = real[0]  # one that exists is enough
    else:
        wanted = one or (listed(tuple(dict.fromkeys((*real, *near))), _joint(case)) if real or near else "")
    where = f"division {listed(divisions, 'and')}" if divisions else "the division of the agents"
    return {
        "unknown": f"{listed(unknown, 'and')}, which {'is' if len(unknown) == 1 else 'are'} not",
        "nearest": f"; nearest: {listed(near, 'and')}" if near else "",
        "right": f"Add {wanted} to {holder(case)}, in {where}" if wanted else _FIND.format(holder=holder(case)),
    }


def _of_unpublished(names: Callable[[Case], tuple[str, ...]]) -> Variant:
    return Variant(
        when=lambda case: bool(_unpublished(case, names(case))),
        cause="The caller may not do this. The answer names {unknown|a permission that is not} in Genesys's published API"
        "{nearest|}.",
        confirm="GET /api/v2/authorization/permissions lists every permission that the organization has.",
        fix="{right|Find what the call needs, then add it to a role of the caller}.",
    )


DIVISION = Rule(
    key="division-missing",
    kind=Kind.MISSING_DIVISION,
    title="The permission does not reach this division",
    matchers=Matchers(
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
    cause="No role of the caller holds {what|the permission} in {where|the division of these agents}.",
    more=(
        "The caller may hold it in another division. Agents of a division that is not granted can be left out of the window."
    ),
    confirm="Compare the divisions of the role's grants with the division of the agents or of their business unit.",
    fix="Grant a role with {grant|the permission} in {where|that division}.",
    who="Role admin",
    values=_division_values,
    variants=(_of_unpublished(_held_elsewhere),),
    retry=ROLE_CHANGE,
    source=published(
        "missing.division.permission and its relatives are declared on practically every call; WFM has its own codes. "
        "Observed: a UUID as fourth part of a permission name is the division."
    ),
    example=platform_error(
        403,
        "missing.division.permission",
        (
            "Unable to perform the requested action. You are missing the following permission 'wfm:schedule:edit' in the "
            "provided division(s)."
        ),
    ),
)

OTHERS_PRESENCE = Rule(
    key="presence-of-others",
    kind=Kind.MISSING_PERMISSION,
    title="May not change another user's presence",
    matchers=Matchers(
        codes=pattern(r"^presence\.not\.authorized\.update\.other\.user\.presence$"),
        sentences=pattern(r"not authorized to update another user'?s presence"),
        within=REFUSALS,
    ),
    names=permissions,
    cause="The caller may not change the presence of other users.",
    more="Since 20 July 2025 this needs presence:userPresence:edit; integrations that worked before that day fail.",
    confirm="Look for presence:userPresence:edit in the roles of {client}.",
    fix="Add presence:userPresence:edit to a role of {client}, in the division of the agents.",
    who="Role admin",
    retry=ROLE_CHANGE,
    source=published("the code is declared; the date is from the developer announcements."),
    example=platform_error(
        403, "presence.not.authorized.update.other.user.presence", "Not authorized to update another user's presence"
    ),
)

TEAM_ONLY = Rule(
    key="team-only-grant",
    kind=Kind.MISSING_PERMISSION,
    title="The WFM permission is limited to teams",
    matchers=Matchers(
        codes=pattern(
            r"^wfm\.(?:team\.only\.permissions\.not\.allowed|missing\.team\.permissions|only\.authorized\.for\.team\.[a-z.]+|no\.authorization\.to\.edit\.schedule\.for\.teams|unauthorized\.for\.any\.team\.members|no\.authorized\.users\.in\.requested\.teams)$"
        ),
        sentences=pattern(r"\bonly (?:authorized|have access)\b[^.\n]{0,60}\bteams?\b", r"team access permissions"),
        within=frozenset({400, 403}),
    ),
    names=permissions,
    cause="The WFM permission is granted for certain teams only, and these agents are not in them.",
    more="Or leave these agents out of the window.",
    confirm="Compare the condition of the role's grant with the teams of the refused agents.",
    fix="Grant the WFM role without the team condition, or for the teams of these agents.",
    who="Role admin",
    retry=ROLE_CHANGE,
    source=published("the wfm.*team* codes are declared on WFM calls."),
    example=platform_error(403, "wfm.missing.team.permissions", "You must have access to the requested team"),
)


def _permission_values(case: Case) -> Mapping[str, str]:
    names, joint = permissions(case), _joint(case)
    grant, needed = needed_permissions(case)
    where = f": this call needs {needed}"
    lacks = "may not do this; the answer does not say which permission is missing"
    if names:
        grant = names[0] if joint == "or" else listed(names, "and")
        where = ", in the division of the agents"
        if len(names) == 1:
            lacks = f"lacks the permission {grant}"
        elif joint == "and":
            lacks = f"lacks the permissions {grant}"
        else:
            lacks = f"holds none of the permissions {listed(names, 'and')}; one of them is enough"
    change = f"Add {grant} to {holder(case)}{where}" if grant else _FIND.format(holder=holder(case))
    return {"lacks": lacks, "change": change, **_unpublished_values(case, names)}


PERMISSION = Rule(
    key="permission-missing",
    kind=Kind.MISSING_PERMISSION,
    title="A permission is missing",
    matchers=Matchers(
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
    cause="The caller {lacks|lacks a permission}.",
    more=(
        "With client credentials the roles of the OAuth client count, with a user token the user's. If the organization "
        "has no such permission, a licence or feature is missing, not a role."
    ),
    confirm="Compare the permissions of the caller's roles with what the call needs; role changes take up to five minutes.",
    fix="{change|Add the permission to a role of the caller, in the division of the agents}.",
    who="Role admin",
    values=_permission_values,
    variants=(_of_unpublished(permissions),),
    retry=ROLE_CHANGE,
    source=published("missing.permissions and missing.any.permissions are declared on practically every call."),
    example=platform_error(
        403,
        "missing.any.permissions",
        (
            "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
            "[wfm:schedule:view, wfm:publishedSchedule:view]"
        ),
    ),
)

RULES = (DIVISION, TEAM_ONLY, OTHERS_PRESENCE, PERMISSION)
