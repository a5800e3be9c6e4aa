"""Runs that the desk did not make, as a file tells them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from wfm.domain.operations import Exchange

FIELDS = (
    *("time", "agent_id", "agent", "action", "route", "via", "call", "method", "phase", "outcome", "status", "code"),
    *("correlation_id", "duration_ms", "request", "response", "note", "run", "kind", "cause", "missing", "retryable"),
    "operation_id",
)
"""What a column of a file may hold of a run, in the order shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """One run as a file tells it. `outcome` is applied, failed, skipped or unconfirmed; texts are as given.

    `timed` is false where the file says no time and `time` is when it was read. `place` tells runs apart that are alike
    in everything else (the execution of a flow). `run`, `operation_id`, `kind`, `cause`, `missing`, `retryable` and
    `exchanges` are there in what a desk wrote itself.
    """

    line: int
    time: datetime
    agent_id: str
    agent: str
    action: str
    route: str
    via: str
    call: str
    phase: str
    outcome: str
    status: int | None
    code: str
    correlation_id: str
    duration_ms: int | None
    request: str
    response: str
    note: str
    timed: bool = True
    place: str = ""
    run: str = ""
    operation_id: str = ""
    kind: str = ""
    cause: str = ""
    missing: tuple[str, ...] = ()
    retryable: bool | None = None
    exchanges: tuple[Exchange, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same run, wherever in whichever file of whichever format it stands.

        Time (to the millisecond), agent, action and phase, with what tells runs apart beside them: the correlation id, else
        its own place or id, else what was asked and answered.
        """
        at = self.time.astimezone(UTC).isoformat(timespec="milliseconds") if self.timed else ""
        parts = [at, self.agent_id, self.action or self.call, self.phase]
        if self.correlation_id:
            parts += [self.correlation_id, self.place]
        elif self.place or self.run:
            parts += ["", self.place or self.run]
        else:
            parts += ["", "", self.outcome, str(self.status), self.code, same_text(self.request), same_text(self.response)]
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A line that could not be read, and why, in a sentence."""

    line: int
    why: str


def same_text(text: str) -> str:
    """The text as it is compared: JSON without its spelling, anything else without blanks at its ends and CRLF."""
    text = text.strip().replace("\r\n", "\n")
    if text[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    return text
