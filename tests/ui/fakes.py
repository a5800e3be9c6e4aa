"""A Desk made of values, for states of the screens that are hard to reach with a real one. No network, no database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wfm.desk.values import ClientChoice, DemoState, Health, HeldUp, OperationView
from wfm.domain.agent_lists import AgentList
from wfm.domain.agents import Agent, AgentState, Directory, Group, GroupKind, ManagementUnit, Status
from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, Refused
from wfm.domain.operations import (
    OPEN_STATES,
    Counts,
    FailureGroup,
    Item,
    ItemState,
    Operation,
    OperationState,
    Run,
    RunFilter,
    RunPage,
)
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import (
    SEVERITY,
    AccessCheck,
    AgentFate,
    Cost,
    Fate,
    Finding,
    LaneName,
    LaneState,
    LaneVerdict,
    PlanRequest,
    Preview,
    ResolvedSelection,
    RouteName,
    RouteOffer,
    Selection,
    Severity,
)
from wfm.domain.schedules import Activity, AgentSchedule, Shift
from wfm.domain.tenant import Tenant
from wfm.domain.windows import Window, WindowSpec
from wfm.preview.agent_lists.lists import agent_list, pasted_list
from wfm.preview.selection import Index
from wfm.settings import Settings

NOW = datetime(2026, 11, 24, 13, 12, 7, tzinfo=UTC)
SCOPES = ("wfm:schedule:read", "wfm:schedule:write")
NEEDED = "wfm:schedule:update"
NAMES = (
    "Aylin Şahin",
    "Bo Lindqvist",
    "Chiara Rossi",
    "Dmitri Волков",
    "Eleni Παπαδοπούλου",
    "Fatima Al-Sayed",
    "Grzegorz Wójcik",
    "Hana Nováková",
    "Ivo Petrov",
    "João Gonçalves",
)


@dataclass
class FakeSettings:
    """What of the settings the screens look at."""

    oidc_configured: bool = False
    admins: tuple[str, ...] = ()
    supervisors: tuple[str, ...] = ()
    confirm_above: int = 50
    oidc_redirect_uri: str | None = None


@dataclass(frozen=True)
class FakeEvent:
    """As wfm.ledger.records.Event."""

    operation_id: str
    at: datetime
    actor: str
    kind: str
    text: str


def an_agent(number: int) -> Agent:
    """The agent of that number: always the same."""
    unit = "Hamburg" if number % 2 == 0 else "Malmö"
    return Agent(
        id=f"a{number:04d}",
        name=f"{NAMES[number % len(NAMES)]}{'' if number < len(NAMES) else f' {number // len(NAMES) + 1}'}",
        email=f"agent{number}@example.com",
        active=True,
        division_id="d1",
        division="Home",
        team_id=f"t{number % 3}",
        team=f"Team {number % 3}",
        management_unit_id=f"mu-{unit.lower()}",
        management_unit=unit,
        business_unit_id="bu1",
        zone="Europe/Berlin" if number % 4 else "America/New_York",
    )


def a_directory(count: int = 48) -> Directory:
    agents = {agent.id: agent for agent in map(an_agent, range(count))}
    groups = tuple(
        Group(kind=GroupKind.TEAM, id=f"t{n}", name=f"Team {n}", size=sum(a.team_id == f"t{n}" for a in agents.values()))
        for n in range(3)
    )
    groups += (
        Group(kind=GroupKind.QUEUE, id="q1", name="Billing", size=12),
        Group(kind=GroupKind.MANAGEMENT_UNIT, id="mu-hamburg", name="Hamburg", size=count // 2),
        Group(kind=GroupKind.DIVISION, id="d1", name="Home", size=count),
    )
    units = {
        f"mu-{name.lower()}": ManagementUnit(
            id=f"mu-{name.lower()}", name=name, business_unit_id="bu1", business_unit="North", zone="Europe/Berlin"
        )
        for name in ("Hamburg", "Malmö")
    }
    return Directory(agents=agents, groups=groups, units=units, as_of=NOW)


def a_shift(number: int, around: datetime) -> AgentSchedule:
    start = around.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3 + number % 3)
    end = start + timedelta(hours=8)
    meal = start + timedelta(hours=4)
    activities = (
        Activity(start=start, end=meal, category="OnQueueWork"),
        Activity(start=meal, end=meal + timedelta(minutes=30), category="Meal"),
        Activity(start=meal + timedelta(minutes=30), end=end, category="OnQueueWork"),
    )
    shift = Shift(id=f"s{number}", start=start, end=end, activities=activities)
    return AgentSchedule(agent_id=f"a{number:04d}", published=True, version="v1", shifts=(shift,))


def a_fate(agent: Agent, window: Window) -> AgentFate:
    """A mix of fates by the agent's number: mostly ready."""
    number = int(agent.id[1:])
    fate, reason = {
        3: (Fate.AFTER_CONTACT, "in a contact since 14:05"),
        7: (Fate.NOT_SCHEDULED, "no shift in the window"),
        11: (Fate.TIME_OFF, "time off all day"),
        13: (Fate.SHIFT_ENDS_INSIDE, "shift ends 14:45"),
    }.get(number % 16, (Fate.READY, "on shift 09:00–17:00"))
    severity = SEVERITY[fate]
    schedule = None if fate is Fate.NOT_SCHEDULED else a_shift(number, window.start)
    state = AgentState(
        agent_id=agent.id,
        status=Status.AVAILABLE,
        presence="Available",
        on_queue=True,
        in_contact=fate is Fate.AFTER_CONTACT,
        out_of_office=False,
        read_at=NOW,
    )
    return AgentFate(
        given=agent.id,
        agent=agent,
        fate=fate,
        severity=severity,
        reason=reason,
        writes=severity is not Severity.BLOCKED,
        state=state,
        schedule=schedule,
    )


