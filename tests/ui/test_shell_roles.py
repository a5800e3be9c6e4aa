"""Who may do what: the one decision that screens and routes share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wfm.domain.people import Role
from wfm.settings import Settings
from wfm.ui.shell.roles import SIGN_IN_LASTS, Caller, decide, is_local, is_loopback

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PROVIDER = "https://id.example/.well-known"
OIDC = Settings(
    _env_file=None, oidc_metadata_url=PROVIDER, admins=("Boss@Example.com",), supervisors=("sub-7", "lead@example.com")
)


def claims(**changes: object) -> dict[str, object]:
    base = {
        "is_logged_in": True,
        "sub": "sub-1",
        "email": "someone@example.com",
        "name": "Someone",
        "iat": NOW.timestamp() - 60,
    }
    return {**base, **changes}


def role(given: dict[str, object], *, local: bool = True, is_demo: bool = False, settings: Settings = OIDC) -> Role:
    return decide(is_demo=is_demo, settings=settings, caller=Caller(claims=given, local=local), now=NOW).role


def test_everyone_is_admin_on_the_demo_tenant_even_from_afar() -> None:
    assert role({}, is_demo=True, local=False) is Role.ADMIN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (claims(), Role.VIEWER),
        (claims(email="boss@example.com"), Role.ADMIN),
        (claims(email="LEAD@example.com"), Role.SUPERVISOR),
        (claims(sub="sub-7"), Role.SUPERVISOR),
        (claims(email="boss@example.com", email_verified=True), Role.ADMIN),
        (claims(email="boss@example.com", email_verified=False), Role.VIEWER),
        (claims(sub="SUB-7"), Role.VIEWER),
        (claims(sub=""), Role.ANONYMOUS),
        (claims(sub=None), Role.ANONYMOUS),
        (claims(is_logged_in=False), Role.ANONYMOUS),
        (claims(is_logged_in="yes"), Role.ANONYMOUS),
        (claims(iat=None), Role.ANONYMOUS),
        (claims(iat=True), Role.ANONYMOUS),
        (claims(iat=(NOW - SIGN_IN_LASTS - timedelta(seconds=1)).timestamp()), Role.ANONYMOUS),
        (claims(iat=(NOW - SIGN_IN_LASTS + timedelta(seconds=1)).timestamp()), Role.VIEWER),
        ({}, Role.ANONYMOUS),
    ],
)
def test_with_a_provider_the_claims_decide(given: dict[str, object], expected: Role) -> None:
    assert role(given) is expected


def test_an_empty_email_names_nobody() -> None:
    settings = Settings(_env_file=None, oidc_metadata_url=PROVIDER, admins=("",))
    assert role(claims(email=""), settings=settings) is Role.VIEWER


def test_without_a_provider_a_real_tenant_is_read_only_and_local_only() -> None:
    bare = Settings(_env_file=None)
    assert role({}, settings=bare, local=True) is Role.VIEWER
    assert role(claims(email="boss@example.com"), settings=bare, local=False) is Role.ANONYMOUS
    actor = decide(is_demo=False, settings=bare, caller=Caller(claims={}, local=True), now=NOW)
    assert "WFM_OIDC_METADATA_URL" in actor.read_only_reason


@pytest.mark.parametrize(
    ("remote", "headers", "expected"),
    [
        ("127.0.0.1", {"Host": "127.0.0.1:8501"}, True),
        ("::1", {"host": "[::1]:8501"}, True),
        ("127.0.0.1", {"host": "localhost:8501"}, True),
        ("127.0.0.1", {"host": "localhost"}, True),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"host": "evil.example:8501"}, False),
        ("127.0.0.1", {"host": "localhost.evil.example"}, False),
        ("10.0.0.4", {"host": "localhost:8501"}, False),
        (None, {"host": "localhost:8501"}, False),
        ("127.0.0.1", {"host": "localhost", "X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", {"host": "localhost", "Forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", {"host": "localhost", "x-real-ip": "127.0.0.1"}, False),
    ],
)
def test_only_this_machine_itself_is_local(remote: str | None, headers: dict[str, str], expected: bool) -> None:
    assert is_local(remote, headers) is expected


def test_loopback_is_more_than_one_address() -> None:
    assert is_loopback("127.8.9.1")
    assert not is_loopback("128.0.0.1")
    assert not is_loopback("")


@pytest.mark.parametrize(
    "name",
    [
        *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded"),
        *("Forwarded-For", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Original-Forwarded-For", "X-Original-Host"),
        *("X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP", "X-Cluster-Client-IP", "X-Remote-IP", "X-Remote-Addr"),
        *("CF-Connecting-IP", "CF-Ray", "CDN-Loop", "Fly-Client-IP", "Fastly-Client-IP", "X-Azure-ClientIP", "X-ARR-SSL"),
        *("X-Envoy-External-Address", "X-Amzn-Trace-Id", "X-Appengine-User-IP", "X-ProxyUser-Ip", "WL-Proxy-Client-IP"),
        *("X-Originating-IP", "DO-Connecting-IP", "CloudFront-Viewer-Address", "Tailscale-User-Login", "X-Nginx-Proxy"),
        *("X-Forward-For", "X-Forward-Proto", "X-BlueCoat-Via", "X-Auth-Request-User", "X-MS-CLIENT-PRINCIPAL", "X-Scheme"),
        *("Front-End-Https", "X-Url-Scheme", "X-Host", "X-Rewrite-URL", "Ngrok-Trace-Id", "Surrogate-Capability", "X-Anything"),
    ],
)
@pytest.mark.parametrize("value", ["127.0.0.1", ""])
def test_a_header_that_a_proxy_adds_makes_a_request_not_local(name: str, value: str) -> None:
    assert is_local("127.0.0.1", {"host": "127.0.0.1:8501"})
    assert not is_local("127.0.0.1", {"host": "127.0.0.1:8501", name: value})


def test_what_browsers_send_themselves_is_no_proxy() -> None:
    names = (
        *("accept", "accept-encoding", "accept-language", "cache-control", "connection", "cookie", "dnt", "origin", "pragma"),
        *("priority", "referer", "sec-ch-ua", "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-site", "sec-gpc", "te"),
        *("sec-websocket-extensions", "sec-websocket-key", "sec-websocket-version", "upgrade", "user-agent", "x-xsrftoken"),
        *("upgrade-insecure-requests", "if-none-match", "if-modified-since", "range", "content-type", "content-length"),
        *("x-requested-with", "x-moz", "x-csrf-token", "x-purpose"),
    )
    assert is_local("127.0.0.1", {"host": "LocalHost:8501", **dict.fromkeys(names, "x")})
