"""Own runs, imported runs and archived runs in any order: what counters say equals a count straight on the table."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.history.old_runs import ADMIN, NOW, House, archived, bring, everything
from tests.ledger.audit import check_run_counts
from tests.ledger.ledger_world import World, direct_run, new_operation, settlement
from tests.support.inside import inside
from wfm.desk import Desk, ImportFormat
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.ledger.schema import group_agents, groups, runs, tenants

_organizations = itertools.count(1)

AGES = st.sampled_from([0.01, 1, 29, 31, 40, 400])
STATES = st.sampled_from([ItemState.APPLIED, ItemState.FAILED, ItemState.SKIPPED, ItemState.UNCONFIRMED])
OWN = st.tuples(st.just("own"), AGES, STATES, st.booleans())
BY_HAND = st.tuples(st.just("by hand"), AGES, STATES)
IMPORT = st.tuples(
    st.just("import"),
    st.lists(st.tuples(st.integers(0, 12), AGES, st.sampled_from([200, 403, 429, None])), min_size=1, max_size=6),
)
RETAIN = st.tuples(st.just("retain"), st.sampled_from([2, 30, 365]))
RESTORE = st.tuples(st.just("bring back"))
STEPS = st.lists(st.one_of(OWN, BY_HAND, IMPORT, IMPORT, RETAIN, RETAIN, RESTORE), min_size=1, max_size=8)

BODIES = {
    403: '{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
    429: '{"code": "too.many.requests", "message": "Rate limit exceeded the maximum [300]"}',
}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_counters_equal_a_count_on_the_table_whatever_comes_and_goes(house: House, steps: list[tuple[Any, ...]]) -> None:
    """Each example is a tenant of its own on one database."""
    desk = house.another(organization=f"prop-{next(_organizations)}")
    try:
        _live(desk, World(inside(desk).ledger, house.url), steps)
    finally:
        house.leave(desk)


def _live(desk: Desk, world: World, steps: list[tuple[Any, ...]]) -> None:
    seen: set[str] = set()
    for number, step in enumerate(steps):
        _do(desk, world, number, step)
        held = everything(desk)
        seen |= held.keys()
        _check(desk)
        # Nothing is ever lost: what is not here stands in an archive.
        assert seen - held.keys() <= set(archived(desk.retention.archive_folder))
        if step[0] == "retain":
            assert not desk.retention.dry_run(step[1]).rows


def _do(desk: Desk, world: World, number: int, step: tuple[Any, ...]) -> None:
    kind, *more = step
    if kind == "own":
        _own(desk, world, number, *more)
    elif kind == "by hand":
        age, state = more
        given = direct_run(f"hand-{number}", state=state, at=NOW - timedelta(days=age))
        inside(desk).ledger.runs.record(replace(given, tenant_key=desk.tenant.key))
    elif kind == "import":
        bring(desk, [_line(*one) for one in more[0]])
    elif kind == "retain":
        dry = desk.retention.dry_run(more[0])
        assert desk.retention.run(ADMIN, more[0]).rows == dry.rows
    else:
        for file in sorted(desk.retention.archive_folder.glob("*.parquet")):
            assert bring(desk, file.read_bytes(), ImportFormat.PARQUET).unreadable == 0


def _line(n: int, age: float, status: int | None) -> dict[str, object]:
    at = NOW - timedelta(days=age, seconds=n)
    return {"time": at.isoformat(), "userId": f"agent-{n % 4}", "status": status, "response": BODIES.get(status or 0, "")}


def _own(desk: Desk, world: World, number: int, age: float, state: ItemState, over: bool) -> None:
    world.now = NOW - timedelta(days=age)
    new = new_operation((f"own-{number}", f"agent-{number}"), start=world.now, tenant=desk.tenant.key)
    operation = inside(desk).ledger.operations.create(new, world.later())
    if not inside(desk).ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=world.later()
    ):
        return
    claims = world.claim(operation)
    world.settle(operation, [settlement(claim, state) for claim in claims], Phase.APPLY)
    to = OperationState.RESTORED if over else OperationState.IN_EFFECT
    inside(desk).ledger.lifecycle.transition(operation.id, [OperationState.APPLYING], to, now=world.later())


def _check(desk: Desk) -> None:
    """What screens say of this tenant, held against the rows."""
    with inside(desk).ledger.database.read() as connection:
        check_run_counts(connection)
        tenant = connection.scalar(sa.select(tenants.c.id).where(tenants.c.key == desk.tenant.key))
        rows = connection.execute(sa.select(runs).where(runs.c.tenant_id == tenant)).all()
        members: dict[int, list[Any]] = {}
        for row in rows:
            if row.group_id is not None:
                members.setdefault(row.group_id, []).append(row)
        causes = connection.execute(sa.select(groups).where(groups.c.tenant_id == tenant)).all()
        assert {cause.id for cause in causes} == members.keys()
        for cause in causes:
            mine = members[cause.id]
            touched = set(connection.scalars(sa.select(group_agents.c.agent_no).where(group_agents.c.group_id == cause.id)))
            assert (cause.runs, cause.agents, cause.sample_run) == (len(mine), len(touched), max(row.id for row in mine))
            assert touched == {row.agent_no for row in mine}
            assert cause.first_seen <= min(row.started_at for row in mine)
    real = Counter(row.outcome for row in rows)
    assert {outcome: real[outcome.value] for outcome in Outcome} == desk.runs.totals()
    for outcome in (Outcome.FAILED, Outcome.APPLIED):
        assert desk.runs.page(RunFilter(outcome=outcome)).total == real[outcome.value]
    charted = sum(n for _, _, n in desk.runs.over_time(NOW - timedelta(days=500), NOW + timedelta(days=1), 60) or [])
    assert charted == len(rows)
    failures = sum(row.group_id is not None for row in rows)
    assert sum(group.runs for group in desk.failures.groups()) == failures
    assert (desk.runs.page(RunFilter(text="insufficient permissions"), limit=1_000).total or 0) >= sum(
        row.status == 403 and row.operation_id is None for row in rows
    )
