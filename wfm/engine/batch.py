"""Send many agents through one route: claim a few, keep up to sixteen requests under way, settle them as they end.

One thread (the workflow's) talks to the ledger; the others only send. Claims are small and settled in small
transactions several times a second, so that neither a screen nor a cancel ever waits behind a large operation.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wfm.domain.errors import StoreFault
from wfm.domain.operations import Counts, Exchange, ItemState, Phase
from wfm.engine.sending import ORPHANED, PhaseContext, Result, UnknownOutcome, Unsent
from wfm.ledger.records import Claim, Settlement

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 16
CLAIM_SIZE = 25
CANARY = 5
"""Agents that are sent first; the others follow unless all of these fail for one cause."""
SETTLE_EVERY_S = 0.25
POLL_EVERY_S = 0.4
"""How often the ledger is asked whether the operation was cancelled or ended."""
MAX_SENDS = 3
"""How often in all an agent is sent whose update is read back as not applied."""
STORE_PAUSE_S = 0.5
STORE_LAST_S = 5.0
"""How long a stopping worker waits for a ledger that is out of reach before it leaves results to be read back."""
FIRST_PROBE_S, SLOWEST_PROBE_S = 1.0, 30.0
"""While the request budget's database is out of reach, one agent is tried at growing intervals."""


class Stop(StrEnum):
    """Why nothing more is sent."""

    WORKER = "the worker stops"
    CANCELLED = "the operation was cancelled"
    OVER = "the window is over"
    ENDED = "the window was ended early"
    HALTED = "the first agents all failed for one cause"


@dataclass(slots=True)
class BatchResult:
    """How a batch ended. `left` says that there may be more to send. `cause` is the sentence of a halt."""

    stop: Stop | None
    left: bool
    cause: str = ""


@dataclass(slots=True)
class Canary:
    """The first agents of an operation. `left` more may be claimed before a verdict; None once there is one."""

    left: int | None
    causes: list[tuple[str, str]] = field(default_factory=list)
    """(fingerprint, sentence) of those that failed so far."""

    def systemic(self) -> str | None:
        """Return the one cause for which all the first agents failed, or None."""
        if len(self.causes) < CANARY or len({fingerprint for fingerprint, _ in self.causes}) != 1:
            return None
        return self.causes[0][1]


