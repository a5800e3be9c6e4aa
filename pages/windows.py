"""Windows: all of them, the open ones first; or one of them opened (`?id=`)."""

from __future__ import annotations

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.ui.components import messages
from wfm.ui.screens.windows.detail import one_window
from wfm.ui.screens.windows.listing import all_windows
from wfm.ui.screens.windows.model import short_title_of
from wfm.ui.shell import context
from wfm.ui.shell.auth import require
from wfm.ui.shell.heading import heading
from wfm.ui.shell.links import go

actor = require(Capability.VIEW)
desk = context.desk()
wanted = st.query_params.get("id", "")
view = None
fault: DeskError | None = None
if wanted:
    try:
        view = desk.windows.get(wanted)
    except DeskError as error:
        fault = error

heading(short_title_of(view.operation) if view else "Windows", actor)
messages.worker_missing(desk)
if view is not None:
    go("All windows", "windows", key="all_windows", icon=":material/arrow_back:")
    one_window(desk, actor, view)
else:
    if fault is not None:
        messages.fault(fault, title="That window can't be opened")
    with messages.guarded():
        all_windows(desk, actor)
