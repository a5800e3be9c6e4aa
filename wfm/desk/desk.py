"""The composition root: `Desk.open(settings)` wires every room; pages and the command line talk to the Desk only."""

from __future__ import annotations

from typing import Self

from wfm.desk.access import Access
from wfm.desk.actions import Actions
from wfm.desk.agents import Agents
from wfm.desk.clients import Clients
from wfm.desk.connections import Connections
from wfm.desk.demo import DemoControls
from wfm.desk.dependencies import DeskDependencies
from wfm.desk.failures import Failures
from wfm.desk.health import HealthCheck
from wfm.desk.imports import Imports
from wfm.desk.plans import Plans
from wfm.desk.proofs import Proofs
from wfm.desk.retention import Retention
from wfm.desk.runs import Runs
from wfm.desk.saved_views import SavedViews
from wfm.desk.tenant_lookup import endpoint_of, tenant_of
from wfm.desk.windows import Windows
from wfm.domain.errors import DeskError
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import Clock, utcnow
from wfm.genesys.demo_admin import DemoAdmin
from wfm.ledger import Ledger
from wfm.settings import Settings


class Desk:
    """Everything a screen or a command may ask for, by subject. Thread-safe; one instance serves a whole process.

        desk = Desk.open(settings)
        preview = desk.plans.preview(request)
        operation = desk.plans.apply(request, preview.plan_id, actor=actor, request_token=token)
        desk.windows.end(operation.id, actor)

    Methods raise BadInput, NotFound, Refused, NotAllowed (`UserError`), GenesysError and StoreFault, each a sentence for
    people. `no_answer` says why the tenant did not answer when the Desk was opened, where facts from an earlier answer
    are used. `demo` holds the switches of the demo tenant; None on a real tenant. `dependencies` are for the worker.
    """

    def __init__(
        self,
        settings: Settings,
        tenant: Tenant,
        ledger: Ledger,
        demo_admin: DemoAdmin | None,
        clock: Clock,
        no_answer: DeskError | None = None,
    ) -> None:
        self.settings = settings
        self.tenant = tenant
        self.clock = clock
        self.no_answer = no_answer
        self.dependencies = dependencies = DeskDependencies(
            settings=settings,
            tenant=tenant,
            ledger=ledger,
            clock=clock,
            connections=Connections(settings, tenant, ledger, clock, demo_admin),
            demo_admin=demo_admin,
        )
        self.clients = Clients(dependencies)
        self.agents = Agents(dependencies.connections)
        self.plans = Plans(dependencies)
        self.windows = Windows(dependencies)
        self.runs = Runs(dependencies)
        self.failures = Failures(dependencies, self.runs)
        self.proofs = Proofs(dependencies, self.runs, self.failures)
        self.access = Access(dependencies)
        self.actions = Actions(dependencies)
        self.imports = Imports(dependencies)
        self.saved_views = SavedViews(dependencies)
        self.retention = Retention(dependencies)
        self.health = HealthCheck(dependencies)
        self.demo = (
            DemoControls(dependencies, demo_admin, clients=self.clients, plans=self.plans, windows=self.windows)
            if demo_admin is not None
            else None
        )

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock = utcnow, history: bool = False) -> Self:
        """Wire a Desk. Raises BadInput, StoreFault, or Unreachable, each a sentence for people.

        With `history` a tenant that does not answer is taken from the ledger: enough to read what happened there.
        """
        endpoint = endpoint_of(settings)
        ledger = Ledger(settings.ledger_url)
        try:
            tenant, no_answer = tenant_of(settings, endpoint, ledger, history=history)
        except BaseException:
            ledger.close()
            raise
        return cls(settings, tenant, ledger, DemoAdmin(endpoint) if tenant.is_demo else None, clock, no_answer)

    def close(self) -> None:
        """Close the connections and the ledger. A thread that reads at the start may still ask the demo tenant."""
        self.dependencies.connections.close()
        self.dependencies.ledger.close()
