"""One failure group on screen: its facts, what it means, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.operations import FailureGroup, GroupState, Phase, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.ui.components import empty
from wfm.ui.components.lanes import verdict_badges
from wfm.ui.components.states import look
from wfm.ui.components.times import agents as agents_word
from wfm.ui.components.times import clock
from wfm.ui.pages import page
from wfm.ui.views import failures as view
from wfm.ui.views.run_panel import meaning, start_plan
from wfm.ui.views.run_query import filter_params
from wfm.ui.views.runs import kind_word
from wfm.ui.views.words import code, count, plain

if TYPE_CHECKING:
    from wfm.desk import Desk

_NOTICE, _FAULT, _CARD = "failures-notice", "failures-fault", "failures-card"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Who looks, where and when."""

    desk: Desk
    actor: Actor
    zone: ZoneInfo
    now: datetime

    @property
    def may(self) -> bool:
        return self.actor.may(Capability.EXECUTE)


def notices() -> None:
    """What the last click did or could not do."""
    fault = st.session_state.pop(_FAULT, None)
    if fault is not None:
        empty.fault(fault)
    said = st.session_state.pop(_NOTICE, None)
    if said:
        st.toast(said, icon=":material/check_circle:")


def card(group: FailureGroup, looking: Looking, *, opened: bool) -> None:
    """Draws one group."""
    with st.container(border=True, key=f"group-{group.fingerprint}"):
        head, spark = st.columns([5, 1], vertical_alignment="center", gap="medium")
        with head:
            missing = f" ({', '.join(code(name) for name in group.missing)})" if group.missing else ""
            st.markdown(f"{look(group.state).markdown} **{plain(group.cause or kind_word(group.kind))}**{missing}")
            parts = [view.facts(group, looking.zone, looking.now), kind_word(group.kind)]
            parts += [code(word) for word in (group.code, group.call) if word]
            st.caption(" · ".join(parts))
        with spark, empty.guarded("No picture"):
            _spark(group, looking)
        _state_words(group, looking)
        _actions(group, looking)
        if st.session_state.get(_CARD) == group.fingerprint:
            _hand_off(group, looking)
        with st.expander(
            "What it means, how to confirm, how to fix",
            expanded=opened,
            key=f"means-{group.fingerprint}",
            on_change="rerun",
            type="compact",
        ) as more:
            if more.open:
                with empty.guarded("This failure can't be read just now"):
                    _means(group, looking)


def _spark(group: FailureGroup, looking: Looking) -> None:
    step = view.spark_step(group, looking.now)
    series = looking.desk.failure_series(group.fingerprint, group.first_seen, step)
    st.altair_chart(
        view.sparkline(series, group, looking.now, step),
        height=34,
        key=f"spark-{group.fingerprint}",
        alt=view.spark_words(series, looking.zone, looking.now),
    )


def _state_words(group: FailureGroup, looking: Looking) -> None:
    ticking = view.propagation(group, looking.now, looking.zone)
    if ticking is not None:
        st.markdown(f":material/hourglass_top: {plain(ticking.text)}")
    elif group.state_by and group.state is not GroupState.OPEN:
        at = f" at {clock(group.state_at, looking.zone)}" if group.state_at else ""
        st.caption(f"{look(group.state).word} by {plain(group.state_by)}{at}")
    if group.note:
        st.caption(f"Note: {plain(group.note)}")


def _means(group: FailureGroup, looking: Looking) -> None:
    detail = looking.desk.run(group.sample_run)
    if detail.lanes:
        st.markdown(verdict_badges(detail.lanes))
    if detail.diagnosis is None:
        st.caption("The payload of this failure is not kept any more.")
    else:
        meaning(detail.diagnosis)
    st.page_link(
        page("runs"),
        label="Its newest run, with request and response",
        icon=":material/receipt_long:",
        query_params={"time": "all", **filter_params(RunFilter(fingerprint=group.fingerprint)), "run": group.sample_run},
    )


# --- what can be done ------------------------------------------------------------------------------------------------


def _actions(group: FailureGroup, looking: Looking) -> None:
    key = group.fingerprint
    why = looking.actor.read_only_reason or None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if group.state in (GroupState.OPEN, GroupState.REGRESSED):
            with st.popover("I fixed it", icon=":material/build:", disabled=not looking.may, help=why, key=f"fix-{key}"):
                _fix_form(group, looking)
        if group.state is GroupState.FIXED and group.kind in view.ACCESS_KINDS:
            st.button(
                "Check the access now",
                icon=":material/fact_check:",
                key=f"prove-{key}",
                on_click=_prove,
                args=(group, looking),
                disabled=not looking.may,
                help="Reads the token's access again. Nothing is written to the tenant.",
            )
        st.button("Hand off", icon=":material/forward_to_inbox:", key=f"hand-{key}", on_click=_toggle_card, args=(key,))
        if st.button(
            f"Retry {agents_word(group.agents)}",
            icon=":material/replay:",
            key=f"retry-{key}",
            disabled=not looking.may,
            help="Fills in Plan with these agents; nothing is sent before you apply it there." if looking.may else why,
        ):
            _retry(group, looking)
        st.page_link(
            page("runs"),
            label=count(group.runs, "run"),
            icon=":material/receipt_long:",
            query_params={"time": "all", **filter_params(RunFilter(fingerprint=key))},
        )
        _settle_buttons(group, looking)


