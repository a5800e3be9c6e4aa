"""What the parts of one Desk share."""

from __future__ import annotations

from dataclasses import dataclass

from wfm.desk.connections import Clock, Connections
from wfm.domain.tenant import Tenant
from wfm.genesys.demo_admin import DemoAdmin
from wfm.ledger import Ledger
from wfm.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDependencies:
    """What a Desk is made of. Its parts and the worker use it; screens and the command line do not see it.

    `demo_admin` is None on a real tenant.
    """

    settings: Settings
    tenant: Tenant
    ledger: Ledger
    clock: Clock
    connections: Connections
    demo_admin: DemoAdmin | None
