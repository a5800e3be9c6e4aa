"""States of agents where the published platform alone is served: presence is all there is.

Nine in ten are On Queue, the others something else, whatever their schedule says. Definitions differ by division. Which
of them are there is the demo's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from wfm.demo.roster import Part, Roster
from wfm.demo.states import CATEGORY_OF_PRESENCE, Live, PresenceDefinition, Snapshot, States, system_definitions
from wfm.demo.world import Person, World, stable_id

ON_QUEUE_SHARE = 90
"""Per cent of the active agents who are On Queue unless somebody changes it."""

CONTACT_MINUTES = 4
MAINTENANCE = "Maintenance"

# name, system presence, division (None: all), deactivated. Sales has its Maintenance no longer.
_SECONDARY = (
    (MAINTENANCE, "Away", "Alder & Finch", False),
    (MAINTENANCE, "Away", "Care", False),
    (MAINTENANCE, "Away", "Sales", True),
    ("IT window", "Busy", "Sales", False),
    ("Coaching", "Meeting", None, False),
    ("After-call notes", "Busy", None, False),
)
_MESSAGES = ("Back at three", "In the small meeting room", "Please write, don't call", "Deputy: Technical Support")
_OFF_QUEUE = ("Available", "Break", "Meal", "Meeting", "Training", "Busy", "Away", "Offline")
_UNAVAILABLE = "Unavailable"


class PublishedStates(States):
    """The live side of every agent: presences by definition, own messages, contacts that outlast a change."""

    def __init__(self, world: World, roster: Roster, append: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(world, roster, append)
        self._written: dict[str, PresenceDefinition] = {}

    def make_definitions(self) -> dict[str, PresenceDefinition]:
        divisions = {division.name: division.id for division in self.world.divisions}
        own = (
            PresenceDefinition(
                id=stable_id(self.world.seed, "published presence", name, division or "*"),
                name=name,
                system=system,
                secondary=True,
                division=divisions[division] if division else "*",
                deactivated=deactivated,
            )
            for name, system, division, deactivated in _SECONDARY
        )
        return {row.id: row for row in (*system_definitions(self.world.seed), *own)}

    def put_definition(self, definition: PresenceDefinition) -> None:
        """Add or change a definition of the organization's own."""
        self._append({"t": "definition", **asdict(definition)})
        self._written[definition.id] = self.definitions[definition.id] = definition

    def reset(self) -> None:
        super().reset()
        self._forget_definitions()

    def _forget_definitions(self) -> None:
        self._written.clear()
        self.definitions = self.make_definitions()

    def replay(self, record: dict[str, Any]) -> None:
        super().replay(record)
        if record["t"] == "reset":
            self._forget_definitions()
        elif record["t"] == "definition":
            definition = PresenceDefinition(**{name: value for name, value in record.items() if name != "t"})
            self._written[definition.id] = self.definitions[definition.id] = definition

    def records(self) -> Iterator[dict[str, Any]]:
        for definition in self._written.values():
            yield {"t": "definition", **asdict(definition)}
        yield from super().records()

    def untouched(self, person: Person) -> Live:
        """One in seven has a message of their own beside the presence."""
        live = super().untouched(person)
        return replace(live, message=_MESSAGES[person.salt % len(_MESSAGES)]) if person.index % 7 == 3 else live

    def doing(self, person: Person, part: Part | None, minute: int, live: Live) -> tuple[PresenceDefinition, str]:
        if live.presence is not None:
            chosen = self.definitions[live.presence]
            return chosen, _UNAVAILABLE if chosen.name == MAINTENANCE else CATEGORY_OF_PRESENCE[chosen.system]
        if self.out_of_office(person):
            return self._by_system["Offline"], CATEGORY_OF_PRESENCE["Offline"]
        on_queue = (person.salt >> 8) % 100 < ON_QUEUE_SHARE
        system = "OnQueue" if on_queue else _OFF_QUEUE[(person.salt >> 40) % len(_OFF_QUEUE)]
        return self._by_system[system], CATEGORY_OF_PRESENCE[system]

    def in_contact(self, person: Person, minute: int, on_queue: bool, live: Live) -> bool:
        """An interaction goes on when its agent leaves the queue (published)."""
        return minute < live.contact_until or super().in_contact(person, minute, on_queue, live)

    def since(self, person: Person, snap: Snapshot) -> int:
        live = self.live(person)
        return live.modified if live.presence is not None or snap.shift is None else 60_000 * snap.shift.start

    def fits(self, person: Person, definition: PresenceDefinition) -> bool:
        """Return whether the definition is one of the person's division, or of all."""
        return definition.division in ("*", person.division.id)

    def write_presence(self, person: Person, definition: PresenceDefinition, message: str, now_ms: int) -> None:
        """Change a presence, and count it: available is Available, On Queue, or what the agent had before; else unavailable."""
        live, minute = self.live(person), now_ms // 60_000
        snap = self.snapshot(person, minute)
        contact_until = live.contact_until
        if snap.in_contact and snap.presence.system == "OnQueue":
            contact_until = minute + CONTACT_MINUTES
        if definition.system in ("Available", "OnQueue") or definition.id == live.before:
            counted = {"available": live.available + 1}
        else:
            counted = {"unavailable": live.unavailable + 1}
        out = "unavailable" in counted
        is_out = live.unavailable > live.available
        before = snap.presence.id if out and not is_out else live.before
        self.change(
            person, now_ms, presence=definition.id, message=message, contact_until=contact_until, before=before, **counted
        )

    def joined(self, person: Person, queue: int, at_first: bool, now_ms: int) -> bool:
        """Return the member's join flag, which a change reaches only after its delay."""
        live = self._live.get(person.id)
        written = live.queues.get(str(queue)) if live is not None else None
        if written is None:
            return at_first
        return bool(written["joined"] if now_ms >= written["from"] else written["was"])

    def write_joined(self, person: Person, queue: int, joined: bool, now_ms: int, delay_ms: int) -> None:
        """Change the join flag of a member, effective after the delay, and count it. Others are silently left alone."""
        at_first = dict(person.queues).get(queue)
        if at_first is None:
            return
        live = self.live(person)
        was = self.joined(person, queue, at_first, now_ms)
        entry = {"joined": joined, "was": was, "from": now_ms + delay_ms}
        counted = {"joined_queues": live.joined_queues + 1} if joined else {"left_queues": live.left_queues + 1}
        self.change(person, None, queues={**live.queues, str(queue): entry}, **counted)

    def updates(self) -> dict[str, dict[str, int]]:
        """Return the accepted changes of each agent: of presence, and of join flags where there were any."""
        counts: dict[str, dict[str, int]] = {}
        for user_id, live in self._live.items():
            row = {"unavailable": live.unavailable, "available": live.available}
            if live.left_queues or live.joined_queues:
                row |= {"left_queues": live.left_queues, "joined_queues": live.joined_queues}
            if any(row.values()):
                counts[user_id] = row
        return counts

    def anybody_held(self) -> bool:
        """Return whether an agent is unavailable because of an accepted change."""
        return any(live.unavailable > live.available for live in self._live.values())
