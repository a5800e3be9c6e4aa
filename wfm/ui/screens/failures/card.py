"""One failure group on screen: its facts, what it means, where it struck; and the list of them."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from wfm.desk import FailureBrief, FailureDetail
from wfm.desk.proofs import PROPAGATION
from wfm.domain.errors import DeskError
from wfm.domain.operations import FailureGroup, GroupState, RunFilter
from wfm.domain.sentences import quantity
from wfm.ui.components import messages
from wfm.ui.components.diagnosis import kind_word, meaning
from wfm.ui.components.lanes import verdict_badges
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.run_query import filter_params
from wfm.ui.components.states import style_of
from wfm.ui.components.times import now, when
from wfm.ui.screens.failures import model
from wfm.ui.screens.failures.actions import Viewer, actions, tell
from wfm.ui.shell import context
from wfm.ui.shell.navigation import page

MAX_OPERATIONS, MAX_CHANGES = 6, 8
WATCH_S = 4.0
PAGE = 20
"""Cards that are drawn at first, and at each click on more."""
_BRIEFS, _FIND, _MANY = "failures-briefs", "failures-find", "failures-many"


SORT_LABELS = {
    model.Sort.AGENTS: "most agents",
    model.Sort.LAST: "seen last",
    model.Sort.FIRST: "newest",
}


def find() -> str:
    """The words that a cause must hold; they live in the URL."""
    st.session_state[_FIND] = str(st.query_params.get("q", ""))[:200]
    return st.text_input(
        "Find a cause",
        key=_FIND,
        type="search",
        icon=":material/search:",
        placeholder="Find a cause",
        label_visibility="collapsed",
        max_chars=200,
        on_change=_found,
        width=190,
    )


def _found() -> None:
    text = str(st.session_state[_FIND] or "").strip()
    if text:
        st.query_params["q"] = text
    else:
        st.query_params.pop("q", None)


def card(group: FailureGroup, viewer: Viewer, *, opened: bool) -> None:
    with st.container(border=True, key=f"group-{group.fingerprint}"):
        head, spark = st.columns([5, 1], vertical_alignment="center", gap="medium")
        with head:
            brief = brief_of(group, viewer)
            example = " :gray-badge[example]" if brief is not None and brief.example else ""
            proof = " :gray[waiting for proof]" if group.state is GroupState.FIXED else ""
            st.markdown(f"{style_of(group.state).markdown}{proof} {model.sentence(group, brief)}{example}")
            if brief is not None and brief.fix and group.state is not GroupState.RESOLVED:
                who = f" :gray[· {escape_markdown(brief.who)}]" if brief.who else ""
                st.markdown(f":material/build: {escape_markdown(brief.fix)}{who}")
            parts = [model.facts(group, viewer.zone, viewer.now), kind_word(group.kind)]
            parts += [code(word) for word in (group.code, group.call) if word]
            parts += [f"owner {escape_markdown(group.owner)}"] if group.owner else []
            st.caption(" · ".join(parts))
        with spark, messages.guarded("The chart can't be drawn"):
            _spark(group, viewer)
        _state_line(group, viewer)
        actions(group, viewer)
        with st.expander(
            "What it means, how to confirm, how to fix",
            expanded=opened,
            key=f"means-{group.fingerprint}",
            on_change="rerun",
            type="compact",
        ) as more:
            if more.open:
                with messages.guarded("This failure can't be read right now"):
                    _opened(viewer.desk.failures.detail(group.fingerprint), viewer)


def brief_of(group: FailureGroup, viewer: Viewer) -> FailureBrief | None:
    """The one line of a group; None where its newest run can't be read. Kept for the visit: each costs a diagnosis."""
    known: dict[tuple[str, str], FailureBrief] = st.session_state.setdefault(_BRIEFS, {})
    key = (group.fingerprint, group.sample_run)
    if key not in known:
        try:
            known[key] = viewer.desk.failures.brief(group)
        except DeskError:
            return None
    return known[key]


def _spark(group: FailureGroup, viewer: Viewer) -> None:
    step = model.spark_step(group, viewer.now)
    series = viewer.desk.failures.series(group.fingerprint, group.first_seen, step)
    st.vega_lite_chart(
        model.spark_spec(series, group, viewer.now, step),
        height=34,
        key=f"spark-{group.fingerprint}",
        alt=model.sparkline_text(series, viewer.zone, viewer.now),
    )


def _state_line(group: FailureGroup, viewer: Viewer) -> None:
    ticking = model.propagation(group, viewer.now, viewer.zone)
    if ticking is not None:
        st.markdown(f":material/hourglass_top: {escape_markdown(ticking.text)}")
        if ticking.running:
            st.progress(ticking.share)
    elif group.state_by and group.state is not GroupState.OPEN:
        at = f" at {when(group.state_at, viewer.zone, today=viewer.now)}" if group.state_at else ""
        st.caption(f"{style_of(group.state).word} by {escape_markdown(group.state_by)}{at}")
    if group.note:
        st.caption(f"Note: {escape_markdown(group.note)}")


