"""From click to settled, in a browser: `python -m benchmarks.clicks [--agents 240 10000] [--times 7]`.

The clock runs in the page, from the press of the button or key until no script runs any more and the document is quiet.
The desk runs on its own demo tenant, as `make run` starts it. Aims: half of the lines under 0.5 s, all under 1 s.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from playwright.sync_api import Locator, Page, Position, sync_playwright

from benchmarks.screens import FLAGS, READY, SCREENS, dashboard
from benchmarks.tenant import ACTOR
from wfm.desk import Desk
from wfm.domain.agents import GroupKind
from wfm.settings import load
from wfm.ui.screens.plan import table

TIMES = 7
QUIET_S = 0.4
"""A page in which nothing has happened for so long has settled. The wait itself is not counted."""

UNANSWERED_S = 3.0
"""A press that has changed nothing for so long changes nothing."""

PATIENCE_S = 90.0
HEAD, ROW = 31, 31
"""Pixels of a table's head and of a row."""

FAILS, WORKS = "set_agent_unavailable", "set_agent_unavailable_desk"
EXECUTIONS = 40
WATCH = """
window.clicks = {pressed: 0, changed: 0};
for (const press of ["pointerdown", "keydown"])
    addEventListener(press, () => window.clicks.pressed = performance.now(), true);
new MutationObserver(() => window.clicks.changed = performance.now()).observe(document,
    {subtree: true, childList: true, characterData: true, attributeFilter: ["data-test-script-state", "data-stale"]});
"""
NOW = """() => ({
    ...window.clicks,
    now: performance.now(),
    running: document.querySelector("[data-testid=stApp]")?.getAttribute("data-test-script-state") !== "notRunning",
})"""
Line = Callable[..., None]
Act = Callable[[], object]


class Clicks:
    """The clock of one page: times of interactions by name, in seconds."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.times: dict[str, list[float]] = {}

    def settle(self) -> float:
        """Wait until the page has settled; return the seconds from the last press to its last change."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            seen = self.page.evaluate(NOW)
            answered = seen["changed"] > seen["pressed"]
            quiet_s = (seen["now"] - (seen["changed"] if answered else seen["pressed"])) / 1000
            if not seen["running"] and quiet_s > (QUIET_S if answered else UNANSWERED_S):
                return max(0.0, float(seen["changed"] - seen["pressed"]) / 1000)
            time.sleep(0.02)  # asked from here: the desk's security headers forbid a page to evaluate text
        raise TimeoutError("The page did not settle.")

    def take(self, name: str, act: Act) -> None:
        """Note how long the page takes to settle after this act."""
        act()
        self.times.setdefault(name, []).append(self.settle())

    def report(self, agents: int, line: Line) -> None:
        """Print median, 95th percentile and worst of each interaction."""
        print(f"\n# Click to settled, {agents} agents (ms; load {os.getloadavg()[0]:.1f})\n", flush=True)
        medians = []
        for name, times in self.times.items():
            median = statistics.median(times)
            p95 = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else median
            medians.append(median)
            line(name, f"{median * 1000:.0f} ms", f"p95 {p95 * 1000:.0f}, worst {max(times) * 1000:.0f}, of {len(times)}")
        half = sum(median < 0.5 for median in medians)
        line(
            "under 0.5 s / under 1 s / all", f"{half} / {sum(m < 1 for m in medians)} / {len(medians)}", "aim: half / all / all"
        )


