"""JSON between words, whole or broken off."""

from __future__ import annotations

import json
import re

import pytest

from wfm.payloads.json_text import MAX_RECOVERED_DEPTH, close_brackets, parse, recover, value_at, values_in

OPENS = re.compile(r"[{\[]")


def test_values_between_words_with_their_places() -> None:
    text = 'first {"a": 1} then [2, 3] end'
    assert [(text[start:end], value) for start, end, value in values_in(text, OPENS, max_broken=5)] == [
        ('{"a": 1}', {"a": 1}),
        ("[2, 3]", [2, 3]),
    ]


def test_behind_a_broken_value_the_search_goes_inside_or_past_it() -> None:
    text = '{"a": {"b": 1}, oops\n{"c": 2}'
    inside = [value for _, _, value in values_in(text, OPENS, max_broken=5)]
    past = [value for _, _, value in values_in(text, OPENS, max_broken=5, after_broken=re.compile(r"\n"))]
    assert (inside, past) == ([{"b": 1}, {"c": 2}], [{"c": 2}])


def test_after_so_many_broken_values_no_more_are_looked_for() -> None:
    text = "{ " * 3 + '{"a": 1}'
    assert [value for _, _, value in values_in(text, OPENS, max_broken=4)] == [{"a": 1}]
    assert list(values_in(text, OPENS, max_broken=3)) == []


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000])
def test_what_is_too_deep_is_a_value_error(deep: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        parse(deep)
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        value_at(deep, 0)


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('{"a": [1, 2', '{"a": [1, 2]}'),
        ('{"a": 1,', '{"a": 1}'),
        ('{"a": "half', ""),
        ('{"a": "}"', '{"a": "}"}'),
        ('{"a": "\\', ""),
    ],
)
def test_brackets_are_closed_but_no_string_is(text: str, closed: str) -> None:
    assert close_brackets(text) == closed


WHOLE = json.dumps({"flow": {"name": 'a "b" [c', "execution": [{"id": 1, "at": [1, 2]}, {"id": 2}]}, "end": True})


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_what_breaks_off_anywhere_is_read_to_its_last_whole_member(end: int) -> None:
    value, cut, depth = recover(WHOLE, 0, end)
    assert cut <= end
    if value is None:
        assert "," not in WHOLE[:end]
        assert "]" not in WHOLE[:end]
        return
    assert json.dumps(value).rstrip("]}").startswith(WHOLE[:cut].rstrip("]}")[:40])
    assert depth == WHOLE[:cut].replace("[c", "").count("[") + WHOLE[:cut].count("{") - WHOLE[:cut].count("]") - WHOLE[
        :cut
    ].count("}")


def test_a_document_that_opens_without_end_is_given_up() -> None:
    assert recover("[" * (MAX_RECOVERED_DEPTH * 3), 0, MAX_RECOVERED_DEPTH * 3) == (None, 0, 0)
