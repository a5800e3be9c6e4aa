"""Fixtures of the demo tenant's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.demo_inprocess import InProcess
from tests.support.demo_tenant import DemoHandle, running_demo


@pytest.fixture
def inside() -> InProcess:
    """A new demo tenant without a socket."""
    return InProcess()


@pytest.fixture(scope="module")
def served() -> Iterator[DemoHandle]:
    """A demo tenant in its own process, shared by a module: reset it where a test changes it."""
    with running_demo() as handle:
        yield handle
