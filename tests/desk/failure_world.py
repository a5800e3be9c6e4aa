"""What tests of failure groups share: a Desk on a demo tenant with a clock that a test moves on, and runs that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.engine_world import new_operation
from tests.support.inside import inside
from wfm.desk import Desk
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Evidence
from wfm.domain.operations import Exchange, FailureGroup, GroupState, ItemState, OperationState, Outcome, Phase
from wfm.domain.people import Actor, Role
from wfm.ledger.records import DirectRun, Settlement
from wfm.settings import Settings

ADA = Actor(subject="ada", name="Ada", role=Role.ADMIN)
SAM = Actor(subject="sam", name="Sam", role=Role.SUPERVISOR)
VIEWER = Actor(subject="vi", name="Vi", role=Role.VIEWER)
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
EXECUTE = "POST /api/v2/integrations/actions/{actionId}/execute"
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=60, latency_ms=0, rate_limit=6000) as handle:
        yield handle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(demo: DemoHandle, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A Desk of its own on the demo tenant as at first: architect-flow may read and write, but not update."""
    demo.post("/_demo/reset")
    settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
    with closing(Desk.open(settings, clock=clock)) as opened:
        yield opened


def fail(desk: Desk, *, via: str = "direct", call: str = CALL, status: int = 403, body: str = FORBIDDEN) -> FailureGroup:
    """One run that failed now; its group."""
    now = desk.clock()
    agent = next(iter(desk.agents.directory().agents.values()))
    found = diagnose(status, {}, body, Evidence(call=call, via=via))
    settlement = Settlement(
        run_id="",
        agent_id=agent.id,
        state=ItemState.FAILED,
        outcome=Outcome.FAILED,
        finished_at=now,
        duration_ms=3,
        status=status,
        code=found.code,
        diagnosis=found,
    )
    run = inside(desk).ledger.runs.record(
        DirectRun(
            tenant_key=desk.tenant.key,
            agent_id=agent.id,
            agent_name=agent.name,
            route="availability",
            action=None,
            via=via,
            call=call,
            phase=Phase.APPLY,
            settlement=settlement,
            started_at=now,
        )
    )
    assert run.fingerprint is not None
    return desk.failures.get(run.fingerprint)


def fixed(desk: Desk, group: FailureGroup) -> FailureGroup:
    return desk.failures.mark(group.fingerprint, GroupState.FIXED, ADA, "added the scope", expected=group.revision)


def fail_in_a_window(desk: Desk, agents: list[str], *, example: bool) -> FailureGroup:
    """The missing scope, met by these agents in an operation; its group."""
    now, client = desk.clock(), inside(desk).connections.current_id()
    operation = new_operation(
        inside(desk).ledger, agents, tenant=desk.tenant.key, client_id=client, example=example, request_token=agents[0]
    )
    inside(desk).ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=now, started_at=now
    )
    claims = inside(desk).ledger.items.claim(
        operation.id,
        Phase.APPLY,
        limit=25,
        worker_id="w",
        now=now,
        route="availability",
        action=None,
        via="direct",
        call=CALL,
    )
    found = diagnose(403, {}, FORBIDDEN, Evidence(call=CALL, via="direct"))
    answer = Exchange(
        number=1,
        method="PATCH",
        url="/",
        request_body=None,
        status=403,
        response_headers={},
        response_body=FORBIDDEN,
        correlation_id=None,
        fault="",
        started_at=now,
        duration_ms=1,
    )
    ends = [
        Settlement(
            run_id=claim.run_id,
            agent_id=claim.item.agent_id,
            state=ItemState.FAILED,
            outcome=Outcome.FAILED,
            finished_at=now,
            duration_ms=1,
            status=403,
            diagnosis=found,
            exchanges=(answer,),
        )
        for claim in claims
    ]
    inside(desk).ledger.items.settle(operation.id, Phase.APPLY, ends, now=now)
    return next(group for group in desk.failures.groups() if group.call == CALL)
