"""One failure group on screen: its facts, what it means, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk.proof import ACCESS_KINDS, PROPAGATION, ProofState
from wfm.domain.errors import DeskError
from wfm.domain.operations import FailureGroup, GroupState, Phase, RunFilter
from wfm.domain.people import Actor, Capability
from wfm.ui import context
from wfm.ui.components import empty
from wfm.ui.components.lanes import verdict_badges
from wfm.ui.components.states import look
from wfm.ui.components.times import agents as agents_word
from wfm.ui.components.times import now, when
from wfm.ui.pages import page
from wfm.ui.views import failures as view
from wfm.ui.views.run_panel import meaning, start_plan
from wfm.ui.views.run_query import filter_params
from wfm.ui.views.runs import kind_word
from wfm.ui.views.words import code, count, plain

if TYPE_CHECKING:
    from wfm.desk import Desk, FailureBrief, FailureDetail

MOST_OPERATIONS, MOST_CHANGES = 6, 8
WATCH_S = 4.0
PAGE = 20
"""Cards that are drawn at first, and at each click on more."""
_NOTICE, _FAULT, _CARD, _MANY = "failures-notice", "failures-fault", "failures-card", "failures-many"
_BRIEFS, _FIND = "failures-briefs", "failures-find"
_DONE = "failures-notice-good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Who looks, where and when."""

    desk: Desk
    actor: Actor
    zone: ZoneInfo
    now: datetime

    @property
    def may(self) -> bool:
        return self.actor.may(Capability.EXECUTE)


def notices() -> None:
    """What the last click did or could not do."""
    fault = st.session_state.pop(_FAULT, None)
    if fault is not None:
        empty.fault(fault)
    said = st.session_state.pop(_NOTICE, None)
    if said:
        done = st.session_state.pop(_DONE, True)
        st.toast(said, icon=":material/check_circle:" if done else ":material/warning:")


