"""What the cells of a file say of its columns: whose column holds the agents, which one the statuses; and a doubt is said."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.files.imports.support import AT, csv_of, fresh, lines_of

BO, KIM = "bo.lindqvist@acme.example", "kim.becker@acme.example"
BO_ID, KIM_ID = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TENANT = {BO: BO_ID, KIM: KIM_ID, BO_ID: BO_ID, KIM_ID: KIM_ID, "Bo Lindqvist": BO_ID, "Kim Becker": KIM_ID}


def known(cell: str) -> str:
    return TENANT.get(cell, "")


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("Evaluator Name,Customer Service Representative", f"Kim Becker,{BO}"),
        ("Assigned Agent,Site", f"{BO},Malmö"),
        ("Kundenberater,Ort", f"{BO},Malmö"),
        ("Supervisor,Login", f"{KIM},{BO}"),
        ("Requested By User,Target User Id", f"{KIM},{BO_ID}"),
        ("Changed By,Entity Id", f"{KIM},{BO_ID}"),
        ("initiator.userId,target.userId", f"{KIM_ID},{BO_ID}"),
    ],
)
def test_the_agent_of_a_table_is_never_who_did_it(head: str, cells: str) -> None:
    runs, problems = csv_of(f"Time,{head},Status\n{AT},{cells},403\n", fresh(known=known))
    assert problems == {}
    assert [(known(run.agent_id), run.status) for run in runs] == [(BO_ID, 403)]


@pytest.mark.parametrize(
    "members",
    [
        {"targetUserId": BO_ID},
        {"assignedAgent": {"id": BO_ID}},
        {"detail": {"user": {"id": BO_ID, "name": "Bo Lindqvist"}}},
        {"detail": {"eventBody": {"userId": BO_ID}}},
        {"initiator": {"userId": KIM_ID}, "target": {"userId": BO_ID}},
        {"createdBy": {"user": {"id": KIM_ID}}, "subject": {"ref": BO_ID}},
    ],
)
def test_the_agent_of_lines_is_found_by_the_cells(members: Mapping[str, object]) -> None:
    text = "\n".join(json.dumps({"time": AT, **members, "httpStatus": status}) for status in (403, 200))
    runs, problems = lines_of(text, fresh(known=known))
    assert problems == {}
    assert [(run.agent_id, run.status) for run in runs] == [(BO_ID, 403), (BO_ID, 200)]


@pytest.mark.parametrize("head", ["User,Target", "Name,Person", "Yksi,Kaksi"])
def test_where_two_columns_may_be_the_agent_neither_is_taken_and_it_is_said(head: str) -> None:
    context = fresh(known=known)
    runs, _ = csv_of(f"Time,{head},Status\n{AT},{KIM},{BO},403\n", context)
    assert [run.agent_id for run in runs] == ["unknown"]
    first, second = head.split(",")
    assert any(f"“{first}” and “{second}”" in note and "neither is taken" in note for note in context.notes)
    chosen = fresh(known=known, mapping={"time": "Time", "agent": second, "status": "Status"})
    assert [run.agent_id for run in csv_of(f"Time,{head},Status\n{AT},{KIM},{BO},403\n", chosen)[0]] == [BO]


def test_a_column_of_other_people_beside_the_agent_is_said() -> None:
    context = fresh(known=known)
    runs, _ = csv_of(f"Time,Name,Agent,Status\n{AT},Kim Becker,Bo Lindqvist,403\n", context)
    assert [run.agent_id for run in runs] == ["Bo Lindqvist"]
    assert context.notes == [
        "“Name” holds other people than “Agent”, which is taken as the agent. Choose another if it is not."
    ]


def test_the_same_person_in_two_columns_is_no_doubt() -> None:
    context = fresh(known=known)
    csv_of(f"Time,User,Email,Contact\n{AT},{BO_ID},{BO},Bo Lindqvist\n", context)
    assert context.notes == []


@pytest.mark.parametrize(
    "members",
    [
        {"status": "failed", "http": {"status": 403}},
        {"status": "error", "error": {"status": 403, "code": "forbidden"}},
        {"status": "failed", "httpStatus": "403 Forbidden"},
        {"status": "failed", "result": {"response": {"statusCode": 403}}},
    ],
)
def test_the_status_is_the_member_whose_value_is_one(members: Mapping[str, object]) -> None:
    line = json.dumps({"time": AT, "agentEmail": BO, **members})
    runs, _ = lines_of(line)
    assert [(run.status, run.outcome) for run in runs] == [(403, "failed")]
    mixed, _ = lines_of("\n".join([json.dumps({"time": AT, "agentEmail": BO, "status": 200}), line]))
    assert [run.status for run in mixed] == [200, 403]


def test_the_status_is_the_column_whose_cells_are_statuses() -> None:
    runs, _ = csv_of(f"time,Agent Email,status,http.status\n{AT},{BO},failed,403\n{AT},{KIM},ok,200\n")
    assert [(run.status, run.outcome) for run in runs] == [(403, "failed"), (200, "applied")]


def test_the_status_is_found_in_an_object_in_a_cell() -> None:
    runs, problems = csv_of(f'time,agentEmail,http\n{AT},{BO},"{{""status"":403}}"\n{AT},{KIM},{{broken\n')
    assert problems == {}
    assert [(run.agent_id, run.status) for run in runs] == [(BO, 403), (KIM, None)]
