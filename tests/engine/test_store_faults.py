"""A fault of the desk's own database is never taken for an answer of the tenant.

The real client, pacer, ledger and runner on a demo tenant over HTTP, with the databases failing at any statement or right
after a commit, and with answers of the tenant lost on the way.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.demo_tenant import DemoHandle
from tests.support.engine_world import TENANT, dependencies_for, new_operation, nobody_blocked, utcnow
from tests.support.postgres import postgres_server, postgres_url
from tests.support.store_faults import FULL, LOCKED, FaultyDatabase, Outage
from wfm.domain.errors import StoreFault
from wfm.domain.operations import Item, ItemState, Operation, OperationState, Outcome, Phase, RunFilter
from wfm.domain.plans import RouteName
from wfm.engine import batch, sending
from wfm.engine.phases import PhaseRunner
from wfm.genesys import pacing
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.pacing import SharedPacer
from wfm.genesys.reads import Reader
from wfm.genesys.regions import endpoint_for_urls
from wfm.ledger import Ledger

__all__ = ["postgres_server", "postgres_url"]

_numbers = itertools.count()
AGENTS = 12
STEPS = 400
"""So often a phase is started again at most: a sweep does so for as long as it is due."""

outages = st.lists(
    st.builds(
        Outage,
        at=st.integers(1, 120),
        length=st.one_of(st.integers(1, 3), st.integers(4, 60)),
        after=st.booleans(),
        says=st.sampled_from([LOCKED, FULL]),
    ),
    max_size=3,
)
losses = st.dictionaries(st.integers(1, 2 * AGENTS), st.sampled_from(["before", "after"]), max_size=4)
"""Which of the writes lose their answer: before the tenant took them, or after."""


class LossyNetwork(httpx.HTTPTransport):
    """Loses the answers to some writes."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._writes = 0
        self._lost: dict[int, str] = {}

    def lose(self, lost: dict[int, str]) -> None:
        with self._lock:
            self._writes, self._lost = 0, lost

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        writes = request.method == "PATCH" or request.url.path.endswith("/execute")
        with self._lock:
            self._writes += writes
            fate = self._lost.get(self._writes) if writes else None
        if fate == "before":
            raise httpx.ReadTimeout("the request is lost", request=request)
        response = super().handle_request(request)
        if fate == "after":
            response.close()
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return response


@dataclass(eq=False)
class World:
    """A desk's work on a demo tenant, with databases that can be made to fail."""

    def __repr__(self) -> str:
        return "a world"

    demo: DemoHandle
    ledger: Ledger
    pacer: SharedPacer
    network: LossyNetwork
    client: GenesysClient
    ledger_faults: FaultyDatabase
    pacer_faults: FaultyDatabase
    ids: list[str]

    def operation(self, route: RouteName) -> Operation:
        self.demo.post("/_demo/reset")
        self.demo.patch("/_demo/settings", {"rate_limit": 100_000, "latency_ms": 0})
        client = self.demo.clients["desk"]
        more: dict[str, Any] = {"client_id": client["id"], "client_name": client["name"], "route": route}
        if route is RouteName.DATA_ACTION:
            self.demo.patch("/_demo/clients/architect-flow", {"add": ["wfm:schedule:update"]})
            actions = {action["name"]: action["id"] for action in self.actions()}
            more |= {"action_id": actions["set_agent_unavailable"], "restore_action_id": actions["set_agent_available"]}
        # A tenant of its own: what an earlier example left unconfirmed would keep its agent.
        return new_operation(self.ledger, self.ids, tenant=f"{TENANT}-{next(_numbers)}", **more)

    def actions(self) -> list[dict[str, Any]]:
        answer = self.demo.request("GET", "/api/v2/integrations/actions", "desk", params={"pageSize": 100})
        entities: list[dict[str, Any]] = answer.json()["entities"]
        return entities

    def run(
        self, operation: Operation, phase: Phase, on_ledger: Sequence[Outage], on_pacer: Sequence[Outage], lost: dict[int, str]
    ) -> Operation:
        """One phase, started again after every fault that ends it, as the worker's sweep does."""
        deps = dependencies_for(
            self.ledger,
            self.client,
            Reader(self.client),
            tenant_key=operation.tenant_key,
            recheck=nobody_blocked,
            timeout_s=0.02,
        )
        runner = PhaseRunner(deps, threading.Event())
        self.network.lose(lost)
        with self.ledger_faults.failing(on_ledger), self.pacer_faults.failing(on_pacer):
            first = True
            for _ in range(STEPS):
                try:
                    if not runner.advance(operation.id, phase, first):
                        break
                    first = False
                except StoreFault:
                    first = True
            else:
                raise AssertionError("the phase never ended")
        return self.ledger.operations.get(operation.tenant_key, operation.id)


