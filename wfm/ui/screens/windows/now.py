"""The Now screen's one moving part."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from wfm.desk import Desk, Health, OperationView
from wfm.domain.errors import DeskError
from wfm.domain.operations import GroupState, OperationState
from wfm.domain.people import Actor
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import bars, messages, times
from wfm.ui.components.diagnosis import runs_of
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.states import style_of
from wfm.ui.screens.windows import actions
from wfm.ui.screens.windows.card import card
from wfm.ui.screens.windows.listing import open_windows
from wfm.ui.screens.windows.model import pace, parts, short_title_of
from wfm.ui.screens.windows.sentences import ended_ago, tags
from wfm.ui.shell.navigation import page

NEXT_SHOWN = 5
CAUSES_SHOWN = 4
ENDED_SHOWN = 3
LATELY = timedelta(hours=2)
IDLE_S = 10.0
_SILENT = "now_tenant_silent"


def pace_of(desk: Desk) -> float:
    """How often Now looks again: each second while agents are being written to, else calmly."""
    try:
        paces = [found for view in open_windows(desk) if (found := pace(view))]
    except DeskError:
        return IDLE_S
    return min(paces, default=IDLE_S)


def now_screen(desk: Desk, actor: Actor) -> None:
    """Windows in effect, the next ones, the newest causes of failure, one line of health."""
    now = times.now()
    actions.show_result()
    # Each part has its place, so that one that comes or goes moves no other. Health is asked for last, for that may take a
    # moment in which the rest would fade, and what is wrong is said first.
    wrong, open_ones, ended = st.container(), st.container(), st.container()
    with messages.guarded():
        views = open_windows(desk)
        running = [view for view in views if view.operation.state is not OperationState.SCHEDULED]
        coming = [view for view in views if view.operation.state is OperationState.SCHEDULED]
        with open_ones:
            if not running:
                _calm(coming)
            for view in running:
                card(desk, actor, view, now=now)
        with ended:
            _just_ended(desk, now)
        left, right = st.columns([1, 1], gap="small")
        with left, st.container(border=True, height="stretch"):
            _next(coming)
        with right, st.container(border=True, height="stretch"):
            _causes(desk)
    with messages.guarded():
        health = desk.health.check()
        if _came_back(reachable=health.reachable):
            st.rerun()  # the badge above is no part of what moves
        with wrong:
            for problem in health.problems:
                st.error(escape_markdown(problem), icon=":material/error:")
        st.caption(health_line(health))


def _came_back(*, reachable: bool) -> bool:
    """Whether the tenant answers again, having been silent when this screen looked last."""
    was_silent = bool(st.session_state.pop(_SILENT, False))
    if not reachable:
        st.session_state[_SILENT] = True
    return reachable and was_silent


def _calm(coming: list[OperationView]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        following = "" if not coming else " :gray[Scheduled windows are below.]"
        st.markdown(f":green[:material/check_circle:] **No one is out for maintenance.**{following}", width="stretch")
        st.page_link(page("plan"), label="Plan a window", icon=":material/edit_calendar:")


def _next(coming: list[OperationView]) -> None:
    st.markdown("**Next**")
    if not coming:
        st.caption("Nothing is scheduled.")
    for view in coming[:NEXT_SHOWN]:
        operation = view.operation
        window = operation.window
        note = f"{quantity(view.counts.total, 'agent')} · {times.relative(window.start)}"
        _window(view, f"{times.span(window.start, window.end, window.zone)} :gray[· {note}]")
    if len(coming) > NEXT_SHOWN:
        st.page_link(page("windows"), label=f"{len(coming) - NEXT_SHOWN} more")


def _causes(desk: Desk) -> None:
    st.markdown("**Newest causes of failure**")
    groups = [group for group in desk.failures.groups() if group.state in (GroupState.OPEN, GroupState.REGRESSED)]
    if not groups:
        st.caption("No open cause. Failures are grouped here by their cause.")
    for group in groups[:CAUSES_SHOWN]:
        said, link = st.columns([7, 2], gap="small", vertical_alignment="center")
        agents = f" · {quantity(group.agents, 'agent')}" if group.runs else ""
        counted = f"{runs_of(group)}{agents} · {times.relative(group.last_seen)}"
        said.markdown(f":red[:material/error:] {escape_markdown(group.cause)} :gray[· {counted}]")
        link.page_link(page("failures"), label="Cause and fix", query_params={"failure": group.fingerprint})


def _just_ended(desk: Desk, now: datetime) -> None:
    """What ended in the last hours: whether everybody is back is what people come to see."""
    ended = [view for view in desk.windows.ended(LATELY) if not view.operation.example]
    if not ended:
        return
    with st.container(border=True):
        st.markdown("**Just ended**")
        for view in ended[:ENDED_SHOWN]:
            note = f"{bars.as_text(parts(view.counts, view.operation.route))} · {ended_ago(view, now)}"
            _window(view, f"{style_of(view.operation.state).word} {tags(view.operation)} :gray[· {note}]")
        if len(ended) > ENDED_SHOWN:
            st.page_link(page("windows"), label=f"{len(ended) - ENDED_SHOWN} more")


def _window(view: OperationView, words: str) -> None:
    """A window in a line: its name opens it, and what is said of it stands beside it or, on a phone, below."""
    operation, shown = view.operation, style_of(view.operation.state)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        name = f":{shown.color}[:material/{shown.icon}:] **{escape_markdown(short_title_of(operation))}**"
        st.page_link(page("windows"), label=name, query_params={"id": operation.id})
        st.markdown(words, width="content")


def health_line(health: Health) -> str:
    """Tenant, token, limit and worker in one line, each with its sign."""
    good, bad = ":green[:material/check_circle:]", ":red[:material/error:]"
    until = f"token until {times.when(health.token_until)}" if health.token_until else "no token yet"
    worker = "worker alive" if health.worker_alive else "no worker is alive"
    answers = "answers" if health.reachable else "does not answer"
    parts = [
        f"{good if health.reachable else bad} {escape_markdown(health.tenant.host)} {answers}",
        until,
        *(
            [f"{format_number(health.used)} of {format_number(health.limit_per_minute)} requests used this minute"]
            if health.limit_per_minute
            else []
        ),
        f"{good if health.worker_alive else bad} {worker}",
    ]
    if health.blocked_until and health.blocked_until > times.now():
        parts.append(f"paused by the tenant until {times.when(health.blocked_until, seconds=True)}")
    parts.append(f"times in {times.viewer_zone().key}")
    return " · ".join(parts)
