"""A damaged file without facts is set aside and made again; everything else is left alone and said."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.damage import DAMAGES, damage_file, fill, small_disk
from wfm import stores
from wfm.domain.errors import StoreFault
from wfm.genesys.budget import Budget
from wfm.genesys.pacing import RequestLane, SharedPacer
from wfm.genesys.pacing_store import BudgetRow
from wfm.ledger import Ledger
from wfm.stores import PassingFault, damage_sentence, disk_full, set_aside_if_damaged, set_aside_since


def a_database(file: Path, rows: int = 4_000) -> Path:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (a, b)")
        connection.execute("CREATE INDEX i ON t (a)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((number, "x" * 40) for number in range(rows)))
        connection.execute("COMMIT")
    return file


def asides(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.damaged-*") if not path.name.endswith(("-wal", "-shm")))


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_is_kept_under_a_name_that_says_so(tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    file = a_database(tmp_path / "engine.sqlite")
    kept = damage_file(file, how)
    Path(f"{file}-wal").write_bytes(b"a log of its own")
    begun = datetime.now(UTC)
    with caplog.at_level(logging.WARNING):
        aside = set_aside_if_damaged(file)
    assert aside is not None
    assert not file.exists()
    assert not Path(f"{file}-wal").exists()
    assert aside.read_bytes() == kept
    assert Path(f"{aside}-wal").read_bytes() == b"a log of its own"
    assert datetime.strptime(aside.name, "engine.sqlite.damaged-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) >= begun.replace(
        microsecond=0
    )
    assert set_aside_since(tmp_path, begun) == [aside]
    assert set_aside_since(tmp_path, begun + timedelta(minutes=1)) == []
    assert f"engine.sqlite was damaged. It is kept as {aside}" in caplog.text
    assert damage_sentence(aside) in caplog.text
    assert set_aside_if_damaged(file) is None  # nothing there any more


@pytest.mark.parametrize("how", DAMAGES)
def test_no_other_file_is_ever_touched(tmp_path: Path, how: str) -> None:
    """The ledger holds facts: it is for a person."""
    file = tmp_path / "desk.sqlite"
    Ledger(f"sqlite:///{file}").close()
    kept = damage_file(file, how)
    assert set_aside_if_damaged(file) is None
    assert file.read_bytes() == kept
    assert asides(tmp_path) == []


def test_a_whole_file_stays(tmp_path: Path) -> None:
    file = a_database(tmp_path / "engine.sqlite")
    assert set_aside_if_damaged(file) is None
    (tmp_path / "pacing.sqlite").touch()  # made and not written yet
    assert set_aside_if_damaged(tmp_path / "pacing.sqlite") is None
    assert set_aside_if_damaged(tmp_path / "missing" / "engine.sqlite") is None
    assert file.exists()
    assert asides(tmp_path) == []


def test_a_file_is_checked_with_the_library_that_opens_it(tmp_path: Path) -> None:
    """A second library in the process would, closing the file, take away the locks that the first one holds on it."""
    asked: list[str] = []

    def connect(*given: str, **more: object) -> sqlite3.Connection:
        asked.append(given[0])
        return sqlite3.connect(*given, **more)  # type: ignore[call-overload,no-any-return]

    module = SimpleNamespace(connect=connect, DatabaseError=sqlite3.DatabaseError)
    file = a_database(tmp_path / "engine.sqlite")
    damage_file(file, "garbage")
    assert set_aside_if_damaged(file, module) is not None  # type: ignore[arg-type]
    assert len(asked) == 2  # before the lock and under it


def test_a_locked_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "CHECK_TIMEOUT_S", 0.1)
    file = a_database(tmp_path / "engine.sqlite")
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        assert set_aside_if_damaged(file) is None
    assert asides(tmp_path) == []


def test_what_may_not_be_read_stays(tmp_path: Path) -> None:
    folder = tmp_path / "engine.sqlite"
    folder.mkdir()
    assert set_aside_if_damaged(folder) is None
    if os.geteuid():  # file modes do not bind root
        file = a_database(tmp_path / "pacing.sqlite")
        damage_file(file, "garbage")
        file.chmod(0)
        assert set_aside_if_damaged(file) is None
    assert asides(tmp_path) == []


def test_of_several_that_find_it_one_sets_it_aside(tmp_path: Path) -> None:
    """The others find the new file, which is whole."""
    file = tmp_path / "pacing.sqlite"
    BudgetRow(f"sqlite:///{file}", "key").close()
    damage_file(file, "garbage")
    ready = threading.Barrier(6)

    def open_it() -> None:
        ready.wait()
        BudgetRow(f"sqlite:///{file}", "key").close()

    several = [threading.Thread(target=open_it) for _ in range(6)]
    for one in several:
        one.start()
    for one in several:
        one.join(30)
    assert len(asides(tmp_path)) == 1
    assert stores.damage(file) is None


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_budget_is_made_again_at_open(tmp_path: Path, how: str) -> None:
    file = tmp_path / "pacing.sqlite"
    _many_keys(file)
    damage_file(file, how)
    pacer = SharedPacer(f"sqlite:///{file}", "tenant|client")
    pacer.acquire(RequestLane.SCREEN, timeout=1)
    pacer.close()
    assert len(asides(tmp_path)) == 1


def test_a_budget_that_comes_to_harm_while_it_is_used_is_made_again(tmp_path: Path) -> None:
    """By whoever notices first; the other one goes on with the new file too."""
    file = tmp_path / "pacing.sqlite"
    _many_keys(file)
    url = f"sqlite:///{file}"
    first, second = SharedPacer(url, "tenant|client"), SharedPacer(url, "tenant|client")
    first.acquire(RequestLane.SCREEN, timeout=1)
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.write(os.urandom(size))
    Path(f"{file}-wal").write_bytes(b"")
    first.acquire(RequestLane.SCREEN, timeout=1)
    second.acquire(RequestLane.SCREEN, timeout=1)
    first.acquire(RequestLane.SCREEN, timeout=1)
    assert first.usage().used == second.usage().used >= 2  # one budget; what was counted in the damaged file is lost
    first.close()
    second.close()
    assert len(asides(tmp_path)) == 1


def _many_keys(file: Path) -> None:
    """A budget of many clients, so that the file has pages in the middle."""
    row = BudgetRow(f"sqlite:///{file}", "tenant|client")
    with row._engine.begin() as connection:
        for number in range(200):
            connection.execute(row._insert, {**row._values(Budget()), "key": f"tenant {number} {'x' * 300}"})
    row.close()


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    """Whatever the driver says: that the database is full, an I/O error, or a file that can't be opened."""
    with small_disk(tmp_path / "disk", 4_096) as disk:
        url = f"sqlite:///{disk / 'desk.sqlite'}"
        Ledger(url).close()
        assert not disk_full(disk / "desk.sqlite")
        filler = fill(disk)
        assert disk_full(disk / "desk.sqlite")
        with pytest.raises(PassingFault, match=r"the disk is full\. Nothing was written"):
            _write_until_it_fails(url)
        with pytest.raises(PassingFault, match="the disk is full"):
            SharedPacer(f"sqlite:///{disk / 'pacing.sqlite'}", "tenant|client")
        filler.unlink()
        _write_until_it_fails(url)
        assert asides(disk) == []


def _write_until_it_fails(url: str) -> None:
    ledger = Ledger(url)
    try:
        for number in range(50):
            ledger.preferences.set("tenant", f"key {number}", "x" * 1_000)
    finally:
        ledger.close()


def test_a_locked_budget_passes_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "pacing.sqlite"
    folder.mkdir()
    with pytest.raises(StoreFault) as wrong:
        SharedPacer(f"sqlite:///{folder}", "tenant|client")
    assert not isinstance(wrong.value, PassingFault)
