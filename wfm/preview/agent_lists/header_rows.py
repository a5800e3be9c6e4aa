"""The rows of a list that are no agents: title, head (of one row or two), rules, and heads of other people further down."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wfm.domain.agent_lists import BadRow
from wfm.files.agent_tables import ListTable
from wfm.files.agent_words import is_sure
from wfm.files.column_headers import Whose, is_head, is_section, leaves_out, whose
from wfm.preview.agent_lists.people import People

TOP = 30
"""Rows among which the head is looked for."""
Row = tuple[int, tuple[str, ...]]
"""First line, cells."""
_RULE = re.compile(r"[\s\-:=_+|*.─━]*")
_ORDINAL = re.compile(r"\((\d{1,3})\)|(\d{1,3})")
_BLANK = frozenset({"", "-", "–", "n/a", "na", "none", "null"})


@dataclass(frozen=True, slots=True)
class Body:
    """What stands below the head. `above` are the lines of title and head, `names` the columns' (() without a head).

    `bad` are the rows of somebody else, below a head or a word of their own. `mixed` says where a second head has its
    columns in another order, "" where none does.
    """

    above: tuple[int, ...]
    names: tuple[str, ...]
    rows: list[Row]
    bad: tuple[BadRow, ...] = ()
    mixed: str = ""


def body_of(table: ListTable, people: People) -> Body:
    """The rows of a list, apart from its title and its heads."""
    rows = [row for row in table.rows if not all(_RULE.fullmatch(cell) for cell in row[1])]
    place, after = _head(rows, people)
    names: tuple[str, ...] = ()
    if place is not None:
        names, place, after = _names(rows, place, people)
    above = tuple(line for line, _ in rows[:after])
    found = tuple(" ".join(name.split()) for name in names)
    below, bad, mixed, kept = _blocks(rows[after:], found, people)
    return Body(above, kept, below, tuple(bad), mixed)


def is_blank(cell: str) -> bool:
    return cell.strip().casefold() in _BLANK


# --- the head ------------------------------------------------------------------------------------------------------------


def _head(rows: Sequence[Row], people: People) -> tuple[int | None, int]:
    """(the place of the head, if there is one; how many rows stand above the first that is one)."""
    top = [[cell.strip() for cell in cells if cell.strip()] for _, cells in rows[:TOP]]
    if not top:
        return None, 0
    wide = Counter(sum(map(bool, map(str.strip, cells))) for _, cells in rows[:200]).most_common(1)[0][0]
    says = [[is_head(cell) for cell in cells] for cells in top]
    # “Created by, Ursula Becker” names nobody that the list is about.
    labels = [
        says_so[0]
        and any(not head and (is_sure(cell) or people.somebody(cell)) for cell, head in zip(cells, says_so, strict=True))
        for cells, says_so in zip(top, says, strict=True)
    ]
    single = None
    for place, cells in enumerate(top):
        if labels[place]:
            continue
        if not any(says[place]):
            if len(cells) >= wide and any(is_sure(cell) or people.somebody(cell) for cell in cells):
                break
        elif len(rows) > 1 and not any(map(is_sure, cells)):
            if len(cells) > 1 or wide == 1:
                return place, place + 1
            single = place  # a title of one word, or a head above one column of several
    head = single if single is not None else _head_by_its_cells(top, wide, people)
    if head is None and wide > 2:
        head = _head_by_its_cells(top, wide - 1, people)  # one of the columns has no name
    if head is None:
        head = _head_in_part(top, people)
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
        if any(map(is_sure, cells)):
            return None
        if _is_data(cells, people):
            strict = True  # when and by whom the file was made may stand above the head: below it, ids and e-mails tell
            continue
        below = [row for row in top[place + 1 : place + 11] if len(row) >= wide]
        sign = all if wide == 1 else any
        like_data = sum(sign(is_sure(cell) or (not strict and people.somebody(cell)) for cell in row) for row in below)
        return place if below and like_data * 2 >= len(below) else None
    return None


def _head_in_part(top: Sequence[Sequence[str]], people: People) -> int | None:
    """A head of words of which some are known (“Pod Lead, Pod Member”): the first row of several cells, none of them data."""
    first = next((place for place, cells in enumerate(top) if _is_data(cells, people)), 0)
    fit = (
        at
        for at, cells in enumerate(top[:first])
        if len(cells) > 1 and any(whose(one) is not Whose.NOTHING_SAID for one in cells)
    )
    return next(fit, None)


def _is_data(cells: Iterable[str], people: People) -> bool:
    """Whether one of the cells is what a head never is: an id, an e-mail, an agent, a number or a date."""
    return any(is_sure(cell) or _is_number(cell) or people.somebody(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and not any(map(str.isalpha, cell))


def _names(rows: Sequence[Row], place: int, people: People) -> tuple[tuple[str, ...], int, int]:
    """(the names of the columns, the place of the head's last row, how many rows stand above the first below it).

    A head may have two rows (“Worker,,,Organization” above “Name, E-mail, Unit, Manager”): both are said.
    """
    lower = rows[place][1]
    upper = rows[place - 1][1] if place else ()
    if _is_upper(upper, lower, people):
        names = _two_rows(upper, lower)
    elif place + 1 < len(rows) and _is_upper(lower, rows[place + 1][1], people) and _says_heads(rows[place + 1][1]):
        names, place = _two_rows(lower, rows[place + 1][1]), place + 1
    else:
        names = lower
    after = place + 1
    if after < len(rows) and _is_numbering(rows[after][1]):
        after += 1
    return names, place, after


def _is_upper(upper: Sequence[str], lower: Sequence[str], people: People) -> bool:
    """Whether a row holds names above groups of the columns that the next one names."""
    over = [cell for cell in upper if cell.strip()]
    under = [cell for cell in lower if cell.strip()]
    return 1 < len(over) < len(under) and len(set(over)) == len(over) and not _is_data((*over, *under), people)


def _says_heads(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(is_head, filled)) * 2 >= len(filled)


def _two_rows(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    names, over = [], ""
    for at, cell in enumerate(lower):
        over = (upper[at].strip() if at < len(upper) else "") or over
        name = cell.strip()
        names.append(f"{name} ({over})" if name and over and over != name else name or over)
    return tuple(names)


def _is_numbering(cells: Sequence[str]) -> bool:
    """“(1), (2), (3)” below a head."""
    found = [_ORDINAL.fullmatch(cell.strip()) for cell in cells if cell.strip()]
    numbers = [int(one[1] or one[2]) for one in found if one is not None]
    return len(found) > 1 and len(numbers) == len(found) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# --- heads further down --------------------------------------------------------------------------------------------------


def _blocks(
    rows: Sequence[Row], names: tuple[str, ...], people: People
) -> tuple[list[Row], list[BadRow], str, tuple[str, ...]]:
    """(the rows that may be agents, those of somebody else, where a head has another order, the names of the columns).

    A later row that is a head begins another block: “Supervisors” below “Agents”, a signature, the head of the next page.
    """
    blocks: list[tuple[int, tuple[str, ...], list[Row]]] = [(0, names, [])]
    bad: list[BadRow] = []
    doubt = ""
    first = [next((cell.strip() for cell in cells if cell.strip()), "") for _, cells in rows]
    roles = sum(map(is_head, first)) * 2 > len(first)  # a column of roles is asked about
    for line, cells in rows:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if _tidy(cells) == names:
            blocks.append((line, names, []))
        elif (all(map(is_head, filled)) or (len(filled) == 1 and is_section(filled[0]))) and not people.somebody(filled[0]):
            blocks.append((line, _tidy(cells), []))
        elif names and not roles and len(filled) > 1 and is_head(filled[0]) and whose(filled[0]) is Whose.SOMEBODY_ELSE:
            bad.append(BadRow(line, ", ".join(filled)[:80], f"after “{filled[0]}”"))
        else:
            if len(filled) == 1 and not doubt and _may_head_others(filled[0], people):
                doubt = (
                    f"Line {line:,}, “{filled[0]}”, may be the heading of other people. Choose the column to take all lines."
                )
            blocks[-1][2].append((line, cells))
    if len(blocks) == 1:
        return blocks[0][2], bad, doubt, names
    others = [_is_of_others(head) for _, head, _ in blocks]
    if all(other for other, (_, _, below) in zip(others, blocks, strict=True) if below):
        others = [False] * len(blocks)  # a list of managers is what it says
    kept = [block for block, other in zip(blocks, others, strict=True) if not other]
    for (_, head, below), other in zip(blocks, others, strict=True):
        said = next((cell for cell in head if whose(cell).is_other or _excludes(cell)), "")
        bad += [
            BadRow(line, ", ".join(filter(None, map(str.strip, cells)))[:80], f"below “{said}”")
            for line, cells in below
            if other
        ]
    kept_names = next((head for _, head, _ in kept if head), names)
    mixed = next((line for line, head, below in kept if below and _order(head) and _order(head) != _order(kept_names)), 0)
    says = f"Line {mixed} is another heading, with its columns in another order." if mixed else doubt
    return [row for _, _, below in kept for row in below], bad, says, kept_names


def _may_head_others(cell: str, people: People) -> bool:
    """Whether a text of a few words may be a head in words that are not all known (“Duty manager”)."""
    few = len(cell.split()) <= 3 and not any(map(str.isdigit, cell)) and "@" not in cell
    return few and whose(cell) is Whose.SOMEBODY_ELSE and not people.somebody(cell)


def _tidy(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(cell.split()) for cell in cells)


def _is_of_others(head: Sequence[str]) -> bool:
    said = [whose(cell) for cell in head if cell.strip()]
    return (any(one.is_other for one in said) and Whose.AGENT not in said) or any(map(_excludes, head))


def _excludes(cell: str) -> bool:
    return is_section(cell) and leaves_out(cell)


def _order(head: Sequence[str]) -> tuple[Whose, ...]:
    """What the columns are by their heads; () of one word, which is a title in between."""
    return tuple(whose(cell) for cell in head) if sum(map(bool, head)) > 1 else ()
