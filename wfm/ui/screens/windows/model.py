"""What the Now and Windows screens say of operations, as values. Pure: testable without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import pandas as pd

from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState, Phase
from wfm.domain.plans import RouteName
from wfm.ui.components import times
from wfm.ui.components.bars import Part
from wfm.ui.components.markdown import cell
from wfm.ui.components.sentences import format_number, plural, quantity
from wfm.ui.components.states import AgentWord, agent_style, agent_word

_S = OperationState
MOVING = (_S.APPLYING, _S.RESTORING)
FINAL = frozenset(OperationState) - OPEN_STATES
DUE_SOON = timedelta(seconds=15)


class View(Protocol):
    """As wfm.desk.OperationView."""

    @property
    def operation(self) -> Operation: ...
    @property
    def counts(self) -> Counts: ...
    @property
    def blocked(self) -> int: ...
    @property
    def eta(self) -> datetime | None: ...


class Happened(Protocol):
    """As wfm.ledger.records.Event."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...


def agents_by_word(counts: Counts) -> dict[AgentWord, int]:
    """How many agents stand where, each counted once; the sum is the number of agents of the operation."""
    apply, restore = counts.apply, counts.restore
    coming, lost = restore.get(ItemState.SENDING, 0), restore.get(ItemState.FAILED, 0)
    unsure = restore.get(ItemState.UNCONFIRMED, 0)
    found = {
        AgentWord.RESTORED: restore.get(ItemState.APPLIED, 0),
        AgentWord.LEFT_AS_IS: restore.get(ItemState.SKIPPED, 0),
        AgentWord.COMING_BACK: coming,
        AgentWord.OUT: max(0, counts.out - coming - lost - unsure),
        AgentWord.SENDING: apply.get(ItemState.SENDING, 0),
        AgentWord.WAITING: apply.get(ItemState.PENDING, 0),
        AgentWord.SKIPPED: apply.get(ItemState.SKIPPED, 0),
        AgentWord.BACK_UNCONFIRMED: unsure,
        AgentWord.FAILED: apply.get(ItemState.FAILED, 0),
        AgentWord.NOT_BACK: lost,
    }
    # What is left are those sent without an answer and not settled since.
    rest = max(0, counts.total - sum(found.values()))
    order = [AgentWord.RESTORED, AgentWord.OUT, AgentWord.COMING_BACK, AgentWord.SENDING, AgentWord.WAITING]
    order += [AgentWord.LEFT_AS_IS, AgentWord.SKIPPED, AgentWord.UNCONFIRMED, AgentWord.BACK_UNCONFIRMED]
    order += [AgentWord.FAILED, AgentWord.NOT_BACK]
    found[AgentWord.UNCONFIRMED] = rest
    return {word: found[word] for word in order}


_SHADES = {AgentWord.COMING_BACK: 0.75, AgentWord.SENDING: 0.75, AgentWord.WAITING: 0.45, AgentWord.LEFT_AS_IS: 0.8}

WORD_STATES: Mapping[AgentWord, tuple[tuple[ItemState, ...], tuple[ItemState, ...] | None]] = {
    AgentWord.WAITING: ((ItemState.PENDING,), None),
    AgentWord.SENDING: ((ItemState.SENDING,), None),
    AgentWord.FAILED: ((ItemState.FAILED,), None),
    AgentWord.SKIPPED: ((ItemState.SKIPPED,), None),
    AgentWord.UNCONFIRMED: ((ItemState.UNCONFIRMED,), (ItemState.PENDING,)),
    AgentWord.OUT: ((ItemState.APPLIED,), (ItemState.PENDING,)),
    AgentWord.COMING_BACK: ((ItemState.APPLIED, ItemState.UNCONFIRMED), (ItemState.SENDING,)),
    AgentWord.RESTORED: ((ItemState.APPLIED, ItemState.UNCONFIRMED), (ItemState.APPLIED,)),
    AgentWord.NOT_BACK: ((ItemState.APPLIED, ItemState.UNCONFIRMED), (ItemState.FAILED,)),
    AgentWord.LEFT_AS_IS: ((ItemState.APPLIED, ItemState.UNCONFIRMED), (ItemState.SKIPPED,)),
    AgentWord.BACK_UNCONFIRMED: ((ItemState.APPLIED, ItemState.UNCONFIRMED), (ItemState.UNCONFIRMED,)),
}
"""Which states of the two phases a word stands for, to ask the ledger for exactly those agents."""


