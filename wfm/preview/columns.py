"""The columns of a list, judged by their cells against the directory, with the heads to settle a tie.

0. A row whose cells are words that heads are made of is the head; what stands above it is a title. Neither is an agent.
1. A column is a candidate by the share of its cells that name agents of this tenant, by id, e-mail or name.
2. Columns that name the same agent row by row are one choice: the surest is read.
3. Of several choices (an agent and a manager) the heads decide if they leave no doubt. Else a person is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wfm.domain.agent_words import EMAIL, GUID
from wfm.domain.errors import BadInput
from wfm.domain.heads import Whose, is_head, whose
from wfm.domain.lists import EVERY_COLUMN, ListTable
from wfm.preview.people import BY_EMAIL, BY_ID, BY_NAME, People

MIN_SHARE = 0.2
"""Of a column's cells that name agents, below which it is none that holds them, where another holds more."""
SAME_SHARE = 0.9
"""Of the rows in which two columns name the same agent, from which on they are one choice."""
TOP = 30
"""Rows among which the head is looked for."""
SAMPLE = 300
"""Cells of a column that are looked at word by word before it is known whether agents stand in it."""
MAX_JOINED = 40
"""Columns of a table in which first and last names are looked for side by side."""

_SUREST = {BY_ID: 3, BY_EMAIL: 2, BY_NAME: 1}
Row = tuple[int, tuple[str, ...]]
"""First line, cells."""


