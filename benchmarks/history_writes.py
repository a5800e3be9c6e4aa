"""How many runs a second are written while another thread reads: intents and outcomes, as a worker writes them."""

from __future__ import annotations

import statistics
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks.history_data import CALL, TENANT
from wfm.domain.agents import Status
from wfm.domain.operations import Exchange, ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.ledger import Ledger
from wfm.ledger.ids import encode
from wfm.ledger.lookups import batches
from wfm.ledger.records import Claim, NewItem, NewOperation, Settlement
from wfm.ledger.schema import operations, runs

MANY, CHUNK = 10_000, 50
TITLE = "Written while read"


def written_a_second(ledger: Ledger) -> tuple[float, float]:
    """Return (runs claimed and settled a second in chunks of 50, p95 in ms of the first page that is read meanwhile)."""
    now = datetime.now(UTC)
    operation = ledger.operations.create(_operation(now), now=now).id
    ledger.lifecycle.transition(operation, [OperationState.SCHEDULED], OperationState.APPLYING, now=now)
    done = threading.Event()
    reads: list[float] = []

    def read() -> None:
        while not done.wait(0.05):
            began = time.perf_counter()
            ledger.runs.page(TENANT, RunFilter(), limit=50)
            reads.append((time.perf_counter() - began) * 1_000)

    reader = threading.Thread(target=read)
    reader.start()
    began = time.perf_counter()
    written = 0
    try:
        way: dict[str, Any] = {"route": "availability", "action": None, "via": "direct", "call": CALL}
        while claims := ledger.items.claim(operation, Phase.APPLY, limit=CHUNK, worker_id="bench", now=now, **way):
            ledger.items.settle(operation, Phase.APPLY, [_settled(claim, now) for claim in claims], now=now)
            written += len(claims)
        seconds = time.perf_counter() - began
    finally:
        done.set()
        reader.join()
    return written / seconds, statistics.quantiles(reads, n=20)[-1] if len(reads) > 1 else 0.0


def take_out_written(ledger: Ledger) -> None:
    """Delete the runs that were written, so that a kept ledger is measured as it was made."""
    with ledger.database.read() as connection:
        ours = sa.select(operations.c.id).where(operations.c.title == TITLE)
        written = list(connection.scalars(ours))
        numbers = list(connection.scalars(sa.select(runs.c.id).where(runs.c.operation_id.in_(written))))
    # Ended operations hold no agents, so their runs may be deleted.
    over = sa.update(operations).where(operations.c.title == TITLE).values(state=OperationState.RESTORED.value)
    ledger.database.write(lambda connection: connection.execute(over))
    for some in batches(numbers):
        ledger.retention.delete_expired(TENANT, [encode(number) for number in some], datetime.max.replace(tzinfo=UTC))


def _operation(now: datetime) -> NewOperation:
    # New agents each time: in a ledger that is measured again the others are out already.
    agents = [f"agent-{now:%m%d%H%M%S}-{n:05d}" for n in range(MANY)]
    return NewOperation(
        tenant_key=TENANT,
        client_id="bench",
        client_name="desk",
        plan_id="plan",
        title=TITLE,
        request=PlanRequest(selection=Selection(agents=tuple(agents)), window=WindowSpec(minutes=30)),
        route=RouteName.AVAILABILITY,
        action_id=None,
        restore_action_id=None,
        window=Window(start=now, end=now + timedelta(minutes=30), zone="UTC"),
        created_by="bench",
        request_token="",
        items=tuple(NewItem(agent_id=one, agent_name=one, before=Status.AVAILABLE, fate="ready") for one in agents),
    )


def _settled(claim: Claim, now: datetime) -> Settlement:
    said = '{"status": "unavailable", "reason": "maintenance_window", "dateModified": "2026-11-01T00:00:00Z"}'
    exchange = Exchange(
        number=1,
        method="PATCH",
        url=f"https://api.example.com/api/v2/wfm/users/{claim.item.agent_id}/availability",
        request_body='{"status": "unavailable", "reason": "maintenance_window"}',
        status=200,
        response_headers={"ININ-Correlation-Id": claim.run_id},
        response_body=said,
        correlation_id=claim.run_id,
        fault="",
        started_at=now,
        duration_ms=40,
    )
    return Settlement(
        run_id=claim.run_id,
        agent_id=claim.item.agent_id,
        state=ItemState.APPLIED,
        outcome=Outcome.APPLIED,
        finished_at=now,
        duration_ms=40,
        status=200,
        correlation_id=claim.run_id,
        marker="m",
        exchanges=(exchange,),
    )
