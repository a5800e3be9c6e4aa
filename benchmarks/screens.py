"""Waiting times in a real browser: previews, screens, and the dashboard's memory."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psutil
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.tenant import ROOT, Bench

AGENTS = 240
TIMES = 5
PATIENCE_S = 60.0
MEBIBYTE = 1024 * 1024
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
COUNT_RUNS = """
window.runsEnded = 0;
new MutationObserver(changes => {
    for (const change of changes)
        if (change.oldValue === "running" && change.target.getAttribute("data-test-script-state") === "notRunning")
            window.runsEnded += 1;
}).observe(document, {subtree: true, attributeFilter: ["data-test-script-state"], attributeOldValue: true});
"""
"""Counts how often a script ended: a fast one is over before its start could be waited for."""
SCREENS = ("Now", "Plan", "Windows", "Runs", "Failures", "Access", "Data Actions", "Settings")
Line = Callable[..., None]


def screens(running: Bench, line: Line) -> None:
    """Print seconds from click to finished preview of 240 agents, the time of each screen and the dashboard's memory."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        line("screens", "not measured", "Chromium is missing: install Debian's package “chromium”")
        return
    agents = running.demo.get("/_demo/agents").json()["agents"]
    ids = [str(agent["id"]) for agent in agents if agent["active"]][:AGENTS]
    with dashboard(running.environment) as (url, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(COUNT_RUNS)
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(READY, timeout=120_000)
        line("first screen of a new dashboard", f"{time.perf_counter() - began:.2f} s", "nothing cached")
        _preview(page, ids, line)
        for name in SCREENS:
            screen(page, name, line)
        browser.close()
        memory = sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
        line("memory of the dashboard", f"{memory / MEBIBYTE:.0f} MiB", "demo tenant and worker are processes of their own")


def _preview(page: Page, ids: list[str], line: Line) -> None:
    page.get_by_role("link", name="Plan", exact=True).click()
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Paste").click()
    page.get_by_role("textbox", name="Ids, e-mails or names").fill("\n".join(ids))
    began = time.perf_counter()
    page.get_by_role("button", name="Add these").click()
    expect(page.get_by_role("button", name="agents out now")).to_be_visible(timeout=60_000)
    page.wait_for_selector(READY)
    line(f"click to finished preview of {len(ids)} agents", f"{time.perf_counter() - began:.2f} s")


def screen(page: Page, name: str, line: Line, *, what: str = "", aim: str = "") -> None:
    """Measure from a click in the navigation to the end of the script and the arrival of what it draws."""
    times = []
    for _ in range(TIMES):
        away = "Settings" if name != "Settings" else "Access"
        _go(page, away)
        times.append(_go(page, name))
    worst = f"worst of {TIMES}: {max(times) * 1000:.0f} ms"
    line(what or f"screen {name}", f"{statistics.median(times) * 1000:.0f} ms", f"{aim}; {worst}" if aim else worst)


def _go(page: Page, name: str) -> float:
    before = page.evaluate("window.runsEnded")
    began = time.perf_counter()
    page.get_by_role("link", name=name, exact=True).first.click()
    while page.evaluate("window.runsEnded") == before and time.perf_counter() - began < PATIENCE_S:
        time.sleep(0.005)  # evaluated from here: the desk's security headers forbid a page to evaluate text
    took = time.perf_counter() - began
    page.wait_for_timeout(300)  # a fragment that redraws itself would count for the next screen
    page.wait_for_selector(READY, timeout=60_000)
    return took


@contextmanager
def dashboard(environment: dict[str, str], port: int = 0) -> Iterator[tuple[str, psutil.Process]]:
    """Start `streamlit run app.py` with these settings; return its address and process when it is ready."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{url}/healthz", timeout=2).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
