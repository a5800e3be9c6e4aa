"""The engine on DBOS: what it refuses before DBOS would fail without a word."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from wfm.domain.errors import StoreFault
from wfm.domain.operations import Phase
from wfm.engine import dbos_engine
from wfm.engine.dbos_engine import DbosEngine
from wfm.ledger.sqlite import OLDEST_FOR_ALL, sqlite_module


def never(operation_id: str, phase: Phase, first: bool) -> bool:
    raise AssertionError("nothing is to be done")


def test_an_sqlite_that_is_too_old_for_this_python_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(sqlite_version="3.40.1", sqlite_version_info=(3, 40, 1))
    monkeypatch.setattr(dbos_engine, "sqlite_module", lambda: old)
    monkeypatch.setattr(dbos_engine, "sys", SimpleNamespace(version_info=(3, 12, 1)))
    engine = DbosEngine("tenant", never, sqlite_file=tmp_path / "engine.sqlite")
    with pytest.raises(StoreFault, match=r"SQLite is 3\.40\.1; the worker needs 3\.42 or newer\. Install pysqlite3-binary"):
        engine.launch()
    assert not (tmp_path / "engine.sqlite").exists()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 works with every SQLite")
def test_the_locked_requirements_bring_an_sqlite_that_is_new_enough() -> None:
    assert sqlite_module().sqlite_version_info >= OLDEST_FOR_ALL


def test_exactly_one_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either"):
        DbosEngine("tenant", never)
    with pytest.raises(ValueError, match="either"):
        DbosEngine("tenant", never, sqlite_file=tmp_path / "x", postgres_url="postgresql://localhost/x")
