"""A database that is locked, full or may only be read: a sentence, nothing half written, and it goes on afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.ledger.audit import check_all
from tests.ledger.ledger_world import TENANT, World, exchange, settlement
from wfm.domain.errors import StoreFault
from wfm.domain.operations import ItemState, Phase, RunFilter
from wfm.ledger import Ledger
from wfm.ledger.database import Database
from wfm.ledger.schema import operations
from wfm.ledger.sqlite import WRITES


@pytest.fixture
def hasty(url: str) -> Iterator[World]:
    """A ledger that waits for a lock for a moment only."""
    ledger = Ledger(url, busy_timeout_s=0.2)
    yield World(ledger, url)
    check_all(ledger)
    ledger.close()


@contextmanager
def somebody_holds_it(url: str) -> Iterator[None]:
    """Another program in the middle of a write: SQLite's one writer, on PostgreSQL one that holds the operations."""
    other = Database(url)
    try:
        with other.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                connection.execute(sa.select(operations.c.id).with_for_update()).all()
                yield
    finally:
        other.close()


@contextmanager
def full_disk(world: World) -> Iterator[None]:
    """SQLite may not grow by a page. PostgreSQL is made to say what it says, by a trigger, in the middle of a settlement."""
    engine = world.ledger.database.engine
    if world.ledger.database.is_sqlite:

        @sa.event.listens_for(engine, "connect")
        def bound(connection: object, _: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
            connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

        engine.dispose()
        yield
        sa.event.remove(engine, "connect", bound)
        engine.dispose()
        return
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
        )
        connection.exec_driver_sql("CREATE TRIGGER full_disk BEFORE INSERT ON attempts EXECUTE FUNCTION full_disk()")
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full_disk ON attempts")


def test_locked_by_another_program(hasty: World) -> None:
    operation = hasty.start(hasty.create(["anna", "bo"]))
    claims = hasty.claim(operation)
    ends = [settlement(claim) for claim in claims]
    with somebody_holds_it(hasty.url):
        with pytest.raises(StoreFault, match=r"locked .*Nothing was written"):
            hasty.settle(operation, ends)
        page = hasty.ledger.runs.page(TENANT, RunFilter())
        assert {run.outcome.value for run in page.runs} == {"sending"}, "reading goes on"
    assert hasty.settle(operation, ends).apply[ItemState.APPLIED] == 2


def test_a_disk_that_is_full_in_the_middle_of_a_settlement(hasty: World) -> None:
    operation = hasty.start(hasty.create(["anna", "bo"]))
    claims = hasty.claim(operation)
    long = exchange(response_body='{"message": "' + "long " * 100_000 + '"}')
    ends = [settlement(claim, exchanges=(long,)) for claim in claims]
    with full_disk(hasty):
        with pytest.raises(StoreFault, match=r"(disk is full|no space left).* Nothing was written"):
            hasty.settle(operation, ends)
        check_all(hasty.ledger)
        assert len(hasty.ledger.items.orphaned(operation.id, Phase.APPLY)) == 2
    assert hasty.settle(operation, ends).apply[ItemState.APPLIED] == 2
    assert hasty.ledger.runs.page(TENANT, RunFilter(text="long")).total == 2


@pytest.mark.postgres
def test_a_server_that_only_reads(postgres_url: str) -> None:
    ledger = Ledger(postgres_url)
    ledger.preferences.set("t", "key", "before")
    name = sa.make_url(postgres_url).database
    with ledger.database.engine.begin() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    ledger.database.engine.dispose()
    with pytest.raises(StoreFault, match="read-only"):
        ledger.preferences.set("t", "key", "after")
    assert ledger.preferences.get("t", "key") == "before"
    ledger.close()


def test_characters_that_no_database_keeps(hasty: World) -> None:
    """A body may hold a zero byte or half a character: the run is settled all the same."""
    operation = hasty.start(hasty.create(["anna"]))
    (claim,) = hasty.claim(operation)
    strange = exchange(response_body='{"message": "before\0after \ud83d end"}', fault="zero \0 byte")
    hasty.settle(operation, [settlement(claim, exchanges=(strange,), note="half \ud83d a character")])
    ((run, (kept,)),) = [hasty.ledger.runs.get(TENANT, claim.run_id)]
    assert run.outcome.value == "applied"
    assert "before" in (kept.response_body or "")
    assert hasty.ledger.runs.page(TENANT, RunFilter(text="before")).total == 1
