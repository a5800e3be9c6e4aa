"""The Plan screen while nobody is picked: the first step, and the last plan to be made once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.operations import Operation
from wfm.domain.people import Actor
from wfm.ui.components import messages, times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan import state
from wfm.ui.screens.plan.model import same_again

if TYPE_CHECKING:
    from wfm.desk import Desk

LOOKED_AT = 20
"""Newest windows among which the last one of this person is looked for."""


def nobody_picked(desk: Desk, actor: Actor) -> None:
    """What to do first."""
    messages.nothing(
        "No one is picked yet",
        "Pick a team, queue, unit or division, or find, paste or upload agents. What would happen to each agent is "
        "shown here before anything is written.",
        icon=":material/group_add:",
    )
    last = _last(desk, actor)
    if last is not None:
        st.button(
            f"Plan the same again: {escape_markdown(last.title)}",
            icon=":material/replay:",
            key="plan_same_again",
            on_click=_plan_again,
            args=(last,),
            help="The same agents, route and length. Reason and ticket are yours to type. Nothing is sent.",
        )


def _last(desk: Desk, actor: Actor) -> Operation | None:
    """The last window that this person planned, if it is among the newest ones."""
    try:
        newest = [view.operation for view in desk.windows.newest(limit=LOOKED_AT)]
    except DeskError:
        return None
    mine = (one for one in newest if one.created_by == actor.name and not one.rehearsal and not one.example)
    return max(mine, key=lambda one: one.created_at, default=None)


def _plan_again(operation: Operation) -> None:
    state.begin_with(same_again(operation.request, times.now()))
