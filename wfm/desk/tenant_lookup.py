"""The organization that answers at the configured address, and whether it is a demo tenant."""

from __future__ import annotations

from wfm.desk.connections import client_of
from wfm.domain.errors import BadInput, DeskError
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import Credentials
from wfm.genesys.demo_admin import probe_demo
from wfm.genesys.errors import GenesysError
from wfm.genesys.reads import Reader
from wfm.genesys.regions import Endpoint, endpoint_for_region, endpoint_for_urls
from wfm.ledger import Ledger
from wfm.settings import Settings


class Unreachable(DeskError):
    """The tenant did not answer and was never seen before, so not even its organization is known."""


def endpoint_of(settings: Settings) -> Endpoint:
    """Return the address of the tenant. Raises BadInput; Unreachable where none is configured and no demo tenant runs."""
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


def tenant_of(
    settings: Settings, endpoint: Endpoint, ledger: Ledger, *, history: bool = False
) -> tuple[Tenant, DeskError | None]:
    """Return the organization that answers there, or the one seen there before and why it does not answer.

    With `history` an organization that the ledger holds anything of serves too. Raises BadInput, Unreachable, StoreFault.
    """
    info = probe_demo(endpoint)
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
    client = client_of(settings, unknown, credentials)
    try:
        facts = Reader(client).token()
    finally:
        client.close()
    ledger.preferences.set(host, "organization", f"{facts.organization_id}|{facts.organization_name}")
    return _organization(endpoint, facts.organization_id, facts.organization_name, is_demo=False)
