"""CSV as programs and spreadsheets write it: quoted cells with anything in them, commas, semicolons, tabs or bars.

A cell is quoted when its first character is a quote; then it may hold line breaks, separators and doubled quotes. A quote
that is never closed would swallow the rest of the file: after 1 MB it is given up, the line it stands in is named, and
reading goes on behind that line.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from wfm.domain.imported_runs import Unreadable
from wfm.domain.spreadsheet_cells import original_cell
from wfm.files.imports.column_inference import cells_of, mapping_by_cells, opened
from wfm.files.imports.column_mapping import HEAD_ROWS, head_of, mapping_for
from wfm.files.imports.records import ImportContext, Read, run_from
from wfm.payloads.encodings import MAX_LINE_BYTES, as_utf8, lines_of, text_of

_SEPARATORS = ",;\t|"
_HEADER_LINES = 100
_MAX_COLUMNS = 1_000
_SAYS_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)
_LONG_LINE = f"The line is longer than {MAX_LINE_BYTES:,} bytes."

# One cell may be as long as a line; Python's own limit is 128 KB.
csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE_BYTES))

Worth = Callable[[Sequence[Sequence[str]]], tuple[int, ...]]
"""How much the first rows of a table mean, the more the better; compared between the separators they may have."""
_Row = tuple[int, list[str] | str]
"""First line, and the cells or a sentence instead of them."""


class _TooLong(Exception):
    """A line, or a quoted cell over several, is longer than what is held."""


class _Lines:
    """Lines for the csv reader, which takes as many as a row needs. Remembers those of the row, to put them back."""

    def __init__(self, chunks: Iterable[bytes], notes: list[str]) -> None:
        self._coming = lines_of(as_utf8(chunks, notes))
        self._notes = notes
        self._again: deque[tuple[int, str | None]] = deque()
        self._size = 0
        self.row: list[tuple[int, str | None]] = []
        self.came_to = 0
        self.broken_off = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._size > MAX_LINE_BYTES:
            raise _TooLong
        number, text = self._again.popleft() if self._again else self._next()
        self.row.append((number, text))
        self.came_to = max(self.came_to, number)
        if text is None:
            raise _TooLong
        self._size += len(text)
        return text

    def _next(self) -> tuple[int, str | None]:
        try:
            number, line = next(self._coming)
        except StopIteration:
            self.broken_off = bool(self.row)
            raise
        return number, None if line is None else text_of(number, line, self._notes) + "\n"

    def begin(self) -> None:
        self.row, self._size, self.broken_off = [], 0, False

    def put_back(self, lines: Sequence[tuple[int, str | None]]) -> None:
        self._again.extendleft(reversed(lines))

    def first(self, n: int) -> list[tuple[int, str]]:
        """The next lines, which stay to be read."""
        self.begin()
        with contextlib.suppress(StopIteration, _TooLong):
            while len(self.row) < n:
                next(self)
        self.put_back(self.row)
        found = [(number, text) for number, text in self.row if text is not None]
        self.begin()
        return found


def read_csv(chunks: Iterable[bytes], context: ImportContext) -> Iterator[Read]:
    """Rows under a header. A row is named by its first line. Raises BadInput for a packed file."""
    lines = _Lines(chunks, context.notes)
    separator = _separator(lines, _says_of_runs)
    begun, coming, header, mapping = _begin(_rows(lines, separator), context)
    context.decimal_comma = context.decimal_comma or separator == ";"
    if begun is not None and (lost := _lost(header, mapping)):
        yield Unreadable(line=begun, why=lost)
        return
    inner = not set(header).issuperset(mapping.values())
    rows = 0
    for number, cells in coming:
        if isinstance(cells, str):
            yield Unreadable(line=number, why=cells)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        rows += 1
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) > len(header):
            yield Unreadable(line=number, why=f"The row has {len(cells)} cells, the header {len(header)}.")
            continue
        row = dict(zip(header, map(original_cell, cells), strict=False))
        yield run_from(number, opened(row) if inner else row, mapping, context)
    if not rows:
        context.note("The file is empty." if begun is None else "The file holds a header and no rows.")


def _begin(rows: Iterator[_Row], context: ImportContext) -> tuple[int | None, Iterator[_Row], list[str], Mapping[str, str]]:
    """(line of the head, the rows below and the lines above that are none, names of the columns, what they mean)."""
    top = list(islice(rows, HEAD_ROWS))
    head = head_of([cells for _, cells in top])
    if head is None:
        return None, chain(top, rows), [], {}
    line, names = top[head]
    above = [number for number, cells in top[:head] if not isinstance(cells, str) and any(map(str.strip, cells))]
    if above:
        lines_stand = f"Line {above[0]:,} stands" if len(above) == 1 else f"Lines {above[0]:,} to {above[-1]:,} stand"
        context.note(f"{lines_stand} above the head, and {'was' if len(above) == 1 else 'were'} left out.")
    header = _unique(names[: _MAX_COLUMNS + 1], context)
    below = [
        dict(zip(header, map(original_cell, cells), strict=False)) for _, cells in top[head + 1 :] if not isinstance(cells, str)
    ]
    inner = [name for row in below if len(within := opened(row)) > len(row) for name in within if name not in header]
    cells = cells_of(map(opened, below) if inner else below)
    mapping = context.mapping or mapping_by_cells(cells, mapping_for(header), context.known, context.note)
    broken = (row for row in top[:head] if isinstance(row[1], str))
    return line, chain(broken, top[head + 1 :], rows), header, mapping


def rows_of(chunks: Iterable[bytes], notes: list[str], worth: Worth) -> Iterator[_Row]:
    """(first line, cells) of each row of any CSV, or a sentence instead of the cells. Raises BadInput for a packed file.

    `worth` tells how much the first rows mean: the separator under which they mean most is taken. What had to be assumed is
    added to `notes`.
    """
    lines = _Lines(chunks, notes)
    return _rows(lines, _separator(lines, worth))


def columns_of_table(start: bytes, context: ImportContext) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The names in the header, and what each column means by its name and its cells: {meaning: column}."""
    _, _, header, mapping = _begin(rows_of([start], context.notes, _says_of_runs), context)
    return tuple(header[:_MAX_COLUMNS]), mapping


