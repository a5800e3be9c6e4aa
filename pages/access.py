"""Access: what this token may do, call by call, and any error explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Capability
from wfm.ui.components import lanes, messages, times, waiting
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.screens.access import model
from wfm.ui.screens.access.explain import explainer
from wfm.ui.shell.auth import require
from wfm.ui.shell.context import desk
from wfm.ui.shell.heading import heading

if TYPE_CHECKING:
    from wfm.desk import AccessReport

actor = require(Capability.VIEW)

the_desk = desk()
zone = times.viewer_zone()
fresh = bool(st.session_state.pop("access-fresh", False))
report: AccessReport | None = None
fault: DeskError | None = None
try:
    with waiting.reading(the_desk, "what this token may do"):
        report = the_desk.access.report(fresh=fresh)
except DeskError as error:
    fault = error

heading(model.finding(report) if report else "Access", actor)


def read_again() -> None:
    """Asks the tenant again at the next run."""
    st.session_state["access-fresh"] = True


held, explained = st.columns([7, 5], gap="large")
with held:
    if fault is not None:
        messages.fault(fault, title="The access of this token can't be read right now")
        st.button("Try again", icon=":material/refresh:", on_click=read_again)
    if report is not None:
        token = report.token
        parts = [
            f"OAuth client **{escape_markdown(token.client_name or token.client_id)}**",
            escape_markdown(token.grant_type.lower()),
        ]
        if token.expires_at:
            parts.append(f"token valid until {times.when(token.expires_at, zone)} {zone.key}")
        st.markdown(" · ".join(parts))
        if token.scopes is None:
            st.caption(
                "This token states no scopes. On the published platform a client-credentials token has none: the roles of the "
                "client, in divisions, decide (published by Genesys)."
            )
        else:
            st.markdown("Holds " + (", ".join(code(scope) for scope in token.scopes) or "no scope at all"))
        if token.role_divisions:
            with st.expander(model.roles_text(token.role_divisions), type="compact"):
                st.markdown("\n".join(f"- {code(role)} in {code(division)}" for role, division in token.role_divisions))
        if report.asymmetry:
            st.warning(escape_markdown(report.asymmetry), title="Reads work, writes fail", icon=":material/compare_arrows:")
        elif model.counts_text(report):
            st.caption(model.counts_text(report))
        for name, checks in report.checks.items():
            title = next((words for route, words in model.ROUTE_TITLES.items() if route.value == name), name)
            st.subheader(title, anchor=False)
            st.table(
                model.lanes_rows(checks), hide_index=True, border="horizontal", alt=f"Access by call and lane, route {name}"
            )
            lanes.advice(checks)
            with st.expander("Evidence", type="compact"):
                st.markdown("\n".join(f"- {line}" for line in model.evidence_lines(checks)) or "None given.")
        st.button("Read again", icon=":material/refresh:", key="access-read-again", on_click=read_again)
        st.caption(
            f"As of {times.when(report.as_of, zone, seconds=True)}. Sources: "
            + " · ".join(f"{model.provenance_badge(word)} {text}" for word, text in model.PROVENANCE_HELP.items())
        )
with explained:
    explainer(the_desk)
