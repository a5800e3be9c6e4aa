"""The preview: who x when x how, joined with the tenant's directory, schedules, states and access. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from wfm.domain.agents import Agent, AgentState, Directory
from wfm.domain.operations import Item, Operation
from wfm.domain.plans import (
    AccessCheck,
    AgentFate,
    Cost,
    Fate,
    Finding,
    PlanRequest,
    Preview,
    ResolvedSelection,
    RouteName,
    RouteOffer,
    Selection,
)
from wfm.domain.schedules import AgentSchedule
from wfm.domain.tenant import Tenant, TokenFacts
from wfm.domain.windows import Window
from wfm.genesys.auth import Clock
from wfm.genesys.errors import Forbidden
from wfm.genesys.pacing import RequestLane
from wfm.genesys.reads import Reader
from wfm.preview import access, actions, calls, identity, selection
from wfm.preview.cost import Pace, cost_of
from wfm.preview.fates import World, decide, is_about_now
from wfm.preview.findings import Plan, findings_of, refusals_of
from wfm.routes import Route, by_name

Held = Callable[[datetime, datetime, Collection[str]], Mapping[str, str]]
"""(start, end, agent ids) -> the title of the window that already has the agent, for those that are in one."""

DIRECTORY_FRESH = timedelta(seconds=60)
"""A directory younger than this is fresh enough for an apply."""


@dataclass(frozen=True, slots=True)
class _Reads:
    """What was read for one preview: `sources` by name, of which the tenant refused the `unreadable` with 403."""

    schedules: Mapping[str, AgentSchedule]
    states: Mapping[str, AgentState]
    sources: tuple[str, ...]
    unreadable: tuple[str, ...]


class Previewer:
    """Makes previews for one OAuth client of one tenant. Thread-safe as far as its reader is.

    `held` names the window that already has an agent. `limit_per_minute` and `rate_share` give the pace (or `pace` alone).
    `observed` is how earlier calls with this client ended, by catalogue key; `permissions` are those of the token's roles
    where they can be read. `renew` drops the access token, so that the next read gets a new one: a token keeps the scopes
    it was issued with, so a scope that was fixed shows only in a new token.

    Every method raises BadInput for words that can't be used and GenesysError when the tenant can't be read.
    """

    def __init__(
        self,
        reader: Reader,
        held: Held,
        clock: Clock,
        *,
        tenant: Tenant,
        rate_share: float = 0.9,
        limit_per_minute: Callable[[], int] = lambda: 300,
        pace: Callable[[], Pace] | None = None,
        observed: Callable[[], access.Observed] = dict,
        permissions: Callable[[], frozenset[str] | None] = lambda: None,
        renew: Callable[[], None] = lambda: None,
        routes: Callable[[RouteName], Route] = by_name,
    ) -> None:
        self._reader = reader
        self._held = held
        self._clock = clock
        self._tenant = tenant
        self._pace = pace or (lambda: Pace(limit_per_minute=limit_per_minute(), share=rate_share))
        self._observed = observed
        self._permissions = permissions
        self._renew = renew
        self._routes = routes
        self._index: selection.Index | None = None

    # --- who ---------------------------------------------------------------------------------------------------------

    def resolve(self, wanted: Selection, *, fresh: bool = False) -> ResolvedSelection:
        """Return the agents of a selection. Raises BadInput for an empty selection, an unknown group or exclusion."""
        selection.require_some(wanted)
        directory = self._directory(fresh)
        members = partial(self._reader.queue_members, fresh=fresh)
        return selection.resolve(wanted, directory, members, self._index_of(directory))

    def index(self) -> selection.Index:
        """Return the directory as words of lists are looked up in it."""
        return self._index_of(self._directory(fresh=False))

    def _directory(self, fresh: bool) -> Directory:
        """Return the directory, the most expensive read; `fresh` reads it again only when it is older than DIRECTORY_FRESH."""
        as_of = self._reader.as_of.get("directory")
        old = as_of is None or self._clock() - as_of > DIRECTORY_FRESH
        return self._reader.directory(fresh=fresh and old)

    def _index_of(self, directory: Directory) -> selection.Index:
        index = self._index
        if index is None or index.directory is not directory:
            index = self._index = selection.Index(directory)
        return index

    # --- the preview -------------------------------------------------------------------------------------------------

    def preview(self, request: PlanRequest, fresh: bool = False) -> Preview:
        """Return what applying the request would do now. `fresh` bypasses every cache (used at Apply)."""
        now, before = self._clock(), self._reader.requests
        window = request.window.resolve(now)
        selection.require_some(request.selection)
        facts = self._facts(request.route, fresh)
        chosen = self.resolve(request.selection, fresh=fresh)
        action = None
        if request.route is RouteName.DATA_ACTION:
            action = actions.choose(request.action, self._reader.actions(fresh=fresh))
        reads = self._read(chosen.agents, window, request.route, now, fresh)
        fates = decide(chosen, self._world(request, window, now, facts, reads, chosen))
        checks = self._access(request, chosen.agents, facts, reads, action)
        offers = self.offers(window, now, facts)
        cost = cost_of(self._routes(request.route), sum(row.writes for row in fates.rows), self._pace())
        action_ids = (action.id, action.restore_id) if action else (None, None)
        ingredients = identity.ingredients_of(
            fates=fates,
            schedules=reads.schedules,
            access=checks,
            tenant_key=self._tenant.key,
            facts=facts,
            request=request,
            window=window,
            action_id=action_ids[0],
            restore_action_id=action_ids[1],
        )
        findings = self._findings(request, window, now, facts, reads, fates.rows, checks, offers, cost, action)
        used = {*reads.sources, "token", "directory"} | ({"actions"} if action else set())
        return Preview(
            plan_id=identity.plan_id_of(ingredients),
            request=request,
            tenant_key=self._tenant.key,
            client_id=facts.client_id,
            client_name=facts.client_name,
            window=window,
            rows=fates.rows,
            access=checks,
            findings=findings,
            routes=offers,
            cost=cost,
            as_of={source: at for source, at in self._reader.as_of.items() if source in used},
            computed_at=now,
            read_requests=self._reader.requests - before,
            ingredients=ingredients,
            refusals=refusals_of(findings),
            action_id=action_ids[0],
            restore_action_id=action_ids[1],
        )

    def offers(self, window: Window, now: datetime, facts: TokenFacts) -> tuple[RouteOffer, ...]:
        """Return whether each route can be used for this window; exactly one offered route is the best."""
        offers = [self._routes(name).offer(window, now, facts) for name in RouteName]
        best = next((offer for offer in offers if offer.offered and offer.best), None)
        best = best or next((offer for offer in offers if offer.offered), None)
        return tuple(replace(offer, best=offer is best) for offer in offers)

    # --- at the window's start ---------------------------------------------------------------------------------------

    def recheck(self, operation: Operation, items: Sequence[Item]) -> dict[str, tuple[Fate, str]]:
        """Return the agents of these items that are blocked now, at the start of the window, with fate and reason.

        Checks what may have changed since the plan was applied: whether the user is still active and still scheduled,
        and whether they are out of office or already unavailable. Fates that the plan includes on purpose don't block.
        """
        now = self._clock()
        window = replace(operation.window, now=True) if operation.window.end > now else operation.window
        directory = self._reader.directory(lane=RequestLane.APPLY)
        agents, gone = [], {}
        for item in items:
            agent = directory.agents.get(item.agent_id)
            if agent is None:
                gone[item.agent_id] = (Fate.UNKNOWN_USER, "no longer in the directory")
            else:
                agents.append(agent)
        reads = self._read(tuple(agents), window, operation.route, now, fresh=True, lane=RequestLane.APPLY)
        world = World(
            window=window,
            now=now,
            route=operation.route,
            schedules=reads.schedules,
            states=reads.states,
            held={},
            include=operation.request.include,
            schedules_known="schedules" not in reads.unreadable,
        )
        rows = decide(ResolvedSelection(agents=tuple(agents), unknown=(), as_of=directory.as_of), world).rows
        return gone | {row.given: (row.fate, row.reason) for row in rows if not row.writes}

    # --- parts -------------------------------------------------------------------------------------------------------

    def _facts(self, route: RouteName, fresh: bool) -> TokenFacts:
        """Return the facts of the token. On a fresh read, a token that lacks something is renewed once and read again."""
        facts = self._reader.token(fresh=fresh)
        if fresh and any(check.missing for check in access.checks_for(facts, calls.to_write(self._routes(route)))):
            self._renew()
            facts = self._reader.token(fresh=True)
        return facts

    def _read(
        self,
        agents: Sequence[Agent],
        window: Window,
        route: RouteName,
        now: datetime,
        fresh: bool,
        lane: RequestLane = RequestLane.SCREEN,
    ) -> _Reads:
        """Read schedules, and states when the window is about now. A source that answers 403 is noted, any other error is
        raised: a preview of half the facts misleads.
        """
        sources, unreadable = [], []
        schedules: Mapping[str, AgentSchedule] = {}
        states: Mapping[str, AgentState] = {}
        in_units = [agent for agent in agents if agent.active and agent.management_unit_id is not None]
        if in_units:
            sources.append("schedules")
            try:
                schedules = self._reader.schedules(in_units, window.start, window.end, fresh=fresh, lane=lane)
            except Forbidden:
                unreadable.append("schedules")
        if in_units and is_about_now(window, route, now):
            sources.append("states")
            try:
                states = self._reader.states(in_units, fresh=fresh, lane=lane)
            except Forbidden:
                unreadable.append("states")
        return _Reads(schedules, states, tuple(sources), tuple(unreadable))

    def _world(
        self,
        request: PlanRequest,
        window: Window,
        now: datetime,
        facts: TokenFacts,
        reads: _Reads,
        chosen: ResolvedSelection,
    ) -> World:
        ids = [agent.id for agent in chosen.agents]
        return World(
            window=window,
            now=now,
            route=request.route,
            schedules=reads.schedules,
            states=reads.states,
            held=self._held(window.start, window.end, ids) if ids else {},
            divisions=_divisions(facts, request.route),
            include=request.include,
            schedules_known="schedules" not in reads.unreadable,
        )

    def _findings(
        self,
        request: PlanRequest,
        window: Window,
        now: datetime,
        facts: TokenFacts,
        reads: _Reads,
        rows: Sequence[AgentFate],
        checks: Sequence[AccessCheck],
        offers: Sequence[RouteOffer],
        cost: Cost,
        action: actions.ChosenAction | None,
    ) -> tuple[Finding, ...]:
        return findings_of(
            Plan(
                window=window,
                now=now,
                route=request.route,
                offer=next((offer for offer in offers if offer.route is request.route), None),
                rows=rows,
                access=checks,
                cost=cost,
                client_name=facts.client_name,
                action_name=action.name if action else "",
                restorable=action is None or action.restore_id is not None,
                unreadable=reads.unreadable,
                gaps=tuple(self._reader.gaps),
            )
        )

    def _access(
        self,
        request: PlanRequest,
        agents: Sequence[Agent],
        facts: TokenFacts,
        reads: _Reads,
        action: actions.ChosenAction | None,
    ) -> tuple[AccessCheck, ...]:
        """Order the calls: first those that write, then those that read."""
        made = calls.to_write(self._routes(request.route))
        sources = {*reads.sources, "token", "directory"}
        sources |= {"queues"} if request.selection.queues else set()
        sources |= {"actions"} if action is not None else set()
        looks = calls.to_look(sources, [agent for agent in agents if agent.active and agent.management_unit_id])
        for call in looks:
            made.setdefault(call, []).append(calls.PREVIEW)
        seen = calls.observed(looks, self._reader.as_of, reads.unreadable, self._reader.gaps, self._clock())
        checks = access.checks_for(
            facts,
            made,
            {**self._observed(), **seen},
            permissions=self._permissions(),
            purposes={call.key: tuple(purposes) for call, purposes in made.items()},
        )
        if action is not None and action.call is not None:
            checks = (checks[0], access.inner_check(action.call, action.name, action.client, facts), *checks[1:])
        return checks


def _divisions(facts: TokenFacts, route: RouteName) -> frozenset[str] | None:
    """Return the divisions that the token may write in, None where divisions don't decide or all are granted."""
    if facts.scopes is not None or route is RouteName.DATA_ACTION or not facts.role_divisions:
        return None
    divisions = frozenset(division for _, division in facts.role_divisions)
    return None if access.ALL_DIVISIONS in divisions else divisions