def _settle_buttons(group: FailureGroup, looking: Looking) -> None:
    """Ignore, resolve and reopen: quiet, for they change only what this screen lists."""
    key = group.fingerprint
    choices: list[tuple[str, GroupState, str]] = []
    if group.state in (GroupState.OPEN, GroupState.REGRESSED):
        choices = [("Ignore", GroupState.IGNORED, "visibility_off")]
    elif group.state is GroupState.FIXED:
        choices = [("It is proven", GroupState.RESOLVED, "check_circle"), ("Not fixed after all", GroupState.OPEN, "undo")]
    else:
        choices = [("Reopen", GroupState.OPEN, "undo")]
    for label, state, icon in choices:
        st.button(
            label,
            icon=f":material/{icon}:",
            type="tertiary",
            key=f"{state.value}-{key}",
            on_click=_mark,
            args=(group, state, looking, f"{label}: done."),
            disabled=not looking.may,
        )


def _fix_form(group: FailureGroup, looking: Looking) -> None:
    key = f"note-{group.fingerprint}"
    st.text_input("What was changed (optional)", key=key, max_chars=500, placeholder="added the scope to the client")
    st.caption(
        "Starts the clock: a change of a role takes up to 5 minutes to reach every part of the platform (published by Genesys)."
    )
    st.button(
        "Mark as fixed",
        type="primary",
        key=f"fixed-{group.fingerprint}",
        on_click=_mark_fixed,
        args=(group, looking, key),
    )


def _mark_fixed(group: FailureGroup, looking: Looking, key: str) -> None:
    note = str(st.session_state.get(key) or "").strip()
    _mark(group, GroupState.FIXED, looking, "Marked as fixed. The clock runs.", note)


def _mark(group: FailureGroup, state: GroupState, looking: Looking, said: str, note: str = "") -> None:
    """Changes the state, unless somebody else did meanwhile: then their change and note are shown first."""
    try:
        current = looking.desk.failure(group.fingerprint)
        if (current.state, current.state_at) != (group.state, group.state_at):
            by = current.state_by or "Somebody"
            said = f"{by} changed it meanwhile to {look(current.state).word}"
            st.session_state[_NOTICE] = f"{said}: {current.note}" if current.note else f"{said}."
            return
        looking.desk.mark_group(group.fingerprint, state, looking.actor, note)
        st.session_state[_NOTICE] = said
    except DeskError as error:
        st.session_state[_FAULT] = error


def _prove(group: FailureGroup, looking: Looking) -> None:
    desk = looking.desk
    try:
        report = desk.access(fresh=True)
        detail = desk.run(group.sample_run)
        client = desk.operation(detail.run.operation_id).operation.client_name if detail.run.operation_id else None
        checks = [check for route in report.checks.values() for check in route]
        proven, sentence = view.proof(group, checks, client, report.token.client_name)
    except DeskError as error:
        st.session_state[_FAULT] = error
        return
    if proven:
        _mark(group, GroupState.RESOLVED, looking, f"Resolved: {sentence}", note=sentence)
    else:
        st.session_state[_NOTICE] = sentence


def _retry(group: FailureGroup, looking: Looking) -> None:
    try:
        found = view.retryable(looking.desk, group.fingerprint)
    except DeskError as error:
        empty.fault(error)
        return
    if found.newest is None or not found.agent_ids:
        _retry_restore(group, looking)
        return
    start_plan(looking.desk, looking.actor, list(found.agent_ids), found.newest, looking.now)


def _retry_restore(group: FailureGroup, looking: Looking) -> None:
    """A group of failed restores is retried in its window: a new plan would take the agents out once more."""
    try:
        run = looking.desk.run(group.sample_run).run
    except DeskError as error:
        empty.fault(error)
        return
    if run.phase is Phase.RESTORE and run.operation_id:
        st.switch_page(page("windows"), query_params={"id": run.operation_id})
    st.warning("No agent of this group can be planned again: its runs name none.")


def _toggle_card(key: str) -> None:
    st.session_state[_CARD] = None if st.session_state.get(_CARD) == key else key


def _hand_off(group: FailureGroup, looking: Looking) -> None:
    with st.container(border=True), empty.guarded("The card can't be made just now"):
        text = looking.desk.hand_off(group.fingerprint)
        st.markdown("**Hand-off card** for whoever can mend it: copy it into a ticket or a mail. Secrets are not in it.")
        st.code(text, language="markdown", wrap_lines=True)
