"""How long runs are kept: older ones are written to Parquet files first and then taken out, once a night."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wfm.desk.core import DeskCore
from wfm.domain.errors import BadInput, StoreFault
from wfm.domain.exports import parquet_bytes, run_payload
from wfm.domain.people import Actor, Capability
from wfm.domain.redaction import redact_text

NIGHT_HOUR = 2
"""UTC hour from which the nightly run is due."""
RUNS_A_FILE = 100_000
BATCH = 500
LAST_NIGHT = "retention.night"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a run of the policy did, or would do (`dry_run`). `files` are the archives; `before` bounds the runs' start."""

    days: int
    before: datetime
    dry_run: bool
    rows: int
    files: tuple[Path, ...] = ()


class RetentionDesk(DeskCore):
    """The policy WFM_RETENTION_DAYS, on this tenant's runs."""

    @property
    def archive_folder(self) -> Path:
        """Where archives are written: in the data folder, one folder a tenant."""
        return self.settings.data_dir / "archive" / re.sub(r"[^A-Za-z0-9.-]+", "_", self.tenant.key)

    def retention_dry_run(self, days: int | None = None) -> RetentionReport:
        """How many runs the policy (or another number of days) would take out now. Changes nothing. Raises BadInput."""
        days = self._days(days)
        before = self.clock() - timedelta(days=days)
        return RetentionReport(days=days, before=before, dry_run=True, rows=self.ledger.expired(self.tenant.key, before))

    def retain(self, actor: Actor, days: int | None = None) -> RetentionReport:
        """Archives and takes out what is older than the policy. For admins. Raises NotAllowed, BadInput, StoreFault."""
        self.allow(actor, Capability.ADMINISTER)
        return self._retain(self._days(days))

    def nightly(self) -> RetentionReport | None:
        """What the worker calls now and then: does the night's work once a day after 02:00 UTC, else None at once.

        None too where WFM_RETENTION_DAYS is 0. Raises StoreFault when the archive can't be written: nothing is deleted then.
        """
        now = self.clock()
        if not self.settings.retention_days or now.hour < NIGHT_HOUR:
            return None
        tonight = f"{now:%Y-%m-%d}"
        if self.ledger.preference(self.tenant.key, LAST_NIGHT) == tonight:
            return None
        report = self._retain(self.settings.retention_days)
        # Only a night that ended counts: one that broke off is tried again, and what is gone already is gone.
        self.ledger.set_preference(self.tenant.key, LAST_NIGHT, tonight)
        return report

    def _days(self, days: int | None) -> int:
        days = self.settings.retention_days if days is None else days
        if days < 1:
            raise BadInput("WFM_RETENTION_DAYS", days, "a number of days, at least 1; 0 keeps all runs")
        return days

    def _retain(self, days: int) -> RetentionReport:
        before = self.clock() - timedelta(days=days)
        files: list[Path] = []
        rows = 0
        while True:
            file, run_ids = self._archive(before)
            if file is None:
                return RetentionReport(days=days, before=before, dry_run=False, rows=rows, files=tuple(files))
            files.append(file)
            gone = 0
            for start in range(0, len(run_ids), BATCH):
                gone += self.ledger.delete_expired(self.tenant.key, run_ids[start : start + BATCH], before)
            rows += gone
            if gone == 0:
                raise StoreFault(f"The runs archived in {file} could not be taken out of the history. They are kept in both.")

    def _archive(self, before: datetime) -> tuple[Path | None, list[str]]:
        """Writes the oldest runs that may go to one file and gives their ids; the file is whole, on disk and counted."""
        run_ids: list[str] = []

        def records() -> Iterator[dict[str, object]]:
            while len(run_ids) < RUNS_A_FILE:
                after = run_ids[-1] if run_ids else None
                found = self.ledger.oldest_expired(self.tenant.key, before, after=after, limit=BATCH)
                for run, exchanges in found:
                    payload = run_payload(run, exchanges)
                    payload["exchanges"] = redact_text(_json(payload["exchanges"]))
                    run_ids.append(run.id)
                    yield payload
                if len(found) < BATCH:
                    return

        if not self.ledger.oldest_expired(self.tenant.key, before, limit=1):
            return None, []
        folder = self.archive_folder
        part = folder / f".part-{os.getpid()}.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                for piece in parquet_bytes(records(), payloads=True):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            _check(part, len(run_ids))
            whole = folder / f"runs-{run_ids[0]}-{run_ids[-1]}.parquet"
            part.replace(whole)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreFault(
                f"The archive in {folder} can't be written ({error.strerror}). No run was deleted. Free space first."
            ) from error
        return whole, run_ids


def _check(file: Path, rows: int) -> None:
    import pyarrow.parquet as pq  # a large library, loaded only when something is archived

    found = pq.read_metadata(file).num_rows
    if found != rows:
        raise StoreFault(f"The archive {file} holds {found:,} runs instead of {rows:,}. No run was deleted.")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
