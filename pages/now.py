"""Now: what is in effect, what comes next, what fails, and whether the desk is well. On a phone, the whole desk."""

from __future__ import annotations

import streamlit as st

from wfm.domain.people import Capability
from wfm.ui import context
from wfm.ui.auth import require
from wfm.ui.components.heading import heading
from wfm.ui.components.window import present

actor = require(Capability.VIEW)
heading("Now", actor)
desk = context.desk()
st.fragment(present.present, run_every=present.pace_of(desk))(desk, actor)
