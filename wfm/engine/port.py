"""What the worker needs of a durable execution engine. One implementation, on DBOS, in dbos_engine.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from wfm.domain.operations import Phase

Advance = Callable[[str, Phase, bool], bool]
"""(operation id, phase, first step) -> whether more is left to do. A durable step: it may be called again."""


class Engine(Protocol):
    """Runs the phases of operations, one workflow of an operation at a time (their ids: head of dbos_engine.py)."""

    def launch(self) -> None:
        """Start taking workflows, first those that this executor left behind. Raises StoreFault."""

    def start(self, operation_id: str, phase: Phase, revision: int) -> bool:
        """Enqueue the phase unless it waits or runs already; return whether it did.

        A phase that has ended is started again: only the ledger knows whether anything is left to do.
        """

    def reap(self) -> int:
        """Take over the workflows of dead executors; return how many."""

    def tidy(self, older_than: timedelta) -> int:
        """Delete workflows that ended longer ago than this; return how many. The history is in the ledger."""

    def damaged(self) -> bool:
        """Return whether the engine's database is damaged: launching again makes a new one, all facts are in the ledger."""

    def destroy(self, patience_s: float) -> None:
        """Stop taking workflows and wait at most this many seconds for those that run."""
