"""What may be done to a window, each with what will happen before it happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.operations import Operation
from wfm.domain.people import Actor, Capability
from wfm.ui.components import empty, times
from wfm.ui.views.windows import Act, Choice, View, choices, extend_choices

if TYPE_CHECKING:
    from wfm.desk import Desk

_DONE = "window_done"
_FAULT = "window_fault"

_ICONS = {
    Act.EXTEND: ":material/more_time:",
    Act.END_NOW: ":material/settings_backup_restore:",
    Act.CANCEL: ":material/cancel:",
    Act.RESTORE_NOW: ":material/settings_backup_restore:",
    Act.RETRY: ":material/replay:",
    Act.UNDO: ":material/undo:",
}


def said() -> None:
    """What the last action did, or why it could not; once."""
    fault = st.session_state.pop(_FAULT, None)
    if fault is not None:
        empty.fault(fault)
    done = st.session_state.pop(_DONE, None)
    if done:
        st.toast(done, icon=":material/check_circle:")


def failed(error: DeskError) -> None:
    """Keeps what went wrong in a callback, to be said where `said` is drawn."""
    st.session_state[_FAULT] = error


def buttons(desk: Desk, actor: Actor, view: View, *, now: datetime, only: tuple[Act, ...] | None = None) -> None:
    """The actions as buttons that open what will happen, with one more button to do it."""
    offered = [choice for choice in choices(view, now) if only is None or choice.act in only]
    if not offered:
        return
    may = actor.may(Capability.EXECUTE)
    operation = view.operation
    for choice in sorted(offered, key=lambda one: one.primary):
        with st.popover(
            choice.label,
            icon=_ICONS[choice.act],
            type="primary" if choice.primary else "secondary",
            disabled=not may,
            help=None if may else actor.read_only_reason or "This needs a supervisor.",
            key=f"window_{choice.act.value}_{operation.id}",
        ):
            st.markdown(choice.says)
            if choice.act is Act.EXTEND:
                _extend(desk, actor, operation, now, may=may)
            else:
                st.button(
                    choice.do or choice.label,
                    icon=_ICONS[choice.act],
                    type="primary",
                    key=f"do_{choice.act.value}_{operation.id}",
                    on_click=_do,
                    args=(desk, actor, choice, operation.id),
                    disabled=not may,
                )


def _do(desk: Desk, actor: Actor, choice: Choice, operation_id: str) -> None:
    actions: dict[Act, Callable[[], object]] = {
        Act.END_NOW: partial(desk.end_now, operation_id, actor),
        Act.CANCEL: partial(desk.cancel, operation_id, actor),
        Act.RESTORE_NOW: partial(desk.restore_now, operation_id, actor),
        Act.RETRY: partial(desk.retry_failed, operation_id, actor),
        Act.UNDO: partial(desk.undo, operation_id, actor),
    }
    try:
        result = actions[choice.act]()
    except DeskError as error:
        failed(error)
        return
    words = {
        Act.END_NOW: "Asked for. Agents are being put back.",
        Act.CANCEL: "Cancelled.",
        Act.RESTORE_NOW: "Asked for. Agents are being put back.",
        Act.RETRY: f"Asked for. {times.agents(result) if isinstance(result, int) else 'They'} will be tried again.",
        Act.UNDO: "Asked for. The correction is being taken back.",
    }
    st.session_state[_DONE] = words[choice.act]


def _extend(desk: Desk, actor: Actor, operation: Operation, now: datetime, *, may: bool) -> None:
    zone = times.zone_or_utc(operation.window.zone)
    with st.container(horizontal=True):
        for minutes in extend_choices(operation, now):
            st.button(
                f"+ {times.duration(minutes * 60)}",
                key=f"extend_{minutes}_{operation.id}",
                on_click=_move_end,
                args=(desk, actor, operation.id, operation.window.end + timedelta(minutes=minutes)),
                disabled=not may,
            )
    was = operation.window.end.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    end = st.datetime_input(
        f"New end, {operation.window.zone}",
        was,
        step=300,
        format="DD.MM.YYYY",
        key=f"extend_to_{operation.id}",
        help="An earlier end is possible too, as long as it is still to come.",
    )
    if end is not None:
        st.button(
            f"Move the end to {end:%H:%M}",
            key=f"extend_do_{operation.id}",
            on_click=_move_end,
            args=(desk, actor, operation.id, end.replace(tzinfo=zone)),
            disabled=not may or end.replace(second=0, microsecond=0) == was,
        )


def _move_end(desk: Desk, actor: Actor, operation_id: str, end: datetime) -> None:
    try:
        moved = desk.extend(operation_id, end, actor)
    except DeskError as error:
        failed(error)
    else:
        zone = times.zone_or_utc(moved.window.zone)
        st.session_state[_DONE] = f"The window now ends {times.when(moved.window.end, zone)} {moved.window.zone}."
