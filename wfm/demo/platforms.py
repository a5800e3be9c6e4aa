"""Which paths a demo tenant serves, and what its people are like where the published platform decides."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from wfm.demo.world import Person, World


class Platform(StrEnum):
    """What is served: the published paths alone, the brief's with the published reads, or both whole."""

    PUBLISHED = "published"
    BRIEF = "brief"
    BOTH = "both"


def published_world(world: World) -> World:
    """Return the same organization with some agents outside any management unit, and without the brief's states."""
    return replace(world, people=tuple(_published_person(person) for person in world.people))


def _published_person(person: Person) -> Person:
    outside = person.index % 43 == 17
    return replace(person, unavailable=False, outside_units=outside, scheduled=person.scheduled and not outside)
