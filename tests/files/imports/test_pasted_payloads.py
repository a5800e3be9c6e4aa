"""What people paste: several payloads, log lines, mails that quote, arrays, transcripts, Architect errors."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.imports.support import NOW, fresh, paste_of
from wfm.files.imports import read_payloads

FORBIDDEN = {"code": "forbidden", "message": "Insufficient permissions for resource access"}
ARCHITECT = {
    "errorCode": "bad.request",
    "status": 400,
    "correlationId": "7d1e9c52-0b5f-4a8e-9a5e-6a9f4f1c2b11",
    "userMessage": "The flow %{name} can't be published.",
    "userParams": [{"key": "name", "value": "Night"}],
}
USER = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def test_several_payloads_of_several_lines_in_one_paste() -> None:
    text = (
        json.dumps(FORBIDDEN, indent=2) + "\n\n\n" + json.dumps(ARCHITECT, indent=2) + json.dumps({"error": "invalid_client"})
    )
    runs, problems = paste_of(text)
    assert problems == {}
    assert [(run.line, run.code, run.status, run.outcome) for run in runs] == [
        (1, "forbidden", None, "failed"),
        (7, "bad.request", 400, "failed"),
        (18, "", None, "failed"),
    ]
    assert runs[1].correlation_id == ARCHITECT["correlationId"]
    assert json.loads(runs[1].response) == ARCHITECT
    assert not any(run.timed for run in runs)
    assert {run.time for run in runs} == {NOW}


def test_log_lines_with_json_in_them() -> None:
    text = (
        "2026-11-20T10:00:00.123Z INFO  starting\n"
        f"2026-11-20T10:00:01Z ERROR PATCH /api/v2/wfm/users/{USER}/availability HTTP/1.1 403 {json.dumps(FORBIDDEN)}\n"
        f'2026-11-20 10:00:02,500+00:00 WARN user_id={USER} status=429 {{"message": "Rate limit exceeded"}} retry\n'
        "2026-11-20T10:00:03Z ERROR request timed out, correlation-id: abcdef123456\n"
        "    at line 12\n"
        "2026-11-20T10:00:04Z DEBUG closing\n"
    )
    runs, problems = paste_of(text)
    assert [(run.line, run.status, run.time.second, run.agent_id, run.timed) for run in runs] == [
        (2, 403, 1, USER, True),
        (3, 429, 2, USER, True),
        (4, None, 3, "unknown", True),
    ]
    assert runs[0].call == f"PATCH /api/v2/wfm/users/{USER}/availability"
    assert (runs[2].correlation_id, "at line 12" in runs[2].response) == ("abcdef123456", True)
    assert sorted(problems) == [1, 6] or sorted(problems) == [1, 3, 6]
    assert "starting" in problems[1]


def test_a_mail_that_quotes() -> None:
    body = json.dumps(FORBIDDEN, indent=2)
    quoted = "\n".join(f"> > {line}" for line in body.splitlines())
    text = f"Hi Sam,\n\nthis came back from the flow:\n> HTTP 403\n{quoted}\n\nBest\nKim\n"
    runs, problems = paste_of(text)
    (run,) = runs
    assert (run.line, run.status, json.loads(run.response)) == (5, 403, FORBIDDEN)
    assert sorted(problems) == [1, 10]


def test_a_mail_with_the_quotes_of_a_word_processor() -> None:
    (run,), _ = paste_of("{“code”: “forbidden”, “message”: “no”}")
    assert run.code == "forbidden"


def test_an_array_of_payloads() -> None:
    (one, two), problems = paste_of(json.dumps([{**FORBIDDEN, "userId": "u1"}, {**ARCHITECT, "userId": "u2"}, 5]))
    assert (one.agent_id, two.agent_id, problems) == ("u1", "u2", {})


def test_records_with_a_time_and_a_body_within() -> None:
    record = {"timestamp": "2026-11-20T10:00:00Z", "userId": "u1", "status": 403, "response": json.dumps(FORBIDDEN)}
    (run,), problems = paste_of(json.dumps(record))
    assert (run.timed, run.agent_id, json.loads(run.response), problems) == (True, "u1", FORBIDDEN, {})


def test_a_transcript_of_curl() -> None:
    text = (
        f"> PATCH /api/v2/wfm/users/{USER}/availability HTTP/1.1\n> Host: api.example.com\n>\n"
        "< HTTP/1.1 403 Forbidden\n< ININ-Correlation-Id: 11112222-3333\n<\n" + json.dumps(FORBIDDEN) + "\n"
    )
    (run,), problems = paste_of(text)
    assert (run.status, run.correlation_id, run.agent_id, problems) == (403, "11112222-3333", USER, {})
    assert run.call.startswith("PATCH /api/v2/wfm/users/")


def test_headers_that_end_with_an_empty_line() -> None:
    (run,), problems = paste_of("HTTP/1.1 429 Too Many Requests\nRetry-After: 3\n\n" + json.dumps({"message": "slow down"}))
    assert (run.status, problems) == (429, {})


def test_sentences_without_json_are_answers_when_they_complain() -> None:
    runs, problems = paste_of("Hello\n\nResponse status 404: Resource not found\n\nThanks a lot\n")
    assert [(run.line, run.status, run.response) for run in runs] == [(3, 404, "Response status 404: Resource not found")]
    assert sorted(problems) == [1, 5]


def test_json_that_tells_no_error_is_named() -> None:
    runs, problems = paste_of('{"name": "Ann", "age": 5}\n{"success": true, "status": 200}')
    assert ([run.outcome for run in runs], list(problems)) == (["applied"], [1])
    assert "tells no error" in problems[1]


def test_a_payload_that_breaks_off_does_not_take_the_next_with_it() -> None:
    runs, problems = paste_of('{"code": "broken", "message": "ends he\n\n' + json.dumps(FORBIDDEN))
    assert [run.code for run in runs][-1] == "forbidden"
    assert len(runs) + len(problems) == 2


def test_pasting_twice_says_the_same_and_two_payloads_differ() -> None:
    text = json.dumps(FORBIDDEN) + "\n" + json.dumps(ARCHITECT)
    first = [run.digest for run in paste_of(text)[0]]
    later = [run.digest for run in paste_of(text, fresh(zone="UTC"))[0]]
    assert first == later
    assert len(set(first)) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_nothing_is_nothing(text: str) -> None:
    assert paste_of(text) == ([], {})


def test_a_long_text_is_read_in_time() -> None:
    text = "\n".join(f'2026-11-20T10:00:00Z ERROR {{"code": "c{n}", "message": "x"}}' for n in range(3_000))
    runs, problems = paste_of(text)
    assert (len(runs), problems) == (3_000, {})
    assert [run.line for run in runs] == list(range(1, 3_001))
    broken = '{"a": [' * 50_000
    assert len(paste_of(broken)[0]) <= 1


@pytest.mark.parametrize(
    "text",
    [
        " " * 3_000_000 + "x",
        '{"a\n' * 300_000,
        '{"a": [\n' * 300_000,
        '{"a": "' * 300_000,
        "> " * 1_000_000,
        "error 403\n" * 200_000,
        "[" * 1_000_000,
    ],
    ids=["blanks", "broken", "nested", "open text", "quotes", "one paragraph", "brackets"],
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    began = time.perf_counter()
    found = list(read_payloads(text, fresh()))
    assert time.perf_counter() - began < 30  # what grows with the square takes hours
    assert len(found) < 10_100


@given(st.text(st.sampled_from('{}[]":,\n> eror403ABC-'), max_size=200) | st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    for run in paste_of(text)[0]:
        assert run.response
        assert 1 <= run.line <= text.count("\n") + text.count("\r") + 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Nov 28 10:00 the call failed: 403 ", 403),
        ("403 Forbidden: ", 403),
        ("it answered 503 => ", 503),
        ("at 10:04:04 ", None),
        ("after 41.404 ", None),
        ("agent 4711 of 400 agents said ", None),
        ("/api/v2/things/404 ", None),
    ],
)
def test_a_bare_number_just_before_a_payload_is_its_status(words: str, status: int | None) -> None:
    (run,), _ = paste_of(words + json.dumps(FORBIDDEN))
    assert run.status == status


MAIL = f"""From: Ana <ana@example.com>
Date: Sat, 21 Nov 2026 13:42:00 +0100
Subject: Fwd: Architect failure

