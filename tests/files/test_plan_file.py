"""PLAN.json: what is taken, and that every refusal names the field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.errors import BadInput
from wfm.domain.plans import Fate, RouteName
from wfm.files.plan_file import read_plan

GOOD = {"agents": ["a@example.com"], "window": {"minutes": 30}}


def test_the_shortest_plan() -> None:
    plan = read_plan(json.dumps(GOOD))
    assert plan.selection.agents == ("a@example.com",)
    assert plan.window.minutes == 30
    assert plan.route is RouteName.AVAILABILITY
    assert plan.reason == "maintenance_window"


def test_a_full_plan() -> None:
    plan = read_plan(
        json.dumps(
            {
                "selection": {"team": "Blue", "queue": ["Billing", "Sales"]},
                "window": {"start": "2026-11-23T14:30", "end": "2026-11-23T15:00", "zone": "Europe/Berlin"},
                "route": "data_action",
                "action": "set_agent_unavailable",
                "reason": "upgrade",
                "ticket": "CHG-1",
                "include": ["not scheduled"],
            }
        )
    )
    assert plan.selection.teams == ("Blue",)
    assert plan.selection.queues == ("Billing", "Sales")
    assert plan.action == "set_agent_unavailable"
    assert plan.include == {Fate.NOT_SCHEDULED}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"agents": []}, "agents"),
        ({"agents": [""]}, "agents"),
        ({"agents": "a@example.com"}, "agents"),
        ({"agents": None}, "agents"),
        ({"selection": {"team": "x"}}, "agents"),
        ({"agents": None, "selection": {"planet": "x"}}, "selection"),
        ({"agents": None, "selection": {}}, "selection"),
        ({"window": None}, "window"),
        ({"window": 30}, "window"),
        ({"window": {"hours": 3}}, "window hours"),
        ({"window": {"minutes": "soon"}}, "window minutes"),
        ({"window": {"minutes": True}}, "window minutes"),
        ({"window": {"minutes": "30"}}, "window minutes"),
        ({"window": {"start": 1795000000, "end": 1795003600}}, "window start"),
        ({"window": {"start": "1795000000", "end": "1795003600"}}, "window start"),
        ({"window": {"start": "2026-11-23", "end": "2026-11-24", "zone": "UTC"}}, "window start"),
        ({"window": {"start": "2026-11-23T14:30Z", "end": "2026-11-23T15:00"}}, "window zone"),
        ({"window": {"start": "2026-11-23T14:30", "end": "2026-11-23T25:00", "zone": "UTC"}}, "window end"),
        ({"agents": ["a\0@example.com"]}, "agents"),
        ({"reason": "half of a sign: \ud83d"}, "reason"),
        ({"ticket": "two\nlines"}, "ticket"),
        ({"ticket": "CHG-1\x9b31m"}, "ticket"),
        ({"reason": "\x1b[31mred"}, "reason"),
        ({"agents": ["a\x85@example.com"]}, "agents"),
        ({"agents": ["x" * 200_000]}, "agents"),
        ({"agents": None, "selection": {"team": "Blue\x90"}}, "selection team"),
        ({"action": "set\x1b[0m", "route": "data_action"}, "action"),
        ({"include": ["ready"]}, "include"),
        ({"include": [["time off"]]}, "include"),
        ({"action": "set_agent_unavailable"}, "action"),
        ({"action": "set_agent_unavailable", "route": "adherence"}, "action"),
        ({"route": "teleport"}, "route"),
        ({"reason": "x" * 201}, "reason"),
        ({"ticket": 12}, "ticket"),
        ({"include": ["everybody"]}, "include"),
        ({"include": 3}, "include"),
        ({"whatever": 1}, "plan"),
    ],
)
def test_a_refusal_names_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_plan(json.dumps({**GOOD, **change}))
    assert str(refused.value).startswith(field)


def test_times_with_an_offset_need_no_zone() -> None:
    window = {"start": "2026-11-23T14:30Z", "end": "2026-11-23T16:00+01:00"}
    assert read_plan(json.dumps({**GOOD, "window": window})).window.zone == "UTC"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"agents": ["a"], "agents": ["b"], "window": {"minutes": 5}}', "agents twice"),
        ('{"agents": ["a"], "window": {"minutes": 5, "minutes": 50}}', "minutes twice"),
        ('{"agents":\n', "line 2, column 1"),
        ("null", "“null”"),
        ('["a"]', "“a list”"),
        ("[" * 100_000, "a JSON object"),
    ],
)
def test_what_is_no_plan_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_plan(text)


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ).map(json.dumps)
)
def test_nothing_but_bad_input_is_raised(text: str) -> None:
    with pytest.raises(BadInput):
        read_plan(text)
