"""What the Now and Windows screens say of operations, as values. Pure: testable without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pandas as pd

from wfm.desk import OperationView
from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState, Phase
from wfm.domain.plans import RouteName
from wfm.ui.components import times
from wfm.ui.components.bars import Part
from wfm.ui.components.markdown import cell
from wfm.ui.components.states import AgentWord, agent_style, agent_word

_S = OperationState
MOVING = (_S.APPLYING, _S.RESTORING)
FINAL = frozenset(OperationState) - OPEN_STATES
DUE_SOON = timedelta(seconds=15)


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
    found[AgentWord.UNCONFIRMED] = max(0, counts.total - sum(found.values()))
    order = [AgentWord.RESTORED, AgentWord.OUT, AgentWord.COMING_BACK, AgentWord.SENDING, AgentWord.WAITING]
    order += [AgentWord.LEFT_AS_IS, AgentWord.SKIPPED, AgentWord.UNCONFIRMED, AgentWord.BACK_UNCONFIRMED]
    order += [AgentWord.FAILED, AgentWord.NOT_BACK]
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
    counted = agents_by_word(counts)
    return [Part(agent_style(word, route), count, _SHADES.get(word, 1.0)) for word, count in counted.items() if count]


def doubtful(counts: Counts) -> int:
    """How many were sent back with no answer, so that nobody knows whether they are still out."""
    return min(counts.out, counts.restore.get(ItemState.UNCONFIRMED, 0))


def pace(view: OperationView, now: datetime | None = None) -> float | None:
    """How often, in seconds, a screen looks again: None when nothing moves any more.

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


def table(views: Sequence[OperationView], now: datetime) -> pd.DataFrame:
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
    standings = [agent_word(item.apply_state, item.restore_state) for item in items]
    return pd.DataFrame(
        {
            "agent": [cell(item.agent_name or item.agent_id) for item in items],
            "state": [[agent_style(word, route).word] for word in standings],
            "since": [times.when(item.changed_at, zone, seconds=True) for item in items],
            "note": [cell(_note(item, word, causes or {})) for item, word in zip(items, standings, strict=True)],
        }
    )


_FAILED_IN = {AgentWord.FAILED: Phase.APPLY, AgentWord.NOT_BACK: Phase.RESTORE}


def _note(item: Item, word: AgentWord, causes: Mapping[tuple[str, Phase], str]) -> str:
    phase = _FAILED_IN.get(word)
    why = causes.get((item.agent_id, phase), "") if phase else ""
    return item.skip_reason or why or ("" if item.fate == "ready" else item.fate)
