"""The Plan screen: preview on every edit, one action, drafts that survive, refusals that say what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.fakes import NEEDED, SCOPES, FakeDesk, FakeSettings, a_directory, refused
from tests.ui.fakes_history import HistoryDesk, an_action
from wfm.domain.errors import BadInput, DeskError, StoreFault
from wfm.domain.people import Actor, Role
from wfm.domain.plans import Fate, Finding, PlanRequest, RouteName, Selection, Severity
from wfm.domain.windows import WindowSpec
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan import state, table
from wfm.ui.shell.navigation import page

Open = Callable[..., AppTest]


def said(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.warning, app.error, app.title, app.header)
    return "\n".join(str(element.value) for part in parts for element in part)


def param(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def picked(open_screen: Open, *groups: str, **query: str) -> AppTest:
    app = open_screen("plan", **query)
    return app.multiselect(key="plan_groups").set_value(list(groups or ("team:t0",))).run()


def charted(app: AppTest) -> list[str]:
    """The names on the timeline, from above."""
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    return [name.rstrip("\u200b") for name in spec["layer"][0]["encoding"]["y"]["sort"]]


def mended(desk: FakeDesk) -> FakeDesk:
    desk.scopes = (*SCOPES, NEEDED)
    return desk


def previews(desk: FakeDesk) -> list[PlanRequest]:
    return [call[1] for call in desk.calls if call[0] == "preview"]


def applied(desk: FakeDesk) -> list[tuple[Any, ...]]:
    return [call for call in desk.calls if call[0] == "apply"]


# --- nothing picked yet ----------------------------------------------------------------------------------------------


def test_nobody_picked_teaches_the_first_step_and_asks_nothing_of_the_tenant(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    assert not app.exception
    assert "No one is picked yet" in said(app)
    assert previews(desk) == []
    assert app.button(key="plan_apply_nothing").disabled


# --- the preview -----------------------------------------------------------------------------------------------------


def test_picking_a_team_shows_what_would_happen(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    assert not app.exception
    text = said(app)
    assert "**What will happen**" in text
    assert "requests ·" in text
    assert "7f3a·91c2" in text
    assert escape_markdown("architect-flow") in text


def test_missing_scope_reads_exactly_so_before_anything_is_written(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    assert escape_markdown("holds wfm:schedule:write, needs wfm:schedule:update") in said(app)
    assert app.button(key="plan_apply").disabled
    assert applied(desk) == []


def test_every_edit_recomputes(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(previews(desk))
    app.radio(key="plan_when").set_value("60").run()
    app.text_input(key="plan_reason").set_value("DB upgrade").run()
    assert [request.window.minutes for request in previews(desk)[before:]] == [60, 60]
    assert previews(desk)[-1].reason == "DB upgrade"


def test_what_changes_nothing_asks_nothing(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(previews(desk))
    app.run()
    app.text_input(key="plan_search").set_value("aylin").run()
    assert len(previews(desk)) == before


def test_a_start_and_an_end_in_a_zone(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("at").run()
    app.selectbox(key="plan_zone").set_value("Europe/Berlin").run()
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 12, 14, 30)).run()  # noqa: DTZ001  # wall clock
    app.datetime_input(key="plan_end").set_value(datetime(2027, 1, 12, 15, 0)).run()  # noqa: DTZ001
    window = previews(desk)[-1].window
    assert window.start == datetime(2027, 1, 12, 14, 30)  # noqa: DTZ001
    assert window.zone == "Europe/Berlin"
    assert window.resolve(datetime(2026, 12, 1, tzinfo=UTC)).start == datetime(2027, 1, 12, 13, 30, tzinfo=UTC)
    assert "14:30" in app.button(key="plan_apply").label


def test_a_window_that_ends_before_it_begins_is_a_sentence_and_nothing_is_lost(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.radio(key="plan_when").set_value("at").run()
    app.datetime_input(key="plan_start").set_value(datetime(2027, 1, 12, 14, 30)).run()  # noqa: DTZ001
    app.datetime_input(key="plan_end").set_value(datetime(2027, 1, 12, 14, 0)).run()  # noqa: DTZ001
    assert not app.exception
    assert "window end" in said(app)
    assert app.multiselect(key="plan_groups").value == ["team:t0"]
    assert app.button(key="plan_apply_nothing").disabled
    assert not app.get("skeleton")  # nothing is being read any more


def test_what_is_left_of_a_window_is_a_choice_of_its_own(desk: FakeDesk, open_screen: Open) -> None:
    window = WindowSpec(minutes=27, zone="Europe/Berlin")
    visitor = Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)
    desk.save_draft(visitor, PlanRequest(selection=Selection(teams=("t0",)), window=window))
    app = open_screen("plan")
    assert app.radio(key="plan_when").value == "27"
    assert previews(desk)[-1].window.minutes == 27
    app.radio(key="plan_when").set_value("60").run()
    assert previews(desk)[-1].window.minutes == 60
    assert "27" not in app.radio(key="plan_when").options


def test_a_tenant_that_is_down_while_previewing_is_a_sentence(desk: FakeDesk, open_screen: Open) -> None:
    desk.preview_error = DeskError("The tenant did not answer within 10 s.")
    app = picked(open_screen)
    assert not app.exception
    assert "did not answer within 10 s" in said(app)


def test_findings_name_what_is_worth_a_look(desk: FakeDesk, open_screen: Open) -> None:
    desk.extra_findings = (
        Finding(code="too_slow", severity=Severity.WARNING, title="Taking everybody out uses much of the window", detail="D."),
    )
    assert "Taking everybody out uses much of the window" in said(picked(open_screen))


def test_including_blocked_ones_on_purpose_goes_into_the_plan(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen, "division:d1")
    app.button_group(key="plan_include").set_value(["time off"]).run()
    assert previews(desk)[-1].include == frozenset({Fate.TIME_OFF})
    app.button(key="plan_open_edit").click().run()
    app.button(key="plan_clear").click().run()
    app.multiselect(key="plan_groups").set_value(["team:t0"]).run()
    assert previews(desk)[-1].include == frozenset()


# --- who -------------------------------------------------------------------------------------------------------------


def test_pasted_words_are_added_and_those_that_match_nobody_are_named(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value("agent1@example.com\nnobody@example.com").run()
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert (list(shown["line"]), list(shown["why"])) == ([2], ["matches nobody here"])
    app.button(key="plan_paste_add").click().run()
    assert previews(desk)[-1].selection.agents == ("agent1@example.com",)
    app.multiselect(key="plan_groups").set_value(["team:t2"]).run()
    assert "1 by name" in said(app)


def test_a_plain_list_is_added_at_once(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value("agent1@example.com\nagent2@example.com")
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once
    assert previews(desk)[-1].selection.agents == ("agent1@example.com", "agent2@example.com")


def test_a_pasted_line_with_a_control_character_is_named_and_nothing_is_added(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value("agent1@example.com\r\nagent2\x9b31m@example.com\t").run()
    assert not app.exception
    assert "pasted line 2" in "".join(str(box.value) for box in app.warning)
    assert not [button for button in app.button if button.key == "plan_paste_add"]
    assert str(app.text_area(key="plan_paste").value).startswith("agent1@example.com")  # what was typed is kept
    app.text_area(key="plan_paste").set_value("agent1@example.com").run()
    app.button(key="plan_paste_add").click().run()
    assert previews(desk)[-1].selection.agents == ("agent1@example.com",)


def test_a_search_that_is_refused_is_said_in_its_place(
    desk: FakeDesk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str, limit: int) -> None:
        raise BadInput("search", text, "a text in one line, without control characters")

    monkeypatch.setattr(desk, "search_agents", refuse)
    app = open_screen("plan")
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value("ay\x1b[2Jlin").run()
    assert not app.exception
    assert "search: “ay␛" in "".join(str(box.value).replace("\\", "") for box in app.warning)


def test_finding_people_by_name(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value("aylin").run()
    app.button(key="plan_add_a0000").click().run()
    assert previews(desk)[-1].selection.agents == ("a0000",)
    assert app.button(key="plan_add_a0000").disabled


def test_a_csv_keeps_the_good_lines_and_numbers_the_bad_ones(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    rows = b"email,team\nagent1@example.com,A\n,B\nghost@example.com,C\nagent2@example.com,D\n"
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value([("people.csv", rows, "text/csv")]).run()
    assert not app.exception
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert list(shown["line"]) == [3, 4]
    app.button(key="plan_csv_add").click().run()
    assert previews(desk)[-1].selection.agents == ("agent1@example.com", "agent2@example.com")


def test_an_uploaded_file_is_matched_once_and_not_at_every_edit(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    rows = "\n".join(["id", *(f"ghost-{number}" for number in range(9_000)), "a0001"])
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value([("many.csv", rows.encode(), "text/csv")]).run()
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert len(shown) == 9_000

    app.text_input(key="plan_ticket").set_value("CHG-9").run()
    assert not app.exception
    assert desk.calls.count(("agent_list", None)) == 1
    assert "1 of 9,001 cells are agents" in said(app)


MANAGED = "Manager Email,Agent Email\n" + "".join(f"agent{20 + n % 2}@example.com,agent{n}@example.com\n" for n in range(1, 9))
AGENTS_OF_IT = tuple(f"agent{n}@example.com" for n in range(1, 9))


def column(app: AppTest) -> Any:
    return next(found for found in app.selectbox if (found.key or "").startswith("plan_column_"))


def test_the_column_of_a_file_is_chosen_with_its_reason_and_can_be_changed(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value([("people.csv", MANAGED.encode(), "text/csv")]).run()
    assert not app.exception
    assert column(app).value == 1
    assert "8 of 8 cells are agents of this tenant" in said(app)
    assert "“Manager Email” \\(8 of 8\\) holds people too, but the heading names another role" in said(app)
    assert "Line 1 is the head" in said(app)
    column(app).set_value(0).run()
    assert app.button(key="plan_csv_add").label == "Add 2 agents"
    column(app).set_value(1).run()
    app.button(key="plan_csv_add").click().run()
    assert previews(desk)[-1].selection.agents == AGENTS_OF_IT


def test_where_two_columns_fit_nobody_is_taken_until_one_is_chosen(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    rows = MANAGED.split("\n", 1)[1]
    app.file_uploader(key="plan_csv").set_value([("people.csv", rows.encode(), "text/csv")]).run()
    assert column(app).value is None
    assert "Several columns hold agents of this tenant" in said(app)
    assert app.button(key="plan_csv_add").disabled
    column(app).set_value(1).run()
    app.button(key="plan_csv_add").click().run()
    assert previews(desk)[-1].selection.agents == AGENTS_OF_IT


def test_rows_pasted_from_a_sheet_are_a_table_whose_column_is_shown_before_it_counts(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(MANAGED.replace(",", "\t"))
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once: the choice was not seen yet
    assert not previews(desk)
    assert column(app).value == 1
    app.button(key="plan_paste_add").click().run()
    assert previews(desk)[-1].selection.agents == AGENTS_OF_IT


MAIL = "Please take agent1@example.com and agent2@example.com out\nSupervisor: agent20@example.com"


def named(app: AppTest) -> Any:
    """The table of all whom a list names, to be ticked."""
    return next(frame for frame in app.dataframe if "what the line says" in frame.value)


def test_whom_a_text_names_is_shown_with_its_line_before_it_counts(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(MAIL)
    app.button(key="plan_paste_add").click().run()  # typed and clicked at once: nobody was seen yet
    assert not previews(desk)
    assert not app.exception
    assert "Lines 1, 2 say more than who is meant" in said(app)
    table = named(app).value
    assert list(table["agent"]) == ["agent1@example.com", "agent2@example.com", "agent20@example.com"]
    assert table["what the line says"][2] == "Supervisor: agent20@example.com"
    assert list(table["left out because"]) == ["", "", "after “Supervisor”"]
    assert app.button(key="plan_paste_add").label == "Add 2 agents"
    app.button(key="plan_paste_add").click().run()
    assert previews(desk)[-1].selection.agents == ("agent1@example.com", "agent2@example.com")


def test_the_ticks_say_who_of_a_text_is_added(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_paste").click().run()
    app.text_area(key="plan_paste").set_value(MAIL).run()
    key = "plan_named_" + named(app).proto.id.partition("-plan_named_")[2]
    app.session_state[key] = {"selection": {"rows": [1, 2], "columns": [], "cells": []}}
    app.run()
    app.session_state[key] = {"selection": {"rows": [1, 2], "columns": [], "cells": []}}
    app.button(key="plan_paste_add").click().run()
    assert previews(desk)[-1].selection.agents == ("agent2@example.com", "agent20@example.com")


def test_a_column_of_answers_asks_and_the_lines_are_ticked_one_by_one(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    rows = "Agent,Out\n" + "".join(f"agent{n}@example.com,{'yes' if n < 3 else 'no'}\n" for n in range(1, 6))
    app.file_uploader(key="plan_csv").set_value([("people.csv", rows.encode(), "text/csv")]).run()
    assert "“Out” says “yes”, “no”, and not the same in all lines" in said(app)
    assert app.button(key="plan_csv_add").disabled
    column(app).set_value(0).run()
    assert list(named(app).value["what the line says"])[:3] == [
        f"agent{n}@example.com, {'yes' if n < 3 else 'no'}" for n in (1, 2, 3)
    ]
    app.button(key="plan_csv_add").click().run()
    assert len(previews(desk)[-1].selection.agents) == 5


def test_every_agent_in_any_column_can_be_chosen_under_a_head_too(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value([("people.csv", MANAGED.encode(), "text/csv")]).run()
    column(app).set_value(-1).run()
    app.button(key="plan_csv_add").click().run()
    assert len(previews(desk)[-1].selection.agents) == 10


def test_a_correction_of_the_past_does_not_promise_to_end_by_itself(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    app = picked(open_screen)
    app.radio(key="plan_route").set_value(RouteName.ADHERENCE).run()
    assert "undone only when you ask for it" in said(app)
    assert "restored automatically at the end" not in said(app)


def test_a_data_action_says_whose_credentials_it_uses(serve: Callable[[Any], Any], open_screen: Open) -> None:
    action = an_action()
    serve(HistoryDesk(scopes=(*SCOPES, NEEDED), tenant_actions=(action,)))
    app = picked(open_screen)
    app.radio(key="plan_route").set_value(RouteName.DATA_ACTION).run()
    assert f"as {action.credential_client or action.category}" in said(app).replace("\\", "")


def test_another_scenario_makes_the_preview_anew(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    before = len(previews(desk))
    names = app.radio(key="demo-scenario").options
    other = next(name for name in names if name != app.radio(key="demo-scenario").value)
    app.radio(key="demo-scenario").set_value(other).run()
    assert not app.exception
    assert len(previews(desk)) > before


def test_a_file_that_is_no_csv_is_a_sentence(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="plan_open_csv").click().run()
    app.file_uploader(key="plan_csv").set_value([("x.csv", b"\x00\x01\x00", "text/csv")]).run()
    assert not app.exception
    assert "no text" in said(app)


def test_leaving_somebody_out_and_taking_back_in(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.button(key="plan_open_edit").click().run()
    app.multiselect(key="plan_leave_out").set_value(["a0003"]).run()
    app.button(key="plan_leave_out_do").click().run()
    assert previews(desk)[-1].selection.exclude == ("a0003",)
    assert previews(desk)[-1].selection.teams == ("t0",)
    app.button(key="plan_take_back").click().run()
    assert previews(desk)[-1].selection.exclude == ()
    app.button(key="plan_clear").click().run()
    assert "No one is picked yet" in said(app)


# --- applying --------------------------------------------------------------------------------------------------------


def test_applying_goes_to_the_windows_page_of_the_operation(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    app = picked(open_screen)
    assert app.button(key="plan_apply").label == "Take 14 agents out now"
    app.button(key="plan_apply").click().run()
    assert not app.exception
    assert len(applied(desk)) == 1
    assert param(app, "id") == "op-new"
    assert [title.value for title in app.title] == ["DB upgrade · CHG\\-1042"]


def test_the_same_preview_has_one_token_and_an_edit_makes_another(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    desk.apply_error = StoreFault("The database is locked.")
    app = picked(open_screen)
    app.button(key="plan_apply").click().run()
    app.button(key="plan_apply").click().run()
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    app.button(key="plan_apply").click().run()
    tokens = [call[2] for call in applied(desk)]
    assert tokens[0] == tokens[1] != tokens[2]
    assert escape_markdown("The database is locked.") in said(app)


def test_a_stale_plan_is_refused_with_what_changed_and_previewed_anew(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    desk.apply_error = refused("stale")
    app = picked(open_screen)
    before = len(previews(desk))
    app.button(key="plan_apply").click().run()
    assert escape_markdown("Bo Lindqvist is not scheduled any more.") in said(app)
    assert len(previews(desk)) > before
    assert app.multiselect(key="plan_groups").value == ["team:t0"]
    app.text_input(key="plan_ticket").set_value("CHG-7").run()
    assert escape_markdown("Bo Lindqvist is not scheduled any more.") not in said(app)


def test_many_agents_ask_for_a_typed_confirmation_first(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    desk.settings = FakeSettings(confirm_above=5)
    app = picked(open_screen)
    app.button(key="plan_apply").click().run()
    assert applied(desk) == []
    assert "14 agents become unavailable now" in said(app)
    assert [field.label for field in app.text_input if field.key == "plan_typed"] == ["Type 14 to confirm"]
    assert app.button(key="plan_confirm_apply").disabled


def test_a_rehearsal_is_offered_on_the_demo_tenant_only(desk: FakeDesk, open_screen: Open, serve: Callable[[Any], Any]) -> None:
    app = picked(open_screen)
    app.button(key="plan_rehearse").click().run()
    assert [(call[3], call[2].endswith("|rehearsal")) for call in applied(desk)] == [(True, True)]
    real = serve(FakeDesk(is_demo=False, settings=FakeSettings(oidc_configured=True, admins=("boss@example.com",))))
    boss = {"is_logged_in": True, "sub": "s", "email": "boss@example.com", "iat": datetime.now(UTC).timestamp()}
    app = open_screen("plan", user=boss)
    app.multiselect(key="plan_groups").set_value(["team:t0"]).run()
    assert not app.exception
    assert "plan_rehearse" not in {button.key for button in app.button}
    assert "plan-fix" not in {button.key for button in app.button}
    assert app.button(key="plan_apply").disabled
    assert real.calls


def test_mending_on_the_spot_makes_the_same_plan_possible(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen)
    app.button(key="plan-fix").click().run()
    assert not app.button(key="plan_apply").disabled
    assert app.multiselect(key="plan_groups").value == ["team:t0"]


def test_a_viewer_sees_the_preview_and_can_not_apply(open_screen: Open, serve: Callable[[Any], Any]) -> None:
    settings = FakeSettings(oidc_configured=True, admins=("boss@example.com",))
    desk = serve(FakeDesk(is_demo=False, settings=settings, scopes=(*SCOPES, NEEDED)))
    viewer = {"is_logged_in": True, "sub": "v", "email": "v@example.com", "iat": datetime.now(UTC).timestamp()}
    app = open_screen("plan", user=viewer)
    app.multiselect(key="plan_groups").set_value(["team:t0"]).run()
    assert "**What will happen**" in said(app)
    assert app.button(key="plan_apply").disabled
    assert applied(desk) == []


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_half_filled_plan_survives_a_reload(desk: FakeDesk, open_screen: Open) -> None:
    app = picked(open_screen, "team:t1", "queue:q1")
    app.text_input(key="plan_reason").set_value("DB upgrade").run()
    app.radio(key="plan_when").set_value("120").run()
    draft = param(app, "draft")
    again = open_screen("plan", draft=draft)
    assert again.multiselect(key="plan_groups").value == ["team:t1", "queue:q1"]
    assert again.text_input(key="plan_reason").value == "DB upgrade"
    assert again.radio(key="plan_when").value == "120"
    assert previews(desk)[-1].reason == "DB upgrade"


def test_two_tabs_keep_two_drafts(desk: FakeDesk, open_screen: Open) -> None:
    one = picked(open_screen, "team:t1")
    other = open_screen("plan")
    other.multiselect(key="plan_groups").set_value(["team:t2"]).run()
    first, second = param(one, "draft"), param(other, "draft")
    assert first != second
    assert open_screen("plan", draft=first).multiselect(key="plan_groups").value == ["team:t1"]
    assert open_screen("plan", draft=second).multiselect(key="plan_groups").value == ["team:t2"]


def test_a_half_filled_time_is_kept_too(desk: FakeDesk, open_screen: Open) -> None:
    request = PlanRequest(selection=Selection(teams=("t0",)), window=WindowSpec(start=None, end=None, zone="Asia/Tokyo"))
    desk.drafts["demo"] = request
    app = open_screen("plan")
    assert app.radio(key="plan_when").value == "at"
    assert app.selectbox(key="plan_zone").value == "Asia/Tokyo"


def test_a_draft_of_somebody_else_can_not_be_named(desk: FakeDesk, open_screen: Open) -> None:
    desk.drafts["other#0badcafe"] = PlanRequest(selection=Selection(teams=("t2",)), window=WindowSpec(minutes=30))
    for named in ("0badcafe", "../other#0badcafe", "other#0badcafe", "zzzz"):
        assert open_screen("plan", draft=named).multiselect(key="plan_groups").value == []


def test_a_draft_with_a_group_that_is_gone_opens_without_it(desk: FakeDesk, open_screen: Open) -> None:
    desk.drafts["demo"] = PlanRequest(selection=Selection(teams=("gone", "t0")), window=WindowSpec(minutes=30))
    app = open_screen("plan")
    assert not app.exception
    assert app.multiselect(key="plan_groups").value == ["team:t0"]


def test_a_draft_that_can_not_be_saved_does_not_stop_the_plan(desk: FakeDesk, open_screen: Open) -> None:
    def broken(*_: object) -> None:
        raise StoreFault("The database file can't be written.")

    desk.save_draft = broken  # type: ignore[method-assign, assignment]
    app = picked(open_screen)
    assert not app.exception
    assert "**What will happen**" in said(app)


def test_the_data_action_route_takes_an_action(serve: Callable[[Any], Any], open_screen: Open) -> None:
    history = serve(HistoryDesk(scopes=(*SCOPES, NEEDED), tenant_actions=(an_action(),)))
    app = picked(open_screen)
    app.radio(key="plan_route").set_value(RouteName.DATA_ACTION).run()
    assert not app.exception
    assert previews(history)[-1].route is RouteName.DATA_ACTION
    assert previews(history)[-1].action is not None


def test_ten_thousand_agents_come_by_pages_with_their_shifts_beside_them(desk: FakeDesk, open_screen: Open) -> None:
    desk.people = a_directory(10_000)
    app = picked(open_screen, "division:d1")
    assert not app.exception
    assert len(app.dataframe[0].value) == table.PAGE
    assert "1–14 of 10,000 agents" in said(app)
    app.session_state["plan_page"] = 3
    assert "29–42 of 10,000 agents" in said(app.run())
    assert list(app.dataframe[0].value["agent"]) == charted(app)


def test_coming_back_after_applying_begins_another_plan(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    app = picked(open_screen)
    app.button(key="plan_apply").click().run()
    first = applied(desk)[0][2]
    app.switch_page(page("plan")).run()
    app.button(key="plan_apply").click().run()
    assert applied(desk)[1][2] != first


def test_bad_input_of_a_group_is_shown_where_it_belongs(desk: FakeDesk, open_screen: Open) -> None:
    desk.preview_error = BadInput("team", "Nowhere", "the name or id of a team")
    assert escape_markdown("team: “Nowhere” can't be used") in said(picked(open_screen))


def test_a_click_that_comes_with_an_edit_is_not_heeded(desk: FakeDesk, open_screen: Open) -> None:
    mended(desk)
    app = picked(open_screen)
    app.text_input(key="plan_ticket").set_value("CHG-9")
    app.button(key="plan_apply").click().run()
    assert applied(desk) == []
    assert previews(desk)[-1].ticket == "CHG-9"
    app.button(key="plan_apply").click().run()
    assert len(applied(desk)) == 1


def test_an_old_preview_is_made_anew_but_never_under_a_click(
    desk: FakeDesk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended(desk)
    app = picked(open_screen)
    before = len(previews(desk))
    monkeypatch.setattr(state, "MAX_AGE", timedelta(0))
    desk.apply_error = StoreFault("The database is locked.")
    app.button(key="plan_apply").click().run()
    assert len(applied(desk)) == 1
    assert len(previews(desk)) == before
    app.run()
    assert len(previews(desk)) > before


@pytest.mark.parametrize("screen", ["plan", "windows"])
def test_without_a_worker_it_is_said_where_one_is_needed(screen: str, desk: FakeDesk, open_screen: Open) -> None:
    assert "overdue restores run first" not in said(open_screen(screen))
    desk.health_problems = ("No worker is alive.",)
    assert "overdue restores run first" in said(open_screen(screen))


def test_a_directory_that_can_not_be_read_offers_another_try_and_loses_nothing(
    desk: FakeDesk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = picked(open_screen)
    app.text_input(key="plan_ticket").set_value("CHG-7").run()

    def down(*_: object, **__: object) -> None:
        raise DeskError("The tenant did not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(desk, "directory", down, raising=False)
        app.run()
        assert escape_markdown("The tenant did not answer.") in said(app)
        assert not app.exception
    app.button(key="plan_again").click().run()
    assert app.multiselect(key="plan_groups").value == ["team:t0"]
    assert app.text_input(key="plan_ticket").value == "CHG-7"


def test_a_plan_handed_over_by_another_screen_is_not_lost_while_the_tenant_is_silent(
    desk: FakeDesk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise DeskError("The tenant did not answer.")

    app = open_screen("now")
    app.session_state["plan_handed"] = PlanRequest(selection=Selection(teams=("t0",)), window=WindowSpec(minutes=30))
    with monkeypatch.context() as broken:
        broken.setattr(desk, "directory", down, raising=False)
        app.switch_page(page("plan")).run()
        assert escape_markdown("The tenant did not answer.") in said(app)
    app.button(key="plan_again").click().run()
    assert app.multiselect(key="plan_groups").value == ["team:t0"]


def test_zero_length_is_a_sentence(desk: FakeDesk, open_screen: Open) -> None:
    at = datetime(2026, 11, 25, 10, 0)  # noqa: DTZ001  # wall clock
    desk.drafts["demo"] = PlanRequest(selection=Selection(teams=("t0",)), window=WindowSpec(start=at, end=at, zone="UTC"))
    assert "window end" in said(open_screen("plan"))


def test_forty_days_are_a_sentence(desk: FakeDesk, open_screen: Open) -> None:
    at = datetime(2026, 11, 25, 10, 0)  # noqa: DTZ001  # wall clock
    window = WindowSpec(start=at, end=at + timedelta(days=40), zone="UTC")
    desk.drafts["demo"] = PlanRequest(selection=Selection(teams=("t0",)), window=window)
    assert "at most 31 days" in said(open_screen("plan"))
