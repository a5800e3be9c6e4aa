"""`python -m wfm diagnose`: a file for people, lines for programs, and what becomes of lines that can't be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wfm.cli import main
from wfm.diagnosis.jsonl import MEMBERS

BODY = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'
CALL = "PATCH /api/v2/wfm/users/{userId}/availability"


def run(*arguments: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["diagnose", *arguments], input=given)


def lines_of(*cases: object) -> bytes:
    return b"".join(case if isinstance(case, bytes) else json.dumps(case).encode() + b"\n" for case in cases)


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_is_explained_to_people(tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    file.write_text(f"PATCH /api/v2/wfm/users/1/availability\nHTTP/1.1 403 Forbidden\n\n{BODY}")
    result = run(str(file))
    assert result.exit_code == 0
    assert result.stdout.startswith("What        missing scope (HTTP 403, forbidden)\n")
    assert "Fix         Add wfm:schedule:update to the OAuth client." in result.stdout
    assert "/api/v2/wfm/users/1/availability is not in Genesys's published API; nearest: " in result.stdout


def test_status_and_call_from_outside_count() -> None:
    found = answers(run("--status", "403", "--call", CALL, "--json", given=BODY))
    assert [(one["kind"], one["missing"]) for one in found] == [("missing_scope", ["wfm:schedule:update"])]
    assert list(found[0]) == list(MEMBERS)


def test_an_empty_answer_needs_a_status() -> None:
    assert run("-", given="").exit_code == 2
    result = run("-", "--status", "503", "--json", given="")
    assert result.exit_code == 0
    assert answers(result)[0]["kind"] == "upstream_unavailable"


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\xf0\x28\x8c\x28", bytes(range(256)), b"[" * 100_000, b'{"a":' * 100_000])
def test_any_bytes_are_taken(body: bytes) -> None:
    for arguments in ((), ("--json",)):
        result = run("-", *arguments, given=body)
        assert result.exit_code == 0
        assert result.exception is None
        assert result.stdout


def test_lines_are_answered_in_order() -> None:
    cases = [{"id": number, "http_status": status, "body": ""} for number, status in enumerate((401, 403, 404, 409, 429))]
    result = run("--jsonl", "-", given=b"\xef\xbb\xbf" + lines_of(*cases[:2], b"\n", *cases[2:]))
    assert result.exit_code == 0
    found = answers(result)
    assert [one["id"] for one in found] == [0, 1, 2, 3, 4]
    assert [one["kind"] for one in found][3:] == ["conflict", "rate_limited"]
    assert all(list(one) == list(MEMBERS) for one in found)


def test_a_line_that_can_t_be_read_stops_nothing() -> None:
    good = {"id": "a", "http_status": 429, "body": ""}
    deep = b"[" * 100_000 + b"\n"
    result = run("--jsonl", "-", given=lines_of(good, b"{not json\n", b"[1]\n", b"\xff\xfe\n", deep, {**good, "id": "b"}))
    found = answers(result)
    assert [one["id"] for one in found] == ["a", None, None, None, None, "b"]
    assert [one["kind"] for one in found] == ["rate_limited", *["unparseable"] * 4, "rate_limited"]
    for number, one in enumerate(found[1:5], start=2):
        assert list(one) == list(MEMBERS)
        assert one["cause"].startswith(f"Line {number} was not read: ")
        assert one["rule"] is None
    assert result.exit_code == 0
    assert "4 of the lines could not be read" in result.stderr


def test_whatever_an_id_is_it_comes_back() -> None:
    ids = ["\ud800", "ü", 7, None, {"a": [1]}]
    found = answers(run("--jsonl", "-", given=lines_of(*({"id": one, "http_status": 500} for one in ids))))
    assert [one["id"] for one in found] == ids


def test_a_file_of_lines_is_explained_to_people_too() -> None:
    cases = (
        {"id": "a", "http_status": 429, "body": ""},
        b"{torn\n",
        {"id": "b", "http_status": 404, "headers": {}, "body": "{}"},
    )
    result = run("-", given=lines_of(*cases))
    first, second, third = result.stdout.split("\n\n")
    assert first.startswith("a\nWhat        rate limited")
    assert second.startswith("Line 2 was not read: ")
    assert third.startswith("b\nWhat        not found")
    assert result.exit_code == 0


def test_a_payload_that_has_a_body_of_its_own_is_a_payload() -> None:
    assert run("-", given=b'{"body": "{\\"code\\":\\"too.many.requests\\"}", "statusCode": 429}').stdout.startswith(
        "What        rate limited"
    )
