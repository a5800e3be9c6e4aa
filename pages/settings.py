"""Settings: which tenant this is, what guards it, who may do what, and where each value comes from."""

from __future__ import annotations

import streamlit as st

from wfm.domain.people import Capability
from wfm.ui.components import messages, times
from wfm.ui.screens.settings import model, panels, retention, sentences
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading

actor = require(Capability.VIEW)
heading("Settings", actor)

the_desk = desk()
zone = times.viewer_zone()

shown = the_desk.settings.shown()
set_names = frozenset(f"WFM_{name.upper()}" for name in the_desk.settings.model_fields_set)
places = model.places()
sections = model.sections(shown, set_names, places)

left, right = st.columns(2, gap="medium")
with left:
    panels.tenant(the_desk)
    panels.people(the_desk, actor)
    panels.store(shown)
    retention.card(the_desk, actor, model.source_of(sentences.SETTING, set_names, places), zone)
with right:
    with messages.guarded("The health can't be read right now"):
        panels.health(the_desk, zone)
    panels.policy(the_desk)
    if the_desk.demo is not None:
        with messages.guarded("The demo tenant does not answer"):
            panels.demo(the_desk, the_desk.demo, actor)
    panels.versions()

st.subheader("Every setting", anchor=False)
st.caption(
    "Settings are read when the desk starts, from the environment, then .env, then .streamlit/secrets.toml. To change one, set "
    "it there and start the desk again: this screen changes none, so that two dashboards never disagree."
)
for title, rows in sections.items():
    panels.settings_table(title, rows)
