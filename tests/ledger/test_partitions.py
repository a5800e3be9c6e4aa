"""Lists of runs in every order: against Python's own sort, there and back."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.ledger.ledger_world import HOUR, NOON, TENANT, World, direct_run
from tests.ledger.test_runs import filled, filters, meets
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput
from wfm.domain.operations import Outcome, Run, RunFilter, RunOrder
from wfm.ledger import partitions
from wfm.ledger.partitions import _WORST_FIRST

NARROW = [
    RunFilter(),
    RunFilter(outcome=Outcome.FAILED),
    RunFilter(status=403),
    RunFilter(agent_id="agent-3"),
    RunFilter(kind=Kind.RATE_LIMITED, route="availability"),
    RunFilter(since=NOON + HOUR),
    RunFilter(text="agent"),
    RunFilter(agents=()),
]


def in_order(newest_first: list[Run], order: RunOrder) -> list[str]:
    if order is RunOrder.NEWEST:
        return [run.id for run in newest_first]
    if order is RunOrder.OLDEST:
        return [run.id for run in reversed(newest_first)]
    of: Callable[[Run], Any] = {
        RunOrder.OUTCOME: lambda run: _WORST_FIRST.index(run.outcome),
        RunOrder.CAUSE: lambda run: run.kind,
        RunOrder.STATUS: lambda run: run.status,
        RunOrder.STATUS_DOWN: lambda run: None if run.status is None else -run.status,
        RunOrder.CODE: lambda run: run.code,
    }[order]
    some = sorted((run for run in newest_first if of(run) is not None), key=of)
    return [run.id for run in [*some, *(run for run in newest_first if of(run) is None)]]


@pytest.mark.parametrize("order", list(RunOrder))
def test_every_order_is_whole_there_and_back(world: World, order: RunOrder) -> None:
    runs = filled(world)
    for which in NARROW:
        wanted = in_order([run for run in runs if meets(run, which)], order)
        page = world.ledger.runs.page(TENANT, which, limit=7, order=order)
        assert (page.total, page.newer) == (len(wanted), None)
        forth = [[run.id for run in page.runs]]
        while page.older is not None:
            page = world.ledger.runs.page(TENANT, which, cursor=page.older, limit=7, order=order)
            forth.append([run.id for run in page.runs])
        assert [run for part in forth for run in part] == wanted, (which, order)
        back = [forth[-1]]
        while page.newer is not None:
            page = world.ledger.runs.page(TENANT, which, cursor=page.newer, limit=7, order=order)
            back.append([run.id for run in page.runs])
        assert back[::-1] == forth, (which, order)


def test_a_cursor_of_another_order_is_none_of_this(world: World) -> None:
    filled(world)
    by_status = world.ledger.runs.page(TENANT, RunFilter(), limit=2, order=RunOrder.STATUS).older
    by_time = world.ledger.runs.page(TENANT, RunFilter(), limit=2).older
    for cursor, order in [
        (by_status, RunOrder.NEWEST),
        (by_status, RunOrder.CODE),
        (by_time, RunOrder.STATUS),
        ("o", "-status"),
    ]:
        with pytest.raises(BadInput, match="cursor"):
            world.ledger.runs.page(TENANT, RunFilter(), cursor=cursor, order=RunOrder(order))
    assert world.ledger.runs.page("strange", RunFilter(), order=RunOrder.STATUS).runs == ()


def test_a_code_with_any_letters_stands_in_the_cursor(world: World) -> None:
    for code in ("a.b=c", "ä ö", "=", "."):
        made = direct_run("anna", at=world.later())
        world.ledger.runs.record(dataclasses.replace(made, settlement=dataclasses.replace(made.settlement, code=code)))
    seen, cursor = [], None
    while True:
        page = world.ledger.runs.page(TENANT, RunFilter(), cursor=cursor, limit=1, order=RunOrder.CODE)
        seen += [run.code for run in page.runs]
        cursor = page.older
        if cursor is None:
            break
    assert seen == [".", "=", "a.b=c", "ä ö"]


def test_more_values_than_there_are_partitions_lose_no_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = filled(world)
    for order in (RunOrder.CODE, RunOrder.STATUS, RunOrder.STATUS_DOWN):
        monkeypatch.setattr(partitions, "MAX_VALUES", 500)
        whole = [run.id for run in world.ledger.runs.page(TENANT, RunFilter(), limit=1_000, order=order).runs]
        monkeypatch.setattr(partitions, "MAX_VALUES", 1)
        seen: list[str] = []
        page = world.ledger.runs.page(TENANT, RunFilter(), limit=7, order=order)
        seen += [run.id for run in page.runs]
        while page.older is not None:
            page = world.ledger.runs.page(TENANT, RunFilter(), cursor=page.older, limit=7, order=order)
            seen += [run.id for run in page.runs]
        assert sorted(seen) == sorted(whole) == sorted(run.id for run in runs), order


def test_no_order_scans_the_table_or_sorts_it(sqlite_world: World) -> None:
    filled(sqlite_world)
    engine = sqlite_world.ledger.database.engine
    asked: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT runs."):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    for order in RunOrder:
        sqlite_world.ledger.runs.page(TENANT, RunFilter(), limit=5, order=order)
    sa.event.remove(engine, "before_cursor_execute", note)
    pages = [one for one in asked if "JOIN" not in one[0]]
    assert len(pages) > len(RunOrder)
    with engine.connect() as connection:
        for statement, parameters in pages:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
            told = " | ".join(row[3] for row in plan)
            assert "SCAN" not in told, (told, statement)
            assert "TEMP B-TREE" not in told, (told, statement)


def test_charts_follow_the_filters_that_counters_know(world: World) -> None:
    runs = filled(world)
    since, until = NOON - HOUR, NOON + 5 * HOUR
    known = 0
    for which in filters(runs)[::8]:
        found = world.ledger.runs.over_time(TENANT, since, until, step_minutes=60, which=which)
        if found is None:
            continue
        known += 1
        wanted = Counter(
            (run.started_at.replace(minute=0, second=0, microsecond=0), run.outcome) for run in runs if meets(run, which)
        )
        assert {(start, outcome): n for start, outcome, n in found} == wanted, which
    assert known > 20
    assert world.ledger.runs.over_time(TENANT, since, until, step_minutes=60, which=RunFilter(agent_id="agent-3")) is None
    assert world.ledger.runs.over_time(TENANT, since, until, step_minutes=60, which=RunFilter(text="agent")) is None
    assert world.ledger.runs.over_time(TENANT, since, until, step_minutes=60, which=RunFilter(agent_id="nobody")) == []
