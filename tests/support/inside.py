"""What a Desk is wired of, for tests that write to its ledger, look into it, or make its tenant fail."""

from __future__ import annotations

from wfm.desk import Desk
from wfm.desk.dependencies import DeskDependencies


def inside(desk: Desk) -> DeskDependencies:
    """The ledger, connections and clock of a Desk. Only tests and the worker take them from it."""
    return desk.dependencies
