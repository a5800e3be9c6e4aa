"""A real tenant: read-only without an OpenID provider; with one, roles by e-mail, on screens and exports alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage, RunningDesk, free_port, no_exception, open_at, running_desk, settled
from tests.e2e.real_tenant import as_real_tenant
from tests.support.demo_tenant import running_demo

COOKIE_SECRET = "a cookie secret of more than thirty-two characters"


def tenant_settings(stack: ExitStack) -> dict[str, str]:
    demo = stack.enter_context(running_demo(agents=30))
    url = stack.enter_context(as_real_tenant(demo.url))
    client = demo.clients["desk"]
    return {
        "WFM_GENESYS_API_URL": url,
        "WFM_GENESYS_LOGIN_URL": url,
        "WFM_GENESYS_CLIENT_ID": client["id"],
        "WFM_GENESYS_CLIENT_SECRET": client["secret"],
    }


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A real tenant without an OpenID provider."""
    with ExitStack() as stack:
        settings = tenant_settings(stack)
        yield stack.enter_context(running_desk(tmp_path_factory.mktemp("unguarded"), port=0, **settings))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A real tenant with an OpenID provider that knows three people."""
    people = [
        User(sub=name, claims={"email": f"{name}@example.com", "email_verified": True, "name": name.title()})
        for name in ("ada", "sam", "vic")
    ]
    with ExitStack() as stack:
        settings = tenant_settings(stack)
        provider = stack.enter_context(run_server_in_thread(user_claims=people))
        port = free_port()
        desk = stack.enter_context(
            running_desk(
                tmp_path_factory.mktemp("guarded"),
                port=port,
                **settings,
                WFM_OIDC_METADATA_URL=f"http://127.0.0.1:{provider.server_port}/.well-known/openid-configuration",
                WFM_OIDC_CLIENT_ID="desk",
                WFM_OIDC_CLIENT_SECRET="secret",
                WFM_OIDC_REDIRECT_URI=f"http://127.0.0.1:{port}/oauth2callback",
                WFM_COOKIE_SECRET=COOKIE_SECRET,
                WFM_ADMINS="ada@example.com",
                WFM_SUPERVISORS="sam",
            )
        )
        yield desk


def sign_in(page: Page, address: str, name: str) -> None:
    """Opens an address, is sent to the provider, signs in there and comes back."""
    open_at(page, address)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(name)
    page.locator("button:not([value=deny])").first.click()
    page.wait_for_selector("[data-testid=stApp]")
    settled(page)
    no_exception(page)


def test_without_a_provider_the_desk_is_read_only_and_says_what_to_configure(unguarded: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{unguarded.url}/plan")
    expect(page.get_by_text("WFM_OIDC_METADATA_URL")).to_be_visible()
    expect(page.get_by_text("DEMO", exact=True)).to_have_count(0)
    page.get_by_role("combobox", name="Teams, queues, units, divisions").click()
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("What will happen")).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Take").first).to_be_disabled()


def test_without_a_provider_nobody_gets_in_through_a_proxy(unguarded: RunningDesk) -> None:
    assert httpx.get(f"{unguarded.url}/plan").status_code == 200
    assert "# EOF" in httpx.get(f"{unguarded.url}/_stcore/metrics").text
    for headers in (
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 proxy"},
        {"x-client-ip": "203.0.113.9"},
        {"cf-connecting-ip": "203.0.113.9"},
    ):
        assert httpx.get(f"{unguarded.url}/_stcore/metrics", headers=headers).status_code == 403
        assert httpx.get(f"{unguarded.url}/plan", headers=headers).status_code == 403
        assert httpx.get(f"{unguarded.url}/export/runs.csv", headers=headers).status_code == 403


@pytest.mark.parametrize("screen", ["now", "plan", "windows", "runs", "failures", "access", "data_actions", "settings"])
def test_signed_out_every_address_is_the_sign_in_page(screen: str, guarded: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    open_at(page, f"{guarded.url}/{screen}")
    expect(page.get_by_role("heading", name="Sign in to continue")).to_be_visible()
    expect(page.locator("h1")).to_have_count(0)
    expect(page.get_by_role("link", name="Runs")).to_have_count(0)


def test_signed_out_no_file_is_given(guarded: RunningDesk) -> None:
    for path in ("/export/runs.csv", "/export/runs.jsonl", "/export/run/any.json", "/_stcore/metrics"):
        assert httpx.get(f"{guarded.url}{path}").status_code == 401


def test_an_admin_comes_back_to_the_address_asked_for_and_gets_files(guarded: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, f"{guarded.url}/runs?time=7d", "ada")
    expect(page).to_have_url(f"{guarded.url}/runs?time=7d")
    expect(page.locator("h1")).to_contain_text("Runs")
    expect(page.get_by_text("WFM_SUPERVISORS")).to_have_count(0)
    answer = page.request.get(f"{guarded.url}/export/runs.csv?time=all")
    assert answer.status == 200
    assert answer.text().lstrip("\ufeff").startswith("time,agent")


def test_a_viewer_reads_and_may_not_act(guarded: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, f"{guarded.url}/plan", "vic")
    page.get_by_role("button", name="CSV").click()
    with page.expect_response(lambda answer: "/_stcore/upload_file/" in answer.url) as sent:
        page.locator("input[type=file]").set_input_files(
            {"name": "people.csv", "mimeType": "text/csv", "buffer": b"email\nnobody@example.com\n"}
        )
    assert sent.value.status == 204
    expect(page.get_by_text("1 line left out")).to_be_visible()
    # Without the person's cookies the same address takes nothing.
    assert httpx.put(sent.value.url, files={"file": b"x"}).status_code == 401
    expect(page.get_by_text("You are a viewer.")).to_be_visible()
    page.locator(".st-key-tenant-menu button").click()
    expect(page.get_by_text("You are Vic, viewer.")).to_be_visible()


def test_a_supervisor_is_named_by_subject_and_signs_out(guarded: RunningDesk, new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, f"{guarded.url}/plan", "sam")
    page.locator(".st-key-tenant-menu button").click()
    expect(page.get_by_text("You are Sam, supervisor.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("heading", name="Sign in to continue")).to_be_visible()
    open_at(page, f"{guarded.url}/plan")
    expect(page.get_by_role("heading", name="Sign in to continue")).to_be_visible()
