"""What the Plan screen says: the action, what it does and costs, what the preview rests on, and a list of agents."""

from __future__ import annotations

from collections.abc import Sequence

from wfm.domain.agent_lists import EVERY_COLUMN, AgentList
from wfm.domain.plans import AccessCheck, AgentFate, Fate, LaneState, Preview, RouteName
from wfm.domain.sentences import format_number, plural, quantity
from wfm.domain.windows import Window
from wfm.ui.components import times
from wfm.ui.components.markdown import cell
from wfm.ui.screens.plan.model import agents_of


def column_labels(found: AgentList) -> dict[int, str]:
    """The columns to choose from, by index, with what they hold; also all columns together."""
    labels = {
        one.index: f"{one.name[:60]} · {format_number(one.people)} of {format_number(one.filled)}" for one in found.columns
    }
    if sum(one.people > 0 for one in found.columns) > 1:
        labels[EVERY_COLUMN] = "every agent in any column"
    return labels


def named_table(found: AgentList) -> dict[str, list[int | str]]:
    """The table of all whom a list names, by column: each with the line, and why not to be added if any are not."""
    why: dict[str, list[int | str]] = {"why not": [cell(one.why) for one in found.named]}
    return {
        "line": [one.line for one in found.named],
        "agent": [cell(one.word) for one in found.named],
        **(why if any(one.why for one in found.named) else {}),
        "what the line says": [cell(found.texts.get(one.line, "")) for one in found.named],
    }


def above_line(above: tuple[int, ...]) -> str:
    """Which lines were read as title and head, and so name nobody; "" for none."""
    if not above:
        return ""
    if len(above) == 1:
        return f"Line {above[0]} is the heading."
    return f"Lines {above[0]} to {above[-1]} are title and heading."


UNDONE = {
    RouteName.AVAILABILITY: "restored automatically at the end",
    RouteName.ADHERENCE: "undone only when you ask for it",
    RouteName.DATA_ACTION: "restored automatically at the end",
}
"""What becomes of the change when the window ends."""


_SOURCES = {"directory": "people", "schedules": "schedules", "states": "states"}


def minutes_label(minutes: float) -> str:
    """A length as a choice: "27 min", "2 h", "2 h 05"."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes:g} min"
    return f"{hours:g} h" + (f" {int(rest):02}" if rest else "")


def action_label(preview: Preview) -> str:
    """The primary action, named by what it does: "Take 36 agents out at 14:30", with the zone where it is not the viewer's."""
    count = len(preview.ready)
    if preview.request.route is RouteName.ADHERENCE:
        return f"Correct {quantity(count, 'agent')}"
    if preview.window.end <= preview.computed_at:
        return f"Take {quantity(count, 'agent')} out"  # refused: the window is over
    if preview.window.now or preview.window.start <= preview.computed_at:
        return f"Take {quantity(count, 'agent')} out now"
    start, zone = preview.window.start, times.zone_or_utc(preview.window.zone)
    elsewhere = start.astimezone(zone).utcoffset() != start.astimezone(times.viewer_zone()).utcoffset()
    return f"Take {quantity(count, 'agent')} out at {times.when(start, zone)}{f' {zone.key}' if elsewhere else ''}"


def what_happens(preview: Preview) -> str:
    """What applying means, in two sentences: for the confirmation."""
    count, window = len(preview.ready), preview.window
    zone = times.zone_or_utc(window.zone)
    waiting = sum(row.fate is Fate.AFTER_CONTACT for row in preview.ready)
    end = times.when(window.end, zone)
    if preview.request.route is RouteName.ADHERENCE:
        return (
            f"The adherence of {quantity(count, 'agent')} is corrected for "
            f"{times.span(window.start, window.end, window.zone)}. It is undone only if you ask for it."
        )
    start = "now" if window.now or window.start <= preview.computed_at else f"at {times.when(window.start, zone)}"
    become, are = plural(count, "becomes", "become"), plural(count, "is", "are")
    parts = [f"{quantity(count, 'agent')} {become} unavailable {start} and {are} restored at {end} {window.zone}."]
    if waiting:
        parts.append(f"{quantity(waiting, 'agent')} {plural(waiting, 'finishes the', 'finish their')} contact first.")
    left_out = agents_of(preview) - count
    if left_out:
        parts.append(f"{quantity(left_out, 'agent')} {plural(left_out, 'is', 'are')} left out.")
    return " ".join(parts)


def cost_line(preview: Preview) -> str:
    """What it takes: "40 requests · about 8 s at 300/min; restore 80 requests · about 16 s"."""
    cost = preview.cost
    if not cost.apply_requests:
        return "Nothing will be sent."
    line = (
        f"{quantity(cost.apply_requests, 'request')} · {_about(cost.apply_seconds)} "
        f"at {format_number(cost.limit_per_minute)}/min"
    )
    if cost.restore_requests:
        line += f" · back: up to {format_number(cost.restore_requests)}, {_about(cost.restore_seconds)}"
    return line


def _about(seconds: float) -> str:
    return times.duration(seconds) if seconds < 1 else f"about {times.duration(seconds)}"


def as_of_line(preview: Preview) -> str:
    """How old what the preview rests on is: "as of: people 14:02, schedules 14:11:40, states 14:12:01"."""
    read = [(word, preview.as_of[source]) for source, word in _SOURCES.items() if source in preview.as_of]
    if not read:
        return f"as of {times.clock(preview.computed_at, seconds=True)}"
    return "as of: " + ", ".join(f"{word} {times.clock(at, seconds=True)}" for word, at in read)


def access_line(writes: Sequence[AccessCheck], reads: Sequence[AccessCheck]) -> tuple[str, LaneState]:
    """How access stands in one line, and the state that it is shown as: missing, unknown or held."""
    calls = f"{quantity(len(writes), 'call')} that {plural(len(writes), 'writes', 'write')}, {len(reads)} that read"
    if missing := sum(check.missing for check in writes):
        return f"Access missing for {missing} of {calls}", LaneState.MISSING
    if refused := sum(check.missing for check in reads):
        return f"Access held to write; {refused} of {len(reads)} reads are not allowed", LaneState.UNKNOWN
    if any(verdict.state is LaneState.UNKNOWN for check in writes for verdict in check.lanes.values()):
        return f"Access: nothing known to be missing for {calls}", LaneState.UNKNOWN
    return f"Access held: {calls}", LaneState.HELD


def missing_access(preview: Preview) -> str:
    """What access is missing, in one line."""
    names = [
        need
        for check in preview.access
        if check.missing and check.to_write
        for verdict in check.lanes.values()
        if verdict.state is LaneState.MISSING
        for need in verdict.needed
    ]
    return ", ".join(dict.fromkeys(names)) or "access"


def finding_of_timeline(rows: Sequence[AgentFate], window: Window) -> str:
    """The chart's title, which says what it shows."""
    inside = sum(1 for row in rows if row.schedule and any(s.covers(window.start, window.end) for s in row.schedule.shifts))
    whole = f"{inside} of {len(rows)} work through the whole window" if rows else "No one to show"
    return f"{whole} · times in {window.zone}"
