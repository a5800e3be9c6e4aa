"""What the preview needs of other rooms, as protocols: the reader of the tenant and the facts of a route.

`wfm.genesys.reads.Reader` and `wfm.routes` satisfy them; tests bring fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from wfm.catalogue import PlatformOperation
from wfm.domain.agents import Agent, AgentState, Directory
from wfm.domain.operations import Phase
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.schedules import AgentSchedule
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane

Clock = Callable[[], datetime]
Held = Callable[[datetime, datetime, Collection[str]], Mapping[str, str]]
"""(start, end, agent ids) -> the title of the window that already has the agent, for those that are in one."""


class PreviewReads(Protocol):
    """The bulk reads of a preview. All raise GenesysError."""

    @property
    def as_of(self) -> Mapping[str, datetime]:
        """The instant of each source: token, directory, schedules, states, actions."""

    @property
    def requests(self) -> int:
        """Requests made to the tenant."""

    @property
    def gaps(self) -> Mapping[str, GenesysError]:
        """Optional parts of the directory that the tenant refused, by name."""

    def token(self, *, fresh: bool = False) -> TokenFacts: ...

    def directory(self, *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN) -> Directory: ...

    def queue_members(self, queue_id: str, *, fresh: bool = False) -> frozenset[str]: ...

    def actions(self, *, fresh: bool = False) -> Sequence[Mapping[str, Any]]: ...

    def states(
        self, agents: Sequence[Agent], *, fresh: bool = False, lane: RequestLane = RequestLane.SCREEN
    ) -> Mapping[str, AgentState]: ...

    def schedules(
        self,
        agents: Sequence[Agent],
        start: datetime,
        end: datetime,
        *,
        fresh: bool = False,
        lane: RequestLane = RequestLane.SCREEN,
    ) -> Mapping[str, AgentSchedule]: ...


class RouteFacts(Protocol):
    """The facts of a route before anything is written."""

    @property
    def name(self) -> RouteName: ...

    @property
    def undoable_by_clock(self) -> bool: ...

    def calls(self, phase: Phase) -> tuple[PlatformOperation, ...]: ...

    def requests(self, phase: Phase) -> float: ...

    def offer(self, window: Window, now: datetime, facts: TokenFacts) -> RouteOffer: ...
