"""The desk as people have it: `streamlit run app.py` in a process, a real browser before it.

Every page opened here fails its test when the browser asks anything of another machine, when a script fails, or when the
console says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
# The first three are pages of its own that draw the suggestions of an address bar which nobody sees, in processes of their
# own for every context: a third of what a screen cost. The others are what Playwright turns off, which this list replaces.
NEEDLESS_FEATURES = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(NEEDLESS_FEATURES)}",
]
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
START_TIMEOUT_S = 90.0
MOCK_PROVIDER = "https://cdn.jsdelivr.net/npm/@picocss/"
"""What the sign-in page of the mock OpenID provider asks for: not a page of ours."""

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        missing = "Chromium is missing: install Debian's package “chromium”."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    launched.close()


@dataclass
class RunningDesk:
    """A dashboard that serves. `data` is its data folder."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> str:
        """Ends it as Ctrl-C would; gives what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return self.log.read_text(encoding="utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_desk(data: Path, *, port: int = 0, **environment: str) -> Iterator[RunningDesk]:
    """`streamlit run app.py` on a free port with a data folder of its own; settings as WFM_… by name."""
    port = port or free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WFM_", "STREAMLIT_"))}
    settings = {"WFM_DATA_DIR": str(data), "WFM_DEMO_PORT": "0", **environment}
    data.mkdir(parents=True, exist_ok=True)
    log = data / "dashboard.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env={**clean, **settings},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    desk = RunningDesk(f"http://127.0.0.1:{port}", data, process, log)
    try:
        _wait_until_ready(desk)
        yield desk
    finally:
        desk.stop()


def _wait_until_ready(desk: RunningDesk) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if desk.process.poll() is not None:
            raise AssertionError(f"The dashboard ended at its start:\n{desk.log.read_text(encoding='utf-8')}")
        try:
            if httpx.get(f"{desk.url}/healthz", timeout=2.0).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"The dashboard was not ready in time:\n{desk.log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """The desk on its demo tenant with 120 agents, for the tests of one file."""
    with running_desk(tmp_path_factory.mktemp("desk"), WFM_DEMO_AGENTS="120") as desk:
        yield desk


@dataclass
class Watched:
    """A page, and what it must not have done. `failures` is looked at when the test ends."""

    page: Page
    failures: list[str] = field(default_factory=list)


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages: width, height and colour scheme as asked; watched for requests elsewhere and for errors."""
    contexts: list[BrowserContext] = []
    failures: list[str] = []

    def make(*, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Berlin",
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _only_here(request.url, failures))
        page.on("console", lambda message: _no_errors(message.type, message.text, failures))
        page.on("pageerror", lambda error: failures.append(f"page error: {error}"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert failures == []


def _only_here(url: str, failures: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "http://localhost:", "ws://127.0.0.1:", "data:", "blob:", MOCK_PROVIDER)):
        failures.append(f"asked another machine: {url}")


def _no_errors(kind: str, text: str, failures: list[str]) -> None:
    # Streamlit's client looks for its server at the page's own path first and finds it one level up.
    if kind == "error" and "Failed to load resource" not in text:
        failures.append(f"console: {text}")


def settled(page: Page) -> None:
    """Waits until the script behind the page has run to its end and its last drawing arrived."""
    page.wait_for_selector(READY, timeout=30_000)
    page.wait_for_timeout(250)
    page.wait_for_selector(READY, timeout=30_000)


def open_at(page: Page, url: str) -> None:
    """Opens an address and waits for its first drawing."""
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp]")
    settled(page)
    no_exception(page)


def no_exception(page: Page) -> None:
    """No script failed on this page."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("An error in the desk itself")).to_have_count(0)
