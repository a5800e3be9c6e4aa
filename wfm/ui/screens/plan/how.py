"""3 How: the routes, each with whether it can be taken for this window and why."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.plans import PlanRequest, RouteName
from wfm.domain.windows import WindowSpec
from wfm.ui.components import messages, waiting
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.screens.plan.model import ROUTE_HELP, ROUTE_LABELS

if TYPE_CHECKING:
    from wfm.desk import DataAction, Desk

ROUTE = "plan_route"
ACTION = "plan_action"


def how(desk: Desk, form: PlanRequest, window: WindowSpec) -> tuple[RouteName, str | None]:
    """Draws the card; gives the route, and the Data Action where it is one."""
    offers = {}
    with suppress(DeskError):  # said once, by the preview
        offers = {offer.route: offer for offer in desk.plans.routes(window)}
    captions = []
    for route in RouteName:
        offer = offers.get(route)
        if offer is None:
            captions.append(ROUTE_HELP[route])
        elif not offer.offered:
            captions.append(f":gray[:material/block:] not offered: {escape_markdown(offer.reason)}")
        else:
            best = "**best now** · " if offer.best else ""
            captions.append(f"{best}{escape_markdown(offer.reason) or ROUTE_HELP[route]}")
    if ROUTE not in st.session_state:
        st.session_state[ROUTE] = form.route
    chosen = st.radio(
        "Route",
        list(RouteName),
        key=ROUTE,
        format_func=lambda name: ROUTE_LABELS[RouteName(name)],
        captions=captions,
        label_visibility="collapsed",
    )
    route = RouteName(chosen or RouteName.AVAILABILITY)
    return route, _action(desk, form) if route is RouteName.DATA_ACTION else None


def _action(desk: Desk, form: PlanRequest) -> str | None:
    try:
        with waiting.reading(desk, "the tenant's Data Actions"):
            actions = sorted(desk.actions.all(), key=_likeliest)
    except DeskError as error:
        messages.fault(error)
        return form.action
    if not actions:
        st.caption("This tenant has no Data Action that the token may see.")
        return None
    names = {action.id: cell(action.name) for action in actions}
    if st.session_state.get(ACTION) not in names:
        wanted = (action.id for action in actions if form.action in (action.id, action.name))
        st.session_state[ACTION] = next(wanted, actions[0].id)
    chosen = st.selectbox(
        "Data Action",
        list(names),
        key=ACTION,
        format_func=lambda action_id: names[action_id],
        label_visibility="collapsed",
    )
    st.caption(_about(desk, next((action for action in actions if action.id == chosen), None)))
    return chosen


def _about(desk: Desk, action: DataAction | None) -> str:
    """Whose credentials the action uses, and which action undoes it: that tells variants of one action apart."""
    if action is None:
        return ""
    text = f"as {escape_markdown(action.category)}"
    undo = None
    with suppress(DeskError):  # said by the preview
        undo = desk.actions.undone_by(action.id)
    return f"{text} · undone by {escape_markdown(undo)}" if undo else text


def _likeliest(action: DataAction) -> tuple[bool, str]:
    """Those that take a user id and speak of unavailable come first."""
    inputs = {name.casefold() for name, _, _ in action.inputs}
    return (not ("userid" in inputs and "unavailable" in action.name.casefold()), action.name.casefold())
