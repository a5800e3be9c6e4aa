"""The batch executor: claims that break off, pauses of a request budget that can't be used, what an outcome is worth."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.engine_world import TENANT, new_operation, utcnow
from tests.support.fake_sender import Sent, an_exchange
from tests.support.fake_tenant import DOWN, FINE, LOST_BEFORE, REFUSED, FakeTenant
from tests.support.phase_world import IDS, World
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import GRANT, Diagnosis, Evidence
from wfm.domain.errors import StoreFault
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, Run, RunFilter
from wfm.engine import batch
from wfm.engine.batch import BatchExecutor, Canary, Stop
from wfm.engine.sending import NOT_SENT, UnknownOutcome
from wfm.genesys.errors import OutcomeUnknown
from wfm.ledger import Ledger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PATCH = "PATCH /api/v2/wfm/users/{userId}/availability"

# --- a claim that breaks off -----------------------------------------------------------------------------------------


class LosingClaims:
    """Claims are committed, and then the connection is lost, as often as `loses` says of the n-th (from 0)."""

    def __init__(self, ledger: Ledger, loses: Callable[[int], bool]) -> None:
        self._claim, self._orphaned = ledger.items.claim, ledger.items.orphaned
        self._loses = loses
        self.claimed: list[list[str]] = []
        self.recovered = threading.Event()

    def claim(self, *given: Any, **more: Any) -> Any:
        claims = self._claim(*given, **more)
        if not claims:
            return claims
        self.claimed.append([claim.item.agent_id for claim in claims])
        if self._loses(len(self.claimed) - 1):
            raise StoreFault("the connection was lost")
        return claims

    def orphaned(self, *given: Any, **more: Any) -> Any:
        """Looked for by a runner that begins (all workers'), and by an executor that lost a claim (its own)."""
        found = self._orphaned(*given, **more)
        if len(self.claimed) > 1:
            threading.Timer(0.05, self.recovered.set).start()  # once the executor has made of it what it makes
        return found


def losing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, loses: Callable[[int], bool], *, claim_size: int = 2
) -> LosingClaims:
    claims = LosingClaims(ledger, loses)
    monkeypatch.setattr(ledger.items, "claim", claims.claim)
    monkeypatch.setattr(ledger.items, "orphaned", claims.orphaned)
    monkeypatch.setattr(batch, "STORE_PAUSE_S", 0.001)
    monkeypatch.setattr(batch, "CLAIM_SIZE", claim_size)
    monkeypatch.setattr(batch, "SETTLE_EVERY_S", 60.0)  # so that outcomes are held for as long as others are under way
    return claims


def test_of_claims_that_broke_off_nobody_is_sent_again_who_is_under_way_or_done(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All claims break off, at one instant of the clock: the first of each two is done at once, the other is slow."""
    claims = losing(ledger, monkeypatch, lambda number: True)
    tenant = FakeTenant()

    def slow(sent: Sent) -> Any:
        if sent.path["userId"] in IDS[1::2]:
            assert claims.recovered.wait(10)
        return tenant(sent)

    world = World(ledger, slow, clock=lambda: NOW)
    operation = world.run(new_operation(ledger, IDS, now=NOW))
    assert claims.claimed[0] == IDS[:2]
    assert operation.state is OperationState.IN_EFFECT
    assert world.sender.calls() == [PATCH] * 12
    assert tenant.unavailable == dict.fromkeys(IDS, 1)


def test_of_a_claim_that_broke_off_nobody_is_sent_again_whose_outcome_is_open(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost and it is still under way: it is done a moment after the next claim broke off."""
    claims = losing(ledger, monkeypatch, lambda number: number == 1, claim_size=1)
    tenant = FakeTenant()
    late: list[threading.Thread] = []

    def arrives(agent_id: str, body: Any) -> None:
        assert claims.recovered.wait(10)
        tenant._write(agent_id, body)

    def answer(sent: Sent) -> Any:
        if sent.path["userId"] == IDS[0] and not late:
            late.append(threading.Thread(target=arrives, args=(IDS[0], sent.body)))
            late[0].start()
            return tenant._answer(sent, LOST_BEFORE)
        return tenant(sent)

    world = World(ledger, answer, clock=lambda: NOW, timeout_s=1.0)
    operation = world.run(new_operation(ledger, IDS[:3], now=NOW))
    late[0].join()
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS[:3], 1)


def test_a_claim_that_broke_off_takes_nobody_from_another_worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ledger, FakeTenant(), clock=lambda: NOW)
    operation = world.begin(new_operation(ledger, IDS, now=NOW), NOW)
    claims = losing(ledger, monkeypatch, lambda number: number == 1)
    orphaned = ledger.items.orphaned
    other: list[str] = []

    def beside(*given: Any, **more: Any) -> Any:
        if len(claims.claimed) == 2 and not other:  # in the very moment another worker claims some
            other.extend(claim.item.agent_id for claim in world.claim(operation, 2, worker_id="another", now=NOW))
        return orphaned(*given, **more)

    monkeypatch.setattr(ledger.items, "orphaned", beside)
    ended = world.runner.advance(operation.id, Phase.APPLY, True)
    assert ended is False
    sent = [one.path["userId"] for one in world.sender.sent]
    assert len(other) == 2
    assert sorted([*sent, *other]) == IDS
    assert world.applied(operation) == {ItemState.APPLIED: 10, ItemState.SENDING: 2}
    assert world.now(operation).state is OperationState.APPLYING, "not the end: another worker has some in hand"


