"""Whether a cause that somebody fixed is gone: by reading the same access again, never by writing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wfm.domain.diagnoses import Kind
from wfm.domain.operations import FailureGroup, GroupState
from wfm.domain.plans import AccessCheck, LaneState

PROPAGATION = timedelta(minutes=5)
"""How long a change of a role takes to reach every part of the platform, at most.

Source: Genesys Cloud Resource Center, "Workforce management permissions overview" (published).
"""

ACCESS_KINDS = frozenset(
    {Kind.MISSING_SCOPE, Kind.MISSING_PERMISSION, Kind.MISSING_DIVISION, Kind.MISSING_LICENSE, Kind.FORBIDDEN_OTHER}
)
"""What a look at the token's access can tell."""

SIGN_IN_KINDS = frozenset({Kind.UNAUTHENTICATED, Kind.INVALID_CLIENT, Kind.EXPIRED_TOKEN})
"""What a new token and one read with it can tell."""


class ProofState(StrEnum):
    """What a read-only look found."""

    HELD = "held"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a look at a failure group's access found, in a sentence, and the group as it is after it."""

    state: ProofState
    sentence: str
    group: FailureGroup


def of_checks(call: str, checks: Iterable[AccessCheck], client: str) -> tuple[ProofState, str]:
    """The verdict on a call from the lanes of a fresh token. A lane that can't be seen proves nothing."""
    matching = [check for check in checks if call in (check.operation, check.call)]
    if not matching:
        return ProofState.UNKNOWN, "Reading can't tell for this call. Retry one agent to prove it."
    missing = [check for check in matching if check.missing]
    if missing:
        lanes = [verdict for check in missing for verdict in check.lanes.values() if verdict.state is LaneState.MISSING]
        needed = sorted({name for verdict in lanes for name in verdict.needed})
        return ProofState.MISSING, f"A new token of {client} still lacks {' or '.join(needed) or 'access to this call'}."
    if any(verdict.state is LaneState.UNKNOWN for check in matching for verdict in check.lanes.values()):
        return (
            ProofState.UNKNOWN,
            f"A new token of {client} lacks nothing that can be seen, but roles can't be read from here. "
            "Retry one agent to prove it.",
        )
    return ProofState.HELD, f"A new token of {client} holds what {call} needs."


def next_state(group: FailureGroup, found: ProofState, now: datetime) -> GroupState | None:
    """Where the evidence takes a group that is marked as fixed; None where it stays.

    What is held closes it at once. What is missing reopens it only when the change had its time to arrive.
    """
    if group.state is not GroupState.FIXED:
        return None
    if found is ProofState.HELD:
        return GroupState.RESOLVED
    waited = now - (group.state_at or now)
    if found is ProofState.MISSING and waited >= PROPAGATION:
        return GroupState.OPEN
    return None
