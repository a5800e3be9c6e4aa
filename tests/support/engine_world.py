"""What tests of the engine share: operations made straight in a ledger, and deps wired to a demo tenant."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.unpaced import Unpaced
from wfm.diagnosis import diagnose
from wfm.domain.agents import Agent, AgentState, Directory, Status
from wfm.domain.operations import Item, Operation, OperationState
from wfm.domain.plans import Fate, PlanRequest, RouteName, Selection
from wfm.domain.schedules import AgentSchedule, Shift
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window, WindowSpec
from wfm.engine.dependencies import EngineDependencies, Reads
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.pacing import RequestLane
from wfm.genesys.regions import endpoint_for_urls
from wfm.ledger import Ledger
from wfm.ledger.records import NewItem, NewOperation

TENANT = "127.0.0.1|test-organization"


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass
class ScriptedReads:
    """Bulk reads as a test wants them: everybody available and on shift unless said otherwise."""

    ids: Sequence[str]
    statuses: Callable[[], Mapping[str, Status]] = dict
    shifts: dict[str, tuple[Shift, ...]] = field(default_factory=dict)
    unpublished: frozenset[str] = frozenset()
    fault: Exception | None = None

    def token(self, *, fresh: bool = False) -> TokenFacts:
        return TokenFacts(
            client_id="c",
            client_name="desk",
            grant_type="client_credentials",
            scopes=("wfm:schedule:read", "wfm:schedule:write"),
            role_divisions=(),
            organization_id="o",
            organization_name="O",
            expires_at=None,
        )

    def directory(self, *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN) -> Directory:
        return Directory(agents={agent_id: an_agent(agent_id) for agent_id in self.ids}, groups=(), units={}, as_of=utcnow())

    def states(
        self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN
    ) -> dict[str, AgentState]:
        if self.fault is not None:
            raise self.fault
        known = self.statuses()
        return {agent.id: _a_state(agent.id, known.get(agent.id, Status.AVAILABLE)) for agent in agents}

    def schedules(
        self,
        agents: Sequence[Agent],
        start: datetime,
        end: datetime,
        *,
        fresh: bool = False,
        lane: RequestLane = RequestLane.SCREEN,
    ) -> dict[str, AgentSchedule]:
        if self.fault is not None:
            raise self.fault
        around = (Shift(id="s", start=start - timedelta(hours=4), end=end + timedelta(hours=4), activities=()),)
        return {
            agent.id: AgentSchedule(
                agent_id=agent.id,
                published=agent.id not in self.unpublished,
                version="1",
                shifts=self.shifts.get(agent.id, around),
            )
            for agent in agents
        }


def an_agent(agent_id: str) -> Agent:
    return Agent(
        id=agent_id,
        name=f"Agent {agent_id[:8]}",
        email=f"{agent_id[:8]}@example.com",
        active=True,
        division_id="d",
        division="Home",
        team_id=None,
        team=None,
        management_unit_id="m",
        management_unit="Unit",
        business_unit_id="b",
        zone="UTC",
    )


def _a_state(agent_id: str, status: Status) -> AgentState:
    return AgentState(
        agent_id=agent_id,
        status=status,
        presence="Available",
        on_queue=True,
        in_contact=False,
        out_of_office=False,
        read_at=utcnow(),
    )


def demo_client(demo: Any, name: str = "desk", *, timeout_s: float = 10.0, pacer: Any = None) -> GenesysClient:
    """A client of a running demo tenant, without a limit of its own unless a pacer is given."""
    known = demo.clients[name]
    endpoint = endpoint_for_urls(demo.url, demo.url)
    return GenesysClient(endpoint, Credentials(known["id"], known["secret"]), pacer or Unpaced(), timeout_s=timeout_s)


def nobody_blocked(operation: Operation, items: Sequence[Item]) -> dict[str, tuple[Fate, str]]:
    return {}


def dependencies_for(ledger: Ledger, client: Any, reads: Reads, **changes: Any) -> EngineDependencies:
    """EngineDependencies around one client."""
    values: dict[str, Any] = {
        "ledger": ledger,
        "tenant_key": TENANT,
        "client_for": lambda client_id: (client, reads),
        "recheck": nobody_blocked,
        "diagnose": diagnose,
        "clock": utcnow,
        "worker_id": "w1",
        "timeout_s": 1.0,
    }
    return EngineDependencies(**{**values, **changes})


def new_operation(
    ledger: Ledger,
    agent_ids: Sequence[str],
    *,
    now: datetime | None = None,
    start: datetime | None = None,
    minutes: float = 30,
    route: RouteName = RouteName.AVAILABILITY,
    reason: str = "maintenance_window",
    tenant: str = TENANT,
    **changes: Any,
) -> Operation:
    """An operation of these agents, starting now unless said otherwise."""
    now = now or utcnow()
    begin = start or now
    window = Window(start=begin, end=begin + timedelta(minutes=minutes), zone="UTC", now=start is None)
    request = PlanRequest(
        selection=Selection(agents=tuple(agent_ids)), window=WindowSpec(minutes=minutes), route=route, reason=reason
    )
    values: dict[str, Any] = {
        "tenant_key": tenant,
        "client_id": "c",
        "client_name": "desk",
        "plan_id": "p",
        "title": "test window",
        "request": request,
        "route": route,
        "action_id": None,
        "restore_action_id": None,
        "window": window,
        "created_by": "tester",
        "request_token": "",
        "items": tuple(
            NewItem(agent_id=agent_id, agent_name=f"Agent {agent_id[:8]}", before=Status.AVAILABLE, fate=Fate.READY.value)
            for agent_id in agent_ids
        ),
    }
    return ledger.operations.create(NewOperation(**{**values, **changes}), now)


def open_ledger(folder: Path) -> Ledger:
    return Ledger(f"sqlite:///{folder / 'desk.sqlite'}")


def wait_for_state(
    ledger: Ledger, operation_id: str, *states: OperationState, patience_s: float = 60.0, tenant: str = TENANT
) -> Operation:
    """Waits until the operation is in one of the states. Fails with what it is in instead."""
    deadline = time.monotonic() + patience_s
    while True:
        operation = ledger.operations.get(tenant, operation_id)
        if operation.state in states:
            return operation
        if time.monotonic() > deadline:
            counts = ledger.items.counts([operation_id])[operation_id]
            events = [event.text for event in ledger.operations.events(operation_id)]
            raise AssertionError(f"still {operation.state}, not {states}: {counts} {events}")
        time.sleep(0.05)
