"""The runner against a tenant in memory: halting, leaving alone, resuming, doubts and their ends."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.support.engine_world import TENANT, ScriptedReads, new_operation, utcnow
from tests.support.fake_sender import Sent
from tests.support.fake_tenant import DOWN, FINE, LOST_AFTER, LOST_BEFORE, REFUSED, FakeTenant
from tests.support.phase_world import IDS, World
from wfm.domain.agents import Status
from wfm.domain.errors import NotFound, StoreFault
from wfm.domain.operations import Counts, Item, ItemState, Operation, OperationState, Outcome, Phase, RunFilter
from wfm.domain.plans import Fate, RouteName
from wfm.domain.schedules import Shift
from wfm.engine import batch, read_back, sending
from wfm.engine.worker import Worker
from wfm.genesys.errors import ConnectionProblem, OutcomeUnknown, ServerFault
from wfm.genesys.pacing import RequestLane
from wfm.ledger import Ledger
from wfm.ledger.records import NewItem

BACK = {"status": "available"}


# --- halting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "state", "failed"),
    [
        ([REFUSED] * 12, OperationState.HALTED, 5),
        ([REFUSED] * 4 + [FINE] * 8, OperationState.IN_EFFECT, 4),
        ([FINE] + [REFUSED] * 11, OperationState.IN_EFFECT, 11),  # only the start is judged
        ([REFUSED, REFUSED, DOWN, REFUSED, DOWN] + [FINE] * 7, OperationState.IN_EFFECT, 5),  # two causes
    ],
)
def test_halts_only_when_the_first_five_fail_for_one_cause(
    ledger: Ledger, script: list[str], state: OperationState, failed: int
) -> None:
    world = World(ledger, FakeTenant(script))
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is state
    assert world.counts(operation).apply[ItemState.FAILED] == failed
    if state is OperationState.HALTED:
        assert len(world.sender.sent) == 5
        left = ledger.items.page(operation.id, apply_states=[ItemState.SKIPPED])
        assert {item.skip_reason for item in left} == {"not sent: the operation was halted"}
        assert operation.halt_reason
        assert operation.ended_at is not None


def test_fewer_than_five_agents_fail_without_a_halt(ledger: Ledger) -> None:
    world = World(ledger, FakeTenant([REFUSED] * 4))
    operation = world.run(new_operation(ledger, IDS[:4]))
    assert operation.state is OperationState.FAILED
    assert world.applied(operation) == {ItemState.FAILED: 4}


def test_a_halted_operation_is_tried_again_after_the_cause_is_mended(ledger: Ledger) -> None:
    world = World(ledger, FakeTenant([REFUSED] * 5))
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.HALTED
    assert ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=utcnow(), actor="tester") == 12
    discarded = world.sender.auth.discarded
    operation = world.run(operation)
    assert operation.state is OperationState.IN_EFFECT
    assert world.applied(operation) == {ItemState.APPLIED: 12}
    assert world.sender.auth.discarded == discarded + 1  # so that the mended scope is seen


def test_a_canary_that_was_interrupted_still_counts_to_five(ledger: Ledger) -> None:
    """Three failed before a restart: two more decide."""
    world = World(ledger, FakeTenant([REFUSED] * 12))
    operation = new_operation(ledger, IDS)
    ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=utcnow(), started_at=utcnow()
    )
    context = world.runner._context(operation, Phase.APPLY, {})
    claims = ledger.items.claim(
        operation.id, Phase.APPLY, limit=3, worker_id="gone", now=utcnow(), route="availability", action=None, via="direct",
        call=context.call,
    )  # fmt: skip
    settlements = [context.send(claim) for claim in claims]
    ledger.items.settle(operation.id, Phase.APPLY, settlements, now=utcnow())  # type: ignore[arg-type]
    operation = world.run(operation)
    assert operation.state is OperationState.HALTED
    assert len(world.sender.sent) == 5


def test_a_worker_that_died_over_the_first_five_is_no_reason_to_halt(ledger: Ledger) -> None:
    """A Data Action can't be read back. The others are taken out all the same, by later restarts too."""
    world = World(ledger, lambda sent: {})
    operation = new_operation(ledger, IDS, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in")
    ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=utcnow(), started_at=utcnow()
    )
    for worker in ("dead", "dead too"):
        ledger.items.claim(
            operation.id, Phase.APPLY, limit=5, worker_id=worker, now=utcnow(), route="data_action", action="out",
            via="data_action", call=world.runner._context(operation, Phase.APPLY, {}).call,
        )  # fmt: skip
    operation = world.run(operation)
    assert operation.state is OperationState.IN_EFFECT
    assert world.applied(operation) == {ItemState.APPLIED: 2, ItemState.UNCONFIRMED: 10}
    assert len([one for one in world.sender.sent if one.call.startswith("POST")]) == 2
    notes = {
        run.note for run in ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=Outcome.UNCONFIRMED)).runs
    }
    assert all("the worker ended before an answer came" in note for note in notes)