def test_outcomes_that_are_held_survive_a_claim_that_broke_off_as_it_was_cancelled(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "POLL_EVERY_S", 0.0)
    claims = losing(ledger, monkeypatch, lambda number: number == 1)
    tenant = FakeTenant()

    def slow(sent: Sent) -> Any:
        if sent.path["userId"] == IDS[1]:
            assert claims.recovered.wait(10)
        return tenant(sent)

    world = World(ledger, slow)
    operation = new_operation(ledger, IDS)
    lost = ledger.items.claim

    # Committed before the cancel is asked for: asked for afterwards the claim would take nobody.
    def committed(*given: Any, **more: Any) -> Any:
        try:
            return lost(*given, **more)
        finally:
            if len(claims.claimed) == 2:
                ledger.lifecycle.request_cancel(operation.id, now=utcnow(), actor="tester")

    monkeypatch.setattr(ledger.items, "claim", committed)
    world.runner.advance(operation.id, Phase.APPLY, True)
    assert world.now(operation).state is OperationState.RESTORING
    assert world.applied(operation) == {ItemState.APPLIED: 2, ItemState.SKIPPED: 10}
    assert tenant.unavailable == dict.fromkeys(IDS[:2], 1)
    runs = ledger.runs.page(TENANT, RunFilter(operation_id=operation.id, outcome=Outcome.SKIPPED)).runs
    assert [run.note for run in runs] == [NOT_SENT] * 2


# --- a request budget that can't be used -----------------------------------------------------------------------------


