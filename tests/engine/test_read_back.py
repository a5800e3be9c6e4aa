"""Doubts are settled by later reads: what a read proves, what it does not, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.engine_world import TENANT, ScriptedReads, new_operation, utcnow
from tests.support.fake_sender import Sent, an_exchange
from tests.support.fake_tenant import DOWN, FINE, LOST_AFTER, LOST_BEFORE, FakeTenant
from tests.support.phase_world import IDS, World
from wfm.domain.agents import Agent, AgentState, Status
from wfm.domain.errors import StoreFault
from wfm.domain.operations import ItemState, Operation, OperationState, Outcome, Phase, RunFilter
from wfm.domain.plans import RouteName
from wfm.engine import read_back
from wfm.engine.sending import STORE_PAUSE_S, UnknownOutcome
from wfm.genesys.errors import OutcomeUnknown, ServerFault
from wfm.genesys.pacing import RequestLane
from wfm.ledger import Ledger
from wfm.routes.availability import AvailabilityRoute
from wfm.routes.base import ReadBack, Sender, Task, Verdict


class Doubtful(FakeTenant):
    """Answers to writes are lost as `writes` says of the agent; reads of those in `unread` fail. Its clock is ours."""

    def __init__(self, writes: dict[str, str]) -> None:
        super().__init__()
        self.writes, self.unread = writes, set(writes)

    def __call__(self, sent: Sent) -> Any:
        agent_id = sent.path["userId"]
        if sent.call.startswith("GET"):
            return self._answer(sent, DOWN if agent_id in self.unread else FINE)
        return self._answer(sent, self.writes.get(agent_id, FINE))

    def set(self, agent_id: str, status: str, reason: str = "") -> None:
        self.states[agent_id] = {"status": status, "reason": reason, "dateModified": utcnow().isoformat()}


def told(world: World, operation: Operation, outcome: Outcome) -> dict[str, str]:
    """The notes of the operation's runs that ended so, by agent."""
    found = world.ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=outcome)).runs
    return {run.agent_id: run.note for run in found}


# --- by one read an agent --------------------------------------------------------------------------------------------


def test_one_that_stays_in_doubt_keeps_no_other_from_being_settled(ledger: Ledger) -> None:
    tenant = Doubtful({IDS[2]: LOST_AFTER, IDS[5]: LOST_AFTER, IDS[8]: LOST_BEFORE})
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    assert world.applied(operation) == {ItemState.APPLIED: 9, ItemState.UNCONFIRMED: 3}
    tenant.unread = {IDS[2]}
    before = utcnow()
    world.runner.read_back_unconfirmed(operation.id)
    assert world.applied(operation) == {ItemState.APPLIED: 10, ItemState.UNCONFIRMED: 1, ItemState.FAILED: 1}
    assert told(world, operation, Outcome.APPLIED)[IDS[5]] == "A later read shows that it took effect."
    assert told(world, operation, Outcome.FAILED) == {IDS[8]: "A later read shows that it did not take effect."}
    assert told(world, operation, Outcome.RESENT) == {}, "nothing is sent again"
    items = {item.agent_id: item for item in ledger.items.page(operation.id)}
    assert all((items[agent].changed_at or before) > before for agent in (IDS[5], IDS[8]))
    assert (items[IDS[0]].changed_at or before) < before, "what was settled is left as it is"
    reads = [sent.path["userId"] for sent in world.sender.sent if sent.call.startswith("GET")]
    assert reads.count(IDS[0]) == 0
    tenant.unread = set()
    world.restore(operation)
    assert tenant.available == {agent_id: 1 for agent_id in IDS if agent_id != IDS[8]}


def test_a_write_of_ours_is_known_again_long_after_it_was_in_doubt(ledger: Ledger) -> None:
    """It is older than the instant at which the doubt was stored, by more than clocks may differ."""
    clock = {"late": timedelta()}
    tenant = Doubtful({IDS[0]: LOST_AFTER})
    world = World(ledger, tenant, clock=lambda: utcnow() + clock["late"])
    operation = world.begin(new_operation(ledger, IDS[:1], minutes=600))
    claims = world.claim(operation, 1)
    result = world.context(operation).send(claims[0])
    # Stored only an hour after it was sent: the ledger was out of reach.
    clock["late"] = timedelta(hours=1)
    ledger.items.settle(operation.id, Phase.APPLY, [result], now=world.deps.clock())  # type: ignore[list-item]
    assert world.run(operation).state is OperationState.IN_EFFECT
    tenant.unread = set()
    world.runner.read_back_unconfirmed(operation.id)
    assert world.applied(operation) == {ItemState.APPLIED: 1}


