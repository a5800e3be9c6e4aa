"""Fault scripts: which faults happen on purpose, in which order, how often.

A script is a list of steps; for every request the first step that fires decides. A step:

    {"kind": "429", "count": 20, "retry_after": 1}        refuse for the rate limit
    {"kind": "5xx", "status": 503, "share": 0.1}          a server error, before anything is done
    {"kind": "timeout", "count": 3, "seconds": 30}        nothing is done, the answer never comes
    {"kind": "timeout_after_write", "count": 3}           the write is done, the answer never comes
    {"kind": "reset", "count": 2}                         nothing is done, the connection breaks
    {"kind": "reset_after_write", "count": 2}             the write is done, the connection breaks
    {"kind": "bulk_partly", "share": 1}                   a bulk update of presences that is refused is done all the same for
                                                          those for whom it can be
    {"kind": "bulk_partly_answered", "share": 1}          the same, and the answer is 200 with these alone
    {"kind": "on_queue_refused", "share": 1}              nobody may set On Queue for another user
    {"kind": "presence_busy", "count": 2}                 a change of one presence meets one that has not completed (409)
    {"kind": "job_error"}                                 the next job of an activity plan ends in Error, without a reason
    {"kind": "job_never"}                                 the next one stays in Processing
    {"kind": "revoke_tokens", "after": 10}                every token ends when the request after the tenth arrives

`count` is how often it fires (1 where neither count nor share is given), `share` with which chance (0 to 1, by a
fixed seed), `after` how many requests it lets pass first, `match` which requests: a method, a part of the path, or
both ("PATCH /availability"). A step without `match` concerns /api only; to reach the token endpoint, match "/oauth".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wfm.demo.problems import Problem

BULK_KINDS = frozenset({"bulk_partly", "bulk_partly_answered"})
PUBLISHED_KINDS = ("bulk_partly", "bulk_partly_answered", "on_queue_refused", "presence_busy", "job_error", "job_never")
"""Kinds that fire only where the published platform is served alone."""
KINDS = ("429", "5xx", "timeout", "timeout_after_write", "reset", "reset_after_write", "revoke_tokens", *PUBLISHED_KINDS)
AFTER_WRITE = frozenset({"timeout_after_write", "reset_after_write"})
_VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_MEMBERS = {"kind", "count", "share", "status", "match", "seconds", "after", "retry_after"}


@dataclass(slots=True)
class Step:
    """One step of a script with what it has done so far. `left` is None without a count."""

    kind: str
    left: int | None
    share: float | None
    status: int
    verb: str
    part: str
    seconds: float
    after: int
    retry_after: int
    given: dict[str, Any]
    rng: random.Random
    seen: int = 0
    fired: int = 0

    def concerns(self, verb: str, path: str) -> bool:
        """Return whether the step is about this request."""
        if self.verb and verb != self.verb:
            return False
        if not path.startswith("/api/") and not (self.part and "/oauth" in self.part):
            return False
        return self.part in path

    def fires(self) -> bool:
        """Count the request and return whether the step fires for it."""
        if self.left == 0:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.share is not None and self.rng.random() >= self.share):
            return False
        self.fired += 1
        if self.left is not None:
            self.left -= 1
        return True

    def shown(self) -> dict[str, Any]:
        return {**self.given, "fired": self.fired, "left": self.left}


@dataclass(slots=True)
class Faults:
    """The steps in force: the script of /_demo/faults first, then those of the scenario."""

    seed: int
    script: list[Step] = field(default_factory=list)
    standing: list[Step] = field(default_factory=list)

    def set_script(self, steps: object) -> None:
        """Replace the script. Raises Problem 400 with the member that can't be used."""
        self.script = parse_script(steps, self.seed)

    def set_standing(self, steps: Sequence[dict[str, Any]]) -> None:
        """The faults of a scenario."""
        self.standing = parse_script(list(steps), self.seed)

    def strike(self, verb: str, path: str, wanted: Callable[[str], bool]) -> Step | None:
        """Return the first step that fires for this request among the kinds wanted at this point."""
        for step in (*self.script, *self.standing):
            if wanted(step.kind) and step.concerns(verb, path) and step.fires():
                return step
        return None

    def shown(self) -> dict[str, Any]:
        return {"faults": [step.shown() for step in self.script], "scenario": [step.shown() for step in self.standing]}


def parse_script(steps: object, seed: int) -> list[Step]:
    """Read steps from JSON: a list, or an object with the member `faults`. Raises Problem 400."""
    if isinstance(steps, dict) and "faults" in steps:
        steps = steps["faults"]
    if isinstance(steps, dict) and "kind" in steps:
        steps = [steps]
    if not isinstance(steps, list):
        raise Problem(400, "bad.request", "A fault script is a list of steps, each with a kind.", field="faults")
    return [_step(step, number, seed) for number, step in enumerate(steps)]


def _step(step: object, number: int, seed: int) -> Step:
    where = f"faults[{number}]"
    if not isinstance(step, dict):
        raise _wrong(where, step, f"an object with a kind: {', '.join(KINDS)}")
    unknown = sorted(set(step) - _MEMBERS)
    if unknown:
        raise _wrong(f"{where}.{unknown[0]}", step[unknown[0]], f"one of the members {', '.join(sorted(_MEMBERS))}")
    kind = str(step.get("kind"))
    if kind not in KINDS:
        raise _wrong(f"{where}.kind", step.get("kind"), ", ".join(KINDS))
    count = _number(step, where, "count", 0, 1_000_000, None)
    share = _number(step, where, "share", 0, 1, None)
    match = step.get("match", "")
    if not isinstance(match, str):
        raise _wrong(f"{where}.match", match, 'a method, a part of a path, or both, such as "PATCH /availability"')
    found = re.fullmatch(rf"(?:({'|'.join(_VERBS)})(?:\s+|$))?(.*)", match.strip())
    verb, part = (found.group(1) or "", found.group(2)) if found else ("", match)
    return Step(
        kind=kind,
        left=int(count) if count is not None else (1 if share is None else None),
        share=share,
        status=int(_number(step, where, "status", 500, 599, 503) or 503),
        verb=verb,
        part=part,
        seconds=float(_number(step, where, "seconds", 0, 600, 30) or 0),
        after=int(_number(step, where, "after", 0, 1_000_000, 0) or 0),
        retry_after=int(_number(step, where, "retry_after", 0, 3600, 1) or 0),
        given=dict(step),
        rng=random.Random(f"{seed}/{number}/{kind}"),
    )


def _number(step: dict[str, Any], where: str, name: str, lowest: float, highest: float, default: float | None) -> float | None:
    value = step.get(name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise _wrong(f"{where}.{name}", value, f"a number from {lowest} to {highest}")
    return value


def _wrong(field_name: str, given: object, accepted: str) -> Problem:
    return Problem(
        400, "invalid.value", f"{field_name}: {str(given)[:80]!r} can't be used. Accepted: {accepted}.", field=field_name
    )