def _rows(lines: _Lines, separator: str) -> Iterator[_Row]:
    """(first line, cells) of each row, or a sentence instead of the cells."""
    reader = csv.reader(lines, delimiter=separator)
    tried_to = 0
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = f"The row can't be read: {error}."
        except _TooLong:
            why = "A quote opens here and is not closed within 1 MB." if len(lines.row) > 1 else _LONG_LINE
        else:
            if not lines.broken_off:
                yield lines.row[0][0], cells
                continue
            why = "A quote opens here and is never closed."
        number, last = lines.row[0][0], lines.row[-1][0]
        if number > tried_to:
            # Once more from the next line on, but never twice: a broken file takes no longer than a whole one.
            tried_to = lines.came_to
            lines.put_back(lines.row[1:])
            yield number, why
        else:
            yield number, why if last == number else f"{why} Lines {number:,} to {last:,} were left out."


def _says_of_runs(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    head = rows[head_of(rows[:HEAD_ROWS]) or 0]
    return len(mapping_for(head)), len(head)


def _separator(lines: _Lines, worth: Worth) -> str:
    """The separator under which the first rows mean most; the first line may name it, as a spreadsheet is told."""
    first = lines.first(_HEADER_LINES)
    while first and not first[0][1].strip():
        first.pop(0)
    if first and (declared := _SAYS_SEPARATOR.fullmatch(first[0][1])):
        for _ in range(first[0][0]):
            next(lines)
        return declared[1]
    best, found = ",", tuple[int, ...]()
    for separator in _SEPARATORS:
        rows: list[list[str]] = []
        with contextlib.suppress(csv.Error):
            rows += csv.reader((text for _, text in first), delimiter=separator)
        if rows and (this := worth(rows)) > found:
            best, found = separator, this
    return best


def _unique(cells: Sequence[str], context: ImportContext) -> list[str]:
    """The names of the columns: those without one are numbered, those of one name too, so that each can be chosen."""
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = " ".join(original_cell(cell).split()) or f"column {place}"
        again, n = name, 1
        while again in names:
            n += 1
            again = f"{name} ({n})"
        if again != name:
            context.note(f"The name “{name[:60]}” stands above more than one column: the first counts.")
        names.append(again)
    return names


def _lost(header: Sequence[str], mapping: Mapping[str, str]) -> str:
    """A sentence where no row can be a run, else ""."""
    if len(header) > _MAX_COLUMNS:
        return f"The header has more than {_MAX_COLUMNS:,} columns; at most {_MAX_COLUMNS:,} are read."
    strange = [one for one in mapping.values() if one not in header and one.partition(".")[0] not in header]
    columns = ", ".join(header)[:300]
    if strange:
        return f"The file has no column “{strange[0][:60]}”. Its columns: {columns}."
    if "time" not in mapping:
        return f"No column says when a run was. Say which one is the time. The file's columns: {columns}."
    return ""
