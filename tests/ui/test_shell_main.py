"""The main script: navigation on every path, and the first screen."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.world import add_window, failing
from wfm.desk import Desk
from wfm.domain.errors import DeskError
from wfm.domain.operations import OperationState
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.shell import context
from wfm.ui.shell.navigation import ROOT

MAIN = str(ROOT / "wfm" / "ui" / "main.py")


def main() -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=20)


def test_plan_comes_first_when_no_window_is_open(desk: Desk) -> None:
    assert [title.value for title in main().run().title] == ["Plan a window"]


def test_now_comes_first_when_a_window_is_open(desk: Desk) -> None:
    add_window(desk, out=2)
    assert [title.value for title in main().run().title] == ["Now"]


def test_a_database_that_can_not_be_read_is_told_by_now(desk: Desk) -> None:
    with failing(desk):
        app = main().run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Now"]


def test_a_past_window_does_not_count(desk: Desk) -> None:
    add_window(desk, OperationState.RESTORED, restored=2)
    assert [title.value for title in main().run().title] == ["Plan a window"]


def test_a_signed_out_visitor_gets_the_sign_in_page_and_no_other(real_desk: Desk) -> None:
    app = main().run()
    assert [header.value for header in app.header] == ["Sign in to continue"]
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.title
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        app.switch_page(str(ROOT / "pages" / "settings.py"))


def test_an_unreachable_tenant_is_a_sentence_with_a_way_on(desk: Desk) -> None:
    answers = [DeskError("The tenant does not answer."), DeskError("The tenant does not answer.")]

    def sometimes() -> Any:
        if answers:
            raise answers.pop()
        return desk

    context.use(sometimes)
    app = main().run()
    assert escape_markdown("The tenant does not answer.") in [markdown.value for markdown in app.markdown]
    app.button(key="try-again").click().run()
    assert [title.value for title in app.title] == ["Plan a window"]
