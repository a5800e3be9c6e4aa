"""`make bench`: measures, prints each figure beside its aim, and judges nothing. About fifteen minutes, and then the
history of 5,000,000 runs on both databases: about ten minutes more and 10 GB of disk (`make bench RUNS=200000` is shorter,
RUNS=0 leaves it out).

All figures come from one run against the demo tenant at 3,000 requests a minute and 50 ms: the preview with 10,000 people,
everything else with as many as are needed for 9,750 ready ones, because the apply phase has to fill three limit windows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import uuid

import httpx

from benchmarks.clicks import clicks
from benchmarks.diagnosis import diagnosis
from benchmarks.history import report
from benchmarks.imports import imports
from benchmarks.lists import lists
from benchmarks.screens import screens
from benchmarks.tenant import ACTOR, Bench, bench
from wfm.domain.operations import ItemState, OperationState
from wfm.domain.plans import PlanRequest, Preview, Selection
from wfm.domain.windows import WindowSpec
from wfm.genesys.pacing import RequestLane, SharedPacer

LIMIT, LATENCY_MS = 3_000, 50
PREVIEWED = 10_000
MEBIBYTE = 1024 * 1024


def line(what: str, figure: str, aim: str = "") -> None:
    print(f"{what:<58} {figure:>22}   {aim}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=16_000, help="people of the demo tenant that is applied to")
    parser.add_argument("--windows", type=int, default=3, help="full limit windows that the apply phase must last")
    parser.add_argument("--no-screens", action="store_true", help="leave the browser out")
    parser.add_argument("--no-apply", action="store_true", help="leave apply and restore out")
    parser.add_argument("--runs", type=int, default=5_000_000, help="runs of the history that is searched; 0 leaves it out")
    given = parser.parse_args()
    print(f"demo tenant: {LIMIT} requests/min, {LATENCY_MS} ms; load of this machine {os.getloadavg()[0]:.1f}\n")
    with bench(PREVIEWED, LIMIT, LATENCY_MS) as running:
        _preview(running)
    with bench(given.agents, LIMIT, LATENCY_MS) as running:
        if not given.no_apply:
            _apply_and_restore(running, given.windows)
            worker = sum(process.memory_info().rss for process in [running.worker, *running.worker.children(recursive=True)])
            line("memory of the worker", f"{worker / MEBIBYTE:.0f} MiB", "after all of that")
        if not given.no_screens:
            screens(running, line)
    for agents in () if given.no_screens else (240, PREVIEWED):
        clicks(agents, line)
    _permits()
    diagnosis(line)
    imports(line)
    lists(line)
    for database in ("sqlite", "postgres") if given.runs else ():
        print(f"\n# The history on {database}\n", flush=True)
        report(given.runs, database, screen=not given.no_screens)


def _permits() -> None:
    """What pacing adds to a request: a permit and the note of its answer, through the shared SQLite file."""
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder:
        pacer = SharedPacer(f"sqlite:///{folder}/pacing.sqlite", "bench|bench", 1.0)
        took = []
        for count in range(1, 501):
            began = time.perf_counter()
            permit = pacer.acquire(RequestLane.APPLY)
            told = {"inin-ratelimit-allowed": "100000", "inin-ratelimit-count": str(count), "inin-ratelimit-reset": "30"}
            pacer.observe(permit, httpx.Headers(told), 200)
            took.append(time.perf_counter() - began)
    line("a permit with its answer, shared by processes", f"{statistics.median(took) * 1000:.2f} ms", "median of 500")


def _request(agents: list[str], minutes: float = 600) -> PlanRequest:
    return PlanRequest(selection=Selection(agents=tuple(agents)), window=WindowSpec(minutes=minutes))


def _everybody(running: Bench) -> list[str]:
    return sorted(str(agent["id"]) for agent in running.demo.get("/_demo/agents").json()["agents"])


def _preview(running: Bench) -> None:
    """Requests and seconds to preview 10,000 agents from nothing; then again with only the window changed."""
    everybody = _everybody(running)
    began = time.perf_counter()
    found = running.desk.plans.preview(_request(everybody))
    line(f"preview of {len(everybody)} agents, nothing cached", f"{time.perf_counter() - began:.2f} s")
    line("  requests for it", f"{found.read_requests}", "aim < 150")
    began = time.perf_counter()
    again = running.desk.plans.preview(_request(everybody, minutes=540))
    took = time.perf_counter() - began
    line("  again, only the window changed", f"{took:.2f} s, {again.read_requests} requests", "aim 0 requests")


def _wait_for_window(running: Bench) -> None:
    """The preview's reads count too: begin with a fresh limit window."""
    reset = running.demo.get("/_demo/stats").json()
    time.sleep(max(0.0, float(reset["window_resets_in_s"])) + 0.5)


