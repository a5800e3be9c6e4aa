"""Which tenant this is, on every screen. On the demo tenant its menu switches scenario and client, and mends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.ui.components.flash import flash_next_page
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan.state import forget_preview
from wfm.ui.shell import story

if TYPE_CHECKING:
    from wfm.desk import ClientChoice, DemoState, Desk
    from wfm.desk.demo import DemoControls

SCENARIO_KEY = "demo-scenario"
CLIENT_KEY = "demo-client"
_SHUT = "tenant-menu-shut"
"""How often the menu was shut by a choice in it: a menu of another key is another one, and that one is closed."""
_flash = flash_next_page


def tenant_menu(desk: Desk, actor: Actor) -> None:
    """The badge and its menu. What a choice in it did is said in a toast."""
    _flash.show()
    if desk.demo is None:
        _real(desk, actor)
        return
    try:
        state, clients = desk.demo.state(), desk.clients()
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
        f"A Genesys tenant made up on this machine: {state.agents} agents, {state.rate_limit} requests a minute. "
        "Nothing here reaches a real one, and everyone is admin."
    )
    st.button(
        "Tell me the story in three minutes",
        icon=":material/auto_stories:",
        key="story-start",
        on_click=_tell,
        args=(desk, actor),
        help="Begins with the client that lacks the scope, and leads from screen to screen.",
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
        on_change=_switch_scenario,
        args=(demo, actor),
        disabled=not may,
    )
    st.session_state[CLIENT_KEY] = current.name
    right.radio(
        "OAuth client that plans",
        [client.name for client in clients],
        key=CLIENT_KEY,
        format_func=escape_markdown,
        captions=[escape_markdown(", ".join(client.scopes)) if client.scopes else "states no scopes" for client in clients],
        on_change=_switch_client,
        args=(desk, actor),
        disabled=not may,
    )
    with right:
        mend_button(demo, actor, current, key="menu")
        st.button(
            "Reset the demo",
            icon=":material/restart_alt:",
            key="demo-reset",
            on_click=_reset,
            args=(demo, actor),
            disabled=not may,
            help="Everybody available, clients as at first. The history stays.",
        )


def _tell(desk: Desk, actor: Actor) -> None:
    """Begins the story and shuts the menu, which would lie above its first step."""
    story.start(desk, actor)
    st.session_state[_SHUT] = st.session_state.get(_SHUT, 0) + 1


def mend_button(demo: DemoControls, actor: Actor, current: ClientChoice, *, key: str, caption: bool = True) -> None:
    """Adds the scope that is missing, or takes it away again. Marked as something only the demo tenant has."""
    if current.scopes is None:
        return
    may = actor.may(Capability.EXECUTE)
    if story.NEEDED not in current.scopes:
        st.button(
            f"Mend: add the missing scope to {escape_markdown(current.name)}" if caption else "Mend (demo only)",
            icon=":material/build:",
            key=f"mend-{key}",
            on_click=_mend,
            args=(demo, actor),
            disabled=not may,
            help="Demo only. On a real tenant the OAuth admin does this in Admin › Integrations › OAuth.",
        )
        if caption:
            st.caption(f"Demo only: adds `{story.NEEDED}` as an OAuth admin would.")
    elif key == "menu":
        st.button(
            "Unmend: take that scope away again",
            icon=":material/undo:",
            key=f"unmend-{key}",
            on_click=_unmend,
            args=(demo, actor),
            disabled=not may,
            type="tertiary",
        )


def _switch_scenario(demo: DemoControls, actor: Actor) -> None:
    name = str(st.session_state[SCENARIO_KEY])
    _attempt(partial(demo.switch_scenario, name, actor), f"Scenario is now {name}.")


def _switch_client(desk: Desk, actor: Actor) -> None:
    name = str(st.session_state[CLIENT_KEY])
    said = f"Plans are now made with {name}. Windows keep the client they began with."
    _attempt(partial(desk.use_client, name, actor), said)


def _mend(demo: DemoControls, actor: Actor) -> None:
    _attempt(partial(demo.mend, actor), f"{story.NEEDED} was added. The next token carries it.")


def _unmend(demo: DemoControls, actor: Actor) -> None:
    _attempt(partial(demo.unmend, actor), f"{story.NEEDED} was taken away again.")


def _reset(demo: DemoControls, actor: Actor) -> None:
    _attempt(partial(demo.reset, actor), "The demo tenant is as at first.")


def _attempt(action: Callable[[], object], said: str) -> None:
    try:
        action()
    except DeskError as error:
        _flash.failed(error)
    else:
        _flash.done(said)
        forget_preview()  # it was made of another world
