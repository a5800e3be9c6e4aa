"""Failures by cause, as values: what the screen finds, the propagation clock, the sparkline, who would be retried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from wfm.desk import Desk, FailureBrief, GroupChange
from wfm.desk.proofs import ACCESS_KINDS, PROPAGATION, SIGN_IN_KINDS
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import FailureGroup, GroupState, Outcome, Phase, Run, RunFilter
from wfm.domain.sentences import format_number, join_words, plural, quantity
from wfm.ui.components.diagnosis import kind_word, runs_of
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.states import hex_color, style_of
from wfm.ui.components.times import clock, duration, when

MAX_RETRIED = 5_000
SPARK_BARS = 40
_SPARK_STEPS = (5, 15, 60, 240, 1440, 10_080)

PROVABLE_KINDS = ACCESS_KINDS | SIGN_IN_KINDS | {Kind.NOT_FOUND_SCHEDULE}
"""Kinds that a read can prove fixed; any other only a retry can."""


class Show(StrEnum):
    """Which groups the screen lists; the value is the word in the URL."""

    WAITING = "waiting"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    ALL = "all"

    @property
    def word(self) -> str:
        """How people read it: not every unresolved cause keeps an agent waiting."""
        return "unresolved" if self is Show.WAITING else self.value


STATES = {
    Show.WAITING: frozenset({GroupState.OPEN, GroupState.REGRESSED, GroupState.FIXED}),
    Show.RESOLVED: frozenset({GroupState.RESOLVED}),
    Show.IGNORED: frozenset({GroupState.IGNORED}),
    Show.ALL: frozenset(GroupState),
}
_STUCK = frozenset({GroupState.OPEN, GroupState.REGRESSED})
_PASSING = frozenset({Kind.RATE_LIMITED, Kind.TIMEOUT, Kind.UPSTREAM_UNAVAILABLE})
"""Kinds that mostly pass: the desk sends again by itself, so nobody is known to wait for a change."""


class Sort(StrEnum):
    """What the list is sorted by, beside that open causes come first; the value is the word in the URL."""

    AGENTS = "agents"
    LAST = "last"
    FIRST = "first"


def stuck(groups: Iterable[FailureGroup]) -> list[FailureGroup]:
    """The causes that keep agents waiting: open, or failing again, and not of a kind that passes."""
    return [group for group in groups if group.state in _STUCK and group.kind not in _PASSING]


def finding(groups: Iterable[FailureGroup], waiting: int | None = None) -> str:
    """The title of the screen: how many causes keep how many agents waiting.

    `waiting` are the agents of the open causes, each counted once; None where nobody counted them.
    """
    known = list(groups)
    if not known:
        return "Nothing has failed"
    if here := stuck(known):
        if all(group.examples and not group.runs for group in here):
            return f"{quantity(len(here), 'cause')} {plural(len(here), 'is', 'are')} open, seen in the examples only"
        here = [group for group in here if group.runs]
        total = sum(group.agents for group in here) if waiting is None else waiting
        # An agent may have failed for two causes, so the sum of several groups is an upper bound.
        bound = "up to " if len(here) > 1 and waiting is None else ""
        verb = plural(len(here), "keeps", "keep")
        return f"{quantity(len(here), 'cause')} {verb} {bound}{quantity(total, 'agent')} waiting"
    if passing := sum(group.state in _STUCK for group in known):
        return f"{quantity(passing, 'cause')} that may pass on {plural(passing, 'its', 'their')} own"
    fixed = sum(group.state is GroupState.FIXED for group in known)
    if fixed:
        return f"{quantity(fixed, 'cause')} {plural(fixed, 'waits', 'wait')} for proof that it is fixed"
    return "No cause is open"


def sentence(group: FailureGroup, brief: FailureBrief | None) -> str:
    """A cause as one sentence: who lacks what, and who waits for it. Markdown."""
    waits = plural(group.agents, "is waiting", "are waiting")
    if group.kind in _PASSING:
        waits = plural(group.agents, "was affected", "were affected")
    tail = f"; {quantity(group.agents, 'agent')} {waits}" if group.state in _STUCK and group.agents else ""
    if group.missing and group.kind in ACCESS_KINDS and brief is not None and brief.client:
        names = join_words([code(name) for name in group.missing], "or" if group.kind is Kind.MISSING_PERMISSION else "and")
        verb = "lacked" if group.state is GroupState.RESOLVED else "lacks"
        return f"**OAuth client {escape_markdown(brief.client)} {verb} {names}{f'{tail} for it' if tail else ''}.**"
    unsaid = [name for name in group.missing if name not in group.cause]
    missing = f" {', '.join(code(name) for name in unsaid)}" if unsaid else ""
    return f"**{escape_markdown((group.cause or kind_word(group.kind)).rstrip('.'))}{tail}.**{missing}"


def matching(
    groups: Iterable[FailureGroup], text: str, brief_of: Callable[[FailureGroup], FailureBrief | None]
) -> list[FailureGroup]:
    """The groups whose card holds every word, whatever its case: cause, client, fix, code, call, names, owner, note."""
    wanted = text.casefold().split()
    if not wanted:
        return list(groups)

    def searched_text(group: FailureGroup) -> str:
        brief = brief_of(group)
        parts = (group.cause, kind_word(group.kind), group.code or "", group.call, *group.missing, group.owner, group.note)
        return " ".join((*parts, brief.client, brief.fix, brief.who) if brief else parts).casefold()

    return [group for group in groups if all(word in searched_text(group) for word in wanted)]


def ordered(
    groups: Iterable[FailureGroup], show: Show, first: str | None = None, sort: Sort = Sort.AGENTS
) -> list[FailureGroup]:
    """The groups to list: the linked one first, then the open ones, each kind by `sort`, the most or newest first."""
    urgency = {GroupState.REGRESSED: 0, GroupState.OPEN: 0, GroupState.FIXED: 1, GroupState.RESOLVED: 2, GroupState.IGNORED: 3}
    chosen = [group for group in groups if group.state in STATES[show] or group.fingerprint == first]
    newest_first = sorted(chosen, key=lambda group: group.first_seen if sort is Sort.FIRST else group.last_seen, reverse=True)
    if sort is Sort.AGENTS:
        newest_first.sort(key=lambda group: group.agents, reverse=True)
    return sorted(newest_first, key=lambda group: (group.fingerprint != first, urgency[group.state]))


def facts(group: FailureGroup, zone: ZoneInfo, now: datetime) -> str:
    """One line of facts: how many runs and agents, since when, until when."""
    since = when(group.first_seen, zone, today=now)
    last = "" if group.runs + group.examples == 1 else f" · last {when(group.last_seen, zone, today=now)}"
    agents = f" · {quantity(group.agents, 'agent')}" if group.runs else ""
    return f"{runs_of(group)}{agents} · since {since}{last}"


# --- the propagation clock -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How far the propagation of a fix is. `share` runs from 0 to 1; `text` says it to a person."""

    share: float
    text: str

    @property
    def running(self) -> bool:
        return self.share < 1


