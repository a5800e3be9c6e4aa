"""Whether the token may make the calls of a plan. Four lanes a call: scope, permission, division, licence or feature.

Which lane decides depends on the call and on the token:

* A call of the brief (catalogue provenance `brief`) is decided by scope where the token states its scopes: a scope is
  held or missing, the other lanes don't apply. This is the brief's tenant.
* A published call is decided by roles in divisions when the token is a client-credentials one: such a token has no
  published scopes (published: SDK model OAuthClient). Scopes that look like the brief's (wfm:…) say nothing about it.
* A published call made for a person needs a published scope and the person's permissions; but scopes only count where the
  organization enforces them, which is off by default (published: "Enforce Scopes"), so one that is absent is unknown.

A lane is `missing` only on evidence that is as fresh as the plan: the token's own words, the policies of its roles, or a
read that was refused a moment ago. A *write* that was refused earlier stays `unknown`, with the refusal as evidence: a
fixed role would otherwise never get the call that proves it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from wfm.catalogue import PlatformOperation
from wfm.domain.diagnoses import Provenance
from wfm.domain.plans import AccessCheck, LaneName, LaneState, LaneVerdict
from wfm.domain.sentences import quantity
from wfm.domain.tenant import TokenFacts

ALL_DIVISIONS = "*"
"""The division id that stands for every division in a grant (published: roleDivisions of an OAuth client)."""

NO_SCOPES = "a client-credentials token has no scopes; roles in divisions decide"
BY_SCOPE = "this tenant decides this call by scope"
ONLY_TENANT_KNOWS = "only the tenant can tell; a 403 would name it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How the latest such call with this client ended. `at` is an aware instant, None where it wasn't kept."""

    worked: bool
    at: datetime | None = None

    def outcome(self) -> str:
        when = f" at {self.at:%H:%M} UTC" if self.at else ""
        return f"worked{when}" if self.worked else f"was refused{when}"


Observed = Mapping[str, Observation | bool | None]
"""Catalogue key -> how the latest such call ended; None or absent where none was made."""

Lanes = dict[LaneName, LaneVerdict]


def checks_for(
    facts: TokenFacts,
    operations: Iterable[PlatformOperation],
    observed: Observed | None = None,
    *,
    permissions: Collection[str] | None = None,
    purposes: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[AccessCheck, ...]:
    """Check each call once, in the order given.

    `permissions` are those of the token's roles ("wfm:schedule:edit", wildcards allowed), None where they can't be
    read. `purposes` give, by catalogue key, why the plan makes the call.
    """
    seen = observed or {}
    return tuple(
        _check(facts, operation, _observation(seen.get(operation.key)), permissions, (purposes or {}).get(operation.key, ()))
        for operation in {operation.key: operation for operation in operations}.values()
    )


def inner_check(call: PlatformOperation, action: str, client: str | None, facts: TokenFacts) -> AccessCheck:
    """Check the call that a Data Action makes with credentials of its own, of which this token says nothing.

    `client` is the OAuth client the action's integration uses, where that is known. If it is the token's own client,
    the token's facts hold for it.
    """
    name = f"{call.key} (inside {action})"
    if client is not None and client in (facts.client_id, facts.client_name):
        return replace(_check(facts, call, None, None, ("apply",)), call=name)
    whose = f"{client}'s" if client else "the action's own"
    said = f"made by the Data Action {action}: {whose} credentials decide, not this token"
    lanes = {lane: LaneVerdict(state=LaneState.UNKNOWN, evidence=said, needed=_needed(call, lane)) for lane in LaneName}
    return AccessCheck(
        operation=call.key,
        call=name,
        lanes=lanes,
        advice="",
        provenance=call.provenance.value,
        purposes=("apply",),
    )


def short_of_scope(facts: TokenFacts, operation: PlatformOperation) -> str:
    """Name the nearest scope held and the one needed: "holds wfm:schedule:write, needs wfm:schedule:update"."""
    needed = operation.scopes[0]
    family = needed.rsplit(":", 1)[0] + ":"
    akin = [scope for scope in facts.scopes or () if scope.startswith(family)]
    if not operation.reads:
        akin = [scope for scope in akin if not scope.endswith((":read", ":view", ":readonly"))] or akin
    return f"holds {', '.join(akin) if akin else f'no {family}* scope'}, needs {' or '.join(operation.scopes)}"


def _check(
    facts: TokenFacts,
    operation: PlatformOperation,
    seen: Observation | None,
    permissions: Collection[str] | None,
    purposes: tuple[str, ...],
) -> AccessCheck:
    if operation.provenance is Provenance.BRIEF and facts.scopes is not None:
        lanes, advice = _by_scope(facts, operation)
    else:
        lanes, advice = _by_roles(facts, operation, seen, permissions)
    return AccessCheck(
        operation=operation.key,
        call=operation.key,
        lanes=lanes,
        advice=advice,
        provenance=operation.provenance.value,
        purposes=purposes,
    )


def _by_scope(facts: TokenFacts, operation: PlatformOperation) -> tuple[Lanes, str]:
    lanes = {lane: LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence=BY_SCOPE) for lane in LaneName}
    held = [scope for scope in operation.scopes if scope in (facts.scopes or ())]
    state, evidence = LaneState.MISSING, short_of_scope(facts, operation)
    if held:
        state, evidence = LaneState.HELD, f"the token states {held[0]}"
    lanes[LaneName.SCOPE] = LaneVerdict(state=state, evidence=evidence, needed=operation.scopes)
    return lanes, "" if held else f"add {operation.scopes[0]} to the OAuth client {facts.client_name}"


