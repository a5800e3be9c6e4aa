"""Runs, Failures, Access, Data Actions and Settings in a real browser, on what a real Data Action answers."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, no_exception, open_at, running_desk, settled
from tests.e2e.test_screens import violations
from wfm.desk import Desk
from wfm.domain.people import Actor, Role
from wfm.settings import load

RUNS = 54
"""Executions by hand, every second through the action that lacks the right."""
FAILS = "set_agent_unavailable"
AGENTS = 9
BEHIND = "POST /api/v2/integrations/actions/{actionId}/execute"
SLOW = 60_000
"""Milliseconds that the worker may take on a busy machine."""

HEADER, ROW = 31, 31
RUN_OPENED = re.compile(r"[?&]run=\w+")
ADMIN = Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of its own with a history made over HTTP: Data Actions that work and Data Actions that answer 403."""
    with running_desk(tmp_path_factory.mktemp("history"), WFM_DEMO_AGENTS="120") as running:
        _execute(running.data)
        yield running


def _execute(data: Path) -> None:
    with closing(Desk.open(load(data_dir=data))) as opened:
        fails, works = opened.actions.get(FAILS), opened.actions.get(f"{FAILS}_desk")
        agents = [agent.id for agent in opened.agents.directory().agents.values() if agent.active]
        for number in range(RUNS):
            action = works if number % 2 else fails
            opened.actions.execute(action.id, {"userId": agents[number // 2 % AGENTS]}, ADMIN)


def shown(page: Page, text: str) -> None:
    """That text stands on the screen."""
    expect(page.get_by_text(text).locator("visible=true").first).to_be_visible()


def choose(page: Page, label: str, option: str) -> None:
    """Takes an option of a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def cell(page: Page, row: int, x: int = 220) -> None:
    """Clicks into a row of the table and waits until the address names its run.

    The cells are drawn, not elements: the grid is clicked at a position, and once more where it was not ready to listen.
    """
    page.bring_to_front()
    grid = page.get_by_test_id("stDataFrame").first
    for attempt in range(4):
        grid.click(position={"x": x, "y": HEADER + row * ROW + 15})
        try:
            expect(page).to_have_url(RUN_OPENED, timeout=5_000 if attempt < 3 else 15_000)
            break
        except AssertionError:
            if attempt == 3:
                raise
    settled(page)


# --- runs ---------------------------------------------------------------------------------------------------------------


def test_a_click_opens_a_run_and_its_address_can_be_shared(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?action={FAILS}&time=7d")
    shown(page, "27 match")
    cell(page, 2)
    for said in ("Insufficient permissions for resource access", "Correlation id", "Who can", "credentials of the Data Action"):
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
    open_at(page, f"{desk.url}/runs?action={FAILS}")
    choose(page, "Outcome", "failed")
    expect(page).to_have_url(re.compile(r"outcome=failed"))
    page.get_by_label("Find in payloads, names").fill("ACTION.REMOTE_ENDPOINT")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=ACTION"))
    shown(page, "27 match")
    page.reload()
    settled(page)
    shown(page, "27 match")
    page.get_by_test_id("stTopNav").get_by_role("link", name="Failures").click()
    expect(page).to_have_url(re.compile(r"/failures"))
    page.get_by_test_id("stTopNav").get_by_role("link", name="Runs").click()
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
    expect(page.get_by_text(re.compile(r"^[1-9]\d* match"))).to_be_visible()


def test_the_whole_filter_is_a_file_and_so_is_one_run(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?outcome=failed&action={FAILS}")
    with page.expect_download() as caught:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(rows) == RUNS // 2
    assert {row["status"] for row in rows} == {"403"}
    cell(page, 1)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Payload").click()
    whole = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    assert whole["outcome"] == "failed"
    assert "Insufficient permissions" in json.dumps(whole)


def test_ticked_rows_are_quoted_exported_and_planned_again(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?outcome=failed&action={FAILS}&chart=causes")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    grid = page.get_by_test_id("stDataFrame").first
    for row in (0, 1):
        grid.click(position={"x": 15, "y": HEADER + row * ROW + 15})
        expect(page.get_by_text(f"{row + 1} run{'s' if row else ''} ticked")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Correlation ids").click()
    expect(page.get_by_text("One a line, for a ticket to Genesys")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    with page.expect_download() as caught:
        page.locator(".st-key-runs-selection").get_by_role("link", name="JSON Lines").click()
    chosen = [json.loads(line) for line in Path(caught.value.path()).read_text(encoding="utf-8").splitlines()]
    assert [run["action"] for run in chosen] == [FAILS, FAILS]
    page.bring_to_front()
    page.get_by_role("button", name="Retry 2 agents").click()
    expect(page.locator("h1")).to_have_text("Plan a window")
    no_exception(page)


def test_nonsense_in_the_address_is_named_and_left_out(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs?outcome=exploded&status=9000&cursor=%00&from=yesterday&outcom=x&action={FAILS}")
    for said in (
        "outcome=“exploded”",
        "status=“9000”",
        "from=“yesterday”",
        "“outcom”, which is not a filter",
        "a page of the list that can't exist",
    ):
        shown(page, said)
    shown(page, "27 match")
    no_exception(page)


def test_a_run_on_a_phone(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page(width=390, height=844)
    open_at(page, f"{desk.url}/runs?outcome=failed&action={FAILS}")
    cell(page, 0, x=180)
    shown(page, "Insufficient permissions for resource access")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    assert violations(page) == []


def test_a_closed_run_opens_again_in_a_list_sorted_otherwise(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/runs")
    choose(page, "Sorted", "by status, highest first")
    expect(page).to_have_url(re.compile(r"sort=-status"))
    for _ in range(2):
        cell(page, 2)
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page).not_to_have_url(RUN_OPENED)
        settled(page)
    no_exception(page)


# --- failures -----------------------------------------------------------------------------------------------------------


def group(page: Page, call: str) -> Locator:
    """The card of the failures of one call that lack the scope."""
    return page.locator("[class*=st-key-group-]").filter(has_text=call).filter(has_text="missing scope")


def test_a_cause_is_opened_handed_off_and_planned_again(desk: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{desk.url}/failures")
    expect(page.locator("h1")).to_have_text(re.compile(r"^\d+ causes? keeps? "))
    card = group(page, BEHIND)
    card.get_by_text("What it means, how to confirm, how to fix").click()
    settled(page)
    for said in ("Who can", "wfm:schedule:update", "Where it happened", f"{RUNS // 2} runs outside any operation"):
        expect(card.get_by_text(said).locator("visible=true").first).to_be_visible()
    card.get_by_role("button", name="Hand off").click()
    settled(page)
    assert violations(page) == []
    with page.expect_download() as caught:
        card.get_by_role("link", name="Markdown file").click()
    handed = Path(caught.value.path()).read_text(encoding="utf-8")
    assert handed.startswith("# ")
    assert "wfm:schedule:update" in handed
    assert caught.value.suggested_filename.endswith(".md")

    card.get_by_role("button", name=f"Retry {AGENTS} agents").click()
    expect(page.locator("h1")).to_have_text("Plan a window")
    settled(page)
    expect(page.get_by_text(f"{AGENTS} agents", exact=True).first).to_be_visible()
    no_exception(page)


def test_two_people_on_one_cause_the_second_reads_the_note_of_the_first(desk: RunningDesk, new_page: NewPage) -> None:
    page, other = new_page(), new_page()
    for one in (page, other):
        open_at(one, f"{desk.url}/failures")
    card = group(page, BEHIND)
    card.get_by_role("button", name="Owner and note").click()
    page.get_by_role("textbox", name="Note").fill("asked the OAuth team")
    page.get_by_role("button", name="Assign to me").click()
    settled(page)
    expect(card.get_by_text("asked the OAuth team").first).to_be_visible()
    expect(card.get_by_text("owner Demo visitor")).to_be_visible()
    group(other, BEHIND).get_by_role("button", name="Ignore").click()
    expect(other.get_by_text("changed this cause meanwhile")).to_be_visible()
    expect(group(other, BEHIND).get_by_text("asked the OAuth team").first).to_be_visible()
    no_exception(other)


def test_a_fix_is_proven_by_reading_while_nobody_clicks(desk: RunningDesk, new_page: NewPage) -> None:
    direct = "PATCH /api/v2/wfm/users/{userId}/availability"
    page = new_page()
    _wait_for_examples(page, desk)
    open_at(page, f"{desk.url}/failures")
    card = group(page, direct)
    card.get_by_role("button", name="I fixed it").click()
    page.get_by_role("textbox", name="What was changed (optional)").fill("the OAuth admin added the scope")
    page.get_by_role("button", name="Mark as fixed").click()
    expect(card.get_by_text("A role change takes up to 5 minutes")).to_be_visible()
    expect(card.get_by_text("published by Genesys")).to_be_visible()
    page.reload()
    settled(page)
    expect(card.get_by_text("the OAuth admin added the scope").first).to_be_visible()
    assert violations(page) == []
    card.get_by_role("button", name="Check the access now").click()
    expect(page.get_by_text("still lacks wfm:schedule:update")).to_be_visible()
    with closing(Desk.open(load(data_dir=desk.data))) as opened:
        assert opened.demo is not None
        opened.demo.add_scope(ADMIN)
        try:
            expect(card).to_have_count(0, timeout=SLOW)
        finally:
            opened.demo.remove_scope(ADMIN)
    open_at(page, f"{desk.url}/failures?show=resolved")
    shown(page, "resolved by proof by reading")
    shown(page, "holds what PATCH")


def _wait_for_examples(page: Page, desk: RunningDesk) -> None:
    """The examples of a new demo tenant fail once directly: that cause is the one to prove."""
    deadline = time.monotonic() + SLOW / 1000
    address = f"{desk.url}/export/runs.jsonl?time=all&outcome=failed&route=availability"
    while time.monotonic() < deadline:
        if page.request.get(address).text().strip():
            return
        page.wait_for_timeout(500)
    raise AssertionError("The examples of the demo tenant did not run in time.")


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
    shown(page, "nearest:")
    shown(page, "from the brief, not published by Genesys")
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
    page.get_by_role("link", name="This run in the history").click()
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
    # With the minute's limit used up by the tests before, the request waits for the next minute.
    expect(page.get_by_text("It worked (HTTP 200)").locator("visible=true").first).to_be_visible(timeout=75_000)
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
