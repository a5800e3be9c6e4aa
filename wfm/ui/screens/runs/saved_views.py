"""Saved views of the run history: a filter under a name, one of them the one that the history opens with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from wfm.desk import Desk, SavedView
from wfm.domain.errors import DeskError
from wfm.domain.people import Actor
from wfm.ui.components.flash import Flash
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.run_query import RunQuery, read_query, write_query
from wfm.ui.screens.runs import state

_NAME, _DEFAULT = "runs-view-name", "runs-view-default"
_flash = Flash("runs-view")
notices = _flash.show


def parameters(query: RunQuery) -> dict[str, str]:
    """What a view keeps of a query: its filters and time range, not the place in the list nor the opened run."""
    return write_query(replace(query, cursor=None, run=None))


def chosen_view(views: Sequence[SavedView], query: RunQuery) -> SavedView | None:
    """The view that shows what is shown now; None where none does."""
    now = parameters(query)
    return next((view for view in views if dict(view.query) == now), None)


def opened_with(desk: Desk, actor: Actor) -> Mapping[str, str]:
    """What the default view keeps; nothing where there is none, or where it can't be read."""
    try:
        view = desk.saved_views.default(actor)
    except DeskError:
        return {}
    return view.query if view is not None else {}


def menu(desk: Desk, actor: Actor, query: RunQuery) -> None:
    """The popover with this person's views: open, make the default, forget, keep what is shown now."""
    try:
        views = desk.saved_views.all(actor)
    except DeskError:
        views = ()
    here = chosen_view(views, query)
    with st.popover(
        escape_markdown(here.name) if here else "Saved views", icon=":material/bookmark:", type="tertiary", key="runs-views"
    ):
        if not views:
            st.caption("None yet. Choose filters and name them to open them with one click. Only you see them.")
        for number, view in enumerate(views):
            _row(desk, actor, view, number, chosen=view is here)
        st.text_input("Save these filters as", key=_NAME, max_chars=80, placeholder="Failures today")
        st.checkbox("Open Runs with this view", key=_DEFAULT)
        st.button("Save view", type="primary", key="runs-view-save", on_click=_save, args=(desk, actor))


def _row(desk: Desk, actor: Actor, view: SavedView, number: int, *, chosen: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = ":material/check:" if chosen else ":material/bookmark:"
        st.button(
            escape_markdown(view.name),
            icon=icon,
            type="tertiary",
            key=f"view-open-{number}",
            on_click=_open,
            args=(view.query,),
        )
        star = "star" if view.is_default else "star_outline"
        st.button(
            "Default" if view.is_default else "Make default",
            icon=f":material/{star}:",
            type="tertiary",
            key=f"view-default-{number}",
            help="Runs opens with this view, unless the address says otherwise.",
            on_click=_default,
            args=(desk, actor, view.name, view.query, not view.is_default),
        )
        st.button(
            "Delete",
            icon=":material/delete:",
            type="tertiary",
            key=f"view-forget-{number}",
            on_click=_forget,
            args=(desk, actor, view.name),
        )


def _open(query: Mapping[str, str]) -> None:
    state.push(read_query(query)[0])


@_flash.guarded()
def _default(desk: Desk, actor: Actor, name: str, query: Mapping[str, str], is_default: bool) -> None:
    _keep(desk, actor, name, query, is_default)


@_flash.guarded()
def _save(desk: Desk, actor: Actor) -> None:
    name = str(st.session_state.get(_NAME) or "")
    is_default = bool(st.session_state.get(_DEFAULT))
    _keep(desk, actor, name, parameters(state.current()), is_default)
    st.session_state[_NAME], st.session_state[_DEFAULT] = "", False


def _keep(desk: Desk, actor: Actor, name: str, query: Mapping[str, str], is_default: bool) -> None:
    view = desk.saved_views.save(name, query, actor, is_default=is_default)
    _flash.done(f"{view.name} is saved" + (", and Runs opens with it." if is_default else "."))


@_flash.guarded()
def _forget(desk: Desk, actor: Actor, name: str) -> None:
    desk.saved_views.delete(name, actor)
    _flash.done(f"{name} is deleted.")
