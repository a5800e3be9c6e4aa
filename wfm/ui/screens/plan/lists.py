"""Agents from a list, pasted or uploaded: whom it names and why, to be changed by hand, and the lines left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.agent_lists import AgentList, BadRow
from wfm.domain.errors import DeskError, refuse_controls
from wfm.domain.sentences import quantity
from wfm.domain.text import has_controls
from wfm.ui.components import messages, upload
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.components.tables import table_height, ticked_rows
from wfm.ui.screens.plan.sentences import above_line, column_labels, named_table

if TYPE_CHECKING:
    from wfm.desk import Desk

PASTED = "plan_paste"
BAD_ROWS = "plan_bad_rows"
MAX_CSV_MB = 5
_READ = "plan_list_read"
_SHOWN = "plan_list_shown"

Read = Callable[[int | None], AgentList]
Add = Callable[[tuple[str, ...]], None]


def paste_list(desk: Desk, add: Add) -> None:
    """The field for ids, e-mails, names or rows of a sheet. `add` takes the words; a callback."""
    text = st.text_area(
        "Ids, e-mails or names",
        key=PASTED,
        placeholder="one a line, or separated by commas",
        height=140,
        help="Rows copied from a sheet, and people named in a mail or chat, are found too: you see them before they count.",
    )
    words: tuple[str, ...] | None = None
    if text.strip():
        try:
            for number, line in enumerate(text.split("\n"), start=1):
                refuse_controls(f"pasted line {number}", line, lines=True)
            words = _shown(_pasted(desk, text), _mark(text))
            st.session_state[_SHOWN] = _mark(text)
        except DeskError as error:
            messages.fault(error)
            return
    _add_button("plan_paste_add", words, _add_pasted, (desk, add))


def upload_list(desk: Desk, add: Add) -> None:
    """The field for a file. `add` takes the words that its button adds."""
    file = upload.file("A CSV with one agent a line", ["csv", "txt", "tsv"], key="plan_csv", max_mb=MAX_CSV_MB)
    st.caption("The desk finds the column that names agents of this tenant. Nothing else in the file is stored.")
    if file is None:
        st.session_state.pop(_READ, None)
        return
    try:
        words = _shown(_once(file.file_id, lambda column: desk.agents.in_file(file.getvalue(), column)), file.file_id)
    except DeskError as error:
        messages.fault(error)
        return
    _add_button("plan_csv_add", words, add, (words,))


def _add_button(key: str, words: tuple[str, ...] | None, then: Callable[..., None], args: tuple[object, ...]) -> None:
    """The button that adds the words, with their number; None where nothing is typed yet."""
    label = "Add these" if words is None else f"Add {quantity(len(words), 'agent')}" if words else "No one to add"
    st.button(label, key=key, icon=":material/group_add:", disabled=words == (), on_click=then, args=args)


def _shown(read: Read, mark: str) -> tuple[str, ...]:
    """Draws whom a list names and why; gives the words to add. Where the desk is not sure, a person ticks them."""
    first = read(None)
    found = _chosen(first, read, mark) if first.columns else first
    if found.doubt:
        st.markdown(f":orange[:material/help: {escape_markdown(found.doubt)}]")
    if not (first.asks or first.doubt) or not found.named:
        bad_rows(found.bad)
        return tuple(word for _, word in found.words)
    st.dataframe(
        named_table(found),
        hide_index=True,
        height=table_height(len(found.named), 8),
        column_config={
            "line": st.column_config.NumberColumn("line", width=40),
            "agent": st.column_config.TextColumn("agent", width=105),
            "why not": st.column_config.TextColumn("why not", width=100),
            "what the line says": st.column_config.TextColumn("what the line says", width=170),
        },
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [at for at, one in enumerate(found.named) if not one.why]}},
        on_select="rerun",
        alt="Everyone the list names; the ticked ones are added",
        key=_ticks_key(mark, found),
    )
    bad_rows(tuple(row for row in found.bad if not row.word))
    return _ticked(found, mark)


def _ticked(found: AgentList, mark: str) -> tuple[str, ...]:
    """The words of the ticked rows, each once; of a list that is plain, its words."""
    state = st.session_state.get(_ticks_key(mark, found))
    if state is None:
        return tuple(word for _, word in found.words)
    return tuple(dict.fromkeys(found.named[at].word for at in ticked_rows(state) if at < len(found.named)))


def bad_rows(bad: tuple[BadRow, ...]) -> None:
    """The lines of a file that can't be used, with their numbers; the rest is kept."""
    if not bad:
        return
    lines = quantity(len({row.line for row in bad}), "line")
    st.markdown(f":red[:material/block: {lines} left out]")
    st.dataframe(
        {"line": [row.line for row in bad], "given": [cell(row.given) for row in bad], "why": [cell(row.why) for row in bad]},
        hide_index=True,
        height=table_height(len(bad), 6),
        column_config={
            "line": st.column_config.NumberColumn("line", width=48),
            "given": st.column_config.TextColumn("given", width=190),
            "why": st.column_config.TextColumn("why", width=300),
        },
        alt="Lines of the file that were left out",
        key=BAD_ROWS,
    )


def _chosen(found: AgentList, read: Read, mark: str) -> AgentList:
    """The list by the column that stands in the field, which begins with the one that was found."""
    labels = column_labels(found)
    key = _column_key(mark)
    if len(labels) > 1:
        # Not as `index`: a box that begins with a choice can't be emptied by hand.
        if key not in st.session_state:
            st.session_state[key] = found.chosen
        column = st.selectbox(
            "Which column names the agents?",
            list(labels),
            index=None,
            key=key,
            format_func=lambda index: cell(labels.get(index, "")),
            placeholder="Choose the column",
        )
        if column is not None and column != found.chosen:
            found = read(column)
    says = " ".join(filter(None, (found.reason, above_line(found.above))))
    st.markdown(
        f":orange[:material/help: {escape_markdown(says)}]" if found.asks else f":material/table: {escape_markdown(says)}"
    )
    return found


def _add_pasted(desk: Desk, add: Add) -> None:
    text = str(st.session_state.get(PASTED, ""))
    mark = _mark(text)
    if not text.strip() or has_controls(text, lines=True):
        return
    read = _pasted(desk, text)
    try:
        first = read(None)
        if (first.reason or first.doubt or first.bad) and st.session_state.get(_SHOWN) != mark:
            return  # the choice of a column, and who is left out, is seen before it counts
        column = st.session_state.get(_column_key(mark), first.chosen)
        found = first if column == first.chosen else read(column)
    except DeskError:
        return  # said below the field
    if words := _ticked(found, mark):
        add(words)
        st.session_state[PASTED] = ""


def _pasted(desk: Desk, text: str) -> Read:
    return _once(_mark(text), lambda column: desk.agents.in_text(text, column))


def _once(mark: str, read: Read) -> Read:
    """Reads a list once for each column: it stays in its field while the plan is edited."""

    def remembered(column: int | None) -> AgentList:
        kept = st.session_state.get(_READ)
        lists: dict[int | None, AgentList] = kept[1] if kept is not None and kept[0] == mark else {}
        st.session_state[_READ] = (mark, lists)
        if column not in lists:
            lists[column] = read(column)
        return lists[column]

    return remembered


def _ticks_key(mark: str, found: AgentList) -> str:
    return f"plan_named_{mark}_{found.chosen}"


def _column_key(mark: str) -> str:
    return f"plan_column_{mark}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
