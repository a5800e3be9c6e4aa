"""Route data_action: what the contract takes and nothing else; undone by the counterpart or by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.routes.conftest import NOW
from tests.support.fake_sender import FakeSender, Sent, refused
from wfm.domain.errors import Refused
from wfm.domain.operations import Phase
from wfm.domain.plans import RouteName
from wfm.domain.windows import Window
from wfm.routes import Task, Verdict, by_name
from wfm.routes.data_action import DataActionRoute, contract_inputs, request_behind

ROUTE = DataActionRoute()
EXECUTE = "POST /api/v2/integrations/actions/{actionId}/execute"
READ = "GET /api/v2/integrations/actions/{actionId}"
ATask = Callable[..., Task]


def contract(*names: str, form: str = "inputSchema") -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in names}
    return {"name": "set_agent_unavailable", "contract": {"input": {form: {"properties": properties}}}}


@pytest.mark.parametrize(
    ("names", "body"),
    [
        (("userId", "status", "reason"), {"userId": "u 1", "status": "unavailable", "reason": "upgrade"}),
        (("userId",), {"userId": "u 1"}),
        (("UserID", "Reason"), {"UserID": "u 1", "Reason": "upgrade"}),
        (("agent_id", "status", "colour"), {"agent_id": "u 1", "status": "unavailable"}),
    ],
)
def test_only_what_the_contract_takes_is_sent(a_task: ATask, names: tuple[str, ...], body: dict[str, str]) -> None:
    sender = FakeSender(lambda sent: contract(*names) if sent.call == READ else {})
    task = a_task(route=RouteName.DATA_ACTION, action_id="out")
    prepared = ROUTE.prepare(sender, task.operation, Phase.APPLY)
    assert prepared.action == "set_agent_unavailable"
    ROUTE.apply(sender, a_task(route=RouteName.DATA_ACTION, action_id="out", inputs=prepared.inputs))
    assert [(one.call, one.path) for one in sender.sent] == [(READ, {"actionId": "out"}), (EXECUTE, {"actionId": "out"})]
    assert sender.sent[-1].body == body


def test_a_contract_that_may_not_be_read_does_not_stop_the_execution(a_task: ATask) -> None:
    def answer(sent: Sent) -> Any:
        if sent.call == READ:
            raise refused(READ, 403)
        return {}

    task = a_task(route=RouteName.DATA_ACTION, action_id="out")
    prepared = ROUTE.prepare(FakeSender(answer), task.operation, Phase.APPLY)
    assert prepared.inputs is None
    sender = FakeSender(answer)
    ROUTE.apply(sender, task)
    assert sender.sent[0].body == {"userId": "u 1", "status": "unavailable", "reason": "upgrade"}


def test_undone_by_the_counterpart(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: {})
    task = a_task(
        Phase.RESTORE, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in", inputs=frozenset({"userId"})
    )
    ROUTE.restore(sender, task)
    assert (sender.sent[0].path, sender.sent[0].body) == ({"actionId": "in"}, {"userId": "u 1"})


def test_undone_by_itself_where_it_takes_a_status(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: {})
    inputs = frozenset({"userId", "status"})
    ROUTE.restore(sender, a_task(Phase.RESTORE, route=RouteName.DATA_ACTION, action_id="out", inputs=inputs))
    assert (sender.sent[0].path, sender.sent[0].body) == ({"actionId": "out"}, {"userId": "u 1", "status": "available"})


@pytest.mark.parametrize(("required", "taken"), [([], {"userId", "status"}), (["reason"], {"userId", "status", "reason"})])
def test_our_reason_is_not_given_for_being_back_unless_required(a_task: ATask, required: list[str], taken: set[str]) -> None:
    action = contract("userId", "status", "reason")
    action["contract"]["input"]["inputSchema"]["required"] = required
    task = a_task(Phase.RESTORE, route=RouteName.DATA_ACTION, action_id="out", restore_action_id="in")
    sender = FakeSender(lambda sent: action)
    assert ROUTE.prepare(sender, task.operation, Phase.RESTORE).inputs == frozenset(taken)
    assert sender.sent[0].path == {"actionId": "in"}


def test_an_action_without_a_way_back_is_refused_rather_than_run_again(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: {})
    task = a_task(Phase.RESTORE, route=RouteName.DATA_ACTION, action_id="out", inputs=frozenset({"userId"}))
    with pytest.raises(Refused, match="can't be undone"):
        ROUTE.restore(sender, task)
    assert sender.sent == []


def test_it_can_t_read_back(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: {})
    assert ROUTE.read_back(sender, a_task(route=RouteName.DATA_ACTION)).verdict is Verdict.UNKNOWN
    assert not ROUTE.reads_back
    assert sender.sent == []


@pytest.mark.parametrize("action", [None, {}, {"contract": None}, {"contract": {"input": {}}}, [], "x"])
def test_answers_without_a_contract(action: Any) -> None:
    assert contract_inputs(action) is None


def test_the_flattened_contract_wins() -> None:
    both = contract("nested")
    both["contract"]["input"]["inputSchemaFlattened"] = {"properties": {"userId": {}}}
    assert contract_inputs(both) == frozenset({"userId"})


def test_offered_for_now_and_later() -> None:
    assert ROUTE.offer(Window(start=NOW, end=NOW + timedelta(hours=1), zone="UTC"), NOW, None).offered
    assert not ROUTE.offer(Window(start=NOW - timedelta(hours=1), end=NOW, zone="UTC"), NOW, None).offered


def test_every_route_has_its_name() -> None:
    assert {by_name(name).name for name in RouteName} == set(RouteName)


@pytest.mark.parametrize(
    ("verb", "url", "behind"),
    [
        ("PATCH", "/api/v2/wfm/users/${input.userId}/availability", "PATCH /api/v2/wfm/users/{userId}/availability"),
        ("get", "/api/v2/users/$!{input.id}?expand=team", "GET /api/v2/users/{id}"),
        ("", "/api/v2/users", None),
        (None, None, None),
    ],
)
def test_the_request_behind_an_action_is_read_from_its_configuration(verb: object, url: object, behind: str | None) -> None:
    assert request_behind({"config": {"request": {"requestType": verb, "requestUrlTemplate": url}}}) == behind
    assert request_behind({"name": "built in"}) is None
