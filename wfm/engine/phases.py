"""The work of one phase of an operation, step by step. The durable workflow only repeats `advance` until nothing is left.

Everything that must survive is in the ledger: a step may be called again after a crash, in this process or another, and
continues with what it finds there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime

from wfm.domain.agents import Status
from wfm.domain.errors import UserError
from wfm.domain.operations import Counts, ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.sentences import plural, quantity
from wfm.engine import endings, phase_reads
from wfm.engine.batch import BatchExecutor, BatchResult, Canary, Stop, canary_for
from wfm.engine.dependencies import Client, EngineDependencies, Reads
from wfm.engine.read_back import settle_unconfirmed
from wfm.engine.sending import PhaseContext
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.routes import by_name

log = logging.getLogger(__name__)

STEP_BUDGET = 1_000
"""Maximum agents that a step claims, so that a durable workflow repeats little after a crash."""
FRESH_S = 30.0
"""A plan for now that was checked within this many seconds is not checked again at the start; one for later always is."""

_S = OperationState
_TO_RESTORE = (_S.IN_EFFECT, _S.CORRECTED, _S.HALTED, _S.CANCELLED)


class PhaseRunner:
    """Applies and restores. Thread-safe: operations run side by side, each in one thread at a time.

    `stop` is set when the worker has to end: it waits for requests under way and gives everything else back.
    """

    def __init__(self, deps: EngineDependencies, stop: threading.Event) -> None:
        self._deps = deps
        self._stop = stop

    def advance(self, operation_id: str, phase: Phase, first: bool) -> bool:
        """Do one step of a phase; return whether this workflow has more to do.

        `first` marks a workflow's first step. Raises StoreFault (the sweep starts the phase again) and NotFound; a fault of the
        tenant is never raised.
        """
        operation = self._deps.ledger.operations.get(self._deps.tenant_key, operation_id)
        if self._stop.is_set():
            return False
        return self._apply(operation, first) if phase is Phase.APPLY else self._restore(operation, first)

    def read_back_unconfirmed(self, operation_id: str) -> None:
        """Read back what is unconfirmed in an operation that no phase works on. Raises StoreFault, NotFound."""
        operation = self._deps.ledger.operations.get(self._deps.tenant_key, operation_id)
        for phase in Phase:
            self._settle_unconfirmed(operation, phase)
        endings.close_if_settled(self._deps.ledger, operation, self._counts(operation), self._deps.clock())

    def try_again(self, operation_id: str) -> bool | None:
        """Restart the restore of agents that it could not reach for a cause that may pass, if the tenant answers.

        Return whether it was started; None when there is no such agent. Raises StoreFault, NotFound.
        """
        ledger = self._deps.ledger
        operation = ledger.operations.get(self._deps.tenant_key, operation_id)
        waiting = ledger.lifecycle.failed_in_passing(operation_id, Phase.RESTORE)
        if operation.state is not _S.FAILED_IN_PART or not waiting:
            return None
        try:
            self._reads(operation).token(fresh=True)
        except GenesysError as error:
            log.info("%d agents of %s still wait to be restored: %s", waiting, operation_id, error)
            return False
        now = self._deps.clock()
        return bool(ledger.lifecycle.requeue_failed(operation_id, Phase.RESTORE, now=now, actor="worker", passing_only=True))

    # --- taking out --------------------------------------------------------------------------------------------------

    def _apply(self, operation: Operation, first: bool) -> bool:
        ledger, now = self._deps.ledger, self._deps.clock()
        if operation.state is _S.SCHEDULED:
            if not ledger.lifecycle.transition(operation.id, [_S.SCHEDULED], _S.APPLYING, now=now, started_at=now):
                return False
        elif operation.state is not _S.APPLYING:
            return False
        stop = self._why_not_apply(operation.id)
        befores: dict[str, Status] = {}
        if stop is None and first:
            self._client(operation).auth.discard()
            befores = self._check_again(operation)
        ended = self._run_batch(operation, Phase.APPLY, befores)
        if ended.stop is Stop.WORKER or (ended.stop is None and ended.left):
            return ended.stop is None
        self._settle_unconfirmed(operation, Phase.APPLY)
        endings.end_apply(ledger, self._fresh(operation), ended, self._deps.clock())
        return False

    def _why_not_apply(self, operation_id: str) -> Stop | None:
        """Return why no more may be sent, from the ledger, the clock and the worker; None when sending may continue."""
        if self._stop.is_set():
            return Stop.WORKER
        operation = self._deps.ledger.operations.get(self._deps.tenant_key, operation_id)
        if operation.cancel_requested:
            return Stop.CANCELLED
        if operation.route.undoable_by_clock and operation.window.end <= self._deps.clock():
            return Stop.OVER
        if operation.restore_requested:
            return Stop.ENDED
        return None if operation.state is _S.APPLYING else Stop.OVER

    def _check_again(self, operation: Operation) -> dict[str, Status]:
        """Skip agents that can no longer be taken out; return the state of the others as last read."""
        ledger = self._deps.ledger
        for_now = operation.window.start <= operation.created_at
        if for_now and (self._deps.clock() - operation.created_at).total_seconds() <= FRESH_S:
            return {}
        waiting = phase_reads.items_in(ledger, operation.id, apply_states=[ItemState.PENDING])
        if not waiting:
            return {}
        try:
            blocked = self._deps.recheck(operation, waiting)
            ids = [item.agent_id for item in waiting]
            # Just read by the check: this costs no request.
            befores = phase_reads.states_of(self._reads(operation), ids, RequestLane.APPLY, fresh=False)
        except (GenesysError, UserError) as error:
            ledger.operations.add_event(
                operation.id,
                at=self._deps.clock(),
                actor="worker",
                kind="unchecked",
                text=f"The agents could not be checked again at the start; the plan's own check stands. {error}",
            )
            return {}
        if blocked:
            reasons = {
                agent_id: f"{SkipReason.NEWLY_BLOCKED}: {fate}, {reason}" for agent_id, (fate, reason) in blocked.items()
            }
            skipped = ledger.items.skip(
                operation.id, Phase.APPLY, reasons, SkipReason.NEWLY_BLOCKED.value, now=self._deps.clock()
            )
            ledger.operations.add_event(
                operation.id,
                at=self._deps.clock(),
                actor="worker",
                kind="rechecked",
                text=f"{quantity(skipped, 'agent')} can no longer be taken out and {plural(skipped, 'was', 'were')} left out.",
            )
        return befores

    # --- restoring ---------------------------------------------------------------------------------------------------

    def _restore(self, operation: Operation, first: bool) -> bool:
        if operation.state is _S.APPLYING:
            # A stop was requested and no apply is running any more: end the apply properly first.
            ended = self._run_batch(operation, Phase.APPLY, {})
            if ended.stop is Stop.WORKER:
                return False
            endings.end_apply(self._deps.ledger, self._fresh(operation), ended, self._deps.clock())
            operation = self._fresh(operation)
            if operation.state is not _S.RESTORING:
                return False  # nobody is out, or it has not ended yet
        if not self._begin_restore(operation):
            return False
        operation = self._fresh(operation)
        if first:
            self._client(operation).auth.discard()
            self._settle_unconfirmed(operation, Phase.APPLY)
            self._leave_alone(operation)
        ended = self._run_batch(operation, Phase.RESTORE, {})
        if ended.stop is Stop.WORKER or ended.left:
            return ended.stop is None
        self._settle_unconfirmed(operation, Phase.RESTORE)
        endings.end_restore(self._deps.ledger, self._fresh(operation), self._counts(operation), self._deps.clock())
        return False

    def _begin_restore(self, operation: Operation) -> bool:
        ledger, now = self._deps.ledger, self._deps.clock()
        if operation.state is _S.RESTORING:
            return True
        if operation.state not in _TO_RESTORE or not _is_due(operation, now):
            return False
        begun = operation.restore_started_at or now
        if not ledger.lifecycle.transition(operation.id, [operation.state], _S.RESTORING, now=now, restore_started_at=begun):
            return False
        if not _is_due(self._fresh(operation), now):
            # The window was extended at this very moment: it continues.
            ledger.lifecycle.transition(
                operation.id, [_S.RESTORING], operation.state, now=now, restore_started_at=operation.restore_started_at
            )
            return False
        return True

    def _leave_alone(self, operation: Operation) -> None:
        """Skip agents that must not be made available: off shift by now or, where a route can't read back, not ours."""
        ledger, route = self._deps.ledger, by_name(operation.route)
        out = (ItemState.APPLIED, ItemState.UNCONFIRMED)
        waiting = phase_reads.items_in(ledger, operation.id, apply_states=out, restore_states=[ItemState.PENDING])
        if not waiting or not operation.route.undoable_by_clock:
            return
        now = self._deps.clock()
        reasons: dict[str, str] = {}
        try:
            reasons |= phase_reads.off_shift(self._reads(operation), operation, waiting, now)
            if not route.reads_back:
                reasons |= phase_reads.not_ours(self._reads(operation), waiting)
        except GenesysError as error:
            # It is better to make them available off shift than to forget them.
            log.warning("Who is off shift could not be read before restoring %s: %s", operation.id, error)
        if reasons:
            ledger.items.skip(operation.id, Phase.RESTORE, reasons, SkipReason.OFF_SHIFT.value, now=now)

    # --- both --------------------------------------------------------------------------------------------------------

    def _run_batch(self, operation: Operation, phase: Phase, befores: dict[str, Status]) -> BatchResult:
        ledger = self._deps.ledger
        begun = time.monotonic()
        orphaned = ledger.items.orphaned(operation.id, phase)
        counts = self._counts(operation)
        waiting = _states(counts, phase)[ItemState.PENDING]
        stop = self._why_not_apply if phase is Phase.APPLY else self._why_not_restore
        if not orphaned and not waiting:
            return BatchResult(stop=stop(operation.id), left=False)
        unsent = threading.Event()
        context = self._context(operation, phase, befores, unsent)
        batch = BatchExecutor(
            context,
            why_stop=lambda: stop(operation.id),
            unsent=unsent,
            canary=self._canary(operation, phase, counts),
        )
        # A request of an earlier process may have waited for a permit long after its intent: its time-out counts from now.
        batch.take_over(orphaned, ready=begun + self._deps.timeout_s)
        return batch.run(STEP_BUDGET)

    def _why_not_restore(self, operation_id: str) -> Stop | None:
        return Stop.WORKER if self._stop.is_set() else None

    def _canary(self, operation: Operation, phase: Phase, counts: Counts) -> Canary:
        causes: list[tuple[str, str]] = []
        if phase is Phase.APPLY and not counts.apply[ItemState.APPLIED]:
            causes = phase_reads.causes_so_far(self._deps.ledger, operation)
        return canary_for(phase, counts, causes)

    def _settle_unconfirmed(self, operation: Operation, phase: Phase) -> None:
        if _states(self._counts(operation), phase)[ItemState.UNCONFIRMED]:
            settle_unconfirmed(self._context(operation, phase, {}), self._stop)

    def _context(
        self, operation: Operation, phase: Phase, befores: dict[str, Status], unsent: threading.Event | None = None
    ) -> PhaseContext:
        client, reads = self._deps.client_for(operation.client_id)
        return PhaseContext.of(
            self._deps, operation, phase, client, reads, befores, unsent=unsent or self._stop, stop=self._stop
        )

    def _client(self, operation: Operation) -> Client:
        return self._deps.client_for(operation.client_id)[0]

    def _reads(self, operation: Operation) -> Reads:
        return self._deps.client_for(operation.client_id)[1]

    def _fresh(self, operation: Operation) -> Operation:
        return self._deps.ledger.operations.get(operation.tenant_key, operation.id)

    def _counts(self, operation: Operation) -> Counts:
        return self._deps.ledger.items.counts([operation.id])[operation.id]


def _states(counts: Counts, phase: Phase) -> Mapping[ItemState, int]:
    return counts.apply if phase is Phase.APPLY else counts.restore


def _is_due(operation: Operation, now: datetime) -> bool:
    asked = operation.restore_requested or operation.cancel_requested
    return asked or (operation.route.undoable_by_clock and operation.window.end <= now)
