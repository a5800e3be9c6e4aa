"""The demo tenant as one object: organization, roster, states, clients, limits, faults, scenario, state file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wfm.demo.clients import Access, Grants, Limiter, Token, default_clients
from wfm.demo.faults import Faults
from wfm.demo.journal import FORMAT, Journal
from wfm.demo.plans import PLAN_RECORDS, Plans
from wfm.demo.platforms import Platform, published_world
from wfm.demo.published_states import PublishedStates
from wfm.demo.records import Records
from wfm.demo.roles import divisions_where, held_in, published_clients, user_grants
from wfm.demo.roster import Roster, anchor_for
from wfm.demo.scenarios import Scenario, scenarios_of
from wfm.demo.states import States
from wfm.demo.wire import Rights
from wfm.demo.world import DEFAULT_SEED, MAX_AGENTS, Person, Queue, build_world
from wfm.domain.errors import BadInput

LEAST_ON_SHIFT = 0.6
"""At the start a new roster is made unless this share of the agents is at work."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a demo tenant is started. `seed` and `scenario` None: as in the state file, else the defaults."""

    agents: int = 240
    latency_ms: float = 20
    rate_limit: int = 300
    scenario: str | None = None
    state: Path | None = None
    seed: int | None = None
    platform: str = Platform.BOTH

    def check(self) -> None:
        """Raise BadInput naming the option, what was given and what is accepted."""
        if not 1 <= self.agents <= MAX_AGENTS:
            raise BadInput("agents", self.agents, f"1 to {MAX_AGENTS}")
        if not 0 <= self.latency_ms <= 60_000:
            raise BadInput("latency-ms", self.latency_ms, "0 to 60000")
        if not 1 <= self.rate_limit <= 1_000_000:
            raise BadInput("rate-limit", self.rate_limit, "1 to 1000000 requests a minute")
        if self.platform not in list(Platform):
            raise BadInput("platform", self.platform, ", ".join(Platform))
        known = scenarios_of(self.platform == Platform.PUBLISHED)
        if self.scenario is not None and self.scenario not in known:
            raise BadInput("scenario", self.scenario, ", ".join(known))


