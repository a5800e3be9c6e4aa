"""Fixtures that every test may use."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow now and then: a time limit for each example would make properties flaky.
settings.register_profile("desk", deadline=None)
settings.load_profile("desk")

pytest_plugins = ["tests.support.leftovers", "tests.support.quick_migrations"]

ROOT = Path(__file__).resolve().parent.parent
TESTDATA = ROOT.parent / "shared" / "testdata"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Properties run without coverage: their hundreds of examples pass through the same lines, and measuring doubles them.

    Slow tests do too: what they are about happens in other processes, which are not measured.
    """
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def error_payloads() -> list[dict[str, object]]:
    """Real and constructed error payloads; skips where the folder beside the checkout is missing."""
    path = TESTDATA / "error-payloads.jsonl"
    if not path.exists():
        pytest.skip(f"no test data at {path.name}: the shared folder beside the checkout is missing")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.fixture(scope="session")
def public_cases() -> list[dict[str, object]]:
    """Texts as people paste them in public places; skips where the folder beside the checkout is missing."""
    path = TESTDATA / "public-cases.jsonl"
    if not path.exists():
        pytest.skip(f"no test data at {path.name}: the shared folder beside the checkout is missing")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.fixture(scope="session")
def error_codes() -> list[dict[str, str]]:
    """Every machine code that the public API definition declares, with HTTP status and message template."""
    path = TESTDATA / "error-codes.tsv"
    if not path.exists():
        pytest.skip(f"no test data at {path.name}: the shared folder beside the checkout is missing")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
