"""How a restore begins, whom it leaves alone, and what a worker leaves that stops in it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.engine_world import ScriptedReads, new_operation, utcnow
from tests.support.fake_sender import Sent
from tests.support.fake_tenant import DOWN, FINE, LOST_AFTER, FakeTenant
from tests.support.phase_world import IDS, World
from wfm.domain.agents import Agent, AgentState, Directory, Status
from wfm.domain.operations import ItemState, Operation, OperationState, Phase
from wfm.domain.plans import RouteName
from wfm.domain.schedules import AgentSchedule, Shift
from wfm.engine import batch, phase_reads, phases
from wfm.genesys.errors import OutcomeUnknown
from wfm.genesys.pacing import RequestLane
from wfm.ledger import Ledger

START = datetime(2026, 3, 2, 9, 0, tzinfo=utcnow().tzinfo)

# --- a restore finds an apply that nobody runs any more --------------------------------------------------------------


def ask_to_cancel(ledger: Ledger, operation: Operation) -> None:
    ledger.lifecycle.request_cancel(operation.id, now=utcnow(), actor="tester")


def ask_to_end(ledger: Ledger, operation: Operation) -> None:
    ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)


@pytest.mark.parametrize(
    ("ask", "reason", "state"),
    [
        (ask_to_cancel, "not sent: the operation was cancelled", OperationState.CANCELLED),
        (ask_to_end, "not sent: the window was ended early", OperationState.ENDED_EARLY),
    ],
)
def test_an_apply_that_nobody_runs_is_ended_before_its_agents_come_back(
    ledger: Ledger, ask: Any, reason: str, state: OperationState
) -> None:
    """The worker ended in mid-apply and somebody asked to stop: of five it had in hand, three were sent."""
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.begin(new_operation(ledger, IDS))
    world.send(operation, world.claim(operation, 2))
    in_hand = world.claim(operation, 3)
    world.context(operation).send(in_hand[1])  # its answer came to nobody
    ask(ledger, operation)
    operation = world.run(operation, Phase.RESTORE)

    out = [IDS[0], IDS[1], in_hand[1].item.agent_id]
    assert operation.state is state
    assert tenant.unavailable == tenant.available == dict.fromkeys(out, 1)
    assert world.applied(operation) == {ItemState.APPLIED: 3, ItemState.SKIPPED: 9}
    left = ledger.items.page(operation.id, apply_states=[ItemState.SKIPPED])
    assert {item.skip_reason for item in left} == {reason}
    kinds = [kind for kind, _ in world.events(operation)]
    assert kinds.count("restoring") == 1
    assert operation.restore_started_at is not None
    assert operation.ended_at is not None
    assert operation.restore_started_at <= operation.ended_at


def test_an_apply_that_nobody_runs_and_that_took_nobody_out_is_cancelled(ledger: Ledger) -> None:
    world = World(ledger)
    operation = world.begin(new_operation(ledger, IDS))
    ask_to_cancel(ledger, operation)
    operation = world.run(operation, Phase.RESTORE)
    assert operation.state is OperationState.CANCELLED
    assert world.sender.sent == []
    assert world.applied(operation) == {ItemState.SKIPPED: 12}
    assert [kind for kind, _ in world.events(operation)][-2:] == ["cancel_requested", "cancelled"], "nobody is put back"
    assert operation.restore_started_at is None


def test_a_worker_that_stops_while_it_ends_an_apply_puts_nobody_back_yet(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.begin(new_operation(ledger, IDS))
    world.send(operation, world.claim(operation, 3))
    ask_to_cancel(ledger, operation)
    orphaned = ledger.items.orphaned

    def stops(*given: Any, **more: Any) -> Any:
        world.stop.set()
        return orphaned(*given, **more)

    with monkeypatch.context() as stopping:
        stopping.setattr(ledger.items, "orphaned", stops)
        assert world.runner.advance(operation.id, Phase.RESTORE, True) is False
    assert world.now(operation).state is OperationState.APPLYING
    assert tenant.available == {}
    assert World(ledger, tenant).run(operation, Phase.RESTORE).state is OperationState.CANCELLED
    assert tenant.available == dict.fromkeys(IDS[:3], 1)


# --- when it begins --------------------------------------------------------------------------------------------------


def test_nothing_happens_before_the_window_is_over(ledger: Ledger) -> None:
    clock = {"now": START}
    tenant = FakeTenant()
    world = World(ledger, tenant, clock=lambda: clock["now"])
    operation = world.run(new_operation(ledger, IDS, now=START, minutes=30))
    told = world.events(operation)
    clock["now"] = operation.window.end - timedelta(microseconds=1)
    assert world.runner.advance(operation.id, Phase.RESTORE, True) is False
    assert world.now(operation).state is OperationState.IN_EFFECT
    assert (world.events(operation), tenant.available) == (told, {})
    clock["now"] = operation.window.end
    assert world.run(operation, Phase.RESTORE).state is OperationState.RESTORED
    assert tenant.available == dict.fromkeys(IDS, 1)


def test_a_window_that_is_extended_in_the_very_moment_goes_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": START}
    tenant = FakeTenant()
    world = World(ledger, tenant, clock=lambda: clock["now"])
    operation = world.run(new_operation(ledger, IDS, now=START, minutes=30))
    clock["now"] = operation.window.end
    later = operation.window.end + timedelta(minutes=10)
    transition = ledger.lifecycle.transition

    def extended(*given: Any, **more: Any) -> bool:
        if given[2] is OperationState.RESTORING:
            ledger.lifecycle.revise_window(operation.id, end=later, now=clock["now"], actor="tester")
        return transition(*given, **more)

    with monkeypatch.context() as moment:
        moment.setattr(ledger.lifecycle, "transition", extended)
        assert world.runner.advance(operation.id, Phase.RESTORE, True) is False
    goes_on = world.now(operation)
    assert goes_on.state is OperationState.IN_EFFECT
    assert goes_on.restore_started_at is None
    assert tenant.available == {}
    clock["now"] = later
    operation = world.run(operation, Phase.RESTORE)
    assert operation.state is OperationState.RESTORED
    assert operation.restore_started_at == later
    assert tenant.available == dict.fromkeys(IDS, 1)


def test_a_restore_that_another_begins_in_the_very_moment_is_left_to_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    ask_to_end(ledger, operation)
    transition = ledger.lifecycle.transition

    def taken(*given: Any, **more: Any) -> bool:
        transition(*given, **more)
        return transition(*given, **more)

    with monkeypatch.context() as moment:
        moment.setattr(ledger.lifecycle, "transition", taken)
        assert world.runner.advance(operation.id, Phase.RESTORE, True) is False
    assert world.now(operation).state is OperationState.RESTORING
    assert tenant.available == {}


def test_a_window_that_was_halted_and_tried_again_ends_by_the_clock(ledger: Ledger) -> None:
    """The restore after the halt is not that of the window's end: it ends as restored, not early."""
    clock = {"now": START}
    doubtful = itertools.count()

    def answer(sent: Sent) -> Any:
        if next(doubtful) < 15:  # five writes, five reads at once, five at the end of the phase
            return tenant._answer(sent, DOWN if sent.call.startswith("GET") else LOST_AFTER)
        return tenant._answer(sent, FINE)

    tenant = FakeTenant()
    world = World(ledger, answer, clock=lambda: clock["now"])
    operation = world.run(new_operation(ledger, IDS, now=START, minutes=30))
    assert operation.state is OperationState.RESTORING
    operation = world.run(operation, Phase.RESTORE)
    assert (operation.state, operation.restore_started_at) == (OperationState.HALTED, START)
    clock["now"] += timedelta(minutes=5)
    assert ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=clock["now"], actor="tester") == 7
    operation = world.run(operation)
    assert (operation.state, operation.restore_started_at) == (OperationState.IN_EFFECT, None)
    clock["now"] = operation.window.end
    operation = world.run(operation, Phase.RESTORE)
    assert (operation.state, operation.restore_started_at) == (OperationState.RESTORED, operation.window.end)
    assert tenant.unavailable == tenant.available == dict.fromkeys(IDS, 1)


