"""Who is in the demo tenant: numbers, names, exceptions, sameness."""

from __future__ import annotations

import time
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from wfm.demo.names import LANGUAGES, fold
from wfm.demo.world import build_world


def test_groups_are_as_many_as_promised() -> None:
    world = build_world()
    assert len(world.people) == 240
    assert (len(world.units), len(world.business_units), len(world.divisions)) == (4, 2, 3)
    assert (len(world.teams), len(world.queues)) == (6, 8)
    assert {unit.business_unit.id for unit in world.units} == {unit.id for unit in world.business_units}
    assert all(world.of_team[team.index] for team in world.teams)
    assert all(world.of_queue[queue.index] for queue in world.queues)
    assert {person.division.id for person in world.people} == {division.id for division in world.divisions}


def test_three_zones_and_one_of_them_changes_its_clocks() -> None:
    zones = {unit.zone for unit in build_world().units}
    winter, summer = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
    changing = [z for z in zones if winter.astimezone(ZoneInfo(z)).utcoffset() != summer.astimezone(ZoneInfo(z)).utcoffset()]
    assert len(zones) == 3
    assert changing == ["Europe/Berlin"]


def test_same_seed_same_people_other_seed_others() -> None:
    assert build_world(7, 100) == build_world(7, 100)
    assert build_world(7, 100).people[0].id != build_world(8, 100).people[0].id
    assert build_world(7, 1).organization_id != build_world(8, 1).organization_id


def test_a_larger_tenant_begins_with_the_same_people() -> None:
    assert build_world(agents=500).people[:240] == build_world(agents=240).people


def test_every_kind_of_exception_exists_and_stays_rare() -> None:
    people = build_world().people
    inactive = sum(not person.active for person in people)
    unscheduled = sum(not person.scheduled for person in people)
    away = sum(person.out_of_office for person in people)
    unavailable = sum(person.unavailable for person in people)
    without_team = sum(person.team is None for person in people)
    assert 2 <= inactive <= 6
    assert 5 <= unscheduled <= 10
    assert 2 <= away <= 6
    assert 1 <= unavailable <= 4
    assert 1 <= without_team <= 12


def test_names_come_from_many_languages_and_scripts() -> None:
    names = " ".join(person.name for person in build_world().people)
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in names if letter.isalpha()}
    assert {"LATIN", "CYRILLIC", "GREEK", "CJK"} <= scripts
    assert len(LANGUAGES) >= 20
    assert any(letter in names for letter in "şğıłåäöéñčř")


def test_emails_are_plain_and_unique_for_50_000_people_within_seconds() -> None:
    began = time.perf_counter()
    people = build_world(agents=50_000).people
    assert time.perf_counter() - began < 10
    emails = {person.email for person in people}
    assert len(emails) == len(people) == len({person.id for person in people})
    assert all(email.isascii() and email == email.lower() and " " not in email for email in emails)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Żółć", "zolc"),
        ("Straße", "strasse"),
        ("Ярош", "iarosh"),
        ("Άγγελος", "aggelos"),
        ("Işıl", "isil"),
        ("O'Brien-Smith", "o-brien-smith"),
        ("佐藤", ""),
    ],
)
def test_fold(name: str, plain: str) -> None:
    assert fold(name) == plain
