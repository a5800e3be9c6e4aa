"""Values for the tests of what screens show: each as the Desk gives it, with what a test changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ui.world import CALL, FORBIDDEN, NEEDED, PEOPLE
from wfm.desk.values import ActionResult, ActionStep, DataAction, OperationView
from wfm.domain.diagnoses import Confidence, Diagnosis, Kind, Provenance
from wfm.domain.operations import (
    Counts,
    Exchange,
    FailureGroup,
    GroupState,
    ItemState,
    Operation,
    OperationState,
    Outcome,
    Phase,
    Run,
)
from wfm.domain.plans import AccessCheck, LaneName, LaneState, LaneVerdict, PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec

SCOPES = ("wfm:schedule:read", "wfm:schedule:write")
FINGERPRINT = "5b2e0c8a11114222"
CAUSE = "The OAuth client architect-flow may read schedules but not update them."


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


def a_run(number: int = 0, outcome: Outcome = Outcome.FAILED, **changes: Any) -> Run:
    """The run of that number: the higher, the older."""
    person = PEOPLE[number % len(PEOPLE)]
    failed = outcome is Outcome.FAILED
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5, seconds=number)
    base = Run(
        id=f"run-{number:05d}",
        tenant_key="127.0.0.1:8808|org-1",
        operation_id="op-1",
        operation_title="DB upgrade · CHG-1042",
        phase=Phase.APPLY,
        agent_id=person.id,
        agent_name=person.name,
        route="availability",
        action=None,
        via="direct",
        call=CALL,
        outcome=outcome,
        status=403 if failed else 200,
        code="forbidden" if failed else None,
        kind=Kind.MISSING_SCOPE if failed else None,
        cause=CAUSE if failed else "",
        rule="missing-update-scope" if failed else "",
        fingerprint=FINGERPRINT if failed else None,
        missing=(NEEDED,) if failed else (),
        correlation_id=f"5b2e0c8a-{number:04d}-4222-8333-944445555666",
        retryable=False if failed else None,
        attempts=1,
        duration_ms=41 + number % 7,
        started_at=started,
        finished_at=started + timedelta(milliseconds=41),
        example=False,
        note="",
    )
    return replace(base, **changes)


def an_exchange(run: Run, number: int = 1, status: int | None = None) -> Exchange:
    """How the tenant answered that run."""
    status = status if status is not None else run.status
    body = FORBIDDEN if status == 403 else '{"status": "unavailable", "reason": "maintenance_window"}'
    return Exchange(
        number=number,
        method="PATCH",
        url=f"http://127.0.0.1:8808/api/v2/wfm/users/{run.agent_id}/availability",
        request_body='{"status":"unavailable","reason":"maintenance_window"}',
        status=status,
        response_headers={"content-type": "application/json", "ININ-Correlation-Id": run.correlation_id or ""},
        response_body=body,
        correlation_id=run.correlation_id,
        fault="",
        started_at=run.started_at,
        duration_ms=41,
    )


def a_diagnosis(**changes: Any) -> Diagnosis:
    """The brief's 403, read."""
    base = Diagnosis(
        kind=Kind.MISSING_SCOPE,
        status=403,
        code="forbidden",
        message="Insufficient permissions for resource access",
        missing=(NEEDED,),
        divisions=(),
        correlation_id="5b2e0c8a-1111-4222-8333-944445555666",
        retryable=False,
        entity=None,
        chain=("403 forbidden: Insufficient permissions for resource access",),
        rule="missing-update-scope",
        confidence=Confidence.LIKELY,
        provenance=Provenance.BRIEF,
        cause=CAUSE,
        confirm="Reads with the same client work, every update answers 403.",
        fix=f"Add {NEEDED} to the OAuth client architect-flow.",
        who="An OAuth admin.",
    )
    return replace(base, **changes)


def a_group(**changes: Any) -> FailureGroup:
    """The brief's failure, 212 times."""
    now = datetime.now(UTC)
    base = FailureGroup(
        fingerprint=FINGERPRINT,
        tenant_key="127.0.0.1:8808|org-1",
        kind=Kind.MISSING_SCOPE,
        code="forbidden",
        call=CALL,
        rule="missing-update-scope",
        cause=CAUSE,
        missing=(NEEDED,),
        state=GroupState.OPEN,
        first_seen=now - timedelta(hours=2),
        last_seen=now - timedelta(minutes=4),
        runs=212,
        agents=212,
        sample_run="run-00000",
    )
    return replace(base, **changes)


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


def an_action(name: str = "set_agent_unavailable", client: str = "architect-flow") -> DataAction:
    """A Data Action with the inputs that the brief's flow gives."""
    schema = {
        "type": "object",
        "required": ["userId"],
        "properties": {
            "userId": {"type": "string", "description": "User id of the agent"},
            "status": {"type": "string", "enum": ["available", "unavailable"], "default": "unavailable"},
            "reason": {"type": "string", "default": "maintenance_window"},
        },
    }
    return DataAction(
        id=f"id-{name}",
        name=name,
        category=f"Genesys Cloud Data Actions ({client})",
        integration=f"integration-{client}",
        inputs=(("reason", "string", False), ("status", "string", False), ("userId", "string", True)),
        request_type="PATCH",
        request_url="/api/v2/wfm/users/${input.userId}/availability",
        request_template='{"status": "${input.status}", "reason": "${input.reason}"}',
        raw={"contract": {"input": {"inputSchema": schema}}, "config": {"timeoutSeconds": 10}},
    )


def a_failed_test(run: Run) -> ActionResult:
    """What a test answers when the action fails: HTTP 200, success false."""
    return ActionResult(
        success=False,
        status=200,
        result="{}",
        steps=(
            ActionStep(step=1, name="Validate input", success=True, result="ok", error=""),
            ActionStep(step=2, name="Execute request", success=False, result="", error=FORBIDDEN),
        ),
        diagnosis=a_diagnosis(),
        exchanges=(an_exchange(run, status=200),),
        run=run,
    )
