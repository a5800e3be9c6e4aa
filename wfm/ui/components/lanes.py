"""Access as four lanes: scope, permission, division, licence; one row a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from wfm.domain.plans import AccessCheck, LaneName, LaneState, LaneVerdict
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.states import style_of

LANE_HEADS = {
    LaneName.SCOPE: "scope",
    LaneName.PERMISSION: "permission",
    LaneName.DIVISION: "division",
    LaneName.LICENCE: "licence",
}


def lane_cell(verdict: LaneVerdict | None) -> str:
    """A lane in a table, as Markdown."""
    if verdict is not None and verdict.state is LaneState.NOT_APPLICABLE:
        return ":gray[–]"
    return style_of(verdict.state if verdict else LaneState.UNKNOWN).markdown


def lanes_table(checks: Iterable[AccessCheck], *, alt: str = "Access by call and lane") -> None:
    """One row a call with its four verdicts, then the advice where something is missing."""
    rows = list(checks)
    if not rows:
        st.caption("This plan makes no call that needs access.")
        return
    table = {"call": [code(check.call) for check in rows]}
    for lane, head in LANE_HEADS.items():
        table[head] = [lane_cell(check.lanes.get(lane)) for check in rows]
    st.table(table, hide_index=True, border="horizontal", alt=alt)


def advice(checks: Iterable[AccessCheck], *, client: str = "") -> None:
    """What is missing and the one next step, once each. `client` is named in front: "architect-flow holds …"."""
    for check in rows_with_advice(checks):
        evidence = [v.evidence for v in check.lanes.values() if v.state is LaneState.MISSING and v.evidence]
        lines = [f":red[**{escape_markdown(f'{client} {line}')}**]" for line in dict.fromkeys(evidence)]
        if check.advice:
            lines.append(f":material/arrow_forward: {escape_markdown(check.advice[:1].upper() + check.advice[1:])}")
        st.markdown("  \n".join(lines))


def rows_with_advice(checks: Iterable[AccessCheck]) -> list[AccessCheck]:
    """The checks that miss something, one for each different advice."""
    seen: dict[str, AccessCheck] = {}
    for check in checks:
        if check.missing:
            seen.setdefault(check.advice, check)
    return list(seen.values())


def verdict_lines(lanes: Mapping[LaneName, LaneVerdict]) -> str:
    """The four lanes as a list in Markdown: each with its verdict, the evidence, and the one next step where it is open."""
    lines = []
    for lane, head in LANE_HEADS.items():
        verdict = lanes.get(lane)
        if verdict is not None:
            shown = style_of(verdict.state)
            step = f" :material/arrow_forward: {escape_markdown(verdict.next_step)}" if verdict.next_step else ""
            needed = f" Needed: {', '.join(code(name) for name in verdict.needed[:6])}." if verdict.needed else ""
            lines.append(f"- :{shown.color}[**{head}** {shown.word}]: {escape_markdown(verdict.evidence)}{needed}{step}")
    return "\n".join(lines)


def verdict_badges(lanes: Mapping[LaneName, LaneVerdict]) -> str:
    """The four lanes in a line of Markdown, for a run that was opened."""
    parts = []
    for lane, head in LANE_HEADS.items():
        verdict = lanes.get(lane)
        shown = style_of(verdict.state if verdict else LaneState.UNKNOWN)
        parts.append(f":{shown.color}-badge[:material/{shown.icon}: {head}: {shown.word}]")
    return " ".join(parts)
