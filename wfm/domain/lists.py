"""Lists of agents as programs and people write them: a file's rows, and the words in a cell or a paste. No I/O.

Which column names the agents is judged where the directory is known (`wfm.preview.lists`).
"""

from __future__ import annotations

import re
import unicodedata
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
EMAIL = re.compile(r"[^\s<>,;:\"“”()\[\]{}|@/]+@[^\s<>,;:\"“”()\[\]{}|@/]+")
GUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_BREAKS = re.compile(r"[\n\r\v\f\t;|\u2028\u2029；]+")
_COMMAS = re.compile(r"[,，、]+")
_QUOTES = "\"'“”„‟‘’‚‛«»`´"
_PAIRS = frozenset({"{}", "<>", "()", "[]", "＜＞", "「」"})
_MARK = re.compile(r"[^\w .#&+/-]|^\s|\s$")
GUID_LENGTH = 36
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Signs without a shape, which travel along when people copy."""
_FORMULA = re.compile(r'=\s*"(.*)"', re.DOTALL)


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
    agent are `bad`. `is_table`: there was a column to choose.
    """

    columns: tuple[ListColumn, ...]
    chosen: int | None
    reason: str
    above: tuple[int, ...]
    words: tuple[tuple[int, str], ...]
    bad: tuple[BadRow, ...]
    is_table: bool

    @property
    def asks(self) -> bool:
        """Whether somebody must say which column is meant."""
        return bool(self.columns) and self.chosen is None


def fold_name(name: str) -> str:
    """A name for looking up: without case, and without regard to blanks and to how its accents are stored."""
    return " ".join((name if name.isascii() else unicodedata.normalize("NFKC", name)).casefold().split())


def is_bare(text: str) -> bool:
    """Whether a text is one word or name, with nothing around it and no id inside. Most cells are: this is quick."""
    return _MARK.search(text) is None and (len(text) < GUID_LENGTH or GUID.search(text) is None)


def bare_word(text: str) -> str:
    """A word without what stands around it in files: blanks, quotes, brackets, braces, `mailto:`, a formula's mark."""
    if is_bare(text):
        return text
    word = _UNSEEN.sub("", text).strip(" \t\r\n\u00a0\u3000;,")
    if formula := _FORMULA.fullmatch(word):
        word = formula[1]
    while len(word) > 1:
        inner = word.strip(_QUOTES).strip()
        if inner[:1] + inner[-1:] in _PAIRS and len(inner) > 1:
            inner = inner[1:-1].strip()
        if inner[:7].lower() == "mailto:":
            inner = inner[7:].strip()
        if inner == word:
            break
        word = inner
    return word


def sure_words(text: str) -> tuple[str, ...]:
    """The e-mails and ids in a text, each once: what is known by its form alone."""
    found = (*(EMAIL.findall(text) if "@" in text else ()), *(GUID.findall(text) if len(text) >= GUID_LENGTH else ()))
    if not found:
        return ()
    return tuple(
        dict.fromkeys(word for one in found if (word := one.strip(f"{_QUOTES}.!?")) and "@" not in (word[0], word[-1]))
    )


def pieces(text: str) -> tuple[str, ...]:
    """What stands between line breaks, tabs, semicolons and bars."""
    return tuple(piece for part in _BREAKS.split(text) if (piece := part.strip()))


def parts(piece: str) -> tuple[str, ...]:
    """What stands between the commas of a piece."""
    return tuple(part for one in _COMMAS.split(piece) if (part := one.strip()))


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
