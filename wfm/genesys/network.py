"""The way to the tenant: a forward proxy and an own certificate authority. TLS is always verified."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from pydantic import SecretStr

from wfm.domain.errors import BadInput
from wfm.genesys.regions import Endpoint


@dataclass(frozen=True, slots=True)
class Network:
    """`proxy` is an http:// or https:// address, with user and password where it asks for them; `ca_bundle` a PEM file."""

    proxy: SecretStr | None = None
    ca_bundle: Path | None = None

    def check(self) -> None:
        """Raise BadInput with the name of the setting that can't be used. The proxy is not shown: it may hold a password."""
        if self.proxy is not None:
            accepted = "an address such as http://proxy.example:3128 or http://user:password@proxy.example:3128"
            if not _usable(self.proxy.get_secret_value()):
                raise BadInput("WFM_HTTPS_PROXY", "the given value", accepted)
        if self.ca_bundle is not None:
            tls_context(self.ca_bundle)

    def transport(self, endpoint: Endpoint, limits: httpx.Limits) -> httpx.HTTPTransport:
        """Return the transport to that endpoint. Raises BadInput when the CA bundle can't be used."""
        return httpx.HTTPTransport(verify=tls_context(self.ca_bundle), limits=limits, proxy=self.proxy_for(endpoint))

    def proxy_for(self, endpoint: Endpoint) -> str | None:
        """Return the proxy for that host: the one that is set, else the environment's (HTTPS_PROXY, ALL_PROXY, NO_PROXY).

        None for this machine.
        """
        if endpoint.is_loopback:
            return None
        if self.proxy is not None:
            return self.proxy.get_secret_value()
        if proxy_bypass(endpoint.host.rsplit(":", 1)[0]):
            return None
        known = getproxies()
        return known.get("https") or known.get("all")

    def proxy_host(self, endpoint: Endpoint) -> str:
        """Return the proxy's host and port for people, "" where there is none."""
        proxy = self.proxy_for(endpoint)
        return httpx.URL(proxy).netloc.decode("ascii") if proxy else ""


def _usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.path.strip("/")
    except ValueError:  # a port that is none
        return False


@lru_cache(maxsize=4)
def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Return a context that verifies against the public authorities and those in the bundle. Raises BadInput."""
    context = httpx.create_ssl_context()
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except (OSError, ssl.SSLError) as error:
            accepted = "a PEM file with the certificates of your certificate authorities, readable for the desk"
            raise BadInput("WFM_CA_BUNDLE", ca_bundle, f"{accepted} ({_reason(error)})") from None
    return context


def _reason(error: OSError) -> str:
    """Say it without the library's file and line."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not a PEM file").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()