def clicks(agents: int, line: Line, *, times: int = TIMES) -> None:
    """Measure the interactions of a night on a demo tenant with that many agents and print them."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        line("click to settled", "not measured", "Chromium is missing: install Debian's package “chromium”")
        return
    with _desk(agents) as (url, team), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        watch = Clicks(page)
        page.goto(f"{url}/plan")
        page.wait_for_selector(READY, timeout=120_000)
        watch.settle()
        try:
            _plan(watch, times)
            _window(watch, url, team)
            _runs(watch, url, times)
            _failures(watch, url, times)
            _menu(watch, times)
        finally:
            watch.report(agents, line)
            browser.close()


@contextmanager
def _desk(agents: int) -> Iterator[tuple[str, str]]:
    """Run a dashboard with a history of failures and a draft of everybody; yield its address and the name of a team."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
    with tempfile.TemporaryDirectory(prefix="desk-clicks-") as folder:
        settings = {"WFM_DATA_DIR": folder, "WFM_DEMO_PORT": "0", "WFM_DEMO_AGENTS": str(agents)}
        with dashboard({**clean, **settings}) as (url, _process):
            with closing(Desk.open(load(data_dir=Path(folder)))) as desk:
                people = [agent.id for agent in desk.agents.directory().agents.values() if agent.active]
                for number in range(EXECUTIONS):
                    action = desk.actions.get(WORKS if number % 2 else FAILS)
                    desk.actions.execute(action.id, {"userId": people[number // 2 % 9]}, ACTOR)
                desk.clients.use("desk", ACTOR)
                team = desk.agents.groups(GroupKind.TEAM)[0].name
            yield url, team


def _plan(watch: Clicks, times: int) -> None:
    """Edit a plan of all agents, one thing after the other."""
    page = watch.page
    for _ in range(_open_units(page).count()):  # one that is picked leaves the list
        watch.take("Plan: pick a unit", _open_units(page).first.click)
    page.keyboard.press("Escape")
    watch.settle()
    for number in range(times):
        watch.take("Plan: length", page.get_by_text(("1 h", "2 h")[number % 2], exact=True).click)
    for number in range(times):
        page.get_by_role("textbox", name="Reason").fill(f"Upgrade {number}")
        watch.take("Plan: reason", partial(page.keyboard.press, "Enter"))
    for number in range(times + times % 2):
        watch.take("Plan: route", page.get_by_text(("Data Action", "Availability")[number % 2], exact=True).first.click)
    page.get_by_text("at a time", exact=True).click()
    watch.settle()
    for _ in range(times):
        page.locator(".st-key-plan_start [role=spinbutton][data-type=hour]").click()
        page.keyboard.press("ArrowUp")
        watch.take("Plan: start", partial(page.keyboard.press, "Enter"))
    page.get_by_text("30 min", exact=True).click()
    watch.settle()
    _leave_out(watch, times)
    for _ in range(times):
        page.reload(wait_until="commit")
        watch.times.setdefault("Plan: reload with a draft", []).append(watch.settle())


def _open_units(page: Page) -> Locator:
    """Open the list of groups at the management units that are not picked yet; return them."""
    page.keyboard.press("Escape")
    page.locator(".st-key-plan_groups").get_by_role("combobox").click()
    page.keyboard.type("unit")
    page.get_by_role("option").first.wait_for()
    return page.get_by_role("option").filter(has_text="· unit")


def _leave_out(watch: Clicks, times: int) -> None:
    """Leave agents out by the button in their row, and take them back."""
    page = watch.page
    page.locator(".st-key-plan_fates").get_by_text(re.compile(r"\bready [\d,]")).click()
    watch.settle()
    grid = page.get_by_test_id("stDataFrame").first
    names = grid.locator("tbody [aria-colindex='1']").all_inner_texts()
    x = table.width(names, 110) + 48
    for number in range(times):
        place: Position = {"x": x, "y": HEAD + number // 2 * ROW + ROW // 2}
        watch.take("Plan: leave an agent out", partial(grid.click, position=place))


def _window(watch: Clicks, url: str, team: str) -> None:
    """Take a team out, extend the window and end it."""
    page = watch.page
    page.goto(f"{url}/plan")
    watch.settle()
    page.get_by_role("button", name="Clear", exact=True).click()
    watch.settle()
    page.locator(".st-key-plan_groups").get_by_role("combobox").click()
    page.keyboard.type(team)
    watch.take("Plan: pick a team", page.get_by_role("option").filter(has_text=f"{team} · team").first.click)
    page.keyboard.press("Escape")
    page.get_by_text("1 h", exact=True).click()
    watch.settle()
    watch.take("Plan: apply", page.locator(".st-key-plan_apply button").click)
    end = page.get_by_role("button", name="End now and restore").first
    end.wait_for(timeout=PATIENCE_S * 1000)
    watch.settle()
    watch.take("Windows: extend", page.get_by_role("button", name="Extend").click)
    watch.take("Windows: 15 min longer", page.get_by_role("button", name="+ 15 min").click)
    end.click()
    watch.settle()
    watch.take("Windows: end", page.locator("[class*=st-key-do_]").get_by_role("button").click)


def _runs(watch: Clicks, url: str, times: int) -> None:
    """Filter, search and open runs."""
    page = watch.page
    page.goto(f"{url}/runs?time=all")
    watch.settle()
    for number in range(times):
        page.get_by_role("combobox", name="Outcome").click()
        choice = page.get_by_role("option", name=("failed", "applied")[number % 2], exact=True)
        watch.take("Runs: filter", choice.click)
    for number in range(times):
        page.get_by_label("Find in payloads, names").fill(f"Insufficient {'permissions' * (number % 2)}")
        watch.take("Runs: search", partial(page.keyboard.press, "Enter"))
    page.goto(f"{url}/runs?time=all")
    watch.settle()
    for number in range(times):
        place: Position = {"x": 220, "y": HEAD + number * ROW + ROW // 2}
        watch.take("Runs: open a run", partial(page.get_by_test_id("stDataFrame").first.click, position=place))
        page.get_by_role("button", name="Close", exact=True).click()
        watch.settle()


def _failures(watch: Clicks, url: str, times: int) -> None:
    """Open a failure and mark it fixed."""
    page = watch.page
    page.goto(f"{url}/failures")
    watch.settle()
    card = page.locator("[class*=st-key-group-]").filter(has_text="missing scope").first
    for _ in range(times):
        watch.take("Failures: open", card.get_by_text("What it means, how to confirm, how to fix").click)
    card.get_by_role("button", name="I fixed it").click()
    watch.settle()
    watch.take("Failures: mark fixed", page.get_by_role("button", name="Mark as fixed").click)


def _menu(watch: Clicks, times: int) -> None:
    menu = watch.page.get_by_test_id("stTopNav")
    for _ in range(times):
        for name in SCREENS:
            watch.take(f"menu: {name}", menu.get_by_role("link", name=name, exact=True).click)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[240, 10_000])
    parser.add_argument("--times", type=int, default=TIMES, help="how often each interaction is repeated")
    given = parser.parse_args()
    for agents in given.agents:
        clicks(agents, lambda what, figure, note="": print(f"{what:<32} {figure:>12}   {note}", flush=True), times=given.times)


if __name__ == "__main__":
    main()
