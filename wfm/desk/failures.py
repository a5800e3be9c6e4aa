"""Failure groups: what they mean, and what people note about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from wfm import catalogue
from wfm.desk.dependencies import DeskDependencies, DeskPart
from wfm.desk.runs import Runs
from wfm.desk.values import RunDetail
from wfm.diagnosis import explain, hand_off_card
from wfm.domain.diagnoses import Explanation
from wfm.domain.errors import BadInput, NotFound, refuse_controls
from wfm.domain.operations import FailureGroup, GroupState, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.ledger.records import GroupChange

MAX_NOTE_LENGTH = 500
MAX_OWNER_LENGTH = 120
MAX_RUNS_READ = 200
"""Newest runs of a group that are read for its operations and its agents."""
MAX_CAUSES_READ = 40
"""Causes in a chart over time, those seen last."""
MAX_AGENTS_COUNTED = 100_000
MAX_EXPLAINED = 1_000_000
"""Characters of a pasted text that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedOperation:
    """An operation that a failure group touched; `runs` of it are among the newest MAX_RUNS_READ of the group."""

    id: str
    title: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSeries:
    """Runs that failed for one cause, per step of time: (start of the step, runs)."""

    group: FailureGroup
    points: tuple[tuple[datetime, int], ...]

    @property
    def total(self) -> int:
        return sum(n for _, n in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDetail:
    """A failure group opened. `sample` is its newest run; `changes` are all notes on it, oldest first."""

    group: FailureGroup
    sample: RunDetail
    operations: tuple[TouchedOperation, ...]
    by_hand: int
    changes: tuple[GroupChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureBrief:
    """A failure group in one line: the OAuth client that lacks something ("" where it is not known), the one change, who can
    make it, and whether its newest run is an example of the first start."""

    client: str
    fix: str
    who: str
    example: bool


class Failures(DeskPart):
    """Failure groups of this tenant, and pasted errors explained."""

    def __init__(self, dependencies: DeskDependencies, runs: Runs) -> None:
        super().__init__(dependencies)
        self._runs = runs

    def groups(self, states: frozenset[GroupState] | None = None) -> list[FailureGroup]:
        """Return failure groups, the newest first."""
        return self._ledger.failure_groups.all(self._tenant.key, states=states)

    def get(self, fingerprint: str) -> FailureGroup:
        """Return one failure group. Raises NotFound."""
        return self._ledger.failure_groups.get(self._tenant.key, fingerprint)

    def detail(self, fingerprint: str) -> FailureDetail:
        """Return one failure group with its newest run, its operations and its history. Raises NotFound."""
        group = self.get(fingerprint)
        newest = self._runs.page(RunFilter(fingerprint=fingerprint), limit=MAX_RUNS_READ).runs
        titles = {run.operation_id: run.operation_title for run in newest if run.operation_id}
        counts = {key: sum(run.operation_id == key for run in newest) for key in titles}
        return FailureDetail(
            group=group,
            sample=self._runs.get(group.sample_run),
            operations=tuple(TouchedOperation(id=key, title=titles[key], runs=counts[key]) for key in titles),
            by_hand=sum(run.operation_id is None for run in newest),
            changes=tuple(self._ledger.failure_groups.changes(self._tenant.key, fingerprint)),
        )

    def brief(self, group: FailureGroup) -> FailureBrief:
        """Return a group in one line, from its newest run. Raises NotFound when that run is no longer kept."""
        detail = self._runs.get(group.sample_run)
        diagnosis = detail.diagnosis
        return FailureBrief(
            client=self._runs.client_of(detail.run)[1] or "" if detail.run.via == "direct" else "",
            fix=diagnosis.fix if diagnosis else "",
            who=diagnosis.who if diagnosis else "",
            example=detail.run.example,
        )

    def waiting_agents(self, groups: Collection[FailureGroup]) -> int | None:
        """Return how many agents these groups touched, each counted once; None where counting would take long."""
        if sum(group.agents for group in groups) > MAX_AGENTS_COUNTED:
            return None
        return self._ledger.failure_groups.count_agents(self._tenant.key, [group.fingerprint for group in groups])

    def series(self, fingerprint: str, since: datetime, step_minutes: int = 60) -> list[tuple[datetime, int]]:
        """Return (start of the step, failed runs) of one group."""
        return self._ledger.failure_groups.series(self._tenant.key, fingerprint, since, step_minutes=step_minutes)

    def causes_over_time(self, since: datetime, until: datetime, step_minutes: int) -> tuple[CauseSeries, ...]:
        """Return the causes of failures between two times, the most frequent first, each with its runs per step."""
        groups = [group for group in self.groups() if group.last_seen >= since and group.first_seen < until]
        touched = {group.fingerprint: group for group in groups[:MAX_CAUSES_READ]}
        series = self._ledger.failure_groups.series_of(self._tenant.key, touched, since, step_minutes=step_minutes, until=until)
        causes = [CauseSeries(group=touched[fingerprint], points=tuple(points)) for fingerprint, points in series.items()]
        return tuple(sorted(causes, key=lambda fingerprint: fingerprint.total, reverse=True))

    def hand_off(self, fingerprint: str) -> str:
        """Write a request for exactly one change, to the people who can make it, as redacted Markdown. Raises NotFound."""
        group = self.get(fingerprint)
        detail = self._runs.get(group.sample_run)
        page = self._runs.page(RunFilter(fingerprint=fingerprint), limit=100)
        own = [run for run in page.runs if not run.example] or list(page.runs)
        if not group.runs:  # seen in the examples only: the card is about them
            group = replace(group, runs=group.examples, agents=len({run.agent_id for run in own}))
        correlation_ids = tuple(run.correlation_id for run in own if run.correlation_id)
        client = self._runs.client_of(detail.run)[1]
        if detail.diagnosis is None:
            raise NotFound("The payload of this failure is not kept any more, so there is nothing to hand off.")
        return hand_off_card(
            group,
            detail.diagnosis,
            organization=self._tenant.organization_name,
            client_name=client or "",
            correlation_ids=correlation_ids,
            agents=[run.agent_name or run.agent_id for run in own if run.agent_name or run.agent_id],
            by_reading=detail.run.via != "data_action" and group.call in catalogue.operations(),
        )

    # --- what people say ---------------------------------------------------------------------------------------------

    def mark(
        self, fingerprint: str, state: GroupState, actor: Actor, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        """Mark a cause as fixed, ignored or open again. Raises NotAllowed, NotFound, BadInput for a note that is too long.

        `expected` is the revision that the person saw. Raises Refused (stale) when someone changed it since: the
        sentence says who, to what, and with which note.
        """
        actor.require(Capability.EXECUTE)
        return self._ledger.failure_groups.set_state(
            self._tenant.key,
            fingerprint,
            state,
            actor=actor.name,
            note=_short("note", note, MAX_NOTE_LENGTH),
            now=self._clock(),
            expected=expected,
        )

    def amend(
        self, fingerprint: str, actor: Actor, *, owner: str | None = None, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        """Give a group an owner ("" removes the owner), a note, or both. Raises as `mark`."""
        actor.require(Capability.EXECUTE)
        return self._ledger.failure_groups.amend(
            self._tenant.key,
            fingerprint,
            actor=actor.name,
            now=self._clock(),
            owner=None if owner is None else _short("owner", owner, MAX_OWNER_LENGTH),
            note=_short("note", note, MAX_NOTE_LENGTH),
            expected=expected,
        )

    def explain(self, text: str) -> Explanation:
        """Explain a pasted payload; of a very long one, its beginning. Raises BadInput for an empty one."""
        if not text.strip():
            raise BadInput("payload", None, "the text of an error: JSON, a log line, an e-mail")
        return explain(text[:MAX_EXPLAINED])


def _short(field: str, text: str, longest: int) -> str:
    clean = " ".join(text.split())
    if len(clean) > longest:
        raise BadInput(field, f"{len(clean)} characters", f"at most {longest} characters")
    refuse_controls(field, clean)
    return clean
