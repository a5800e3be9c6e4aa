"""The Runs screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import ROOT, Open, Serve
from tests.ui.screen import keys, somebody, words
from tests.ui.world import (
    FORBIDDEN,
    ORGANIZATION,
    PEOPLE,
    VISITOR,
    Worlds,
    add_run,
    all_runs,
    an_exchange,
    failing,
    many_runs,
    the_group,
)
from wfm.desk import Desk
from wfm.domain.operations import Outcome, Phase, RunFilter, RunPage
from wfm.ui.components.markdown import escape_markdown


@pytest.fixture
def history(worlds: Worlds, serve: Serve) -> Iterator[Desk]:
    """120 runs of one window, every third failed for the same cause."""
    with worlds.fresh(many_runs) as world:
        yield serve(world.desk())


@pytest.fixture
def ids(history: Desk) -> list[str]:
    """The runs' ids, the newest first: that of PEOPLE[0], and so on."""
    return [run.id for run in all_runs(history)]


@pytest.fixture
def asked(history: Desk, monkeypatch: pytest.MonkeyPatch) -> list[RunFilter]:
    """The filters that the ledger was asked for, the last first."""
    found: list[RunFilter] = []
    page = inside(history).ledger.runs.page

    def noted(tenant_key: str, which: RunFilter, **more: Any) -> RunPage:
        found.insert(0, which)
        return page(tenant_key, which, **more)

    monkeypatch.setattr(inside(history).ledger.runs, "page", noted)
    return found


def shown(app: AppTest) -> list[str]:
    """The agents in the list."""
    return list(app.dataframe[0].value["agent"])


