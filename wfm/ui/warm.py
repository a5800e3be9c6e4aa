"""What a dashboard reads while nobody waits for it, so that the first screen finds it."""

from __future__ import annotations

import logging
from importlib import import_module

from wfm.domain.errors import DeskError
from wfm.ui.shell import context

log = logging.getLogger(__name__)


def warm() -> None:
    """Open the Desk and read the directory. What fails is asked for again by the first screen.

    What that screen imports (pandas and the charts) is imported too.
    """
    try:
        context.desk().agents.directory()
    except DeskError as error:
        log.warning("The tenant could not be read at the start: %s", error)
    except Exception:
        if context.opened() is not None:
            raise
        return  # the dashboard stops already, and its connections were closed while this read
    import_module("wfm.ui.screens.plan.verdict")
