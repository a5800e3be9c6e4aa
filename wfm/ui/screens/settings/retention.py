"""The card of the Settings screen that says how long runs are kept: policy, archives, last night, dry run, archive now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import RetentionReport, RetentionState
from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.ui.components import empty, times
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.sentences import format_number, join_words, quantity
from wfm.ui.components.tables import facts_table
from wfm.ui.shell import jobs

if TYPE_CHECKING:
    from wfm.desk import Desk

SETTING = "WFM_RETENTION_DAYS"
USUAL_DAYS = 180
MAX_DAYS = 36_500
POLL_S = 2.0
TOLD_FOR = timedelta(minutes=10)
"""How long everybody's screen says what an archiving did; the last run stays in the table."""
_DAYS, _FOUND = "settings-retention-days", "settings-retention-found"


def job_key(desk: Desk) -> str:
    """One archiving at a time, whoever started it."""
    return f"retention:{desk.tenant.key}"


def card(desk: Desk, actor: Actor, source: str, zone: ZoneInfo) -> None:
    """The whole card. `source` says where the policy is set."""
    with st.container(border=True, key="settings-retention"):
        st.subheader("How long runs are kept", anchor=False)
        days = desk.settings.retention_days
        try:
            last = desk.retention_state()
        except DeskError as error:
            empty.fault(error, title="What was archived so far can't be read right now")
            last = None
        pairs = [
            ("policy", policy_words(days, source)),
            ("archives", code(str(desk.archive_folder.absolute()))),
            ("last run", last_words(last, days, zone)),
        ]
        facts_table(pairs, alt="How long runs are kept")
        if last is not None and last.fault:
            st.error(escape_markdown(last.fault), title="The last archiving stopped early", icon=":material/error:")
        _dry_run(desk, zone, days)
        _now(desk, actor, zone)


def policy_words(days: int, source: str) -> str:
    """The policy and where it is set."""
    where = {"default": "by default", "environment": "set in the environment"}.get(source, f"set in {escape_markdown(source)}")
    if not days:
        return f"every run is kept ({code(f'{SETTING}=0')}, {where})"
    return (
        f"{quantity(days, 'day')} ({code(f'{SETTING}={days}')}, {where}): each night after 02:00 UTC the worker writes "
        "older runs to Parquet and removes them"
    )


def last_words(last: RetentionState | None, days: int, zone: ZoneInfo) -> str:
    """When the policy last ran and what it did."""
    if last is None:
        return "not yet: the next night is the first" if days else "never"
    at = f"{times.when(last.at, zone)} {escape_markdown(zone.key)}"
    if not last.rows:
        return f"{at}: nothing was old enough" if not last.fault else f"{at}: stopped early"
    files = f", in {join_words([code(name) for name in last.files[:3]])}" if last.files else ""
    more = f" and {quantity(len(last.files) - 3, 'file')} more" if len(last.files) > 3 else ""
    return f"{at}: {quantity(last.rows, 'run')} archived{files}{more}"


# --- dry run ------------------------------------------------------------------------------------------------------------


def _dry_run(desk: Desk, zone: ZoneInfo, days: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "Runs older than (days)",
            min_value=1,
            max_value=MAX_DAYS,
            value=days or USUAL_DAYS,
            key=_DAYS,
            width=170,
            on_change=_forget_found,
            help="Try another number than the policy's. To change the policy itself, change the setting.",
        )
        st.button(
            "Dry run",
            icon=":material/preview:",
            key="settings-retention-dry",
            on_click=_look,
            args=(desk,),
            help="Counts what would be archived. Changes nothing.",
        )
    found: RetentionReport | DeskError | None = st.session_state.get(_FOUND)
    if isinstance(found, DeskError):
        empty.fault(found, title="The dry run failed")
    elif found is not None:
        st.markdown(dry_words(found, zone))


