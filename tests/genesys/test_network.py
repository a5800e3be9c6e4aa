"""The way to the tenant, with a real proxy and a tenant whose certificate an own authority signed, both on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
import uvicorn
from pydantic import SecretStr

from tests.support.unpaced import Unpaced
from wfm import settings
from wfm.demo.app import DemoApp
from wfm.demo.tenant import DemoTenant, Options
from wfm.domain.errors import BadInput
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.errors import AuthenticationFailed, ConnectionProblem, GenesysError
from wfm.genesys.network import Network
from wfm.genesys.pacing import RequestLane
from wfm.genesys.reads import Reader
from wfm.genesys.regions import Endpoint, endpoint_for_region
from wfm.genesys.retry import Policy

ONCE = Policy(patience_s=10.0, attempts=1, wait_initial_s=0.001, wait_max_s=0.002, wait_jitter_s=0.0)
NAME = "tenant.test"
PASSWORD = "p4ssw0rd-of-the-proxy"
PLUGIN = """
from proxy.http.proxy import HttpProxyBasePlugin

class Names(HttpProxyBasePlugin):
    '''Every name is this machine.'''

    def resolve_dns(self, host, port):
        return "127.0.0.1", None
"""


@dataclass(frozen=True)
class Place:
    endpoint: Endpoint
    credentials: Credentials
    bundle: Path
    proxy: str


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def _until_listening(port: int, ended: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < deadline
        assert ended is None or ended.poll() is None
        time.sleep(0.05)


@contextlib.contextmanager
def _tenant(authority: trustme.CA) -> Iterator[tuple[Endpoint, Credentials]]:
    tenant = DemoTenant(Options(agents=5, latency_ms=0))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(DemoApp(tenant), log_level="warning", lifespan="off", ws="none"))
    server.config.load()
    server.config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(server.config.ssl)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"https://{NAME}:{listener.getsockname()[1]}"
    client = tenant.access.clients["desk"].public()
    try:
        _until_listening(listener.getsockname()[1])
        yield Endpoint(url, url), Credentials(client["id"], client["secret"])
    finally:
        server.should_exit = True
        thread.join()
        tenant.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("network")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    (folder / "names.py").write_text(PLUGIN, encoding="utf-8")
    port = _free_port()
    options = ["--hostname", "127.0.0.1", "--port", str(port), "--plugins", "names.Names", "--basic-auth", f"desk:{PASSWORD}"]
    proxy = subprocess.Popen(
        [sys.executable, "-m", "proxy", *options, "--num-workers", "1", "--num-acceptors", "1", "--data-dir", str(folder)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_listening(port, proxy)
        with _tenant(authority) as (endpoint, credentials):
            yield Place(endpoint, credentials, folder / "authority.pem", f"127.0.0.1:{port}")
    finally:
        proxy.terminate()
        proxy.wait(timeout=30)


def ask(place: Place, network: Network) -> str:
    """The name of the organization that the token is of."""
    client = GenesysClient(
        place.endpoint, place.credentials, Unpaced(), network=network, policies=dict.fromkeys(RequestLane, ONCE)
    )
    try:
        return Reader(client).token().organization_name
    finally:
        client.close()


def through(place: Place, user: str = f"desk:{PASSWORD}@") -> SecretStr:
    return SecretStr(f"http://{user}{place.proxy}")


def test_through_a_proxy_to_a_tenant_of_an_own_authority(place: Place) -> None:
    assert ask(place, Network(through(place), place.bundle))


def test_what_an_unknown_authority_signed_is_not_trusted_and_the_setting_is_named(place: Place) -> None:
    with pytest.raises(ConnectionProblem, match=r"certificate is not trusted.*WFM_CA_BUNDLE") as caught:
        ask(place, Network(through(place)))
    assert PASSWORD not in str(caught.value.exchanges) + str(caught.value)


def test_a_proxy_that_refuses_is_named_and_not_the_tenant(place: Place) -> None:
    with pytest.raises(ConnectionProblem, match=f"the proxy {place.proxy} refuses: 407.*WFM_HTTPS_PROXY") as caught:
        ask(place, Network(through(place, "desk:wrong-password@"), place.bundle))
    assert "wrong-password" not in str(caught.value)
    assert not isinstance(caught.value, AuthenticationFailed)


def test_a_proxy_that_is_not_there_is_named(place: Place) -> None:
    nowhere = f"127.0.0.1:{_free_port()}"
    with pytest.raises(ConnectionProblem, match=f"no connection through the proxy {nowhere}") as caught:
        ask(place, Network(SecretStr(f"http://desk:{PASSWORD}@{nowhere}"), place.bundle))
    assert PASSWORD not in str(caught.value)


def test_without_the_proxy_the_name_is_not_found(place: Place) -> None:
    """So the tests above went through it."""
    with pytest.raises(GenesysError):
        ask(place, Network(None, place.bundle))


def test_the_set_proxy_comes_before_the_environments_and_none_serves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://of-the-environment.example:3128")
    monkeypatch.setenv("NO_PROXY", "mypurecloud.de,.mypurecloud.de")
    set_here = Network(SecretStr("http://set.example:3128"))
    america, germany = endpoint_for_region("us_east_1"), endpoint_for_region("eu_central_1")
    assert Network().proxy_for(america) == "http://of-the-environment.example:3128"
    assert Network().proxy_for(germany) is None
    assert set_here.proxy_for(america) == set_here.proxy_for(germany) == "http://set.example:3128"
    assert set_here.proxy_for(Endpoint("http://127.0.0.1:9", "http://127.0.0.1:9")) is None
    assert Network(SecretStr("http://a:b@set.example:3128")).proxy_host(america) == "set.example:3128"


@pytest.mark.parametrize(
    "proxy", ["%s:3128", "ftp://a:%s@h", "socks5://a:%s@h:1080", "http://", "http://a:%s@h:99999", "http://h/%s"]
)
def test_a_proxy_that_is_none_stops_the_start_and_is_not_shown(proxy: str) -> None:
    with pytest.raises(BadInput, match=r"WFM_HTTPS_PROXY.*http://proxy\.example:3128") as caught:
        settings.load(https_proxy=proxy.replace("%s", PASSWORD))
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_is_none_stops_the_start(tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "authority.pem"
    if content is not None:
        bundle.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"WFM_CA_BUNDLE.*PEM file"):
        settings.load(ca_bundle=bundle)


def test_the_proxys_password_is_shown_nowhere() -> None:
    made = settings.load(https_proxy=f"http://desk:{PASSWORD}@proxy.example:3128")
    assert PASSWORD not in str(made.shown()) + repr(made) + repr(made.network)
    assert httpx.URL(made.network.proxy_for(endpoint_for_region("us_east_1")) or "").password == PASSWORD
