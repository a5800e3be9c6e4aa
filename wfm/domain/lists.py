"""Lists of agents as programs and people write them: the rows of a file, and whom they name. No I/O.

Which column names the agents is judged where the directory is known (`wfm.preview.lists`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wfm.domain.errors import BadInput
from wfm.domain.heads import is_head
from wfm.domain.imports.lines import as_utf8
from wfm.domain.imports.tables import rows_of

MAX_ROWS = 50_000
MAX_WORD = 200
EVERY_COLUMN = -1
"""Instead of a column's number: whoever is named anywhere in the rows."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that can't be used. `line` counts from 1, as an editor shows it."""

    line: int
    given: str
    why: str


@dataclass(frozen=True, slots=True)
class ListTable:
    """The rows of a list: (first line, cells), those without anything left out; and the lines that are no rows."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumn:
    """A column of a list. `people` of its `filled` cells name agents of the tenant."""

    index: int
    name: str
    people: int
    filled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentList:
    """Whom a list names, and how that was found out.

    `columns` are those with anything in them, those that hold agents first. `chosen` is the index of the one that was read,
    EVERY_COLUMN, or None where nothing decides and a person must; `reason` says why, in sentences. `above` are the numbers
    of the lines that were read as title or head. `words` are (line, word), each agent once. Rows of the file that name no
    agent are `bad`. `is_table`: there was a column to choose; `rows_alike`:
    the rows are as wide as those of a table.
    """

    columns: tuple[ListColumn, ...]
    chosen: int | None
    reason: str
    above: tuple[int, ...]
    words: tuple[tuple[int, str], ...]
    bad: tuple[BadRow, ...]
    is_table: bool
    rows_alike: bool = False

    @property
    def asks(self) -> bool:
        """Whether somebody must say which column is meant."""
        return bool(self.columns) and self.chosen is None


def read_table(data: bytes, names_somebody: Callable[[str], bool]) -> ListTable:
    """The rows of a CSV of any program, under the separator by which most rows name somebody.

    Raises BadInput when it is no text, is empty, or has too many rows.
    """

    def worth(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
        filled = [[cell for cell in row if cell.strip()] for row in rows]
        people = [sum(map(names_somebody, row)) for row in filled]
        heads = sum(is_head(cell) for row in filled[:20] for cell in row)
        width, alike = Counter(map(len, filter(None, filled))).most_common(1)[0] if any(filled) else (0, 0)
        torn = sum(cell.count('"') % 2 for row in filled for cell in row)
        return -torn, sum(map(bool, people)), heads, alike if width > 1 else 0, sum(people), width

    try:
        if b"\0" in b"".join(as_utf8([data])):
            raise BadInput("CSV", "a file that is no text", "a CSV saved as UTF-8 (from Excel: “CSV UTF-8”)")
        found = list(rows_of([data], [], worth))
    except BadInput as error:
        raise BadInput("CSV", error.given, error.accepted) from None
    rows = tuple((line, tuple(cells)) for line, cells in found if isinstance(cells, list) and any(c.strip() for c in cells))
    if not rows:
        raise BadInput("CSV", "an empty file", "a file with one agent a line: id, e-mail or name")
    if len(found) > MAX_ROWS:
        raise BadInput("CSV", f"{len(found)} rows", f"at most {MAX_ROWS} rows")
    return ListTable(rows, tuple(BadRow(line, "", cells) for line, cells in found if isinstance(cells, str)))
