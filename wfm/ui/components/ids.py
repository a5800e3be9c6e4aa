"""Ids that people copy: correlation ids, run and plan ids."""

from __future__ import annotations

import streamlit as st

from wfm.ui.components.markdown import cell


def correlation(value: str | None) -> None:
    """The id to give to Genesys support, with a copy button; says so when there is none."""
    if not value:
        st.caption("Correlation id: the answer had none")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Correlation id", width="content")
        st.code(cell(value), language=None, width="content")
