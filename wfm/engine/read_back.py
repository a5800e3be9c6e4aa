"""Settle what was sent and could not be read back: by a later read, never by sending again."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from wfm.domain.operations import Item, ItemState, Outcome, Phase
from wfm.engine.phase_reads import items_in, states_of
from wfm.engine.sending import PhaseContext, UnknownOutcome
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.ledger.records import Claim, Settlement

log = logging.getLogger(__name__)

MAX_READ_AT_ONCE = 500
MAX_READERS = 8
SETTLED_AFTER = timedelta(seconds=60)
"""A bulk read may lag behind a write: until then "not so" proves nothing."""


def settle_unconfirmed(context: PhaseContext, stop: threading.Event) -> int:
    """Read back what is unconfirmed in the context's phase; return how many updates were settled. Raises StoreFault.

    An update is applied where a read shows it, and failed where a read shows that it did not take effect: a person may
    then retry it.
    """
    phase = context.phase
    wanted = {"apply_states" if phase is Phase.APPLY else "restore_states": [ItemState.UNCONFIRMED]}
    unconfirmed = items_in(context.deps.ledger, context.operation.id, limit=MAX_READ_AT_ONCE, **wanted)
    claims = [claim for item in unconfirmed if (claim := _claim(item, phase)) is not None]
    if not claims or stop.is_set():
        return 0
    settlements = _read_each(context, claims) if context.route.reads_back else _read_in_bulk(context, claims)
    if settlements:
        context.deps.ledger.items.settle(context.operation.id, phase, settlements, now=context.deps.clock())
    return len(settlements)


def _claim(item: Item, phase: Phase) -> Claim | None:
    run_id = item.apply_run if phase is Phase.APPLY else item.restore_run
    if run_id is None or item.changed_at is None:
        return None
    return Claim(item=item, run_id=run_id, claimed_at=item.changed_at)


def _read_each(context: PhaseContext, claims: list[Claim]) -> list[Settlement]:
    # The stored instant may be later than the write, so a write of ours is recognized by its reason, not by its instant.
    unknown = [UnknownOutcome(claim=replace(claim, claimed_at=context.operation.created_at), ready=0.0) for claim in claims]
    with ThreadPoolExecutor(MAX_READERS, thread_name_prefix="read-back") as pool:
        results = list(pool.map(context.read_back, unknown))
    settlements = []
    for result in results:
        if isinstance(result, UnknownOutcome) or result.state is ItemState.UNCONFIRMED:
            continue
        if result.state is ItemState.PENDING:
            result = replace(
                result, state=ItemState.FAILED, outcome=Outcome.FAILED, note="A later read shows that it did not take effect."
            )
        else:
            result = replace(result, note="A later read shows that it took effect.")
        settlements.append(result)
    return settlements


def _read_in_bulk(context: PhaseContext, claims: list[Claim]) -> list[Settlement]:
    try:
        states = states_of(context.reads, [claim.item.agent_id for claim in claims], RequestLane.RESTORE)
    except GenesysError as error:
        log.warning("Unconfirmed updates of %s could not be read: %s", context.operation.id, error)
        return []
    now = context.deps.clock()
    settled = (_by_state(context, claim, states.get(claim.item.agent_id), now) for claim in claims)
    return [settlement for settlement in settled if settlement is not None]


def _by_state(context: PhaseContext, claim: Claim, state: object, now: datetime) -> Settlement | None:
    if state is None:
        return None
    wanted = context.task(claim).wanted
    if state == wanted:
        return context.settled(claim, ItemState.APPLIED, Outcome.APPLIED, note=f"A later read shows the agent {wanted}.")
    if now - claim.claimed_at < SETTLED_AFTER:
        return None
    return context.settled(claim, ItemState.FAILED, Outcome.FAILED, note=f"A later read shows the agent {state}.")
