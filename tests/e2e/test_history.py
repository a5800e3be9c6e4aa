"""Runs, Failures, Access, Data Actions and Settings in a real browser, on what a real Data Action answers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, no_exception, open_at, running_desk, settled
from tests.e2e.test_screens import violations
from wfm.desk import Desk
from wfm.domain.people import Actor, Role
from wfm.settings import load

RUNS = 54
"""Executions by hand, every second through the action that lacks the right: more than one page of the table."""

HEADER, ROW = 31, 31


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of its own with a history made over HTTP: Data Actions that work and Data Actions that answer 403."""
    with running_desk(tmp_path_factory.mktemp("history"), WFM_DEMO_AGENTS="120") as running:
        _execute(running.data)
        yield running


def _execute(data: Path) -> None:
    actor = Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)
    with closing(Desk.open(load(data_dir=data))) as opened:
        fails, works = opened.action("set_agent_unavailable"), opened.action("set_agent_unavailable_desk")
        agents = [agent.id for agent in opened.directory().agents.values() if agent.active]
        for number in range(RUNS):
            action = works if number % 2 else fails
            opened.execute_action(action.id, {"userId": agents[number // 2 % 9]}, actor)


def shown(page: Page, text: str) -> None:
    """That text stands on the screen."""
    expect(page.get_by_text(text).locator("visible=true").first).to_be_visible()


def choose(page: Page, label: str, option: str) -> None:
    """Takes an option of a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def cell(page: Page, row: int, x: int = 220) -> None:
    """Clicks into a row of the table, which is drawn on a canvas."""
    page.get_by_test_id("stDataFrame").first.locator("canvas").first.click(position={"x": x, "y": HEADER + row * ROW + 15})


# --- runs ---------------------------------------------------------------------------------------------------------------


def test_a_click_opens_a_run_and_its_address_can_be_shared(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?action=set_agent_unavailable&time=7d")
    shown(page, "27 match")
    cell(page, 2)
    expect(page).to_have_url(re.compile(r"[?&]run=\w+"))
    settled(page)
    for said in ("Insufficient permissions for resource access", "Correlation id", "Who can", "Response 403"):
        shown(page, said)
    assert violations(page) == []
    other = new_page(scheme="dark")
    open_at(other, page.url)
    shown(other, "Insufficient permissions for resource access")
    shown(other, "27 match")
    assert violations(other) == []
    page.get_by_role("button", name="Close").click()
    expect(page).not_to_have_url(re.compile(r"run="))
    expect(page).to_have_url(re.compile(r"action=set_agent_unavailable"))
    no_exception(page)


def test_filters_are_chosen_go_into_the_address_and_survive_reload_and_menu(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs")
    choose(page, "Outcome", "failed")
    expect(page).to_have_url(re.compile(r"outcome=failed"))
    page.get_by_role("textbox", name="Find in payloads, names").fill("Insufficient permissions")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=Insufficient"))
    shown(page, "27 match")
    page.reload()
    settled(page)
    shown(page, "27 match")
    page.get_by_role("link", name="Failures").click()
    expect(page).to_have_url(re.compile(r"/failures"))
    page.get_by_role("link", name="Runs").click()
    expect(page).to_have_url(re.compile(r"outcome=failed"))
    shown(page, "27 match")
    page.get_by_role("button", name="Clear all").click()
    expect(page).not_to_have_url(re.compile(r"outcome"))
    no_exception(page)


def test_older_and_newer_have_their_place_in_the_address(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs")
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()
    page.get_by_role("button", name="Older").click()
    expect(page).to_have_url(re.compile(r"cursor="))
    settled(page)
    page.reload()
    settled(page)
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    settled(page)
    expect(page.get_by_role("button", name="Older")).to_be_enabled()


def test_a_bar_of_the_chart_filters(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs")
    bars = page.get_by_test_id("stVegaLiteChart").first.locator("path[aria-roledescription=bar]")
    expect(bars.first).to_be_visible()
    bars.first.click()
    expect(page).to_have_url(re.compile(r"outcome=(failed|applied)"))
    expect(page).to_have_url(re.compile(r"from="))
    settled(page)
    shown(page, "27 match")


def test_the_whole_filter_is_a_file_and_so_is_one_run(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?outcome=failed")
    with page.expect_download() as caught:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(rows) == RUNS // 2
    assert {row["status"] for row in rows} == {"403"}
    cell(page, 1)
    expect(page).to_have_url(re.compile(r"run="))
    settled(page)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Payload").click()
    whole = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    assert whole["outcome"] == "failed"
    assert "Insufficient permissions" in json.dumps(whole)


def test_nonsense_in_the_address_is_a_sentence(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?outcome=exploded&status=9000&cursor=%00&from=yesterday&outcom=x")
    for name in ("outcome", "status", "from", "outcom"):
        shown(page, f"{name}")
    shown(page, "left out")
    shown(page, f"{RUNS // 2} of {RUNS} runs")


def test_a_run_on_a_phone(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page(width=390, height=844)
    open_at(page, f"{desk.url}/runs?outcome=failed")
    cell(page, 0, x=180)
    expect(page).to_have_url(re.compile(r"run="))
    settled(page)
    shown(page, "Insufficient permissions for resource access")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    assert violations(page) == []


# --- failures -----------------------------------------------------------------------------------------------------------


def test_a_cause_is_handed_off_planned_again_and_marked_as_fixed(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/failures")
    expect(page.locator("h1")).to_have_text(re.compile("1 cause keeps 9 agents waiting"))
    page.get_by_text("What it means, how to confirm, how to fix").first.click()
    settled(page)
    shown(page, "Who can")
    page.get_by_role("button", name="Hand off").click()
    settled(page)
    shown(page, "Hand-off card")
    assert violations(page) == []

    page.get_by_role("button", name="Retry 9 agents").click()
    expect(page.locator("h1")).to_have_text("Plan a window")
    settled(page)
    expect(page.get_by_text("9 agents", exact=True).first).to_be_visible()
    no_exception(page)

    open_at(page, f"{desk.url}/failures")
    page.get_by_role("button", name="I fixed it").click()
    page.get_by_role("textbox", name="What was changed (optional)").fill("the OAuth admin added the scope")
    page.get_by_role("button", name="Mark as fixed").click()
    shown(page, "up to 5 minutes")
    page.reload()
    settled(page)
    shown(page, "the OAuth admin added the scope")
    page.get_by_role("button", name="Not fixed after all").click()
    settled(page)
    expect(page.get_by_role("button", name="I fixed it")).to_be_visible()
    no_exception(page)


# --- access -------------------------------------------------------------------------------------------------------------


def test_access_says_what_is_missing_and_explains_a_paste_by_keyboard(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/access")
    shown(page, "holds wfm:schedule:write, needs wfm:schedule:update")
    box = page.get_by_role("textbox", name="Pasted error")
    box.focus()
    page.keyboard.insert_text(
        "PATCH /api/v2/wfm/users/abc/availability\n"
        '403 {"code":"forbidden","message":"Insufficient permissions for resource access"}'
    )
    page.keyboard.press("Control+Enter")
    settled(page)
    shown(page, "not in Genesys's published API")
    shown(page, "Provenance")
    shown(page, "wfm:schedule:update")
    assert violations(page) == []
    no_exception(page)


# --- Data Actions -------------------------------------------------------------------------------------------------------


def test_a_test_that_answers_200_and_failed_is_shown_as_failed(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/data_actions?action=set_agent_available")
    shown(page, "available or unavailable")
    agent = json.loads(page.request.get(f"{desk.url}/export/runs.jsonl").text().splitlines()[0])["agent"]
    page.get_by_role("textbox", name="userId").fill(agent)
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("button", name="Test now").click()
    shown(page, "although the answer is HTTP 200")
    settled(page)
    assert violations(page) == []
    page.get_by_role("link", name="The run in the history").click()
    expect(page).to_have_url(re.compile(r"/runs\?run="))
    settled(page)
    shown(page, "restore")
    no_exception(page)


def test_an_action_that_works_is_executed_once(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()

    def made() -> int:
        return len(page.request.get(f"{desk.url}/export/runs.jsonl?action=set_agent_available_desk").text().splitlines())

    open_at(page, f"{desk.url}/data_actions?action=set_agent_available_desk")
    before = made()
    agent = json.loads(page.request.get(f"{desk.url}/export/runs.jsonl?outcome=applied").text().splitlines()[0])["agent"]
    page.get_by_role("textbox", name="userId").fill(agent)
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Execute", exact=True).click()
    page.get_by_role("button", name="Execute now").dblclick()
    shown(page, "It worked (HTTP 200)")
    settled(page)
    assert made() == before + 1


# --- settings -----------------------------------------------------------------------------------------------------------


def test_settings_say_where_each_value_comes_from(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/settings")
    page.get_by_text("Demo tenant", exact=True).last.click()
    row = page.get_by_role("row").filter(has_text="WFM_DEMO_AGENTS")
    expect(row).to_contain_text("120")
    expect(row).to_contain_text("environment")
    assert violations(page) == []
