"""`make bench`: measures, prints each figure beside its aim, and judges nothing. About eight minutes.

All figures come from one run against the demo tenant at 3,000 requests a minute and 50 ms.
"""

from __future__ import annotations

import argparse
import time
import uuid

from benchmarks.screens import screens
from benchmarks.tenant import ACTOR, Bench, bench
from wfm.domain.operations import ItemState, OperationState
from wfm.domain.plans import PlanRequest, Preview, Selection
from wfm.domain.windows import WindowSpec

LIMIT, LATENCY_MS = 3_000, 50
MEBIBYTE = 1024 * 1024


def line(what: str, figure: str, aim: str = "") -> None:
    print(f"{what:<58} {figure:>22}   {aim}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=16_000, help="people of the demo tenant")
    parser.add_argument("--windows", type=int, default=3, help="full limit windows that the apply phase must last")
    parser.add_argument("--no-screens", action="store_true", help="leave the browser out")
    given = parser.parse_args()
    print(f"demo tenant: {given.agents} agents, {LIMIT} requests/min, {LATENCY_MS} ms\n")
    with bench(given.agents, LIMIT, LATENCY_MS) as running:
        ready = _preview(running, given.agents)
        _wait_for_window(running)
        _apply_and_restore(running, ready, given.windows)
        desk_memory = sum(process.memory_info().rss for process in [running.worker, *running.worker.children(recursive=True)])
        line("memory of the worker", f"{desk_memory / MEBIBYTE:.0f} MiB")
        if not given.no_screens:
            screens(running, line)


def _request(agents: list[str], minutes: float = 600) -> PlanRequest:
    return PlanRequest(selection=Selection(agents=tuple(agents)), window=WindowSpec(minutes=minutes))


def _preview(running: Bench, agents: int) -> list[str]:
    """Requests and seconds to preview 10,000 agents from nothing; then again with only the window changed."""
    everybody = sorted(running.demo.get("/_demo/agents").json()["agents"], key=lambda agent: str(agent["id"]))
    some = [str(agent["id"]) for agent in everybody[: min(10_000, agents)]]
    began = time.perf_counter()
    found = running.desk.preview(_request(some))
    line(f"preview of {len(some)} agents, nothing cached", f"{time.perf_counter() - began:.2f} s")
    per_10k = found.read_requests * 10_000 / max(agents, 10_000)
    line(f"  requests for it (directory of {agents})", f"{found.read_requests}", f"aim < 150 at 10,000 people: {per_10k:.0f}")
    began = time.perf_counter()
    again = running.desk.preview(_request(some, minutes=540))
    line(
        "  again, only the window changed",
        f"{time.perf_counter() - began:.2f} s, {again.read_requests} requests",
        "aim 0 requests",
    )
    ids = [str(agent["id"]) for agent in everybody]
    ready = running.desk.preview(_request(ids))
    return [row.agent.id for row in ready.ready if row.agent is not None]


def _wait_for_window(running: Bench) -> None:
    """The preview's reads count too: begin with a fresh limit window."""
    reset = running.demo.get("/_demo/stats").json()
    time.sleep(max(0.0, float(reset["window_resets_in_s"])) + 0.5)


def _apply_and_restore(running: Bench, ready: list[str], windows: int) -> None:
    wanted = min(len(ready), LIMIT * windows + LIMIT // 4)
    desk = running.desk
    preview: Preview = desk.preview(_request(ready[:wanted]))
    _wait_for_window(running)
    before = running.demo.get("/_demo/stats").json()
    began = time.perf_counter()
    operation = desk.apply(preview.request, preview.plan_id, actor=ACTOR, request_token=uuid.uuid4().hex)
    first_done, at_window_end = None, []
    while True:
        stats = running.demo.get("/_demo/stats").json()
        elapsed = time.perf_counter() - began
        if first_done is None and stats["writes_accepted"] > before["writes_accepted"]:
            first_done = elapsed
        at_window_end.append((elapsed, stats["requests_accepted"] - before["requests_accepted"]))
        view = desk.operation(operation.id)
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
    desk.end_now(operation_id, ACTOR)
    while desk.operation(operation_id).operation.state in (OperationState.IN_EFFECT, OperationState.RESTORING):
        time.sleep(0.5)
    seconds = time.perf_counter() - began
    after = running.demo.get("/_demo/stats").json()
    restored = desk.operation(operation_id).counts.restore.get(ItemState.APPLIED, 0)
    line(f"restore {applied} agents", f"{seconds:.1f} s", f"{restored} restored")
    requests = after["requests_accepted"] - before["requests_accepted"]
    line("  requests an agent", f"{requests / max(1, applied):.3f}", "aim <= 2.05")
    line("  answers 429", f"{after['refused_429'] - before['refused_429']}", "aim 0")


if __name__ == "__main__":
    main()
