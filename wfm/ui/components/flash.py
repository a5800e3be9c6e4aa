"""What the last click did, or why it could not: kept until the screen is drawn again, since a callback draws nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.ui.components import messages
from wfm.ui.components.markdown import escape_markdown


class Flash:
    """One part of a screen's last word. `name` keeps the parts apart."""

    def __init__(self, name: str) -> None:
        self._notice, self._fault = f"{name}-notice", f"{name}-fault"

    def done(self, sentence: str, *, good: bool = True) -> None:
        """What was done, as text: it may quote others. `good` is False where it did not come out as hoped."""
        st.session_state[self._notice] = (sentence, good)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keeps a DeskError raised inside, which says why it could not be done. Mostly around a whole callback."""
        try:
            yield
        except DeskError as error:
            st.session_state[self._fault] = error

    def show(self) -> None:
        """Says it, once."""
        fault = st.session_state.pop(self._fault, None)
        if fault is not None:
            messages.fault(fault)
        sentence, good = st.session_state.pop(self._notice, ("", True))
        if sentence:
            st.toast(escape_markdown(sentence), icon=":material/check_circle:" if good else ":material/warning:")


flash_next_page = Flash("tenant")
"""Flash at the head of whatever screen is drawn next: for clicks that lead to another one."""
