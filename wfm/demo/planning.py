"""Which agents an activity plan is for, and at what time each of them can be in a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from wfm.demo.plans import Occurrence, Plan, Session
from wfm.demo.roster import ON_QUEUE, day_of, minute_of, monday
from wfm.demo.tenant import DemoTenant
from wfm.demo.world import BusinessUnit, Person

MAX_OCCURRENCES = 26
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run comes to. `exceptions` are pairs of a type (SDK ActivityPlanJobException) and the ids of occurrences."""

    occurrences: tuple[Occurrence, ...]
    exceptions: tuple[tuple[str, tuple[str, ...]], ...]


def attendees(tenant: DemoTenant, unit: BusinessUnit, body: dict[str, Any]) -> tuple[list[Person], bool]:
    """Return the agents of the unit that the plan selects, and whether it names a user who is unknown there."""
    wanted_units = set(body.get("managementUnitIds") or ())
    pool = [
        person
        for own in tenant.world.units
        if own.business_unit.id == unit.id and (not wanted_units or own.id in wanted_units)
        for person in tenant.world.of_unit[own.index]
        if tenant.states.active(person)
    ]
    chosen: set[str] = set()
    known = {person.id for person in pool}
    invalid = False
    for part in body["attendeesSearchRule"]["parts"]:
        ids = set(part["ids"])
        hits = {person.id for person in pool if _selected(tenant, person, part["selector"], ids)}
        invalid |= part["selector"] == "User" and not ids <= known
        chosen = chosen | hits if part["operation"] == "Include" else chosen - hits
    return [person for person in pool if person.id in chosen], invalid


def _selected(tenant: DemoTenant, person: Person, selector: str, ids: set[str]) -> bool:
    if selector == "Queue":
        return any(tenant.world.queues[index].id in ids for index, _joined in person.queues)
    own = {"User": person.id, "Division": person.division.id, "ManagementUnit": person.unit.id}
    return own.get(selector) in ids  # there are no groups and no skills here


def plan_run(tenant: DemoTenant, unit: BusinessUnit, plan: Plan) -> Planned:
    """Decide a run: for each date the sessions, and what could not be done."""
    people, invalid = attendees(tenant, unit, plan.body)
    occurrences: list[Occurrence] = []
    unscheduled: list[str] = []
    unpublished: list[str] = []
    for day in _days(plan.body):
        occurrence_id = tenant.plans.new_id("occurrence")
        if not tenant.roster.published(monday(day), unit.zone, tenant.minute()):
            unpublished.append(occurrence_id)
            occurrences.append(Occurrence(occurrence_id, ()))
            continue
        sessions = _sessions(tenant, unit, plan.body, day, people)
        placed = {user for session in sessions for user in session.users}
        if len(placed) < len(people):
            unscheduled.append(occurrence_id)
        occurrences.append(Occurrence(occurrence_id, sessions))
    every = tuple(row.id for row in occurrences)
    found = (
        ("InvalidUserIds", every if invalid else ()),
        ("NoScheduleFound", tuple(unpublished)),
        ("UnscheduledAttendees", tuple(unscheduled)),
    )
    return Planned(tuple(occurrences), tuple((kind, ids) for kind, ids in found if ids))


def _days(body: dict[str, Any]) -> Iterator[int]:
    """Days since the epoch on which the plan occurs: the first that fits, then as it recurs."""
    availability = body["fixedAvailability"][0]
    span = availability["dateRange"]
    first, last = date.fromisoformat(span["startDate"]), date.fromisoformat(span["endDate"])
    weekdays = availability.get("daysOfWeek") or _DAYS
    fitting = (first + timedelta(days=n) for n in range((last - first).days + 1))
    days = [day for day in fitting if _DAYS[day.weekday()] in weekdays]
    recurrence = body.get("recurrenceSettings")
    if not recurrence or not days:
        yield from (day_of(day) for day in days[:1])
        return
    period = recurrence["recurrencePeriod"]
    step = timedelta(days=period["magnitude"] * (7 if period["granularity"] == "Weeks" else 1))
    due, count = days[0], 0
    for day in days:
        if day >= due and count < MAX_OCCURRENCES:
            yield day_of(day)
            due, count = day + step, count + 1


def _sessions(
    tenant: DemoTenant, unit: BusinessUnit, body: dict[str, Any], day: int, people: list[Person]
) -> tuple[Session, ...]:
    """One session for each start, with those who are free for all of it. A Group plan has one start for all."""
    span = body["fixedAvailability"][0]["availabilityRange"]
    length, step = int(body["lengthMinutes"]), int(body.get("startTimeIncrementMinutes") or 15)
    earliest, latest = span["earliestStartMinutesFromMidnight"], span["latestEndMinutesFromMidnight"] - length
    starts = [minute_of(unit.zone, day, minute) for minute in range(earliest, latest + 1, step)]
    by_start: dict[int, list[str]] = {}
    for person in people:
        start = next((start for start in starts if _free(tenant, person, start, start + length)), None)
        if start is not None:
            by_start.setdefault(start, []).append(person.id)
    if body["type"] == "Group" and by_start:
        best = max(starts, key=lambda start: sum(_free(tenant, person, start, start + length) for person in people))
        by_start = {best: [person.id for person in people if _free(tenant, person, best, best + length)]}
    return tuple(
        Session(tenant.plans.new_id("session"), start, start + length, tuple(users))
        for start, users in sorted(by_start.items())
    )


def _free(tenant: DemoTenant, person: Person, start: int, end: int) -> bool:
    """Return whether the agent works on queue from start to end, by the schedule."""
    if not tenant.states.scheduled(person):
        return False
    for shift in tenant.roster.shifts(person, start, end):
        covered = [part for part in shift.parts if part.start < end and start < part.end]
        whole = bool(covered) and covered[0].start <= start and end <= covered[-1].end
        if not shift.off and whole and all(part.code == ON_QUEUE for part in covered):
            return True
    return False
