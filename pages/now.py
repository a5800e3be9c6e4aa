"""Now: what is in effect, what comes next, what fails, and whether the desk is well. On a phone, the whole desk."""

from __future__ import annotations

import streamlit as st

from wfm.domain.people import Capability
from wfm.ui.screens.windows import now
from wfm.ui.shell import context
from wfm.ui.shell.auth import require
from wfm.ui.shell.heading import heading

actor = require(Capability.VIEW)
heading("Now", actor)
desk = context.desk()
st.fragment(now.now_screen, run_every=now.pace_of(desk))(desk, actor)
