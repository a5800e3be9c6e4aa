"""Which tenant this is, on every screen. On the demo tenant its menu switches scenario, client and the missing scope."""

from __future__ import annotations

import streamlit as st

from wfm.desk import ClientChoice, DemoState, Desk
from wfm.desk.demo import DemoControls
from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.ui.components import demo_switches
from wfm.ui.components.flash import flash_next_page
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.shell import story

SCENARIO_KEY = "demo-scenario"
CLIENT_KEY = "demo-client"
_SHUT = "tenant-menu-shut"
"""How often the menu was shut by a choice in it: a menu of another key is another one, and that one is closed."""


def tenant_menu(desk: Desk, actor: Actor) -> None:
    """The badge and its menu. What a choice in it did is said in a toast."""
    flash_next_page.show()
    if desk.demo is None:
        _real(desk, actor)
        return
    try:
        state, clients = desk.demo.state(), desk.clients.all()
    except DeskError as error:
        st.badge("DEMO tenant: no answer", icon=":material/science:", color="red", help=escape_markdown(str(error)))
        return
    current = next((client for client in clients if client.current), clients[0])
    label = f":orange-badge[DEMO] {escape_markdown(f'{state.scenario} · {current.name}')}"
    shut = st.session_state.get(_SHUT, 0)
    key = f"tenant-menu-{shut}" if shut else "tenant-menu"
    with st.popover(label, icon=":material/science:", key=key), st.container(width=720):
        _demo(desk, desk.demo, actor, state, clients, current)


def _real(desk: Desk, actor: Actor) -> None:
    with st.popover(
        escape_markdown(desk.tenant.organization_name or desk.tenant.host), icon=":material/domain:", key="tenant-menu"
    ):
        st.markdown(f"**{escape_markdown(desk.tenant.organization_name or 'A Genesys Cloud organization')}**")
        st.caption(
            f"{escape_markdown(desk.tenant.host)} · organization {escape_markdown(desk.tenant.organization_id or 'unknown')}"
        )
        st.caption(f"You are {escape_markdown(actor.name)}, {actor.role.name.lower()}.")
        if desk.settings.oidc_configured:
            st.button("Sign out", icon=":material/logout:", on_click=st.logout, key="sign-out")


def _demo(
    desk: Desk, demo: DemoControls, actor: Actor, state: DemoState, clients: tuple[ClientChoice, ...], current: ClientChoice
) -> None:
    st.caption(
        f"A simulated Genesys tenant on this machine: {state.agents} agents, {state.rate_limit} requests a minute. "
        "Nothing here reaches a real tenant, and everyone is an admin."
    )
    st.button(
        "See the three-minute story",
        icon=":material/auto_stories:",
        key="story-start",
        on_click=_tell,
        args=(desk, actor),
        help="Starts with the client that lacks the scope and leads from screen to screen.",
    )
    left, right = st.columns([1, 1], gap="medium")
    names = [name for name, _ in state.scenarios]
    texts = dict(state.scenarios)
    may = actor.may(Capability.EXECUTE)
    st.session_state[SCENARIO_KEY] = state.scenario
    left.radio(
        "Scenario",
        names,
        key=SCENARIO_KEY,
        format_func=escape_markdown,
        captions=[escape_markdown(texts[name]) for name in names],
        on_change=demo_switches.switch_scenario,
        args=(demo, actor, SCENARIO_KEY),
        disabled=not may,
    )
    st.session_state[CLIENT_KEY] = current.name
    right.radio(
        "OAuth client that plans",
        [client.name for client in clients],
        key=CLIENT_KEY,
        format_func=escape_markdown,
        captions=[escape_markdown(", ".join(client.scopes)) if client.scopes else "states no scopes" for client in clients],
        on_change=demo_switches.switch_client,
        args=(desk, actor, CLIENT_KEY),
        disabled=not may,
    )
    with right:
        demo_switches.fix_button(demo, actor, current, key="demo-fix", disabled=not may)
        demo_switches.break_button(demo, actor, current, key="demo-break", disabled=not may)
        demo_switches.reset_button(demo, actor, key="demo-reset", disabled=not may)


def _tell(desk: Desk, actor: Actor) -> None:
    """Begins the story and shuts the menu, which would lie above its first step."""
    story.start(desk, actor)
    st.session_state[_SHUT] = st.session_state.get(_SHUT, 0) + 1
