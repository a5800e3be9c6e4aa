"""How long a diagnosis takes: `diagnosis(line)` prints each figure beside its aim. Alone: `python -m benchmarks.diagnosis`.

The payloads are the examples of all rules, whole, wrapped in a Data Action's answer and cut in half; the same as JSON
lines; and bodies made to be slow. Processor time is measured, so that what else the machine does is not counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from wfm.diagnosis import diagnose, diagnose_jsonl_line, explain
from wfm.diagnosis.rules import RULES, UNREAD
from wfm.domain.diagnoses import Evidence

ROUNDS = 10
AIM_MS, HOSTILE_AIM_MS = 5.0, 1_000.0

Line = Callable[[str, str, str], None]
Case = tuple[int | None, dict[str, str], str | bytes, Evidence]


def diagnosis(line: Line) -> None:
    """Measure and print; `line(what, figure, aim)` does the printing."""
    usual = _usual()
    _print(line, f"diagnosis of {len(usual)} payloads, processor time", _timed(usual), AIM_MS)
    lines = [_as_line(case) for case in usual]
    took = [_ms(lambda given=given: diagnose_jsonl_line(given)) for _ in range(ROUNDS) for given in lines]  # type: ignore[misc]
    _print(line, "  the same as JSON lines", took, AIM_MS)
    for name, body in _hostile().items():
        line(f"  {name}", f"{_ms(lambda body=body: diagnose(403, {}, body)):.0f} ms", f"aim < {HOSTILE_AIM_MS:.0f}")  # type: ignore[misc]
    mail = "Hello,\n\n" + "\n\n".join(str(case[2]) for case in usual[:40])
    _print(
        line, "explanation of a pasted text, several payloads and paths", [_ms(lambda: explain(mail)) for _ in range(20)], 100
    )


def _usual() -> list[Case]:
    found: list[Case] = []
    for rule in (*RULES, *UNREAD):
        example = rule.example
        evidence = Evidence(call=example.call, via=example.via, held_scopes=example.held_scopes)
        bodies = (example.body, _wrapped(example.body, example.status or 400), example.body[: len(example.body) // 2])
        found += [(example.status, dict(example.headers), body, evidence) for body in bodies]
    return found


def _as_line(case: Case) -> dict[str, object]:
    status, headers, body, evidence = case
    return {
        "http_status": status,
        "headers": headers,
        "body": body,
        "context": {"endpoint": evidence.call, "via": evidence.via},
    }


def _wrapped(body: str, status: int) -> str:
    """Return the answer of a Data Action that wraps the body of another service."""
    said = f"REST call for action execute failed. Message: Request to backend service failed. Response from web service: {body}"
    errors = [{"message": f"{said} [3ecdfb07-17cf-4c93-80c0-b85b5155063a]", "code": "BAD_REQUEST", "status": status}]
    details = [{"errorCode": "ACTION.REMOTE_ENDPOINT"}]
    return json.dumps({"message": "x", "code": "bad.request", "status": status, "details": details, "errors": errors})


def _hostile() -> dict[str, bytes]:
    return {
        "a body of 10 MB": b'{"message":"' + b"a" * 10_000_000 + b'"}',
        "250 KB of errors": b'{"errors":['
        + b",".join(b'{"code":"c%d","message":"{%d"}' % (n, n) for n in range(8_000))
        + b"]}",
        "nesting 100,000 deep": b'{"a":' * 100_000,
        "no UTF-8": bytes(range(128, 256)) * 1_900,
        "brackets escaped in a sentence": b'{"message":"' + b'\\"{' * 60_000 + b'"}',
    }


def _timed(cases: Sequence[Case]) -> list[float]:
    for case in cases:
        diagnose(*case)
    return [_ms(lambda case=case: diagnose(*case)) for _ in range(ROUNDS) for case in cases]  # type: ignore[misc]


def _ms(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1_000


def _print(line: Line, what: str, took: Sequence[float], aim: float) -> None:
    ordered = sorted(took)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    line(what, f"p50 {p50:.2f} ms, p99 {p99:.2f} ms", f"aim p99 < {aim:.0f} ms")


if __name__ == "__main__":
    diagnosis(lambda what, figure, aim: print(f"{what:<58} {figure:>30}   {aim}", flush=True))
