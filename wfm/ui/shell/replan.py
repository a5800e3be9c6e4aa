"""Agents planned again: a request that other screens hand to the Plan screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk
from wfm.domain.operations import Operation, Run
from wfm.domain.people import Actor
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import WindowSpec
from wfm.ui.components import messages
from wfm.ui.shell.navigation import page

_HANDED = "handed_plan"


@messages.guarded("The plan could not be filled in")
def start_plan(desk: Desk, actor: Actor, agent_ids: list[str], run: Run, now: datetime) -> None:
    """Fills in the plan of this person with these agents, as the run's operation had it, and goes to Plan."""
    operation = desk.windows.get(run.operation_id).operation if run.operation_id else None
    request = retry_request(agent_ids, operation, now, run)
    desk.plans.save_draft(actor, request)
    st.session_state[_HANDED] = request
    st.switch_page(page("plan"))


def retry_request(agent_ids: Sequence[str], operation: Operation | None, now: datetime, run: Run | None = None) -> PlanRequest:
    """A plan for exactly these agents, as the operation that failed had it; it goes through the normal preview.

    What is left of the operation's window is kept. One that is over, or none at all, becomes 30 minutes from now.
    """
    selection = Selection(agents=tuple(dict.fromkeys(agent for agent in agent_ids if agent)))
    if operation is None:
        route, action = RouteName.AVAILABILITY, None
        if run is not None and run.route in list(RouteName):
            route, action = RouteName(run.route), run.action
        return PlanRequest(selection=selection, window=WindowSpec(minutes=30), route=route, action=action)
    window, zone = operation.window, ZoneInfo(operation.window.zone)
    spec = WindowSpec(minutes=30, zone=window.zone)
    if not operation.route.undoable_by_clock:
        spec = operation.request.window  # a correction of the past keeps the past it corrects
    elif window.start > now:
        spec = WindowSpec(start=window.start.astimezone(zone), end=window.end.astimezone(zone), zone=window.zone)
    elif window.end - now > timedelta(minutes=1):
        spec = WindowSpec(minutes=max(1, int((window.end - now).total_seconds() // 60)), zone=window.zone)
    return operation.request.model_copy(update={"selection": selection, "window": spec})


def handed_over() -> PlanRequest | None:
    """The request that another screen handed over; given once."""
    request = st.session_state.pop(_HANDED, None)
    return request if isinstance(request, PlanRequest) else None
