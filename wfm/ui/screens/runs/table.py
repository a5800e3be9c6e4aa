"""The list of the Runs screen: chart over time, table, newer and older, and what an empty list says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk
from wfm.domain.operations import Outcome, Run, RunFilter, RunOrder, RunPage
from wfm.ui.components import messages
from wfm.ui.components.charts import picked_points
from wfm.ui.components.run_query import EXACT, PRESETS, RunQuery, changed, with_preset, with_range
from wfm.ui.components.states import chips, style_of
from wfm.ui.components.tables import chosen_row, table_height, ticked_rows
from wfm.ui.screens.runs import export, state
from wfm.ui.screens.runs.chart import Spread, chart_range, over_time_spec, step_for, step_of
from wfm.ui.screens.runs.model import PAGE, frame
from wfm.ui.screens.runs.sentences import ORDER_LABELS, order_sentence, page_labels, text_alternative
from wfm.ui.shell.navigation import page

_ROWS_ALONE, _ROWS_BESIDE_A_RUN = 12, 5


def spread_of(desk: Desk, which: RunFilter, now: datetime) -> Spread:
    """Runs of the filter over its time, or all runs of that time where no counter knows the filter. Raises StoreFault."""
    first = desk.runs.first_at() if which.since is None else None
    since, until = chart_range(which.since, which.until, now, first)
    step = step_of(since, until, which)
    points = desk.runs.over_time(since, until, step, which)
    every = replace(which, since=None, until=None) == RunFilter()
    exact = desk.runs.totals(which.since, which.until) if every or points is None else None
    if points is not None:
        return Spread(since=since, until=until, step_minutes=step, points=points, exact=exact)
    step = step_for(since, until)
    points = desk.runs.over_time(since, until, step) or []
    return Spread(since=since, until=until, step_minutes=step, points=points, exact=exact, of_filter=False)


def over_time(spread: Spread, title: str, zone: ZoneInfo) -> None:
    """Runs over time by outcome. A click filters to that stretch of time and outcome."""
    st.vega_lite_chart(
        over_time_spec(spread, zone),
        height=120,
        key="runs-over-time",
        on_select=partial(_pick, spread),
        alt=f"{title}. Bars of {spread.step_minutes} minutes: {text_alternative(spread, zone)}",
    )


def _pick(spread: Spread) -> None:
    chart_state = st.session_state.get("runs-over-time")
    picked = _picked(chart_state)
    if picked is None:
        return
    start, outcome = picked
    since, until = spread.bucket(start)
    state.push(changed(with_range(state.current(), since, until), outcome=outcome))


def _picked(chart_state: Any) -> tuple[datetime, Outcome] | None:
    points = picked_points(chart_state)
    if not points:
        return None
    outcomes = {style_of(outcome).word: outcome for outcome in Outcome}
    try:
        return datetime.fromisoformat(str(points[0]["at"])), outcomes[str(points[0]["outcome"])]
    except (KeyError, ValueError):
        return None


# --- table -----------------------------------------------------------------------------------------------------------


def table(shown: RunPage, query: RunQuery, zone: ZoneInfo) -> None:
    """The runs of one page. Choosing any cell of a row opens that run."""
    data = frame(shown.runs, zone)
    run_ids = [run.id for run in shown.runs]
    rows = _ROWS_BESIDE_A_RUN if query.run else _ROWS_ALONE
    outcomes = list(Outcome)
    key, ticked = _table_key(query, run_ids)
    selected: dict[str, Any] = {"rows": ticked} if ticked else {}
    if query.run in run_ids:
        selected["cells"] = [(run_ids.index(query.run), "agent")]
    st.dataframe(
        data,
        key=key,
        height=table_height(len(run_ids), rows),
        hide_index=True,
        on_select=_open,
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": selected} if selected else None,  # type: ignore[arg-type]
        placeholder="–",
        alt=f"Runs, {ORDER_LABELS[query.order]}. Choose a cell to open its run, tick rows to act on several.",
        column_config={
            "time": st.column_config.DatetimeColumn(f"time ({zone.key})", format="DD MMM HH:mm:ss", width=128, pinned=True),
            "agent": st.column_config.TextColumn("agent", width=132),
            "route": st.column_config.TextColumn("action or route", width=178),
            "operation": st.column_config.TextColumn("operation", width=118),
            "outcome": st.column_config.MultiselectColumn(
                "outcome",
                width=170 if any(run.outcome is Outcome.RESENT for run in shown.runs) else 90,
                options=[style_of(outcome).word for outcome in outcomes],
                color=chips(outcomes),
            ),
            "status": st.column_config.NumberColumn("status", format="%d", width=54),
            "code": st.column_config.TextColumn("code", width=78),
            "cause": st.column_config.TextColumn("cause", width=232),
            "ms": st.column_config.NumberColumn("ms", format="localized", width=50),
            "tries": st.column_config.NumberColumn("tries", format="%d", width=46),
            "correlation": st.column_config.TextColumn("correlation id", width=200),
        },
    )


def _table_key(query: RunQuery, run_ids: list[str]) -> tuple[str, list[int]]:
    """A key for exactly these rows, so that a position never points into another page; and the rows that were ticked.

    Closing a run, or going back in the browser, leaves its cell chosen in the grid: choosing it again would tell nothing. Such
    a table is drawn as a new one.
    """
    listed = hashlib.sha256("\x1f".join(run_ids).encode()).hexdigest()[:12]
    turns: dict[str, int] = st.session_state.setdefault("runs-table-turns", {})
    key = f"runs-table-{listed}-{turns.get(listed, 0)}"
    grid = st.session_state.get(key)
    chosen, ticked = chosen_row(grid), ticked_rows(grid)
    if chosen is not None and (chosen >= len(run_ids) or run_ids[chosen] != query.run):
        turns[listed] = turns.get(listed, 0) + 1
        key = f"runs-table-{listed}-{turns[listed]}"
    st.session_state["runs-table-now"] = (key, run_ids)
    return key, ticked


def _open() -> None:
    key, run_ids = st.session_state["runs-table-now"]
    grid = st.session_state.get(key)
    chosen = chosen_row(grid)
    if chosen is None and ticked_rows(grid):
        return  # rows were ticked: the opened run stays
    query = state.current()
    state.push(replace(query, run=run_ids[chosen] if chosen is not None and chosen < len(run_ids) else None))


def selected(shown: RunPage) -> list[Run]:
    """The runs of this page that are ticked."""
    key, _ = st.session_state["runs-table-now"]
    return [shown.runs[row] for row in ticked_rows(st.session_state.get(key)) if row < len(shown.runs)]


def pager(shown: RunPage, query: RunQuery, parameters: str) -> None:
    """The pages before and after, by cursor; and the whole filter as a file, `parameters` being those of its address."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="runs-pager"):
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            searched = shown.searched_to is not None
            label = export.export_label(None if searched else shown.total, shown.at_least)
            export.links(parameters, label, key="runs-export")
        if not (shown.newer or shown.older or query.cursor):
            return
        with st.container(horizontal=True, width="content", gap="small"):
            if query.cursor:
                first = "Newest" if query.order is RunOrder.NEWEST else "From the start"
                st.button(first, icon=":material/first_page:", type="tertiary", key="runs-newest", on_click=_go, args=(None,))
            back, on = page_labels(query.order)
            newer, older = shown.newer, shown.older
            st.button(back, icon=":material/chevron_left:", key="runs-newer", disabled=not newer, on_click=_go, args=(newer,))
            st.button(
                on,
                icon=":material/chevron_right:",
                icon_position="right",
                key="runs-older",
                disabled=not older,
                on_click=_go,
                args=(older,),
                help=f"{PAGE} runs a page",
            )


