"""Old runs go only when an archive holds them, whatever happens in between, and come back from it as they were."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.desk.history.old_runs import (
    ADMIN,
    DAYS,
    NOW,
    SUPERVISOR,
    House,
    archived,
    bring,
    came,
    everything,
    failed,
    record,
)
from tests.ledger.audit import check_all
from tests.ledger.ledger_world import World, settlement
from tests.support.inside import inside
from wfm.desk import Desk, ImportFormat, archives, retention
from wfm.desk.archives import name_for, settle_name
from wfm.domain.errors import BadInput, NotAllowed, Refused, StoreFault
from wfm.domain.operations import ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.files.exports import parquet_bytes
from wfm.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def bring_old(desk: Desk, n: int = 12) -> None:
    """Old runs, some failed, and three young ones. One old failure more is the newest of its cause and stays."""
    old = [failed(k, days=40) if k % 3 else record(k, days=40, note="worked well") for k in range(1, n + 1)]
    assert bring(desk, [failed(0, days=40), *old, *(record(k, days=2) for k in range(3))]).unreadable == 0


def told(desk: Desk) -> dict[str, Any]:
    """What screens say of all runs."""
    return {
        "runs": {run.id for run in desk.runs.page(RunFilter(), limit=1_000).runs},
        "totals": desk.runs.totals(),
        "causes": [(group.fingerprint, group.runs, group.agents, group.last_seen) for group in desk.failures.groups()],
        "found": desk.runs.page(RunFilter(text="insufficient")).total,
    }


def test_old_runs_are_archived_and_go(house: House) -> None:
    desk = house.desk
    bring_old(desk)
    before = everything(desk)
    first_seen = desk.failures.groups()[0].first_seen
    report = desk.retention.nightly()
    assert report is not None
    assert (report.rows, report.examples, len(report.files)) == (12, 1, 1)
    left = everything(desk)
    assert len(left) == 4
    assert archived(house.folder) == sorted(set(before) - set(left))
    table = pq.read_table(report.files[0]).to_pylist()
    assert sum("Insufficient permissions" in row["exchanges"] for row in table) == 8
    # A cause counts what can still be opened, and knows when it was first seen.
    (group,) = desk.failures.groups()
    assert (group.runs, group.agents, group.first_seen) == (1, 1, first_seen)
    assert desk.runs.page(RunFilter(fingerprint=group.fingerprint)).total == 1
    assert desk.runs.page(RunFilter(text="insufficient")).total == 1
    assert sum(desk.runs.totals().values()) == 4
    assert desk.retention.nightly() is None
    assert desk.retention.run(ADMIN).rows == 0
    assert not list(desk.retention.archive_folder.glob(".*"))


def test_an_archive_comes_back_by_import_as_if_it_had_never_gone(house: House) -> None:
    desk = house.desk
    bring_old(desk)
    world = World(inside(desk).ledger, house.url)
    world.now = NOW - timedelta(days=50)
    operation = world.in_effect(start=world.now, states={"bo": ItemState.FAILED})
    world.ledger.lifecycle.transition(operation.id, [OperationState.IN_EFFECT], OperationState.RESTORING, now=world.later())
    world.run_phase(operation, Phase.RESTORE)
    world.ledger.lifecycle.transition(operation.id, [OperationState.RESTORING], OperationState.RESTORED, now=world.later())
    before, shown, items = everything(desk), told(desk), inside(desk).ledger.items.page(operation.id)
    report = desk.retention.run(ADMIN)
    assert report.rows == 16
    data = report.files[0].read_bytes()
    assert came(bring(desk, data, ImportFormat.PARQUET)) == (16, 0, 0)
    assert came(bring(desk, data, ImportFormat.PARQUET)) == (0, 16, 0)
    after = everything(desk)
    assert after.keys() == before.keys()
    for run_id, (run, exchanges) in before.items():
        again, tried = after[run_id]
        assert (again.operation_id, again.outcome, again.status, again.code) == (
            *(run.operation_id, run.outcome, run.status, run.code),
        )
        assert (again.kind, again.cause, again.missing, again.retryable, again.fingerprint) == (
            *(run.kind, run.cause, run.missing, run.retryable, run.fingerprint),
        )
        assert (again.agent_name, again.call, again.note, again.attempts) == (run.agent_name, run.call, run.note, run.attempts)
        assert [one.response_body for one in tried] == [one.response_body for one in exchanges]
        assert [one.correlation_id for one in tried] == [one.correlation_id for one in exchanges]
    assert told(desk) == shown
    pointed = {item.agent_id: (item.apply_run, item.restore_run) for item in inside(desk).ledger.items.page(operation.id)}
    assert pointed == {item.agent_id: (item.apply_run, item.restore_run) for item in items}


# --- killed --------------------------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """Stands for a process that ends between two statements: nothing of ours catches it."""


def after(n: int, real: Any, *, instead: bool = False) -> Any:
    """The real thing, dying at its n-th call: behind it, or instead of it."""
    calls = [0]

    def call(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == n and instead:
            raise KilledError
        found = real(*args, **kwargs)
        if calls[0] == n:
            raise KilledError
        return found

    return call


def halfway(real: Any) -> Any:
    """Gives half of the pieces of a file."""

    def call(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        for piece in real(*args, **kwargs):
            yield piece[: len(piece) // 2]
            raise KilledError

    return call


def _kill(point: str, desk: Desk, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(retention, "BATCH", 2)
    ledger = inside(desk).ledger
    if point == "in the file":
        patch.setattr(archives, "parquet_bytes", halfway(parquet_bytes))
    elif point == "before the name is noted":
        patch.setattr(retention, "name_for", after(1, name_for))
    elif point == "before the file has its name":
        patch.setattr(retention, "settle_name", after(1, settle_name, instead=True))
    elif point == "before the first run goes":
        patch.setattr(retention, "settle_name", after(1, settle_name))
    elif point == "among the runs that go":
        patch.setattr(ledger.retention, "delete_expired", after(3, ledger.retention.delete_expired))
    elif point == "before the note is removed":
        patch.setattr(ledger.preferences, "set", after(2, ledger.preferences.set, instead=True))
    else:
        raise AssertionError(point)


@pytest.mark.parametrize(
    "point",
    [
        "in the file",
        "before the name is noted",
        "before the file has its name",
        "before the first run goes",
        "among the runs that go",
        "before the note is removed",
    ],
)
@pytest.mark.parametrize("files", [1, 3])
def test_killed_anywhere_nothing_is_lost_and_the_next_run_ends_it(
    house: House, point: str, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_RUNS_PER_FILE", 12 // files)
    bring_old(house.desk)
    before = everything(house.desk)
    with monkeypatch.context() as patch:
        _kill(point, house.desk, patch)
        with pytest.raises(KilledError):
            house.desk.retention.run(ADMIN)
    kept = set(everything(house.desk))
    assert kept | set(archived(house.folder)) >= set(before)
    check_all(house.ledger, archived=True)
    house.now += timedelta(hours=1)
    report = house.another().retention.nightly()
    assert report is not None
    left = set(everything(house.desk))
    assert len(left) == 4
    # Each run that went stands in exactly one archive.
    assert archived(house.folder) == sorted(set(before) - left)
    assert not list(house.desk.retention.archive_folder.glob(".*"))
    for file in house.desk.retention.archive_folder.glob("*.parquet"):
        bring(house.desk, file.read_bytes(), ImportFormat.PARQUET)
    assert everything(house.desk).keys() == before.keys()


def test_a_run_that_changed_since_is_archived_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_old(house.desk)
    with monkeypatch.context() as patch:
        _kill("before the first run goes", house.desk, patch)
        with pytest.raises(KilledError):
            house.desk.retention.run(ADMIN)
    bring(house.desk, [record(500, userId="agent-1", agentName="Another Name")])  # people know today's names
    report = house.desk.retention.run(ADMIN)
    assert (report.rows, len(report.files)) == (12, 2)
    rows = [row for file in house.desk.retention.archive_folder.glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    assert {row["agent"] for row in rows if row["agent_id"] == "agent-1"} == {"agent-1", "Another Name"}


@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_an_archive_that_was_damaged_meanwhile_takes_nothing_out(
    house: House, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_old(house.desk)
    with monkeypatch.context() as patch:
        _kill("before the first run goes", house.desk, patch)
        with pytest.raises(KilledError):
            house.desk.retention.run(ADMIN)
    (file,) = house.desk.retention.archive_folder.glob("*.parquet")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: 0 if damage == "empty" else 500])
    report = house.desk.retention.run(ADMIN)
    assert report.rows == 12
    assert pq.read_metadata(report.files[0]).num_rows == 12


SLOW_RETENTION = """
import sys, time
from datetime import datetime, timedelta, UTC
from pathlib import Path
from tests.desk.history.old_runs import House, ADMIN
from wfm.desk import retention
retention.BATCH = 1
house = House(Path(sys.argv[1]), sys.argv[2])
real = house.ledger.retention.delete_expired
def slow(*args):
    found = real(*args)
    print("gone", flush=True)
    time.sleep(0.02)
    return found
