"""Every test of the ledger's behaviour runs on SQLite and, marked `postgres`, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.audit import check_all
from tests.ledger.ledger_world import World
from tests.support.postgres import postgres_server, postgres_url
from wfm.ledger import Ledger

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def world(url: str) -> Iterator[World]:
    """A ledger at noon. After the test every counter is held against the rows."""
    ledger = Ledger(url)
    world = World(ledger, url)
    yield world
    check_all(ledger)
    ledger.close()


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[World]:
    """The same on SQLite only."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    ledger = Ledger(url)
    yield World(ledger, url)
    check_all(ledger)
    ledger.close()
