"""Every end of a phase: the state that an operation comes to, the sentence that is told, and the instants that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.engine_world import new_operation
from tests.support.phase_world import World
from wfm.domain.operations import ItemState, Operation, OperationState, Outcome, Phase, SkipReason
from wfm.domain.plans import RouteName
from wfm.engine import endings
from wfm.engine.batch import BatchResult, Stop
from wfm.ledger import Ledger

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
LATER = START + timedelta(minutes=5)

_S = OperationState
_W, _A, _F, _U, _L = ItemState.PENDING, ItemState.APPLIED, ItemState.FAILED, ItemState.UNCONFIRMED, ItemState.SKIPPED
OUT, FIX = RouteName.AVAILABILITY, RouteName.ADHERENCE
OUTCOMES = {_A: Outcome.APPLIED, _F: Outcome.FAILED, _U: Outcome.UNCONFIRMED, _L: Outcome.SKIPPED}


def applying(world: World, states: Sequence[ItemState], route: RouteName = OUT) -> Operation:
    """An operation whose agents came so far in its apply phase."""
    ids = [f"agent-{number}" for number in range(len(states))]
    operation = new_operation(world.ledger, ids, now=START, minutes=30, route=route)
    operation = world.begin(operation, START)
    settle(world, operation, Phase.APPLY, states)
    return operation


def settle(world: World, operation: Operation, phase: Phase, states: Sequence[ItemState]) -> None:
    """Brings the agents of a phase that wait into these states, in their order; those after the last wait on."""
    ended = [state for state in states if state is not _W]
    claims = world.claim(operation, len(ended), phase, now=START) if ended else []
    context = world.context(operation, phase)
    settlements = [context.settled(claim, state, OUTCOMES[state]) for claim, state in zip(claims, ended, strict=True)]
    world.ledger.items.settle(operation.id, phase, settlements, now=START)


def instants(operation: Operation) -> set[str]:
    """Which of its instants are that of the ending."""
    names = ("applied_at", "restore_started_at", "ended_at")
    return {name for name in names if getattr(operation, name) == LATER}


@pytest.mark.parametrize(
    ("route", "states", "stop", "to_state", "told", "kept"),
    [
        (OUT, [_A, _A], None, _S.IN_EFFECT, "In effect: 2 done.", {"applied_at"}),
        (OUT, [_U], None, _S.IN_EFFECT, "In effect: 0 done, 1 unconfirmed.", {"applied_at"}),
        (
            OUT,
            [_A, _A, _A, _F, _F, _U, _L],
            None,
            _S.IN_EFFECT,
            "In effect: 3 done, 2 failed, 1 unconfirmed, 1 left out.",
            {"applied_at"},
        ),
        (OUT, [_F, _F, _L], None, _S.FAILED, "No agent could be taken out: 0 done, 2 failed, 1 left out.", {"ended_at"}),
        (FIX, [_A, _F], None, _S.CORRECTED, "Corrected: 1 done, 1 failed.", {"applied_at", "ended_at"}),
        (FIX, [_F], None, _S.FAILED, "No agent could be corrected: 0 done, 1 failed.", {"ended_at"}),
        (OUT, [_A, _U, _W], Stop.CANCELLED, _S.RESTORING, "Cancelled. 2 agents are restored.", {"restore_started_at"}),
        (OUT, [_F, _W], Stop.CANCELLED, _S.CANCELLED, "Cancelled. No agent is out.", {"ended_at"}),
        (OUT, [_A, _A, _W], Stop.OVER, _S.RESTORING, "The window is over. 2 agents are restored.", {"restore_started_at"}),
        (OUT, [_A, _W], Stop.ENDED, _S.RESTORING, "Ended early. 1 agent is restored.", {"restore_started_at"}),
        (OUT, [_F, _W], Stop.OVER, _S.FAILED, "The window is over. No agent is out.", {"ended_at"}),
        (
            OUT,
            [_F, _F, _W],
            Stop.HALTED,
            _S.HALTED,
            "Halted: the first agents all failed for one cause. No right. No agent is out.",
            {"ended_at"},
        ),
        (
            OUT,
            [_U, _U, _W],
            Stop.HALTED,
            _S.RESTORING,
            "Halted: the first agents all failed for one cause. No right. 2 agents are restored.",
            {"restore_started_at"},
        ),
    ],
)
def test_every_end_of_an_apply(
    ledger: Ledger,
    route: RouteName,
    states: list[ItemState],
    stop: Stop | None,
    to_state: OperationState,
    told: str,
    kept: set[str],
) -> None:
    world = World(ledger)
    operation = applying(world, states, route)
    cause = "No right." if stop is Stop.HALTED else ""
    endings.end_apply(ledger, operation, BatchResult(stop=stop, left=False, cause=cause), LATER)
    ended = world.now(operation)
    assert ended.state is to_state
    assert world.events(operation)[-1][1] == told
    assert instants(ended) == kept
    assert (ended.halt_reason or "") == cause
    if _W in states:
        reasons = {
            Stop.CANCELLED: SkipReason.CANCELLED,
            Stop.OVER: SkipReason.WINDOW_OVER,
            Stop.ENDED: SkipReason.ENDED_EARLY,
            Stop.HALTED: SkipReason.HALTED,
        }
        last = ledger.items.page(operation.id)[-1]
        assert stop is not None
        assert (last.apply_state, last.skip_reason) == (_L, reasons[stop].value)


@pytest.mark.parametrize(
    ("cancels", "told"),
    [(True, "Cancelled. 1 agent is restored."), (False, "Ended early. 1 agent is restored.")],
)
def test_a_request_that_comes_in_the_last_moment_of_an_apply_counts(ledger: Ledger, cancels: bool, told: str) -> None:
    world = World(ledger)
    operation = applying(world, [_A])
    if cancels:
        ledger.lifecycle.request_cancel(operation.id, now=LATER, actor="tester")
    else:
        ledger.lifecycle.request_restore(operation.id, now=LATER, actor="tester", early=True)
    endings.end_apply(ledger, world.now(operation), BatchResult(stop=None, left=False), LATER)
    assert world.now(operation).state is _S.RESTORING
    assert world.events(operation)[-1][1] == told


@pytest.mark.parametrize("sending", [False, True])
def test_an_apply_with_agents_who_wait_or_are_being_sent_has_not_ended(ledger: Ledger, sending: bool) -> None:
    world = World(ledger)
    operation = applying(world, [_A, _W])
    if sending:
        world.claim(operation, 1)
    told = world.events(operation)
    endings.end_apply(ledger, operation, BatchResult(stop=None, left=False), LATER)
    assert world.now(operation).state is _S.APPLYING
    assert world.events(operation) == told


def test_an_apply_that_was_ended_by_another_ends_nothing_twice(ledger: Ledger) -> None:
    world = World(ledger)
    operation = applying(world, [_A])
    endings.end_apply(ledger, operation, BatchResult(stop=None, left=False), LATER)
    told = world.events(operation)
    for stop in (Stop.CANCELLED, None):
        endings.end_apply(ledger, world.now(operation), BatchResult(stop=stop, left=False), END)
        endings.end_apply(ledger, operation, BatchResult(stop=stop, left=False), END)  # as it was read before that
    assert world.now(operation).state is _S.IN_EFFECT
    assert world.events(operation) == told


def restoring(
    world: World,
    states: Sequence[ItemState],
    route: RouteName = OUT,
    *,
    began: datetime = END,
    halt_reason: str | None = None,
    cancels: bool = False,
) -> Operation:
    """An operation whose agents, all out, came so far in a restore that began then."""
    operation = applying(world, [_A] * len(states), route)
    if cancels:
        world.ledger.lifecycle.request_cancel(operation.id, now=START, actor="tester")
    world.ledger.lifecycle.transition(
        operation.id, [_S.APPLYING], _S.RESTORING, now=START, restore_started_at=began, halt_reason=halt_reason
    )
    operation = world.now(operation)
    settle(world, operation, Phase.RESTORE, states)
    return operation


@pytest.mark.parametrize(
    ("route", "states", "to_state", "told"),
    [
        (OUT, [_A], _S.RESTORED, "1 agent is back."),
        (OUT, [_A, _A], _S.RESTORED, "2 agents are back."),
        (OUT, [_A, _L, _L], _S.RESTORED, "1 agent is back, 2 were left as found."),
        (OUT, [_L], _S.RESTORED, "0 agents are back, 1 was left as found."),
        (OUT, [_A, _A, _F], _S.FAILED_IN_PART, "2 agents are back, 1 could not be restored."),
        (OUT, [_A, _U, _U], _S.FAILED_IN_PART, "1 agent is back, 2 are unconfirmed."),
        (
            OUT,
            [_A, _A, _L, _F, _F, _F, _U],
            _S.FAILED_IN_PART,
            "2 agents are back, 1 was left as found, 3 could not be restored, 1 is unconfirmed.",
        ),
        (FIX, [_A], _S.RESTORED, "1 correction is undone."),
        (FIX, [_A, _A], _S.RESTORED, "2 corrections are undone."),
        (FIX, [_A, _L, _F], _S.FAILED_IN_PART, "1 correction is undone, 1 was left as found, 1 could not be undone."),
    ],
)
def test_every_end_of_a_restore(
    ledger: Ledger, route: RouteName, states: list[ItemState], to_state: OperationState, told: str
) -> None:
    world = World(ledger)
    operation = restoring(world, states, route)
    endings.end_restore(ledger, operation, world.counts(operation), LATER)
    ended = world.now(operation)
    assert ended.state is to_state
    assert world.events(operation)[-1][1] == told
    assert instants(ended) == {"ended_at"}


@pytest.mark.parametrize(
    ("began", "halt_reason", "cancels", "to_state"),
    [
        (END - timedelta(microseconds=1), None, False, _S.ENDED_EARLY),
        (END, None, False, _S.RESTORED),
        (END + timedelta(minutes=1), None, False, _S.RESTORED),
        (LATER, None, True, _S.CANCELLED),
        (LATER, "No right.", False, _S.HALTED),
        (LATER, "No right.", True, _S.HALTED),
    ],
)
def test_what_a_restore_that_lost_nobody_comes_to(
    ledger: Ledger, began: datetime, halt_reason: str | None, cancels: bool, to_state: OperationState
) -> None:
    world = World(ledger)
    operation = restoring(world, [_A], began=began, halt_reason=halt_reason, cancels=cancels)
    assert endings.restored_state(operation, world.counts(operation)) is to_state
    endings.end_restore(ledger, operation, world.counts(operation), LATER)
    assert world.now(operation).state is to_state


@pytest.mark.parametrize("sending", [False, True])
def test_a_restore_with_agents_who_wait_or_are_being_sent_has_not_ended(ledger: Ledger, sending: bool) -> None:
    world = World(ledger)
    operation = restoring(world, [_A, _W])
    if sending:
        world.claim(operation, 1, Phase.RESTORE)
    endings.end_restore(ledger, operation, world.counts(operation), LATER)
    assert world.now(operation).state is _S.RESTORING


def test_what_failed_in_part_ends_once_no_doubt_is_left(ledger: Ledger) -> None:
    world = World(ledger)
    operation = restoring(world, [_A, _U])
    endings.end_restore(ledger, operation, world.counts(operation), END)
    operation = world.now(operation)
    assert operation.state is _S.FAILED_IN_PART
    endings.close_if_settled(ledger, operation, world.counts(operation), LATER)
    assert world.now(operation).ended_at == END
    item = ledger.items.page(operation.id, restore_states=[_U])[0]
    ledger.items.settle_by_person(operation.id, Phase.RESTORE, item.agent_id, _A, now=LATER, actor="tester")
    endings.close_if_settled(ledger, operation, world.counts(operation), LATER)
    assert world.now(operation).state is _S.RESTORED
    assert instants(world.now(operation)) == {"ended_at"}
    assert world.events(operation)[-1][1] == "2 agents are back."
