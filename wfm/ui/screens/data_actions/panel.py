"""One Data Action on screen: contract, a form made from it, test and execute, and what came of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import streamlit as st

from wfm.desk import ActionResult, DataAction, Desk
from wfm.domain.errors import BadInput, DeskError
from wfm.domain.operations import Outcome
from wfm.domain.people import Actor, Capability
from wfm.ui.components import messages, payloads
from wfm.ui.components.agent_lookup import agent_named
from wfm.ui.components.diagnosis import meaning
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.states import style_of
from wfm.ui.screens.data_actions import model
from wfm.ui.shell.navigation import page

_TOKEN, _RESULT, _FAULT, _ASKED = "action-token", "action-result", "action-fault", "action-ask"


@dataclass(frozen=True, slots=True)
class Done:
    """What was run last on this screen: kept until another action is chosen."""

    action_id: str
    test: bool
    result: ActionResult


def panel(desk: Desk, action: DataAction, actor: Actor) -> None:
    with st.container(border=True, key="action-panel"):
        st.markdown(f"#### {escape_markdown(action.name)}")
        st.caption(f"{escape_markdown(action.category)} · id {code(action.id)}")
        left, right = st.columns([1, 1], gap="large")
        with left:
            _form(desk, action, actor)
        with right:
            _contract(action)
        _outcome(action)


def _contract(action: DataAction) -> None:
    st.markdown("**Contract**")
    asked = model.fields(action)
    if not asked:
        st.caption("Its contract names no inputs.")
    else:
        st.table(
            {
                "input": [code(field.name) for field in asked],
                "type": [escape_markdown(field.kind) for field in asked],
                "needed": ["required" if field.required else "optional" for field in asked],
                "accepts": [escape_markdown(" or ".join(field.choices) or field.help or "–") for field in asked],
            },
            hide_index=True,
            border="horizontal",
            alt="Inputs of the contract",
        )
    st.markdown("**Request it makes**")
    if action.request_url:
        template = f"{action.request_type} {action.request_url}\n\n{action.request_template}".strip()
        st.code(payloads.raw(template), language=None, wrap_lines=True)
    else:
        st.caption("The tenant does not show its request: it is a built-in action.")
    seconds = model.timeout_seconds(action)
    if seconds is not None:
        st.caption(f"Waits at most {seconds} s for its web service.")
    st.caption(
        "It calls with the credentials of its own integration, no matter who executes it: the permissions of your client "
        "do not matter here."
    )


# --- form ---------------------------------------------------------------------------------------------------------------


def _form(desk: Desk, action: DataAction, actor: Actor) -> None:
    st.markdown("**Try it**")
    asked = model.fields(action)
    for field in asked:
        _input(action, field)
    agent = next((field for field in asked if field.agent), None)
    who, hint = ("", "")
    if agent is not None:
        who, hint = _agent(desk, str(st.session_state.get(_key(action, agent)) or "").strip())
    if hint:
        st.caption(f":material/person: {escape_markdown(hint)}")
    may = actor.may(Capability.EXECUTE)
    token = st.session_state.setdefault(_TOKEN, secrets.token_hex(8))
    with st.container(horizontal=True, gap="small"):
        st.button("Execute", icon=":material/bolt:", disabled=not may, key="action-execute", on_click=_ask, args=("execute",))
        st.button("Test", icon=":material/science:", disabled=not may, key="action-test", on_click=_ask, args=("test",))
    wanted = st.session_state.get(_ASKED) if may else None
    if wanted == "execute":
        for_whom = f" for **{escape_markdown(who)}**" if who else ""
        st.warning(f"Executes **{escape_markdown(action.name)}**{for_whom} once, for real, on this tenant.")
        _go("Execute now", f"execute-{token}", (desk, action, actor, token, False))
    elif wanted == "test":
        st.warning("A test shows every step, and it **writes as an execution does**: the platform has no dry run.")
        _go("Test now", f"test-{token}", (desk, action, actor, token, True))
    if not may:
        st.caption(actor.read_only_reason or "Only a supervisor can test and execute.")


def _ask(what: str | None) -> None:
    """Opens the question before the act, in its place; closes it at the second click."""
    st.session_state[_ASKED] = None if st.session_state.get(_ASKED) == what else what


def _go(label: str, key: str, args: tuple[object, ...]) -> None:
    with st.container(horizontal=True):
        st.button(label, type="primary", key=key, on_click=_run, args=args)
        st.button("Not now", type="tertiary", key="action-not-now", on_click=_ask, args=(None,))


def _key(action: DataAction, field: model.Field) -> str:
    return f"input-{action.id}-{field.name}"


def _input(action: DataAction, field: model.Field) -> None:
    label = escape_markdown(f"{field.name} {'' if field.required else '(optional)'}")
    help = escape_markdown(field.help) or None
    if field.choices:
        index = field.choices.index(field.default) if field.default in field.choices else None
        st.selectbox(label, field.choices, index=index, key=_key(action, field), help=help, placeholder="none")
    else:
        placeholder = "id, name or e-mail of an agent" if field.agent else f"a {field.kind}"
        st.text_input(label, value=field.default, key=_key(action, field), help=help, placeholder=placeholder, max_chars=10_000)


def _agent(desk: Desk, given: str) -> tuple[str, str]:
    """Whom the typed word means: (name for the question, sentence below the field)."""
    if not given:
        return "", ""
    found, hint = agent_named(desk, given)
    if found is None or hint:
        return "", hint
    try:
        agent = desk.agents.directory().agents.get(found)
    except DeskError:
        return "", ""
    return (agent.name, f"{agent.name}, {agent.management_unit or 'no management unit'}") if agent else ("", "")


def _run(desk: Desk, action: DataAction, actor: Actor, token: str, test: bool) -> None:
    """Runs it once. The token is spent first, so that a second click of the same button starts nothing."""
    if st.session_state.get(_TOKEN) != token:
        return
    st.session_state[_TOKEN] = secrets.token_hex(8)
    st.session_state[_ASKED] = None
    st.session_state.pop(_RESULT, None)
    st.session_state.pop(_FAULT, None)
    try:
        inputs = model.checked(model.fields(action), _typed(desk, action))
        run = desk.actions.test if test else desk.actions.execute
        st.session_state[_RESULT] = Done(action.id, test, run(action.id, inputs, actor))
    except DeskError as error:
        st.session_state[_FAULT] = (action.id, error)


def _typed(desk: Desk, action: DataAction) -> dict[str, str]:
    values = {}
    for field in model.fields(action):
        value = str(st.session_state.get(_key(action, field)) or "").strip()
        if field.agent and value:
            found, hint = agent_named(desk, value)
            if found is None:
                raise BadInput(field.name, value, hint.removeprefix("Agent: ") or "one agent")
            value = found
        values[field.name] = value
    return values


# --- result -------------------------------------------------------------------------------------------------------------


def _outcome(action: DataAction) -> None:
    # Kept until the next try: a second click draws the page again before a fault that is shown once could be read.
    failed, fault = st.session_state.get(_FAULT, ("", None))
    if fault is not None and failed == action.id:
        messages.fault(fault)
    done: Done | None = st.session_state.get(_RESULT)
    if done is None or done.action_id != action.id:
        return
    result = done.result
    with st.container(border=True, key="action-result"):
        shown = style_of(Outcome.APPLIED if result.success else Outcome.FAILED)
        what = "Test" if done.test else "Execution"
        color = "green" if result.success else "red"
        st.markdown(f":{color}-badge[:material/{shown.icon}: {what}] **{escape_markdown(model.verdict(result))}**")
        left, right = st.columns([6, 7], gap="medium")
        with left:
            if result.diagnosis is not None:
                st.markdown(f"#### {escape_markdown(result.diagnosis.cause or result.diagnosis.message)}")
                meaning(result.diagnosis)
            if result.steps:
                st.markdown("**Steps**")
                cells = {name: [escape_markdown(cell) for cell in column] for name, column in model.steps_table(result).items()}
                st.table(cells, hide_index=True, border="horizontal", alt="Steps of the test")
            if result.run is not None:
                st.page_link(
                    page("runs"),
                    label="This run in the history",
                    icon=":material/receipt_long:",
                    query_params={"run": result.run.id},
                )
        with right:
            _raw(result)


def _raw(result: ActionResult) -> None:
    for exchange in result.exchanges[-1:]:
        payloads.show_exchange(exchange)
