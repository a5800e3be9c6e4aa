"""Regions as people write them."""

from __future__ import annotations

import pytest

from tests.support.official_sdk import sdk
from wfm.domain.errors import BadInput
from wfm.genesys.regions import REGIONS, Endpoint, endpoint_for_region, endpoint_for_urls, is_loopback


def test_there_are_eighteen_regions_and_each_has_both_hosts() -> None:
    assert len(REGIONS) == 18
    for endpoint in REGIONS.values():
        assert endpoint.api_url.startswith("https://api.")
        assert endpoint.login_url == endpoint.api_url.replace("https://api.", "https://login.")
    assert len({endpoint.api_url for endpoint in REGIONS.values()}) == 18


def test_the_sdk_knows_the_same_regions() -> None:
    theirs = {region.name: region.value for region in sdk.PureCloudRegionHosts}
    assert theirs == {name: endpoint.api_url for name, endpoint in REGIONS.items()}


@pytest.mark.parametrize(
    "said",
    [
        "us_east_1",
        "us-east-1",
        "US-EAST-1",
        " mypurecloud.com ",
        "MyPureCloud.COM",
        "api.mypurecloud.com",
        "https://apps.mypurecloud.com/directory",
        "login.mypurecloud.com.",
    ],
)
def test_one_region_has_many_names(said: str) -> None:
    assert endpoint_for_region(said) == Endpoint("https://api.mypurecloud.com", "https://login.mypurecloud.com")


def test_similar_domains_are_told_apart() -> None:
    assert endpoint_for_region("mypurecloud.com.au") == REGIONS["ap_southeast_2"]
    assert endpoint_for_region("use2.us-gov-pure.cloud") == REGIONS["us_east_2"]


@pytest.mark.parametrize("said", ["", "us_east_9", "evil-mypurecloud.com", "mypurecloud.com.evil.example", "https://"])
def test_an_unknown_region_is_refused_with_what_is_accepted(said: str) -> None:
    with pytest.raises(BadInput) as refused:
        endpoint_for_region(said)
    assert "WFM_GENESYS_REGION" in str(refused.value)
    assert "us_east_1 (mypurecloud.com)" in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8808", "localhost:8808", "[::1]:8808", "127.9.9.9"])
def test_plain_http_is_taken_on_loopback(host: str) -> None:
    endpoint = endpoint_for_urls(f"http://{host}/", f"HTTP://{host}")
    assert endpoint.api_url == endpoint.login_url == f"http://{host}"
    assert endpoint.is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mypurecloud.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0:8808",
        "ftp://127.0.0.1",
        "api.mypurecloud.com",
        "https://",
        "https://api.mypurecloud.com/api/v2",
        "https://api.mypurecloud.com?x=1",
        "https://api.mypurecloud.com:port",
        "http://[::1",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        endpoint_for_urls(url, "https://login.mypurecloud.com")
    assert refused.value.field == "WFM_GENESYS_API_URL"


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadInput) as refused:
        endpoint_for_urls("https://api.mypurecloud.com", "https://me:hunter22@login.mypurecloud.com")
    assert refused.value.field == "WFM_GENESYS_LOGIN_URL"
    assert "hunter22" not in str(refused.value)


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback("http://127.0.0.1:1")
    assert not is_loopback("http://[::1")
    assert not is_loopback("https://api.mypurecloud.com")
    assert not endpoint_for_region("us_east_1").is_loopback
