"""2 When: now for so long, or from one time to another in a zone; why, and under which ticket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from wfm.domain.plans import PlanRequest
from wfm.domain.windows import WindowSpec
from wfm.ui.components import times
from wfm.ui.screens.plan.model import AT, DEFAULT_REASON, next_slot, preset_choices, preset_of
from wfm.ui.screens.plan.sentences import minutes_label

CHOICE = "plan_when"
START = "plan_start"
END = "plan_end"
ZONE = "plan_zone"
REASON = "plan_reason"
TICKET = "plan_ticket"


@dataclass(frozen=True, slots=True)
class When:
    """What the card says."""

    window: WindowSpec
    reason: str
    ticket: str


def when(form: PlanRequest, zones: Iterable[str]) -> When:
    """Draws the card; gives window, reason and ticket as they are now."""
    options = preset_choices(form.window)
    _default(CHOICE, preset_of(form.window))
    if st.session_state[CHOICE] not in options:
        st.session_state[CHOICE] = preset_of(form.window)
    # Radio buttons, not a segmented control: that one writes the chosen segment in the primary colour, which in the dark
    # theme can't have enough contrast to both its ground and the white text of a primary button.
    choice = st.radio(
        "When",
        options,
        key=CHOICE,
        format_func=lambda key: (
            "at a time" if key == AT else f"{'now for ' if key == options[0] else ''}{minutes_label(float(key))}"
        ),
        horizontal=True,
        label_visibility="collapsed",
    )
    zone = times.zone_or_utc(st.session_state.get(ZONE, form.window.zone)).key
    if choice == AT:
        start_guess, end_guess = next_slot(times.now(), zone)
        _default(START, _wall_clock(form.window.start, zone) or start_guess)
        _default(END, _wall_clock(form.window.end, zone) or end_guess)
        left, right = st.columns(2, gap="xsmall")
        start = left.datetime_input(
            "Start",
            key=START,
            step=300,
            format="DD.MM.YYYY",
            on_change=_keep_length,
            args=(st.session_state[START],),
            help="The length of the window stays when its start moves.",
        )
        end = right.datetime_input("End", key=END, step=300, format="DD.MM.YYYY")
    else:
        minutes = float(choice or 30)
        ends = times.clock(times.now() + timedelta(minutes=minutes), times.zone_or_utc(zone))
        st.markdown(f"Starts when you apply it, ends about **{ends}**")
    _default(REASON, "" if form.reason == DEFAULT_REASON else form.reason)
    _default(TICKET, form.ticket)
    left, middle, right = st.columns([5, 6, 4], gap="xsmall")
    zone = _zone(left, form, zones)
    reason = middle.text_input("Reason", key=REASON, placeholder="maintenance window", max_chars=200)
    ticket = right.text_input("Ticket", key=TICKET, placeholder="CHG-1042", max_chars=80)
    window = WindowSpec(start=start, end=end, zone=zone) if choice == AT else WindowSpec(minutes=minutes, zone=zone)
    return When(window, (reason or "").strip() or DEFAULT_REASON, (ticket or "").strip())


def _wall_clock(instant: datetime | None, zone: str) -> datetime | None:
    """The time as the field shows it: the zone's wall clock without offset."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if instant is not None and instant.tzinfo else instant


def _keep_length(before: datetime | None) -> None:
    """Moves the end as far as the start was moved from `before`; a callback."""
    start, end = st.session_state.get(START), st.session_state.get(END)
    if before is not None and start is not None and end is not None and before < end:
        st.session_state[END] = end + (start - before)


def _zone(place: st.delta_generator.DeltaGenerator, form: PlanRequest, zones: Iterable[str]) -> str:
    options = _zones(tuple(dict.fromkeys((form.window.zone, times.viewer_zone().key, *zones, "UTC"))))
    _default(ZONE, form.window.zone if form.window.zone in options else "UTC")
    return place.selectbox("Time zone", options, key=ZONE)


@cache
def _zones(first: tuple[str, ...]) -> list[str]:
    """Zones that matter here first, then all others by name."""
    known = available_timezones()
    near = [zone for zone in first if zone in known]
    skipped = ("Etc/", "posix", "right")
    return [*near, *sorted(zone for zone in known - set(near) if "/" in zone and not zone.startswith(skipped))]


def _default(key: str, value: object) -> None:
    if key not in st.session_state:
        st.session_state[key] = value
