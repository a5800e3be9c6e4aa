"""What a phase reads before it sends: states and shifts in bulk, items page by page, causes of earlier failures."""

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
"""Fates of agents who were taken out although they were off shift: that they are off shift later is no news."""


def items_in(
    ledger: Ledger,
    operation_id: str,
    *,
    apply_states: Collection[ItemState] | None = None,
    restore_states: Collection[ItemState] | None = None,
    limit: int | None = None,
) -> list[Item]:
    """Return the items in these states, in their order, at most `limit`. Raises StoreFault."""
    items: list[Item] = []
    after = 0
    while limit is None or len(items) < limit:
        page = ledger.items.page(
            operation_id, apply_states=apply_states, restore_states=restore_states, after_seq=after, limit=PAGE
        )
        if not page:
            break
        items += page
        after = page[-1].seq
    return items if limit is None else items[:limit]


def states_of(reads: Reads, agent_ids: Sequence[str], lane: RequestLane, *, fresh: bool = True) -> dict[str, Status]:
    """Return the present state of each agent that the tenant knows. Raises GenesysError."""
    agents = _agents(reads, agent_ids, lane)
    states = reads.states(agents, fresh=fresh, lane=lane) if agents else {}
    return {agent_id: state.status for agent_id, state in states.items()}


def off_shift(reads: Reads, operation: Operation, items: Sequence[Item], now: datetime) -> dict[str, str]:
    """Return the agents who were on shift when taken out and no longer are, with the reason. Raises GenesysError.

    An agent whose shift is still to begin inside the window was already off shift when taken out and is restored:
    otherwise they would begin the shift unavailable. An agent whose schedule is unknown or not published counts as on
    shift: it is better to make them available than to forget them.
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
    """Return whether there is no shift now, and one has ended since `begun` or none starts before `until`."""
    if any(shift.start <= now < shift.end for shift in shifts):
        return False
    ended = any(begun < shift.end <= now for shift in shifts)
    return ended or not any(now < shift.start < until for shift in shifts)


def not_ours(reads: Reads, items: Sequence[Item]) -> dict[str, str]:
    """Return the agents who are already available, for routes that can't read them back. Raises GenesysError."""
    states = states_of(reads, [item.agent_id for item in items], RequestLane.RESTORE)
    return {
        item.agent_id: (SkipReason.NOT_OURS if item.apply_state is ItemState.APPLIED else SkipReason.NEVER_OUT).value
        for item in items
        if states.get(item.agent_id) is Status.AVAILABLE
    }


def causes_so_far(ledger: Ledger, operation: Operation) -> list[tuple[str, str]]:
    """Return (fingerprint, sentence) of the first agents that failed, for a phase that resumes. Raises StoreFault."""
    failed = items_in(ledger, operation.id, apply_states=[ItemState.FAILED, ItemState.UNCONFIRMED], limit=4 * CANARY)
    runs = [ledger.runs.get(operation.tenant_key, item.apply_run)[0] for item in failed if item.apply_run is not None]
    return [(run.fingerprint or run.note, run.cause or run.note) for run in runs if run.note != ORPHANED][:CANARY]


def _agents(reads: Reads, agent_ids: Sequence[str], lane: RequestLane) -> list[Agent]:
    known = reads.directory(lane=lane).agents
    return [known[agent_id] for agent_id in agent_ids if agent_id in known]
