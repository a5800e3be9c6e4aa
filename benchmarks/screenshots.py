"""`make screenshots`: the pictures of the README and of docs/, taken of a running desk on the demo tenant.

With `--all FOLDER` every screen, on a laptop and on a phone, light and dark: to review after a change.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.screens import FLAGS, READY, SCREENS, dashboard
from benchmarks.tenant import ROOT

PICTURES = ROOT / "docs" / "pictures"
LAPTOP, PHONE = (1440, 900), (390, 844)
TALL = (1440, 1320)
"""A laptop's width, with the whole list and its shifts in the picture."""
PATIENCE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every screen in every size and scheme, into this folder")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is missing: install Debian's package “chromium”.")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
    with tempfile.TemporaryDirectory(prefix="desk-pictures-") as folder, sync_playwright() as playwright:
        settings = {**clean, "WFM_DATA_DIR": folder, "WFM_DEMO_PORT": "0"}
        with dashboard(settings) as (url, _process):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            if given.all is None:
                _documentation(browser, url)
            else:
                _everything(browser, url, given.all)
            browser.close()


def _page(browser: Browser, size: tuple[int, int] = LAPTOP, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Europe/Berlin",
        locale="en-GB",
    )
    return context.new_page()


def _settle(page: Page) -> None:
    for _ in range(2):
        page.wait_for_selector(READY, timeout=60_000)
        page.wait_for_timeout(400)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("[data-testid=stApp]")
    _settle(page)


def _choose_a_team(page: Page, url: str) -> None:
    _open(page, f"{url}/plan")
    page.get_by_role("combobox", name="Teams, queues, units, divisions").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Reason").fill("DB upgrade")
    page.get_by_role("textbox", name="Ticket").fill("CHG-1042")
    page.locator("h1").click()  # away from every field
    expect(page.get_by_text("What will happen")).to_be_visible(timeout=60_000)
    page.mouse.move(4, 400)  # no hover in the picture
    _settle(page)


def _take_them_out(page: Page) -> None:
    """Fix the scope and take the team out, so that Now and Windows have something to show."""
    page.get_by_role("button", name="Fix it (demo only)").click()
    take = page.get_by_role("button", name="out now").first
    expect(take).to_be_enabled(timeout=60_000)
    take.click()
    expect(page.get_by_role("button", name="End now and restore")).to_be_visible(timeout=60_000)
    _settle(page)


def _until_examples_are_there(page: Page, url: str) -> None:
    """The two example operations run when a demo tenant is new; the pictures show what they left."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        _open(page, f"{url}/windows?show=all")
        if page.get_by_text("example", exact=False).count() and not page.get_by_text("in effect").count():
            return
        page.wait_for_timeout(1_000)


def _documentation(browser: Browser, url: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = _page(browser, TALL)
    _until_examples_are_there(page, url)
    _choose_a_team(page, url)
    page.screenshot(path=PICTURES / "plan.png")
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    _open(page, f"{url}/failures")
    page.screenshot(path=PICTURES / "failures.png")
    _open(page, f"{url}/runs?outcome=failed&time=all")
    page.get_by_test_id("stDataFrame").first.click(position={"x": 220, "y": 46})
    _settle(page)
    page.locator("h1").click()  # the table shows its tools over its neighbours while it has the focus
    _settle(page)
    page.screenshot(path=PICTURES / "run.png")
    _open(page, f"{url}/plan")
    _take_them_out(page)
    page.reload()  # without the note that says what was fixed
    _settle(page)
    page.screenshot(path=PICTURES / "window.png")
    dark = _page(browser, scheme="dark")
    _open(dark, f"{url}/now")
    dark.screenshot(path=PICTURES / "now-dark.png")


def _everything(browser: Browser, url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = _page(browser)
    _until_examples_are_there(page, url)
    for size, device in ((LAPTOP, "laptop"), (PHONE, "phone")):
        for scheme in ("light", "dark"):
            page = _page(browser, size, scheme)
            for name in SCREENS:
                slug = name.lower().replace(" ", "_")
                if name == "Plan":
                    _choose_a_team(page, url)
                else:
                    _open(page, f"{url}/{slug}")
                page.screenshot(path=folder / f"{slug}-{device}-{scheme}.png", full_page=False)


if __name__ == "__main__":
    main()
