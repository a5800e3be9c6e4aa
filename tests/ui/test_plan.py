"""The Plan screen: preview on every edit, one action, drafts that survive, refusals that say what changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import Open, Serve
from tests.ui.screen import keys, somebody
from tests.ui.screen import words as said
from tests.ui.world import OIDC, ORGANIZATION, PEOPLE, QUEUES, TEAMS, VISITOR, World, stop_worker
from wfm.desk import Desk
from wfm.domain.errors import BadInput, StoreFault
from wfm.domain.operations import Operation
from wfm.domain.people import Actor, Role
from wfm.domain.plans import Fate, PlanRequest, Preview, RouteName, Selection
from wfm.domain.windows import WindowSpec
from wfm.ledger.records import NewOperation
from wfm.preview import Previewer
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan import model, state, table
from wfm.ui.shell.navigation import page

MAIL = [person.email for person in PEOPLE]
TEAM = ORGANIZATION.teams[0].id
UNITS = [f"management_unit:{unit.id}" for unit in ORGANIZATION.units]


def param(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def picked(open_screen: Open, *groups: str, **query: str) -> AppTest:
    app = open_screen("plan", **query)
    return app.multiselect(key="plan_groups").set_value(list(groups or TEAMS[:1])).run()


def charted(app: AppTest) -> list[str]:
    """The names on the timeline, from above."""
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    return [name.rstrip("\u200b") for name in spec["layer"][0]["encoding"]["y"]["sort"]]


def fixed(desk: Desk) -> Desk:
    """Plans are made with a client that may update."""
    desk.clients.use("desk", VISITOR)
    return desk


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[PlanRequest]:
    """The plans that the screen asked for, the last one last."""
    return noted(desk, monkeypatch)


def noted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[PlanRequest]:
    found: list[PlanRequest] = []
    preview = desk.plans.preview

    def note(request: PlanRequest, *, fresh: bool = False) -> Preview:
        found.append(request)
        return preview(request, fresh=fresh)

    monkeypatch.setattr(desk.plans, "preview", note)
    return found


def ready(desk: Desk, request: PlanRequest) -> int:
    """How many agents this plan would take out."""
    return len(desk.plans.preview(request).ready)


def applied(desk: Desk) -> list[Operation]:
    return [view.operation for view in desk.windows.newest()]


@pytest.fixture
def tokens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The request tokens of operations that should have been made; the ledger's database is locked."""
    found: list[str] = []

    def locked(new: NewOperation, now: datetime) -> None:
        found.append(new.request_token)
        raise StoreFault("The database is locked.")

    monkeypatch.setattr(inside(desk).ledger.operations, "create", locked)
    return found


def file(content: bytes | str, name: str = "people.csv") -> list[tuple[str, bytes, str]]:
    return [(name, content.encode() if isinstance(content, str) else content, "text/csv")]


# --- nothing picked yet ----------------------------------------------------------------------------------------------


