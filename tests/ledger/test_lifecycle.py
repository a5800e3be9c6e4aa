"""The life of an operation: compare-and-set, what is due when, and what people may ask for."""

from __future__ import annotations

import pytest

from tests.ledger.ledger_world import HOUR, MINUTE, NOON, OTHER_TENANT, TENANT, World, diagnosis, settlement
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, NotFound, Refused
from wfm.domain.operations import ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.plans import RouteName

I = ItemState  # noqa: E741
S = OperationState
END = NOON + 30 * MINUTE


def refused(error: pytest.ExceptionInfo[Refused]) -> str:
    assert error.value.code == "state"
    return str(error.value)


def test_a_move_happens_once(world: World) -> None:
    operation = world.create()
    assert world.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], S.APPLYING, now=NOON, started_at=NOON)
    assert not world.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], S.APPLYING, now=NOON, started_at=NOON + HOUR)
    moved = world.get(operation)
    assert (moved.state, moved.started_at) == (S.APPLYING, NOON)
    world.ledger.lifecycle.transition(
        operation.id, [S.APPLYING], S.HALTED, now=NOON, event="Halted: one cause.", halt_reason="scope missing"
    )
    assert world.get(operation).halt_reason == "scope missing"
    told = [(event.kind, event.text, event.actor) for event in world.ledger.operations.events(operation.id)]
    assert told[1:] == [("started", "Taking agents out.", "worker"), ("halted", "Halted: one cause.", "worker")]
    with pytest.raises(ValueError, match="stamps"):
        world.ledger.lifecycle.transition(operation.id, [S.HALTED], S.FAILED, now=NOON, title=NOON)
    with pytest.raises(NotFound):
        world.ledger.lifecycle.transition("junk", [S.HALTED], S.FAILED, now=NOON)


def test_a_correction_takes_nobody_out_in_its_story_either(world: World) -> None:
    operation = world.create(["anna"], start=NOON - 2 * HOUR, route=RouteName.ADHERENCE)
    world.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], S.APPLYING, now=NOON, started_at=NOON)
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], S.RESTORING, now=NOON, restore_started_at=NOON)
    told = [event.text for event in world.ledger.operations.events(operation.id)]
    assert told[1:] == ["Correcting adherence.", "Undoing the correction."]


def due(world: World, now: object = None) -> list[tuple[str, Phase]]:
    return [(operation.title, phase) for operation, phase in world.ledger.lifecycle.due(TENANT, now or world.now)]  # type: ignore[arg-type]


def test_the_clock(world: World) -> None:
    assert world.ledger.lifecycle.next_due(TENANT, NOON) is None
    world.create(["anna"], title="later", start=NOON + HOUR)
    world.create(["bo"], title="other tenant", tenant=OTHER_TENANT)
    assert due(world) == []
    assert world.ledger.lifecycle.next_due(TENANT, world.now) == NOON + HOUR
    assert due(world, NOON + HOUR) == [("later", Phase.APPLY)]
    assert world.ledger.lifecycle.next_due(TENANT, NOON + 2 * HOUR) == NOON + 2 * HOUR, "what is due is due now"


def test_what_is_due_in_each_state(world: World) -> None:
    operation = world.create(["anna", "bo"], title="it")

    def at(when: object) -> list[Phase]:
        return [phase for _, phase in due(world, when)]

    assert at(NOON) == [Phase.APPLY]
    world.start(operation)
    assert at(NOON) == [Phase.APPLY], "an apply that was interrupted goes on"
    world.run_phase(operation)
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], S.IN_EFFECT, now=NOON)
    assert at(END - MINUTE) == []
    assert world.ledger.lifecycle.next_due(TENANT, NOON) == END
    assert at(END) == [Phase.RESTORE]
    world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORING, now=END)
    assert at(END) == [Phase.RESTORE]
    assert at(NOON) == [Phase.RESTORE], "a restore that was begun before the end goes on"
    world.run_phase(operation, Phase.RESTORE)
    world.ledger.lifecycle.transition(operation.id, [S.RESTORING], S.RESTORED, now=END)
    assert at(END + HOUR) == []
    assert world.ledger.lifecycle.next_due(TENANT, END) is None


