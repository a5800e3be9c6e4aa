"""What the Now and Windows screens say of a window: its title, where it stands, what is not back, its story in a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wfm.desk import Event, OperationView
from wfm.domain.operations import Counts, Operation, OperationState
from wfm.domain.plans import RouteName
from wfm.domain.sentences import format_number, plural, quantity
from wfm.ui.components import times
from wfm.ui.screens.windows.model import doubtful

_S = OperationState


def state_sentence(view: OperationView, now: datetime) -> str:
    """Where an operation stands and until when: "in effect until 15:00 Europe/Berlin, in 22 min"."""
    operation = view.operation
    zone = times.zone_or_utc(operation.window.zone)
    start, end = operation.window.start, operation.window.end

    def at(instant: datetime) -> str:
        return f"{times.when(instant, zone, today=now)} {operation.window.zone}, {times.relative(instant, now)}"

    if operation.state is _S.SCHEDULED:
        return f"starts {at(start)}, until {times.when(end, zone, today=now)}"
    if operation.state is _S.APPLYING:
        doing = "correcting records" if operation.route is RouteName.ADHERENCE else "taking agents out"
        asked = "stopping, agents already out are being restored" if operation.cancel_requested else doing
        return f"{asked}{_done_by(view, now)}, until {times.when(end, zone, today=now)} {operation.window.zone}"
    if operation.state is _S.IN_EFFECT:
        if operation.restore_requested:
            return "ending now, agents are being restored"
        late = " (the restore is due)" if end <= now else ""
        return f"until {at(end)}{late}"
    if operation.state is _S.RESTORING:
        doing = "undoing the correction" if operation.route is RouteName.ADHERENCE else "restoring agents"
        return f"{doing}{_done_by(view, now)}"
    if operation.state is _S.FAILED_IN_PART:
        if operation.route is RouteName.ADHERENCE:
            span = times.span(start, end, operation.window.zone, today=now)
            return f"{span}, the correction of {quantity(view.counts.out, 'agent')} is not undone"
        since = min(end, operation.restore_started_at or end)  # it may have been ended before its time
        return f"{_missing(view.counts)} since {times.when(since, zone, today=now)} {operation.window.zone}"
    ended = operation.ended_at or operation.applied_at or end
    if operation.state is _S.CORRECTED:
        return f"{times.span(start, end, operation.window.zone, today=now)}, corrected {_ago(ended, now)}"
    out = f", {quantity(view.counts.out, 'agent')} still out until {at(end)}" if view.counts.out else ""
    return f"{times.span(start, end, operation.window.zone, today=now)}, ended {_ago(ended, now)}{out}"


def _missing(counts: Counts) -> str:
    """Who is not back, with the unconfirmed named apart: "3 agents not back", "2 agents not back and 1 unconfirmed"."""
    unknown = doubtful(counts)
    if unknown and unknown == counts.out:
        return f"{quantity(unknown, 'agent')} unconfirmed, perhaps not back,"
    more = f" and {format_number(unknown)} unconfirmed" if unknown else ""
    return f"{quantity(counts.out - unknown, 'agent')} not back{more}"


def ended_ago(view: OperationView, now: datetime) -> str:
    """How long ago it ended: "3 min ago", "just now"."""
    return _ago(view.operation.ended_at or view.operation.window.end, now)


def _ago(instant: datetime, now: datetime) -> str:
    ago = times.relative(instant, now)
    return "just now" if ago == "now" else ago


def _done_by(view: OperationView, now: datetime) -> str:
    return f", done {times.relative(view.eta, now)}" if view.eta else ""


def not_back(view: OperationView) -> tuple[str, str]:
    """Title and sentence for a window whose restore failed in part: what it means and what to do."""
    unknown = doubtful(view.counts)
    failed = view.counts.out - unknown
    count = quantity(failed, "agent")
    last = "Open the runs that failed to see why, fix the cause, then try again with the button above."
    correction = view.operation.route is RouteName.ADHERENCE
    if unknown and not failed:
        title = "Perhaps not everything is undone" if correction else "Perhaps not everyone is back"
        return title, (
            f"{quantity(unknown, 'agent')} unconfirmed: the restore was sent, and no answer came. The desk reads their "
            "state again automatically and shows here what it finds."
        )
    if unknown:
        last = f"{last} For {format_number(unknown)} more it is not known yet: see unconfirmed below."
    if correction:
        return "Not everything is undone", f"The corrected records of {count} could not be restored. {last}"
    they = plural(failed, "That agent stays", "They stay")
    sentence = (
        f"{count} could not be restored. {they} unavailable until restored here, or until they change state themselves. {last}"
    )
    return "Not everyone is back", sentence


def tags(operation: Operation) -> str:
    """Badges that tell an example or a rehearsal apart."""
    found = []
    if operation.example:
        found.append(":violet-badge[:material/school: example]")
    if operation.rehearsal:
        found.append(":violet-badge[:material/theater_comedy: rehearsal]")
    if operation.route is not RouteName.AVAILABILITY:
        found.append(f":gray-badge[{operation.route.value.replace('_', ' ')}]")
    return " ".join(found)


_SHORT = {
    "created": "planned",
    "applying": "started",
    "started": "started",
    "in_effect": "all sent",
    "applied": "all sent",
    "restoring": "restore began",
}


_SHORT_OF_CORRECTION = {"restore_requested": "undo requested", "restoring": "undo began", "restored": "undone"}


def story_line(operation: Operation, events: Sequence[Event], now: datetime) -> str:
    """The operation as one line: what happened when, and what the clock brings next."""
    zone = times.zone_or_utc(operation.window.zone)
    milestones = [event for event in events if event.kind != "comment"]
    shown = milestones if len(milestones) <= 5 else [*milestones[:2], *milestones[-3:]]
    steps = [f"**{times.when(event.at, zone, today=now, seconds=True)}** {_step(event, operation.route)}" for event in shown]
    if len(milestones) > 5:
        steps.insert(2, f":gray[{len(milestones) - 5} more]")
    if operation.state is OperationState.SCHEDULED and not any(
        _step(event, operation.route) == "started" for event in milestones
    ):
        steps.append(f":gray[{times.when(operation.window.start, zone, today=now)} starts]")
    moving = operation.state in (OperationState.SCHEDULED, OperationState.APPLYING, OperationState.IN_EFFECT)
    if moving and operation.route.undoable_by_clock:
        steps.append(f":gray[{times.when(operation.window.end, zone, today=now)} restore]")
    return f"{' :gray[:material/arrow_right_alt:] '.join(steps)} :gray[· {operation.window.zone}]"


def _step(event: Event, route: RouteName) -> str:
    if route is RouteName.ADHERENCE and event.kind in _SHORT_OF_CORRECTION:
        return _SHORT_OF_CORRECTION[event.kind]
    return _SHORT.get(event.kind, event.kind.replace("_", " "))
