"""Plan."""

from __future__ import annotations

from wfm.domain.people import Capability
from wfm.ui.auth import require
from wfm.ui.components.heading import heading

actor = require(Capability.VIEW)
heading("Plan", actor)
