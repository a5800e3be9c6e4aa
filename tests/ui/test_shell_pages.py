"""Every page file run bare: it refuses whoever may not see it, and shows whose tenant it is to whoever may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.statements import statements
from tests.ui.conftest import Open, Serve
from tests.ui.screen import somebody
from tests.ui.world import World, add_window
from wfm.desk import Desk
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
def test_a_page_run_bare_refuses_an_anonymous_visitor(name: str, world: World, real_desk: Desk) -> None:
    world.network.asked.clear()
    with statements() as sent:
        app = bare(name).run()
    assert not app.exception
    assert [header.value for header in app.header] == ["Sign in to continue"]
    assert not app.title
    assert not app.dataframe
    assert not app.text_input
    assert (world.network.asked, sent) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_run_bare_refuses_a_distant_visitor_without_provider(name: str, world: World, serve: Serve) -> None:
    # AppTest sends no Host header, as no browser of this machine would do.
    serve(world.desk(real=True))
    world.network.asked.clear()
    with statements() as sent:
        app = bare(name).run()
    assert [header.value for header in app.header] == ["Sign in to continue"]
    assert "WFM_OIDC_METADATA_URL" in everything_said(app)
    assert not app.title
    assert (world.network.asked, sent) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_run_bare_refuses_an_expired_sign_in(name: str, real_desk: Desk) -> None:
    app = bare(name)
    app.user = {**somebody("boss@example.com"), "iat": 1_000_000}
    app.run()
    assert [header.value for header in app.header] == ["Sign in to continue"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_when_the_tenant_can_not_be_reached(name: str, serve: Serve) -> None:
    def broken() -> Any:
        raise DeskError("The tenant at api.example did not answer.")

    serve(None)
    context.use(broken)
    app = bare(name).run()
    assert not app.exception
    assert escape_markdown("The tenant at api.example did not answer.") in everything_said(app)
    assert [button.label for button in app.button] == ["Try again"]


@pytest.mark.parametrize("name", ["plan", "windows", "now"])
def test_a_viewer_sees_but_may_not_act(name: str, real_desk: Desk, open_screen: Open) -> None:
    add_window(real_desk, out=2)
    app = open_screen(name, user=somebody())
    assert not app.exception
    assert app.title
    assert "WFM_SUPERVISORS" in everything_said(app)


@pytest.mark.parametrize("name", PAGES)
def test_every_screen_names_its_tenant(name: str, desk: Desk, open_screen: Open) -> None:
    app = open_screen(name)
    assert not app.exception
    assert {radio.label for radio in app.radio} >= {"Scenario", "OAuth client that plans"}
