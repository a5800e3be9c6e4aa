"""The figures that the parser is held to, on real and constructed payloads."""

from __future__ import annotations

from typing import Any

import pytest

from wfm.diagnosis import diagnose_jsonl_line

AIMS = {"kind": 0.98, "missing": 0.97, "code": 0.97, "correlation_id": 0.99, "retryable": 0.98}


def _right(name: str, got: Any, expected: dict[str, Any]) -> bool:
    if name == "kind":
        return got in (expected["kind"], *expected.get("also_ok", ()))
    if name == "code":
        return got == expected["code"] or got in expected.get("code_also_ok", ())
    return bool(got == expected[name])


@pytest.mark.parametrize("name", AIMS)
def test_figures(error_payloads: list[dict[str, Any]], name: str) -> None:
    wrong = [
        (case["id"], got[name], case["expect"][name])
        for case in error_payloads
        if not _right(name, (got := diagnose_jsonl_line(case))[name], case["expect"])
    ]
    assert 1 - len(wrong) / len(error_payloads) >= AIMS[name], wrong
