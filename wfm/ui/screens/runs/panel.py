"""One run opened: what its error means on the left, the raw exchange on the right, and the next steps below."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk, RunDetail
from wfm.domain.errors import DeskError
from wfm.domain.operations import Exchange, Outcome, Run
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import LaneState
from wfm.domain.sentences import quantity
from wfm.ui.components import ids, messages, payloads
from wfm.ui.components.diagnosis import kind_word, meaning, runs_of
from wfm.ui.components.lanes import verdict_badges, verdict_lines
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.run_query import changed
from wfm.ui.components.states import phase_word, style_of
from wfm.ui.components.times import clock, milliseconds, when
from wfm.ui.screens.runs import state
from wfm.ui.screens.runs.model import can_retry
from wfm.ui.screens.runs.sentences import what_now
from wfm.ui.shell.navigation import page
from wfm.ui.shell.replan import start_plan


def panel(desk: Desk, run_id: str, actor: Actor, zone: ZoneInfo, now: datetime) -> Run | None:
    """Draws the run of that id and gives it; says so, and gives None, where there is none."""
    with st.container(border=True, key="run-panel"):
        try:
            detail = desk.runs.get(run_id)
        except DeskError as error:
            messages.fault(error, title="This run can't be opened")
            _close_button()
            return None
        _head(detail.run, zone)
        left, right = st.columns([6, 7], gap="medium")
        with left:
            _meaning(detail)
            _next_steps(desk, detail, actor, now)
        with right:
            _raw(detail.exchanges, detail.run, zone)
    return detail.run


def _head(run: Run, zone: ZoneInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        shown = style_of(run.outcome)
        example = " :gray-badge[example]" if run.example else ""
        took = f"{milliseconds(run.duration_ms)}, " if run.duration_ms is not None else ""
        st.markdown(
            f"{shown.markdown} **{escape_markdown(run.agent_name or run.agent_id or 'no agent')}** · {phase_word(run.phase)} · "
            f"{escape_markdown(run.action or run.route)} · {when(run.started_at, zone, seconds=True)} {zone.key} · "
            f"{took}{quantity(run.attempts, 'attempt')}{example}",
            width="content",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            with st.popover("Link", icon=":material/link:", type="tertiary", key="run-link"):
                st.caption("Opens this run for anyone who may see it.")
                st.code(permalink(run.id, st.context.url or ""), language=None)
            st.link_button("Payload", f"/export/run/{quote(run.id, safe='')}.json", icon=":material/download:", type="tertiary")
            _close_button()


def permalink(run_id: str, here: str) -> str:
    """The address of one run; `here` is the address of the Runs screen, with or without parameters."""
    return f"{here.partition('?')[0].partition('#')[0]}?run={quote(run_id, safe='')}"


def _close_button() -> None:
    st.button("Close", icon=":material/close:", type="tertiary", key="run-close", on_click=close)


def close() -> None:
    """Closes the opened run; the list stays where it is."""
    state.push(replace(state.current(), run=None))


# --- what it means ---------------------------------------------------------------------------------------------------


def _meaning(detail: RunDetail) -> None:
    diagnosis = detail.diagnosis
    if diagnosis is None:
        st.markdown(f"#### {escape_markdown(_without_diagnosis(detail.run))}")
    else:
        st.markdown(f"#### {escape_markdown(diagnosis.cause or diagnosis.message or kind_word(diagnosis.kind))}")
    if detail.lanes:
        st.markdown(verdict_badges(detail.lanes))
        for lane, verdict in detail.lanes.items():
            if verdict.state is LaneState.MISSING and verdict.evidence:
                st.caption(f"{lane.value}: {escape_markdown(verdict.evidence)}")
    if diagnosis is not None:
        meaning(diagnosis, missing=not detail.lanes)
    if detail.lanes:
        with st.expander("The four lanes: evidence and next step"):
            st.markdown(verdict_lines(detail.lanes))


def _without_diagnosis(run: Run) -> str:
    if run.outcome is Outcome.APPLIED:
        return f"{run.agent_name or 'The agent'}: {phase_word(run.phase)} worked"
    return run.cause or run.note or {Outcome.SENDING: "No answer yet"}.get(run.outcome, run.outcome.value)


# --- what to do ------------------------------------------------------------------------------------------------------


def _next_steps(desk: Desk, detail: RunDetail, actor: Actor, now: datetime) -> None:
    run = detail.run
    st.markdown(f":material/arrow_forward: {escape_markdown(what_now(run, detail.diagnosis))}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if can_retry(run):
            allowed = actor.may(Capability.EXECUTE)
            if st.button(
                "Plan this agent again",
                icon=":material/replay:",
                key="run-retry",
                disabled=not allowed,
                help="Fills in Plan with this agent. Nothing is sent before you apply it there."
                if allowed
                else actor.read_only_reason,
            ):
                start_plan(desk, actor, [run.agent_id], run, now)
        if run.operation_id:
            st.page_link(
                page("windows"), label="Its window", icon=":material/event_busy:", query_params={"id": run.operation_id}
            )
        group = detail.same_failure
        if group is not None:
            st.page_link(
                page("failures"),
                label=f"Same failure: {runs_of(group)}",
                icon=":material/report:",
                query_params={"failure": group.fingerprint},
            )
        if run.agent_id:
            st.button(
                "All of this agent",
                icon=":material/person:",
                type="tertiary",
                key="run-agent",
                on_click=_only_agent,
                args=(run,),
            )


def _only_agent(run: Run) -> None:
    state.push(changed(state.current(), agent_id=run.agent_id))


# --- raw -------------------------------------------------------------------------------------------------------------


def _raw(exchanges: tuple[Exchange, ...], run: Run, zone: ZoneInfo) -> None:
    if not exchanges:
        sent = run.attempts > 0 or run.status is not None
        st.caption(
            "The request and its answer are not stored with this run."
            if sent
            else "Nothing was sent, so there is no request to show."
        )
        ids.correlation(run.correlation_id)
        return
    exchange = _chosen_attempt(exchanges)
    when_sent = f", attempt {exchange.number} at {clock(exchange.started_at, zone, seconds=True)}"
    payloads.show_exchange(exchange, when=when_sent, correlation_id=run.correlation_id)
    with st.expander("Response headers"):
        st.code(payloads.headers(exchange.response_headers), language=None, wrap_lines=True)


def _chosen_attempt(exchanges: tuple[Exchange, ...]) -> Exchange:
    if len(exchanges) == 1:
        return exchanges[0]
    numbers = list(range(len(exchanges)))
    chosen = st.segmented_control(
        "Attempt",
        numbers,
        default=numbers[-1],
        required=True,
        format_func=lambda index: f"{index + 1}: {exchanges[index].status or 'no answer'}",
        key=f"run-attempt-{exchanges[0].started_at.timestamp()}",
    )
    return exchanges[chosen if chosen is not None else -1]
