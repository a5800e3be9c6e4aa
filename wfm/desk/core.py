"""The composition root: settings in, wired rooms out. What the parts of the Desk share."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from pydantic import SecretStr

from wfm.desk.values import ClientChoice
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Diagnosis, Evidence
from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, StoreFault
from wfm.domain.people import Actor, Capability
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.demo_admin import DemoAdmin, DemoInfo, probe_demo
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import SharedPacer
from wfm.genesys.reads import Reader
from wfm.genesys.regions import Endpoint, endpoint_for_region, endpoint_for_urls
from wfm.ledger import Ledger
from wfm.settings import Settings
from wfm.stores import PassingFault

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

DEMO_FIRST_CLIENT = "architect-flow"
CLIENT_PREFERENCE = "client"


def utcnow() -> datetime:
    return datetime.now(UTC)


class Unreachable(DeskError):
    """The tenant did not answer and was never seen before, so not even its organization is known."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One OAuth client's way to the tenant."""

    id: str
    name: str
    client: GenesysClient
    reader: Reader


class DeskCore:
    """Tenant, ledger and clients, shared by every part of the Desk. Thread-safe."""

    def __init__(self, settings: Settings, tenant: Tenant, ledger: Ledger, demo_admin: DemoAdmin | None, clock: Clock) -> None:
        self.settings = settings
        self.tenant = tenant
        self.ledger = ledger
        self.clock = clock
        self.no_answer: DeskError | None = None
        """Why the tenant did not answer when the Desk was opened, where what was seen of it before had to do."""
        self._demo_admin = demo_admin
        self._connections: dict[str, Connection] = {}
        self._lock = threading.RLock()

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock = utcnow, history: bool = False) -> Self:
        """A wired Desk. Raises BadInput, StoreFault, or Unreachable, each a sentence for people.

        With `history` a tenant that does not answer is taken from the ledger: enough to read what happened there.
        """
        endpoint = endpoint_of(settings)
        ledger = Ledger(settings.ledger_url)
        try:
            info = probe_demo(endpoint)
            tenant, no_answer = _tenant_of(settings, endpoint, info, ledger, history)
        except BaseException:
            ledger.close()
            raise
        desk = cls(settings, tenant, ledger, DemoAdmin(endpoint) if tenant.is_demo else None, clock)
        desk.no_answer = no_answer
        return desk

    def close(self) -> None:
        with self._lock:
            for connection in self._connections.values():
                connection.client.close()
            self._connections.clear()
        self.ledger.close()  # the demo's switches stay open: a thread that reads at the start may still ask them

    # --- clients -------------------------------------------------------------------------------------------------

    def clients(self) -> tuple[ClientChoice, ...]:
        """The OAuth clients the desk can act with: one on a real tenant, the demo tenant's own on the demo tenant."""
        current = self.current_client_id()
        if self._demo_admin is not None and self.settings.genesys_client_id is None:
            return tuple(
                ClientChoice(id=client.id, name=client.name, scopes=tuple(client.scopes), current=client.id == current)
                for client in self._demo_admin.info().clients
            )
        facts = self.connection(current).reader.token()
        return (ClientChoice(id=current, name=facts.client_name, scopes=facts.scopes, current=True),)

    @property
    def current_client(self) -> ClientChoice:
        """The client that plans are made with now. An operation keeps the one it was planned with."""
        return next(choice for choice in self.clients() if choice.current)

    def use_client(self, name: str, actor: Actor) -> None:
        """Plan with another client from now on (demo tenant). Raises NotFound."""
        self.allow(actor, Capability.EXECUTE)
        chosen = next((choice for choice in self.clients() if name in (choice.name, choice.id)), None)
        if chosen is None:
            raise NotFound(f"This tenant has no OAuth client “{name}” that the desk knows.")
        self.ledger.preferences.set(self.tenant.key, CLIENT_PREFERENCE, chosen.id)

    def current_client_id(self) -> str:
        """The id of the client that plans are made with now."""
        if self.settings.genesys_client_id is not None:
            return self.settings.genesys_client_id
        if self._demo_admin is None:
            raise BadInput("WFM_GENESYS_CLIENT_ID", None, "the id of an OAuth client (client credentials)")
        known = self._demo_admin.info().clients
        wanted = self.ledger.preferences.get(self.tenant.key, CLIENT_PREFERENCE)
        if wanted is not None and any(client.id == wanted for client in known):
            return wanted
        return next((client.id for client in known if client.name == DEMO_FIRST_CLIENT), known[0].id)

    def connection(self, client_id: str | None = None) -> Connection:
        """The way to the tenant of one client (the current one by default). Raises NotFound for an unknown client."""
        client_id = client_id or self.current_client_id()
        with self._lock:
            if client_id not in self._connections:
                self._connections[client_id] = self._connect(client_id)
            return self._connections[client_id]

    def _connect(self, client_id: str) -> Connection:
        name, secret = self._secret(client_id)
        client = _client(self.settings, self.tenant, Credentials(client_id, secret))
        return Connection(client_id, name, client, Reader(client, clock=self.clock))

    def _secret(self, client_id: str) -> tuple[str, SecretStr]:
        if client_id == self.settings.genesys_client_id and self.settings.genesys_client_secret is not None:
            return client_id, self.settings.genesys_client_secret
        if self._demo_admin is not None:
            for client in self._demo_admin.info().clients:
                if client.id == client_id:
                    return client.name, client.secret
        raise NotFound(f"The desk has no secret for OAuth client {client_id}: it was planned with another configuration.")

    # --- shared by the parts ---------------------------------------------------------------------------------------

    def allow(self, actor: Actor, capability: Capability) -> None:
        """Raises NotAllowed unless the actor may. Every method that writes calls this: screens are not trusted."""
        if not actor.may(capability):
            why = actor.read_only_reason or f"{actor.name or 'Nobody signed in'} may not do this here."
            raise NotAllowed(why)

    @contextlib.contextmanager
    def reads_counted(self, connection: Connection) -> Iterator[None]:
        """Keeps how the reads made with a client ended, whatever comes of what they were made for."""
        try:
            yield
        finally:
            counts = connection.reader.take_read_counts()
            try:
                self.ledger.client_usage.add_reads(self.tenant.key, connection.id, ok=counts.worked, failed=counts.failed)
            except StoreFault as fault:
                log.warning("Reads could not be counted: %s", fault.what if isinstance(fault, PassingFault) else fault)

    def diagnose(self, error: GenesysError, *, via: str = "direct", client_id: str | None = None) -> Diagnosis:
        """What a failed call means, with what the ledger knows around it."""
        reads_ok, writes_ok, _ = self.ledger.client_usage.counts(self.tenant.key, client_id or self.current_client_id())
        evidence = Evidence(
            call=error.call,
            via=via,
            client_name=self.connection(client_id).name,
            held_scopes=self._held_scopes(client_id),
            reads_ok=reads_ok,
            writes_ok=writes_ok,
            fault=error.fault,
        )
        return diagnose(error.status, error.headers, error.body, evidence)

    def _held_scopes(self, client_id: str | None) -> tuple[str, ...] | None:
        try:
            return self.connection(client_id).reader.token().scopes
        except DeskError:
            return None


