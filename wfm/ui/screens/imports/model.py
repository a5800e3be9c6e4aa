"""What the import screen says, as values: formats and their limits, the mapping, the sample, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pandas as pd

from wfm.desk import ImportFormat, ImportPreview, ImportReport
from wfm.domain.imported_runs import ImportedRun, Unreadable
from wfm.domain.operations import Outcome
from wfm.domain.sentences import format_number, plural, quantity
from wfm.ui.components.markdown import cell
from wfm.ui.components.states import style_of

MEGABYTE = 1024 * 1024
MAX_FILE_MB = 50
"""An upload is held in the dashboard's memory; the server refuses more (server.maxUploadSize in .streamlit/config.toml)."""
MAX_DOCUMENT_MB = 30
"""Of a flow execution file, which is read whole: below the 32 MB at which the Desk refuses."""
MAX_PASTE = 1_000_000
PASTED = "What was pasted"


@dataclass(frozen=True, slots=True)
class Way:
    """One way in: its word, what files end with, the most megabytes, and what it is for."""

    label: str
    endings: tuple[str, ...]
    max_mb: int
    what: str


WAYS: Mapping[ImportFormat, Way] = {
    ImportFormat.CSV: Way(
        "CSV",
        ("csv", "tsv", "txt"),
        MAX_FILE_MB,
        "One run a line, below a heading with column names. Comma, semicolon or tab; exports of this desk are read too.",
    ),
    ImportFormat.JSON_LINES: Way(
        "JSON Lines", ("jsonl", "ndjson", "json", "txt", "log"), MAX_FILE_MB, "One JSON object a line, one run each."
    ),
    ImportFormat.FLOW: Way(
        "Flow execution data",
        ("json", "txt"),
        MAX_DOCUMENT_MB,
        "What Genesys Cloud gives for a flow's execution: each call of a Data Action in it becomes a run.",
    ),
    ImportFormat.PAYLOADS: Way(
        "Paste",
        (),
        0,
        "Error answers, log lines or e-mails, separated by an empty line.",
    ),
    ImportFormat.PARQUET: Way(
        "Archive",
        ("parquet",),
        MAX_FILE_MB,
        "A Parquet file that this desk wrote: runs keep their ids.",
    ),
}

MAIN = ("time", "agent", "agent_id", "action", "outcome", "status", "code", "correlation_id", "response")
"""What is asked for first; everything else a run has stands below it."""
MEANING_LABELS: Mapping[str, str] = {
    "time": "time (needed)",
    "agent_id": "agent's id",
    "agent": "agent's name",
    "action": "Data Action",
    "call": "called path",
    "status": "HTTP status",
    "code": "error code",
    "correlation_id": "correlation id",
    "duration_ms": "duration in ms",
    "request": "request body",
    "response": "response body or error",
    "run": "run's id",
    "operation_id": "operation's id",
    "retryable": "a retry can help",
    "missing": "missing names",
}


def meaning_label(meaning: str) -> str:
    """What a run has, in words."""
    return MEANING_LABELS.get(meaning, meaning)


def limit_text(way: Way) -> str:
    """The limit, before anything is uploaded."""
    if not way.max_mb:
        return f"Up to {format_number(MAX_PASTE)} characters."
    return (
        f"Up to {way.max_mb} MB; a larger file is refused here before it is read. Split it and import the parts one after the "
        "other: what was imported before is not added again."
    )


def left_out(columns: Iterable[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that nothing is made of."""
    used = set(mapping.values())
    return tuple(column for column in columns if column not in used)


def sample(rows: Iterable[ImportedRun], zone: ZoneInfo) -> pd.DataFrame:
    """The first runs as they will be; times on the clock of `zone`."""
    shown = list(rows)
    return pd.DataFrame(
        {
            "line": pd.Series([run.line for run in shown], dtype="Int64"),
            "time": pd.Series(
                [run.time.astimezone(zone).replace(tzinfo=None) if run.timed else None for run in shown], dtype="datetime64[ms]"
            ),
            "agent": pd.Series([cell(run.agent) for run in shown], dtype="str"),
            "action": pd.Series([cell(run.action or run.call) for run in shown], dtype="str"),
            "outcome": pd.Series([_outcome_word(run.outcome) for run in shown], dtype="str"),
            "status": pd.Series([run.status for run in shown], dtype="Int64"),
            "code": pd.Series([cell(run.code) for run in shown], dtype="str"),
            "correlation id": pd.Series([cell(run.correlation_id) for run in shown], dtype="str"),
            "answer": pd.Series([cell(run.response[:300]) for run in shown], dtype="str"),
        }
    )


def _outcome_word(outcome: str) -> str:
    return style_of(Outcome(outcome)).word


def problems_frame(problems: Sequence[Unreadable]) -> pd.DataFrame:
    """Lines that can't be read, and why."""
    return pd.DataFrame(
        {
            "line": pd.Series([one.line for one in problems], dtype="Int64"),
            "why": pd.Series([cell(one.why) for one in problems], dtype="str"),
        }
    )


def where(rows: Iterable[ImportedRun]) -> dict[str, str]:
    """The filter of the Runs screen that shows them, as near as one filter can: their Data Action where all have one."""
    actions = {run.action for run in rows}
    return {"action": actions.pop()} if len(actions) == 1 and "" not in actions else {}


def preview_text(preview: ImportPreview) -> str:
    """The finding of the preview, in a sentence."""
    good, bad = len(preview.rows), len(preview.problems)
    if not good and not bad:
        return "It contains nothing to import"
    if not good:
        return "No run can be read yet"
    tail = f"; {quantity(bad, 'line')} can't be read and will be left out" if bad else ""
    return f"The first {quantity(good, 'run')} as they will stand in the history{tail}"


def result_text(report: ImportReport) -> str:
    """What came of an import: how many were added, were there already, can't be read."""
    bad = f" {quantity(report.unreadable, 'line')} can't be read." if report.unreadable else ""
    if not report.read:
        return f"Nothing was added: it contains no run.{bad}"
    if not report.added:
        whole = "the one run was" if report.known == 1 else f"all {quantity(report.known, 'run')} were"
        return f"Nothing was added: {whole} in the history already.{bad}"
    known = f", {format_number(report.known)} {plural(report.known, 'was', 'were')} there already" if report.known else ""
    return f"{quantity(report.added, 'run')} added{known}.{bad}"
