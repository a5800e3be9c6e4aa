"""Payloads in the style of two outside authors: constructed, labelled before the parser was asked, every id made up.

At the first try the first set (433) had kind 99.8 %, missing names 98.4 %, code 100 %, correlation id 100 %, retryable
99.8 %; of its 43 sentences built to mislead 83 % were named right. The second (240), of harder sentences, had 95.0, 82.6,
100, 99.6 and 95.0 %. The third (102), names in unusual and foreign sentences, had 57.8 % of the names. One sort of label
was changed afterwards: a host name that nobody knows doesn't pass by waiting.

The fourth is a sample of 1,051, made from the declared codes in every shape, gateways, other vendors' bodies, and traps.
At the first try: 743 in usual shapes had kind 99.3, missing names 99.3, code 99.9, correlation id 99.9, retryable 99.2 %;
143 traps 95.1, 99.3, 99.3, 100 and 98.6 %; 133 gateway, OAuth and XML bodies inside a Data Action's sentence 88.7, 100,
85.0, 100 and 98.5 % (XML inside a sentence was not read); 32 that name rights in members of many spellings 84.4, 78.1, 100,
100 and 100 %. One label names what only a guess could: permissions under "context" that the caller holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wfm.diagnosis import diagnose_jsonl_line

HELD: dict[str, float] = {"kind": 0.99, "missing": 0.99, "code": 0.99, "correlation_id": 0.99, "retryable": 0.99}


def _strangers(number: int) -> list[dict[str, Any]]:
    path = Path(__file__).with_name(f"strangers_{number}.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _accepted(name: str, expected: dict[str, Any]) -> list[Any]:
    also = {"kind": "also_ok", "code": "code_also_ok"}.get(name, "")
    return [expected[name], *expected.get(also, ())]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_figures_of_strangers(number: int) -> None:
    cases = _strangers(number)
    answers = [diagnose_jsonl_line(case) for case in cases]
    for name, aim in HELD.items():
        wrong = [
            (case["id"], got[name], case["expect"][name])
            for case, got in zip(cases, answers, strict=True)
            if got[name] not in _accepted(name, case["expect"])
        ]
        assert 1 - len(wrong) / len(cases) >= aim, (name, wrong)
