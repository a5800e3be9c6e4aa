"""Which column of a file of runs means what: by its head, by the name of a nested member, by what stands in it."""

from __future__ import annotations

import json

import pytest

from tests.files.imports.support import AT, csv_of, fresh, lines_of
from wfm.domain.imported_runs import FIELDS
from wfm.files.imports import MEANINGS, columns_of_records, columns_of_table
from wfm.files.imports.column_mapping import mapping_for

BO, KIM = "bo.lindqvist@acme.example", "kim.becker@acme.example"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Time,Manager Email,Agent Email", {"time": "Time", "agent": "Agent Email"}),
        ("Time,Agent Email,Manager Email", {"time": "Time", "agent": "Agent Email"}),
        ("Time,User Email", {"time": "Time", "agent": "User Email"}),
        ("Time,queue id,queue name,member id", {"time": "Time", "agent_id": "member id"}),
        ("Time,E-Mail-Adresse", {"time": "Time", "agent": "E-Mail-Adresse"}),
        ("日時,ユーザーID", {"time": "日時", "agent_id": "ユーザーID"}),
        ("Time,Manager ID,Member ID,Member Name", {"time": "Time", "agent_id": "Member ID", "agent": "Member Name"}),
        ("time,http.status,http.url", {"time": "time", "status": "http.status", "call": "http.url"}),
        ("time,http_status,request_url", {"time": "time", "status": "http_status", "call": "request_url"}),
        (
            "@timestamp,user.id,http.response.status_code",
            {"time": "@timestamp", "agent_id": "user.id", "status": "http.response.status_code"},
        ),
        (
            "time,context.correlation_id,error.code",
            {"time": "time", "correlation_id": "context.correlation_id", "code": "error.code"},
        ),
        ("time,approved by,device.status", {"time": "time"}),
        ("time,agent,agent id", {"time": "time", "agent_id": "agent id", "agent": "agent"}),
    ],
)
def test_heads(head: str, expected: dict[str, str]) -> None:
    assert mapping_for(head.split(",")) == expected


@pytest.mark.parametrize(
    "nested",
    [
        {"http": {"status": 403}},
        {"http": {"response": {"status_code": 403}}},
        {"response": {"status": 403, "body": "no"}},
        {"error": {"status": 403, "message": "no"}},
        {"http.status": 403},
        {"http_status": "403"},
    ],
)
def test_a_status_is_found_in_a_nested_member(nested: dict[str, object]) -> None:
    runs, problems = lines_of(json.dumps({"time": AT, "agent": {"id": GUID, "email": BO}, **nested}))
    assert problems == {}
    assert [(run.status, run.outcome, run.agent_id, run.agent) for run in runs] == [(403, "failed", GUID, BO)]


def test_nested_members_are_columns_that_can_be_chosen() -> None:
    line = json.dumps({"time": AT, "actor": {"ref": "u1"}, "response": {"code": "forbidden"}}).encode()
    assert columns_of_records(line)[0] == ("time", "actor", "response", "actor.ref", "response.code")
    runs, _ = lines_of(line, fresh(mapping={"time": "time", "agent_id": "actor.ref"}))
    assert [run.agent_id for run in runs] == ["u1"]


def test_an_answer_that_is_an_object_stays_whole() -> None:
    runs, _ = lines_of(json.dumps({"time": AT, "userId": "u1", "response": {"code": "forbidden", "message": "no"}}))
    assert json.loads(runs[0].response) == {"code": "forbidden", "message": "no"}


def test_members_without_end_are_looked_through_so_far() -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"http": deep, **{f"k{n}": {} for n in range(20)}}
    runs, problems = lines_of(json.dumps({"time": AT, "userId": "u1", "x": deep}))
    assert ([run.agent_id for run in runs], problems) == (["u1"], {})
    assert len(columns_of_records(json.dumps({"x": deep}).encode())[0]) < 300


def test_title_lines_above_the_head_are_left_out_and_said() -> None:
    text = f"Data Action report\nCreated by;{KIM}\n\nTime;Agent Email;http.status\n{AT};{BO};403\n"
    context = fresh()
    runs, problems = csv_of(text, context)
    assert problems == {}
    assert [(run.line, run.agent_id, run.status) for run in runs] == [(5, BO, 403)]
    assert any("Lines 1 to 2 stand above the head" in note for note in context.notes)
    assert columns_of_table(text.encode(), fresh())[0] == ("Time", "Agent Email", "http.status")


def test_a_first_line_with_a_time_in_it_is_no_title() -> None:
    runs, _ = csv_of(f"time,userId\n{AT},time\n{AT},u2\n")
    assert [run.agent_id for run in runs] == ["time", "u2"]


def test_columns_whose_heads_say_nothing_are_known_by_what_stands_in_them() -> None:
    rows = "".join(f"2026-11-20T10:0{n}:00Z,{KIM},{BO},{status}\n" for n, status in enumerate((403, 200, 429)))
    runs, problems = csv_of(f"Hetki,Esimies,Kuka,Tulos?\n{rows}")
    assert problems == {}
    assert [(run.agent_id, run.status) for run in runs] == [(BO, 403), (BO, 200), (BO, 429)]


def test_where_two_columns_hold_people_neither_is_guessed() -> None:
    runs, _ = csv_of(f"Hetki,Yksi,Kaksi\n{AT},{KIM},{BO}\n")
    assert [run.agent_id for run in runs] == ["unknown"]


def test_people_of_the_tenant_are_known_by_name() -> None:
    context = fresh(known=lambda cell: cell == "Aylin Şahin")
    runs, _ = csv_of(f"time,Who,Place\n{AT},Aylin Şahin,Malmö\n", context)
    assert [run.agent_id for run in runs] == ["Aylin Şahin"]


def test_every_field_of_a_run_has_names_of_columns() -> None:
    assert tuple(MEANINGS) == FIELDS
