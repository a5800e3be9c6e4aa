"""A fix is proven or disproved by reads, on a Desk with a demo tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.desk.failure_world import (
    ADA,
    CALL,
    EXECUTE,
    SAM,
    Clock,
    clock,
    demo,
    desk,
    fail,
    fixed,
)
from tests.support.demo_tenant import DemoHandle
from tests.support.inside import inside
from wfm.desk import Desk
from wfm.desk.proofs import PROPAGATION, ProofState, next_state, of_checks
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import FailureGroup, GroupState

__all__ = ["clock", "demo", "desk"]


def test_a_mended_scope_is_proven_by_reading_and_closes_the_group(desk: Desk, demo: DemoHandle) -> None:
    group = fixed(desk, fail(desk))
    assert desk.demo is not None
    desk.demo.add_scope(ADA)
    (proof,) = desk.proofs.probe_fixed({})
    assert proof.state is ProofState.HELD
    assert proof.group.state is GroupState.RESOLVED
    assert proof.group.note == f"A new token of architect-flow holds what {CALL} needs."
    assert demo.get("/_demo/updates") == {}, "a proof writes nothing"
    story = desk.failures.detail(group.fingerprint).changes
    assert [(one.actor, one.to_state) for one in story] == [
        ("Ada", GroupState.FIXED),
        ("proof by reading", GroupState.RESOLVED),
    ]
    assert desk.proofs.probe_fixed({}) == [], "what is resolved is not looked at any more"


def test_what_is_still_missing_reopens_only_when_the_change_had_its_time(desk: Desk, clock: Clock) -> None:
    group = fixed(desk, fail(desk))
    early = desk.proofs.probe(group.fingerprint, SAM)
    assert early.state is ProofState.MISSING
    assert early.sentence == "A new token of architect-flow still lacks wfm:schedule:update."
    assert early.group.state is GroupState.FIXED
    clock.ahead = PROPAGATION
    late = desk.proofs.probe(group.fingerprint, SAM)
    assert late.group.state is GroupState.OPEN
    assert late.group.state_by == "Sam, proof by reading"
    assert late.group.note.startswith("Not fixed after all.")


def test_a_failure_after_the_proof_reopens_the_group_as_regressed(desk: Desk, clock: Clock) -> None:
    group = fixed(desk, fail(desk))
    assert desk.demo is not None
    desk.demo.add_scope(ADA)
    assert desk.proofs.probe(group.fingerprint).group.state is GroupState.RESOLVED
    clock.ahead = timedelta(minutes=1)
    assert fail(desk).state is GroupState.REGRESSED


def test_looking_at_an_open_group_says_what_is_so_and_changes_nothing(desk: Desk, clock: Clock) -> None:
    group = fail(desk)
    clock.ahead = timedelta(hours=1)
    assert desk.proofs.probe(group.fingerprint, ADA).group == group


def test_behind_a_data_action_nothing_can_be_read_and_it_is_not_asked_again(desk: Desk) -> None:
    group = fixed(desk, fail(desk, via="data_action", call=EXECUTE))
    known: dict[str, int] = {}
    (proof,) = desk.proofs.probe_fixed(known)
    assert proof.state is ProofState.UNKNOWN
    assert "credentials of its integration" in proof.sentence
    assert proof.group.state is GroupState.FIXED
    assert desk.proofs.probe_fixed(known) == []
    reopened = desk.failures.mark(group.fingerprint, GroupState.OPEN, ADA)
    fixed(desk, reopened)
    assert len(desk.proofs.probe_fixed(known)) == 1, "marked once more, it is looked at once more"


def test_a_server_error_can_only_be_proven_by_a_retry(desk: Desk) -> None:
    group = fixed(desk, fail(desk, status=502, body="<html>Bad gateway</html>"))
    assert desk.proofs.probe(group.fingerprint).state is ProofState.UNKNOWN


def test_a_token_that_is_given_again_proves_that_signing_in_works(desk: Desk) -> None:
    group = fixed(desk, fail(desk, status=401, body='{"code": "bad.credentials", "message": "Invalid login credentials."}'))
    assert group.kind in (Kind.UNAUTHENTICATED, Kind.EXPIRED_TOKEN)
    assert desk.proofs.probe(group.fingerprint).group.state is GroupState.RESOLVED


def test_a_tenant_that_is_down_proves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfm.genesys.errors import GenesysError

    group = fixed(desk, fail(desk))
    reader = inside(desk).connections.get().reader

    def down(**_: object) -> None:
        raise GenesysError("GET /api/v2/tokens/me", message="no answer")

    monkeypatch.setattr(reader, "token", down)
    assert desk.proofs.probe_fixed({}) == []
    assert desk.failures.get(group.fingerprint).state is GroupState.FIXED


def test_lanes_that_can_not_be_seen_prove_nothing() -> None:
    assert of_checks(CALL, (), "desk")[0] is ProofState.UNKNOWN


@pytest.mark.parametrize("found", list(ProofState))
@pytest.mark.parametrize("state", [one for one in GroupState if one is not GroupState.FIXED])
def test_only_a_group_that_waits_for_proof_follows_the_evidence(found: ProofState, state: GroupState) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    group = FailureGroup(
        fingerprint="f",
        tenant_key="t",
        kind=Kind.MISSING_SCOPE,
        code=None,
        call=CALL,
        rule="",
        cause="",
        missing=(),
        state=state,
        first_seen=now,
        last_seen=now,
        runs=1,
        agents=1,
        sample_run="",
        state_at=now - timedelta(days=1),
    )
    assert next_state(group, found, now) is None