def access_checks(scopes: Collection[str]) -> tuple[AccessCheck, ...]:
    held = NEEDED in scopes
    other = LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="this tenant decides by scope")
    lanes = dict.fromkeys(LaneName, other)
    write = LaneVerdict(
        state=LaneState.HELD if held else LaneState.MISSING,
        evidence=f"holds {NEEDED}" if held else f"holds wfm:schedule:write, needs {NEEDED}",
        needed=(NEEDED,),
    )
    read = LaneVerdict(state=LaneState.HELD, evidence="holds wfm:schedule:read", needed=("wfm:schedule:read",))
    patch, get = "PATCH /api/v2/wfm/users/{userId}/availability", "GET /api/v2/wfm/users/{userId}/availability"
    return (
        AccessCheck(
            operation=patch,
            call=patch,
            lanes={**lanes, LaneName.SCOPE: write},
            advice="" if held else f"Add {NEEDED} to OAuth client architect-flow.",
            provenance="brief",
            purposes=("apply", "restore"),
        ),
        AccessCheck(
            operation=get,
            call=get,
            lanes={**lanes, LaneName.SCOPE: read},
            advice="",
            provenance="brief",
            purposes=("read back",),
        ),
    )


@dataclass
class FakeDemo:
    """The demo tenant's switches."""

    desk: FakeDesk
    scenario: str = "missing-scope"

    def state(self) -> DemoState:
        scenarios = (("healthy", "everything works"), ("missing-scope", "the brief's 403"), ("busy-hour", "a low rate limit"))
        return DemoState(scenario=self.scenario, scenarios=scenarios, agents=len(self.desk.people.agents), rate_limit=300)

    def switch_scenario(self, name: str, actor: Actor) -> None:
        self.scenario = name

    def add_scope(self, actor: Actor) -> str:
        self.desk.scopes = (*SCOPES, NEEDED)
        return NEEDED

    def remove_scope(self, actor: Actor) -> None:
        self.desk.scopes = SCOPES

    def reset(self, actor: Actor) -> None:
        self.desk.scopes = SCOPES


