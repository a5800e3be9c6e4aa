"""One window opened: progress, every agent, what is not settled, the story, comments."""

from __future__ import annotations

from collections.abc import Sized
from contextlib import suppress

import streamlit as st

from wfm.desk import Desk, OperationView
from wfm.domain.errors import DeskError
from wfm.domain.operations import Item, ItemState, OperationState, Outcome, Phase, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import RouteName
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import messages, times
from wfm.ui.components.diagnosis import cause_word
from wfm.ui.components.markdown import cell, escape_markdown
from wfm.ui.components.states import AgentWord, agent_style, agent_word, style_of
from wfm.ui.components.tables import chosen_row, facts_table, table_height
from wfm.ui.screens.windows import actions
from wfm.ui.screens.windows.card import progress
from wfm.ui.screens.windows.model import WORD_STATES, agent_table, agents_by_word, doubtful, pace, title_of
from wfm.ui.screens.windows.sentences import not_back, state_sentence, story_line, tags
from wfm.ui.shell.navigation import page

LISTED = 500
UNSETTLED_SHOWN = 10
WORST = (AgentWord.NOT_BACK, AgentWord.BACK_UNCONFIRMED, AgentWord.UNCONFIRMED, AgentWord.FAILED)
"""Who is listed first."""


@messages.guarded()
def one_window(desk: Desk, actor: Actor, view: OperationView) -> None:
    """The whole page of one window, below its title."""
    operation = view.operation
    now = times.now()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"{style_of(operation.state).markdown} {tags(operation)} {state_sentence(view, now)}", width="stretch")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            actions.buttons(actor, view, now=now)
    actions.confirm(desk, actor, view, now=now)
    _why(desk, view)
    drawn = _drawn(view, desk.windows.events(operation.id))
    st.fragment(_live, run_every=pace(view))(desk, actor, operation.id, drawn)
    left, right = st.columns([1, 1], gap="small")
    with left:
        _comments(desk, actor, operation.id)
        _history(desk, operation.id)
    with right:
        _particulars(desk, view)


def _why(desk: Desk, view: OperationView) -> None:
    """Why it stopped, and where to go on from there."""
    operation = view.operation
    if operation.state is OperationState.HALTED or operation.halt_reason:
        st.error(
            f"The first agents all failed for one cause, so the rest were not sent. {escape_markdown(operation.halt_reason)}",
            title="Halted before everyone failed the same way",
            icon=":material/front_hand:",
        )
        _where_to_look(desk, operation.id)
    elif operation.state is OperationState.FAILED_IN_PART:
        title, sentence = not_back(view)
        st.error(sentence, title=title, icon=":material/error:")
        failed = view.counts.out > doubtful(view.counts)
        _where_to_look(desk, operation.id, Outcome.FAILED if failed else Outcome.UNCONFIRMED)
    elif view.counts.apply.get(ItemState.FAILED):
        _where_to_look(desk, operation.id, Outcome.FAILED)


def _where_to_look(desk: Desk, operation_id: str, outcome: Outcome | None = None) -> None:
    """The ways to the newest cause itself, and to the runs: all of them, or those of one outcome."""
    cause: dict[str, str] = {}
    with suppress(DeskError):
        for run in desk.runs.page(RunFilter(operation_id=operation_id, outcome=outcome or Outcome.FAILED), limit=1).runs:
            cause = {"failure": run.fingerprint} if run.fingerprint else {}
    with st.container(horizontal=True):
        st.page_link(page("failures"), label="The cause and its fix", icon=":material/report:", query_params=cause)
        wanted = {"operation": operation_id, "time": "all"} | ({"outcome": outcome.value} if outcome else {})
        st.page_link(page("runs"), label="Its runs", icon=":material/receipt_long:", query_params=wanted)


def _drawn(view: OperationView, events: Sized) -> tuple[OperationState, int, int]:
    """What the parts of the page that stand still were drawn from: state, revision, and how long the story is."""
    return view.operation.state, view.operation.revision, len(events)


@messages.guarded()
def _live(desk: Desk, actor: Actor, operation_id: str, drawn: tuple[OperationState, int, int]) -> None:
    """What moves: read from the ledger each time. What stands still is drawn again once it is no longer so."""
    actions.show_result()
    view = desk.windows.get(operation_id)
    events = desk.windows.events(operation_id)
    if _drawn(view, events) != drawn:
        st.rerun()
    progress(view)
    st.markdown(story_line(view.operation, events, times.now()))
    _unsettled(desk, actor, view)
    _agents(desk, view)


