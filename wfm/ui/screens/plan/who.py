"""1 Who: groups, search, pasted words, a CSV; and who of them is left out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.agents import Directory, GroupKind
from wfm.domain.errors import DeskError
from wfm.domain.plans import AgentFate, Fate, PlanRequest, Selection, Severity
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import messages
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.screens.plan import lists, state
from wfm.ui.screens.plan.model import (
    KIND_LABELS,
    group_keys,
    with_agent_again,
    with_agents,
    with_groups,
    without_agent,
)
from wfm.ui.screens.plan.verdict import INCLUDE

if TYPE_CHECKING:
    from wfm.desk import Desk

GROUPS = "plan_groups"
FOUND = "plan_find"
SHOWN_MATCHES = 6
ADDING = "plan_adding"
"""Which part of the card is open: one of the three below, or None."""
FIND, PASTE, CSV = "find", "paste", "csv"
LEFT_OUT = "plan_left_out"
"""The preview's rows of those who were left out by hand, by agent: they stay in the list, to be taken back."""


def who(desk: Desk, form: PlanRequest, directory: Directory) -> Selection:
    """Draws the card; gives the selection as it is now."""
    labels = _group_labels(directory)
    chosen = [key for key in group_keys(form.selection) if key in labels]
    if GROUPS not in st.session_state:
        st.session_state[GROUPS] = chosen
    else:
        st.session_state[GROUPS] = [key for key in st.session_state[GROUPS] if key in labels]
    st.multiselect(
        "Teams, queues, units, divisions",
        list(labels),
        key=GROUPS,
        format_func=lambda key: labels.get(key, cell(key)),
        placeholder="Pick a team, queue, unit or division",
        label_visibility="collapsed",
        wrap=True,
        select_all=False,
    )
    selection = with_groups(form.selection, st.session_state[GROUPS])
    with st.container(horizontal=True, vertical_alignment="center"):
        _opener("Find", ":material/person_search:", FIND)
        _opener("Paste", ":material/content_paste:", PASTE)
        _opener("CSV", ":material/upload_file:", CSV)
    adding = st.session_state.get(ADDING)
    if adding == FIND:
        _find(desk, form)
    elif adding == PASTE:
        lists.paste_list(desk, partial(_add_list, form))
    elif adding == CSV:
        lists.upload_list(desk, partial(_add_list, form))
    return selection


def _opener(label: str, icon: str, what: str) -> None:
    """A button that opens its part of the card in place, and closes it again. No pop-up: a key reaches it next."""
    is_open = st.session_state.get(ADDING) == what
    st.button(
        label,
        icon=icon,
        key=f"plan_open_{what}",
        on_click=_open,
        args=(None if is_open else what,),
    )


def _open(what: str | None) -> None:
    st.session_state[ADDING] = what


def chosen_line(desk: Desk, request: PlanRequest) -> None:
    """How many agents that is, and the ways to change the whole list; one agent is left out in the preview's own list."""
    selection = request.selection
    if selection.is_empty():
        st.caption("No one yet. Pick a group, or find, paste or upload agents.")
        return
    try:
        found = desk.agents.resolve(selection)
    except DeskError as error:
        messages.fault(error)
        return
    parts = [f"**{quantity(len(found.agents), 'agent')}**"]
    if selection.agents and group_keys(selection):
        parts.append(f"{format_number(len(selection.agents) - len(found.unknown))} by name")
    if selection.exclude:
        parts.append(f"{format_number(len(selection.exclude))} left out")
    if found.unknown:
        unknown = quantity(len(found.unknown), "matches", "match")
        parts.append(f":red[:material/block: {unknown} no one]")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(" · ".join(parts), width="stretch")
        if found.unknown:
            _link("Remove those", "plan_drop_unknown", _drop, request, found.unknown)
        if selection.exclude:
            _link("Take all back", "plan_take_back", _take_back, request)
        _link("Clear", "plan_clear", _clear, request)
    if found.unknown:
        rest = len(found.unknown) - SHOWN_MATCHES
        shown = ", ".join(found.unknown[:SHOWN_MATCHES]) + (f" and {rest} more" if rest > 0 else "")
        st.caption(f"These match no one here: {escape_markdown(shown)}")