def _by_roles(
    facts: TokenFacts, operation: PlatformOperation, seen: Observation | None, permissions: Collection[str] | None
) -> tuple[Lanes, str]:
    permission, advice = _permission(facts, operation, seen, permissions)
    lanes = {
        LaneName.SCOPE: _scope(facts, operation, seen),
        LaneName.PERMISSION: permission,
        LaneName.DIVISION: _division(facts, operation, seen),
        LaneName.LICENCE: LaneVerdict(state=LaneState.HELD, evidence=f"this call {seen.outcome()}")
        if seen and seen.worked
        else LaneVerdict(state=LaneState.UNKNOWN, evidence=ONLY_TENANT_KNOWS),
    }
    return lanes, advice


def _scope(facts: TokenFacts, operation: PlatformOperation, seen: Observation | None) -> LaneVerdict:
    needed = operation.scopes
    if facts.scopes is None:
        return LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence=NO_SCOPES)
    held = [scope for scope in needed if scope in facts.scopes]
    if held:
        return LaneVerdict(state=LaneState.HELD, evidence=f"the token states {held[0]}", needed=needed)
    if _client_credentials(facts) or not needed:
        return LaneVerdict(
            state=LaneState.NOT_APPLICABLE,
            evidence="the scopes that this token states don't govern this published call; roles in divisions do",
        )
    if seen and seen.worked:
        evidence = f"not enforced by this organization: this call {seen.outcome()}"
        return LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence=evidence, needed=needed)
    evidence = f"the token lacks {' or '.join(needed)}, which counts only where the organization enforces scopes"
    return LaneVerdict(state=LaneState.UNKNOWN, evidence=evidence, needed=needed)


