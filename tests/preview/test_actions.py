"""Which Data Action a plan runs, whether it can, and what takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.preview_world import Room, ask, token
from wfm.domain.errors import BadInput
from wfm.domain.plans import LaneName, LaneState, RouteName
from wfm.preview.actions import choose

STATUS_TEMPLATE = '{"status": "${input.status}", "reason": "${input.reason}"}'


def action(name: str, integration: str = "int-1", **changes: Any) -> dict[str, Any]:
    template = changes.pop("template", STATUS_TEMPLATE)
    inputs = changes.pop("inputs", ("userId", "status", "reason"))
    required = changes.pop("required", ("userId",))
    return {
        "id": changes.pop("id", f"custom_-_{name}"),
        "name": name,
        "integrationId": integration,
        "config": {
            "request": {
                "requestType": "PATCH",
                "requestUrlTemplate": changes.pop("url", "/api/v2/wfm/users/${input.userId}/availability"),
                "requestTemplate": template,
            }
        },
        "contract": {
            "input": {"inputSchema": {"properties": {key: {"type": "string"} for key in inputs}, "required": list(required)}}
        },
        **changes,
    }


OUT, BACK = action("set_agent_unavailable"), action("set_agent_available")
FIXED = action("set_agent_unavailable", template='{"status": "unavailable"}')


def test_by_name_or_id_whatever_the_case() -> None:
    for word in ("set_agent_unavailable", " SET_AGENT_UNAVAILABLE ", "custom_-_set_agent_unavailable"):
        assert choose(word, [OUT, BACK]).id == "custom_-_set_agent_unavailable"


@pytest.mark.parametrize("word", [None, "", "  ", "set_agent", "custom_-_x"])
def test_no_or_unknown_action_is_refused_with_those_there_are(word: str | None) -> None:
    with pytest.raises(BadInput, match=r"^action(: | is missing).*set_agent_available, set_agent_unavailable") as refused:
        choose(word, [OUT, BACK])
    assert refused.value.field == "action"


def test_a_tenant_without_actions_says_so() -> None:
    with pytest.raises(BadInput, match="none that the token may see"):
        choose("x", [])


def test_a_name_of_two_actions_is_refused_with_their_ids() -> None:
    with pytest.raises(BadInput, match="one or two"):
        choose("set_agent_unavailable", [{**OUT, "id": "one"}, {**OUT, "id": "two", "integrationId": "int-2"}])


@pytest.mark.parametrize(
    ("chosen", "others", "restored_by"),
    [
        (OUT, [BACK], "custom_-_set_agent_available"),
        (FIXED, [BACK], "custom_-_set_agent_available"),
        (OUT, [], "custom_-_set_agent_unavailable"),  # takes a status and uses it: its own counterpart
        (FIXED, [], None),  # takes a status and ignores it
        (
            action("Agent Unavailable", inputs=("userId",), template="{}"),
            [action("Agent Available")],
            "custom_-_Agent Available",
        ),
        (action("take_out", inputs=("userId",)), [], None),
        (action("take_out", template="${input.rawRequest}"), [], "custom_-_take_out"),
        (action("take_out", template=""), [], "custom_-_take_out"),  # its template can't be seen, its contract takes a status
        (OUT, [action("set_agent_available", integration="int-2")], "custom_-_set_agent_available"),
        (
            OUT,
            [action("set_agent_available", "int-2", id="far"), action("set_agent_available", id="near")],
            "near",
        ),
        (
            OUT,  # two counterparts elsewhere: which one is meant can't be told, so its own status is taken
            [action("set_agent_available", "int-2", id="a"), action("set_agent_available", "int-3", id="b")],
            "custom_-_set_agent_unavailable",
        ),
    ],
)
def test_what_takes_it_back(chosen: Mapping[str, Any], others: list[Mapping[str, Any]], restored_by: str | None) -> None:
    assert choose(str(chosen["id"]), [chosen, *others]).restore_id == restored_by


@pytest.mark.parametrize(
    ("inputs", "required", "accepted"),
    [
        (("userId", "queueId"), ("userId", "queueId"), "not queueId"),
        (("status",), (), "an input userId"),
    ],
)
def test_an_action_the_desk_can_not_fill_is_refused(inputs: tuple[str, ...], required: tuple[str, ...], accepted: str) -> None:
    with pytest.raises(BadInput, match=accepted):
        choose("a", [action("a", inputs=inputs, required=required)])


def test_inputs_are_understood_as_the_route_understands_them() -> None:
    assert choose("a", [action("a", inputs=("agent_id", "Status"), required=("agent_id",))]).id == "custom_-_a"


def test_a_contract_that_can_not_be_read_is_no_reason_to_refuse() -> None:
    assert choose("a", [{"id": "1", "name": "a"}]).call is None


def test_the_preview_of_an_action(room: Room) -> None:
    room.reader.raw_actions = [OUT, BACK]
    preview = room.previewer.preview(ask(route=RouteName.DATA_ACTION, action="set_agent_unavailable"))
    assert (preview.action_id, preview.restore_action_id) == (
        "custom_-_set_agent_unavailable",
        "custom_-_set_agent_available",
    )
    execute, inner = preview.access[:2]
    assert execute.call == "POST /api/v2/integrations/actions/{actionId}/execute"
    assert execute.purposes == ("apply", "restore")
    assert inner.call == "PATCH /api/v2/wfm/users/{userId}/availability (inside set_agent_unavailable)"
    assert {verdict.state for verdict in inner.lanes.values()} == {LaneState.UNKNOWN}
    assert "own credentials" in inner.lanes[LaneName.SCOPE].evidence
    assert preview.can_apply
    unsure = next(finding for finding in preview.findings if finding.code == "access_unknown")
    assert "credentials decide" in unsure.detail
    assert "actions" in preview.as_of


def test_the_scopes_of_the_token_do_not_judge_the_inner_call(room: Room) -> None:
    room.reader.facts = token(("wfm:schedule:read",), role_divisions=(("role", "div-elsewhere"),))
    room.reader.raw_actions = [OUT, BACK]
    preview = room.previewer.preview(ask(route=RouteName.DATA_ACTION, action="set_agent_unavailable"))
    assert preview.can_apply
    assert len(preview.ready) == 6


def test_an_action_that_nothing_takes_back_is_refused(room: Room) -> None:
    room.reader.raw_actions = [FIXED]
    preview = room.previewer.preview(ask(route=RouteName.DATA_ACTION, action="set_agent_unavailable"))
    assert [code for code, _ in preview.refusals] == ["not_undoable"]
    assert "set_agent_unavailable" in preview.refusals[0][1]
    assert preview.restore_action_id is None


def test_another_action_is_another_plan(room: Room) -> None:
    room.reader.raw_actions = [OUT, BACK, action("set_agent_unavailable_desk"), action("set_agent_available_desk")]
    one, other = (
        room.previewer.preview(ask(route=RouteName.DATA_ACTION, action=name)).plan_id
        for name in ("set_agent_unavailable", "set_agent_unavailable_desk")
    )
    assert one != other
