"""The 18 regions of Genesys Cloud with their API and login hosts.

Source: PureCloudRegionHosts of the official Python SDK 269.0.0 (published); its rule for the login host is the API
host with `api.` replaced by `login.`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from wfm.domain.errors import BadInput


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One organization's two addresses, without a slash at the end."""

    api_url: str
    login_url: str

    @property
    def host(self) -> str:
        """The API host with its port, which names a tenant for people."""
        return urlsplit(self.api_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the API host is this machine."""
        return is_loopback(self.api_url)


_DOMAINS: Mapping[str, str] = {
    "us_east_1": "mypurecloud.com",
    "us_east_2": "use2.us-gov-pure.cloud",
    "us_west_2": "usw2.pure.cloud",
    "ca_central_1": "cac1.pure.cloud",
    "mx_central_1": "mxc1.pure.cloud",
    "sa_east_1": "sae1.pure.cloud",
    "eu_west_1": "mypurecloud.ie",
    "eu_west_2": "euw2.pure.cloud",
    "eu_central_1": "mypurecloud.de",
    "eu_central_2": "euc2.pure.cloud",
    "eusc_de_east_1": "edee1.eusc-pure.cloud",
    "me_central_1": "mec1.pure.cloud",
    "ap_south_1": "aps1.pure.cloud",
    "ap_southeast_1": "apse1.pure.cloud",
    "ap_southeast_2": "mypurecloud.com.au",
    "ap_northeast_1": "mypurecloud.jp",
    "ap_northeast_2": "apne2.pure.cloud",
    "ap_northeast_3": "apne3.pure.cloud",
}

REGIONS: Mapping[str, Endpoint] = {
    name: Endpoint(f"https://api.{domain}", f"https://login.{domain}") for name, domain in _DOMAINS.items()
}
"""Every region by its name, us_east_1 first."""


def endpoint_for_region(region: str) -> Endpoint:
    """Return the endpoint of a region named as `us_east_1`, `us-east-1` or `mypurecloud.com`, in any case.

    Hosts copied from a browser (`api.…`, `login.…`, `apps.…`, with or without https://) are accepted too.
    Raises BadInput.
    """
    wanted = region.strip().casefold()
    name = wanted.replace("-", "_")
    if name in REGIONS:
        return REGIONS[name]
    host = wanted.split("://", 1)[-1].split("/", 1)[0].rstrip(".")
    for prefix in ("api.", "login.", "apps."):
        host = host.removeprefix(prefix)
    for known, domain in _DOMAINS.items():
        if host == domain:
            return REGIONS[known]
    raise BadInput("WFM_GENESYS_REGION", region, "one of " + ", ".join(f"{key} ({_DOMAINS[key]})" for key in _DOMAINS))


def endpoint_for_urls(api_url: str, login_url: str) -> Endpoint:
    """Return the endpoint with these two addresses. Plain http is accepted on loopback only. Raises BadInput."""
    return Endpoint(_address("WFM_GENESYS_API_URL", api_url), _address("WFM_GENESYS_LOGIN_URL", login_url))


def is_loopback(url: str) -> bool:
    """Return whether the address names this machine: localhost, 127.0.0.0/8 or ::1. Names are not looked up."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host.casefold() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(field: str, url: str) -> str:
    accepted = "an address such as https://api.mypurecloud.com; plain http on loopback only"
    address = url.strip()
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadInput(field, _without_userinfo(address), accepted) from None
    if not host or parts.scheme.casefold() not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadInput(field, _without_userinfo(address), accepted)
    if parts.username is not None or parts.password is not None:
        raise BadInput(field, _without_userinfo(address), f"{accepted}; no user name or password in it")
    scheme = parts.scheme.casefold()
    if scheme == "http" and not is_loopback(address):
        raise BadInput(field, address, "https, because the client secret travels there; plain http on loopback only")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def _without_userinfo(url: str) -> str:
    head, mark, rest = url.rpartition("@")
    return f"…@{rest}" if mark and head else url
