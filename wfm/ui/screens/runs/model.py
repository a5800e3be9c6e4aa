"""The run history as values: the table's frame, the chart over time and what it finds, and the retry of one run."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pandas as pd

from wfm.domain.operations import Outcome, Phase, Run
from wfm.domain.spreadsheet_cells import safe_cell
from wfm.ui.components.diagnosis import cause_word
from wfm.ui.components.markdown import cell
from wfm.ui.components.states import style_of

PAGE = 50
"""Runs a page of the table."""


def route_word(run: Run) -> str:
    """Action or route of a run, and which way: "availability", "set_agent_unavailable", "availability (restore)"."""
    name = run.action or run.route
    return f"{name} (restore)" if run.phase is Phase.RESTORE else name


def frame(runs: Iterable[Run], zone: ZoneInfo) -> pd.DataFrame:
    """The table: one row a run in the order given. Times are in `zone`, durations in milliseconds."""
    rows = list(runs)
    return pd.DataFrame(
        {
            "time": pd.Series([run.started_at.astimezone(zone).replace(tzinfo=None) for run in rows], dtype="datetime64[ms]"),
            "agent": _texts(run.agent_name or run.agent_id or "–" for run in rows),
            "route": _texts(route_word(run) for run in rows),
            "operation": _texts(_operation(run) for run in rows),
            "outcome": pd.Series([[style_of(run.outcome).word] for run in rows], dtype="object"),
            "status": pd.Series([run.status for run in rows], dtype="Int64"),
            "code": _texts(run.code or "" for run in rows),
            "cause": _texts(cause_word(run) for run in rows),
            "ms": pd.Series([run.duration_ms for run in rows], dtype="Int64"),
            "tries": pd.Series([run.attempts for run in rows], dtype="Int64"),
            "correlation": _texts(run.correlation_id or "" for run in rows),
        }
    )


def _texts(values: Iterable[str]) -> pd.Series:
    """Text cells. The table's own download writes them as they are, so a formula is made text here already."""
    return pd.Series([cell(safe_cell(value)) for value in values], dtype="str")


def _operation(run: Run) -> str:
    title = run.operation_title or run.operation_id or ("imported" if run.imported else "by hand")
    return f"{title} (example)" if run.example and "example" not in title.casefold() else title


def can_retry(run: Run) -> bool:
    """Whether this run leads to a new plan: a failed update that took an agent out, of an agent we can name."""
    return run.outcome is Outcome.FAILED and run.phase is Phase.APPLY and bool(run.agent_id)
