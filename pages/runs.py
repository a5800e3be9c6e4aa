"""Runs: the history of every update, filtered by the URL, with one run opened beside it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from wfm.domain.errors import BadInput, DeskError
from wfm.domain.operations import RunPage
from wfm.domain.people import Capability
from wfm.ui.auth import require
from wfm.ui.components import empty, times
from wfm.ui.components.heading import heading
from wfm.ui.context import desk
from wfm.ui.views import run_filters, run_panel, run_state, run_table
from wfm.ui.views.run_query import EXACT, PRESETS, filter_params
from wfm.ui.views.runs import PAGE, totals_sentence
from wfm.ui.views.words import plain

actor = require(Capability.VIEW)
heading("Runs", actor)

the_desk = desk()
now, zone = times.now(), times.viewer_zone()
query, problems = run_state.load()
which = query.resolve(now)
range_word = (
    "in this time" if query.preset == EXACT else {"all": "so far"}.get(query.preset, f"in the {PRESETS[query.preset][0]}")
)

run_filters.bar(the_desk, query, zone)
for problem in problems:
    st.warning(plain(problem), icon=":material/link_off:")

try:
    try:
        shown: RunPage = the_desk.runs(which, cursor=query.cursor, limit=PAGE)
    except BadInput:
        st.warning(
            "The address names a place in the list that is not there: the newest runs are shown.", icon=":material/link_off:"
        )
        query = replace(query, cursor=None)
        shown = the_desk.runs(which, limit=PAGE)
    totals = the_desk.totals(which.since, which.until)
except DeskError as error:
    empty.fault(error, title="The run history can't be read just now")
    st.button("Try again", icon=":material/refresh:")
    st.stop()

export = urlencode(filter_params(replace(which, until=which.until or now)))
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="runs-summary"):
    st.markdown(totals_sentence(shown, totals, range_word, narrowed=query.narrowed), width="content")
    with st.container(horizontal=True, width="content"):
        st.button("Refresh", icon=":material/refresh:", type="tertiary", key="runs-refresh")
        st.link_button(
            "CSV", f"/export/runs.csv?{export}", icon=":material/download:", type="tertiary", disabled=not shown.runs
        )
        st.link_button(
            "JSON Lines", f"/export/runs.jsonl?{export}", icon=":material/download:", type="tertiary", disabled=not shown.runs
        )

if query.run is None:
    with empty.guarded("The chart can't be drawn just now"):
        run_table.over_time(the_desk, query, which, now, zone, range_word)

if shown.runs:
    run_table.table(shown, query, zone)
    run_table.pager(shown, query)
else:
    run_table.nothing(query, any_at_all=bool(sum(the_desk.totals().values())))

if query.run is not None:
    run_panel.panel(the_desk, query.run, actor, zone, now)