@dataclass(slots=True)
class Column:
    """What a column holds. `agents` is the one agent that a row names, by the row's place."""

    index: int
    name: str
    head: Whose
    filled: int = 0
    people: int = 0
    mails: int = 0
    distinct: int = 0
    agents: dict[int, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        return self.people / self.filled if self.filled else 0.0

    @property
    def kind(self) -> str:
        return max(self.kinds, key=lambda kind: (self.kinds[kind], _SUREST[kind])) if self.kinds else BY_NAME

    @property
    def worth(self) -> tuple[bool, int, int, int, int]:
        """Of columns that name the same agents the surest is the greatest."""
        return (self.head is not Whose.SOMEBODY_ELSE, len(self.agents), _SUREST[self.kind], self.head, -self.index)


# --- the head ------------------------------------------------------------------------------------------------------------


def apart(table: ListTable, people: People) -> tuple[tuple[int, ...], tuple[str, ...], list[Row]]:
    """(lines of title and head, names of the columns, the rows below). A head that comes again is none of the rows."""
    rows = table.rows
    head, above = _head(rows, people)
    names = () if head is None else rows[head][1]
    body = [row for row in rows[above:] if head is None or row[1] != names]
    return tuple(line for line, _ in rows[:above]), tuple(" ".join(name.split()) for name in names), body


def _head(rows: Sequence[Row], people: People) -> tuple[int | None, int]:
    """(the place of the head, if there is one; how many rows stand above the first that is one)."""
    top = [[cell.strip() for cell in cells if cell.strip()] for _, cells in rows[:TOP]]
    wide = Counter(sum(map(bool, map(str.strip, cells))) for _, cells in rows[:200]).most_common(1)[0][0]
    says = [[is_head(cell) for cell in cells] for cells in top]
    # “Created by, Ursula Becker” names nobody that the list is about.
    labels = [
        says_so[0]
        and any(not head and (_is_sure(cell) or people.somebody(cell)) for cell, head in zip(cells, says_so, strict=True))
        for cells, says_so in zip(top, says, strict=True)
    ]
    single = None
    for place, cells in enumerate(top):
        if labels[place]:
            continue
        if not any(says[place]):
            if len(cells) >= wide and any(_is_sure(cell) or people.somebody(cell) for cell in cells):
                break
        elif len(rows) > 1 and not any(map(_is_sure, cells)):
            if len(cells) > 1 or wide == 1:
                return place, place + 1
            single = place  # a title of one word, or a head above one column of several
    head = single if single is not None else _head_by_its_cells(top, wide, people)
    if head is None and wide > 2:
        head = _head_by_its_cells(top, wide - 1, people)  # one of the columns has no name
    if head is not None:
        return head, head + 1
    said = [cells[0] for cells, label in zip(top, labels, strict=True) if label]
    last = max((place for place, label in enumerate(labels) if label), default=-1)
    # The same word again and again is a column of its own (“Agent”, “Supervisor”).
    before = [cells for cells, label in zip(top[:last], labels[:last], strict=True) if not label]
    titles = len(set(said)) == len(said) and not any(_is_data(cells, people) for cells in before)
    return None, last + 1 if titles and last + 1 < len(top) else 0


def _head_by_its_cells(top: Sequence[Sequence[str]], wide: int, people: People) -> int | None:
    """A head in words that are not known: the first full row, where it holds nothing and those below hold data."""
    strict = wide == 1  # one column of names below a name that is not known: that is no head
    for place, cells in enumerate(top):
        if len(cells) < wide:
            continue
        if any(map(_is_sure, cells)):
            return None
        if _is_data(cells, people):
            strict = True  # when and by whom the file was made may stand above the head: below it, ids and e-mails tell
            continue
        below = [row for row in top[place + 1 : place + 11] if len(row) >= wide]
        sign = all if wide == 1 else any
        like_data = sum(sign(_is_sure(cell) or (not strict and people.somebody(cell)) for cell in row) for row in below)
        return place if below and like_data * 2 >= len(below) else None
    return None


def _is_sure(cell: str) -> bool:
    """Whether a cell has the form of an id or an e-mail."""
    return "@" in cell or GUID.search(cell) is not None


def _is_data(cells: Iterable[str], people: People) -> bool:
    """Whether one of the cells is what a head never is: an id, an e-mail, an agent, a number or a date."""
    return any(_is_sure(cell) or _is_number(cell) or people.somebody(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and not any(map(str.isalpha, cell))


# --- the columns ---------------------------------------------------------------------------------------------------------


def columns_of(rows: Sequence[Row], names: Sequence[str], people: People) -> list[Column]:
    """What each column holds, in their order."""
    wide = max((len(cells) for _, cells in rows), default=0)
    columns = []
    for at in range(wide):
        name = names[at] if at < len(names) else ""
        column = Column(at, name or f"column {at + 1}", whose(name))
        filled = [
            (place, row[at]) for place, (_, row) in enumerate(rows) if at < len(row) and row[at] and not row[at].isspace()
        ]
        column.filled, column.distinct = len(filled), len({cell for _, cell in filled})
        _judge(column, filled[:SAMPLE], people)
        # A column of dates or notes is not looked through word by word, unless somebody stands in it after all.
        if column.people or column.mails or any(people.is_named(cell) for _, cell in filled[SAMPLE:]):
            _judge(column, filled[SAMPLE:], people)
        columns.append(column)
    return columns


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


def with_full_names(names: Sequence[str], rows: Sequence[Row]) -> tuple[tuple[str, ...], list[Row]]:
    """The table with columns of whole names where first and last names stand side by side."""
    wide = max((len(cells) for _, cells in rows), default=0)
    if not 2 <= wide <= MAX_JOINED:
        return tuple(names), list(rows)
    pairs = [(at, at + 1) for at in range(wide - 1)] + [(at + 1, at) for at in range(wide - 1)]

    def joined(cells: Sequence[str]) -> tuple[str, ...]:
        full = [*cells, *[""] * (wide - len(cells))]
        both = (f"{full[one]} {full[other]}" if full[one].strip() and full[other].strip() else "" for one, other in pairs)
        return (*full, *both)

    named = (
        joined(names)
        if names
        else (*(f"column {at + 1}" for at in range(wide)), *(f"columns {a + 1} and {b + 1}" for a, b in pairs))
    )
    return tuple(named), [(line, joined(cells)) for line, cells in rows]


def candidates(columns: Iterable[Column]) -> list[Column]:
    """The columns that hold agents: not those in which somebody is named here and there."""
    found = [one for one in columns if one.people]
    most = max((one.people for one in found), default=0)
    sharp = [one for one in found if one.share >= MIN_SHARE]
    return [one for one in sharp or found if one.people >= most * MIN_SHARE]


def groups_of(candidates: Iterable[Column]) -> list[list[Column]]:
    """The candidates, with those that name the same agents row by row together; the surest of each group first."""
    groups: list[list[Column]] = []
    for column in sorted(candidates, key=lambda one: one.worth, reverse=True):
        home = next((group for group in groups if _same(group[0], column)), None)
        if home is None:
            groups.append([column])
        else:
            home.append(column)
    return groups


def _same(one: Column, other: Column) -> bool:
    both = one.agents.keys() & other.agents.keys()
    return bool(both) and sum(one.agents[at] == other.agents[at] for at in both) >= len(both) * SAME_SHARE


def choose(columns: Sequence[Column], groups: Sequence[Sequence[Column]]) -> tuple[int | None, str]:
    """Which column names the agents, and why; None where nothing decides."""
    if not groups:
        return _likely(columns)
    firsts = [group[0] for group in groups]
    agents = [one for one in firsts if one.head is Whose.AGENT]
    named = agents or [one for one in firsts if one.head is Whose.PERSON]
    others = [one for one in firsts if one.head is Whose.SOMEBODY_ELSE]
    if len(firsts) > 1 and not (len(named) == 1 and len(others) == len(firsts) - 1):
        held = ", ".join(f"“{one.name}” ({_share(one)})" for one in firsts[:4])
        return None, f"Several columns hold agents of this tenant, and not the same ones: {held}. Choose the one that is meant."
    column = named[0] if len(firsts) > 1 else firsts[0]
    if len(firsts) == 1 and (doubt := _doubt(column, columns, groups[0])):
        return None, doubt
    also = f" {_listed(others)} too, but by the head it is somebody else." if len(firsts) > 1 else ""
    return column.index, f"{reason_of(columns, column.index)}{also}"


def _doubt(column: Column, columns: Sequence[Column], same: Sequence[Column]) -> str:
    """Why the only column that holds agents may still not be the one that is meant; "" where it is."""
    rest = [one for one in columns if one.filled and one not in same]
    held = f"“{column.name}” holds agents of this tenant ({_share(column)})"
    if not rest:
        return ""
    if column.head is Whose.SOMEBODY_ELSE:
        return f"{held}, but by its head it names somebody else. Choose the column that is meant."
    unsaid = column.head is Whose.NOTHING_SAID
    for one in rest:
        mails = one.mails * 2 > one.filled
        if (mails and (one.head > column.head or (unsaid and one.head is column.head))) or (unsaid and one.head is Whose.AGENT):
            return f"{held}, but “{one.name}” may be the one that is meant. Choose the column."
    finer = [one for one in rest if one.distinct > column.distinct]
    repeats = column.people > len(set(column.agents.values()))
    if repeats and finer and (unsaid or any(one.head > Whose.NOTHING_SAID for one in finer if column.head is Whose.PERSON)):
        return f"{held}, but fewer people than lines. Choose the column that is meant."
    return ""


def _likely(columns: Sequence[Column]) -> tuple[int | None, str]:
    """Where no cell names anybody: the column that looks like it, so that its rows are listed."""
    filled = [one for one in columns if one.filled]
    if not filled:
        return None, "Below the head there is no row."
    best = max(filled, key=lambda one: (one.head is Whose.AGENT, one.mails * 2 > one.filled, one.head, -one.index))
    return best.index, f"No cell names an agent of this tenant. “{best.name}” looks most like the column that should."


def reason_of(columns: Sequence[Column], index: int) -> str:
    if index == EVERY_COLUMN:
        return "Every agent named in any column is taken."
    found = next((one for one in columns if one.index == index), None)
    if found is None:
        raise BadInput("column", index + 1, f"a number from 1 to {len(columns)}")
    if found.filled == 1:
        return f"“{found.name}”: the one cell {'is an agent' if found.people else 'names no agent'} of this tenant."
    return f"“{found.name}”: {_share(found)} cells are agents of this tenant."


def _share(column: Column) -> str:
    return f"{column.people:,} of {column.filled:,}"


def _listed(columns: Sequence[Column]) -> str:
    names = " and ".join(f"“{one.name}” ({_share(one)})" for one in columns[:3])
    return f"{names} {'holds' if len(columns) == 1 else 'hold'} people"
