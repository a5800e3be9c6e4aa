"""Whatever the tenant does and wherever the process dies: nobody is written twice, nobody is forgotten."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.engine_world import TENANT, ScriptedReads, dependencies_for, new_operation, open_ledger, utcnow
from tests.support.fake_sender import FakeSender
from tests.support.fake_tenant import DOWN, FINE, LOST_AFTER, LOST_BEFORE, REFUSED, FakeTenant
from wfm.domain.operations import ItemState, Operation, OperationState, Phase
from wfm.engine.phases import PhaseRunner
from wfm.ledger import Ledger

PER_RUN = 14
_numbers = itertools.count()

steps = st.lists(st.sampled_from([FINE] * 8 + [LOST_BEFORE, LOST_AFTER, LOST_AFTER, REFUSED, DOWN]), max_size=60)
deaths = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4)
"""Where the process dies: at which call of claim or settle, and whether before or after that is committed."""


class Killed(BaseException):
    """The process is gone."""


class MortalItems:
    """The items of a ledger whose process dies at the n-th claim or settle."""

    def __init__(self, items: Any, at: int, after: bool) -> None:
        self._items = items
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._items, name)
        if name not in ("claim", "settle"):
            return real

        def mortal(*given: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            result = real(*given, **more)
            if self._left == 0:
                raise Killed
            return result

        return mortal


class MortalLedger:
    """A ledger with mortal items."""

    def __init__(self, ledger: Ledger, at: int, after: bool) -> None:
        self._ledger = ledger
        self.items = MortalItems(ledger.items, at, after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


@pytest.fixture(scope="module")
def one_ledger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("properties")
    opened = open_ledger(folder)
    yield opened
    opened.close()


def run_through(
    ledger: Ledger, tenant: FakeTenant, operation: Operation, phase: Phase, dying: list[tuple[int, bool]], ids: list[str]
) -> int:
    """Runs a phase in as many processes as it takes, the first ones dying as told; how many died."""
    died = 0
    for death in [*dying, None]:
        mortal: Any = ledger if death is None else MortalLedger(ledger, *death)
        # Bulk reads are those of the tenant's states as they are.
        deps = dependencies_for(mortal, FakeSender(tenant), ScriptedReads(ids), timeout_s=0.002)
        runner = PhaseRunner(deps, threading.Event())
        try:
            first = True
            while runner.advance(operation.id, phase, first):
                first = False
        except Killed:
            died += 1
    return died


@pytest.mark.parametrize("after", [False, True])
def test_a_process_dies_where_it_is_told_to(one_ledger: Ledger, after: bool) -> None:
    """Otherwise the property below would look at workers that never die."""
    ids = [f"agent-{next(_numbers)}" for _ in range(PER_RUN)]
    operation = new_operation(one_ledger, ids)
    assert run_through(one_ledger, FakeTenant(), operation, Phase.APPLY, [(1, after), (2, after)], ids) == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(out=steps, back=steps, dying_out=deaths, dying_back=deaths)
@example(out=[LOST_AFTER] * 14, back=[LOST_AFTER] * 28, dying_out=[(2, True)], dying_back=[(2, False)])
@example(out=[FINE] * 5, back=[], dying_out=[(2, False), (2, False), (1, True)], dying_back=[])
def test_nobody_twice_and_nobody_forgotten(
    one_ledger: Ledger,
    out: list[str],
    back: list[str],
    dying_out: list[tuple[int, bool]],
    dying_back: list[tuple[int, bool]],
) -> None:
    ids = [f"agent-{next(_numbers)}" for _ in range(PER_RUN)]
    tenant = FakeTenant(out)
    operation = new_operation(one_ledger, ids)
    run_through(one_ledger, tenant, operation, Phase.APPLY, dying_out, ids)

    items = {item.agent_id: item for item in one_ledger.items.page(operation.id)}
    assert set(tenant.unavailable.values()) <= {1}, "somebody was taken out twice"
    for agent_id, item in items.items():
        written = tenant.unavailable.get(agent_id, 0)
        if item.apply_state is ItemState.APPLIED:
            assert written == 1
        elif item.apply_state in (ItemState.FAILED, ItemState.SKIPPED):
            assert written == 0, "somebody is out and the ledger does not know"
        else:
            assert item.apply_state is ItemState.UNCONFIRMED, "an item was left in mid-air"
    now = one_ledger.operations.get(TENANT, operation.id)
    assert now.state in (
        OperationState.IN_EFFECT,
        OperationState.HALTED,
        OperationState.FAILED,
        OperationState.RESTORING,
    )
    counts = one_ledger.items.counts([operation.id])[operation.id]
    recounted = Counter(item.apply_state for item in items.values())
    assert {state: n for state, n in counts.apply.items() if n} == dict(recounted)

    tenant._steps = iter(back)
    if now.state is OperationState.IN_EFFECT:
        one_ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=True)
    run_through(one_ledger, tenant, operation, Phase.RESTORE, dying_back, ids)
    assert set(tenant.available.values()) <= {1}, "an agent was restored twice"
    for item in one_ledger.items.page(operation.id):
        agent_out = tenant.state(item.agent_id)["status"] == "unavailable"
        if agent_out:
            known = item.restore_state in (ItemState.FAILED, ItemState.UNCONFIRMED)
            assert known, "somebody stays out and nobody is told"
    counts = one_ledger.items.counts([operation.id])[operation.id]
    ended = one_ledger.operations.get(TENANT, operation.id).state
    if counts.restore[ItemState.FAILED] or counts.restore[ItemState.UNCONFIRMED]:
        assert ended is OperationState.FAILED_IN_PART
    else:
        assert ended in (OperationState.ENDED_EARLY, OperationState.HALTED, OperationState.FAILED)
        assert not any(tenant.state(agent_id)["status"] == "unavailable" for agent_id in ids)
