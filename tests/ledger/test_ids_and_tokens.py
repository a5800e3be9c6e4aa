"""Ids sort by time; instants are exact; words are cut the same way for both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.ledger.ids import decode, encode, lowest_id, new_id
from wfm.ledger.search_words import document, fold, postgres_document, postgres_query, sqlite_query, words_of
from wfm.ledger.types import from_micros, to_micros

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MAX_INT64 = (1 << 63) - 1


@given(st.integers(0, MAX_INT64), st.integers(0, MAX_INT64))
def test_ids_read_back_and_sort_as_text(one: int, other: int) -> None:
    assert decode(encode(one)) == one
    assert (encode(one) < encode(other)) == (one < other)


@given(st.text(max_size=20))
def test_what_is_no_id_is_none(text: str) -> None:
    number = decode(text)
    assert number is None or encode(number) == text


def test_an_id_too_large_is_none() -> None:
    assert decode(encode(MAX_INT64)) == MAX_INT64
    assert decode("z" * 13) is None


def test_ids_count_up_within_a_millisecond_and_follow_the_clock() -> None:
    same = [new_id(NOON) for _ in range(1_000)]
    assert same == sorted(set(same))
    later = new_id(NOON + timedelta(milliseconds=1))
    assert same[-1] < later
    earlier = new_id(NOON - timedelta(days=400))
    assert earlier < same[0], "an id belongs to the time of its thing, whenever it is drawn"
    assert lowest_id(NOON) <= same[0] <= same[-1] < lowest_id(NOON + timedelta(milliseconds=1)) <= later


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_instants_are_exact(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at
    assert lowest_id(at) <= lowest_id(at + timedelta(milliseconds=1))


def test_an_instant_without_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wfm:schedule:update", ["wfm", "schedule", "update"]),
        ("maintenance_window", ["maintenance", "window"]),
        ("Aylin ŞAHİN", ["aylin", "sahin"]),
        ("Straße", ["strasse"]),
        ("Łódź øre", ["lodz", "ore"]),
        ("山田太郎x1", ["山", "田", "太", "郎", "x1"]),
        ("김민준", ["김", "민", "준"]),
        ("5b2e-77AA", ["5b2e", "77aa"]),
        ("!?…—", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(max_size=200))
def test_folding_is_done_once_and_words_are_plain(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    for word in words_of(text):
        assert words_of(word) == [word]
        assert not set(word) & set("'\"*:&|!()<> \x00\\")


def test_documents_are_bounded() -> None:
    assert len(document(["x " * 1_000_000, "last"])) == 2_000
    assert document([None, "", "a b", "c"]) == ["a", "b", "c"]
    assert postgres_document(["a", "b", "a"]) == "'a':1 'b':2 'a':3"


def test_queries() -> None:
    assert sqlite_query('say "wfm:up" x') == '"say" * AND "wfm up" * AND "x"'
    assert postgres_query('say "wfm:up" x') == "('say':*) & ('wfm' <-> 'up':*) & ('x')"
    assert sqlite_query(" -- ") is None
    assert postgres_query("") is None
