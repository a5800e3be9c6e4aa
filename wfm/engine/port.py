"""What the worker needs of a durable execution engine. One implementation, on DBOS, in dbos_engine.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from wfm.domain.operations import Phase

Advance = Callable[[str, Phase, bool], bool]
"""(operation id, phase, first step) -> whether more is left to do. Called as a durable step; may be called again."""


class FlowState(StrEnum):
    """Where the workflow of an operation's phase stands."""

    NONE = "none"
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


class Engine(Protocol):
    """Runs `apply:{operation}:{revision}` and `restore:{operation}:{revision}`, one of an operation at a time."""

    def launch(self) -> None:
        """Starts taking workflows, first those that this executor left behind. Raises StoreFault."""

    def start(self, operation_id: str, phase: Phase, revision: int) -> bool:
        """Enqueues the phase unless it waits or runs already; whether it did. A phase that ended is started anew:
        whether anything is left to do is for the ledger to say."""

    def status(self, operation_id: str, phase: Phase) -> FlowState:
        """Where the phase's latest workflow stands."""

    def reap(self) -> int:
        """Takes over workflows of executors that are dead; how many."""

    def tidy(self, older_than: timedelta) -> int:
        """Forgets workflows that ended so long ago; how many. The history is in the ledger."""

    def damaged(self) -> bool:
        """Whether what the engine keeps is damaged, so that only launching it again helps: its facts are in the ledger."""

    def destroy(self, patience_s: float) -> None:
        """Stops taking workflows and waits for those that run, at most so many seconds."""
