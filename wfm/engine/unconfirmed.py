"""Settling what was sent and could not be read back: by a later read, never by sending again."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from wfm.domain.operations import Item, ItemState, Outcome, Phase
from wfm.engine.findings import items_in, states_of
from wfm.engine.sending import Errand, Unsure
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.ledger.records import Claim, Settlement

log = logging.getLogger(__name__)

AT_ONCE = 500
LOOKING = 8
SETTLED_AFTER = timedelta(seconds=60)
"""A bulk read may lag behind a write: until then "not so" proves nothing."""


def settle_unconfirmed(errand: Errand, stop: threading.Event) -> int:
    """Reads back what is unconfirmed in the errand's phase; how many could be settled. Raises StoreFault.

    Applied where a read shows it. Failed where a read shows that it did not take effect: a person may try it again.
    """
    phase = errand.phase
    wanted = {"apply_states" if phase is Phase.APPLY else "restore_states": [ItemState.UNCONFIRMED]}
    doubtful = items_in(errand.rooms.ledger, errand.operation.id, most=AT_ONCE, **wanted)
    claims = [claim for item in doubtful if (claim := _claim(item, phase)) is not None]
    if not claims or stop.is_set():
        return 0
    settlements = _read_each(errand, claims) if errand.route.reads_back else _read_in_bulk(errand, claims)
    if settlements:
        errand.rooms.ledger.settle(errand.operation.id, phase, settlements, now=errand.rooms.clock())
    return len(settlements)


def _claim(item: Item, phase: Phase) -> Claim | None:
    run_id = item.apply_run if phase is Phase.APPLY else item.restore_run
    if run_id is None or item.changed_at is None:
        return None
    return Claim(item=item, run_id=run_id, sent_at=item.changed_at)


def _read_each(errand: Errand, claims: list[Claim]) -> list[Settlement]:
    # The intent is older than what is kept of it: a write of ours is known by its reason, not by the instant.
    doubts = [Unsure(claim=replace(claim, sent_at=errand.operation.created_at), ready=0.0) for claim in claims]
    with ThreadPoolExecutor(LOOKING, thread_name_prefix="look") as pool:
        results = list(pool.map(errand.look, doubts))
    settlements = []
    for result in results:
        if isinstance(result, Unsure) or result.state is ItemState.UNCONFIRMED:
            continue
        if result.state is ItemState.PENDING:
            result = replace(
                result, state=ItemState.FAILED, outcome=Outcome.FAILED, note="A later read shows that it did not take effect."
            )
        else:
            result = replace(result, note="A later read shows that it took effect.")
        settlements.append(result)
    return settlements


def _read_in_bulk(errand: Errand, claims: list[Claim]) -> list[Settlement]:
    try:
        states = states_of(errand.reads, [claim.item.agent_id for claim in claims], RequestLane.RESTORE)
    except GenesysError as error:
        log.warning("Unconfirmed updates of %s could not be read: %s", errand.operation.id, error)
        return []
    now = errand.rooms.clock()
    settled = (_by_state(errand, claim, states.get(claim.item.agent_id), now) for claim in claims)
    return [settlement for settlement in settled if settlement is not None]


def _by_state(errand: Errand, claim: Claim, state: object, now: datetime) -> Settlement | None:
    if state is None:
        return None
    wanted = errand.task(claim).wanted
    if state == wanted:
        return errand.settled(claim, ItemState.APPLIED, Outcome.APPLIED, note=f"A later read shows the agent {wanted}.")
    if now - claim.sent_at < SETTLED_AFTER:
        return None
    return errand.settled(claim, ItemState.FAILED, Outcome.FAILED, note=f"A later read shows the agent {state}.")
