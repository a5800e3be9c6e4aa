"""The phases of the engine in a process: a real ledger, a tenant in memory, and a runner between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.support.engine_world import TENANT, ScriptedReads, dependencies_for, utcnow
from tests.support.fake_sender import FakeSender, Sent
from tests.support.fake_tenant import FakeTenant
from wfm.domain.operations import Counts, ItemState, Operation, OperationState, Phase
from wfm.engine.phases import PhaseRunner
from wfm.engine.sending import PhaseContext
from wfm.ledger import Ledger
from wfm.ledger.records import Claim

IDS = [f"agent-{number:02d}" for number in range(12)]


class World:
    """A ledger, a tenant in memory and a runner between them."""

    def __init__(self, ledger: Ledger, tenant: Callable[[Sent], Any] | None = None, **deps: Any) -> None:
        self.ledger = ledger
        self.tenant = tenant or FakeTenant()
        self.sender = FakeSender(self.tenant)
        self.reads = deps.pop("reads", None) or ScriptedReads(IDS)
        self.stop = threading.Event()
        self.deps = dependencies_for(ledger, self.sender, self.reads, **{"timeout_s": 0.05, **deps})
        self.runner = PhaseRunner(self.deps, self.stop)

    def run(self, operation: Operation, phase: Phase = Phase.APPLY) -> Operation:
        first = True
        while self.runner.advance(operation.id, phase, first):
            first = False
        return self.now(operation)

    def restore(self, operation: Operation, *, early: bool = True) -> Operation:
        self.ledger.lifecycle.request_restore(operation.id, now=utcnow(), actor="tester", early=early)
        return self.run(operation, Phase.RESTORE)

    def now(self, operation: Operation) -> Operation:
        return self.ledger.operations.get(TENANT, operation.id)

    def counts(self, operation: Operation) -> Counts:
        return self.ledger.items.counts([operation.id])[operation.id]

    def applied(self, operation: Operation) -> dict[ItemState, int]:
        return {state: n for state, n in self.counts(operation).apply.items() if n}

    def restored(self, operation: Operation) -> dict[ItemState, int]:
        return {state: n for state, n in self.counts(operation).restore.items() if n}

    def context(self, operation: Operation, phase: Phase = Phase.APPLY) -> PhaseContext:
        return self.runner._context(operation, phase, {})

    def begin(self, operation: Operation, now: datetime | None = None) -> Operation:
        """The operation as a worker has it that has begun to take agents out."""
        begun = now or utcnow()
        self.ledger.lifecycle.transition(
            operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=begun, started_at=begun
        )
        return self.now(operation)

    def claim(
        self,
        operation: Operation,
        limit: int,
        phase: Phase = Phase.APPLY,
        *,
        worker_id: str = "gone",
        now: datetime | None = None,
    ) -> list[Claim]:
        """Claims as a worker does: from then on these agents count as being sent."""
        context = self.context(operation, phase)
        return self.ledger.items.claim(
            operation.id,
            phase,
            limit=limit,
            worker_id=worker_id,
            now=now or utcnow(),
            route=operation.route.value,
            action=context.prepared.action,
            via=context.route.via,
            call=context.call,
        )

    def send(self, operation: Operation, claims: Sequence[Claim], phase: Phase = Phase.APPLY) -> None:
        """Sends what was claimed and settles what comes of it."""
        context = self.context(operation, phase)
        results = [context.send(claim) for claim in claims]
        self.ledger.items.settle(operation.id, phase, results, now=utcnow())  # type: ignore[arg-type]

    def events(self, operation: Operation) -> list[tuple[str, str]]:
        """(kind, sentence) of each event, in their order."""
        return [(event.kind, event.text) for event in self.ledger.operations.events(operation.id)]
