"""Lists of people as they are pasted or uploaded: which values can be used, and which lines can't and why.

Nothing here looks anybody up. A list with bad rows keeps its good ones: each bad row is told with its line number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from wfm.domain.errors import BadInput

MAX_ROWS = 50_000
MAX_BYTES = 10_000_000

HEADERS_ID = frozenset({"id", "userid", "userids", "agentid", "genesysid", "genesyscloudid", "genesysuserid", "guid", "uuid"})
HEADERS_EMAIL = frozenset(
    {"email", "mail", "emails", "emailaddress", "mailaddress", "useremail", "agentemail", "username", "login"}
)
DELIMITERS = ",;\t|"

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>,;:\"'()\[\]]+@[^@\s<>,;:\"'()\[\]]+\.[^@\s<>,;:\"'()\[\].]+")
_IN_BRACKETS = re.compile(r"<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")  # as editors count lines; str.splitlines knows a dozen more
_MULTILINE = 20  # a quoted field of more lines than this is a quote that somebody forgot to close


class Problem(NamedTuple):
    """A row that can't be used: its line in the text (from 1), what stood there, and why."""

    line: int
    given: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedList:
    """`values` are user ids (lower case), e-mails as given, and from pasted text also names, each once, in order.

    `rows` counts what was looked at, without header and blank lines: pasted words or CSV records.
    """

    values: tuple[str, ...]
    problems: tuple[Problem, ...]
    rows: int


class _Gathered:
    """Values in order, each once, whatever their case."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self.values: list[str] = []
        self.problems: list[Problem] = []
        self.rows = 0

    def take(self, line: int, value: str) -> None:
        known = self._first.setdefault(value.casefold(), line)
        if len(self._first) > len(self.values):
            self.values.append(value)
        else:
            self.problems.append(Problem(line, value, f"given already in line {known}"))

    def refuse(self, line: int, given: str, why: str) -> None:
        self.problems.append(Problem(line, _shortened(given), why))

    def done(self) -> ParsedList:
        ordered = sorted(self.problems, key=lambda problem: problem.line)
        return ParsedList(values=tuple(self.values), problems=tuple(ordered), rows=self.rows)


def parse_pasted(text: str, max_rows: int = MAX_ROWS) -> ParsedList:
    """Ids, e-mails and names from whatever was pasted: separated by lines, commas, semicolons, tabs; ids and e-mails by
    spaces too; "Name <mail>" as mail programs copy it. Raises BadInput above `max_rows` words or MAX_BYTES characters.
    """
    if len(text) > MAX_BYTES:
        raise BadInput("pasted list", f"{len(text):,} characters", f"at most {MAX_BYTES:,} characters")
    gathered = _Gathered()
    for number, line in enumerate(_LINE_END.split(text.lstrip("\ufeff")), start=1):
        for piece in re.split(r"[,;\t]", line):
            piece = piece.strip(" \u00a0\u200b\"'•*")
            for word in _words(piece) if piece else ():
                gathered.rows += 1
                _take_word(gathered, number, word)
                if gathered.rows > max_rows:
                    raise BadInput("pasted list", f"more than {max_rows:,} entries", f"at most {max_rows:,} entries")
    return gathered.done()


def parse_csv(data: bytes, max_rows: int = MAX_ROWS) -> ParsedList:
    """User ids or e-mails from a CSV file, however it was made.

    Delimiter comma, semicolon, tab or bar; UTF-8 with or without BOM, UTF-16, or Windows/Latin; quoted fields. The
    column is found by its header (id, user id, userId, email, e-mail, mail …); without a header each row's first id or
    e-mail counts. In a row that has both, the id counts. Raises BadInput for a file that is no text, is above MAX_BYTES
    bytes, or has more than `max_rows` rows.
    """
    if len(data) > MAX_BYTES:
        raise BadInput("CSV file", f"{len(data):,} bytes", f"at most {MAX_BYTES:,} bytes")
    text = _decoded(data)
    lines = _LINE_END.split(text)
    delimiter, first = _delimiter(lines)
    gathered = _Gathered()
    records = (record for record in _records(lines, first, delimiter) if record[2] or any(record[1]))
    columns: tuple[int, ...] | None = None
    for position, (number, cells, fault) in enumerate(records):
        if position == 0 and not fault:
            columns = _header(cells)
            if columns is not None:
                continue
        gathered.rows += 1
        if gathered.rows > max_rows:
            raise BadInput("CSV file", f"more than {max_rows:,} rows", f"at most {max_rows:,} rows in one file")
        if fault:
            gathered.refuse(number, cells[0], fault)
        else:
            _take_row(gathered, number, cells, columns, may_be_header=position == 0)
    return gathered.done()


# --- pasted words ------------------------------------------------------------------------------------------------------


def _words(piece: str) -> list[str]:
    """The entries of one piece: an address in brackets, several ids or e-mails in a row, or the piece as it is."""
    bracketed = _IN_BRACKETS.findall(piece)
    if bracketed:
        return [str(address) for address in bracketed]
    parts = piece.split()
    return parts if len(parts) > 1 and any(_usable(part) for part in parts) else [piece]


def _take_word(gathered: _Gathered, line: int, word: str) -> None:
    value = _usable(word)
    if value is not None:
        gathered.take(line, value)
    elif "@" in word:
        gathered.refuse(line, word, "not a whole e-mail address")
    elif re.search(r"[^\W\d_]", word):
        gathered.take(line, " ".join(word.split()))  # perhaps a name: the directory will tell
    else:
        gathered.refuse(line, word, "neither a user id, an e-mail nor a name")


def _usable(word: str) -> str | None:
    """The id (lower case) or e-mail that the word is, None if it is neither."""
    word = word.strip(" \u00a0\u200b\"'<>{}()").removeprefix("mailto:").rstrip(".")
    if _ID.fullmatch(word):
        return word.lower()
    return word if _EMAIL.fullmatch(word) else None


# --- CSV ---------------------------------------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    if data[:4] == b"PK\x03\x04":
        raise BadInput("CSV file", "an Excel workbook or a zip file", "a CSV file: in Excel, save as “CSV UTF-8”")
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:2000]
    if head and head.count(0) > len(head) // 4:
        little = head[1::2].count(0) >= head[0::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    if 0 in head:
        raise BadInput("CSV file", "bytes that are no text", "a text file with one user id or e-mail a row")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _delimiter(lines: list[str]) -> tuple[str, int]:
    """The delimiter, and the index of the first line of data: Excel may write "sep=;" before it."""
    filled = (index for index, line in enumerate(lines) if line.strip())
    first = next(filled, 0)
    named = re.fullmatch(r"\s*sep=(.)\s*", lines[first], re.IGNORECASE)
    if named and named[1] in DELIMITERS:
        return named[1], first + 1
    sample = [re.sub(r'"[^"]*"', "", line) for line in lines[first : first + 20] if line.strip()]
    if not sample:
        return ",", first
    most = max(DELIMITERS, key=lambda mark: (sum(mark in line for line in sample), sample[0].count(mark)))
    return (most if any(most in line for line in sample) else ","), first


def _records(lines: list[str], first: int, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """(line number, cells, fault) of each record. A quote that is never closed costs its own line only, not the rest."""
    index = first
    while index < len(lines):
        start, line = index, lines[index].replace("\0", "")
        index += 1
        if '"' not in line:
            yield start + 1, [cell.strip() for cell in line.split(delimiter)], ""
            continue
        cells = _parsed(line, delimiter)
        while cells is None and index < len(lines) and index - start < _MULTILINE:
            line += "\n" + lines[index].replace("\0", "")
            index += 1
            cells = _parsed(line, delimiter)
        if cells is None:
            index = start + 1
            yield start + 1, [lines[start]], "a quote is opened and never closed"
        else:
            yield start + 1, [cell.strip() for cell in cells], ""


def _parsed(line: str, delimiter: str) -> list[str] | None:
    """The cells of one record, None while a quoted field is still open."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return line.split(delimiter)


