"""How an answer line is held against what an expert expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ALSO = {"kind": "also_ok", "code": "code_also_ok"}


def faults(got: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Every respect in which an answer is wrong; what the expectation does not name is not asked.

    `cause_has`, `cause_not`, `fix_has` and `fix_not` hold a phrase (or several) that the sentence must or must not have.
    """
    bad = []
    for name in ("kind", "missing", "code", "correlation_id", "retryable", "status"):
        if name in expected and got[name] not in (expected[name], *expected.get(_ALSO.get(name, ""), ())):
            bad.append(f"{name} is {got[name]!r}")
    for name in ("cause", "fix"):
        for wanted, ending in ((True, "has"), (False, "not")):
            phrases = expected.get(f"{name}_{ending}", ())
            for phrase in (phrases,) if isinstance(phrases, str) else phrases:
                if (phrase.casefold() in got[name].casefold()) is not wanted:
                    bad.append(f"{name} {'lacks' if wanted else 'holds'} {phrase!r}: {got[name]}")
    return bad
