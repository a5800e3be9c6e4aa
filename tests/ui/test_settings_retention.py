"""How long runs are kept, on the Settings screen."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open, Serve
from tests.ui.screen import keys, somebody, tables, words
from tests.ui.world import PEOPLE, VISITOR, World, add_run, all_runs
from wfm.desk import Desk, RetentionReport, RetentionState
from wfm.domain.errors import StoreFault
from wfm.domain.operations import ItemState
from wfm.ui.screens.settings.retention import job_key
from wfm.ui.screens.settings.sentences import dry_run_text, last_run_text, policy_text, result_text
from wfm.ui.shell import jobs

UTC_ZONE = ZoneInfo("UTC")
AT = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)


@pytest.fixture
def desk(world: World, serve: Serve) -> Iterator[Desk]:
    """Runs are kept for 90 days; four that failed for one cause are older."""
    made: Desk = serve(world.desk(retention_days=90))
    for number in range(4):
        add_run(made, number, ago=timedelta(days=200))
    yield made
    job = jobs.of(job_key(made))
    assert job is None or job.wait(10)
    jobs.forget(job_key(made))
    shutil.rmtree(made.retention.archive_folder, ignore_errors=True)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be written to the end."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


def dry_run(app: AppTest) -> AppTest:
    return app.button(key="settings-retention-dry").click().run()


def archived(app: AppTest, desk: Desk) -> AppTest:
    app.button(key="settings-retention-go").click().run()
    job = jobs.of(job_key(desk))
    assert job is not None
    assert job.wait(10)
    return app.run()


def test_policy_folder_and_last_night_are_said(desk: Desk, open_screen: Open) -> None:
    (file,) = desk.retention.run(VISITOR).files
    shown = tables(open_screen("settings"))
    assert "WFM_RETENTION_DAYS=90" in shown
    assert str(desk.retention.archive_folder.absolute()) in shown
    assert f"3 runs archived, in `{file.name}`" in shown


def test_a_dry_run_says_how_many_and_archiving_asks_for_it_first(desk: Desk, open_screen: Open) -> None:
    app = open_screen("settings")
    assert "settings-retention-go" not in keys(app)
    app = dry_run(app)
    assert "**3 runs** from before " in words(app)
    assert "1 as the newest example of a cause" in words(app)
    app.number_input(key="settings-retention-days").set_value(30).run()
    assert "from before" not in words(app), "what another number of days found is gone"
    add_run(desk, 5, ago=timedelta(days=45))
    app = archived(dry_run(app), desk)
    (kept,) = all_runs(desk)
    assert kept.agent_id == PEOPLE[5].id
    assert [said.value for said in app.success][-1].startswith("4 runs archived in 1 file and removed.")
    app = dry_run(app)
    assert "**No run** from before" in words(app)
    assert "settings-retention-go" not in keys(app)


def test_a_full_disk_is_a_sentence(desk: Desk, open_screen: Open, full_disk: None) -> None:
    app = archived(dry_run(open_screen("settings")), desk)
    assert any("No run was deleted" in said.value for said in app.error)
    assert len(all_runs(desk)) == 4


def test_a_night_that_broke_off_stays_on_the_screen(desk: Desk, open_screen: Open, full_disk: None) -> None:
    with pytest.raises(StoreFault):
        desk.retention.run(VISITOR)
    assert any("can't be written" in said.value.replace("\\", "") for said in open_screen("settings").error)


def test_a_viewer_sees_what_would_go_and_archives_nothing(real_desk: Desk, open_screen: Open) -> None:
    for number in range(3):
        add_run(real_desk, number, ItemState.APPLIED, ago=timedelta(days=800))
    app = dry_run(open_screen("settings", user=somebody()))
    assert "**3 runs**" in words(app)
    assert "settings-retention-go" not in keys(app)
    assert "every run is kept" in tables(app)


def test_the_sentences() -> None:
    assert policy_text(0, "default").startswith("every run is kept")
    assert "by default" in policy_text(0, "default")
    assert "set in the environment" in policy_text(90, "environment")
    assert last_run_text(None, 0, UTC_ZONE) == "never"
    assert "next night" in last_run_text(None, 90, UTC_ZONE)
    quiet = RetentionState(at=AT, rows=0, files=(), fault="")
    assert last_run_text(quiet, 90, UTC_ZONE).endswith("nothing was old enough")
    many = RetentionState(at=AT, rows=9, files=tuple("abcde"), fault="")
    assert last_run_text(many, 90, UTC_ZONE).endswith("and 2 files more")
    report = RetentionReport(days=90, before=AT, dry_run=True, rows=1, open_windows=3, unsettled=1)
    said = dry_run_text(report, UTC_ZONE)
    assert "**1 run** from before 2026-11-24 02:05 UTC" in said
    assert "3 of windows that still have agents out and 1 whose outcome is not known yet" in said
    assert result_text(RetentionReport(days=1, before=AT, dry_run=False, rows=0), ()).startswith("Nothing was old enough")
