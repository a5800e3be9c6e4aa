"""A small world for the ledger's tests: one tenant, a clock that is turned by hand, and short ways to do long things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wfm.domain.agents import Status
from wfm.domain.diagnoses import Confidence, Diagnosis, Kind, Provenance
from wfm.domain.operations import Counts, Exchange, ItemState, Operation, OperationState, Outcome, Phase
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.ledger import Ledger
from wfm.ledger.records import Claim, DirectRun, NewItem, NewOperation, Settlement

TENANT = "api.example.com|org-1"
OTHER_TENANT = "api.example.com|org-2"
CLIENT = "client-1"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"

S = OperationState


def new_operation(
    agents: Sequence[str] = ("anna", "bo", "cem"),
    *,
    start: datetime = NOON,
    minutes: int = 30,
    token: str = "",
    tenant: str = TENANT,
    title: str = "Maintenance",
    route: RouteName = RouteName.AVAILABILITY,
    **more: Any,
) -> NewOperation:
    return NewOperation(
        tenant_key=tenant,
        client_id=CLIENT,
        client_name="desk",
        plan_id="plan-1",
        title=title,
        request=PlanRequest(selection=Selection(agents=tuple(agents)), window=WindowSpec(minutes=minutes)),
        route=route,
        action_id=None,
        restore_action_id=None,
        window=Window(start=start, end=start + minutes * MINUTE, zone="Europe/Berlin"),
        created_by="Sam",
        request_token=token,
        items=tuple(
            NewItem(agent_id=agent, agent_name=agent.title(), before=Status.AVAILABLE, fate="ready") for agent in agents
        ),
        **more,
    )


def diagnosis(
    kind: Kind = Kind.MISSING_SCOPE, *, missing: tuple[str, ...] = ("wfm:schedule:update",), **more: Any
) -> Diagnosis:
    values: dict[str, Any] = {
        "kind": kind,
        "status": 403,
        "code": "forbidden",
        "message": "Insufficient permissions for resource access",
        "missing": missing,
        "divisions": (),
        "correlation_id": "corr-1",
        "retryable": False,
        "entity": None,
        "chain": (),
        "rule": "missing-scope",
        "confidence": Confidence.CERTAIN,
        "provenance": Provenance.BRIEF,
        "cause": "The OAuth client may read schedules but not update them.",
        "confirm": "",
        "fix": "",
        "who": "",
    }
    return Diagnosis(**{**values, **more})


def exchange(number: int = 1, *, status: int | None = 200, correlation_id: str | None = "corr-1", **more: Any) -> Exchange:
    values: dict[str, Any] = {
        "number": number,
        "method": "PATCH",
        "url": "http://127.0.0.1:8808/api/v2/wfm/users/anna/availability",
        "request_body": '{"status": "unavailable", "reason": "maintenance_window"}',
        "status": status,
        "response_headers": {"ININ-Correlation-Id": correlation_id or ""},
        "response_body": '{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
        "correlation_id": correlation_id,
        "fault": "",
        "started_at": NOON,
        "duration_ms": 12,
    }
    return Exchange(**{**values, **more})


_OUTCOMES = {
    ItemState.APPLIED: Outcome.APPLIED,
    ItemState.FAILED: Outcome.FAILED,
    ItemState.SKIPPED: Outcome.SKIPPED,
    ItemState.UNCONFIRMED: Outcome.UNCONFIRMED,
    ItemState.PENDING: Outcome.RESENT,
}


def settlement(claim: Claim, state: ItemState = ItemState.APPLIED, **more: Any) -> Settlement:
    """How a claim ended: applied with 200, failed with a diagnosed 403, or as told."""
    failed = state is ItemState.FAILED
    values: dict[str, Any] = {
        "run_id": claim.run_id,
        "agent_id": claim.item.agent_id,
        "state": state,
        "outcome": _OUTCOMES[state],
        "finished_at": claim.claimed_at + timedelta(milliseconds=40),
        "duration_ms": 40,
        "status": 403 if failed else 200,
        "code": "forbidden" if failed else None,
        "correlation_id": f"corr-{claim.run_id}",
        "diagnosis": diagnosis() if failed else None,
        "exchanges": (exchange(status=403 if failed else 200, correlation_id=f"corr-{claim.run_id}"),),
    }
    return Settlement(**{**values, **more})


def direct_run(agent: str = "anna", *, state: ItemState = ItemState.APPLIED, at: datetime = NOON, **more: Any) -> DirectRun:
    failed = state is ItemState.FAILED
    values: dict[str, Any] = {
        "tenant_key": TENANT,
        "agent_id": agent,
        "agent_name": agent.title(),
        "route": "data_action",
        "action": "set_agent_unavailable",
        "via": "data_action",
        "call": "POST /api/v2/integrations/actions/{actionId}/execute",
        "phase": Phase.APPLY,
        "settlement": Settlement(
            run_id="",
            agent_id=agent,
            state=state,
            outcome=_OUTCOMES[state],
            finished_at=at + timedelta(milliseconds=40),
            duration_ms=40,
            status=403 if failed else 200,
            code="forbidden" if failed else None,
            diagnosis=diagnosis() if failed else None,
            exchanges=(exchange(status=403 if failed else 200),),
        ),
        "started_at": at,
        "created_by": "Sam",
        "client_id": CLIENT,
    }
    return DirectRun(**{**values, **more})


class World:
    """The ledger under test and a clock."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        self.ledger = ledger
        self.url = url
        self.now = NOON

    def later(self, by: timedelta = timedelta(seconds=1)) -> datetime:
        self.now += by
        return self.now

    def create(self, *args: Any, **kwargs: Any) -> Operation:
        return self.ledger.operations.create(new_operation(*args, **kwargs), self.later())

    def start(self, operation: Operation) -> Operation:
        assert self.ledger.lifecycle.transition(operation.id, [S.SCHEDULED], S.APPLYING, now=self.later(), started_at=self.now)
        return self.get(operation)

    def get(self, operation: Operation) -> Operation:
        return self.ledger.operations.get(operation.tenant_key, operation.id)

    def claim(self, operation: Operation, phase: Phase = Phase.APPLY, limit: int = 25, worker: str = "w1") -> list[Claim]:
        return self.ledger.items.claim(
            operation.id,
            phase,
            limit=limit,
            worker_id=worker,
            now=self.later(),
            route=operation.route.value,
            action=operation.action_id,
            via="direct",
            call=CALL,
        )

    def settle(self, operation: Operation, settlements: Sequence[Settlement], phase: Phase = Phase.APPLY) -> Counts:
        return self.ledger.items.settle(operation.id, phase, settlements, now=self.later())

    def run_phase(self, operation: Operation, phase: Phase = Phase.APPLY, states: dict[str, ItemState] | None = None) -> Counts:
        """Claims everything there is and settles it: applied, or the state told for an agent."""
        states = states or {}
        claims = self.claim(operation, phase, limit=1_000)
        ends = [settlement(claim, states.get(claim.item.agent_id, ItemState.APPLIED)) for claim in claims]
        return self.settle(operation, ends, phase)

    def in_effect(self, *args: Any, states: dict[str, ItemState] | None = None, **kwargs: Any) -> Operation:
        """An operation that is applied."""
        operation = self.start(self.create(*args, **kwargs))
        self.run_phase(operation, states=states)
        self.ledger.lifecycle.transition(operation.id, [S.APPLYING], S.IN_EFFECT, now=self.later(), applied_at=self.now)
        return self.get(operation)

    def item_states(self, operation: Operation) -> dict[str, tuple[ItemState, ItemState]]:
        found = self.ledger.items.page(operation.id, limit=10_000)
        return {item.agent_id: (item.apply_state, item.restore_state) for item in found}


def nonzero(counts: dict[Any, int] | Any) -> dict[Any, int]:
    return {key: n for key, n in dict(counts).items() if n}


def with_run(direct: DirectRun, run_id: str) -> DirectRun:
    return replace(direct, settlement=replace(direct.settlement, run_id=run_id))
