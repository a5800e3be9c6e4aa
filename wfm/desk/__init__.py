"""What pages, the command line and the worker may ask: one Desk, with a part for each subject."""

from wfm.desk.desk import Desk
from wfm.desk.failures import CauseSeries, FailureBrief, FailureDetail
from wfm.desk.imports import ImportFormat, ImportPreview, ImportReport
from wfm.desk.proofs import Proof
from wfm.desk.retention import RetentionReport, RetentionState
from wfm.desk.tenant_lookup import Unreachable
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
from wfm.ledger.records import GroupChange, SavedView

__all__ = [
    "AccessReport",
    "ActionResult",
    "ActionStep",
    "CauseSeries",
    "ClientChoice",
    "DataAction",
    "DemoState",
    "Desk",
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
