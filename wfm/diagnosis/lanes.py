"""The four lanes of a refusal: scope, permission, division, licence or feature; each with its evidence and next step.

On the published platform a client-credentials token has no scopes: roles in divisions decide (source: SDK model
OAuthClient). The brief's tenant decides by scope alone.
"""

from __future__ import annotations

from wfm import catalogue
from wfm.catalogue import PlatformOperation
from wfm.diagnosis.rules.base import reads_work_writes_fail
from wfm.diagnosis.sides import ELSEWHERE
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind, Provenance
from wfm.domain.plans import LaneName, LaneState, LaneVerdict

_OWN_RIGHTS = "Read GET /api/v2/authorization/subjects/me with the same token: it lists the roles and divisions held."
_AFTER_SCOPE = "Once the scope is granted, try one agent: a permission may be refused next."
_UNKNOWN_CALL = "brief-refused-call-unknown"
REFUSALS = frozenset(
    {Kind.MISSING_SCOPE, Kind.MISSING_PERMISSION, Kind.MISSING_DIVISION, Kind.MISSING_LICENSE, Kind.FORBIDDEN_OTHER}
)


def four_lanes(diagnosis: Diagnosis, evidence: Evidence, call: str | None = None) -> dict[LaneName, LaneVerdict]:
    """The verdict on a refused call, lane by lane. `call` is "VERB /path"; without it the evidence's.

    Where the failure is no refusal, every lane is unknown and says so; where another system refuses, none applies.
    """
    if diagnosis.kind not in REFUSALS:
        unknown = LaneVerdict(state=LaneState.UNKNOWN, evidence="This failure is not about access.")
        return dict.fromkeys(LaneName, unknown)
    if diagnosis.who in ELSEWHERE:
        refused = LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="Another system refuses, not Genesys Cloud.")
        return dict.fromkeys(LaneName, refused)
    if evidence.behind and any(line.startswith("inside ") for line in diagnosis.chain):
        # Refused behind a Data Action: the credentials of its integration were judged, not the caller's.
        evidence, call = Evidence(call=evidence.behind, via=evidence.via, behind=evidence.behind), evidence.behind
    known = _operation(call or evidence.call)
    return {
        LaneName.SCOPE: _scope(diagnosis, evidence, known),
        LaneName.PERMISSION: _permission(diagnosis, evidence, known),
        LaneName.DIVISION: _division(diagnosis, known),
        LaneName.LICENCE: _licence(diagnosis, evidence),
    }


def _operation(call: str | None) -> PlatformOperation | None:
    verb, _, path = (call or "").partition(" ")
    return catalogue.match(verb, path) if path else None


def _client_credentials(evidence: Evidence) -> bool:
    return (evidence.grant_type or "").casefold().replace("_", "-") == "client-credentials"


def _is_brief(known: PlatformOperation | None, diagnosis: Diagnosis) -> bool:
    if diagnosis.rule == _UNKNOWN_CALL:
        return False
    return diagnosis.provenance is Provenance.BRIEF or (known is not None and known.provenance is Provenance.BRIEF)


def _scope(diagnosis: Diagnosis, evidence: Evidence, known: PlatformOperation | None) -> LaneVerdict:
    listed = known.scopes if known else ()
    held = evidence.held_scopes
    if diagnosis.kind is Kind.MISSING_SCOPE:
        needed = diagnosis.missing or listed
        refusal = (
            "The answer refuses for a scope."
            if diagnosis.provenance is not Provenance.BRIEF
            else "This tenant decides by scope."
        )
        holds = f" The token holds {', '.join(held) or 'none'}." if held is not None else ""
        if _client_credentials(evidence) and not _is_brief(known, diagnosis):
            refusal = (
                "The answer refuses for a scope, although client credentials have none: the token may be of another grant."
            )
        return LaneVerdict(
            state=LaneState.MISSING,
            evidence=f"{refusal}{holds} {reads_work_writes_fail(evidence)}".strip(),
            needed=needed,
            next_step=diagnosis.fix,
        )
    if _client_credentials(evidence) and not _is_brief(known, diagnosis) and diagnosis.rule != _UNKNOWN_CALL:
        return LaneVerdict(
            state=LaneState.NOT_APPLICABLE,
            evidence="Roles in divisions decide; client credentials have no scopes.",
            needed=listed,
        )
    if held is not None and listed:
        common = [scope for scope in listed if scope in held]
        if common:
            return LaneVerdict(
                state=LaneState.HELD, evidence=f"The token holds {common[0]}; one listed scope is enough.", needed=listed
            )
        return LaneVerdict(
            state=LaneState.UNKNOWN,
            evidence="None of the listed scopes is held, but the answer does not refuse for a scope: enforcement may be off.",
            needed=listed,
            next_step=f"Ask whether the organization enforces scopes; if so, add {listed[0]}.",
        )
    return LaneVerdict(
        state=LaneState.UNKNOWN,
        evidence="The scopes of the token are not known here.",
        needed=listed,
        next_step="Read GET /api/v2/tokens/me with the same token.",
    )


