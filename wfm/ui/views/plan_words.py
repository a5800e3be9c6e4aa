"""From what people paste or upload to words that name agents: ids, e-mails, names. No I/O.

Bad rows of a CSV are kept apart with their line numbers; the others are used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wfm.domain.errors import BadInput
from wfm.domain.imports.lines import as_utf8
from wfm.domain.imports.tables import rows_of

MOST_ROWS = 50_000
LONGEST_WORD = 200

_EMAIL = re.compile(r"[^\s<>,;\"'()]+@[^\s<>,;\"'()]+")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_BREAKS = re.compile(r"[\n\r\t;,|]+")

_HEADS = (
    ("id", "user id", "userid", "user", "agent id", "agentid", "agent", "genesys id", "guid"),
    ("email", "e-mail", "mail", "email address", "e-mail address", "username", "user name"),
    ("name", "agent name", "full name", "display name"),
)
"""Heads that say what a column holds, the surest first."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that can't be used. `line` counts from 1, as an editor shows it."""

    line: int
    given: str
    why: str


@dataclass(frozen=True, slots=True)
class CsvWords:
    """What a CSV names. `words` are (line, word), each word once; `column` says where they were read."""

    words: tuple[tuple[int, str], ...]
    bad: tuple[BadRow, ...]
    column: str


def split_pasted(text: str) -> tuple[str, ...]:
    """The words of a pasted text, each once, in order: one a line, or with commas, semicolons or tabs between.

    E-mails and ids are found inside other text ("Bo Lindqvist <bo@example.com>"); what holds neither is taken as a name.
    """
    found: dict[str, None] = {}
    for part in _BREAKS.split(text):
        part = part.strip().strip("\"'“”")
        if not part:
            continue
        sure = _EMAIL.findall(part) or _UUID.findall(part)
        for word in sure or [part]:
            found[word[:LONGEST_WORD]] = None
    return tuple(found)


def read_csv(data: bytes) -> CsvWords:
    """The agents that a CSV of any program names. Raises BadInput when it is no text, is empty, or has too many rows."""
    try:
        if b"\0" in b"".join(as_utf8([data])):
            raise BadInput("CSV", "a file that is no text", "a CSV saved as UTF-8 (from Excel: “CSV UTF-8”)")
        rows = list(rows_of([data], [], _says_of_agents))
    except BadInput as error:
        raise BadInput("CSV", error.given, error.accepted) from None
    if not any(isinstance(cells, list) and any(cell.strip() for cell in cells) for _, cells in rows):
        raise BadInput("CSV", "an empty file", "a file with one agent a line: id, e-mail or name")
    if len(rows) > MOST_ROWS:
        raise BadInput("CSV", f"{len(rows)} rows", f"at most {MOST_ROWS} rows")
    column, head, body = _column(rows)
    words: dict[str, int] = {}
    bad: list[BadRow] = []
    for line, cells in body:
        if isinstance(cells, str):
            bad.append(BadRow(line, "", cells))
        elif not any(cell.strip() for cell in cells):
            continue
        else:
            _take(line, cells, column, words, bad)
    return CsvWords(tuple((line, word) for word, line in words.items()), tuple(bad), head)


def unmatched(read: CsvWords, unknown: Collection[str], ambiguous: Collection[str] = ()) -> tuple[CsvWords, tuple[BadRow, ...]]:
    """The rows that name somebody, and every bad row by line: those of the file and those that matched nobody."""
    none = set(unknown)
    kept = tuple((line, word) for line, word in read.words if word not in none)
    missing = tuple(
        BadRow(line, word, "several agents have this name" if word in ambiguous else "matches nobody here")
        for line, word in read.words
        if word in none
    )
    bad = tuple(sorted((*read.bad, *missing), key=lambda row: row.line))
    return CsvWords(kept, read.bad, read.column), bad


def _take(line: int, cells: list[str], column: int, words: dict[str, int], bad: list[BadRow]) -> None:
    if column >= len(cells) or not cells[column].strip():
        bad.append(BadRow(line, ", ".join(cells)[:80], f"nothing in column {column + 1}"))
        return
    given = cells[column].strip()
    word = next(iter(_EMAIL.findall(given)), given)
    if len(word) > LONGEST_WORD or not word.isprintable():
        bad.append(BadRow(line, word[:80], f"no id, e-mail or name: more than {LONGEST_WORD} characters, or unprintable ones"))
    elif word in words:
        bad.append(BadRow(line, word, f"the same as line {words[word]}"))
    else:
        words[word] = line


_Rows = list[tuple[int, list[str] | str]]


def _heads(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.casefold().replace("_", " ").split()) for cell in cells]


def _says_of_agents(cells: Sequence[str]) -> int:
    return sum(head in known for head in _heads(cells) for known in _HEADS)


def _column(rows: _Rows) -> tuple[int, str, _Rows]:
    """Which column names the agents, what that column is called, and the rows without the head."""
    start = next(index for index, (_, cells) in enumerate(rows) if isinstance(cells, list) and any(c.strip() for c in cells))
    cells = rows[start][1]
    assert isinstance(cells, list)
    heads = _heads(cells)
    for known in _HEADS:
        for index, head in enumerate(heads):
            if head in known:
                return index, f"column “{cells[index].strip()}”", rows[start + 1 :]
    # No head: the first column in which something looks like an e-mail or an id, else the first.
    body = rows[start:]
    for index in range(len(cells)):
        sample = [row[index] for _, row in body[:50] if isinstance(row, list) and index < len(row)]
        if any(_EMAIL.fullmatch(cell.strip()) or _UUID.fullmatch(cell.strip()) for cell in sample):
            return index, f"column {index + 1}", body
    return 0, "column 1", body
