"""A desk on a tenant that is never asked, on SQLite and, marked `postgres`, on PostgreSQL, with a clock turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.history.old_runs import House
from tests.ledger.audit import check_all
from tests.support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Desks on one database. After the test every counter and every cause is held against the rows."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'desk.sqlite'}" if embedded else str(request.getfixturevalue("postgres_url"))
    house = House(tmp_path, url)
    try:
        yield house
        check_all(house.ledger, archived=True)
    finally:
        house.close()
