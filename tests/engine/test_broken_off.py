"""A write that breaks off: what goes back to waiting, what is failed, and what its evidence holds."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.support.engine_world import new_operation
from tests.support.fake_sender import an_exchange
from tests.support.phase_world import IDS, World
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import StoreFault
from wfm.domain.operations import ItemState, Outcome
from wfm.engine.batch import MAX_SENDS, BatchExecutor, Canary
from wfm.engine.sending import UnknownOutcome, Unsent
from wfm.genesys.errors import BudgetTimeout, Cancelled, GenesysError, ServerFault
from wfm.ledger import Ledger
from wfm.ledger.records import Settlement
from wfm.routes.availability import AvailabilityRoute
from wfm.routes.base import Interrupted, Sender, Task, Written

CALL = "PATCH /x"
REST = "broken off in the middle; the rest is sent again"


class Breaking(AvailabilityRoute):
    """A route of two writes for one agent, which break off so."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def apply(self, client: Sender, task: Task) -> Written:
        raise self.error


def sent(ledger: Ledger, error: Exception, **deps: Any) -> Settlement | UnknownOutcome | Unsent:
    world = World(ledger, **deps)
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    return replace(world.context(operation), route=Breaking(error)).send(claim)


def after_one_write(cause: GenesysError | StoreFault) -> Interrupted:
    return Interrupted(cause, "first", (an_exchange(CALL, 200),), written=1)


def test_the_desks_own_store_fails_after_the_first_of_two_writes(ledger: Ledger) -> None:
    """The agent waits again; the mark of what was written stays, so that it can be undone."""
    fault = StoreFault("locked")
    result = sent(ledger, after_one_write(fault))
    assert isinstance(result, Unsent)
    assert result.fault is fault
    rest = result.settlement
    assert (rest.state, rest.outcome, rest.marker, rest.note) == (ItemState.PENDING, Outcome.SKIPPED, "first", REST)
    assert [exchange.status for exchange in rest.exchanges] == [200]
    assert rest.agent_id == IDS[0]


@pytest.mark.parametrize("error", [StoreFault("locked"), Interrupted(StoreFault("locked"), None, (), written=0)])
def test_the_desks_own_store_fails_before_anything_is_written(ledger: Ledger, error: Exception) -> None:
    result = sent(ledger, error)
    assert isinstance(result, Unsent)
    assert (result.settlement.state, result.settlement.marker) == (ItemState.PENDING, None)
    assert result.settlement.note != REST


def test_a_defect_of_the_desk_leaves_a_doubt_that_is_read_back_once_no_request_can_be_under_way(ledger: Ledger) -> None:
    began = time.monotonic()
    result = sent(ledger, RuntimeError("a defect"), timeout_s=5.0)
    assert isinstance(result, UnknownOutcome)
    assert result.claim.item.agent_id == IDS[0]
    assert began + 5.0 <= result.ready <= time.monotonic() + 5.0


@pytest.mark.parametrize("kind", [BudgetTimeout, Cancelled])
def test_no_permit_for_the_first_write_gives_the_agent_back(ledger: Ledger, kind: type[GenesysError]) -> None:
    result = sent(ledger, Interrupted(kind(CALL), None, (), written=0))
    assert isinstance(result, Settlement)
    assert (result.state, result.outcome, result.exchanges) == (ItemState.PENDING, Outcome.SKIPPED, ())
    assert result.note != REST


def test_no_permit_for_the_second_write_gives_the_rest_back(ledger: Ledger) -> None:
    result = sent(ledger, after_one_write(BudgetTimeout(CALL)))
    assert isinstance(result, Settlement)
    assert (result.state, result.marker, result.note) == (ItemState.PENDING, "first", REST)
    assert [exchange.status for exchange in result.exchanges] == [200]


def test_what_a_failure_is_diagnosed_from(ledger: Ledger) -> None:
    """Body and circumstances; what the desk's own store does not tell is left open."""
    seen: list[tuple[Any, ...]] = []
    world = World(ledger)
    inner = world.deps.diagnose

    def diagnose(status: int | None, headers: Any, body: Any, evidence: Evidence) -> Any:
        seen.append((status, body, evidence))
        return inner(status, headers, body, evidence)

    operation = world.begin(new_operation(ledger, IDS[:1]))
    context = world.context(operation)
    context = replace(
        context,
        deps=replace(context.deps, diagnose=diagnose),
        prepared=replace(context.prepared, behind="PATCH /behind"),
    )
    error = ServerFault(CALL, status=503, body='{"code": "service.unavailable"}')
    context.diagnose(error)

    class Away:
        def counts(self, *_: object) -> None:
            raise StoreFault("locked")

    away = replace(context, deps=replace(context.deps, ledger=_with(ledger, client_usage=Away())))
    away.diagnose(error)
    (status, body, evidence), (_, _, unknown) = seen
    assert (status, body) == (503, '{"code": "service.unavailable"}')
    assert (evidence.call, evidence.via, evidence.behind) == (context.call, "direct", "PATCH /behind")
    assert evidence.client_name == operation.client_name
    assert evidence.held_scopes == world.reads.token().scopes
    assert (evidence.reads_ok, evidence.writes_ok) == (0, 0)
    assert (unknown.reads_ok, unknown.writes_ok) == (None, None)


def _with(ledger: Ledger, **parts: object) -> Any:
    """The ledger with other parts."""

    class Other:
        def __getattr__(self, name: str) -> object:
            return parts[name] if name in parts else getattr(ledger, name)

    return Other()


def test_what_was_never_sent_counts_as_no_send_however_often_it_is_given_back(ledger: Ledger) -> None:
    """Only an agent who was sent and read back as not applied, too often, is given up."""
    world = World(ledger)
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    context = world.context(operation)
    executor = BatchExecutor(context, why_stop=lambda: None, unsent=threading.Event(), canary=Canary(left=None))
    unsent = context.give_back(claim)
    assert [executor._counted(unsent) for _ in range(2 * MAX_SENDS)] == [unsent] * 2 * MAX_SENDS
    resent = replace(unsent, exchanges=(an_exchange(CALL, 504),))
    states = [executor._counted(resent).state for _ in range(MAX_SENDS)]
    assert states == [ItemState.PENDING] * (MAX_SENDS - 1) + [ItemState.FAILED]


@pytest.mark.parametrize(("status", "worked"), [(200, True), (399, True), (400, False), (403, False), (None, False)])
def test_a_read_that_was_refused_is_no_read_that_worked(ledger: Ledger, status: int | None, worked: bool) -> None:
    """Of reads that work the desk concludes that the token may read."""
    world = World(ledger)
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    context = world.context(operation)
    executor = BatchExecutor(context, why_stop=lambda: None, unsent=threading.Event(), canary=Canary(left=None))
    executor._note_reads([replace(context.give_back(claim), exchanges=(an_exchange("GET /x", status),))])
    reads_ok, _, _ = ledger.client_usage.counts(operation.tenant_key, operation.client_id)
    assert reads_ok == int(worked)