house.ledger.retention.delete_expired = slow
house.desk.retention.run(ADMIN)
"""


def test_a_process_killed_with_nine_among_the_runs_that_go(house: House) -> None:
    bring_old(house.desk, 40)
    before = everything(house.desk)
    command = [sys.executable, "-c", SLOW_RETENTION, str(house.folder), house.url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(7):
        assert process.stdout.readline() == "gone\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    kept = set(everything(house.desk))
    assert 4 < len(kept) < len(before)
    report = _patiently(house.desk)
    assert report.rows == len(kept) - 4
    assert archived(house.folder) == sorted(set(before) - set(everything(house.desk)))


def _patiently(desk: Desk) -> retention.RetentionReport:
    """A killed session's lock ends when PostgreSQL notices."""
    done = threading.Event()
    for _ in range(600):
        try:
            return desk.retention.run(ADMIN)
        except Refused:
            done.wait(0.1)
    raise AssertionError("the lock of a killed process is still held")


# --- what stays ----------------------------------------------------------------------------------------------------------


def test_runs_of_open_windows_and_of_unsettled_items_stay(house: House) -> None:
    world = World(house.ledger, house.url)
    world.now = NOW - timedelta(days=90)
    in_effect = world.in_effect(("a1", "a2"), start=world.now)
    over = world.in_effect(("b1", "b2", "b3"), start=world.now, states={"b2": ItemState.UNCONFIRMED})
    world.ledger.lifecycle.transition(over.id, [OperationState.IN_EFFECT], OperationState.RESTORING, now=world.later())
    claims = {claim.item.agent_id: claim for claim in world.claim(over, Phase.RESTORE)}
    ends = {"b1": ItemState.APPLIED, "b2": ItemState.UNCONFIRMED, "b3": ItemState.FAILED}
    settled = [settlement(claims[agent], state) for agent, state in ends.items()]
    world.settle(over, settled, Phase.RESTORE)
    world.ledger.lifecycle.transition(over.id, [OperationState.RESTORING], OperationState.FAILED, now=world.later())
    dry = house.desk.retention.dry_run()
    # b1 twice and b3's apply may go; b2 is unsettled in both phases; b3's failed restore is the example of its cause.
    assert (dry.rows, dry.open_windows, dry.unsettled, dry.examples) == (3, 2, 2, 1)
    report = house.desk.retention.run(ADMIN)
    assert (report.rows, report.open_windows, report.unsettled, report.examples) == (3, 2, 2, 1)
    left = sorted((run.agent_id, run.phase.value) for run, _ in everything(house.desk).values())
    assert left == [("a1", "apply"), ("a2", "apply"), ("b2", "apply"), ("b2", "restore"), ("b3", "restore")]
    # Settled by a person since, they go.
    run = next(run for run, _ in everything(house.desk).values() if run.agent_id == "b2" and run.phase is Phase.RESTORE)
    house.ledger.items.settle(over.id, Phase.RESTORE, [settlement(claims["b2"], ItemState.APPLIED)], now=NOW)
    assert house.desk.runs.get(run.id).run.outcome is Outcome.APPLIED
    assert house.desk.retention.dry_run().rows == 0  # its apply is unsettled still
    world.ledger.lifecycle.transition(in_effect.id, [OperationState.IN_EFFECT], OperationState.RESTORED, now=NOW)
    assert house.desk.retention.run(ADMIN).rows == 2