def _unsettled(desk: Desk, actor: Actor, view: OperationView) -> None:
    """Agents whose update was sent and never answered: a person looks and says."""
    counted = agents_by_word(view.counts)
    count = counted[AgentWord.UNCONFIRMED] + counted[AgentWord.BACK_UNCONFIRMED]
    if not count:
        return
    found = [(Phase.APPLY, item) for item in _items(desk, view, AgentWord.UNCONFIRMED, UNSETTLED_SHOWN)]
    found += [(Phase.RESTORE, item) for item in _items(desk, view, AgentWord.BACK_UNCONFIRMED, UNSETTLED_SHOWN)]
    with st.container(border=True):
        st.markdown(
            f":yellow[:material/help:] **{quantity(count, 'agent')} unconfirmed.** Sent, but no answer came and the state "
            "can't be read back. Nothing is sent again automatically; the desk reads their state from time to time. "
            "If that takes too long, check in Genesys Cloud and say which it is."
        )
        for phase, item in found[:UNSETTLED_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(escape_markdown(item.agent_name or item.agent_id), width=240)
                done = "Is unavailable" if phase is Phase.APPLY else "Is back"
                not_done = "Is not" if phase is Phase.APPLY else "Is not back"
                for label, truth in ((done, True), (not_done, False)):
                    st.button(
                        label,
                        key=f"settle_{phase.value}_{item.agent_id}_{truth}",
                        on_click=_settle,
                        args=(desk, actor, view.operation.id, phase, item.agent_id, truth),
                        disabled=not actor.may(Capability.EXECUTE),
                    )


@actions.guarded()
def _settle(desk: Desk, actor: Actor, operation_id: str, phase: Phase, agent_id: str, truth: bool) -> None:
    desk.windows.settle(operation_id, phase, agent_id, truth, actor)


@messages.guarded()
def _agents(desk: Desk, view: OperationView) -> None:
    """The agents of the window with state and cause, narrowed by state and name; a click leads to an agent's runs."""
    route = view.operation.route
    word, text = _chosen_filters(view)
    # While agents are being written to nobody changes place under the eyes of the person who watches.
    in_order = word or view.operation.state in (OperationState.APPLYING, OperationState.RESTORING)
    items = _items(desk, view, word, LISTED, text) if in_order else _worst_first(desk, view, text)
    if not items:
        st.caption("No agent matches.")
        return
    _agent_table(items, route, _causes(desk, view))
    if len(items) == LISTED:
        st.caption(f"The first {LISTED} are listed. Search or pick a state to find others.")
    _picked(items, route)


def _chosen_filters(view: OperationView) -> tuple[AgentWord | None, str]:
    route = view.operation.route
    counts = {word: count for word, count in agents_by_word(view.counts).items() if count}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "State",
            [word.value for word in counts],
            key="window_states",
            format_func=lambda word: (
                f"{agent_style(AgentWord(word), route).word} {format_number(counts.get(AgentWord(word), 0))}"
            ),
            label_visibility="collapsed",
        )
        text = st.text_input(
            "Search agents",
            key="window_search",
            placeholder="name",
            type="search",
            live=True,
            label_visibility="collapsed",
            width=220,
        )
    return AgentWord(chosen) if chosen else None, text or ""


def _agent_table(items: list[Item], route: RouteName, causes: dict[tuple[str, Phase], str]) -> None:
    options = list(dict.fromkeys(agent_word(item.apply_state, item.restore_state) for item in items))
    st.dataframe(
        agent_table(items, route, causes),
        hide_index=True,
        height=table_height(len(items), 10),
        column_config={
            "agent": st.column_config.TextColumn("Agent", width="medium"),
            "state": st.column_config.MultiselectColumn(
                "State",
                options=[agent_style(one, route).word for one in options],
                color=[agent_style(one, route).color for one in options],
                width=150,
            ),
            "since": st.column_config.TextColumn(f"Since ({times.viewer_zone().key})", width=160),
            "note": st.column_config.TextColumn("Note", width="large"),
        },
        on_select="rerun",
        selection_mode="single-cell",
        key="window_agents",
        alt=f"{len(items)} agents of this window with their state. Choose a cell for the agent's runs.",
    )


def _causes(desk: Desk, view: OperationView) -> dict[tuple[str, Phase], str]:
    """Why the last update of an agent failed, by agent and phase; nothing is asked where none did."""
    counted = agents_by_word(view.counts)
    if not counted[AgentWord.FAILED] + counted[AgentWord.NOT_BACK]:
        return {}
    found: dict[tuple[str, Phase], str] = {}
    for run in desk.runs.page(RunFilter(operation_id=view.operation.id, outcome=Outcome.FAILED), limit=LISTED).runs:
        cause = " ".join(str(part) for part in (run.status, cause_word(run)) if part)
        found.setdefault((run.agent_id, run.phase), cause)  # newest first
    return found


