"""Failures: not 212 red rows but one sentence a cause, with the change that fixes it."""

from __future__ import annotations

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.ui.components import messages, times
from wfm.ui.components.url_choice import choice
from wfm.ui.screens.failures import model
from wfm.ui.screens.failures.actions import Viewer, notices
from wfm.ui.screens.failures.card import SORT_LABELS, brief_of, find, list_of, watch
from wfm.ui.screens.failures.model import Show, Sort
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading
from wfm.ui.shell.navigation import page

actor = require(Capability.VIEW)

the_desk = desk()
try:
    groups = the_desk.failures.groups()
    waiting = the_desk.failures.waiting_agents(model.stuck(groups))
except DeskError as error:
    heading("Failures", actor)
    messages.fault(error, title="The failures can't be read right now")
    st.button("Try again", icon=":material/refresh:")
    st.stop()

heading(model.finding(groups, waiting), actor)
notices()
viewer = Viewer(desk=the_desk, actor=actor, zone=times.viewer_zone(), now=times.now())
linked = st.query_params.get("failure")
sizes = {show: sum(group.state in model.STATES[show] for group in groups) for show in Show}

if not groups:
    messages.nothing(
        "No run has failed yet",
        "When one does, it is explained here once, however many agents it affects: what it means, how to confirm it, "
        "how to fix it and who can. Paste an error from elsewhere into Access to have it explained.",
        icon=":material/task_alt:",
    )
    st.page_link(page("access"), label="Explain an error", icon=":material/key:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    show = choice("show", Show, Show.WAITING, "Which causes", lambda option: f"{option.word.capitalize()} {sizes[option]}")
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
        text = find()
        sort = choice("sort", Sort, Sort.AGENTS, "Sorted", SORT_LABELS.__getitem__)
        st.button("Refresh", icon=":material/refresh:", type="tertiary", key="failures-refresh")

if linked is not None and all(group.fingerprint != linked for group in groups):
    st.warning("The address names a failure group that does not exist here: all others are shown.", icon=":material/link_off:")

listed = model.ordered(model.matching(groups, text, lambda group: brief_of(group, viewer)), show, first=linked, sort=sort)
kind = "" if show is Show.ALL else f"{show.word} "
if not listed and text:
    messages.nothing(f"No {kind}cause contains “{text[:40]}”", "Choose another list above, or use fewer words.")
elif not listed:
    messages.nothing(f"No cause is {show.word}", "Choose another list above; resolved and ignored causes keep their history.")
list_of(listed, viewer, linked)
if listed:
    st.caption(f"Times are in {viewer.zone.key}.")
watch(groups)
