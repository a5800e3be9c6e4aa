"""What may be done to a window, each with what will happen before it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import streamlit as st

from wfm.desk import Desk, OperationView
from wfm.domain.errors import DeskError
from wfm.domain.operations import Operation
from wfm.domain.people import Actor, Capability
from wfm.domain.sentences import quantity
from wfm.ui.components import messages, times
from wfm.ui.screens.windows.choices import Act, Choice, choices, extend_choices

_DONE = "window_done"
_FAULT = "window_fault"
_ASKED = "window_asked"
READ_BY_THEN = timedelta(minutes=1)

_ICONS = {
    Act.EXTEND: ":material/more_time:",
    Act.END_NOW: ":material/settings_backup_restore:",
    Act.CANCEL: ":material/cancel:",
    Act.RESTORE_NOW: ":material/settings_backup_restore:",
    Act.RETRY: ":material/replay:",
    Act.UNDO: ":material/undo:",
}


def show_result() -> None:
    """What the last action did, once; or why it could not, until it was read or something else is asked for.

    To be drawn in the same fragment as the buttons: a click in a fragment draws nothing else.
    """
    kept = st.session_state.get(_FAULT)
    if kept is not None and times.now() - kept[1] < READ_BY_THEN:
        messages.fault(kept[0])
    done = st.session_state.pop(_DONE, None)
    if done:
        st.toast(done, icon=":material/check_circle:")


@contextmanager
def guarded() -> Iterator[None]:
    """Keeps what goes wrong in a callback, to be said where `show_result` is drawn."""
    try:
        yield
    except DeskError as error:
        st.session_state[_FAULT] = (error, times.now())


def buttons(actor: Actor, view: OperationView, *, now: datetime) -> None:
    """The actions as buttons. Each asks first: `confirm` says what will happen, right below, and does it.

    No pop-ups: those stand at the end of the page for whoever works by keyboard or screen reader, and cover a phone.
    """
    may = actor.may(Capability.EXECUTE)
    operation = view.operation
    for choice in sorted(choices(view, now), key=lambda one: one.primary):
        open_now = st.session_state.get(_ASKED) == (operation.id, choice.act)
        st.button(
            choice.label,
            icon=_ICONS[choice.act],
            type="primary" if choice.primary and not open_now else "secondary",
            disabled=not may,
            help=None if may else actor.read_only_reason or "Only a supervisor can do this.",
            key=f"window_{choice.act.value}_{operation.id}",
            on_click=_ask,
            args=(operation.id, choice.act),
        )


def _ask(operation_id: str, act: Act) -> None:
    """Opens the question, or closes it at the second click."""
    st.session_state.pop(_FAULT, None)
    asked = (operation_id, act)
    st.session_state[_ASKED] = None if st.session_state.get(_ASKED) == asked else asked


def confirm(desk: Desk, actor: Actor, view: OperationView, *, now: datetime) -> None:
    """What will happen, and the button that does it, where one of this window's actions was chosen and still can be."""
    operation = view.operation
    wanted = st.session_state.get(_ASKED)
    choice = next((one for one in choices(view, now) if wanted == (operation.id, one.act)), None)
    if choice is None or not actor.may(Capability.EXECUTE):
        return
    with st.container(border=True, key=f"asked_{operation.id}"):
        # An alert, so that a screen reader says it.
        st.warning(choice.says, icon=_ICONS[choice.act])
        if choice.act is Act.EXTEND:
            _extend(desk, actor, operation)
            return
        with st.container(horizontal=True, horizontal_alignment="right"):
            _not_now(operation.id, choice.act)
            st.button(
                choice.do or choice.label,
                icon=_ICONS[choice.act],
                type="primary",
                key=f"do_{choice.act.value}_{operation.id}",
                on_click=_do,
                args=(desk, actor, choice, operation.id),
            )


def _not_now(operation_id: str, act: Act) -> None:
    st.button("Not now", type="tertiary", key=f"not_now_{operation_id}", on_click=_ask, args=(operation_id, act))


@guarded()
def _do(desk: Desk, actor: Actor, choice: Choice, operation_id: str) -> None:
    actions: dict[Act, Callable[[], object]] = {
        Act.END_NOW: partial(desk.windows.end, operation_id, actor),
        Act.CANCEL: partial(desk.windows.cancel, operation_id, actor),
        Act.RESTORE_NOW: partial(desk.windows.restore, operation_id, actor),
        Act.RETRY: partial(desk.windows.retry_failed, operation_id, actor),
        Act.UNDO: partial(desk.windows.undo, operation_id, actor),
    }
    st.session_state[_ASKED] = None
    result = actions[choice.act]()
    results = {
        Act.END_NOW: "Requested. Agents are being restored.",
        Act.CANCEL: "Requested. Agents already out are being restored." if choice.primary else "Cancelled.",
        Act.RESTORE_NOW: "Requested. Agents are being restored.",
        Act.RETRY: f"Requested. {quantity(result, 'agent') if isinstance(result, int) else 'They'} will be tried again.",
        Act.UNDO: "Requested. The correction is being undone.",
    }
    st.session_state[_DONE] = results[choice.act]


def _extend(desk: Desk, actor: Actor, operation: Operation) -> None:
    zone = times.zone_or_utc(operation.window.zone)
    with st.container(horizontal=True):
        for minutes in extend_choices(operation):
            st.button(
                f"+ {times.duration(minutes * 60)}",
                key=f"extend_{minutes}_{operation.id}",
                on_click=_move_end,
                args=(desk, actor, operation.id, operation.window.end + timedelta(minutes=minutes)),
            )
        _not_now(operation.id, Act.EXTEND)
    was = operation.window.end.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    end = st.datetime_input(
        f"New end, {operation.window.zone}",
        was,
        step=300,
        format="DD.MM.YYYY",
        key=f"extend_to_{operation.id}",
        help="An earlier end is possible too, as long as it is in the future.",
    )
    if end is not None:
        st.button(
            f"Move the end to {end:%H:%M}",
            key=f"extend_do_{operation.id}",
            on_click=_move_end,
            args=(desk, actor, operation.id, end.replace(tzinfo=zone)),
            disabled=end.replace(second=0, microsecond=0) == was,
        )


@guarded()
def _move_end(desk: Desk, actor: Actor, operation_id: str, end: datetime) -> None:
    moved = desk.windows.extend(operation_id, end, actor)
    zone = times.zone_or_utc(moved.window.zone)
    st.session_state[_ASKED] = None
    st.session_state[_DONE] = f"The window now ends {times.when(moved.window.end, zone)} {moved.window.zone}."
