"""The time of a preview without its reads: `python -m benchmarks.preview_compute [agents …]`.

Everything is in memory, so the figures are the fates, findings, access lanes and plan id alone.
Aims: 10,000 agents under 1 s, 50,000 under 5 s.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from wfm.domain.agents import Agent, AgentState, Directory, Group, GroupKind, Status
from wfm.domain.plans import AgentFate, Fate, PlanRequest, ResolvedSelection, RouteName, Selection
from wfm.domain.schedules import Activity, AgentSchedule, Shift
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import WindowSpec
from wfm.preview.fates import World, decide
from wfm.preview.identity import ingredients_of, plan_id_of
from wfm.preview.selection import resolve

NOW = datetime(2026, 11, 24, 13, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/Bogota", "Asia/Manila")


def main(sizes: list[int]) -> None:
    """Print one line a size."""
    for size in sizes:
        directory, schedules, states = _tenant(size)
        request = PlanRequest(selection=Selection(divisions=("d",), search="agent"), window=WindowSpec(minutes=60))
        began = time.perf_counter()
        chosen = resolve(request.selection, directory, lambda _: ())
        resolved = time.perf_counter()
        rows, plan_id = _preview(chosen, request, schedules, states)
        done = time.perf_counter()
        ready = sum(row.fate is Fate.READY for row in rows)
        print(
            f"{size:>7,} agents: picked in {resolved - began:.2f} s, judged in {done - resolved:.2f} s "
            f"({ready:,} ready, plan {plan_id[:9]})"
        )


def _preview(
    chosen: ResolvedSelection,
    request: PlanRequest,
    schedules: dict[str, AgentSchedule],
    states: dict[str, AgentState],
) -> tuple[tuple[AgentFate, ...], str]:
    window = request.window.resolve(NOW)
    world = World(window=window, now=NOW, route=RouteName.AVAILABILITY, schedules=schedules, states=states, held={})
    fates = decide(chosen, world)
    facts = TokenFacts(
        client_id="c",
        client_name="bench",
        grant_type="client_credentials",
        scopes=("wfm:schedule:update",),
        role_divisions=(),
        organization_id="o",
        organization_name="o",
        expires_at=None,
    )
    ingredients = ingredients_of(
        fates=fates,
        schedules=schedules,
        access=(),
        tenant_key="bench",
        facts=facts,
        request=request,
        window=window,
        action_id=None,
        restore_action_id=None,
    )
    return fates.rows, plan_id_of(ingredients)


def _tenant(size: int) -> tuple[Directory, dict[str, AgentSchedule], dict[str, AgentState]]:
    """Make agents of three zones with shifts of nine activities, starting a quarter of an hour apart."""
    agents, schedules, states = {}, {}, {}
    for number in range(size):
        key = f"{number:08}-aaaa-4bbb-8ccc-000000000000"
        agents[key] = Agent(
            id=key,
            name=f"Agent {number}",
            email=f"agent{number}@example.org",
            active=number % 50 != 0,
            division_id="d",
            division="Home",
            team_id=None,
            team=None,
            management_unit_id="m",
            management_unit="Unit",
            business_unit_id="b",
            zone=ZONES[number % 3],
        )
        start = NOW - timedelta(hours=8) + timedelta(minutes=15 * (number % 48))
        activities = tuple(
            Activity(
                start=start + timedelta(hours=hour),
                end=start + timedelta(hours=hour + 1),
                category="TimeOff" if number % 40 == 0 else "OnQueueWork",
            )
            for hour in range(9)
        )
        worked = Shift(id=f"s{number}", start=start, end=start + timedelta(hours=9), activities=activities)
        schedules[key] = AgentSchedule(agent_id=key, published=True, version=f"w@{number:x}", shifts=(worked,))
        states[key] = AgentState(
            agent_id=key,
            status=Status.AVAILABLE,
            presence="OnQueue",
            on_queue=True,
            in_contact=number % 10 == 0,
            out_of_office=number % 70 == 0,
            read_at=NOW,
        )
    return Directory(agents=agents, groups=_groups(), units={}, as_of=NOW), schedules, states


def _groups() -> tuple[Group, ...]:
    return (Group(kind=GroupKind.DIVISION, id="d", name="d"),)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10_000, 50_000])
