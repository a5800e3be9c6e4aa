"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.engine_world import open_ledger
from tests.support.worker_process import stop_forking
from wfm.ledger import Ledger


@pytest.fixture(scope="session", autouse=True)
def nothing_forks_after_the_tests() -> Iterator[None]:
    yield
    stop_forking()


@pytest.fixture(scope="module")
def shared_demo() -> Iterator[DemoHandle]:
    with running_demo(agents=240) as handle:
        yield handle


@pytest.fixture
def demo(shared_demo: DemoHandle) -> DemoHandle:
    """A demo tenant as at first."""
    shared_demo.post("/_demo/reset")
    shared_demo.patch("/_demo/settings", {"rate_limit": 100_000, "latency_ms": 0})
    return shared_demo


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()