def test_it_lists_the_newest_runs_and_says_what_they_show(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    assert not app.exception
    table = app.dataframe[0].value
    assert len(table) == 50
    assert table.iloc[0]["agent"] == PEOPLE[0].name
    assert "40 of 120 runs in the last 24 hours failed" in words(app)
    assert app.button(key="runs-newer").disabled
    assert not app.button(key="runs-older").disabled


def test_a_filter_goes_into_the_address_and_to_the_desk(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs")
    app.selectbox(key="runs-outcome").set_value("failed").run()
    assert app.query_params["outcome"] == "failed"
    assert asked[0].outcome is Outcome.FAILED
    assert "40 match" in words(app)
    app.button(key="runs-clear").click().run()
    assert "outcome" not in app.query_params
    assert asked[0].outcome is None


def test_every_filter_of_the_address_reaches_the_desk(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    run = all_runs(history)[3]
    assert run.operation_id is not None
    assert run.correlation_id is not None
    app = open_screen(
        "runs",
        time="7d",
        outcome="failed",
        cause="missing_scope",
        route="availability",
        operation=run.operation_id,
        agent=run.agent_id,
        status="403",
        code="forbidden",
        correlation=run.correlation_id,
        phase="apply",
        q=PEOPLE[3].name,
    )
    assert not app.exception
    which = asked[0]
    assert (which.outcome, which.route, which.status, which.phase) == (Outcome.FAILED, "availability", 403, Phase.APPLY)
    assert (which.agent_id, which.code, which.operation_id) == (run.agent_id, "forbidden", run.operation_id)
    assert (which.correlation_id, which.text) == (run.correlation_id, PEOPLE[3].name)
    assert shown(app) == [PEOPLE[3].name]
    assert f"agent **{escape_markdown(PEOPLE[3].id)}**" in words(app)


def test_nonsense_in_the_address_is_named_and_the_rest_kept(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", outcome="exploded", status="403")
    assert not app.exception
    assert any("outcome" in warning.value and "exploded" in warning.value for warning in app.warning)
    assert asked[0].status == 403
    assert len(app.dataframe[0].value) == 40


def test_a_cursor_that_is_none_shows_the_newest(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", cursor="gibberish")
    assert not app.exception
    assert "the first page is shown" in words(app)
    assert len(app.dataframe[0].value) == 50


def test_older_and_newer_walk_by_cursor_in_the_address(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.button(key="runs-older").click().run()
    assert "cursor" in app.query_params
    first = app.dataframe[0].value.iloc[0]["agent"]
    assert first == PEOPLE[50].name
    app.button(key="runs-older").click().run()
    assert len(app.dataframe[0].value) == 20
    assert app.button(key="runs-older").disabled
    app.button(key="runs-newer").click().run()
    assert app.dataframe[0].value.iloc[0]["agent"] == first
    app.button(key="runs-newest").click().run()
    assert "cursor" not in app.query_params


def test_choosing_a_cell_opens_its_run(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs")
    key, listed = app.session_state["runs-table-now"]
    assert list(listed) == ids[:50]
    app.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(3, "agent")]}}
    app.run()
    # The selection reaches the page through its callback in a browser; here the address is set as it does.
    app.query_params["run"] = ids[3]
    app.run()
    assert escape_markdown(PEOPLE[3].name) in words(app)


def test_a_run_opened_shows_the_error_read_beside_the_error_raw(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs", run=ids[0])
    text = words(app)
    assert not app.exception
    assert "The OAuth client may not update schedules, even where reading them works" in text
    assert "scope: missing" in text
    assert "**Fix** Add wfm\\:schedule\\:update" in text
    assert "from the brief, not published by Genesys" in text
    assert "Fix the cause first" in text
    raw = "\n".join(block.value for block in app.code)
    assert '"Insufficient permissions for resource access"' in raw
    assert '"unavailable"' in raw
    assert f"c-{ids[0]}" in raw
    app.button(key="run-close").click().run()
    assert "run" not in app.query_params
    assert not app.code


def test_attempts_are_shown_one_by_one(history: Desk, open_screen: Open) -> None:
    now, agent = history.clock(), PEOPLE[0].id
    tries = tuple(an_exchange(agent, status, FORBIDDEN, now, "c-1", n) for n, status in enumerate((503, None, 403), start=1))
    run = add_run(history, 0, settled={"exchanges": tries})
    app = open_screen("runs", run=run.id)
    assert app.segmented_control[0].options == ["1: 503", "2: no answer", "3: 403"]
    app.segmented_control[0].set_value(1).run()
    assert "no answer: timeout" in "\n".join(block.value for block in app.code)


def test_a_run_that_is_not_there_is_a_sentence_and_the_list_stays(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", run="run-nowhere")
    assert not app.exception
    assert "There is no run" in words(app)
    assert len(app.dataframe[0].value) == 50


def test_a_run_whose_exchange_is_not_kept_is_not_said_to_have_sent_nothing(history: Desk, open_screen: Open) -> None:
    run = add_run(history, 0, settled={"exchanges": ()})
    said = words(open_screen("runs", run=run.id))
    assert "are not stored with this run" in said
    assert "Nothing was sent" not in said


def test_a_retry_fills_in_the_plan_and_sends_nothing(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs", run=ids[0])
    app.button(key="run-retry").click().run()
    draft = history.plans.draft(VISITOR)
    assert draft is not None
    assert draft.selection.agents == (PEOPLE[0].id,)
    assert draft.ticket == "CHG-1042"
    assert len(history.windows.newest()) == 1


def test_a_run_that_worked_offers_no_retry(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs", run=ids[1])
    assert "take out worked" in words(app)
    assert "run-retry" not in keys(app)


def test_a_viewer_reads_everything_and_retries_nothing(real_desk: Desk, open_screen: Open) -> None:
    app = open_screen("runs", user=somebody(), run=add_run(real_desk, 0).id)
    assert not app.exception
    assert app.button(key="run-retry").disabled


def test_nothing_yet_teaches_the_first_step(desk: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    assert not app.exception
    assert "No agent has been updated yet" in words(app)


def test_a_filter_that_matches_nothing_offers_to_look_further(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", q="nobody of that name")
    assert "No run matches these filters in the last 24 hours" in words(app)
    app.button(key="runs-widen").click().run()
    assert app.query_params["time"] == "all"
    assert app.query_params["q"] == "nobody of that name"
    assert asked[0].since is None


def test_a_database_that_can_not_be_read_is_a_sentence(history: Desk, open_screen: Open) -> None:
    with failing(history):
        app = open_screen("runs")
    assert not app.exception
    assert "locked by another program" in words(app)
    next(button for button in app.button if button.label == "Try again").click().run()
    assert len(app.dataframe[0].value) == 50


def test_an_agent_is_found_by_name_and_two_of_a_name_are_asked_about(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    several = next(one.name.split()[0] for one in PEOPLE if len(history.agents.search(one.name.split()[0])) > 1)
    app.text_input(key="runs-agent").set_value(several).run()
    assert "agent" not in app.query_params
    assert "matches" in words(app)
    app.text_input(key="runs-agent").set_value(PEOPLE[3].name).run()
    assert app.query_params["agent"] == PEOPLE[3].id
    assert shown(app) == [PEOPLE[3].name]
    app.text_input(key="runs-agent").set_value("gone-42").run()
    assert app.query_params["agent"] == "gone-42"


def test_a_status_that_is_none_is_said_and_not_filtered(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", status="403")
    app.text_input(key="runs-status").set_value("forbidden").run()
    assert "status" not in app.query_params
    assert "not an HTTP status" in words(app)


def test_filters_survive_the_menu(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed")
    app.switch_page(str(ROOT / "pages" / "failures.py")).run()
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / "runs.py")).run()
    assert asked[0].outcome is Outcome.FAILED
    assert app.query_params["outcome"] == "failed"


def test_a_group_links_to_its_runs(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    fingerprint = the_group(history).fingerprint
    app = open_screen("runs", failure=fingerprint, time="all")
    assert asked[0].fingerprint == fingerprint
    assert len(app.dataframe[0].value) == 40


def tick(app: AppTest, rows: list[int]) -> None:
    """Ticks rows of the table, as the browser reports it."""
    key, _ = app.session_state["runs-table-now"]
    app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    app.run()


def test_ticked_rows_can_be_planned_again_exported_and_quoted(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs")
    assert "ticked" not in words(app)
    tick(app, [0, 1, 3])
    assert "3 runs ticked" in words(app)
    assert any(f"c-{ids[1]}" in block.value and f"c-{ids[3]}" in block.value for block in app.code)
    # One of the three worked: there is nothing to retry of it.
    app.button(key="runs-retry-selected").click().run()
    draft = history.plans.draft(VISITOR)
    assert draft is not None
    assert draft.selection.agents == (PEOPLE[0].id, PEOPLE[3].id)


def test_ticked_rows_without_a_failure_offer_no_retry(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    tick(app, [1, 2])
    assert app.button(key="runs-retry-selected").disabled


def test_the_chart_tells_causes_apart_when_the_address_asks_for_it(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", chart="causes")
    assert not app.exception
    assert app.segmented_control(key="runs-chart").value == "causes"
    app.segmented_control(key="runs-chart").set_value("outcomes").run()
    assert "chart" not in app.query_params
    app = open_screen("runs", chart="pie")
    assert any("chart" in warning.value and "outcomes or causes" in warning.value for warning in app.warning)


def test_it_says_what_the_list_is_sorted_by(history: Desk, open_screen: Open) -> None:
    assert "Sorted by time, newest first. Time, outcome, cause, status and code have an index" in words(open_screen("runs"))


def test_the_whole_list_is_sorted_by_the_address(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed")
    app.selectbox(key="runs-sort").set_value("oldest").run()
    assert app.query_params["sort"] == "oldest"
    assert list(app.dataframe[0].value["time"]) == sorted(app.dataframe[0].value["time"])
    app = open_screen("runs", sort="-status")
    assert list(app.dataframe[0].value["status"])[:40] == [403] * 40
    app.button(key="runs-older").click().run()
    assert app.query_params["sort"] == "-status"
    assert "cursor" in app.query_params
    app.selectbox(key="runs-sort").set_value("newest").run()
    assert not {"sort", "cursor"} & set(app.query_params)
    app = open_screen("runs", sort="agent")
    assert any("sort" in warning.value and "oldest" in warning.value for warning in app.warning)


def test_much_nonsense_is_one_box(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", outcome="exploded", status="9", foo="1", time="3w", cursor="gibberish")
    (box,) = app.warning
    assert box.value.count("left out") == 4
    assert "the first page is shown" in box.value


def test_the_chart_is_that_of_the_filter_or_says_that_it_is_not(history: Desk, open_screen: Open) -> None:
    assert "chart shows all" not in words(open_screen("runs", outcome="failed"))
    assert "the chart shows all: 40 of 120 runs" in words(open_screen("runs", agent=PEOPLE[0].id))


def test_a_search_for_signs_alone_says_what_is_looked_for(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs", q="({[%")
    assert not app.exception
    assert "letters and digits" in words(app)


def test_a_view_is_kept_opened_and_forgotten(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", outcome="failed", time="7d")
    app.text_input(key="runs-view-name").set_value("Failures of the week")
    app.button(key="runs-view-save").click().run()
    (view,) = history.saved_views.all(VISITOR)
    assert (view.name, dict(view.query)) == ("Failures of the week", {"outcome": "failed", "time": "7d"})
    app.button(key="runs-clear").click().run()
    assert "outcome" not in app.query_params
    app.button(key="view-open-0").click().run()
    assert app.query_params["outcome"] == "failed"
    assert asked[0].outcome is Outcome.FAILED
    app.button(key="view-forget-0").click().run()
    assert history.saved_views.all(VISITOR) == ()


def test_a_view_needs_a_name(history: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    app.button(key="runs-view-save").click().run()
    assert history.saved_views.all(VISITOR) == ()
    assert any("name is missing" in warning.value for warning in app.warning)


def test_runs_opens_with_the_default_view_unless_the_address_says_otherwise(
    history: Desk, asked: list[RunFilter], open_screen: Open
) -> None:
    history.saved_views.save("Failures", {"outcome": "failed", "time": "7d"}, VISITOR, is_default=True)
    app = open_screen("runs")
    assert asked[0].outcome is Outcome.FAILED
    assert app.query_params["outcome"] == "failed"
    app.button(key="runs-clear").click().run()
    assert asked[0].outcome is None, "who lets the filters go is not given them back"
    open_screen("runs", status="200")
    assert (asked[0].outcome, asked[0].status) == (None, 200)
    app = open_screen("runs", time="7d")
    app.button(key="view-default-0").click().run()
    assert history.saved_views.default(VISITOR) is None


def test_a_team_that_is_not_there_is_named_and_left_out(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", team="Nobodies")
    assert any("Nobodies" in warning.value for warning in app.warning)
    assert asked[0].agents is None
    team = ORGANIZATION.teams[1].name
    app = open_screen("runs", team=team)
    members = {person.id for person in PEOPLE if person.team is not None and person.team.name == team}
    assert set(asked[0].agents or ()) == members
    assert f"team **{team}**" in words(app)


def test_a_team_is_kept_where_nobody_can_say_whether_there_is_one(worlds: Worlds, serve: Serve, open_screen: Open) -> None:
    with worlds.fresh(many_runs) as world:
        desk = serve(world.desk())
        world.network.down = True
        inside(desk).connections.forget_reads(tokens=True)
        app = open_screen("runs", team="Nobodies")
    assert not app.exception
    assert app.query_params["team"] == "Nobodies"
    assert not any("Nobodies" in warning.value for warning in app.warning)
    assert "The tenant can't be reached" in words(app)


def test_whether_a_retry_can_help_and_the_window_reach_the_desk(
    history: Desk, asked: list[RunFilter], open_screen: Open
) -> None:
    app = open_screen("runs", retryable="no", window="2026-11-23T14:30Z")
    assert asked[0].retryable is False
    assert asked[0].window_at == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    app.selectbox(key="runs-retryable").set_value("yes").run()
    assert asked[0].retryable is True


def test_a_run_that_was_closed_opens_again_and_ticks_stay(history: Desk, ids: list[str], open_screen: Open) -> None:
    app = open_screen("runs", run=ids[3])
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


def test_the_names_of_a_filter_do_not_hide_how_many_match(history: Desk, open_screen: Open) -> None:
    said = words(open_screen("runs", outcome="failed"))
    assert "**40 match** :gray[in the last 24 hours]" in said


def test_what_this_tenant_does_not_have_is_named_and_left_out(history: Desk, asked: list[RunFilter], open_screen: Open) -> None:
    app = open_screen("runs", operation="gone", failure="gone", status="403")
    (box,) = app.warning
    assert "no such operation in this tenant" in box.value.replace("\\", "")
    assert "no such failure group" in box.value
    assert (asked[0].operation_id, asked[0].fingerprint, asked[0].status) == (None, None, 403)
