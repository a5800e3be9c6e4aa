"""Runs: the history, what the errors in it mean, and exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from wfm.desk.dependencies import DeskPart
from wfm.desk.values import RunDetail
from wfm.diagnosis import diagnose, four_lanes
from wfm.domain.agents import GroupKind
from wfm.domain.diagnoses import GRANT, Diagnosis, Evidence
from wfm.domain.errors import BadInput, DeskError
from wfm.domain.operations import Exchange, Outcome, Run, RunFilter, RunOrder, RunPage
from wfm.domain.redaction import redact_json
from wfm.files.exports import csv_lines, json_lines, parquet_bytes, run_payload, run_record
from wfm.routes.data_action import request_behind

EXPORT_FORMATS = ("csv", "jsonl", "parquet")
MAX_SELECTED = 200


class Runs(DeskPart):
    """Runs of this tenant in the ledger."""

    def page(self, which: RunFilter, cursor: str | None = None, limit: int = 50, order: RunOrder = RunOrder.NEWEST) -> RunPage:
        """Return one page of runs. Raises BadInput for a cursor of another order, or an unknown team."""
        return self._ledger.runs.page(self._tenant.key, self._of_team(which), cursor=cursor, limit=limit, order=order)

    def _of_team(self, which: RunFilter) -> RunFilter:
        """Replace the team of the filter by its agents of today: the ledger knows no teams."""
        if which.team is None:
            return which
        directory = self._connections.get().reader.directory()
        in_directory = (group for group in directory.groups if group.kind is GroupKind.TEAM)
        teams = {group.id for group in in_directory if which.team in (group.id, group.name)}
        if not teams:
            raise BadInput("team", which.team, "the name or id of a team of this tenant")
        members = tuple(sorted(agent.id for agent in directory.agents.values() if agent.team_id in teams))
        return replace(which, team=None, agents=members)

    def get(self, run_id: str) -> RunDetail:
        """Return a run with its attempts and what its error means. Raises NotFound."""
        run, exchanges = self._ledger.runs.get(self._tenant.key, run_id)
        diagnosis = self._read_again(run, exchanges)
        group = self._ledger.failure_groups.get(self._tenant.key, run.fingerprint) if run.fingerprint else None
        lanes = four_lanes(diagnosis, self._evidence(run), run.call) if diagnosis and run.status in (401, 403) else {}
        return RunDetail(run=run, exchanges=exchanges, diagnosis=diagnosis, lanes=lanes, same_failure=group)

    def _read_again(self, run: Run, exchanges: tuple[Exchange, ...]) -> Diagnosis | None:
        """Diagnose the stored payload, so that a better rule explains old failures, too."""
        if run.outcome not in (Outcome.FAILED, Outcome.RESENT):
            return None
        last = next((exchange for exchange in reversed(exchanges) if exchange.status is None or exchange.status >= 400), None)
        if run.outcome is Outcome.FAILED:
            last = last or (exchanges[-1] if exchanges else None)
        if last is None:
            return None
        evidence = replace(self._evidence(run), fault=last.fault if last.status is None else "")
        return diagnose(last.status, last.response_headers, last.response_body, evidence)

    def _evidence(self, run: Run) -> Evidence:
        client_id, name = self.client_of(run)
        reads_ok, writes_ok, _ = (
            self._ledger.client_usage.counts(self._tenant.key, client_id) if client_id else (None, None, None)
        )
        return Evidence(
            call=run.call,
            via=run.via,
            client_name=name,
            grant_type=GRANT if client_id and run.via == "direct" else None,
            reads_ok=reads_ok,
            writes_ok=writes_ok,
            behind=self._behind(run),
        )

    def _behind(self, run: Run) -> str | None:
        """Return the request that the Data Action of a run makes; None where it is unknown or actions of one name differ."""
        if run.action is None:
            return None
        try:
            actions = self._connections.get().reader.actions()
        except DeskError:
            return None  # the history opens while the tenant is down
        requests = {request_behind(action) for action in actions if action.get("name") == run.action}
        return requests.pop() if len(requests) == 1 else None

    def client_of(self, run: Run) -> tuple[str | None, str | None]:
        """Return id and name of the OAuth client of a run; None for a run by hand."""
        if run.operation_id is None:
            return None, None
        operation = self._ledger.operations.get(self._tenant.key, run.operation_id)
        return operation.client_id, operation.client_name

    def over_time(
        self, since: datetime, until: datetime, step_minutes: int, which: RunFilter | None = None
    ) -> list[tuple[datetime, Outcome, int]] | None:
        """Count runs by outcome per step; None where no counter fits the filter, whose own times do not count."""
        if which is not None and which.team is not None:
            return None  # no counter knows agents
        return self._ledger.runs.over_time(self._tenant.key, since, until, step_minutes=step_minutes, which=which)

    def first_at(self) -> datetime | None:
        """Return when the oldest run began; None where there is none."""
        return self._ledger.runs.first_at(self._tenant.key)

    def totals(self, since: datetime | None = None, until: datetime | None = None) -> dict[Outcome, int]:
        return self._ledger.runs.totals(self._tenant.key, since, until)

    def export(self, which: RunFilter, fmt: str, *, progress: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Export all runs of the filter as CSV, JSON Lines or Parquet, in pieces. Raises BadInput for another format.

        `progress` gets the number of runs read so far, about every 500.
        """
        if fmt not in EXPORT_FORMATS:
            raise BadInput("format", fmt, ", ".join(EXPORT_FORMATS))
        batches = self._ledger.runs.batches(self._tenant.key, self._of_team(which))
        return _file_of(_counted(batches, progress), fmt)

    def export_selected(self, run_ids: Sequence[str], fmt: str) -> Iterator[bytes]:
        """Export up to 200 runs as CSV, JSON Lines or Parquet, in the order given. Raises BadInput, NotFound."""
        if fmt not in EXPORT_FORMATS:
            raise BadInput("format", fmt, ", ".join(EXPORT_FORMATS))
        if not 0 < len(run_ids) <= MAX_SELECTED:
            raise BadInput("runs", f"{len(run_ids)} runs", f"1 to {MAX_SELECTED} runs; a filter exports any number")
        rows = [self._ledger.runs.get(self._tenant.key, run_id)[0] for run_id in run_ids]
        return _file_of(rows, fmt)

    def export_one(self, run_id: str) -> bytes:
        """Export one run with its attempts as JSON. Raises NotFound."""
        run, exchanges = self._ledger.runs.get(self._tenant.key, run_id)
        return json.dumps(redact_json(run_payload(run, exchanges)), ensure_ascii=False, indent=2).encode("utf-8", "replace")


def _counted(batches: Iterable[Sequence[Run]], progress: Callable[[int], None] | None) -> Iterator[Run]:
    total = 0
    for batch in batches:
        yield from batch
        total += len(batch)
        if progress is not None:
            progress(total)


def _file_of(rows: Iterable[Run], fmt: str) -> Iterator[bytes]:
    if fmt == "parquet":
        return parquet_bytes(run_record(run) for run in rows)
    return csv_lines(rows) if fmt == "csv" else json_lines(rows)
