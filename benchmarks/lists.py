"""How long the desk takes to judge a list of agents: `lists(line)` prints it beside its aim. Alone: `-m benchmarks.lists`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from wfm.domain.agents import Agent, Directory
from wfm.preview.agent_lists.lists import agent_list
from wfm.preview.selection import Index

ROWS, MANAGERS = 10_000, 300
Line = Callable[[str, str, str], None]


def lists(line: Line) -> None:
    """An HR export of 10,000 rows and 12 columns, managers among them; processor time, the directory arranged before."""
    people = [_agent(number) for number in range(ROWS + MANAGERS)]
    directory = Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=datetime.now(UTC))
    index = Index(directory)
    rows = ["Employee no,Name,Manager,Manager Email,Agent Email,User ID,Site,Start,End,Phone,Note,Team"]
    for number, one in enumerate(people[:ROWS]):
        lead = people[ROWS + number % MANAGERS]
        who = f"{one.name},{lead.name},{lead.email},{one.email},{one.id}"
        rows.append(f"{number},{who},Site {number % 20},08:00,16:00,+46 70 {number:06},Note {number},Team {number % 90}")
    data = "\n".join(rows).encode()
    agent_list(data[:2_000], index)
    began = time.process_time()
    found = agent_list(data, index)
    took = time.process_time() - began
    line(f"list of {len(found.words):,} rows and 12 columns judged", f"{took:.2f} s", "aim < 1 s")


def _agent(number: int) -> Agent:
    return Agent(
        id=f"{number:08x}-aaaa-4bbb-8ccc-{number:012x}",
        name=f"Given{number} Family{number}",
        email=f"agent{number}@example.com",
        active=True,
        division_id="d",
        division="Home",
        team_id=None,
        team=None,
        management_unit_id="m",
        management_unit="Unit",
        business_unit_id="b",
        zone="UTC",
    )


if __name__ == "__main__":
    lists(lambda what, figure, aim: print(f"{what:<58} {figure:>22}   {aim}"))
