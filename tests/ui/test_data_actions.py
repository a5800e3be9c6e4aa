"""The Data Actions screen and its values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import Open
from tests.ui.screen import button, somebody, tables, words
from tests.ui.values import a_failed_test, a_run, an_action
from tests.ui.world import PEOPLE, World, all_runs
from wfm.demo.api_actions import ACTIONS
from wfm.desk import DataAction, Desk
from wfm.domain.errors import BadInput
from wfm.domain.operations import Outcome
from wfm.ui.screens.data_actions.model import checked, fields, matching, steps_table, table, timeout_seconds, verdict

ACTION = an_action()


def test_the_form_comes_from_the_contract_required_first() -> None:
    first, *rest = fields(ACTION)
    assert (first.name, first.required, first.agent, first.help) == ("userId", True, True, "User id of the agent")
    status = next(field for field in rest if field.name == "status")
    assert (status.choices, status.default) == (("available", "unavailable"), "unavailable")
    assert timeout_seconds(ACTION) == 10


@pytest.mark.parametrize(
    "raw", [{}, {"contract": None}, {"contract": {"input": {"inputSchema": {"properties": {"status": 3}}}}}]
)
def test_a_contract_that_says_little_still_gives_a_form(raw: dict[str, object]) -> None:
    bare = replace(ACTION, raw=raw)
    assert [field.name for field in fields(bare)] == ["userId", "reason", "status"]
    assert timeout_seconds(bare) is None


def test_inputs_are_checked_before_anything_is_sent() -> None:
    asked = fields(ACTION)
    assert checked(asked, {"userId": " a0001 ", "status": "available", "reason": ""}) == {
        "userId": "a0001",
        "status": "available",
    }
    with pytest.raises(BadInput, match="userId"):
        checked(asked, {"userId": " "})
    with pytest.raises(BadInput, match="available or unavailable"):
        checked(asked, {"userId": "a0001", "status": "asleep"})


def test_a_200_that_failed_is_called_a_failure() -> None:
    run = a_run()
    assert verdict(a_failed_test(run)) == "It failed, although the answer is HTTP 200: the body says success: false."
    assert verdict(replace(a_failed_test(run), status=403)) == "It failed (HTTP 403)."
    assert verdict(replace(a_failed_test(run), status=None)) == "It failed (no answer)."
    assert verdict(replace(a_failed_test(run), success=True)) == "It worked (HTTP 200)."


def test_the_trace_is_in_order_and_says_which_step_failed() -> None:
    steps = steps_table(a_failed_test(a_run()))
    assert steps["outcome"] == ["worked", "failed"]
    assert "forbidden" in steps["result or error"][1]


def test_actions_are_found_by_every_word() -> None:
    actions = [an_action(), an_action("set_agent_available", "desk")]
    assert [action.name for action in matching(actions, "DESK avail")] == ["set_agent_available"]
    assert len(matching(actions, "")) == 2
    assert matching(actions, "nothing like it") == []
    assert table(actions)["request"].iloc[0].startswith("PATCH /api/v2/wfm")


# --- screen ---------------------------------------------------------------------------------------------------------------


AGENT = PEOPLE[0]


@pytest.fixture
def action(desk: Desk) -> DataAction:
    """The brief's action, whose credentials lack the scope."""
    return desk.actions.get("set_agent_unavailable")


def sent(world: World) -> list[str]:
    """How often an action was executed or tested."""
    return [line.rsplit("/", 1)[-1] for line in world.network.asked if line.endswith(("/test", "/execute"))]


def opened(open_screen: Open, action: DataAction) -> AppTest:
    return open_screen("data_actions", action=action.id)


def filled(open_screen: Open, action: DataAction, agent: str = AGENT.id) -> AppTest:
    return opened(open_screen, action).text_input(key=f"input-{action.id}-userId").set_value(agent).run()


