"""Screens under Streamlit's AppTest, on a Desk made of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.fakes import FakeDesk
from tests.ui.fakes_parts import parts
from wfm.ui.shell import context

ROOT = Path(__file__).resolve().parent.parent.parent
Open = Callable[..., AppTest]


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Any]]:
    """Makes the screens work on this Desk; ends with the test."""

    def use(desk: Any) -> Any:
        context.use(lambda: parts(desk))
        return desk

    yield use
    context.use(None)


@pytest.fixture
def desk(serve: Callable[[Any], Any]) -> FakeDesk:
    """A demo tenant's Desk."""
    made = FakeDesk()
    serve(made)
    return made


@pytest.fixture
def open_screen() -> Open:
    """A screen as people reach it: through the main script. Query parameters by name; `user` are a provider's claims."""

    def run(name: str, *, user: dict[str, Any] | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "wfm" / "ui" / "main.py"), default_timeout=20)
        if user is not None:
            app.user = user
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        for key, value in query.items():
            app.query_params[key] = value
        return app.switch_page(str(ROOT / "pages" / f"{name}.py")).run()

    return run
