"""What the retention card says: the policy, what was archived, what an archiving would do."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from wfm.desk import RetentionReport, RetentionState
from wfm.domain.sentences import format_number, join_words, quantity
from wfm.ui.components import times
from wfm.ui.components.markdown import code, escape_markdown

SETTING = "WFM_RETENTION_DAYS"


def policy_text(days: int, source: str) -> str:
    """The policy and where it is set."""
    where = {"default": "by default", "environment": "set in the environment"}.get(source, f"set in {escape_markdown(source)}")
    if not days:
        return f"every run is kept ({code(f'{SETTING}=0')}, {where})"
    return (
        f"{quantity(days, 'day')} ({code(f'{SETTING}={days}')}, {where}): each night after 02:00 UTC the worker writes "
        "older runs to Parquet and removes them"
    )


def last_run_text(last: RetentionState | None, days: int, zone: ZoneInfo) -> str:
    """When the policy last ran and what it did."""
    if last is None:
        return "not yet: the next night is the first" if days else "never"
    at = f"{times.when(last.at, zone)} {escape_markdown(zone.key)}"
    if not last.rows:
        return f"{at}: nothing was old enough" if not last.fault else f"{at}: stopped early"
    files = f", in {join_words([code(name) for name in last.files[:3]])}" if last.files else ""
    more = f" and {quantity(len(last.files) - 3, 'file')} more" if len(last.files) > 3 else ""
    return f"{at}: {quantity(last.rows, 'run')} archived{files}{more}"


def dry_run_text(found: RetentionReport, zone: ZoneInfo) -> str:
    """What an archiving would do, and which old runs stay and why."""
    up_to = f"{found.before.astimezone(zone):%Y-%m-%d %H:%M} {escape_markdown(zone.key)}"
    sentence = archive_text(found, zone) if found.rows else f"**No run** from before {up_to} would be archived."
    return f"{sentence}{kept_text(found)}"


def archive_text(found: RetentionReport, zone: ZoneInfo) -> str:
    """The runs that an archiving would take."""
    up_to = f"{found.before.astimezone(zone):%Y-%m-%d %H:%M} {escape_markdown(zone.key)}"
    return f"**{quantity(found.rows, 'run')}** from before {up_to} would be written to Parquet and removed."


def kept_text(found: RetentionReport) -> str:
    """The older runs that stay, as a sentence with a blank before it; "" where none do."""
    reasons = [
        (found.open_windows, "of windows that still have agents out"),
        (found.unsettled, "whose outcome is not known yet"),
        (found.examples, "as the newest example of a cause"),
    ]
    parts = [f"{format_number(n)} {why}" for n, why in reasons if n]
    return f" Older ones that stay: {join_words(parts)}." if parts else ""


def why_not(found: object, *, may: bool) -> str | None:
    """Why the button can't be clicked; None where it can."""
    if not may:
        return "Only an admin can archive runs before the nightly run."
    if not isinstance(found, RetentionReport):
        return "Do the dry run first: it shows what would be archived."
    return None if found.rows else "Nothing is old enough."


def result_text(done: RetentionReport, files: Sequence[object]) -> str:
    if not done.rows:
        return "Nothing was old enough: no run was removed."
    return f"{quantity(done.rows, 'run')} archived in {quantity(len(files), 'file')} and removed.{kept_text(done)}"
