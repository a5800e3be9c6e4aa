"""What the parts of one Desk share."""

from __future__ import annotations

from dataclasses import dataclass

from wfm.desk.connections import Connections
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import Clock
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


class DeskPart:
    """A part of the Desk: what is asked about one subject. It holds what most parts use; none of them inherits another."""

    def __init__(self, dependencies: DeskDependencies) -> None:
        self._settings = dependencies.settings
        self._tenant = dependencies.tenant
        self._ledger = dependencies.ledger
        self._clock = dependencies.clock
        self._connections = dependencies.connections
