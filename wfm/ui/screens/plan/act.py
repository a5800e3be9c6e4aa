"""The one action of the Plan screen, always at the same place: named by what it does, with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError, Refused
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import Preview
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import demo_switches, messages, times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan import state
from wfm.ui.screens.plan.model import agents_of
from wfm.ui.screens.plan.sentences import UNDONE, action_label, missing_access, what_happens
from wfm.ui.shell.navigation import page

if TYPE_CHECKING:
    from wfm.desk import Desk

APPLY = "plan_apply"
REHEARSE = "plan_rehearse"


def waiting(label: str) -> None:
    """The bar while the preview is being made: the action is there and can't be taken."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(":material/hourglass_top: Recomputing. The numbers above are the old ones.", width="content")
        st.button(label, type="primary", disabled=True, key="plan_apply_waiting")


def nothing_to_do(why: str) -> None:
    """The bar while there is no preview."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(why, width="content")
        st.button("Take agents out", type="primary", disabled=True, key="plan_apply_nothing")


def act(desk: Desk, actor: Actor, preview: Preview, *, accept_click: bool = True) -> None:
    """The bar for a preview: apply it, or why not and what may be done instead.

    `accept_click` is False where the numbers on the screen were not this preview's: a click that came with it meant others.
    """
    may = actor.may(Capability.EXECUTE)
    refusals = list(preview.refusals)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_summary(preview), width="stretch")
        if refusals and {code for code, _ in refusals} == {"access_missing"} and desk.demo is not None:
            demo_switches.fix_button(desk.demo, actor, desk.clients.current, key="plan-fix", disabled=not may, short=True)
            rehearse = st.button(
                "Run anyway and show me the failure",
                icon=":material/play_arrow:",
                key=REHEARSE,
                disabled=not may,
                help="Demo only: a rehearsal that sends the calls and records what comes back.",
            )
            if rehearse and accept_click:
                apply(desk, actor, preview, rehearse=True)
        needed = desk.plans.confirmation_needed(preview) if preview.can_apply else None
        clicked = st.button(
            action_label(preview) + (" …" if needed else ""),
            type="primary",
            key=APPLY,
            disabled=not (may and preview.can_apply),
            help=_why_not(actor, refusals, may),
        )
    if clicked and not accept_click:
        st.toast("The plan changed at the moment you clicked. Check the new numbers, then apply.", icon=":material/info:")
        return
    if not clicked:
        return
    if needed:
        _confirm(desk, actor, preview, needed)
    else:
        apply(desk, actor, preview)


def _summary(preview: Preview) -> str:
    count, total = len(preview.ready), agents_of(preview)
    window = preview.window
    span = times.span(window.start, window.end, window.zone)
    codes = [code for code, _ in preview.refusals]
    if "access_missing" in codes:
        missing = f":red[:material/block: **{missing_access(preview)}** is missing]"
        return f"{missing}: all {quantity(count, 'agent')} would fail the same way."
    if preview.refusals:
        return f":red[:material/block: {escape_markdown(preview.refusals[0][1])}]"
    return f"**{format_number(count)} of {quantity(total, 'agent')}** · {span} · {UNDONE[preview.request.route]}"


def _why_not(actor: Actor, refusals: list[tuple[str, str]], may: bool) -> str | None:
    if not may:
        return actor.read_only_reason or "Only a supervisor can do this."
    return escape_markdown(" ".join(sentence for _, sentence in refusals)) or None


@st.dialog("Many agents at once", width="medium", icon=":material/groups:")
def _confirm(desk: Desk, actor: Actor, preview: Preview, needed: str) -> None:
    st.write(what_happens(preview))
    typed = st.text_input(f"Type {needed} to confirm", key="plan_typed", live=True, placeholder=needed)
    ready = (typed or "").strip() == needed
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="plan_confirm_back"):
            st.rerun()
        if st.button(action_label(preview), type="primary", key="plan_confirm_apply", disabled=not ready):
            apply(desk, actor, preview, confirmation=needed)


def apply(desk: Desk, actor: Actor, preview: Preview, *, rehearse: bool = False, confirmation: str | None = None) -> None:
    """Applies exactly what was seen and goes to its window; a refusal is kept to be shown above the new preview."""
    try:
        operation = desk.plans.apply(
            preview.request,
            preview.plan_id,
            actor=actor,
            request_token=state.token() + ("|rehearsal" if rehearse else ""),
            rehearse=rehearse,
            confirmation=confirmation,
        )
    except Refused as error:
        st.session_state[state.NOTICE] = (str(error), error.differences)
        state.forget_preview()
        st.rerun()
    except DeskError as error:
        messages.fault(error)
        return
    state.applied(desk, actor, rehearsal=rehearse)
    state.forget_preview()
    st.switch_page(page("windows"), query_params={"id": operation.id})
