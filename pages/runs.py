"""Runs: the history of every update, filtered by the URL, with one run opened beside it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from wfm.domain.errors import BadInput, DeskError
from wfm.domain.operations import RunPage
from wfm.domain.people import Capability
from wfm.ui.components import messages, times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.run_query import Chart, filter_params
from wfm.ui.components.unknown_filters import without_unknown
from wfm.ui.screens.runs import causes, export, filters, panel, saved_views, selection, state, table
from wfm.ui.screens.runs.model import PAGE
from wfm.ui.screens.runs.sentences import finding, headline, matching_text, range_text, search_limit_text
from wfm.ui.shell import story
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading
from wfm.ui.shell.navigation import page

actor = require(Capability.VIEW)
heading("Runs", actor)
saved_views.notices()

the_desk = desk()
now, zone = times.now(), times.viewer_zone()
query, problems = state.load(lambda: saved_views.opened_with(the_desk, actor))
query, unknown = without_unknown(the_desk, query)
problems += tuple(problem.shown for problem in unknown)
which = query.resolve(now)

filters.bar(the_desk, query, zone)
try:
    try:
        shown: RunPage = the_desk.runs.page(which, cursor=query.cursor, limit=PAGE, order=query.order)
    except BadInput:
        problems += ("The address points to a page of the list that no longer exists: the first page is shown.",)
        query = replace(query, cursor=None)
        shown = the_desk.runs.page(which, limit=PAGE, order=query.order)
    spread = table.spread_of(the_desk, which, now)
except DeskError as error:
    filters.show_problems(problems)
    messages.fault(error, title="The run history can't be read right now")
    st.button("Try again", icon=":material/refresh:")
    st.stop()

filters.show_problems(problems)

range_word = range_text(query.preset, spread, zone)
title = finding(spread, range_word, zone)
matching = matching_text(shown, narrowed=query.narrowed)
charted = query.run is None and bool(spread.total)
of_filter = causes.of_filter(query.chosen) if query.chart is Chart.CAUSES else spread.of_filter
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    beside = headline(matching, title, range_word, of_filter=of_filter or not charted)
    st.markdown(beside, width="content")
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
        saved_views.menu(the_desk, actor, query)
        if actor.may(Capability.ADMINISTER):
            st.page_link(
                page("import_runs"), label="Import", icon=":material/upload_file:", help="Import runs made without this desk."
            )
        if charted:
            filters.chart_choice(query)
        if shown.runs:
            filters.order_choice(query)

if charted:
    with messages.guarded("The causes can't be read right now"):
        shown_causes = causes.causes_of(the_desk, spread, query.chosen) if query.chart is Chart.CAUSES else None
        if shown_causes is None:
            table.over_time(spread, title, zone)
        elif shown_causes.series:
            causes.charts(shown_causes, spread, causes.finding(shown_causes, range_word), zone)
        else:
            st.caption(escape_markdown(causes.finding(shown_causes, range_word)))

if words := search_limit_text(shown, zone, now, query.order):
    st.caption(f":material/manage_search: {escape_markdown(words)}")
if shown.runs:
    if not charted:
        st.space("small")  # the table's own tools stand above its right end while something is chosen in it
    table.table(shown, query, zone)
    selection.bar(the_desk, actor, table.selected(shown), now)
    table.pager(shown, query, urlencode(filter_params(replace(which, until=which.until or now))))
    export.progress(actor)
    table.show_order(query)
elif shown.searched_to is not None or query.cursor:
    table.pager(shown, query, urlencode(filter_params(replace(which, until=which.until or now))))
else:
    table.nothing(query, any_at_all=bool(sum(the_desk.runs.totals().values())))

if query.run is not None:
    story.saw_run(panel.panel(the_desk, query.run, actor, zone, now))