def _picked(items: list[Item], route: RouteName) -> None:
    row = chosen_row(st.session_state.get("window_agents"))
    if row is None or row >= len(items):
        st.caption("Choose an agent to open its runs.")
        return
    item = items[row]
    with st.container(horizontal=True, vertical_alignment="center"):
        before = f", was {item.before.value} before" if item.before else ""
        word = agent_style(agent_word(item.apply_state, item.restore_state), route).word
        st.markdown(f"**{escape_markdown(item.agent_name or item.agent_id)}** {word}{before}", width="content")
        last = item.restore_run or item.apply_run
        if last:
            to_run = {"run": last, "time": "all"}
            st.page_link(page("runs"), label="Open the last run", icon=":material/receipt_long:", query_params=to_run)
        st.page_link(
            page("runs"),
            label="All runs of this agent here",
            icon=":material/history:",
            query_params={"operation": item.operation_id, "agent": item.agent_id, "time": "all"},
        )


def _items(desk: Desk, view: OperationView, word: AgentWord | None, limit: int, text: str = "") -> list[Item]:
    apply, restore = WORD_STATES[word] if word else (None, None)
    return desk.windows.items(view.operation.id, apply_states=apply, restore_states=restore, search=text, limit=limit)


def _worst_first(desk: Desk, view: OperationView, text: str) -> list[Item]:
    """Those whom somebody must look after on top, then the others; both in their order."""
    counts = agents_by_word(view.counts)
    found = [item for word in WORST if counts[word] for item in _items(desk, view, word, LISTED, text)]
    seen = {item.agent_id for item in found}
    return [*found, *(item for item in _items(desk, view, None, LISTED, text) if item.agent_id not in seen)][:LISTED]


def _comments(desk: Desk, actor: Actor, operation_id: str) -> None:
    st.markdown(f"**Comments and audit** :gray[· times in {times.viewer_zone().key}]")
    with st.form("comment", clear_on_submit=True, border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Comment", placeholder="what others should know", label_visibility="collapsed", max_chars=2000)
        sent = st.form_submit_button("Add", disabled=not actor.may(Capability.EXECUTE))
    if sent and text:
        with messages.guarded():
            desk.windows.comment(operation_id, text, actor)


def _history(desk: Desk, operation_id: str) -> None:
    """What was done and said, newest first, with a comment of this moment."""
    zone = times.viewer_zone()
    with messages.guarded():
        events = list(reversed(desk.windows.events(operation_id)))
        if not events:
            return
        icons = [":material/chat:" if event.kind == "comment" else ":gray[:material/history:]" for event in events]
        st.table(
            {
                "when": [f":gray[{times.when(event.at, zone, seconds=True)}]" for event in events],
                "what": [f"{icon} {escape_markdown(event.text)}" for icon, event in zip(icons, events, strict=True)],
                "who": [f":gray[{escape_markdown(event.actor)}]" for event in events],
            },
            hide_index=True,
            hide_header=True,
            border="horizontal",
            alt="What was done and said, newest first",
        )


def _particulars(desk: Desk, view: OperationView) -> None:
    operation = view.operation
    st.markdown("**Particulars**")
    facts = {
        "Reason": title_of(operation),
        "Window": times.span(operation.window.start, operation.window.end, operation.window.zone),
        "Route": operation.route.value.replace("_", " "),
        "OAuth client": operation.client_name,
        "Planned by": f"{operation.created_by}, {times.when(operation.created_at)}",
        "Revision": str(operation.revision),
        "Plan": operation.plan_id,
        "Id": operation.id,
    }
    facts_table([(name, escape_markdown(value)) for name, value in facts.items()], alt="Particulars of this window")
    st.page_link(
        page("runs"),
        label="Every run of this window",
        icon=":material/receipt_long:",
        query_params={"operation": operation.id, "time": "all"},
    )
    if view.blocked:
        with st.expander(f"{quantity(view.blocked, 'agent')} left out when it was planned"), messages.guarded():
            left_out = desk.windows.blocked(operation.id)
            st.dataframe(
                {"agent": [cell(name or agent) for agent, name, _ in left_out], "why": [cell(why) for _, _, why in left_out]},
                hide_index=True,
                alt="Agents left out when the window was planned",
            )
