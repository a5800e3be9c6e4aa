"""Which Genesys organization this is about. Everything stored carries its tenant key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One organization behind one API host.

    `is_demo` is true only when the host is loopback and `GET /_demo/info` answered.
    """

    api_url: str
    login_url: str
    organization_id: str
    organization_name: str
    is_demo: bool

    @property
    def host(self) -> str:
        return self.api_url.split("://", 1)[-1].rstrip("/")

    @property
    def key(self) -> str:
        """API host and organization id: what every stored row, limiter bucket and workflow id carries."""
        return f"{self.host}|{self.organization_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What `GET /api/v2/tokens/me` and the token answer say of the token held. Never the token itself.

    `scopes` is None where the token states none: on the published platform a client-credentials token has no
    scopes, roles in divisions decide (source: SDK model OAuthClient). The brief's tenant states them.
    """

    client_id: str
    client_name: str
    grant_type: str
    scopes: tuple[str, ...] | None
    role_divisions: tuple[tuple[str, str], ...]
    organization_id: str
    organization_name: str
    expires_at: datetime | None
