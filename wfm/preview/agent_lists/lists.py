"""Whom a list names: the rows of a file or the words of a paste, read by the column that names the agents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from wfm.domain.agent_lists import EVERY_COLUMN, AgentList, BadRow, ListColumn
from wfm.domain.errors import BadInput
from wfm.files.agent_tables import MAX_WORD, ListTable, read_table
from wfm.files.column_headers import leaves_out
from wfm.files.pasted_tables import as_csv
from wfm.preview.agent_lists.column_choice import alone, choose, indented, marked, reason_of, remarked, roles_beside, sections
from wfm.preview.agent_lists.columns import Column, candidates, columns_of, groups_of, with_full_names
from wfm.preview.agent_lists.free_text import read_text
from wfm.preview.agent_lists.header_rows import Body, Row, body_of, is_blank
from wfm.preview.agent_lists.people import Hit, People
from wfm.preview.selection import Index

_LABELLED = re.compile(r"\s*[a-z][\w-]*\s*: ", re.IGNORECASE)
MAX_TEXT = 200
"""Characters of a line that are shown."""
NOBODY = "matches nobody here"
MIN_ALIKE = 0.75
"""Of pasted rows that have as many cells, from which on they are a table."""


def agent_list(data: bytes, index: Index, column: int | None = None) -> AgentList:
    """Whom the rows of a file name. `column` is the index of the one to read, EVERY_COLUMN, or None: the cells decide.

    Raises BadInput for a file that is no list.
    """
    people = People(index)
    table = read_table(data, people.somebody)
    body = body_of(table, people)
    columns, rows = with_full_names(columns_of(body.rows, body.names, people), body.rows, people)
    groups = groups_of(candidates(columns))
    role, others = roles_beside(rows, columns)
    chosen, reason = choose(columns, groups, rows, people) if column is None else (column, reason_of(columns, column))
    if (
        column is None
        and chosen is not None
        and (doubt := body.mixed or role or _doubt_of_lines(rows, columns, chosen, groups, people))
    ):
        chosen, reason = None, doubt
    held = [one.index for group in groups for one in group]
    filled = sorted((one for one in columns if one.filled), key=lambda one: (one.index not in held, -one.people, one.index))
    words, bad = _read(rows, chosen, columns, groups, people, others)
    left = _left_out(table, body, bad, people)
    bad += [
        BadRow(line, word[:80], f"left out in line {left[agent]:,}", word)
        for agent, (line, word) in words.items()
        if agent in left
    ]
    return AgentList(
        columns=tuple(ListColumn(index=one.index, name=one.name, people=one.people, filled=one.filled) for one in filled),
        chosen=chosen,
        reason=reason,
        above=body.above,
        words=tuple(word for agent, word in words.items() if agent not in left),
        bad=tuple(sorted((*table.bad, *body.bad, *bad), key=lambda row: row.line)),
        rows_alike=_alike(rows, body.names),
        is_table=bool(groups) and len(filled) > 1 and (len(rows) > 1 or bool(body.above)),
        texts={line: ", ".join(filter(None, map(str.strip, cells)))[:MAX_TEXT] for line, cells in table.rows},
    )


def _doubt_of_lines(
    rows: Sequence[Row], columns: Sequence[Column], chosen: int, groups: Sequence[Sequence[Column]], people: People
) -> str:
    """Why not all the lines that name an agent may be meant; "" where nothing speaks for or against them."""
    column = columns[chosen]
    same = next((group for group in groups if column in group), ())
    beside = [one for one in columns if one not in same]
    doubts = (
        sections(rows, column, people),
        alone(rows, column, groups),
        indented(rows, column),
        remarked(rows, column),
        marked(rows, column, beside, people),
    )
    return next(filter(None, doubts), "")


def pasted_list(text: str, index: Index, column: int | None = None) -> AgentList:
    """Whom a pasted text names: a table where one was copied, else a list or a text. `column` as in `agent_list`."""
    made, people = as_csv(text), People(index)
    with suppress(BadInput):
        table = agent_list((made or text.replace("\0", "")).encode("utf-8", "replace"), index, column)
        if table.is_table and (
            made is not None or "\t" in text or (table.rows_alike and not _is_prose(text, table.above, people))
        ):
            return table
    found = read_text(text, people)
    return AgentList(
        columns=(),
        chosen=None,
        reason="",
        above=found.above,
        words=tuple(found.words),
        bad=tuple(found.bad),
        is_table=False,
        doubt=found.doubt,
        texts={number: line.strip()[:MAX_TEXT] for number, line in enumerate(text.splitlines(), start=1) if line.strip()},
    )


def _is_prose(text: str, above: Sequence[int], people: People) -> bool:
    """Whether the commas of a text part no columns: most lines have labels, as in LDIF, or its heading names somebody."""
    lines = [line for line in text.splitlines() if line.strip()]
    labelled = sum(_LABELLED.match(line) is not None for line in lines) * 2 > len(lines)
    return labelled or any(people.around(line)[0] for line in text.splitlines()[: max(above, default=0)])


def _alike(rows: Sequence[Row], names: Sequence[str]) -> bool:
    """Whether the rows are those of a table: under a head, or most with as many cells; commas in a text are so by chance."""
    if sum(map(bool, names)) > 1:
        return True
    widths = Counter(sum(map(bool, map(str.strip, cells))) for _, cells in rows)
    wide, many = max(widths.items(), key=lambda one: (one[0] > 1, one[1]), default=(0, 0))
    return wide > 1 and many >= len(rows) * MIN_ALIKE


def _read(
    rows: Sequence[Row],
    chosen: int | None,
    columns: Sequence[Column],
    groups: Sequence[Sequence[Column]],
    people: People,
    others: Mapping[int, str],
) -> tuple[dict[str, tuple[int, str]], list[BadRow]]:
    """(line, word) by agent, and the rows that can't be used. `others` are rows of somebody else, by place."""
    words: dict[str, tuple[int, str]] = {}
    bad: list[BadRow] = []
    if chosen is None:
        return words, bad
    same = next((group for group in groups if any(one.index == chosen for one in group)), ())
    beside = [one for one in same if one.index != chosen and not one.head.is_other]
    for place, (line, cells) in enumerate(rows):
        if place in others:
            bad.append(BadRow(line, ", ".join(cells)[:80], f"“{others[place]}” stands in this line"))
            continue
        if chosen == EVERY_COLUMN:
            hits = [hit for cell in cells for hit in people.named(cell) if hit.agent]
        else:
            cell = cells[chosen] if chosen < len(cells) else ""
            there = [one for one in beside if place in one.agents]
            if is_blank(cell) and there:
                cell = cells[there[0].index]
            hits = list(people.named(cell))
            one = hits[0].agent if len(hits) == 1 else None
            strange = next((other for other in there if one and other.agents[place] != one), None)
            if strange is not None:
                bad.append(BadRow(line, hits[0].word[:80], f"“{strange.name}” names somebody else in this line"))
                continue
        if not hits:
            empty = "names nobody" if chosen == EVERY_COLUMN else f"nothing in column {chosen + 1}"
            bad.append(BadRow(line, ", ".join(cells)[:80], empty))
        for hit in hits:
            if why := _unusable(hit, line, words):
                bad.append(BadRow(line, hit.word[:80], why))
            elif hit.agent:
                words.setdefault(hit.agent, (line, hit.word))
    return words, bad


def _left_out(table: ListTable, body: Body, bad: Sequence[BadRow], people: People) -> dict[str, int]:
    """The line by agent of those whom a list leaves out: below “Do not include:”, or in a title or line that says more."""
    left: dict[str, int] = {}
    for line, cells in table.rows:
        for cell in cells if line in body.above else ():
            hits, texts = people.around(cell)
            left.update((hit.agent, line) for hit, before in zip(hits, texts, strict=False) if hit.agent and leaves_out(before))
    said = [row for row in body.bad if leaves_out(row.why)] + [row for row in bad if row.why == NOBODY]
    for row in said:
        left.update((hit.agent, row.line) for hit in people.around(row.given)[0] if hit.agent)
    return left


def _unusable(hit: Hit, line: int, words: dict[str, tuple[int, str]]) -> str:
    if len(hit.word) > MAX_WORD or not hit.word.isprintable():
        return f"no id, e-mail or name: more than {MAX_WORD} characters, or unprintable ones"
    if hit.agent is None:
        return "several agents have this name" if hit.several else NOBODY
    before = words.get(hit.agent)
    return f"the same as line {before[0]}" if before is not None and before[0] != line else ""
