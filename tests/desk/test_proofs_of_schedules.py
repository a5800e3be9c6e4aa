"""The read-only look after "I fixed it" for agents without a schedule: do those who failed have one now, in that window?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.desk.failure_world import ADA, Clock, clock, demo, desk
from tests.support.demo_tenant import DemoHandle
from tests.support.inside import inside
from wfm.desk import Desk
from wfm.desk.proofs import PROPAGATION, ProofState
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind
from wfm.domain.operations import FailureGroup, GroupState, ItemState, Operation, OperationState, Outcome, Phase
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.genesys.errors import GenesysError
from wfm.ledger.records import DirectRun, NewItem, NewOperation, Settlement

__all__ = ["clock", "demo", "desk"]

CALL = "PATCH /api/v2/wfm/users/{userId}/schedule/adherence"
NOT_FOUND = '{"code": "not_found", "message": "Resource not found"}'


def scenario(desk: Desk, demo: DemoHandle, name: str) -> None:
    demo.post("/_demo/scenario", {"name": name})
    inside(desk).connections.forget_reads()


def week(desk: Desk) -> Window:
    """Wide enough that whoever works at all has a shift in it, on whichever day this runs."""
    now = desk.clock()
    return Window(start=now - timedelta(days=4), end=now + timedelta(days=3), zone="UTC")


def with_schedule(desk: Desk) -> set[str]:
    reader = inside(desk).connections.get().reader
    people = list(reader.directory().agents.values())
    window = week(desk)
    found = reader.schedules(people, window.start, window.end, fresh=True)
    return {
        agent
        for agent, schedule in found.items()
        if schedule is not None and any(shift.start < window.end and shift.end > window.start for shift in schedule.shifts)
    }


def three_without(desk: Desk, demo: DemoHandle) -> list[str]:
    """Agents who have no schedule now and will have one when the tenant is healthy again; they come back unscheduled."""
    healthy = with_schedule(desk)
    scenario(desk, demo, "unscheduled-agents")
    lacking = sorted(healthy - with_schedule(desk))
    assert len(lacking) >= 3, "the scenario takes the schedule of four in ten"
    return lacking[:3]


def no_schedule() -> Diagnosis:
    found = diagnose(404, {}, NOT_FOUND, Evidence(call=CALL, via="direct"))
    assert found.kind is Kind.NOT_FOUND_SCHEDULE
    return found


def failed_operation(desk: Desk, agents: list[str], **more: str) -> tuple[Operation, FailureGroup]:
    """An operation in which all these agents failed with 404."""
    now = desk.clock()
    client = desk.clients.current
    new = NewOperation(
        tenant_key=desk.tenant.key,
        client_id=client.id,
        client_name=client.name,
        plan_id="plan",
        title="Correction",
        request=PlanRequest(selection=Selection(agents=tuple(agents)), window=WindowSpec(minutes=30)),
        route=RouteName.ADHERENCE,
        action_id=None,
        restore_action_id=None,
        window=week(desk),
        created_by="Ada",
        request_token="",
        items=tuple(NewItem(agent_id=agent, agent_name=agent, before=None, fate="ready") for agent in agents),
    )
    operation = inside(desk).ledger.operations.create(replace(new, **more), now)  # type: ignore[arg-type]
    assert inside(desk).ledger.lifecycle.transition(operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=now)
    claims = inside(desk).ledger.items.claim(
        operation.id, Phase.APPLY, limit=100, worker_id="w", now=now, route="adherence", action=None, via="direct", call=CALL
    )
    ends = [
        Settlement(
            run_id=claim.run_id,
            agent_id=claim.item.agent_id,
            state=ItemState.FAILED,
            outcome=Outcome.FAILED,
            finished_at=now,
            duration_ms=3,
            status=404,
            code="not_found",
            diagnosis=no_schedule(),
        )
        for claim in claims
    ]
    inside(desk).ledger.items.settle(operation.id, Phase.APPLY, ends, now=now)
    return operation, desk.failures.groups()[0]


def fixed(desk: Desk, group: FailureGroup) -> FailureGroup:
    return desk.failures.mark(group.fingerprint, GroupState.FIXED, ADA, "published the week", expected=group.revision)


def test_schedules_that_are_there_now_close_the_cause(desk: Desk, demo: DemoHandle) -> None:
    agents = three_without(desk, demo)
    group = fixed(desk, failed_operation(desk, agents)[1])
    scenario(desk, demo, "healthy")
    (proof,) = desk.proofs.probe_fixed({})
    assert (proof.state, proof.sentence) == (ProofState.HELD, "All 3 agents have a schedule there now.")
    assert proof.group.state is GroupState.RESOLVED
    assert desk.failures.get(group.fingerprint).note == proof.sentence
    assert demo.get("/_demo/updates") == {}, "a proof writes nothing"


def test_one_agent_is_called_one(desk: Desk, demo: DemoHandle) -> None:
    agents = three_without(desk, demo)
    group = failed_operation(desk, agents[:1])[1]
    scenario(desk, demo, "healthy")
    proof = desk.proofs.probe(group.fingerprint, ADA)
    assert (proof.state, proof.sentence) == (ProofState.HELD, "The agent has a schedule there now.")
    assert proof.group.state is GroupState.OPEN, "nobody said that it is fixed"


def test_who_still_lacks_one_is_named_and_reopens_it_when_its_time_is_over(desk: Desk, demo: DemoHandle, clock: Clock) -> None:
    agents = three_without(desk, demo)
    having = sorted(with_schedule(desk))[0]
    group = fixed(desk, failed_operation(desk, [*agents, having])[1])
    people = desk.agents.directory().agents
    early = desk.proofs.probe(group.fingerprint, ADA)
    assert early.state is ProofState.MISSING
    assert early.sentence.startswith("3 of 4 agents still have no schedule there: ")
    assert all(people[agent].name in early.sentence for agent in agents)
    assert people[having].name not in early.sentence
    assert early.group.state is GroupState.FIXED
    clock.ahead = PROPAGATION
    late = desk.proofs.probe(group.fingerprint, ADA)
    assert late.group.state is GroupState.OPEN
    assert late.group.note.startswith("Not fixed after all. 3 of 4 agents")


def test_an_agent_who_is_gone_has_no_schedule(desk: Desk, demo: DemoHandle) -> None:
    having = sorted(with_schedule(desk))[0]
    group = failed_operation(desk, [having, "gone-agent"])[1]
    proof = desk.proofs.probe(group.fingerprint, ADA)
    assert (proof.state, proof.sentence) == (ProofState.MISSING, "1 of 2 agents still have no schedule there: gone-agent.")


def test_a_run_of_no_window_can_only_be_retried(desk: Desk) -> None:
    now = desk.clock()
    ended = Settlement(
        run_id="",
        agent_id="a",
        state=ItemState.FAILED,
        outcome=Outcome.FAILED,
        finished_at=now,
        duration_ms=3,
        status=404,
        code="not_found",
        diagnosis=no_schedule(),
    )
    inside(desk).ledger.runs.record(
        DirectRun(
            tenant_key=desk.tenant.key,
            agent_id="a",
            agent_name="A",
            route="adherence",
            action=None,
            via="direct",
            call=CALL,
            phase=Phase.APPLY,
            settlement=ended,
            started_at=now,
        )
    )
    proof = desk.proofs.probe(desk.failures.groups()[0].fingerprint, ADA)
    assert proof.state is ProofState.UNKNOWN
    assert "names no window" in proof.sentence


def test_a_client_that_is_not_known_any_more_proves_nothing(desk: Desk) -> None:
    group = fixed(desk, failed_operation(desk, ["a"], client_id="of-yesterday")[1])
    known: dict[str, int] = {}
    (proof,) = desk.proofs.probe_fixed(known)
    assert proof.state is ProofState.UNKNOWN
    assert "of-yesterday" in proof.sentence
    assert desk.failures.get(group.fingerprint).state is GroupState.FIXED
    assert desk.proofs.probe_fixed(known) == [], "what no read can tell is not asked again"


def test_a_tenant_that_is_down_just_now_proves_nothing(desk: Desk, demo: DemoHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    group = fixed(desk, failed_operation(desk, [sorted(with_schedule(desk))[0]])[1])

    def down(*_: object, **__: object) -> object:
        raise GenesysError(call="GET /x", status=503, code=None, message="down", correlation_id=None, exchanges=())

    monkeypatch.setattr(inside(desk).connections.get().reader, "schedules", down)
    assert desk.proofs.probe_fixed({}) == []
    assert desk.failures.get(group.fingerprint).state is GroupState.FIXED
    monkeypatch.undo()
    assert [proof.state for proof in desk.proofs.probe_fixed({})] == [ProofState.HELD]
