"""What a person may do to a window in the state that it is in, and what each asks before it acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wfm.desk import OperationView
from wfm.domain.operations import ItemState, Operation, OperationState
from wfm.domain.plans import RouteName
from wfm.domain.sentences import format_number, plural, quantity
from wfm.domain.windows import MAX_LENGTH
from wfm.ui.components import times

_S = OperationState


class Act(StrEnum):
    """What a person may do to an operation."""

    EXTEND = "extend"
    END_NOW = "end_now"
    CANCEL = "cancel"
    RESTORE_NOW = "restore_now"
    RETRY = "retry"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Choice:
    """An action as a button: its label names what it does with its number; `says` is what will happen."""

    act: Act
    label: str
    says: str
    primary: bool = False
    do: str = ""
    """What the button that does it is called, where that is more than the label."""


def choices(view: OperationView, now: datetime) -> list[Choice]:
    """What may be done now, the main thing first. The ledger checks again: this only decides what is offered."""
    operation, counts = view.operation, view.counts
    found: list[Choice] = []
    if operation.state is _S.IN_EFFECT and not operation.restore_requested:
        found.append(_end_now(view, now))
    if operation.state is _S.APPLYING and not operation.cancel_requested:
        are = plural(counts.out, "is", "are")
        says = f"Nothing more is sent, and the {quantity(counts.out, 'agent')} already out {are} restored."
        do = f"Stop and restore {quantity(counts.out, 'agent')}"
        found.append(Choice(Act.CANCEL, "Stop and restore", says, primary=True, do=do))
    if operation.state is _S.SCHEDULED:
        stay = plural(counts.total, "stays as it is", "stay as they are")
        says = f"The window does not start; {quantity(counts.total, 'agent')} {stay}."
        found.append(Choice(Act.CANCEL, "Cancel this window", says))
    stopped_with_agents_out = operation.state in (_S.HALTED, _S.CANCELLED) and counts.out and not operation.restore_requested
    if stopped_with_agents_out or operation.state is _S.FAILED_IN_PART:
        found.append(_restore_now(view))
    if operation.state is _S.CORRECTED and not operation.restore_requested:
        count = quantity(counts.out, "agent")
        found.append(Choice(Act.UNDO, f"Undo the correction of {count}", "Each record gets its earlier status back."))
    found += _retry(view, now)
    asked = operation.cancel_requested or operation.restore_requested
    movable = operation.state in (_S.SCHEDULED, _S.APPLYING, _S.IN_EFFECT) and operation.route.undoable_by_clock
    if movable and not asked:
        found.append(Choice(Act.EXTEND, "Extend", "The end of the window moves; everything else stays as it is."))
    return found


def _restore_now(view: OperationView) -> Choice:
    count = quantity(view.counts.out, "agent")
    if view.operation.route is RouteName.ADHERENCE:
        says = (
            "The records that could not be restored are tried once more. Records that someone has changed since are left alone."
        )
        return Choice(Act.RESTORE_NOW, f"Try again to undo {count}", says, primary=True)
    are = plural(view.counts.out, "is", "are")
    says = f"{count} still out {are} restored. Agents who changed state since are left alone."
    return Choice(Act.RESTORE_NOW, f"Restore {count} now", says, primary=True)


def _agents_are(count: int) -> str:
    return f"{quantity(count, 'agent')} {plural(count, 'is', 'are')}"


def _end_now(view: OperationView, now: datetime) -> Choice:
    left = view.operation.window.end - now
    early = f", {times.duration(left)} early" if left > timedelta(minutes=1) else ""
    says = (
        f"{_agents_are(view.counts.out)} restored now{early}. Agents who changed state since are left alone; agents off "
        "shift by now are listed and not made available."
    )
    do = f"End now and restore {quantity(view.counts.out, 'agent')}"
    return Choice(Act.END_NOW, "End now and restore", says, primary=True, do=do)


def _retry(view: OperationView, now: datetime) -> list[Choice]:
    operation, failed = view.operation, view.counts.apply.get(ItemState.FAILED, 0)
    if operation.state is _S.FAILED_IN_PART:
        return []  # restoring now is the same thing there
    stopped = view.counts.apply.get(ItemState.SKIPPED, 0) if operation.state is _S.HALTED else 0
    again = operation.state in (_S.IN_EFFECT, _S.HALTED, _S.FAILED)
    over = operation.window.end <= now or operation.restore_requested or operation.cancel_requested
    if not again or not (failed or stopped) or over or operation.rehearsal:
        return []
    says = f"{_agents_are(failed + stopped)} sent again with the same OAuth client, after a new read of their state."
    return [Choice(Act.RETRY, f"Retry {format_number(failed + stopped)} failed", says)]


def extend_choices(operation: Operation) -> list[int]:
    """By how many minutes the end may be moved, as quick choices."""
    longest = MAX_LENGTH - (operation.window.end - operation.window.start)
    return [minutes for minutes in (15, 30, 60, 120) if timedelta(minutes=minutes) <= longest]
