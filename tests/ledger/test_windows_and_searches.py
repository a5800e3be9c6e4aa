"""Runs by the window that was open at an instant, and searches whose time is over before they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from tests.ledger.ledger_world import HOUR, MINUTE, NOON, OTHER_TENANT, TENANT, World, direct_run, new_operation, settlement
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.ledger import scan
from wfm.ledger.database import Database, TimeOver


def found(world: World, which: RunFilter) -> list[str]:
    page = world.ledger.runs.page(TENANT, which, limit=1_000)
    assert page.total == len(page.runs)
    return sorted(f"{run.agent_id}/{run.phase}" for run in page.runs)


def windows(world: World) -> None:
    """Two that overlap from 12:20 to 12:30, one at 13:00, one of another tenant, and a run of no window."""
    for agent, start in (("anna", NOON), ("bo", NOON + 20 * MINUTE), ("cem", NOON + HOUR)):
        world.now = start
        states = {"bo": ItemState.FAILED}
        operation = world.in_effect((agent,), start=start, states=states)
        world.ledger.lifecycle.transition(operation.id, [OperationState.IN_EFFECT], OperationState.RESTORED, now=world.later())
    other = world.ledger.operations.create(new_operation(("dee",), start=NOON, tenant=OTHER_TENANT), world.later())
    world.ledger.lifecycle.transition(other.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=world.later())
    world.ledger.items.settle(other.id, Phase.APPLY, [settlement(claim) for claim in world.claim(other)], now=world.later())
    world.ledger.runs.record(direct_run("eve", at=NOON + 25 * MINUTE))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON - timedelta(microseconds=1), []),
        (NOON, ["anna/apply"]),
        (NOON + 19 * MINUTE, ["anna/apply"]),
        (NOON + 20 * MINUTE, ["anna/apply", "bo/apply"]),
        (NOON + 30 * MINUTE - timedelta(microseconds=1), ["anna/apply", "bo/apply"]),
        (NOON + 30 * MINUTE, ["bo/apply"]),
        (NOON + 50 * MINUTE, []),
        (NOON + HOUR, ["cem/apply"]),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(world: World, at: datetime, expected: list[str]) -> None:
    windows(world)
    assert found(world, RunFilter(window_at=at)) == expected


def test_a_window_with_another_filter_is_both(world: World) -> None:
    windows(world)
    both = NOON + 25 * MINUTE
    assert found(world, RunFilter(window_at=both, outcome=Outcome.FAILED)) == ["bo/apply"]
    assert found(world, RunFilter(window_at=both, agent_id="anna")) == ["anna/apply"]
    assert found(world, RunFilter(window_at=both, agent_id="eve")) == []
    assert found(world, RunFilter(window_at=both, phase=Phase.RESTORE)) == []
    assert found(world, RunFilter(window_at=both, text="bo")) == ["bo/apply"]
    assert found(world, RunFilter(window_at=both, since=NOON + 10 * MINUTE)) == ["bo/apply"]
    only = world.ledger.runs.page(TENANT, RunFilter(window_at=both, agent_id="bo")).runs[0].operation_id
    assert found(world, RunFilter(window_at=both, operation_id=only)) == ["bo/apply"]
    assert found(world, RunFilter(window_at=NOON, operation_id=only)) == []


def test_more_windows_at_once_than_scans_are_merged(world: World) -> None:
    for n in range(23):
        world.in_effect((f"agent-{n:02d}",), start=NOON + n * MINUTE)
    at = NOON + 24 * MINUTE
    assert found(world, RunFilter(window_at=at)) == [f"agent-{n:02d}/apply" for n in range(23)]
    page = world.ledger.runs.page(TENANT, RunFilter(window_at=at), limit=10)
    older = world.ledger.runs.page(TENANT, RunFilter(window_at=at), limit=100, cursor=page.older)
    assert len({run.id for run in (*page.runs, *older.runs)}) == 23


# --- the time is over ----------------------------------------------------------------------------------------------------


class Watch:
    """A clock on which each look costs a second."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return float(self.looks)


