"""A file that somebody uploads. A tab holds one at a time: the one before is let go when another takes its place, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

_HELD = "upload-held"


def file(label: str, endings: Sequence[str], *, key: str, max_mb: int) -> UploadedFile | None:
    """Draws the field; gives the file in it. Streamlit alone would keep every file until the tab is closed."""
    given = st.file_uploader(label, type=list(endings), key=key, max_upload_size=max_mb)
    now = given.file_id if given is not None else None
    before = st.session_state.get(_HELD)
    context = get_script_run_ctx()
    if before not in (None, now) and context is not None:
        storage: Any = context.uploaded_file_mgr
        storage.remove_file(context.session_id, before)
    st.session_state[_HELD] = now
    return given
