"""The import screen: what is recognised, corrected by hand, imported, and said afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import ROOT, Open
from tests.ui.screen import button, somebody, words
from tests.ui.world import VISITOR as ADMIN
from tests.ui.world import all_runs
from wfm.desk import Desk, ImportFormat, ImportReport
from wfm.domain.errors import StoreFault
from wfm.domain.imported_runs import FIELDS, Unreadable
from wfm.domain.operations import Outcome
from wfm.files.imports import MAX_DOCUMENT_BYTES
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.imports import form
from wfm.ui.screens.imports.model import MAIN, WAYS, left_out, limit_text, problems_frame, result_text, sample, where
from wfm.ui.shell import jobs

CSV = (
    b"Time,Who,Action,HTTP Status,Answer,Cost centre\n"
    b"2025-11-23T14:30:00Z,Aylin,set_agent_unavailable,403,forbidden,77\n"
    b"yesterday,Bo,set_agent_unavailable,403,forbidden,77\n"
    b"2025-11-23T14:31:00Z,Chiara,set_agent_unavailable,200,,77\n"
)


@pytest.fixture(autouse=True)
def clean_board() -> Iterator[None]:
    yield
    job = jobs.of(form.job_key(ADMIN))
    assert job is None or job.wait(10)
    jobs.forget(form.job_key(ADMIN))


def upload(app: AppTest, content: bytes, name: str = "log.csv", fmt: str = "csv", turn: int = 0) -> AppTest:
    return app.file_uploader(key=f"import-file-{fmt}-{turn}").set_value([(name, content, "text/plain")]).run()


def imported(app: AppTest) -> AppTest:
    """Clicks and waits until the work is done."""
    app.button(key="import-go").click().run()
    job = jobs.of(form.job_key(ADMIN))
    assert job is not None
    assert job.wait(10)
    return app.run()


def select(app: AppTest, meaning: str) -> Any:
    return next(found for found in app.selectbox if (found.key or "").startswith(f"import-{meaning}-"))


def test_columns_are_recognised_corrected_and_the_runs_imported_once(desk: Desk, open_screen: Open) -> None:
    app = upload(open_screen("import_runs"), CSV)
    assert not app.exception
    assert "3 of 6 columns recognised" in words(app)
    assert "`Who`" in words(app)
    assert select(app, "time").value == "Time"
    assert select(app, "agent").value is None
    select(app, "agent").set_value("Who").run()
    select(app, "response").set_value("Answer").run()
    rows, bad = app.dataframe
    assert list(rows.value["agent"]) == ["Aylin", "Chiara"]
    assert list(bad.value["line"]) == [3]
    assert "yesterday" in bad.value["why"].iloc[0]

    app = imported(app)
    assert [said.value for said in app.success] == [r"log\.csv: 2 runs added. 1 line can't be read."]
    ok, bad_run = all_runs(desk)
    assert (ok.agent_name, ok.outcome, ok.imported) == ("Chiara", Outcome.APPLIED, True)
    assert (bad_run.agent_name, bad_run.status, bad_run.action) == ("Aylin", 403, "set_agent_unavailable")
    assert any("forbidden" in (one.response_body or "") for one in desk.runs.get(bad_run.id).exchanges)
    assert list(app.dataframe[0].value["line"]) == [3]

    button(app, "Import something else").click().run()
    app = upload(app, CSV, turn=1)
    select(app, "agent").set_value("Who").run()
    select(app, "response").set_value("Answer").run()
    app = imported(app)
    assert not app.success
    assert any("Nothing was added: all 2 runs were in the history already." in said.value for said in app.info)


def test_where_two_columns_may_be_the_agent_it_is_said_and_chosen_by_hand(desk: Desk, open_screen: Open) -> None:
    text = b"Time,User,Target,Status\n2025-11-23T14:30:00Z,kim@acme.example,bo@acme.example,403\n"
    app = upload(open_screen("import_runs"), text)
    assert not app.exception
    assert any("“User” and “Target” hold different people" in note.value for note in app.info)
    assert (select(app, "agent").value, select(app, "agent_id").value) == (None, None)
    select(app, "agent").set_value("Target").run()
    assert list(app.dataframe[0].value["agent"]) == ["bo@acme.example"]
    assert not any("hold different people" in note.value for note in app.info)


def test_the_same_file_in_two_tabs_is_imported_by_one_of_them(desk: Desk, open_screen: Open) -> None:
    one, other = (upload(open_screen("import_runs"), CSV) for _ in range(2))
    imported(one)
    other = imported(other)  # its button was drawn before the first was clicked
    assert len(all_runs(desk)) == 2
    assert "2 runs added" in other.success[0].value


def test_a_file_that_another_process_imports_is_said_and_no_fault(desk: Desk, open_screen: Open) -> None:
    app = upload(open_screen("import_runs"), CSV)
    mark = hashlib.sha256(CSV).hexdigest()[:32]
    with inside(desk).ledger.locks.exclusive(desk.tenant.key, f"import-{mark}") as ours:
        assert ours
        app = imported(app)
    assert any("being imported already" in said.value for said in app.info)
    assert not app.error


def test_a_column_may_be_taken_away(desk: Desk, open_screen: Open) -> None:
    app = upload(open_screen("import_runs"), CSV)
    select(app, "status").set_value(None).run()
    assert app.dataframe[0].value["status"].isna().all()
    select(app, "time").set_value(None).run()
    assert app.button(key="import-go").disabled
    assert "No run can be read yet" in words(app)


def test_times_without_a_zone_are_asked_about(desk: Desk, open_screen: Open) -> None:
    app = upload(open_screen("import_runs"), b"time,agent,status\n2025-11-23 14:30:00,Bo,200\n")
    assert app.button(key="import-go").disabled
    select(app, "zone").set_value("Europe/Berlin").run()
    assert str(app.dataframe[0].value["time"].iloc[0]) == "2025-11-23 13:30:00", "shown in the zone of the browser, UTC here"
    imported(app)
    assert [run.started_at for run in all_runs(desk)] == [datetime(2025, 11, 23, 13, 30, tzinfo=UTC)]


def test_what_is_pasted_becomes_runs(desk: Desk, open_screen: Open) -> None:
    app = open_screen("import_runs")
    app.segmented_control(key="import-from").set_value(ImportFormat.PAYLOADS).run()
    payload = '{"status": 403, "code": "forbidden", "message": "Insufficient permissions for resource access"}'
    app.text_area(key="import-paste-0").set_value(payload).run()
    assert not app.exception
    assert app.dataframe[0].value["outcome"].iloc[0] == "failed"
    app = imported(app)
    assert any("What was pasted: 1 run added" in said.value for said in app.success)


def test_an_empty_file_and_one_of_another_kind_are_said_so(desk: Desk, open_screen: Open) -> None:
    app = upload(open_screen("import_runs"), b"")
    assert "It contains nothing to import" in words(app)
    assert app.button(key="import-go").disabled
    app = upload(app, b"PK\x03\x04 a packed file" + bytes(200))
    assert not app.exception
    assert not [found for found in app.button if found.key == "import-go" and not found.disabled]
    assert app.warning or app.info, "why is said"


def test_a_fault_on_the_way_says_what_stays(desk: Desk, open_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise StoreFault("The database is full.")

    monkeypatch.setattr(inside(desk).ledger.imports, "record", full)
    app = imported(upload(open_screen("import_runs"), CSV))
    assert any(escape_markdown("The database is full.") in said.value for said in app.error)
    assert "Import the same file again to add the rest" in words(app)


def test_others_see_who_may_and_no_widget(real_desk: Desk, open_screen: Open) -> None:
    app = open_screen("import_runs", user=somebody())
    assert not app.exception
    assert "Only an admin imports runs" in words(app)
    assert "WFM_ADMINS" in words(app)
    assert not app.file_uploader
    app = open_screen("import_runs", user=somebody("boss@example.com"))
    assert app.file_uploader


def test_limits_are_named_and_are_the_ones_that_hold() -> None:
    config.get_config_options(force_reparse=True)
    for fmt, way in WAYS.items():
        if way.max_mb:
            assert f"{way.max_mb} MB" in limit_text(way)
        if fmt is ImportFormat.FLOW:
            assert way.max_mb * 1024 * 1024 <= MAX_DOCUMENT_BYTES
    served = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert f"maxUploadSize = {max(way.max_mb for way in WAYS.values())}\n" in served
    assert set(WAYS) == set(ImportFormat)
    assert set(MAIN) < set(FIELDS)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (ImportReport(read=18, added=15, known=3, unreadable=2), "15 runs added, 3 were there already. 2 lines can't be read."),
        (ImportReport(read=1, added=1), "1 run added."),
        (ImportReport(read=2, added=1, known=1), "1 run added, 1 was there already."),
        (ImportReport(read=1, known=1), "Nothing was added: the one run was in the history already."),
        (ImportReport(unreadable=4), "Nothing was added: it contains no run. 4 lines can't be read."),
    ],
)
def test_the_result_is_a_sentence(report: ImportReport, said: str) -> None:
    assert result_text(report) == said


def test_values_without_anything_in_them() -> None:
    assert len(sample((), ZoneInfo("UTC"))) == 0
    assert list(problems_frame([Unreadable(line=7, why="no time")])["why"]) == ["no time"]
    assert left_out(("a", "b"), {"time": "a"}) == ("b",)
    assert where(()) == {}
