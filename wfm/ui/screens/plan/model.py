"""The Plan screen's form as a PlanRequest, and the words it says. Pure: testable without a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wfm.domain.agents import GroupKind
from wfm.domain.plans import Fate, PlanRequest, Preview, RouteName, Selection, Severity
from wfm.domain.windows import WindowSpec

PRESETS = (15, 30, 60, 120)
"""Minutes of "now, for so long"."""

AT = "at"
DEFAULT_REASON = "maintenance_window"

KIND_LABELS = {
    GroupKind.TEAM: "team",
    GroupKind.QUEUE: "queue",
    GroupKind.MANAGEMENT_UNIT: "unit",
    GroupKind.DIVISION: "division",
}
_FIELDS = {
    GroupKind.TEAM: "teams",
    GroupKind.QUEUE: "queues",
    GroupKind.MANAGEMENT_UNIT: "management_units",
    GroupKind.DIVISION: "divisions",
}
ROUTE_LABELS = {
    RouteName.AVAILABILITY: "Availability",
    RouteName.ADHERENCE: "Adherence correction",
    RouteName.DATA_ACTION: "Data Action",
}
ROUTE_HELP = {
    RouteName.AVAILABILITY: "unavailable at the start, back at the end",
    RouteName.ADHERENCE: "for a window in the past; undone on demand",
    RouteName.DATA_ACTION: "as an Architect flow does it",
}


def fresh_request(zone: str) -> PlanRequest:
    """The plan that nobody has touched yet: nobody, now for half an hour."""
    return PlanRequest(selection=Selection(), window=WindowSpec(minutes=30, zone=zone))


def group_keys(selection: Selection) -> list[str]:
    """The groups of a selection as "kind:id", the options of the one field that picks them all."""
    return [f"{kind.value}:{word}" for kind, field in _FIELDS.items() for word in getattr(selection, field)]


def with_groups(selection: Selection, keys: Iterable[str]) -> Selection:
    """The selection with exactly these groups."""
    chosen: dict[str, list[str]] = {field: [] for field in _FIELDS.values()}
    for key in keys:
        kind, _, word = key.partition(":")
        chosen[_FIELDS[GroupKind(kind)]].append(word)
    return selection.model_copy(update={field: tuple(words) for field, words in chosen.items()})


def with_agents(selection: Selection, words: Iterable[str]) -> Selection:
    """The selection with these words added, each once; who was left out before is taken in again."""
    new = tuple(dict.fromkeys((*selection.agents, *words)))
    kept_out = tuple(word for word in selection.exclude if word not in set(new))
    return selection.model_copy(update={"agents": new, "exclude": kept_out})


def without_agent(selection: Selection, agent_id: str) -> Selection:
    """The selection with this agent left out, however they came into it."""
    return selection.model_copy(update={"exclude": tuple(dict.fromkeys((*selection.exclude, agent_id)))})


def with_agent_again(selection: Selection, agent_id: str) -> Selection:
    """The selection with this agent no longer left out."""
    return selection.model_copy(update={"exclude": tuple(word for word in selection.exclude if word != agent_id)})


def same_again(request: PlanRequest, now: datetime) -> PlanRequest:
    """The plan of a window, to be made once more: the same agents, route and length, with no ticket and no reason.

    A window that had a start gets the next one that is convenient.
    """
    window = request.window
    if window.minutes is None:
        length = window.end - window.start if window.start is not None and window.end is not None else timedelta(minutes=30)
        start, end = next_slot(now, window.zone, length)
        window = window.model_copy(update={"start": start, "end": end})
    return request.model_copy(update={"window": window, "reason": DEFAULT_REASON, "ticket": ""})


def preset_of(window: WindowSpec) -> str:
    """Which choice of the When card this window is: the minutes as text, or "at"."""
    return AT if window.minutes is None else f"{window.minutes:g}"


def preset_choices(window: WindowSpec) -> list[str]:
    """The choices of the When card. A length that is none of the presets is one of them while the plan has it: what is
    left of a window whose failures are tried again.
    """
    return [*(f"{minutes:g}" for minutes in sorted({*PRESETS, *([window.minutes] if window.minutes else [])})), AT]


def next_slot(now: datetime, zone: str, length: timedelta = timedelta(minutes=30)) -> tuple[datetime, datetime]:
    """A first guess for start and end: the next quarter of an hour but one, as wall clock of the zone (naive)."""
    local = now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)
    start = local + timedelta(minutes=30 - local.minute % 15)
    return start, start + length


def totals_by_severity(preview: Preview) -> dict[Severity, dict[Fate, int]]:
    """The fates under ready, warning and blocked, in the order of Fate. Who is included on purpose is not blocked."""
    counts = Counter((row.severity, row.fate) for row in preview.rows)
    return {severity: {fate: n for fate in Fate if (n := counts[severity, fate])} for severity in Severity}


def agents_of(preview: Preview) -> int:
    """How many agents the plan is about: words that match nobody have a row, and are no agents."""
    return sum(row.agent is not None for row in preview.rows)
