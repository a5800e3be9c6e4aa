"""The caller is known and may not: a scope, a licence or feature, a policy; what is up to roles stands in `roles`."""

from __future__ import annotations

from wfm.diagnosis.rules import roles
from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, licences, pattern, scopes
from wfm.diagnosis.rules.roles import (
    REFUSALS,
    REFUSING,
    holder,
    is_client_credentials,
    listed,
    needed_permissions,
    refuses,
)
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form


def _scope_words(case: Case, names: tuple[str, ...]) -> Words:
    held = case.evidence.held_scopes
    known = case.operation
    if names:
        cause = f"The token lacks the scope {listed(names, 'or')}."
        fix = f"Add {names[0] if len(names) == 1 else 'one of them'} to {case.client}, then fetch a new token."
    else:
        cause = "The token lacks a scope; the answer does not say which."
        wanted = f": {listed(known.scopes, 'or')}" if known is not None and known.scopes else ""
        fix = f"Add the scope that this call needs{wanted} to {case.client}, then fetch a new token."
    if held is not None:
        confirm = f"The token holds {listed(held, 'and') if held else 'no scopes'}."
    else:
        confirm = "GET /api/v2/tokens/me shows the scopes that the token holds."
    if is_client_credentials(case) and not case.is_brief:
        confirm += " With client credentials roles decide on the published platform: look there too."
    return Words(cause=cause, confirm=confirm, fix=fix, who="OAuth admin")


def _scope_named(case: Case) -> bool:
    return refuses(case) and bool(case.reading.names.scopes)


SCOPE = Rule(
    key="scope-missing",
    kind=Kind.MISSING_SCOPE,
    title="The token lacks a scope",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^app\.not\.authorized\.for\.scope$", r"^insufficient\.scopes?$"),
        codes_within=pattern(r"missing\.(?:required\.)?(?:oauth\.)?scopes?\b", r"scopes?\.(?:missing|required|insufficient)"),
        sentences=pattern(
            r"\b(?:lacks?|lacking|missing|requires?|required|needs?|insufficient|without)\b[^.\n]{0,60}\bscopes?\b",
            r"\bscopes?\b[^.\n]{0,80}\b(?:missing|required|insufficient|not granted|not authorized)\b",
            r"not authorized to use scope",
            r"\b(?:do|does|did)(?: not|n'?t) (?:have|hold|include|contain|carry|grant)\b[^.\n]{0,60}\bscopes?\b",
            r"\bscopes?\b[^.\n]{0,40}\b(?:not (?:present|included|held|allowed)|absent|denied)\b",
        ),
        hint=_scope_named,
        within=frozenset({400, 401, 403}),
    ),
    names=scopes,
    said=_scope_words,
    words=Words(
        cause="The token lacks a scope.",
        confirm="GET /api/v2/tokens/me shows the scopes that the token holds.",
        fix="Add the scope to {client}, then fetch a new token.",
        who="OAuth admin",
    ),
    page=Page(
        means=(
            "The application was not granted a scope that this call needs. Where several are listed, one of them is "
            "enough. A scope limits the application; the user's role is a second, separate question."
        ),
        confirm=(
            "GET /api/v2/tokens/me lists the scopes of the token. Tokens of the published platform made with client "
            "credentials have no scopes: there, roles in divisions decide."
        ),
        fix="Add the scope to the OAuth client, let people sign in again where they do, and fetch a new token.",
        who_can="Whoever administers OAuth clients.",
        provenance=(
            "Published: app.not.authorized.for.scope is declared on practically every call. insufficient_scope is of RFC 6750."
        ),
        retry="No.",
    ),
    example=Example(
        status=403,
        body=(
            '{"message":"App not authorized to use scope [workforce-management]","code":"app.not.authorized.for.scope",'
            '"status":403}'
        ),
    ),
)


LICENCE = Rule(
    key="feature-not-enabled",
    kind=Kind.MISSING_LICENSE,
    title="A licence or feature is missing",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
            r"feature toggle",
        ),
        statuses=frozenset({402}),
        within=frozenset({402, 403, 405, 501}),
    ),
    names=licences,
    words=Words(
        cause="The organization or the user lacks a licence or feature that this call needs.",
        confirm="Look whether the feature appears in Admin and whether its permissions exist in the organization at all.",
        fix="Have the licence assigned or the feature enabled. A role cannot mend this.",
        who="Organization admin",
    ),
    page=Page(
        means=(
            "The feature behind this call is not switched on or not paid for. Permissions of such a feature may not "
            "exist in the organization; then no role can hold them."
        ),
        confirm="GET /api/v2/authorization/permissions lists every permission the organization has; look for the one needed.",
        fix="Assign the licence to the user, or have the feature enabled for the organization.",
        who_can="The organization's administrator, or Genesys for a feature toggle.",
        provenance=(
            "Published: feature.forbidden, feature.toggle.disabled and not.implemented are declared. No code for a missing "
            "licence is in the API definition; its wording is other vendors' or a guess."
        ),
        retry="No.",
    ),
    example=Example(
        status=403,
        body='{"message":"This feature is not enabled for this organization.","code":"feature.toggle.disabled","status":403}',
    ),
)