def test_an_operation_opened_again_keeps_its_runs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(house.ledger, house.url)
    world.now = NOW - timedelta(days=90)
    operation = world.in_effect(start=world.now)
    world.ledger.lifecycle.transition(operation.id, [OperationState.IN_EFFECT], OperationState.FAILED, now=world.later())

    def reopened(part: Path, whole: Path) -> None:
        settle_name(part, whole)
        world.ledger.lifecycle.transition(operation.id, [OperationState.FAILED], OperationState.RESTORING, now=NOW)

    monkeypatch.setattr(retention, "settle_name", reopened)
    report = house.desk.retention.run(ADMIN)
    assert (report.rows, report.open_windows) == (0, 3)
    assert len(everything(house.desk)) == 3


def test_the_dry_run_says_exactly_what_the_run_then_does(house: House) -> None:
    bring_old(house.desk)
    bring(house.desk, [record(k, days=DAYS, userId=f"edge-{k}") for k in (-1, 0, 1)])
    for days in (45, 40, DAYS, 2, 1):
        dry = house.desk.retention.dry_run(days)
        count = len(everything(house.desk))
        done = house.desk.retention.run(ADMIN, days)
        assert (done.rows, done.open_windows, done.unsettled, done.examples, done.before) == (
            *(dry.rows, dry.open_windows, dry.unsettled, dry.examples, dry.before),
        )
        assert len(everything(house.desk)) == count - dry.rows
        assert (dry.dry_run, done.dry_run) == (True, False)


