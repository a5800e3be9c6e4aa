"""The brief's story, told by a browser: the 403 foreseen, shown, mended; 40 agents taken out, a reload, all restored."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import ROOT, NewPage, RunningDesk, no_exception, open_at, running_desk, settled

AGENTS = 40
SLOW = 60_000
"""Milliseconds that the engine may take on a busy machine."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with running_desk(tmp_path_factory.mktemp("story"), WFM_DEMO_AGENTS="240") as running:
        yield running


def wfm(desk: RunningDesk, *words: str, stdin: str = "") -> dict[str, Any]:
    """The command line on the same data: what it prints with --json."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
    done = subprocess.run(
        [sys.executable, "-m", "wfm", *words, "--json"],
        cwd=ROOT,
        env={**clean, "WFM_DATA_DIR": str(desk.data), "WFM_DEMO_PORT": "0"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ready_agents(desk: RunningDesk) -> list[str]:
    """Forty agents who can be taken out now, untouched by the examples: which those are depends on the hour."""
    touched = examples_done(desk)
    plan = desk.data / "everybody.json"
    found: list[str] = []
    for team in teams(desk):
        request = {"selection": {"team": team}, "window": {"minutes": 30}, "route": "availability", "reason": "look"}
        plan.write_text(json.dumps(request), encoding="utf-8")
        found += [one["id"] for one in wfm(desk, "preview", str(plan))["agents"]["ready"]]
        if len(set(found) - touched) >= AGENTS:
            break
    chosen = [agent for agent in dict.fromkeys(found) if agent not in touched][:AGENTS]
    assert len(chosen) == AGENTS
    return chosen


def examples_done(desk: RunningDesk) -> set[str]:
    """The agents of the two example operations, once these are over."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        seen = httpx.get(f"{demo_url(desk)}/_demo/updates").json()
        if seen and all(one["unavailable"] == one["available"] for one in seen.values()):
            return set(seen)
        time.sleep(0.5)
    raise AssertionError("The example operations were not over in time.")


def teams(desk: RunningDesk) -> list[str]:
    """The demo tenant's teams by name."""
    url = demo_url(desk)
    clients = httpx.get(f"{url}/_demo/info").json()["clients"]
    client = next(one for one in clients if one["name"] == "desk")
    token = httpx.post(
        f"{url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(client["id"], client["secret"])
    ).json()["access_token"]
    found = httpx.get(f"{url}/api/v2/teams", headers={"Authorization": f"Bearer {token}"}).json()["entities"]
    return [team["name"] for team in found]


def demo_url(desk: RunningDesk) -> str:
    url: str = json.loads((desk.data / "demo-tenant.json").read_text(encoding="utf-8"))["api"]
    return url


def updates(desk: RunningDesk, agents: list[str]) -> Counter[tuple[int, int]]:
    """How many agents were accepted how many updates, as (unavailable, available)."""
    seen = httpx.get(f"{demo_url(desk)}/_demo/updates").json()
    counts = (seen.get(agent, {}) for agent in agents)
    return Counter((one.get("unavailable", 0), one.get("available", 0)) for one in counts)


def paste(page: Page, agents: list[str]) -> None:
    page.get_by_role("button", name="Paste").click()
    page.get_by_role("textbox", name="Ids, e-mails or names").fill("\n".join(agents))
    page.get_by_role("button", name="Add these").click()
    expect(page.get_by_text(f"{AGENTS} agents", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    settled(page)


def bar(page: Page, words: str) -> Locator:
    """The progress bar when it says exactly this of the agents."""
    return page.get_by_role("img", name=re.compile(rf": {words}$"))


def opened_id(page: Page) -> str:
    expect(page).to_have_url(re.compile(r"/windows\?id=[\w-]+"))
    found = re.search(r"id=([\w-]+)", page.url)
    assert found
    return found.group(1)


def test_the_briefs_story(desk: RunningDesk, new_page: NewPage) -> None:
    agents = ready_agents(desk)
    nobody_touched = Counter({(0, 0): AGENTS})
    assert updates(desk, agents) == nobody_touched
    page = new_page()
    open_at(page, desk.url)

    # The preview says which scope is missing, before anything is written.
    expect(page.get_by_text("healthy · architect-flow")).to_be_visible()
    page.get_by_role("link", name="Plan").click()
    expect(page.locator("h1")).to_have_text("Plan a window")
    paste(page, agents)
    page.get_by_role("textbox", name="Reason").fill("DB upgrade")
    page.get_by_role("textbox", name="Ticket").fill("CHG-1042")
    page.keyboard.press("Tab")
    expect(page.get_by_text("architect-flow holds wfm:schedule:write, needs wfm:schedule:update")).to_be_visible()
    settled(page)
    take = page.get_by_role("button", name=f"Take {AGENTS} agents out now")
    expect(take).to_be_disabled()
    assert updates(desk, agents) == nobody_touched

    # The rehearsal: 403 for the agents, and the history shows payload, cause and fix.
    page.get_by_role("button", name="Run anyway and show me the failure").click()
    rehearsal = opened_id(page)
    expect(page.get_by_text("Halted before everyone failed the same way")).to_be_visible(timeout=SLOW)
    no_exception(page)
    runs = wfm(desk, "runs", "--operation", rehearsal)["runs"]
    assert runs
    assert {(run["status"], run["outcome"]) for run in runs} == {(403, "failed")}
    open_at(page, f"{desk.url}/runs?run={runs[0]['id']}&time=all")
    for said in ("Insufficient permissions for resource access", "wfm:schedule:update", "architect-flow", "403"):
        expect(page.get_by_text(said).locator("visible=true").first).to_be_visible()
    assert updates(desk, agents) == nobody_touched

    # Fixed, the same plan is applied to the 40.
    page.get_by_role("link", name="Plan").click()
    expect(page.get_by_text(f"{AGENTS} agents", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Ticket")).to_have_value("CHG-1042")
    page.get_by_role("button", name="Fix it (demo only)").click()
    expect(take).to_be_enabled()
    take.click()
    operation = opened_id(page)
    expect(bar(page, f"{AGENTS} out")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="End now and restore")).to_be_visible(timeout=SLOW)

    # A reload changes nothing, and another tab sees the same.
    page.reload()
    settled(page)
    expect(bar(page, f"{AGENTS} out")).to_be_visible()
    other = new_page(width=390, height=844, scheme="dark")
    open_at(other, desk.url)
    expect(other.locator("h1")).to_have_text("Now")
    expect(other.get_by_text("DB upgrade · CHG-1042").first).to_be_visible()
    assert updates(desk, agents) == Counter({(1, 0): AGENTS})

    # Ended early from the phone; everybody is back, each by one update, and the first tab sees it by itself.
    other.get_by_role("button", name="End now and restore").click()
    other.get_by_role("button", name=f"End now and restore {AGENTS} agents").click()
    expect(page.get_by_text("ended early").first).to_be_visible(timeout=SLOW)
    expect(bar(page, f"{AGENTS} restored")).to_be_visible(timeout=SLOW)
    assert updates(desk, agents) == Counter({(1, 1): AGENTS})
    no_exception(page)

    # Every run is in the history.
    runs = wfm(desk, "runs", "--operation", operation, "--limit", "500")["runs"]
    assert Counter((run["phase"], run["outcome"]) for run in runs) == Counter(
        {("apply", "applied"): AGENTS, ("restore", "applied"): AGENTS}
    )