@dataclass
class FakeDesk:
    """Everything the Desk gives, from values that a test sets. Writes are kept in `calls`."""

    is_demo: bool = True
    settings: Any = field(default_factory=FakeSettings)
    people: Directory = field(default_factory=a_directory)
    scopes: tuple[str, ...] = SCOPES
    operation_views: list[OperationView] = field(default_factory=list)
    agent_items: dict[str, list[Item]] = field(default_factory=dict)
    story: dict[str, list[FakeEvent]] = field(default_factory=dict)
    groups_failed: list[FailureGroup] = field(default_factory=list)
    drafts: dict[str, PlanRequest] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    extra_findings: tuple[Finding, ...] = ()
    preview_error: DeskError | None = None
    apply_error: DeskError | None = None
    health_problems: tuple[str, ...] = ()
    held: HeldUp | None = None
    reachable: bool = True
    failed_runs: tuple[Run, ...] = ()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self.tenant = Tenant(
            api_url="http://127.0.0.1:8808" if self.is_demo else "https://api.mypurecloud.com",
            login_url="http://127.0.0.1:8808",
            organization_id="org-1",
            organization_name="Demo organization" if self.is_demo else "Contoso",
            is_demo=self.is_demo,
        )
        self.demo = FakeDemo(self) if self.is_demo else None

    def close(self) -> None:
        self.calls.append(("close",))

    # --- clients
    def clients(self) -> tuple[ClientChoice, ...]:
        rest = () if not self.is_demo else (ClientChoice(id="c2", name="desk", scopes=(*SCOPES, NEEDED), current=False),)
        return (ClientChoice(id="c1", name="architect-flow", scopes=self.scopes, current=True), *rest)

    @property
    def current_client(self) -> ClientChoice:
        return self.clients()[0]

    def use_client(self, name: str, actor: Actor) -> None:
        self.calls.append(("use_client", name))

    # --- who
    def directory(self, fresh: bool = False) -> Directory:
        return self.people

    def groups(self, kind: GroupKind) -> tuple[Group, ...]:
        return tuple(group for group in self.people.groups if group.kind is kind)

    def search_agents(self, text: str, limit: int = 50) -> tuple[Agent, ...]:
        return tuple(a for a in self.people.agents.values() if text.casefold() in a.name.casefold())[:limit]

    def resolve(self, selection: Selection) -> ResolvedSelection:
        if selection.is_empty():
            raise BadInput("agents", "nobody", "at least one team, queue, unit, division, agent or search")
        by_email = self.people.by_email()
        found: dict[str, Agent] = {}
        unknown = []
        for word in selection.agents:
            agent = self.people.agents.get(word) or by_email.get(word.casefold())
            if agent is None:
                unknown.append(word)
            else:
                found[agent.id] = agent
        for agent in self.people.agents.values():
            if agent.team_id in selection.teams or agent.management_unit_id in selection.management_units:
                found[agent.id] = agent
            if agent.division_id in selection.divisions or ("q1" in selection.queues and int(agent.id[1:]) < 12):
                found[agent.id] = agent
        agents = tuple(a for a in found.values() if a.id not in selection.exclude)
        return ResolvedSelection(agents=agents, unknown=tuple(unknown), as_of=NOW)

    def agent_list(self, data: bytes, column: int | None = None) -> AgentList:
        self.calls.append(("agent_list", column))
        return agent_list(data, Index(self.people), column)

    def pasted_list(self, text: str, column: int | None = None) -> AgentList:
        return pasted_list(text, Index(self.people), column)

    # --- plan
    def preview(self, request: PlanRequest, *, fresh: bool = False) -> Preview:
        self.calls.append(("preview", request))
        if self.preview_error is not None:
            raise self.preview_error
        now = self.clock()
        window = request.window.resolve(now)
        resolved = self.resolve(request.selection)
        rows = tuple(a_fate(agent, window) for agent in resolved.agents) + tuple(
            AgentFate(
                given=word,
                agent=None,
                fate=Fate.UNKNOWN_USER,
                severity=Severity.BLOCKED,
                reason="no such agent in this tenant",
                writes=False,
            )
            for word in resolved.unknown
        )
        access = access_checks(self.scopes)
        refusals: list[tuple[str, str]] = []
        if NEEDED not in self.scopes:
            refusals.append(("access_missing", "The OAuth client lacks wfm:schedule:update."))
        if not any(row.writes for row in rows):
            refusals.append(("nobody_ready", "Nobody of these can be taken out."))
        writes = sum(row.writes for row in rows)
        return Preview(
            plan_id=f"7f3a-91c2-{len(rows)}-{request.window.minutes}-{NEEDED in self.scopes}",
            request=request,
            tenant_key=self.tenant.key,
            client_id="c1",
            client_name="architect-flow",
            window=window,
            rows=rows,
            access=access,
            findings=self.extra_findings,
            routes=self.route_offers(),
            cost=Cost(
                apply_requests=writes,
                restore_requests=2 * writes,
                apply_seconds=writes / 5,
                restore_seconds=writes / 2.5,
                limit_per_minute=300,
            ),
            as_of={"schedules": now, "states": now},
            computed_at=now,
            read_requests=0,
            ingredients={},
            refusals=tuple(refusals),
        )

    def route_offers(self) -> tuple[RouteOffer, ...]:
        return (
            RouteOffer(route=RouteName.AVAILABILITY, offered=True, best=True, reason="one call an agent, at the start"),
            RouteOffer(route=RouteName.ADHERENCE, offered=False, best=False, reason="only for a window in the past"),
            RouteOffer(route=RouteName.DATA_ACTION, offered=True, best=False, reason="as an Architect flow does it"),
        )

    def confirmation_needed(self, preview: Preview) -> str | None:
        count = len(preview.ready)
        return str(count) if count > self.settings.confirm_above else None

    def apply(
        self,
        request: PlanRequest,
        plan_id: str,
        *,
        actor: Actor,
        request_token: str,
        rehearse: bool = False,
        confirmation: str | None = None,
    ) -> Operation:
        self._allow(actor)
        self.calls.append(("apply", plan_id, request_token, rehearse, confirmation))
        if self.apply_error is not None:
            raise self.apply_error
        preview = self.preview(request)
        view = an_operation("op-new", OperationState.APPLYING, out=0, total=len(preview.ready), request=request)
        self.operation_views.insert(0, view)
        return view.operation

    def save_draft(self, actor: Actor, request: PlanRequest) -> None:
        self.drafts[actor.subject] = request

    def draft(self, actor: Actor) -> PlanRequest | None:
        return self.drafts.get(actor.subject)

    # --- windows
    def operations(self, states: Collection[OperationState] | None = None, limit: int = 100) -> list[OperationView]:
        return [view for view in self.operation_views if states is None or view.operation.state in states][:limit]

    def ended(self, within: timedelta, limit: int = 20) -> list[OperationView]:
        since = self.clock() - within
        return [view for view in self.operation_views if (view.operation.ended_at or since) > since][:limit]

    def operation(self, operation_id: str) -> OperationView:
        for view in self.operation_views:
            if view.operation.id == operation_id:
                return view
        raise NotFound("There is no such window in this tenant.")

    def items(
        self,
        operation_id: str,
        *,
        apply_states: Collection[ItemState] | None = None,
        restore_states: Collection[ItemState] | None = None,
        search: str = "",
        after_seq: int = 0,
        limit: int = 500,
    ) -> list[Item]:
        found = (item for item in self.agent_items.get(operation_id, []) if item.seq > after_seq)
        return [
            item
            for item in found
            if (apply_states is None or item.apply_state in apply_states)
            and (restore_states is None or item.restore_state in restore_states)
            and search.casefold() in item.agent_name.casefold()
        ][:limit]

    def blocked(self, operation_id: str) -> list[tuple[str, str, str]]:
        return [("a0007", "Hana Nováková", "not scheduled: no shift in the window")]

    def runs(self, which: RunFilter, cursor: str | None = None, limit: int = 50) -> RunPage:
        found = tuple(run for run in self.failed_runs if run.operation_id == which.operation_id)[:limit]
        return RunPage(runs=found, newer=None, older=None, total=len(found), at_least=len(found))

    def events(self, operation_id: str) -> list[FakeEvent]:
        return self.story.get(operation_id, [])

    def open_or_due(self, within: timedelta = timedelta(hours=24)) -> bool:
        return any(view.operation.state in OPEN_STATES and not view.operation.example for view in self.operation_views)

    def __getattr__(self, name: str) -> Any:
        """cancel, end_now, restore_now, extend, retry_failed, comment, settle, undo: recorded, checked, nothing more."""
        if name not in ("cancel", "end_now", "restore_now", "extend", "retry_failed", "comment", "settle", "undo"):
            raise AttributeError(name)

        def act(*given: Any) -> Any:
            self._allow(next(value for value in given if isinstance(value, Actor)))
            self.calls.append((name, *(value for value in given if not isinstance(value, Actor))))
            return 1 if name == "retry_failed" else self.operation(given[0]).operation

        return act

    def _allow(self, actor: Actor) -> None:
        if not actor.may(Capability.EXECUTE):
            raise NotAllowed(actor.read_only_reason or "Not allowed.")

    # --- history and health
    def failures(self, states: frozenset[Any] | None = None) -> list[FailureGroup]:
        return self.groups_failed

    def worker_alive(self) -> bool:
        return not self.health_problems

    def held_up(self) -> HeldUp | None:
        return self.held

    def health(self) -> Health:
        return Health(
            tenant=self.tenant,
            reachable=self.reachable,
            token_until=self.clock() + timedelta(hours=20),
            limit_per_minute=300,
            used=42,
            blocked_until=None,
            worker_alive=not self.health_problems,
            worker_seen_at=self.clock(),
            workers=1,
            problems=self.health_problems,
        )