def propagation(group: FailureGroup, now: datetime, zone: ZoneInfo) -> Clock | None:
    """The clock of a group that somebody marked as fixed; None for any other."""
    if group.state is not GroupState.FIXED:
        return None
    since = group.state_at or now
    by = f" by {group.state_by}" if group.state_by else ""
    marked = f"Marked as fixed{by} at {clock(since, zone)}."
    again = "The same failure reopens it as regressed."
    if group.kind not in PROVABLE_KINDS:
        return Clock(share=1.0, text=f"{marked} Only a retry can prove the fix. {again}")
    if group.kind not in ACCESS_KINDS:
        return Clock(share=1.0, text=f"{marked} The desk checks again and closes it when the fix is there. {again}")
    over = since + PROPAGATION
    if now >= over:
        return Clock(
            share=1.0,
            text=f"{marked} The 5 minutes that a role change may take are over. If a read can't tell, retry one agent. {again}",
        )
    return Clock(
        share=max(0.0, (now - since) / PROPAGATION),
        text=f"{marked} A role change takes up to 5 minutes to reach every part of the platform (published by Genesys): "
        f"{duration(over - now)} left, until {clock(over, zone)} a retry may still fail. Meanwhile the desk reads the access "
        "and closes this as soon as it is there; if it is still missing then, it reopens.",
    )


def story_lines(changes: Sequence[GroupChange], zone: ZoneInfo, now: datetime) -> list[str]:
    """Everything said of a group, newest first, a line of plain text each."""
    lines = []
    for change in reversed(changes):
        moved = "" if change.from_state is change.to_state else f" {change.to_state.value}"
        note = f": {change.note}" if change.note else ""
        lines.append(f"{when(change.at, zone, today=now)} {change.actor}{moved}{note}")
    return lines


