"""One stacked bar by state, with its numbers in words below: the picture and its text alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd
import streamlit as st

from wfm.ui.components.states import Look, hex_color
from wfm.ui.components.times import number


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar. `shade` below 1 lightens the state's colour where two parts share it."""

    look: Look
    count: int
    shade: float = 1.0


def stacked(parts: Sequence[Part], *, key: str, title: str, height: int = 22) -> None:
    """The bar. Empty parts are left out; nothing at all is drawn for a total of 0."""
    shown = [part for part in parts if part.count > 0]
    if not shown:
        return
    frame = pd.DataFrame(
        {
            "state": [part.look.word for part in shown],
            "agents": [part.count for part in shown],
            "color": [hex_color(part.look.color) for part in shown],
            "opacity": [part.shade for part in shown],
            "order": range(len(shown)),
        }
    )
    chart = (
        alt.Chart(frame)
        .mark_bar(height=height, stroke=None)
        .encode(
            x=alt.X("agents:Q", stack="zero", axis=None, scale=alt.Scale(domain=[0, sum(part.count for part in shown)])),
            color=alt.Color("color:N", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("state:N"), alt.Tooltip("agents:Q", format=",")],
        )
        .properties(height=height, padding=0)
        .configure_view(strokeWidth=0)
    )
    words = ", ".join(f"{number(part.count)} {part.look.word}" for part in shown)
    st.altair_chart(chart, width="stretch", key=key, alt=f"{title}: {words}")


def legend(parts: Sequence[Part], *, total: str = "") -> None:
    """The numbers of the bar in words, coloured and with their icons."""
    words = " &nbsp; ".join(
        f":{part.look.color}[:material/{part.look.icon}:] **{number(part.count)}** {part.look.word}"
        for part in parts
        if part.count > 0
    )
    st.markdown(f"{words}{f' &nbsp; :gray[{total}]' if total else ''}")
