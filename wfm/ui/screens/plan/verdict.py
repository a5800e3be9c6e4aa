"""What the preview found about the whole plan: how old it is, access, cost, and what is worth a look."""

from __future__ import annotations

import streamlit as st

from wfm.domain.plans import INCLUDABLE, AccessCheck, Fate, Finding, Preview, Severity, short_plan_id
from wfm.domain.sentences import quantity
from wfm.ui.components import lanes, messages, times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import style_of
from wfm.ui.screens.plan import state
from wfm.ui.screens.plan.sentences import access_line, as_of_line, cost_line

INCLUDE = "plan_include"
SHOWN_FINDINGS = 3


def status_line(preview: Preview) -> None:
    """When this was computed, from what, and the plan's id; looks again on demand."""
    count = preview.read_requests
    reads = quantity(count, "read") if count else "nothing read again"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**What will happen** :gray[· {times.clock(preview.computed_at, seconds=True)} · {reads}, {as_of_line(preview)} · "
            f"plan `{short_plan_id(preview.plan_id)}` · with OAuth client {escape_markdown(preview.client_name)}]",
            width="stretch",
        )
        _read_again("plan_fresh")


def recomputing(old: Preview) -> None:
    """The same line while the next preview is being made: it says how old the numbers below are, and nothing moves."""
    made = times.clock(old.computed_at, seconds=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**What will happen** :orange-badge[:material/hourglass_top: old numbers, of {made}] :gray[recomputing …]",
            width="stretch",
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


def verdict(preview: Preview) -> None:
    """Access and cost in one line, and in full what keeps the plan from working or is worth a look."""
    writes = [check for check in preview.access if check.to_write]
    missing = [check for check in writes if check.missing]
    if missing:
        with st.container(border=True, gap="small"):
            lanes.lanes_table(writes, alt="Access of every call that this plan makes, by lane")
            lanes.advice(writes, client=preview.client_name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _access(preview, writes)
        st.caption(f":material/timer: {cost_line(preview)}", width="content")
        _include(preview)
    findings([finding for finding in preview.findings if finding.code not in ("missing_access", "blocked_left_out")])


def _access(preview: Preview, writes: list[AccessCheck]) -> None:
    """The line that says how access stands; it opens what it rests on, call by call."""
    reads = [check for check in preview.access if not check.to_write]
    label, lane = access_line(writes, reads)
    shown = style_of(lane)
    icon = f":{shown.color}[:material/{shown.icon}:]"
    opened = st.popover(f"{icon} {label}", type="tertiary", key="plan_access", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.markdown("**Calls that write**")
        lanes.lanes_table(writes, alt="Access of the calls that write, by lane")
        if reads:
            st.markdown("**Calls that only read**")
            lanes.lanes_table(reads, alt="Access of the calls that only read, by lane")
            lanes.advice(reads, client=preview.client_name)


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
