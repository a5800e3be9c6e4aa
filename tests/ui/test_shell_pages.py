"""Every page file run bare: it refuses whoever may not see it, and shows whose tenant it is to whoever may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.fakes import FakeDesk, FakeSettings, an_operation
from tests.ui.fakes_history import HistoryDesk
from wfm.domain.errors import DeskError
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.shell import context
from wfm.ui.shell.navigation import SCREENS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


def bare(name: str) -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=20)


def everything_said(app: AppTest) -> str:
    return " ".join(str(element.value) for said in (app.markdown, app.header, app.title, app.caption) for element in said)


def test_every_page_file_is_a_screen_and_the_other_way_round() -> None:
    assert sorted(screen.name for screen in SCREENS) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_run_bare_refuses_an_anonymous_visitor(name: str, serve: Callable[[Any], Any]) -> None:
    desk = serve(FakeDesk(is_demo=False, settings=FakeSettings(oidc_configured=True, admins=("a@example.com",))))
    app = bare(name).run()
    assert not app.exception
    assert [header.value for header in app.header] == ["Sign in to continue"]
    assert not app.title
    assert not app.dataframe
    assert not app.text_input
    assert desk.calls == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_run_bare_refuses_a_distant_visitor_without_provider(name: str, serve: Callable[[Any], Any]) -> None:
    # AppTest sends no Host header, as no browser of this machine would do.
    desk = serve(FakeDesk(is_demo=False))
    app = bare(name).run()
    assert [header.value for header in app.header] == ["Sign in to continue"]
    assert "WFM_OIDC_METADATA_URL" in everything_said(app)
    assert not app.title
    assert desk.calls == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_run_bare_refuses_an_expired_sign_in(name: str, serve: Callable[[Any], Any]) -> None:
    serve(FakeDesk(is_demo=False, settings=FakeSettings(oidc_configured=True, admins=("a@example.com",))))
    app = bare(name)
    app.user = {"is_logged_in": True, "sub": "s", "email": "a@example.com", "iat": 1_000_000}
    app.run()
    assert [header.value for header in app.header] == ["Sign in to continue"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_when_the_tenant_can_not_be_reached(name: str, serve: Callable[[Any], Any]) -> None:
    def broken() -> Any:
        raise DeskError("The tenant at api.example did not answer.")

    serve(None)
    context.use(broken)
    app = bare(name).run()
    assert not app.exception
    assert escape_markdown("The tenant at api.example did not answer.") in everything_said(app)
    assert [button.label for button in app.button] == ["Try again"]


@pytest.mark.parametrize("name", ["plan", "windows", "now"])
def test_a_viewer_sees_but_may_not_act(name: str, serve: Callable[[Any], Any], open_screen: Callable[..., AppTest]) -> None:
    serve(
        FakeDesk(
            is_demo=False,
            settings=FakeSettings(oidc_configured=True, admins=("a@example.com",)),
            operation_views=[an_operation()],
        )
    )
    viewer = {"is_logged_in": True, "sub": "v", "email": "v@example.com", "iat": datetime.now(UTC).timestamp()}
    app = open_screen(name, user=viewer)
    assert not app.exception
    assert app.title
    assert "WFM_SUPERVISORS" in everything_said(app)


@pytest.mark.parametrize("name", PAGES)
def test_every_screen_names_its_tenant(name: str, serve: Callable[[Any], Any], open_screen: Callable[..., AppTest]) -> None:
    serve(HistoryDesk())
    app = open_screen(name)
    assert not app.exception
    assert {radio.label for radio in app.radio} >= {"Scenario", "OAuth client that plans"}