def _apply_and_restore(running: Bench, windows: int) -> None:
    desk = running.desk
    found = desk.plans.preview(_request(_everybody(running)))
    ready = [row.agent.id for row in found.ready if row.agent is not None]
    wanted = min(len(ready), LIMIT * windows + LIMIT // 4)
    preview: Preview = desk.plans.preview(_request(ready[:wanted]))
    _wait_for_window(running)
    before = running.demo.get("/_demo/stats").json()
    began = time.perf_counter()
    operation = desk.plans.apply(preview.request, preview.plan_id, actor=ACTOR, request_token=uuid.uuid4().hex)
    first_done, at_window_end = None, []
    while True:
        stats = running.demo.get("/_demo/stats").json()
        elapsed = time.perf_counter() - began
        if first_done is None and stats["writes_accepted"] > before["writes_accepted"]:
            first_done = elapsed
        at_window_end.append((elapsed, stats["requests_accepted"] - before["requests_accepted"]))
        view = desk.windows.get(operation.id)
        if view.operation.state is not OperationState.SCHEDULED and view.operation.state is not OperationState.APPLYING:
            break
        time.sleep(0.25)
    seconds = time.perf_counter() - began
    after = running.demo.get("/_demo/stats").json()
    requests = after["requests_accepted"] - before["requests_accepted"]
    full = int(seconds // 60)
    in_full = max((count for at, count in at_window_end if at <= full * 60 + 0.3), default=requests)
    line(f"apply {wanted} agents", f"{seconds:.1f} s", f"{full} full limit windows")
    line(
        "  requests accepted a minute / limit, over those windows", f"{in_full / (full * LIMIT) if full else 0:.3f}", "aim 0.97"
    )
    line("  answers 429", f"{after['refused_429'] - before['refused_429']}", "aim 0")
    line("  requests an agent", f"{requests / wanted:.3f}", "aim <= 1.05")
    line("  from apply to the first agent out", f"{first_done or 0:.2f} s")
    applied = view.counts.apply.get(ItemState.APPLIED, 0)
    line("  applied / asked", f"{applied}/{wanted}")
    _restore(running, operation.id, applied)


def _restore(running: Bench, operation_id: str, applied: int) -> None:
    desk = running.desk
    before = running.demo.get("/_demo/stats").json()
    began = time.perf_counter()
    desk.windows.end(operation_id, ACTOR)
    while desk.windows.get(operation_id).operation.state in (OperationState.IN_EFFECT, OperationState.RESTORING):
        time.sleep(0.5)
    seconds = time.perf_counter() - began
    after = running.demo.get("/_demo/stats").json()
    restored = desk.windows.get(operation_id).counts.restore.get(ItemState.APPLIED, 0)
    line(f"restore {applied} agents", f"{seconds:.1f} s", f"{restored} restored")
    requests = after["requests_accepted"] - before["requests_accepted"]
    line("  requests an agent", f"{requests / max(1, applied):.3f}", "aim <= 2.05")
    line("  answers 429", f"{after['refused_429'] - before['refused_429']}", "aim 0")


if __name__ == "__main__":
    main()
