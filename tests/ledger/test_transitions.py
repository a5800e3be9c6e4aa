"""What a request leads to, state by state; a database is not needed to know it."""

from __future__ import annotations

import pytest

from wfm.domain.errors import Refused
from wfm.domain.operations import OperationState
from wfm.ledger.transitions import Trigger, state_after, told_of

S = OperationState

LEADS_TO = {
    Trigger.REVISE: {S.SCHEDULED: S.SCHEDULED, S.APPLYING: S.APPLYING, S.IN_EFFECT: S.IN_EFFECT, S.RESTORING: S.RESTORING}
    | {S.HALTED: S.HALTED},
    Trigger.CANCEL: {S.SCHEDULED: S.CANCELLED, S.APPLYING: S.APPLYING},
    Trigger.RESTORE: {S.APPLYING: S.APPLYING, S.IN_EFFECT: S.IN_EFFECT, S.RESTORING: S.RESTORING, S.HALTED: S.HALTED}
    | {S.CANCELLED: S.CANCELLED, S.CORRECTED: S.CORRECTED, S.FAILED_IN_PART: S.RESTORING},
    Trigger.RETRY_APPLY: {S.HALTED: S.APPLYING, S.IN_EFFECT: S.APPLYING, S.FAILED: S.APPLYING, S.CORRECTED: S.APPLYING},
    Trigger.RETRY_RESTORE: {S.FAILED_IN_PART: S.RESTORING, S.RESTORING: S.RESTORING, S.IN_EFFECT: S.RESTORING}
    | {S.HALTED: S.RESTORING, S.CANCELLED: S.RESTORING},
}


@pytest.mark.parametrize("trigger", list(Trigger))
@pytest.mark.parametrize("state", list(OperationState))
def test_every_request_leads_somewhere_or_is_refused(trigger: Trigger, state: OperationState) -> None:
    if (after := LEADS_TO[trigger].get(state)) is not None:
        assert state_after(trigger, state.value, "Upgrade") is after
        return
    with pytest.raises(Refused, match=f"“Upgrade” is {state.value}\\. .+\\.") as refused:
        state_after(trigger, state.value, "Upgrade")
    assert refused.value.code == "state"


def test_a_correction_is_told_in_its_own_words() -> None:
    for state in OperationState:
        kind, sentence = told_of(state, "adherence")
        assert kind == told_of(state, "availability")[0]
        assert "taken out" not in sentence
        assert "agents" not in sentence
