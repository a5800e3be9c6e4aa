"""Failure groups on a Desk with a demo tenant: opened, counted, handed off, and two people notice each other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.failure_world import (
    ADA,
    SAM,
    VIEWER,
    Clock,
    clock,
    demo,
    desk,
    fail,
    fail_in_a_window,
)
from wfm.desk import Desk
from wfm.domain.errors import BadInput, NotAllowed, NotFound, Refused
from wfm.domain.operations import GroupState

__all__ = ["clock", "demo", "desk"]


def test_a_viewer_looks_and_changes_nothing(desk: Desk) -> None:
    group = fail(desk)
    for change in (
        lambda: desk.failures.mark(group.fingerprint, GroupState.FIXED, VIEWER),
        lambda: desk.failures.amend(group.fingerprint, VIEWER, owner="Vi"),
        lambda: desk.proofs.probe(group.fingerprint, VIEWER),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert desk.failures.get(group.fingerprint) == group


def test_two_people_at_once_the_second_is_told_of_the_first(desk: Desk) -> None:
    group = fail(desk)
    desk.failures.mark(group.fingerprint, GroupState.FIXED, ADA, "asked IT at 14:30", expected=group.revision)
    with pytest.raises(Refused, match="Ada changed this cause meanwhile: it is fixed, “asked IT at 14:30”"):
        desk.failures.mark(group.fingerprint, GroupState.IGNORED, SAM, expected=group.revision)
    with pytest.raises(Refused, match="Ada"):
        desk.failures.amend(group.fingerprint, SAM, owner="Sam", expected=group.revision)


def test_a_group_opened_shows_owner_notes_and_where_it_struck(desk: Desk) -> None:
    group = fail(desk)
    desk.failures.amend(group.fingerprint, SAM, owner=" Ada  Lovelace ", note="with the OAuth team")
    detail = desk.failures.detail(group.fingerprint)
    assert (detail.group.owner, detail.group.note, detail.by_hand) == ("Ada Lovelace", "with the OAuth team", 1)
    assert detail.operations == ()
    assert detail.changes[-1].note == "Owner: Ada Lovelace. with the OAuth team"
    with pytest.raises(BadInput, match="note"):
        desk.failures.amend(group.fingerprint, SAM, note="x" * 501)
    with pytest.raises(NotFound):
        desk.failures.detail("nothing")


def test_the_causes_over_time_come_from_counters_the_most_first(desk: Desk, clock: Clock) -> None:
    scope = fail(desk)
    fail(desk)
    broken = fail(desk, status=502, body="<html>Bad gateway</html>")
    now = clock()
    found = desk.failures.causes_over_time(now - timedelta(hours=1), now + timedelta(minutes=1), 30)
    assert [(one.group.fingerprint, one.total) for one in found] == [(scope.fingerprint, 2), (broken.fingerprint, 1)]
    assert desk.failures.causes_over_time(now - timedelta(days=2), now - timedelta(days=1), 30) == ()


def test_a_hand_off_counts_what_people_did_and_the_examples_only_where_there_is_nothing_else(desk: Desk) -> None:
    group = fail_in_a_window(desk, ["ada", "bo", "cem"], example=True)
    assert "3 updates of 3 agents failed" in desk.failures.hand_off(group.fingerprint)
    group = fail_in_a_window(desk, ["dana", "eli"], example=False)
    assert (group.runs, group.agents, group.examples) == (2, 2, 3)
    assert "2 updates of 2 agents failed" in desk.failures.hand_off(group.fingerprint)
    assert desk.failures.waiting_agents([group]) == 2