def test_nobody_picked_teaches_the_first_step_and_asks_nothing_of_the_tenant(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    assert not app.exception
    assert "No one is picked yet" in said(app)
    assert asked == []
    assert app.button(key="plan_apply_nothing").disabled


# --- the preview -----------------------------------------------------------------------------------------------------


def test_picking_a_team_shows_what_would_happen(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    assert not app.exception
    text = said(app)
    assert "**What will happen**" in text
    assert "requests ·" in text
    assert "·".join(desk.plans.preview(asked[-1]).plan_id.split("-")[:2]) in text
    assert escape_markdown("architect-flow") in text


def test_missing_scope_reads_exactly_so_before_anything_is_written(
    world: World, desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = picked(open_screen)
    assert escape_markdown("holds wfm:schedule:write, needs wfm:schedule:update") in said(app)
    assert not [line for line in world.network.asked if line.startswith("PATCH")]
    assert app.button(key="plan_apply").disabled
    assert applied(desk) == []


def test_every_edit_recomputes(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(asked)
    app.radio(key="plan_when").set_value("60").run()
    app.text_input(key="plan_reason").set_value("DB upgrade").run()
    assert [request.window.minutes for request in asked[before:]] == [60, 60]
    assert asked[-1].reason == "DB upgrade"


def test_what_changes_nothing_asks_nothing(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(asked)
    app.run()
    app.text_input(key="plan_search").set_value("somebody").run()
    assert len(asked) == before


def test_a_start_and_an_end_in_a_zone(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("at").run()
    app.selectbox(key="plan_zone").set_value("Europe/Berlin").run()
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 12, 14, 30)).run()  # noqa: DTZ001  # wall clock
    app.datetime_input(key="plan_end").set_value(datetime(2027, 1, 12, 15, 0)).run()  # noqa: DTZ001
    window = asked[-1].window
    assert window.start == datetime(2027, 1, 12, 14, 30)  # noqa: DTZ001
    assert window.zone == "Europe/Berlin"
    assert window.resolve(datetime(2026, 12, 1, tzinfo=UTC)).start == datetime(2027, 1, 12, 13, 30, tzinfo=UTC)
    assert "14:30" in app.button(key="plan_apply").label


def test_moving_the_start_keeps_the_length(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("at").run()
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 12, 14, 30)).run()  # noqa: DTZ001  # wall clock
    assert app.datetime_input(key="plan_end").value == datetime(2027, 1, 12, 15, 0)  # noqa: DTZ001
    app.datetime_input(key="plan_end").set_value(datetime(2027, 1, 12, 16, 0)).run()  # noqa: DTZ001
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 13, 1, 0)).run()  # noqa: DTZ001
    assert (asked[-1].window.start, asked[-1].window.end) == (datetime(2027, 1, 13, 1), datetime(2027, 1, 13, 2, 30))  # noqa: DTZ001


def test_a_window_that_ends_before_it_begins_is_a_sentence_and_nothing_is_lost(desk: Desk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("at").run()
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 12, 14, 30)).run()  # noqa: DTZ001
    app.datetime_input(key="plan_end").set_value(datetime(2027, 1, 12, 14, 0)).run()  # noqa: DTZ001
    assert not app.exception
    assert "window end" in said(app)
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]
    assert app.button(key="plan_apply_nothing").disabled
    assert not app.get("skeleton")  # nothing is being read any more


