"""Whatever is done in whatever order, counters are equal to a GROUP BY and no agent is in the air twice."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from tests.ledger.audit import check_all
from tests.ledger.ledger_world import NOON, TENANT, World, diagnosis, direct_run, settlement
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import Refused
from wfm.domain.operations import GroupState, ItemState, Operation, OperationState, Phase
from wfm.ledger import Ledger
from wfm.ledger.records import Claim

AGENTS = [f"agent-{n}" for n in range(6)]
ENDS = [ItemState.APPLIED, ItemState.FAILED, ItemState.SKIPPED, ItemState.UNCONFIRMED, ItemState.PENDING]
PHASES = st.sampled_from(list(Phase))
SOME = st.lists(st.sampled_from(AGENTS), min_size=1, max_size=6, unique=True)
InAir = tuple[Operation, Phase, Claim]


class LedgerMachine(RuleBasedStateMachine):
    """Does to a ledger what worker and people do, without their good sense."""

    operations: Bundle[Operation] = Bundle("operations")
    claims: Bundle[InAir] = Bundle("claims")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        url = f"sqlite:///{self.folder / 'desk.db'}"
        self.ledger = Ledger(url)
        self.world = World(self.ledger, url)
        self.settled: list[tuple[Operation, Phase, Claim, ItemState]] = []

    @rule(target=operations, agents=SOME, minutes=st.integers(1, 30))
    def create(self, agents: list[str], minutes: int) -> Operation:
        # Each in a window of its own day, so that agents are free.
        days = len(self.ledger.operations.page(TENANT, limit=1_000))
        start = NOON.replace(day=1 + days % 28, month=1 + days // 28 % 12)
        return self.world.start(self.world.create(agents, start=start, minutes=minutes))

    @rule(target=claims, operation=operations, phase=PHASES, limit=st.integers(1, 3))
    def claim(self, operation: Operation, phase: Phase, limit: int) -> Any:
        return multiple(*((operation, phase, claim) for claim in self.world.claim(operation, phase, limit)))

    @rule(in_air=consumes(claims), end=st.sampled_from(ENDS), kind=st.sampled_from([Kind.MISSING_SCOPE, Kind.TIMEOUT]))
    def settle(self, in_air: InAir, end: ItemState, kind: Kind) -> None:
        operation, phase, claim = in_air
        assert claim in self.ledger.items.orphaned(operation.id, phase)
        named = diagnosis(kind) if end in (ItemState.FAILED, ItemState.UNCONFIRMED, ItemState.PENDING) else None
        counts = self.world.settle(operation, [settlement(claim, end, diagnosis=named)], phase)
        assert counts == self.ledger.items.counts([operation.id])[operation.id]
        assert self.world.item_states(operation)[claim.item.agent_id][phase is Phase.RESTORE] is end
        self.settled.append((operation, phase, claim, end))

    @rule(end=st.sampled_from(ENDS), place=st.integers(0, 100))
    def settle_again(self, end: ItemState, place: int) -> None:
        """A worker that was thought dead says something else about an old run."""
        if not self.settled:
            return
        operation, phase, claim, first = self.settled[place % len(self.settled)]
        before = self.ledger.runs.get(TENANT, claim.run_id), self.world.item_states(operation)
        self.world.settle(operation, [settlement(claim, end)], phase)
        if first is not ItemState.UNCONFIRMED:
            assert (self.ledger.runs.get(TENANT, claim.run_id), self.world.item_states(operation)) == before

    @rule(operation=operations, phase=PHASES, agents=st.none() | SOME)
    def skip(self, operation: Operation, phase: Phase, agents: list[str] | None) -> None:
        reasons = None if agents is None else dict.fromkeys(agents, "")
        self.ledger.items.skip(operation.id, phase, reasons, "not sent: the operation was halted", now=self.world.later())

    @rule(operation=operations, phase=PHASES)
    def requeue(self, operation: Operation, phase: Phase) -> None:
        state = self.world.get(operation).state
        if state in (OperationState.APPLYING, OperationState.RESTORING):
            to_state = OperationState.HALTED if phase is Phase.APPLY else OperationState.FAILED_IN_PART
            self.ledger.lifecycle.transition(operation.id, [state], to_state, now=self.world.later())
        with contextlib.suppress(Refused):
            self.ledger.lifecycle.requeue_failed(operation.id, phase, now=NOON.replace(year=2025), actor="Sam")

    @rule(operation=operations)
    def cancel(self, operation: Operation) -> None:
        with contextlib.suppress(Refused):
            self.ledger.lifecycle.request_cancel(operation.id, now=self.world.later(), actor="Sam")

    @rule(operation=operations, early=st.booleans())
    def restore(self, operation: Operation, early: bool) -> None:
        with contextlib.suppress(Refused):
            self.ledger.lifecycle.request_restore(operation.id, now=self.world.later(), actor="Sam", early=early)

    @rule(operation=operations, phase=PHASES, agent=st.sampled_from(AGENTS), applied=st.booleans())
    def by_person(self, operation: Operation, phase: Phase, agent: str, applied: bool) -> None:
        states = self.world.item_states(operation)
        doubtful = agent in states and states[agent][phase is Phase.RESTORE] is ItemState.UNCONFIRMED
        if not doubtful:
            return
        outcome = ItemState.APPLIED if applied else ItemState.FAILED
        self.ledger.items.settle_by_person(operation.id, phase, agent, outcome, now=self.world.later(), actor="Sam")
        assert self.world.item_states(operation)[agent][phase is Phase.RESTORE] is outcome

    @rule(agent=st.sampled_from(AGENTS), end=st.sampled_from(ENDS[:4]), hours=st.integers(-100, 100))
    def by_hand(self, agent: str, end: ItemState, hours: int) -> None:
        self.ledger.runs.record(direct_run(agent, state=end, at=NOON.replace(hour=abs(hours) % 24, day=1 + abs(hours) // 24)))

    @rule(state=st.sampled_from(list(GroupState)))
    def mark(self, state: GroupState) -> None:
        for group in self.ledger.failure_groups.all(TENANT)[:1]:
            self.ledger.failure_groups.set_state(TENANT, group.fingerprint, state, actor="Sam", note="", now=self.world.now)

    @invariant()
    def everything_agrees(self) -> None:
        if hasattr(self, "ledger"):
            check_all(self.ledger)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)


LedgerMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLedgerMachine = LedgerMachine.TestCase
