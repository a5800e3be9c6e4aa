"""Checks of the whole plan, and what they refuse. One small function for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wfm.domain.plans import (
    AccessCheck,
    AgentFate,
    Cost,
    Fate,
    Finding,
    LaneName,
    LaneState,
    RouteName,
    RouteOffer,
    Severity,
)
from wfm.domain.sentences import first_of, plural, quantity
from wfm.domain.windows import Window
from wfm.preview.cost import duration
from wfm.preview.identity import tally

TOO_SLOW_WARNING = 0.1
"""Part of the window that taking all agents out may use without a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan that the checks read."""

    window: Window
    now: datetime
    route: RouteName
    offer: RouteOffer | None
    rows: Sequence[AgentFate]
    access: Sequence[AccessCheck]
    cost: Cost
    client_name: str
    action_name: str = ""
    restorable: bool = True
    unreadable: tuple[str, ...] = field(default=())
    """Sources that the tenant refused to read with 403: schedules, states."""
    gaps: tuple[str, ...] = field(default=())
    """Parts of the directory that it refused: time zones, teams, …"""

    @property
    def writes(self) -> int:
        return sum(row.writes for row in self.rows)


def findings_of(plan: Plan) -> tuple[Finding, ...]:
    """Return every finding, blocked ones first, each kind in a fixed order."""
    findings = [finding for question in QUESTIONS for finding in question(plan)]
    rank = {Severity.BLOCKED: 0, Severity.WARNING: 1, Severity.READY: 2}
    return tuple(sorted(findings, key=lambda finding: rank[finding.severity]))


REFUSING = {
    "nobody_ready": "nobody_ready",
    "missing_access": "access_missing",
    "schedules_unreadable": "access_missing",
    "not_undoable": "not_undoable",
    "too_slow": "too_slow",
    "window_in_past": "not_offered",
    "not_offered": "not_offered",
}
"""Finding code -> code of the refusal when the finding blocks."""


def refusals_of(findings: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    """Return why the plan may not be applied, as (code, sentence); what a rehearsal can't excuse comes first.

    The title of missing access already says what is missing; the other titles need their detail.
    """
    refused = []
    for finding in findings:
        if finding.severity is Severity.BLOCKED and finding.code in REFUSING:
            detail = "" if finding.code == "missing_access" else finding.detail
            sentence = " ".join(part for part in (f"{finding.title}.", detail, finding.fix) if part)
            refused.append((REFUSING[finding.code], sentence))
    return tuple(sorted(refused, key=lambda refusal: refusal[0] == "access_missing"))


def _access(plan: Plan) -> Iterable[Finding]:
    missing = [check for check in plan.access if check.missing and check.to_write]
    if not missing:
        return
    first = missing[0]
    lane, verdict = next((lane, verdict) for lane, verdict in first.lanes.items() if verdict.state is LaneState.MISSING)
    title = f"{plan.client_name} {verdict.evidence}" if lane is LaneName.SCOPE else f"{first.call}: {verdict.evidence}"
    calls = ", ".join(check.call for check in missing)
    advice = first.advice
    yield Finding(
        code="missing_access",
        severity=Severity.BLOCKED,
        title=title,
        detail=f"Every agent would fail the same way, with 403, at {calls}.",
        fix=advice[:1].upper() + advice[1:] + "." if advice else "",
    )


def _unreadable(plan: Plan) -> Iterable[Finding]:
    if "schedules" in plan.unreadable:
        yield Finding(
            code="schedules_unreadable",
            severity=Severity.BLOCKED,
            title=f"{plan.client_name} may not read schedules",
            detail="Whether the agents are scheduled in this window can't be told, so nothing is written.",
            fix="Let the OAuth client read published schedules; the access lanes name what it needs.",
        )
    if "states" in plan.unreadable:
        yield Finding(
            code="states_unreadable",
            severity=Severity.WARNING,
            title=f"{plan.client_name} may not read present states",
            detail="Who is in a contact, out of office or unavailable already can't be told.",
            fix="Let the OAuth client read real-time adherence; the access lanes name what it needs.",
        )


def _zones(plan: Plan) -> Iterable[Finding]:
    if "time zones" in plan.gaps:
        yield Finding(
            code="zones_unknown",
            severity=Severity.WARNING,
            title="Time zones of business units can't be read",
            detail="Agents' local times are shown in UTC; fates are decided by instants and stay right.",
            fix="Let the OAuth client read business units (wfm:businessUnit:view).",
        )


def _offer(plan: Plan) -> Iterable[Finding]:
    if plan.route.undoable_by_clock and plan.window.end <= plan.now:
        yield Finding(
            code="window_in_past",
            severity=Severity.BLOCKED,
            title="The window is over already",
            detail="No agent can be made unavailable in the past.",
            fix="Correct the past by an adherence correction (the route adherence), or choose a later end.",
        )
    elif plan.offer is not None and not plan.offer.offered:
        yield Finding(
            code="not_offered",
            severity=Severity.BLOCKED,
            title=f"The route {plan.route.value.replace('_', ' ')} can't be taken for this window",
            detail=f"{plan.offer.reason[:1].upper()}{plan.offer.reason[1:].rstrip('.')}.",
            fix="Choose another route or another window.",
        )


def _undo(plan: Plan) -> Iterable[Finding]:
    if not plan.restorable:
        yield Finding(
            code="not_undoable",
            severity=Severity.BLOCKED,
            title=f"Nothing makes agents available again after {plan.action_name or 'this'}",
            detail="At the end of the window no agent could be restored, so no agent is taken out.",
            fix="Add a counterpart action named like it with “available” for “unavailable”, or choose another route.",
        )
    elif not plan.route.undoable_by_clock:
        yield Finding(
            code="undone_on_demand",
            severity=Severity.WARNING,
            title="A correction is undone on demand only, never by the clock",
            detail="The records stay corrected until someone undoes the correction.",
        )


def _nobody(plan: Plan) -> Iterable[Finding]:
    if plan.writes == 0:
        yield Finding(
            code="nobody_ready",
            severity=Severity.BLOCKED,
            title="No agent would be changed" if plan.rows else "No agent is selected",
            detail=f"Left out: {tally(row.fate for row in plan.rows)}." if plan.rows else "The groups chosen hold no agents.",
            fix="Choose other agents or another window.",
        )


def _left_out(plan: Plan) -> Iterable[Finding]:
    out = [row for row in plan.rows if not row.writes]
    if out and plan.writes:
        yield Finding(
            code="blocked_left_out",
            severity=Severity.WARNING,
            title=f"{_agents(len(out))} left out: {tally(row.fate for row in out)}",
            detail="Nothing is written for them; the list names the reason of each.",
        )


def _unknown(plan: Plan) -> Iterable[Finding]:
    words = [row.given for row in plan.rows if row.fate is Fate.UNKNOWN_USER]
    if words:
        yield Finding(
            code="unknown_users",
            severity=Severity.WARNING,
            title=f"{len(words):,} of the given words {plural(len(words), 'matches', 'match')} no one",
            detail=f"{first_of(words, 5)}.",
            fix="Check these ids and e-mails, or read the directory again if they are new.",
        )


def _unpublished(plan: Plan) -> Iterable[Finding]:
    rows = [row for row in plan.rows if row.fate is Fate.SCHEDULE_UNPUBLISHED]
    if rows:
        yield Finding(
            code="unpublished",
            severity=Severity.WARNING,
            title=f"The schedule of this week is not published for {quantity(len(rows), 'agent')}",
            detail="A published schedule may still change who works in the window.",
            fix="Publish the schedule, then look at the plan again; or include these agents on purpose.",
        )


def _included(plan: Plan) -> Iterable[Finding]:
    rows = [row for row in plan.rows if row.writes and row.reason.startswith("included on purpose")]
    if rows:
        yield Finding(
            code="included_on_purpose",
            severity=Severity.WARNING,
            title=f"{_agents(len(rows))} included on purpose: {tally(row.fate for row in rows)}",
            detail="The tenant may still refuse them, each with a failure of its own.",
        )


def _speed(plan: Plan) -> Iterable[Finding]:
    length = plan.window.minutes * 60
    if not plan.route.undoable_by_clock or plan.writes == 0 or plan.cost.apply_seconds <= length * TOO_SLOW_WARNING:
        return
    blocked = plan.cost.apply_seconds > length
    took = f"{plan.cost.apply_requests:,} requests take about {duration(plan.cost.apply_seconds)}"
    yield Finding(
        code="too_slow",
        severity=Severity.BLOCKED if blocked else Severity.WARNING,
        title="The window is over before all agents are out" if blocked else "Taking everybody out uses much of the window",
        detail=f"{took} at {plan.cost.limit_per_minute:,} a minute; the window lasts {duration(length)}.",
        fix="Choose fewer agents, a longer window, or have Genesys raise the rate limit.",
    )


def _clocks(plan: Plan) -> Iterable[Finding]:
    change = _change(plan.window, plan.window.zone)
    if change:
        yield Finding(
            code="dst_change",
            severity=Severity.WARNING,
            title=f"The clocks go {'back' if change < timedelta(0) else 'forward'} inside this window",
            detail=f"It lasts {_length(plan.window)}, not {_length(plan.window, change)} as the wall clock suggests.",
        )
        return
    zones = {row.agent.zone for row in plan.rows if row.agent is not None and row.writes}
    moved = sorted(zone for zone in zones if _change(plan.window, zone))
    if moved:
        yield Finding(
            code="dst_change",
            severity=Severity.WARNING,
            title=f"The clocks change inside this window in {', '.join(moved[:3])}",
            detail=f"In {plan.window.zone}, where it was asked for, they don't. It lasts {_length(plan.window)} everywhere.",
        )


def _begun(plan: Plan) -> Iterable[Finding]:
    late = plan.now - plan.window.start
    if not plan.route.undoable_by_clock or plan.window.now or plan.window.end <= plan.now:
        return
    if late >= timedelta(minutes=1):
        yield Finding(
            code="already_begun",
            severity=Severity.WARNING,
            title=f"The window began {duration(late.total_seconds())} ago",
            detail="Agents are taken out as soon as the plan is applied.",
        )


def _unsure(plan: Plan) -> Iterable[Finding]:
    writes = [check for check in plan.access if "apply" in check.purposes]
    unsure = [check for check in writes if any(verdict.state is LaneState.UNKNOWN for verdict in check.lanes.values())]
    if unsure and not any(check.missing for check in writes):
        yield Finding(
            code="access_unknown",
            severity=Severity.WARNING,
            title="Whether the write is allowed can't be told beforehand",
            detail=f"{unsure[-1].call}: {_first_unknown(unsure[-1])}. "
            "If the first agents fail for one cause, the rest are not sent.",
        )


QUESTIONS = (
    _access,
    _unreadable,
    _zones,
    _offer,
    _undo,
    _nobody,
    _left_out,
    _unknown,
    _unpublished,
    _included,
    _speed,
    _clocks,
    _begun,
    _unsure,
)


def _first_unknown(check: AccessCheck) -> str:
    return next(verdict.evidence for verdict in check.lanes.values() if verdict.state is LaneState.UNKNOWN)


def _change(window: Window, zone: str) -> timedelta:
    """Return how far the wall clock of the zone moves inside the window: +1 h in spring, -1 h in autumn."""
    try:
        wall = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return timedelta(0)
    start, end = window.start.astimezone(wall).utcoffset(), window.end.astimezone(wall).utcoffset()
    return (end or timedelta(0)) - (start or timedelta(0))


def _length(window: Window, change: timedelta = timedelta(0)) -> str:
    minutes = round((window.end - window.start + change).total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts) or "0 min"


def _agents(count: int) -> str:
    return quantity(count, "agent is", "agents are")
