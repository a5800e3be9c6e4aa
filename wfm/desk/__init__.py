"""The composition root: `Desk.open(settings)` wires every room; pages and the command line talk to the Desk only."""

from __future__ import annotations

from functools import cached_property

from wfm.desk.access import AccessDesk
from wfm.desk.core import DeskCore, Unreachable
from wfm.desk.demo import DemoControls
from wfm.desk.failures import CauseSeries, FailureBrief, FailureDesk, FailureDetail
from wfm.desk.imports import ImportDesk, ImportFormat, ImportPreview, ImportReport
from wfm.desk.plans import PlanDesk
from wfm.desk.proof import Proof
from wfm.desk.retention import RetentionDesk, RetentionReport, RetentionState
from wfm.desk.values import (
    AccessReport,
    ActionResult,
    ActionStep,
    ClientChoice,
    DataAction,
    DemoState,
    Health,
    HeldUp,
    OperationView,
    RunDetail,
)
from wfm.desk.views import ViewDesk
from wfm.desk.windows import WindowDesk
from wfm.ledger.records import GroupChange, SavedView


class Desk(PlanDesk, WindowDesk, FailureDesk, AccessDesk, ViewDesk, ImportDesk, RetentionDesk):
    """Everything a screen or a command may ask for. Thread-safe; one instance serves a whole process."""

    @cached_property
    def demo(self) -> DemoControls | None:
        """The demo tenant's switches; None on a real tenant."""
        return DemoControls(self, self._demo_admin) if self._demo_admin is not None else None

    def settings_shown(self) -> list[tuple[str, str, str]]:
        """Every setting as (name, value, what it is for). Secrets show only whether they are set."""
        rows = []
        for name, field in type(self.settings).model_fields.items():
            value = getattr(self.settings, name)
            if value is None or value == ():
                shown = "not set"
            elif hasattr(value, "get_secret_value"):
                shown = "set, not shown"
            elif isinstance(value, tuple):
                shown = ", ".join(value)
            else:
                shown = str(value)
            rows.append((f"WFM_{name.upper()}", shown, field.description or ""))
        return rows

    def forget_reads(self, *, tokens: bool = False) -> None:
        """Drops what was read from the tenant, and with `tokens` the tokens too, so that the next look is fresh."""
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            connection.reader.forget()
            if tokens:
                connection.client.auth.discard()


__all__ = [
    "AccessReport",
    "ActionResult",
    "ActionStep",
    "CauseSeries",
    "ClientChoice",
    "DataAction",
    "DemoState",
    "Desk",
    "DeskCore",
    "FailureBrief",
    "FailureDetail",
    "GroupChange",
    "Health",
    "HeldUp",
    "ImportFormat",
    "ImportPreview",
    "ImportReport",
    "OperationView",
    "Proof",
    "RetentionReport",
    "RetentionState",
    "RunDetail",
    "SavedView",
    "Unreachable",
]
