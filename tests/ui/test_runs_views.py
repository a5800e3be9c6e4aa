"""The run history as values: table, chart, what it finds, retry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from tests.ui.values import CAUSE, a_diagnosis, a_group, a_request, a_run, an_exchange, an_operation
from tests.ui.world import FORBIDDEN
from wfm.desk import CauseSeries
from wfm.domain.operations import Outcome, Phase, RunPage
from wfm.domain.plans import RouteName
from wfm.domain.sentences import join_words, quantity
from wfm.domain.windows import WindowSpec
from wfm.ui.components import payloads
from wfm.ui.components.diagnosis import cause_word
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.payloads import request_line
from wfm.ui.components.tables import chosen_row, table_height, ticked_rows
from wfm.ui.screens.runs.causes import Causes, labels, picked_cause, tints
from wfm.ui.screens.runs.causes import finding as finding_of_causes
from wfm.ui.screens.runs.chart import MAX_BARS, Spread, chart_range, over_time_spec, step_for
from wfm.ui.screens.runs.model import can_retry, frame
from wfm.ui.screens.runs.panel import permalink
from wfm.ui.screens.runs.selection import correlation_ids
from wfm.ui.screens.runs.sentences import finding, matching_text, search_limit_text, text_alternative, what_now
from wfm.ui.shell.replan import retry_request

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


# --- table --------------------------------------------------------------------------------------------------------------


def test_the_table_has_the_columns_that_people_look_for_in_their_zone() -> None:
    run = a_run(started_at=datetime(2026, 11, 23, 23, 30, 2, tzinfo=UTC), attempts=3, duration_ms=1041)
    data = frame([run], BERLIN)
    assert list(data.columns) == [
        "time",
        "agent",
        "route",
        "operation",
        "outcome",
        "status",
        "code",
        "cause",
        "ms",
        "tries",
        "correlation",
    ]
    row = data.iloc[0]
    assert row["time"] == pd.Timestamp("2026-11-24 00:30:02")
    assert row["outcome"] == ["failed"]
    assert row["cause"] == "missing scope: wfm:schedule:update"
    assert (row["status"], row["ms"], row["tries"]) == (403, 1041, 3)


def test_what_is_unknown_is_missing_and_not_zero() -> None:
    data = frame([a_run(outcome=Outcome.SKIPPED, status=None, duration_ms=None, note="off shift by then")], BERLIN)
    assert pd.isna(data.iloc[0]["status"])
    assert pd.isna(data.iloc[0]["ms"])
    assert data.iloc[0]["cause"] == "off shift by then"


def test_the_route_names_the_action_and_the_way_back() -> None:
    routes = frame([a_run(), a_run(phase=Phase.RESTORE), a_run(route="data_action", action="set_agent_unavailable")], BERLIN)[
        "route"
    ]
    assert list(routes) == ["availability", "availability (restore)", "set_agent_unavailable"]


def test_examples_and_runs_by_hand_are_marked() -> None:
    alone = a_run(operation_id=None, operation_title="")
    operations = frame(
        [a_run(example=True), a_run(example=True, operation_title="example: x"), alone, replace(alone, imported=True)], BERLIN
    )["operation"]
    assert list(operations) == ["DB upgrade · CHG-1042 (example)", "example: x", "by hand", "imported"]


def test_a_name_that_is_a_formula_is_text_in_the_table_that_can_be_downloaded() -> None:
    table = frame([a_run(agent_name="=HYPERLINK(1)", code="+1", correlation_id="@x")], BERLIN)
    assert [table[name][0] for name in ("agent", "code", "correlation")] == ["'=HYPERLINK(1)", "'+1", "'@x"]


def test_the_method_stands_once_before_an_address() -> None:
    exchange = an_exchange(a_run())
    assert request_line(exchange).startswith("PATCH http://127.0.0.1:8808/api")
    assert request_line(replace(exchange, url="PATCH /api/v2/x")) == "PATCH /api/v2/x"


def test_a_run_has_an_address_of_its_own() -> None:
    assert permalink("38h2", "https://desk.example/runs?time=7d&run=x#top") == "https://desk.example/runs?run=38h2"


def test_an_empty_table_is_a_table() -> None:
    assert len(frame([], BERLIN)) == 0


def test_a_cause_without_names_is_its_kind() -> None:
    assert cause_word(a_run(missing=())) == "missing scope"
    assert cause_word(a_run(kind=None, cause="", note="looked back: not applied")) == "looked back: not applied"


def test_a_selection_becomes_a_row_or_nothing() -> None:
    assert chosen_row({"selection": {"cells": [(3, "agent")], "rows": []}}) == 3
    assert chosen_row({"selection": {"rows": [2]}}) is None, "a ticked row is not an opened one"
    assert ticked_rows({"selection": {"rows": [4, 2]}}) == [2, 4]
    assert ticked_rows(None) == []
    assert chosen_row({"selection": {"cells": [], "rows": []}}) is None
    assert chosen_row(None) is None


def test_a_short_table_has_no_empty_rows_and_a_long_one_shows_that_it_goes_on() -> None:
    assert table_height(3, 14) == 31 * 4 + 2
    assert table_height(50, 14) == table_height(14, 14) + 15


# --- over time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0.1, 1, 24, 24 * 7, 24 * 30, 24 * 365])
def test_a_chart_has_few_enough_bars(hours: float) -> None:
    step = step_for(NOON - timedelta(hours=hours), NOON)
    assert hours * 60 / step <= MAX_BARS


def spread(*points: tuple[int, Outcome, int], step: int = 30) -> Spread:
    return Spread(
        since=NOON - timedelta(hours=24),
        until=NOON,
        step_minutes=step,
        points=[(NOON - timedelta(minutes=ago), outcome, n) for ago, outcome, n in points],
    )


def test_the_title_says_what_the_chart_shows() -> None:
    word = "in the last 24 hours"
    assert finding(spread(), word, BERLIN) == "No runs in the last 24 hours"
    assert finding(spread((60, Outcome.APPLIED, 48)), word, BERLIN) == "None of 48 runs in the last 24 hours failed"
    one = finding(spread((60, Outcome.APPLIED, 2), (60, Outcome.FAILED, 1)), word, BERLIN)
    assert one == "1 of 3 runs in the last 24 hours failed, it did between 12:00 and 12:30"
    every = finding(spread((60, Outcome.FAILED, 9)), word, BERLIN)
    assert every == "9 of 9 runs in the last 24 hours failed, all of them between 12:00 and 12:30"
    most = finding(spread((60, Outcome.FAILED, 9), (120, Outcome.FAILED, 3)), word, BERLIN)
    assert most.endswith("failed, 9 of them between 12:00 and 12:30")
    even = finding(spread((60, Outcome.FAILED, 4), (120, Outcome.FAILED, 4), (180, Outcome.FAILED, 4)), word, BERLIN)
    assert even == "12 of 12 runs in the last 24 hours failed"


def test_the_title_counts_the_runs_of_the_time_and_not_those_of_whole_bars() -> None:
    whole_bars = spread((60, Outcome.FAILED, 9), (60, Outcome.APPLIED, 4))
    exact = replace(whole_bars, exact={Outcome.FAILED: 7, Outcome.APPLIED: 4})
    assert finding(exact, "today", BERLIN) == "7 of 11 runs today failed, all of them between 12:00 and 12:30"
    assert finding(replace(whole_bars, exact={}), "today", BERLIN) == "No runs today"


def test_the_title_does_not_hide_what_is_unconfirmed() -> None:
    points = spread((60, Outcome.APPLIED, 4), (60, Outcome.UNCONFIRMED, 2))
    assert finding(points, "so far", BERLIN) == "None of 6 runs so far failed, 2 unconfirmed"


def test_days_are_named_by_their_date() -> None:
    assert "on 22 Nov" in finding(spread((2880, Outcome.FAILED, 3), step=1440), "in the last 30 days", BERLIN)


def test_the_chart_in_words_is_the_newest_first_and_says_what_it_leaves_out() -> None:
    words = text_alternative(spread((60, Outcome.APPLIED, 2), (60, Outcome.FAILED, 4), (120, Outcome.APPLIED, 1)), BERLIN)
    assert words == "12:00: 2 applied, 4 failed; 11:00: 1 applied"
    many = text_alternative(spread(*[(30 * n, Outcome.APPLIED, 1) for n in range(1, 20)]), BERLIN, most=5)
    assert many.endswith("and 14 earlier bars")


def test_the_chart_is_drawn_upright_on_the_viewers_clock() -> None:
    drawn = over_time_spec(spread((60, Outcome.FAILED, 4), (60, Outcome.APPLIED, 2), (120, Outcome.SKIPPED, 0)), BERLIN)
    assert drawn["mark"]["orient"] == "vertical"
    rows = drawn["data"]["values"]
    assert [(row["from"], row["outcome"], row["runs"]) for row in rows] == [
        ("2026-11-24T12:00:00", "failed", 4),
        ("2026-11-24T12:00:00", "applied", 2),
    ]


def test_a_filter_without_beginning_still_has_a_chart() -> None:
    since, until = chart_range(None, None, NOON)
    assert until == NOON
    assert until - since == timedelta(days=400)
    assert chart_range(None, None, NOON, NOON - timedelta(days=3)) == (NOON - timedelta(days=3), NOON)
    assert chart_range(None, None, NOON, NOON - timedelta(days=900)) == (NOON - timedelta(days=400), NOON)
    assert chart_range(None, None, NOON, NOON - timedelta(minutes=2)) == (NOON - timedelta(hours=1), NOON)
    assert chart_range(NOON - timedelta(hours=1), NOON + timedelta(hours=4), NOON) == (NOON - timedelta(hours=1), NOON)


def test_a_count_that_is_not_exact_says_so() -> None:
    page = RunPage(runs=(), newer=None, older=None, total=None, at_least=10_000)
    assert matching_text(page, narrowed=True) == "10,000+ match"
    assert matching_text(replace(page, total=7), narrowed=True) == "7 match"
    assert matching_text(page, narrowed=False) == ""


# --- what to do ---------------------------------------------------------------------------------------------------------


def test_every_outcome_has_a_next_step() -> None:
    for outcome in Outcome:
        for phase in Phase:
            words = what_now(a_run(outcome=outcome, phase=phase), None)
            assert words.endswith(".")
    assert "never sent again automatically" in what_now(a_run(outcome=Outcome.UNCONFIRMED), None)


def test_a_retry_is_advised_only_where_it_can_help() -> None:
    assert "Fix the cause first" in what_now(a_run(), a_diagnosis())
    assert "may work later" in what_now(a_run(), a_diagnosis(retryable=True))
    assert "may still be out" in what_now(a_run(phase=Phase.RESTORE), a_diagnosis())


def test_only_a_failed_update_that_takes_out_becomes_a_plan() -> None:
    assert can_retry(a_run())
    assert not can_retry(a_run(outcome=Outcome.APPLIED))
    # A new plan for an agent who could not be brought back would take him out once more.
    assert not can_retry(a_run(phase=Phase.RESTORE))
    assert not can_retry(a_run(agent_id=""))


def test_a_retry_keeps_what_is_left_of_the_window() -> None:
    operation = an_operation(starts_in=timedelta(minutes=-8), lasts=timedelta(minutes=30)).operation
    request = retry_request(["a0001", "a0001", "a0002"], operation, datetime.now(UTC))
    assert request.selection.agents == ("a0001", "a0002")
    assert request.selection.teams == ()
    assert request.window.minutes is not None
    assert 20 <= request.window.minutes <= 22
    assert request.ticket == "CHG-1042"


def test_a_retry_of_a_window_to_come_keeps_it_and_of_one_that_is_over_asks_for_half_an_hour() -> None:
    now = datetime.now(UTC)
    coming = an_operation(starts_in=timedelta(hours=3)).operation
    kept = retry_request(["a0001"], coming, now).window.resolve(now)
    assert (kept.start, kept.end) == (coming.window.start, coming.window.end)
    over = an_operation(starts_in=timedelta(hours=-3)).operation
    assert retry_request(["a0001"], over, now).window == WindowSpec(minutes=30, zone="Europe/Berlin")


def test_a_retry_of_a_correction_keeps_the_past() -> None:
    past = WindowSpec(
        start=datetime(2026, 11, 20, 9, tzinfo=UTC), end=datetime(2026, 11, 20, 10, tzinfo=UTC), zone="Europe/Berlin"
    )
    view = an_operation(starts_in=timedelta(days=-4), route=RouteName.ADHERENCE, request=a_request(window=past))
    assert retry_request(["a0001"], view.operation, datetime.now(UTC)).window == past


def test_a_retry_without_an_operation_takes_the_route_of_the_run() -> None:
    run = a_run(operation_id=None, route="data_action", action="set_agent_unavailable")
    request = retry_request(["a0001"], None, datetime.now(UTC), run)
    assert (request.route, request.action) == (RouteName.DATA_ACTION, "set_agent_unavailable")


# --- raw ----------------------------------------------------------------------------------------------------------------


def test_payloads_are_readable_and_never_show_a_secret() -> None:
    assert payloads.pretty('{"a":1}') == '{"a": 1}'
    assert payloads.pretty(FORBIDDEN).count("\n") == 3
    assert payloads.pretty("<html>no</html>") == "<html>no</html>"
    assert payloads.pretty(None) == "(empty)"
    assert payloads.pretty("") == "(empty)"
    assert "hunter2" not in payloads.pretty('{"client_secret": "hunter2hunter2"}')
    assert "hunter2" not in payloads.headers({"Authorization": "Bearer hunter2hunter2"})
    assert "[" * 500 in payloads.pretty("[" * 5000)


def test_a_long_payload_is_cut_and_says_so() -> None:
    text = payloads.pretty("x" * 50_000)
    assert len(text) < 21_000
    assert "30,000 more characters" in text


def test_an_attempt_without_answer_says_why() -> None:
    silent = replace(an_exchange(a_run()), status=None, fault="timeout", duration_ms=10_012)
    assert payloads.answer_line(silent) == "no answer: timeout after 10.0 s"


def test_an_attempt_that_nobody_measured_has_no_duration() -> None:
    assert payloads.answer_line(replace(an_exchange(a_run()), status=403, duration_ms=0)) == "403"


# --- words --------------------------------------------------------------------------------------------------------------


def test_text_of_others_is_never_markdown() -> None:
    evil = "**b** [x](http://e) :red[y] $z$ <b> `c` # h"
    for sign in "*[]():$<>`#":
        assert f"\\{sign}" in escape_markdown(evil)
    assert escape_markdown("two\n\nlines") == "two lines"
    assert code("a`b") == "`` a`b ``"
    assert code(CAUSE) == f"`{CAUSE}`"


def test_counts_and_lists_read_well() -> None:
    assert (quantity(1, "run"), quantity(12_431, "run"), quantity(2, "try", "tries")) == ("1 run", "12,431 runs", "2 tries")
    assert (join_words(["a"]), join_words(["a", "b", "c"]), join_words([])) == ("a", "a, b and c", "")


# --- causes -------------------------------------------------------------------------------------------------------------


def a_series(fingerprint: str, *counts: int, **changes: object) -> CauseSeries:
    points = tuple((NOON + timedelta(minutes=5 * step), n) for step, n in enumerate(counts))
    return CauseSeries(group=a_group(fingerprint=fingerprint, **changes), points=points)


def test_the_causes_are_named_by_what_is_missing_and_told_apart_by_their_call() -> None:
    one, other = a_series("a", 3), a_series("b", 2, call="POST /api/v2/integrations/actions/{actionId}/execute")
    assert labels([one]) == ["missing scope: wfm:schedule:update"]
    assert labels([one, other]) == [
        "missing scope: wfm:schedule:update (PATCH …/availability)",
        "missing scope: wfm:schedule:update (POST …/execute)",
    ]


def test_the_finding_names_the_cause_that_stands_for_most() -> None:
    two = Causes(series=(a_series("a", 3, 4), a_series("b", 2)), others=0)
    assert finding_of_causes(two, "today") == "9 failed today for 2 causes; 7 of them: missing scope: wfm:schedule:update"
    many = Causes(series=(a_series("a", 3),), others=5)
    assert finding_of_causes(many, "today").startswith("8 failed today for more than 1 cause; 3 of them")
    assert finding_of_causes(Causes(series=(), others=0), "today") == "No run today failed for a known cause"


def test_a_click_on_a_cause_gives_its_group() -> None:
    known = {"missing scope": "a"}
    assert picked_cause({"selection": {"pick": [{"cause": "missing scope"}]}}, known) == "a"
    assert picked_cause({"selection": {"pick": [{"cause": "strange"}]}}, known) is None
    assert picked_cause(None, known) is None


def test_tints_differ_and_begin_with_the_colour_of_failure() -> None:
    found = tints("#cf2f37", 5)
    assert found[0] == "#cf2f37"
    assert len(set(found)) == 5
    assert tints("#cf2f37", 1) == ["#cf2f37"]


def test_correlation_ids_are_listed_once_each() -> None:
    runs = [a_run(1), a_run(1), a_run(2), a_run(3, correlation_id=None)]
    assert correlation_ids(runs) == [runs[0].correlation_id, runs[2].correlation_id]


def test_a_search_without_an_index_says_how_far_it_looked() -> None:
    page = RunPage(runs=(), newer=None, older="o123", total=None, at_least=0, searched_to=NOON)
    said = search_limit_text(page, BERLIN, NOON)
    assert "it reached 13:00:00. Older searches on" in said
    assert "Newer searches on" in search_limit_text(replace(page, older=None, newer="n1"), BERLIN, NOON)
    assert search_limit_text(replace(page, searched_to=None), BERLIN, NOON) == ""


def test_a_bar_of_a_week_is_not_called_a_day() -> None:
    start = NOON - timedelta(days=5)
    week = Spread(since=NOON - timedelta(days=90), until=NOON, step_minutes=10_080, points=[(start, Outcome.FAILED, 34)])
    assert finding(week, "so far", BERLIN).endswith("all of them in the 7 days from 19 Nov")
    day = replace(week, step_minutes=1440)
    assert finding(day, "so far", BERLIN).endswith("all of them on 19 Nov")
