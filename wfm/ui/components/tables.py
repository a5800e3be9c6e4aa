"""Tables: their height, what was chosen in them, and facts as name and value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

_ROW = 31
"""Pixels of a row at the base font size of the theme."""


def table_height(rows: int, most: int) -> int:
    """Pixels for that many rows and the header, at most `most` rows; the rest scrolls."""
    return _ROW * (min(rows, most) + 1) + 2 + (_ROW // 2 if rows > most else 0)


def ticked_rows(state: Any) -> list[int]:
    """The positions of the ticked rows, from the table's selection."""
    selection: Mapping[str, Any] = (state or {}).get("selection", {})
    return sorted(int(row) for row in selection.get("rows") or [])


def chosen_row(state: Any) -> int | None:
    """The position of the cell's row that was chosen, from a table's selection; None when it was let go."""
    selection: Mapping[str, Any] = (state or {}).get("selection", {})
    cells = selection.get("cells") or []
    return int(cells[0][0]) if cells else None


def facts_table(facts: Sequence[tuple[str, str]], *, alt: str) -> None:
    """Names and values, a line each, without a head. Both are Markdown."""
    columns = {"": [name for name, _ in facts], " ": [value for _, value in facts]}
    st.table(columns, hide_index=True, hide_header=True, border="horizontal", alt=alt)
