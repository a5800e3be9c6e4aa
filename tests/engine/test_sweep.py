"""The sweep, stepped: what is due is started, overdue restores first, and what comes to no end ever more slowly."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.engine_world import new_operation
from tests.support.phase_world import World
from wfm.domain.operations import Operation, Phase
from wfm.engine import sweep
from wfm.engine.sweep import OVERDUE_FIRST_S, SLOWEST_RETRY_S, Key, Sweep
from wfm.ledger import Ledger

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class NotedStarts:
    """An engine that starts nothing; it notes what it was to start, and refuses while it is `busy`."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Phase, int]] = []
        self.busy = False

    def start(self, operation_id: str, phase: Phase, revision: int) -> bool:
        if not self.busy:
            self.started.append((operation_id, phase, revision))
        return not self.busy


class Stepped:
    """A sweep over a ledger, with both of its clocks in a test's hand."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.seconds = 50.0
        self.running: frozenset[Key] = frozenset()
        self.engine = NotedStarts()
        self.world = World(ledger, clock=lambda: self.now)
        monkeypatch.setattr(sweep, "time", self)
        self.sweep = Sweep(self.world.deps, self.engine, lambda: self.running)  # type: ignore[arg-type]

    def monotonic(self) -> float:
        return self.seconds

    def steps(self, seconds: float, every: float = 0.25) -> list[float]:
        """Steps for so long; when something was started, in seconds from now."""
        began, at = self.seconds, []
        while self.seconds - began < seconds:
            if self.sweep.step():
                at.append(self.seconds - began)
            self.seconds += every
        return at

    def in_effect(self, name: str, minutes: float) -> Operation:
        """An operation that is in effect, until so many minutes after START."""
        operation = new_operation(self.world.ledger, [name], now=START - timedelta(hours=1), minutes=60 + minutes)
        self.now, before = START - timedelta(minutes=59), self.now
        operation = self.world.run(operation)
        self.now = before
        return operation


@pytest.fixture
def stepped(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Stepped:
    return Stepped(ledger, monkeypatch)


def test_starts_what_is_due_and_nothing_else(stepped: Stepped, ledger: Ledger) -> None:
    later = new_operation(ledger, ["later"], now=START, start=START + timedelta(minutes=5))
    stepped.in_effect("long", minutes=10)
    new_operation(ledger, ["elsewhere"], now=START, tenant="api.mypurecloud.com|real")
    assert stepped.sweep.step() == []
    stepped.now += timedelta(minutes=5)
    assert stepped.sweep.step() == [(later.id, Phase.APPLY)]
    assert stepped.engine.started == [(later.id, Phase.APPLY, later.revision)]


def test_what_runs_already_is_not_started(stepped: Stepped, ledger: Ledger) -> None:
    one, two = (new_operation(ledger, [name], now=START) for name in ("one", "two"))
    stepped.running = frozenset({(one.id, Phase.APPLY), (two.id, Phase.RESTORE)})
    assert stepped.sweep.step() == [(two.id, Phase.APPLY)]


def test_after_a_start_applies_wait_for_the_restores_that_are_overdue(stepped: Stepped, ledger: Ledger) -> None:
    """For those alone: what becomes due later holds nobody up."""
    overdue = stepped.in_effect("overdue", minutes=-1)
    soon = stepped.in_effect("soon", minutes=1)
    due = new_operation(ledger, ["due"], now=START)
    assert stepped.sweep.step() == [(overdue.id, Phase.RESTORE)]
    stepped.running = frozenset({(overdue.id, Phase.RESTORE)})
    stepped.now += timedelta(minutes=1)
    assert stepped.sweep.step() == [(soon.id, Phase.RESTORE)]
    stepped.world.run(overdue, Phase.RESTORE)
    stepped.running = frozenset({(soon.id, Phase.RESTORE)})
    assert stepped.sweep.step() == [(due.id, Phase.APPLY)]


def test_applies_wait_for_overdue_restores_two_minutes_at_most(stepped: Stepped, ledger: Ledger) -> None:
    overdue = stepped.in_effect("overdue", minutes=-1)
    stepped.running = frozenset({(overdue.id, Phase.RESTORE)})
    new_operation(ledger, ["due"], now=START)
    assert stepped.steps(OVERDUE_FIRST_S) == []
    assert stepped.sweep.step() != []


def test_without_anything_overdue_at_its_start_applies_never_wait(stepped: Stepped, ledger: Ledger) -> None:
    assert stepped.sweep.step() == []
    restore = stepped.in_effect("later overdue", minutes=-1)
    apply = new_operation(ledger, ["due"], now=START)
    assert stepped.sweep.step() == [(restore.id, Phase.RESTORE), (apply.id, Phase.APPLY)], "restores first"


def test_what_ends_without_having_done_its_work_is_started_ever_more_slowly(stepped: Stepped, ledger: Ledger) -> None:
    new_operation(ledger, ["one"], now=START, minutes=600)
    at = stepped.steps(130)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert at[0] == 0
    assert gaps == [0.5, 1, 2, 4, 8, 16, SLOWEST_RETRY_S, SLOWEST_RETRY_S, SLOWEST_RETRY_S]


def test_a_change_of_its_window_is_started_at_once(stepped: Stepped, ledger: Ledger) -> None:
    operation = new_operation(ledger, ["one"], now=START)
    stepped.steps(20)
    assert stepped.sweep.step() == []
    ledger.lifecycle.revise_window(operation.id, end=START + timedelta(hours=2), now=START, actor="tester")
    assert stepped.steps(1) == [0, 0.5]
    assert stepped.engine.started[-1] == (operation.id, Phase.APPLY, operation.revision + 1)


def test_what_the_engine_did_not_start_counts_as_no_try(stepped: Stepped, ledger: Ledger) -> None:
    new_operation(ledger, ["one"], now=START)
    stepped.engine.busy = True
    assert stepped.steps(30) == []
    stepped.engine.busy = False
    assert stepped.steps(1) == [0, 0.5]


def test_each_phase_has_its_own_tries_and_what_is_due_no_more_is_forgotten(stepped: Stepped, ledger: Ledger) -> None:
    """A worker runs for months."""
    operation = new_operation(ledger, ["one"], now=START, minutes=30)
    stepped.steps(20)
    stepped.world.run(operation)
    assert stepped.sweep.step() == []
    assert stepped.sweep._tries == {}
    stepped.now += timedelta(minutes=30)
    assert stepped.steps(1) == [0, 0.5]
    assert list(stepped.sweep._tries) == [(operation.id, Phase.RESTORE)]
