"""A small tenant as the reader would give it: agents, schedules, states, a token, and how often each was read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wfm.domain.agents import Agent, AgentState, Directory, Group, GroupKind, Status
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.schedules import Activity, AgentSchedule, Shift
from wfm.domain.tenant import Tenant, TokenFacts
from wfm.domain.windows import WindowSpec
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.preview import Previewer

NOW = datetime(2026, 11, 24, 13, 12, 7, tzinfo=UTC)  # a Tuesday, 14:12 in Berlin
TENANT = Tenant(
    api_url="http://127.0.0.1:8808",
    login_url="http://127.0.0.1:8808",
    organization_id="org-1",
    organization_name="Acme",
    is_demo=True,
)
BRIEF_SCOPES = ("wfm:schedule:read", "wfm:schedule:write", "wfm:schedule:update")


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    """An instant of November 2026, UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def token(scopes: tuple[str, ...] | None = BRIEF_SCOPES, **changes: Any) -> TokenFacts:
    facts = TokenFacts(
        client_id="client-1",
        client_name="desk",
        grant_type="client_credentials",
        scopes=scopes,
        role_divisions=(),
        organization_id="org-1",
        organization_name="Acme",
        expires_at=None,
    )
    return replace(facts, **changes)


def agent(number: int, **changes: Any) -> Agent:
    """Agents of odd number work in Hamburg, of even number in Malmö; every third is in team Blue."""
    odd, team = number % 2 == 1, "blue" if number % 3 == 0 else "red"
    made = Agent(
        id=f"user-{number:05}",
        name=f"Agent {number:05}",
        email=f"agent{number}@example.org",
        active=True,
        division_id="div-north" if odd else "div-south",
        division="North" if odd else "South",
        team_id=f"team-{team}",
        team=team.title(),
        management_unit_id="mu-hamburg" if odd else "mu-malmo",
        management_unit="Hamburg" if odd else "Malmö",
        business_unit_id="bu-1",
        zone="Europe/Berlin" if odd else "Europe/Stockholm",
    )
    return replace(made, **changes)


def shift(start: datetime, end: datetime, *off: tuple[datetime, datetime]) -> Shift:
    activities = [Activity(start=start, end=end, category="OnQueueWork")]
    activities += [Activity(start=begin, end=finish, category="TimeOff") for begin, finish in off]
    return Shift(id=f"shift-{start:%d%H%M}", start=start, end=end, activities=tuple(activities))


def schedule(agent_id: str, *shifts: Shift, **changes: Any) -> AgentSchedule:
    made = AgentSchedule(agent_id=agent_id, published=True, version="week-48:3", shifts=shifts)
    return replace(made, **changes)


def state(agent_id: str, **changes: Any) -> AgentState:
    made = AgentState(
        agent_id=agent_id,
        status=Status.AVAILABLE,
        presence="On Queue",
        on_queue=True,
        in_contact=False,
        out_of_office=False,
        read_at=NOW,
    )
    return replace(made, **changes)


@dataclass
class FakeReader:
    """The tenant as a `Reader`. Change its fields to change the world; `reads` tells what was read, fresh or not."""

    agents: dict[str, Agent]
    schedule_of: dict[str, AgentSchedule]
    state_of: dict[str, AgentState]
    facts: TokenFacts = field(default_factory=token)
    queues: dict[str, frozenset[str]] = field(default_factory=dict)
    raw_actions: list[Mapping[str, Any]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    reads: list[tuple[str, bool]] = field(default_factory=list)
    requests: int = 0
    as_of: dict[str, datetime] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: NOW
    lanes: set[RequestLane] = field(default_factory=set)
    gaps: dict[str, GenesysError] = field(default_factory=dict)

    def _read(self, source: str, fresh: bool) -> None:
        self.reads.append((source, fresh))
        self.requests += 1
        if source in self.fails:
            raise self.fails[source]
        self.as_of[source] = self.now()

    def token(self, *, fresh: bool = False) -> TokenFacts:
        self._read("token", fresh)
        return self.facts

    def directory(self, *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN) -> Directory:
        self._read("directory", fresh)
        groups = {
            *((GroupKind.TEAM, one.team_id, one.team) for one in self.agents.values()),
            *((GroupKind.MANAGEMENT_UNIT, one.management_unit_id, one.management_unit) for one in self.agents.values()),
            *((GroupKind.DIVISION, one.division_id, one.division) for one in self.agents.values()),
            *((GroupKind.QUEUE, queue, queue.removeprefix("queue-").title()) for queue in self.queues),
        }
        return Directory(
            agents=dict(self.agents),
            groups=tuple(Group(kind=kind, id=key, name=name) for kind, key, name in sorted(groups, key=str) if key and name),
            units={},
            as_of=self.now(),
        )

    def queue_members(self, queue_id: str, *, fresh: bool = False) -> frozenset[str]:
        self._read("queue_members", fresh)
        return self.queues[queue_id]

    def states(
        self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN
    ) -> Mapping[str, AgentState]:
        self.lanes.add(lane)
        self._read("states", fresh)
        return {one.id: self.state_of[one.id] for one in agents if one.id in self.state_of}

    def schedules(
        self,
        agents: Sequence[Agent],
        start: datetime,
        end: datetime,
        *,
        fresh: bool = False,
        lane: RequestLane = RequestLane.SCREEN,
    ) -> Mapping[str, AgentSchedule]:
        self.lanes.add(lane)
        self._read("schedules", fresh)
        return {one.id: self.schedule_of[one.id] for one in agents if one.id in self.schedule_of}

    def actions(self, *, fresh: bool = False) -> Sequence[Mapping[str, Any]]:
        self._read("actions", fresh)
        return self.raw_actions


@dataclass
class Room:
    """A previewer over a fake tenant, with a clock and a set of held agents that tests may move."""

    reader: FakeReader
    now: datetime = NOW
    held: dict[str, str] = field(default_factory=dict)
    tenant: Tenant = TENANT
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def previewer(self) -> Previewer:
        def held(start: datetime, end: datetime, ids: Collection[str]) -> Mapping[str, str]:
            return {key: title for key, title in self.held.items() if key in ids}

        reader: Any = self.reader
        return Previewer(reader, held=held, clock=lambda: self.now, tenant=self.tenant, **self.options)


def make_room(count: int = 6) -> Room:
    """So many agents on shift 07:00-17:00 UTC, available; nobody held; the token holds all three scopes of the brief."""
    agents = {one.id: one for one in (agent(number) for number in range(1, count + 1))}
    reader = FakeReader(
        agents=agents,
        schedule_of={key: schedule(key, shift(at(7), at(17))) for key in agents},
        state_of={key: state(key) for key in agents},
    )
    room = Room(reader)
    reader.now = lambda: room.now
    return room


def ask(*agents: str, **changes: Any) -> PlanRequest:
    """A request for these agents (all teams when none is named), now for 30 minutes."""
    selection = Selection(agents=agents) if agents else Selection(teams=("Red", "Blue"))
    made = PlanRequest(selection=selection, window=WindowSpec(minutes=30, zone="Europe/Berlin"), route=RouteName.AVAILABILITY)
    return made.model_copy(update=changes)


def later(start: datetime, minutes: float = 30, zone: str = "Europe/Berlin") -> WindowSpec:
    return WindowSpec(start=start, end=start + timedelta(minutes=minutes), zone=zone)
