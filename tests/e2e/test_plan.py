"""What only a browser shows of Plan: what is in view, a click into the list, and a click that comes with half an edit."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, no_exception, open_at, settled
from wfm.ui.screens.plan import chart, table
from wfm.ui.screens.plan.agents import HEAD

TAKE = re.compile(r"^Take [\d,]+ agents? out now")
BUTTON_WIDTH = 96


def planned(page: Page, desk: RunningDesk, group: str = "team") -> None:
    """Opens Plan with the first such group picked, by a client that may update."""
    open_at(page, f"{desk.url}/plan")
    settled(page)
    expect(page.get_by_text(re.compile(r"^No one is picked yet|^What will happen"))).to_be_visible()
    clear = page.get_by_role("button", name="Clear", exact=True)
    if clear.count():  # the plan that another test left
        clear.click()
        settled(page)
        expect(page.get_by_text("No one is picked yet")).to_be_visible()
        page.get_by_text("30 min", exact=True).click()
        settled(page)
        expect(page.get_by_role("radio", name="30 min", exact=True)).to_be_checked()
    page.get_by_role("combobox", name="Teams, queues, units, divisions").click()
    page.get_by_role("option").filter(has_text=f"· {group}").first.click()
    page.keyboard.press("Escape")
    settled(page)
    fix = page.get_by_role("button", name="Fix it (demo only)")
    if fix.count():
        fix.click()
    expect(page.get_by_text("Access held")).to_be_visible()
    settled(page)
    now = page.get_by_role("radio", name="30 min", exact=True)
    if not now.is_checked():  # the time that another test's plan had
        page.get_by_text("30 min", exact=True).click()
        settled(page)
    expect(now).to_be_checked()
    expect(bar(page)).to_be_visible()


def bar(page: Page) -> Locator:
    return page.get_by_role("button", name=TAKE)


def taken(page: Page) -> int:
    found = re.search(r"[\d,]+", bar(page).inner_text())
    assert found
    return int(found.group().replace(",", ""))


def test_eight_agents_are_in_view_on_a_laptop(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    planned(page, dashboard)
    grid, action = page.get_by_test_id("stDataFrame").bounding_box(), page.get_by_test_id("stBottom").bounding_box()
    assert grid is not None
    assert action is not None
    assert grid["y"] + HEAD + 8 * chart.ROW <= action["y"] + 8  # the bar fades in above its text


def test_an_agent_is_left_out_and_taken_back_in_the_list_itself(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    planned(page, dashboard)
    page.locator(".st-key-plan_fates").get_by_text(re.compile(r"\bready \d")).click()
    settled(page)
    before = taken(page)
    for number, words in ((before - 1, "1 left out"), (before, None)):
        change(page, row=1)
        expect(page.get_by_role("button", name=f"Take {number} agents out now")).to_be_visible()
        expect(page.get_by_text("1 left out")).to_have_count(1 if words else 0)
        settled(page)
    no_exception(page)


def change(page: Page, row: int) -> None:
    """Clicks the button in that row of the list. The cells are drawn, not elements: it is a position."""
    grid = page.get_by_test_id("stDataFrame").first
    names = grid.locator("tbody [aria-colindex='1']").all_inner_texts()
    x = table.width(names, 110) + BUTTON_WIDTH // 2
    grid.click(position={"x": x, "y": HEAD + row * chart.ROW + chart.ROW // 2})


def test_a_plan_that_is_applied_leaves_an_empty_screen(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    planned(page, dashboard)
    page.get_by_role("textbox", name="Reason").fill("Router swap")
    page.get_by_role("textbox", name="Ticket").fill("CHG-7")
    page.keyboard.press("Enter")
    settled(page)
    count = taken(page)
    bar(page).click()
    expect(page.locator("h1")).to_have_text("Router swap · CHG-7")
    page.get_by_test_id("stTopNav").get_by_role("link", name="Plan").click()
    expect(page.get_by_text("No one is picked yet")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Plan the same again").click()
    expect(page.get_by_text(f"in another window {count}")).to_be_visible()
    expect(page.get_by_role("textbox", name="Ticket")).to_have_value("")
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("")
    no_exception(page)


def test_a_click_that_ends_an_edit_does_not_apply_what_stood_there_before(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    planned(page, dashboard, "queue")
    page.get_by_text("at a time", exact=True).click()
    settled(page)
    hour = page.locator(".st-key-plan_start [role=spinbutton][data-type=hour]")
    hour.click()
    page.keyboard.press("ArrowUp")  # not entered: it is when the field is left
    page.locator(".st-key-plan_apply button").click(force=True)
    settled(page)
    expect(page.locator("h1")).to_have_text("Plan a window")
    shown = re.findall(r"\d+", hour.inner_text())[0]
    expect(page.locator(".st-key-plan_apply button")).to_contain_text(f"{shown}:")
    no_exception(page)
