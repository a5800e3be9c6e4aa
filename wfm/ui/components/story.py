"""The guided story of the demo tenant: three minutes, told by doing. One line below the title, easily put away.

The steps tick themselves off by what the ledger and the tenant say, so that the story is true wherever it is picked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.operations import Operation, OperationState
from wfm.ui.components.links import go

if TYPE_CHECKING:
    from wfm.desk import Desk

ON = "story_on"
SEEN_RUN = "story_seen_run"
NEEDED = "wfm:schedule:update"

_DONE = (OperationState.RESTORED, OperationState.ENDED_EARLY)
_FAILED = (OperationState.HALTED, OperationState.FAILED, OperationState.FAILED_IN_PART, *_DONE)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to do, where, and whether it is done."""

    text: str
    screen: str
    link: str


STEPS = (
    Step(
        "You are a supervisor and must take agents out for a database upgrade. On **Plan**, pick a team and read what *Access* "
        "says: the OAuth client may write schedules but not *update* them.",
        "plan",
        "Plan",
    ),
    Step("See it fail as it does in production: **Run anyway and show me the failure**.", "plan", "Plan"),
    Step("Every agent answered 403. Open one run in **Runs**: payload, cause and fix side by side.", "runs", "Runs"),
    Step("Mend it as the OAuth admin would: the badge above, **Mend: add the missing scope**.", "plan", "Plan"),
    Step("The same plan again, now for real: **Take agents out now**.", "plan", "Plan"),
    Step("They are out. Get them back before time: **End now and restore**.", "windows", "Windows"),
)
FINISHED = "That is the whole story: found, mended, applied, restored, and every update is in **Runs**."


def start() -> None:
    """Begins the story in this tab."""
    st.session_state[ON] = True
    st.session_state.pop(SEEN_RUN, None)


def stop() -> None:
    """Puts the story away."""
    st.session_state[ON] = False


def current_step(*, holds_scope: bool, saw_missing: bool, saw_run: bool, operations: list[Operation]) -> int:
    """Which step comes next, from 0; len(STEPS) when the story is told. Pure."""
    mine = [operation for operation in operations if not operation.example]
    rehearsed = any(operation.rehearsal and operation.state in _FAILED for operation in mine)
    applied = [operation for operation in mine if not operation.rehearsal and operation.started_at is not None]
    if any(operation.state in _DONE for operation in applied):
        return len(STEPS)
    if applied:
        return 5
    if holds_scope:
        return 4
    if saw_run and rehearsed:
        return 3
    if rehearsed:
        return 2
    return 1 if saw_missing else 0


def strip(desk: Desk) -> None:
    """The line itself, where the story is on and the tenant is the demo tenant."""
    if not st.session_state.get(ON) or desk.demo is None:
        return
    try:
        client = desk.current_client
        operations = [view.operation for view in desk.operations(limit=20)]
    except DeskError:
        return
    number = current_step(
        holds_scope=client.scopes is not None and NEEDED in client.scopes,
        saw_missing=bool(st.session_state.get("story_saw_missing")),
        saw_run=bool(st.session_state.get(SEEN_RUN)),
        operations=operations,
    )
    with st.container(horizontal=True, vertical_alignment="center", key="story"):
        if number >= len(STEPS):
            st.markdown(f":violet-badge[:material/auto_stories: Story] {FINISHED}", width="stretch")
        else:
            step = STEPS[number]
            badge = f":violet-badge[:material/auto_stories: Story {number + 1} of {len(STEPS)}]"
            st.markdown(f"{badge} {step.text}", width="stretch")
            go(step.link, step.screen, key="story-go")
        st.button("Close", icon=":material/close:", type="tertiary", key="story-close", on_click=stop)
