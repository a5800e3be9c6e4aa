"""What a worker says of itself with each heartbeat."""

from __future__ import annotations

from enum import StrEnum


class WorkerState(StrEnum):
    """Where a worker stands. The value is what the heartbeat's row holds."""

    STANDBY = "standby"
    """Waits for another one to end."""
    STARTING = "starting"
    """Has the right to work, and opens what it needs: it may still fail."""
    WORKING = "working"
    STOPPING = "stopping"


PASSED_START = frozenset({WorkerState.WORKING.value, WorkerState.STOPPING.value})
"""Only such a worker is alive for screens and commands: one that can't start gives heartbeats too, until it fails."""
