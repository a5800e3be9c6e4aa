"""Import runs: what was done without the desk, brought into its history. For admins; reached from Runs."""

from __future__ import annotations

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.ui.components import messages, times
from wfm.ui.screens.imports import form
from wfm.ui.shell import jobs
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading
from wfm.ui.shell.navigation import page

actor = require(Capability.VIEW)
heading("Import runs", actor)
st.page_link(page("runs"), label="Back to Runs", icon=":material/arrow_back:")

if not actor.may(Capability.ADMINISTER):
    messages.nothing(
        "Only an admin imports runs",
        "Give the file to an admin of this desk (WFM_ADMINS). Imported runs are visible to everyone under Runs.",
        icon=":material/lock:",
    )
    st.stop()

job = jobs.of(form.job_key(actor))
if job is not None and job.running:
    form.running(job)
    st.stop()
if job is not None:
    form.ended(job, actor)
    st.stop()

the_desk = desk()
st.caption(
    "Data Action runs that this desk did not make. Each is explained as it is imported, and then listed under Runs and "
    "Failures. Importing a file twice adds nothing twice; secrets are removed."
)
given = form.source(form.chosen_way())
if given is None:
    st.stop()
try:
    with st.spinner("Reading the first lines …", show_time=False):
        preview, read_as = form.read_preview(the_desk, given)
except DeskError as error:
    form.refused(error)
    st.stop()
form.sample(preview, times.viewer_zone())
form.go(the_desk, actor, given, preview, read_as)