class BatchExecutor:
    """Takes the items of one phase through their route until none is left, a budget is used up, or something stops it.

    `why_stop` reads the ledger and the clock. `unsent` is set when requests that still wait for a permit should give up.
    """

    def __init__(
        self,
        context: PhaseContext,
        *,
        why_stop: Callable[[], Stop | None],
        unsent: threading.Event,
        canary: Canary,
    ) -> None:
        self._context = context
        self._ledger = context.deps.ledger
        self._why_stop = why_stop
        self._unsent = unsent
        self._canary = canary
        self._in_flight: dict[Future[Result], Claim] = {}
        self._settlements: list[Settlement] = []
        self._unknown: list[UnknownOutcome] = []
        self._sends: dict[str, int] = {}
        self._settled_at = time.monotonic()
        self._polled_at = 0.0
        self._down_since: float | None = None
        """Since when the ledger is out of reach (monotonic, s)."""
        self._lost_claim: datetime | None = None
        """The instant of a claim that broke off: it may have been committed."""
        self._probes = 0
        self._claim_from = 0.0
        self._stop: Stop | None = None
        self._cause = ""
        self._none_pending = False

    def take_over(self, orphaned: list[Claim], ready: float) -> None:
        """Take over items that were found in `sending`: to be read back, not before `ready`."""
        self._unknown += [UnknownOutcome(claim=claim, ready=ready, orphaned=True) for claim in orphaned]

    def run(self, budget: int) -> BatchResult:
        """Run until done or stopped. A ledger that is out of reach is waited for as long as this worker works.

        Raises StoreFault when the worker stops meanwhile; what was sent is then read back next time.
        """
        claimed = 0
        with ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="send") as pool:
            try:
                while True:
                    self._collect()
                    self._settle()
                    self._poll()
                    self._read_back(pool)
                    if self._lost_claim is not None:
                        claimed += self._recover_claim(pool)
                    if self._stop is None and claimed < budget:
                        claimed += self._claim(pool)
                    if self._idle(claimed >= budget):
                        return BatchResult(stop=self._stop, left=not self._none_pending, cause=self._cause)
                    self._wait()
            except BaseException:
                self._settle_what_is_known()
                raise

    def _settle_what_is_known(self) -> None:
        """After an error: wait for what was sent and, if the ledger takes it, settle it."""
        self._give_up_unsent()
        wait(self._in_flight)
        self._collect()
        try:
            self._store()
        except Exception as error:
            log.warning("%d outcomes could not be stored and are read back: %s", len(self._settlements), error)

    def _idle(self, budget_used: bool) -> bool:
        if self._in_flight or self._settlements:
            return False
        if (self._unknown or self._lost_claim is not None) and self._stop is not Stop.WORKER:
            return False
        return self._stop is not None or self._none_pending or budget_used

    def _wait(self) -> None:
        pause = SETTLE_EVERY_S if not self._settlements else 0.05
        if self._in_flight:
            wait(self._in_flight, timeout=pause, return_when=FIRST_COMPLETED)
        else:
            time.sleep(0.05)

    # --- results -----------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        for future in [future for future in self._in_flight if future.done()]:
            claim = self._in_flight.pop(future)
            result = self._context.give_back(claim) if future.cancelled() else future.result()
            if isinstance(result, UnknownOutcome):
                self._unknown.append(result)
            elif isinstance(result, Unsent):
                self._settlements.append(result.settlement)
                self._pause_claims(result.fault)
            else:
                self._settlements.append(self._counted(result))
                if self._probes:
                    self._probes = 0
                    self._add_event("resumed", "Sending continues.")

    def _pause_claims(self, fault: StoreFault) -> None:
        """Claim no agent for a while, longer each time, then one agent alone: the request budget can't be used."""
        now = time.monotonic()
        if now < self._claim_from:
            return
        if not self._probes:
            self._add_event("paused", f"Nothing is sent for now: {fault}")
        self._claim_from = now + min(SLOWEST_PROBE_S, FIRST_PROBE_S * 2 ** min(self._probes, 10))
        self._probes += 1

    def _add_event(self, kind: str, text: str) -> None:
        context = self._context
        try:
            self._ledger.operations.add_event(
                context.operation.id, at=context.deps.clock(), actor="worker", kind=kind, text=text
            )
        except StoreFault as fault:
            log.warning("An event could not be stored: %s (%s)", text, fault)

    def _counted(self, settlement: Settlement) -> Settlement:
        if settlement.state is ItemState.PENDING and settlement.exchanges:
            self._sends[settlement.agent_id] = self._sends.get(settlement.agent_id, 1) + 1
            if self._sends[settlement.agent_id] > MAX_SENDS:
                return self._context.gave_up(settlement)
        return settlement

    def _settle(self) -> None:
        due = (
            len(self._settlements) >= CLAIM_SIZE or not self._in_flight or time.monotonic() - self._settled_at >= SETTLE_EVERY_S
        )
        if not self._settlements or not due:
            return
        try:
            self._store()
        except StoreFault as fault:
            self._ledger_is_down(fault)

    def _store(self) -> None:
        if not self._settlements:
            return
        context = self._context
        counts = self._ledger.items.settle(
            context.operation.id, context.phase, tuple(self._settlements), now=context.deps.clock()
        )
        self._ledger_is_back()
        self._settled_at = time.monotonic()
        settled, self._settlements = self._settlements, []
        if any(settlement.state is ItemState.PENDING for settlement in settled):
            self._none_pending = False
        self._note_reads(settled)
        self._judge(settled, counts)

    def _ledger_is_down(self, fault: StoreFault) -> None:
        """Hold the results while the ledger is out of reach, so that none is lost; nothing more is sent meanwhile."""
        now = time.monotonic()
        if self._down_since is None:
            self._down_since = now
            log.warning("The ledger is out of reach; %d outcomes wait for it: %s", len(self._settlements), fault)
        if self._stop is Stop.WORKER and now - self._down_since > STORE_LAST_S:
            raise fault
        time.sleep(STORE_PAUSE_S)

    def _ledger_is_back(self) -> None:
        since, self._down_since = self._down_since, None
        if since is not None:
            seconds = time.monotonic() - since
            self._add_event(
                "paused", f"The desk's database was out of reach for {seconds:.0f} s. Nothing that was sent is lost."
            )

    def _note_reads(self, settled: list[Settlement]) -> None:
        reads = [exchange for settlement in settled for exchange in settlement.exchanges if exchange.method == "GET"]
        if not reads:
            return
        worked = sum(1 for exchange in reads if _worked(exchange))
        operation = self._context.operation
        try:
            self._ledger.client_usage.add_reads(
                operation.tenant_key, operation.client_id, ok=worked, failed=len(reads) - worked
            )
        except StoreFault as fault:
            log.warning("Reads could not be counted: %s", fault)

    def _judge(self, settled: list[Settlement], counts: Counts) -> None:
        """Halt when the first agents all failed for one cause; otherwise let the others follow."""
        canary = self._canary
        if canary.left is None:
            return
        if counts.apply[ItemState.APPLIED]:
            canary.left = None
            return
        for settlement in settled:
            if settlement.state in (ItemState.FAILED, ItemState.UNCONFIRMED) and settlement.note != ORPHANED:
                diagnosis = settlement.diagnosis
                fingerprint = diagnosis.fingerprint(self._context.call) if diagnosis else settlement.note
                canary.causes.append((fingerprint, diagnosis.summary() if diagnosis else settlement.note))
        if len(canary.causes) >= CANARY:
            cause = canary.systemic()
            canary.left = None
            if cause is not None:
                self._halt(cause)
        else:
            canary.left = CANARY - len(canary.causes)

    def _halt(self, cause: str) -> None:
        self._stop, self._cause = Stop.HALTED, cause
        self._give_up_unsent()

    # --- what goes out -----------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        now = time.monotonic()
        if self._stop is Stop.WORKER or now - self._polled_at < POLL_EVERY_S:
            return
        self._polled_at = now
        try:
            stop = self._why_stop()
        except StoreFault as fault:
            log.warning("Whether the operation goes on can't be read yet: %s", fault)
            return
        if stop is not None and (self._stop is None or stop is Stop.WORKER):
            self._stop = stop
            self._give_up_unsent()

    def _give_up_unsent(self) -> None:
        """Give up requests that wait for a permit, and give back claims that wait for a thread."""
        self._unsent.set()
        for future in self._in_flight:
            future.cancel()

    def _claim(self, pool: ThreadPoolExecutor) -> int:
        limit = self._claimable()
        if limit <= 0 or self._none_pending or self._lost_claim is not None or time.monotonic() < self._claim_from:
            return 0
        self._lost_claim = now = self._context.deps.clock()  # until the claims that it took are known
        try:
            claims = self._claimed(limit, now)
        except StoreFault as fault:
            self._ledger_is_down(fault)
            return 0
        self._ledger_is_back()
        self._lost_claim = None
        self._none_pending = not claims
        for claim in claims:
            self._in_flight[pool.submit(self._context.send, claim)] = claim
        return len(claims)

    def _recover_claim(self, pool: ThreadPoolExecutor) -> int:
        """Send the agents of a claim that broke off after its commit: they are ours and not sent yet."""
        context = self._context
        known = {claim.run_id for claim in self._in_flight.values()} | {unknown.claim.run_id for unknown in self._unknown}
        known |= {settlement.run_id for settlement in self._settlements}
        try:
            ours = self._ledger.items.orphaned(context.operation.id, context.phase, worker_id=context.deps.worker_id)
        except StoreFault as fault:
            self._ledger_is_down(fault)
            return 0
        claims = [claim for claim in ours if claim.claimed_at == self._lost_claim and claim.run_id not in known]
        self._ledger_is_back()
        self._lost_claim = None
        if self._stop is not None:
            self._settlements += [context.give_back(claim) for claim in claims]
            return 0
        for claim in claims:
            self._in_flight[pool.submit(context.send, claim)] = claim
        return len(claims)

    def _claimed(self, limit: int, now: datetime) -> list[Claim]:
        context = self._context
        return self._ledger.items.claim(
            context.operation.id,
            context.phase,
            limit=limit,
            worker_id=context.deps.worker_id,
            now=now,
            route=context.operation.route.value,
            action=context.prepared.action,
            via=context.route.via,
            call=context.call,
        )

    def _claimable(self) -> int:
        """Return how many items may be claimed now. The first agents go alone: the others wait for their results."""
        most = 1 - len(self._in_flight) if self._probes else CLAIM_SIZE
        if self._canary.left is not None:
            return min(most, self._canary.left - len(self._in_flight) - len(self._unknown) - len(self._settlements))
        if self._probes:
            return most
        return CLAIM_SIZE if len(self._in_flight) < MAX_IN_FLIGHT else 0

    def _read_back(self, pool: ThreadPoolExecutor) -> None:
        if self._stop is Stop.WORKER:
            return
        now = time.monotonic()
        due = [unknown for unknown in self._unknown if unknown.ready <= now]
        self._unknown = [unknown for unknown in self._unknown if unknown.ready > now]
        for unknown in due:
            self._in_flight[pool.submit(self._context.read_back, unknown)] = unknown.claim


def _worked(exchange: Exchange) -> bool:
    return exchange.status is not None and exchange.status < 400


def canary_for(phase: Phase, counts: Counts, causes: list[tuple[str, str]]) -> Canary:
    """Return the canary of a phase that starts or resumes; it is off once an agent was taken out, and when restoring."""
    if phase is Phase.RESTORE or counts.apply[ItemState.APPLIED] or len(causes) >= CANARY:
        return Canary(left=None, causes=causes)
    return Canary(left=CANARY - len(causes), causes=causes)