@pytest.mark.parametrize("state", [S.HALTED, S.CANCELLED])
def test_whoever_is_out_of_a_stopped_operation_is_restored(world: World, state: OperationState) -> None:
    operation = world.start(world.create(["anna", "bo"]))
    claims = world.claim(operation, limit=1)
    world.settle(operation, [settlement(claims[0])])
    world.ledger.items.skip(operation.id, Phase.APPLY, None, SkipReason.HALTED.value, now=world.now)
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], state, now=world.now)
    assert due(world, END - MINUTE) == []
    assert due(world, END) == [("Maintenance", Phase.RESTORE)]
    world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=True)
    assert due(world, world.now) == [("Maintenance", Phase.RESTORE)]
    world.run_phase(operation, Phase.RESTORE)
    assert due(world, END) == []
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=True)
    assert "No agent is left to restore" in refused(error)


def test_restores_come_before_applies(world: World) -> None:
    world.in_effect(["anna"], title="out")
    world.create(["bo"], title="next", start=NOON + 10 * MINUTE)
    world.create(["cem"], title="first", start=NOON + 5 * MINUTE)
    assert due(world, END) == [("out", Phase.RESTORE), ("first", Phase.APPLY), ("next", Phase.APPLY)]


def test_a_correction_is_undone_on_demand_only(world: World) -> None:
    past = NOON - 5 * HOUR
    operation = world.start(world.create(["anna"], start=past, route=RouteName.ADHERENCE))
    assert due(world) == [("Maintenance", Phase.APPLY)]
    world.run_phase(operation)
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], S.CORRECTED, now=world.now, ended_at=world.now)
    assert due(world, NOON + 100 * HOUR) == []
    assert world.ledger.lifecycle.next_due(TENANT, NOON) is None
    world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=False)
    assert due(world) == [("Maintenance", Phase.RESTORE)]
    world.ledger.lifecycle.transition(operation.id, [S.CORRECTED], S.RESTORING, now=world.now)
    world.run_phase(operation, Phase.RESTORE)
    world.ledger.lifecycle.transition(operation.id, [S.RESTORING], S.RESTORED, now=world.now)
    assert not world.get(operation).restore_requested
    assert due(world, NOON + HOUR) == []


def test_a_correction_in_effect_is_not_ended_by_the_clock(world: World) -> None:
    operation = world.in_effect(["anna"], route=RouteName.ADHERENCE)
    assert due(world, END + HOUR) == []
    world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=False)
    assert due(world) == [("Maintenance", Phase.RESTORE)]


def test_cancelling_before_the_start_is_done_at_once(world: World) -> None:
    operation = world.create(["anna", "bo"], start=NOON + HOUR)
    cancelled = world.ledger.lifecycle.request_cancel(operation.id, now=world.now, actor="Sam")
    assert (cancelled.state, cancelled.ended_at) == (S.CANCELLED, world.now)
    assert {item.skip_reason for item in world.ledger.items.page(operation.id)} == {SkipReason.CANCELLED.value}
    assert due(world, NOON + 10 * HOUR) == []
    assert world.ledger.operations.held_agents(TENANT, NOON, NOON + 10 * HOUR) == {}
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.request_cancel(operation.id, now=world.now, actor="Sam")
    assert "is cancelled" in refused(error)


def test_cancelling_while_applying_stops_and_puts_back(world: World) -> None:
    operation = world.start(world.create(["anna", "bo"]))
    world.claim(operation, limit=1)
    for _ in range(2):
        asked = world.ledger.lifecycle.request_cancel(operation.id, now=world.now, actor="Sam")
    assert (asked.state, asked.cancel_requested, asked.restore_requested) == (S.APPLYING, True, True)
    assert due(world) == [("Maintenance", Phase.RESTORE)]
    kinds = [event.kind for event in world.ledger.operations.events(operation.id)]
    assert kinds.count("cancel_requested") == 1


