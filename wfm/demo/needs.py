"""What the catalogue says that an endpoint needs: permissions where roles decide, scopes of a user's token."""

from __future__ import annotations

from wfm import catalogue
from wfm.demo.clients import Token
from wfm.demo.problems import Problem, missing_permissions
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Endpoint, Rights


def _known(endpoint: Endpoint) -> catalogue.PlatformOperation | None:
    return catalogue.operations().get(f"{endpoint.verb} {endpoint.template}")


def permissions_of(endpoint: Endpoint) -> tuple[tuple[str, ...], bool]:
    """Return the permissions that the operation needs, and whether every one of them. Where roles decide."""
    known = _known(endpoint)
    if endpoint.permissions is not None:
        return endpoint.permissions, False
    return (known.permissions, known.any_or_all == "ALL") if known is not None else ((), False)


def scopes_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the published scopes of the operation, any one of which is enough for a user's token."""
    known = _known(endpoint)
    return known.scopes if known is not None else ()


def authorize(tenant: DemoTenant, token: Token, endpoint: Endpoint) -> Rights:
    """Return where the token may make the call. Raises Problem 403 where it may nowhere."""
    if token.user:
        needed = scopes_of(endpoint)
        if needed and not set(needed) & set(token.scopes):
            raise Problem(403, "app.not.authorized.for.scope", f"App not authorized to use scope {list(needed)}")
    rights = tenant.rights(token, *permissions_of(endpoint))
    if rights.permissions and not rights.divisions:
        raise missing_permissions(rights.permissions, rights.every)
    return rights
