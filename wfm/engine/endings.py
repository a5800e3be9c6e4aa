"""How a phase ends: the state that the operation moves to, and the sentence that goes with it."""

from __future__ import annotations

from datetime import datetime

from wfm.domain.operations import Counts, ItemState, Operation, OperationState, Phase, SkipReason
from wfm.domain.sentences import quantity
from wfm.engine.batch import BatchResult, Stop
from wfm.ledger import Ledger

_S = OperationState
_REASONS = {
    Stop.CANCELLED: SkipReason.CANCELLED,
    Stop.OVER: SkipReason.WINDOW_OVER,
    Stop.ENDED: SkipReason.ENDED_EARLY,
    Stop.HALTED: SkipReason.HALTED,
}


def end_apply(ledger: Ledger, operation: Operation, ended: BatchResult, now: datetime) -> None:
    """End the apply phase: nothing more is sent. If it was stopped, agents that may be out are restored at once.

    Raises StoreFault.
    """
    if operation.state is not _S.APPLYING:
        return
    stop = _stop_of(operation, ended)
    if stop is not None:
        ledger.items.skip(operation.id, Phase.APPLY, None, _REASONS[stop].value, now=now)
    counts = ledger.items.counts([operation.id])[operation.id]
    if counts.apply[ItemState.PENDING] or counts.apply[ItemState.SENDING]:
        return  # not the end yet: the sweep starts the phase again
    maybe_out = counts.apply[ItemState.APPLIED] + counts.apply[ItemState.UNCONFIRMED]
    halt_reason = ended.cause if stop is Stop.HALTED else None
    if stop is None:
        _end_unstopped(ledger, operation, counts, maybe_out, now)
    elif maybe_out:
        ledger.lifecycle.transition(
            operation.id,
            [_S.APPLYING],
            _S.RESTORING,
            now=now,
            event=f"{_stop_sentence(stop, ended)} {quantity(maybe_out, 'agent is', 'agents are')} restored.",
            restore_started_at=now,
            halt_reason=halt_reason,
        )
    else:
        to_state = {Stop.CANCELLED: _S.CANCELLED, Stop.HALTED: _S.HALTED}.get(stop, _S.FAILED)
        event = f"{_stop_sentence(stop, ended)} No agent is out."
        ledger.lifecycle.transition(
            operation.id, [_S.APPLYING], to_state, now=now, event=event, ended_at=now, halt_reason=halt_reason
        )


def _stop_of(operation: Operation, ended: BatchResult) -> Stop | None:
    """Return why the phase was stopped; a request that came at the last moment counts too."""
    if ended.stop is not None:
        return ended.stop
    if operation.cancel_requested:
        return Stop.CANCELLED
    return Stop.ENDED if operation.restore_requested else None


def _stop_sentence(stop: Stop, ended: BatchResult) -> str:
    if stop is Stop.HALTED:
        return f"Halted: the first agents all failed for one cause. {ended.cause}"
    return {Stop.CANCELLED: "Cancelled.", Stop.OVER: "The window is over.", Stop.ENDED: "Ended early."}[stop]


def _end_unstopped(ledger: Ledger, operation: Operation, counts: Counts, maybe_out: int, now: datetime) -> None:
    applied, failed = counts.apply[ItemState.APPLIED], counts.apply[ItemState.FAILED]
    unconfirmed = counts.apply[ItemState.UNCONFIRMED]
    summary = ", ".join(
        part
        for part in (
            f"{applied} done",
            f"{failed} failed" if failed else "",
            f"{unconfirmed} unconfirmed" if unconfirmed else "",
            f"{counts.apply[ItemState.SKIPPED]} left out" if counts.apply[ItemState.SKIPPED] else "",
        )
        if part
    )
    if not maybe_out:
        corrects = not operation.route.undoable_by_clock
        event = f"No agent could be {'corrected' if corrects else 'taken out'}: {summary}."
        ledger.lifecycle.transition(operation.id, [_S.APPLYING], _S.FAILED, now=now, event=event, ended_at=now)
    elif operation.route.undoable_by_clock:
        ledger.lifecycle.transition(
            operation.id, [_S.APPLYING], _S.IN_EFFECT, now=now, event=f"In effect: {summary}.", applied_at=now
        )
    else:
        event = f"Corrected: {summary}."
        ledger.lifecycle.transition(
            operation.id, [_S.APPLYING], _S.CORRECTED, now=now, event=event, applied_at=now, ended_at=now
        )


def end_restore(ledger: Ledger, operation: Operation, counts: Counts, now: datetime) -> None:
    """End the restore phase. Raises StoreFault."""
    if counts.restore[ItemState.PENDING] or counts.restore[ItemState.SENDING]:
        return
    to_state = restored_state(operation, counts)
    back, left = counts.restore[ItemState.APPLIED], counts.restore[ItemState.SKIPPED]
    failed, unconfirmed = counts.restore[ItemState.FAILED], counts.restore[ItemState.UNCONFIRMED]
    corrects = not operation.route.undoable_by_clock
    if corrects:
        summary = f"{quantity(back, 'correction is', 'corrections are')} undone"
    else:
        summary = f"{quantity(back, 'agent is', 'agents are')} back"
    summary += f", {quantity(left, 'was', 'were')} left as found" if left else ""
    summary += f", {failed} could not be {'undone' if corrects else 'restored'}" if failed else ""
    summary += f", {quantity(unconfirmed, 'is', 'are')} unconfirmed" if unconfirmed else ""
    ledger.lifecycle.transition(
        operation.id, [_S.RESTORING, _S.FAILED_IN_PART], to_state, now=now, event=f"{summary}.", ended_at=now
    )


def restored_state(operation: Operation, counts: Counts) -> OperationState:
    """Return the state of an operation whose restore has nothing left to send."""
    if counts.restore[ItemState.FAILED] or counts.restore[ItemState.UNCONFIRMED]:
        return _S.FAILED_IN_PART
    if operation.halt_reason:
        return _S.HALTED
    if operation.cancel_requested:
        return _S.CANCELLED
    began = operation.restore_started_at
    return _S.ENDED_EARLY if began is not None and began < operation.window.end else _S.RESTORED


def close_if_settled(ledger: Ledger, operation: Operation, counts: Counts, now: datetime) -> None:
    """End the restore of an operation that failed in part, once later reads have settled every update. Raises StoreFault."""
    if operation.state is _S.FAILED_IN_PART and restored_state(operation, counts) is not _S.FAILED_IN_PART:
        end_restore(ledger, operation, counts, now)
