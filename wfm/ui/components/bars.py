"""One stacked bar by state, with its numbers in words below: the picture and its text alternative.

A few boxes of HTML with the theme's own state colours, not a chart: it is drawn again every second while agents are
written to, must not flicker, and shows even 1 of 30,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from wfm.domain.sentences import format_number
from wfm.ui.components.markdown import cell
from wfm.ui.components.states import Style, hex_color

HEIGHT = 20
MIN_PART = 4
"""Pixels. A part of a very large whole is still seen."""


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar. `shade` below 1 lightens the state's colour where two parts share it."""

    style: Style
    count: int
    shade: float = 1.0


def as_text(parts: Sequence[Part]) -> str:
    """The bar as a sentence: "34 out, 1 failed"."""
    return ", ".join(f"{format_number(part.count)} {part.style.word}" for part in parts if part.count > 0)


def stacked(parts: Sequence[Part], *, title: str) -> None:
    """The bar. Empty parts are left out; nothing at all is drawn for a total of 0."""
    shown = [part for part in parts if part.count > 0]
    if not shown:
        return
    boxes = "".join(
        f'<div title="{escape(f"{format_number(part.count)} {part.style.word}")}" style="flex:{part.count} 1 0;'
        f'min-width:{MIN_PART}px;background:{hex_color(part.style.color)};opacity:{part.shade:.2f}"></div>'
        for part in shown
    )
    st.html(
        f'<div role="img" aria-label="{escape(cell(f"{title}: {as_text(shown)}"))}" '
        f'style="display:flex;gap:1px;height:{HEIGHT}px;border-radius:4px;overflow:hidden">{boxes}</div>'
    )


def legend(parts: Sequence[Part], *, total: str = "") -> None:
    """The numbers of the bar in counts, coloured and with their icons."""
    counts = " &nbsp; ".join(
        f":{part.style.color}[:material/{part.style.icon}:] **{format_number(part.count)}** {part.style.word}"
        for part in parts
        if part.count > 0
    )
    st.markdown(f"{counts}{f' &nbsp; :gray[{total}]' if total else ''}")
