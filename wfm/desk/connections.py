"""Connections to the tenant: one HTTP client, reader and previewer for each OAuth client."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from wfm.domain.errors import BadInput, NotFound, StoreFault
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import Clock, Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.demo_admin import DemoAdmin
from wfm.genesys.pacing import SharedPacer
from wfm.genesys.reads import Reader
from wfm.genesys.regions import Endpoint
from wfm.ledger import Ledger
from wfm.preview import Previewer
from wfm.settings import Settings
from wfm.stores import PassingFault

log = logging.getLogger(__name__)

DEMO_FIRST_CLIENT = "architect-flow"
CLIENT_PREFERENCE = "client"


@dataclass(frozen=True, slots=True)
class Connection:
    """HTTP client, reader and previewer of one OAuth client. `id` and `name` are the OAuth client's."""

    id: str
    name: str
    client: GenesysClient
    reader: Reader
    previewer: Previewer


class Connections:
    """Connections by OAuth client, each opened when it is first asked for. Thread-safe."""

    def __init__(
        self, settings: Settings, tenant: Tenant, ledger: Ledger, clock: Clock, demo_admin: DemoAdmin | None = None
    ) -> None:
        self._settings = settings
        self._tenant = tenant
        self._ledger = ledger
        self._clock = clock
        self._demo_admin = demo_admin
        self._open: dict[str, Connection] = {}
        self._lock = threading.RLock()

    def current_id(self) -> str:
        """Return the id of the client that plans are made with now. Raises BadInput where none is configured."""
        if self._settings.genesys_client_id is not None:
            return self._settings.genesys_client_id
        if self._demo_admin is None:
            raise BadInput("WFM_GENESYS_CLIENT_ID", None, "the id of an OAuth client (client credentials)")
        known = self._demo_admin.info().clients
        wanted = self._ledger.preferences.get(self._tenant.key, CLIENT_PREFERENCE)
        if wanted is not None and any(client.id == wanted for client in known):
            return wanted
        return next((client.id for client in known if client.name == DEMO_FIRST_CLIENT), known[0].id)

    def get(self, client_id: str | None = None) -> Connection:
        """Return the connection of one client, the current one by default. Raises NotFound for an unknown client."""
        client_id = client_id or self.current_id()
        with self._lock:
            if client_id not in self._open:
                self._open[client_id] = self._connect(client_id)
            return self._open[client_id]

    def opened(self, client_id: str) -> Connection | None:
        """Return the connection of a client if it is open already."""
        return self._open.get(client_id)

    @contextlib.contextmanager
    def reads_counted(self, client_id: str | None = None) -> Iterator[Connection]:
        """Yield the connection of one client and record in the ledger how its reads end, also when the block raises."""
        connection = self.get(client_id)
        try:
            yield connection
        finally:
            counts = connection.reader.take_read_counts()
            try:
                self._ledger.client_usage.add_reads(self._tenant.key, connection.id, ok=counts.worked, failed=counts.failed)
            except StoreFault as fault:
                log.warning("Reads could not be counted: %s", fault.what if isinstance(fault, PassingFault) else fault)

    def forget_reads(self, *, tokens: bool = False) -> None:
        """Drop what was read from the tenant, and with `tokens` the access tokens too, so that the next read is fresh."""
        with self._lock:
            connections = list(self._open.values())
        for connection in connections:
            connection.reader.forget()
            if tokens:
                connection.client.auth.discard()

    def close(self) -> None:
        with self._lock:
            for connection in self._open.values():
                connection.client.close()
            self._open.clear()

    def _connect(self, client_id: str) -> Connection:
        name, secret = self._secret(client_id)
        client = client_of(self._settings, self._tenant, Credentials(client_id, secret))
        reader = Reader(client, clock=self._clock)
        previewer = Previewer(
            reader,
            held=self._held,
            clock=self._clock,
            tenant=self._tenant,
            rate_share=self._settings.genesys_rate_share,
            limit_per_minute=lambda: client.pacer.usage().limit_per_minute,
            renew=client.auth.discard,
        )
        return Connection(client_id, name, client, reader, previewer)

    def _held(self, start: datetime, end: datetime, agent_ids: Collection[str]) -> dict[str, str]:
        held = self._ledger.operations.held_agents(self._tenant.key, start, end, agent_ids)
        return {agent_id: title for agent_id, (_operation, title) in held.items()}

    def _secret(self, client_id: str) -> tuple[str, SecretStr]:
        if client_id == self._settings.genesys_client_id and self._settings.genesys_client_secret is not None:
            return client_id, self._settings.genesys_client_secret
        if self._demo_admin is not None:
            for client in self._demo_admin.info().clients:
                if client.id == client_id:
                    return client.name, client.secret
        raise NotFound(f"The desk has no secret for OAuth client {client_id}: the operation has another configuration.")


def client_of(settings: Settings, tenant: Tenant, credentials: Credentials) -> GenesysClient:
    """Return an HTTP client for these credentials, paced by the budget that all processes share."""
    endpoint = Endpoint(api_url=tenant.api_url, login_url=tenant.login_url)
    pacer = SharedPacer(pacing_url(settings), key=f"{tenant.key}|{credentials.client_id}", share=settings.genesys_rate_share)
    return GenesysClient(endpoint, credentials, pacer, timeout_s=settings.genesys_timeout_s, network=settings.network)


def pacing_url(settings: Settings) -> str:
    """Return the database of the shared budget: a separate file beside the embedded ledger, else the same server."""
    if settings.database_url is None:
        return f"sqlite:///{(settings.data_dir / 'pacing.sqlite').absolute()}"
    return settings.ledger_url
