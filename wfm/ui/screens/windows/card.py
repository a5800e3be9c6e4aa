"""A window as a card: what it is, how far it is, and its two actions. On a phone this is the whole desk."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from wfm.desk import Desk, OperationView
from wfm.domain.people import Actor
from wfm.domain.sentences import quantity
from wfm.ui.components import bars
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import style_of
from wfm.ui.screens.windows.actions import buttons, confirm
from wfm.ui.screens.windows.model import parts, short_title_of, title_of
from wfm.ui.screens.windows.sentences import state_sentence, tags
from wfm.ui.shell.links import go


def card(desk: Desk, actor: Actor, view: OperationView, *, now: datetime) -> None:
    """The window with its bar and its actions, and the way to its own page."""
    operation = view.operation
    with st.container(border=True, key=f"card_{operation.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(headline(view, now), width="stretch")
            with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", width="content"):
                buttons(actor, view, now=now)
                go("Open", "windows", key=f"open_{operation.id}", id=operation.id)
        confirm(desk, actor, view, now=now)
        progress(view)


def headline(view: OperationView, now: datetime) -> str:
    """Title, state and until when, in one line of Markdown."""
    operation = view.operation
    title = f"**{escape_markdown(short_title_of(operation))}** {style_of(operation.state).markdown} {tags(operation)}"
    return f"{title}  \n:gray[{state_sentence(view, now)}]"


def progress(view: OperationView) -> None:
    """The stacked bar with its numbers in words."""
    shown = parts(view.counts, view.operation.route)
    bars.stacked(shown, title=f"{title_of(view.operation)}: {quantity(view.counts.total, 'agent')}")
    bars.legend(shown, total=f"of {quantity(view.counts.total, 'agent')}")
