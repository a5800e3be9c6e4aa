"""How long runs are kept, on the Settings screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open
from tests.ui.fakes_history import HistoryDesk, a_real_tenant, somebody, tables, words
from wfm.desk import RetentionReport, RetentionState
from wfm.domain.errors import StoreFault
from wfm.settings import Settings
from wfm.ui.screens.settings.retention import job_key
from wfm.ui.screens.settings.sentences import dry_run_text, last_run_text, policy_text, result_text
from wfm.ui.shell import jobs

UTC_ZONE = ZoneInfo("UTC")
AT = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)


@pytest.fixture
def desk(serve: Callable[[Any], Any]) -> Iterator[HistoryDesk]:
    made: HistoryDesk = serve(HistoryDesk(settings=Settings(_env_file=None, retention_days=90), expired=1234))
    yield made
    job = jobs.of(job_key(made))  # type: ignore[arg-type]
    assert job is None or job.wait(10)
    jobs.forget(job_key(made))  # type: ignore[arg-type]


def dry_run(app: AppTest) -> AppTest:
    return app.button(key="settings-retention-dry").click().run()


def archived(app: AppTest, desk: HistoryDesk) -> AppTest:
    app.button(key="settings-retention-go").click().run()
    job = jobs.of(job_key(desk))  # type: ignore[arg-type]
    assert job is not None
    assert job.wait(10)
    return app.run()


def test_policy_folder_and_last_night_are_said(desk: HistoryDesk, open_screen: Open) -> None:
    desk.retention_last = RetentionState(at=AT, rows=212, files=("runs-1-2.parquet",), fault="")
    shown = tables(open_screen("settings"))
    assert "WFM_RETENTION_DAYS=90" in shown
    assert str(Path("archive").absolute()) in shown
    assert "212 runs archived, in `runs-1-2.parquet`" in shown


def test_a_dry_run_says_how_many_and_archiving_asks_for_it_first(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("settings")
    assert not [found for found in app.button if found.key == "settings-retention-go"]
    app = dry_run(app)
    assert "**1,234 runs** from before " in words(app)
    assert "2 as the newest example of a cause" in words(app)
    app.number_input(key="settings-retention-days").set_value(30).run()
    assert "from before" not in words(app), "what another number of days found is gone"
    app = archived(dry_run(app), desk)
    assert ("retain", 30) in desk.calls
    assert [said.value for said in app.success][-1].startswith("1,234 runs archived in 1 file and removed.")
    app = dry_run(app)
    assert "**No run** from before" in words(app)
    assert not [found for found in app.button if found.key == "settings-retention-go"]


def test_a_full_disk_is_a_sentence(desk: HistoryDesk, open_screen: Open) -> None:
    desk.retention_error = StoreFault("The archive can't be written (No space left). No run was deleted.")
    app = archived(dry_run(open_screen("settings")), desk)
    assert any("No run was deleted" in said.value for said in app.error)


def test_a_night_that_broke_off_stays_on_the_screen(desk: HistoryDesk, open_screen: Open) -> None:
    desk.retention_last = RetentionState(at=AT, rows=0, files=(), fault="The archive can't be written.")
    assert any("can't be written" in said.value.replace("\\", "") for said in open_screen("settings").error)


def test_a_viewer_sees_what_would_go_and_archives_nothing(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(a_real_tenant(expired=7))
    app = dry_run(open_screen("settings", user=somebody()))
    assert "**7 runs**" in words(app)
    assert not [found for found in app.button if found.key == "settings-retention-go"]
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
