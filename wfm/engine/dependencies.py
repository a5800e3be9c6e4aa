"""What the engine needs of the other rooms, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfm.domain.agents import Agent, AgentState, Directory
from wfm.domain.diagnoses import Diagnosis, Evidence
from wfm.domain.operations import Item, Operation
from wfm.domain.plans import Fate
from wfm.domain.schedules import AgentSchedule
from wfm.domain.tenant import TokenFacts
from wfm.genesys.pacing import RequestLane
from wfm.ledger import Ledger
from wfm.routes.base import Sender

Clock = Callable[[], datetime]
Recheck = Callable[[Operation, Sequence[Item]], Mapping[str, tuple[Fate, str]]]
"""The agents that can no longer be taken out, with the reason. Raises GenesysError."""
Diagnose = Callable[[int | None, Mapping[str, str], bytes | str | None, Evidence], Diagnosis]


class Reads(Protocol):
    """The bulk reads that the engine makes; `wfm.genesys.reads.Reader` gives them. All raise GenesysError."""

    def token(self, *, fresh: bool = False) -> TokenFacts: ...

    def directory(self, *, fresh: bool = False, lane: RequestLane = ...) -> Directory: ...

    def states(self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = ...) -> Mapping[str, AgentState]: ...

    def schedules(
        self, agents: Sequence[Agent], start: datetime, end: datetime, *, fresh: bool = False, lane: RequestLane = ...
    ) -> Mapping[str, AgentSchedule]: ...


class Discards(Protocol):
    """What holds a token."""

    def discard(self) -> None:
        """Drop the token, so that the next request gets one with the client's present rights."""


class Client(Sender, Protocol):
    """A sender with a token; `wfm.genesys.client.GenesysClient` is one."""

    @property
    def auth(self) -> Discards: ...


ClientFor = Callable[[str], tuple[Client, Reads]]
"""OAuth client id -> its HTTP client and reader. Raises NotFound for a client whose secret the desk does not have."""


@dataclass(frozen=True, kw_only=True)
class EngineDependencies:
    """Everything around the engine. `timeout_s` is how long the client waits for one answer."""

    ledger: Ledger
    tenant_key: str
    client_for: ClientFor
    recheck: Recheck
    diagnose: Diagnose
    clock: Clock
    worker_id: str
    timeout_s: float = 10.0
