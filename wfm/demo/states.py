"""The present state of each agent: the roster, overlaid with written states.

An agent who was never written has no entry here. Written states, and counts of accepted updates, go to the
journal before they count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from wfm.demo.roster import ACTIVITY_CODES, BREAK, MEAL, MEETING, OFF_QUEUE, ON_QUEUE, TIME_OFF, TRAINING, Part, Roster, Shift
from wfm.demo.world import Person, World, stable_id

AVAILABLE, UNAVAILABLE_STATUS = "available", "unavailable"

CONTACT_SHARE = 8
"""Per cent of the agents on queue who are in a contact, unless a scenario says otherwise."""

_FIRST_MODIFIED = 1_767_600_000_000  # 2026-01-05T08:00:00Z: the date of a state that was never written


@dataclass(frozen=True, slots=True)
class PresenceDefinition:
    """A presence an agent can have. `system` is the system presence it belongs to (SDK spelling, "OnQueue").

    `division` is the id of the division that has it, "*" for all.
    """

    id: str
    name: str
    system: str
    secondary: bool
    division: str = "*"
    deactivated: bool = False

    @property
    def spoken(self) -> str:
        """The name in GET …/presences/purecloud: "On Queue"."""
        return "On Queue" if self.system == "OnQueue" else self.system


_SYSTEM = ("Available", "Away", "Busy", "Offline", "Idle", "OnQueue", "Meal", "Training", "Meeting", "Break")
_SECONDARY = (("Unavailable", "Away"), ("Maintenance", "Away"), ("Coaching", "Meeting"), ("After-call notes", "Busy"))


@dataclass(frozen=True, slots=True)
class Live:
    """The written state of one agent. None means: as in the roster and the person.

    `modified` is in milliseconds since the epoch and strictly increases. `records` are corrections of adherence
    records by id: status, reason, start and end (milliseconds). `unavailable` and `available` count accepted updates.
    """

    modified: int
    status: str | None = None
    reason: str = ""
    presence: str | None = None
    message: str = ""
    in_contact: bool | None = None
    out_of_office: bool | None = None
    scheduled: bool | None = None
    active: bool | None = None
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    unavailable: int = 0
    available: int = 0
    before: str | None = None
    """Presence definition that the agent had before they were made unavailable, where roles decide."""
    absence: dict[str, Any] = field(default_factory=dict)
    """Out of office as it was written: active, indefinite, startDate, endDate."""
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Written join flags by the queue's index: joined, was, and the millisecond from which it is so."""
    left_queues: int = 0
    joined_queues: int = 0
    contact_until: int = 0
    """Minute since the epoch until which a contact goes on that was under way when the agent left the queue."""


class Snapshot(NamedTuple):
    """One agent at one instant. `part` is the scheduled activity, None off shift; `category` the actual one."""

    shift: Shift | None
    part: Part | None
    presence: PresenceDefinition
    routing: str
    category: str
    out_of_office: bool
    in_contact: bool
    unavailable: bool


_DOING = {  # scheduled activity -> system presence and actual activity category
    ON_QUEUE: ("OnQueue", "OnQueueWork"),
    BREAK: ("Break", "Break"),
    MEAL: ("Meal", "Meal"),
    MEETING: ("Meeting", "Meeting"),
    OFF_QUEUE: ("Busy", "OffQueueWork"),
    TRAINING: ("Training", "Training"),
    TIME_OFF: ("Offline", "TimeOff"),
}
# Only an agent made unavailable has the category Unavailable: readers recognize them by it.
CATEGORY_OF_PRESENCE = {
    "Available": "OffQueueWork",
    "OnQueue": "OnQueueWork",
    "Break": "Break",
    "Meal": "Meal",
    "Meeting": "Meeting",
    "Training": "Training",
    "Busy": "OffQueueWork",
    "Away": "Break",
    "Idle": "OffQueueWork",
    "Offline": "Unscheduled",
}


