"""What stands between the network and Streamlit, outermost first. The launcher and the tests use this one list."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit import config

from wfm.ui.shell import context
from wfm.ui.shell.web.addresses import LeadHome
from wfm.ui.shell.web.gate import ForPeople, LocalOnly
from wfm.ui.shell.web.headers import SecurityHeaders
from wfm.ui.shell.web.hosts import served_hosts
from wfm.ui.shell.web.origin import SameOrigin
from wfm.ui.shell.web.return_to import ReturnTo
from wfm.ui.shell.web.uploads import GuardUploads


def middleware(*, oidc_configured: bool, redirect_uri: str | None) -> list[Middleware]:
    """The desk's own middleware; `redirect_uri` is where the sign-in ends, which says whether the desk is behind https."""
    https = (redirect_uri or "").startswith("https://")
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=served_hosts(redirect_uri)),
        Middleware(SecurityHeaders, https=https),
        *([Middleware(ReturnTo, https=https)] if oidc_configured else []),
        # Which tenant is real is known once it answered; until then only this machine is served.
        Middleware(LocalOnly, active=lambda: not oidc_configured and not context.known_demo()),
        Middleware(SameOrigin, allowed=config.get_option("server.corsAllowedOrigins")),
        Middleware(ForPeople),
        Middleware(GuardUploads),
        Middleware(LeadHome),
    ]
