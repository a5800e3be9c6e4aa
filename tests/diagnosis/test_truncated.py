"""Answers that were cut off: what can be read is read, and nothing is made up."""

from __future__ import annotations

import json

import pytest

from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Kind

INNER = json.dumps(
    {
        "message": "You are missing the following permission(s): [wfm:schedule:edit]",
        "code": "missing.permissions",
        "status": 403,
    }
)
WRAPPED = json.dumps(
    {
        "message": "You are not authorized.",
        "code": "not.authorized",
        "status": 403,
        "contextId": "c-1",
        "errors": [{"message": f"Response from web service: {INNER} [x]", "code": "NOT_AUTHORIZED"}],
    }
)


@pytest.mark.parametrize("end", range(1, len(WRAPPED)))
def test_cut_anywhere_it_never_invents(end: int) -> None:
    found = diagnose(403, {}, WRAPPED[:end])
    assert found.missing in ((), ("wfm:schedule:edit",))
    assert found.code in (None, "not.authorized", "missing.permissions")
    assert found.correlation_id in (None, "c-1")
    wanted = {
        Kind.UNPARSEABLE: (None,),
        Kind.FORBIDDEN_OTHER: ("not.authorized",),
        Kind.MISSING_PERMISSION: (None, "missing.permissions"),
    }
    assert found.code in wanted[found.kind]


def test_the_later_the_cut_the_more_is_read() -> None:
    known = [diagnose(403, {}, WRAPPED[:end]) for end in range(1, len(WRAPPED))]
    told = [(found.correlation_id is not None) + bool(found.missing) + (found.code == "missing.permissions") for found in known]
    assert told == sorted(told)
    assert told[-1] == 3


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_only_closing_brackets_are_lost(lost: int) -> None:
    body = '{"code":"wfm.entity.not.found","status":404,"details":[{"fieldName":"scheduleId","errorCode":"NOT_FOUND"}]}'
    found = diagnose(404, {}, body[:-lost])
    assert (found.kind, found.code) == (Kind.NOT_FOUND_SCHEDULE, "wfm.entity.not.found")


def test_a_wrapper_cut_before_the_body_that_it_announces_decides_nothing() -> None:
    body = '{"errorCode":"BAD_REQUEST","status":400,"userMessage":"Request to backend service failed.  Response from we'
    found = diagnose(400, {}, body)
    assert (found.kind, found.code) == (Kind.UNPARSEABLE, None)


def test_a_body_cut_inside_a_whole_wrapper() -> None:
    sentence = f"Response from web service: {INNER[:-60]} [3ecdfb07-17cf-4c93-80c0-b85b5155063a]"
    body = json.dumps({"message": "x", "code": "bad.request", "status": 403, "errors": [{"message": sentence}]})
    found = diagnose(403, {}, body)
    assert found.kind is Kind.MISSING_PERMISSION
    assert found.correlation_id == "3ecdfb07-17cf-4c93-80c0-b85b5155063a"


def test_a_name_at_the_very_end_may_be_half_of_one() -> None:
    assert diagnose(403, {}, '{"code":"missing.permissions","message":"missing the permission wfm:schedule:ed').missing == ()
    whole = '{"code":"missing.permissions","message":"missing the permissions [wfm:agent:view, wfm:schedule:ed'
    assert diagnose(403, {}, whole).missing == ("wfm:agent:view",)
