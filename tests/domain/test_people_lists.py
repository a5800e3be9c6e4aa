"""Pasted lists and CSV files: what is kept, what is refused with its line, and that nothing makes them fall over."""

from __future__ import annotations

import csv
import io
import time
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wfm.domain.errors import BadInput
from wfm.domain.people_lists import MAX_BYTES, ParsedList, parse_csv, parse_pasted

ID_1 = "11111111-aaaa-4bbb-8ccc-000000000001"
ID_2 = "22222222-aaaa-4bbb-8ccc-000000000002"


def lines_of(parsed: ParsedList) -> list[int]:
    return [problem.line for problem in parsed.problems]


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_any_delimiter_encoding_and_line_end(self, delimiter: str, encoding: str, newline: str) -> None:
        rows = [["Name", "E-Mail", "Ort"], ["Öztürk", "oe@example.org", "Köln"], ["Bo", "bo@example.org", "Malmö"]]
        data = newline.join(delimiter.join(row) for row in rows).encode(encoding)
        parsed = parse_csv(data)
        assert parsed == ParsedList(values=("oe@example.org", "bo@example.org"), problems=(), rows=2)

    @pytest.mark.parametrize("header", ["id", "ID", "user id", "userId", "User_ID", "user-id", "Agent ID", "GUID"])
    def test_id_column_by_its_header(self, header: str) -> None:
        parsed = parse_csv(f"manager,{header}\n{ID_2},{ID_1}\n".encode())
        assert parsed.values == (ID_1,)

    @pytest.mark.parametrize(
        "header", ["email", "e-mail", "E-Mail", "mail", "Mail", "email address", "E-Mail-Adresse", "username"]
    )
    def test_mail_column_by_its_header(self, header: str) -> None:
        parsed = parse_csv(f"id of manager;{header}\n{ID_2};bo@example.org\n".encode())
        assert parsed.values == ("bo@example.org",)

    def test_id_counts_before_mail_and_mail_where_the_id_is_absent(self) -> None:
        parsed = parse_csv(f"email,userId\na@example.org,{ID_1}\nb@example.org,\n".encode())
        assert parsed.values == (ID_1, "b@example.org")

    def test_without_header_the_first_row_is_data(self) -> None:
        parsed = parse_csv(f"Aylin,{ID_1}\nBo,bo@example.org\n".encode())
        assert parsed.values == (ID_1, "bo@example.org")
        assert parsed.rows == 2

    def test_three_bad_rows_of_500_are_told_and_497_kept(self) -> None:
        rows = ["id"] + [str(uuid.UUID(int=n)) for n in range(500)]
        rows[10], rows[20], rows[500] = "not an id", "mail@", ""
        rows[500] = "12345"
        parsed = parse_csv("\n".join(rows).encode())
        assert len(parsed.values) == 497
        assert lines_of(parsed) == [11, 21, 501]
        assert [problem.given for problem in parsed.problems] == ["not an id", "mail@", "12345"]
        assert "e-mail" in parsed.problems[1].why

    def test_blank_lines_count_as_lines_but_not_as_rows(self) -> None:
        parsed = parse_csv(f"id\n\n  \n{ID_1}\n,,\nwrong\n".encode())
        assert (parsed.values, parsed.rows) == ((ID_1,), 2)
        assert lines_of(parsed) == [6]

    def test_duplicates_are_kept_once_and_told_whatever_their_case(self) -> None:
        parsed = parse_csv(f"id\n{ID_1}\n{ID_1.upper()}\n".encode())
        assert parsed.values == (ID_1,)
        assert parsed.problems[0].line == 3
        assert "already in line 2" in parsed.problems[0].why

    def test_quoted_fields_hold_delimiters_quotes_and_line_ends(self) -> None:
        data = f'name,email\n"Şahin, ""Ayla""","ayla@example.org"\n"two\nlines",bo@example.org\nx,bad\n{ID_1},c@example.org'
        parsed = parse_csv(data.encode())
        assert parsed.values == ("ayla@example.org", "bo@example.org", "c@example.org")
        assert lines_of(parsed) == [5], "line numbers count the lines of the file, not the records"

    def test_an_unclosed_quote_costs_its_own_line_only(self) -> None:
        rows = ["id"] + [str(uuid.UUID(int=n)) for n in range(100)]
        rows[5] = '"' + rows[5]
        parsed = parse_csv("\n".join(rows).encode())
        assert len(parsed.values) == 99
        assert lines_of(parsed) == [6]
        assert "quote" in parsed.problems[0].why

    def test_excel_separator_line_is_understood(self) -> None:
        assert parse_csv(f"sep=;\nName;Id\nA,B;{ID_1}\n".encode()).values == (ID_1,)

    def test_a_header_that_names_no_column_is_told_not_swallowed(self) -> None:
        parsed = parse_csv(f"Nom;Contact\nÉ;{ID_1}\n".encode())
        assert parsed.values == (ID_1,)
        assert lines_of(parsed) == [1]
        assert "header" in parsed.problems[0].why

    @pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"id\n", "id\n".encode("utf-16")])
    def test_a_file_without_rows_is_an_empty_list(self, data: bytes) -> None:
        assert parse_csv(data) == ParsedList(values=(), problems=(), rows=0)

    def test_too_many_rows_and_bytes_are_refused_with_the_limit(self) -> None:
        with pytest.raises(BadInput, match=r"CSV file: .*at most 3 rows"):
            parse_csv("\n".join(str(uuid.UUID(int=n)) for n in range(4)).encode(), max_rows=3)
        assert len(parse_csv("\n".join(str(uuid.UUID(int=n)) for n in range(3)).encode(), max_rows=3).values) == 3
        with pytest.raises(BadInput, match="bytes"):
            parse_csv(b"x" * (MAX_BYTES + 1))

    def test_a_workbook_or_a_picture_is_refused_by_name(self) -> None:
        with pytest.raises(BadInput, match="Excel"):
            parse_csv(b"PK\x03\x04" + bytes(200))
        with pytest.raises(BadInput, match="no text"):
            parse_csv(b"\x89PNG\r\n\x1a\n\x00\x01" + b"IHDR" * 40)

    def test_ten_thousand_lines_with_bad_rows_are_quick(self) -> None:
        rows = ["user id;name"] + [f'{uuid.UUID(int=n)};"N, {n}"' if n % 50 else f"bad row {n};" for n in range(10_000)]
        data = "\n".join(rows).encode()
        started = time.perf_counter()
        parsed = parse_csv(data)
        assert time.perf_counter() - started < 5, "a twentieth of this is usual"
        assert (len(parsed.values), len(parsed.problems), parsed.rows) == (9_800, 200, 10_000)
        assert lines_of(parsed) == [n + 2 for n in range(0, 10_000, 50)]

    def test_many_open_quotes_do_not_take_for_ever(self) -> None:
        started = time.perf_counter()
        parsed = parse_csv(b'"a\n' * 9_999)
        assert time.perf_counter() - started < 20
        assert parsed.values == ()

    @given(st.binary(max_size=400))
    def test_any_bytes_give_a_list_or_a_sentence(self, data: bytes) -> None:
        try:
            parsed = parse_csv(data)
        except BadInput:
            return  # bytes that are no text; its sentence is tested above
        assert len(parsed.values) + len(parsed.problems) == parsed.rows

    @given(
        st.lists(
            st.tuples(st.text(max_size=8), st.uuids()),
            min_size=1,
            max_size=30,
        ),
        st.sampled_from([",", ";", "\t"]),
    )
    @settings(max_examples=60)
    def test_what_a_csv_writer_writes_is_read(self, rows: list[tuple[str, uuid.UUID]], delimiter: str) -> None:
        written = io.StringIO()
        writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["name", "user id"])
        writer.writerows([(name.replace("\0", ""), str(found)) for name, found in rows])
        parsed = parse_csv(written.getvalue().encode())
        assert parsed.values == tuple(dict.fromkeys(str(found) for _, found in rows))


