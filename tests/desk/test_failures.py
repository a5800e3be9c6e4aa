"""Failure groups on a Desk with a demo tenant: a fix is proven or disproved by reads, and two people notice each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.engine_world import new_operation
from wfm.desk import Desk
from wfm.desk.proof import PROPAGATION, ProofState, next_state, of_checks
from wfm.diagnosis import diagnose
from wfm.domain.agents import GroupKind
from wfm.domain.diagnoses import Evidence, Kind
from wfm.domain.errors import BadInput, NotAllowed, NotFound, Refused
from wfm.domain.operations import Exchange, FailureGroup, GroupState, ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.domain.people import Actor, Role
from wfm.ledger.records import DirectRun, Settlement
from wfm.settings import Settings

ADA = Actor(subject="ada", name="Ada", role=Role.ADMIN)
SAM = Actor(subject="sam", name="Sam", role=Role.SUPERVISOR)
VIEWER = Actor(subject="vi", name="Vi", role=Role.VIEWER)
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
EXECUTE = "POST /api/v2/integrations/actions/{actionId}/execute"
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=60, latency_ms=0, rate_limit=6000) as handle:
        yield handle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(demo: DemoHandle, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A Desk of its own on the demo tenant as at first: architect-flow may read and write, but not update."""
    demo.post("/_demo/reset")
    settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
    with closing(Desk.open(settings, clock=clock)) as opened:
        yield opened


def fail(desk: Desk, *, via: str = "direct", call: str = CALL, status: int = 403, body: str = FORBIDDEN) -> FailureGroup:
    """One run that failed now; its group."""
    now = desk.clock()
    agent = next(iter(desk.directory().agents.values()))
    found = diagnose(status, {}, body, Evidence(call=call, via=via))
    settlement = Settlement(
        run_id="",
        agent_id=agent.id,
        state=ItemState.FAILED,
        outcome=Outcome.FAILED,
        finished_at=now,
        duration_ms=3,
        status=status,
        code=found.code,
        diagnosis=found,
    )
    run = desk.ledger.runs.record(
        DirectRun(
            tenant_key=desk.tenant.key,
            agent_id=agent.id,
            agent_name=agent.name,
            route="availability",
            action=None,
            via=via,
            call=call,
            phase=Phase.APPLY,
            settlement=settlement,
            started_at=now,
        )
    )
    assert run.fingerprint is not None
    return desk.failure(run.fingerprint)


def fixed(desk: Desk, group: FailureGroup) -> FailureGroup:
    return desk.mark_group(group.fingerprint, GroupState.FIXED, ADA, "added the scope", expected=group.revision)


def test_a_mended_scope_is_proven_by_reading_and_closes_the_group(desk: Desk, demo: DemoHandle) -> None:
    group = fixed(desk, fail(desk))
    assert desk.demo is not None
    desk.demo.mend(ADA)
    (proof,) = desk.probe_fixed({})
    assert proof.state is ProofState.HELD
    assert proof.group.state is GroupState.RESOLVED
    assert proof.group.note == f"A new token of architect-flow holds what {CALL} needs."
    assert demo.get("/_demo/updates") == {}, "a proof writes nothing"
    story = desk.failure_detail(group.fingerprint).changes
    assert [(one.actor, one.to_state) for one in story] == [
        ("Ada", GroupState.FIXED),
        ("proof by reading", GroupState.RESOLVED),
    ]
    assert desk.probe_fixed({}) == [], "what is resolved is not looked at any more"


def test_what_is_still_missing_reopens_only_when_the_change_had_its_time(desk: Desk, clock: Clock) -> None:
    group = fixed(desk, fail(desk))
    early = desk.probe_group(group.fingerprint, SAM)
    assert early.state is ProofState.MISSING
    assert early.sentence == "A new token of architect-flow still lacks wfm:schedule:update."
    assert early.group.state is GroupState.FIXED
    clock.ahead = PROPAGATION
    late = desk.probe_group(group.fingerprint, SAM)
    assert late.group.state is GroupState.OPEN
    assert late.group.state_by == "Sam, proof by reading"
    assert late.group.note.startswith("Not fixed after all.")