@pytest.mark.parametrize("days", [0, -1, 36_501, 10**12])
def test_a_policy_out_of_bounds_is_named(house: House, days: int) -> None:
    with pytest.raises(BadInput, match=r"WFM_RETENTION_DAYS: .*from 1 to 36,500"):
        house.desk.retention.dry_run(days)
    with pytest.raises(BadInput, match=r"WFM_RETENTION_DAYS: .*from 1 to 36,500"):
        house.desk.retention.run(ADMIN, days)
    if days:
        with pytest.raises(ValueError, match="retention_days"):
            Settings(retention_days=days, _env_file=None)


def test_a_century_keeps_everything(house: House) -> None:
    bring_old(house.desk)
    assert house.desk.retention.run(ADMIN, 36_500).rows == 0


def test_without_a_policy_no_night_does_anything(house: House) -> None:
    bring_old(house.desk)
    desk = house.another(days=0)
    assert desk.retention.nightly() is None
    with pytest.raises(BadInput):
        desk.retention.dry_run()
    assert len(everything(desk)) == 16


def test_only_admins_retain(house: House) -> None:
    with pytest.raises(NotAllowed):
        house.desk.retention.run(SUPERVISOR)


# --- trouble -------------------------------------------------------------------------------------------------------------


@contextmanager
def in_the_way(house: House) -> Iterator[None]:
    (house.folder / "archive").write_text("in the way")
    yield
    (house.folder / "archive").unlink()


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """What is written goes to a device that is always full."""
    house.desk.retention.archive_folder.mkdir(parents=True)
    part = house.desk.retention.archive_folder / archives.PART
    part.symlink_to("/dev/full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "drop", lambda _: None)
        yield
    assert not part.is_symlink(), "the part of a file is left behind"


@pytest.mark.parametrize("trouble", [in_the_way, full_disk])
def test_without_an_archive_nothing_goes_and_the_night_is_tried_again(house: House, trouble: Any) -> None:
    if trouble is full_disk and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    bring_old(house.desk)
    with trouble(house), pytest.raises(StoreFault, match="No run was deleted"):
        house.desk.retention.nightly()
    state = house.desk.retention.last_run()
    assert state is not None
    assert (state.rows, "No run was deleted" in state.fault) == (0, True)
    assert len(everything(house.desk)) == 16
    report = house.desk.retention.nightly()
    assert report is not None
    assert report.rows == 12
    state = house.desk.retention.last_run()
    assert state is not None
    assert (state.at, state.rows, state.fault, len(state.files)) == (NOW, 12, "", 1)


def test_a_file_that_reads_back_otherwise_is_no_archive(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_old(house.desk)

    def forgetful(records: Any, **more: Any) -> Iterator[bytes]:
        def changed() -> Iterator[dict[str, object]]:
            for n, one in enumerate(records):
                yield {**one, "note": "something else"} if n == 5 else one

        yield from parquet_bytes(changed(), **more)

    monkeypatch.setattr(archives, "parquet_bytes", forgetful)
    with pytest.raises(StoreFault, match="reads back otherwise"):
        house.desk.retention.run(ADMIN)
    assert len(everything(house.desk)) == 16
    assert list(house.desk.retention.archive_folder.iterdir()) == []


def test_no_archive_is_ever_written_over(house: House) -> None:
    bring_old(house.desk)
    (first,) = house.desk.retention.run(ADMIN).files
    data = first.read_bytes()
    bring(house.desk, data, ImportFormat.PARQUET)
    (second,) = house.desk.retention.run(ADMIN).files
    assert second.name == first.name.replace(".parquet", "-2.parquet")
    assert first.read_bytes() == data


# --- two at night --------------------------------------------------------------------------------------------------------


def test_of_two_workers_at_night_exactly_one_does_it(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wfm import work

    bring_old(house.desk, 30)
    monkeypatch.setattr(retention, "BATCH", 3)
    desks = [house.another(folder=house.folder / f"host-{n}") for n in range(3)]
    ready = threading.Barrier(len(desks))

    def one(desk: Desk) -> None:
        ready.wait(timeout=60)
        work._tidy_history(desk)

    with caplog.at_level("INFO"):
        threads = [threading.Thread(target=one, args=(desk,)) for desk in desks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
    ours = [entry for entry in caplog.records if entry.name.startswith("wfm")]
    assert [entry.getMessage() for entry in ours] == [f"30 runs older than {DAYS} days archived in 1 files"]
    assert len(archived(house.folder)) == 30
    assert [desk.retention.nightly() for desk in desks] == [None, None, None]


def test_while_one_is_at_it_a_person_is_told_and_a_worker_keeps_quiet(house: House) -> None:
    bring_old(house.desk)
    other = house.another()
    with inside(other).ledger.locks.exclusive(other.tenant.key, retention.TASK) as ours:
        assert ours
        assert house.desk.retention.nightly() is None
        with pytest.raises(Refused, match="just now by another process"):
            house.desk.retention.run(ADMIN)
        # Another tenant's night is its own affair on PostgreSQL; on the embedded database there is one worker anyway.
    assert house.desk.retention.run(ADMIN).rows == 12


def test_before_two_in_the_morning_nothing_happens(house: House) -> None:
    bring_old(house.desk)
    house.now = NOW.replace(hour=1, minute=59)
    assert house.desk.retention.nightly() is None
    house.now = NOW.replace(hour=2, minute=0)
    assert house.desk.retention.nightly() is not None
    house.now += timedelta(days=1)
    report = house.desk.retention.nightly()
    assert report is not None
    assert report.rows == 0
    assert report.files == ()


def test_the_folder_of_one_tenant_holds_nothing_of_another(house: House) -> None:
    other = house.another(organization="org-2")
    bring_old(house.desk)
    bring_old(other)
    assert house.desk.retention.run(ADMIN).rows == 12
    assert len(everything(other)) == 16
    assert other.retention.run(ADMIN).rows == 12
    assert len(archived(other.retention.archive_folder)) == len(archived(house.desk.retention.archive_folder)) == 12
    shutil.rmtree(other.retention.archive_folder)


def test_as_many_files_as_are_needed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_RUNS_PER_FILE", 5)
    bring_old(house.desk)
    report = house.desk.retention.run(ADMIN)
    assert [pq.read_metadata(file).num_rows for file in report.files] == [5, 5, 2]
    assert sorted(file.name for file in report.files) == [file.name for file in report.files]
    assert os.path.commonpath(report.files) == str(house.desk.retention.archive_folder)
