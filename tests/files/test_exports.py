"""Exports: what a spreadsheet and a program get."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Exchange, Outcome, Phase, Run
from wfm.domain.spreadsheet_cells import safe_cell
from wfm.files.exports import COLUMNS, csv_lines, json_lines, run_payload

RUN = Run(
    id="run-1",
    tenant_key="127.0.0.1:8808|org",
    operation_id="op-1",
    operation_title="Database upgrade",
    phase=Phase.APPLY,
    agent_id="agent-1",
    agent_name="Aylin Şahin",
    route="availability",
    action=None,
    via="direct",
    call="PATCH /api/v2/wfm/users/{userId}/availability",
    outcome=Outcome.FAILED,
    status=403,
    code="forbidden",
    kind=Kind.MISSING_SCOPE,
    cause="The client may read but not update.",
    rule="brief-missing-scope",
    fingerprint="f00d",
    missing=("wfm:schedule:update", "wfm:schedule:write"),
    correlation_id="c-1",
    retryable=False,
    attempts=1,
    duration_ms=41,
    started_at=datetime(2026, 11, 23, 14, 30, 2, 5000, tzinfo=UTC),
    finished_at=None,
    example=True,
    note="",
)


def read_back(chunks: Iterator[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode("utf-8-sig"))))


def test_csv_gives_every_column_and_the_names_as_they_are() -> None:
    (row,) = read_back(csv_lines([RUN]))
    assert tuple(row) == COLUMNS
    assert row["agent"] == "Aylin Şahin"
    assert row["time"] == "2026-11-23T14:30:02.005Z"
    assert row["status"] == "403"
    assert row["missing"] == "wfm:schedule:update wfm:schedule:write"
    assert row["example"] == "true"
    assert row["finished"] == ""
    assert row["retryable"] == "false"


def test_csv_without_runs_still_says_its_columns() -> None:
    assert b"".join(csv_lines([])).decode("utf-8-sig").strip() == ",".join(COLUMNS)


@pytest.mark.parametrize("evil", ["=1+1", "+SUM(A1)", "-2", "@cmd", "\t=1", "\r=1", "  =1", "＝1", "\n=HYPERLINK(1)"])
def test_a_formula_becomes_text(evil: str) -> None:
    assert safe_cell(evil) == "'" + evil
    (row,) = read_back(csv_lines([replace(RUN, agent_name=evil, cause=evil, code=evil, note=evil, action=evil)]))
    for column in ("agent", "cause", "code", "note", "action"):
        assert row[column].startswith("'")


@given(st.text())
def test_no_cell_starts_like_a_formula(text: str) -> None:
    assert not safe_cell(text).lstrip().startswith(("=", "+", "-", "@"))


def test_quotes_commas_and_line_breaks_survive() -> None:
    cause = 'said "no", twice\nand again; ok'
    (row,) = read_back(csv_lines([replace(RUN, cause=cause)]))
    assert row["cause"] == cause


def test_secrets_do_not_leave_in_text() -> None:
    leaky = replace(RUN, cause="Bearer abcdefghijklmnop failed", note="client_secret=hunter2hunter2")
    for out in (b"".join(csv_lines([leaky])), b"".join(json_lines([leaky]))):
        assert b"abcdefghijklmnop" not in out
        assert b"hunter2" not in out


def test_jsonl_is_one_object_a_line() -> None:
    lines = b"".join(json_lines([RUN, replace(RUN, id="run-2", missing=())])).decode().splitlines()
    first, second = (json.loads(line) for line in lines)
    assert tuple(first) == COLUMNS
    assert first["missing"] == ["wfm:schedule:update", "wfm:schedule:write"]
    assert second["run"] == "run-2"
    # A program reads the name as it is: the apostrophe is for spreadsheets only.
    assert json.loads(b"".join(json_lines([replace(RUN, agent_name="=x")])))["agent"] == "=x"


def test_many_runs_come_in_chunks_and_are_read_one_by_one() -> None:
    taken = 0

    def many() -> Iterator[Run]:
        nonlocal taken
        for number in range(2_000):
            taken += 1
            yield replace(RUN, id=f"run-{number}")

    chunks = csv_lines(many())
    next(chunks)
    assert 0 < taken < 1_000
    rest = list(chunks)
    assert taken == 2_000
    assert max(len(chunk) for chunk in rest) < 130_000
    assert sum(1 for _ in json_lines(many())) > 5


def test_broken_text_does_not_stop_an_export() -> None:
    broken = replace(RUN, agent_name="lone \ud800 surrogate")
    assert b"lone" in b"".join(csv_lines([broken]))
    assert b"lone" in b"".join(json_lines([broken]))


def test_a_single_run_brings_its_attempts() -> None:
    exchange = Exchange(
        number=1,
        method="PATCH",
        url="https://api.example/api/v2/wfm/users/agent-1/availability",
        request_body='{"status": "unavailable"}',
        status=403,
        response_headers={"ININ-Correlation-Id": "c-1"},
        response_body='{"code": "forbidden"}',
        correlation_id="c-1",
        fault="",
        started_at=RUN.started_at,
        duration_ms=41,
    )
    payload = json.loads(json.dumps(run_payload(RUN, [exchange])))
    assert payload["run"] == "run-1"
    assert payload["exchanges"][0]["response_headers"] == {"ININ-Correlation-Id": "c-1"}
    assert payload["exchanges"][0]["started"] == "2026-11-23T14:30:02.005Z"
