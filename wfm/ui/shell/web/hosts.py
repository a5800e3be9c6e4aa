"""Under which host names the desk answers. A page that rebinds its own name to this machine gets nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlit import config


def served_hosts(redirect_uri: str | None) -> list[str]:
    """Loopback names, the address it is bound to, the sign-in's own host, and Streamlit's server.allowedHosts."""
    hosts = ["localhost", "127.0.0.1"]
    bound = config.get_option("server.address")
    if bound and bound not in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        hosts.append(bound)
    if redirect_uri:
        host = urlsplit(redirect_uri).hostname
        if host:
            hosts.append(host)
    hosts += [str(host) for host in config.get_option("server.allowedHosts") or ()]
    # A Host header has an IPv6 address in brackets; settings have it without.
    return list(dict.fromkeys(f"[{host}]" if ":" in host and not host.startswith("[") else host for host in hosts))