def test_a_halt_with_agents_who_may_be_out_puts_them_back(ledger: Ledger) -> None:
    """The first five got no answer and can't be read: they may be out, so the halt is followed by a restore."""
    world = World(ledger, _writes_lost_reads_down(5))
    operation = new_operation(ledger, IDS)
    world.runner.advance(operation.id, Phase.APPLY, True)
    assert world.now(operation).state is OperationState.RESTORING
    assert world.now(operation).halt_reason
    assert world.counts(operation).apply[ItemState.UNCONFIRMED] == 5
    operation = world.run(operation, Phase.RESTORE)
    assert operation.state is OperationState.HALTED
    inner: FakeTenant = world.tenant.inner  # type: ignore[attr-defined]
    assert set(inner.available.values()) == {1}
    assert len(inner.available) == 5
    assert world.counts(operation).out == 0


class _writes_lost_reads_down:
    """Writes are done but never answered, reads fail, until so many writes were lost and twice as many reads failed."""

    def __init__(self, writes: int) -> None:
        self.inner = FakeTenant()
        self._writes = writes
        self._reads = 2 * writes  # once at once, once at the end of the phase
        self._lock = threading.Lock()

    def __call__(self, sent: Sent) -> Any:
        with self._lock:
            if sent.call.startswith("PATCH") and self._writes:
                self._writes -= 1
                return self.inner._answer(sent, LOST_AFTER)
            if sent.call.startswith("GET") and self._reads:
                self._reads -= 1
                return self.inner._answer(sent, DOWN)
            return self.inner._answer(sent, FINE)


# --- outcomes that are not known -------------------------------------------------------------------------------------


def test_an_answer_that_got_lost_is_read_back(ledger: Ledger) -> None:
    tenant = FakeTenant([FINE, LOST_AFTER, LOST_BEFORE, FINE])
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    assert world.applied(operation) == {ItemState.APPLIED: 12}
    assert set(tenant.unavailable.values()) == {1}
    assert world.restore(operation).state is OperationState.ENDED_EARLY
    assert set(tenant.available.values()) == {1}


def test_the_runs_of_a_lost_answer_tell_the_story(ledger: Ledger) -> None:
    world = World(ledger, FakeTenant([LOST_BEFORE]))
    operation = world.run(new_operation(ledger, IDS[:1]))
    runs = ledger.runs.page(TENANT, RunFilter(operation_id=operation.id)).runs
    assert [run.outcome for run in runs] == [Outcome.APPLIED, Outcome.RESENT]
    assert "sent again" in runs[1].note
    first, exchanges = ledger.runs.get(TENANT, runs[1].id)
    assert [(exchange.method, exchange.status) for exchange in exchanges] == [("PATCH", None), ("GET", 200), ("GET", 200)]
    assert first.attempts == 3


def test_what_is_never_done_is_not_sent_for_ever(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, lambda sent: tenant._answer(sent, FINE if sent.call.startswith("GET") else LOST_BEFORE))
    operation = world.run(new_operation(ledger, IDS[:2]))
    assert operation.state is OperationState.FAILED
    assert len([one for one in world.sender.sent if one.call.startswith("PATCH")]) == 2 * batch.MAX_SENDS
    assert tenant.unavailable == {}
    totals = ledger.runs.totals(TENANT)
    assert (totals[Outcome.FAILED], totals[Outcome.RESENT]) == (2, 2 * (batch.MAX_SENDS - 1)), "only the last try failed"


