"""What a list of agents gave: its columns, whom it names, and the lines that can't be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EVERY_COLUMN = -1
"""Instead of a column's number: everyone who is named anywhere in the rows."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that can't be used. `line` counts from 1, as an editor shows it.

    `word` is the agent's id, e-mail or name where the line names one who can be taken all the same, else "".
    """

    line: int
    given: str
    why: str
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumn:
    """A column of a list. `people` of its `filled` cells name agents of the tenant."""

    index: int
    name: str
    people: int
    filled: int


@dataclass(frozen=True, slots=True)
class NamedAgent:
    """Somebody a list names: the id, e-mail or name, the line, and why not to be added, "" where nothing speaks against it."""

    line: int
    word: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentList:
    """Whom a list names, and how that was found out.

    `columns` are those with anything in them, those that hold agents first. `chosen` is the index of the one that was read,
    EVERY_COLUMN, or None where nothing decides and a person must; `reason` says why, in sentences. `above` are the numbers
    of the lines that were read as title or head. `words` are (line, word), each agent once. Rows of the file that name no
    agent are `bad`. `doubt` says why a person must look at `words` before they count; "" for a plain list. `is_table`: there
    was a column to choose; `rows_alike`: the rows are as wide as those of a table. `texts` is what stands in the lines that
    name somebody, shortened.
    """

    columns: tuple[ListColumn, ...]
    chosen: int | None
    reason: str
    above: tuple[int, ...]
    words: tuple[tuple[int, str], ...]
    bad: tuple[BadRow, ...]
    is_table: bool
    rows_alike: bool = False
    doubt: str = ""
    texts: Mapping[int, str] = field(default_factory=dict)

    @property
    def named(self) -> tuple[NamedAgent, ...]:
        """All who are named, those left out among them, line by line."""
        left = (NamedAgent(row.line, row.word, row.why) for row in self.bad if row.word)
        return tuple(sorted((*(NamedAgent(line, word, "") for line, word in self.words), *left), key=lambda one: one.line))

    @property
    def asks(self) -> bool:
        """Whether somebody must say which column is meant."""
        return bool(self.columns) and self.chosen is None
