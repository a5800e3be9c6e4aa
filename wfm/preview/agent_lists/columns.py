"""The columns of a list, judged by their cells against the directory, with the heads to settle a tie.

1. A column is a candidate by the share of its cells that name agents of this tenant, by id, e-mail or name.
2. Columns that name the same agent row by row are one choice: the surest is read.
3. Of several choices (an agent and a manager) the heads decide if they leave no doubt. Else a person is asked.
4. A column beside whose cells may be people too, only not readable ones, is a doubt, unless the head says “agent”.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wfm.files.agent_words import EMAIL
from wfm.files.column_headers import Whose, column_key, whose
from wfm.files.header_words import FIRST_NAMES, LAST_NAMES
from wfm.preview.agent_lists.header_rows import Row
from wfm.preview.agent_lists.people import BY_EMAIL, BY_ID, BY_NAME, People

MIN_SHARE = 0.2
"""Of a column's cells that name agents, below which it is none that holds them, where another holds more."""
SAME_SHARE = 0.9
"""Of the rows in which two columns name the same agent, from which on they are one choice."""
SAMPLE = 300
"""Cells of a column that are looked at word by word before it is known whether agents stand in it."""
MAX_COMPARED = 100
"""Columns that are compared with each other: a list of so many is no table of people."""
MAX_JOINED = 40
"""Columns of a table in which first and last names are looked for side by side."""

_SUREST = {BY_ID: 3, BY_EMAIL: 2, BY_NAME: 1}


@dataclass(slots=True)
class Column:
    """What a column holds. `agents` is the one agent that a row names, by the row's place; `parts` the columns it joins."""

    index: int
    name: str
    head: Whose
    filled: int = 0
    people: int = 0
    mails: int = 0
    distinct: int = 0
    agents: dict[int, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    parts: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        return self.people / self.filled if self.filled else 0.0

    @property
    def kind(self) -> str:
        return max(self.kinds, key=lambda kind: (self.kinds[kind], _SUREST[kind])) if self.kinds else BY_NAME

    @property
    def worth(self) -> tuple[bool, int, int, int, int]:
        """Of columns that name the same agents the surest is the greatest."""
        return (not self.head.is_other, len(self.agents), _SUREST[self.kind], self.head, -self.index)


# --- the columns ---------------------------------------------------------------------------------------------------------


def columns_of(rows: Sequence[Row], names: Sequence[str], people: People) -> list[Column]:
    """What each column holds, in their order. Columns of one name carry their number."""
    wide = max((len(cells) for _, cells in rows), default=0)
    again = Counter(names)
    columns = []
    for at in range(wide):
        name = names[at] if at < len(names) else ""
        shown = f"{name} (column {at + 1})" if again[name] > 1 else name
        column = Column(at, shown or f"column {at + 1}", whose(name))
        _fill(column, rows, people)
        columns.append(column)
    return columns


def _fill(column: Column, rows: Sequence[Row], people: People) -> None:
    at = column.index
    filled = [(place, row[at]) for place, (_, row) in enumerate(rows) if at < len(row) and row[at] and not row[at].isspace()]
    column.filled, column.distinct = len(filled), len({cell for _, cell in filled})
    _judge(column, filled[:SAMPLE], people)
    # A column of dates or notes is not looked through word by word, unless somebody stands in it after all.
    if column.people or column.mails or any(people.is_named(cell) for _, cell in filled[SAMPLE:]):
        _judge(column, filled[SAMPLE:], people)


def _judge(column: Column, cells: Iterable[tuple[int, str]], people: People) -> None:
    for place, cell in cells:
        column.mails += "@" in cell and EMAIL.search(cell) is not None
        hits, only = people.look(cell)
        if only:
            column.people += 1
            for hit in hits:
                column.kinds[people.kind(hit)] += 1
            if len(hits) == 1 and hits[0].agent:
                column.agents[place] = hits[0].agent


def with_full_names(columns: Sequence[Column], rows: Sequence[Row], people: People) -> tuple[list[Column], list[Row]]:
    """The table with columns of whole names beside it, where first and last names stand in columns of their own."""
    if not 2 <= len(columns) <= MAX_JOINED:
        return list(columns), list(rows)
    found, pairs = list(columns), list[tuple[int, int]]()
    for one, other in _pairs([column for column in columns if column.filled and column.share < MIN_SHARE]):
        both = [(line, (_joined(cells, one.index, other.index),)) for line, cells in rows[:SAMPLE]]
        sample = Column(0, "", Whose.NOTHING_SAID)
        _fill(sample, both, people)
        if sample.share >= MIN_SHARE:
            name = f"{one.name} {other.name}"
            found.append(Column(len(columns) + len(pairs), name, whose(name), parts=(one.index, other.index)))
            pairs.append((one.index, other.index))
    if not pairs:
        return found, list(rows)
    wide = len(columns)
    whole = [
        (line, (*cells, *[""] * (wide - len(cells)), *(_joined(cells, one, other) for one, other in pairs)))
        for line, cells in rows
    ]
    for column in found[wide:]:
        _fill(column, whole, people)
    return found, whole


def _pairs(columns: Sequence[Column]) -> list[tuple[Column, Column]]:
    """Columns that may hold the parts of a name: those side by side, and those whose heads say so."""
    beside = [(one, other) for one, other in pairwise(columns) if other.index == one.index + 1]
    first = [
        column
        for column in columns
        if column_key(column.name).startswith(tuple(FIRST_NAMES)) or column_key(column.name).endswith(tuple(FIRST_NAMES))
    ]
    last = [column for column in columns if column_key(column.name).endswith(tuple(LAST_NAMES)) and column not in first]
    apart = [(one, other) for one in first for other in last if abs(one.index - other.index) > 1]
    return beside + apart


def _joined(cells: Sequence[str], one: int, other: int) -> str:
    if max(one, other) >= len(cells) or not cells[one].strip() or not cells[other].strip():
        return ""
    return f"{cells[one].strip()} {cells[other].strip()}"


def candidates(columns: Iterable[Column]) -> list[Column]:
    """The columns that hold agents: not those in which somebody is named here and there."""
    found = [one for one in columns if one.people]
    most = max((one.people for one in found), default=0)
    sharp = [one for one in found if one.share >= MIN_SHARE]
    return [one for one in sharp or found if one.people >= most * MIN_SHARE]


def groups_of(candidates: Iterable[Column]) -> list[list[Column]]:
    """The candidates, with those that name the same agents row by row together; the surest of each group first."""
    groups: list[list[Column]] = []
    for column in sorted(candidates, key=lambda one: one.worth, reverse=True)[:MAX_COMPARED]:
        home = next((group for group in groups if _same(group[0], column) or _completes(group, column)), None)
        if home is None:
            groups.append([column])
        else:
            home.append(column)
    return groups


def _same(one: Column, other: Column) -> bool:
    both = one.agents.keys() & other.agents.keys()
    return bool(both) and sum(one.agents[at] == other.agents[at] for at in both) >= len(both) * SAME_SHARE


def _completes(group: Sequence[Column], column: Column) -> bool:
    """Whether a column names agents just where the others are empty: “Agent ID” for some, “Agent Email” for the others."""
    agents = all(one.head is Whose.AGENT for one in (*group, column))
    return agents and not any(one.agents.keys() & column.agents.keys() for one in group)
