"""Data Actions: what the tenant has, what each takes, and what it answers when it is tested or executed."""

from __future__ import annotations

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.ui.components import messages, waiting
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.tables import chosen_row, table_height
from wfm.ui.screens.data_actions import model
from wfm.ui.screens.data_actions.panel import panel
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading

actor = require(Capability.VIEW)
heading("Data Actions", actor)

the_desk = desk()
fresh = bool(st.session_state.pop("actions-fresh", False))


def read_again() -> None:
    """Asks the tenant again at the next run."""
    st.session_state["actions-fresh"] = True


try:
    with waiting.reading(the_desk, "the tenant's Data Actions"):
        actions = the_desk.actions.all(fresh=fresh)
except DeskError as error:
    messages.fault(error, title="The Data Actions can't be read right now")
    st.button("Try again", icon=":material/refresh:", on_click=read_again)
    st.stop()

if not actions:
    messages.nothing(
        "This tenant shows no Data Action",
        "Either there is none, or this OAuth client may not see them: that takes the permission integrations:action:view. "
        "Create one in Admin › Integrations › Actions, then read again.",
        icon=":material/bolt:",
    )
    st.button("Read again", icon=":material/refresh:", on_click=read_again)
    st.stop()

# The right end stays free: there the table's own tools stand while something is chosen in it.
with st.container(horizontal=True, vertical_alignment="bottom"):
    text = st.text_input(
        "Find an action",
        placeholder="Find by name, category or path",
        key="actions-text",
        label_visibility="collapsed",
        icon=":material/search:",
        width=320,
    )
    st.button("Read again", icon=":material/refresh:", type="tertiary", key="actions-read-again", on_click=read_again)

listed = model.matching(actions, text or "")
opened = str(st.query_params.get("action", ""))
chosen = next((action for action in actions if opened in (action.id, action.name)), None) if opened else None
if opened and chosen is None:
    st.warning(
        f"The address names a Data Action that does not exist here: {escape_markdown(opened[:60])}.", icon=":material/link_off:"
    )


def open_row(key: str, action_ids: list[str]) -> None:
    """Puts the chosen action into the address."""
    row = chosen_row(st.session_state.get(key))
    if row is not None and row < len(action_ids):
        st.query_params["action"] = action_ids[row]
    else:
        st.query_params.pop("action", None)


if not listed:
    messages.nothing(f"No action matches “{text or ''}”", "Use fewer letters of its name.", icon=":material/search_off:")
else:
    shown_ids = [action.id for action in listed]
    table_key = f"actions-table-{hash(tuple(shown_ids))}"
    st.dataframe(
        model.table(listed),
        key=table_key,
        hide_index=True,
        height=table_height(len(listed), 7),
        on_select=lambda: open_row(table_key, shown_ids),
        selection_mode="single-cell",
        alt="Data Actions of this tenant. Choose a cell to open one.",
        column_config={
            "name": st.column_config.TextColumn("name", width=230),
            "category": st.column_config.TextColumn("category", width=260),
            "request": st.column_config.TextColumn("request it makes", width=420),
            "inputs": st.column_config.TextColumn("inputs", width=200),
        },
    )

if chosen is not None:
    panel(the_desk, chosen, actor)
elif listed:
    st.caption("Choose an action to see its contract, test it with a step trace, or execute it.")
