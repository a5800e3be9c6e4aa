"""Which column of a list names its agents, and why; a question where there is any reasonable doubt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from wfm.domain.agent_lists import EVERY_COLUMN
from wfm.domain.errors import BadInput
from wfm.files.agent_words import bare_word, is_sure, likeness, without_remark
from wfm.files.column_headers import Whose, is_head, names_groups, whose
from wfm.files.header_words import NUMBERS, STAYS, YES_OR_NO
from wfm.preview.agent_lists.columns import SAMPLE, Column
from wfm.preview.agent_lists.header_rows import Row, is_blank
from wfm.preview.agent_lists.people import People
from wfm.preview.selection import fold_accents

_APART = 0.8
"""Of a column's cells that are different ones, from which on they may be people."""
_AKIN = 0.7
"""Of the rows in which a cell holds a part of the agent's name or address, from which on both are the same person."""
MAX_ROLE = 40
_FULL = 0.8
"""Of the rows that hold more than a name, from which on one that holds nothing else may be a title."""


def choose(
    columns: Sequence[Column], groups: Sequence[Sequence[Column]], rows: Sequence[Row], people: People
) -> tuple[int | None, str]:
    """Which column names the agents, and why; None where nothing decides."""
    if not groups:
        return _likely(columns)
    firsts = [group[0] for group in groups]
    said = {group[0].index: max(one.head for one in group) for group in groups}
    agents = [one for one in firsts if said[one.index] is Whose.AGENT]
    named = agents or [one for one in firsts if said[one.index] is Whose.PERSON]
    others = [one for one in firsts if (said[one.index].is_other if agents else said[one.index] is Whose.SOMEBODY_ELSE)]
    if len(firsts) > 1 and not (len(named) == 1 and len(others) == len(firsts) - 1):
        held = ", ".join(f"“{one.name}” ({_share(one)})" for one in firsts[:4])
        return None, f"Several columns hold agents of this tenant, and not the same ones: {held}. Choose the one that is meant."
    at = firsts.index(named[0]) if len(firsts) > 1 else 0
    column = firsts[at]
    if doubt := _doubt(column, [one for one in columns if one not in others], groups[at], rows, people):
        return None, doubt
    also = f" {_listed(others)} too, but the heading names another role." if len(firsts) > 1 else ""
    return column.index, f"{reason_of(columns, column.index)}{also}"


def _doubt(column: Column, columns: Sequence[Column], same: Sequence[Column], rows: Sequence[Row], people: People) -> str:
    """Why the only column that holds agents may still not be the one that is meant; "" where it is."""
    parts = {at for one in same for at in one.parts}
    rest = [one for one in columns if one.filled and one not in same and not one.parts and one.index not in parts]
    held = f"“{column.name}” holds agents of this tenant ({_share(column)})"
    if not rest or any(one.head is Whose.AGENT for one in same):
        return ""
    if column.head.is_other:
        may = "names" if column.head is Whose.SOMEBODY_ELSE else "may name"
        return f"{held}, but by its head it {may} somebody else. Choose the column that is meant."
    unsaid = column.head is Whose.NOTHING_SAID
    for one in rest:
        mails = one.mails * 2 > one.filled and not one.head.is_other
        better = one.head > column.head or (unsaid and one.head is column.head)
        if (mails and better) or (unsaid and one.head is Whose.AGENT) or _may_be_people(one, column, rows, people):
            return f"{held}, but “{one.name}” may be the one that is meant. Choose the column."
    finer = [one for one in rest if one.distinct > column.distinct]
    repeats = column.people > len(set(column.agents.values()))
    if repeats and finer and (unsaid or any(one.head > Whose.NOTHING_SAID for one in finer)):
        return f"{held}, but fewer people than lines. Choose the column that is meant."
    return ""