def _link(label: str, key: str, then: Callable[..., None], *args: object) -> None:
    st.button(label, key=key, type="tertiary", on_click=then, args=args)


def _group_labels(directory: Directory) -> dict[str, str]:
    labels = {}
    for kind in GroupKind:
        for group in sorted((one for one in directory.groups if one.kind is kind), key=lambda one: one.name.casefold()):
            size = "" if group.size is None else f" · {format_number(group.size)}"
            labels[f"{kind.value}:{group.id}"] = f"{cell(group.name)} · {KIND_LABELS[kind]}{size}"
    return labels


def _find(desk: Desk, form: PlanRequest) -> None:
    text = st.text_input("Name or e-mail", key=FOUND, placeholder="Aylin, or support-2@", live=True, type="search") or ""
    if len(text.strip()) < 2:
        st.caption("Type at least two letters. Accents and case do not matter.")
        return
    try:
        found = desk.agents.search(text, limit=200)
    except DeskError as error:
        messages.fault(error)
        return
    if not found:
        st.caption("No name or e-mail contains these words.")
        return
    named = set(form.selection.agents)
    for agent in found[:SHOWN_MATCHES]:
        there = agent.id in named
        st.button(
            escape_markdown(f"{agent.name} · {agent.management_unit or agent.division}"),
            key=f"plan_add_{agent.id}",
            icon=":material/check:" if there else ":material/add:",
            disabled=there,
            on_click=_add,
            args=(form, (agent.id,)),
            type="tertiary",
        )
    if len(found) > 1:
        st.button(
            f"Add all {format_number(len(found))}",
            key="plan_add_all",
            icon=":material/group_add:",
            on_click=_add,
            args=(form, tuple(agent.id for agent in found)),
        )


def _put(request: PlanRequest, selection: Selection) -> None:
    # The group field has the last word on groups, so it is made to agree.
    st.session_state[GROUPS] = group_keys(selection)
    state.change(request.model_copy(update={"selection": selection}))


def _now(form: PlanRequest) -> Selection:
    return with_groups(form.selection, st.session_state.get(GROUPS, ()))


def _add(form: PlanRequest, words: tuple[str, ...]) -> None:
    _put(form, with_agents(_now(form), words))


def _add_list(form: PlanRequest, words: tuple[str, ...]) -> None:
    _add(form, words)
    _open(None)


def leave_out(form: PlanRequest, row: AgentFate) -> None:
    """Takes the agent of that row out of the plan. The row stays where it is, to be taken back; for callbacks."""
    if row.agent is not None:
        st.session_state.setdefault(LEFT_OUT, {})[row.agent.id] = row
        _put(form, without_agent(_now(form), row.agent.id))


def take_back(form: PlanRequest, row: AgentFate) -> None:
    """Takes that agent into the plan again; for callbacks."""
    if row.agent is not None:
        _put(form, with_agent_again(_now(form), row.agent.id))


def left_out(selection: Selection, directory: Directory) -> list[AgentFate]:
    """A row for everyone who is left out by hand: as the preview had it, which writes nothing to them now."""
    rows: Mapping[str, AgentFate] = st.session_state.get(LEFT_OUT, {})
    found = []
    for agent_id in selection.exclude:
        agent = directory.agents.get(agent_id)
        row = rows.get(agent_id)
        if row is None and agent is not None:
            row = AgentFate(given=agent_id, agent=agent, fate=Fate.READY, severity=Severity.READY, reason="", writes=False)
        if row is not None:
            found.append(replace(row, writes=False))
    return found


def _drop(form: PlanRequest, words: tuple[str, ...]) -> None:
    gone = set(words)
    selection = _now(form)
    _put(form, selection.model_copy(update={"agents": tuple(word for word in selection.agents if word not in gone)}))


def _take_back(form: PlanRequest) -> None:
    _put(form, _now(form).model_copy(update={"exclude": ()}))


def _clear(form: PlanRequest) -> None:
    # Whoever was included on purpose belonged to the list that is given up.
    _open(None)
    st.session_state.pop(INCLUDE, None)
    _put(form.model_copy(update={"include": frozenset()}), Selection())