def test_a_doubt_without_a_run_or_an_instant_is_left_to_a_person(ledger: Ledger) -> None:
    world = World(ledger)
    operation = world.run(new_operation(ledger, IDS[:1]))
    (item,) = ledger.items.page(operation.id)
    claim = read_back._claim(item, Phase.APPLY)
    assert claim is not None
    assert (claim.run_id, claim.claimed_at) == (item.apply_run, item.changed_at)
    assert read_back._claim(item, Phase.RESTORE) is None
    assert read_back._claim(replace(item, apply_run=None), Phase.APPLY) is None
    assert read_back._claim(replace(item, changed_at=None), Phase.APPLY) is None


def test_nothing_is_read_back_once_the_worker_stops(ledger: Ledger) -> None:
    tenant = Doubtful({IDS[0]: LOST_AFTER})
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS[:2]))
    asked = len(world.sender.sent)
    world.stop.set()
    world.runner.read_back_unconfirmed(operation.id)
    assert len(world.sender.sent) == asked


# --- by one read of all ----------------------------------------------------------------------------------------------


class SomeStates(ScriptedReads):
    """States of agents, some of whom the tenant says nothing of."""

    silent: Sequence[str] = ()
    lanes: list[RequestLane]

    def states(
        self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN
    ) -> dict[str, AgentState]:
        assert fresh, "what was read before the write proves nothing"
        self.lanes.append(lane)
        found = super().states(agents, fresh=fresh, lane=lane)
        return {agent_id: state for agent_id, state in found.items() if agent_id not in self.silent}


class ByAction:
    """A world whose Data Actions never answer, with its clock and the states of its agents."""

    def __init__(self, ledger: Ledger) -> None:
        self.now = utcnow()
        self.states = dict.fromkeys(IDS[:4], Status.AVAILABLE)
        self.reads = SomeStates(IDS, statuses=lambda: self.states)
        self.reads.lanes = []
        self.reads.silent = IDS
        self.world = World(ledger, self.answer, reads=self.reads, clock=lambda: self.now)
        made = new_operation(
            ledger, IDS[:4], now=self.now, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in"
        )
        self.operation = self.world.run(made)

    def answer(self, sent: Sent) -> Any:
        if sent.call.startswith("GET"):
            return {"name": sent.path["actionId"], "contract": {"input": {"inputSchema": {"properties": {"userId": {}}}}}}
        raise OutcomeUnknown(sent.call)

    def look_again(self) -> dict[ItemState, int]:
        self.world.runner.read_back_unconfirmed(self.operation.id)
        return self.world.applied(self.operation)


def test_a_bulk_read_proves_what_it_shows_and_after_a_minute_what_it_does_not(ledger: Ledger) -> None:
    by_action = ByAction(ledger)
    assert by_action.world.applied(by_action.operation) == {ItemState.UNCONFIRMED: 4}
    by_action.states[IDS[0]] = Status.UNAVAILABLE
    by_action.reads.silent = [IDS[1]]
    by_action.now += timedelta(seconds=59.9)
    assert by_action.look_again() == {ItemState.APPLIED: 1, ItemState.UNCONFIRMED: 3}, "a read may lag behind a write"
    by_action.now += timedelta(seconds=0.1)
    assert by_action.look_again() == {ItemState.APPLIED: 1, ItemState.UNCONFIRMED: 1, ItemState.FAILED: 2}
    world, operation = by_action.world, by_action.operation
    assert told(world, operation, Outcome.APPLIED) == {IDS[0]: "A later read shows the agent unavailable."}
    assert told(world, operation, Outcome.FAILED) == dict.fromkeys(IDS[2:4], "A later read shows the agent available.")
    assert set(by_action.reads.lanes) == {RequestLane.RESTORE}


