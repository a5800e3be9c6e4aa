"""Who is behind a plain HTTP request: the same sign-in cookie and the same decision as on screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from streamlit.auth_util import get_origin_from_redirect_uri
from streamlit.runtime.session_manager import ClientContext
from streamlit.web.server.server_util import is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME, XSRF_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks, _parse_decoded_user_cookie

from wfm.domain.errors import DeskError, StoreFault
from wfm.domain.people import LEAST_ROLE, Actor, Capability
from wfm.ui.shell import context, roles


def actor_of(request: HTTPConnection) -> Actor:
    """The actor behind the request; ANONYMOUS when in doubt. Raises DeskError when the tenant can't be asked."""
    return _actor(request.client.host if request.client else None, request.headers, request.cookies)


def same_person(request: HTTPConnection, session: ClientContext) -> bool:
    """Whether a request comes from the browser, and the signed-in person, to whom a Streamlit session belongs.

    Where nobody signs in, the browser alone tells people apart: by the cookie that Streamlit gives each one.
    """
    if is_xsrf_enabled():
        here, there = _browser(request.cookies), _browser(session.cookies)
        if here is None or here != there:
            return False
    owner = _actor(session.remote_ip, dict(session.headers), session.cookies)
    return actor_of(request).subject == owner.subject


def refusal(request: HTTPConnection, capability: Capability) -> Response | None:
    """The answer for somebody who lacks the capability; None for those who hold it. Asks the tenant: call it in a thread."""
    try:
        actor = actor_of(request)
    except DeskError as error:
        return PlainTextResponse(str(error), status_code=503 if isinstance(error, StoreFault) else 502)
    if not actor.subject:
        return PlainTextResponse("Sign in to the desk first, then open this again.", status_code=401)
    if not actor.may(capability):
        return PlainTextResponse(f"This needs a role of at least {LEAST_ROLE[capability].name.lower()}.", status_code=403)
    return None


def _actor(remote: str | None, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Actor:
    desk = context.desk()
    claims = _claims(cookies) if desk.settings.oidc_configured else {}
    caller = roles.Caller(claims=claims, local=roles.is_local(remote, headers))
    return roles.decide(is_demo=desk.tenant.is_demo, settings=desk.settings, caller=caller, now=datetime.now(UTC))


def _claims(cookies: Mapping[str, str]) -> Mapping[str, object]:
    """What the signed cookie says, {} where it is missing, forged, expired or made for another origin.

    Streamlit's own reader of its own cookie (pinned below 1.68; tests/ui/test_shell_web.py holds it to that).
    """
    decoded = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    origin = get_origin_from_redirect_uri()
    if decoded is None or origin is None:
        return {}
    return dict(_parse_decoded_user_cookie(decoded, origin))


def _browser(cookies: Mapping[str, str]) -> bytes | None:
    """What stays the same in one browser's XSRF cookie, which is written differently each time."""
    token, _ = decode_xsrf_token_string(cookies.get(XSRF_COOKIE_NAME, ""))
    return token or None
