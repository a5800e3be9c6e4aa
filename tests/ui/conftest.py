"""Screens under Streamlit's AppTest, on the real Desk with the demo tenant in this process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.ui.world import OIDC, World, Worlds
from wfm.desk import Desk
from wfm.ui.shell import context

ROOT = Path(__file__).resolve().parent.parent.parent
Open = Callable[..., AppTest]
Serve = Callable[[Any], Any]


@pytest.fixture(scope="session", autouse=True)
def components_scanned_once() -> Iterator[None]:
    """Every AppTest reads the metadata of all that is installed, for components: two thirds of the time of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """The worlds of this run."""
    made = Worlds(tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> Iterator[World]:
    """A tenant as at first, nothing in the history. A file whose tests begin with another history has its own."""
    with worlds.fresh() as made:
        yield made


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes the screens work on this Desk; ends with the test."""

    def use(desk: Any) -> Any:
        context.use(lambda: desk)
        return desk

    yield use
    context.use(None)


@pytest.fixture
def desk(world: World, serve: Serve) -> Desk:
    """The demo tenant's Desk, served to the screens."""
    made: Desk = serve(world.desk())
    return made


@pytest.fixture
def real_desk(world: World, serve: Serve) -> Desk:
    """The Desk of a tenant in a region, where people sign in; served to the screens."""
    made: Desk = serve(world.desk(real=True, **OIDC))
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
