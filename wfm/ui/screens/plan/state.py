"""What the Plan screen remembers: the form, kept as a draft that survives a reload, and the last preview."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import DeskError
from wfm.domain.people import Actor
from wfm.domain.plans import PlanRequest, Preview
from wfm.ui.components import times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.plan.model import fresh_request
from wfm.ui.shell import replan

if TYPE_CHECKING:
    from wfm.desk import Desk

_FORM = "plan_form"
_SAVED = "plan_saved"
_PREVIEW = "plan_seen"
_TOKEN = "plan_token"
_DRAFT = "plan_draft"
_DRAWN = "plan_drawn"
_ENDED = "plan_ended"
_APPLIED = "plan_applied"
"""The token that was applied last: coming back to the screen begins another plan."""

NOTICE = "plan_notice"
"""What a refusal said: (sentence, differences), shown above the new preview until something is edited."""

DRAFT_PARAMETER = "draft"
MAX_AGE = timedelta(seconds=30)
"""A preview older than this is made again when the screen runs again; at Apply it is checked in any case."""

_DRAFT_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class CachedPreview:
    """A preview and what it was made from. `error` instead of a preview when there was none."""

    key: str
    preview: Preview | None
    error: DeskError | None
    at: datetime


def form(desk: Desk, actor: Actor) -> PlanRequest:
    """The plan being made in this tab: from the session, else the draft named in the address, else the last draft."""
    handed = replan.handed_over()
    if handed is not None:
        change(handed)
    found = st.session_state.get(_FORM)
    if not isinstance(found, PlanRequest):
        found = _draft(desk, actor) or fresh_request(times.viewer_zone().key)
        st.session_state[_FORM] = found
        st.session_state[_SAVED] = found
    return found


def change(request: PlanRequest) -> None:
    """Replaces the form; for callbacks. The draft is kept at the end of the run, by `keep`."""
    st.session_state[_FORM] = request


def begin_with(request: PlanRequest) -> None:
    """Begins with this plan instead of what stands in the fields; for callbacks."""
    for key in [key for key in st.session_state if str(key).startswith("plan_") and key not in (_TOKEN, _DRAFT, _SAVED)]:
        del st.session_state[key]
    change(request)


def keep(desk: Desk, actor: Actor, request: PlanRequest) -> None:
    """Remembers the form, and saves it where it changed. A draft that can't be saved is no reason to stop."""
    st.session_state[_FORM] = request
    draft = st.session_state.get(_DRAFT)
    if request != st.session_state.get(_SAVED):
        if draft is None:
            draft = secrets.token_hex(4)
            st.session_state[_DRAFT] = draft
        st.session_state[_SAVED] = request
        st.session_state.pop(NOTICE, None)
        renew_token()
        try:
            desk.plans.save_draft(_in_tab(actor, draft), request)
            desk.plans.save_draft(actor, request)
        except DeskError as error:
            st.toast(f"The draft could not be saved: {escape_markdown(str(error))}", icon=":material/warning:")
    if draft is not None and st.query_params.get(DRAFT_PARAMETER) != draft:
        st.query_params[DRAFT_PARAMETER] = draft


def _draft(desk: Desk, actor: Actor) -> PlanRequest | None:
    named = st.query_params.get(DRAFT_PARAMETER, "")
    try:
        if _DRAFT_ID.fullmatch(named):
            st.session_state[_DRAFT] = named
            found = desk.plans.draft(_in_tab(actor, named))
            if found is not None:
                return found
        return desk.plans.draft(actor)
    except DeskError:
        return None


def _in_tab(actor: Actor, draft: str) -> Actor:
    """Drafts of several tabs side by side; the subject stays in front, so nobody reads another person's."""
    return replace(actor, subject=f"{actor.subject}#{draft}")


def last_preview() -> CachedPreview | None:
    """The last preview, whatever it answered."""
    found = st.session_state.get(_PREVIEW)
    return found if isinstance(found, CachedPreview) else None


def remember(answer: CachedPreview) -> None:
    """Keeps it for the next run."""
    st.session_state[_PREVIEW] = answer


def forget_preview() -> None:
    """Makes the next run ask again."""
    st.session_state.pop(_PREVIEW, None)


def token() -> str:
    """The one-time token of this plan: the same through reruns and double clicks, another after an edit."""
    found = st.session_state.get(_TOKEN)
    if not isinstance(found, str):
        found = renew_token()
    return found


def begin(*, clicked: bool) -> None:
    """At the top of the screen: what was applied is done, unless this run is a second click on the same button."""
    if not clicked and st.session_state.get(_APPLIED) == st.session_state.get(_TOKEN):
        renew_token()
        if st.session_state.pop(_ENDED, False):
            begin_with(fresh_request(times.viewer_zone().key))
            st.session_state[_SAVED] = st.session_state[_FORM]


def applied(desk: Desk, actor: Actor, *, rehearsal: bool) -> None:
    """An operation is made of the plan: it is no draft any more, and the next visit begins with nobody picked.

    The form stays until then, so that a second click finds the same plan. A rehearsal leaves the plan as it is.
    """
    st.session_state[_APPLIED] = token()
    if rehearsal:
        return
    st.session_state[_ENDED] = True
    nobody = fresh_request(times.viewer_zone().key)
    draft = st.session_state.pop(_DRAFT, None)
    with suppress(DeskError):  # what was applied is worth more than a draft that stays
        desk.plans.save_draft(actor, nobody)
        if draft is not None:
            desk.plans.save_draft(_in_tab(actor, draft), nobody)


def drawn(answer: CachedPreview | None) -> None:
    """Notes the preview whose numbers are on the screen now."""
    st.session_state[_DRAWN] = (answer.key, answer.at) if answer else None


def is_drawn(answer: CachedPreview | None) -> bool:
    """Whether the numbers on the screen are those of this preview."""
    return answer is not None and st.session_state.get(_DRAWN) == (answer.key, answer.at)


def renew_token() -> str:
    """Another token: from here on applying makes another operation."""
    fresh = secrets.token_hex(16)
    st.session_state[_TOKEN] = fresh
    return fresh