USER_CONTEXT = Rule(
    key="user-context-needed",
    kind=Kind.FORBIDDEN_OTHER,
    title="The call needs a person, not a client",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^not\.a\.user$", r"^not\.a\.client$"),
        sentences=pattern(r"\brequires? a user context", r"\bclient credentials cannot be used"),
    ),
    words=Words(
        cause="This call acts for a user, and a client-credentials token has none.",
        confirm="Look at the grant type of {client}: it is client credentials.",
        fix="Use a token of a person (authorization code), or a call that does not need one.",
        who="OAuth admin",
    ),
    page=Page(
        means="Some calls act for the user who is signed in. A token made with client credentials belongs to nobody.",
        confirm="GET /api/v2/tokens/me shows the grant type. With a person's token the call works.",
        fix="Use a token of a person, or choose a call that takes the user's id.",
        who_can="Whoever administers OAuth clients and the integration.",
        provenance="Published: not.a.user is declared, with this sentence.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            '{"message":"This request requires a user context. Client credentials cannot be used for requests to this '
            'resource.","code":"not.a.user","status":400}'
        ),
    ),
)

BLOCKED = Rule(
    key="organization-refuses",
    kind=Kind.FORBIDDEN_OTHER,
    title="The organization or a policy refuses",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
    words=Words(
        cause="A policy or block of the organization refuses this call, whatever the caller's roles.",
        confirm="Look for a policy id in the message and in the organization's security policies.",
        fix="Ask the organization's administrator to change the policy or lift the block.",
        who="Organization admin",
    ),
    page=Page(
        means="Not a role but a policy refuses: a security policy, a block of the organization, or an explicit deny.",
        confirm="The message may carry policy ids. A caller with more permissions is refused too.",
        fix="Have the policy changed or the block lifted. More permissions do not help.",
        who_can="The organization's administrator; for a block, Genesys support with the correlation id.",
        provenance="Published: authz.policy.denied and blocked are declared. Explicit denies are an AWS gateway's.",
        retry="No.",
    ),
    example=Example(
        status=403,
        body=(
            '{"message":"Unable to perform the requested action. Your organization\'s security policies have denied access. '
            'Policy ID(s): [7d0c1f0a]","code":"authz.policy.denied","status":403}'
        ),
    ),
)


def _refused_by_a_server(case: Case) -> bool:
    """Whether code and words both refuse, under a status that says that a server failed."""
    status = case.reading.firm_status
    failed = status is not None and status >= 500 and case.reading.form is Form.JSON
    return failed and all(REFUSING.search(said) for said in (case.reading.words, case.text.replace(" ", ".")))


def _refused_words(case: Case, names: tuple[str, ...]) -> Words:
    _, needed = needed_permissions(case)
    fix = "Go through the four lanes of Access for this call, from scope to licence."
    if needed:
        fix = f"Look whether {holder(case)} holds {needed}, which this call needs; if so, at divisions and licences."
    return Words(
        cause="The call is refused and the answer does not say why: scope, permission, division or licence.",
        confirm="Compare a read with a write, and two agents of different divisions, with the same token.",
        fix=fix,
        who="Role admin",
    )


REFUSED = Rule(
    key="refused",
    kind=Kind.FORBIDDEN_OTHER,
    title="Refused without a reason",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        special=_refused_by_a_server,
        codes=pattern(r"^access\.denied$"),
        weak_codes=pattern(
            r"^(?:.+\.)?(?:forbidden|not\.authorized|access\.denied|unauthorized|not\.allowed)$", r"^access\.denied"
        ),
        statuses=frozenset({403, 451}),
        within=REFUSALS | {451},
    ),
    said=_refused_words,
    words=Words(
        cause="The call is refused and the answer does not say why.",
        confirm="Compare a read with a write, and two agents of different divisions, with the same token.",
        fix="Compare the four lanes of Access for this call.",
        who="Role admin",
    ),
    page=Page(
        means=(
            "The caller is known and may not do this. The answer names no permission, scope, division or licence; some "
            "calls want the user to take part in the conversation or to own the thing."
        ),
        confirm="Compare a read with a write, and two agents of different divisions, with the same token.",
        fix="Go through the four lanes of Access for this call, from scope to licence.",
        who_can="Whoever edits roles; OAuth admin for scopes.",
        provenance="Published: not.authorized is declared on practically every call, forbidden on fifty of other areas.",
        retry="No.",
    ),
    example=Example(
        status=403,
        body='{"message":"You are not authorized to perform the requested action.","code":"not.authorized","status":403}',
    ),
)

RULES = (USER_CONTEXT, SCOPE, *roles.RULES, LICENCE, BLOCKED, REFUSED)
