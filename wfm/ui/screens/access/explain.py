"""Paste any error and read what it means: the explainer of the Access screen."""

from __future__ import annotations

import streamlit as st

from wfm.desk import Desk
from wfm.domain.diagnoses import Explanation
from wfm.ui.components import messages
from wfm.ui.components.diagnosis import kind_word, meaning
from wfm.ui.components.lanes import verdict_badges, verdict_lines
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.screens.access.model import SAMPLES, fields_table

_TEXT = "explain-text"
_KEPT = "explain-kept"


def explainer(desk: Desk) -> None:
    """Draws the box and, once something is pasted, its explanation."""
    st.subheader("Explain an error", anchor=False)
    st.caption("From an Architect flow, Postman, a log or a mail. Nothing is sent anywhere; secrets are not stored.")
    if _TEXT not in st.session_state:
        st.session_state[_TEXT] = st.session_state.get(_KEPT, "")
    with st.form("explain", border=False):
        st.text_area(
            "Pasted error",
            key=_TEXT,
            height=150,
            label_visibility="collapsed",
            placeholder="HTTP status, headers, JSON: whatever you have",
        )
        asked = st.form_submit_button("Explain", icon=":material/troubleshoot:", type="primary")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Try:", width="content")
        for name, text in SAMPLES.items():
            st.button(name, key=f"sample-{name}", type="tertiary", on_click=_use, args=(text,))
    text = str(st.session_state[_TEXT])
    st.session_state[_KEPT] = text
    if not text.strip():
        if asked:
            st.warning("Nothing is pasted yet: paste the error into the box above.", icon=":material/content_paste:")
        return
    with messages.guarded():
        _explained(desk.failures.explain(text))


def _use(text: str) -> None:
    st.session_state[_TEXT] = text


def _explained(found: Explanation) -> None:
    diagnosis, sheet = found.diagnosis, found.page
    with st.container(border=True, key="explained"):
        st.markdown(f"#### {escape_markdown(diagnosis.cause or sheet.title or kind_word(diagnosis.kind))}")
        status = f" · HTTP {diagnosis.status}" if diagnosis.status else ""
        call = f" · {code(found.call)}" if found.call else ""
        st.caption(f"Read as {escape_markdown(found.form)}{status}{call}")
        if found.lanes:
            st.markdown(verdict_badges(found.lanes))
        meaning(diagnosis)
        for name in found.unknown:
            st.warning(
                escape_markdown(name.sentence),
                icon=":material/unknown_document:",
                title=f"No such {escape_markdown(name.what)} is published",
            )
        if found.lanes:
            with st.expander("The four lanes: evidence and next step"):
                st.markdown(verdict_lines(found.lanes))
        if found.fields:
            st.table(fields_table(found.fields), hide_index=True, border="horizontal", alt="Fields read from the pasted text")
        with st.expander(f"More about “{escape_markdown(sheet.title)}”"):
            for head, words in (
                ("Means", sheet.means),
                ("Retry", sheet.retry),
                ("Provenance", sheet.provenance),
            ):
                if words:
                    st.markdown(f"**{head}** {escape_markdown(words)}")
