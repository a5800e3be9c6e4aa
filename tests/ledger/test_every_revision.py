"""The schema comes up from every earlier revision with data in place, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.ledger.audit import check_all
from tests.ledger.ledger_world import NOON, TENANT, World, diagnosis, direct_run, settlement
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import GroupState, ItemState, Outcome, RunFilter
from wfm.ledger import Ledger
from wfm.ledger.database import Database
from wfm.ledger.migrate import current_revision, script_directory, upgrade

REVISIONS = [script.revision for script in script_directory().walk_revisions()][::-1]


def _insert_old_rows(connection: sa.Connection) -> None:
    """A tenant with one failed run and its group, in words that every revision knows, counted as that revision counts."""
    at = int(NOON.timestamp()) * 1_000_000
    for statement in (
        f"INSERT INTO tenants (id, key) VALUES (1, '{TENANT}')",
        "INSERT INTO agents (id, tenant_id, agent_id, name, sought) VALUES (1, 1, 'old', 'Old', 'old old')",
        "INSERT INTO ways (id, tenant_id, route, action, via, call, client_id) "
        "VALUES (1, 1, 'availability', '', 'direct', 'c', '')",
        "INSERT INTO causes (id, tenant_id, digest, rule, cause, missing, retryable, fingerprint) "
        "VALUES (1, 1, 'd', 'r', 'Old cause', '[]', FALSE, 'f')",
        "INSERT INTO runs (id, tenant_id, agent_no, way_id, phase, outcome, status, kind, cause_id, group_id, attempts, "
        f"started_at, note) VALUES ({int(NOON.timestamp()) * 1000 << 21}, 1, 1, 1, 'apply', 'failed', 403, 'missing_scope', "
        f"1, 1, 1, {at}, '')",
        "INSERT INTO failure_groups (id, tenant_id, fingerprint, kind, call, rule, cause, missing, state, first_seen, "
        "last_seen, runs, agents, sample_run, state_by, note) "
        f"VALUES (1, 1, 'f', 'missing_scope', 'c', 'r', 'Old cause', '[]', 'open', {at}, "
        f"{at}, 1, 1, {int(NOON.timestamp()) * 1000 << 21}, '', 'kept')",
        "INSERT INTO failure_group_agents (group_id, agent_no) VALUES (1, 1)",
    ):
        connection.execute(sa.text(statement))
    hour, day = at // 3_600_000_000 * 60, at // 86_400_000_000 * 1440
    counted = (
        ("minute", "", at // 60_000_000),
        ("hour", "", hour),
        ("group", "1", at // 60_000_000),
        ("route", "availability", hour),
        ("kind", "missing_scope", hour),
        ("status", "403", hour),
    )
    since_r0004 = (
        ("day", "", day),
        ("group_hour", "1", hour),
        ("group_day", "1", day),
        ("cause", "1", hour),
        ("phase", "apply", hour),
        ("route_day", "availability", day),
        ("kind_day", "missing_scope", day),
        ("status_day", "403", day),
        ("cause_day", "1", day),
        ("phase_day", "apply", day),
    )
    at_r0004 = REVISIONS.index(current_revision(connection) or "") >= REVISIONS.index("r0004")
    for facet, value, bucket in (*counted, *(since_r0004 if at_r0004 else ())):
        connection.execute(
            sa.text("INSERT INTO run_counts (tenant_id, facet, value, bucket, outcome, n) VALUES (1, :f, :v, :b, 'failed', 1)"),
            {"f": facet, "v": value, "b": bucket},
        )
    if connection.dialect.name != "sqlite":
        for table in ("tenants", "agents", "ways", "causes", "failure_groups"):
            connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 10)"))


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_any_revision_comes_up_with_its_data(url: str, revision: str) -> None:
    database = Database(url)
    upgrade(database, revision)
    database.write(_insert_old_rows)
    database.close()
    ledger = Ledger(url)
    with ledger.database.read() as connection:
        assert current_revision(connection) == REVISIONS[-1]
    (run,) = ledger.runs.page(TENANT, RunFilter(route="availability")).runs
    assert (run.agent_id, run.cause, run.retryable) == ("old", "Old cause", False)
    assert [(group.note, group.owner) for group in ledger.failure_groups.all(TENANT)] == [("kept", "")]
    ledger.runs.record(direct_run("new", state=ItemState.FAILED))
    assert ledger.runs.page(TENANT, RunFilter()).total == 2
    assert ledger.saved_views.all("sam", TENANT) == []
    check_all(ledger)
    ledger.close()


NOTE = "the outcome was unknown; read back: not applied, so it is sent again"


def _sent_again(world: World, agent: str, code: str | None) -> None:
    """An update that was read back as not applied and sent again, as versions before r0006 stored it."""
    named = diagnosis(Kind.SERVER_ERROR, missing=(), code=code, cause=f"Broke: {code}") if code else None
    operation = world.start(world.create([agent]))
    old = settlement(
        world.claim(operation)[0], ItemState.PENDING, outcome=Outcome.FAILED, diagnosis=named, code=code, note=NOTE
    )
    world.settle(operation, [old])
    world.settle(operation, [settlement(world.claim(operation)[0], ItemState.APPLIED)])


def test_runs_that_were_sent_again_are_no_failures_any_more(url: str) -> None:
    ledger = Ledger(url)
    world = World(ledger, url)
    _sent_again(world, "anna", None)  # a killed worker: nothing is known of an answer
    _sent_again(world, "bo", "alone")
    _sent_again(world, "cem", "owned")
    _sent_again(world, "dana", "shared")
    shared = diagnosis(Kind.SERVER_ERROR, missing=(), code="shared", cause="Broke: shared")
    operation = world.start(world.create(["eli"]))
    world.later()
    world.settle(operation, [settlement(world.claim(operation)[0], ItemState.FAILED, diagnosis=shared, code="shared")])
    groups = {group.code: group for group in ledger.failure_groups.all(TENANT)}
    ledger.failure_groups.set_state(
        TENANT, groups["owned"].fingerprint, GroupState.IGNORED, actor="Sam", note="seen", now=world.now
    )
    assert ledger.runs.totals(TENANT)[Outcome.FAILED] == 5
    with ledger.database.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_operations_example"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r0005'"))
    ledger.close()

    ledger = Ledger(url)
    check_all(ledger)
    totals = ledger.runs.totals(TENANT)
    assert (totals[Outcome.RESENT], totals[Outcome.FAILED], totals[Outcome.APPLIED]) == (3, 2, 4)
    groups = {group.code: group for group in ledger.failure_groups.all(TENANT)}
    assert sorted(map(str, groups)) == ["owned", "shared"], "what people said of a cause is not lost"
    assert (groups["shared"].runs, groups["shared"].agents) == (1, 1)
    again = ledger.runs.page(TENANT, RunFilter(outcome=Outcome.RESENT)).runs
    assert [(run.agent_id, run.cause, run.fingerprint) for run in again] == [
        ("dana", "Broke: shared", None),
        ("bo", "Broke: alone", None),
        ("anna", "", None),
    ]
    ledger.close()
