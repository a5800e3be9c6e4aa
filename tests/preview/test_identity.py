"""The plan id: the same for the same plan, another for another, deaf to presence, contacts and the clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.preview_world import NOW, Room, ask, at, later, make_room, schedule, state, token
from wfm.domain.agents import Status
from wfm.domain.plans import Fate, PlanRequest, Preview, RouteName, Selection, short_plan_id
from wfm.domain.windows import WindowSpec
from wfm.preview.identity import differences, plan_id_of

BASE = ask()
Change = Callable[[Room], PlanRequest | None]


def _set(room: Room, key: str, **changes: object) -> None:
    room.reader.agents[key] = replace(room.reader.agents[key], **changes)  # type: ignore[arg-type]


def _time_off(room: Room) -> None:
    for key in ("user-00001", "user-00003", "user-00004", "user-00006"):
        room.reader.schedule_of[key] = schedule(key, time_off=((at(0), at(23, 59)),))


def _republish(room: Room) -> None:
    room.reader.schedule_of = {key: replace(one, version="week-48:4") for key, one in room.reader.schedule_of.items()}


def _held(room: Room) -> None:
    room.held["user-00002"] = "CHG-7"


def _scopes(room: Room) -> None:
    room.reader.facts = token(("wfm:schedule:read", "wfm:schedule:write"))


def _client(room: Room) -> None:
    room.reader.facts = token(client_id="client-2", client_name="night-shift")


def _tenant(room: Room) -> None:
    room.tenant = replace(room.tenant, organization_id="org-2")


def _gone(room: Room) -> None:
    room.reader.agents.pop("user-00006", None)


CHANGES: dict[str, tuple[Change, str]] = {
    "time off": (
        _time_off,
        "4 agents are no longer ready: Agent 00001 is on time off, Agent 00003 is on time off, "
        "Agent 00004 is on time off, and 1 more",
    ),
    "inactive": (lambda room: _set(room, "user-00005", active=False), "1 agent is no longer ready: Agent 00005 is inactive"),
    "held": (_held, "1 agent is no longer ready: Agent 00002 is in another window"),
    "gone": (
        _gone,
        "1 agent is no longer ready: Agent 00006 is no longer selected",
    ),
    "republished": (
        _republish,
        "the schedule was republished or edited: Agent 00001, Agent 00002, Agent 00003, and 3 more",
    ),
    "access": (
        _scopes,
        "the access changed: PATCH /api/v2/wfm/users/{userId}/availability now lacks scope: wfm:schedule:update",
    ),
    "client": (_client, "the OAuth client is another one: night-shift, it was desk"),
    "tenant": (_tenant, "the tenant is another one: 127.0.0.1:8808|org-2, it was 127.0.0.1:8808|org-1"),
    "route": (
        lambda room: BASE.model_copy(update={"route": RouteName.ADHERENCE}),
        "the route is another one: adherence, it was availability",
    ),
    "minutes": (
        lambda room: BASE.model_copy(update={"window": WindowSpec(minutes=45)}),
        "the window is another one: now for 45 min, it was now for 30 min",
    ),
    "reason": (
        lambda room: BASE.model_copy(update={"reason": "drill"}),
        "the reason reads “drill”, it read “maintenance_window”",
    ),
    "selection": (
        lambda room: BASE.model_copy(update={"selection": Selection(teams=("Red",))}),
        "2 agents are no longer ready: Agent 00003 is no longer selected, Agent 00006 is no longer selected",
    ),
}


def preview_after(change: Change, room: Room | None = None) -> Preview:
    room = room or make_room()
    request = change(room) or BASE
    return room.previewer.preview(request)


def through_json(ingredients: object) -> dict[str, object]:
    made: dict[str, object] = json.loads(json.dumps(ingredients))
    return made


def test_the_id_looks_as_it_is_said() -> None:
    plan_id = make_room().previewer.preview(BASE).plan_id
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}", plan_id)
    assert short_plan_id(plan_id) == f"{plan_id[:4]}·{plan_id[5:9]}"
    assert short_plan_id("7f3a-91c2-0123456789abcdef") == "7f3a·91c2"


@pytest.mark.parametrize("name", CHANGES)
def test_each_ingredient_changes_the_id_and_is_told(name: str) -> None:
    change, sentence = CHANGES[name]
    before, after = make_room().previewer.preview(BASE), preview_after(change)
    assert after.plan_id != before.plan_id
    told = differences(through_json(before.ingredients), through_json(after.ingredients))
    assert sentence in told
    assert differences(after.ingredients, after.ingredients) == ()


def test_the_way_back_is_told_too() -> None:
    before, after = preview_after(_time_off), make_room().previewer.preview(BASE)
    (told,) = differences(before.ingredients, after.ingredients)
    assert told.startswith("4 agents are ready that were not: Agent 00001 (was time off), ")
    (told,) = differences(preview_after(_scopes).ingredients, after.ingredients)
    assert told.endswith("no longer lacks scope: wfm:schedule:update")


def test_agents_who_stay_blocked_are_told_apart() -> None:
    def off_and_gone(room: Room) -> None:
        room.reader.schedule_of["user-00001"] = schedule("user-00001")

    def then(room: Room) -> PlanRequest:
        room.reader.schedule_of["user-00001"] = schedule("user-00001", time_off=((at(0), at(23)),))
        return BASE.model_copy(update={"selection": Selection(teams=("Red", "Blue"), agents=("ghost",))})

    told = differences(preview_after(off_and_gone).ingredients, preview_after(then).ingredients)
    assert told == (
        "1 agent is left out for another reason: Agent 00001 (time off, was not scheduled)",
        "1 agent is selected now and left out: ghost (unknown user)",
    )


def test_a_plan_that_is_not_remembered_is_said_to_be() -> None:
    (told,) = differences({}, make_room().previewer.preview(BASE).ingredients)
    assert "not remembered" in told


def test_a_scheduled_window_counts_by_its_instants() -> None:
    first = make_room().previewer.preview(ask(window=later(at(15))))
    moved = make_room().previewer.preview(ask(window=later(at(15, 1))))
    assert first.plan_id != moved.plan_id
    (told,) = differences(first.ingredients, moved.ingredients)
    assert told.startswith("the window is another one: 2026-11-24T15:01:00+00:00 to")


def test_evidence_that_arrives_between_two_previews_changes_nothing() -> None:
    """A read-back that worked in between turns unknown into held: nobody needs to decide again."""
    room = make_room()
    room.reader.facts = token(None)
    before = room.previewer.preview(BASE)
    room.options["observed"] = lambda: {"GET /api/v2/wfm/users/{userId}/availability": True}
    assert room.previewer.preview(BASE).plan_id == before.plan_id


@settings(max_examples=60)
@given(st.data())
def test_presence_contacts_and_the_clock_change_nothing(data: st.DataObject) -> None:
    before, room = make_room().previewer.preview(BASE), make_room()
    for key in room.reader.agents:
        if data.draw(st.booleans()):
            del room.reader.state_of[key]
            continue
        room.reader.state_of[key] = state(
            key,
            status=data.draw(st.sampled_from(Status)),
            presence=data.draw(st.sampled_from(["OnQueue", "Away", "Offline"])),
            in_contact=data.draw(st.booleans()),
            out_of_office=data.draw(st.booleans()),
        )
    room.now = NOW + timedelta(seconds=data.draw(st.integers(-3600, 3 * 3600)))  # all within the shift
    after = room.previewer.preview(BASE)
    assert after.plan_id == before.plan_id
    assert differences(before.ingredients, after.ingredients) == ()


@settings(max_examples=60)
@given(st.permutations([f"user-{number:05}" for number in range(1, 7)]), st.randoms(use_true_random=False))
def test_the_order_of_anything_changes_nothing(words: list[str], chance: object) -> None:
    room = make_room()
    for name in ("agents", "schedule_of", "state_of"):
        items = list(getattr(room.reader, name).items())
        chance.shuffle(items)  # type: ignore[attr-defined]
        setattr(room.reader, name, dict(items))
    room.reader.facts = token(tuple(reversed(token().scopes or ())))
    one = room.previewer.preview(ask(*words))
    assert one.plan_id == make_room().previewer.preview(ask(*sorted(words))).plan_id
    assert one.plan_id == make_room().previewer.preview(BASE).plan_id, "how the same agents were picked makes no difference"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3), st.lists(st.sampled_from(sorted(CHANGES)), max_size=3))
def test_differences_are_told_exactly_when_the_ids_differ(first: list[str], second: list[str]) -> None:
    def made(names: list[str]) -> Preview:
        room, request = make_room(), BASE
        for name in names:
            asked = CHANGES[name][0](room)
            request = asked or request
        return room.previewer.preview(request)

    one, other = made(first), made(second)
    told = differences(through_json(one.ingredients), other.ingredients)
    assert bool(told) == (one.plan_id != other.plan_id)
    assert plan_id_of(through_json(one.ingredients)) == one.plan_id, "the id can be made again from what was kept"


def test_names_are_for_sentences_only() -> None:
    room = make_room()
    before = room.previewer.preview(BASE)
    _set(room, "user-00001", name="Renamed")
    room.reader.facts = token(client_name="renamed")
    assert room.previewer.preview(BASE).plan_id == before.plan_id


def test_including_on_purpose_changes_who_is_written() -> None:
    before = preview_after(_time_off)

    def included(room: Room) -> PlanRequest:
        _time_off(room)
        return BASE.model_copy(update={"include": frozenset({Fate.TIME_OFF})})

    after = preview_after(included)
    assert len(after.ready) == 6
    assert after.plan_id != before.plan_id