def test_a_failure_after_the_proof_reopens_the_group_as_regressed(desk: Desk, clock: Clock) -> None:
    group = fixed(desk, fail(desk))
    assert desk.demo is not None
    desk.demo.mend(ADA)
    assert desk.probe_group(group.fingerprint).group.state is GroupState.RESOLVED
    clock.ahead = timedelta(minutes=1)
    assert fail(desk).state is GroupState.REGRESSED


def test_looking_at_an_open_group_says_what_is_so_and_changes_nothing(desk: Desk, clock: Clock) -> None:
    group = fail(desk)
    clock.ahead = timedelta(hours=1)
    assert desk.probe_group(group.fingerprint, ADA).group == group


def test_behind_a_data_action_nothing_can_be_read_and_it_is_not_asked_again(desk: Desk) -> None:
    group = fixed(desk, fail(desk, via="data_action", call=EXECUTE))
    known: dict[str, int] = {}
    (proof,) = desk.probe_fixed(known)
    assert proof.state is ProofState.UNKNOWN
    assert "credentials of its integration" in proof.sentence
    assert proof.group.state is GroupState.FIXED
    assert desk.probe_fixed(known) == []
    reopened = desk.mark_group(group.fingerprint, GroupState.OPEN, ADA)
    fixed(desk, reopened)
    assert len(desk.probe_fixed(known)) == 1, "marked once more, it is looked at once more"


def test_a_server_error_can_only_be_proven_by_a_retry(desk: Desk) -> None:
    group = fixed(desk, fail(desk, status=502, body="<html>Bad gateway</html>"))
    assert desk.probe_group(group.fingerprint).state is ProofState.UNKNOWN


def test_a_token_that_is_given_again_proves_that_signing_in_works(desk: Desk) -> None:
    group = fixed(desk, fail(desk, status=401, body='{"code": "bad.credentials", "message": "Invalid login credentials."}'))
    assert group.kind in (Kind.UNAUTHENTICATED, Kind.EXPIRED_TOKEN)
    assert desk.probe_group(group.fingerprint).group.state is GroupState.RESOLVED


def test_a_tenant_that_is_down_proves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from wfm.genesys.errors import GenesysError

    group = fixed(desk, fail(desk))
    reader = desk.connection().reader

    def down(**_: object) -> None:
        raise GenesysError("GET /api/v2/tokens/me", message="no answer")

    monkeypatch.setattr(reader, "token", down)
    assert desk.probe_fixed({}) == []
    assert desk.failure(group.fingerprint).state is GroupState.FIXED