def endpoint_of(settings: Settings) -> Endpoint:
    """Where the tenant is. Raises BadInput; Unreachable where nothing is configured and no demo tenant runs."""
    if settings.genesys_region:
        return endpoint_for_region(settings.genesys_region)
    if settings.genesys_api_url and settings.genesys_login_url:
        return endpoint_for_urls(settings.genesys_api_url, settings.genesys_login_url)
    url = settings.demo_url()
    if url is None:
        raise Unreachable(
            "No tenant is configured and no demo tenant runs. Start the desk with “make run”, or set WFM_GENESYS_REGION."
        )
    return endpoint_for_urls(url, url)


def _client(settings: Settings, tenant_or_endpoint: Tenant, credentials: Credentials) -> GenesysClient:
    endpoint = Endpoint(api_url=tenant_or_endpoint.api_url, login_url=tenant_or_endpoint.login_url)
    pacer = SharedPacer(
        pacing_url(settings), key=f"{tenant_or_endpoint.key}|{credentials.client_id}", share=settings.genesys_rate_share
    )
    return GenesysClient(endpoint, credentials, pacer, timeout_s=settings.genesys_timeout_s)


def pacing_url(settings: Settings) -> str:
    """The database of the shared limiter: a file of its own beside the embedded ledger, else the same server."""
    if settings.database_url is None:
        return f"sqlite:///{(settings.data_dir / 'pacing.sqlite').absolute()}"
    return settings.ledger_url


def _tenant_of(
    settings: Settings, endpoint: Endpoint, info: DemoInfo | None, ledger: Ledger, history: bool
) -> tuple[Tenant, DeskError | None]:
    """Which organization answers there; what was seen before serves while the tenant is down, and then why it is."""
    host = endpoint.api_url.split("://", 1)[-1]
    fault: DeskError
    if info is not None:
        return _organization(endpoint, info.organization_id, info.organization_name, is_demo=True), None
    try:
        return _ask_tenant(settings, endpoint, ledger, host), None
    except GenesysError as error:
        fault = Unreachable(f"The tenant at {host} can't be used: {error}")
        if error.status is not None:
            raise fault from error
        seen = ledger.preferences.get(host, "organization") or (ledger.tenants.organization_at(host) if history else None)
    except (Unreachable, BadInput) as error:  # a demo tenant that does not answer
        fault, seen = error, ledger.tenants.organization_at(host) if history and endpoint.is_loopback else None
    if seen is None:
        raise fault from fault.__cause__
    organization_id, _, name = seen.partition("|")
    return _organization(endpoint, organization_id, name, is_demo=False), fault


def _organization(endpoint: Endpoint, organization_id: str, name: str, *, is_demo: bool) -> Tenant:
    return Tenant(
        api_url=endpoint.api_url,
        login_url=endpoint.login_url,
        organization_id=organization_id,
        organization_name=name,
        is_demo=is_demo,
    )


def _ask_tenant(settings: Settings, endpoint: Endpoint, ledger: Ledger, host: str) -> Tenant:
    if not settings.tenant_configured:
        raise Unreachable(f"The demo tenant at {host} does not answer. Start the desk again: that starts its demo tenant too.")
    if settings.genesys_client_id is None or settings.genesys_client_secret is None:
        accepted = f"the id of an OAuth client (client credentials); only a demo tenant needs none, and none answers at {host}"
        raise BadInput("WFM_GENESYS_CLIENT_ID", None, accepted)
    unknown = _organization(endpoint, "", "", is_demo=False)
    credentials = Credentials(settings.genesys_client_id, settings.genesys_client_secret)
    client = _client(settings, unknown, credentials)
    try:
        facts = Reader(client).token()
    finally:
        client.close()
    ledger.preferences.set(host, "organization", f"{facts.organization_id}|{facts.organization_name}")
    return _organization(endpoint, facts.organization_id, facts.organization_name, is_demo=False)