Hi all,

> {json.dumps(FORBIDDEN)}

Von: Bo
Gesendet: 20.11.2026 09:00 UTC
Betreff: error 500

it failed with 503

2026-11-19T08:00:00Z ERROR action=set_agent_unavailable agent="Bo Lindqvist" status=429 {{"code": "too.many.requests"}}
"""


def test_the_head_of_a_mail_is_no_error_but_tells_when() -> None:
    runs, problems = paste_of(MAIL)
    assert [(run.line, run.code, f"{run.time:%d %H:%M}", run.timed) for run in runs] == [
        (7, "forbidden", "21 12:42", True),
        (13, "", "20 09:00", True),
        (15, "too.many.requests", "19 08:00", True),
    ]
    assert list(problems) == [5]
    assert (runs[2].action, runs[2].agent, runs[2].status) == ("set_agent_unavailable", "Bo Lindqvist", 429)


def test_a_mail_that_says_no_time_that_can_be_read_is_one_of_now() -> None:
    context = fresh()
    runs, _ = paste_of(f"From: Ana\nSent: last Tuesday\n\n{json.dumps(FORBIDDEN)}", context)
    assert [(run.time, run.timed) for run in runs] == [(NOW, False)]
    assert any("last Tuesday" in note and "as of now" in note for note in context.notes)


def test_records_of_logs_are_opened() -> None:
    answer = json.dumps({"code": "missing.permissions", "message": "no", "status": 403, "contextId": USER})
    entry = {
        "request": {"method": "PATCH", "url": "https://api.mypurecloud.de/api/v2/users/u1/presences/purecloud"},
        "response": {"status": 403, "content": {"text": answer}},
    }
    (har, splunk), problems = paste_of(json.dumps({"log": {"entries": [entry]}}) + "\n" + json.dumps({"_raw": answer}))
    assert problems == {}
    assert (har.status, har.correlation_id, har.call) == (403, USER, "PATCH /api/v2/users/u1/presences/purecloud")
    assert (splunk.status, splunk.correlation_id) == (403, USER)


@pytest.mark.parametrize(
    "value",
    [
        {"id": USER, "name": "Ann", "title": "Team lead", "state": "active", "selfUri": "/api/v2/users/x"},
        {"id": USER, "queryState": "Processing"},
        {"entities": [], "pageSize": 25, "pageNumber": 1},
    ],
)
def test_a_thing_of_the_platform_is_no_failure(value: dict[str, object]) -> None:
    runs, problems = paste_of(json.dumps(value))
    assert (runs, list(problems)) == ([], [1])


def test_an_id_below_its_name_is_found() -> None:
    (run,), _ = paste_of(f"Correlation ID:\n{USER}\n{json.dumps(FORBIDDEN)}")
    assert run.correlation_id == USER
