"""Pasted words and CSV files: what is usable is used, what is not is named with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.errors import BadInput
from wfm.ui.views.plan_words import MOST_ROWS, read_csv, split_pasted, unmatched

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.example\nb@x.example", ("a@x.example", "b@x.example")),
        ("a@x.example, b@x.example; a@x.example", ("a@x.example", "b@x.example")),
        ("Bo Lindqvist <bo@x.example>", ("bo@x.example",)),
        (f"see {UUID} please", (UUID,)),
        ("Aylin Şahin\nBo Lindqvist", ("Aylin Şahin", "Bo Lindqvist")),
        ("“Aylin Şahin”", ("Aylin Şahin",)),
        ("a@x.example b@x.example", ("a@x.example", "b@x.example")),
        (" \n ,; \t", ()),
        ("", ()),
    ],
)
def test_pasted(text: str, expected: tuple[str, ...]) -> None:
    assert split_pasted(text) == expected


@given(st.text())
def test_pasting_anything_never_fails_and_gives_each_word_once(text: str) -> None:
    words = split_pasted(text)
    assert len(words) == len(set(words))
    assert all(words)


def words(text: str) -> list[tuple[int, str]]:
    return list(read_csv(text.encode()).words)


def test_the_column_is_found_by_its_head() -> None:
    read = read_csv(b"Name;E-Mail;Team\nAylin;aylin@x.example;A\nBo;bo@x.example;B\n")
    assert list(read.words) == [(2, "aylin@x.example"), (3, "bo@x.example")]
    assert read.column == "column “E-Mail”"


def test_an_id_beats_an_email_beats_a_name() -> None:
    assert words("name,user_id,email\nAylin,a1,aylin@x.example\n") == [(2, "a1")]


def test_without_a_head_the_column_with_emails_is_taken() -> None:
    assert words("1,aylin@x.example\n2,bo@x.example\n") == [(1, "aylin@x.example"), (2, "bo@x.example")]


def test_a_bare_list_of_names() -> None:
    assert words("Aylin Şahin\nBo Lindqvist\n") == [(1, "Aylin Şahin"), (2, "Bo Lindqvist")]


def test_excel_writes_a_byte_order_mark_and_windows_its_own_code_page() -> None:
    assert words("\ufeffemail\nbo@x.example\n") == [(2, "bo@x.example")]
    assert list(read_csv("name\nJörg\n".encode("cp1252")).words) == [(2, "Jörg")]
    assert list(read_csv("name\nJörg\n".encode("utf-16")).words) == [(2, "Jörg")]


def test_line_numbers_are_those_of_an_editor_even_after_a_quoted_line_break() -> None:
    read = read_csv(b'email,note\na@x.example,"two\nlines"\n,empty\nb@x.example,x\n')
    assert list(read.words) == [(2, "a@x.example"), (5, "b@x.example")]
    assert [(row.line, row.why) for row in read.bad] == [(4, "nothing in column 1")]


def test_three_bad_rows_of_five_hundred_are_shown_and_the_others_kept() -> None:
    lines = ["email", *(f"agent{n}@x.example" for n in range(500))]
    lines[10], lines[200], lines[400] = ",Sales", "agent3@x.example", "x" * 300
    read = read_csv("\n".join(lines).encode())
    assert len(read.words) == 497
    assert [row.line for row in read.bad] == [11, 201, 401]
    assert "the same as line 5" in read.bad[1].why


def test_what_matches_nobody_joins_the_bad_rows_by_line() -> None:
    read = read_csv(b"email\na@x.example\nnobody@x.example\n,Sales\nAnna\n")
    kept, bad = unmatched(read, ("nobody@x.example", "Anna"), ("Anna",))
    assert [word for _, word in kept.words] == ["a@x.example"]
    assert [(row.line, row.why.split()[0]) for row in bad] == [(3, "matches"), (4, "nothing"), (5, "several")]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    read = read_csv(b'email,note\na@x.example,"open\nb@x.example,x\nc@x.example,y\n')
    assert [word for _, word in read.words] == ["b@x.example", "c@x.example"]
    assert [(row.line, row.why) for row in read.bad] == [(2, "A quote opens here and is never closed.")]


def test_a_spreadsheet_may_name_the_separator_first() -> None:
    assert words("sep=;\nname;mail\nBo, the one;bo@x.example\n") == [(3, "bo@x.example")]


def test_ten_thousand_lines_with_bad_rows() -> None:
    lines = ["id;name"] + [f"user-{n};Agent {n}" for n in range(2, 10_001)]
    lines[1_000], lines[5_000], lines[7_777] = ";Nobody", "user-2;Agent 2", 'user-7778;"open'
    lines[9_999] = ";"  # an empty line, or one of separators only as Excel leaves them, is no row
    read = read_csv("\r\n".join(lines).encode("utf-16"))
    assert len(read.words) == 9_999 - 4
    assert [row.line for row in read.bad] == [1_001, 5_001, 7_778]
    assert [row.why for row in read.bad] == [
        "nothing in column 1",
        "the same as line 2",
        "A quote opens here and is never closed.",
    ]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"\x00\x01\x02\x00", "no text"),
        (b"PK\x03\x04\x00\x00", "workbook"),
        (("email\n" + "a@x.example\n" * (MOST_ROWS + 1)).encode(), "rows"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(data: bytes, named: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_csv(data)
    assert refused.value.field == "CSV"
    assert named in str(refused.value)


@given(st.binary(max_size=2_000))
def test_any_bytes_give_words_or_a_sentence(data: bytes) -> None:
    try:
        read = read_csv(data)
    except BadInput:
        return
    found = [word for _, word in read.words]
    assert len(found) == len(set(found))
    assert all(word.strip() for word in found)
