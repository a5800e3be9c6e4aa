"""What can be done about a failure group: fixed, proved, handed off, retried, owned, settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk
from wfm.desk.proofs import ACCESS_KINDS, ProofState
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import FailureGroup, GroupState, Phase, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.domain.sentences import quantity
from wfm.ui.components import messages, payloads
from wfm.ui.components.diagnosis import runs_of
from wfm.ui.components.flash import Flash, flash_next_page
from wfm.ui.components.run_query import filter_params
from wfm.ui.components.states import style_of
from wfm.ui.screens.failures import model
from wfm.ui.shell.navigation import page
from wfm.ui.shell.replan import start_plan

_CARD = "failures-card"
_flash = Flash("failures")
tell, notices = _flash.done, _flash.show


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks, where and when."""

    desk: Desk
    actor: Actor
    zone: ZoneInfo
    now: datetime

    @property
    def may(self) -> bool:
        return self.actor.may(Capability.EXECUTE)


def actions(group: FailureGroup, viewer: Viewer) -> None:
    """The row of buttons below a group's facts, and its hand-off card where that was asked for."""
    key = group.fingerprint
    why = viewer.actor.read_only_reason or None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if group.state in (GroupState.OPEN, GroupState.REGRESSED):
            with st.popover("I fixed it", icon=":material/build:", disabled=not viewer.may, help=why, key=f"fix-{key}"):
                _fix_form(group, viewer)
        if group.state is GroupState.FIXED and group.kind in model.PROVABLE_KINDS:
            st.button(
                "Check the access now" if group.kind in ACCESS_KINDS else "Check now",
                icon=":material/fact_check:",
                key=f"prove-{key}",
                on_click=_prove,
                args=(group, viewer),
                disabled=not viewer.may,
                help="Reads again what was missing. Nothing is written to the tenant.",
            )
        st.button("Hand off", icon=":material/forward_to_inbox:", key=f"hand-{key}", on_click=_toggle_card, args=(key,))
        if st.button(
            f"Retry {quantity(group.agents, 'agent')}" if group.runs else "Retry the examples",
            icon=":material/replay:",
            key=f"retry-{key}",
            disabled=not viewer.may,
            help="Fills in Plan with these agents; nothing is sent before you apply it there." if viewer.may else why,
        ):
            _retry(group, viewer)
        st.page_link(
            page("runs"),
            label=runs_of(group),
            icon=":material/receipt_long:",
            query_params={"time": "all", **filter_params(RunFilter(fingerprint=key))},
        )
        with st.popover("Owner and note", icon=":material/person:", type="tertiary", disabled=not viewer.may, key=f"own-{key}"):
            _owner_form(group, viewer)
        _settle_buttons(group, viewer)
    if st.session_state.get(_CARD) == key:
        _hand_off(group, viewer)


def _settle_buttons(group: FailureGroup, viewer: Viewer) -> None:
    """Ignore, resolve and reopen: quiet, for they change only what this screen lists."""
    key = group.fingerprint
    choices: list[tuple[str, GroupState, str, str]] = []
    if group.state in (GroupState.OPEN, GroupState.REGRESSED):
        choices = [("Ignore", GroupState.IGNORED, "visibility_off", "Ignored.")]
    elif group.state is GroupState.FIXED:
        choices = [
            ("It is fixed", GroupState.RESOLVED, "check_circle", "Resolved. A new failure reopens it as regressed."),
            ("Not fixed after all", GroupState.OPEN, "undo", "Open again."),
        ]
    else:
        choices = [("Reopen", GroupState.OPEN, "undo", "Open again.")]
    for label, state, icon, said in choices:
        st.button(
            label,
            icon=f":material/{icon}:",
            type="tertiary",
            key=f"{state.value}-{key}",
            on_click=_mark,
            args=(group, state, viewer, said),
            disabled=not viewer.may,
        )


_CHANGES = {
    Kind.MISSING_SCOPE: "added the scope to the client",
    Kind.MISSING_PERMISSION: "added the permission to the role",
    Kind.MISSING_DIVISION: "added the division to the role",
    Kind.NOT_FOUND_SCHEDULE: "published the schedule",
}
"""What may stand in the note, for the kinds where that is plain."""


