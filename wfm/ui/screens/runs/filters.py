"""The filter bar of the Runs screen. Every control shows what the URL says and writes what is chosen into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk
from wfm.domain.agents import GroupKind
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import DeskError
from wfm.domain.operations import Outcome, Phase, RunOrder
from wfm.domain.plans import RouteName
from wfm.domain.sentences import join_words
from wfm.ui.components.agent_lookup import agent_named
from wfm.ui.components.diagnosis import kind_word
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.run_query import (
    EXACT,
    MAX_TEXT,
    PRESETS,
    YES_NO,
    Chart,
    RunQuery,
    changed,
    with_order,
    with_preset,
    with_range,
)
from wfm.ui.components.states import phase_word, style_of
from wfm.ui.components.times import when
from wfm.ui.screens.runs import state
from wfm.ui.screens.runs.sentences import ORDER_LABELS

_AGENT_HINT = "runs-agent-hint"


def bar(desk: Desk, query: RunQuery, zone: ZoneInfo) -> None:
    """Draws the filters that are used most, the rest in a popover, and a way to let all of them go."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="runs-filters"):
        _time(query)
        _choice(
            "outcome", "Outcome", list(Outcome), query.chosen.outcome, lambda value: style_of(Outcome(value)).word, width=150
        )
        _choice("kind", "Cause", list(Kind), query.chosen.kind, kind_word, width=150)
        operations = _operations(desk, query, zone)
        _choice(
            "operation_id", "Operation", list(operations), query.chosen.operation_id, lambda key: operations[key], width=230
        )
        _text("text", "Find in payloads, names", query.chosen.text, width=210, kind="search")
        hidden = _hidden_filters(query, zone)
        label = f"More filters ({len(hidden)})" if hidden else "More filters"
        with st.popover(label, icon=":material/tune:", key="runs-more"):
            _more(desk, query, zone)
        st.button("Refresh", icon=":material/refresh:", type="tertiary", key="runs-refresh")
        if query.narrowed or query.preset == EXACT:
            st.button("Clear all", type="tertiary", icon=":material/close:", key="runs-clear", on_click=_clear)
    if hidden:
        st.caption("Also filtered by " + join_words([f"{name} **{escape_markdown(value)}**" for name, value in hidden.items()]))


def _time(query: RunQuery) -> None:
    words: dict[str, str] = {key: word for key, (word, _) in PRESETS.items()}
    if query.preset == EXACT:
        words[EXACT] = "exact times"
    st.session_state[state.HERE] = query.preset
    st.selectbox(
        "Time range",
        list(words),
        key=state.HERE,
        format_func=lambda key: words.get(key, key),
        label_visibility="collapsed",
        on_change=_set_preset,
        width=150,
    )


def _set_preset() -> None:
    preset = st.session_state[state.HERE]
    if preset in PRESETS:
        state.push(with_preset(state.current(), preset))


def _choice(
    attribute: str,
    label: str,
    options: Sequence[str],
    value: str | None,
    show: Callable[[str], str],
    *,
    width: int | None = None,
    labelled: bool = False,
) -> None:
    key = f"runs-{attribute}"
    st.session_state[key] = value
    st.selectbox(
        label,
        list(options),
        key=key,
        index=None,
        placeholder="any" if labelled else label,
        format_func=show,
        label_visibility="visible" if labelled else "collapsed",
        on_change=_set,
        args=(attribute, key),
        width=width or "stretch",
    )


def _text(attribute: str, label: str, value: str | int | None, *, width: int | None = None, kind: str = "default") -> None:
    key = f"runs-{attribute}"
    st.session_state[key] = str(value) if value is not None else ""
    st.text_input(
        label,
        key=key,
        type="search" if kind == "search" else "default",
        icon=":material/search:" if kind == "search" else None,
        placeholder=label if kind == "search" else "any",
        label_visibility="collapsed" if kind == "search" else "visible",
        max_chars=MAX_TEXT,
        on_change=_set,
        args=(attribute, key),
        width=width or "stretch",
    )


def _set(attribute: str, key: str) -> None:
    value = st.session_state[key]
    text = str(value).strip() if value is not None else ""
    query = state.current()
    if attribute == "status":
        # A word that is no status stays out of the filter; the URL codec would only name and drop it.
        good = text.isascii() and text.isdigit() and 100 <= int(text) <= 599
        st.session_state[_AGENT_HINT] = (
            "" if good or not text else f"Status: “{text[:40]}” is not an HTTP status from 100 to 599."
        )
        state.push(changed(query, status=int(text) if good else None))
        return
    if attribute == "retryable":
        state.push(changed(query, retryable=YES_NO.get(text)))
        return
    state.push(changed(query, **{attribute: text or ("" if attribute == "text" else None)}))


def chart_choice(query: RunQuery) -> None:
    """What the chart over time tells apart; the choice lives in the URL."""
    key = "runs-chart"
    st.session_state[key] = query.chart.value
    st.segmented_control(
        "Chart over time",
        [chart.value for chart in Chart],
        key=key,
        required=True,
        format_func=lambda value: f"by {Chart(value).value.removesuffix('s')}",
        label_visibility="collapsed",
        on_change=_set_chart,
        args=(key,),
    )