SORT_WORDS = {
    view.Sort.AGENTS: "most agents",
    view.Sort.LAST: "seen last",
    view.Sort.FIRST: "newest",
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


def card(group: FailureGroup, looking: Looking, *, opened: bool) -> None:
    """Draws one group."""
    with st.container(border=True, key=f"group-{group.fingerprint}"):
        head, spark = st.columns([5, 1], vertical_alignment="center", gap="medium")
        with head:
            brief = brief_of(group, looking)
            example = " :gray-badge[example]" if brief is not None and brief.example else ""
            proof = " :gray[waiting for proof]" if group.state is GroupState.FIXED else ""
            st.markdown(f"{look(group.state).markdown}{proof} {view.sentence(group, brief)}{example}")
            if brief is not None and brief.fix and group.state is not GroupState.RESOLVED:
                who = f" :gray[· {plain(brief.who)}]" if brief.who else ""
                st.markdown(f":material/build: {plain(brief.fix)}{who}")
            parts = [view.facts(group, looking.zone, looking.now), kind_word(group.kind)]
            parts += [code(word) for word in (group.code, group.call) if word]
            parts += [f"owner {plain(group.owner)}"] if group.owner else []
            st.caption(" · ".join(parts))
        with spark, empty.guarded("No picture"):
            _spark(group, looking)
        _state_words(group, looking)
        _actions(group, looking)
        if st.session_state.get(_CARD) == group.fingerprint:
            _hand_off(group, looking)
        with st.expander(
            "What it means, how to confirm, how to fix",
            expanded=opened,
            key=f"means-{group.fingerprint}",
            on_change="rerun",
            type="compact",
        ) as more:
            if more.open:
                with empty.guarded("This failure can't be read just now"):
                    _opened(looking.desk.failure_detail(group.fingerprint), looking)


def brief_of(group: FailureGroup, looking: Looking) -> FailureBrief | None:
    """The one line of a group; None where its newest run can't be read. Kept for the visit: each costs a diagnosis."""
    known: dict[tuple[str, str], FailureBrief] = st.session_state.setdefault(_BRIEFS, {})
    key = (group.fingerprint, group.sample_run)
    if key not in known:
        try:
            known[key] = looking.desk.failure_brief(group)
        except DeskError:
            return None
    return known[key]


def _spark(group: FailureGroup, looking: Looking) -> None:
    step = view.spark_step(group, looking.now)
    series = looking.desk.failure_series(group.fingerprint, group.first_seen, step)
    st.vega_lite_chart(
        view.spark_spec(series, group, looking.now, step),
        height=34,
        key=f"spark-{group.fingerprint}",
        alt=view.spark_words(series, looking.zone, looking.now),
    )


def _state_words(group: FailureGroup, looking: Looking) -> None:
    ticking = view.propagation(group, looking.now, looking.zone)
    if ticking is not None:
        st.markdown(f":material/hourglass_top: {plain(ticking.text)}")
        if ticking.running:
            st.progress(ticking.share)
    elif group.state_by and group.state is not GroupState.OPEN:
        at = f" at {when(group.state_at, looking.zone, today=looking.now)}" if group.state_at else ""
        st.caption(f"{look(group.state).word} by {plain(group.state_by)}{at}")
    if group.note:
        st.caption(f"Note: {plain(group.note)}")


def _opened(detail: FailureDetail, looking: Looking) -> None:
    left, right = st.columns([7, 4], gap="large")
    with left:
        _means(detail, looking)
    with right:
        _where(detail)
        _story(detail, looking)


def _means(detail: FailureDetail, looking: Looking) -> None:
    group, sample = detail.group, detail.sample
    if sample.lanes:
        st.markdown(verdict_badges(sample.lanes))
    if sample.diagnosis is None:
        st.caption("The payload of this failure is not kept any more.")
    else:
        st.markdown(plain(sample.diagnosis.cause))
        meaning(sample.diagnosis, missing=False)
    st.page_link(
        page("runs"),
        label="Its newest run, with request and response",
        icon=":material/receipt_long:",
        query_params={"time": "all", **filter_params(RunFilter(fingerprint=group.fingerprint)), "run": group.sample_run},
    )


def _where(detail: FailureDetail) -> None:
    """The operations that it struck, the newest first."""
    st.markdown("**Where it struck**")
    for touched in detail.operations[:MOST_OPERATIONS]:
        st.page_link(
            page("windows"),
            label=f"{plain(touched.title or touched.id)}: {count(touched.runs, 'run')}",
            icon=":material/event_busy:",
            query_params={"id": touched.id},
        )
    left = len(detail.operations) - MOST_OPERATIONS
    more = [f"{left} more operations"] if left > 0 else []
    more += [f"{count(detail.by_hand, 'run')} outside any operation"] if detail.by_hand else []
    seen = sum(touched.runs for touched in detail.operations) + detail.by_hand
    more += [f"of the newest {count(seen, 'run')}"] if seen < detail.group.runs else []
    if more:
        st.caption(" · ".join(more))


def _story(detail: FailureDetail, looking: Looking) -> None:
    """What was said of it, the newest first, and by whom."""
    lines = view.story_lines(detail.changes, looking.zone, looking.now)
    if lines:
        st.markdown("**What was said of it**")
        st.markdown("\n".join(f"- {plain(line)}" for line in lines[:MOST_CHANGES]))
        if len(lines) > MOST_CHANGES:
            st.caption(f"and {len(lines) - MOST_CHANGES} earlier changes")


# --- what can be done ------------------------------------------------------------------------------------------------


def _actions(group: FailureGroup, looking: Looking) -> None:
    key = group.fingerprint
    why = looking.actor.read_only_reason or None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if group.state in (GroupState.OPEN, GroupState.REGRESSED):
            with st.popover("I fixed it", icon=":material/build:", disabled=not looking.may, help=why, key=f"fix-{key}"):
                _fix_form(group, looking)
        if group.state is GroupState.FIXED and group.kind in view.PROVABLE_KINDS:
            st.button(
                "Check the access now" if group.kind in ACCESS_KINDS else "Check now",
                icon=":material/fact_check:",
                key=f"prove-{key}",
                on_click=_prove,
                args=(group, looking),
                disabled=not looking.may,
                help="Reads again what was missing. Nothing is written to the tenant.",
            )
        st.button("Hand off", icon=":material/forward_to_inbox:", key=f"hand-{key}", on_click=_toggle_card, args=(key,))
        if st.button(
            f"Retry {agents_word(group.agents)}",
            icon=":material/replay:",
            key=f"retry-{key}",
            disabled=not looking.may,
            help="Fills in Plan with these agents; nothing is sent before you apply it there." if looking.may else why,
        ):
            _retry(group, looking)
        st.page_link(
            page("runs"),
            label=count(group.runs, "run"),
            icon=":material/receipt_long:",
            query_params={"time": "all", **filter_params(RunFilter(fingerprint=key))},
        )
        with st.popover(
            "Owner and note", icon=":material/person:", type="tertiary", disabled=not looking.may, key=f"own-{key}"
        ):
            _owner_form(group, looking)
        _settle_buttons(group, looking)


def _settle_buttons(group: FailureGroup, looking: Looking) -> None:
    """Ignore, resolve and reopen: quiet, for they change only what this screen lists."""
    key = group.fingerprint
    choices: list[tuple[str, GroupState, str, str]] = []
    if group.state in (GroupState.OPEN, GroupState.REGRESSED):
        choices = [("Ignore", GroupState.IGNORED, "visibility_off", "Ignored.")]
    elif group.state is GroupState.FIXED:
        choices = [
            ("It is proven", GroupState.RESOLVED, "check_circle", "Resolved. A new failure reopens it as regressed."),
            ("Not fixed after all", GroupState.OPEN, "undo", "Open again."),
        ]
    else:
        choices = [("Reopen", GroupState.OPEN, "undo", "Open again.")]
    for label, state, icon, said in choices:
        st.button(
            label,
            icon=f":material/{icon}:",
            type="tertiary",
            key=f"{state.value}-{key}",
            on_click=_mark,
            args=(group, state, looking, said),
            disabled=not looking.may,
        )


def _fix_form(group: FailureGroup, looking: Looking) -> None:
    key = f"note-{group.fingerprint}"
    st.text_input("What was changed (optional)", key=key, max_chars=500, placeholder="added the scope to the client")
    if group.kind in ACCESS_KINDS:
        st.caption(
            "Starts the clock: a change of a role takes up to 5 minutes to reach every part of the platform (published by "
            "Genesys). The desk then reads the same access again, and closes or reopens this by what it finds."
        )
    else:
        st.caption("It stays listed until it is proven; the same failure again reopens it as regressed.")
    st.button(
        "Mark as fixed",
        type="primary",
        key=f"fixed-{group.fingerprint}",
        on_click=_mark_fixed,
        args=(group, looking, key),
    )


def _mark_fixed(group: FailureGroup, looking: Looking, key: str) -> None:
    note = str(st.session_state.get(key) or "").strip()
    _mark(group, GroupState.FIXED, looking, "Marked as fixed. The clock runs.", note)


def _mark(group: FailureGroup, state: GroupState, looking: Looking, said: str, note: str = "") -> None:
    """Changes the state, unless somebody else did meanwhile: then their change and note are shown first."""
    try:
        looking.desk.mark_group(group.fingerprint, state, looking.actor, note, expected=group.revision)
        st.session_state[_NOTICE] = said
    except DeskError as error:
        st.session_state[_FAULT] = error


def _owner_form(group: FailureGroup, looking: Looking) -> None:
    key = group.fingerprint
    st.text_input(
        "Owner", value=group.owner, key=f"owner-{key}-{group.revision}", max_chars=120, placeholder=looking.actor.name
    )
    st.text_input("Note", key=f"owner-note-{key}-{group.revision}", max_chars=500, placeholder="asked the OAuth team, CHG-1042")
    with st.container(horizontal=True):
        st.button("Save", type="primary", key=f"own-save-{key}", on_click=_amend, args=(group, looking, None))
        st.button("I take it", icon=":material/person_add:", key=f"own-me-{key}", on_click=_amend, args=(group, looking, True))


def _amend(group: FailureGroup, looking: Looking, mine: bool | None) -> None:
    key = f"{group.fingerprint}-{group.revision}"
    owner = looking.actor.name if mine else str(st.session_state.get(f"owner-{key}") or "").strip()
    note = str(st.session_state.get(f"owner-note-{key}") or "").strip()
    if owner == group.owner and not note:
        return
    try:
        looking.desk.amend_group(
            group.fingerprint,
            looking.actor,
            owner=owner if owner != group.owner else None,
            note=note,
            expected=group.revision,
        )
        st.session_state[_NOTICE] = f"{plain(owner)} takes care of it." if owner and owner != group.owner else "Saved."
    except DeskError as error:
        st.session_state[_FAULT] = error


def _prove(group: FailureGroup, looking: Looking) -> None:
    try:
        proof = looking.desk.probe_group(group.fingerprint, looking.actor)
    except DeskError as error:
        st.session_state[_FAULT] = error
        return
    moved = "" if proof.group.state is group.state else f"{look(proof.group.state).word.capitalize()}: "
    st.session_state[_NOTICE] = f"{moved}{plain(proof.sentence)}"
    st.session_state[_DONE] = proof.state is ProofState.HELD


def _retry(group: FailureGroup, looking: Looking) -> None:
    try:
        found = view.retryable(looking.desk, group.fingerprint)
    except DeskError as error:
        empty.fault(error)
        return
    if found.newest is None or not found.agent_ids:
        _retry_restore(group, looking)
        return
    start_plan(looking.desk, looking.actor, list(found.agent_ids), found.newest, looking.now)


def _retry_restore(group: FailureGroup, looking: Looking) -> None:
    """A group of failed restores is retried in its window: a new plan would take the agents out once more."""
    try:
        run = looking.desk.run(group.sample_run).run
    except DeskError as error:
        empty.fault(error)
        return
    if run.phase is Phase.RESTORE and run.operation_id:
        st.switch_page(page("windows"), query_params={"id": run.operation_id})
    st.warning("No agent of this group can be planned again: its runs name none.")


def _toggle_card(key: str) -> None:
    st.session_state[_CARD] = None if st.session_state.get(_CARD) == key else key


def _hand_off(group: FailureGroup, looking: Looking) -> None:
    with st.container(border=True), empty.guarded("The card can't be made just now"):
        text = looking.desk.hand_off(group.fingerprint)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                "**Hand-off card** for whoever can mend it: copy it into a ticket or a mail. Secrets are not in it.",
                width="content",
            )
            st.link_button(
                "Markdown file",
                f"/export/failure/{quote(group.fingerprint, safe='')}.md",
                icon=":material/download:",
                type="tertiary",
            )
        st.code(text, language=None, wrap_lines=True)