@pytest.mark.parametrize("state", [S.IN_EFFECT, S.RESTORING, S.RESTORED, S.HALTED, S.FAILED, S.CORRECTED])
def test_what_can_not_be_cancelled(world: World, state: OperationState) -> None:
    operation = world.create()
    world.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], state, now=world.now)
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.request_cancel(operation.id, now=world.now, actor="Sam")
    assert state.value in refused(error)


@pytest.mark.parametrize(
    ("early", "kind"),
    [(True, "end_requested"), (False, "restore_requested")],
)
def test_ending_now(world: World, early: bool, kind: str) -> None:
    operation = world.in_effect()
    for _ in range(2):
        asked = world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=early)
    assert asked.restore_requested
    assert due(world) == [("Maintenance", Phase.RESTORE)]
    assert [event.kind for event in world.ledger.operations.events(operation.id)].count(kind) == 1


def test_what_has_not_started_can_not_be_restored(world: World) -> None:
    operation = world.create()
    with pytest.raises(Refused):
        world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=True)


def failed_in_part(world: World, state: ItemState) -> Operation:
    operation = world.in_effect(["anna", "bo"])
    world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORING, now=world.now)
    world.run_phase(operation, Phase.RESTORE, {"bo": state})
    world.ledger.lifecycle.transition(operation.id, [S.RESTORING], S.FAILED_IN_PART, now=world.now, ended_at=world.now)
    return world.get(operation)


def test_restoring_what_failed_in_part_tries_again(world: World) -> None:
    operation = failed_in_part(world, I.FAILED)
    assert due(world, END + HOUR) == []
    again = world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=False)
    assert (again.state, again.revision, again.ended_at) == (S.RESTORING, operation.revision + 1, None)
    assert world.item_states(operation) == {"anna": (I.APPLIED, I.APPLIED), "bo": (I.APPLIED, I.PENDING)}
    assert due(world) == [("Maintenance", Phase.RESTORE)]


@pytest.mark.parametrize("state", [I.FAILED, I.UNCONFIRMED])
def test_who_is_not_back_is_found_however_many_windows_came_since(world: World, state: I) -> None:
    operation = failed_in_part(world, state)
    world.in_effect(["cem"])
    assert world.ledger.operations.unsettled(TENANT, [S.FAILED_IN_PART, S.IN_EFFECT]) == [operation.id]
    assert world.ledger.operations.unsettled(TENANT, [S.IN_EFFECT]) == []
    assert world.ledger.operations.unsettled("strange", [S.FAILED_IN_PART]) == []


def test_restoring_what_is_unconfirmed_only_is_refused(world: World) -> None:
    operation = failed_in_part(world, I.UNCONFIRMED)
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.request_restore(operation.id, now=world.now, actor="Sam", early=False)
    assert "unconfirmed" in refused(error)


def test_retrying_a_halted_operation_takes_those_not_sent_too(world: World) -> None:
    operation = world.start(world.create(["anna", "bo", "cem", "dan"]))
    claims = world.claim(operation, limit=2)
    world.settle(operation, [settlement(claim, I.FAILED) for claim in claims])
    world.ledger.items.skip(operation.id, Phase.APPLY, {"cem": "newly blocked"}, "", now=world.now)
    world.ledger.items.skip(operation.id, Phase.APPLY, None, SkipReason.HALTED.value, now=world.now)
    world.ledger.lifecycle.transition(
        operation.id, [S.APPLYING], S.HALTED, now=world.now, halt_reason="scope", ended_at=world.now
    )
    assert world.ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=world.now, actor="Sam") == 3
    again = world.get(operation)
    assert (again.state, again.revision, again.halt_reason, again.ended_at) == (S.APPLYING, 2, "", None)
    states = {agent: apply for agent, (apply, _) in world.item_states(operation).items()}
    assert states == {"anna": I.PENDING, "bo": I.PENDING, "cem": I.SKIPPED, "dan": I.PENDING}
    assert {item.skip_reason for item in world.ledger.items.page(operation.id)} == {"", "newly blocked"}
    assert world.ledger.operations.events(operation.id)[-1].text == "Asked to try 3 agents again."


