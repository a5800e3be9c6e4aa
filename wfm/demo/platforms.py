"""Which paths a demo tenant serves, and what its people are like where the published platform decides."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from wfm.demo.world import Person, World, stable_id


class Platform(StrEnum):
    """What is served: the published paths alone, the brief's with the published reads, or both whole."""

    PUBLISHED = "published"
    BRIEF = "brief"
    BOTH = "both"


def published_world(world: World) -> World:
    """Return an organization of the same people, some outside any management unit, and without the brief's states.

    It has an id and a name of its own, so that what is stored of the one is never taken for the other's.
    """
    return replace(
        world,
        organization_id=stable_id(world.seed, "organization", "published"),
        organization=f"{world.organization.removesuffix(' (demo)')} (published demo)",
        people=tuple(_published_person(person) for person in world.people),
    )


def _published_person(person: Person) -> Person:
    outside = person.index % 43 == 17
    return replace(person, unavailable=False, outside_units=outside, scheduled=person.scheduled and not outside)
