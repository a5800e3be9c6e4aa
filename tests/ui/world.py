"""The Desk under the screens' tests: the real one, on SQLite, on the demo tenant in this process.

One world serves many tests. Before each of them its database is made what it was (by SQLite's own backup), and a world whose
tenant was changed is left for a new one. What a test needs in the history is written through the ledger, as the worker writes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.demo_network import DemoNetwork, plugged
from tests.support.inside import inside
from tests.support.store_faults import LOCKED, FaultyDatabase, Outage
from wfm.demo.tenant import DemoTenant, Options
from wfm.demo.world import World as Organization
from wfm.demo.world import build_world
from wfm.desk import Desk
from wfm.diagnosis import diagnose
from wfm.domain.agents import Status
from wfm.domain.diagnoses import Evidence
from wfm.domain.operations import (
    Exchange,
    FailureGroup,
    ItemState,
    Operation,
    OperationState,
    Outcome,
    Phase,
    Run,
    RunFilter,
)
from wfm.domain.people import Actor, Role
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.domain.workers import WorkerState
from wfm.ledger.records import Claim, DirectRun, NewItem, NewOperation, Settlement
from wfm.settings import Settings

S = OperationState
AGENTS = 120
ORGANIZATION: Organization = build_world(agents=AGENTS)
PEOPLE = ORGANIZATION.people
TEAMS = tuple(f"team:{team.id}" for team in ORGANIZATION.teams)
QUEUES = tuple(f"queue:{queue.id}" for queue in ORGANIZATION.queues)
EVERYBODY = f"business_unit:{ORGANIZATION.business_units[0].id}"
NEEDED = "wfm:schedule:update"
VISITOR = Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)
"""The person who looks at a demo tenant."""
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'
DEMO_URL = "http://127.0.0.1:8808"
REAL_REGION = "mypurecloud.com"
OIDC: dict[str, Any] = {"oidc_metadata_url": "https://id.example/.well-known", "admins": ("boss@example.com",)}
"""Settings of a desk where people sign in; boss@example.com is an admin."""
WORKER = "w1"
OUTCOMES = {
    ItemState.APPLIED: Outcome.APPLIED,
    ItemState.FAILED: Outcome.FAILED,
    ItemState.SKIPPED: Outcome.SKIPPED,
    ItemState.UNCONFIRMED: Outcome.UNCONFIRMED,
}


@dataclass
class Clock:
    """The real time, and what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """A demo tenant and the Desks on it: one that knows it as the demo, others for which it is a tenant in a region."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._tenant = DemoTenant(Options(agents=AGENTS, latency_ms=0, rate_limit=100_000))
        self.network = DemoNetwork(self._tenant)
        self._desks: dict[str, Desk] = {}
        self._touched = False

    @property
    def tenant(self) -> DemoTenant:
        """The tenant itself. A test that takes it in hand may change it: no other test gets this world."""
        self._touched = True
        return self._tenant

    @property
    def changed(self) -> bool:
        """Whether the tenant is not what it was."""
        return self._touched or self.network.changed

    def desk(self, *, real: bool = False, **settings: Any) -> Desk:
        """The Desk with these settings: the same one for the same settings, all on one database."""
        key = f"{real} {sorted(settings.items())}"
        if key not in self._desks:
            where: dict[str, Any] = {"genesys_api_url": DEMO_URL, "genesys_login_url": DEMO_URL}
            if real:
                client = self._tenant.access.clients[settings.pop("client", "architect-flow")]
                where = {"genesys_region": REAL_REGION, "genesys_client_id": client.id, "genesys_client_secret": client.secret}
            self._desks[key] = Desk.open(
                Settings(_env_file=None, data_dir=self.folder, genesys_timeout_s=2, **where, **settings), clock=self.clock
            )
        return self._desks[key]

    def close(self) -> None:
        with plugged(self.network):
            for desk in self._desks.values():
                desk.close()
        self._desks.clear()

    # --- the database ------------------------------------------------------------------------------------------------

    def keep(self, template: Path) -> None:
        """Copies the database as it is."""
        _backup(self.folder / "desk.sqlite", template)

    def restore(self, template: Path) -> None:
        """Makes the database what it was when it was copied."""
        _backup(template, self.folder / "desk.sqlite")
        self.clock.ahead = timedelta()


def _backup(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as other:
        one.backup(other)


@dataclass
class Worlds:
    """The worlds of a test run: one at a time, a new one when the last was changed."""

    folder: Path
    _world: World | None = None
    _made: int = 0

    @contextlib.contextmanager
    def fresh(self, history: Callable[[Desk], object] | None = None) -> Iterator[World]:
        """A world as at first, plugged in: nobody changed its tenant, its database holds no more than this history."""
        if self._world is not None and self._world.changed:
            self.close()
        if self._world is None:
            self._made += 1
            self._world = World(self.folder / f"world-{self._made}")
        world = self._world
        with plugged(world.network):
            world.restore(self._template(world, history))
            world.network.asked.clear()
            yield world

    def _template(self, world: World, history: Callable[[Desk], object] | None) -> Path:
        base, wanted = self.folder / "base.sqlite", self.folder / f"{history.__name__ if history else 'base'}.sqlite"
        if not base.exists():
            for desk in (world.desk(), world.desk(real=True)):
                # A worker ahead of its time is alive throughout.
                seen_at = desk.clock() + timedelta(days=1)
                inside(desk).ledger.workers.heartbeat(
                    f"{WORKER} {desk.tenant.key}", desk.tenant.key, state=WorkerState.WORKING, pid=1, host="here", now=seen_at
                )
            world.keep(base)
        if not wanted.exists():
            world.restore(base)
            assert history is not None
            history(world.desk())
            world.keep(wanted)
        return wanted

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None


@contextlib.contextmanager
def failing(desk: Desk, says: str = LOCKED) -> Iterator[None]:
    """The ledger's database can't be used meanwhile."""
    database = FaultyDatabase(inside(desk).ledger.database.engine)
    try:
        with database.failing([Outage(at=1, length=1_000_000, says=says)]):
            yield
    finally:
        database.close()


def stop_worker(desk: Desk) -> None:
    """No worker is alive any more."""
    inside(desk).ledger.workers.forget(f"{WORKER} {desk.tenant.key}")


# --- history ----------------------------------------------------------------------------------------------------------


def add_window(
    desk: Desk,
    state: OperationState = S.IN_EFFECT,
    *,
    out: int = 0,
    failed: int = 0,
    unconfirmed: int = 0,
    restored: int = 0,
    not_back: int = 0,
    waiting: int = 0,
    starts_in: timedelta = timedelta(minutes=-8),
    lasts: timedelta = timedelta(minutes=30),
    body: str = FORBIDDEN,
    **changes: Any,
) -> Operation:
    """An operation of agents whom no other holds, so many of them in each state, moved on to `state` as a worker does it."""
    start = desk.clock().replace(microsecond=0) + starts_in
    window = Window(start=start, end=start + lasts, zone="Europe/Berlin")
    held = inside(desk).ledger.operations.held_agents(
        desk.tenant.key, window.start, window.end, [person.id for person in PEOPLE]
    )
    total = out + failed + unconfirmed + restored + not_back + waiting
    agents = [person for person in PEOPLE if person.id not in held][:total]
    agents = agents[::-1] if changes.pop("newest_first", False) else agents
    given: dict[str, Any] = {name: changes.pop(name) for name in ("halt_reason", "ended_at") if name in changes}
    request = PlanRequest(
        selection=Selection(agents=tuple(agent.id for agent in agents)),
        window=WindowSpec(start=window.start, end=window.end, zone=window.zone),
        route=changes.get("route", RouteName.AVAILABILITY),
        reason="DB upgrade",
        ticket="CHG-1042",
    )
    values: dict[str, Any] = {
        "tenant_key": desk.tenant.key,
        "client_id": inside(desk).connections.current_id(),
        "client_name": "architect-flow",
        "plan_id": "7f3a-91c2",
        "title": "DB upgrade · CHG-1042",
        "request": request,
        "route": RouteName.AVAILABILITY,
        "action_id": None,
        "restore_action_id": None,
        "window": window,
        "created_by": VISITOR.name,
        "request_token": "",
        "blocked": ((PEOPLE[-1].id, PEOPLE[-1].name, "not scheduled: no shift in the window"),),
    }
    agent_name = changes.pop("agent_name", "")
    values["items"] = tuple(
        NewItem(agent_id=agent.id, agent_name=agent_name or agent.name, before=Status.AVAILABLE, fate="ready")
        for agent in agents
    )
    operation = inside(desk).ledger.operations.create(NewOperation(**{**values, **changes}), min(start, desk.clock()))
    taken = [ItemState.APPLIED] * (restored + not_back + out)
    taken += [ItemState.FAILED] * failed + [ItemState.UNCONFIRMED] * unconfirmed
    back = [ItemState.APPLIED] * restored + [ItemState.FAILED] * not_back
    _live(desk, operation, state, taken, back, body, given)
    return desk.windows.get(operation.id).operation


def _live(
    desk: Desk,
    operation: Operation,
    state: OperationState,
    taken: Sequence[ItemState],
    back: Sequence[ItemState],
    body: str,
    given: dict[str, Any],
) -> None:
    """The states on the way to `state`, one after the other."""
    at = min(operation.window.start, desk.clock())
    if state is S.SCHEDULED:
        return
    _move(desk, operation, S.SCHEDULED, S.APPLYING, at, started_at=at)
    run_phase(desk, operation, Phase.APPLY, taken, at=at, body=body)
    at += timedelta(seconds=9)
    if state is S.APPLYING:
        return
    if state in (S.HALTED, S.FAILED, S.CORRECTED, S.CANCELLED):
        if state is S.CANCELLED:
            inside(desk).ledger.lifecycle.request_cancel(operation.id, now=at, actor=VISITOR.name)
        _move(desk, operation, S.APPLYING, state, at, **{"ended_at": at, **given})
        return
    _move(desk, operation, S.APPLYING, S.IN_EFFECT, at, applied_at=at)
    if state is S.IN_EFFECT:
        return
    _move(desk, operation, S.IN_EFFECT, S.RESTORING, at, restore_started_at=at)
    run_phase(desk, operation, Phase.RESTORE, back, at=at, body=body)
    if state is not S.RESTORING:
        _move(desk, operation, S.RESTORING, state, at, **{"ended_at": min(operation.window.end, desk.clock()), **given})


def _move(desk: Desk, operation: Operation, one: OperationState, other: OperationState, at: datetime, **stamps: Any) -> None:
    assert inside(desk).ledger.lifecycle.transition(operation.id, [one], other, now=at, **stamps)


def run_phase(
    desk: Desk, operation: Operation, phase: Phase, states: Sequence[ItemState], *, at: datetime, body: str = FORBIDDEN
) -> None:
    """Claims so many agents and settles them: the first in the first state, and so on."""
    if not states:
        return
    claims = inside(desk).ledger.items.claim(
        operation.id,
        phase,
        limit=len(states),
        worker_id=WORKER,
        now=at,
        route=operation.route.value,
        action=operation.action_id,
        via="direct",
        call=CALL,
    )
    ends = [settlement(claim, state, body=body) for claim, state in zip(claims, states, strict=True)]
    inside(desk).ledger.items.settle(operation.id, phase, ends, now=at + timedelta(milliseconds=41))


def settlement(claim: Claim, state: ItemState, *, body: str = FORBIDDEN) -> Settlement:
    """How a claim ended: applied with 200, failed with a 403 that is read as the engine reads it, or without an answer."""
    return _settlement(claim.run_id, claim.item.agent_id, state, claim.claimed_at, body, 403)


def _settlement(
    run_id: str, agent_id: str, state: ItemState, at: datetime, body: str, status: int, **changes: Any
) -> Settlement:
    failed, answered = state is ItemState.FAILED, state in (ItemState.APPLIED, ItemState.FAILED)
    correlation = f"c-{run_id or agent_id[:8]}"
    given = (status if failed else 200) if answered else None
    exchange = an_exchange(agent_id, given, body if failed else '{"status": "unavailable"}', at, correlation)
    found = diagnose(status, exchange.response_headers, body, evidence()) if failed else None
    values: dict[str, Any] = {
        "run_id": run_id,
        "agent_id": agent_id,
        "state": state,
        "outcome": OUTCOMES[state],
        "finished_at": at + timedelta(milliseconds=41),
        "duration_ms": 41,
        "status": given,
        "code": found.code if found else None,
        "correlation_id": correlation,
        "diagnosis": found,
        "exchanges": (exchange,),
    }
    return Settlement(**{**values, **changes})


def evidence(via: str = "direct", call: str = CALL) -> Evidence:
    return Evidence(call=call, via=via, client_name="architect-flow" if via == "direct" else None)


def an_exchange(
    agent_id: str, status: int | None, body: str, at: datetime, correlation_id: str, number: int = 1, **changes: Any
) -> Exchange:
    values: dict[str, Any] = {
        "number": number,
        "method": "PATCH",
        "url": f"{DEMO_URL}/api/v2/wfm/users/{agent_id}/availability",
        "request_body": '{"status":"unavailable","reason":"maintenance_window"}',
        "status": status,
        "response_headers": {"content-type": "application/json", "ININ-Correlation-Id": correlation_id} if status else {},
        "response_body": body if status else None,
        "correlation_id": correlation_id if status else None,
        "fault": "" if status else "timeout",
        "started_at": at,
        "duration_ms": 41,
    }
    return Exchange(**{**values, **changes})


def add_run(
    desk: Desk,
    number: int = 0,
    state: ItemState = ItemState.FAILED,
    *,
    body: str = FORBIDDEN,
    status: int = 403,
    ago: timedelta = timedelta(minutes=5),
    settled: dict[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """A run of this agent outside any window. `settled` changes how it ended."""
    at, person = desk.clock() - ago, PEOPLE[number]
    ended = _settlement("", person.id, state, at, body, status, **(settled or {}))
    values: dict[str, Any] = {
        "tenant_key": desk.tenant.key,
        "agent_id": person.id,
        "agent_name": person.name,
        "route": "availability",
        "action": None,
        "via": "direct",
        "call": CALL,
        "phase": Phase.APPLY,
        "settlement": ended,
        "started_at": at,
        "created_by": VISITOR.name,
        "client_id": inside(desk).connections.current_id(),
    }
    return inside(desk).ledger.runs.record(DirectRun(**{**values, **changes}))


def all_runs(desk: Desk) -> tuple[Run, ...]:
    """Every run, the newest first."""
    return desk.runs.page(RunFilter(), limit=500).runs


def the_group(desk: Desk) -> FailureGroup:
    """The one failure group."""
    (group,) = desk.failures.groups()
    return group


# --- histories that many tests begin with ------------------------------------------------------------------------------


def many_runs(desk: Desk) -> None:
    """A window of all 120 agents that is being applied: every third failed for the same cause, PEOPLE[0] is the newest run."""
    operation = add_window(desk, S.SCHEDULED, waiting=AGENTS, newest_first=True)
    began = desk.clock() - timedelta(minutes=5)
    _move(desk, operation, S.SCHEDULED, S.APPLYING, operation.window.start, started_at=operation.window.start)
    # The ledger takes agents in their order, and of one instant the last is the newest: runs and people are numbered alike.
    newest_last = [ItemState.FAILED if number % 3 == 0 else ItemState.APPLIED for number in reversed(range(AGENTS))]
    for first in range(0, AGENTS, 20):
        at = began - timedelta(seconds=AGENTS - first)
        run_phase(desk, operation, Phase.APPLY, newest_last[first : first + 20], at=at)


def three_failures(desk: Desk) -> None:
    """The brief's failure: three agents of a window that was halted."""
    add_window(desk, S.HALTED, failed=3, halt_reason="architect-flow lacks wfm:schedule:update.")