def test_retrying_is_refused_when_it_can_not_be(world: World) -> None:
    operation = world.in_effect(["anna", "bo"], states={"anna": I.FAILED})
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=END, actor="Sam")
    assert "over" in refused(error)
    assert world.ledger.lifecycle.requeue_failed(operation.id, Phase.RESTORE, now=world.now, actor="Sam") == 0
    assert world.get(operation).revision == 1
    world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORED, now=world.now)
    with pytest.raises(Refused):
        world.ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=world.now, actor="Sam")


def test_retrying_respects_the_windows_made_since(world: World) -> None:
    operation = world.start(world.create(["anna", "bo"]))
    world.run_phase(operation, states={"anna": I.FAILED, "bo": I.FAILED})
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], S.FAILED, now=world.now)
    world.create(["bo"], title="taken since")
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.requeue_failed(operation.id, Phase.APPLY, now=world.now, actor="Sam")
    assert error.value.code == "in_another_window"
    assert error.value.differences == ("Bo is in “taken since”.",)
    assert world.get(operation).state is S.FAILED


@pytest.mark.parametrize(
    ("kind", "retryable", "passes"),
    [(Kind.UPSTREAM_UNAVAILABLE, False, True), (Kind.MISSING_SCOPE, True, True), (Kind.MISSING_SCOPE, False, False)],
)
@pytest.mark.parametrize("phase", list(Phase))
def test_what_may_pass_is_told_by_kind_or_by_cause(
    world: World, phase: Phase, kind: Kind, retryable: bool, passes: bool
) -> None:
    operation = world.in_effect(["anna"]) if phase is Phase.RESTORE else world.start(world.create(["anna"]))
    claim = world.claim(operation, phase)[0]
    world.settle(operation, [settlement(claim, I.FAILED, diagnosis=diagnosis(kind, retryable=retryable))], phase)
    assert world.ledger.lifecycle.failed_in_passing(operation.id, phase) == int(passes)
    assert world.ledger.lifecycle.failed_in_passing("junk", phase) == 0
    other = world.in_effect(["bo"], title="nobody failed here")
    assert world.ledger.lifecycle.failed_in_passing(other.id, phase) == 0


def test_moving_the_end(world: World) -> None:
    operation = world.in_effect(["anna"])
    world.create(["anna"], title="next", start=NOON + HOUR)
    world.create(["bo"], title="of others", start=NOON + HOUR)
    revised = world.ledger.lifecycle.revise_window(
        operation.id, end=NOON + HOUR, now=world.now, actor="Sam", note="takes longer"
    )
    assert (revised.window.end, revised.revision) == (NOON + HOUR, 2)
    last = world.ledger.operations.events(operation.id)[-1]
    assert (last.kind, last.text) == ("revised", "End moved from 2026-11-23 12:30 to 2026-11-23 13:00 UTC. takes longer")
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.revise_window(operation.id, end=NOON + HOUR + MINUTE, now=world.now, actor="Sam")
    assert error.value.code == "in_another_window"
    with pytest.raises(BadInput, match=r"window end: .* can't be used. Accepted: a time after now and after the start"):
        world.ledger.lifecycle.revise_window(operation.id, end=world.now, now=world.now, actor="Sam")
    world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORED, now=world.now)
    with pytest.raises(Refused) as error:
        world.ledger.lifecycle.revise_window(operation.id, end=NOON + 50 * MINUTE, now=world.now, actor="Sam")
    assert refused(error).endswith("is restored. Its window can't be moved any more.")
    assert world.get(operation).window.end == NOON + HOUR
