"""Any bytes: encodings, marks, zero bytes, packed files, lines too long. And tables as programs and spreadsheets write them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.imports.support import AT, csv_of, fresh, lines_of, pieces, split
from wfm.domain.errors import BadInput
from wfm.domain.spreadsheet_cells import original_cell, safe_cell
from wfm.files.imports import columns_of_records, columns_of_table, read_csv, read_json_lines
from wfm.files.imports.column_mapping import mapping_for
from wfm.payloads.encodings import MAX_LINE_BYTES


def line(user: str, **more: object) -> str:
    return json.dumps({"time": AT, "userId": user, "status": 200, **more}, ensure_ascii=False)


@pytest.mark.parametrize("sign", ["\x1b[31m", "\x9b31m", "\x07"])
def test_a_name_with_a_control_character_is_a_line_that_can_t_be_read(sign: str) -> None:
    table = f"time,User ID,Agent name,status,response\n{AT},u1{sign},Bo,200,\n{AT},u2,Bo{sign},200,\n{AT},u3,Bo,403,{sign}no\n"
    runs, problems = csv_of(table.encode())
    assert [(run.agent_id, run.response) for run in runs] == [("u3", f"{sign}no")]  # an answer is kept as it came
    assert [why.split(":")[0] for why in problems.values()] == ["User ID", "Agent name"]
    assert not any(sign in why for why in problems.values())
    runs, problems = lines_of(f"{line('u1')}\n{line('u2', correlationId=sign)}\n".encode())
    assert ([run.agent_id for run in runs], list(problems)) == (["u1"], [2])


TABLE = f"time,userId,agent,status\n{AT},u1,Jürgen Łęcki,200\n{AT},u2,李小龙,403\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 3, 100_000])
def test_every_encoding_and_line_end_reads_the_same(encoding: str, end: str, size: int) -> None:
    data = TABLE.replace("\n", end).encode(encoding)
    runs, problems = csv_of(data, size=size)
    assert ([(run.agent_id, run.agent, run.status) for run in runs], problems) == (
        [("u1", "Jürgen Łęcki", 200), ("u2", "李小龙", 403)],
        {},
    )
    data = (line("u1", agent="李小龙") + end + line("u2") + end).encode(encoding)
    runs, problems = lines_of(data, size=size)
    assert ([(run.line, run.agent_id, run.agent) for run in runs], problems) == ([(1, "u1", "李小龙"), (2, "u2", "u2")], {})


def test_what_is_no_utf_8_is_read_as_windows_1252_and_said() -> None:
    context = fresh()
    runs, problems = csv_of(
        TABLE.replace("Jürgen Łęcki", "Jürgen").split("\n", 2)[0].encode() + f"\n{AT},u1,Jürgen,200\n".encode("cp1252"), context
    )
    assert ([run.agent for run in runs], problems) == (["Jürgen"], {})
    assert any("Line 2 is no UTF-8" in note for note in context.notes)


def test_zero_bytes_and_broken_bytes_cost_a_line_at_most() -> None:
    data = b"\n".join(
        [line("u1").encode(), b"\x00\x01\x02\xff\xfe", line("u\x002").encode(), b"\xc3\x28{", line("u3").encode()]
    )
    runs, problems = lines_of(data)
    assert ([run.agent_id for run in runs], sorted(problems)) == (["u1", "u2", "u3"], [2, 4])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(b"\n" * 1_000_000), "gzip"),
        (bz2.compress(b"x"), "bzip2"),
        (b"PK\x03\x04rest", "workbook"),
        (b"PAR1....PAR1", "Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old workbook"),
    ],
)
def test_a_packed_file_is_refused_before_anything_is_unpacked(data: bytes, says: str) -> None:
    for read in (read_csv, read_json_lines):
        with pytest.raises(BadInput, match=says):
            list(read(pieces(data, 10), fresh()))


def endless(n: int, first: bytes = b"") -> Iterator[bytes]:
    yield first
    for _ in range(n // 65_536):
        yield b"x" * 65_536
    yield b"\n" + line("u9").encode() + b"\n"


def test_a_line_of_50_mb_is_named_and_never_held() -> None:
    tracemalloc.start()
    try:
        runs, problems = split(read_json_lines(endless(50_000_000), fresh()))
        in_table, table_problems = split(read_csv(endless(50_000_000, b"time,userId\n"), fresh()))
        _, quoted = split(read_csv(endless(50_000_000, f'time,userId\n{AT},u1\n{AT},"'.encode()), fresh()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ([run.agent_id for run in runs], problems) == (["u9"], {1: f"The line is longer than {MAX_LINE_BYTES:,} bytes."})
    assert (in_table, table_problems[2]) == ([], f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
    assert next(iter(quoted)) == 3
    assert peak < 12 * MAX_LINE_BYTES


def test_reading_ten_times_as_much_takes_no_more_memory() -> None:
    """2 MB and 20 MB, read as a stream; benchmarks/imports.py measures 200 MB."""

    def rows(n: int, quoted: str) -> Iterator[bytes]:
        yield b"time,userId,status,response\n" if quoted == "csv" else b""
        body = "insufficient " * 300
        for number in range(n):
            made = f'{AT},u{number},403,"{body}"\n' if quoted == "csv" else line(f"u{number}", response=body) + "\n"
            yield made.encode()

    for fmt, read in (("csv", read_csv), ("jsonl", read_json_lines)):
        peaks = []
        for n in (500, 5_000):
            tracemalloc.start()
            try:
                count = sum(1 for _ in read(rows(n, fmt), fresh()))
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            assert count == n
        assert peaks[1] < peaks[0] * 1.5 + 200_000, (fmt, peaks)


# --- tables --------------------------------------------------------------------------------------------------------------

BODY = '{"code": "forbidden",\n "message": "No; not, \\"you\\"\tagain"}'


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_quoted_cells_hold_anything_under_every_separator(separator: str, quoting: int) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["time", "User\nID", "response", "note"])
    writer.writerow([AT, 'u"1"', BODY, "a,b;c\td|e"])
    writer.writerow([AT, "u2", "", "'single"])
    for size in (1, 1_000):
        runs, problems = csv_of(buffer.getvalue(), size=size)
        assert problems == {}
        assert [(run.line, run.agent_id, run.response, run.note) for run in runs] == [
            (3, 'u"1"', BODY, "a,b;c\td|e"),
            (5, "u2", "", "'single"),
        ]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(",;\t|"), st.booleans())
def test_what_a_writer_quotes_is_read_back_exactly(rows: list[tuple[str, str]], separator: str, everything: bool) -> None:
    buffer = io.StringIO()
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(["time", "request", "response"])
    for request, response in rows:
        writer.writerow([AT, safe_cell(request), safe_cell(response)])
    runs, problems = csv_of(buffer.getvalue(), size=11)
    assert problems == {}
    assert [(run.request, run.response) for run in runs] == rows


@given(st.text(st.sampled_from("'=+-@＝＠ \t\n\ufeff\u200bab"), max_size=8) | st.text())
def test_a_made_safe_cell_is_text_to_a_spreadsheet_and_comes_back(text: str) -> None:
    cell = safe_cell(text)
    assert original_cell(cell) == text
    seen = cell.strip().strip("\ufeff\u200b").strip()
    assert not seen.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    rows = [f"{AT},u{n},ok" for n in range(50)]
    text = "\n".join(["time,userId,note", *rows[:10], f'{AT},bad,"open', *rows[10:]]) + "\n"
    runs, problems = csv_of(text, size=4_096)
    assert [run.agent_id for run in runs] == [f"u{n}" for n in range(50)]
    assert problems == {12: "A quote opens here and is never closed."}


def test_quotes_that_all_stay_open_are_read_once_not_again_and_again() -> None:
    # Each line closes the quote of the one before and opens another: looked at naively that is quadratic.
    text = "time,userId,note\n" + 'x",y,"z\n' * 400_000
    runs, problems = csv_of(text, size=65_536)
    assert runs == []
    assert 1 < len(problems) < 20


def test_a_row_may_be_ragged() -> None:
    text = f"time,userId,note\n{AT},u1\n{AT},u2,n,,\n{AT},u3,n,more\n,,\n\n{AT},u4,n\n"
    runs, problems = csv_of(text)
    assert [(run.agent_id, run.note) for run in runs] == [("u1", ""), ("u2", "n"), ("u4", "n")]
    assert problems == {4: "The row has 4 cells, the header 3."}


def test_two_columns_of_one_name_can_both_be_chosen() -> None:
    context = fresh()
    text = f"time,userId,Status,status,,Status\n{AT},u1,200,403,x,500\n"
    runs, _ = csv_of(text, context)
    assert [run.status for run in runs] == [200]
    assert any("more than one column" in note for note in context.notes)
    assert columns_of_table(text.encode(), fresh())[0] == ("time", "userId", "Status", "status", "column 5", "Status (2)")
    runs, _ = csv_of(text, fresh(mapping={"time": "time", "status": "Status (2)"}))
    assert [run.status for run in runs] == [500]


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        ("Zeitstempel;Benutzer-ID;Agent Name;HTTP-Status;Fehlermeldung", ["time", "agent_id", "agent", "status", "response"]),
        ("HORODATAGE;userId;Utilisateur;Statut;Réponse", ["time", "agent_id", "agent", "status", "response"]),
        ("Fecha y hora,Agente,Acción,Resultado,Mensaje", ["time", "agent", "action", "outcome", "response"]),
        ("日時\tエージェント\t結果", ["time", "agent", "outcome"]),
        ("TIME_STAMP|user_id|STATUS-CODE|Correlation Id", ["time", "agent_id", "status", "correlation_id"]),
    ],
)
def test_headers_in_other_languages_and_cases(header: str, meanings: list[str]) -> None:
    columns, _ = columns_of_table(header.encode(), fresh())
    assert list(mapping_for(columns)) == meanings


def test_numbers_with_a_decimal_comma() -> None:
    text = f"Zeit;userId;HTTP-Status;Dauer\n{AT};u1;403,0;1,234\n"
    runs, _ = csv_of(text)
    assert [(run.status, run.duration_ms) for run in runs] == [(403, 1)]
    runs, _ = csv_of(f'time,userId,duration\n{AT},u1,"1,234"\n')
    assert runs[0].duration_ms == 1234


def test_a_first_line_that_tells_the_spreadsheet_its_separator() -> None:
    runs, problems = csv_of(f"sep=;\r\ntime;note\r\n{AT};a,b,c,d\r\n")
    assert ([(run.line, run.note) for run in runs], problems) == ([(3, "a,b,c,d")], {})


@pytest.mark.parametrize(
    ("text", "note"), [("", "empty"), ("\n\n", "empty"), ("\ufeff", "empty"), ("time,userId\n", "no rows")]
)
def test_an_empty_table_is_said(text: str, note: str) -> None:
    context = fresh()
    assert csv_of(text, context) == ([], {})
    assert any(note in one for one in context.notes)


def test_an_empty_file_of_lines_is_said() -> None:
    context = fresh()
    assert lines_of("\n \n", context) == ([], {})
    assert context.notes == ["The file is empty."]


def test_a_table_without_a_time_is_said_once_not_row_by_row() -> None:
    runs, problems = csv_of("userId,status\n" + "u1,200\n" * 500)
    assert (runs, list(problems)) == ([], [1])
    assert "Say which one is the time" in problems[1]
    runs, problems = csv_of(f"time,userId\n{AT},u1\n", fresh(mapping={"time": "Zeit"}))
    assert (runs, "no column “Zeit”" in problems[1]) == ([], True)
    _, problems = csv_of("a," * 5_000 + "\n")
    assert "at most 1,000" in problems[1]


def test_a_file_that_is_one_array_is_told_how_to_come_in() -> None:
    _, problems = lines_of('[{"time": 1},\n{"time": 2}]')
    assert "can be pasted" in problems[1]
    assert columns_of_records(b'\n{"time": 1, "user": 2}\n')[0] == ("time", "user")
    assert columns_of_records(b"nothing") == ((), {})


def test_a_line_that_nests_without_end_is_a_line_that_can_not_be_read() -> None:
    deep = "[" * 100_000
    runs, problems = lines_of(f'{{"time": "{AT}", "response": {deep}\n{line("u1")}')
    assert ([run.agent_id for run in runs], list(problems)) == (["u1"], [1])


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_break_the_reading(data: bytes, size: int) -> None:
    for read in (read_csv, read_json_lines):
        for start in (b"", b"time,userId,note\n", b"\xff\xfe"):
            try:
                found = list(read(pieces(start + data, size), fresh()))
            except BadInput:
                continue
            assert all(one.line >= 1 for one in found)


def test_a_column_called_result_that_holds_answers_is_read_as_the_answer() -> None:
    context = fresh()
    said = 'Response from web service: {""code"":""too.many.requests"",""status"":429}'
    runs, problems = csv_of(
        f'time,agent,result\n{AT},a,"{said}"\n{AT},b,applied\n{AT},c,all is well\n{AT},d,sending\n', context
    )
    assert problems == {}
    assert [(run.outcome, bool(run.response)) for run in runs] == [
        ("failed", True),
        ("applied", False),
        ("unconfirmed", True),
        ("unconfirmed", False),
    ]
    assert any("“result” holds more than outcomes" in note for note in context.notes)
