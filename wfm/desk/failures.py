"""Failure groups: what they mean, who takes care of them, and the proof that they are fixed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from wfm import catalogue
from wfm.desk.history import HistoryDesk
from wfm.desk.proof import ACCESS_KINDS, SIGN_IN_KINDS, Proof, ProofState, next_state, of_checks
from wfm.desk.values import RunDetail
from wfm.diagnosis import hand_off_card
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, DeskError, NotFound, Refused, refuse_controls
from wfm.domain.operations import FailureGroup, GroupState, Operation, Run, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.domain.schedules import AgentSchedule
from wfm.genesys.errors import GenesysError
from wfm.ledger.records import GroupChange
from wfm.preview.access import checks_for

LONGEST_NOTE = 500
LONGEST_OWNER = 120
LOOKED_AT = 200
"""How many of a group's newest runs are read for its operations and its agents."""
CAUSES_LOOKED_AT = 40
"""A chart over time reads the counters of so many causes, those seen last."""
MOST_AGENTS_COUNTED = 100_000
BY_PROOF = "proof by reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedOperation:
    """An operation that a failure group touched; `runs` of it are among the newest LOOKED_AT of the group."""

    id: str
    title: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSeries:
    """How many runs failed for one cause, per step of time: (start of the step, runs)."""

    group: FailureGroup
    points: tuple[tuple[datetime, int], ...]

    @property
    def total(self) -> int:
        return sum(n for _, n in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDetail:
    """A failure group opened. `sample` is its newest run; `changes` are everything said of it, oldest first."""

    group: FailureGroup
    sample: RunDetail
    operations: tuple[TouchedOperation, ...]
    by_hand: int
    changes: tuple[GroupChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureBrief:
    """What one line says of a failure group: the OAuth client that lacks something ("" where nobody knows), the one change,
    who can make it, and whether its newest run is an example of the first start."""

    client: str
    fix: str
    who: str
    example: bool


class FailureDesk(HistoryDesk):
    """Reads and changes failure groups."""

    def failures(self, states: frozenset[GroupState] | None = None) -> list[FailureGroup]:
        """Failure groups, the newest first."""
        return self.ledger.failure_groups.all(self.tenant.key, states=states)

    def failure(self, fingerprint: str) -> FailureGroup:
        """One failure group. Raises NotFound."""
        return self.ledger.failure_groups.get(self.tenant.key, fingerprint)

    def failure_detail(self, fingerprint: str) -> FailureDetail:
        """One failure group with its newest run, its operations and its history. Raises NotFound."""
        group = self.failure(fingerprint)
        newest = self.runs(RunFilter(fingerprint=fingerprint), limit=LOOKED_AT).runs
        titles = {run.operation_id: run.operation_title for run in newest if run.operation_id}
        counts = {key: sum(run.operation_id == key for run in newest) for key in titles}
        return FailureDetail(
            group=group,
            sample=self.run(group.sample_run),
            operations=tuple(TouchedOperation(id=key, title=titles[key], runs=counts[key]) for key in titles),
            by_hand=sum(run.operation_id is None for run in newest),
            changes=tuple(self.ledger.failure_groups.changes(self.tenant.key, fingerprint)),
        )

    def failure_brief(self, group: FailureGroup) -> FailureBrief:
        """What one line says of a group, from its newest run. Raises NotFound when that is not kept any more."""
        detail = self.run(group.sample_run)
        found = detail.diagnosis
        return FailureBrief(
            client=self._client_of(detail.run)[1] or "" if detail.run.via == "direct" else "",
            fix=found.fix if found else "",
            who=found.who if found else "",
            example=detail.run.example,
        )

    def waiting_agents(self, groups: Collection[FailureGroup]) -> int | None:
        """How many agents these groups touched, each counted once; None where counting them would take long."""
        if sum(group.agents for group in groups) > MOST_AGENTS_COUNTED:
            return None
        return self.ledger.failure_groups.count_agents(self.tenant.key, [group.fingerprint for group in groups])

    def failure_series(self, fingerprint: str, since: datetime, step_minutes: int = 60) -> list[tuple[datetime, int]]:
        """How many runs of a group failed, per step."""
        return self.ledger.failure_groups.series(self.tenant.key, fingerprint, since, step_minutes=step_minutes)

    def causes_over_time(self, since: datetime, until: datetime, step_minutes: int) -> tuple[CauseSeries, ...]:
        """The causes of the failures of a stretch of time, the most first, each with its runs per step; from counters."""
        groups = [group for group in self.failures() if group.last_seen >= since and group.first_seen < until]
        touched = {group.fingerprint: group for group in groups[:CAUSES_LOOKED_AT]}
        series = self.ledger.failure_groups.series_of(self.tenant.key, touched, since, step_minutes=step_minutes, until=until)
        found = [CauseSeries(group=touched[one], points=tuple(points)) for one, points in series.items()]
        return tuple(sorted(found, key=lambda one: one.total, reverse=True))

    def hand_off(self, fingerprint: str) -> str:
        """A request to whoever can mend it, for exactly one change, as Markdown. Redacted."""
        group = self.failure(fingerprint)
        detail = self.run(group.sample_run)
        page = self.runs(RunFilter(fingerprint=fingerprint), limit=100)
        own = [run for run in page.runs if not run.example] or list(page.runs)
        if not group.runs:  # seen in the examples only: the card is about them
            group = replace(group, runs=group.examples, agents=len({run.agent_id for run in own}))
        correlation_ids = tuple(run.correlation_id for run in own if run.correlation_id)
        client = self._client_of(detail.run)[1]
        if detail.diagnosis is None:
            raise NotFound("The payload of this failure is not kept any more, so there is nothing to hand off.")
        return hand_off_card(
            group,
            detail.diagnosis,
            organization=self.tenant.organization_name,
            client_name=client or "",
            correlation_ids=correlation_ids,
            agents=[run.agent_name or run.agent_id for run in own if run.agent_name or run.agent_id],
            by_reading=detail.run.via != "data_action" and group.call in catalogue.operations(),
        )

    # --- what people say ---------------------------------------------------------------------------------------------

    def mark_group(
        self, fingerprint: str, state: GroupState, actor: Actor, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        """Says that a cause is fixed, ignored or open again.

        `expected` is the revision that the person saw. Raises Refused (stale) when somebody changed it since: the
        sentence says who, to what, and with which note.
        """
        self.allow(actor, Capability.EXECUTE)
        return self.ledger.failure_groups.set_state(
            self.tenant.key,
            fingerprint,
            state,
            actor=actor.name,
            note=_short("note", note, LONGEST_NOTE),
            now=self.clock(),
            expected=expected,
        )

    def amend_group(
        self, fingerprint: str, actor: Actor, *, owner: str | None = None, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        """Gives a group an owner ("" takes him away), a note, or both. Raises as `mark_group`."""
        self.allow(actor, Capability.EXECUTE)
        return self.ledger.failure_groups.amend(
            self.tenant.key,
            fingerprint,
            actor=actor.name,
            now=self.clock(),
            owner=None if owner is None else _short("owner", owner, LONGEST_OWNER),
            note=_short("note", note, LONGEST_NOTE),
            expected=expected,
        )

    # --- proof -------------------------------------------------------------------------------------------------------

    def probe_group(self, fingerprint: str, actor: Actor | None = None) -> Proof:
        """Looks at the access that a group lacked, by reads only, and lets a fixed group follow the evidence.

        Without an actor it is the desk itself that looks. Raises NotFound, GenesysError, StoreFault.
        """
        if actor is not None:
            self.allow(actor, Capability.EXECUTE)
        group = self.failure(fingerprint)
        found, sentence = self._look(group)
        state = next_state(group, found, self.clock())
        if state is not None:
            group = self._follow(group, state, sentence, actor)
        return Proof(state=found, sentence=sentence, group=group)

    def _follow(self, group: FailureGroup, state: GroupState, sentence: str, actor: Actor | None) -> FailureGroup:
        said = sentence if state is GroupState.RESOLVED else f"Not fixed after all. {sentence}"
        try:
            return self.ledger.failure_groups.set_state(
                self.tenant.key,
                group.fingerprint,
                state,
                actor=f"{actor.name}, {BY_PROOF}" if actor else BY_PROOF,
                note=said,
                now=self.clock(),
                expected=group.revision,
            )
        except Refused:
            return self.failure(group.fingerprint)  # a person was faster, and knows better

    def probe_fixed(self, known: dict[str, int]) -> list[Proof]:
        """Looks at every group that waits for proof. Called by the worker now and then, so that nobody has to look.

        `known` remembers, by fingerprint, the revision that no read can tell anything about: it is not asked again.
        """
        looked = []
        for group in self.failures(frozenset({GroupState.FIXED})):
            if known.get(group.fingerprint) == group.revision:
                continue
            try:
                proof = self.probe_group(group.fingerprint)
            except GenesysError:
                continue  # the tenant does not answer just now: the next look may tell
            if proof.state is ProofState.UNKNOWN:
                known[group.fingerprint] = group.revision
            looked.append(proof)
        return looked

    def _look(self, group: FailureGroup) -> tuple[ProofState, str]:
        try:
            run = self.ledger.runs.get(self.tenant.key, group.sample_run)[0]
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
        client_id, name = self._client_of(run)
        try:
            connection = self.connection(client_id)
        except NotFound as error:
            return ProofState.UNKNOWN, str(error)
        connection.client.auth.discard()  # a token keeps the scopes that it was given with
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
        """Whether the agents of the group have a schedule now in the window that failed."""
        operation = self._operation_of(run)
        if operation is None:
            return ProofState.UNKNOWN, "The failed run names no window to look for a schedule in. Retry one agent to prove it."
        newest = self.runs(RunFilter(fingerprint=group.fingerprint), limit=LOOKED_AT).runs
        ids = dict.fromkeys(one.agent_id for one in newest if one.agent_id)
        try:
            reader = self.connection(operation.client_id).reader
        except NotFound as error:
            return ProofState.UNKNOWN, str(error)
        people = reader.directory().agents
        agents = [people[agent] for agent in ids if agent in people]
        window = operation.window
        found = reader.schedules(agents, window.start, window.end, fresh=True)
        without = [agent.name for agent in agents if not _scheduled(found.get(agent.id), window.start, window.end)]
        without += [agent for agent in ids if agent not in people]
        if not without:
            many = len(agents) > 1
            return ProofState.HELD, f"{f'All {len(agents)} agents have' if many else 'The agent has'} a schedule there now."
        return ProofState.MISSING, f"{len(without)} of {len(ids)} agents still have no schedule there: {_some(without)}."

    def _operation_of(self, run: Run) -> Operation | None:
        if run.operation_id is None:
            return None
        try:
            return self.ledger.operations.get(self.tenant.key, run.operation_id)
        except DeskError:
            return None


def _scheduled(schedule: AgentSchedule | None, start: datetime, end: datetime) -> bool:
    return schedule is not None and any(shift.start < end and shift.end > start for shift in schedule.shifts)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _short(field: str, text: str, longest: int) -> str:
    clean = " ".join(text.split())
    if len(clean) > longest:
        raise BadInput(field, f"{len(clean)} characters", f"at most {longest} characters")
    refuse_controls(field, clean)
    return clean
