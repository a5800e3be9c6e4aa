"""The caller is known and may not: a scope, a licence or feature, a policy; what is up to roles stands in `roles`."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.diagnosis.rules import roles
from wfm.diagnosis.rules.base import Case, licences, pattern, said, scopes
from wfm.diagnosis.rules.record import Matchers, Rule, platform_error, published
from wfm.diagnosis.rules.roles import (
    REFUSALS,
    REFUSING,
    holder,
    is_client_credentials,
    listed,
    needed_permissions,
    refuses,
)
from wfm.domain.diagnoses import Kind
from wfm.payloads.parsed_response import Form


def _scope_values(case: Case) -> Mapping[str, str]:
    names, held = scopes(case), case.evidence.held_scopes
    known = case.operation.scopes if case.operation is not None else ()
    values = {"lacking": "a scope; the answer does not say which"}
    if names:
        values = {"lacking": f"the scope {listed(names, 'or')}", "wanted": names[0] if len(names) == 1 else "one of them"}
    elif known:
        values["wanted"] = f"the scope that this call needs ({listed(known, 'or')})"
    if held is not None:
        values["held"] = f"The token holds {listed(held, 'and') if held else 'no scopes'}"
    return values if is_client_credentials(case) and not case.is_brief else values | {"roles": ""}


def _scope_named(case: Case) -> bool:
    return refuses(case) and bool(case.response.names.scopes)


SCOPE = Rule(
    key="scope-missing",
    kind=Kind.MISSING_SCOPE,
    title="The token lacks a scope",
    matchers=Matchers(
        codes=pattern(r"^app\.not\.authorized\.for\.scope$", r"^insufficient\.scopes?$"),
        codes_within=pattern(r"missing\.(?:required\.)?(?:oauth\.)?scopes?\b", r"scopes?\.(?:missing|required|insufficient)"),
        sentences=pattern(
            r"\b(?:lacks?|lacking|missing|requires?|required|needs?|insufficient|without)\b[^.,\n]{0,60}\bscopes?\b",
            r"\bscopes?\b[^.\n]{0,80}\b(?:missing|required|insufficient|not granted|not authorized)\b",
            r"not authorized to use scope",
            r"\b(?:do|does|did)(?: not|n'?t) (?:have|hold|include|contain|carry|grant)\b[^.\n]{0,60}\bscopes?\b",
            r"\bscopes?\b[^.\n]{0,40}\b(?:not (?:present|included|held|allowed)|absent|denied)\b",
        ),
        hint=_scope_named,
        within=frozenset({400, 401, 403}),
    ),
    names=scopes,
    cause="The token lacks {lacking|a scope}.",
    more=(
        "Where several scopes are listed, one of them is enough. A scope limits the application; the user's role is a "
        "separate question."
    ),
    confirm=(
        "{held|GET /api/v2/tokens/me shows the scopes that the token holds}.{roles| With client credentials, roles decide "
        "on the published platform: check them too.}"
    ),
    fix="Add {wanted|the scope that this call needs} to {client}, then fetch a new token.",
    who="OAuth admin",
    values=_scope_values,
    source=published("app.not.authorized.for.scope is declared on practically every call. insufficient_scope is of RFC 6750."),
    example=platform_error(403, "app.not.authorized.for.scope", "App not authorized to use scope [workforce-management]"),
)


LICENCE = Rule(
    key="feature-not-enabled",
    kind=Kind.MISSING_LICENSE,
    title="A licence or feature is missing",
    matchers=Matchers(
        codes=pattern(
            r"\blicen[sc]es?\b",
            r"\bfeature\.(?:not\.enabled|toggle|disabled|unavailable)",
            r"feature\.?toggle",
            r"^functionality\.not\.enabled$",
            r"\bnot\.licensed",
            r"feature\.?not\.?enabled",
            r"^payment\.required$",
            r"^subscription\.required$",
        ),
        codes_within=pattern(r"^feature\.forbidden$", r"^integrations\.forbidden$"),
        sentences=pattern(
            r"\blicen[sc]es?\b[^.\n]{0,60}\b(?:not|missing|required|assigned|expired)\b",
            r"\b(?:missing|requires?|without|no)\b[^.\n]{0,40}\blicen[sc]e",
            r"\b(?:feature|product|functionality|capability)\b[^.\n]{0,50}\bnot (?:enabled|available|licensed|provisioned)",
            r"\b(?:is|are) not (?:licensed|entitled)\b",
            r"\bnot (?:enabled|licensed) for (?:this|your|the) organi[sz]ation",
            r"feature toggle|\bAPI has not been used in project\b",
        ),
        statuses=frozenset({402}),
        within=frozenset({402, 403, 405, 501}),
    ),
    names=licences,
    cause="The organization or the user lacks a licence or feature that this call needs.",
    more="Permissions of such a feature may not exist in the organization; then no role can hold them.",
    confirm=(
        "Check whether the feature appears in Admin. GET /api/v2/authorization/permissions lists every permission that "
        "the organization has."
    ),
    fix="Have the licence assigned or the feature enabled. A role cannot fix this.",
    who="Organization admin",
    source=published(
        "feature.forbidden, feature.toggle.disabled and not.implemented are declared. No code for a missing licence is in "
        "the API definition; its wording is other vendors' or a guess."
    ),
    example=platform_error(403, "feature.toggle.disabled", "This feature is not enabled for this organization."),
)

USER_CONTEXT = Rule(
    key="user-context-needed",
    kind=Kind.FORBIDDEN_OTHER,
    title="The call needs a person, not a client",
    matchers=Matchers(
        codes=pattern(r"^not\.a\.user$", r"^not\.a\.client$"),
        sentences=pattern(r"\brequires? a user context", r"\bclient credentials cannot be used"),
    ),
    cause="This call acts for a user, and a client-credentials token has none.",
    confirm="Check the grant type of {client}: it is client credentials.",
    fix="Use a token of a person (authorization code), or a call that takes the user's id.",
    who="OAuth admin",
    source=published("not.a.user is declared, with this sentence."),
    example=platform_error(
        400,
        "not.a.user",
        "This request requires a user context. Client credentials cannot be used for requests to this resource.",
    ),
)

BLOCKED = Rule(
    key="organization-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="The organization or a policy refuses",
    matchers=Matchers(
        codes=pattern(
            r"^blocked$",
            r"\bpolicy\.denied$",
            r"\bblack\.listed$",
            r"^org(?:anization)?\.(?:disabled|forbidden)$",
            r"^explicit\.deny$",
        ),
        sentences=pattern(
            r"\bblocked for your organi[sz]ation",
            r"\bsecurity policies have denied",
            r"\bexplicit deny",
            r"\bblacklisted",
            r"\borganization being disabled",
        ),
        within=frozenset({400, 401, 403, 451, 501}),
    ),
    cause="A policy or block of the organization refuses this call, whatever the caller's roles.",
    more="Genesys support can tell the reason of a block from the correlation id.",
    confirm=(
        "Find the policy id of the message in the organization's security policies. A caller with more permissions is "
        "refused too."
    ),
    fix="Ask the organization's administrator to change the policy or lift the block.",
    who="Organization admin",
    source=published("authz.policy.denied and blocked are declared. Explicit denies are an AWS gateway's."),
    example=platform_error(
        403,
        "authz.policy.denied",
        (
            "Unable to perform the requested action. Your organization's security policies have denied access. Policy ID(s): "
            "[7d0c1f0a]"
        ),
    ),
)


_DENIED = pattern(
    r"\b(?:do|does)(?: not|n'?t) have access\b",
    r"\b(?:access|permission)(?: is| was| has been)? denied\b|\bdeny access\b",
)


def _denied_in_words(case: Case) -> bool:
    fits = case.response.firm_status in (None, 403) and case.response.form is not Form.TRUNCATED
    return fits and bool(_DENIED.search(case.text))


def _refused_by_a_server(case: Case) -> bool:
    """Whether code and words both refuse, under a status that says that a server failed."""
    status = case.response.firm_status
    failed = status is not None and status >= 500 and case.response.form is Form.JSON
    return failed and all(REFUSING.search(said) for said in (case.response.words, case.text.replace(" ", ".")))


def _refused_values(case: Case) -> Mapping[str, str]:
    told, needed = said(case, _DENIED), needed_permissions(case)[1]
    if not needed:
        return told
    return {
        **told,
        "first": f"Check whether {holder(case)} holds {needed}, which this call needs; if so, check divisions and licences",
    }


REFUSED = Rule(
    key="refused",
    kind=Kind.FORBIDDEN_OTHER,
    title="Refused without a reason",
    matchers=Matchers(
        special=_refused_by_a_server,
        codes=pattern(r"^access\.denied$"),
        weak_codes=pattern(
            r"^(?:.+\.)?(?:forbidden|not\.authorized|access\.denied|unauthorized|not\.allowed)$",
            r"^access\.denied|^authorization\.failure$",
        ),
        hint=_denied_in_words,
        statuses=frozenset({403, 451}),
        within=REFUSALS | {451},
    ),
    cause="The call is refused{said|}, and the answer does not say what is missing: scope, permission, division or licence.",
    more="Some calls want the user to take part in the conversation or to own the thing.",
    confirm="Compare a read with a write, and two agents of different divisions, with the same token.",
    fix="{first|Go through the four lanes of Access for this call, from scope to licence}.",
    who="Role admin",
    values=_refused_values,
    source=published("not.authorized is declared on practically every call, forbidden on fifty of other areas."),
    example=platform_error(403, "not.authorized", "You are not authorized to perform the requested action."),
)

RULES = (USER_CONTEXT, SCOPE, *roles.RULES, LICENCE, BLOCKED, REFUSED)