def moved_text(groups: Sequence[FailureGroup]) -> str:
    """What became of causes while somebody looked: the state, and why."""
    return " ".join(f"{style_of(group.state).word.capitalize()}: {group.note or group.cause}" for group in groups[:3])


# --- sparkline -------------------------------------------------------------------------------------------------------


def spark_step(group: FailureGroup, now: datetime) -> int:
    """Minutes a bar, so that the life of the group fits into SPARK_BARS bars."""
    minutes = _spark_life(group, now).total_seconds() / 60
    return next((step for step in _SPARK_STEPS if minutes / step <= SPARK_BARS), _SPARK_STEPS[-1])


def _spark_life(group: FailureGroup, now: datetime) -> timedelta:
    """What the sparkline spans: the group's life, and never less than two hours, so that a young one is no wall of red."""
    return max(now - group.first_seen, timedelta(hours=2))


def spark_spec(series: Sequence[tuple[datetime, int]], group: FailureGroup, now: datetime, step: int) -> dict[str, Any]:
    """Failures of one group over its life, as Vega-Lite, without axes: the line of facts says the numbers."""
    width = timedelta(minutes=step)
    earliest = min([now - _spark_life(group, now), *(start for start, _ in series)])
    rows = [{"from": start.isoformat(), "to": (start + width).isoformat(), "runs": n} for start, n in series]
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "orient": "vertical", "color": hex_color("red"), "binSpacing": 0, "clip": True},
        "encoding": {
            "x": {
                "field": "from",
                "type": "temporal",
                "axis": None,
                "scale": {"domain": [earliest.isoformat(), now.isoformat()]},
            },
            "x2": {"field": "to"},
            "y": {"field": "runs", "type": "quantitative", "axis": None},
            "tooltip": [
                {"field": "from", "type": "temporal", "format": "%a %d %b %H:%M"},
                {"field": "runs", "type": "quantitative", "format": ","},
            ],
        },
        "config": {"view": {"strokeWidth": 0}},
    }


def sparkline_text(series: Sequence[tuple[datetime, int]], zone: ZoneInfo, now: datetime) -> str:
    """The sparkline in text: its highest bar and its newest."""
    some = [(start, n) for start, n in series if n]
    if not some:
        return "Failures over time: none recorded"
    top = max(some, key=lambda point: point[1])
    last = some[-1]
    text = f"Failures over time: highest, {format_number(top[1])}, at {when(top[0], zone, today=now)}"
    return text if top == last else f"{text}; latest, {format_number(last[1])}, at {when(last[0], zone, today=now)}"


# --- retry -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Retryable:
    """Who would be planned again: agents in the order they failed last, and the newest of their runs.

    Agents of the examples only where nobody else failed for this cause.
    """

    agent_ids: tuple[str, ...]
    newest: Run | None
    cut: bool


def left_behind(found: Retryable, group: FailureGroup) -> str:
    """Who of the group is not planned again, and where to go on for them; "" when all are."""
    planned = len(found.agent_ids)
    if planned >= group.agents:
        return ""
    filled_in = f"{format_number(planned)} of {quantity(group.agents, 'agent')} filled in"
    if found.cut:
        return f"{filled_in}; no more fit into one plan."
    return f"{filled_in}. Agents whose restore failed are restored in the window."


def retryable(desk: Desk, fingerprint: str) -> Retryable:
    """The agents that a group kept from being taken out. Raises StoreFault."""
    which = RunFilter(fingerprint=fingerprint, outcome=Outcome.FAILED, phase=Phase.APPLY)
    own: dict[str, Run] = {}
    examples: dict[str, Run] = {}
    cursor: str | None = None
    while len(own) < MAX_RETRIED:
        found = desk.runs.page(which, cursor=cursor, limit=500)
        for run in found.runs:
            if run.agent_id:
                (examples if run.example else own).setdefault(run.agent_id, run)
        cursor = found.older
        if cursor is None:
            break
    chosen = own or examples
    return Retryable(agent_ids=tuple(chosen)[:MAX_RETRIED], newest=next(iter(chosen.values()), None), cut=cursor is not None)
