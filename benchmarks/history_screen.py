"""The Runs screen in a real browser over a ledger of many runs: `python -m benchmarks.history --screen`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from playwright.sync_api import sync_playwright

from benchmarks.history_data import COMMON, TENANT
from benchmarks.screens import COUNT_RUNS, FLAGS, READY, dashboard, screen
from benchmarks.tenant import bench
from wfm.domain.operations import RunFilter
from wfm.ledger import Ledger
from wfm.ledger.schema import tenants

AIM = "aim 400 ms"
_SHOWN = {
    "any time": "time=all",
    "failed": "time=all&outcome=failed",
    "an agent's": "time=all&agent=agent-02500",
    "common text": f"time=all&q={COMMON}",
}


def runs_screen(ledger: Ledger, line: Callable[..., None]) -> None:
    """Print the milliseconds from a click in the navigation to the screen, for a few filters, and the Desk's part of them."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        line("the Runs screen", "not measured", "Chromium is missing: install Debian's package “chromium”")
        return
    url = ledger.database.url.render_as_string(hide_password=False)
    with bench(240, 3_000, 5, database_url=url) as running, _belongs_to(ledger, running.desk.tenant.key):
        line("what the Desk needs of it, any time", f"{_desk_ms(Ledger(url), running.desk.tenant.key):.0f} ms")
        with dashboard(running.environment) as (address, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(COUNT_RUNS)
            for name, query in _SHOWN.items():
                page.goto(f"{address}/runs?{query}")
                page.wait_for_selector(READY, timeout=120_000)
                page.wait_for_selector("[data-testid=stDataFrame]", timeout=60_000)
                screen(page, "Runs", line, what=f"screen Runs, {name}", aim=AIM)
            browser.close()


@contextmanager
def _belongs_to(ledger: Ledger, key: str) -> Iterator[None]:
    """Assign the generated runs to the tenant that is shown, and back afterwards."""

    def rename(before: str, after: str) -> None:
        ledger.database.write(lambda c: c.execute(sa.update(tenants).where(tenants.c.key == before).values(key=after)))

    aside = f"aside-{time.time_ns()}"
    rename(key, aside)
    rename(TENANT, key)
    try:
        yield
    finally:
        rename(key, TENANT)
        rename(aside, key)


def _desk_ms(ledger: Ledger, key: str) -> float:
    """Ask the ledger what the screen asks, a second time."""
    took = 0.0
    for _ in range(3):
        began = time.perf_counter()
        ledger.operations.titles(key)
        ledger.saved_views.all("bench", key)
        page = ledger.runs.page(key, RunFilter())
        first = ledger.runs.first_at(key)
        if first is not None:
            ledger.runs.over_time(key, first, page.runs[0].started_at, step_minutes=1440)
        took = (time.perf_counter() - began) * 1_000
    ledger.close()
    return took
