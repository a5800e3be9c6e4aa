"""Proofs that a cause is fixed: the same access is read again; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wfm import catalogue
from wfm.desk.dependencies import DeskDependencies, DeskPart
from wfm.desk.failures import MAX_RUNS_READ, Failures
from wfm.desk.runs import Runs
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import DeskError, NotFound, Refused
from wfm.domain.operations import FailureGroup, GroupState, Operation, Run, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import AccessCheck, LaneState
from wfm.domain.schedules import AgentSchedule
from wfm.domain.sentences import first_of
from wfm.genesys.errors import GenesysError
from wfm.preview.access import checks_for

BY_PROOF = "proof by reading"

PROPAGATION = timedelta(minutes=5)
"""The longest time that a change of a role takes to reach every part of the platform.

Source: Genesys Cloud Resource Center, "Workforce management permissions overview" (published).
"""

ACCESS_KINDS = frozenset(
    {Kind.MISSING_SCOPE, Kind.MISSING_PERMISSION, Kind.MISSING_DIVISION, Kind.MISSING_LICENSE, Kind.FORBIDDEN_OTHER}
)
"""Kinds of failure that the access of the token proves or disproves."""

SIGN_IN_KINDS = frozenset({Kind.UNAUTHENTICATED, Kind.INVALID_CLIENT, Kind.EXPIRED_TOKEN})
"""Kinds of failure that a new token and one read with it prove or disprove."""


class ProofState(StrEnum):
    """The result of a read-only look."""

    HELD = "held"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The result of a look at the access of a failure group, in a sentence, and the group after it."""

    state: ProofState
    sentence: str
    group: FailureGroup


def of_checks(call: str, checks: Iterable[AccessCheck], client: str) -> tuple[ProofState, str]:
    """Judge a call by the lanes of a fresh token. A lane that can't be read proves nothing."""
    matching = [check for check in checks if call in (check.operation, check.call)]
    if not matching:
        return ProofState.UNKNOWN, "Reading can't tell for this call. Retry one agent to prove it."
    missing = [check for check in matching if check.missing]
    if missing:
        lanes = [verdict for check in missing for verdict in check.lanes.values() if verdict.state is LaneState.MISSING]
        needed = sorted({name for verdict in lanes for name in verdict.needed})
        return ProofState.MISSING, f"A new token of {client} still lacks {' or '.join(needed) or 'access to this call'}."
    if any(verdict.state is LaneState.UNKNOWN for check in matching for verdict in check.lanes.values()):
        return (
            ProofState.UNKNOWN,
            f"A new token of {client} lacks nothing that can be seen, but roles can't be read from here. "
            "Retry one agent to prove it.",
        )
    return ProofState.HELD, f"A new token of {client} holds what {call} needs."


def next_state(group: FailureGroup, found: ProofState, now: datetime) -> GroupState | None:
    """Return the state that the evidence gives a group that is marked as fixed; None where it stays.

    What is held closes it at once. What is missing reopens it only when the change had its time to arrive.
    """
    if group.state is not GroupState.FIXED:
        return None
    if found is ProofState.HELD:
        return GroupState.RESOLVED
    waited = now - (group.state_at or now)
    if found is ProofState.MISSING and waited >= PROPAGATION:
        return GroupState.OPEN
    return None


