"""What every route has in common: the interface, the task it is given, the answers it gives.

A route is one way to make an agent unavailable: which calls, when it fits, how it is undone. It sends through the
client it is given and knows neither the ledger nor the clock. Errors of the client (`wfm.genesys.errors`) pass through
it unchanged, except for `Interrupted`; so does `StoreFault` of the request budget, which means that nothing was sent. A
route that can't do what it is asked raises `Refused` before it sends anything.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from wfm.catalogue import PlatformOperation
from wfm.domain.agents import Status
from wfm.domain.errors import StoreFault
from wfm.domain.operations import Exchange, Item, Operation, Phase
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane


class Answer(Protocol):
    """What the platform answered; `wfm.genesys.client.Reply` is one."""

    @property
    def status(self) -> int: ...

    @property
    def json(self) -> object: ...

    @property
    def exchanges(self) -> tuple[Exchange, ...]: ...


class Sender(Protocol):
    """What a route sends through; `wfm.genesys.client.GenesysClient` is one. `cancel` ends the wait for a permit."""

    def send(
        self,
        operation: PlatformOperation,
        *,
        path: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: object = None,
        lane: RequestLane,
        retry: bool = True,
        cancel: threading.Event | None = None,
    ) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One agent to write.

    `before` is the state in the last bulk read before the write (None where unknown). `intent` is when the intent was
    committed, None outside a claim. `inputs` are the names that the contract of the chosen Data Action takes, None
    where there is no action or its contract can't be read.
    """

    operation: Operation
    item: Item
    phase: Phase
    before: Status | None = None
    intent: datetime | None = None
    inputs: frozenset[str] | None = None

    @property
    def lane(self) -> RequestLane:
        return RequestLane.RESTORE if self.phase is Phase.RESTORE else RequestLane.APPLY

    @property
    def wanted(self) -> Status:
        """The state that this phase writes."""
        return Status.UNAVAILABLE if self.phase is Phase.APPLY else self.previous

    @property
    def previous(self) -> Status:
        """The state to restore: what the marker remembers, else the last bulk read, else available."""
        remembered = unpack(self.item.marker).get("before")
        if remembered in tuple(Status):
            return Status(str(remembered))
        return self.before or self.item.before or Status.AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The write was accepted. `marker` identifies our own write later; None keeps the earlier marker."""

    marker: str | None
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The agent was left alone on purpose. `reason` is a SkipReason or a sentence of the same kind."""

    reason: str
    exchanges: tuple[Exchange, ...]


class Verdict(StrEnum):
    """The result of reading back a write whose outcome is unknown."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    verdict: Verdict
    marker: str | None = None
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a phase reads once: the `inputs` of its tasks, and the name of the Data Action (None: no action).

    `behind` is the request that the action itself makes, "VERB /path/template", where the tenant shows it.
    """

    inputs: frozenset[str] | None = None
    action: str | None = None
    behind: str | None = None


class Interrupted(Exception):
    """A write of several requests broke off in the middle.

    `cause` is the error of the request that broke off (raised from it). `marker` remembers the earlier state, so that a
    later undo can restore it. `exchanges` are all of them, including those of `cause`. `written` is how many writes the
    tenant had accepted before.
    """

    def __init__(
        self, cause: GenesysError | StoreFault, marker: str | None, exchanges: tuple[Exchange, ...], *, written: int
    ) -> None:
        self.cause = cause
        self.marker = marker
        self.exchanges = exchanges
        self.written = written
        super().__init__(str(cause))


class Route(Protocol):
    """One way to make an agent unavailable. Routes hold no state: one object serves all threads."""

    @property
    def name(self) -> RouteName: ...

    @property
    def via(self) -> str:
        """How its runs are marked: direct or data_action."""

    @property
    def reads_back(self) -> bool:
        """Whether the route can read its own write. Otherwise the agent's state is read in bulk."""

    def calls(self, phase: Phase) -> tuple[PlatformOperation, ...]:
        """Return every call the phase may make for an agent, the writing one last."""

    def requests(self, phase: Phase) -> float:
        """Return the requests that the phase usually takes for one agent."""

    def offer(self, window: Window, now: datetime, facts: TokenFacts | None) -> RouteOffer:
        """Return whether the route fits this window, and why. Whether the token may use it, the access check decides."""

    def prepare(self, client: Sender, operation: Operation, phase: Phase) -> Prepared:
        """Read what all agents of a phase share. Raises StoreFault; never GenesysError."""

    def apply(self, client: Sender, task: Task) -> Written | Left:
        """Make the agent unavailable, or leave them alone where there is nothing to write.

        Raises GenesysError, Interrupted, Refused, StoreFault (nothing was sent).
        """

    def restore(self, client: Sender, task: Task) -> Written | Left:
        """Restore the earlier state if the present one is still ours. Raises as `apply`."""

    def read_back(self, client: Sender, task: Task) -> ReadBack:
        """Read back whether the phase's write of this agent took effect. Raises GenesysError and StoreFault."""


def pack(**parts: object) -> str:
    """Return a marker: a small JSON object, the same for the same parts."""
    return json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def unpack(marker: str | None) -> dict[str, object]:
    """Return the parts of a marker; {} where there is none or it has another form."""
    if not marker:
        return {}
    try:
        parts = json.loads(marker)
    except ValueError:
        return {}
    return parts if isinstance(parts, dict) else {}


def joined(*parts: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    """Return the exchanges of several requests as one numbered sequence."""
    story = [exchange for part in parts for exchange in part]
    return tuple(replace(exchange, number=number) for number, exchange in enumerate(story, start=1))


def instant(value: object) -> datetime | None:
    """Return an ISO 8601 instant of the platform as aware UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def shown(moment: datetime) -> str:
    """Return an instant as the platform writes it: UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields(value: object) -> Mapping[str, object]:
    """Return a JSON object, or {} for anything else: no answer is trusted to have the documented form."""
    return value if isinstance(value, Mapping) else {}
