"""What can be done with the ticked rows of the run table: plan again, export, copy their correlation ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import streamlit as st

from wfm.desk import Desk
from wfm.domain.operations import Run
from wfm.domain.people import Actor, Capability
from wfm.domain.sentences import quantity
from wfm.ui.components.markdown import cell
from wfm.ui.screens.runs import export
from wfm.ui.screens.runs.model import can_retry
from wfm.ui.shell.replan import start_plan


def bar(desk: Desk, actor: Actor, runs: Sequence[Run], now: datetime) -> None:
    """Draws the actions for these runs; nothing where none is ticked."""
    if not runs:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="runs-selection"):
        st.markdown(f"**{quantity(len(runs), 'run')} ticked**", width="content")
        _retry(desk, actor, runs, now)
        ids = quote(",".join(run.id for run in runs), safe=",")
        export.links(f"runs={ids}", "", key="runs-export-ticked", watched=False)
        correlation = correlation_ids(runs)
        with st.popover("Correlation ids", icon=":material/content_copy:", type="tertiary", disabled=not correlation):
            st.caption("One a line, for a ticket to Genesys. The button in the corner copies them all.")
            st.code("\n".join(map(cell, correlation)), language=None)


def _retry(desk: Desk, actor: Actor, runs: Sequence[Run], now: datetime) -> None:
    failed = [run for run in runs if can_retry(run)]
    agents = list(dict.fromkeys(run.agent_id for run in failed))
    mixed = len({(run.operation_id, run.route, run.action) for run in failed}) > 1
    allowed = actor.may(Capability.EXECUTE)
    if not agents:
        why = "None of them is a failed update that would have taken an agent out, so there is no one to plan again."
    elif not allowed:
        why = actor.read_only_reason
    else:
        why = "Fills in Plan with these agents; nothing is sent before you apply it there."
        why += " They failed in several operations: the plan copies the newest one." if mixed else ""
    if st.button(
        f"Retry {quantity(len(agents), 'agent')}",
        icon=":material/replay:",
        key="runs-retry-selected",
        disabled=not (agents and allowed),
        help=why,
    ):
        start_plan(desk, actor, agents, failed[0], now)


def correlation_ids(runs: Sequence[Run]) -> list[str]:
    """Their correlation ids, each once, newest first."""
    return list(dict.fromkeys(run.correlation_id for run in runs if run.correlation_id))