def _opened(detail: FailureDetail, viewer: Viewer) -> None:
    left, right = st.columns([7, 4], gap="large")
    with left:
        _means(detail)
    with right:
        _where(detail)
        _story(detail, viewer)


def _means(detail: FailureDetail) -> None:
    group, sample = detail.group, detail.sample
    if sample.lanes:
        st.markdown(verdict_badges(sample.lanes))
    if sample.diagnosis is None:
        st.caption("The payload of this failure is no longer stored.")
    else:
        st.markdown(escape_markdown(sample.diagnosis.cause))
        meaning(sample.diagnosis, missing=False)
    st.page_link(
        page("runs"),
        label="Its newest run, with request and response",
        icon=":material/receipt_long:",
        query_params={"time": "all", **filter_params(RunFilter(fingerprint=group.fingerprint)), "run": group.sample_run},
    )


def _where(detail: FailureDetail) -> None:
    """The operations that it struck, the newest first."""
    st.markdown("**Where it happened**")
    for touched in detail.operations[:MAX_OPERATIONS]:
        st.page_link(
            page("windows"),
            label=f"{escape_markdown(touched.title or touched.id)}: {quantity(touched.runs, 'run')}",
            icon=":material/event_busy:",
            query_params={"id": touched.id},
        )
    left = len(detail.operations) - MAX_OPERATIONS
    more = [f"{left} more operations"] if left > 0 else []
    more += [f"{quantity(detail.by_hand, 'run')} outside any operation"] if detail.by_hand else []
    seen = sum(touched.runs for touched in detail.operations) + detail.by_hand
    more += [f"of the newest {quantity(seen, 'run')}"] if seen < detail.group.runs + detail.group.examples else []
    if more:
        st.caption(" · ".join(more))


def _story(detail: FailureDetail, viewer: Viewer) -> None:
    """What was said of it, the newest first, and by whom."""
    lines = model.story_lines(detail.changes, viewer.zone, viewer.now)
    if lines:
        st.markdown("**History**")
        st.markdown("\n".join(f"- {escape_markdown(line)}" for line in lines[:MAX_CHANGES]))
        if len(lines) > MAX_CHANGES:
            st.caption(f"and {len(lines) - MAX_CHANGES} earlier changes")


def list_of(groups: list[FailureGroup], viewer: Viewer, linked: str | None) -> None:
    """A card for each of the first groups, and a button for more."""
    many = int(st.session_state.get(_MANY, PAGE))
    for position, group in enumerate(groups[:many]):
        card(group, viewer, opened=position == 0 and (linked == group.fingerprint or len(groups) == 1))
    left = len(groups) - many
    if left > 0:
        st.button(
            f"Show {min(PAGE, left)} more of {quantity(len(groups), 'cause')}",
            icon=":material/expand_more:",
            key="failures-more",
            on_click=_more,
            args=(many + PAGE,),
        )


def _more(many: int) -> None:
    st.session_state[_MANY] = many


def watch(groups: list[FailureGroup]) -> None:
    """Draws the screen again when a proof, a failure or someone else changed a group, or when a clock moved on.

    Only while one of them waits for proof: otherwise nothing here changes by itself.
    """
    if any(group.state is GroupState.FIXED for group in groups):
        _watching(_marks(groups, now()))


@st.fragment(run_every=WATCH_S)
def _watching(seen: tuple[list[tuple[str, int]], list[int]]) -> None:
    try:
        groups = context.desk().failures.groups()
    except DeskError:
        return  # the screen says so at the next click
    now_seen = _marks(groups, now())
    if now_seen == seen:
        return
    known = set(seen[0])
    moved = [group for group in groups if (group.fingerprint, group.revision) not in known]
    if told := [group for group in moved if group.state in _SETTLED]:
        # A card may be gone from the list that is shown: nothing vanishes without a word.
        tell(model.moved_text(told), good=all(group.state is GroupState.RESOLVED for group in told))
    st.rerun()


_SETTLED = frozenset({GroupState.RESOLVED, GroupState.OPEN, GroupState.REGRESSED})


def _marks(groups: list[FailureGroup], at: datetime) -> tuple[list[tuple[str, int]], list[int]]:
    minutes = [int((at - group.state_at).total_seconds() // 60) for group in groups if _ticks(group, at) and group.state_at]
    return [(group.fingerprint, group.revision) for group in groups], minutes


def _ticks(group: FailureGroup, at: datetime) -> bool:
    return group.state is GroupState.FIXED and (group.state_at or at) + PROPAGATION + PROPAGATION > at
