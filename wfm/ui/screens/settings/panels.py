"""The cards of the Settings screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.ui.components import times
from wfm.ui.components.flash import Flash
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.screens.settings import model as view

if TYPE_CHECKING:
    from wfm.desk import Desk, Health
    from wfm.desk.demo import DemoControls

_flash = Flash("settings")
notices = _flash.show


def _facts(pairs: Sequence[tuple[str, str]], *, alt: str) -> None:
    table = {"": [escape_markdown(name) for name, _ in pairs], " ": [value for _, value in pairs]}
    st.table(table, hide_index=True, hide_header=True, border="horizontal", alt=alt)


def tenant(desk: Desk) -> None:
    """Which organization this is, and the OAuth client the desk plans with."""
    with st.container(border=True):
        st.subheader("Tenant", anchor=False)
        own = desk.tenant
        pairs = [
            ("organization", f"{escape_markdown(own.organization_name or 'unknown')} {code(own.organization_id)}"),
            ("kind", ":orange-badge[DEMO] made up on this machine" if own.is_demo else "a Genesys Cloud organization"),
            ("API", code(own.api_url)),
            ("login", code(own.login_url)),
        ]
        try:
            client = desk.current_client
        except DeskError as error:
            pairs.append(("OAuth client", escape_markdown(str(error))))
        else:
            scopes = (
                "states no scopes"
                if client.scopes is None
                else ", ".join(code(scope) for scope in client.scopes if scope.strip())
            )
            pairs += [
                ("OAuth client", f"{escape_markdown(client.name)} {code(client.id)}"),
                ("its scopes", scopes or "none"),
                ("its secret", "held by the desk, never shown"),
            ]
        _facts(pairs, alt="Tenant and OAuth client")


def people(desk: Desk, actor: Actor) -> None:
    """Roles, who holds them, and who is looking."""
    with st.container(border=True):
        st.subheader("People and roles", anchor=False)
        st.write(escape_markdown(view.who_decides(desk)))
        st.caption(f"You are {escape_markdown(actor.name)}, {actor.role.name.lower()}.")
        table = view.roles_table(desk.settings.admins, desk.settings.supervisors)
        if desk.tenant.is_demo:
            table["who"] = ["everyone", "–", "–"]
        cells = {head: [escape_markdown(cell) for cell in column] for head, column in table.items()}
        st.table(cells, hide_index=True, border="horizontal", alt="Roles and who holds them")


def store(shown: Sequence[tuple[str, str, str]]) -> None:
    """Where the history and the windows are kept."""
    with st.container(border=True):
        st.subheader("Data store", anchor=False)
        st.write(escape_markdown(view.store_words({name: value for name, value, _ in shown})))


def health(desk: Desk, zone: ZoneInfo) -> None:
    """Tenant, token, limit and worker."""
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Health", anchor=False)
            st.button("Look again", icon=":material/refresh:", type="tertiary", key="settings-refresh")
        now = desk.health()
        for problem in now.problems:
            st.warning(escape_markdown(problem), icon=":material/warning:")
        if not now.problems:
            st.markdown(":green-badge[:material/check_circle: all well]")
        worker = "alive" if now.worker_alive else "none alive"
        if now.worker_seen_at is not None:
            worker += f", seen {times.relative(now.worker_seen_at)}"
        pairs = [
            ("tenant", "answers" if now.reachable else "does not answer"),
            ("token", f"valid until {times.when(now.token_until, zone)} {zone.key}" if now.token_until else "none yet"),
            ("rate limit", _used(now)),
            ("worker", f"{worker} ({times.number(now.workers)} running)"),
        ]
        _facts([(name, escape_markdown(value)) for name, value in pairs], alt="Health of the desk")


def _used(now: Health) -> str:
    if not now.limit_per_minute:
        return "not known"
    return f"{times.number(now.used)} of {times.number(now.limit_per_minute)} requests used this minute"


def policy(desk: Desk) -> None:
    """The rules that guard every window."""
    with st.container(border=True):
        st.subheader("Limits and policy", anchor=False)
        try:
            limit = desk.health().limit_per_minute
        except DeskError:
            limit = 0
        rules = view.policy(desk.settings.confirm_above, desk.settings.genesys_rate_share, limit)
        _facts([(rule, escape_markdown(words)) for rule, words in rules], alt="Limits and policy")


def versions() -> None:
    """What the desk runs on."""
    with st.container(border=True):
        st.subheader("Versions", anchor=False)
        st.markdown(" · ".join(f"{escape_markdown(name)} {code(number)}" for name, number in view.versions()))


def settings_table(title: str, rows: Sequence[view.Row]) -> None:
    """One section of the settings."""
    with st.expander(title):
        st.table(
            {
                "setting": [code(row.name) for row in rows],
                "value": [escape_markdown(row.value) for row in rows],
                "from": [escape_markdown(row.source) for row in rows],
                "what for": [escape_markdown(row.purpose) for row in rows],
            },
            hide_index=True,
            border="horizontal",
            alt=f"Settings: {title}",
        )


# --- demo ---------------------------------------------------------------------------------------------------------------


def demo(desk: Desk, controls: DemoControls, actor: Actor) -> None:
    """Scenario, client, mending and reset of the demo tenant; for admins, and on the demo tenant everyone is."""
    may = actor.may(Capability.ADMINISTER)
    with st.container(border=True):
        st.subheader("Demo tenant", anchor=False)
        state = controls.state()
        names = [name for name, _ in state.scenarios]
        words = dict(state.scenarios)
        st.caption(f"{times.agents(state.agents)}, {times.number(state.rate_limit)} requests a minute.")
        st.session_state["settings-scenario"] = state.scenario
        st.selectbox(
            "Scenario",
            names,
            key="settings-scenario",
            on_change=_switch,
            args=(controls, actor),
            disabled=not may,
        )
        st.caption(escape_markdown(words.get(state.scenario, "")))
        choices = desk.clients()
        st.session_state["settings-client"] = next(choice.name for choice in choices if choice.current)
        st.selectbox(
            "OAuth client that plans",
            [choice.name for choice in choices],
            key="settings-client",
            on_change=_client,
            args=(desk, actor),
            disabled=not may,
        )
        with st.container(horizontal=True, gap="small"):
            _button("Mend: add the missing scope", "build", _attempt(controls.mend, actor, "The scope was added."), may)
            _button("Take it away again", "undo", _attempt(controls.unmend, actor, "The scope was taken away."), may)
            _button("Reset the demo", "restart_alt", _attempt(controls.reset, actor, "The demo tenant is as at first."), may)
        st.caption("Demo only. Reset makes everybody available and the clients as at first; the history stays.")


def _button(label: str, icon: str, act: Callable[[], None], may: bool) -> None:
    st.button(label, icon=f":material/{icon}:", key=f"settings-{icon}", on_click=act, disabled=not may)


def _attempt(action: Callable[[Actor], object], actor: Actor, said: str) -> Callable[[], None]:
    def act() -> None:
        try:
            action(actor)
        except DeskError as error:
            _flash.failed(error)
        else:
            _flash.done(said)

    return act


def _switch(controls: DemoControls, actor: Actor) -> None:
    name = str(st.session_state["settings-scenario"])
    _attempt(lambda who: controls.switch_scenario(name, who), actor, f"Scenario is now {name}.")()


def _client(desk: Desk, actor: Actor) -> None:
    name = str(st.session_state["settings-client"])
    _attempt(lambda who: desk.use_client(name, who), actor, f"Plans are now made with {name}.")()
