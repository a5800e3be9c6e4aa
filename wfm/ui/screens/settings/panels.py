"""The cards of the Settings screen."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk, Health
from wfm.desk.demo import DemoControls
from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import demo_switches, times
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.tables import facts_table
from wfm.ui.screens.settings import model


def tenant(desk: Desk) -> None:
    """Which organization this is, and the OAuth client the desk plans with."""
    with st.container(border=True):
        st.subheader("Tenant", anchor=False)
        own = desk.tenant
        pairs = [
            ("organization", f"{escape_markdown(own.organization_name or 'unknown')} {code(own.organization_id)}"),
            ("kind", ":orange-badge[DEMO] simulated on this machine" if own.is_demo else "a Genesys Cloud organization"),
            ("API", code(own.api_url)),
            ("login", code(own.login_url)),
        ]
        try:
            client = desk.clients.current
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
        facts_table(pairs, alt="Tenant and OAuth client")


def people(desk: Desk, actor: Actor) -> None:
    """Roles, who holds them, and who is looking."""
    with st.container(border=True):
        st.subheader("People and roles", anchor=False)
        st.write(escape_markdown(model.who_decides(desk)))
        st.caption(f"You are {escape_markdown(actor.name)}, {actor.role.name.lower()}.")
        table = model.roles_table(desk.settings.admins, desk.settings.supervisors)
        if desk.tenant.is_demo:
            table["who"] = ["everyone", "–", "–"]
        cells = {head: [escape_markdown(cell) for cell in column] for head, column in table.items()}
        st.table(cells, hide_index=True, border="horizontal", alt="Roles and who holds them")


def store(shown: Sequence[tuple[str, str, str]]) -> None:
    """Where the history and the windows are kept."""
    with st.container(border=True):
        st.subheader("Data store", anchor=False)
        st.write(escape_markdown(model.store_text({name: value for name, value, _ in shown})))


def health(desk: Desk, zone: ZoneInfo) -> None:
    """Tenant, token, limit and worker."""
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Health", anchor=False)
            st.button("Check again", icon=":material/refresh:", type="tertiary", key="settings-refresh")
        now = desk.health.check()
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
            ("worker", f"{worker} ({format_number(now.workers)} running)"),
        ]
        facts_table([(name, escape_markdown(value)) for name, value in pairs], alt="Health of the desk")


def _used(now: Health) -> str:
    if not now.limit_per_minute:
        return "not known"
    return f"{format_number(now.used)} of {format_number(now.limit_per_minute)} requests used this minute"


def policy(desk: Desk) -> None:
    """The rules that guard every window."""
    with st.container(border=True):
        st.subheader("Limits and policy", anchor=False)
        try:
            limit = desk.health.check().limit_per_minute
        except DeskError:
            limit = 0
        rules = model.policy(desk.settings.confirm_above, desk.settings.genesys_rate_share, limit)
        facts_table([(rule, escape_markdown(words)) for rule, words in rules], alt="Limits and policy")


def versions() -> None:
    with st.container(border=True):
        st.subheader("Versions", anchor=False)
        st.markdown(" · ".join(f"{escape_markdown(name)} {code(number)}" for name, number in model.versions()))


def settings_table(title: str, rows: Sequence[model.Row]) -> None:
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


_SCENARIO, _CLIENT = "settings-scenario", "settings-client"


def demo(desk: Desk, controls: DemoControls, actor: Actor) -> None:
    """Scenario, client, the missing scope and reset of the demo tenant; for admins, and on the demo tenant everyone is."""
    disabled = not actor.may(Capability.ADMINISTER)
    with st.container(border=True):
        st.subheader("Demo tenant", anchor=False)
        state = controls.state()
        descriptions = dict(state.scenarios)
        st.caption(f"{quantity(state.agents, 'agent')}, {format_number(state.rate_limit)} requests a minute.")
        st.session_state[_SCENARIO] = state.scenario
        st.selectbox(
            "Scenario",
            list(descriptions),
            key=_SCENARIO,
            on_change=demo_switches.switch_scenario,
            args=(controls, actor, _SCENARIO),
            disabled=disabled,
        )
        st.caption(escape_markdown(descriptions.get(state.scenario, "")))
        clients = desk.clients.all()
        current = next(client for client in clients if client.current)
        st.session_state[_CLIENT] = current.name
        st.selectbox(
            "OAuth client that plans",
            [client.name for client in clients],
            key=_CLIENT,
            on_change=demo_switches.switch_client,
            args=(desk, actor, _CLIENT),
            disabled=disabled,
        )
        with st.container(horizontal=True, gap="small"):
            demo_switches.fix_button(controls, actor, current, key="settings-fix", disabled=disabled)
            demo_switches.break_button(controls, actor, current, key="settings-break", disabled=disabled)
            demo_switches.reset_button(controls, actor, key="settings-reset", disabled=disabled)