def _fix_form(group: FailureGroup, viewer: Viewer) -> None:
    key = f"note-{group.fingerprint}"
    example = _CHANGES.get(group.kind, "what was changed, and where")
    st.text_input("What was changed (optional)", key=key, max_chars=500, placeholder=example)
    if group.kind in ACCESS_KINDS:
        st.caption(
            "Starts the clock: a role change takes up to 5 minutes to reach every part of the platform (published by "
            "Genesys). The desk then reads the same access again and closes or reopens this."
        )
    else:
        st.caption("It stays listed until the fix is proven; the same failure reopens it as regressed.")
    st.button(
        "Mark as fixed",
        type="primary",
        key=f"fixed-{group.fingerprint}",
        on_click=_mark_fixed,
        args=(group, viewer, key),
    )


def _mark_fixed(group: FailureGroup, viewer: Viewer, key: str) -> None:
    note = str(st.session_state.get(key) or "").strip()
    _mark(group, GroupState.FIXED, viewer, "Marked as fixed. The clock is running.", note)


@_flash.guarded()
def _mark(group: FailureGroup, state: GroupState, viewer: Viewer, said: str, note: str = "") -> None:
    """Changes the state, unless somebody else did meanwhile: then their change and note are shown first."""
    viewer.desk.failures.mark(group.fingerprint, state, viewer.actor, note, expected=group.revision)
    _flash.done(said)


def _owner_form(group: FailureGroup, viewer: Viewer) -> None:
    key = group.fingerprint
    st.text_input("Owner", value=group.owner, key=f"owner-{key}-{group.revision}", max_chars=120, placeholder=viewer.actor.name)
    st.text_input("Note", key=f"owner-note-{key}-{group.revision}", max_chars=500, placeholder="asked the OAuth team, CHG-1042")
    with st.container(horizontal=True):
        st.button("Save", type="primary", key=f"own-save-{key}", on_click=_amend, args=(group, viewer, None))
        st.button(
            "Assign to me", icon=":material/person_add:", key=f"own-me-{key}", on_click=_amend, args=(group, viewer, True)
        )


@_flash.guarded()
def _amend(group: FailureGroup, viewer: Viewer, mine: bool | None) -> None:
    key = f"{group.fingerprint}-{group.revision}"
    owner = viewer.actor.name if mine else str(st.session_state.get(f"owner-{key}") or "").strip()
    note = str(st.session_state.get(f"owner-note-{key}") or "").strip()
    if owner == group.owner and not note:
        return
    new_owner = owner if owner != group.owner else None
    viewer.desk.failures.amend(group.fingerprint, viewer.actor, owner=new_owner, note=note, expected=group.revision)
    _flash.done(f"{owner} is the owner now." if new_owner else "Saved.")


@_flash.guarded()
def _prove(group: FailureGroup, viewer: Viewer) -> None:
    proof = viewer.desk.proofs.probe(group.fingerprint, viewer.actor)
    moved = "" if proof.group.state is group.state else f"{style_of(proof.group.state).word.capitalize()}: "
    _flash.done(f"{moved}{proof.sentence}", good=proof.state is ProofState.HELD)


@messages.guarded()
def _retry(group: FailureGroup, viewer: Viewer) -> None:
    found = model.retryable(viewer.desk, group.fingerprint)
    if found.newest is None or not found.agent_ids:
        _retry_restore(group, viewer)
        return
    if words := model.left_behind(found, group):
        flash_next_page.done(words, good=False)
    start_plan(viewer.desk, viewer.actor, list(found.agent_ids), found.newest, viewer.now)


def _retry_restore(group: FailureGroup, viewer: Viewer) -> None:
    """A group of failed restores is retried in its window: a new plan would take the agents out once more."""
    run = viewer.desk.runs.get(group.sample_run).run
    if run.phase is Phase.RESTORE and run.operation_id:
        st.switch_page(page("windows"), query_params={"id": run.operation_id})
    st.warning("No agent of this group can be planned again: its runs name no agent.")


def _toggle_card(key: str) -> None:
    st.session_state[_CARD] = None if st.session_state.get(_CARD) == key else key


def _hand_off(group: FailureGroup, viewer: Viewer) -> None:
    with st.container(border=True), messages.guarded("The card can't be made right now"):
        text = viewer.desk.failures.hand_off(group.fingerprint)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                "**Hand-off card** for the person who can fix it: copy it into a ticket or a mail. It contains no secrets.",
                width="content",
            )
            st.link_button(
                "Markdown file",
                f"/export/failure/{quote(group.fingerprint, safe='')}.md",
                icon=":material/download:",
                type="tertiary",
            )
        st.code(payloads.raw(text), language=None, wrap_lines=True)
