"""Runs chosen by hand and by team, on a Desk with a demo tenant."""

from __future__ import annotations

import json

import pytest

from tests.desk.failure_world import (
    clock,
    demo,
    desk,
    fail,
)
from wfm.desk import Desk
from wfm.domain.agents import GroupKind
from wfm.domain.errors import BadInput, NotFound
from wfm.domain.operations import RunFilter

__all__ = ["clock", "demo", "desk"]


def test_chosen_runs_are_exported_in_their_order(desk: Desk) -> None:
    first, second = fail(desk).sample_run, fail(desk).sample_run
    text = b"".join(desk.runs.export_selected([second, first], "jsonl")).decode()
    assert [json.loads(line)["run"] for line in text.splitlines()] == [second, first]
    with pytest.raises(NotFound):
        desk.runs.export_selected(["nothing"], "csv")
    with pytest.raises(BadInput, match="1 to 200 runs"):
        desk.runs.export_selected([first] * 201, "csv")
    with pytest.raises(BadInput, match="format"):
        desk.runs.export_selected([first], "exe")


def test_a_team_means_the_people_who_are_in_it_today(desk: Desk) -> None:
    group = fail(desk)
    directory = desk.agents.directory()
    agent = directory.agents[desk.runs.get(group.sample_run).run.agent_id]
    teams = [one for one in directory.groups if one.kind is GroupKind.TEAM]
    own = next(one for one in teams if one.id == agent.team_id)
    other = next(one for one in teams if one.id != agent.team_id)
    for word in (own.id, own.name):
        assert [run.agent_id for run in desk.runs.page(RunFilter(team=word)).runs] == [agent.id]
    assert desk.runs.page(RunFilter(team=other.name)).runs == ()
    assert b"".join(desk.runs.export(RunFilter(team=own.name), "jsonl")).count(b"\n") == 1
    with pytest.raises(BadInput, match="team"):
        desk.runs.page(RunFilter(team="nobodies"))