def _header(cells: list[str]) -> tuple[int, ...] | None:
    """The columns to look in, ids before e-mails, if this row is a header; None if it is data."""
    if any(_usable(cell) for cell in cells):
        return None
    plain = [re.sub(r"[^a-z]", "", cell.casefold()) for cell in cells]
    ids = [index for index, name in enumerate(plain) if name in HEADERS_ID]
    mails = [index for index, name in enumerate(plain) if name in HEADERS_EMAIL or name.startswith(("email", "mail"))]
    return tuple(ids + mails) or None


def _take_row(
    gathered: _Gathered, line: int, cells: list[str], columns: tuple[int, ...] | None, *, may_be_header: bool
) -> None:
    looked = cells if columns is None else [cells[index] for index in columns if index < len(cells)]
    value = next((usable for cell in looked if cell and (usable := _usable(cell))), None)
    if value is not None:
        gathered.take(line, value)
        return
    given = next((cell for cell in looked if cell), "")
    if not given:
        gathered.refuse(line, " ".join(filter(None, cells)), "the column for id or e-mail is empty")
    elif "@" in given:
        gathered.refuse(line, given, "not a whole e-mail address")
    else:
        hint = "; if this is the header, call a column id or email" if may_be_header else ""
        gathered.refuse(line, given, f"neither a user id (8-4-4-4-12 hex digits) nor an e-mail{hint}")


def _shortened(given: str) -> str:
    return given if len(given) <= 80 else given[:79] + "…"
