"""The Runs screen and the address bar: reads the query from the URL, writes it back, keeps it for the next visit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from wfm.ui.components.run_query import NAMES, OTHER_NAMES, RunQuery, read_query, write_query

HERE = "runs-time"
"""Key of a widget that is always drawn: Streamlit forgets it when another screen is shown, so it marks a new visit."""
_LAST = "runs-last-query"


def load(default: Callable[[], Mapping[str, str]] = dict) -> tuple[RunQuery, tuple[str, ...]]:
    """The query of this visit, with a sentence for each part of the address that was left out.

    The menu links to the bare address: then the filters of the last visit come back, and the address says them again.
    On a first visit those of `default` do; an address that says anything always wins.
    """
    params = {name: str(value) for name, value in st.query_params.to_dict().items()}
    if HERE not in st.session_state and not (NAMES | OTHER_NAMES.keys()) & params.keys():
        remembered = st.session_state[_LAST] if _LAST in st.session_state else default()
        params |= remembered
        if remembered:
            st.query_params.from_dict(params)
    twice = [name for name in st.query_params if len(st.query_params.get_all(name)) > 1]
    query, problems = read_query(params, twice)
    st.session_state[_LAST] = {name: value for name, value in write_query(query).items() if name not in ("run", "cursor")}
    return query, problems


def current() -> RunQuery:
    """The query that the address says now; for callbacks."""
    return read_query({name: str(value) for name, value in st.query_params.to_dict().items()})[0]


def push(query: RunQuery) -> None:
    """Makes the address say this query. The page follows, for it reads nothing else."""
    st.query_params.from_dict(write_query(query))
