"""Send one agent through one route, or read back what was sent, and return how it ended.

Runs in the threads of the batch executor, which writes the settlements that it returns. Nothing here writes to the ledger.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wfm.catalogue import PlatformOperation
from wfm.domain.agents import Status
from wfm.domain.diagnoses import GRANT, Diagnosis, Evidence
from wfm.domain.errors import Refused, StoreFault
from wfm.domain.operations import Exchange, ItemState, Operation, Outcome, Phase
from wfm.engine.dependencies import Client, EngineDependencies, Reads
from wfm.genesys.errors import BudgetTimeout, Cancelled, GenesysError, OutcomeUnknown
from wfm.genesys.pacing import RequestLane
from wfm.ledger.records import Claim, Settlement
from wfm.routes import Interrupted, Left, Prepared, Route, Sender, Task, Verdict, by_name
from wfm.routes.base import Answer, joined

log = logging.getLogger(__name__)

NOT_SENT = "given back unsent"
STORE_PAUSE_S = 1.0
"""Seconds after which a read-back is tried again that met a fault of the desk's own database."""
READ_BACK = "the outcome was unknown; read back"
UNKNOWN = "sent, and the outcome is unknown"
ORPHANED = f"{UNKNOWN}: the worker ended before an answer came, and this route can't read back what it wrote"
"""This concerns the worker, not the tenant: it is no sign that others would end in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcome:
    """Sent, outcome not known yet. To be read back, but not before `ready` (monotonic clock, seconds).

    A request that was given up may still be under way: until one time-out has passed, "not applied" can still become
    "applied". `orphaned`: the worker that sent it ended meanwhile.
    """

    claim: Claim
    ready: float
    marker: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    diagnosis: Diagnosis | None = None
    error: GenesysError | None = None
    orphaned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Given back because the desk's own database could not be used: no request, or not the last one, was sent."""

    settlement: Settlement
    fault: StoreFault


Result = Settlement | UnknownOutcome | Unsent


