"""Looking again at the window's start: who is newly blocked, and who isn't for reasons known before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.preview_world import NOW, TENANT, Room, at, schedule, shift, state
from wfm.domain.agents import Status
from wfm.domain.operations import Item, ItemState, Operation, OperationState
from wfm.domain.plans import Fate, PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.genesys.errors import ConnectionProblem, Forbidden
from wfm.genesys.pacing import RequestLane

WINDOW = Window(start=NOW, end=NOW + timedelta(minutes=30), zone="Europe/Berlin")


def operation(window: Window = WINDOW, route: RouteName = RouteName.AVAILABILITY, include: Iterable[Fate] = ()) -> Operation:
    request = PlanRequest(
        selection=Selection(teams=("Red",)), window=WindowSpec(minutes=30), route=route, include=frozenset(include)
    )
    return Operation(
        id="op-1",
        tenant_key=TENANT.key,
        client_id="client-1",
        client_name="desk",
        plan_id="7f3a-91c2-0123456789abcdef",
        title="CHG-1",
        request=request,
        route=route,
        action_id=None,
        restore_action_id=None,
        window=window,
        revision=1,
        state=OperationState.APPLYING,
        created_at=NOW - timedelta(days=1),
        created_by="a supervisor",
        example=False,
        rehearsal=False,
        cancel_requested=False,
        restore_requested=False,
        started_at=NOW,
        applied_at=None,
        restore_started_at=None,
        ended_at=None,
        halt_reason="",
    )


def items(*agents: str) -> list[Item]:
    return [
        Item(
            operation_id="op-1",
            seq=seq,
            agent_id=agent_id,
            agent_name=agent_id,
            before=None,
            marker=None,
            apply_state=ItemState.PENDING,
            restore_state=ItemState.PENDING,
            skip_reason="",
            fate=Fate.READY.value,
            apply_run=None,
            restore_run=None,
            changed_at=None,
        )
        for seq, agent_id in enumerate(agents)
    ]


ALL = [f"user-{number:05}" for number in range(1, 7)]


def test_nobody_is_blocked_when_nothing_changed(room: Room) -> None:
    assert room.previewer.recheck(operation(), items(*ALL)) == {}


def test_what_changed_since_is_found_read_afresh_and_in_the_lane_of_work(room: Room) -> None:
    reader = room.reader
    reader.agents["user-00001"] = replace(reader.agents["user-00001"], active=False)
    reader.schedule_of["user-00002"] = schedule("user-00002", shift(at(5), at(12)))
    reader.state_of["user-00003"] = state("user-00003", out_of_office=True)
    reader.state_of["user-00004"] = state("user-00004", status=Status.UNAVAILABLE, presence="Maintenance")
    reader.state_of["user-00005"] = state("user-00005", in_contact=True)
    del reader.agents["user-00006"]
    assert room.previewer.recheck(operation(), items(*ALL)) == {
        "user-00001": (Fate.INACTIVE, "the user is inactive in Genesys Cloud"),
        "user-00002": (Fate.NOT_SCHEDULED, "off shift: the last shift ends 13:00"),
        "user-00003": (Fate.OUT_OF_OFFICE, "out of office is set, so the status can't be changed"),
        "user-00004": (Fate.ALREADY_UNAVAILABLE, "already unavailable (Maintenance): left as found, at the end too"),
        "user-00006": (Fate.UNKNOWN_USER, "no longer in the directory"),
    }
    assert {fresh for source, fresh in reader.reads if source != "directory"} == {True}
    assert reader.lanes == {RequestLane.APPLY}


def test_what_was_included_on_purpose_stays_included(room: Room) -> None:
    room.reader.schedule_of["user-00001"] = schedule("user-00001")
    assert set(room.previewer.recheck(operation(), items(*ALL))) == {"user-00001"}
    assert room.previewer.recheck(operation(include=[Fate.NOT_SCHEDULED]), items(*ALL)) == {}


def test_a_late_start_is_still_about_now(room: Room) -> None:
    """The worker was down for ten minutes: present states count all the same."""
    room.now = NOW + timedelta(minutes=10)
    room.reader.state_of["user-00001"] = state("user-00001", status=Status.UNAVAILABLE)
    assert set(room.previewer.recheck(operation(), items(*ALL))) == {"user-00001"}


def test_a_correction_of_the_past_looks_at_schedules_only(room: Room) -> None:
    past = Window(start=at(9), end=at(10), zone="Europe/Berlin")
    room.reader.state_of["user-00001"] = state("user-00001", status=Status.UNAVAILABLE)
    room.reader.schedule_of["user-00002"] = schedule("user-00002", shift(at(11), at(17)))
    blocked = room.previewer.recheck(operation(past, RouteName.ADHERENCE), items(*ALL))
    assert {key: fate for key, (fate, _) in blocked.items()} == {"user-00002": Fate.NOT_SCHEDULED}
    assert "states" not in dict(room.reader.reads)


def test_only_the_agents_asked_about_are_told(room: Room) -> None:
    room.reader.state_of = {key: state(key, status=Status.UNAVAILABLE) for key in ALL}
    assert set(room.previewer.recheck(operation(), items("user-00003"))) == {"user-00003"}
    assert room.previewer.recheck(operation(), []) == {}


def test_a_read_that_is_refused_blocks_nobody_and_trouble_is_raised(room: Room) -> None:
    """The plan's own check stands where the tenant says no; the worker notes it where the tenant says nothing."""
    room.reader.fails["schedules"] = Forbidden("POST /api/v2/x", status=403)
    assert room.previewer.recheck(operation(), items(*ALL)) == {}
    room.reader.fails["schedules"] = ConnectionProblem("POST /api/v2/x")
    with pytest.raises(ConnectionProblem):
        room.previewer.recheck(operation(), items(*ALL))