def parts(counts: Counts, route: RouteName = RouteName.AVAILABILITY) -> list[Part]:
    """The progress bar: one part a word, good ones left, lost ones right."""
    words = agents_by_word(counts)
    return [Part(agent_style(word, route), count, _SHADES.get(word, 1.0)) for word, count in words.items() if count]


def state_sentence(view: View, now: datetime) -> str:
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
    """Who is not back, apart from whom nobody knows it: "3 agents not back", "2 agents not back and 1 unconfirmed"."""
    unknown = doubtful(counts)
    if unknown and unknown == counts.out:
        return f"{quantity(unknown, 'agent')} unconfirmed, perhaps not back,"
    more = f" and {format_number(unknown)} unconfirmed" if unknown else ""
    return f"{quantity(counts.out - unknown, 'agent')} not back{more}"


def doubtful(counts: Counts) -> int:
    """How many were sent back with no answer, so that nobody knows whether they are still out."""
    return min(counts.out, counts.restore.get(ItemState.UNCONFIRMED, 0))


def ended_ago(view: View, now: datetime) -> str:
    """How long ago it ended: "3 min ago", "just now"."""
    return _ago(view.operation.ended_at or view.operation.window.end, now)


def _ago(instant: datetime, now: datetime) -> str:
    said = times.relative(instant, now)
    return "just now" if said == "now" else said


def _done_by(view: View, now: datetime) -> str:
    return f", done {times.relative(view.eta, now)}" if view.eta else ""


def pace(view: View, now: datetime | None = None) -> float | None:
    """How often, in seconds, a screen looks again: None when nothing moves by itself any more.

    A window that is due just now is watched closely too.
    """
    operation = view.operation
    now = now or times.now()
    due = {_S.SCHEDULED: operation.window.start, _S.IN_EFFECT: operation.window.end}.get(operation.state)
    if due is not None and abs(due - now) <= DUE_SOON:
        return 1.0
    asked = operation.cancel_requested or operation.restore_requested
    if operation.state in MOVING or (asked and (operation.state in OPEN_STATES or view.counts.out)):
        return 1.0
    if operation.state in (_S.IN_EFFECT, _S.SCHEDULED):
        return 5.0
    return 5.0 if view.counts.out and operation.state in (_S.HALTED, _S.CANCELLED, _S.FAILED_IN_PART) else None


def not_back(view: View) -> tuple[str, str]:
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
    said = (
        f"{count} could not be restored. {they} unavailable until restored here, or until they change state themselves. {last}"
    )
    return "Not everyone is back", said


def title_of(operation: Operation) -> str:
    """The title as a heading: the reason given, and the ticket."""
    title = operation.title or "Maintenance window"
    return title[:1].upper() + title[1:]


MAX_TITLE = 80


def short_title_of(operation: Operation) -> str:
    """The title where there is little room: a long reason is cut, its ticket stays."""
    title = title_of(operation)
    if len(title) <= MAX_TITLE:
        return title
    reason, _, ticket = title.rpartition(" · ")
    ending = f"… · {ticket[: MAX_TITLE // 2]}" if reason else "…"
    return (reason or title)[: MAX_TITLE - len(ending)].rstrip() + ending


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


