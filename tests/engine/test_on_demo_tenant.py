"""The runner against the demo tenant, over real HTTP, in this process."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import ScriptedReads, demo_client, dependencies_for, new_operation, utcnow
from tests.support.unpaced import Unpaced
from wfm.domain.operations import ItemState, Operation, OperationState, Outcome, Phase, RunFilter
from wfm.engine.phases import PhaseRunner
from wfm.ledger import Ledger


def on_shift(demo: DemoHandle, count: int) -> list[str]:
    rows = demo.agents(scheduled="true", active="true", out_of_office="false", status="available", limit=count)
    return [row["id"] for row in rows]


def run_phase(runner: PhaseRunner, operation: Operation, phase: Phase) -> None:
    first = True
    while runner.advance(operation.id, phase, first):
        first = False


def test_everybody_is_taken_out_once_and_put_back_once(demo: DemoHandle, ledger: Ledger) -> None:
    ids = on_shift(demo, 40)
    pacer = Unpaced()
    client = demo_client(demo, pacer=pacer)
    runner = PhaseRunner(dependencies_for(ledger, client, ScriptedReads(ids)), threading.Event())
    operation = new_operation(ledger, ids)
    run_phase(runner, operation, Phase.APPLY)

    now = ledger.operations.get(operation.tenant_key, operation.id)
    assert now.state is OperationState.IN_EFFECT
    assert now.applied_at is not None
    assert ledger.items.counts([operation.id])[operation.id].out == 40
    assert demo.updates() == {agent_id: {"unavailable": 1, "available": 0} for agent_id in ids}
    assert len(pacer.statuses) == 40  # one an agent

    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    run_phase(runner, operation, Phase.RESTORE)
    now = ledger.operations.get(operation.tenant_key, operation.id)
    assert now.state is OperationState.ENDED_EARLY
    assert demo.updates() == {agent_id: {"unavailable": 1, "available": 1} for agent_id in ids}
    assert len(pacer.statuses) == 40 + 80  # two an agent
    client.close()


def test_the_missing_scope_halts_after_five_and_says_why(demo: DemoHandle, ledger: Ledger) -> None:
    ids = on_shift(demo, 40)
    pacer = Unpaced()
    client = demo_client(demo, "architect-flow", pacer=pacer)
    runner = PhaseRunner(dependencies_for(ledger, client, ScriptedReads(ids)), threading.Event())
    operation = new_operation(ledger, ids, client_name="architect-flow")
    run_phase(runner, operation, Phase.APPLY)

    now = ledger.operations.get(operation.tenant_key, operation.id)
    counts = ledger.items.counts([operation.id])[operation.id]
    assert now.state is OperationState.HALTED
    assert now.halt_reason == "The OAuth client may read schedules but not update them. Missing: wfm:schedule:update."
    assert counts.apply[ItemState.FAILED] == 5
    assert counts.apply[ItemState.SKIPPED] == 35
    assert demo.updates() == {}
    assert len(pacer.statuses) == 5
    page = ledger.runs.page(operation.tenant_key, RunFilter(operation_id=operation.id))
    assert {(run.status, run.code, run.outcome) for run in page.runs} == {(403, "forbidden", Outcome.FAILED)}
    assert {run.missing for run in page.runs} == {("wfm:schedule:update",)}
    assert {run.call for run in page.runs} == {"PATCH /api/v2/wfm/users/{userId}/availability"}
    client.close()


def test_an_agent_whom_somebody_else_changed_is_left_alone(demo: DemoHandle, ledger: Ledger) -> None:
    ids = on_shift(demo, 6)
    client = demo_client(demo)
    runner = PhaseRunner(dependencies_for(ledger, client, ScriptedReads(ids)), threading.Event())
    operation = new_operation(ledger, ids)
    run_phase(runner, operation, Phase.APPLY)
    demo.post(f"/_demo/agents/{ids[0]}/state", {"status": "available", "reason": ""})
    demo.post(f"/_demo/agents/{ids[1]}/state", {"status": "unavailable", "reason": "coaching"})

    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    run_phase(runner, operation, Phase.RESTORE)
    counts = ledger.items.counts([operation.id])[operation.id]
    assert counts.restore[ItemState.APPLIED] == 4
    left = ledger.items.page(operation.id, restore_states=[ItemState.SKIPPED])
    assert {(item.agent_id, item.skip_reason) for item in left} == {
        (agent_id, "changed by somebody else since") for agent_id in ids[:2]
    }
    assert demo.get(f"/_demo/agents/{ids[1]}")["reason"] == "coaching"
    client.close()


@pytest.mark.parametrize("kind", ["timeout_after_write", "reset_after_write"])
def test_a_write_without_an_answer_is_read_back_not_repeated(demo: DemoHandle, ledger: Ledger, kind: str) -> None:
    ids = on_shift(demo, 12)
    client = demo_client(demo, timeout_s=0.5)
    runner = PhaseRunner(dependencies_for(ledger, client, ScriptedReads(ids), timeout_s=0.5), threading.Event())
    demo.post("/_demo/faults", {"faults": [{"kind": kind, "count": 6, "seconds": 2, "match": "PATCH /availability"}]})
    operation = new_operation(ledger, ids)
    run_phase(runner, operation, Phase.APPLY)
    assert ledger.operations.get(operation.tenant_key, operation.id).state is OperationState.IN_EFFECT
    assert demo.updates() == {agent_id: {"unavailable": 1, "available": 0} for agent_id in ids}
    assert ledger.items.counts([operation.id])[operation.id].apply[ItemState.APPLIED] == 12
    client.close()


def test_a_window_that_is_over_before_it_began_sends_nothing(demo: DemoHandle, ledger: Ledger) -> None:
    ids = on_shift(demo, 4)
    pacer = Unpaced()
    client = demo_client(demo, pacer=pacer)
    runner = PhaseRunner(dependencies_for(ledger, client, ScriptedReads(ids)), threading.Event())
    before = utcnow() - timedelta(hours=2)
    operation = new_operation(ledger, ids, now=before, start=before, minutes=30)
    run_phase(runner, operation, Phase.APPLY)
    assert ledger.operations.get(operation.tenant_key, operation.id).state is OperationState.FAILED
    assert {item.skip_reason for item in ledger.items.page(operation.id)} == {"not sent: the window was over"}
    assert len(pacer.statuses) == 0
    client.close()
