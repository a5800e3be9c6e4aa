"""Plan: who, when, how; what would happen; and the one action that does it."""

from __future__ import annotations

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.domain.plans import PlanRequest
from wfm.ui.components import messages, times, waiting
from wfm.ui.screens.plan import act, preview_cache, start, state, verdict
from wfm.ui.screens.plan.agents import agents
from wfm.ui.screens.plan.how import how
from wfm.ui.screens.plan.sentences import action_label
from wfm.ui.screens.plan.when import when
from wfm.ui.screens.plan.who import chosen_line, left_out, who
from wfm.ui.shell import context, story
from wfm.ui.shell.auth import require
from wfm.ui.shell.heading import heading

actor = require(Capability.VIEW)
heading("Plan a window", actor)
desk = context.desk()
messages.worker_missing(desk)

clicked = bool(st.session_state.get(act.APPLY) or st.session_state.get(act.REHEARSE))
state.begin(clicked=clicked)
form = state.form(desk, actor)
last = state.last_preview()
shown = last.preview if last else None

try:
    with waiting.reading(desk, "the tenant's people and groups"):
        directory = desk.agents.directory()
except DeskError as error:
    messages.fault(error, title="The tenant's directory can't be read")
    st.caption("Your plan is kept and returns when the tenant does. Windows in effect are listed on Now.")
    st.button("Try again", type="primary", icon=":material/refresh:", key="plan_again")
    st.stop()

one, two, three = st.columns([10, 11, 9], gap="small", border=True)
with one:
    st.markdown("**1 Who**")
    selection = who(desk, form, directory)
    picked = st.container()
with two:
    st.markdown("**2 When**")
    timing = when(form, sorted({unit.zone for unit in directory.units.values()}))
with three:
    st.markdown("**3 How**")
    route, action = how(desk, form, timing.window)

request = PlanRequest(
    selection=selection,
    window=timing.window,
    route=route,
    action=action,
    reason=timing.reason,
    ticket=timing.ticket,
    include=verdict.included(form.include),
)
with picked:
    chosen_line(desk, request)

# What is shown while reading has a place of its own: a container keeps what it was given earlier in the same run.
status, reading, bar = st.empty(), st.empty(), st.bottom.empty()
if selection.is_empty():
    state.keep(desk, actor, request)
    state.forget_preview()
    state.drawn(None)
    with status.container():
        start.nobody_picked(desk, actor)
        if desk.demo is not None and not st.session_state.get(story.ON):
            st.button(
                "New here? See the three-minute story",
                icon=":material/auto_stories:",
                type="tertiary",
                key="story-begin",
                on_click=story.start,
                args=(desk, actor),
            )
    with bar.container():
        act.nothing_to_do("Pick agents first.")
    st.stop()

key = preview_cache.cache_key(desk, request)
# A person who clicks means the numbers on the screen: they are not recomputed under the click, and a click that comes together
# with an edit is not accepted. What changed in the world since is found out by the Desk, which refuses a stale plan.
expired = last is not None and times.now() - last.at > state.MAX_AGE and not clicked
fresh = bool(st.session_state.get("plan_fresh"))


def say_old() -> None:
    """The numbers below are the old ones: drawn once somebody would notice."""
    if shown is not None:
        with status.container():
            verdict.recomputing(shown)
        with bar.container():
            act.waiting(action_label(shown))


if last is None or last.key != key or expired or fresh:
    height, after_s = (None, waiting.SOON_S) if shown else (320, 0.0)
    what = "directory, schedules, states and access"
    with waiting.reading(desk, what, place=reading, height=height, after_s=after_s, meanwhile=say_old):
        last = preview_cache.make(desk, request, key, fresh=fresh)
    shown = last.preview
    story.saw_preview(shown)
state.keep(desk, actor, request)

if shown is None:
    state.drawn(None)
    with status.container():
        messages.fault(last.error or DeskError("The preview could not be made."))
    with bar.container():
        act.nothing_to_do("Fix what is named above first. Nothing you typed is lost.")
    st.stop()

accept_click = state.is_drawn(last)
with status.container():
    verdict.refused_notice()
    verdict.status_line(shown)
verdict.verdict(shown)
agents(shown, left_out(selection, directory))
with bar.container():
    act.act(desk, actor, shown, accept_click=accept_click)
state.drawn(last)
