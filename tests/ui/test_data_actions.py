"""The Data Actions screen and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open
from tests.ui.fakes_history import (
    HistoryDesk,
    a_failed_test,
    a_real_tenant,
    a_run,
    an_action,
    an_exchange,
    somebody,
    tables,
    words,
)
from wfm.desk.values import ActionResult
from wfm.domain.errors import BadInput, DeskError
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


@pytest.fixture
def desk(serve: Callable[[Any], Any]) -> HistoryDesk:
    run = a_run(operation_id=None, operation_title="", route="data_action", action=ACTION.name)
    made: HistoryDesk = serve(
        HistoryDesk(tenant_actions=(ACTION, an_action("set_agent_available", "desk")), action_result=a_failed_test(run))
    )
    return made


def acted(desk: HistoryDesk) -> list[tuple[Any, ...]]:
    return [call for call in desk.calls if call[0] in ("test_action", "execute_action")]


def opened(open_screen: Open) -> AppTest:
    return open_screen("data_actions", action=ACTION.id)


def button(app: AppTest, label: str) -> Any:
    return next(found for found in app.button if found.label == label)


def test_the_actions_are_listed_and_one_shows_its_contract(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("data_actions")
    assert not app.exception
    assert list(app.dataframe[0].value["name"]) == ["set_agent_unavailable", "set_agent_available"]
    app = opened(open_screen)
    assert "available or unavailable" in tables(app)
    assert any("${input.userId}" in block.value for block in app.code)
    assert "credentials of its own integration" in words(app)


def test_a_test_shows_its_steps_and_that_200_is_no_success(desk: HistoryDesk, open_screen: Open) -> None:
    app = opened(open_screen)
    app.text_input(key=f"input-{ACTION.id}-userId").set_value("a0003").run()
    assert "Dmitri" in words(app)
    button(app, "Test").click().run()
    assert acted(desk) == []
    button(app, "Test now").click().run()
    assert acted(desk) == [
        ("test_action", ACTION.id, {"userId": "a0003", "reason": "maintenance_window", "status": "unavailable"})
    ]
    text = words(app)
    assert "although the answer is HTTP 200" in text
    assert "may read schedules but not update them" in text
    assert "Execute request" in tables(app)


def test_execute_runs_once_however_often_its_button_is_pressed(desk: HistoryDesk, open_screen: Open) -> None:
    run = a_run(outcome=Outcome.APPLIED)
    desk.action_result = ActionResult(
        success=True, status=200, result="{}", steps=(), diagnosis=None, exchanges=(an_exchange(run),), run=run
    )
    app = opened(open_screen)
    app.text_input(key=f"input-{ACTION.id}-userId").set_value("a0003").run()
    button(app, "Execute").click().run()
    assert any("for **Dmitri" in warning.value for warning in app.warning)
    first = button(app, "Execute now")
    first.click().run()
    assert "It worked" in words(app)
    assert len(acted(desk)) == 1
    button(app, "Execute").click().run()
    again = button(app, "Execute now")
    assert again.key != first.key


def test_an_input_that_is_missing_is_named_and_nothing_is_sent(desk: HistoryDesk, open_screen: Open) -> None:
    app = opened(open_screen)
    button(app, "Execute").click().run()
    button(app, "Execute now").click().run()
    assert acted(desk) == []
    assert "userId" in words(app)
    assert not app.exception


def test_a_name_that_several_have_is_asked_about(desk: HistoryDesk, open_screen: Open) -> None:
    app = opened(open_screen)
    app.text_input(key=f"input-{ACTION.id}-userId").set_value("Aylin").run()
    button(app, "Execute").click().run()
    button(app, "Execute now").click().run()
    assert acted(desk) == []
    assert "matches Aylin" in words(app)


def test_a_viewer_may_look_and_not_execute(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(a_real_tenant(tenant_actions=(ACTION,)))
    app = open_screen("data_actions", user=somebody(), action=ACTION.id)
    assert not app.exception
    assert "WFM_SUPERVISORS" in words(app)
    assert button(app, "Execute").disabled
    app.session_state["action-ask"] = "execute"
    assert "Execute now" not in {found.label for found in app.run().button}


def test_no_action_says_what_it_takes(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(HistoryDesk())
    assert "integrations:action:view" in words(open_screen("data_actions"))


def test_actions_that_can_not_be_read_are_a_sentence(desk: HistoryDesk, open_screen: Open) -> None:
    desk.actions_error = DeskError("The tenant does not answer.")
    app = open_screen("data_actions")
    assert not app.exception
    assert "does not answer" in words(app)
    desk.actions_error = None
    button(app, "Try again").click().run()
    assert app.dataframe


def test_an_address_of_an_action_that_is_gone_is_said(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("data_actions", action="gone")
    assert "does not exist here: gone" in words(app)
    assert app.dataframe
