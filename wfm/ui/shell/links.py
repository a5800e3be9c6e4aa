"""Ways from one screen to another, with what the address of the other should say."""

from __future__ import annotations

import streamlit as st

from wfm.ui.shell.navigation import page


def go(label: str, screen: str, *, key: str, icon: str | None = ":material/arrow_forward:", **query: str) -> None:
    """A quiet button that opens a screen. For links to the screen one is on: st.page_link would draw them as chosen."""
    if st.button(label, icon=icon, type="tertiary", key=key):
        st.switch_page(page(screen), query_params=query)
