"""Activity plans, their sessions and their jobs: what is stored, and what a finished job does to the schedules.

A job is decided when it is asked for and takes effect when its time is over. Exact timing, and what an optimizer would
choose, are not published: here a session takes the first start that fits, over on-queue work only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from wfm.demo.roster import Part
from wfm.demo.world import World, stable_id

PLAN_RECORDS = frozenset({"plan", "plan_job", "plan_done", "plans_reset"})
RUN, DELETE_PLAN, DELETE_OCCURRENCES = "RunPlan", "DeleteActivityPlan", "DeleteOccurrences"
DELETE_SESSIONS, DELETE_USERS = "DeleteSessions", "DeleteSessionUsers"


@dataclass(frozen=True, slots=True)
class Session:
    """One activity at one time. `start` and `end` in minutes since the epoch."""

    id: str
    start: int
    end: int
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The sessions of one date."""

    id: str
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """An activity plan of a business unit. `body` is what was sent; times in milliseconds since the epoch."""

    id: str
    business_unit: str
    body: dict[str, Any]
    created: int
    modified: int
    by: str
    last_run: int | None = None
    occurrences: tuple[Occurrence, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A run or a deletion. It is Processing until `ready`; `outcome` is Complete, Error, or "" for a job that never ends.

    `occurrences` are those that it adds (a run) or touches; `exceptions` are pairs of a type and the ids of occurrences.
    `removed` are the ids of sessions or users that a deletion takes away.
    """

    id: str
    plan: str
    kind: str
    ready: int
    outcome: str
    occurrences: tuple[Occurrence, ...] = ()
    exceptions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    removed: tuple[str, ...] = ()
    done: bool = False

    def status(self, now_ms: int) -> str:
        return self.outcome if self.outcome and now_ms >= self.ready else "Processing"


@dataclass(slots=True)
class Plans:
    """All plans and jobs of the tenant. `append` writes a record that must survive before it counts."""

    seed: int
    append: Callable[[dict[str, Any]], None]
    plans: dict[str, Plan] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    sessions: dict[int, tuple[Part, ...]] = field(default_factory=dict)
    """Activities laid over the shifts of the agent with that index."""
    _made: int = 0
    _stale: bool = False

    def new_id(self, kind: str) -> str:
        """Return an id that the same tenant gives in the same order."""
        self._made += 1
        return stable_id(self.seed, kind, self._made, len(self.plans), len(self.jobs))

    def add_plan(self, plan: Plan) -> None:
        self.append({"t": "plan", **asdict(plan)})
        self.plans[plan.id] = plan

    def add_job(self, job: Job) -> None:
        self.append({"t": "plan_job", **asdict(job)})
        self.jobs[job.id] = job

    def running(self, plan: Plan, now_ms: int) -> bool:
        """Return whether a job of the plan has not ended."""
        return any(job.plan == plan.id and job.status(now_ms) == "Processing" for job in self.jobs.values())

    def finish_due(self, world: World, now_ms: int) -> bool:
        """Let jobs take effect whose time is over. Returns whether a schedule changed."""
        due = [job for job in self.jobs.values() if not job.done and job.status(now_ms) == "Complete"]
        for job in due:
            self.append({"t": "plan_done", "id": job.id, "now": now_ms})
            self._finish(job, now_ms)
        if due or self._stale:
            self._lay(world)
        return bool(due)

    def _finish(self, job: Job, now_ms: int) -> None:
        self.jobs[job.id] = replace(job, done=True)
        plan = self.plans.get(job.plan)
        if plan is None:
            return
        if job.kind == DELETE_PLAN:
            del self.plans[plan.id]
        elif job.kind == RUN:
            self.plans[plan.id] = replace(plan, occurrences=(*plan.occurrences, *job.occurrences), last_run=now_ms)
        else:
            kept = (_without(row, job) for row in plan.occurrences)
            self.plans[plan.id] = replace(plan, occurrences=tuple(row for row in kept if row.sessions))

    def _lay(self, world: World) -> None:
        self._stale = False
        self.sessions.clear()
        for plan in self.plans.values():
            code = int(plan.body["activityCodeId"])
            for session in (row for occurrence in plan.occurrences for row in occurrence.sessions):
                for user_id in session.users:
                    index = world.by_id[user_id].index
                    self.sessions[index] = (*self.sessions.get(index, ()), Part(session.start, session.end, code))

    def reset(self) -> None:
        self.append({"t": "plans_reset"})
        self._clear()

    def _clear(self) -> None:
        self.plans.clear()
        self.jobs.clear()
        self.sessions.clear()

    def replay(self, record: dict[str, Any]) -> None:
        """Apply a record read from the state file."""
        members = {name: value for name, value in record.items() if name != "t"}
        self._made += 1
        self._stale = True
        if record["t"] == "plan":
            members["occurrences"] = _occurrences(members["occurrences"])
            self.plans[members["id"]] = Plan(**members)
        elif record["t"] == "plan_job":
            members["occurrences"] = _occurrences(members["occurrences"])
            members["exceptions"] = tuple((kind, tuple(ids)) for kind, ids in members["exceptions"])
            members["removed"] = tuple(members["removed"])
            self.jobs[members["id"]] = Job(**members)
        elif record["t"] == "plan_done":
            self._finish(self.jobs[record["id"]], record["now"])
        else:
            self._clear()

    def records(self) -> Iterator[dict[str, Any]]:
        """Return everything that a compacted state file keeps."""
        for plan in self.plans.values():
            yield {"t": "plan", **asdict(plan)}
        for job in self.jobs.values():
            yield {"t": "plan_job", **asdict(job)}


def _without(occurrence: Occurrence, job: Job) -> Occurrence:
    """Return the occurrence less what the deletion takes away."""
    touched = {row.id for row in job.occurrences}
    if occurrence.id not in touched:
        return occurrence
    if job.kind == DELETE_OCCURRENCES:
        return Occurrence(occurrence.id, ())
    removed = set(job.removed)
    if job.kind == DELETE_SESSIONS:
        return Occurrence(occurrence.id, tuple(row for row in occurrence.sessions if row.id not in removed))
    named = {row.id for touched_row in job.occurrences for row in touched_row.sessions}
    left = (
        replace(row, users=tuple(user for user in row.users if user not in removed)) if row.id in named else row
        for row in occurrence.sessions
    )
    return Occurrence(occurrence.id, tuple(row for row in left if row.users))


def _occurrences(rows: Any) -> tuple[Occurrence, ...]:
    return tuple(
        Occurrence(
            row["id"],
            tuple(Session(**{**session, "users": tuple(session["users"])}) for session in row["sessions"]),
        )
        for row in rows
    )