def _may_be_people(one: Column, chosen: Column, rows: Sequence[Row], people: People) -> bool:
    """Whether the cells of a column may be people that can't be read, and others than those in the chosen one."""
    cells = [(place, row[1][one.index].strip()) for place, row in enumerate(rows[:SAMPLE]) if one.index < len(row[1])]
    cells = [(place, cell) for place, cell in cells if cell and not people.somebody(cell)]
    if one.head.is_other or len(cells) * 2 < len(rows[:SAMPLE]) or len({cell for _, cell in cells}) < len(cells) * _APART:
        return False
    kinds = [likeness(cell) or ("name" if people.around(cell)[0] else "") for _, cell in cells]
    alike = sum(kind == "name" or (kind == "id" and chosen.head is Whose.NOTHING_SAID) for kind in kinds)
    if alike < len(cells) * _APART or (len(cells) < 3 and not any(" " in cell or "@" in cell for _, cell in cells)):
        return False
    both = [(chosen.agents[place], cell) for place, cell in cells if place in chosen.agents]
    return sum(_is_akin(people.text_of(agent), cell) for agent, cell in both) < max(len(both), 1) * _AKIN


def _is_akin(agent: str, cell: str) -> bool:
    return bool(_parts(agent) & _parts(cell))


def _parts(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", fold_accents(text)) if len(word) > 1 or not word.isascii()}


def _likely(columns: Sequence[Column]) -> tuple[int | None, str]:
    """Where no cell names anybody: the column that looks like it, so that its rows are listed."""
    filled = [one for one in columns if one.filled]
    if not filled:
        return None, "Below the head there is no row."
    best = max(filled, key=lambda one: (one.head is Whose.AGENT, one.mails * 2 > one.filled, one.head, -one.index))
    return best.index, f"No cell names an agent of this tenant. “{best.name}” looks most like the column that should."


# --- words before people -------------------------------------------------------------------------------------------------


def roles_beside(rows: Sequence[Row], columns: Iterable[Column]) -> tuple[str, Mapping[int, str]]:
    """(a sentence, {place of a row: the role it names}) where some rows say “Agent” and others “Manager”; ("", {}) else."""
    for column in columns:
        if column.parts or column.people * 2 > column.filled or column.distinct > MAX_ROLE:
            continue
        cells = {place: row[1][column.index].strip() for place, row in enumerate(rows) if column.index < len(row[1])}
        said = {place: whose(cell) for place, cell in cells.items() if is_head(cell)}
        others = {place: cells[place] for place, one in said.items() if one.is_other}
        if others and Whose.AGENT in said.values():
            names = ", ".join(f"“{name}”" for name in list(dict.fromkeys(others.values()))[:3])
            lines = "1 line" if len(others) == 1 else f"{len(others):,} lines"
            return f"“{column.name}” says {names} in {lines}, which would be left out. Choose the column of the agents.", others
    return "", {}


def marked(rows: Sequence[Row], chosen: Column, columns: Iterable[Column], people: People) -> str:
    """A sentence where a column says of some lines what it does not say of the others, as “Take out?” does; "" else.

    A few values (yes and no, a mark and nothing), a word that leaves somebody out, or a remark here and there. Not teams,
    numbers and dates, nor what stands beside all agents alike (a line for each day).
    """
    for column in columns:
        if column.parts or column.people * 2 > column.filled or not column.filled:
            continue
        agents_by_value: dict[str, set[str]] = {}
        for place, agent in chosen.agents.items():
            cells = rows[place][1]
            value = " ".join(cells[column.index].split()).casefold() if column.index < len(cells) else ""
            agents_by_value.setdefault("" if is_blank(value) else value, set()).add(agent)
        sets = list(agents_by_value.values())
        if len(sets) < 2 or all(agents == sets[0] for agents in sets):
            continue
        said = [value for value in agents_by_value if value]
        if _marks(column, said, has_blanks="" in agents_by_value, lines=len(chosen.agents), people=people):
            held = ", ".join(f"“{value[:MAX_ROLE]}”" for value in said[:2])
            return (
                f"“{column.name}” says {held}{' and more' if len(said) > 2 else ''}, and not the same in all lines. "
                "Choose the column of the agents to take all lines."
            )
    return ""


def _marks(column: Column, said: Sequence[str], *, has_blanks: bool, lines: int, people: People) -> bool:
    """Whether the values of a column may say who is meant."""
    if not (YES_OR_NO - NUMBERS).isdisjoint(said) or NUMBERS.issuperset(said):
        return True
    if has_blanks and column.filled * 4 <= lines and column.head is Whose.NOTHING_SAID:
        return True
    if not any(any(map(str.isalpha, value)) for value in said) or column.head.is_other or all(map(people.is_group, said)):
        return any(_is_mark(value) for value in said)
    if any("@" not in value and not STAYS.isdisjoint(re.findall(r"[^\W_]+", value)) for value in said):
        return True
    sparse = has_blanks and column.filled * 2 <= lines and column.head is Whose.NOTHING_SAID
    return sparse or (len(said) + has_blanks == 2 and lines > 2 and not names_groups(column.name))


def _is_mark(value: str) -> bool:
    """Whether a value is a sign such as “✓” or “★”."""
    return bool(value) and all(unicodedata.category(sign)[0] in "SM" for sign in value)


def sections(rows: Sequence[Row], chosen: Column, people: People) -> str:
    """A sentence where a line of one cell that names nobody may be the heading of those below it (“Keep”); "" else."""
    last = max(chosen.agents, default=0)
    wide = sum(sum(map(bool, map(str.strip, cells))) > 1 for _, cells in rows) >= len(rows) * _FULL
    for line, cells in rows[:last]:
        filled = [(at, cell.strip()) for at, cell in enumerate(cells) if cell.strip()]
        at, said = filled[0]
        if (
            len(filled) != 1
            or at not in (0, chosen.index)
            or len(said) > MAX_ROLE
            or is_sure(said)
            or not any(map(str.isalpha, said))
        ):
            continue
        if any(hit.agent for hit in people.named(said)):
            continue
        words = re.findall(r"[^\W_]+", said.casefold())
        if wide or (len(words) == 1 and likeness(said) != "id") or not STAYS.isdisjoint(words):
            return f"Line {line:,}, “{said}”, may be the heading of those below. Choose the column to take all lines."
    return ""


def indented(rows: Sequence[Row], chosen: Column) -> str:
    """A sentence where some names stand further in than others, as agents below their manager do; "" else."""
    cells = [rows[place][1][chosen.index] for place in chosen.agents]
    if len({len(cell) - len(cell.lstrip()) for cell in cells}) < 2:
        return ""
    return "Some names stand further in than others, as below a manager. Choose the column of the agents to take all lines."


def remarked(rows: Sequence[Row], chosen: Column) -> str:
    """A sentence where words in brackets stand behind some names, and not the same behind all; "" else."""
    remarks = {without_remark(bare_word(rows[place][1][chosen.index]))[1] for place in chosen.agents}
    said = [remark for remark in remarks if any(map(str.isalpha, remark)) and "@" not in remark]
    if not said or len(remarks) == 1:
        return ""
    return f"“{min(said)}” stands behind a name, and not behind all. Choose the column of the agents to take all lines."


def alone(rows: Sequence[Row], column: Column, groups: Sequence[Sequence[Column]]) -> str:
    """A sentence where a few rows hold nothing but a name, as titles and signatures do; "" else.

    Not where only columns of the same people are beside it: these may have gaps.
    """
    same = {one.index for group in groups if column in group for one in group} - {column.index}

    def holds_more(cells: Sequence[str], but: set[int]) -> bool:
        return any(any(map(str.isalnum, cell)) for at, cell in enumerate(cells) if at not in but)

    more = sum(holds_more(cells, {column.index, *same}) for _, cells in rows)
    lines = [line for line, cells in (rows[place] for place in column.agents) if not holds_more(cells, {column.index})]
    if not lines or more < len(rows) * _FULL:
        return ""
    which = ", ".join(f"{line:,}" for line in lines[:5])
    said = f"Line {which} holds" if len(lines) == 1 else f"Lines {which}{' and more' if len(lines) > 5 else ''} hold"
    return f"{said} nothing but a name, as a title or a signature does. Choose the column to take all lines."


# --- sentences -----------------------------------------------------------------------------------------------------------


def reason_of(columns: Sequence[Column], index: int) -> str:
    """What a column holds. Raises BadInput for one that there is not."""
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
