"""Every screen, on a laptop and on a phone, in light and dark: opened, looked at by axe, asking nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import axe_playwright_python
import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, open_at, settled

SCREENS_TO_LOOK_AT = ["now", "plan", "windows", "runs", "import_runs", "failures", "access", "data_actions", "settings"]
AXE = next(Path(axe_playwright_python.__file__).parent.glob("**/axe.min.js"))
SERIOUS = ("serious", "critical")

KNOWN = {
    # Streamlit's own, each with where it comes from; nothing of ours may be listed here.
    ("svg-img-alt", "stMetric"): "the sparkline of st.metric has no alternative text",
    ("aria-dialog-name", "stToast"): "a toast is an alertdialog without a name",
    ("empty-table-header", "stDataFrame"): "the checkbox column of a selectable grid has no header text",
    ("nested-interactive", "stMultiSelect"): "the tags of a multi-select are buttons inside a combobox",
    ("color-contrast", "stButtonGroup"): "the chosen segment is written in the primary colour, which must carry white text too",
    ("scrollable-region-focusable", "stTable"): "a table wider than a phone scrolls in a box that takes no focus",
    ("scrollable-region-focusable", "stDataFrame"): "the grid scrolls by itself and takes keys on its own canvas",
}


LOOKS = 10


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical and Streamlit is not known for, one line each.

    Looked at while nothing is being drawn anew: Streamlit fades what it is about to replace.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for _ in range(LOOKS):
        looked = page.evaluate(
            """async () => {
                const fading = () => document.querySelector('[data-stale="true"]') !== null;
                const before = fading();
                const result = await axe.run(document, {resultTypes: ["violations"]});
                return {moving: before || fading(), found: result.violations.flatMap(v => v.nodes.map(n => {
                    const at = document.querySelector(n.target[n.target.length - 1]);
                    const chain = [];
                    for (let e = at; e; e = e.parentElement) if (e.dataset && e.dataset.testid) chain.push(e.dataset.testid);
                    return {id: v.id, impact: v.impact, help: v.help, html: n.html.slice(0, 200), chain};
                }))};
            }"""
        )
        if not looked["moving"]:
            break
        page.wait_for_timeout(500)
    return [
        f"{one['id']} ({one['impact']}): {one['help']} at {one['chain'][:3]} {one['html']}"
        for one in looked["found"]
        if one["impact"] in SERIOUS and not any((one["id"], place) in KNOWN for place in one["chain"] or _named_in(one["html"]))
    ]


def _named_in(html: str) -> list[str]:
    """The test ids of an element that is gone since axe saw it, as a toast soon is."""
    return re.findall(r'data-testid="(\w+)"', html)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS_TO_LOOK_AT)
def test_a_screen_opens_and_axe_has_nothing_serious_to_say(
    screen: str, scheme: str, dashboard: RunningDesk, new_page: NewPage
) -> None:
    page = new_page(scheme=scheme)
    open_at(page, f"{dashboard.url}/{screen}")
    expect(page.locator("h1")).to_have_count(1)
    expect(page.get_by_text("DEMO", exact=True).first).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("screen", SCREENS_TO_LOOK_AT)
def test_on_a_phone_nothing_is_wider_than_the_screen(screen: str, dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page(width=390, height=844)
    open_at(page, f"{dashboard.url}/{screen}")
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
    assert violations(page) == []


def test_the_font_is_ours_and_the_colours_are_the_themes(dashboard: RunningDesk, new_page: NewPage) -> None:
    fonts: list[str] = []
    page = new_page(scheme="dark")
    page.on("response", lambda answer: fonts.append(answer.url) if answer.url.endswith(".woff2") else None)
    open_at(page, f"{dashboard.url}/now")
    assert page.evaluate("document.fonts.check('14px Inter')")
    assert any("/app/static/fonts/inter-" in url for url in fonts)
    assert page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor") == "rgb(18, 21, 29)"


def test_the_decision_is_in_view_at_once_on_a_laptop(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/plan")
    page.get_by_role("combobox", name="Teams, queues, units, divisions").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("What will happen")).to_be_visible()
    settled(page)
    for text in ("1 Who", "2 When", "3 How", "Access", "What will happen"):
        box = page.get_by_text(text, exact=True).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, text
    action = page.get_by_role("button", name=re.compile("^Take .* out now")).bounding_box()
    assert action is not None
    assert action["y"] + action["height"] <= 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plan_with_its_preview_is_accessible(scheme: str, dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page(scheme=scheme)
    open_at(page, f"{dashboard.url}/plan")
    page.get_by_role("combobox", name="Teams, queues, units, divisions").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("What will happen")).to_be_visible()
    settled(page)
    assert violations(page) == []
    page.get_by_role("button", name="Paste").click()
    page.get_by_role("textbox", name="Ids, e-mails or names").wait_for()
    assert violations(page) == []


def test_the_tenant_menu_is_accessible_and_switches(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/access")
    page.locator(".st-key-tenant-menu button").click()
    page.get_by_text("missing-scope", exact=True).click()
    expect(page.get_by_role("button", name="DEMO missing-scope")).to_be_visible()
    assert violations(page) == []
    page.get_by_text("healthy", exact=True).click()
    expect(page.get_by_role("button", name="DEMO healthy")).to_be_visible()
    # The story begins in view: the menu would lie above its first step.
    page.get_by_role("button", name="See the three-minute story").click()
    expect(page.get_by_text(re.compile("Story 1 of"))).to_be_visible()
    expect(page.get_by_text("OAuth client that plans")).to_have_count(0)


def test_a_window_opened_is_accessible(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/windows")
    found = page.request.get(f"{dashboard.url}/export/runs.jsonl?time=all").text().splitlines()
    if not found:
        pytest.skip("the example operations have not run yet")
    open_at(page, f"{dashboard.url}/windows?id={json.loads(found[0])['operation_id']}")
    expect(page.get_by_text("Comments and audit")).to_be_visible()
    assert violations(page) == []


def test_the_plan_works_by_keyboard_alone(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/plan")
    page.get_by_role("combobox", name="Teams, queues, units, divisions").focus()
    page.keyboard.type("retention")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_text("What will happen")).to_be_visible()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.closest('button, input, [role]') !== null")
    assert focused


def test_the_security_headers_let_the_screens_work(dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    answer = page.goto(f"{dashboard.url}/plan")
    assert answer is not None
    assert "frame-ancestors 'none'" in (answer.header_value("content-security-policy") or "")
    settled(page)
    expect(page.locator("h1")).to_have_text("Plan a window")


def test_another_host_name_is_not_answered(dashboard: RunningDesk, new_page: NewPage) -> None:
    assert httpx.get(f"{dashboard.url}/plan", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", ["pages/plan", "~/+/plan", "~/+/pages/plan.py"])
def test_a_page_file_has_no_address_of_its_own(path: str, dashboard: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{dashboard.url}/{path}")
    expect(page.locator("h1")).to_have_count(1)
    assert "pages" not in page.url
    assert "~" not in page.url
