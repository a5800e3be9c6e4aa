"""Operations are made once, hold their agents, and are read by tenant."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.ledger.ledger_world import HOUR, MINUTE, NOON, OTHER_TENANT, TENANT, World, new_operation, nonzero, settlement
from wfm.domain.agents import Status
from wfm.domain.errors import BadInput, NotFound, Refused
from wfm.domain.operations import ItemState, OperationState, Phase
from wfm.domain.plans import Fate, PlanRequest, RouteName, Selection
from wfm.domain.windows import WindowSpec
from wfm.ledger.records import Event

I = ItemState  # noqa: E741
S = OperationState


def test_what_is_stored_is_what_was_given(world: World) -> None:
    request = PlanRequest(
        selection=Selection(teams=("Team Ö",), exclude=("x",)),
        window=WindowSpec(start=NOON, end=NOON + HOUR, zone="Europe/Berlin"),
        route=RouteName.DATA_ACTION,
        action="set",
        reason="“quoted”",
        include=frozenset({Fate.TIME_OFF}),
    )
    new = dataclasses.replace(
        new_operation(
            ["anna", "bo"], route=RouteName.DATA_ACTION, blocked=(("x@y", "", "unknown user"), ("id-9", "Zoë", "time off"))
        ),
        request=request,
        action_id="act-1",
        restore_action_id="act-2",
        example=True,
        rehearsal=True,
    )
    made = world.ledger.operations.create(new, NOON)
    assert world.get(made) == made
    assert (made.request, made.window, made.route, made.action_id, made.restore_action_id) == (
        request,
        new.window,
        RouteName.DATA_ACTION,
        "act-1",
        "act-2",
    )
    assert (made.state, made.revision, made.example, made.rehearsal, made.created_at) == (S.SCHEDULED, 1, True, True, NOON)
    assert (made.tenant_key, made.client_id, made.client_name, made.created_by) == (TENANT, "client-1", "desk", "Sam")
    assert world.ledger.operations.blocked(made.id) == [("x@y", "", "unknown user"), ("id-9", "Zoë", "time off")]
    assert world.ledger.operations.blocked_counts([made.id, "nonsense"]) == {made.id: 2, "nonsense": 0}
    items = world.ledger.items.page(made.id)
    assert [(item.seq, item.agent_id, item.agent_name, item.before, item.fate) for item in items] == [
        (1, "anna", "Anna", Status.AVAILABLE, "ready"),
        (2, "bo", "Bo", Status.AVAILABLE, "ready"),
    ]
    counts = world.ledger.items.counts([made.id])[made.id]
    assert (nonzero(counts.apply), nonzero(counts.restore), counts.out) == ({I.PENDING: 2}, {}, 0)
    assert [(event.kind, event.actor, event.at) for event in world.ledger.operations.events(made.id)] == [
        ("created", "Sam", NOON)
    ]


def test_the_same_token_gives_the_same_operation(world: World) -> None:
    first = world.create(["anna"], token="click-1")
    again = world.create(["anna"], token="click-1")
    other = world.create(["anna"], token="click-1", tenant=OTHER_TENANT)
    assert again == first
    assert other.id != first.id
    assert len(world.ledger.operations.events(first.id)) == 1
    assert world.create(["bo"]).id != world.create(["cem"]).id, "without a token every call makes one"


def test_nobody_and_somebody_twice_are_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.create([])
    assert refused.value.code == "nobody_ready"
    with pytest.raises(BadInput):
        world.create(["anna", "anna"])
    assert world.ledger.operations.page(TENANT) == []


def test_an_agent_is_in_one_window_at_a_time(world: World) -> None:
    first = world.create(["anna", "bo"], title="DB upgrade")
    with pytest.raises(Refused) as refused:
        world.create(["bo", "cem"], start=NOON + 20 * MINUTE)
    assert refused.value.code == "in_another_window"
    assert refused.value.differences == ("Bo is in “DB upgrade”.",)
    assert len(world.ledger.operations.page(TENANT)) == 1
    # A window that only touches, other agents, and another tenant are free.
    world.create(["anna"], start=NOON + 30 * MINUTE)
    world.create(["cem"])
    world.create(["anna"], tenant=OTHER_TENANT)
    held = world.ledger.operations.held_agents(TENANT, NOON, NOON + MINUTE)
    assert held["anna"] == (first.id, "DB upgrade")
    assert sorted(held) == ["anna", "bo", "cem"]
    assert sorted(world.ledger.operations.held_agents(TENANT, NOON, NOON + MINUTE, ["bo", "zoe"])) == ["bo"]
    assert sorted(world.ledger.operations.held_agents(TENANT, NOON, NOON + MINUTE, except_operation=first.id)) == ["cem"]
    assert world.ledger.operations.held_agents(TENANT, NOON + 2 * HOUR, NOON + 3 * HOUR) == {}
    assert world.ledger.operations.held_agents("strange", NOON, NOON + HOUR) == {}


def test_many_conflicts_are_told_shortly(world: World) -> None:
    agents = [f"agent-{n:02}" for n in range(30)]
    world.create(agents)
    with pytest.raises(Refused) as refused:
        world.create(agents)
    assert len(refused.value.differences) == 21
    assert refused.value.differences[-1] == "And 10 more."
    assert str(refused.value).startswith("30 agents are in another window")


@pytest.mark.parametrize(
    ("apply", "restore", "holds"),
    [
        (I.APPLIED, None, True),
        (I.UNCONFIRMED, None, True),
        (I.FAILED, None, False),
        (I.SKIPPED, None, False),
        (I.APPLIED, I.APPLIED, False),
        (I.APPLIED, I.SKIPPED, False),
        (I.APPLIED, I.FAILED, True),
        (I.APPLIED, I.UNCONFIRMED, True),
    ],
)
def test_what_holds_an_agent(world: World, apply: ItemState, restore: ItemState | None, holds: bool) -> None:
    operation = world.in_effect(["anna"], states={"anna": apply})
    if restore is not None:
        world.ledger.lifecycle.transition(operation.id, [S.IN_EFFECT], S.RESTORING, now=world.now)
        world.run_phase(operation, Phase.RESTORE, {"anna": restore})
    assert bool(world.ledger.operations.held_agents(TENANT, NOON, NOON + HOUR)) is holds


@pytest.mark.parametrize(
    ("state", "holds_pending", "holds_out"),
    [
        (S.SCHEDULED, True, True),
        (S.IN_EFFECT, True, True),
        (S.FAILED_IN_PART, True, True),
        (S.HALTED, False, True),
        (S.CANCELLED, False, True),
        (S.RESTORED, False, False),
        (S.FAILED, False, False),
        (S.CORRECTED, False, False),
    ],
)
def test_which_operations_hold(world: World, state: OperationState, holds_pending: bool, holds_out: bool) -> None:
    operation = world.start(world.create(["pending", "out"]))
    claims = world.claim(operation)
    world.settle(operation, [settlement(claims[0], I.PENDING), settlement(claims[1])])
    world.ledger.lifecycle.transition(operation.id, [S.APPLYING], state, now=world.now)
    held = world.ledger.operations.held_agents(TENANT, NOON, NOON + HOUR)
    assert ("pending" in held, "out" in held) == (holds_pending, holds_out)


def test_what_ended_lately_is_found_however_long_ago_it_was_planned(world: World) -> None:
    first, second, going_on = (world.create([f"agent-{n}"]) for n in range(3))
    for minutes, operation in ((40, second), (60, first)):
        world.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], S.CANCELLED, now=NOON, ended_at=NOON + minutes * MINUTE)
    world.ledger.lifecycle.transition(going_on.id, [S.SCHEDULED], S.FAILED_IN_PART, now=NOON, ended_at=NOON + 50 * MINUTE)
    assert [one.id for one in world.ledger.operations.ended(TENANT, NOON)] == [first.id, second.id]
    assert [one.id for one in world.ledger.operations.ended(TENANT, NOON, limit=1)] == [first.id]
    assert [one.id for one in world.ledger.operations.ended(TENANT, NOON + 50 * MINUTE)] == [first.id]
    assert world.ledger.operations.ended(OTHER_TENANT, NOON) == []


def test_lists_are_by_tenant_newest_first(world: World) -> None:
    made = [world.create([f"agent-{n}"]) for n in range(5)]
    other = world.create(["anna"], tenant=OTHER_TENANT)
    world.ledger.lifecycle.transition(made[1].id, [S.SCHEDULED], S.APPLYING, now=world.now)
    newest = [operation.id for operation in reversed(made)]
    assert [operation.id for operation in world.ledger.operations.page(TENANT)] == newest
    assert newest == sorted(newest, reverse=True)
    assert [operation.id for operation in world.ledger.operations.page(TENANT, limit=2)] == newest[:2]
    assert [operation.id for operation in world.ledger.operations.page(TENANT, limit=2, before=newest[1])] == newest[2:4]
    assert [operation.id for operation in world.ledger.operations.page(TENANT, states=[S.APPLYING])] == [made[1].id]
    assert world.ledger.operations.page(TENANT, states=[]) == []
    assert world.ledger.operations.page("strange") == []
    with pytest.raises(BadInput):
        world.ledger.operations.page(TENANT, before="junk")
    for strange in (other.id, "junk", ""):
        with pytest.raises(NotFound):
            world.ledger.operations.get(TENANT, strange)


def test_titles_of_the_newest(world: World) -> None:
    made = [world.create([f"agent-{n}"], title=f"Window {n}", start=NOON + n * HOUR) for n in range(3)]
    titles = world.ledger.operations.titles(TENANT, limit=2)
    assert list(titles.items()) == [(one.id, (one.title, one.window.start)) for one in made[:0:-1]]
    assert world.ledger.operations.titles(OTHER_TENANT) == {}


def test_items_are_found_by_state_and_by_part_of_a_name(world: World) -> None:
    new = new_operation(["id-1", "id-2", "id-3"])
    names = ["Aylin Şahin", "Łukasz 100%_Ög", "Bo Lindqvist"]
    items = tuple(dataclasses.replace(item, agent_name=name) for item, name in zip(new.items, names, strict=True))
    operation = world.ledger.operations.create(dataclasses.replace(new, items=items), NOON)

    def found(search: str) -> list[int]:
        return [item.seq for item in world.ledger.items.page(operation.id, search=search)]

    assert found("sahin") == [1]
    assert found("ŞAHIN") == [1]
    assert found("lukasz") == [2]
    assert found("100%_") == [2]
    assert found("%") == [2]
    assert found("id-3") == [3]
    assert found("  ") == [1, 2, 3]
    assert found("'; --") == []
    world.start(operation)
    world.claim(operation, limit=1)
    assert [item.seq for item in world.ledger.items.page(operation.id, apply_states=[I.SENDING])] == [1]
    assert [item.seq for item in world.ledger.items.page(operation.id, restore_states=[I.APPLIED])] == []
    assert [item.seq for item in world.ledger.items.page(operation.id, after_seq=1, limit=1)] == [2]


def test_a_plan_of_thousands(world: World) -> None:
    agents = [f"agent-{n:05}" for n in range(6_000)]
    operation = world.create(agents)
    assert world.ledger.items.counts([operation.id])[operation.id].total == 6_000
    assert world.get(operation).request.selection.agents == tuple(agents)
    assert json.loads(operation.request.model_dump_json())["selection"]["agents"][-1] == "agent-05999"
    assert len(world.ledger.operations.held_agents(TENANT, NOON, NOON + HOUR, agents[10:20])) == 10
    with pytest.raises(Refused):
        world.create(agents[5_999:])


def test_comments_stand_in_the_story(world: World) -> None:
    operation = world.create()
    world.ledger.operations.add_event(operation.id, at=NOON, actor="Kim", kind="comment", text="Looks “fine” ✓\nline 2")
    assert world.ledger.operations.events(operation.id)[-1] == Event(
        operation_id=operation.id, at=NOON, actor="Kim", kind="comment", text="Looks “fine” ✓\nline 2"
    )
    for strange in ("junk", operation.id[:-1] + ("0" if operation.id[-1] != "0" else "1")):
        with pytest.raises(NotFound):
            world.ledger.operations.add_event(strange, at=NOON, actor="Kim", kind="comment", text="x")
        assert world.ledger.operations.events(strange) == []