class TestPasted:
    def test_ids_mails_and_names_however_separated(self) -> None:
        text = f"{ID_1}, bo@example.org;c@example.org\td@example.org\n  {ID_2} e@example.org\nAylin Şahin\n"
        parsed = parse_pasted(text)
        assert parsed.values == (
            ID_1,
            "bo@example.org",
            "c@example.org",
            "d@example.org",
            ID_2,
            "e@example.org",
            "Aylin Şahin",
        )
        assert parsed.problems == ()
        assert parsed.rows == 7

    def test_addresses_as_mail_programs_copy_them(self) -> None:
        parsed = parse_pasted('"Şahin, Aylin" <aylin@example.org>; Bo <mailto:bo@example.org>\n• mailto:c@example.org.')
        assert "aylin@example.org" in parsed.values
        assert parsed.values[-2:] == ("bo@example.org", "c@example.org")

    def test_what_can_not_be_used_is_told_with_its_line(self) -> None:
        parsed = parse_pasted("bo@example.org\nfoo@\n12345\nBO@example.org")
        assert parsed.values == ("bo@example.org",)
        assert [(problem.line, problem.given) for problem in parsed.problems] == [
            (2, "foo@"),
            (3, "12345"),
            (4, "BO@example.org"),
        ]

    def test_nothing_pasted_is_an_empty_list(self) -> None:
        assert parse_pasted(" \n,;\t\n") == ParsedList(values=(), problems=(), rows=0)

    def test_limits(self) -> None:
        with pytest.raises(BadInput, match="at most 2 entries"):
            parse_pasted("a@b.cd c@d.ef e@f.gh", max_rows=2)
        with pytest.raises(BadInput, match="characters"):
            parse_pasted("x" * (MAX_BYTES + 1))

    @given(st.text(max_size=200))
    @example("\ufeff<a@b.cd")
    def test_any_text_is_accounted_for(self, text: str) -> None:
        parsed = parse_pasted(text)
        assert len(parsed.values) + len(parsed.problems) == parsed.rows
        assert all(value.strip() for value in parsed.values)
        assert len({value.casefold() for value in parsed.values}) == len(parsed.values)