class CancellableClient:
    """A client that stops waiting for permits when an event is set. A request under way is always waited for."""

    def __init__(self, client: Client, cancel: threading.Event) -> None:
        self._client = client
        self._cancel = cancel

    def send(
        self,
        operation: PlatformOperation,
        *,
        path: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: object = None,
        lane: RequestLane,
        retry: bool = True,
        cancel: threading.Event | None = None,
    ) -> Answer:
        cancel = cancel or self._cancel
        return self._client.send(operation, path=path, query=query, body=body, lane=lane, retry=retry, cancel=cancel)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseContext:
    """One phase of one operation: what all its agents have in common."""

    deps: EngineDependencies
    operation: Operation
    phase: Phase
    route: Route
    sender: Sender
    reading_client: Sender
    """As `sender`, but it continues when an operation is stopped, so that what was sent is still read back."""
    reads: Reads
    prepared: Prepared
    befores: Mapping[str, Status]

    @classmethod
    def of(
        cls,
        deps: EngineDependencies,
        operation: Operation,
        phase: Phase,
        client: Client,
        reads: Reads,
        befores: Mapping[str, Status],
        *,
        unsent: threading.Event,
        stop: threading.Event,
    ) -> PhaseContext:
        """Return a context with what its route reads once.

        `unsent` gives up requests that wait for a permit, `stop` ends the worker.
        """
        route = by_name(operation.route)
        reading_client = CancellableClient(client, stop)
        return cls(
            deps=deps,
            operation=operation,
            phase=phase,
            route=route,
            sender=CancellableClient(client, unsent),
            reading_client=reading_client,
            reads=reads,
            prepared=route.prepare(reading_client, operation, phase),
            befores=befores,
        )

    @property
    def call(self) -> str:
        """The writing call as "VERB /path/template"."""
        return self.route.calls(self.phase)[-1].key

    def task(self, claim: Claim, marker: str | None = None) -> Task:
        item = claim.item if marker is None else replace(claim.item, marker=marker)
        return Task(
            operation=self.operation,
            item=item,
            phase=self.phase,
            before=self.befores.get(item.agent_id),
            intent=claim.claimed_at,
            inputs=self.prepared.inputs,
        )

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, claim: Claim) -> Result:
        """Send one claimed item. Never raises."""
        try:
            return self._send(claim)
        except Exception:
            # An error in our code. The request may have been sent: only reading back can tell.
            log.exception("Sending for agent %s failed unexpectedly", claim.item.agent_id)
            return UnknownOutcome(claim=claim, ready=time.monotonic() + self.deps.timeout_s)

    def _send(self, claim: Claim) -> Result:
        try:
            write = self.route.apply if self.phase is Phase.APPLY else self.route.restore
            done = write(self.sender, self.task(claim))
        except Interrupted as broken:
            return self._broken(claim, broken.cause, broken.exchanges, marker=broken.marker, written=broken.written)
        except GenesysError as error:
            return self._broken(claim, error, error.exchanges)
        except StoreFault as fault:
            return self._broken(claim, fault)
        except Refused as refusal:  # the route's own: not undoable, no action
            return self.settled(claim, ItemState.FAILED, Outcome.FAILED, note=str(refusal))
        if isinstance(done, Left):
            return self.settled(claim, ItemState.SKIPPED, Outcome.SKIPPED, done.exchanges, skip_reason=done.reason)
        return self.settled(claim, ItemState.APPLIED, Outcome.APPLIED, done.exchanges, marker=done.marker)

    def _broken(
        self,
        claim: Claim,
        error: GenesysError | StoreFault,
        exchanges: tuple[Exchange, ...] = (),
        *,
        marker: str | None = None,
        written: int = 0,
    ) -> Result:
        """Return the result of a request that broke off. `written` writes of this agent were accepted before it."""
        if isinstance(error, StoreFault):
            rest = self._rest(claim, exchanges, marker) if written else self.give_back(claim)
            return Unsent(settlement=rest, fault=error)
        if isinstance(error, BudgetTimeout | Cancelled) and not written:
            return self.give_back(claim)
        if isinstance(error, BudgetTimeout):
            return self._rest(claim, exchanges, marker)
        diagnosis = self.diagnose(error)
        if isinstance(error, OutcomeUnknown):
            unknown = UnknownOutcome(
                claim=claim,
                ready=time.monotonic() + self._under_way_s(error),
                marker=marker,
                exchanges=exchanges,
                diagnosis=diagnosis,
                error=error,
            )
            return self.read_back(unknown)
        return self.settled(claim, ItemState.FAILED, Outcome.FAILED, exchanges, marker=marker, diagnosis=diagnosis, error=error)

    def _under_way_s(self, error: OutcomeUnknown) -> float:
        """Return the seconds for which the tenant may still work on a request that broke off.

        An answer of 500 ends it. Without an answer, or with one from a gateway, it has one time-out from when it was sent,
        which was after any wait for a permit.
        """
        if error.status == 500:
            return 0.0
        waited = error.exchanges[-1].duration_ms / 1000 if error.exchanges else 0.0
        return max(0.0, self.deps.timeout_s - waited)

    def _rest(self, claim: Claim, exchanges: tuple[Exchange, ...], marker: str | None) -> Settlement:
        """Give back an agent of whom some writes were accepted; the marker remembers those, the others are sent later."""
        note = "broken off in the middle; the rest is sent again"
        return self.settled(claim, ItemState.PENDING, Outcome.SKIPPED, exchanges, marker=marker, note=note)

    # --- reading back ------------------------------------------------------------------------------------------------

    def read_back(self, unknown: UnknownOutcome) -> Settlement | UnknownOutcome:
        """Read back once. "Applied" is settled at once, "not applied" only when no request can be under way any more."""
        task = self.task(unknown.claim, unknown.marker)
        read_at = time.monotonic()
        try:
            result = self.route.read_back(self.reading_client, task)
        except (Cancelled, BudgetTimeout):
            return unknown
        except StoreFault as fault:
            log.warning("Reading back for agent %s waits: %s", unknown.claim.item.agent_id, fault)
            return replace(unknown, ready=max(unknown.ready, time.monotonic() + STORE_PAUSE_S))
        except GenesysError as error:
            exchanges = joined(unknown.exchanges, error.exchanges)
            return self._unconfirmed(unknown, exchanges, f"{UNKNOWN}: it could not be read back: {error}")
        except Exception:
            log.exception("Reading back for agent %s failed unexpectedly", unknown.claim.item.agent_id)
            return self._unconfirmed(unknown, unknown.exchanges, f"{UNKNOWN}: it could not be read back")
        exchanges = joined(unknown.exchanges, result.exchanges)
        if result.verdict is Verdict.APPLIED:
            marker = result.marker or unknown.marker
            return self.settled(
                unknown.claim, ItemState.APPLIED, Outcome.APPLIED, exchanges, marker=marker, note=f"{READ_BACK}: applied"
            )
        if result.verdict is Verdict.UNKNOWN:
            why = f"{UNKNOWN}: this route can't read back what it wrote"
            return self._unconfirmed(unknown, exchanges, ORPHANED if unknown.orphaned else why)
        if read_at < unknown.ready:
            return replace(unknown, exchanges=exchanges)
        return self.settled(
            unknown.claim,
            ItemState.PENDING,
            Outcome.RESENT,
            exchanges,
            marker=unknown.marker,
            diagnosis=unknown.diagnosis,
            error=unknown.error,
            note=f"{READ_BACK}: not applied, so it is sent again",
        )

    def _unconfirmed(self, unknown: UnknownOutcome, exchanges: tuple[Exchange, ...], note: str) -> Settlement:
        return self.settled(
            unknown.claim,
            ItemState.UNCONFIRMED,
            Outcome.UNCONFIRMED,
            exchanges,
            marker=unknown.marker,
            diagnosis=unknown.diagnosis,
            error=unknown.error,
            note=note,
        )

    # --- settlements -------------------------------------------------------------------------------------------------

    def give_back(self, claim: Claim) -> Settlement:
        """Return the settlement of a claim that was never sent: the item waits again."""
        return self.settled(claim, ItemState.PENDING, Outcome.SKIPPED, note=NOT_SENT)

    def gave_up(self, settlement: Settlement) -> Settlement:
        """Return the settlement as failed: its item was given back too often."""
        note = "sent several times; read back each time: not applied"
        return replace(settlement, state=ItemState.FAILED, outcome=Outcome.FAILED, note=note)

    def diagnose(self, error: GenesysError) -> Diagnosis:
        """Diagnose a failed request, with what is known of its circumstances."""
        ledger, operation = self.deps.ledger, self.operation
        try:
            reads_ok, writes_ok, _ = ledger.client_usage.counts(self.deps.tenant_key, operation.client_id)
        except StoreFault:
            reads_ok, writes_ok = None, None
        evidence = Evidence(
            call=self.call,
            via=self.route.via,
            client_name=operation.client_name,
            grant_type=GRANT if self.route.via == "direct" else None,
            held_scopes=self._held_scopes(),
            reads_ok=reads_ok,
            writes_ok=writes_ok,
            fault=error.fault,
            behind=self.prepared.behind,
        )
        return self.deps.diagnose(error.status, error.headers, error.body, evidence)

    def _held_scopes(self) -> tuple[str, ...] | None:
        try:
            return self.reads.token().scopes
        except (GenesysError, StoreFault):
            return None

    def settled(
        self,
        claim: Claim,
        state: ItemState,
        outcome: Outcome,
        exchanges: tuple[Exchange, ...] = (),
        *,
        marker: str | None = None,
        diagnosis: Diagnosis | None = None,
        error: GenesysError | None = None,
        skip_reason: str = "",
        note: str = "",
    ) -> Settlement:
        last = exchanges[-1] if exchanges else None
        return Settlement(
            run_id=claim.run_id,
            agent_id=claim.item.agent_id,
            state=state,
            outcome=outcome,
            finished_at=self.deps.clock(),
            # Time on the wire only: waiting for a permit is due to the limit, not to the call.
            duration_ms=sum(exchange.duration_ms for exchange in exchanges),
            status=error.status if error is not None else (last.status if last else None),
            code=diagnosis.code if diagnosis is not None else None,
            correlation_id=(error.correlation_id if error is not None else None) or (last.correlation_id if last else None),
            marker=marker,
            diagnosis=diagnosis,
            skip_reason=skip_reason,
            note=note,
            exchanges=exchanges,
        )
