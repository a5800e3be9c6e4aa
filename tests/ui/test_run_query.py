"""The Runs screen's state in the URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Outcome, Phase, RunFilter, RunOrder
from wfm.ui.components.run_query import (
    DEFAULT_PRESET,
    EXACT,
    NAMES,
    OTHER_NAMES,
    PRESETS,
    Chart,
    RunQuery,
    changed,
    filter_params,
    read_query,
    with_preset,
    with_range,
    write_query,
)

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
WHOLE = RunFilter(
    since=NOW - timedelta(hours=3),
    until=NOW,
    outcome=Outcome.FAILED,
    kind=Kind.MISSING_SCOPE,
    route="availability",
    action="set_agent_unavailable",
    operation_id="op-1",
    agent_id="agent-1",
    status=403,
    code="forbidden",
    correlation_id="5b2e",
    fingerprint="f00d",
    phase=Phase.APPLY,
    text='"100%" & more = fun',
    retryable=False,
    team="Team “Retention”",
    window_at=NOW,
)


def test_every_filter_goes_into_the_url_and_comes_back() -> None:
    query = RunQuery(preset=EXACT, chosen=WHOLE, cursor="o:abc", run="run-1", chart=Chart.CAUSES, order=RunOrder.CODE)
    params = write_query(query)
    assert set(params) == NAMES - {"time"}
    assert read_query(params) == (query, ())


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != DEFAULT_PRESET])
def test_a_preset_is_a_word_in_the_url(preset: str) -> None:
    query = RunQuery(preset=preset)
    assert write_query(query) == {"time": preset}
    assert read_query({"time": preset}) == (query, ())


def test_the_default_leaves_the_url_empty() -> None:
    assert write_query(RunQuery()) == {}
    assert read_query({}) == (RunQuery(), ())


def test_presets_are_resolved_against_the_clock() -> None:
    assert RunQuery().resolve(NOW) == RunFilter(since=NOW - timedelta(hours=24))
    assert RunQuery(preset="all").resolve(NOW) == RunFilter()
    assert RunQuery(preset=EXACT, chosen=WHOLE).resolve(NOW) == WHOLE


@pytest.mark.parametrize(
    ("name", "given", "accepted"),
    [
        ("outcome", "exploded", "applied"),
        ("cause", "gremlins", "missing_scope"),
        ("route", "teleport", "availability"),
        ("status", "9000", "100 to 599"),
        ("status", "٤٠٣", "100 to 599"),
        ("status", "40 3", "100 to 599"),
        ("from", "yesterdayish", "2026-11-23T14:30Z"),
        ("to", "0000-00-00", "2026-11-23T14:30Z"),
        ("phase", "sideways", "apply or restore"),
        ("agent", "a" * 300, "200"),
        ("code", "a\x00b", "printable"),
        ("q", "x" * 500, "200 characters"),
        ("time", "fortnight", "7d"),
    ],
)
def test_nonsense_is_named_and_left_out(name: str, given: str, accepted: str) -> None:
    query, problems = read_query({name: given, "correlation": "5b2e"})
    assert query == RunQuery(chosen=RunFilter(correlation_id="5b2e"))
    (sentence,) = problems
    assert name in sentence
    assert accepted in sentence
    assert len(sentence) < 700


def test_the_names_that_people_write_by_hand_are_read_too() -> None:
    query, problems = read_query({"kind": "missing_scope", "text": "a b", "correlation_id": "5b2e", "since": "2026-11-23"})
    assert not problems
    assert write_query(query) == {
        "cause": "missing_scope",
        "q": "a b",
        "correlation": "5b2e",
        "from": "2026-11-23T00:00:00Z",
    }
    assert not set(OTHER_NAMES) & NAMES
    assert set(OTHER_NAMES.values()) <= NAMES


def test_an_unknown_name_is_told_and_streamlits_own_are_not() -> None:
    _, problems = read_query({"outcom": "failed", "embed": "true"})
    assert problems == ("The address says “outcom”, which is not a filter of this page: left out.",)


def test_a_time_that_ends_before_it_begins_gives_the_default() -> None:
    query, problems = read_query({"from": "2026-11-23T14:00Z", "to": "2026-11-23T13:00Z"})
    assert query == RunQuery()
    assert "ends before it begins" in problems[0]


def test_instants_take_any_offset_and_none_means_utc() -> None:
    for written in ("2026-11-23T15:30:00+01:00", "2026-11-23T15:30:00 01:00", "2026-11-23T14:30", "2026-11-23T14:30:00Z"):
        query, problems = read_query({"from": written})
        assert problems == ()
        assert query.chosen.since == NOW
        assert query.preset == EXACT


def test_one_open_end_is_an_exact_range() -> None:
    query, _ = read_query({"to": "2026-11-23T14:30Z"})
    assert query.resolve(NOW) == RunFilter(until=NOW)


def test_a_change_lets_the_place_and_the_opened_run_go() -> None:
    query = RunQuery(chosen=RunFilter(status=403), cursor="o:abc", run="run-1")
    assert changed(query, outcome=Outcome.FAILED) == RunQuery(chosen=RunFilter(status=403, outcome=Outcome.FAILED))
    assert with_preset(with_range(query, NOW, None), "7d") == RunQuery(preset="7d", chosen=RunFilter(status=403))
    assert with_range(query, None, None).preset == DEFAULT_PRESET


def test_narrowed_means_more_than_the_time_range() -> None:
    assert not RunQuery(preset=EXACT, chosen=RunFilter(since=NOW)).narrowed
    assert RunQuery(chosen=RunFilter(text="x")).narrowed


def test_a_filter_alone_gives_the_parameters_of_a_link() -> None:
    assert filter_params(RunFilter(fingerprint="f00d", outcome=Outcome.FAILED)) == {"outcome": "failed", "failure": "f00d"}


@given(st.dictionaries(st.sampled_from(sorted(NAMES)) | st.text(max_size=20), st.text(max_size=60), max_size=8))
def test_no_url_raises_and_what_is_kept_is_stable(params: dict[str, str]) -> None:
    query, problems = read_query(params)
    again, none = read_query(write_query(query))
    assert again == query
    assert none == ()
    assert all(sentence.endswith(".") for sentence in problems)


@pytest.mark.parametrize("word", ["true", "1", "Yes", "maybe"])
def test_whether_a_retry_can_help_is_yes_or_no(word: str) -> None:
    query, problems = read_query({"retryable": word})
    assert query.chosen.retryable is None
    assert "yes or no" in problems[0]
    assert read_query({"retryable": "yes"})[0].chosen.retryable is True


def test_what_is_said_twice_is_named() -> None:
    query, problems = read_query({"outcome": "applied"}, twice=["outcome", "utm_source"])
    assert query.chosen.outcome is Outcome.APPLIED
    assert problems == ("The address says “outcome” more than once: the last one counts. Accepted: one of each.",)