# --- a worker that stops in it ---------------------------------------------------------------------------------------


def test_a_worker_that_stops_in_a_restore_leaves_the_rest_to_another(ledger: Ledger) -> None:
    ids = [f"a{number}" for number in range(120)]
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, ids))
    ask_to_end(ledger, operation)

    def stop_in_the_middle(agent_id: str) -> None:
        threading.Event().wait(0.01)
        if len(tenant.available) == 15:
            world.stop.set()

    tenant.on_write = stop_in_the_middle
    assert world.runner.advance(operation.id, Phase.RESTORE, True) is False
    assert world.now(operation).state is OperationState.RESTORING
    counts = world.counts(operation)
    assert counts.restore[ItemState.SENDING] == 0
    assert counts.restore[ItemState.APPLIED] == len(tenant.available) < 120
    assert World(ledger, tenant).run(operation, Phase.RESTORE).state is OperationState.ENDED_EARLY
    assert tenant.available == dict.fromkeys(ids, 1)


def test_a_long_phase_is_done_in_steps(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which a durable workflow repeats one at most after a crash."""
    monkeypatch.setattr(phases, "STEP_BUDGET", 5)
    monkeypatch.setattr(batch, "CLAIM_SIZE", 5)
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = new_operation(ledger, IDS)
    assert [world.runner.advance(operation.id, Phase.APPLY, step == 0) for step in range(3)] == [True, True, False]
    assert world.now(operation).state is OperationState.IN_EFFECT
    ask_to_end(ledger, operation)
    assert [world.runner.advance(operation.id, Phase.RESTORE, step == 0) for step in range(3)] == [True, True, False]
    assert world.now(operation).state is OperationState.ENDED_EARLY
    assert tenant.available == dict.fromkeys(IDS, 1)


# --- who is left alone -----------------------------------------------------------------------------------------------


class CachedReads(ScriptedReads):
    """As the reader has it: states that were read a moment ago, unless they are to be fresh. Notes who asks for what."""

    cached: Mapping[str, Status] = {}

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.asked: list[tuple[str, RequestLane]] = []

    def directory(self, *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN) -> Directory:
        self.asked.append(("directory", lane))
        return super().directory(fresh=fresh, lane=lane)

    def states(
        self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN
    ) -> dict[str, AgentState]:
        self.asked.append(("states", lane))
        known = {} if fresh else self.cached
        now = super().states(agents, fresh=fresh, lane=lane)
        old = ScriptedReads(self.ids, statuses=lambda: known).states(agents)
        return {**now, **{agent_id: old[agent_id] for agent_id in known}}

    def schedules(
        self,
        agents: Sequence[Agent],
        start: datetime,
        end: datetime,
        *,
        fresh: bool = False,
        lane: RequestLane = RequestLane.SCREEN,
    ) -> dict[str, AgentSchedule]:
        self.asked.append(("schedules", lane))
        return super().schedules(agents, start, end, fresh=fresh, lane=lane)


class ActionTenant:
    """Data Actions that set the agent's state. To take out those of `lost` is never done and never answered."""

    def __init__(self, lost: Sequence[str] = ()) -> None:
        self.states = dict.fromkeys(IDS, Status.AVAILABLE)
        self.sent: list[tuple[str, str]] = []
        self._lost = lost

    def __call__(self, sent: Sent) -> Any:
        if sent.call.startswith("GET"):
            return {"name": sent.path["actionId"], "contract": {"input": {"inputSchema": {"properties": {"userId": {}}}}}}
        agent_id, action = sent.body["userId"], sent.path["actionId"]
        self.sent.append((action, agent_id))
        if action == "out" and agent_id in self._lost:
            raise OutcomeUnknown(sent.call)
        self.states[agent_id] = Status.UNAVAILABLE if action == "out" else Status.AVAILABLE
        return {}


def test_who_is_off_shift_and_who_is_not_ours_are_left_alone_in_one_restore(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Data Action, in several pages: each for its own reason, by states that are fresh, as urgent as the restore is."""
    monkeypatch.setattr(phase_reads, "PAGE", 5)
    tenant = ActionTenant(lost=[IDS[7]])
    over = (Shift(id="s", start=utcnow() - timedelta(hours=9), end=utcnow() - timedelta(minutes=5), activities=()),)
    reads = CachedReads(IDS, statuses=lambda: tenant.states, shifts={IDS[0]: over, IDS[11]: over})
    world = World(ledger, tenant, reads=reads)
    operation = new_operation(ledger, IDS, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in")
    # What a screen read before they were taken out: who still looks available there is not back for that.
    reads.cached = {IDS[2]: Status.AVAILABLE}
    operation = world.run(operation)
    assert world.applied(operation) == {ItemState.APPLIED: 11, ItemState.UNCONFIRMED: 1}
    tenant.states[IDS[9]] = Status.AVAILABLE  # by somebody else
    assert [item.agent_id for item in phase_reads.items_in(ledger, operation.id)] == IDS
    reads.asked.clear()
    began = utcnow()
    operation = world.restore(operation)
    left = ledger.items.page(operation.id, restore_states=[ItemState.SKIPPED])
    assert {item.agent_id: item.skip_reason for item in left} == {
        IDS[0]: "off shift by then",
        IDS[7]: "was never taken out",
        IDS[9]: "changed by somebody else since",
        IDS[11]: "off shift by then",
    }
    assert all(item.changed_at is not None and item.changed_at >= began for item in left)
    back = [agent_id for action, agent_id in tenant.sent if action == "in"]
    assert sorted(back) == [agent_id for agent_id in IDS if agent_id not in {item.agent_id for item in left}]
    assert {what for what, _ in reads.asked} == {"directory", "schedules", "states"}
    assert {lane for _, lane in reads.asked} == {RequestLane.RESTORE}


def test_a_correction_is_undone_for_those_who_are_off_shift_by_now_too(ledger: Ledger) -> None:
    """The past is corrected: where the agent is now says nothing of it."""
    start = utcnow() - timedelta(hours=5)
    records = {
        agent_id: {"id": f"r-{agent_id}", "startDate": start.isoformat(), "endDate": None, "status": "available", "reason": ""}
        for agent_id in IDS
    }

    def answer(sent: Sent) -> Any:
        record = records[sent.path["userId"]]
        if sent.call.startswith("GET"):
            return [record]
        record |= sent.body
        return record

    world = World(ledger, answer, reads=ScriptedReads(IDS, shifts=dict.fromkeys(IDS, ())))
    operation = world.run(new_operation(ledger, IDS, start=start, minutes=60, route=RouteName.ADHERENCE))
    assert world.restore(operation, early=False).state is OperationState.RESTORED
    assert world.restored(operation) == {ItemState.APPLIED: 12}
    assert {record["status"] for record in records.values()} == {"available"}


def _shift(start: float, end: float) -> Shift:
    """From so many minutes after START until so many."""
    return Shift(id="s", start=START + timedelta(minutes=start), end=START + timedelta(minutes=end), activities=())


@pytest.mark.parametrize(
    ("shifts", "began", "now", "off"),
    [
        # The window is from 0 to 30; the agents are taken out at `began`.
        ([_shift(-60, 60)], 0, 20, False),
        ([_shift(20, 60)], 0, 20, False),  # begins this moment
        ([_shift(-60, 20)], 0, 20, True),  # ends this moment
        ([_shift(-60, 19)], 0, 20, True),
        ([_shift(-60, 20), _shift(25, 60)], 0, 20, True),
        ([_shift(-60, 10), _shift(25, 60)], 0, 20, True),  # has ended since, whatever is to come
        ([_shift(-60, 0), _shift(25, 60)], 0, 20, False),  # had ended when taken out: begins again inside the window
        ([_shift(-60, 5), _shift(25, 60)], 10, 20, False),  # the same, and taken out late
        ([_shift(25, 60)], 0, 20, False),
        ([_shift(30, 60)], 0, 20, True),  # begins only when the window is over
        ([], 0, 20, True),
        ([_shift(40.5, 60)], 0, 40, False),  # over late: who begins within a minute is made available
        ([_shift(41.5, 60)], 0, 40, True),
    ],
)
def test_who_is_off_shift_by_then(ledger: Ledger, shifts: list[Shift], began: float, now: float, off: bool) -> None:
    world = World(ledger, reads=ScriptedReads(IDS, shifts={IDS[0]: tuple(shifts)}))
    at = START + timedelta(minutes=began)
    operation = world.begin(new_operation(ledger, IDS[:1], now=START, minutes=30), at)
    items = ledger.items.page(operation.id)
    reads: Any = world.reads
    found = phase_reads.off_shift(reads, operation, items, START + timedelta(minutes=now))
    assert found == ({IDS[0]: "off shift by then"} if off else {})


def test_the_check_at_the_start_is_as_urgent_as_the_apply(ledger: Ledger) -> None:
    reads = CachedReads(IDS)
    world = World(ledger, reads=reads)
    world.run(new_operation(ledger, IDS, now=utcnow() - timedelta(hours=3), start=utcnow()))
    assert set(reads.asked) == {("directory", RequestLane.APPLY), ("states", RequestLane.APPLY)}