class States:
    """The live side of every agent. `append` writes a record that must survive before it counts."""

    def __init__(self, world: World, roster: Roster, append: Callable[[dict[str, Any]], None]) -> None:
        self.world = world
        self.roster = roster
        self.contact_share = CONTACT_SHARE
        self.unscheduled_share = 0
        self._append = append
        self._live: dict[str, Live] = {}
        self._untouched: dict[int, Live] = {}
        self._now: dict[int, tuple[int, tuple[Shift, Part] | None]] = {}
        self.definitions = self.make_definitions()
        self._by_system = {d.system: d for d in self.definitions.values() if not d.secondary}
        self.unavailable_presence = next(d for d in self.definitions.values() if d.name in ("Unavailable", "Maintenance"))

    def make_definitions(self) -> dict[str, PresenceDefinition]:
        """Return the presence definitions by id."""
        rows = (*system_definitions(self.world.seed), *_own_definitions(self.world.seed))
        return {row.id: row for row in rows}

    def use_roster(self, roster: Roster) -> None:
        self.roster = roster
        self.schedules_changed()

    def schedules_changed(self) -> None:
        self._now.clear()

    def live(self, person: Person) -> Live:
        """Return the written state of the agent, or the one that means never written."""
        written = self._live.get(person.id)
        if written is not None:
            return written
        known = self._untouched.get(person.index)
        if known is None:
            known = self._untouched[person.index] = self.untouched(person)
        return known

    def untouched(self, person: Person) -> Live:
        """Return the state of an agent who was never written."""
        return Live(modified=_FIRST_MODIFIED + person.index)

    def change(self, person: Person, now_ms: int | None, **changes: Any) -> Live:
        """Write one agent's state. With `now_ms`, `modified` moves ahead by at least a millisecond; without, it stays."""
        before = self.live(person)
        modified = before.modified if now_ms is None else max(now_ms, before.modified + 1)
        after = replace(before, modified=modified, **changes)
        self._append({"t": "live", "id": person.id, **asdict(after)})
        self._live[person.id] = after
        return after

    def active(self, person: Person) -> bool:
        written = self.live(person).active
        return person.active if written is None else written

    def scheduled(self, person: Person) -> bool:
        """Return whether WFM has a schedule for the agent: written, else by the scenario, else as the person has it."""
        written = self.live(person).scheduled
        if written is not None:
            return written and self.active(person)
        if not person.scheduled or not self.active(person):
            return False
        return (person.salt >> 16) % 100 >= self.unscheduled_share

    def out_of_office(self, person: Person) -> bool:
        written = self.live(person).out_of_office
        return person.out_of_office if written is None else written

    def status(self, person: Person) -> tuple[str, str]:
        """Availability in the brief's words: (status, reason)."""
        live = self.live(person)
        if live.status is not None:
            return live.status, live.reason
        return (UNAVAILABLE_STATUS, "equipment_fault") if person.unavailable else (AVAILABLE, "")

    def at_work(self, person: Person, minute: int) -> tuple[Shift, Part] | None:
        """Return the current shift and activity. Every boundary is on a quarter of an hour, so an answer holds that long."""
        quarter = minute // 15
        known = self._now.get(person.index)
        if known is not None and known[0] == quarter:
            return known[1]
        found = self.roster.at(person, minute)
        if person.index in self.roster.sessions:  # they begin at any minute
            return found
        self._now[person.index] = (quarter, found)
        return found

    def snapshot(self, person: Person, minute: int) -> Snapshot:
        """Return everything about the agent at that minute (since the epoch)."""
        live = self.live(person)
        if not self.active(person):
            return Snapshot(None, None, self._by_system["Offline"], "OFF_QUEUE", "Unscheduled", False, False, False)
        out_of_office = self.out_of_office(person)
        hit = self.at_work(person, minute) if self.scheduled(person) else None
        shift, part = hit if hit is not None else (None, None)
        if self.status(person)[0] == UNAVAILABLE_STATUS:
            routing = "INTERACTING" if live.in_contact else "OFF_QUEUE"
            busy = bool(live.in_contact)
            return Snapshot(shift, part, self.unavailable_presence, routing, "Unavailable", out_of_office, busy, True)
        presence, category = self.doing(person, part, minute, live)
        on_queue = presence.system == "OnQueue"
        in_contact = live.in_contact if live.in_contact is not None else self.in_contact(person, minute, on_queue, live)
        routing = "INTERACTING" if in_contact else ("IDLE" if on_queue else "OFF_QUEUE")
        return Snapshot(shift, part, presence, routing, category, out_of_office, in_contact, False)

    def since(self, person: Person, snap: Snapshot) -> int:
        """Return when the agent's present state began, in milliseconds since the epoch."""
        live = self.live(person)
        written = live.status is not None or live.presence is not None
        if snap.unavailable or written or snap.part is None:
            return live.modified
        return 60_000 * snap.part.start

    def doing(self, person: Person, part: Part | None, minute: int, live: Live) -> tuple[PresenceDefinition, str]:
        """Return the presence and the actual activity category of an active agent."""
        if live.presence is not None:
            chosen = self.definitions[live.presence]
            return chosen, CATEGORY_OF_PRESENCE[chosen.system]
        if part is None:
            # Off shift: a few are still signed in.
            system = "Available" if (person.salt >> 20) % 25 == 0 else "Offline"
            return self._by_system[system], CATEGORY_OF_PRESENCE[system]
        system, category = _DOING[part.code]
        if part.code == ON_QUEUE and (person.salt ^ (minute // 30 * 0x9E3779B1)) % 41 == 0:
            system, category = "Away", "Break"  # out of adherence
        return self._by_system[system], category

    def in_contact(self, person: Person, minute: int, on_queue: bool, live: Live) -> bool:
        """Return whether the agent is in a contact, where nobody has written it."""
        return on_queue and self._by_chance(person, minute)

    def _by_chance(self, person: Person, minute: int) -> bool:
        # A contact lasts four minutes; people change at different minutes.
        slot = (minute + person.salt % 4) // 4
        mixed = (person.salt ^ (slot * 0x9E3779B97F4A7C15)) & ((1 << 64) - 1)
        return ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9 >> 32) % 100 < self.contact_share

    def anybody_held(self) -> bool:
        """Return whether an agent is unavailable because of an accepted update."""
        return any(live.status == UNAVAILABLE_STATUS and live.unavailable for live in self._live.values())

    def updates(self) -> dict[str, dict[str, int]]:
        """Return the accepted updates of each agent, by target state. Agents without any are left out."""
        return {
            user_id: {"unavailable": live.unavailable, "available": live.available}
            for user_id, live in self._live.items()
            if live.unavailable or live.available
        }

    def reset(self) -> None:
        """Reset all agents and counts."""
        self._append({"t": "reset"})
        self._live.clear()

    def replay(self, record: dict[str, Any]) -> None:
        """Apply a record read from the state file."""
        if record["t"] == "reset":
            self._live.clear()
        elif record["t"] == "live":
            members = {name: value for name, value in record.items() if name not in ("t", "id")}
            self._live[record["id"]] = Live(**members)

    def records(self) -> Iterator[dict[str, Any]]:
        """Return everything that a compacted state file keeps."""
        for user_id, live in self._live.items():
            yield {"t": "live", "id": user_id, **asdict(live)}


def system_definitions(seed: int) -> tuple[PresenceDefinition, ...]:
    """Return the ten presences that every organization has."""
    return tuple(PresenceDefinition(stable_id(seed, "presence", name), name, name, False) for name in _SYSTEM)


def _own_definitions(seed: int) -> tuple[PresenceDefinition, ...]:
    return tuple(PresenceDefinition(stable_id(seed, "presence", "own", n), n, system, True) for n, system in _SECONDARY)


def scheduled_category(part: Part | None) -> str:
    """Return the scheduled category, "Unscheduled" off shift."""
    return "Unscheduled" if part is None else ACTIVITY_CODES[part.code].category