class SteppedTime:
    """A clock that goes on only while the executor sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_while_the_budget_can_not_be_used_one_agent_is_tried_ever_further_apart(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped = SteppedTime()
    monkeypatch.setattr(batch, "time", stepped)
    tenant = FakeTenant()
    tried: list[float] = []

    def answer(sent: Sent) -> Any:
        tried.append(stepped.now - 1_000)
        if tried[-1] < 140 and len(tried) < 50:
            raise StoreFault("The request budget can't be used: database is locked.")
        return tenant(sent)

    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS))
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS, 1)
    first, probes = tried[:5], tried[5:13]
    assert first == pytest.approx([0] * 5, abs=0.5)
    gaps = [later - earlier for earlier, later in itertools.pairwise([first[-1], *probes])]
    assert gaps == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30], abs=0.5)
    told = [(event.kind, event.actor) for event in ledger.operations.events(operation.id)]
    assert [one for one in told if one[0] in ("paused", "resumed")] == [("paused", "worker"), ("resumed", "worker")]


def test_a_budget_that_fails_again_pauses_from_the_start_and_says_so_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped = SteppedTime()
    monkeypatch.setattr(batch, "time", stepped)
    tenant = FakeTenant()
    tried: list[float] = []
    faults = iter([True] * 3 + [False] + [True] * 2)

    def answer(sent: Sent) -> Any:
        tried.append(stepped.now)
        if next(faults, False):
            raise StoreFault("The request budget can't be used: database is locked.")
        return tenant(sent)

    monkeypatch.setattr(batch, "CLAIM_SIZE", 1)
    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS))
    assert tenant.unavailable == dict.fromkeys(IDS, 1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tried[:7])]
    assert gaps == pytest.approx([1, 2, 4, 0, 1, 2], abs=0.5)
    kinds = [kind for kind, _ in world.events(operation)]
    assert [kind for kind in kinds if kind in ("paused", "resumed")] == ["paused", "resumed"] * 2


def test_outcomes_are_held_while_the_worker_works_and_for_a_few_seconds_once_it_stops(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped = SteppedTime()
    monkeypatch.setattr(batch, "time", stepped)
    context = World(ledger).context(new_operation(ledger, IDS[:1]))
    fault = StoreFault("locked")

    def executor(stop: Stop | None) -> BatchExecutor:
        made = BatchExecutor(context, why_stop=lambda: stop, unsent=threading.Event(), canary=Canary(left=None))
        made._poll()
        return made

    working = executor(None)
    for _ in range(100):
        working._ledger_is_down(fault)
    stopping, began = executor(Stop.WORKER), stepped.now
    with contextlib.suppress(StoreFault):
        for _ in range(100):
            stopping._ledger_is_down(fault)
    assert stepped.now - began == pytest.approx(batch.STORE_LAST_S, abs=2 * batch.STORE_PAUSE_S)


# --- what an outcome is worth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "took_ms", "under_way_s"),
    [
        (500, [300], 0.0),  # an answer: its end
        (None, [], 10.0),
        (None, [3_000], 7.0),  # one time-out from when it was sent
        (502, [3_000], 7.0),  # a gateway's word says nothing of what is behind it
        (504, [12_000], 0.0),
        (None, [9_000, 1_000], 9.0),  # the last of several requests
    ],
)
def test_how_long_a_request_without_a_clear_answer_may_be_under_way(
    ledger: Ledger, status: int | None, took_ms: list[int], under_way_s: float
) -> None:
    world = World(ledger, timeout_s=10.0)
    context = world.context(new_operation(ledger, IDS[:1]))
    exchanges = tuple(replace(an_exchange(PATCH, status), duration_ms=took) for took in took_ms)
    assert context._under_way_s(OutcomeUnknown(PATCH, status=status, exchanges=exchanges)) == pytest.approx(under_way_s)


def test_an_answer_of_500_that_did_nothing_is_sent_again_without_waiting(ledger: Ledger) -> None:
    tenant = FakeTenant()
    broken = iter([True])

    def answer(sent: Sent) -> Any:
        if sent.call == PATCH and next(broken, False):
            raise OutcomeUnknown(PATCH, status=500, exchanges=(an_exchange(PATCH, 500),))
        return tenant(sent)

    world = World(ledger, answer, timeout_s=60.0)
    operation = world.run(new_operation(ledger, IDS[:2]))
    assert operation.state is OperationState.IN_EFFECT
    assert tenant.unavailable == dict.fromkeys(IDS[:2], 1)


def runs_of(world: World, outcome: Outcome) -> tuple[Run, ...]:
    return tuple(world.ledger.runs.page(TENANT, RunFilter(outcome=outcome)).runs)


def test_what_stays_unconfirmed_keeps_all_that_was_seen_of_it(ledger: Ledger) -> None:
    """The request and the read that told nothing, why it was in doubt, and the mark of what it wrote."""
    error = OutcomeUnknown(
        PATCH, status=504, correlation_id="c-504", body='{"code": "gateway.timeout"}', exchanges=(an_exchange(PATCH, 504),)
    )

    def answer(sent: Sent) -> Any:
        if sent.call == PATCH:
            raise error
        return FakeTenant()._answer(sent, DOWN)

    world = World(ledger, answer)
    operation = world.run(new_operation(ledger, IDS[:1]))
    assert world.applied(operation) == {ItemState.UNCONFIRMED: 1}
    (run,) = runs_of(world, Outcome.UNCONFIRMED)
    assert (run.status, run.correlation_id) == (504, "c-504")
    assert run.code == world.context(operation).diagnose(error).code
    assert run.cause
    assert "it could not be read back" in run.note
    _, exchanges = ledger.runs.get(TENANT, run.id)
    assert [(exchange.method, exchange.status) for exchange in exchanges] == [("PATCH", 504), ("GET", None)]


def test_the_mark_of_the_first_of_several_writes_is_kept_when_the_last_stays_unconfirmed(ledger: Ledger) -> None:
    world = World(ledger, lambda sent: FakeTenant()._answer(sent, DOWN))
    operation = world.begin(new_operation(ledger, IDS[:1]))
    (claim,) = world.claim(operation, 1)
    settled = world.context(operation).read_back(UnknownOutcome(claim=claim, ready=0.0, marker="first"))
    assert not isinstance(settled, UnknownOutcome)
    assert (settled.state, settled.marker) == (ItemState.UNCONFIRMED, "first")


def test_a_run_that_was_given_up_says_how_it_was_tried(ledger: Ledger) -> None:
    tenant = FakeTenant()
    world = World(ledger, lambda sent: tenant._answer(sent, FINE if sent.call.startswith("GET") else LOST_BEFORE))
    world.run(new_operation(ledger, IDS[:1]))
    (run,) = runs_of(world, Outcome.FAILED)
    assert run.note == "sent several times; read back each time: not applied"


def test_an_answer_is_judged_by_what_is_known_around_it(ledger: Ledger) -> None:
    """Of this tenant and of this client alone: whether others may read or write says nothing of it."""
    seen: list[tuple[int | None, Evidence]] = []

    def noted(status: int | None, headers: Any, body: Any, evidence: Evidence) -> Diagnosis:
        seen.append((status, evidence))
        return diagnose(status, headers, body, evidence)

    world = World(ledger, FakeTenant([FINE, REFUSED]), diagnose=noted)
    ledger.client_usage.add_reads(TENANT, "c", ok=7, failed=2)
    ledger.client_usage.add_reads(TENANT, "another", ok=100, failed=0)
    world.run(new_operation(ledger, IDS[:1]))
    world.run(new_operation(ledger, IDS[1:2]))
    assert seen == [
        (
            403,
            Evidence(
                call=PATCH,
                via="direct",
                client_name="desk",
                grant_type=GRANT,
                held_scopes=("wfm:schedule:read", "wfm:schedule:write"),
                reads_ok=7,
                writes_ok=1,
            ),
        )
    ]
