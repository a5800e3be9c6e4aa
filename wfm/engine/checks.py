"""What a phase asks before it sends: states and shifts in bulk, items page by page, causes of earlier failures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from wfm.domain.agents import Agent, Status
from wfm.domain.operations import Item, ItemState, Operation, SkipReason
from wfm.domain.plans import INCLUDABLE
from wfm.domain.schedules import Shift
from wfm.engine.batch import CANARY
from wfm.engine.dependencies import Reads
from wfm.engine.sending import ORPHANED
from wfm.genesys.pacing import RequestLane
from wfm.ledger import Ledger

PAGE = 2_000
_NOT_ON_SHIFT = frozenset(fate.value for fate in INCLUDABLE)
"""Fates of agents who were taken out although they were not on shift: being off shift later says nothing new."""


def items_in(
    ledger: Ledger,
    operation_id: str,
    *,
    apply_states: Collection[ItemState] | None = None,
    restore_states: Collection[ItemState] | None = None,
    most: int | None = None,
) -> list[Item]:
    """The items in these states, in their order, at most `most`. Raises StoreFault."""
    found: list[Item] = []
    after = 0
    while most is None or len(found) < most:
        page = ledger.items.page(
            operation_id, apply_states=apply_states, restore_states=restore_states, after_seq=after, limit=PAGE
        )
        if not page:
            break
        found += page
        after = page[-1].seq
    return found if most is None else found[:most]


def states_of(reads: Reads, agent_ids: Sequence[str], lane: RequestLane, *, fresh: bool = True) -> dict[str, Status]:
    """The state of each agent just now; those the tenant says nothing of are left out. Raises GenesysError."""
    agents = _agents(reads, agent_ids, lane)
    found = reads.states(agents, fresh=fresh, lane=lane) if agents else {}
    return {agent_id: state.status for agent_id, state in found.items()}


def off_shift(reads: Reads, operation: Operation, items: Sequence[Item], now: datetime) -> dict[str, str]:
    """Agents who were on shift when they were taken out and are not any more, with the reason. Raises GenesysError.

    Whose shift is only about to begin inside the window was off shift already when taken out: left as they are, they
    would begin it unavailable. An agent whose schedule is not known or not published counts as on shift: better made
    available than forgotten.
    """
    worked = [item.agent_id for item in items if item.fate not in _NOT_ON_SHIFT]
    agents = _agents(reads, worked, RequestLane.RESTORE)
    if not agents:
        return {}
    begun = min(operation.started_at or operation.window.start, now)
    until = max(operation.window.end, now + timedelta(minutes=1))
    schedules = reads.schedules(agents, begun, until, lane=RequestLane.RESTORE)
    return {
        agent_id: SkipReason.OFF_SHIFT.value
        for agent_id, schedule in schedules.items()
        if schedule.published and _went_off(schedule.shifts, begun, until, now)
    }


def _went_off(shifts: Sequence[Shift], begun: datetime, until: datetime, now: datetime) -> bool:
    """No shift now: one has ended since `begun`, or none is to come before `until`."""
    if any(shift.start <= now < shift.end for shift in shifts):
        return False
    ended = any(begun < shift.end <= now for shift in shifts)
    return ended or not any(now < shift.start < until for shift in shifts)


def not_ours(reads: Reads, items: Sequence[Item]) -> dict[str, str]:
    """Agents who are available already, for routes that can't look themselves. Raises GenesysError."""
    states = states_of(reads, [item.agent_id for item in items], RequestLane.RESTORE)
    return {
        item.agent_id: (SkipReason.NOT_OURS if item.apply_state is ItemState.APPLIED else SkipReason.NEVER_OUT).value
        for item in items
        if states.get(item.agent_id) is Status.AVAILABLE
    }


def causes_so_far(ledger: Ledger, operation: Operation) -> list[tuple[str, str]]:
    """(fingerprint, sentence) of the first agents that failed, when a phase is resumed. Raises StoreFault."""
    failed = items_in(ledger, operation.id, apply_states=[ItemState.FAILED, ItemState.UNCONFIRMED], most=4 * CANARY)
    runs = [ledger.runs.get(operation.tenant_key, item.apply_run)[0] for item in failed if item.apply_run is not None]
    return [(run.fingerprint or run.note, run.cause or run.note) for run in runs if run.note != ORPHANED][:CANARY]


def _agents(reads: Reads, agent_ids: Sequence[str], lane: RequestLane) -> list[Agent]:
    known = reads.directory(lane=lane).agents
    return [known[agent_id] for agent_id in agent_ids if agent_id in known]
