"""Sign-in on screen. Every page begins with `actor = require(Capability.…)`, main.py or not: it fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import LEAST_ROLE, Actor, Capability
from wfm.ui.components import messages
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.shell import context, roles

WHO = {
    Capability.VIEW: "To see this desk, sign in.",
    Capability.EXECUTE: "To take agents out of work and restore them, you need to be a supervisor.",
    Capability.ADMINISTER: "Only an admin can do this.",
}


def current_actor() -> Actor:
    """The person at this screen. Raises DeskError when the tenant can't be asked what it is."""
    desk = context.desk()
    return roles.decide(is_demo=desk.tenant.is_demo, settings=desk.settings, caller=_caller(), now=datetime.now(UTC))


def require(capability: Capability) -> Actor:
    """The person at this screen, who may do this. Otherwise says why not and stops the page."""
    try:
        actor = current_actor()
    except DeskError as error:
        messages.cannot_start(error)
        st.stop()
    if not actor.may(capability):
        _refuse(actor, capability)
        st.stop()
    return actor


def _refuse(actor: Actor, capability: Capability) -> None:
    settings = context.desk().settings
    with st.container(border=True, width=560):
        st.header("Sign in to continue" if not actor.subject else "Not for this role", anchor=False)
        st.write(WHO[capability])
        if actor.subject:
            needed = LEAST_ROLE[capability].name.lower()
            st.write(f"You are {escape_markdown(actor.name)}, {actor.role.name.lower()}; needed: {needed}.")
            st.caption(actor.read_only_reason or "An admin of this desk can add you to WFM_SUPERVISORS or WFM_ADMINS.")
        elif settings.oidc_configured:
            st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login, key="sign-in")
        else:
            st.write("No OpenID provider is configured, so this desk opens only on the machine it runs on.")
            st.caption("Open it there at http://127.0.0.1, or configure WFM_OIDC_METADATA_URL and the settings beside it.")


def _caller() -> roles.Caller:
    return roles.Caller(claims=_claims(), local=_local())


def _claims() -> Mapping[str, object]:
    return dict(st.user.to_dict())


def _local() -> bool:
    headers = dict(st.context.headers.to_dict()) if st.context.headers else {}
    flat = {name: value if isinstance(value, str) else ",".join(value) for name, value in headers.items()}
    # Streamlit gives None for loopback; the Host header, which every browser sends, is looked at as well.
    return roles.is_local(st.context.ip_address or "127.0.0.1", flat)