class Proofs(DeskPart):
    """Proofs by reading: a failure group that is marked as fixed follows the evidence."""

    def __init__(self, dependencies: DeskDependencies, runs: Runs, failures: Failures) -> None:
        super().__init__(dependencies)
        self._runs = runs
        self._failures = failures

    def probe(self, fingerprint: str, actor: Actor | None = None) -> Proof:
        """Read the access that a group lacked; a group that is marked as fixed is closed or reopened by the result.

        Without an actor the desk itself looks. Raises NotAllowed, NotFound, GenesysError, StoreFault.
        """
        if actor is not None:
            actor.require(Capability.EXECUTE)
        group = self._failures.get(fingerprint)
        found, sentence = self._look(group)
        state = next_state(group, found, self._clock())
        if state is not None:
            group = self._follow(group, state, sentence, actor)
        return Proof(state=found, sentence=sentence, group=group)

    def _follow(self, group: FailureGroup, state: GroupState, sentence: str, actor: Actor | None) -> FailureGroup:
        note = sentence if state is GroupState.RESOLVED else f"Not fixed after all. {sentence}"
        try:
            return self._ledger.failure_groups.set_state(
                self._tenant.key,
                group.fingerprint,
                state,
                actor=f"{actor.name}, {BY_PROOF}" if actor else BY_PROOF,
                note=note,
                now=self._clock(),
                expected=group.revision,
            )
        except Refused:
            return self._failures.get(group.fingerprint)  # a person changed it meanwhile and is right

    def probe_fixed(self, known: dict[str, int]) -> list[Proof]:
        """Probe every group that is marked as fixed. The worker calls this at intervals, so that no one has to look.

        `known` keeps, by fingerprint, the revision that no read can prove: it is not probed again.
        """
        looked = []
        for group in self._failures.groups(frozenset({GroupState.FIXED})):
            if known.get(group.fingerprint) == group.revision:
                continue
            try:
                proof = self.probe(group.fingerprint)
            except GenesysError:
                continue  # the tenant does not answer now: the next probe may
            if proof.state is ProofState.UNKNOWN:
                known[group.fingerprint] = group.revision
            looked.append(proof)
        return looked

    def _look(self, group: FailureGroup) -> tuple[ProofState, str]:
        try:
            run = self._ledger.runs.get(self._tenant.key, group.sample_run)[0]
        except NotFound:
            return ProofState.UNKNOWN, "No run of this cause is kept any more. Retry one agent to prove it."
        if run.via == "data_action":
            return (
                ProofState.UNKNOWN,
                "The Data Action calls with the credentials of its integration, which can't be read from here. "
                "Test it with one agent on Data Actions, or retry one.",
            )
        if group.kind is Kind.NOT_FOUND_SCHEDULE:
            return self._look_for_schedules(group, run)
        if group.kind in ACCESS_KINDS or group.kind in SIGN_IN_KINDS:
            return self._look_at_token(group, run)
        return ProofState.UNKNOWN, "No read can tell whether this is gone. Retry one agent to prove it."

    def _look_at_token(self, group: FailureGroup, run: Run) -> tuple[ProofState, str]:
        client_id, name = self._runs.client_of(run)
        try:
            connection = self._connections.get(client_id)
        except NotFound as error:
            return ProofState.UNKNOWN, str(error)
        connection.client.auth.discard()  # a token keeps the scopes that it was issued with
        try:
            facts = connection.reader.token(fresh=True)
        except GenesysError as error:
            if group.kind in SIGN_IN_KINDS and error.status in (400, 401):
                return ProofState.MISSING, f"The tenant still gives {name or connection.name} no token: {error}"
            raise
        client = facts.client_name or name or connection.name
        if group.kind in SIGN_IN_KINDS:
            return ProofState.HELD, f"{client} was given a new token, and a read with it worked."
        try:
            call = catalogue.operation(group.call)
        except KeyError:
            return of_checks(group.call, (), client)
        return of_checks(group.call, checks_for(facts, (call,)), client)

    def _look_for_schedules(self, group: FailureGroup, run: Run) -> tuple[ProofState, str]:
        """Check whether the agents of the group now have a schedule in the window that failed."""
        operation = self._operation_of(run)
        if operation is None:
            return ProofState.UNKNOWN, "The failed run names no window to look for a schedule in. Retry one agent to prove it."
        newest = self._runs.page(RunFilter(fingerprint=group.fingerprint), limit=MAX_RUNS_READ).runs
        ids = dict.fromkeys(run_.agent_id for run_ in newest if run_.agent_id)
        try:
            reader = self._connections.get(operation.client_id).reader
        except NotFound as error:
            return ProofState.UNKNOWN, str(error)
        people = reader.directory().agents
        agents = [people[agent] for agent in ids if agent in people]
        window = operation.window
        schedules = reader.schedules(agents, window.start, window.end, fresh=True)
        without = [agent.name for agent in agents if not _scheduled(schedules.get(agent.id), window.start, window.end)]
        without += [agent for agent in ids if agent not in people]
        if not without:
            many = len(agents) > 1
            return ProofState.HELD, f"{f'All {len(agents)} agents have' if many else 'The agent has'} a schedule there now."
        return ProofState.MISSING, f"{len(without)} of {len(ids)} agents still have no schedule there: {first_of(without, 5)}."

    def _operation_of(self, run: Run) -> Operation | None:
        if run.operation_id is None:
            return None
        try:
            return self._ledger.operations.get(self._tenant.key, run.operation_id)
        except DeskError:
            return None


def _scheduled(schedule: AgentSchedule | None, start: datetime, end: datetime) -> bool:
    return schedule is not None and any(shift.start < end and shift.end > start for shift in schedule.shifts)
