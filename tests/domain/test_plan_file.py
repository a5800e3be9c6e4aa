"""PLAN.json: what is taken, and that every refusal names the field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.errors import BadInput
from wfm.domain.plan_file import read_plan
from wfm.domain.plans import Fate, RouteName

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
        ({"window": {"start": 1795000000, "end": 1795003600}}, "window start"),
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


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ).map(json.dumps)
)
def test_nothing_but_bad_input_is_raised(text: str) -> None:
    with pytest.raises(BadInput):
        read_plan(text)
