"""The Runs screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import ROOT, Open
from tests.ui.fakes import an_operation
from tests.ui.fakes_history import FINGERPRINT, HistoryDesk, a_group, a_real_tenant, a_run, an_exchange, somebody, words
from wfm.domain.errors import DeskError, StoreFault
from wfm.domain.operations import Outcome, Phase, RunFilter
from wfm.domain.people import Actor, Role


@pytest.fixture
def history(serve: Callable[[Any], Any]) -> HistoryDesk:
    """120 runs of one window, every third failed for the same cause."""
    made = HistoryDesk(
        operation_views=[an_operation()],
        groups_failed=[a_group()],
        kept=[a_run(n, Outcome.FAILED if n % 3 == 0 else Outcome.APPLIED) for n in range(120)],
    )
    serve(made)
    return made


def asked(history: HistoryDesk) -> RunFilter:
    """The filter that the screen last asked the Desk for."""
    found: RunFilter = next(call[1] for call in reversed(history.calls) if call[0] == "runs")
    return found


def test_it_lists_the_newest_runs_and_says_what_they_show(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    assert not app.exception
    table = app.dataframe[0].value
    assert len(table) == 50
    assert table.iloc[0]["agent"] == "Aylin Şahin"
    assert "40 of 120 runs in the last 24 hours failed" in words(app)
    assert app.button(key="runs-newer").disabled
    assert not app.button(key="runs-older").disabled


def test_a_filter_goes_into_the_address_and_to_the_desk(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.selectbox(key="runs-outcome").set_value("failed").run()
    assert app.query_params["outcome"] == "failed"
    assert asked(history).outcome is Outcome.FAILED
    assert "40 match" in words(app)
    app.button(key="runs-clear").click().run()
    assert "outcome" not in app.query_params
    assert asked(history).outcome is None


def test_every_filter_of_the_address_reaches_the_desk(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen(
        "runs",
        time="7d",
        outcome="failed",
        cause="missing_scope",
        route="availability",
        operation="op-1",
        agent="a0003",
        status="403",
        code="forbidden",
        correlation="5b2e0c8a-0003-4222-8333-944445555666",
        phase="apply",
        q="dmitri",
    )
    assert not app.exception
    which = asked(history)
    assert (which.outcome, which.route, which.status, which.phase) == (Outcome.FAILED, "availability", 403, Phase.APPLY)
    assert (which.agent_id, which.code, which.operation_id, which.text) == ("a0003", "forbidden", "op-1", "dmitri")
    assert list(app.dataframe[0].value["agent"]) == ["Dmitri Волков"]
    assert "agent **a0003**" in words(app)


def test_nonsense_in_the_address_is_named_and_the_rest_kept(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="exploded", status="403")
    assert not app.exception
    assert any("outcome" in warning.value and "exploded" in warning.value for warning in app.warning)
    assert asked(history).status == 403
    assert len(app.dataframe[0].value) == 40


def test_a_cursor_that_is_none_shows_the_newest(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", cursor="gibberish")
    assert not app.exception
    assert "the first page is shown" in words(app)
    assert len(app.dataframe[0].value) == 50


def test_older_and_newer_walk_by_cursor_in_the_address(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.button(key="runs-older").click().run()
    assert app.query_params["cursor"] == "50"
    first = app.dataframe[0].value.iloc[0]["agent"]
    app.button(key="runs-older").click().run()
    assert len(app.dataframe[0].value) == 20
    assert app.button(key="runs-older").disabled
    app.button(key="runs-newer").click().run()
    assert app.dataframe[0].value.iloc[0]["agent"] == first
    app.button(key="runs-newest").click().run()
    assert "cursor" not in app.query_params


def test_choosing_a_cell_opens_its_run(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    key, ids = app.session_state["runs-table-now"]
    assert ids[:2] == ["run-00000", "run-00001"]
    app.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(3, "agent")]}}
    app.run()
    # The selection reaches the page through its callback in a browser; here the address is set as it does.
    app.query_params["run"] = ids[3]
    app.run()
    assert "Dmitri Волков" in words(app)


def test_a_run_opened_shows_the_error_read_beside_the_error_raw(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-00000")
    text = words(app)
    assert not app.exception
    assert "The OAuth client architect\\-flow may read schedules but not update them" in text
    assert "scope: missing" in text
    assert "**Fix** Add wfm\\:schedule\\:update" in text
    assert "from the brief, not published by Genesys" in text
    assert "Fix the cause first" in text
    raw = "\n".join(block.value for block in app.code)
    assert '"Insufficient permissions for resource access"' in raw
    assert '"unavailable"' in raw
    assert "5b2e0c8a-0000-4222-8333-944445555666" in raw
    app.button(key="run-close").click().run()
    assert "run" not in app.query_params
    assert not app.code


def test_attempts_are_shown_one_by_one(history: HistoryDesk, open_screen: Open) -> None:
    run = history.kept[0]
    history.attempts[run.id] = (
        an_exchange(run, 1, 503),
        replace(an_exchange(run, 2), status=None, fault="timeout"),
        an_exchange(run, 3),
    )
    app = open_screen("runs", run=run.id)
    assert app.segmented_control[0].options == ["1: 503", "2: no answer", "3: 403"]
    app.segmented_control[0].set_value(1).run()
    assert "no answer: timeout" in "\n".join(block.value for block in app.code)


def test_a_run_that_is_not_there_is_a_sentence_and_the_list_stays(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-nowhere")
    assert not app.exception
    assert "There is no such run" in words(app)
    assert len(app.dataframe[0].value) == 50


def test_a_run_whose_exchange_is_not_kept_is_not_said_to_have_sent_nothing(history: HistoryDesk, open_screen: Open) -> None:
    history.attempts[history.kept[0].id] = ()
    shown = words(open_screen("runs", run=history.kept[0].id))
    assert "are not stored with this run" in shown
    assert "Nothing was sent" not in shown


def test_a_retry_fills_in_the_plan_and_sends_nothing(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-00000")
    app.button(key="run-retry").click().run()
    draft = history.drafts["demo"]
    assert draft.selection.agents == ("a0000",)
    assert draft.ticket == "CHG-1042"
    assert not [call for call in history.calls if call[0] == "apply"]


def test_a_run_that_worked_offers_no_retry(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-00001")
    assert "take out worked" in words(app)
    assert not [button for button in app.button if button.key == "run-retry"]


def test_a_viewer_reads_everything_and_retries_nothing(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(a_real_tenant(operation_views=[an_operation()], kept=[a_run()]))
    app = open_screen("runs", user=somebody(), run="run-00000")
    assert not app.exception
    assert app.button(key="run-retry").disabled


def test_nothing_yet_teaches_the_first_step(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(HistoryDesk())
    app = open_screen("runs")
    assert not app.exception
    assert "No agent has been updated yet" in words(app)


def test_a_filter_that_matches_nothing_offers_to_look_further(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", q="nobody of that name")
    assert "No run matches these filters in the last 24 hours" in words(app)
    app.button(key="runs-widen").click().run()
    assert app.query_params["time"] == "all"
    assert app.query_params["q"] == "nobody of that name"
    assert asked(history).since is None


def test_a_database_that_can_not_be_read_is_a_sentence(history: HistoryDesk, open_screen: Open) -> None:
    history.history_error = StoreFault("The database is locked by another program. Try again in a moment.")
    app = open_screen("runs")
    assert not app.exception
    assert "locked by another program" in words(app)
    history.history_error = None
    next(button for button in app.button if button.label == "Try again").click().run()
    assert len(app.dataframe[0].value) == 50


def test_an_agent_is_found_by_name_and_two_of_a_name_are_asked_about(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.text_input(key="runs-agent").set_value("Dmitri Волков").run()
    assert "several" not in app.query_params
    assert "matches" in words(app)
    app.text_input(key="runs-agent").set_value("a0003").run()
    assert app.query_params["agent"] == "a0003"
    app.text_input(key="runs-agent").set_value("gone-42").run()
    assert app.query_params["agent"] == "gone-42"


def test_a_status_that_is_none_is_said_and_not_filtered(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", status="403")
    app.text_input(key="runs-status").set_value("forbidden").run()
    assert "status" not in app.query_params
    assert "not an HTTP status" in words(app)


def test_filters_survive_the_menu(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed")
    app.switch_page(str(ROOT / "pages" / "failures.py")).run()
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / "runs.py")).run()
    assert asked(history).outcome is Outcome.FAILED
    assert app.query_params["outcome"] == "failed"


def test_a_group_links_to_its_runs(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", failure=FINGERPRINT, time="all")
    assert asked(history).fingerprint == FINGERPRINT
    assert len(app.dataframe[0].value) == 40


def tick(app: AppTest, rows: list[int]) -> None:
    """Ticks rows of the table, as the browser reports it."""
    key, _ = app.session_state["runs-table-now"]
    app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    app.run()


def test_ticked_rows_can_be_planned_again_exported_and_quoted(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    assert "ticked" not in words(app)
    tick(app, [0, 1, 3])
    assert "3 runs ticked" in words(app)
    assert any("5b2e0c8a-0001" in block.value and "5b2e0c8a-0003" in block.value for block in app.code)
    # One of the three worked: there is nothing to retry of it.
    app.button(key="runs-retry-selected").click().run()
    assert history.drafts["demo"].selection.agents == ("a0000", "a0003")


def test_ticked_rows_without_a_failure_offer_no_retry(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    tick(app, [1, 2])
    assert app.button(key="runs-retry-selected").disabled


def test_the_chart_tells_causes_apart_when_the_address_asks_for_it(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", chart="causes")
    assert not app.exception
    assert app.segmented_control(key="runs-chart").value == "causes"
    app.segmented_control(key="runs-chart").set_value("outcomes").run()
    assert "chart" not in app.query_params
    app = open_screen("runs", chart="pie")
    assert any("chart" in warning.value and "outcomes or causes" in warning.value for warning in app.warning)


def test_it_says_what_the_list_is_sorted_by(history: HistoryDesk, open_screen: Open) -> None:
    assert "Sorted by time, newest first. Time, outcome, cause, status and code have an index" in words(open_screen("runs"))


def test_the_whole_list_is_sorted_by_the_address(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed")
    app.selectbox(key="runs-sort").set_value("oldest").run()
    assert app.query_params["sort"] == "oldest"
    assert list(app.dataframe[0].value["time"]) == sorted(app.dataframe[0].value["time"])
    app = open_screen("runs", sort="-status")
    assert list(app.dataframe[0].value["status"])[:40] == [403] * 40
    app.button(key="runs-older").click().run()
    assert app.query_params["sort"] == "-status"
    assert app.query_params["cursor"] == "50"
    app.selectbox(key="runs-sort").set_value("newest").run()
    assert not {"sort", "cursor"} & set(app.query_params)
    app = open_screen("runs", sort="agent")
    assert any("sort" in warning.value and "oldest" in warning.value for warning in app.warning)


def test_much_nonsense_is_one_box(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="exploded", status="9", foo="1", time="3w", cursor="gibberish")
    (box,) = app.warning
    assert box.value.count("left out") == 4
    assert "the first page is shown" in box.value


def test_the_chart_is_that_of_the_filter_or_says_that_it_is_not(history: HistoryDesk, open_screen: Open) -> None:
    assert "chart shows all" not in words(open_screen("runs", outcome="failed"))
    assert "the chart shows all: 40 of 120 runs" in words(open_screen("runs", agent="a0000"))


def test_a_search_for_signs_alone_says_what_is_looked_for(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", q="({[%")
    assert not app.exception
    assert "letters and digits" in words(app)


def test_a_view_is_kept_opened_and_forgotten(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed", time="7d")
    app.text_input(key="runs-view-name").set_value("Failures of the week")
    app.button(key="runs-view-save").click().run()
    assert dict(history.saved["Failures of the week"].query) == {"outcome": "failed", "time": "7d"}
    app.button(key="runs-clear").click().run()
    assert "outcome" not in app.query_params
    app.button(key="view-open-0").click().run()
    assert app.query_params["outcome"] == "failed"
    assert asked(history).outcome is Outcome.FAILED
    app.button(key="view-forget-0").click().run()
    assert history.saved == {}


def test_a_view_needs_a_name(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.button(key="runs-view-save").click().run()
    assert history.saved == {}
    assert any("name is missing" in warning.value for warning in app.warning)


def test_runs_opens_with_the_default_view_unless_the_address_says_otherwise(history: HistoryDesk, open_screen: Open) -> None:
    boss = Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)
    history.save_view("Failures", {"outcome": "failed", "time": "7d"}, boss, is_default=True)
    app = open_screen("runs")
    assert asked(history).outcome is Outcome.FAILED
    assert app.query_params["outcome"] == "failed"
    app.button(key="runs-clear").click().run()
    assert asked(history).outcome is None, "who lets the filters go is not given them back"
    open_screen("runs", status="200")
    assert (asked(history).outcome, asked(history).status) == (None, 200)
    app = open_screen("runs", time="7d")
    app.button(key="view-default-0").click().run()
    assert not history.saved["Failures"].is_default


def test_a_team_that_is_not_there_is_named_and_left_out(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", team="Nobodies")
    assert any("Nobodies" in warning.value for warning in app.warning)
    assert asked(history).team is None
    app = open_screen("runs", team="Team 1")
    assert asked(history).team == "Team 1"
    assert "team **Team 1**" in words(app)


def test_a_team_is_kept_where_nobody_can_say_whether_there_is_one(
    history: HistoryDesk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(fresh: bool = False) -> Any:
        raise DeskError("The tenant does not answer.")

    monkeypatch.setattr(history, "directory", silent)
    app = open_screen("runs", team="Team 1")
    assert asked(history).team == "Team 1"
    assert not app.warning


def test_whether_a_retry_can_help_and_the_window_reach_the_desk(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", retryable="no", window="2026-11-23T14:30Z")
    assert asked(history).retryable is False
    assert asked(history).window_at == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    app.selectbox(key="runs-retryable").set_value("yes").run()
    assert asked(history).retryable is True


def test_a_run_that_was_closed_opens_again_and_ticks_stay(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-00003")
    key, _ = app.session_state["runs-table-now"]
    # As the browser has it: the cell of the opened run is chosen, two rows are ticked.
    app.session_state[key] = {"selection": {"rows": [0, 1], "columns": [], "cells": [[3, "agent"]]}}
    app.run()
    assert app.session_state["runs-table-now"][0] == key
    app.button(key="run-close").click().run()
    assert "run" not in app.query_params
    again, _ = app.session_state["runs-table-now"]
    assert again != key
    assert "2 runs ticked" in words(app)


def test_the_names_of_a_filter_do_not_hide_how_many_match(history: HistoryDesk, open_screen: Open) -> None:
    said = words(open_screen("runs", outcome="failed"))
    assert "**40 match** :gray[in the last 24 hours]" in said


def test_what_this_tenant_does_not_have_is_named_and_left_out(history: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("runs", operation="gone", failure="gone", status="403")
    (box,) = app.warning
    assert "no such operation in this tenant" in box.value.replace("\\", "")
    assert "no such failure group" in box.value
    assert (asked(history).operation_id, asked(history).fingerprint, asked(history).status) == (None, None, 403)
