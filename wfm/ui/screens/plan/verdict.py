"""What the preview found: access, what will happen, and every agent with the shift and the window across it."""

from __future__ import annotations

import streamlit as st

from wfm.domain.plans import (
    INCLUDABLE,
    AgentFate,
    Fate,
    Finding,
    Preview,
    RouteName,
    Severity,
    short_plan_id,
)
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import bars, lanes, messages, times
from wfm.ui.components.bars import Part
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import Style, chips, hex_color, style_of
from wfm.ui.screens.plan import chart, state, table
from wfm.ui.screens.plan.model import totals_by_severity
from wfm.ui.screens.plan.sentences import as_of_line, cost_line, finding_of_timeline

INCLUDE = "plan_include"
PAGE_KEY = "plan_page"
HEAD = 33
"""Pixels of a table's head and frame at the base font size of the theme."""
SHOWN_FINDINGS = 3


def status_line(preview: Preview) -> None:
    """When this was computed, from what, and the plan's id; looks again on demand."""
    count = preview.read_requests
    reads = quantity(count, "read") if count else "nothing read again"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Preview** :gray[· {times.clock(preview.computed_at, seconds=True)} · {reads}, {as_of_line(preview)} · "
            f"plan `{short_plan_id(preview.plan_id)}` · with OAuth client {escape_markdown(preview.client_name)}]",
            width="stretch",
        )
        _read_again("plan_fresh")


def recomputing(old: Preview) -> None:
    """The same line while the next preview is being made: it says how old the numbers below are, and nothing moves."""
    made = times.clock(old.computed_at, seconds=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Preview** :orange-badge[:material/hourglass_top: old numbers, of {made}] :gray[recomputing …]", width="stretch"
        )
        _read_again("plan_fresh_waiting", disabled=True)


def _read_again(key: str, *, disabled: bool = False) -> None:
    st.button(
        "Read again",
        icon=":material/refresh:",
        type="tertiary",
        key=key,
        disabled=disabled,
        help="Reads directory, schedules and states from the tenant again, not from the cache.",
    )


def refused_notice() -> None:
    """Why the last Apply was refused and what changed since; goes away with the next edit."""
    notice = st.session_state.get(state.NOTICE)
    if notice:
        st.warning(messages.refusal_markdown(*notice), title="Not applied", icon=":material/warning:")


def access(preview: Preview) -> None:
    """The calls that write, lane by lane; the reads in one line, each by name on demand."""
    writes = [check for check in preview.access if check.to_write]
    reads = [check for check in preview.access if not check.to_write]
    st.markdown("**Access**")
    lanes.lanes_table(writes, alt="Access of every call that this plan makes, by lane")
    lanes.advice(writes, client=preview.client_name)
    if reads:
        missing = sum(check.missing for check in reads)
        label = (
            f"{missing} of {len(reads)} reads are not allowed"
            if missing
            else f"{len(reads)} reads of the preview: none refused"
        )
        with st.popover(label, type="tertiary", icon=":material/visibility:"):
            lanes.lanes_table(reads, alt="Access of the calls that only read, by lane")
            lanes.advice(reads, client=preview.client_name)


def outcome(preview: Preview) -> None:
    """The bar by fate, the numbers in counts, the cost, and what is worth a look."""
    st.markdown("**What will happen**")
    parts, lines = [], []
    for severity, fates in totals_by_severity(preview).items():
        shown = style_of(severity)
        for number, (fate, count) in enumerate(fates.items()):
            parts.append(Part(Style(fate.value, shown.color, shown.icon), count, shade=max(0.45, 1 - 0.18 * number)))
        if fates:
            counts = ", ".join(f"**{format_number(count)}** {fate.value}" for fate, count in fates.items())
            done = "corrected" if preview.request.route is RouteName.ADHERENCE else "taken out"
            note = {Severity.WARNING: f"{done}, check them", Severity.BLOCKED: "left out"}.get(severity, "")
            lines.append(f":{shown.color}[:material/{shown.icon}:] {counts}{f' :gray[{note}]' if note else ''}")
    bars.stacked(parts, title="Agents by fate")
    st.markdown("  \n".join(lines))
    _include(preview)
    st.caption(f":material/timer: {cost_line(preview)}")
    findings([finding for finding in preview.findings if finding.code not in ("missing_access", "blocked_left_out")])