@pytest.fixture
def hurried(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Sixty runs, one a minute, the oldest three restores; slices of five, and time for one of them."""
    operation = world.in_effect([f"agent-{n}" for n in range(3)], start=NOON)
    world.ledger.lifecycle.transition(operation.id, [OperationState.IN_EFFECT], OperationState.RESTORING, now=world.later())
    world.run_phase(operation, Phase.RESTORE)
    world.ledger.lifecycle.transition(operation.id, [OperationState.RESTORING], OperationState.RESTORED, now=world.later())
    for n in range(54):
        world.ledger.runs.record(direct_run(f"agent-{n % 7}", at=NOON + (n + 2) * MINUTE))
    monkeypatch.setattr(scan, "FIRST_SLICE", 5)
    monkeypatch.setattr(world.ledger.runs, "search_clock", Watch(), raising=True)
    return world


def test_a_search_that_ran_out_of_time_says_how_far_back_it_looked(hurried: World) -> None:
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.RESTORE))
    newest = [run for batch in hurried.ledger.runs.batches(TENANT, RunFilter()) for run in batch]
    assert page.runs == ()
    assert page.total == 3, "counters know"
    # One slice of five was looked at: the fifth newest run is as far as it came.
    assert page.searched_to == newest[4].started_at.replace(microsecond=newest[4].started_at.microsecond // 1000 * 1000)
    assert page.older is not None


def test_a_count_that_ran_out_of_time_is_a_lower_bound(hurried: World) -> None:
    everybody = tuple(f"agent-{n}" for n in range(7))
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.APPLY, agents=everybody), limit=3)
    assert (len(page.runs), page.total) == (3, None)
    # Four were found for the page, so that it knows of an older one; one slice of five was counted after that.
    assert page.at_least == 9
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.RESTORE, agents=everybody))
    assert (page.total, page.at_least) == (None, 0)


def test_going_on_from_there_finds_everything_once(hurried: World) -> None:
    which = RunFilter(phase=Phase.RESTORE)
    cursor, seen, searched, pages = None, list[str](), list[datetime](), 0
    while True:
        page = hurried.ledger.runs.page(TENANT, which, cursor=cursor, limit=2)
        seen += [run.id for run in page.runs]
        searched += [page.searched_to] if page.searched_to else []
        pages += 1
        if page.older is None:
            break
        cursor = page.older
    every = [run.id for batch in hurried.ledger.runs.batches(TENANT, which) for run in batch]
    assert (seen, len(every)) == (every, 3)
    assert pages > 5
    assert searched == sorted(searched, reverse=True)


def test_a_slice_that_lasts_too_long_is_broken_off(hurried: World, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def breaks_off(_: Database, __: object, seconds: float | None) -> Iterator[None]:
        if seconds is not None:
            raise TimeOver
        yield

    monkeypatch.setattr(hurried.ledger.runs, "search_clock", lambda: 0.0)
    monkeypatch.setattr(Database, "time_limit", breaks_off)
    newest = [run for batch in hurried.ledger.runs.batches(TENANT, RunFilter()) for run in batch]
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.RESTORE))
    assert page.runs == ()
    assert page.searched_to is not None
    assert page.searched_to <= newest[4].started_at, "the first slice was looked through"
    seen = []
    while page.older is not None:
        page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.RESTORE), cursor=page.older)
        seen += [run.agent_id for run in page.runs]
    assert sorted(seen) == ["agent-0", "agent-1", "agent-2"]


def test_a_search_with_time_enough_says_nothing_of_it(hurried: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hurried.ledger.runs, "search_clock", lambda: 0.0)
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.RESTORE))
    assert (len(page.runs), page.searched_to, page.older, page.total) == (3, None, None, 3)


def test_a_page_that_is_full_in_time_says_nothing_of_it(hurried: World) -> None:
    page = hurried.ledger.runs.page(TENANT, RunFilter(phase=Phase.APPLY), limit=3)
    assert (len(page.runs), page.searched_to) == (3, None)
    assert page.older is not None


def test_what_an_index_holds_never_runs_out_of_time(hurried: World) -> None:
    page = hurried.ledger.runs.page(TENANT, RunFilter(agent_id="agent-1"))
    assert (page.searched_to, page.total) == (None, len(page.runs))
