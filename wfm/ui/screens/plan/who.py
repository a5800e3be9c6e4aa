"""1 Who: groups, search, pasted words, a CSV; and the list, to leave somebody out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.agents import Agent, GroupKind
from wfm.domain.errors import DeskError
from wfm.domain.plans import PlanRequest, Selection
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import messages
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.screens.plan import lists, state
from wfm.ui.screens.plan.model import KIND_LABELS, group_keys, with_agents, with_groups, without_agents
from wfm.ui.screens.plan.verdict import INCLUDE

if TYPE_CHECKING:
    from wfm.desk import Desk

GROUPS = "plan_groups"
FOUND = "plan_find"
SHOWN_MATCHES = 6
ADDING = "plan_adding"
"""Which part of the card is open: one of the four below, or None."""
FIND, PASTE, CSV, EDIT = "find", "paste", "csv", "edit"


def who(desk: Desk, form: PlanRequest) -> Selection:
    """Draws the card; gives the selection as it is now."""
    labels = _group_labels(desk)
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


def _opener(label: str, icon: str, what: str, *, quiet: bool = False) -> None:
    """A button that opens its part of the card in place, and closes it again. No pop-up: a key reaches it next."""
    is_open = st.session_state.get(ADDING) == what
    st.button(
        label,
        icon=icon,
        type="tertiary" if quiet else "secondary",
        key=f"plan_open_{what}",
        on_click=_open,
        args=(None if is_open else what,),
    )


def _open(what: str | None) -> None:
    st.session_state[ADDING] = what


def chosen_line(desk: Desk, request: PlanRequest) -> None:
    """How many agents that is, and the list to take somebody out again."""
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
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" · ".join(parts), width="stretch")
        _opener("Edit list", ":material/edit:", EDIT, quiet=True)
    if st.session_state.get(ADDING) == EDIT:
        _edit(request, found.agents, found.unknown)


def _group_labels(desk: Desk) -> dict[str, str]:
    labels = {}
    for kind in GroupKind:
        for group in desk.agents.groups(kind):
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


def _edit(request: PlanRequest, agents: tuple[Agent, ...], unknown: tuple[str, ...]) -> None:
    names = {agent.id: f"{cell(agent.name)} · {cell(agent.email)}" for agent in agents}
    out = st.multiselect(
        "Leave out",
        list(names),
        format_func=lambda agent_id: names.get(agent_id, cell(agent_id)),
        key="plan_leave_out",
        placeholder="name or e-mail",
        select_all=False,
    )
    st.button(
        f"Leave out {len(out)}" if out else "Leave out",
        key="plan_leave_out_do",
        disabled=not out,
        on_click=_leave_out,
        args=(request, tuple(out)),
    )
    if unknown:
        shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
        st.caption(f"These match no one here: {escape_markdown(shown)}")
        st.button("Remove what matches no one", key="plan_drop_unknown", on_click=_drop, args=(request, unknown))
    if request.selection.exclude:
        count = len(request.selection.exclude)
        st.button(f"Include {count} left out", key="plan_take_back", on_click=_take_back, args=(request,))
    st.button("Clear the list", key="plan_clear", icon=":material/backspace:", on_click=_clear, args=(request,))


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


def _leave_out(form: PlanRequest, ids: tuple[str, ...]) -> None:
    _put(form, without_agents(_now(form), ids))
    st.session_state["plan_leave_out"] = []


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