def test_a_viewer_looks_and_changes_nothing(desk: Desk) -> None:
    group = fail(desk)
    for change in (
        lambda: desk.mark_group(group.fingerprint, GroupState.FIXED, VIEWER),
        lambda: desk.amend_group(group.fingerprint, VIEWER, owner="Vi"),
        lambda: desk.probe_group(group.fingerprint, VIEWER),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert desk.failure(group.fingerprint) == group


def test_two_people_at_once_the_second_is_told_of_the_first(desk: Desk) -> None:
    group = fail(desk)
    desk.mark_group(group.fingerprint, GroupState.FIXED, ADA, "asked IT at 14:30", expected=group.revision)
    with pytest.raises(Refused, match="Ada changed this cause meanwhile: it is fixed, “asked IT at 14:30”"):
        desk.mark_group(group.fingerprint, GroupState.IGNORED, SAM, expected=group.revision)
    with pytest.raises(Refused, match="Ada"):
        desk.amend_group(group.fingerprint, SAM, owner="Sam", expected=group.revision)


def test_a_group_opened_shows_owner_notes_and_where_it_struck(desk: Desk) -> None:
    group = fail(desk)
    desk.amend_group(group.fingerprint, SAM, owner=" Ada  Lovelace ", note="with the OAuth team")
    detail = desk.failure_detail(group.fingerprint)
    assert (detail.group.owner, detail.group.note, detail.by_hand) == ("Ada Lovelace", "with the OAuth team", 1)
    assert detail.operations == ()
    assert detail.changes[-1].note == "Owner: Ada Lovelace. with the OAuth team"
    with pytest.raises(BadInput, match="note"):
        desk.amend_group(group.fingerprint, SAM, note="x" * 501)
    with pytest.raises(NotFound):
        desk.failure_detail("nothing")


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


def test_the_causes_over_time_come_from_counters_the_most_first(desk: Desk, clock: Clock) -> None:
    scope = fail(desk)
    fail(desk)
    broken = fail(desk, status=502, body="<html>Bad gateway</html>")
    now = clock()
    found = desk.causes_over_time(now - timedelta(hours=1), now + timedelta(minutes=1), 30)
    assert [(one.group.fingerprint, one.total) for one in found] == [(scope.fingerprint, 2), (broken.fingerprint, 1)]
    assert desk.causes_over_time(now - timedelta(days=2), now - timedelta(days=1), 30) == ()


def test_chosen_runs_are_exported_in_their_order(desk: Desk) -> None:
    first, second = fail(desk).sample_run, fail(desk).sample_run
    text = b"".join(desk.export_selected([second, first], "jsonl")).decode()
    assert [json.loads(line)["run"] for line in text.splitlines()] == [second, first]
    with pytest.raises(NotFound):
        desk.export_selected(["nothing"], "csv")
    with pytest.raises(BadInput, match="1 to 200 runs"):
        desk.export_selected([first] * 201, "csv")
    with pytest.raises(BadInput, match="format"):
        desk.export_selected([first], "exe")


def test_a_team_means_the_people_who_are_in_it_today(desk: Desk) -> None:
    group = fail(desk)
    directory = desk.directory()
    agent = directory.agents[desk.run(group.sample_run).run.agent_id]
    teams = [one for one in directory.groups if one.kind is GroupKind.TEAM]
    own = next(one for one in teams if one.id == agent.team_id)
    other = next(one for one in teams if one.id != agent.team_id)
    for word in (own.id, own.name):
        assert [run.agent_id for run in desk.runs(RunFilter(team=word)).runs] == [agent.id]
    assert desk.runs(RunFilter(team=other.name)).runs == ()
    assert b"".join(desk.export_runs(RunFilter(team=own.name), "jsonl")).count(b"\n") == 1
    with pytest.raises(BadInput, match="team"):
        desk.runs(RunFilter(team="nobodies"))


def _fail_in_a_window(desk: Desk, agents: list[str], *, example: bool) -> FailureGroup:
    """The missing scope, met by these agents in an operation; its group."""
    now, client = desk.clock(), desk.current_client_id()
    operation = new_operation(
        desk.ledger, agents, tenant=desk.tenant.key, client_id=client, example=example, request_token=agents[0]
    )
    desk.ledger.lifecycle.transition(operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=now, started_at=now)
    claims = desk.ledger.items.claim(
        operation.id,
        Phase.APPLY,
        limit=25,
        worker_id="w",
        now=now,
        route="availability",
        action=None,
        via="direct",
        call=CALL,
    )
    found = diagnose(403, {}, FORBIDDEN, Evidence(call=CALL, via="direct"))
    answer = Exchange(
        number=1,
        method="PATCH",
        url="/",
        request_body=None,
        status=403,
        response_headers={},
        response_body=FORBIDDEN,
        correlation_id=None,
        fault="",
        started_at=now,
        duration_ms=1,
    )
    ends = [
        Settlement(
            run_id=claim.run_id,
            agent_id=claim.item.agent_id,
            state=ItemState.FAILED,
            outcome=Outcome.FAILED,
            finished_at=now,
            duration_ms=1,
            status=403,
            diagnosis=found,
            exchanges=(answer,),
        )
        for claim in claims
    ]
    desk.ledger.items.settle(operation.id, Phase.APPLY, ends, now=now)
    return next(group for group in desk.failures() if group.call == CALL)


def test_a_hand_off_counts_what_people_did_and_the_examples_only_where_there_is_nothing_else(desk: Desk) -> None:
    group = _fail_in_a_window(desk, ["ada", "bo", "cem"], example=True)
    assert "3 updates of 3 agents failed" in desk.hand_off(group.fingerprint)
    group = _fail_in_a_window(desk, ["dana", "eli"], example=False)
    assert (group.runs, group.agents, group.examples) == (2, 2, 3)
    assert "2 updates of 2 agents failed" in desk.hand_off(group.fingerprint)
    assert desk.waiting_agents([group]) == 2
