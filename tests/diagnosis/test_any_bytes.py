"""No input raises, hangs, or yields a string that can't be encoded; work is bounded by bytes and depth."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfm.diagnosis import diagnose, diagnose_jsonl_line, explain, four_lanes, render
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind
from wfm.payloads.encodings import decode
from wfm.payloads.json_text import MAX_DEPTH, too_deep
from wfm.payloads.limits import MAX_BYTES, clean, tidy

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PATIENCE_S = 60
"""Generous: a busy machine. A regular expression gone wild takes minutes on these inputs."""

STATUS = st.one_of(st.none(), st.integers(-5, 1000))
HEADERS = st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=5)
KEYS = st.sampled_from(
    ["code", "errorCode", "message", "userMessage", "status", "errors", "error", "details", "messageParams", "userParams",
     "operations", "success", "contextId", "fault", "detail", "title", "type", "entityId", "scope", "body", "limit", "x",
     "log", "entries", "request", "response", "content", "text", "encoding", "headers", "_raw", "@message", "name", "value",
     "agentWarnings", "messages", "state", "results", "jobId", "statusCode", "method", "url"]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60)),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)


def _sound(found: Diagnosis) -> None:
    """Whatever came in: everything can be encoded, stored, printed and grouped."""
    for value in dataclasses.astuple(found):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    text = render(found)
    assert "\x00" not in text
    text.encode("utf-8")
    assert found.fingerprint("GET /x")
    assert len(found.message) <= 1_000
    assert found.cause
    assert found.fix
    four_lanes(found, Evidence(), None)


@QUICK
@given(status=STATUS, headers=HEADERS, body=st.binary(max_size=600))
def test_any_bytes(status: int | None, headers: dict[str, str], body: bytes) -> None:
    _sound(diagnose(status, headers, body))


@QUICK
@given(status=STATUS, headers=HEADERS, body=st.text(max_size=600))
def test_any_text(status: int | None, headers: dict[str, str], body: str) -> None:
    _sound(diagnose(status, headers, body))
    _sound(explain(body).diagnosis)


@QUICK
@given(status=STATUS, value=JSON, cut=st.integers(0, 400))
def test_any_json_whole_cut_and_wrapped(status: int | None, value: object, cut: int) -> None:
    text = json.dumps(value)
    wrapped = json.dumps({"message": f"Response from web service: {text} [x]", "code": "c", "status": 400})
    for body in (text, text[:cut], wrapped, wrapped[:cut], repr(value)):
        _sound(diagnose(status, {}, body, Evidence(call="PATCH /api/v2/wfm/users/{userId}/availability")))


PARTS = st.sampled_from(
    ["HTTP/1.1 403 Forbidden\n", "< HTTP/2 100\n", "> PATCH /api/v2/wfm/users/1/availability HTTP/2\n", "A: b\n", "\n",
     "> ", "* x\n", "\r\n",
     '{"code":"forbidden","status":403}', '{"code":', "“code”", "{'code': 'x'}", "[", "* Connection #0 to host x left intact"]
)  # fmt: skip


@QUICK
@given(parts=st.lists(st.one_of(PARTS, st.text(max_size=20)), max_size=12))
def test_any_paste(parts: list[str]) -> None:
    found = explain("".join(parts))
    _sound(found.diagnosis)
    assert all(value and name for name, value in found.fields)
    assert found.page.key == found.diagnosis.rule


@QUICK
@given(line=st.dictionaries(st.sampled_from(["id", "http_status", "headers", "body", "context"]), JSON))
def test_any_json_line(line: dict[str, object]) -> None:
    found = diagnose_jsonl_line(line)
    assert set(found) == {"id", "kind", "missing", "code", "correlation_id", "retryable", "rule", "cause", "fix"}
    assert found["kind"] in set(Kind)


CORPUS: dict[str, bytes] = {
    "ten megabytes in a string": b'{"message":"' + b"a" * 10_000_000 + b'"}',
    "ten megabytes of objects": b"[" + b'{"code":"x"},' * 800_000 + b"1]",
    "lists 100,000 deep": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
    "closed, 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "deep inside a sentence": json.dumps({"message": 'x {"errors":' + "[" * 50_000}).encode(),
    "quotes": b'"' * 250_000,
    "an open string of escaped quotes": b'{"a":[' * 300 + b'"' + b'\\"' * 110_000,
    "a short open string": b'{"a":"' + b'\\"' * 110_000,
    "backslashes": b'{"message":"' + b"\\" * 200_000,
    "escaped brackets": b'{"message":"' + b'\\"{' * 60_000 + b'"}',
    "scope scope scope": b"scope " * 40_000,
    "missing missing": b"missing " * 30_000,
    "permissions": b"a:b:c " * 40_000,
    "colons": b"a:" * 100_000,
    "divisions": b"division 53df0750-c233-4434-9d36-6377ededb014," * 4_000,
    "tags": b"<html>" + b"<" * 200_000,
    "scripts": b"<html>" + b"<script " * 20_000,
    "xml": b"<a>" + b"<code " * 40_000,
    "paths": b"PATCH /api/v2/wfm/" * 10_000,
    "one long path": b"/api/v2/" + b"a/" * 100_000,
    "different paths": b" ".join(b"/api/v2/wfm/x%d/y" % number for number in range(10_000)),
    "every byte": bytes(range(256)) * 1_000,
    "one huge number": b'{"status":' + b"9" * 5_000 + b"}",
    "a huge exponent": b'{"status":1e999,"code":NaN}',
    "signs": b"{'a':" + b"-" * 15_000 + b"1}",
    "many objects": b'{"a":1} ' * 30_000,
    "wide": b'{"errors":[' + b",".join(b'{"code":"c%d","message":"{%d"}' % (n, n) for n in range(6_000)) + b"]}",
    "lone surrogates": b'{"message":"\\ud800 x","code":"\\udfff","contextId":"\\ud801"}',
    "nothing but NUL": b"\x00" * 1_000,
    "a gzip bomb": gzip.compress(b'{"message":"' + b"a" * 50_000_000),
    "a torn gzip": gzip.compress(bytes(range(256)) * 1_000)[:200],
    "no gzip after all": b"\x1f\x8b\x08" + b"\xff" * 1_000,
    "UTF-16 without its mark": '{"code":"forbidden","status":403}'.encode("utf-16-be"),
    "base64 of brackets": base64.b64encode(b'{"' + b"[" * 100_000),
    "quoted": b"> " * 100_000,
    "quoted lines": b">>> {\n" * 30_000,
    "answers": b"HTTP/1.1 403 Forbidden\nA: b\n\n{}\n" * 8_000,
    "headers without end": b"HTTP/1.1 403 Forbidden\n" + b"A: b\n" * 50_000,
    "curl": b"< HTTP/2 403\n* x\n" * 15_000,
    "braces and quotes": b"{'" * 100_000,
    "status words": b"status code 403 (" * 15_000,
    "tokens": b"token: " * 40_000,
    "a record of half bodies": json.dumps({f"k{n}": '{"a": {"b": [' * 60 for n in range(300)}).encode(),
    "a record of status words": json.dumps({f"k{n}": "status code error failed returned " * 20 for n in range(300)}).encode(),
    "a wide record": json.dumps({f"k{n}": {f"m{m}": {"error": {"x": "{"}} for m in range(20)} for n in range(60)}).encode(),
    "doubled quotes": b'{""a' * 50_000,
    "arrows": b'{"=>' * 50_000,
    "escaped for a page": b"{&quot;a" * 30_000,
    "correlation": "corrélation id ".encode() * 15_000,
    "addresses": b"https://" * 30_000,
    "exceptions": (b"x" * 59 + b"Exception ") * 3_000,
    "jobs": b"job id: " * 30_000 + b"failed",
    "UTF-16": '{"code":"forbidden","status":403}'.encode("utf-16"),
}


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name: str) -> None:
    for status in (None, 403, 500):
        _sound(diagnose(status, {}, CORPUS[name]))
    _sound(explain(CORPUS[name].decode("utf-8", "replace")).diagnosis)


@pytest.mark.timeout(PATIENCE_S)
def test_a_long_header_does_not_hang() -> None:
    _sound(diagnose(401, {"WWW-Authenticate": 'Bearer error="a",' * 50_000, "x": "y" * 1_000_000}, ""))


def test_beyond_the_bounds_a_body_is_read_as_text() -> None:
    long = (
        '{"code":"missing.permissions","status":403,"message":"missing the permission [a:b:c]","x":"' + "y" * MAX_BYTES + '"}'
    )
    found = diagnose(403, {}, long)
    assert (found.kind, found.missing) == (Kind.MISSING_PERMISSION, ("a:b:c",))
    deep = '{"code":"missing.permissions","message":"missing the permission [a:b:c]","x":' + "[" * 300 + "]" * 300 + "}"
    assert diagnose(403, {}, deep).kind is Kind.MISSING_PERMISSION


def test_within_the_bounds_a_body_is_taken_apart() -> None:
    inner: object = {"code": "too.many.requests", "status": 429, "message": "x"}
    for _ in range(90):
        inner = {"errors": [inner]}
    found = diagnose(None, {}, json.dumps(inner))
    assert (found.kind, found.code) == (Kind.RATE_LIMITED, "too.many.requests")


def test_depth_ignores_brackets_in_strings() -> None:
    assert not too_deep(json.dumps({"message": "[" * 1_000}))
    assert not too_deep("[" * MAX_DEPTH)
    assert too_deep("[" * (MAX_DEPTH + 1))


def test_decode_cuts_and_replaces() -> None:
    assert decode(None) == ("", False)
    assert decode(b"\xef\xbb\xbfok") == ("ok", False)
    assert decode(b"\xff") == ("\ufffd", False)
    text, cut = decode(b"a" * (MAX_BYTES + 1))
    assert (len(text), cut) == (MAX_BYTES, True)


@given(st.text(max_size=300), st.integers(1, 100))
def test_tidy_bounds_and_encodes(text: str, limit: int) -> None:
    got = tidy(text, limit)
    assert len(got) <= limit
    got.encode("utf-8")


def test_clean_hides_secrets_before_it_cuts() -> None:
    text = "x" * 20 + " Authorization: Bearer abcdefghijklmnop"
    for limit in range(20, 70):
        assert "abcdef" not in clean(text, limit)


SECRETS = (
    '{"code":"c","message":"sent Authorization: Bearer s3cr3tTokenValue to it","status":401}',
    '{"message":"client_secret=s3cr3tTokenValue was refused","entityName":"access_token: s3cr3tTokenValue","status":400}',
    '{"error":"invalid_client","error_description":"Basic s3cr3tTokenValue"}',
    "log: password=s3cr3tTokenValue PATCH /api/v2/wfm/users/1/availability → 403",
    '{"message":"x","contextId":"Bearer s3cr3tTokenValue","details":[{"fieldName":"api_key=s3cr3tTokenValue"}],"status":400}',
)


@pytest.mark.parametrize("body", SECRETS)
def test_no_secret_gets_out(body: str) -> None:
    explained = explain(body)
    assert "s3cr3tTokenValue" not in repr(diagnose(None, {"WWW-Authenticate": "Bearer s3cr3tTokenValue"}, body))
    assert "s3cr3tTokenValue" not in repr(explained)