def test_unconfirmed_is_never_sent_again_and_settled_by_a_later_read(ledger: Ledger) -> None:
    blind = {"on": True}
    tenant = FakeTenant()

    def answer(sent: Sent) -> Any:
        if sent.call.startswith("GET"):
            return tenant._answer(sent, DOWN if blind["on"] else FINE)
        number = int(sent.path["userId"].rsplit("-", 1)[1])
        return tenant._answer(sent, {3: LOST_AFTER, 7: LOST_BEFORE}.get(number, FINE))

    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.IN_EFFECT
    assert world.applied(operation) == {ItemState.APPLIED: 10, ItemState.UNCONFIRMED: 2}
    writes = len([one for one in world.sender.sent if one.call.startswith("PATCH")])
    world.runner.read_back_unconfirmed(operation.id)
    assert world.applied(operation) == {ItemState.APPLIED: 10, ItemState.UNCONFIRMED: 2}
    blind["on"] = False
    world.runner.read_back_unconfirmed(operation.id)
    assert world.applied(operation) == {ItemState.APPLIED: 11, ItemState.FAILED: 1}
    assert len([one for one in world.sender.sent if one.call.startswith("PATCH")]) == writes
    assert ledger.items.page(operation.id, apply_states=[ItemState.FAILED])[0].agent_id == IDS[7]
    world.restore(operation)
    assert tenant.available == {agent_id: 1 for agent_id in IDS if agent_id != IDS[7]}


class OneLook(threading.Event):
    """A stop that comes after the worker looked once."""

    looks = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.looks += 1
        return self.looks > 1


