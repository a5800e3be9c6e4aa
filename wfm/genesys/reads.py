"""Everything that the desk reads from the tenant, in bulk and cached. Nothing here writes.

| source    | kept   | requests                                                                |
|-----------|--------|-------------------------------------------------------------------------|
| token     | 60 s   | 1                                                                       |
| directory | 10 min | 1 a hundred users, 1 a management unit, a handful for groups            |
| queue     | 10 min | 1 a hundred members, when a queue is picked                             |
| schedules | 60 s   | 1 a two thousand agents and business unit (fewer for long windows)      |
| states    | 15 s   | 1 a management unit, or 1 a hundred agents, whichever is fewer           |
| actions   | 60 s   | 1 a hundred actions, 1 for each whose contract the list leaves out       |

A preview of 10,000 agents takes about 120 requests.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from wfm import catalogue
from wfm.domain.agents import Agent, AgentState, Directory, GroupKind
from wfm.domain.schedules import AgentSchedule
from wfm.domain.tenant import TokenFacts
from wfm.genesys.auth import utcnow
from wfm.genesys.bulk_reads import Bulk, ReadCounts, chunks, entities, members, reading
from wfm.genesys.cache import CachedValue
from wfm.genesys.client import GenesysClient, Query
from wfm.genesys.directory_reads import DirectoryReads, read_queue_members
from wfm.genesys.errors import Forbidden, GenesysError, ResourceNotFound
from wfm.genesys.pacing import RequestLane
from wfm.genesys.parse import state, text, token_facts
from wfm.genesys.schedule_reads import ScheduleReads, whole_answer

TOKEN = catalogue.operation("GET /api/v2/tokens/me")
UNIT_ADHERENCE = catalogue.operation("GET /api/v2/workforcemanagement/managementunits/{managementUnitId}/adherence")
ADHERENCE = catalogue.operation("GET /api/v2/workforcemanagement/adherence")
ACTIONS = catalogue.operation("GET /api/v2/integrations/actions")
ACTION = catalogue.operation("GET /api/v2/integrations/actions/{actionId}")

DIRECTORY_TTL_S = 600.0
SCHEDULES_TTL_S = 60.0
STATES_TTL_S = 15.0
TOKEN_TTL_S = 60.0
ACTIONS_TTL_S = 60.0
USERS_A_CALL = 100
MAX_CONTRACTS = 60
"""Maximum Data Actions whose contract is read one by one; for hundreds, one list would use up the whole limit."""

SCREEN = RequestLane.SCREEN


class Reader:
    """Bulk reads with caches for one OAuth client. Thread-safe; every method raises GenesysError with `read` set.

    `lane` says whom a read is for; `fresh=True` reads past the cache. `clock` gives aware UTC.
    """

    def __init__(self, client: GenesysClient, clock: Callable[[], datetime] = utcnow) -> None:
        self.client = client
        self._clock = clock
        self._bulk = Bulk(client)
        self._directory_reads = DirectoryReads(self._bulk)
        self._schedules = ScheduleReads(self._bulk, clock, SCHEDULES_TTL_S)
        self._token_told = 0
        """Which token of the client the facts describe: the number of tokens fetched by then."""
        self._token: CachedValue[TokenFacts] = CachedValue(TOKEN_TTL_S, clock)
        self._directory: CachedValue[Directory] = CachedValue(DIRECTORY_TTL_S, clock)
        self._actions: CachedValue[tuple[Mapping[str, Any], ...]] = CachedValue(ACTIONS_TTL_S, clock)
        self._queues: dict[str, CachedValue[frozenset[str]]] = {}
        self._states: dict[str, AgentState] = {}
        self._states_lock = threading.Lock()
        self._as_of: dict[str, datetime] = {}

    @property
    def requests(self) -> int:
        """Requests this reader has made, including repeated ones."""
        return self._bulk.requests

    def take_read_counts(self) -> ReadCounts:
        """Return how many requests worked and failed since the last call: evidence of the client's rights."""
        return self._bulk.take_counts()

    @property
    def as_of(self) -> Mapping[str, datetime]:
        """When each source was last read: token, directory, schedules, states, actions."""
        return dict(self._as_of)

    @property
    def gaps(self) -> Mapping[str, GenesysError]:
        """Optional parts of the directory that the tenant refused: teams, queues, divisions, business units, time zones."""
        return dict(self._directory_reads.gaps)

    def forget(self) -> None:
        """Drop everything that was read."""
        for cached in (self._token, self._directory, self._actions):
            cached.forget()
        self._queues.clear()
        self._schedules.forget()
        with self._states_lock:
            self._states.clear()

    def close(self) -> None:
        """End the reading threads. The client stays open: its owner closes it."""
        self._bulk.close()

    # --- who we are ----------------------------------------------------------------------------------------------------

    def token(self, *, fresh: bool = False, lane: RequestLane = SCREEN) -> TokenFacts:
        """Return the facts of the present token (published: GET /api/v2/tokens/me), never those of an earlier one."""
        auth = self.client.auth

        def read() -> TokenFacts:
            with reading("token"):
                info = members(self._bulk.send(TOKEN, lane))
            self._token_told = auth.fetched
            return token_facts(info, auth.client_id, auth.granted, auth.expires_at)

        # A newer token may have other scopes than the one that was read.
        another = auth.expires_at is None or self._token_told != auth.fetched
        facts, self._as_of["token"] = self._token.get(read, fresh=fresh or another)
        return facts

    # --- people --------------------------------------------------------------------------------------------------------

    def directory(self, *, fresh: bool = False, lane: RequestLane = SCREEN) -> Directory:
        """Return all users (active and inactive), groups and management units."""
        directory, self._as_of["directory"] = self._directory.get(
            lambda: self._directory_reads.read(lane, self._clock()), fresh=fresh
        )
        return directory

    def queue_members(self, queue_id: str, *, fresh: bool = False, lane: RequestLane = SCREEN) -> frozenset[str]:
        """Return the ids of all members of a queue, joined or not."""
        cached = self._queues.setdefault(queue_id, CachedValue(DIRECTORY_TTL_S, self._clock))
        held = self._directory.peek()
        size = None
        if held is not None:
            size = next((g.size for g in held[0].groups if g.kind is GroupKind.QUEUE and g.id == queue_id), None)
        with reading("queue members"):
            return cached.get(partial(read_queue_members, self._bulk, queue_id, size, lane), fresh=fresh)[0]

    # --- what they do ----------------------------------------------------------------------------------------------------

    def states(self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = SCREEN) -> dict[str, AgentState]:
        """Return the present state of each agent (published: real-time adherence). Agents WFM does not know are left out."""
        now = self._clock()
        oldest = now if fresh else now - timedelta(seconds=STATES_TTL_S)
        with self._states_lock:
            held = {agent.id: self._states[agent.id] for agent in agents if agent.id in self._states}
        # A copy: another thread may read the same agents, or forget them, meanwhile.
        held = {agent_id: known for agent_id, known in held.items() if oldest < known.read_at <= now}
        missing = [agent for agent in agents if agent.id not in held]
        if missing:
            with reading("states"):
                held |= self._read_states(missing, lane)
        states = {agent.id: held[agent.id] for agent in agents if agent.id in held}
        self._as_of["states"] = min((known.read_at for known in states.values()), default=now)
        return states

    def schedules(
        self,
        agents: Sequence[Agent],
        start: datetime,
        end: datetime,
        *,
        fresh: bool = False,
        lane: RequestLane = SCREEN,
    ) -> dict[str, AgentSchedule]:
        """Return every agent's published schedule from the day before the start to the day after the end (UTC days).

        `published` says whether a published schedule covers the whole window; `version` changes when what it says about
        the window changes.
        """
        schedules = self._schedules.read(agents, start, end, lane, fresh=fresh)
        self._as_of["schedules"] = self._schedules.as_of or self._clock()
        return schedules

    # --- Data Actions ----------------------------------------------------------------------------------------------------

    def actions(self, *, fresh: bool = False, lane: RequestLane = SCREEN) -> tuple[Mapping[str, Any], ...]:
        """Return the tenant's Data Actions (SDK model Action) with request, and with contract where it could be read."""
        with reading("Data Actions"):
            actions, self._as_of["actions"] = self._actions.get(partial(self._read_actions, lane), fresh=fresh)
        return actions

    def action(self, action_id: str, *, lane: RequestLane = SCREEN) -> Mapping[str, Any]:
        """Read one Data Action with request and contract, never cached. Raises ResourceNotFound."""
        query: Query = {"expand": "contract", "includeConfig": True}
        with reading("Data Action"):
            return members(self._bulk.send(ACTION, lane, path={"actionId": action_id}, query=query))

    # --- inside ------------------------------------------------------------------------------------------------------------

    def _read_states(self, agents: Sequence[Agent], lane: RequestLane) -> dict[str, AgentState]:
        """Read the states of these agents, and of all others in a unit that is read whole; keep them for the next read."""
        units, ids = cheapest(agents)
        jobs = [partial(self._states_of_unit, unit, lane) for unit in units]
        jobs += [partial(self._states_of_agents, chunk, lane) for chunk in chunks(ids, USERS_A_CALL)]
        read_at = self._clock()
        rows = (state(row, read_at) for answer in self._bulk.gather(jobs) for row in answer)
        states = {known.agent_id: known for known in rows if known is not None}
        with self._states_lock:
            # An agent that the tenant now leaves out has no state, whatever was kept before.
            for agent in agents:
                self._states.pop(agent.id, None)
            self._states |= states
        return states

    def _states_of_unit(self, unit_id: str, lane: RequestLane) -> list[dict[str, Any]]:
        reply = self._bulk.send(UNIT_ADHERENCE, lane, path={"managementUnitId": unit_id})
        return entities(whole_answer(self._bulk, reply))

    def _states_of_agents(self, ids: tuple[str, ...], lane: RequestLane) -> list[dict[str, Any]]:
        return entities(self._bulk.send(ADHERENCE, lane, query={"userId": ids}).json)

    def _read_actions(self, lane: RequestLane) -> tuple[Mapping[str, Any], ...]:
        rows = self._bulk.pages(ACTIONS, lane, {"includeConfig": "true"})
        bare = [text(row.get("id")) for row in rows if "contract" not in row][:MAX_CONTRACTS]

        def full(action_id: str) -> Mapping[str, Any]:
            try:
                return self.action(action_id, lane=lane)
            except (Forbidden, ResourceNotFound):
                return {}

        whole = dict(zip(bare, self._bulk.gather([partial(full, action_id) for action_id in bare]), strict=True))
        return tuple({**row, **whole.get(text(row.get("id")), {})} for row in rows)


def cheapest(agents: Sequence[Agent]) -> tuple[list[str], list[str]]:
    """Return how to read these agents' states with the fewest requests: whole units to read, and ids to ask for.

    A unit read costs one request whatever its size; ids cost one a hundred. Equal costs go to the ids: the answer is
    smaller.
    """
    by_unit: dict[str, list[str]] = defaultdict(list)
    for agent in agents:
        by_unit[agent.management_unit_id or ""].append(agent.id)
    ids = by_unit.pop("", [])
    units: list[str] = []
    best: tuple[int, int] = (-(-(len(ids) + sum(map(len, by_unit.values()))) // USERS_A_CALL), 0)
    largest = sorted(by_unit, key=lambda unit: -len(by_unit[unit]))
    left = len(ids) + sum(map(len, by_unit.values()))
    for number, unit in enumerate(largest, start=1):
        left -= len(by_unit[unit])
        best = min(best, (number - (-left // USERS_A_CALL), number))
    units = largest[: best[1]]
    return units, ids + [agent_id for unit in largest[best[1] :] for agent_id in by_unit[unit]]
