"""All windows: the open ones as cards, the others as a table with filters."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wfm.desk import Desk, OperationView
from wfm.domain.operations import OPEN_STATES, OperationState
from wfm.domain.people import Actor
from wfm.ui.components import messages, times
from wfm.ui.components.charts import picked_points
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import HEX, chips, hex_color, ink
from wfm.ui.components.tables import chosen_row, table_height
from wfm.ui.screens.windows import actions, chart
from wfm.ui.screens.windows.card import card
from wfm.ui.screens.windows.model import FINAL, pace, short_title_of, table, title_of
from wfm.ui.shell.links import go
from wfm.ui.shell.navigation import page

CARDS = 12
PAST = 200


def all_windows(desk: Desk, actor: Actor) -> None:
    """The list. Raises DeskError."""
    views = desk.windows.newest(states=OPEN_STATES)
    seconds = min((found for view in views if (found := pace(view))), default=None)
    st.fragment(_open, run_every=seconds)(desk, actor, _drawn(views))
    _over_time([*views, *desk.windows.newest(states=FINAL, limit=PAST)])
    st.markdown("**Earlier**")
    _past(desk)


def open_windows(desk: Desk) -> list[OperationView]:
    """Windows that hold agents, those in effect first, then by start."""
    views = desk.windows.newest(states=OPEN_STATES)
    first = (OperationState.FAILED_IN_PART, OperationState.RESTORING, OperationState.APPLYING, OperationState.IN_EFFECT)
    return sorted(views, key=lambda view: (view.operation.state not in first, view.operation.window.start))


def _drawn(views: Sequence[OperationView]) -> tuple[tuple[str, str, int], ...]:
    return tuple(sorted((view.operation.id, view.operation.state.value, view.operation.revision) for view in views))


def _open(desk: Desk, actor: Actor, drawn: tuple[tuple[str, str, int], ...]) -> None:
    actions.show_result()
    with messages.guarded():
        views = open_windows(desk)
        if _drawn(views) != drawn:
            st.rerun()
        if not views:
            messages.nothing(
                "No window is open",
                "Plan one on Plan; it appears here with its progress once you apply it.",
                icon=":material/event_available:",
            )
        now = times.now()
        for view in views[:CARDS]:
            card(desk, actor, view, now=now)
        if len(views) > CARDS:
            st.caption(f"{len(views) - CARDS} more open windows are scheduled later.")


def _over_time(views: Sequence[OperationView]) -> None:
    """The windows as bars over time; a click on one opens it. Nothing is drawn where there is none."""
    zone, now = times.viewer_zone(), times.now()
    if not views:
        return
    if "windows_range" not in st.session_state:
        st.session_state["windows_range"] = chart.fitting(views, now, zone)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Over time**", width="content")
        ranges = list(chart.Range)
        picked = st.radio("Range", ranges, key="windows_range", horizontal=True, label_visibility="collapsed")
    which = chart.Range(picked or chart.Range.MONTH)
    shown = chart.bars(views, which, now, zone)
    finding = chart.finding(shown, which, zone)
    if shown:
        colors = {name: hex_color(name) for name in HEX["light"]}
        st.vega_lite_chart(
            chart.chart(shown, which, now, zone, colors=colors, ink=ink()),
            width="stretch",
            key="windows_chart",
            on_select="rerun",
            selection_mode="pick",
            alt=f"{finding}. {chart.as_text(shown, zone, now)}",
        )
        points = picked_points(st.session_state.get("windows_chart"))
        if points:
            st.switch_page(page("windows"), query_params={"id": str(points[0]["id"])})
    st.caption(f"{finding}. Choose a line to open its window." if shown else finding)


def _past(desk: Desk) -> None:
    """The windows that ended, narrowed by state and search_words; a click on a row opens one."""
    chosen, search_words = _chosen_filters()
    wanted = [OperationState(state) for state in chosen] or list(FINAL)
    views = [
        view
        for view in desk.windows.newest(states=wanted, limit=PAST)
        if all(word in f"{title_of(view.operation)} {view.operation.created_by}".casefold() for word in search_words)
    ]
    if not views:
        st.caption(
            "No window has ended yet." if not (chosen or search_words) else "No window matches. Clear the search or the states."
        )
        return
    rows = _past_table(views)
    if rows and rows[0] < len(views):
        st.switch_page(page("windows"), query_params={"id": views[rows[0]].operation.id})
    # A cell is chosen by the arrow keys, too: that leads on by a link, not by itself.
    row = chosen_row(st.session_state.get("windows_past"))
    if row is None or row >= len(views):
        st.caption("Choose a window to open it.")
        return
    go(
        f"Open {escape_markdown(short_title_of(views[row].operation))}",
        "windows",
        key="windows_past_open",
        id=views[row].operation.id,
    )


def _chosen_filters() -> tuple[list[str], list[str]]:
    """The states and the words to look for, as the URL has them too."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "State",
            sorted(state.value for state in FINAL),
            selection_mode="multi",
            key="state",
            bind="query-params",
            label_visibility="collapsed",
        )
        text = st.text_input(
            "Search windows",
            key="find",
            bind="query-params",
            type="search",
            placeholder="reason, ticket or person",
            label_visibility="collapsed",
            width=240,
        )
    return list(chosen), (text or "").casefold().split()


def _past_table(views: Sequence[OperationView]) -> list[int]:
    shown = list(dict.fromkeys(view.operation.state for view in views))
    picked = st.dataframe(
        table(views, times.now()),
        hide_index=True,
        height=table_height(len(views), 12),
        column_config={
            "state": st.column_config.MultiselectColumn(
                "State",
                options=[state.value for state in shown],
                color=chips(shown),
                width=130,
            ),
            "window": st.column_config.TextColumn("Window", width="large"),
            "start": st.column_config.TextColumn(f"Start ({times.viewer_zone().key})", width=170),
            "lasted": st.column_config.TextColumn("Length", width=90),
            "agents": st.column_config.NumberColumn("Agents", width=80),
            "out": st.column_config.NumberColumn("Out", width=70),
            "failed": st.column_config.NumberColumn("Failed", width=70),
            "restored": st.column_config.NumberColumn("Restored", width=80),
            "by": st.column_config.TextColumn("By", width=140),
        },
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        key="windows_past",
        alt=f"{len(views)} windows that have ended. Choose one to open it.",
    )
    return list(picked.selection.rows)
