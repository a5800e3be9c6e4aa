"""The Now screen's one moving part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.operations import GroupState, OperationState
from wfm.domain.people import Actor
from wfm.ui.components import empty, times
from wfm.ui.components.window.card import card
from wfm.ui.components.window.listed import open_windows
from wfm.ui.pages import page
from wfm.ui.views.windows import View, pace, title_of

if TYPE_CHECKING:
    from wfm.desk import Desk, Health

NEXT_SHOWN = 5
CAUSES_SHOWN = 4
IDLE_S = 10.0


def pace_of(desk: Desk) -> float:
    """How often Now looks again: each second while agents are being written to, else calmly."""
    try:
        paces = [found for view in open_windows(desk) if (found := pace(view))]
    except DeskError:
        return IDLE_S
    return min(paces, default=IDLE_S)


def present(desk: Desk, actor: Actor) -> None:
    """Windows in effect, the next ones, the newest causes of failure, one line of health."""
    now = times.now()
    with empty.guarded():
        views = open_windows(desk)
        running = [view for view in views if view.operation.state is not OperationState.SCHEDULED]
        coming = [view for view in views if view.operation.state is OperationState.SCHEDULED]
        if not running:
            _calm(coming)
        for view in running:
            card(desk, actor, view, now=now)
        left, right = st.columns([1, 1], gap="small")
        with left, st.container(border=True, height="stretch"):
            _next(coming)
        with right, st.container(border=True, height="stretch"):
            _causes(desk)
    _health(desk)


def _calm(coming: list[View]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        following = "" if not coming else " What comes next is below."
        st.markdown(f":green[:material/check_circle:] **Nobody is out for maintenance.** :gray[{following}]", width="stretch")
        st.page_link(page("plan"), label="Plan a window", icon=":material/edit_calendar:")


def _next(coming: list[View]) -> None:
    st.markdown("**Next**")
    if not coming:
        st.caption("Nothing is scheduled.")
    for view in coming[:NEXT_SHOWN]:
        operation = view.operation
        window = operation.window
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":gray[:material/schedule:] **{times.span(window.start, window.end, window.zone)}** "
                f"{title_of(operation)} :gray[· {times.agents(view.counts.total)} · {times.relative(window.start)}]",
                width="stretch",
            )
            st.page_link(page("windows"), label="Open", query_params={"id": operation.id})
    if len(coming) > NEXT_SHOWN:
        st.page_link(page("windows"), label=f"{len(coming) - NEXT_SHOWN} more")


def _causes(desk: Desk) -> None:
    st.markdown("**Newest causes of failure**")
    groups = [group for group in desk.failures() if group.state in (GroupState.OPEN, GroupState.REGRESSED)]
    if not groups:
        st.caption("No open cause. Whatever fails is grouped here by why it failed.")
    for group in groups[:CAUSES_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":red[:material/error:] {group.cause} "
                f":gray[· {times.runs(group.runs)} · {times.agents(group.agents)} · {times.relative(group.last_seen)}]",
                width="stretch",
            )
            st.page_link(page("failures"), label="Open", query_params={"failure": group.fingerprint})


def _health(desk: Desk) -> None:
    try:
        health = desk.health()
    except DeskError as error:
        empty.fault(error)
        return
    st.caption(health_line(health))
    for problem in health.problems:
        st.markdown(f":red[:material/error:] {problem}")


def health_line(health: Health) -> str:
    """Tenant, token, limit and worker in one line, each with its sign."""
    good, bad = ":green[:material/check_circle:]", ":red[:material/error:]"
    until = f"token until {times.when(health.token_until)}" if health.token_until else "no token yet"
    worker = "worker alive" if health.worker_alive else "no worker is alive"
    parts = [
        f"{good if health.reachable else bad} {health.tenant.host} {'answers' if health.reachable else 'does not answer'}",
        until,
        f"{times.number(health.used)} of {times.number(health.limit_per_minute)} requests used this minute",
        f"{good if health.worker_alive else bad} {worker}",
    ]
    if health.blocked_until and health.blocked_until > times.now():
        parts.append(f"paused by the tenant until {times.when(health.blocked_until, seconds=True)}")
    return " · ".join(parts)
