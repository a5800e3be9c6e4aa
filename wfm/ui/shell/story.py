"""The guided story of the demo tenant: three minutes, told by doing. One line below the title, easily put away.

The steps tick themselves off by what the ledger and the tenant say, so that the story is true wherever it is picked up.
What only this tab knows stands in the address, so that a reload goes on with it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import streamlit as st

from wfm.desk import Desk
from wfm.domain.errors import DeskError
from wfm.domain.operations import OPEN_STATES, Operation, OperationState, Outcome, Run
from wfm.domain.people import Actor
from wfm.domain.plans import Preview
from wfm.ui.components import demo_switches, times
from wfm.ui.shell.links import go

ON = "story_on"
SEEN_RUN = "story_seen_run"
SAW_MISSING = "story_saw_missing"
BEGAN = "story_began"
PARAMETER = "story"
"""In the address: when the story began, in seconds since 1970, and what was seen since."""
_FLAGS = {"m": SAW_MISSING, "r": SEEN_RUN}
CLIENT = "architect-flow"
"""The client of the brief: the story is told with it."""

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
        "You are a supervisor, and a database upgrade is due. On **Plan** pick a team: *Access* says which scope is missing.",
        "plan",
        "Plan",
    ),
    Step("See it fail as it does in production: **Run anyway and show me the failure**.", "plan", "Plan"),
    Step(
        "The first agents answered 403, so the rest were not sent. Open one run in **Runs**: payload, cause and fix.",
        "runs",
        "Runs",
    ),
    Step("Fix it as the OAuth admin would: **Fix it (demo only)**, below the same plan.", "plan", "Plan"),
    Step("The same plan again, this time for real: **Take … agents out now**.", "plan", "Plan"),
    Step("They are out. Restore them early: **End now and restore**.", "windows", "Windows"),
)
FINISHED = "That is the whole story: found, fixed, applied, restored. Every update is in **Runs**."


def start(desk: Desk, actor: Actor) -> None:
    """Begins the story in this tab, at its beginning however often it was told: with the client that lacks the scope.

    While windows are open their access is left as it is: they need it to get everybody back.
    """
    st.session_state[ON] = True
    st.session_state[BEGAN] = times.now()
    for key in (SEEN_RUN, SAW_MISSING):
        st.session_state.pop(key, None)
    with suppress(DeskError):  # the story then begins where the tenant stands
        if desk.demo is not None and not desk.windows.newest(states=OPEN_STATES, limit=1):
            if desk.clients.current.name != CLIENT:
                desk.clients.use(CLIENT, actor)
            if demo_switches.NEEDED_SCOPE in (desk.clients.current.scopes or ()):
                desk.demo.remove_scope(actor)
    demo_switches.tenant_changed()


def stop() -> None:
    """Puts the story away."""
    st.session_state[ON] = False
    st.query_params.pop(PARAMETER, None)


def saw_preview(preview: Preview | None) -> None:
    """Notes that a preview named missing access."""
    if preview is not None and preview.missing_access:
        st.session_state[SAW_MISSING] = True


def saw_run(run: Run | None) -> None:
    """Notes that a run that failed was opened."""
    if run is not None and run.outcome is Outcome.FAILED and not run.example:
        st.session_state[SEEN_RUN] = True


def written(began: datetime, seen: str = "") -> str:
    """The story's place as the address says it. `seen` are letters of `_FLAGS`. Pure."""
    return f"{int(began.timestamp())}{seen}"


def read(place: str) -> tuple[datetime, str] | None:
    """When the story began and what was seen since, from the address; None where that is no place in it. Pure."""
    seen = place.lstrip("0123456789")
    digits = place.removesuffix(seen)
    if not digits.isascii() or not 1 <= len(digits) <= 10 or set(seen) - _FLAGS.keys():
        return None
    return datetime.fromtimestamp(int(digits), UTC), seen


def _pick_up() -> None:
    """After a reload the story goes on where the address says it was."""
    found = read(str(st.query_params.get(PARAMETER, "")))
    if ON in st.session_state or found is None:
        return
    st.session_state[ON] = True
    st.session_state[BEGAN], seen = found
    for letter in seen:
        st.session_state[_FLAGS[letter]] = True


def _put_down() -> None:
    """Menu and links drop what the address said; so each screen says it again."""
    seen = "".join(letter for letter, key in _FLAGS.items() if st.session_state.get(key))
    place = written(st.session_state.get(BEGAN) or times.now(), seen)
    if st.query_params.get(PARAMETER) != place:
        st.query_params[PARAMETER] = place


def current_step(
    *, holds_scope: bool, saw_missing: bool, saw_run: bool, operations: list[Operation], since: datetime | None = None
) -> int:
    """Which step comes next, from 0; len(STEPS) when the story is told. What was planned before `since` is older. Pure."""
    mine = [one for one in operations if not one.example and (since is None or one.created_at >= since)]
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
    if desk.demo is None:
        return
    _pick_up()
    if not st.session_state.get(ON):
        return
    _put_down()
    try:
        client = desk.clients.current
        operations = [view.operation for view in desk.windows.newest(limit=20)]
    except DeskError:
        return
    number = current_step(
        holds_scope=client.scopes is not None and demo_switches.NEEDED_SCOPE in client.scopes,
        saw_missing=bool(st.session_state.get(SAW_MISSING)),
        saw_run=bool(st.session_state.get(SEEN_RUN)) or "run" in st.query_params,  # the one opened just now, too
        operations=operations,
        since=st.session_state.get(BEGAN),
    )
    told, ways = st.columns([5, 1], gap="small", vertical_alignment="center")
    with ways.container(horizontal=True, horizontal_alignment="right", key="story"):
        if number >= len(STEPS):
            told.markdown(f":violet-badge[:material/auto_stories: Story] {FINISHED}")
            if _screen() != "runs":
                go("Runs", "runs", key="story-go")
        else:
            step = STEPS[number]
            told.markdown(f":violet-badge[:material/auto_stories: Story {number + 1} of {len(STEPS)}] {step.text}")
            if step.screen != _screen():
                go(step.link, step.screen, key="story-go")
        st.button("Close", icon=":material/close:", type="tertiary", key="story-close", on_click=stop)


def _screen() -> str:
    """The screen that is open, by its name in the address; "" where the address is not known."""
    return urlsplit(st.context.url or "").path.rstrip("/").rpartition("/")[2]
