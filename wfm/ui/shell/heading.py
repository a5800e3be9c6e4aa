"""The top line of every screen: its title, and which tenant this is. Called right after require()."""

from __future__ import annotations

import streamlit as st

from wfm.domain.people import Actor
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.shell import context, story
from wfm.ui.shell.tenant_menu import tenant_menu


def heading(title: str, actor: Actor) -> None:
    """Draws the title and the tenant badge, and the guided story where one is being followed."""
    desk = context.desk()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="heading"):
        st.title(escape_markdown(title), anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", width="content"):
            tenant_menu(desk, actor)
    story.strip(desk)
    if actor.read_only_reason:
        st.caption(f":material/lock: {actor.read_only_reason}")