def test_a_bulk_read_that_fails_settles_nobody(ledger: Ledger) -> None:
    by_action = ByAction(ledger)
    by_action.now += timedelta(minutes=5)
    by_action.reads.silent = ()
    by_action.reads.fault = ServerFault("POST …", status=503)
    assert by_action.look_again() == {ItemState.UNCONFIRMED: 4}


# --- what one read makes of a doubt -----------------------------------------------------------------------------------


class Scripted(AvailabilityRoute):
    """A route whose next read back ends so; it keeps the task that it was asked for."""

    def __init__(self, result: ReadBack | Exception) -> None:
        self.result = result
        self.asked: list[Task] = []

    def read_back(self, client: Sender, task: Task) -> ReadBack:
        self.asked.append(task)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def a_doubt(ledger: Ledger, result: ReadBack | Exception, **more: Any) -> tuple[UnknownOutcome, Any, Scripted]:
    """A doubt whose write made the mark "first", and what one read back makes of it."""
    world = World(ledger)
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    unknown = UnknownOutcome(claim=claim, ready=0.0, marker="first", exchanges=(an_exchange("PATCH /x", 504),), **more)
    route = Scripted(result)
    return unknown, replace(world.context(operation), route=route).read_back(unknown), route


@pytest.mark.parametrize(("seen", "kept"), [(None, "first"), ("second", "second")])
def test_what_is_read_as_applied_keeps_its_mark_and_all_exchanges(ledger: Ledger, seen: str | None, kept: str) -> None:
    """By the mark an undo finds what was written."""
    read = an_exchange("GET /x", 200)
    unknown, settled, route = a_doubt(ledger, ReadBack(verdict=Verdict.APPLIED, marker=seen, exchanges=(read,)))
    assert (settled.state, settled.outcome, settled.marker) == (ItemState.APPLIED, Outcome.APPLIED, kept)
    assert settled.note == "the outcome was unknown; read back: applied"
    assert [exchange.status for exchange in settled.exchanges] == [504, 200]
    assert [task.item.marker for task in route.asked] == ["first"], "it is looked for by the mark"
    assert (settled.run_id, settled.agent_id) == (unknown.claim.run_id, IDS[0])


@pytest.mark.parametrize("orphaned", [False, True])
def test_what_a_route_can_not_read_back_stays_unconfirmed_and_says_why(ledger: Ledger, orphaned: bool) -> None:
    _, settled, _ = a_doubt(ledger, ReadBack(verdict=Verdict.UNKNOWN), orphaned=orphaned)
    assert (settled.state, settled.outcome, settled.marker) == (ItemState.UNCONFIRMED, Outcome.UNCONFIRMED, "first")
    assert ("the worker ended before" in settled.note) is orphaned
    assert settled.note.endswith("this route can't read back what it wrote")


def test_a_read_back_that_fails_unexpectedly_leaves_the_agent_unconfirmed(ledger: Ledger) -> None:
    unknown, settled, _ = a_doubt(ledger, RuntimeError("a defect"))
    assert (settled.state, settled.outcome, settled.marker) == (ItemState.UNCONFIRMED, Outcome.UNCONFIRMED, "first")
    assert settled.note == "sent, and the outcome is unknown: it could not be read back"
    assert settled.exchanges == unknown.exchanges


# --- while the desk's own store is away ------------------------------------------------------------------------------


def test_a_read_back_that_the_desks_own_store_keeps_from_going_out_waits_a_moment(ledger: Ledger) -> None:
    def away(sent: Sent) -> Any:
        raise StoreFault("locked")

    world = World(ledger, away)
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    unknown = UnknownOutcome(claim=claim, ready=0.0, marker="first")
    began = time.monotonic()
    later = world.context(operation).read_back(unknown)
    assert isinstance(later, UnknownOutcome)
    assert later.ready >= began + STORE_PAUSE_S
    assert replace(later, ready=0.0) == unknown
    far = replace(unknown, ready=began + 60.0)
    assert world.context(operation).read_back(far) == far, "never sooner than it was to be"
