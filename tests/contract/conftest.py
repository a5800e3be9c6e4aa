"""The published demo tenant of the judges, one for each file, and calls that work on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.published_calls import Calls
from tests.support.demo_tenant import DemoHandle, running_demo


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(platform="published") as handle:
        yield handle


@pytest.fixture(scope="module")
def calls(demo: DemoHandle) -> Calls:
    return Calls(demo)