def show_order(query: RunQuery) -> None:
    """What the list is sorted by. A list of millions can only be sorted by what has an index."""
    st.caption(order_sentence(query.order))


def _go(cursor: str | None) -> None:
    state.push(replace(state.current(), cursor=cursor, run=None))


# --- nothing ---------------------------------------------------------------------------------------------------------


def nothing(query: RunQuery, *, any_at_all: bool) -> None:
    """What an empty list says: what would fill it, or which filter empties it."""
    if not any_at_all:
        messages.nothing(
            "No agent has been updated yet",
            "Every update of every agent is listed here with its request, its answer and what an error means. "
            "Plan a window to make the first ones.",
            icon=":material/receipt_long:",
        )
        with st.container(horizontal=True):
            st.page_link(page("plan"), label="Plan a window", icon=":material/edit_calendar:")
            st.page_link(page("import_runs"), label="Import runs made elsewhere", icon=":material/upload_file:")
        return
    if query.chosen.text and not any(letter.isalnum() for letter in query.chosen.text):
        messages.nothing(
            "Punctuation alone finds nothing",
            "Search uses letters and digits, in payloads, names, codes and ids; punctuation does not matter.",
            icon=":material/filter_alt_off:",
        )
        return
    where = "in this time" if query.preset == EXACT else f"in the {PRESETS[query.preset][0]}"
    if query.preset == "all":
        where = "at any time"
    if query.narrowed:
        messages.nothing(
            f"No run matches these filters {where}",
            "Widen the time range, or remove a filter.",
            icon=":material/filter_alt_off:",
        )
    else:
        messages.nothing(f"No runs {where}", "There are older runs: widen the time range.", icon=":material/history:")
    if query.preset != "all":
        st.button("Show all runs", icon=":material/history:", key="runs-widen", on_click=_widen)


def _widen() -> None:
    query = state.current()
    state.push(with_preset(query, "all"))
