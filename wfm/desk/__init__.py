"""What pages, the command line and the worker may ask: one Desk, with a part for each subject."""

from wfm.desk.desk import Desk as Desk
from wfm.desk.failures import CauseSeries as CauseSeries
from wfm.desk.failures import FailureBrief as FailureBrief
from wfm.desk.failures import FailureDetail as FailureDetail
from wfm.desk.imports import ImportFormat as ImportFormat
from wfm.desk.imports import ImportPreview as ImportPreview
from wfm.desk.imports import ImportReport as ImportReport
from wfm.desk.proofs import Proof as Proof
from wfm.desk.retention import RetentionReport as RetentionReport
from wfm.desk.retention import RetentionState as RetentionState
from wfm.desk.tenant_lookup import Unreachable as Unreachable
from wfm.desk.values import AccessReport as AccessReport
from wfm.desk.values import ActionResult as ActionResult
from wfm.desk.values import ActionStep as ActionStep
from wfm.desk.values import ClientChoice as ClientChoice
from wfm.desk.values import DataAction as DataAction
from wfm.desk.values import DemoState as DemoState
from wfm.desk.values import Health as Health
from wfm.desk.values import HeldUp as HeldUp
from wfm.desk.values import OperationView as OperationView
from wfm.desk.values import RunDetail as RunDetail
from wfm.ledger.records import Event as Event
from wfm.ledger.records import GroupChange as GroupChange
from wfm.ledger.records import SavedView as SavedView
