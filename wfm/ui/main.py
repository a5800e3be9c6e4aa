"""The script that Streamlit runs: page set-up, then navigation. No pages/ folder may lie beside it.

Until st.navigation has run once in a process, Streamlit would serve a pages/ folder beside the main script directly,
past every check; so the page files live elsewhere and st.navigation is called on every path through this script.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from wfm.domain.errors import DeskError, StoreFault
from wfm.domain.people import Capability
from wfm.ui.components import messages
from wfm.ui.shell import auth, context
from wfm.ui.shell.navigation import ROOT, SCREENS, page

STATIC = ROOT / "wfm" / "ui" / "static"


def home() -> None:
    """The default screen: Now when a window is open or due within a day, or when nobody can tell; else Plan."""
    auth.require(Capability.VIEW)
    try:
        busy = context.desk().windows.open_or_due()
    except StoreFault:
        busy = True  # Now says what is wrong with the database
    st.switch_page(page("now" if busy else "plan"), query_params=dict(st.query_params))


def sign_in() -> None:
    """The only page of somebody who may see nothing yet: says why, or offers to sign in."""
    auth.require(Capability.VIEW)
    home()


def cannot_start() -> None:
    """The only page while the tenant or the database can't be reached."""
    try:
        context.desk()
    except DeskError as error:
        messages.cannot_start(error)
    else:
        st.rerun()


def _everywhere(shown: Callable[[], None], title: str) -> None:
    """The same page at every address, so that no address says "not found" to who has not signed in yet."""
    at = [st.Page(shown, title=title, url_path=screen.name) for screen in SCREENS]
    st.navigation([st.Page(shown, title=title, url_path="home", default=True), *at], position="hidden").run()


def main() -> None:
    st.set_page_config(page_title="Maintenance Desk", page_icon=str(STATIC / "icon.png"), layout="wide")
    st.logo(str(STATIC / "icon.svg"), icon_image=str(STATIC / "icon.svg"), size="small")
    try:
        actor = auth.current_actor()
    except DeskError:
        _everywhere(cannot_start, "Maintenance Desk")
        return
    if not actor.may(Capability.VIEW):
        _everywhere(sign_in, "Sign in")
        return
    # A hidden default page keeps every address the same, whichever screen is the first one just now.
    listed = [
        st.Page(
            screen.path,
            title=screen.title,
            icon=screen.icon,
            url_path=screen.name,
            visibility="visible" if screen.listed else "hidden",
        )
        for screen in SCREENS
        if actor.may(screen.needs) and screen.path.exists()
    ]
    start = st.Page(home, title="Maintenance Desk", url_path="home", default=True, visibility="hidden")
    st.navigation([start, *listed], position="top").run()


main()