def findings(found: list[Finding]) -> None:
    """The answers to the questions asked of the whole plan, the blocking ones first."""
    shown = [finding for finding in found if finding.severity is not Severity.READY]
    for finding in shown[:SHOWN_FINDINGS]:
        _finding(finding)
    if len(shown) > SHOWN_FINDINGS:
        with st.popover(f"{len(shown) - SHOWN_FINDINGS} more findings", type="tertiary"):
            for finding in shown[SHOWN_FINDINGS:]:
                _finding(finding)


def _finding(finding: Finding) -> None:
    shown = style_of(finding.severity)
    rest = " ".join(part for part in (finding.detail, finding.fix) if part)
    st.markdown(f":{shown.color}[:material/{shown.icon}:] **{escape_markdown(finding.title)}.** {escape_markdown(rest)}")


@st.fragment
def agents(preview: Preview) -> None:
    """Every agent, searchable and by fate; the shifts of one page of them as a timeline with the window across."""
    totals = preview.totals()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fates = st.pills(
            "Fate",
            [fate.value for fate in totals],
            selection_mode="multi",
            key="plan_fates",
            format_func=lambda fate: f"{fate} {format_number(totals.get(Fate(fate), 0))}",
            label_visibility="collapsed",
        )
        text = st.text_input(
            "Search the list",
            key="plan_search",
            placeholder="name, e-mail or reason",
            type="search",
            live=True,
            label_visibility="collapsed",
            width=260,
        )
    rows = table.ordered(table.chosen(preview.rows, list(fates), text or ""))
    if not rows:
        st.caption("No agent matches. Clear the search or the fates to see all.")
        return
    pages = -(-len(rows) // table.PAGE)
    page = min(int(st.session_state.get(PAGE_KEY, 1) or 1), pages)
    first = (page - 1) * table.PAGE
    some = rows[first : first + table.PAGE]
    # One page for both, so that a shift always stands beside the agent it belongs to.
    left, right = st.columns([11, 9], gap="small")
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


def _table(preview: Preview, rows: list[AgentFate]) -> None:
    totals = preview.totals()
    worst = {row.fate: row.severity for row in preview.rows}
    st.dataframe(
        table.table(rows, preview.window),
        hide_index=True,
        height=chart.ROW * min(len(rows), table.PAGE) + HEAD,
        row_height=chart.ROW,
        column_config={
            "agent": st.column_config.TextColumn("Agent", width=154),
            "fate": st.column_config.MultiselectColumn(
                "Fate",
                options=[fate.value for fate in totals],
                color=chips(worst[fate] for fate in totals),
                width=150,
            ),
            "reason": st.column_config.TextColumn("Reason", width=288),
            "local": st.column_config.TextColumn("Local start", width=112),
            "unit": st.column_config.TextColumn("Unit", width=100),
            "team": st.column_config.TextColumn("Team", width=110),
            "e-mail": st.column_config.TextColumn("E-mail", width=180),
        },
        alt=f"{len(rows)} agents with fate, reason and local time",
        key="plan_table",
    )


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


def included(before: frozenset[Fate]) -> frozenset[Fate]:
    """The blocked fates that a person includes on purpose, as chosen below the bar in the run before."""
    chosen = st.session_state.get(INCLUDE)
    return before if chosen is None else frozenset(Fate(value) for value in chosen)


def _include(preview: Preview) -> None:
    """Blocked agents may be included on purpose. Drawn only where there are any that the tenant might accept."""
    now = preview.request.include
    options = [fate.value for fate in Fate if fate in INCLUDABLE and (fate in preview.totals() or fate in now)]
    if not options:
        return
    if INCLUDE not in st.session_state:
        st.session_state[INCLUDE] = [fate.value for fate in now]
    st.session_state[INCLUDE] = [value for value in st.session_state[INCLUDE] if value in options]
    st.pills(
        "Include on purpose",
        options,
        key=INCLUDE,
        selection_mode="multi",
        format_func=lambda value: f"include {value}",
        help="These are left out unless you include them. The tenant may still refuse them, each with its own failure.",
        label_visibility="collapsed",
    )
