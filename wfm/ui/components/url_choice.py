"""One choice that lives in the URL: read with a sentence for what makes no sense, written when it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

import streamlit as st

from wfm.domain.sentences import join_words
from wfm.ui.components.markdown import escape_markdown

_E = TypeVar("_E", bound=StrEnum)


def choice(name: str, kinds: type[_E], default: _E, label: str, show: Callable[[_E], str]) -> _E:
    """Draws the choice as segments and gives what the URL says; the default leaves no trace in the URL."""
    given = str(st.query_params.get(name, default.value))
    try:
        value = kinds(given)
    except ValueError:
        accepted = join_words([kind.value for kind in kinds], "or")
        st.warning(
            f"The address says {name}=“{escape_markdown(given[:40])}”: left out. Accepted: {accepted}.",
            icon=":material/link_off:",
        )
        value = default
    key = f"choice-{name}"
    st.session_state[key] = value.value
    options: Sequence[str] = [kind.value for kind in kinds]
    st.segmented_control(
        label,
        options,
        key=key,
        required=True,
        format_func=lambda option: show(kinds(option)),
        label_visibility="collapsed",
        on_change=_write,
        args=(name, key, default.value),
    )
    return value


def _write(name: str, key: str, default: str) -> None:
    value = st.session_state[key]
    if value is None or value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