def _permission(
    facts: TokenFacts, operation: PlatformOperation, seen: Observation | None, permissions: Collection[str] | None
) -> tuple[LaneVerdict, str]:
    needed = operation.permissions
    if seen and seen.worked:
        return LaneVerdict(state=LaneState.HELD, evidence=f"this call {seen.outcome()}", needed=needed), ""
    if seen and operation.reads:
        evidence = f"this read {seen.outcome()}: a permission, its division or a licence is missing"
        return LaneVerdict(state=LaneState.MISSING, evidence=evidence, needed=needed), _grant(facts, operation)
    if not needed and operation.provenance is Provenance.PUBLISHED:
        return LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="the published catalogue declares none"), ""
    if permissions is not None and needed:
        return _of_policies(facts, operation, permissions)
    if operation.provenance is Provenance.BRIEF:
        evidence = "not in the published catalogue, so no permission is known for it; a tenant without this path answers 404"
    else:
        evidence = f"the token's roles can't be seen from here; needs {_joined(operation)}"
    if seen:
        evidence = f"the latest such call {seen.outcome()}; {evidence}"
    return LaneVerdict(state=LaneState.UNKNOWN, evidence=evidence, needed=needed), ""


def _of_policies(facts: TokenFacts, operation: PlatformOperation, permissions: Collection[str]) -> tuple[LaneVerdict, str]:
    held = [name for name in operation.permissions if any(_grants(policy, name) for policy in permissions)]
    enough = len(held) == len(operation.permissions) if operation.any_or_all == "ALL" else bool(held)
    if enough:
        evidence = f"the token's roles grant {held[0]}"
        return LaneVerdict(state=LaneState.HELD, evidence=evidence, needed=operation.permissions), ""
    evidence = f"the token's roles don't grant it: needs {_joined(operation)}"
    return LaneVerdict(state=LaneState.MISSING, evidence=evidence, needed=operation.permissions), _grant(facts, operation)


def _division(facts: TokenFacts, operation: PlatformOperation, seen: Observation | None) -> LaneVerdict:
    if not operation.permissions and operation.provenance is Provenance.PUBLISHED:
        return LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="no permission, so no division, is declared for it")
    divisions = {division for _, division in facts.role_divisions}
    if ALL_DIVISIONS in divisions:
        return LaneVerdict(state=LaneState.HELD, evidence="the token has a role in all divisions")
    if divisions:
        count = quantity(len(divisions), "division")
        evidence = f"the token has roles in {count}; agents elsewhere are left out as wrong division"
        return LaneVerdict(state=LaneState.HELD, evidence=evidence)
    if seen and seen.worked:
        return LaneVerdict(state=LaneState.HELD, evidence=f"this call {seen.outcome()}")
    return LaneVerdict(state=LaneState.UNKNOWN, evidence="the token doesn't say in which divisions its roles are granted")


def _client_credentials(facts: TokenFacts) -> bool:
    return facts.grant_type.casefold().replace("-", "_") == "client_credentials"


def _observation(seen: Observation | bool | None) -> Observation | None:
    return Observation(worked=seen) if isinstance(seen, bool) else seen


def _grants(policy: str, name: str) -> bool:
    """Return whether a granted permission, which may hold wildcards (wfm:*, wfm:schedule:*, *:*:*), covers the one needed."""
    granted, wanted = policy.split(":"), name.split(":")
    granted += ["*"] * (len(wanted) - len(granted)) if granted[-1:] == ["*"] else []
    return len(granted) == len(wanted) and all(part in ("*", want) for part, want in zip(granted, wanted, strict=True))


def _joined(operation: PlatformOperation) -> str:
    names = operation.permissions
    shown = (" and " if operation.any_or_all == "ALL" else " or ").join(names[:3])
    return shown + (f" or one of {len(names) - 3} more" if len(names) > 3 else "")


def _grant(facts: TokenFacts, operation: PlatformOperation) -> str:
    if not operation.permissions:
        return f"ask who administers roles what the OAuth client {facts.client_name} lacks for this call"
    return f"grant {_joined(operation)} to a role of the OAuth client {facts.client_name}"


def _needed(call: PlatformOperation, lane: LaneName) -> tuple[str, ...]:
    return {LaneName.SCOPE: call.scopes, LaneName.PERMISSION: call.permissions}.get(lane, ())
