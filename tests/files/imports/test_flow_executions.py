"""Flow execution data of several makes: the published skeleton, inputs and outputs as lists or objects, broken files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.imports.support import flow_of, fresh
from wfm.domain.imported_runs import Unreadable
from wfm.files.imports import read_flow_data

ACTION = "set_agent_unavailable"
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access", "status": 403}'


def called(n: int, user: str = "u1", **more: Any) -> dict[str, Any]:
    """A data action as an execution item: the published members, and its inputs as a list."""
    item: dict[str, Any] = {
        "actionId": "a-1",
        "actionName": ACTION,
        "dateTime": f"2026-11-20T10:00:{n:02d}.642Z",
        "execution": [],
        "executionId": f"e-{n}",
        "outputPathId": "__SUCCESS__",
        "trackingId": n,
        "inputs": [{"name": "userId", "value": user}, {"name": "status", "value": "unavailable"}],
    }
    return {"actionCallData": {**item, **more}}


def flow(*execution: Any, **more: Any) -> dict[str, Any]:
    return {
        "flow": {
            "conversationId": "conv-1",
            "division": {"id": "d-1"},
            "endDateTime": "2026-11-20T10:09:50.495Z",
            "id": "instance-1",
            "name": "Night shift",
            "execution": [{"startedFlow": {"dateTime": "2026-11-20T09:59:59.000Z", "variables": []}}, *execution],
            **more,
        }
    }


def test_one_action_that_worked() -> None:
    runs, problems = flow_of(json.dumps(flow(called(1, outputs=[{"name": "status", "value": "unavailable"}]))))
    assert problems == {}
    (run,) = runs
    assert (run.agent_id, run.action, run.outcome, run.status, run.via, run.route) == (
        *("u1", ACTION, "applied", None, "data_action", "data_action"),
    )
    assert (run.time.second, run.time.microsecond, run.correlation_id, run.note) == (1, 642000, "conv-1", "flow Night shift")
    assert json.loads(run.request) == {"userId": "u1", "status": "unavailable"}
    assert json.loads(run.response) == {"status": "unavailable"}


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"outputPathId": "__FAILURE__"}, None, ""),
        ({"outputPath": "Timeout"}, None, ""),
        ({"error": {"reason": "dataActionError", "executionId": "e-1"}}, None, "dataActionError"),
        ({"errors": [{"code": "forbidden", "status": 403, "message": "Insufficient permissions"}]}, 403, "forbidden"),
        ({"outputs": {"errorCode": "forbidden", "errorMessage": "no", "status": "403"}}, 403, "forbidden"),
        ({"outputVariables": [{"name": "errorCode", "value": "x"}], "outputPathId": "failure"}, None, "x"),
    ],
)
def test_an_action_that_failed_is_seen_however_it_is_told(more: dict[str, Any], status: int | None, code: str) -> None:
    (run,), problems = flow_of(json.dumps(flow(called(1, **more))))
    assert (run.outcome, run.status, run.code, problems) == ("failed", status, code, {})


def test_a_message_alone_is_the_payload_that_it_holds() -> None:
    (run,), _ = flow_of(json.dumps(flow(called(1, eventError=[{"message": FORBIDDEN}]))))
    assert (run.outcome, run.response) == ("failed", FORBIDDEN)


def test_loops_and_retries_are_runs_of_their_own() -> None:
    again = [called(n, dateTime="2026-11-20T10:00:00.000Z") for n in range(3)]  # one instant, three executions
    loop = {
        "actionLoop": {
            "dateTime": "2026-11-20T10:00:00Z",
            "execution": [*again, {"actionDecision": {"execution": [called(4)]}}],
        }
    }
    text = json.dumps(flow(loop))
    runs, problems = flow_of(text)
    assert ([run.line for run in runs], problems) == ([1, 2, 3, 4], {})
    assert len({run.digest for run in runs}) == 4
    assert [run.digest for run in runs] == [run.digest for run in flow_of(text)[0]]


def test_what_an_action_calls_within_itself_is_seen_too() -> None:
    outer = called(1)
    outer["actionCallData"]["execution"] = [called(2, user="u2")]
    assert [run.agent_id for run in flow_of(json.dumps(flow(outer)))[0]] == ["u1", "u2"]


def test_missing_parts_are_looked_for_around() -> None:
    bare = {"actionCallDataAction": {"executionInputOutputs": {"inputs": {"USER_ID": {"value": "u5"}}}}}
    document = {"entities": [{"flowName": "Old", "startDateTime": "2026-11-19T08:00:00Z", "executionItems": [bare]}]}
    (run,), problems = flow_of(json.dumps(document))
    assert (run.agent_id, run.time.isoformat(), run.action, run.note) == (
        *("u5", "2026-11-19T08:00:00+00:00", "data action", "flow Old"),
    )
    assert problems == {}
    runs, problems = flow_of(json.dumps({"execution": [bare, called(1)]}))
    assert ([run.line for run in runs], list(problems)) == ([2], [1])
    assert "no time" in problems[1]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_that_breaks_off_is_read_up_to_there(cut: int) -> None:
    text = json.dumps(flow(*(called(n) for n in range(6))), indent=1)
    last = text.rindex('"actionCallData"')
    runs, problems = flow_of(text[: last + cut])
    # The sixth is half there: it may look as if it had worked, so it is left out.
    assert [run.line for run in runs] == [1, 2, 3, 4, 5]
    ((line, why),) = problems.items()
    assert "breaks off" in why
    assert abs(line - text[: last + cut].count("\n") - 1) <= 5


def test_a_file_damaged_in_the_middle_is_read_up_to_there() -> None:
    text = json.dumps(flow(*(called(n) for n in range(6))))
    damaged = text.replace('"e-3"', '"e-3" oops')
    runs, problems = flow_of(damaged)
    assert ([run.line for run in runs][:3], len(problems)) == ([1, 2, 3], 1)


def test_several_documents_in_one_file() -> None:
    runs, problems = flow_of("\n".join(json.dumps(flow(called(n), id=f"i-{n}")) for n in range(3)))
    assert ([run.time.second for run in runs], problems) == ([0, 1, 2], {})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    assert len(flow_of(json.dumps(flow(called(1))).encode(encoding))[0]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '"text"',
        json.dumps({"schemaVersion": "99", "steps": [{"kind": "http", "took": 3}]}),
        json.dumps(flow()),
        json.dumps({"dataActions": [1, 2, {"x": None}], "execution": {"a": {"b": []}}}),
    ],
)
def test_another_version_or_nothing_called_is_said(text: str) -> None:
    runs, problems = flow_of(text)
    assert (runs, list(problems)) == ([], [1])
    assert "no data action" in problems[1]


@pytest.mark.parametrize("text", ["no json", "<html>", "\x00\x01", "{'a': 1}"])
def test_what_is_no_json_is_said(text: str) -> None:
    assert flow_of(text) == ([], {1: "The file is no JSON."})


def test_depth_is_bounded() -> None:
    assert flow_of('{"execution": ' + "[" * 200_000)[0] == []
    deep: Any = called(1)
    for _ in range(400):
        deep = [deep]
    assert len(flow_of(json.dumps(flow(deep)))[0]) == 1


def test_a_document_of_one_endless_text_is_read_in_time() -> None:
    text = '{"execution": [' + json.dumps(called(1)) + ', {"note": "' + 'x\\"' * 2_000_000
    assert [run.line for run in flow_of(text)[0]] == [1]
    whole = json.dumps(flow(called(1), note='x"' * 2_000_000))
    assert [run.line for run in flow_of(whole[:-1])[0]] == [1]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "actionCallData",
                    "execution",
                    "inputs",
                    "outputs",
                    "error",
                    "errors",
                    "dateTime",
                    "name",
                    "outputPathId",
                    "actionType",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.integers(0, 400))
def test_no_shape_breaks_the_reading(value: Any, cut: int) -> None:
    text = json.dumps({"actionCallData": value, "execution": [value, {"actionCallData": value}]})
    for document in (text, text[:cut]):
        for run in read_flow_data(document.encode(), fresh(zone="UTC")):
            assert isinstance(run, Unreadable) or len(run.digest) == 40