def _permission(diagnosis: Diagnosis, evidence: Evidence, known: PlatformOperation | None) -> LaneVerdict:
    listed = known.permissions if known else ()
    if diagnosis.kind is Kind.MISSING_PERMISSION and diagnosis.provenance is not Provenance.BRIEF:
        refusal = "The answer names it." if diagnosis.missing else "The answer says permission and names none."
        return LaneVerdict(
            state=LaneState.MISSING,
            evidence=f"{refusal} {reads_work_writes_fail(evidence)}".strip(),
            needed=diagnosis.missing or listed,
            next_step=diagnosis.fix,
        )
    if diagnosis.rule == _UNKNOWN_CALL:
        return LaneVerdict(
            state=LaneState.UNKNOWN,
            evidence="The answer speaks of permissions and names none; of a write of schedules it is said for a missing scope.",
            next_step="Find the call that was refused.",
        )
    if diagnosis.kind is Kind.MISSING_DIVISION:
        return LaneVerdict(
            state=LaneState.HELD,
            evidence="The answer says that only the division is missing.",
            needed=diagnosis.missing or listed,
        )
    if diagnosis.rule == "brief-refused-with-scope":
        return LaneVerdict(
            state=LaneState.UNKNOWN, evidence="The scope is held, so a role may refuse.", needed=listed, next_step=diagnosis.fix
        )
    if _is_brief(known, diagnosis):
        return LaneVerdict(
            state=LaneState.NOT_APPLICABLE, evidence="The call declares no permission; this tenant decides by scope."
        )
    if known is not None and not listed:
        return LaneVerdict(
            state=LaneState.UNKNOWN,
            evidence="The API definition declares no permission for this call; some are enforced all the same.",
            next_step=_OWN_RIGHTS,
        )
    if diagnosis.kind is Kind.MISSING_SCOPE:
        return LaneVerdict(
            state=LaneState.UNKNOWN,
            evidence="The scope was refused; permissions were not asked.",
            needed=listed,
            next_step=_AFTER_SCOPE,
        )
    if diagnosis.kind is Kind.MISSING_LICENSE:
        return LaneVerdict(
            state=LaneState.NOT_APPLICABLE,
            evidence="Permissions of a feature that is switched off do not count, or do not exist in the organization.",
            needed=listed,
        )
    return LaneVerdict(
        state=LaneState.UNKNOWN,
        evidence="The answer does not say.",
        needed=listed,
        next_step=f"Look for {' or '.join(listed[:3])} in the caller's roles." if listed else _OWN_RIGHTS,
    )


def _division(diagnosis: Diagnosis, known: PlatformOperation | None) -> LaneVerdict:
    if diagnosis.kind is Kind.MISSING_DIVISION:
        which = "The answer names it." if diagnosis.divisions else "The answer says division and names none."
        return LaneVerdict(state=LaneState.MISSING, evidence=which, needed=diagnosis.divisions, next_step=diagnosis.fix)
    if _is_brief(known, diagnosis) and diagnosis.rule != "brief-refused-with-scope":
        return LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="This tenant decides by scope.")
    if diagnosis.kind is Kind.MISSING_PERMISSION:
        return LaneVerdict(
            state=LaneState.UNKNOWN,
            evidence="Divisions are asked once the permission is held somewhere.",
            next_step="Grant the role in the division of the agents from the start.",
        )
    return LaneVerdict(
        state=LaneState.UNKNOWN,
        evidence="The answer does not say.",
        next_step="Try one agent of another division with the same token.",
    )


def _licence(diagnosis: Diagnosis, evidence: Evidence) -> LaneVerdict:
    if diagnosis.kind is Kind.MISSING_LICENSE:
        return LaneVerdict(
            state=LaneState.MISSING,
            evidence="The answer says that a licence or feature is missing.",
            needed=diagnosis.missing,
            next_step=diagnosis.fix,
        )
    reads = evidence.reads_ok or 0
    worked = f" {reads:,} {'read' if reads == 1 else 'reads'} worked with this client; whether of this feature is not counted."
    return LaneVerdict(
        state=LaneState.UNKNOWN,
        evidence=f"The answer does not say.{worked if reads else ''}",
        next_step="If the named permission does not exist in the organization, it is a licence or feature.",
    )