@pytest.mark.parametrize("fault", [NotFound("Its client is gone."), RuntimeError("a bug")])
def test_an_operation_that_can_not_be_looked_at_keeps_no_other_waiting(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    blind = {"on": True}
    tenant = FakeTenant()

    def answer(sent: Sent) -> Any:
        if sent.call.startswith("GET"):
            return tenant._answer(sent, DOWN if blind["on"] else FINE)
        return tenant._answer(sent, LOST_AFTER)

    world = World(ledger, answer)
    first, second = (world.run(new_operation(ledger, [agent])) for agent in IDS[:2])
    assert world.applied(first) == world.applied(second) == {ItemState.UNCONFIRMED: 1}
    blind["on"] = False

    def read_back_unconfirmed(operation_id: str) -> None:
        if operation_id == first.id:
            raise fault
        world.runner.read_back_unconfirmed(operation_id)

    worker = Worker(world.deps, lambda *_: pytest.fail("no engine is needed"), lock_file=None, stop=OneLook())
    monkeypatch.setattr(worker._runner, "read_back_unconfirmed", read_back_unconfirmed)
    worker._read_back_again()
    assert world.applied(first) == {ItemState.UNCONFIRMED: 1}
    assert world.applied(second) == {ItemState.APPLIED: 1}


def test_a_worker_stays_for_agents_whose_way_back_is_unconfirmed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(sent: Sent) -> Any:
        if sent.body and sent.body.get("status") == "available":
            raise OutcomeUnknown(sent.call)
        return {}

    reads = ScriptedReads(IDS[:2], statuses=lambda: dict.fromkeys(IDS, Status.UNAVAILABLE))
    world = World(ledger, answer, reads=reads)
    operation = new_operation(ledger, IDS[:2], route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in")
    assert world.run(operation).state is OperationState.IN_EFFECT
    assert world.restore(operation).state is OperationState.FAILED_IN_PART
    worker = Worker(world.deps, lambda *_: pytest.fail("no engine is needed"), lock_file=None, stop=OneLook())
    worker._read_back_again()
    assert worker._waiting_again
    monkeypatch.setattr("wfm.engine.worker.UNCONFIRMED_KEEP_S", 0.0)  # but not for ever
    worker._stop = OneLook()
    worker._read_back_again()
    assert not worker._waiting_again


def test_what_has_ended_is_remembered_no_more(ledger: Ledger) -> None:
    """A worker runs for months. What is under way keeps its place: if it fails again, it is tried ever more slowly."""
    tenant = FakeTenant()
    down = {"on": True}
    world = World(ledger, lambda sent: tenant._answer(sent, DOWN if down["on"] and sent.body == BACK else FINE))
    operation = world.restore(world.run(new_operation(ledger, IDS)))
    assert operation.state is OperationState.FAILED_IN_PART
    worker = Worker(world.deps, lambda *_: pytest.fail("no engine is needed"), lock_file=None, stop=OneLook())
    worker._unconfirmed_since["an operation of another ledger"] = 0.0
    worker._read_back_again()
    assert list(worker._again_at) == [operation.id]
    assert worker._unconfirmed_since == {}
    worker._stop = OneLook()
    worker._read_back_again()
    assert world.now(operation).state is OperationState.RESTORING
    assert worker._again_at[operation.id].times == 1
    down["on"] = False
    assert world.run(operation, Phase.RESTORE).state is OperationState.ENDED_EARLY
    worker._stop = OneLook()
    worker._read_back_again()
    assert worker._again_at == {}


def test_orphaned_items_are_read_back_after_a_time_out_before_anything_is_sent_to_them(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant, timeout_s=0.4)
    operation = new_operation(ledger, IDS)
    ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=utcnow(), started_at=utcnow()
    )
    context = world.runner._context(operation, Phase.APPLY, {})
    claims = ledger.items.claim(
        operation.id, Phase.APPLY, limit=4, worker_id="dead", now=utcnow(), route="availability", action=None, via="direct",
        call=context.call,
    )  # fmt: skip
    late = claims[2].item.agent_id
    for claim in claims[:2]:
        context.send(claim)  # sent, and then the worker died
    # The request of the third was still under way when it died: it is done a moment after the restart.
    body = {"status": "unavailable", "reason": "maintenance_window"}
    timer = threading.Timer(0.2, lambda: tenant._write(late, body))
    timer.start()
    operation = world.run(operation)
    timer.join()
    assert operation.state is OperationState.IN_EFFECT
    assert world.applied(operation) == {ItemState.APPLIED: 12}
    assert tenant.unavailable == dict.fromkeys(IDS, 1)


# --- who is left alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(seconds=5)])
def test_who_is_newly_blocked_at_the_start_is_left_out_and_listed(ledger: Ledger, ahead: timedelta) -> None:
    def recheck(operation: Operation, items: Sequence[Item]) -> Mapping[str, tuple[Fate, str]]:
        assert [item.agent_id for item in items] == IDS
        return {IDS[0]: (Fate.TIME_OFF, "time off since 12:00"), IDS[1]: (Fate.INACTIVE, "the user was deactivated")}

    world = World(ledger, recheck=recheck)
    planned = utcnow() - ahead
    operation = new_operation(ledger, IDS, now=planned, start=planned + ahead, minutes=30)
    operation = world.run(operation)
    assert world.applied(operation) == {ItemState.APPLIED: 10, ItemState.SKIPPED: 2}
    reasons = {item.agent_id: item.skip_reason for item in ledger.items.page(operation.id, apply_states=[ItemState.SKIPPED])}
    assert reasons[IDS[0]] == "newly blocked at the start: time off, time off since 12:00"
    assert "2 agents" in next(event.text for event in ledger.operations.events(operation.id) if event.kind == "rechecked")


def test_a_check_that_fails_does_not_stop_the_window(ledger: Ledger) -> None:
    def recheck(operation: Operation, items: Sequence[Item]) -> Mapping[str, tuple[Fate, str]]:
        raise ServerFault("GET /api/v2/users", status=503)

    world = World(ledger, recheck=recheck)
    operation = new_operation(ledger, IDS, now=utcnow() - timedelta(hours=3), start=utcnow())
    assert world.run(operation).state is OperationState.IN_EFFECT
    assert any(event.kind == "unchecked" for event in ledger.operations.events(operation.id))


def test_what_was_just_planned_is_not_checked_again(ledger: Ledger) -> None:
    def recheck(operation: Operation, items: Sequence[Item]) -> Mapping[str, tuple[Fate, str]]:
        raise AssertionError("asked again")

    assert World(ledger, recheck=recheck).run(new_operation(ledger, IDS)).state is OperationState.IN_EFFECT


def test_the_state_before_is_that_of_the_start_not_of_the_plan(ledger: Ledger) -> None:
    """Planned while the agent was unavailable, available when the window starts: available again at its end."""
    tenant = FakeTenant()
    world = World(ledger, tenant)
    items = tuple(
        NewItem(agent_id=agent_id, agent_name=agent_id, before=Status.UNAVAILABLE, fate="ready") for agent_id in IDS[:2]
    )
    operation = new_operation(ledger, IDS[:2], now=utcnow() - timedelta(hours=3), start=utcnow(), items=items)
    operation = world.run(operation)
    world.restore(operation)
    assert {tenant.state(agent_id)["status"] for agent_id in IDS[:2]} == {"available"}


def test_who_is_off_shift_by_then_is_listed_not_made_available(ledger: Ledger) -> None:
    tenant = FakeTenant()
    now = utcnow()
    over = (Shift(id="s", start=now - timedelta(hours=9), end=now - timedelta(minutes=5), activities=()),)
    reads = ScriptedReads(IDS, shifts={IDS[0]: over, IDS[1]: (), IDS[2]: ()}, unpublished=frozenset({IDS[2]}))
    world = World(ledger, tenant, reads=reads)
    items = tuple(
        NewItem(
            agent_id=agent_id,
            agent_name=agent_id,
            before=Status.AVAILABLE,
            fate=(Fate.NOT_SCHEDULED if agent_id == IDS[3] else Fate.READY).value,
        )
        for agent_id in IDS
    )
    reads.shifts[IDS[3]] = ()  # was off shift already when taken out on purpose: is restored anyway
    operation = world.run(new_operation(ledger, IDS, items=items))
    operation = world.restore(operation)
    left = ledger.items.page(operation.id, restore_states=[ItemState.SKIPPED])
    assert {(item.agent_id, item.skip_reason) for item in left} == {
        (IDS[0], "off shift by then"),
        (IDS[1], "off shift by then"),
    }
    assert set(tenant.available) == set(IDS[2:])
    assert operation.state is OperationState.ENDED_EARLY


def test_whose_shift_begins_later_in_the_window_is_put_back_when_it_ends_early(ledger: Ledger) -> None:
    """Off shift already when taken out: left unavailable, they would begin their shift so."""
    now = utcnow()
    later = Shift(id="later", start=now + timedelta(minutes=10), end=now + timedelta(hours=8), activities=())
    beyond = Shift(id="beyond", start=now + timedelta(minutes=31), end=now + timedelta(hours=8), activities=())
    reads = ScriptedReads(IDS[:3], shifts={IDS[0]: (later,), IDS[2]: (beyond,)})
    world = World(ledger, FakeTenant(), reads=reads)
    operation = world.run(new_operation(ledger, IDS[:3], minutes=30))
    reads.shifts[IDS[1]] = (Shift(id="over", start=now - timedelta(hours=9), end=utcnow(), activities=()), later)
    operation = world.restore(operation)
    left = ledger.items.page(operation.id, restore_states=[ItemState.SKIPPED])
    assert [item.agent_id for item in left] == [IDS[1], IDS[2]]
    assert {item.skip_reason for item in left} == {"off shift by then"}


def test_without_schedules_everybody_is_put_back(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    world.reads.fault = ServerFault("POST …", status=503)
    assert world.restore(operation).state is OperationState.ENDED_EARLY
    assert set(tenant.available) == set(IDS)


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_restore_that_fails_in_part_stays_open_and_is_tried_again(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    broken = {"on": True}
    world.sender.answer = lambda sent: tenant._answer(
        sent, REFUSED if broken["on"] and sent.path["userId"] in IDS[:2] else FINE
    )
    operation = world.restore(operation)
    assert operation.state is OperationState.FAILED_IN_PART
    assert world.counts(operation).out == 2
    broken["on"] = False
    assert ledger.lifecycle.requeue_failed(operation.id, Phase.RESTORE, now=utcnow(), actor="tester") == 2
    operation = world.run(operation, Phase.RESTORE)
    assert operation.state is OperationState.ENDED_EARLY
    assert tenant.available == dict.fromkeys(IDS, 1)


def test_who_could_not_be_reached_is_put_back_once_the_tenant_answers(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    down = {*IDS[:3]}
    world.sender.answer = lambda sent: tenant._answer(
        sent, DOWN if sent.path["userId"] in down else REFUSED if sent.path["userId"] == IDS[5] else FINE
    )
    operation = world.restore(operation)
    assert (operation.state, world.counts(operation).out) == (OperationState.FAILED_IN_PART, 4)
    causes = {run.agent_id: run.rule for run in ledger.runs.page(TENANT, RunFilter(outcome=Outcome.FAILED)).runs}
    assert [causes[agent_id] for agent_id in IDS[:3]] == ["not-reachable"] * 3  # no answer is no odd answer
    down.clear()

    def away(*, fresh: bool = False) -> Any:
        assert fresh, "what was read before the outage says nothing of now"
        raise ConnectionProblem("GET /api/v2/tokens/me")

    with monkeypatch.context() as patched:
        patched.setattr(world.reads, "token", away)
        assert world.runner.try_again(operation.id) is False
    assert world.now(operation).state is OperationState.FAILED_IN_PART
    assert world.runner.try_again(operation.id) is True
    operation = world.run(operation, Phase.RESTORE)
    # The refused one is for a person: the tenant would refuse him again.
    assert world.restored(operation) == {ItemState.APPLIED: 11, ItemState.FAILED: 1}
    asked = [sent for sent in world.sender.sent if sent.path.get("userId") == IDS[5] and sent.lane is RequestLane.RESTORE]
    assert len(asked) == 1, "the refused one was asked for again"
    events = [(event.kind, event.actor) for event in ledger.operations.events(operation.id)]
    assert events.count(("retried", "worker")) == 1
    world.runner.read_back_unconfirmed(operation.id)
    assert [(event.kind, event.actor) for event in ledger.operations.events(operation.id)] == events, (
        "looking again ends nothing twice"
    )
    assert world.runner.try_again(operation.id) is None


def test_a_doubtful_restore_ends_well_once_a_read_settles_it(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = world.run(new_operation(ledger, IDS))
    looks = {"n": 0, "blind": True}

    def answer(sent: Sent) -> Any:
        if sent.path["userId"] == IDS[5] and sent.call.startswith("PATCH"):
            return tenant._answer(sent, LOST_AFTER)
        if sent.path["userId"] == IDS[5]:
            looks["n"] += 1
            return tenant._answer(sent, DOWN if looks["n"] > 1 and looks["blind"] else FINE)
        return tenant._answer(sent, FINE)

    world.sender.answer = answer
    operation = world.restore(operation)
    assert operation.state is OperationState.FAILED_IN_PART
    assert world.restored(operation) == {ItemState.APPLIED: 11, ItemState.UNCONFIRMED: 1}
    looks["blind"] = False
    world.runner.read_back_unconfirmed(operation.id)
    assert world.now(operation).state is OperationState.ENDED_EARLY
    assert tenant.available == dict.fromkeys(IDS, 1)


def test_the_clock_ends_a_window_as_restored(ledger: Ledger) -> None:
    clock = {"now": utcnow()}
    world = World(ledger, clock=lambda: clock["now"])
    operation = world.run(new_operation(ledger, IDS, now=clock["now"], minutes=30))
    assert world.run(operation, Phase.RESTORE).state is OperationState.IN_EFFECT  # not due: nothing happens
    clock["now"] += timedelta(minutes=31)
    assert world.run(operation, Phase.RESTORE).state is OperationState.RESTORED


def test_a_window_that_ends_while_it_is_applied_sends_nobody_more(ledger: Ledger) -> None:
    clock = {"now": utcnow()}
    tenant = FakeTenant()
    world = World(ledger, tenant, clock=lambda: clock["now"])
    operation = new_operation(ledger, [f"a{n}" for n in range(200)], now=clock["now"], minutes=30)

    def late(agent_id: str) -> None:
        if len(tenant.unavailable) == 20:
            clock["now"] += timedelta(minutes=31)
        threading.Event().wait(0.02)

    tenant.on_write = late
    world.runner.advance(operation.id, Phase.APPLY, True)
    assert world.now(operation).state is OperationState.RESTORING
    assert 20 <= len(tenant.unavailable) < 200
    tenant.on_write = lambda agent_id: None
    operation = world.run(operation, Phase.RESTORE)
    assert operation.state is OperationState.RESTORED
    assert tenant.available == tenant.unavailable
    left = ledger.items.page(operation.id, apply_states=[ItemState.SKIPPED])
    assert {item.skip_reason for item in left} == {"not sent: the window was over"}


def test_a_correction_is_not_undone_by_the_clock_only_on_demand(ledger: Ledger) -> None:
    start = utcnow() - timedelta(hours=5)
    records = {
        agent_id: {"id": f"r-{agent_id}", "startDate": start.isoformat(), "endDate": None, "status": "available", "reason": ""}
        for agent_id in IDS
    }

    def answer(sent: Sent) -> Any:
        agent_id = sent.path["userId"]
        if sent.call.startswith("GET"):
            return [records[agent_id]]
        records[agent_id] |= sent.body
        return records[agent_id]

    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS, start=start, minutes=60, route=RouteName.ADHERENCE))
    assert operation.state is OperationState.CORRECTED
    assert {record["status"] for record in records.values()} == {"unavailable"}
    assert world.run(operation, Phase.RESTORE).state is OperationState.CORRECTED
    assert world.restore(operation, early=False).state is OperationState.RESTORED
    assert {record["status"] for record in records.values()} == {"available"}


# --- Data Actions ----------------------------------------------------------------------------------------------------


def test_a_data_action_without_an_answer_is_settled_by_the_bulk_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_back, "SETTLED_AFTER", timedelta(0))
    states = dict.fromkeys(IDS, Status.AVAILABLE)

    def answer(sent: Sent) -> Any:
        if sent.call.startswith("GET"):
            return {"name": "set_agent_unavailable", "contract": {"input": {"inputSchema": {"properties": {"userId": {}}}}}}
        number = int(sent.body["userId"].rsplit("-", 1)[1])
        if number != 4:
            states[sent.body["userId"]] = Status.UNAVAILABLE if sent.path["actionId"] == "out" else Status.AVAILABLE
        if number in (3, 4):
            raise OutcomeUnknown(sent.call)
        return {}

    world = World(ledger, answer, reads=ScriptedReads(IDS, statuses=lambda: states))
    operation = new_operation(ledger, IDS, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in")
    operation = world.run(operation)
    assert world.applied(operation) == {ItemState.APPLIED: 11, ItemState.FAILED: 1}
    assert len([one for one in world.sender.sent if one.call.startswith("POST")]) == 12  # nobody twice
    runs = ledger.runs.page(TENANT, RunFilter(operation_id=operation.id)).runs
    assert {(run.via, run.action) for run in runs} == {("data_action", "set_agent_unavailable")}

    states[IDS[0]] = Status.AVAILABLE  # somebody made this one available already
    operation = world.restore(operation)
    assert operation.state is OperationState.ENDED_EARLY
    left = ledger.items.page(operation.id, restore_states=[ItemState.SKIPPED])
    assert [(item.agent_id, item.skip_reason) for item in left] == [(IDS[0], "changed by somebody else since")]
    assert set(states.values()) == {Status.AVAILABLE}


# --- the ledger and the worker ---------------------------------------------------------------------------------------


def test_results_survive_a_ledger_that_is_out_of_reach_for_a_while(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    faults = iter([True, True])
    settle = ledger.items.settle

    def shaky(*given: Any, **more: Any) -> Counts:
        if next(faults, False):
            raise StoreFault("locked")
        return settle(*given, **more)

    monkeypatch.setattr(ledger.items, "settle", shaky)
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)


def test_a_claim_that_broke_off_after_its_commit_is_found_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is lost as the intent was stored: those agents are ours, nobody has sent them, nothing is read back."""
    tenant = FakeTenant()
    world = World(ledger, tenant)
    claim, calls = ledger.items.claim, itertools.count()

    def breaks_off(*given: Any, **more: Any) -> Any:
        claims = claim(*given, **more)
        if next(calls) in (0, 2):
            raise StoreFault("the connection was lost")
        return claims

    monkeypatch.setattr(ledger.items, "claim", breaks_off)
    monkeypatch.setattr(batch, "STORE_PAUSE_S", 0.01)
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)
    assert not [sent for sent in world.sender.sent if sent.call.startswith("GET")]
    assert any("out of reach" in event.text for event in ledger.operations.events(operation.id))


def test_who_was_claimed_when_a_claim_broke_off_is_given_back_when_it_is_cancelled(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(ledger)
    operation = new_operation(ledger, IDS)
    claim = ledger.items.claim

    def breaks_off(*given: Any, **more: Any) -> Any:
        claim(*given, **more)
        ledger.lifecycle.request_cancel(operation.id, now=utcnow(), actor="tester")
        raise StoreFault("the connection was lost")

    monkeypatch.setattr(ledger.items, "claim", breaks_off)
    monkeypatch.setattr(batch, "STORE_PAUSE_S", 0.5)
    assert world.run(operation).state is OperationState.CANCELLED
    assert world.sender.sent == []
    assert world.applied(operation) == {ItemState.SKIPPED: 12}


def test_a_request_budget_that_can_not_be_used_fails_nobody_and_says_so(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = FakeTenant()
    faults = itertools.count()

    def answer(sent: Sent) -> Any:
        if next(faults) < 9:  # more than the first five: no canary dies of it
            raise StoreFault("The request budget can't be used: database is locked.")
        return tenant(sent)

    monkeypatch.setattr(batch, "FIRST_PROBE_S", 0.01)
    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)
    told = [event.text for event in ledger.operations.events(operation.id)]
    assert any("Nothing is sent for now: The request budget can't be used" in text for text in told)
    assert "Sending continues." in told
    assert ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=Outcome.FAILED)).runs == ()


def test_reading_back_waits_for_the_desks_own_store(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = FakeTenant([LOST_AFTER])
    faults = itertools.count()

    def answer(sent: Sent) -> Any:
        if sent.call.startswith("GET") and next(faults) < 3:
            raise StoreFault("locked")
        return tenant(sent)

    monkeypatch.setattr(sending, "STORE_PAUSE_S", 0.01)
    world = World(ledger, answer)
    assert world.run(new_operation(ledger, IDS)).state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)


def test_a_lost_answer_has_its_time_out_from_when_it_was_sent(ledger: Ledger) -> None:
    """A request that waited long for its permit may still be under way when its connection breaks right after sending."""
    tenant = FakeTenant([LOST_BEFORE])
    late: dict[str, Callable[[], None]] = {}

    def answer(sent: Sent) -> Any:
        if sent.call.startswith("PATCH") and not late:
            time.sleep(0.3)  # waits for a permit, longer than the time-out
            agent_id, body = sent.path["userId"], sent.body
            arrives = threading.Timer(0.05, lambda: tenant._write(agent_id, body))
            late[agent_id] = arrives.join
            arrives.start()
        return tenant(sent)

    world = World(ledger, answer, timeout_s=0.25)
    operation = world.run(new_operation(ledger, IDS[:1]))
    for join in late.values():
        join()
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == {IDS[0]: 1}


def test_a_worker_that_stops_while_the_ledger_is_away_leaves_it_to_the_next_to_read_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    monkeypatch.setattr(batch, "STORE_LAST_S", 0.1)
    operation = new_operation(ledger, IDS)
    with monkeypatch.context() as broken:

        def away(*given: Any, **more: Any) -> Counts:
            world.stop.set()
            raise StoreFault("gone")

        broken.setattr(ledger.items, "settle", away)
        with pytest.raises(StoreFault):
            world.run(operation)
    assert ledger.items.orphaned(operation.id, Phase.APPLY)
    assert World(ledger, tenant).run(operation).state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)


def test_a_stopped_worker_gives_back_and_another_goes_on(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, tenant)
    operation = new_operation(ledger, [f"a{n}" for n in range(120)])

    def stop_in_the_middle(agent_id: str) -> None:
        threading.Event().wait(0.01)
        if len(tenant.unavailable) == 15:
            world.stop.set()

    tenant.on_write = stop_in_the_middle
    assert world.runner.advance(operation.id, Phase.APPLY, True) is False
    counts = world.counts(operation)
    assert world.now(operation).state is OperationState.APPLYING
    assert counts.apply[ItemState.SENDING] == 0
    assert counts.apply[ItemState.APPLIED] == len(tenant.unavailable) < 120
    assert world.runner.advance(operation.id, Phase.APPLY, True) is False  # stopped: does nothing
    other = World(ledger, tenant)
    assert other.run(operation).state is OperationState.IN_EFFECT
    assert set(tenant.unavailable.values()) == {1}
    assert len(tenant.unavailable) == 120


def test_reads_are_counted_for_the_evidence(ledger: Ledger) -> None:
    world = World(ledger)
    operation = world.run(new_operation(ledger, IDS))
    world.restore(operation)
    reads_ok, writes_ok, writes_failed = ledger.client_usage.counts(TENANT, "c")
    assert (reads_ok, writes_ok, writes_failed) == (12, 24, 0)


def test_an_operation_of_another_tenant_is_not_found(ledger: Ledger) -> None:
    world = World(ledger)
    other = new_operation(ledger, IDS, tenant="api.mypurecloud.com|real")
    with pytest.raises(NotFound):
        world.runner.advance(other.id, Phase.APPLY, True)
    assert world.sender.sent == []