def a_request(**changes: Any) -> PlanRequest:
    """A plan that fits: a team, half an hour from now."""
    base = PlanRequest(
        selection=Selection(teams=("t0",)),
        window=WindowSpec(minutes=30, zone="Europe/Berlin"),
        reason="DB upgrade",
        ticket="CHG-1042",
    )
    return base.model_copy(update=changes)


def an_operation(
    operation_id: str = "op-1",
    state: OperationState = OperationState.IN_EFFECT,
    *,
    out: int = 34,
    failed: int = 0,
    unconfirmed: int = 0,
    restored: int = 0,
    total: int = 36,
    starts_in: timedelta = timedelta(minutes=-8),
    lasts: timedelta = timedelta(minutes=30),
    request: PlanRequest | None = None,
    **changes: Any,
) -> OperationView:
    """An operation with counts that add up: `out` still out, `restored` back, the rest pending."""
    start = datetime.now(UTC).replace(microsecond=0) + starts_in
    applied = out + restored
    pending = max(0, total - applied - failed - unconfirmed)
    operation = Operation(
        id=operation_id,
        tenant_key="127.0.0.1:8808|org-1",
        client_id="c1",
        client_name="architect-flow",
        plan_id="7f3a-91c2",
        title="DB upgrade · CHG-1042",
        request=request or a_request(),
        route=RouteName.AVAILABILITY,
        action_id=None,
        restore_action_id=None,
        window=Window(start=start, end=start + lasts, zone="Europe/Berlin"),
        revision=1,
        state=state,
        created_at=start,
        created_by="Demo visitor",
        example=False,
        rehearsal=False,
        cancel_requested=False,
        restore_requested=False,
        started_at=start if state is not OperationState.SCHEDULED else None,
        applied_at=start + timedelta(seconds=9),
        restore_started_at=None,
        ended_at=None,
        halt_reason="",
    )
    apply = {
        ItemState.APPLIED: applied,
        ItemState.FAILED: failed,
        ItemState.UNCONFIRMED: unconfirmed,
        ItemState.PENDING: pending,
    }
    restore = {ItemState.APPLIED: restored, ItemState.PENDING: total - restored}
    return OperationView(
        operation=replace(operation, **changes), counts=Counts(apply=apply, restore=restore), blocked=1, eta=None
    )


def items_of(view: OperationView) -> list[Item]:
    """The items that the counts of a view stand for."""
    states = [state for state, count in view.counts.apply.items() for _ in range(count)]
    back = view.counts.restore.get(ItemState.APPLIED, 0)
    return [
        Item(
            operation_id=view.operation.id,
            seq=number + 1,
            agent_id=f"a{number:04d}",
            agent_name=an_agent(number).name,
            before=Status.AVAILABLE,
            marker=None,
            apply_state=state,
            restore_state=ItemState.APPLIED if number < back else ItemState.PENDING,
            skip_reason="",
            fate="ready",
            apply_run=f"run-{number}" if state is not ItemState.PENDING else None,
            restore_run=None,
            changed_at=view.operation.started_at,
        )
        for number, state in enumerate(states)
    ]


def refused(code: str = "stale") -> Refused:
    return Refused(
        code, "The plan is out of date: something it rests on has changed.", ("Bo Lindqvist is not scheduled any more.",)
    )


__all__ = ["FakeDesk", "FakeSettings", "NotFound", "Settings", "an_agent", "an_operation", "items_of", "refused"]
