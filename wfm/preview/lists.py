"""Whom a list names: the rows of a file or the words of a paste, read by the column that names the agents."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from wfm.domain.agent_words import bare_word
from wfm.domain.errors import BadInput
from wfm.domain.heads import Whose, is_head
from wfm.domain.lists import EVERY_COLUMN, MAX_WORD, AgentList, BadRow, ListColumn, read_table
from wfm.preview.columns import Column, Row, apart, candidates, choose, columns_of, groups_of, reason_of, with_full_names
from wfm.preview.people import Hit, People
from wfm.preview.selection import Index


def agent_list(data: bytes, index: Index, column: int | None = None) -> AgentList:
    """Whom the rows of a file name. `column` is the index of the one to read, EVERY_COLUMN, or None: the cells decide.

    Raises BadInput for a file that is no list.
    """
    people = People(index)
    table = read_table(data, people.somebody)
    above, names, body = apart(table, people)
    columns = columns_of(body, names, people)
    if not any(one.people for one in columns):
        names, body = with_full_names(names, body)
        columns = columns_of(body, names, people)
    groups = groups_of(candidates(columns))
    chosen, reason = choose(columns, groups) if column is None else (column, reason_of(columns, column))
    held = [one.index for group in groups for one in group]
    filled = sorted((one for one in columns if one.filled), key=lambda one: (one.index not in held, -one.people, one.index))
    words, bad = _read(body, chosen, columns, groups, people)
    return AgentList(
        columns=tuple(ListColumn(index=one.index, name=one.name, people=one.people, filled=one.filled) for one in filled),
        chosen=chosen,
        reason=reason,
        above=above,
        words=words,
        bad=tuple(sorted((*table.bad, *bad), key=lambda row: row.line)),
        is_table=bool(groups) and len(filled) > 1 and (len(body) > 1 or bool(above)),
    )


def pasted_list(text: str, index: Index, column: int | None = None) -> AgentList:
    """Whom a pasted text names: a table where one was copied, else its words, also those that name nobody.

    E-mails and ids are found inside other text. `column` as in `agent_list`.
    """
    with suppress(BadInput):
        table = agent_list(text.replace("\0", "").encode("utf-8", "replace"), index, column)
        if table.is_table and ("\t" in text or _is_even(text, table)):
            return table
    people = People(index, in_sentences=True)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    head = len(lines) > 1 and is_head(bare_word(lines[0][1]))
    words: dict[str, tuple[int, str]] = {}
    for number, line in lines[1 if head else 0 :]:
        for hit in people.named(line):
            words.setdefault(hit.agent or hit.word[:MAX_WORD], (number, hit.word[:MAX_WORD]))
    above = (lines[0][0],) if head else ()
    return AgentList(columns=(), chosen=None, reason="", above=above, words=tuple(words.values()), bad=(), is_table=False)


def _is_even(text: str, table: AgentList) -> bool:
    """Whether the rows have a separator in common, as a file's have and a list with commas has by chance only."""
    rows = [line for line in text.splitlines() if line.strip()][len(table.above) :]
    return any(len({line.count(mark) for line in rows}) == 1 and mark in rows[0] for mark in ",;|")


def _read(
    rows: Sequence[Row], chosen: int | None, columns: Sequence[Column], groups: Sequence[Sequence[Column]], people: People
) -> tuple[tuple[tuple[int, str], ...], list[BadRow]]:
    """(line, word) of each agent once, and the rows that can't be used."""
    words: dict[str, tuple[int, str]] = {}
    bad: list[BadRow] = []
    if chosen is None:
        return (), bad
    same = next((group for group in groups if any(one.index == chosen for one in group)), ())
    for place, (line, cells) in enumerate(rows):
        if chosen == EVERY_COLUMN:
            hits = [hit for cell in cells for hit in people.named(cell) if hit.agent]
        else:
            cell = cells[chosen] if chosen < len(cells) else ""
            hits = list(people.named(cell))
            others = [
                one for one in same if one.index != chosen and place in one.agents and one.head is not Whose.SOMEBODY_ELSE
            ]
            strange = next(
                (one for one in others if len(hits) == 1 and one.agents[place] != hits[0].agent and hits[0].agent), None
            )
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
    return tuple(words.values()), bad


def _unusable(hit: Hit, line: int, words: dict[str, tuple[int, str]]) -> str:
    if len(hit.word) > MAX_WORD or not hit.word.isprintable():
        return f"no id, e-mail or name: more than {MAX_WORD} characters, or unprintable ones"
    if hit.agent is None:
        return "several agents have this name" if hit.several else "matches nobody here"
    before = words.get(hit.agent)
    return f"the same as line {before[0]}" if before is not None and before[0] != line else ""
