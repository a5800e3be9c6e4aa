"""The switches of the demo tenant: scenario, client, missing scope, reset. What each did is said on the next page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from wfm.desk import ClientChoice, Desk
from wfm.desk.demo import DemoControls
from wfm.domain.people import Actor
from wfm.ui.components.flash import flash_next_page
from wfm.ui.components.markdown import escape_markdown

NEEDED_SCOPE = "wfm:schedule:update"
_CHANGES = "demo-changes"


def tenant_changed() -> None:
    """Notes that this tab changed the demo tenant: what was read before is out of date."""
    st.session_state[_CHANGES] = tenant_changes() + 1


def tenant_changes() -> int:
    """How often this tab has changed the demo tenant."""
    return int(st.session_state.get(_CHANGES, 0))


def switch_scenario(demo: DemoControls, actor: Actor, key: str) -> None:
    """Take the scenario that the widget of that key names; a callback."""
    name = str(st.session_state[key])
    _attempt(partial(demo.switch_scenario, name, actor), f"Scenario is now {name}.")


def switch_client(desk: Desk, actor: Actor, key: str) -> None:
    """Plan with the client that the widget of that key names; a callback."""
    name = str(st.session_state[key])
    _attempt(
        partial(desk.clients.use, name, actor),
        f"Plans are now made with {name}. Windows keep the client they began with.",
    )


def fix_button(
    demo: DemoControls, actor: Actor, client: ClientChoice, *, key: str, disabled: bool, short: bool = False
) -> None:
    """The button that adds the missing scope; draws nothing where none is missing."""
    if client.scopes is None or NEEDED_SCOPE in client.scopes:
        return
    st.button(
        "Fix it (demo only)" if short else f"Add the missing scope to {escape_markdown(client.name)}",
        icon=":material/build:",
        key=key,
        on_click=_attempt,
        args=(partial(demo.add_scope, actor), f"{NEEDED_SCOPE} is added. The next token carries it."),
        disabled=disabled,
        help="Demo only. On a real tenant the OAuth admin does this in Admin › Integrations › OAuth.",
    )


def break_button(demo: DemoControls, actor: Actor, client: ClientChoice, *, key: str, disabled: bool) -> None:
    """The button that removes the scope again; draws nothing where it is missing."""
    if client.scopes is None or NEEDED_SCOPE not in client.scopes:
        return
    st.button(
        "Remove the scope again",
        icon=":material/undo:",
        key=key,
        on_click=_attempt,
        args=(partial(demo.remove_scope, actor), f"{NEEDED_SCOPE} is removed again."),
        disabled=disabled,
        type="tertiary",
    )


def reset_button(demo: DemoControls, actor: Actor, *, key: str, disabled: bool) -> None:
    st.button(
        "Reset the demo",
        icon=":material/restart_alt:",
        key=key,
        on_click=_attempt,
        args=(partial(demo.reset, actor), "The demo tenant is reset."),
        disabled=disabled,
        help="Makes everyone available and resets the clients. The history stays.",
    )


@flash_next_page.guarded()
def _attempt(action: Callable[[], object], sentence: str) -> None:
    action()
    flash_next_page.done(sentence)
    tenant_changed()
