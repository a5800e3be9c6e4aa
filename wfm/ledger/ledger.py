"""The ledger: what was asked and what happened. SQLite or PostgreSQL through the same code; see docs/ledger.md."""

from __future__ import annotations

from wfm.ledger.client_usage import ClientUsage
from wfm.ledger.database import Database
from wfm.ledger.failure_groups import FailureGroups
from wfm.ledger.imports import Imports
from wfm.ledger.items import Items
from wfm.ledger.lifecycle import Lifecycle
from wfm.ledger.locks import TaskLocks
from wfm.ledger.migrate import upgrade
from wfm.ledger.operations import Operations
from wfm.ledger.preferences import KeptTexts
from wfm.ledger.retention import Retention
from wfm.ledger.run_writer import RunWriter
from wfm.ledger.runs import Runs
from wfm.ledger.saved_views import SavedViews
from wfm.ledger.schema import drafts, preferences
from wfm.ledger.tenants import Tenants
from wfm.ledger.workers import Workers


class Ledger:
    """Opens the database at a URL, brings its schema up to date, and holds one repository a subject over it.

    `Ledger("sqlite:///path/desk.db")` or `Ledger("postgresql://user@host/database")`; then for instance
    `ledger.operations.get(tenant_key, operation_id)`. Writes are short transactions; reads never block them. Errors of the
    database come out as StoreFault, a URL that can't be used as BadInput. Thread-safe; close() when done.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 10.0) -> None:
        self.database = db = Database(url, busy_timeout_s=busy_timeout_s)
        try:
            upgrade(db)
        except BaseException:
            db.close()
            raise
        self.tenants = tenants = Tenants(db)
        self.operations = Operations(db, tenants)
        self.lifecycle = Lifecycle(db, tenants, self.operations)
        self.failure_groups = FailureGroups(db, tenants)
        run_writer = RunWriter(self.failure_groups)
        self.items = Items(db, run_writer)
        self.runs = Runs(db, tenants, run_writer)
        self.imports = Imports(db, tenants, run_writer)
        self.retention = Retention(db, tenants, self.failure_groups)
        self.client_usage = ClientUsage(db, tenants)
        self.saved_views = SavedViews(db, tenants)
        self.preferences = KeptTexts(db, tenants, preferences, "key", "value")
        self.drafts = KeptTexts(db, tenants, drafts, "subject", "plan")
        """Half-filled plans as JSON, by the person's subject."""
        self.workers = Workers(db, tenants)
        self.locks = TaskLocks(db)

    def close(self) -> None:
        self.database.close()
