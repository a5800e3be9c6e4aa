"""Agents from a list, pasted or uploaded: which column names them and why, to be changed by hand, and the lines left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.agent_lists import AgentList, BadRow
from wfm.domain.errors import DeskError, refuse_controls
from wfm.domain.text import has_controls
from wfm.ui.components import empty, upload
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.components.sentences import quantity
from wfm.ui.components.tables import table_height
from wfm.ui.screens.plan.sentences import above_line, column_labels

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
        help="E-mails and ids are found inside other text, such as rows copied from a sheet or an e-mail.",
    )
    if text.strip():
        try:
            for number, line in enumerate(text.split("\n"), start=1):
                refuse_controls(f"pasted line {number}", line, lines=True)
            found = _pasted(desk, text)(None)
            if found.is_table:
                found = _chosen(found, _pasted(desk, text), _mark(text))
            elif found.reason:
                st.markdown(f":orange[:material/help: {escape_markdown(found.reason)}]")
            bad_rows(found.bad)
            st.session_state[_SHOWN] = _mark(text)
        except DeskError as error:
            empty.fault(error)
            return
    st.button("Add these", key="plan_paste_add", icon=":material/group_add:", on_click=_add_pasted, args=(desk, add))


def upload_list(desk: Desk, add: Add) -> None:
    """The field for a file. `add` takes the words that its button adds."""
    file = upload.file("A CSV with one agent a line", ["csv", "txt", "tsv"], key="plan_csv", max_mb=MAX_CSV_MB)
    st.caption("The desk finds the column that names agents of this tenant. Nothing else in the file is stored.")
    if file is None:
        st.session_state.pop(_READ, None)
        return
    try:
        read = _once(file.file_id, lambda column: desk.agents.in_file(file.getvalue(), column))
        found = _chosen(read(None), read, file.file_id)
    except DeskError as error:
        empty.fault(error)
        return
    bad_rows(found.bad)
    words = tuple(word for _, word in found.words)
    st.button(
        f"Add {quantity(len(words), 'agent')}" if words else "No one to add",
        key="plan_csv_add",
        icon=":material/group_add:",
        disabled=not words,
        on_click=add,
        args=(words,),
    )


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
        found = read(None)
        if (found.reason or found.bad) and st.session_state.get(_SHOWN) != mark:
            return  # the choice of a column, and who is left out, is seen before it counts
        column = st.session_state.get(_column_key(mark), found.chosen)
        found = found if column == found.chosen else read(column)
    except DeskError:
        return  # said below the field
    if found.words:
        add(tuple(word for _, word in found.words))
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


def _column_key(mark: str) -> str:
    return f"plan_column_{mark}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