def order_choice(query: RunQuery) -> None:
    """What the whole list is sorted by; the choice lives in the URL."""
    key = "runs-sort"
    st.session_state[key] = query.order.value
    st.selectbox(
        "Sorted",
        [order.value for order in RunOrder],
        key=key,
        format_func=lambda value: ORDER_LABELS[RunOrder(value)],
        label_visibility="collapsed",
        on_change=_set_order,
        args=(key,),
        width=205,
    )


def _set_order(key: str) -> None:
    state.push(with_order(state.current(), RunOrder(st.session_state[key])))


def _set_chart(key: str) -> None:
    state.push(replace(state.current(), chart=Chart(st.session_state[key])))


def _clear() -> None:
    state.push(RunQuery())


def _operations(desk: Desk, query: RunQuery, zone: ZoneInfo) -> Mapping[str, str]:
    try:
        known = desk.windows.titles(limit=100)
    except DeskError:
        known = {}
    shown = {key: f"{title} · {when(start, zone)}" for key, (title, start) in known.items()}
    chosen = query.chosen.operation_id
    if chosen and chosen not in shown:
        shown[chosen] = chosen
    return shown


# --- the rest of the filters -----------------------------------------------------------------------------------------


def _hidden_filters(query: RunQuery, zone: ZoneInfo) -> dict[str, str]:
    """What is filtered by controls that are not in view: name and value."""
    chosen = query.chosen
    shown = {
        "route": chosen.route,
        "action": chosen.action,
        "agent": chosen.agent_id,
        "phase": phase_word(chosen.phase) if chosen.phase else None,
        "status": str(chosen.status) if chosen.status else None,
        "code": chosen.code,
        "correlation id": chosen.correlation_id,
        "failure group": chosen.fingerprint,
        "team": chosen.team,
        "a retry can help": None if chosen.retryable is None else "yes" if chosen.retryable else "no",
        "window around": when(chosen.window_at, zone) if chosen.window_at else None,
    }
    if query.preset == EXACT:
        shown["from"] = when(chosen.since, zone, seconds=True) if chosen.since else None
        shown["to"] = when(chosen.until, zone, seconds=True) if chosen.until else None
    return {name: value for name, value in shown.items() if value}


def _more(desk: Desk, query: RunQuery, zone: ZoneInfo) -> None:
    chosen = query.chosen
    hint = st.session_state.pop(_AGENT_HINT, "")
    if hint:
        st.warning(escape_markdown(hint))
    left, right = st.columns(2)
    with left:
        _choice("route", "Route", [name.value for name in RouteName], chosen.route, str, labelled=True)
        _text("action", "Data Action", chosen.action)
        _agent(desk, chosen.agent_id)
        _choice("phase", "Phase", list(Phase), chosen.phase, lambda value: phase_word(Phase(value)), labelled=True)
        _team(desk, chosen.team)
    with right:
        _text("status", "HTTP status", chosen.status)
        _text("code", "Code", chosen.code)
        _text("correlation_id", "Correlation id", chosen.correlation_id)
        _text("fingerprint", "Failure group", chosen.fingerprint)
        retryable = None if chosen.retryable is None else "yes" if chosen.retryable else "no"
        _choice("retryable", "A retry can help", list(YES_NO), retryable, str, labelled=True)
    with left:
        _instant("since", "From", query, zone)
        _instant("window_at", "Window in effect at", query, zone)
    with right:
        _instant("until", "To", query, zone)
    st.caption(f"Times are in {zone.key}.")


def show_problems(problems: Sequence[str]) -> None:
    """What the address says and means nothing, in one box however much it is."""
    if not problems:
        return
    lines = [escape_markdown(problem) for problem in problems]
    text = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    st.warning(text, icon=":material/link_off:")


def _team(desk: Desk, value: str | None) -> None:
    """The teams of today: a run belongs to a team by the people who are in it now."""
    try:
        names = sorted(
            {group.name for group in desk.agents.directory().groups if group.kind is GroupKind.TEAM}, key=str.casefold
        )
    except DeskError:
        names = []
    if value and value not in names:
        names.append(value)
    _choice("team", "Team", names, value, str, labelled=True)


def _agent(desk: Desk, value: str | None) -> None:
    key = "runs-agent"
    st.session_state[key] = value or ""
    st.text_input(
        "Agent",
        key=key,
        placeholder="any: id, name or e-mail",
        max_chars=MAX_TEXT,
        on_change=_set_agent,
        args=(desk, key),
    )


def _set_agent(desk: Desk, key: str) -> None:
    text = str(st.session_state[key] or "").strip()
    found, hint = agent_named(desk, text)
    st.session_state[_AGENT_HINT] = hint
    state.push(changed(state.current(), agent_id=found))


def _instant(attribute: str, label: str, query: RunQuery, zone: ZoneInfo) -> None:
    key = f"runs-{attribute}"
    value: datetime | None = getattr(query.chosen, attribute)
    st.session_state[key] = value.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) if value else None
    st.datetime_input(
        label, value=None, key=key, format="YYYY-MM-DD", step=300, on_change=_set_instant, args=(attribute, key, zone)
    )


def _set_instant(attribute: str, key: str, zone: ZoneInfo) -> None:
    local: datetime | None = st.session_state[key]
    query = state.current()
    instant = local.replace(tzinfo=zone) if local else None
    if attribute == "window_at":
        state.push(changed(query, window_at=instant))
        return
    since = instant if attribute == "since" else query.chosen.since
    until = instant if attribute == "until" else query.chosen.until
    state.push(with_range(query, since, until))
