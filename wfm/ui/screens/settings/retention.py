"""The card of the Settings screen that says how long runs are kept: policy, archives, last night, dry run, archive now."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from wfm.desk import Desk, RetentionReport
from wfm.domain.errors import DeskError
from wfm.domain.people import Actor, Capability
from wfm.domain.sentences import quantity
from wfm.ui.components import messages, times
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.tables import facts_table
from wfm.ui.screens.settings.sentences import archive_text, dry_run_text, last_run_text, policy_text, result_text, why_not
from wfm.ui.shell import jobs

USUAL_DAYS = 180
MAX_DAYS = 36_500
POLL_S = 2.0
TOLD_FOR = timedelta(minutes=10)
"""How long everybody's screen says what an archiving did; the last run stays in the table."""
_DAYS, _FOUND = "settings-retention-days", "settings-retention-found"


def job_key(desk: Desk) -> str:
    """One archiving at a time, no matter who started it."""
    return f"retention:{desk.tenant.key}"


def card(desk: Desk, actor: Actor, source: str, zone: ZoneInfo) -> None:
    """The whole card. `source` says where the policy is set."""
    with st.container(border=True, key="settings-retention"):
        st.subheader("How long runs are kept", anchor=False)
        days = desk.settings.retention_days
        try:
            last = desk.retention.last_run()
        except DeskError as error:
            messages.fault(error, title="What was archived so far can't be read right now")
            last = None
        pairs = [
            ("policy", policy_text(days, source)),
            ("archives", code(str(desk.retention.archive_folder.absolute()))),
            ("last run", last_run_text(last, days, zone)),
        ]
        facts_table(pairs, alt="How long runs are kept")
        if last is not None and last.fault:
            st.error(escape_markdown(last.fault), title="The last archiving stopped early", icon=":material/error:")
        _dry_run(desk, zone, days)
        _now(desk, actor, zone)


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
        messages.fault(found, title="The dry run failed")
    elif found is not None:
        st.markdown(dry_run_text(found, zone))


def _look(desk: Desk) -> None:
    try:
        st.session_state[_FOUND] = desk.retention.dry_run(int(st.session_state[_DAYS]))
    except DeskError as error:
        st.session_state[_FOUND] = error


def _forget_found() -> None:
    st.session_state.pop(_FOUND, None)


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
                f"{archive_text(found, zone)} They disappear from Runs and Failures; the files stay in the archive folder, "
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


def _go(desk: Desk, actor: Actor, days: int) -> None:
    _forget_found()
    jobs.start(job_key(desk), lambda _: desk.retention.run(actor, days), unit="runs")


def _watch(job: jobs.Job) -> None:
    if not job.running:
        st.rerun()
    since = times.duration(times.now() - job.started_at)
    st.caption(f":material/hourglass_top: Archiving for {since}. You can leave this screen: archiving continues.")


def _ended(job: jobs.Job) -> None:
    if job.fault is not None:
        messages.fault(job.fault, title="Archiving stopped early")
    elif isinstance(job.result, RetentionReport):
        st.success(result_text(job.result, job.result.files), icon=":material/check_circle:")
