"""Claim, settle, skip: nothing is lost, nothing counts twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ledger.ledger_world import (
    HOUR,
    NOON,
    OTHER_TENANT,
    TENANT,
    World,
    diagnosis,
    direct_run,
    exchange,
    nonzero,
    settlement,
)
from wfm.domain.errors import NotFound, Refused
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, RunFilter, SkipReason

I = ItemState  # noqa: E741
S = OperationState


def test_a_claim_commits_the_intent(world: World) -> None:
    operation = world.start(world.create(["anna", "bo", "cem"]))
    claims = world.claim(operation, limit=2)
    assert [claim.item.agent_id for claim in claims] == ["anna", "bo"]
    assert [claim.item.seq for claim in claims] == [1, 2]
    stored = world.ledger.items.page(operation.id)
    assert [item.apply_state for item in stored] == [I.SENDING, I.SENDING, I.PENDING]
    assert [item.apply_run for item in stored] == [claims[0].run_id, claims[1].run_id, None]
    assert [claim.item for claim in claims] == stored[:2]
    run, exchanges = world.ledger.runs.get(TENANT, claims[0].run_id)
    assert (run.outcome, run.agent_id, run.started_at, run.attempts, exchanges) == (Outcome.SENDING, "anna", world.now, 0, ())
    assert run.operation_id == operation.id
    assert run.operation_title == "Maintenance"
    assert nonzero(world.ledger.items.counts([operation.id])[operation.id].apply) == {I.SENDING: 2, I.PENDING: 1}


def test_claims_never_overlap_and_end(world: World) -> None:
    operation = world.start(world.create([f"agent-{n}" for n in range(7)]))
    seen = [claim.item.agent_id for _ in range(4) for claim in world.claim(operation, limit=3)]
    assert seen == [f"agent-{n}" for n in range(7)]


def test_settling_writes_everything_at_once(world: World) -> None:
    operation = world.start(world.create(["anna", "bo", "cem"]))
    anna, bo, cem = world.claim(operation)
    counts = world.settle(
        operation,
        [
            settlement(anna, marker="mark-1"),
            settlement(bo, I.FAILED),
            settlement(cem, I.UNCONFIRMED, status=None, exchanges=(exchange(status=None, fault="timeout"),)),
        ],
    )
    assert nonzero(counts.apply) == {I.APPLIED: 1, I.FAILED: 1, I.UNCONFIRMED: 1}
    assert nonzero(counts.restore) == {I.PENDING: 2}
    assert counts.out == 1
    item = world.ledger.items.page(operation.id)[0]
    assert (item.apply_state, item.marker, item.changed_at) == (I.APPLIED, "mark-1", world.now)
    run, exchanges = world.ledger.runs.get(TENANT, bo.run_id)
    assert (run.outcome, run.status, run.code, run.kind, run.missing) == (
        Outcome.FAILED,
        403,
        "forbidden",
        diagnosis().kind,
        ("wfm:schedule:update",),
    )
    assert (run.cause, run.rule, run.retryable) == (diagnosis().cause, "missing-scope", False)
    assert run.fingerprint == diagnosis().fingerprint(run.call)
    assert (run.attempts, run.duration_ms) == (1, 40)
    assert exchanges == (settlement(bo, I.FAILED).exchanges[0],)


def test_settling_twice_changes_nothing(world: World) -> None:
    operation = world.start(world.create())
    claims = world.claim(operation)
    first = [settlement(claims[0]), settlement(claims[1], I.FAILED), settlement(claims[2])]
    counts = world.settle(operation, first)
    before = [world.ledger.runs.get(TENANT, claim.run_id) for claim in claims]
    assert world.settle(operation, first) == counts
    assert world.settle(operation, [settlement(claim, I.FAILED) for claim in claims]) == counts
    assert [world.ledger.runs.get(TENANT, claim.run_id) for claim in claims] == before
    assert world.ledger.failure_groups.all(TENANT)[0].runs == 1


def test_a_run_of_another_operation_or_phase_is_not_settled(world: World) -> None:
    first, second = world.start(world.create(["anna"])), world.start(world.create(["bo"]))
    claim = world.claim(first)[0]
    with pytest.raises(NotFound):
        world.settle(second, [settlement(claim)])
    with pytest.raises(NotFound):
        world.settle(first, [settlement(claim)], Phase.RESTORE)
    with pytest.raises(NotFound):
        world.settle(first, [replace(settlement(claim), run_id="junk")])
    with pytest.raises(ValueError, match="sending"):
        world.settle(first, [replace(settlement(claim), state=I.SENDING)])
    assert world.item_states(first)["anna"] == (I.SENDING, I.PENDING)


def test_an_item_given_back_is_claimed_again_with_a_new_run(world: World) -> None:
    operation = world.start(world.create(["anna"]))
    first = world.claim(operation)[0]
    counts = world.settle(operation, [settlement(first, I.PENDING)])
    assert nonzero(counts.apply) == {I.PENDING: 1}
    second = world.claim(operation)[0]
    assert second.run_id > first.run_id
    # The first run's late answer must not touch the item that the second run holds.
    world.settle(operation, [settlement(first, I.APPLIED)])
    assert world.item_states(operation)["anna"][0] is I.SENDING
    world.settle(operation, [settlement(second)])
    assert world.item_states(operation)["anna"][0] is I.APPLIED


def test_orphaned_gives_the_intent_back(world: World) -> None:
    operation = world.start(world.create(["anna", "bo"]))
    first = world.claim(operation, limit=1, worker="w1")
    second = world.claim(operation, limit=1, worker="w2")
    assert world.ledger.items.orphaned(operation.id, Phase.APPLY) == first + second
    assert world.ledger.items.orphaned(operation.id, Phase.APPLY, worker_id="w2") == second
    assert world.ledger.items.orphaned(operation.id, Phase.RESTORE) == []
    world.settle(operation, [settlement(first[0])])
    assert world.ledger.items.orphaned(operation.id, Phase.APPLY) == second


def test_nothing_is_claimed_once_somebody_asked_to_stop(world: World) -> None:
    cancelled = world.start(world.create(["anna", "bo"]))
    world.claim(cancelled, limit=1)
    world.ledger.lifecycle.request_cancel(cancelled.id, now=world.now, actor="Sam")
    assert world.claim(cancelled) == []
    ended = world.start(world.create(["cem", "dan"]))
    world.ledger.lifecycle.request_restore(ended.id, now=world.now, actor="Sam", early=True)
    assert world.claim(ended) == []
    halted = world.start(world.create(["eva"]))
    world.ledger.lifecycle.transition(halted.id, [S.APPLYING], S.HALTED, now=world.now)
    assert world.claim(halted) == []


def test_the_restore_takes_only_agents_that_may_be_out(world: World) -> None:
    states = {"bo": I.FAILED, "cem": I.UNCONFIRMED, "dan": I.SKIPPED}
    operation = world.in_effect(["anna", "bo", "cem", "dan"], states=states)
    world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORING, now=world.now)
    claims = world.claim(operation, Phase.RESTORE)
    assert [claim.item.agent_id for claim in claims] == ["anna", "cem"]
    counts = world.settle(operation, [settlement(claims[0], marker="mine"), settlement(claims[1], I.SKIPPED)], Phase.RESTORE)
    assert counts.out == 0
    assert nonzero(counts.restore) == {I.APPLIED: 1, I.SKIPPED: 1}
    anna = world.ledger.items.page(operation.id)[0]
    assert anna.marker is None, "a restore leaves the mark of the apply alone"


def test_skipping_the_rest_and_some(world: World) -> None:
    operation = world.start(world.create(["anna", "bo", "cem", "dan"]))
    world.claim(operation, limit=1)
    n = world.ledger.items.skip(
        operation.id,
        Phase.APPLY,
        {"bo": "off sick", "cem": "", "nobody": "x", "anna": "too late"},
        "newly blocked",
        now=world.later(),
    )
    assert n == 2
    stored = {item.agent_id: (item.apply_state, item.skip_reason) for item in world.ledger.items.page(operation.id)}
    assert stored["anna"] == (I.SENDING, "")
    assert stored["bo"] == (I.SKIPPED, "off sick")
    assert stored["cem"] == (I.SKIPPED, "newly blocked")
    assert world.ledger.items.skip(operation.id, Phase.APPLY, None, SkipReason.HALTED.value, now=world.later()) == 1
    assert world.ledger.items.skip(operation.id, Phase.APPLY, None, SkipReason.HALTED.value, now=world.later()) == 0
    assert world.claim(operation) == []


def test_skipping_the_rest_of_a_restore_leaves_those_never_out(world: World) -> None:
    operation = world.in_effect(["anna", "bo"], states={"bo": I.FAILED})
    assert world.ledger.items.skip(operation.id, Phase.RESTORE, None, SkipReason.OFF_SHIFT.value, now=world.later()) == 1
    assert world.item_states(operation) == {"anna": (I.APPLIED, I.SKIPPED), "bo": (I.FAILED, I.PENDING)}
    assert world.ledger.items.counts([operation.id])[operation.id].out == 0


def test_a_person_settles_what_is_unconfirmed(world: World) -> None:
    operation = world.in_effect(["anna", "bo"], states={"anna": I.UNCONFIRMED, "bo": I.UNCONFIRMED})
    world.ledger.items.settle_by_person(operation.id, Phase.APPLY, "anna", I.APPLIED, now=world.later(), actor="Sam")
    world.ledger.items.settle_by_person(operation.id, Phase.APPLY, "bo", I.FAILED, now=world.later(), actor="Sam")
    assert world.item_states(operation) == {"anna": (I.APPLIED, I.PENDING), "bo": (I.FAILED, I.PENDING)}
    with pytest.raises(Refused) as refused:
        world.ledger.items.settle_by_person(operation.id, Phase.APPLY, "anna", I.FAILED, now=world.later(), actor="Sam")
    assert refused.value.code == "state"
    with pytest.raises(NotFound):
        world.ledger.items.settle_by_person(operation.id, Phase.APPLY, "zoe", I.FAILED, now=world.later(), actor="Sam")
    runs = {run.agent_id: run for run in world.ledger.runs.page(TENANT, RunFilter()).runs}
    assert runs["anna"].outcome is Outcome.APPLIED
    assert runs["anna"].note == "Sam looked: applied."
    assert runs["bo"].outcome is Outcome.FAILED
    assert [event.kind for event in world.ledger.operations.events(operation.id)][-2:] == ["settled", "settled"]


def test_what_a_person_says_is_of_one_window_and_of_now(world: World) -> None:
    earlier = world.in_effect(["anna"], title="earlier")
    world.run_phase(earlier, Phase.RESTORE)
    world.ledger.lifecycle.transition(earlier.id, [OperationState.IN_EFFECT], OperationState.RESTORED, now=world.later())
    operation = world.in_effect(["anna"], states={"anna": I.UNCONFIRMED}, start=NOON + 2 * HOUR)
    before = next(run for run in world.ledger.runs.page(TENANT, RunFilter(operation_id=operation.id)).runs)
    said_at = world.later()
    world.ledger.items.settle_by_person(operation.id, Phase.APPLY, "anna", I.APPLIED, now=said_at, actor="Sam")
    run = next(run for run in world.ledger.runs.page(TENANT, RunFilter(operation_id=operation.id)).runs)
    assert (run.agent_id, run.finished_at, run.duration_ms) == ("anna", said_at, before.duration_ms)
    assert world.item_states(earlier) == {"anna": (I.APPLIED, I.APPLIED)}


def test_a_later_read_settles_an_unconfirmed_run_once(world: World) -> None:
    operation = world.start(world.create(["anna"]))
    claim = world.claim(operation)[0]
    doubtful = settlement(claim, I.UNCONFIRMED, diagnosis=diagnosis(rule="timeout"), exchanges=(exchange(fault="timeout"),))
    world.settle(operation, [doubtful])
    world.settle(operation, [doubtful])
    read = settlement(claim, I.APPLIED, exchanges=(exchange(1, method="GET"),), note="read back")
    world.settle(operation, [read])
    world.settle(operation, [settlement(claim, I.FAILED)])
    run, exchanges = world.ledger.runs.get(TENANT, claim.run_id)
    assert (run.outcome, run.note, run.attempts, run.rule) == (Outcome.APPLIED, "read back", 2, "timeout")
    assert [(one.number, one.method) for one in exchanges] == [(1, "PATCH"), (2, "GET")]
    assert world.item_states(operation)["anna"][0] is I.APPLIED
    assert world.ledger.failure_groups.all(TENANT)[0].runs == 1


def test_a_retry_makes_a_new_run_and_keeps_the_old(world: World) -> None:
    operation = world.in_effect(["anna", "bo"], states={"anna": I.FAILED})
    assert world.ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=world.later(), actor="Sam") == 1
    again = world.get(operation)
    assert (again.state, again.revision) == (S.APPLYING, operation.revision + 1)
    world.run_phase(again)
    assert world.item_states(operation)["anna"] == (I.APPLIED, I.PENDING)
    runs = world.ledger.runs.page(TENANT, RunFilter(agent_id="anna")).runs
    assert [run.outcome for run in runs] == [Outcome.APPLIED, Outcome.FAILED]


def test_agents_are_known_by_their_newest_name(world: World) -> None:
    world.in_effect(["anna"], title="first")
    world.ledger.runs.record(direct_run("anna", agent_name="Anna Ek"))
    assert {run.agent_name for run in world.ledger.runs.page(TENANT, RunFilter()).runs} == {"Anna Ek"}
    assert world.ledger.runs.page(OTHER_TENANT, RunFilter()).runs == ()


def test_an_operation_that_is_not_there(world: World) -> None:
    operation = world.create()
    missing = operation.id[:-1] + ("0" if operation.id[-1] != "0" else "1")
    for strange in (missing, "junk", ""):
        with pytest.raises(NotFound):
            world.ledger.items.claim(
                strange, Phase.APPLY, limit=1, worker_id="w", now=NOON, route="r", action=None, via="direct", call="x"
            )
        with pytest.raises(NotFound):
            world.ledger.items.settle(strange, Phase.APPLY, [], now=NOON)
        assert world.ledger.items.page(strange) == []
        assert world.ledger.items.orphaned(strange, Phase.APPLY) == []
        assert world.ledger.items.counts([strange])[strange].total == 0
