"""Payloads in many variants, all constructed: wording, dialect, wrapper, gateway, language, encoding, place of a tear.

Each line of variants.jsonl says what an expert reads out of the payload; it was written down before the parser was
asked. `also_ok` are kinds that a fair reader may give instead, `code_also_ok` other acceptable codes. Every id is made
up, every payload occurs once. A new surprise becomes a new line here.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from wfm.diagnosis import diagnose, diagnose_jsonl_line
from wfm.domain.diagnoses import Evidence, Kind

VARIANTS = [json.loads(line) for line in Path(__file__).with_name("variants.jsonl").read_text(encoding="utf-8").splitlines()]


def _body(case: dict[str, Any]) -> str | bytes:
    packed = case.get("body_base64")
    return base64.b64decode(packed) if packed is not None else str(case["body"])


@pytest.mark.parametrize("case", VARIANTS, ids=lambda case: case["id"])
def test_variant(case: dict[str, Any]) -> None:
    found = diagnose_jsonl_line({**case, "body": _body(case)})
    expected = case["expect"]
    assert found["kind"] in (expected["kind"], *expected.get("also_ok", ()))
    assert found["missing"] == expected["missing"]
    assert found["code"] in (expected["code"], *expected.get("code_also_ok", ()))
    assert found["correlation_id"] == expected["correlation_id"]
    assert found["retryable"] is expected["retryable"]


@pytest.mark.parametrize("case", [case for case in VARIANTS if "divisions" in case["expect"]], ids=lambda case: case["id"])
def test_variant_names_its_divisions(case: dict[str, Any]) -> None:
    found = diagnose(case["http_status"], {}, _body(case), Evidence())
    assert list(found.divisions) == case["expect"]["divisions"]


def test_the_variants_are_many_and_of_every_kind() -> None:
    assert len(VARIANTS) > 400
    assert {case["expect"]["kind"] for case in VARIANTS} == set(Kind)
    assert len({case["id"] for case in VARIANTS}) == len(VARIANTS)


def _names_its_cause(case: dict[str, Any]) -> bool:
    """Whether the body alone, without status and headers, says code and kind; an action's own answer is no such body."""
    body, expected = str(case.get("body", "")), case["expect"]
    if not body.startswith("{") or "ACTION." in body or '"operations"' in body or expected["code"] is None:
        return False
    bare = diagnose(None, {}, body)
    return bare.status is not None and (bare.kind, bare.code) == (expected["kind"], expected["code"])


SELF_NAMING = [case for case in VARIANTS if _names_its_cause(case)]


def test_enough_bodies_name_their_cause() -> None:
    assert len(SELF_NAMING) > 100


@pytest.mark.parametrize("case", SELF_NAMING, ids=lambda case: case["id"])
def test_behind_a_data_action_it_is_still_the_same_cause(case: dict[str, Any]) -> None:
    said = (
        f"Request to backend service failed. Response from web service: {case['body']} [3ecdfb07-17cf-4c93-80c0-b85b5155063a]"
    )
    inner = {"message": said, "code": "BAD_REQUEST", "status": 400}
    whole = {"message": "x", "code": "bad.request", "status": 400, "details": [{"errorCode": "ACTION.REMOTE_ENDPOINT"}]}
    bare = diagnose(None, {}, case["body"])
    found = diagnose(400, {}, json.dumps({**whole, "errors": [inner]}), Evidence(via="data_action"))
    assert (found.kind, found.code, found.missing) == (bare.kind, bare.code, bare.missing)