def test_the_actions_are_listed_and_one_shows_its_contract(action: DataAction, open_screen: Open) -> None:
    app = open_screen("data_actions")
    assert not app.exception
    assert list(app.dataframe[0].value["name"]) == sorted(one.name for one in ACTIONS)
    app = opened(open_screen, action)
    assert "available or unavailable" in tables(app)
    assert any("${input.userId}" in block.value for block in app.code)
    assert "credentials of its own integration" in words(app)


def test_a_test_shows_its_steps_and_that_200_is_no_success(
    world: World, desk: Desk, action: DataAction, open_screen: Open
) -> None:
    app = filled(open_screen, action)
    assert AGENT.name in words(app)
    button(app, "Test").click().run()
    assert sent(world) == []
    button(app, "Test now").click().run()
    assert sent(world) == ["test"]
    (run,) = all_runs(desk)
    assert (run.agent_id, run.action, run.outcome) == (AGENT.id, action.name, Outcome.FAILED)
    given = desk.runs.get(run.id).exchanges[-1].request_body
    assert json.loads(given or "") == {"userId": AGENT.id, "reason": "maintenance_window", "status": "unavailable"}
    text = words(app)
    assert "although the answer is HTTP 200" in text
    assert "may not update schedules" in text
    assert "REST call for action execute failed" in tables(app)


def test_execute_runs_once_however_often_its_button_is_pressed(world: World, desk: Desk, open_screen: Open) -> None:
    app = filled(open_screen, desk.actions.get("set_agent_unavailable_desk"))
    button(app, "Execute").click().run()
    assert any(f"for **{AGENT.name}" in warning.value for warning in app.warning)
    first = button(app, "Execute now")
    first.click().run()
    assert "It worked" in words(app)
    assert sent(world) == ["execute"]
    assert world.tenant.states.status(AGENT) == ("unavailable", "maintenance_window")
    button(app, "Execute").click().run()
    again = button(app, "Execute now")
    assert again.key != first.key


def test_an_input_that_is_missing_is_named_and_nothing_is_sent(world: World, action: DataAction, open_screen: Open) -> None:
    app = opened(open_screen, action)
    button(app, "Execute").click().run()
    button(app, "Execute now").click().run()
    assert sent(world) == []
    assert "userId" in words(app)
    assert not app.exception


def test_a_name_that_several_have_is_asked_about(world: World, desk: Desk, action: DataAction, open_screen: Open) -> None:
    several = next(one for one in PEOPLE if len(desk.agents.search(one.name.split()[0])) > 1)
    app = filled(open_screen, action, several.name.split()[0])
    button(app, "Execute").click().run()
    button(app, "Execute now").click().run()
    assert sent(world) == []
    assert f"matches {several.name.split()[0]}" in words(app)


def test_a_viewer_may_look_and_not_execute(real_desk: Desk, open_screen: Open) -> None:
    app = open_screen("data_actions", user=somebody(), action=real_desk.actions.get("set_agent_unavailable").id)
    assert not app.exception
    assert "WFM_SUPERVISORS" in words(app)
    assert button(app, "Execute").disabled
    app.session_state["action-ask"] = "execute"
    assert "Execute now" not in {found.label for found in app.run().button}


def test_no_action_says_what_it_takes(world: World, desk: Desk, open_screen: Open) -> None:
    none = {"entities": [], "pageSize": 100, "pageNumber": 1, "total": 0, "pageCount": 0}
    world.network.answers["GET /api/v2/integrations/actions"] = (200, none)
    inside(desk).connections.forget_reads()
    assert "integrations:action:view" in words(open_screen("data_actions"))


def test_actions_that_can_not_be_read_are_a_sentence(world: World, desk: Desk, open_screen: Open) -> None:
    world.network.down = True
    inside(desk).connections.forget_reads(tokens=True)
    app = open_screen("data_actions")
    assert not app.exception
    assert "The tenant can't be reached" in words(app)
    world.network.down = False
    button(app, "Try again").click().run()
    assert app.dataframe


def test_an_address_of_an_action_that_is_gone_is_said(desk: Desk, open_screen: Open) -> None:
    app = open_screen("data_actions", action="gone")
    assert "does not exist here: gone" in words(app)
    assert app.dataframe
