"""Windows: what is said of each, what may be done to it, and one of them opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import Open
from tests.ui.screen import keys, somebody
from tests.ui.screen import words as said
from tests.ui.values import an_operation
from tests.ui.world import PEOPLE, VISITOR, add_window, the_group
from wfm.desk import Desk
from wfm.domain.operations import Counts, Item, ItemState, OperationState, Phase
from wfm.domain.plans import RouteName
from wfm.ledger.records import Event
from wfm.ui.components import states, times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import AgentWord, agent_word
from wfm.ui.screens.windows import model, sentences
from wfm.ui.screens.windows.choices import Act, choices

S = OperationState


def now() -> datetime:
    return datetime.now(UTC)


def an_event(kind: str, at: datetime | None = None, actor: str = "worker") -> Event:
    return Event(operation_id="op-1", at=at or now(), actor=actor, kind=kind, text="text")


def ask(app: AppTest, key: str) -> AppTest:
    """Opens the question behind an action: "do_end_now_w" is asked for by "window_end_now_w"."""
    return app.button(key=f"window_{key.removeprefix('do_')}").click().run()


def acts(view: Any) -> set[Act]:
    return {choice.act for choice in choices(view, now())}


# --- counting --------------------------------------------------------------------------------------------------------


def test_every_agent_is_counted_once() -> None:
    counts = Counts(
        apply={
            ItemState.APPLIED: 20,
            ItemState.FAILED: 3,
            ItemState.SKIPPED: 2,
            ItemState.PENDING: 4,
            ItemState.SENDING: 1,
            ItemState.UNCONFIRMED: 2,
        },
        restore={
            ItemState.APPLIED: 9,
            ItemState.FAILED: 1,
            ItemState.SKIPPED: 2,
            ItemState.SENDING: 3,
            ItemState.PENDING: 7,
        },
        still_out=9,
    )
    found = model.agents_by_word(counts)
    assert sum(found.values()) == counts.total == 32
    assert found[AgentWord.RESTORED] == 9
    assert found[AgentWord.OUT] == 9 - 3 - 1
    assert found[AgentWord.UNCONFIRMED] == 2
    assert list(found) == sorted(found, key=list(found).index)
    assert set(found) == set(AgentWord)


@pytest.mark.parametrize("word", list(AgentWord))
def test_the_states_asked_for_are_the_states_of_the_word(word: AgentWord) -> None:
    apply, restore = model.WORD_STATES[word]
    for one in apply:
        for other in restore or (ItemState.PENDING,):
            assert agent_word(one, other) is word


# --- what may be done ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (an_operation(state=S.SCHEDULED, out=0, starts_in=timedelta(hours=2)), {Act.CANCEL, Act.EXTEND}),
        (an_operation(state=S.APPLYING, out=5), {Act.CANCEL, Act.EXTEND}),
        (an_operation(state=S.APPLYING, out=5, cancel_requested=True), set()),
        (an_operation(state=S.IN_EFFECT), {Act.END_NOW, Act.EXTEND}),
        (an_operation(state=S.IN_EFFECT, out=30, failed=6), {Act.END_NOW, Act.EXTEND, Act.RETRY}),
        (an_operation(state=S.IN_EFFECT, restore_requested=True), set()),
        (an_operation(state=S.IN_EFFECT, out=30, failed=6, restore_requested=True), set()),
        (an_operation(state=S.RESTORING, out=10, restored=26), set()),
        (an_operation(state=S.FAILED_IN_PART, out=2, restored=34), {Act.RESTORE_NOW}),
        (an_operation(state=S.HALTED, out=0, failed=5), {Act.RETRY}),
        (an_operation(state=S.HALTED, out=2, failed=5), {Act.RETRY, Act.RESTORE_NOW}),
        (an_operation(state=S.HALTED, out=0, failed=5, rehearsal=True), set()),
        (an_operation(state=S.HALTED, out=0, failed=5, starts_in=timedelta(hours=-3)), set()),
        (an_operation(state=S.CANCELLED, out=3), {Act.RESTORE_NOW}),
        (an_operation(state=S.CORRECTED, out=36, route=RouteName.ADHERENCE), {Act.UNDO}),
        (an_operation(state=S.RESTORED, out=0, restored=36), set()),
        (an_operation(state=S.ENDED_EARLY, out=0, restored=36), set()),
    ],
)
def test_only_what_makes_sense_is_offered(view: Any, expected: set[Act]) -> None:
    assert acts(view) == expected
    assert sum(choice.primary for choice in choices(view, now())) <= 1


def test_an_adherence_correction_is_never_extended() -> None:
    assert Act.EXTEND not in acts(an_operation(state=S.IN_EFFECT, route=RouteName.ADHERENCE))


def test_ending_now_says_for_whom_and_how_much_before_time() -> None:
    view = an_operation(out=34)
    choice = next(choice for choice in choices(view, view.operation.window.end - timedelta(minutes=22)) if choice.primary)
    assert choice.says.startswith("34 agents are restored now, 22 min early.")


@pytest.mark.parametrize(
    ("state", "seconds"), [(S.APPLYING, 1.0), (S.RESTORING, 1.0), (S.IN_EFFECT, 5.0), (S.SCHEDULED, 5.0), (S.RESTORED, None)]
)
def test_screens_look_again_only_while_something_moves(state: S, seconds: float | None) -> None:
    assert model.pace(an_operation(state=state, out=0)) == seconds


def test_what_is_asked_for_is_watched_closely() -> None:
    assert model.pace(an_operation(state=S.IN_EFFECT, restore_requested=True)) == 1.0
    assert model.pace(an_operation(state=S.HALTED, out=3, restore_requested=True)) == 1.0


def test_who_is_not_back_is_looked_at_as_long_as_the_worker_tries_again() -> None:
    assert model.pace(an_operation(state=S.FAILED_IN_PART, out=3)) == 5.0


@pytest.mark.parametrize("state", list(S))
def test_every_state_has_a_sentence_and_a_story(state: S) -> None:
    view = an_operation(state=state)
    assert sentences.state_sentence(view, now())
    events = [an_event(kind) for kind in ("created", "started", "applied")]
    assert "planned" in sentences.story_line(view.operation, events, now())


def test_a_long_story_is_cut_in_the_middle() -> None:
    events = [an_event(f"kind{n}") for n in range(12)]
    line = sentences.story_line(an_operation(state=S.RESTORED).operation, events, now())
    assert "7 more" in line
    assert "kind0" in line
    assert "kind11" in line


# --- the list --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Busy:
    """A Desk with a window to come, one in effect, and two that are over."""

    desk: Desk
    opened: str

    def state_of(self, agent_id: str) -> ItemState:
        return next(item.apply_state for item in items(self.desk, self.opened) if item.agent_id == agent_id)


def items(desk: Desk, operation_id: str) -> list[Item]:
    return desk.windows.items(operation_id)


def asked_for(desk: Desk, operation_id: str) -> bool:
    """Whether somebody asked for its agents."""
    return desk.windows.get(operation_id).operation.restore_requested


@pytest.fixture
def busy(desk: Desk) -> Busy:
    add_window(desk, S.SCHEDULED, waiting=2, starts_in=timedelta(hours=3))
    opened = add_window(desk, out=10, failed=1, unconfirmed=1)
    add_window(desk, S.RESTORED, restored=3, starts_in=timedelta(days=-1))
    add_window(desk, S.HALTED, failed=2, starts_in=timedelta(days=-2), title="Patch night")
    return Busy(desk, opened.id)


def past(app: AppTest) -> Any:
    return next(frame.value for frame in app.dataframe if "lasted" in frame.value)


def agents(app: AppTest) -> Any:
    return next(frame.value for frame in app.dataframe if "since" in frame.value)


def test_no_window_teaches_the_first_step(desk: Desk, open_screen: Open) -> None:
    app = open_screen("windows")
    assert not app.exception
    assert "No window is open" in said(app)


def test_open_ones_come_first_and_past_ones_as_a_table(busy: Busy, open_screen: Open) -> None:
    app = open_screen("windows")
    assert not app.exception
    text = said(app)
    assert text.index("in effect") < text.index(":gray-badge[:material/schedule: scheduled]")
    assert [row[0] for row in past(app)["state"]] == ["restored", "halted"]


def test_past_ones_are_filtered_by_words_and_states(busy: Busy, open_screen: Open) -> None:
    app = open_screen("windows")
    app.text_input(key="find").set_value("patch").run()
    assert list(past(app)["window"]) == ["Patch night"]
    app.text_input(key="find").set_value("nothing like it").run()
    assert "No window matches" in said(app)


# --- one opened ------------------------------------------------------------------------------------------------------


def test_one_opened_shows_progress_agents_and_what_is_not_settled(busy: Busy, open_screen: Open) -> None:
    app = open_screen("windows", id=busy.opened)
    assert not app.exception
    text = said(app)
    assert [title.value for title in app.title] == [escape_markdown("DB upgrade · CHG-1042")]
    assert "**10** out" in text
    assert "**1** failed" in text
    assert "1 agent unconfirmed" in text
    assert len(agents(app)) == 12


@pytest.mark.parametrize(("state", "first"), [(S.FAILED_IN_PART, "not back"), (S.RESTORING, "restored")])
def test_whom_somebody_must_look_after_is_listed_first(state: S, first: str, desk: Desk, open_screen: Open) -> None:
    """Once the run is over: while it goes on nobody changes place."""
    operation = add_window(desk, state, restored=4, not_back=1)
    listed = agents(open_screen("windows", id=operation.id))
    assert len(listed) == 5
    assert listed.iloc[0]["state"] == [first]


def test_an_unknown_id_is_a_sentence_above_the_list(busy: Busy, open_screen: Open) -> None:
    app = open_screen("windows", id="nowhere")
    assert not app.exception
    assert escape_markdown("There is no operation 'nowhere' in this tenant.") in said(app)
    assert "in effect" in said(app)


@pytest.mark.parametrize(
    ("state", "act", "counts", "after"),
    [
        (S.IN_EFFECT, "end_now", {"out": 2}, {"restore_requested": True}),
        (S.FAILED_IN_PART, "restore_now", {"not_back": 2}, {"revision": 2}),
        (S.CORRECTED, "undo", {"out": 2, "route": RouteName.ADHERENCE}, {"restore_requested": True}),
        (S.SCHEDULED, "cancel", {"waiting": 2, "starts_in": timedelta(hours=1)}, {"state": S.CANCELLED}),
    ],
)
def test_actions_ask_the_desk(
    state: S, act: str, counts: dict[str, Any], after: dict[str, Any], desk: Desk, open_screen: Open
) -> None:
    made = add_window(desk, state, **counts)
    key = f"do_{act}_{made.id}"
    app = open_screen("windows", id=made.id)
    ask(app, key)
    assert desk.windows.get(made.id).operation == made, "a question changes nothing"
    app.button(key=key).click().run()
    assert not app.exception
    changed = desk.windows.get(made.id).operation
    assert {name: getattr(changed, name) for name in after} == after != {name: getattr(made, name) for name in after}
    assert key not in keys(app)


def test_retrying_the_failed_ones(busy: Busy, open_screen: Open) -> None:
    failed = next(item.agent_id for item in items(busy.desk, busy.opened) if item.apply_state is ItemState.FAILED)
    app = open_screen("windows", id=busy.opened)
    ask(app, f"do_retry_{busy.opened}").button(key=f"do_retry_{busy.opened}").click().run()
    assert busy.state_of(failed) is ItemState.PENDING


def test_extending_by_half_an_hour_and_to_a_time(busy: Busy, open_screen: Open) -> None:
    def end() -> datetime:
        return busy.desk.windows.get(busy.opened).operation.window.end

    first = end()
    app = open_screen("windows", id=busy.opened)
    app.button(key=f"window_extend_{busy.opened}").click().run()
    app.button(key=f"extend_30_{busy.opened}").click().run()
    assert end() == first + timedelta(minutes=30)
    wall = (first + timedelta(hours=2)).astimezone(times.zone_or_utc("Europe/Berlin")).replace(tzinfo=None, microsecond=0)
    app.button(key=f"window_extend_{busy.opened}").click().run()
    app.datetime_input(key=f"extend_to_{busy.opened}").set_value(wall).run()
    app.button(key=f"extend_do_{busy.opened}").click().run()
    assert end().replace(second=0) == (first + timedelta(hours=2)).replace(second=0)


def test_a_person_settles_what_is_unconfirmed(busy: Busy, open_screen: Open) -> None:
    item = next(item for item in items(busy.desk, busy.opened) if item.apply_state is ItemState.UNCONFIRMED)
    app = open_screen("windows", id=busy.opened)
    app.button(key=f"settle_apply_{item.agent_id}_True").click().run()
    assert busy.state_of(item.agent_id) is ItemState.APPLIED


def test_a_refusal_is_said(busy: Busy, open_screen: Open) -> None:
    key = f"do_end_now_{busy.opened}"
    app = ask(open_screen("windows", id=busy.opened), key)
    desk, at = busy.desk, busy.desk.clock()
    inside(desk).ledger.lifecycle.transition(busy.opened, [S.IN_EFFECT], S.RESTORING, now=at)
    inside(desk).ledger.lifecycle.transition(busy.opened, [S.RESTORING], S.RESTORED, now=at, ended_at=at)  # meanwhile
    app.button(key=key).click().run()
    assert escape_markdown("No agent is left to restore through it") in said(app)


def test_comments_are_text_not_markup(busy: Busy, open_screen: Open) -> None:
    busy.desk.windows.comment(busy.opened, "[x](http://evil) **bold** $a$", VISITOR)
    app = open_screen("windows", id=busy.opened)
    text = said(app) + "\n".join(str(cell) for table in app.table for cell in table.value.to_numpy().ravel())
    assert "[x](http://evil)" not in text
    assert "\\[x\\]\\(`http://evil`\\)" in text


def test_a_comment_is_sent(busy: Busy, open_screen: Open) -> None:
    app = open_screen("windows", id=busy.opened)
    comment = next(field for field in app.text_input if field.label == "Comment")
    comment.set_value("Vendor is late")
    next(button for button in app.button if button.label == "Add").click().run()
    assert busy.desk.windows.events(busy.opened)[-1].text == "Vendor is late"


def test_a_viewer_may_look_only(real_desk: Desk, open_screen: Open) -> None:
    opened = add_window(real_desk, out=3, failed=1).id
    app = open_screen("windows", user=somebody(), id=opened)
    assert not app.exception
    for act in ("end_now", "retry", "extend"):
        assert app.button(key=f"window_{act}_{opened}").disabled
    app.session_state["window_asked"] = (opened, Act.END_NOW)
    app.run()
    assert f"do_end_now_{opened}" not in keys(app)
    assert "WFM_SUPERVISORS" in said(app)


def test_halted_says_why_and_where_the_fix_is(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, S.HALTED, failed=5, halt_reason="architect-flow lacks wfm:schedule:update.")
    app = open_screen("windows", id=made.id)
    assert escape_markdown("architect-flow lacks wfm:schedule:update.") in said(app)


# --- corrections of the past take nobody out ---------------------------------------------------------------------------


def a_correction(state: S, **counts: Any) -> Any:
    view = an_operation(state=state)
    return replace(view, operation=replace(view.operation, route=RouteName.ADHERENCE), **counts)


def test_a_correction_never_says_that_agents_are_out_or_back() -> None:
    route = RouteName.ADHERENCE
    said = {states.agent_style(word, route).word for word in AgentWord}
    assert not said & {"out", "being taken out", "restored", "not back", "being restored", "back unconfirmed"}
    assert len(said) == len(AgentWord)
    counts = Counts(apply={ItemState.APPLIED: 3}, restore={ItemState.PENDING: 3}, still_out=3)
    assert [part.style.word for part in model.parts(counts, route)] == ["corrected"]
    assert [part.style.word for part in model.parts(counts)] == ["out"]


def test_a_correction_not_undone_is_told_as_one() -> None:
    counts = Counts(apply={ItemState.APPLIED: 3}, restore={ItemState.APPLIED: 2, ItemState.FAILED: 1}, still_out=1)
    view = a_correction(S.FAILED_IN_PART, counts=counts)
    title, sentence = sentences.not_back(view)
    assert title == "Not everything is undone"
    assert "unavailable" not in sentence
    assert "the correction of 1 agent is not undone" in sentences.state_sentence(view, now())
    assert choices(view, now())[0].label == "Try again to undo 1 agent"


def test_the_story_of_a_correction_speaks_of_undoing() -> None:
    view = a_correction(S.RESTORED)
    kinds = ("created", "in_effect", "restore_requested", "restoring", "restored")
    line = sentences.story_line(view.operation, [an_event(kind) for kind in kinds], now())
    for word in ("undo requested", "undo began", "undone"):
        assert f"** {word}" in line
    assert "restore" not in line


def test_one_agent_not_back_is_one() -> None:
    counts = Counts(apply={ItemState.APPLIED: 1}, restore={ItemState.FAILED: 1}, still_out=1)
    view = replace(an_operation(state=S.FAILED_IN_PART), counts=counts)
    title, sentence = sentences.not_back(view)
    assert title == "Not everyone is back"
    assert sentence.startswith("1 agent could not be restored. That agent stays unavailable")


def test_whom_nobody_knows_to_be_back_is_not_called_out() -> None:
    counts = Counts(apply={ItemState.APPLIED: 8}, restore={ItemState.APPLIED: 5, ItemState.UNCONFIRMED: 3}, still_out=3)
    view = replace(an_operation(state=S.FAILED_IN_PART), counts=counts)
    title, sentence = sentences.not_back(view)
    assert title == "Perhaps not everyone is back"
    assert "unavailable" not in sentence
    assert sentence.startswith("3 agents unconfirmed: ")
    assert sentences.state_sentence(view, now()).startswith("3 agents unconfirmed, perhaps not back, since ")


def test_who_failed_and_whom_nobody_knows_are_counted_apart() -> None:
    counts = Counts(apply={ItemState.APPLIED: 3}, restore={ItemState.FAILED: 2, ItemState.UNCONFIRMED: 1}, still_out=3)
    view = replace(an_operation(state=S.FAILED_IN_PART), counts=counts)
    title, sentence = sentences.not_back(view)
    assert title == "Not everyone is back"
    assert sentence.startswith("2 agents could not be restored. They stay unavailable")
    assert sentence.endswith("For 1 more it is not known yet: see unconfirmed below.")
    assert sentences.state_sentence(view, now()).startswith("2 agents not back and 1 unconfirmed since ")


@pytest.mark.parametrize(("state", "edge"), [(S.SCHEDULED, "start"), (S.IN_EFFECT, "end")])
def test_a_window_that_is_due_is_watched_closely(state: S, edge: str) -> None:
    view = an_operation(state=state)
    due: datetime = getattr(view.operation.window, edge)
    assert model.pace(view, due - timedelta(seconds=5)) == 1.0
    assert model.pace(view, due - timedelta(minutes=5)) == 5.0


def test_a_settling_that_is_refused_is_said(busy: Busy, open_screen: Open) -> None:
    item = next(item for item in items(busy.desk, busy.opened) if item.apply_state is ItemState.UNCONFIRMED)
    app = open_screen("windows", id=busy.opened)
    busy.desk.windows.settle(busy.opened, Phase.APPLY, item.agent_id, False, replace(VISITOR, name="Ada"))  # somebody else did
    app.button(key=f"settle_apply_{item.agent_id}_True").click().run()
    assert not app.exception
    assert busy.state_of(item.agent_id) is ItemState.FAILED
    assert escape_markdown("only an unconfirmed update is settled by hand") in said(app)


def test_a_failed_agent_says_why_in_its_row(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, S.HALTED, failed=2, waiting=2)
    app = open_screen("windows", id=made.id)
    assert not app.exception
    rows = app.dataframe[0].value.set_index("agent")["note"]
    assert [rows[person.name] for person in PEOPLE[:2]] == ["403 missing scope: wfm:schedule:update"] * 2
    assert not [rows[person.name] for person in PEOPLE[2:4] if "403" in rows[person.name]]


def test_windows_over_time_open_by_a_click(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, S.SCHEDULED, waiting=2, starts_in=timedelta(days=2), title="Router swap")
    app = open_screen("windows")
    assert not app.exception
    assert app.radio(key="windows_range").value == "week"
    assert "1 window from 24 h ago to 6 days from now" in said(app)
    app.session_state["windows_chart"] = {"selection": {"pick": [{"id": made.id}]}}
    app.run()
    assert app.title[0].value == "Router swap"


def test_no_window_no_chart(desk: Desk, open_screen: Open) -> None:
    assert not open_screen("windows").get("vega_lite_chart")


def test_what_ends_a_window_names_its_number_and_an_end_is_not_moved_to_itself(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, out=34)
    app = open_screen("windows", id=made.id)
    app.button(key=f"window_extend_{made.id}").click().run()
    assert app.button(key=f"extend_do_{made.id}").disabled
    ask(app, f"do_end_now_{made.id}")
    assert app.button(key=f"do_end_now_{made.id}").label == "End now and restore 34 agents"
    assert "34 agents are restored now" in said(app)
    app.button(key=f"not_now_{made.id}").click().run()
    assert f"do_end_now_{made.id}" not in keys(app)


def test_what_ended_this_moment_is_said_so() -> None:
    at = now()
    view = an_operation("w", S.ENDED_EARLY, out=0, restored=36, ended_at=at)
    assert sentences.state_sentence(view, at).endswith("ended just now")


def test_agents_are_missing_since_the_restore_began_not_since_an_end_to_come() -> None:
    began = now() - timedelta(minutes=1)
    view = an_operation("w", S.FAILED_IN_PART, out=3, restore_started_at=began, starts_in=timedelta(minutes=-5))
    said = sentences.state_sentence(view, now())
    assert f"3 agents not back since {times.clock(began, times.zone_or_utc('Europe/Berlin'))} Europe/Berlin" == said


@pytest.mark.parametrize("state", [S.HALTED, S.IN_EFFECT, S.FAILED, S.RESTORED])
def test_a_window_with_failures_leads_to_its_own_cause(state: S, desk: Desk, open_screen: Open) -> None:
    halted: dict[str, Any] = {"halt_reason": "The scope is missing."} if state is S.HALTED else {}
    app = open_screen("windows", id=add_window(desk, state, failed=5, **halted).id)
    assert not app.exception
    link = next(one.proto for one in app.get("page_link") if one.proto.label == "The cause and its fix")
    assert link.query_string == f"failure={the_group(desk).fingerprint}"


def test_an_agent_and_an_earlier_window_are_opened_from_any_cell(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, S.ENDED_EARLY, restored=5)
    app = open_screen("windows")
    app.session_state["windows_past"] = {"selection": {"rows": [], "columns": [], "cells": [(0, "window")]}}
    app.run()
    app.button(key="windows_past_open").click().run()
    assert app.title[0].value == escape_markdown(made.title)
    app.session_state["window_agents"] = {"selection": {"rows": [], "columns": [], "cells": [(1, "state")]}}
    app.run()
    assert escape_markdown(desk.windows.items(made.id)[1].agent_name) in said(app)
    assert "All runs of this agent here" in {link.proto.label for link in app.get("page_link")}


def test_a_reason_is_text_wherever_it_stands(desk: Desk, open_screen: Open) -> None:
    reason = "Swap ![x](http://evil.example/p) of *core*"
    made = add_window(desk, out=1, title=reason)
    for app in (open_screen("windows", id=made.id), open_screen("windows"), open_screen("now")):
        assert not app.exception
        cells = [str(cell) for table in app.table for cell in table.value.to_numpy().ravel()]
        assert "](http" not in "\n".join([said(app), *cells])
        assert escape_markdown(reason) in said(app)


def test_a_long_reason_is_cut_and_its_ticket_stays(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, out=1, title=f"{'Replacement of the core database cluster ' * 5}· CHG-1042")
    short = model.short_title_of(made)
    assert len(short) <= model.MAX_TITLE
    assert short.endswith("… · CHG-1042")
    app = open_screen("windows", id=made.id)
    assert app.title[0].value == escape_markdown(short)
    assert any(escape_markdown(made.title) in table.value.to_numpy().ravel() for table in app.table)


def test_one_agent_is_spoken_of_as_one() -> None:
    one = an_operation("w", out=1, total=1)
    assert "1 agent is restored now" in choices(one, now())[0].says
    scheduled = an_operation("w", S.SCHEDULED, out=0, total=1, starts_in=timedelta(hours=1))
    assert "1 agent stays as it is" in choices(scheduled, now())[0].says
