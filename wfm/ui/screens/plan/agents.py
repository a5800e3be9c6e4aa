"""Every agent of the preview: the bar and the fates, who needs a look first, and the shifts beside the list.

An agent who is ready is left out, and taken back, in the list itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from wfm.domain.plans import AgentFate, PlanRequest, Preview, Severity
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import bars
from wfm.ui.components.bars import Part
from wfm.ui.components.states import Style, chips, hex_color, style_of
from wfm.ui.screens.plan import chart, table, who
from wfm.ui.screens.plan.model import totals_by_severity
from wfm.ui.screens.plan.sentences import finding_of_timeline

PAGE_KEY = "plan_page"
CHANGE = "plan_change"
_CHANGED = "plan_list_changed"
HEAD = 33
"""Pixels of a table's head and frame at the base font size of the theme."""


@st.fragment
def agents(preview: Preview, left_out: Sequence[AgentFate]) -> None:
    """The whole list, searchable and by fate, page by page. `left_out` are rows of those whom a person left out."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # the plan is another one now, and this is but a part of its screen
    _bar(preview)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        fates = _fates(preview)
        text = st.text_input(
            "Search the list",
            key="plan_search",
            placeholder="name, e-mail or reason",
            type="search",
            live=True,
            label_visibility="collapsed",
            width=240,
        )
    rows = table.ordered(table.chosen((*preview.rows, *left_out), list(fates), text or ""))
    if not rows:
        st.caption("No agent matches. Clear the search or the fates to see all.")
        return
    pages = -(-len(rows) // table.PAGE)
    page = min(int(st.session_state.get(PAGE_KEY, 1) or 1), pages)
    first = (page - 1) * table.PAGE
    some = rows[first : first + table.PAGE]
    # One page for both, so that a shift always stands beside the agent it belongs to.
    left, right = st.columns([13, 7], gap="small")
    with left:
        _table(preview, some)
    with right:
        _timeline(preview, some)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        which = (
            f"{first + 1}–{first + len(some)} of {quantity(len(rows), 'agent')}" if pages > 1 else quantity(len(rows), "agent")
        )
        st.caption(f"{which} · {finding_of_timeline(some, preview.window)}", width="content")
        if pages > 1:
            st.pagination(pages, key=PAGE_KEY)


def _bar(preview: Preview) -> None:
    parts = []
    for severity, fates in totals_by_severity(preview).items():
        shown = style_of(severity)
        for number, (fate, count) in enumerate(fates.items()):
            parts.append(Part(Style(fate.value, shown.color, shown.icon), count, shade=max(0.45, 1 - 0.18 * number)))
    bars.stacked(parts, title="Agents by fate")


def _fates(preview: Preview) -> list[str]:
    """The fates with their numbers, to choose from: the legend of the bar."""
    numbers = {
        fate.value: f":{style_of(severity).color}[:material/{style_of(severity).icon}:] {fate.value} **{format_number(count)}**"
        for severity, fates in totals_by_severity(preview).items()
        for fate, count in fates.items()
    }
    chosen = st.pills(
        "Fate",
        list(dict.fromkeys(numbers)),
        selection_mode="multi",
        key="plan_fates",
        format_func=lambda fate: numbers.get(fate, fate),
        label_visibility="collapsed",
    )
    return list(chosen)


def _table(preview: Preview, rows: list[AgentFate]) -> None:
    worst: dict[str, Severity] = {row.fate.value: row.severity for row in preview.rows}
    frame = table.table(rows, preview.window)
    st.dataframe(
        frame,
        hide_index=True,
        height=chart.ROW * min(len(rows), table.PAGE) + HEAD,
        row_height=chart.ROW,
        column_config={
            "change": st.column_config.ButtonColumn(
                "Change", width=96, type="tertiary", key=CHANGE, on_click=_change, args=(preview.request, tuple(rows))
            ),
            "agent": st.column_config.TextColumn("Agent", width=table.width(list(frame["agent"]), 110)),
            "fate": st.column_config.MultiselectColumn(
                "Fate",
                options=[*worst, table.BY_HAND],
                color=[*chips(worst.values()), "gray"],
                width=134,
            ),
            "reason": st.column_config.TextColumn("Reason", width=table.width(list(frame["reason"]), 120)),
            "local": st.column_config.TextColumn("Local start", width=112),
            "unit": st.column_config.TextColumn("Unit", width=100),
            "team": st.column_config.TextColumn("Team", width=110),
            "e-mail": st.column_config.TextColumn("E-mail", width=180),
        },
        alt=f"{len(rows)} agents with fate, reason and local time",
        key="plan_table",
    )


def _change(request: PlanRequest, rows: Sequence[AgentFate]) -> None:
    """Leaves the agent of the clicked row out, or takes them back; a callback. `rows` are those of the list as drawn."""
    row = rows[st.session_state[CHANGE].row]
    if table.is_left_out(row):
        who.take_back(request, row)
    else:
        who.leave_out(request, row)
    st.session_state[_CHANGED] = True


def _timeline(preview: Preview, rows: list[AgentFate]) -> None:
    spec = chart.timeline(
        rows,
        preview.window,
        severities={severity: hex_color(style_of(severity).color) for severity in Severity},
        shift=hex_color("gray"),
        off=hex_color("yellow"),
    )
    alt = f"Shifts with the window across them. {finding_of_timeline(rows, preview.window)}"
    st.vega_lite_chart(spec, width="stretch", alt=alt, key="plan_timeline")
