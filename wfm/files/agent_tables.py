"""Lists of agents as programs and people write them: the rows of a file, and whom they name. No I/O.

Which column names the agents is judged where the directory is known (`wfm.preview.agent_lists.lists`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wfm.domain.agent_lists import BadRow
from wfm.domain.errors import BadInput
from wfm.files.column_headers import is_head
from wfm.files.imports.csv_tables import rows_of
from wfm.payloads.encodings import as_utf8

MAX_ROWS = 50_000
MAX_WORD = 200


@dataclass(frozen=True, slots=True)
class ListTable:
    """The rows of a list: (first line, cells), those without anything left out; and the lines that are no rows."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    bad: tuple[BadRow, ...]


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
