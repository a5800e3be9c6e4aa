"""What will happen to each agent: one fate, by a fixed order of questions.

The first question whose answer stops the agent decides:

 1. unknown user        the word given matches no one in the directory
 2. inactive            the user can't be signed in, so there is nothing to take out
 3. wrong division      none of the token's roles is granted in the agent's division (tokens decided by roles only)
 4. in another window   another window has the agent and restores them at its own end
 5. not scheduled, schedule unpublished, time off        the published schedule has no work in the window
 6. out of office       about now: asked only when the window starts within NEAR_START
 7. already unavailable about now, as above: someone else took them out, so the desk must not restore them
 8. shift ends inside, shift starts inside               a warning, the agent is written
 9. after contact       about now: the agent is in a contact and changes when it ends; a warning
10. ready

A blocked fate that the person includes on purpose (domain.plans.INCLUDABLE) doesn't end the questions: what comes after
it may still stop the agent. Questions 6, 7 and 9 come from states that change by the second. They decide who is written,
but stay out of the plan id: `Fates.agents` and `Fates.blocked` are what the first five questions alone would say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wfm.domain.agents import Agent, AgentState, Status
from wfm.domain.plans import INCLUDABLE, SEVERITY, AgentFate, Fate, ResolvedSelection, RouteName, Severity
from wfm.domain.schedules import AgentSchedule
from wfm.domain.windows import Window
from wfm.preview.shifts import LocalClock, on_schedule

NEAR_START = timedelta(minutes=5)
"""A window that starts within this time is about now: present states count."""

Verdict = tuple[Fate, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The facts that decide fates.

    `divisions` are those the token's roles are granted in, None where divisions don't decide (or all are granted).
    `held` gives the title of the window that already has an agent. `schedules_known` is false when the tenant refused
    the read of schedules: the question is then skipped (the preview refuses the plan for it).
    """

    window: Window
    now: datetime
    route: RouteName
    schedules: Mapping[str, AgentSchedule]
    states: Mapping[str, AgentState]
    held: Mapping[str, str]
    divisions: frozenset[str] | None = None
    include: frozenset[Fate] = frozenset()
    schedules_known: bool = True
    clocks: dict[str, LocalClock] = field(default_factory=dict)

    @property
    def about_now(self) -> bool:
        """Whether present states count: the window starts now or within NEAR_START."""
        return is_about_now(self.window, self.route, self.now)

    def clock(self, zone: str) -> LocalClock:
        clock = self.clocks.get(zone)
        if clock is None:
            clock = self.clocks[zone] = LocalClock(zone, self.window)
        return clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """Every row, agents first and unknown words last, and the part of the fates that the plan id is made from.

    `agents` are id -> name of those who would be written if momentary states are left aside; `blocked` are
    id or word -> (fate, name) of the others.
    """

    rows: tuple[AgentFate, ...]
    agents: Mapping[str, str]
    blocked: Mapping[str, tuple[Fate, str]]


def is_about_now(window: Window, route: RouteName, now: datetime) -> bool:
    """Return whether the window starts now or within NEAR_START, so that present states count. Corrections never are."""
    if not route.undoable_by_clock or window.end <= now:
        return False
    return window.now or window.start - now <= NEAR_START


def decide(chosen: ResolvedSelection, world: World) -> Fates:
    """Return the fate of every chosen agent. Pure, and linear in the agents: 50,000 take a second or two."""
    rows: list[AgentFate] = []
    agents: dict[str, str] = {}
    blocked: dict[str, tuple[Fate, str]] = {}
    about_now, include = world.about_now, world.include & INCLUDABLE
    for agent in chosen.agents:
        schedule, state = world.schedules.get(agent.id), world.states.get(agent.id)
        fate, reason = standing(agent, schedule, world)
        included = fate in include
        stopped = SEVERITY[fate] is Severity.BLOCKED and not included
        if stopped:
            blocked[agent.id] = (fate, agent.name)
        else:
            agents[agent.id] = agent.name
            if included:
                reason = f"included on purpose: {reason}"
            if about_now:
                fate, reason = momentary(state, fate, reason, include)
        severity = SEVERITY[fate]
        if severity is Severity.BLOCKED and fate in include:
            severity = Severity.WARNING
        rows.append(
            AgentFate(
                given=agent.id,
                agent=agent,
                fate=fate,
                severity=severity,
                reason=reason,
                writes=severity is not Severity.BLOCKED,
                state=state,
                schedule=schedule,
            )
        )
    for word in chosen.unknown:
        blocked[word] = (Fate.UNKNOWN_USER, word)
    rows += _unknown(chosen.unknown, chosen.ambiguous)
    return Fates(rows=tuple(rows), agents=agents, blocked=blocked)


def standing(agent: Agent, schedule: AgentSchedule | None, world: World) -> Verdict:
    """Answer questions 2 to 5 and 8, which need no present state."""
    if not agent.active:
        return Fate.INACTIVE, "the user is inactive in Genesys Cloud"
    if world.divisions is not None and agent.division_id not in world.divisions:
        return Fate.WRONG_DIVISION, f"in division {agent.division or 'unknown'}, where the token has no role"
    title = world.held.get(agent.id)
    if title is not None:
        return Fate.IN_ANOTHER_WINDOW, f"already in the window “{title}”"
    if not world.schedules_known:
        return Fate.READY, "schedule not readable with this token"
    return on_schedule(schedule, agent.management_unit_id is not None, world.window, world.clock(agent.zone))


def momentary(state: AgentState | None, fate: Fate, reason: str, include: frozenset[Fate]) -> Verdict:
    """Return the fate after questions 6, 7 and 9, from the agent's present state and a fate that doesn't stop them."""
    if state is None:
        return fate, f"{reason}; present state unknown"
    if state.out_of_office:
        if Fate.OUT_OF_OFFICE not in include:
            return Fate.OUT_OF_OFFICE, "out of office is set, so the status can't be changed"
        if fate is Fate.READY:
            fate, reason = Fate.OUT_OF_OFFICE, f"included on purpose: out of office is set; {reason}"
    if state.status is Status.UNAVAILABLE:
        presence = f" ({state.presence})" if state.presence and state.presence.casefold() != "unavailable" else ""
        return Fate.ALREADY_UNAVAILABLE, f"already unavailable{presence}: left as found, at the end too"
    if state.in_contact:
        after = "in a contact now, changes after it"
        return (Fate.AFTER_CONTACT, f"{after}; {reason}") if fate is Fate.READY else (fate, f"{reason}; {after}")
    return fate, reason


def _unknown(words: Iterable[str], ambiguous: frozenset[str]) -> list[AgentFate]:
    return [
        AgentFate(
            given=word,
            agent=None,
            fate=Fate.UNKNOWN_USER,
            severity=Severity.BLOCKED,
            reason="several agents have this name: give the id or e-mail"
            if word in ambiguous
            else "no one in the directory has this id, e-mail or name",
            writes=False,
        )
        for word in words
    ]
