"""Runs as files: the links, how many runs they hold, and how far a file is.

The file comes from the launcher's own address and streams into the browser's downloads; a script run could only hand over a
whole file out of memory. The link carries a ticket of this screen, under which the address notes how many runs it has sent;
one fragment reads that while a file is on its way. The note is in this process: behind several dashboards without sticky
sessions the browser's own download list is what remains.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode

import streamlit as st

from wfm.domain.people import Actor
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.times import clock, duration, now, viewer_zone
from wfm.ui.shell import jobs

FORMATS = (("CSV", "csv"), ("JSON Lines", "jsonl"), ("Parquet", "parquet"))
WORDS = {fmt: label for label, fmt in FORMATS}
_TICKET, _ASKED = "runs-export-ticket", "runs-export-asked"
POLL_S = 1.0
BEGINS_WITHIN = timedelta(seconds=20)
"""How long after the click a file may take to begin before the screen stops looking for it."""


def links(parameters: str, label: str, *, key: str, watched: bool = True) -> None:
    """A link for each format. `parameters` is the query of the address, `label` says before the click what it will hold."""
    if label:
        st.caption(label, width="content")
    for word, fmt in FORMATS:
        address = f"/export/runs.{fmt}?{parameters}"
        if watched:
            address += "&" + urlencode({"export": _ticket()})
            st.link_button(word, address, icon=":material/download:", type="tertiary", key=f"{key}-{fmt}", on_click=_asked)
        else:
            st.link_button(word, address, icon=":material/download:", type="tertiary", key=f"{key}-{fmt}")


def export_label(total: int | None, at_least: int) -> str:
    """What the files hold, before the click: "Export 480,000 runs", "Export all matching runs (10,000+)"."""
    if total is None:
        return "Export all matching runs" + (f" ({format_number(at_least)}+)" if at_least else "")
    return f"Export {quantity(total, 'run')}"


def _ticket() -> str:
    ticket: str = st.session_state.setdefault(_TICKET, secrets.token_hex(8))
    return ticket


def _asked() -> None:
    st.session_state[_ASKED] = now()


def progress(actor: Actor) -> None:
    """How far the file is that was asked for on this screen. Draws nothing, and looks at nothing, where none was."""
    asked: datetime | None = st.session_state.get(_ASKED)
    if asked is None:
        return
    key = jobs.export_key(actor, _ticket())
    moving = _moves(asked, jobs.of(key))
    st.fragment(_present, run_every=POLL_S if moving else None)(key, asked, moving)


def _moves(asked: datetime, job: jobs.Job | None) -> bool:
    if job is None or job.started_at < asked - timedelta(seconds=2):
        return now() - asked < BEGINS_WITHIN
    return job.running


def _present(key: str, asked: datetime, moving: bool) -> None:
    job = jobs.of(key)
    if moving and not _moves(asked, job):
        st.rerun()  # it ended: the screen stops looking
    if job is None or job.started_at < asked - timedelta(seconds=2):
        if moving:
            st.caption(":material/hourglass_top: Preparing the file …")
        return
    sentence = progress_text(job)
    if job.running:
        share = min(1.0, job.done / job.total) if job.total else None
        if share is None:
            st.caption(f":material/hourglass_top: {sentence}")
        else:
            st.progress(share, text=sentence)
    elif job.fault is not None:
        st.error(escape_markdown(str(job.fault)), title=sentence, icon=":material/error:")
    else:
        icon = "check_circle" if job.result else "cancel"
        st.caption(f":material/{icon}: {sentence}")


def progress_text(job: jobs.Job) -> str:
    """How far a file is, in a sentence."""
    name = WORDS.get(job.unit, job.unit)
    if job.running:
        so_far = (
            f"{quantity(job.done, 'run')} so far"
            if job.total is None
            else f"{format_number(job.done)} of {quantity(job.total, 'run')}"
        )
        return f"Exporting {name}: {so_far}"
    ended = job.ended_at or now()
    if job.fault is not None:
        return f"The {name} file stopped early after {quantity(job.done, 'run')}: delete it"
    if not job.result:
        return f"The {name} file was stopped by the browser after {quantity(job.done, 'run')}."
    took = duration(ended - job.started_at)
    return (
        f"The {name} file is complete: {quantity(job.done, 'run')} in {took}, at {clock(ended, viewer_zone(), seconds=True)}."
    )
