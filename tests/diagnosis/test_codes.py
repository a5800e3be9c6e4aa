"""Every declared code against the family of its HTTP status, and the exceptions with their reasons."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from wfm.diagnosis import contradiction, diagnose
from wfm.diagnosis.families import EXCEPTIONS, FAMILIES, in_family
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind

KNOWN = {(known.status, known.kind) for known in EXCEPTIONS}


def _read(row: dict[str, str], *, message: bool) -> Diagnosis:
    status = int(row["http_status"])
    body = {"code": row["code"], "status": status} | ({"message": row["message"]} if message else {})
    return diagnose(status, {}, json.dumps(body), Evidence(call=row["example_operation"]))


@pytest.mark.parametrize("message", [True, False], ids=["with its sentence", "code alone"])
def test_every_code_has_a_kind_of_its_family(error_codes: list[dict[str, str]], message: bool) -> None:
    outside: list[tuple[str, str, str]] = []
    for row in error_codes:
        found = _read(row, message=message)
        assert found.kind is not Kind.UNPARSEABLE, row
        assert found.code == row["code"]
        status = int(row["http_status"])
        if not in_family(status, found.kind) and (status, found.kind) not in KNOWN and status >= 400:
            outside.append((row["http_status"], row["code"], found.kind.value))
    assert outside == []


def test_exceptions_stay_few(error_codes: list[dict[str, str]]) -> None:
    sample = error_codes[::5]
    outside = Counter(in_family(int(row["http_status"]), _read(row, message=True).kind) for row in sample)
    assert outside[False] / len(sample) < 0.065  # a sentence that says "already exists" outranks a 400


@pytest.mark.parametrize("known", EXCEPTIONS, ids=lambda known: f"{known.status}-{known.kind.value}")
def test_each_exception_is_needed_and_has_a_reason(error_codes: list[dict[str, str]], known: object) -> None:
    exception = next(one for one in EXCEPTIONS if one is known)
    assert exception.reason.endswith(".")
    assert not in_family(exception.status, exception.kind)
    kinds = {_read(row, message=True).kind for row in error_codes if row["code"] == exception.code}
    declared = any(row["code"] == exception.code for row in error_codes)
    assert exception.kind in kinds or not declared


def test_families_know_every_declared_status(error_codes: list[dict[str, str]]) -> None:
    assert {int(row["http_status"]) for row in error_codes} - {200} <= set(FAMILIES)


def test_contradiction_is_said_once_it_matters() -> None:
    misled = diagnose(404, {}, '{"code":"postino.error.request.timeout","message":"The request timed out."}')
    assert contradiction(misled).startswith("The HTTP status 404 misleads:")
    assert contradiction(diagnose(403, {}, '{"code":"missing.permissions"}')) == ""
    assert contradiction(diagnose(None, {}, '{"code":"missing.permissions"}')) == ""
