"""A small tenant for the preview; see tests/support/preview_world.py."""

from __future__ import annotations

import pytest

from tests.support.preview_world import Room, make_room


@pytest.fixture
def room() -> Room:
    return make_room()
