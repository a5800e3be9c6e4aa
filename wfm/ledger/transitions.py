"""What may become of an operation, as data: which request is possible in which state, and the state it leads to.

The worker's own steps (taking out, in effect, restoring, ended) are compare-and-set from states that it names:
`Lifecycle.transition`. Here is what a request leads to, what is told of a new state, and when the next step is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto

from wfm.domain.diagnoses import Kind
from wfm.domain.errors import Refused
from wfm.domain.operations import Operation, OperationState, Phase
from wfm.domain.plans import RouteName

_S = OperationState


class Trigger(Enum):
    REVISE = auto()
    CANCEL = auto()
    RESTORE = auto()
    RETRY_APPLY = auto()
    RETRY_RESTORE = auto()


_OVER = (_S.RESTORED, _S.ENDED_EARLY, _S.CANCELLED, _S.FAILED, _S.FAILED_IN_PART, _S.CORRECTED)
"""Only a person's request starts anything more."""

_WITH_AGENTS_OUT = (_S.APPLYING, _S.IN_EFFECT, _S.RESTORING, _S.HALTED, _S.CANCELLED, _S.CORRECTED)
"""A request to restore is noted here, and the worker begins the restore."""

TRANSITIONS: Mapping[Trigger, Mapping[OperationState, OperationState]] = {
    Trigger.REVISE: {state: state for state in OperationState if state not in _OVER},
    Trigger.CANCEL: {_S.SCHEDULED: _S.CANCELLED, _S.APPLYING: _S.APPLYING},
    Trigger.RESTORE: {**{state: state for state in _WITH_AGENTS_OUT}, _S.FAILED_IN_PART: _S.RESTORING},
    Trigger.RETRY_APPLY: dict.fromkeys((_S.HALTED, _S.IN_EFFECT, _S.FAILED, _S.CORRECTED), _S.APPLYING),
    Trigger.RETRY_RESTORE: dict.fromkeys(
        (_S.FAILED_IN_PART, _S.RESTORING, _S.IN_EFFECT, _S.HALTED, _S.CANCELLED), _S.RESTORING
    ),
}
"""The state after each request, by the state before it. What is missing is refused."""

_REFUSALS: Mapping[Trigger, str] = {
    Trigger.REVISE: "Its window can't be moved any more",
    Trigger.CANCEL: "It can't be cancelled; end it now or restore it instead",
    Trigger.RESTORE: "No agent is left to restore through it",
    Trigger.RETRY_APPLY: "What failed in it can't be tried again",
    Trigger.RETRY_RESTORE: "What failed in it can't be tried again",
}

FULFILS_RESTORE = (_S.RESTORED, _S.ENDED_EARLY, _S.FAILED, _S.FAILED_IN_PART, _S.CORRECTED)
"""Reaching one of these fulfils a request to restore."""

_STORY: Mapping[OperationState, tuple[str, str]] = {
    _S.SCHEDULED: ("scheduled", "Scheduled."),
    _S.APPLYING: ("started", "Taking agents out."),
    _S.IN_EFFECT: ("applied", "All sent; the window is in effect."),
    _S.RESTORING: ("restoring", "Restoring agents."),
    _S.RESTORED: ("restored", "Restored."),
    _S.ENDED_EARLY: ("ended_early", "Ended early."),
    _S.HALTED: ("halted", "Halted."),
    _S.CANCELLED: ("cancelled", "Cancelled."),
    _S.FAILED: ("failed", "No agent could be taken out."),
    _S.FAILED_IN_PART: ("failed_in_part", "Ended; some agents are not back."),
    _S.CORRECTED: ("corrected", "Corrected."),
}

_STORY_OF_CORRECTIONS: Mapping[OperationState, tuple[str, str]] = {
    **_STORY,
    _S.APPLYING: ("started", "Correcting adherence."),
    _S.RESTORING: ("restoring", "Undoing the correction."),
    _S.FAILED: ("failed", "No agent could be corrected."),
    _S.FAILED_IN_PART: ("failed_in_part", "Some corrections are not undone."),
}
"""A correction of the past takes nobody out and puts nobody back."""

PASSING_KINDS = frozenset({Kind.RATE_LIMITED, Kind.TIMEOUT, Kind.UPSTREAM_UNAVAILABLE, Kind.SERVER_ERROR})
"""Kinds of failure that say nothing against the update itself."""

TIMESTAMPS = frozenset({"started_at", "applied_at", "restore_started_at", "ended_at"})
"""What a transition may note the time of."""


def state_after(trigger: Trigger, state: str, title: str) -> OperationState:
    """The state that a request leads to. Raises Refused where it is not possible in this state."""
    after = TRANSITIONS[trigger].get(OperationState(state))
    if after is None:
        raise Refused("state", f"“{title}” is {state}. {_REFUSALS[trigger]}.")
    return after


def told_of(state: OperationState, route: str) -> tuple[str, str]:
    """(kind, sentence) of the event that tells of a new state."""
    return (_STORY if RouteName(route).undoable_by_clock else _STORY_OF_CORRECTIONS)[state]


def next_step(operation: Operation) -> tuple[datetime, Phase] | None:
    """When the next step of an operation is due, and which; None when nothing happens by itself."""
    stop = operation.cancel_requested or operation.restore_requested
    if operation.state in (_S.SCHEDULED, _S.APPLYING) and not stop:
        return operation.window.start, Phase.APPLY
    if operation.state in (_S.RESTORING, _S.APPLYING) or operation.restore_requested:
        return operation.window.start, Phase.RESTORE
    return (operation.window.end, Phase.RESTORE) if operation.route.undoable_by_clock else None
