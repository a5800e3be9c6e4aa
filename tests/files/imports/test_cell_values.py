"""What stands in a cell: times, numbers, statuses and outcomes in the forms that programs and people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.imports.support import AT, NOW, csv_of, fresh, lines_of
from wfm.domain.errors import BadInput
from wfm.domain.imported_runs import same_text
from wfm.domain.operations import Outcome
from wfm.files.imports.cell_values import NoTime, instant, milliseconds, number_of, outcome_of, status_of

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20 10:00:00 UTC",
        "2026-11-20T11:00:00+01:00",
        "2026-11-20T11:00:00+0100",
        "2026-11-20 05:00:00 -0500",
        "2026-11-20T10:00:00.000000000Z",
        "2026-11-20T10:00:00,000Z",
        "20261120T100000Z",
        1795168800,
        1795168800.0,
        1795168800000,
        "1795168800000",
        "1795168800",
        "1795168800,000",
        "1795168800000000",
        "1795168800000000000",
        "Fri, 20 Nov 2026 10:00:00 +0000",
        "Fri, 20 Nov 2026 11:00:00 +0100",
        "20.11.2026 11:00:00 +01:00",
        "20/11/2026 10:00:00 UTC",
        "11/20/2026 10:00:00 AM UTC",
        "Nov 20, 2026 10:00:00 UTC",
        datetime(2026, 11, 20, 11, 0, tzinfo=BERLIN),
    ],
)
def test_an_instant_is_read_whatever_its_form(given: object) -> None:
    assert instant(given, None) == TEN


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20 11:00",
        "2026-11-20T11:00:00",
        "20261120110000",
        "20.11.2026 11:00",
        "20.11.2026, 11:00:00",
        "20/11/2026 11:00",
        "11/20/2026 11:00:00 AM",
        "Nov 20, 2026, 11:00:00 AM",
        "46346.458333333336",
        "46346,458333333336",
        "Fri, 20 Nov 2026 11:00:00",
    ],
)
def test_a_wall_clock_is_nobodys_until_its_zone_is_declared(given: str) -> None:
    with pytest.raises(NoTime, match="names no zone") as caught:
        instant(given, None)
    assert caught.value.needs_zone
    assert instant(given, BERLIN) == TEN


def test_milliseconds_survive() -> None:
    assert instant("2026-11-20T10:00:00.123456Z", None).microsecond == 123456
    assert instant(1795168800123, None).microsecond == 123000
    assert instant("20.11.2026 10:00:00,5 Z", None).microsecond == 500000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("yesterday", "can't be read"),
        ("2026-13-40T10:00:00Z", "can't be read"),
        ("03/04/2026 10:00 UTC", "the other way round"),
        ("1969-01-01T00:00:00Z", "not between"),
        ("12", "not between"),
        ("9" * 400, "can't be read"),
        ("nan", "can't be read"),
        ("inf", "can't be read"),
        ("2026-03-29T02:30:00", "does not exist"),
        (True, "can't be read"),
        ({"a": 1}, "can't be read"),
        ("99999999999999999999999", "can't be read"),
    ],
)
def test_what_is_no_instant_is_said(given: object, says: str) -> None:
    with pytest.raises(NoTime, match=says):
        instant(given, BERLIN)


def test_where_the_clocks_go_back_the_first_is_meant() -> None:
    assert instant("2026-10-25 02:30", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.lists(st.integers())))
def test_no_cell_breaks_the_reading(given: object) -> None:
    try:
        found = instant(given, BERLIN)
    except NoTime:
        found = NOW
    assert found.tzinfo is UTC
    assert number_of(given) is None or isinstance(number_of(given), float)
    assert 0 <= (milliseconds(given) or 0) <= 2_000_000_000
    assert status_of(given) is None or 100 <= (status_of(given) or 0) <= 599
    assert outcome_of(given, None, "") in [outcome.value for outcome in Outcome]


@given(st.integers(0, 3_000_000_000_000))
def test_every_instant_comes_back_from_the_forms_programs_write(milliseconds_since_2001: int) -> None:
    at = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds_since_2001)
    assert instant(at.isoformat(), None) == at
    assert instant(at.astimezone(BERLIN).isoformat(), None) == at
    assert instant(round(at.timestamp() * 1000), None) == at


@pytest.mark.parametrize(
    ("given", "comma", "expected"),
    [
        ("12,5", False, 12.5),
        ("12,5", True, 12.5),
        ("12.5", True, 12.5),
        ("1,234", False, 1234.0),
        ("1,234", True, 1.234),
        ("1.234", False, 1.234),
        ("1.234", True, 1234.0),
        ("1.234.567", False, 1234567.0),
        ("1,234.5", False, 1234.5),
        ("1.234,5", True, 1234.5),
        ("1'234", False, 1234.0),
        ("-3", False, -3.0),
        ("", False, None),
        ("abc", False, None),
        ("1e999", False, None),
    ],
)
def test_numbers(given: str, comma: bool, expected: float | None) -> None:
    assert number_of(given, decimal_comma=comma) == expected


def test_durations_with_their_unit() -> None:
    assert [milliseconds(one) for one in ("350", "350ms", "1.5 s", "1,5 s", "2 seconds", "", None, "-5", 12)] == [
        *(350, 350, 1500, 1500, 2000, None, None, 0, 12)
    ]


def test_statuses() -> None:
    assert [status_of(one) for one in (403, "403", "403.0", "HTTP/1.1 403 Forbidden", "403 Forbidden", "403,0")] == [403] * 6
    assert [status_of(one) for one in ("", "99", "600", "4030", "forbidden", None, -403)] == [None] * 7


@pytest.mark.parametrize(
    ("word", "status", "code", "expected"),
    [
        ("Erfolgreich", None, "", "applied"),
        ("ÉCHEC", None, "", "failed"),
        (True, None, "", "applied"),
        (False, 200, "", "failed"),
        ("success", 403, "", "failed"),
        ("", 204, "", "applied"),
        ("", 200, "quota", "failed"),
        ("", None, "", "unconfirmed"),
        ("Skipped", None, "", "skipped"),
        ("not applied, sent again", 500, "internal.server.error", "not applied, sent again"),
    ],
)
def test_outcomes(word: object, status: int | None, code: str, expected: str) -> None:
    assert outcome_of(word, status, code) == expected


def test_the_same_json_is_the_same_text_however_it_is_written() -> None:
    assert same_text('{"a": 1,\r\n "b": [2]}') == same_text('{"b":[2],"a":1}')
    assert same_text(" plain\r\ntext ") == same_text("plain\ntext")


def test_a_zone_is_declared_for_the_file_or_by_the_name_of_the_column() -> None:
    text = "Time;User ID\n20.11.2026 11:00;u1\n"
    undeclared = fresh()
    runs, problems = csv_of(text, undeclared)
    assert (runs, undeclared.zone_missing) == ([], True)
    assert "Say which zone" in problems[2]
    declared = fresh(zone="Europe/Berlin")
    runs, problems = csv_of(text, declared)
    assert ([run.time for run in runs], problems, declared.zone_missing) == ([TEN], {}, False)
    runs, _ = csv_of("Timestamp (UTC),userId\n2026-11-20 10:00,u1\n")
    assert [run.time for run in runs] == [TEN]
    with pytest.raises(BadInput, match="Middle/Nowhere"):
        fresh(zone="Middle/Nowhere")


def test_a_time_in_the_future_is_not_believed() -> None:
    ahead = NOW.replace(year=2027).isoformat()
    runs, problems = lines_of(f'{{"time": "{ahead}", "userId": "u1"}}\n{{"time": "{AT}", "userId": "u2"}}\n')
    assert ([run.agent_id for run in runs], list(problems)) == (["u2"], [1])
    assert "future" in problems[1]


def test_a_status_may_be_a_word_for_what_came_of_it() -> None:
    words = ["success", "Failed", "timeout", "200", "skipped", "strange", "0"]
    runs, problems = lines_of("\n".join(f'{{"time": "{AT}", "userId": "u", "status": "{word}"}}' for word in words))
    assert [(run.outcome, run.status) for run in runs] == [
        *(("applied", None), ("failed", None), ("failed", None), ("applied", 200), ("skipped", None)),
    ]
    assert list(problems) == [6, 7]
