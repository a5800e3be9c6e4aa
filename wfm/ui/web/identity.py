"""Who is behind a plain HTTP request: the same sign-in cookie and the same decision as on screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from streamlit.auth_util import get_origin_from_redirect_uri
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks, _parse_decoded_user_cookie

from wfm.domain.people import Actor
from wfm.ui import context, roles


def actor_of(request: Request) -> Actor:
    """The actor behind the request; ANONYMOUS when in doubt. Raises DeskError when the tenant can't be asked."""
    desk = context.desk()
    remote = request.client.host if request.client else None
    claims = _claims(request) if desk.settings.oidc_configured else {}
    caller = roles.Caller(claims=claims, local=roles.is_local(remote, request.headers))
    return roles.decide(is_demo=desk.tenant.is_demo, settings=desk.settings, caller=caller, now=datetime.now(UTC))


def _claims(request: Request) -> Mapping[str, object]:
    """What the signed cookie says, {} where it is missing, forged, expired or made for another origin.

    Streamlit's own reader of its own cookie (pinned below 1.68; tests/ui/test_shell_web.py holds it to that).
    """
    decoded = _get_signed_cookie_with_chunks(dict(request.cookies), USER_COOKIE_NAME)
    origin = get_origin_from_redirect_uri()
    if decoded is None or origin is None:
        return {}
    return dict(_parse_decoded_user_cookie(decoded, origin))