def test_what_is_left_of_a_window_is_a_choice_of_its_own(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    window = WindowSpec(minutes=27, zone="Europe/Berlin")
    desk.plans.save_draft(VISITOR, PlanRequest(selection=Selection(teams=(TEAM,)), window=window))
    app = open_screen("plan")
    assert app.radio(key="plan_when").value == "27"
    assert asked[-1].window.minutes == 27
    app.radio(key="plan_when").set_value("60").run()
    assert asked[-1].window.minutes == 60
    assert "27" not in app.radio(key="plan_when").options


def test_a_tenant_that_is_down_while_previewing_is_a_sentence(world: World, desk: Desk, open_screen: Open) -> None:
    world.tenant.faults.set_script([{"kind": "reset", "count": 100, "match": "POST /agentschedules/search"}])
    inside(desk).connections.forget_reads()
    app = picked(open_screen)
    assert not app.exception
    assert "The tenant can't be reached" in said(app)
    assert app.button(key="plan_apply_nothing").disabled


def test_findings_name_what_is_worth_a_look(world: World, desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    world.network.answers["GET /api/v2/workforcemanagement/adherence"] = (403, {"code": "forbidden", "message": "No."})
    inside(desk).connections.forget_reads()
    app = picked(open_screen)
    (finding,) = [one for one in desk.plans.preview(asked[-1]).findings if one.code == "states_unreadable"]
    assert escape_markdown(finding.title) in said(app)


def test_including_blocked_ones_on_purpose_goes_into_the_plan(
    world: World, desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    member = next(person for person in PEOPLE if person.team is not None and person.team.id == TEAM)
    world.tenant.states.change(member, None, scheduled=False)
    inside(desk).connections.forget_reads()
    app = picked(open_screen)
    app.button_group(key="plan_include").set_value(["not scheduled"]).run()
    assert asked[-1].include == frozenset({Fate.NOT_SCHEDULED})
    app.button(key="plan_clear").click().run()
    app.multiselect(key="plan_groups").set_value([TEAMS[0]]).run()
    assert asked[-1].include == frozenset()


# --- who -------------------------------------------------------------------------------------------------------------


def test_pasted_words_are_added_and_those_that_match_nobody_are_named(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(f"{MAIL[1]}\nnobody@example.com").run()
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert (list(shown["line"]), list(shown["why"])) == ([2], ["matches nobody here"])
    app.button(key="plan_paste_add").click().run()
    assert asked[-1].selection.agents == (MAIL[1],)
    app.multiselect(key="plan_groups").set_value([TEAMS[2]]).run()
    assert "1 by name" in said(app)


def test_who_matches_nobody_is_named_in_the_list_and_removed_from_it(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    agents = Selection(agents=(MAIL[1], "nobody@example.com"))
    desk.plans.save_draft(VISITOR, PlanRequest(selection=agents, window=WindowSpec(minutes=30)))
    app = open_screen("plan")
    assert "1 matches no one" in said(app)
    app.button(key="plan_drop_unknown").click().run()
    assert asked[-1].selection.agents == (MAIL[1],)


def test_a_plain_list_is_added_at_once(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(f"{MAIL[1]}\n{MAIL[2]}")
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once
    assert asked[-1].selection.agents == (MAIL[1], MAIL[2])


def test_a_pasted_line_with_a_control_character_is_named_and_nothing_is_added(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(f"{MAIL[1]}\r\nagent2\x9b31m@example.com\t").run()
    assert not app.exception
    assert "pasted line 2" in "".join(str(box.value) for box in app.warning)
    assert not [button for button in app.button if button.key == "plan_paste_add"]
    assert str(app.text_area(key="plan_paste").value).startswith(MAIL[1])  # what was typed is kept
    app.text_area(key="plan_paste").set_value(MAIL[1]).run()
    app.button(key="plan_paste_add").click().run()
    assert asked[-1].selection.agents == (MAIL[1],)


def test_a_search_that_is_refused_is_said_in_its_place(desk: Desk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value("ay\x1b[2Jlin").run()
    assert not app.exception
    assert "search: “ay␛" in "".join(str(box.value).replace("\\", "") for box in app.warning)


def test_finding_people_by_name(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value(PEOPLE[0].name.casefold()).run()
    app.button(key=f"plan_add_{PEOPLE[0].id}").click().run()
    assert asked[-1].selection.agents == (PEOPLE[0].id,)
    assert app.button(key=f"plan_add_{PEOPLE[0].id}").disabled


def test_a_csv_keeps_the_good_lines_and_numbers_the_bad_ones(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = open_screen("plan")
    rows = f"email,team\n{MAIL[1]},A\n,B\nghost@example.com,C\n{MAIL[2]},D\n"
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file(rows)).run()
    assert not app.exception
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert list(shown["line"]) == [3, 4]
    app.button(key="plan_csv_add").click().run()
    assert asked[-1].selection.agents == (MAIL[1], MAIL[2])


def test_an_uploaded_file_is_matched_once_and_not_at_every_edit(
    desk: Desk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched: list[int | None] = []
    agent_list = desk.agents.in_file

    def match(data: bytes, column: int | None = None) -> Any:
        matched.append(column)
        return agent_list(data, column)

    monkeypatch.setattr(desk.agents, "in_file", match)
    app = picked(open_screen)
    rows = "\n".join(["id", *(f"ghost-{number}" for number in range(9_000)), PEOPLE[1].id])
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file(rows)).run()
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert len(shown) == 9_000

    app.text_input(key="plan_ticket").set_value("CHG-9").run()
    assert not app.exception
    assert matched == [None]
    assert "1 of 9,001 cells are agents" in said(app)


MANAGED = "Manager Email,Agent Email\n" + "".join(f"{MAIL[20 + n % 2]},{MAIL[n]}\n" for n in range(1, 9))
AGENTS_OF_IT = tuple(MAIL[1:9])


def column(app: AppTest) -> Any:
    return next(found for found in app.selectbox if (found.key or "").startswith("plan_column_"))


def test_the_column_of_a_file_is_chosen_with_its_reason_and_can_be_changed(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file(MANAGED)).run()
    assert not app.exception
    assert column(app).value == 1
    assert "8 of 8 cells are agents of this tenant" in said(app)
    assert "“Manager Email” \\(8 of 8\\) holds people too, but the heading names another role" in said(app)
    assert "Line 1 is the head" in said(app)
    column(app).set_value(0).run()
    assert app.button(key="plan_csv_add").label == "Add 2 agents"
    column(app).set_value(1).run()
    app.button(key="plan_csv_add").click().run()
    assert asked[-1].selection.agents == AGENTS_OF_IT


def test_where_two_columns_fit_nobody_is_taken_until_one_is_chosen(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    rows = MANAGED.split("\n", 1)[1]
    app.file_uploader(key="plan_csv").set_value(file(rows)).run()
    assert column(app).value is None
    assert "Several columns hold agents of this tenant" in said(app)
    assert app.button(key="plan_csv_add").disabled
    column(app).set_value(1).run()
    app.button(key="plan_csv_add").click().run()
    assert asked[-1].selection.agents == AGENTS_OF_IT


def test_rows_pasted_from_a_sheet_are_a_table_whose_column_is_shown_before_it_counts(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(MANAGED.replace(",", "\t"))
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once: the choice was not seen yet
    assert not asked
    assert column(app).value == 1
    app.button(key="plan_paste_add").click().run()
    assert asked[-1].selection.agents == AGENTS_OF_IT


REQUEST = f"Please take {MAIL[1]} and {MAIL[2]} out\nSupervisor: {MAIL[20]}"


def named(app: AppTest) -> Any:
    """The table of all whom a list names, to be ticked."""
    return next(frame for frame in app.dataframe if "what the line says" in frame.value)


def test_whom_a_text_names_is_shown_with_its_line_before_it_counts(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(REQUEST)
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once: nobody was seen yet
    assert not asked
    assert not app.exception
    assert "Lines 1, 2 hold more than names" in said(app)
    people = named(app).value
    assert list(people["agent"]) == [MAIL[1], MAIL[2], MAIL[20]]
    assert people["what the line says"][2] == f"Supervisor: {MAIL[20]}"
    assert list(people["why not"]) == ["", "", "after “Supervisor”"]
    assert app.button(key="plan_paste_add").label == "Add 2 agents"
    app.button(key="plan_paste_add").click().run()
    assert asked[-1].selection.agents == (MAIL[1], MAIL[2])


def test_the_ticks_say_who_of_a_text_is_added(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(REQUEST).run()
    key = "plan_named_" + named(app).proto.id.partition("-plan_named_")[2]
    ticks = {"selection": {"rows": [1, 2], "columns": [], "cells": []}}
    app.session_state[key] = ticks
    app.run()
    app.session_state[key] = ticks
    app.button(key="plan_paste_add").click().run()
    assert asked[-1].selection.agents == (MAIL[2], MAIL[20])


def test_a_column_of_answers_asks_and_the_lines_are_ticked_one_by_one(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    answers = [f"{MAIL[number]},{'yes' if number < 3 else 'no'}" for number in range(1, 6)]
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file("\n".join(["Agent,Out", *answers]))).run()
    assert "“Out” says “yes”, “no”, and not the same in all lines" in said(app)
    assert app.button(key="plan_csv_add").disabled
    column(app).set_value(0).run()
    assert list(named(app).value["what the line says"]) == [answer.replace(",", ", ") for answer in answers]
    app.button(key="plan_csv_add").click().run()
    assert len(asked[-1].selection.agents) == len(answers)


def test_every_agent_in_any_column_can_be_chosen_under_a_head_too(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file(MANAGED)).run()
    column(app).set_value(-1).run()
    app.button(key="plan_csv_add").click().run()
    assert len(asked[-1].selection.agents) == 10


def test_a_correction_of_the_past_does_not_promise_to_end_by_itself(desk: Desk, open_screen: Open) -> None:
    fixed(desk)
    start = desk.clock() - timedelta(hours=3)
    window = WindowSpec(start=start, end=start + timedelta(hours=1), zone="UTC")
    desk.plans.save_draft(VISITOR, PlanRequest(selection=Selection(teams=(TEAM,)), window=window, route=RouteName.ADHERENCE))
    app = open_screen("plan")
    assert "undone only when you ask for it" in said(app)
    assert "restored automatically at the end" not in said(app)


def test_a_data_action_says_whose_credentials_it_uses(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    app.radio(key="plan_route").set_value(RouteName.DATA_ACTION).run()
    action = desk.actions.get(asked[-1].action or "")
    assert f"as {action.category}" in said(app).replace("\\", "")


def test_another_scenario_makes_the_preview_anew(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(asked)
    assert desk.demo is not None
    state = desk.demo.state()
    other = next(name for name, _ in state.scenarios if name != state.scenario)
    app.radio(key="demo-scenario").set_value(other).run()
    assert not app.exception
    assert len(asked) > before


def test_a_file_that_is_no_csv_is_a_sentence(desk: Desk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value(file(b"\x00\x01\x00")).run()
    assert not app.exception
    assert "no text" in said(app)


def test_who_is_left_out_stays_in_the_list_until_all_are_taken_back(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = picked(open_screen)
    (before,) = asked[-1:]
    member = next(row.agent for row in desk.plans.preview(before).ready if row.agent)
    out = before.model_copy(update={"selection": model.without_agent(before.selection, member.id)})
    desk.plans.save_draft(VISITOR, out)
    app = open_screen("plan")
    assert asked[-1].selection.exclude == (member.id,)
    assert "1 left out" in said(app)
    app.text_input(key="plan_search").set_value(member.email).run()
    (row,) = app.dataframe[0].value.to_dict("records")
    assert (row["change"], row["fate"], row["reason"]) == ("Take back", ["left out"], "by you")
    app.button(key="plan_take_back").click().run()
    assert not list(asked[-1].selection.exclude)
    app.button(key="plan_clear").click().run()
    assert "No one is picked yet" in said(app)


# --- applying --------------------------------------------------------------------------------------------------------


def test_applying_goes_to_the_windows_page_of_the_operation(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.text_input(key="plan_reason").set_value("Router swap").run()
    count = ready(desk, asked[-1])
    assert app.button(key="plan_apply").label == f"Take {count} agents out now"
    app.button(key="plan_apply").click().run()
    assert not app.exception
    (operation,) = applied(desk)
    assert param(app, "id") == operation.id
    assert len(desk.windows.items(operation.id)) == count
    assert [title.value for title in app.title] == ["Router swap"]


def test_the_same_preview_has_one_token_and_an_edit_makes_another(desk: Desk, tokens: list[str], open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.button(key="plan_apply").click().run()
    app.button(key="plan_apply").click().run()
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    app.button(key="plan_apply").click().run()
    assert tokens[0] == tokens[1] != tokens[2]
    assert escape_markdown("The database is locked.") in said(app)


def test_a_stale_plan_is_refused_with_what_changed_and_previewed_anew(
    world: World, desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    fixed(desk)
    app = picked(open_screen)
    before = len(asked)
    gone = next(row.agent for row in desk.plans.preview(asked[-1]).ready if row.agent)
    world.tenant.states.change(world.tenant.world.by_id[gone.id], None, scheduled=False)
    app.button(key="plan_apply").click().run()
    assert applied(desk) == []
    changed = next(line for line in said(app).split("\n") if escape_markdown(gone.name) in line)
    assert len(asked) > before
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    assert changed not in said(app)


def test_many_agents_ask_for_a_typed_confirmation_first(world: World, serve: Serve, open_screen: Open) -> None:
    desk = fixed(serve(world.desk(confirm_above=5)))
    app = picked(open_screen)
    count = ready(desk, PlanRequest(selection=Selection(teams=(TEAM,)), window=WindowSpec(minutes=30)))
    app.button(key="plan_apply").click().run()
    assert applied(desk) == []
    assert f"{count} agents become unavailable now" in said(app)
    assert [field.label for field in app.text_input if field.key == "plan_typed"] == [f"Type {count} to confirm"]
    assert app.button(key="plan_confirm_apply").disabled


def test_a_rehearsal_is_offered_on_the_demo_tenant_only(world: World, serve: Serve, open_screen: Open) -> None:
    desk = serve(world.desk())
    app = picked(open_screen)
    app.button(key="plan_rehearse").click().run()
    assert [operation.rehearsal for operation in applied(desk)] == [True]
    serve(world.desk(real=True, **OIDC))
    app = open_screen("plan", user=somebody("boss@example.com"))
    app.multiselect(key="plan_groups").set_value([TEAMS[0]]).run()
    assert not app.exception
    assert "**What will happen**" in said(app)
    assert not {"plan_rehearse", "plan-fix"} & keys(app)
    assert app.button(key="plan_apply").disabled


def test_mending_on_the_spot_makes_the_same_plan_possible(desk: Desk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.button(key="plan-fix").click().run()
    assert not app.button(key="plan_apply").disabled
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]


def test_a_viewer_sees_the_preview_and_can_not_apply(world: World, serve: Serve, open_screen: Open) -> None:
    desk = serve(world.desk(real=True, client="desk", **OIDC))
    app = open_screen("plan", user=somebody())
    app.multiselect(key="plan_groups").set_value([TEAMS[0]]).run()
    assert "**What will happen**" in said(app)
    assert app.button(key="plan_apply").disabled
    assert applied(desk) == []


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_half_filled_plan_survives_a_reload(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen, TEAMS[1], QUEUES[0])
    app.text_input(key="plan_reason").set_value("DB upgrade").run()
    app.radio(key="plan_when").set_value("120").run()
    draft = param(app, "draft")
    again = open_screen("plan", draft=draft)
    assert again.multiselect(key="plan_groups").value == [TEAMS[1], QUEUES[0]]
    assert again.text_input(key="plan_reason").value == "DB upgrade"
    assert again.radio(key="plan_when").value == "120"
    assert asked[-1].reason == "DB upgrade"


def test_two_tabs_keep_two_drafts(desk: Desk, open_screen: Open) -> None:
    one = picked(open_screen, TEAMS[1])
    other = open_screen("plan")
    other.multiselect(key="plan_groups").set_value([TEAMS[2]]).run()
    first, second = param(one, "draft"), param(other, "draft")
    assert first != second
    assert open_screen("plan", draft=first).multiselect(key="plan_groups").value == [TEAMS[1]]
    assert open_screen("plan", draft=second).multiselect(key="plan_groups").value == [TEAMS[2]]


def test_a_half_filled_time_is_kept_too(desk: Desk, open_screen: Open) -> None:
    request = PlanRequest(selection=Selection(teams=(TEAM,)), window=WindowSpec(start=None, end=None, zone="Asia/Tokyo"))
    desk.plans.save_draft(VISITOR, request)
    app = open_screen("plan")
    assert app.radio(key="plan_when").value == "at"
    assert app.selectbox(key="plan_zone").value == "Asia/Tokyo"


def test_a_draft_of_somebody_else_can_not_be_named(desk: Desk, open_screen: Open) -> None:
    other = Actor(subject="other#0badcafe", name="Other", role=Role.ADMIN)
    desk.plans.save_draft(other, PlanRequest(selection=Selection(teams=(TEAM,)), window=WindowSpec(minutes=30)))
    for named in ("0badcafe", "../other#0badcafe", "other#0badcafe", "zzzz"):
        assert open_screen("plan", draft=named).multiselect(key="plan_groups").value == []


def test_a_draft_with_a_group_that_is_gone_opens_without_it(desk: Desk, open_screen: Open) -> None:
    desk.plans.save_draft(VISITOR, PlanRequest(selection=Selection(teams=("gone", TEAM)), window=WindowSpec(minutes=30)))
    app = open_screen("plan")
    assert not app.exception
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]


def test_a_draft_that_can_not_be_saved_does_not_stop_the_plan(
    desk: Desk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreFault("The database file can't be written.")

    monkeypatch.setattr(inside(desk).ledger.drafts, "set", broken)
    app = picked(open_screen)
    assert not app.exception
    assert "**What will happen**" in said(app)


def test_the_data_action_route_takes_an_action(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    app = picked(open_screen)
    app.radio(key="plan_route").set_value(RouteName.DATA_ACTION).run()
    assert not app.exception
    assert asked[-1].route is RouteName.DATA_ACTION
    assert asked[-1].action is not None


def test_many_agents_come_by_pages_with_their_shifts_beside_them(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    app = picked(open_screen, *UNITS)
    assert not app.exception
    count = len(desk.plans.preview(asked[-1]).rows)
    assert len(app.dataframe[0].value) == table.PAGE
    assert f"1–14 of {count} agents" in said(app)
    app.session_state["plan_page"] = 3
    assert f"29–42 of {count} agents" in said(app.run())
    assert list(app.dataframe[0].value["agent"]) == charted(app)


def test_coming_back_after_applying_begins_another_plan(desk: Desk, open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.button(key="plan_apply").click().run()
    (first,) = applied(desk)
    app.switch_page(page("plan")).run()
    app.multiselect(key="plan_groups").set_value([TEAMS[1]]).run()
    app.button(key="plan_apply").click().run()
    second, again = applied(desk)
    assert again == first
    assert {item.agent_id for item in desk.windows.items(second.id)}.isdisjoint(
        item.agent_id for item in desk.windows.items(first.id)
    )


def test_a_plan_ends_when_it_is_applied_and_can_be_planned_again(
    desk: Desk, asked: list[PlanRequest], open_screen: Open
) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("60").run()
    app.text_input(key="plan_reason").set_value("Router swap").run()
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    draft = param(app, "draft")
    app.button(key="plan_apply").click().run()
    app.switch_page(page("plan")).run()
    for shown in (app, open_screen("plan"), open_screen("plan", draft=draft)):
        assert "No one is picked yet" in said(shown)
        assert (shown.multiselect(key="plan_groups").value, shown.text_input(key="plan_reason").value) == ([], "")
    app.button(key="plan_same_again").click().run()
    assert not app.exception
    assert (asked[-1].selection.teams, asked[-1].window.minutes) == ((TEAM,), 60)
    assert (asked[-1].reason, asked[-1].ticket) == (model.DEFAULT_REASON, "")
    assert (app.text_input(key="plan_reason").value, app.text_input(key="plan_ticket").value) == ("", "")
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]


def test_a_rehearsal_leaves_the_plan_as_it_is(desk: Desk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    app.button(key="plan_rehearse").click().run()
    app.switch_page(page("plan")).run()
    assert [operation.rehearsal for operation in applied(desk)] == [True]
    assert app.text_input(key="plan_ticket").value == "CHG-7"
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]


def test_bad_input_of_a_group_is_shown_where_it_belongs(desk: Desk, open_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BadInput("team", "Nowhere", "the name or id of a team")

    monkeypatch.setattr(Previewer, "preview", gone)  # it went away between two reads
    assert escape_markdown("team: “Nowhere” can't be used") in said(picked(open_screen))


def test_a_click_that_comes_with_an_edit_is_not_heeded(desk: Desk, asked: list[PlanRequest], open_screen: Open) -> None:
    fixed(desk)
    app = picked(open_screen)
    app.text_input(key="plan_ticket").set_value("CHG-9")
    app.button(key="plan_apply").click().run()
    assert applied(desk) == []
    assert asked[-1].ticket == "CHG-9"
    app.button(key="plan_apply").click().run()
    assert len(applied(desk)) == 1


def test_an_old_preview_is_made_anew_but_never_under_a_click(
    desk: Desk, asked: list[PlanRequest], tokens: list[str], open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed(desk)
    app = picked(open_screen)
    before = len(asked)
    monkeypatch.setattr(state, "MAX_AGE", timedelta(0))
    app.button(key="plan_apply").click().run()
    assert len(tokens) == 1
    assert len(asked) == before
    app.run()
    assert len(asked) > before


@pytest.mark.parametrize("screen", ["plan", "windows"])
def test_without_a_worker_it_is_said_where_one_is_needed(screen: str, desk: Desk, open_screen: Open) -> None:
    assert "overdue restores run first" not in said(open_screen(screen))
    stop_worker(desk)
    assert "overdue restores run first" in said(open_screen(screen))


def test_a_directory_that_can_not_be_read_offers_another_try_and_loses_nothing(
    world: World, desk: Desk, open_screen: Open
) -> None:
    app = picked(open_screen)
    app.text_input(key="plan_ticket").set_value("CHG-7").run()

    world.network.down = True
    inside(desk).connections.forget_reads()
    app.run()
    assert escape_markdown("The tenant can't be reached") in said(app)
    assert not app.exception
    world.network.down = False
    app.button(key="plan_again").click().run()
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]
    assert app.text_input(key="plan_ticket").value == "CHG-7"


def test_a_plan_handed_over_by_another_screen_is_not_lost_while_the_tenant_is_silent(
    world: World, desk: Desk, open_screen: Open
) -> None:
    app = open_screen("now")
    app.session_state["handed_plan"] = PlanRequest(selection=Selection(teams=(TEAM,)), window=WindowSpec(minutes=30))
    world.network.down = True
    inside(desk).connections.forget_reads()
    app.switch_page(page("plan")).run()
    assert escape_markdown("The tenant can't be reached") in said(app)
    assert not app.exception
    world.network.down = False
    app.button(key="plan_again").click().run()
    assert app.multiselect(key="plan_groups").value == [TEAMS[0]]


def test_zero_length_is_a_sentence(desk: Desk, open_screen: Open) -> None:
    at = datetime(2026, 11, 25, 10, 0)  # noqa: DTZ001  # wall clock
    window = WindowSpec(start=at, end=at, zone="UTC")
    desk.plans.save_draft(VISITOR, PlanRequest(selection=Selection(teams=(TEAM,)), window=window))
    assert "window end" in said(open_screen("plan"))


def test_forty_days_are_a_sentence(desk: Desk, open_screen: Open) -> None:
    at = datetime(2026, 11, 25, 10, 0)  # noqa: DTZ001  # wall clock
    window = WindowSpec(start=at, end=at + timedelta(days=40), zone="UTC")
    desk.plans.save_draft(VISITOR, PlanRequest(selection=Selection(teams=(TEAM,)), window=window))
    assert "at most 31 days" in said(open_screen("plan"))