@contextmanager
def a_world(demo: DemoHandle, ledger_url: str, pacing_url: str) -> Iterator[World]:
    known = demo.clients["desk"]
    network = LossyNetwork()
    with closing(Ledger(ledger_url)) as ledger:
        pacer = SharedPacer(pacing_url, "tenant|desk", 1.0)
        client = GenesysClient(
            endpoint_for_urls(demo.url, demo.url), Credentials(known["id"], known["secret"]), pacer, 5.0, network
        )
        of_ledger, of_pacer = FaultyDatabase(ledger.database.engine), FaultyDatabase(pacer._row._engine)
        ids = demo.on_shift(AGENTS)
        try:
            yield World(demo, ledger, pacer, network, client, of_ledger, of_pacer, ids)
        finally:
            of_ledger.close()
            of_pacer.close()
            client.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch, sending, pacing):
        monkeypatch.setattr(module, "STORE_PAUSE_S", 0.005)
    monkeypatch.setattr(pacing, "STORE_PATIENCE_S", 0.03)
    monkeypatch.setattr(batch, "FIRST_PROBE_S", 0.005)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, demo: DemoHandle, tmp_path: Path, impatient: None) -> Iterator[World]:
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}" for name in ("desk.sqlite", "pacing.sqlite")]
    else:
        urls = [request.getfixturevalue("postgres_url")] * 2
    with a_world(demo, *urls) as made:
        yield made


def story(world: World, operation: Operation, item: Item) -> str:
    """What the history has of an agent, for a failing test."""
    runs = world.ledger.runs.page(operation.tenant_key, RunFilter(operation_id=operation.id, agent_id=item.agent_id)).runs
    return "\n".join(f"{run.phase} {run.outcome} {run.status} {run.note} {run.cause}" for run in runs)


def check(world: World, operation: Operation, may_be_unconfirmed: int) -> None:
    """Tenant and ledger agree, nobody twice, and no fault of the store is told as a failure."""
    updates = world.demo.updates()
    unconfirmed = 0
    for item in world.ledger.items.page(operation.id):
        made = updates.get(item.agent_id, {"unavailable": 0, "available": 0})
        for state, times in ((item.apply_state, made["unavailable"]), (item.restore_state, made["available"])):
            if state is ItemState.UNCONFIRMED:
                unconfirmed += 1
                assert times <= 1, "somebody was written twice"
            elif state is ItemState.PENDING:
                assert times == 0
            elif state is ItemState.SKIPPED:
                assert item.apply_state is ItemState.UNCONFIRMED, story(world, operation, item)
                assert made == {"unavailable": 0, "available": 0}, "somebody who is out was left"
            else:
                assert state is ItemState.APPLIED, story(world, operation, item)
                assert times == 1, f"{item.agent_id} was written {times} times"
    assert unconfirmed <= may_be_unconfirmed
    for run in world.ledger.runs.page(operation.tenant_key, RunFilter(operation_id=operation.id), limit=1_000).runs:
        told = f"{run.cause} {run.note}".lower()
        assert not any(word in told for word in ("database", "budget", "locked", "disk", "postgres")), told
        assert run.outcome is not Outcome.FAILED or "read back each time" in run.note, run
    assert not operation.halt_reason


@settings(max_examples=18, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    out=st.tuples(outages, outages, losses),
    back=st.tuples(outages, outages, losses),
    route=st.sampled_from([RouteName.AVAILABILITY] * 3 + [RouteName.DATA_ACTION]),
)
@example(
    out=([], [Outage(1, 60)], {}),
    back=([], [Outage(1, 60)], {}),
    route=RouteName.AVAILABILITY,
)
@example(
    out=([Outage(at, 1, after=True) for at in (3, 4, 5)], [], {1: "after", 2: "before"}),
    back=([Outage(at, 1, after=True) for at in (2, 3, 4)], [], {}),
    route=RouteName.DATA_ACTION,
)
def test_a_fault_of_the_store_is_never_an_answer_of_the_tenant(
    world: World,
    out: tuple[list[Outage], list[Outage], dict[int, str]],
    back: tuple[list[Outage], list[Outage], dict[int, str]],
    route: RouteName,
) -> None:
    operation = world.operation(route)
    reads_back = route is not RouteName.DATA_ACTION
    operation = world.run(operation, Phase.APPLY, *out)
    check(world, operation, 0 if reads_back else len(out[2]))
    assert operation.state is OperationState.IN_EFFECT

    world.ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    operation = world.run(operation, Phase.RESTORE, *back)
    check(world, operation, 0 if reads_back else len(out[2]) + len(back[2]))
    assert operation.state in (OperationState.ENDED_EARLY, OperationState.FAILED_IN_PART)
    if reads_back:
        assert operation.state is OperationState.ENDED_EARLY
        assert set(world.demo.updates()) == set(world.ids)
