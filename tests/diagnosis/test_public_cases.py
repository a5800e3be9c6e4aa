"""Texts as people paste them in public places: an answer is right only in every respect."""

from __future__ import annotations

from typing import Any

from tests.diagnosis.support import faults
from wfm.diagnosis import diagnose_jsonl_line, explain
from wfm.diagnosis.jsonl import as_record

AIM = 1.0


def test_right_in_every_respect(public_cases: list[dict[str, Any]]) -> None:
    wrong = {case["id"]: bad for case in public_cases if (bad := faults(diagnose_jsonl_line(case), case["expected"]))}
    share = 1 - len(wrong) / len(public_cases)
    print(f"right in every respect: {share:.1%} of {len(public_cases)}")
    assert share >= AIM, wrong


def test_the_screen_says_the_same(public_cases: list[dict[str, Any]]) -> None:
    """What has neither status nor call beside it is pasted as it is: the box on Access answers as the command line does."""
    pasted = [case for case in public_cases if case["http_status"] is None and not case["context"]]
    assert pasted
    for case in pasted:
        assert not faults(as_record(case["id"], explain(case["body"]).diagnosis), case["expected"]), case["id"]
