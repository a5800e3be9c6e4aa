"""Who is at the screen, decided from facts alone. Screens and the export routes decide by this one function.

The demo tenant: everyone is admin. A real tenant with an OpenID provider: WFM_ADMINS and WFM_SUPERVISORS by e-mail or
subject, everybody else who signed in is a viewer. A real tenant without a provider: a viewer, on this machine only.
Whatever is not known for sure is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wfm.domain.people import ANONYMOUS, Actor, Role
from wfm.settings import Settings

SIGN_IN_LASTS = timedelta(hours=12)
"""After this a person signs in again. The cookie alone would last 30 days and outlive a lost job."""

NO_PROVIDER = (
    "Read-only: this is a real tenant, and the desk can't tell who you are. Configure an OpenID provider "
    "(WFM_OIDC_METADATA_URL, WFM_OIDC_CLIENT_ID, WFM_OIDC_CLIENT_SECRET, WFM_OIDC_REDIRECT_URI, WFM_COOKIE_SECRET, "
    "WFM_ADMINS) to plan and execute here, or use the command line."
)

_PROXIES = re.compile(
    r"via|cdn-loop|.*forward.*|.*-ip|.*-addr|.*proxy.*|remote-.*|front-end-.*|surrogate-.*|.*-trace-id"
    r"|(?:cf|fly|fastly|tailscale|cloudfront|ngrok)-.*|x-(?!(?:xsrf-?token|csrf-?token|requested-with|moz|purpose|dns-.*)$).*"
)
"""Headers that proxies, tunnels and delivery networks add (X-Forwarded-*, X-Client-IP, CF-Connecting-IP), and every other X-.

Of these no browser sends one of itself but the few named, so a name too many costs nothing and a name too few lets the whole
network in.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What is known of a request. `claims` are the provider's, {} when not signed in; `local` as `is_local` says."""

    claims: Mapping[str, object]
    local: bool


def decide(*, is_demo: bool, settings: Settings, caller: Caller, now: datetime) -> Actor:
    """The actor behind a request. ANONYMOUS when in doubt."""
    if is_demo:
        return Actor(subject="demo", name="Demo visitor", role=Role.ADMIN)
    if not settings.oidc_configured:
        if not caller.local:
            return ANONYMOUS
        return Actor(subject="local", name="Local viewer", role=Role.VIEWER, read_only_reason=NO_PROVIDER)
    claims = caller.claims
    if claims.get("is_logged_in") is not True or sign_in_expired(claims, now):
        return ANONYMOUS
    subject = _text(claims.get("sub"))
    if not subject:
        return ANONYMOUS
    email = _text(claims.get("email")) if claims.get("email_verified") is not False else ""
    role = Role.VIEWER
    if _named(settings.admins, subject, email):
        role = Role.ADMIN
    elif _named(settings.supervisors, subject, email):
        role = Role.SUPERVISOR
    reason = "" if role is not Role.VIEWER else "You are a viewer. WFM_ADMINS and WFM_SUPERVISORS say who may do more."
    return Actor(subject=subject, name=_text(claims.get("name")) or email or subject, role=role, read_only_reason=reason)


def sign_in_expired(claims: Mapping[str, object], now: datetime) -> bool:
    """Whether the ID token was issued too long ago. One that does not say when counts as expired."""
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return True
    return now - datetime.fromtimestamp(issued, UTC) > SIGN_IN_LASTS


def is_local(remote: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from this machine itself: loopback both ways and through no proxy.

    The Host is looked at as well: a page of the wide web that rebinds its name to 127.0.0.1 does not get in.
    """
    low = {name.lower(): value for name, value in headers.items()}
    if any(_PROXIES.fullmatch(name) for name in low):
        return False
    return is_loopback(remote) and is_loopback(_host_only(low.get("host", "")))


def is_loopback(host: str | None) -> bool:
    """Whether that address or name is this machine's loopback. None and unknown names are not."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_only(host: str) -> str:
    if host.startswith("["):
        return host[1:].split("]", 1)[0]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _named(names: tuple[str, ...], subject: str, email: str) -> bool:
    return subject in names or (email != "" and email.casefold() in {name.casefold() for name in names})


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