def _look(desk: Desk) -> None:
    try:
        st.session_state[_FOUND] = desk.retention_dry_run(int(st.session_state[_DAYS]))
    except DeskError as error:
        st.session_state[_FOUND] = error


def _forget_found() -> None:
    st.session_state.pop(_FOUND, None)


def dry_words(found: RetentionReport, zone: ZoneInfo) -> str:
    """What an archiving would do, and which old runs stay and why."""
    up_to = f"{found.before.astimezone(zone):%Y-%m-%d %H:%M} {escape_markdown(zone.key)}"
    said = go_words(found, zone) if found.rows else f"**No run** from before {up_to} would be archived."
    return f"{said}{stay_words(found)}"


def go_words(found: RetentionReport, zone: ZoneInfo) -> str:
    """The runs that an archiving would take."""
    up_to = f"{found.before.astimezone(zone):%Y-%m-%d %H:%M} {escape_markdown(zone.key)}"
    return f"**{quantity(found.rows, 'run')}** from before {up_to} would be written to Parquet and removed."


def stay_words(found: RetentionReport) -> str:
    """The older runs that stay, as a sentence with a blank before it; "" where none do."""
    reasons = [
        (found.open_windows, "of windows that still hold agents"),
        (found.unsettled, "whose outcome is not known yet"),
        (found.examples, "as the newest example of a cause"),
    ]
    parts = [f"{format_number(n)} {why}" for n, why in reasons if n]
    return f" Older ones that stay: {join_words(parts)}." if parts else ""


# --- now ----------------------------------------------------------------------------------------------------------------


def _now(desk: Desk, actor: Actor, zone: ZoneInfo) -> None:
    job = jobs.of(job_key(desk))
    if job is not None and job.running:
        st.fragment(_watch, run_every=POLL_S)(job)
        return
    if job is not None and job.ended_at is not None and times.now() - job.ended_at < TOLD_FOR:
        _ended(job)
    found = st.session_state.get(_FOUND)
    may = actor.may(Capability.ADMINISTER)
    ready = may and isinstance(found, RetentionReport) and found.rows > 0
    with st.popover(
        "Archive now",
        icon=":material/archive:",
        disabled=not ready,
        help=why_not(found, may=may),
        key="settings-retention-now",
    ):
        if isinstance(found, RetentionReport) and ready:
            st.markdown(
                f"{go_words(found, zone)} They disappear from Runs and Failures; the files stay in the archive folder, "
                "and Import runs brings them back."
            )
            st.button(
                f"Archive {quantity(found.rows, 'run')}",
                type="primary",
                icon=":material/archive:",
                key="settings-retention-go",
                on_click=_go,
                args=(desk, actor, found.days),
            )


def why_not(found: object, *, may: bool) -> str | None:
    """Why the button can't be clicked; None where it can."""
    if not may:
        return "Only an admin can archive runs before the nightly run."
    if not isinstance(found, RetentionReport):
        return "Do the dry run first: it shows what would be archived."
    return None if found.rows else "Nothing is old enough."


def _go(desk: Desk, actor: Actor, days: int) -> None:
    _forget_found()
    jobs.start(job_key(desk), lambda _: desk.retain(actor, days), unit="runs")


def _watch(job: jobs.Job) -> None:
    if not job.running:
        st.rerun()
    since = times.duration(times.now() - job.started_at)
    st.caption(f":material/hourglass_top: Archiving for {since}. You can leave this screen: archiving continues.")


def _ended(job: jobs.Job) -> None:
    if job.fault is not None:
        empty.fault(job.fault, title="Archiving stopped early")
    elif isinstance(job.result, RetentionReport):
        st.success(result_words(job.result, job.result.files), icon=":material/check_circle:")


def result_words(done: RetentionReport, files: Sequence[object]) -> str:
    """What an archiving did."""
    if not done.rows:
        return "Nothing was old enough: no run was removed."
    return f"{quantity(done.rows, 'run')} archived in {quantity(len(files), 'file')} and removed.{stay_words(done)}"
