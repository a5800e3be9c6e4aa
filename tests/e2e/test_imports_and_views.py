"""Runs brought in from elsewhere, taken out as Parquet, and looked at through saved views; in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, no_exception, open_at, settled
from tests.e2e.test_screens import violations
from wfm.ui.screens.imports.model import MAX_FILE_MB

ACTION = "flow_unavailable"
GOOD = 24
SLOW = 60_000


def a_log(folder: Path) -> Path:
    """A CSV of another system: two columns that nobody recognises, two lines that can't be read."""
    # So old that the retention's test can archive them.
    first = datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0) - timedelta(days=60)
    lines = ["Time,Who,Action,HTTP Status,Server said,Cost centre"]
    for number in range(GOOD):
        status, said = (403, "Insufficient permissions for resource access") if number % 3 == 0 else (200, "")
        at = first + timedelta(days=number % 9, minutes=number)
        lines.append(f"{at:%Y-%m-%dT%H:%M:%SZ},Agent {number},{ACTION},{status},{said},77")
    lines.insert(4, f"yesterday,Agent x,{ACTION},403,,77")
    lines.insert(9, f"{first:%Y-%m-%dT%H:%M:%SZ},Agent y,{ACTION},9999,,77")
    path = folder / "flow-log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def upload(page: Page, path: Path) -> None:
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("4 of 6 columns recognised").or_(page.get_by_text("3 of 6 columns recognised"))).to_be_visible()
    settled(page)
    for meaning, column in (("agent's name", "Who"), ("response body or error", "Server said")):
        page.get_by_role("combobox", name=meaning).click()
        page.get_by_role("option", name=column, exact=True).click()
        settled(page)


def test_a_file_is_mapped_imported_found_and_not_imported_twice(
    dashboard: RunningDesk, new_page: NewPage, tmp_path: Path
) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/runs")
    page.get_by_role("link", name="Import", exact=True).click()
    expect(page.locator("h1")).to_have_text("Import runs")
    settled(page)
    expect(page.get_by_text(f"Up to {MAX_FILE_MB} MB; a larger file is refused")).to_be_visible()
    log = a_log(tmp_path)
    upload(page, log)
    expect(page.get_by_text("2 lines can't be read")).to_be_visible()
    expect(page.get_by_text("Cost centre")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Import flow-log.csv").click()
    expect(page.get_by_text(f"{GOOD} runs added. 2 lines can't be read.")).to_be_visible(timeout=SLOW)
    settled(page)
    assert violations(page) == []

    page.get_by_role("button", name="Import something else").click()
    settled(page)
    upload(page, log)
    page.get_by_role("button", name="Import flow-log.csv").click()
    expect(page.get_by_text(f"Nothing was added: all {GOOD} runs were in the history already.")).to_be_visible(timeout=SLOW)

    page.get_by_role("link", name="See the runs").click()
    expect(page.locator("h1")).to_have_text("Runs")
    expect(page).to_have_url(re.compile(rf"action={ACTION}"))
    settled(page)
    expect(page.get_by_text(f"{GOOD} match")).to_be_visible()
    expect(page.get_by_text(f"Export {GOOD} runs")).to_be_visible()
    with page.expect_download() as caught:
        page.get_by_role("link", name="Parquet").click()
    assert caught.value.suggested_filename.endswith(".parquet")
    found = pq.read_table(caught.value.path()).to_pylist()
    assert len(found) == GOOD
    assert {row["action"] for row in found} == {ACTION}
    assert sum(row["outcome"] == "failed" for row in found) == GOOD // 3
    expect(page.get_by_text(f"The Parquet file is complete: {GOOD} runs")).to_be_visible()
    no_exception(page)
    _archived(page, dashboard)


def _archived(page: Page, dashboard: RunningDesk) -> None:
    """All of them but the newest failure, the example of its cause, are old enough for an archive of what is over 40 days."""
    open_at(page, f"{dashboard.url}/settings")
    expect(page.get_by_text("every run is kept")).to_be_visible()
    page.get_by_role("spinbutton", name="Runs older than (days)").fill("40")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("would be written to Parquet and removed")).to_be_visible()
    settled(page)
    assert violations(page) == []
    page.get_by_role("button", name="Archive now").click()
    page.get_by_role("button", name=f"Archive {GOOD - 1} runs").click()
    expect(page.get_by_text(f"{GOOD - 1} runs archived in 1 file and removed")).to_be_visible(timeout=SLOW)
    (archive,) = dashboard.data.glob("archive/*/*.parquet")
    assert pq.read_table(archive).num_rows == GOOD - 1
    no_exception(page)


def test_a_file_that_is_too_large_is_refused_with_the_limit_named(
    dashboard: RunningDesk, new_page: NewPage, tmp_path: Path
) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate((MAX_FILE_MB + 1) * 1024 * 1024)
    page = new_page()
    open_at(page, f"{dashboard.url}/import_runs")
    again, field = page.get_by_role("button", name="Import something else"), page.get_by_test_id("stFileUploader")
    again.or_(field).first.wait_for()
    if again.is_visible():  # what came of this person's last import is still said
        again.click()
    field.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(re.compile(rf"must be {MAX_FILE_MB}(\.0)?\s?MB or smaller"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Import huge"))).to_have_count(0)
    no_exception(page)


def test_a_view_is_saved_made_the_default_opens_runs_and_is_forgotten(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/runs?outcome=failed&time=7d")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("textbox", name="Save these filters as").fill("Failures of the week")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("Failures of the week is saved")).to_be_visible()
    settled(page)
    make = page.get_by_role("button", name="Make default")
    if not make.is_visible():
        page.locator(".st-key-runs-views").get_by_role("button").first.click()
    make.click()
    expect(page.get_by_text("and Runs opens with it")).to_be_visible()

    other = new_page()
    open_at(other, f"{dashboard.url}/runs")
    expect(other).to_have_url(re.compile(r"outcome=failed"))
    expect(other).to_have_url(re.compile(r"time=7d"))
    other.reload()
    settled(other)
    expect(other).to_have_url(re.compile(r"outcome=failed"))
    chosen = other.locator(".st-key-runs-views").get_by_role("button", name="Failures of the week")
    expect(chosen).to_be_visible()
    chosen.click()
    other.get_by_role("button", name="Delete").click()
    expect(other.get_by_text("Failures of the week is deleted")).to_be_visible()

    fresh = new_page()
    open_at(fresh, f"{dashboard.url}/runs")
    expect(fresh).not_to_have_url(re.compile(r"outcome="))
    expect(fresh.get_by_role("button", name="Saved views")).to_be_visible()
    no_exception(fresh)
