"""The one Desk of this process. Opened when first asked for; a failed opening is tried again at the next ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wfm.desk import Desk


_lock = threading.Lock()
_desk: Desk | None = None
_open: Callable[[], Desk] | None = None


def desk() -> Desk:
    """The Desk that every screen and route of this process talks to. Raises DeskError with a sentence."""
    global _desk
    if _desk is None:
        with _lock:
            if _desk is None:
                _desk = (_open or _from_settings)()
    return _desk


def opened() -> Desk | None:
    """The Desk if it is open already; opens nothing."""
    return _desk


def use(opener: Callable[[], Desk] | None) -> None:
    """Makes `desk()` open by this from now on (None: from the settings). For the launcher and for tests."""
    global _desk, _open
    with _lock:
        _desk, _open = None, opener


def close() -> None:
    """Closes the Desk, if one is open. Called when the dashboard stops."""
    global _desk
    with _lock:
        closing, _desk = _desk, None
    if closing is not None:
        closing.close()


def _from_settings() -> Desk:
    from wfm import settings
    from wfm.desk import Desk

    return Desk.open(settings.load())


def known_demo() -> bool:
    """Whether the tenant is known to be the demo tenant. False while nobody has reached it."""
    return _desk is not None and _desk.tenant.is_demo