class DemoTenant:
    """Everything that the handlers work on. Raises BadInput when it can't be made."""

    def __init__(
        self,
        options: Options,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        options.check()
        self.clock = clock
        self.latency = options.latency_ms / 1000
        self.rate_limit = options.rate_limit
        self.platform = Platform(options.platform)
        self.published = self.platform is Platform.PUBLISHED
        self.scenarios = scenarios_of(self.published)
        self.operations: Counter[str] = Counter()
        self.counters = {"requests_accepted": 0, "refused_429": 0, "writes_accepted": 0}
        self.journal = Journal(options.state)
        try:
            self._open(options, monotonic)
        except BaseException:
            self.journal.close()
            raise

    def _open(self, options: Options, monotonic: Callable[[], float]) -> None:
        records = list(self.journal.read())
        self.seed = _seed(options, records)
        _same_platform(options, records)
        self.world = build_world(self.seed, options.agents)
        if self.published:
            self.world = published_world(self.world)
        anchor, version, scenario = None, 1, None
        self._first_clients = (
            published_clients(self.seed, self.world.divisions) if self.published else default_clients(self.seed)
        )
        self.plans = Plans(self.seed, self.journal.append)
        self.records = Records(self.seed, self.journal.append)
        self.access = Access(self._first_clients, self.journal.append)
        self.roster = self._roster(anchor_for(self.clock()))
        self.states = (PublishedStates if self.published else States)(self.world, self.roster, self.journal.append)
        for record in records:
            kind = record["t"]
            if kind in ("live", "reset", "definition"):
                self.states.replay(record)
            elif kind in PLAN_RECORDS:
                self.plans.replay(record)
            elif kind == "record":
                self.records.replay(record)
            elif kind == "roster":
                anchor, version = int(record["anchor"]), int(record["version"])
            elif kind == "scenario" and record["name"] in self.scenarios:
                scenario = str(record["name"])
            else:
                self.access.replay(record)
        self._lay_roster(anchor, version)
        self._tended = self.minute() // 15
        self._share, self._share_counted = 0.0, (-1, -1)
        self.limiter = Limiter(monotonic)
        self.faults = Faults(self.seed)
        self.scenario = self.scenarios[options.scenario or scenario or "healthy"]
        self.start_scenario = options.scenario or "healthy"
        self._enter(self.scenario)
        self.journal.compact(self._records())
        if options.scenario is not None and self.scenario.resets_scopes and scenario != self.scenario.name:
            self.reset_scopes()

    def _lay_roster(self, anchor: int | None, version: int) -> None:
        """Keep the roster of the state file while most people are at work under it, else make one around this hour."""
        if anchor is not None:
            kept = self._roster(anchor, version)
            if kept.share_on_shift(self.minute()) >= LEAST_ON_SHIFT:
                self._use(kept)
                return
            version += 1
        self._use(self._roster(anchor_for(self.clock()), version))

    def _roster(self, anchor: int, version: int = 1) -> Roster:
        return Roster(self.world, anchor, version, dense=self.published, sessions=self.plans.sessions)

    def tend(self) -> None:
        """Once a quarter of an hour, make the roster around this hour if most people have gone home.

        Not while an update keeps an agent out: a window that is in effect keeps the shifts it was planned on.
        """
        if self.plans.finish_due(self.world, self.millis()):
            self.states.schedules_changed()
        quarter = self.minute() // 15
        if quarter == self._tended:
            return
        self._tended = quarter
        if self.roster.share_on_shift(self.minute()) >= LEAST_ON_SHIFT or self.states.anybody_held():
            return
        anchor, version = anchor_for(self.clock()), self.roster.version + 1
        self.journal.append({"t": "roster", "anchor": anchor, "version": version})
        self._use(self._roster(anchor, version))

    def _use(self, roster: Roster) -> None:
        self.roster = roster
        self.states.use_roster(roster)

    def _records(self) -> Iterator[dict[str, Any]]:
        yield {"t": "head", "format": FORMAT, "seed": self.seed, "platform": self.platform.value}
        yield {"t": "roster", "anchor": self.roster.anchor, "version": self.roster.version}
        yield {"t": "scenario", "name": self.scenario.name}
        yield from self.access.records(self.seconds())
        yield from self.states.records()
        yield from self.plans.records()
        yield from self.records.records()

    # The clock, in the units used here.

    def seconds(self) -> float:
        return self.clock().timestamp()

    def millis(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def minute(self) -> int:
        return int(self.clock().timestamp()) // 60

    # Questions of the handlers.

    @property
    def limit(self) -> int:
        """Return the present limit of a client in requests a minute."""
        cap = self.scenario.rate_limit
        return self.rate_limit if cap is None else min(cap, self.rate_limit)

    def person(self, user_id: str) -> Person | None:
        return self.world.by_id.get(user_id)

    def members(self, queue: Queue) -> list[tuple[Person, bool]]:
        """Return the members of the queue, each with the present join flag."""
        rows = self.world.of_queue[queue.index]
        if not isinstance(self.states, PublishedStates):
            return list(rows)
        now = self.millis()
        return [(person, self.states.joined(person, queue.index, joined, now)) for person, joined in rows]

    def grants(self, token: Token) -> Grants:
        """Return the roles of the client, or of the user that the token stands for, in their divisions."""
        if token.user:
            return user_grants(self.world.by_id[token.user])
        return self.access.clients[token.client].grants

    def rights(self, token: Token, permissions: tuple[str, ...], every: bool) -> Rights:
        """Return where the token has these permissions; without any declared, everywhere."""
        if not permissions:
            return Rights((), every, frozenset(division.id for division in self.world.divisions))
        return Rights(permissions, every, divisions_where(held_in(self.grants(token)), permissions, every))

    def share_on_shift(self) -> float:
        """Return the share of the first 2,000 agents with a schedule who are at work; counted once a minute."""
        minute = self.minute()
        if self._share_counted != (minute, self.roster.version):
            people = [person for person in self.world.people[:2000] if self.states.scheduled(person)]
            hits = (self.states.at_work(person, minute) for person in people)
            self._share = sum(1 for hit in hits if hit is not None and not hit[0].off) / max(1, len(people))
            self._share_counted = (minute, self.roster.version)
        return self._share

    # Actions of /_demo.

    def switch(self, name: str) -> Scenario:
        """Switch to a scenario. Agent states stay. Raises KeyError."""
        scenario = self.scenarios[name]
        self.journal.append({"t": "scenario", "name": name})
        self._enter(scenario)
        if scenario.resets_scopes:
            self.reset_scopes()
        return scenario

    def _enter(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.propagation_s, self.job_s = scenario.propagation_s, scenario.job_s
        self.states.contact_share = scenario.contact_share
        self.states.unscheduled_share = scenario.unscheduled_share
        self.faults.set_standing(scenario.faults)

    def reset_scopes(self) -> None:
        """Give architect-flow its initial rights."""
        first = self._first_clients["architect-flow"]
        present = self.access.clients["architect-flow"]
        if (present.scopes, present.grants) != (first.scopes, first.grants):
            self.access.change("architect-flow", scopes=first.scopes, grants=first.grants)
            self.access.revoke_all("architect-flow")

    def republish(self) -> int:
        """Publish the same shifts again under new schedule ids. Returns the version."""
        version = self.roster.version + 1
        self.journal.append({"t": "roster", "anchor": self.roster.anchor, "version": version})
        self._use(self._roster(self.roster.anchor, version))
        return version

    def reset(self) -> None:
        """Reset agents, counts, clients, tokens, faults, limits' windows and scenario."""
        self.states.reset()
        self.plans.reset()
        self.records.reset()
        self.states.schedules_changed()
        self.access.restore_defaults()
        self.faults.set_script([])
        self.limiter.forget()
        self.switch(self.start_scenario)

    def close(self) -> None:
        self.journal.close()


def _same_platform(options: Options, records: list[dict[str, Any]]) -> None:
    kept = records[0].get("platform", Platform.BOTH) if records else options.platform
    if kept != options.platform:
        raise BadInput("platform", options.platform, f"{kept}, with which the state file {options.state} was made")


def _seed(options: Options, records: list[dict[str, Any]]) -> int:
    if not records:
        return DEFAULT_SEED if options.seed is None else options.seed
    head = records[0]
    if head.get("t") != "head" or head.get("format") != FORMAT:
        raise BadInput("state", options.state, "the state file of a demo tenant, or a new file")
    kept = int(head["seed"])
    if options.seed is not None and options.seed != kept:
        raise BadInput("seed", options.seed, f"{kept}, with which the state file {options.state} was made")
    return kept