def table(views: Sequence[View], now: datetime) -> pd.DataFrame:
    """A row a window: state, title, when, agents by what became of them, who made it."""
    zone = times.viewer_zone()
    return pd.DataFrame(
        {
            "state": [[view.operation.state.value] for view in views],
            "window": [cell(_named(view.operation)) for view in views],
            "start": [times.when(view.operation.window.start, zone, today=now) for view in views],
            "lasted": [times.duration(view.operation.window.end - view.operation.window.start) for view in views],
            "agents": [view.counts.total for view in views],
            "out": [view.counts.out for view in views],
            "failed": [view.counts.apply.get(ItemState.FAILED, 0) for view in views],
            "restored": [view.counts.restore.get(ItemState.APPLIED, 0) for view in views],
            "by": [cell(view.operation.created_by) for view in views],
        }
    )


def _named(operation: Operation) -> str:
    marks = [word for word, there in (("example", operation.example), ("rehearsal", operation.rehearsal)) if there]
    marks = [mark for mark in marks if not title_of(operation).casefold().startswith(mark)]
    return title_of(operation) + (f" ({', '.join(marks)})" if marks else "")


def agent_table(
    items: Sequence[Item],
    route: RouteName = RouteName.AVAILABILITY,
    causes: Mapping[tuple[str, Phase], str] | None = None,
) -> pd.DataFrame:
    """A row an agent: where it stands, since when, why. `causes` say of agent and phase why it failed."""
    zone = times.viewer_zone()
    words = [agent_word(item.apply_state, item.restore_state) for item in items]
    return pd.DataFrame(
        {
            "agent": [cell(item.agent_name or item.agent_id) for item in items],
            "state": [[agent_style(word, route).word] for word in words],
            "since": [times.when(item.changed_at, zone, seconds=True) for item in items],
            "note": [cell(_note(item, word, causes or {})) for item, word in zip(items, words, strict=True)],
        }
    )


_FAILED_IN = {AgentWord.FAILED: Phase.APPLY, AgentWord.NOT_BACK: Phase.RESTORE}


def _note(item: Item, word: AgentWord, causes: Mapping[tuple[str, Phase], str]) -> str:
    phase = _FAILED_IN.get(word)
    why = causes.get((item.agent_id, phase), "") if phase else ""
    return item.skip_reason or why or ("" if item.fate == "ready" else item.fate)


_SHORT = {
    "created": "planned",
    "applying": "started",
    "started": "started",
    "in_effect": "all sent",
    "applied": "all sent",
    "restoring": "restore began",
}
_SHORT_OF_CORRECTION = {"restore_requested": "undo requested", "restoring": "undo began", "restored": "undone"}


def story_line(operation: Operation, events: Sequence[Happened], now: datetime) -> str:
    """The operation as one line: what happened when, and what the clock brings next."""
    zone = times.zone_or_utc(operation.window.zone)
    told = [event for event in events if event.kind != "comment"]
    shown = told if len(told) <= 5 else [*told[:2], *told[-3:]]
    steps = [f"**{times.when(event.at, zone, today=now, seconds=True)}** {_step(event, operation.route)}" for event in shown]
    if len(told) > 5:
        steps.insert(2, f":gray[{len(told) - 5} more]")
    if operation.state is OperationState.SCHEDULED and not any(_step(event, operation.route) == "started" for event in told):
        steps.append(f":gray[{times.when(operation.window.start, zone, today=now)} starts]")
    moving = operation.state in (OperationState.SCHEDULED, OperationState.APPLYING, OperationState.IN_EFFECT)
    if moving and operation.route is not RouteName.ADHERENCE:
        steps.append(f":gray[{times.when(operation.window.end, zone, today=now)} restore]")
    return f"{' :gray[:material/arrow_right_alt:] '.join(steps)} :gray[· {operation.window.zone}]"


def _step(event: Happened, route: RouteName) -> str:
    if route is RouteName.ADHERENCE and event.kind in _SHORT_OF_CORRECTION:
        return _SHORT_OF_CORRECTION[event.kind]
    return _SHORT.get(event.kind, event.kind.replace("_", " "))