def list_of(groups: list[FailureGroup], looking: Looking, linked: str | None) -> None:
    """A card for each of the first groups, and a button for more."""
    many = int(st.session_state.get(_MANY, PAGE))
    for position, group in enumerate(groups[:many]):
        card(group, looking, opened=position == 0 and (linked == group.fingerprint or len(groups) == 1))
    left = len(groups) - many
    if left > 0:
        st.button(
            f"Show {min(PAGE, left)} more of {count(len(groups), 'cause')}",
            icon=":material/expand_more:",
            key="failures-more",
            on_click=_more,
            args=(many + PAGE,),
        )


def _more(many: int) -> None:
    st.session_state[_MANY] = many


def watch(groups: list[FailureGroup]) -> None:
    """Draws the screen anew when a proof, a failure or somebody else changed a group, or when a clock moved on.

    Only while one of them waits for proof: otherwise nothing here changes by itself.
    """
    if any(group.state is GroupState.FIXED for group in groups):
        _watching(_marks(groups, now()))


@st.fragment(run_every=WATCH_S)
def _watching(seen: tuple[list[tuple[str, int]], list[int]]) -> None:
    try:
        groups = context.desk().failures()
    except DeskError:
        return  # the screen says so at the next click
    now_seen = _marks(groups, now())
    if now_seen == seen:
        return
    known = set(seen[0])
    moved = [group for group in groups if (group.fingerprint, group.revision) not in known]
    if told := [group for group in moved if group.state in _SETTLED]:
        # A card may be gone from the list that is shown: nothing vanishes without a word.
        st.session_state[_NOTICE] = view.moved_words(told)
        st.session_state[_DONE] = all(group.state is GroupState.RESOLVED for group in told)
    st.rerun()


_SETTLED = frozenset({GroupState.RESOLVED, GroupState.OPEN, GroupState.REGRESSED})


def _marks(groups: list[FailureGroup], at: datetime) -> tuple[list[tuple[str, int]], list[int]]:
    minutes = [int((at - group.state_at).total_seconds() // 60) for group in groups if _ticks(group, at) and group.state_at]
    return [(group.fingerprint, group.revision) for group in groups], minutes


def _ticks(group: FailureGroup, at: datetime) -> bool:
    return group.state is GroupState.FIXED and (group.state_at or at) + PROPAGATION + PROPAGATION > at
