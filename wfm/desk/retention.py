"""Retention: runs older than the policy are written to Parquet files and then deleted, once a night.

One run of the policy at a time, of all workers and dashboards. Each file: written, flushed to the disk, read back; its name
noted in the ledger; named; then its runs are deleted in short transactions, and the note removed. Nothing is lost when it
is killed: the next run finds the note and deletes what that file holds unchanged, or writes a new file where there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from wfm.desk.archives import PART, archive_record, drop, name_for, read_archive, same_record, settle_name, write_archive
from wfm.desk.dependencies import DeskPart
from wfm.domain.errors import BadInput, DeskError, Refused, StoreFault
from wfm.domain.people import Actor, Capability

NIGHT_HOUR = 2
"""UTC hour from which the nightly run is due."""
MAX_RUNS_PER_FILE = 100_000
BATCH = 500
MAX_DAYS = 36_500
TASK = "retention"
LAST_NIGHT = "retention.night"
UNFINISHED = "retention.unfinished"
LAST = "retention.last"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a run of the policy did, or would do (`dry_run`). `files` are the archives; `before` bounds the runs' start.

    Older runs that stay: those of operations that hold agents (`open_windows`), those whose outcome is not known yet
    (`unsettled`), and the newest run of each cause (`examples`).
    """

    days: int
    before: datetime
    dry_run: bool
    rows: int
    files: tuple[Path, ...] = ()
    open_windows: int = 0
    unsettled: int = 0
    examples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionState:
    """How the last run of the policy ended. `fault` is a sentence where it broke off, else ""; it is retried by itself."""

    at: datetime
    rows: int
    files: tuple[str, ...]
    fault: str


class Retention(DeskPart):
    """The policy WFM_RETENTION_DAYS for the runs of this tenant."""

    @property
    def archive_folder(self) -> Path:
        """The folder of the archives of this tenant, in the data folder."""
        return self._settings.data_dir / "archive" / re.sub(r"[^A-Za-z0-9.-]+", "_", self._tenant.key)

    def dry_run(self, days: int | None = None) -> RetentionReport:
        """Count the runs that the policy (or another number of days) would archive now, and those that stay. Changes nothing.

        Raises BadInput.
        """
        days = self._days(days)
        return self._found(days, self._clock() - timedelta(days=days))

    def run(self, actor: Actor, days: int | None = None) -> RetentionReport:
        """Archive and delete the runs that are older than the policy; for admins.

        Raises NotAllowed, BadInput, StoreFault, and Refused (busy) while another run of the policy goes on.
        """
        actor.require(Capability.ADMINISTER)
        days = self._days(days)
        with self._ledger.locks.exclusive(self._tenant.key, TASK) as ours:
            if not ours:
                raise Refused("busy", "Runs are being archived just now by another process. Look again in some minutes.")
            return self._retain(days)

    def nightly(self) -> RetentionReport | None:
        """Run the policy once a day after 02:00 UTC; return None at once at any other time. The worker calls this at intervals.

        None, too, where WFM_RETENTION_DAYS is 0 and while another worker does it. Raises StoreFault when the archive can't be
        written: nothing is deleted then.
        """
        now = self._clock()
        if not self._settings.retention_days or now.hour < NIGHT_HOUR:
            return None
        tonight = f"{now:%Y-%m-%d}"
        if self._ledger.preferences.get(self._tenant.key, LAST_NIGHT) == tonight:
            return None
        days = self._days(self._settings.retention_days)
        with self._ledger.locks.exclusive(self._tenant.key, TASK) as ours:
            # Checked again: another worker may have done it meanwhile.
            if not ours or self._ledger.preferences.get(self._tenant.key, LAST_NIGHT) == tonight:
                return None
            report = self._retain(days)
            # Only a complete run counts: one that broke off is tried again for the runs that are left.
            self._ledger.preferences.set(self._tenant.key, LAST_NIGHT, tonight)
            return report

    def last_run(self) -> RetentionState | None:
        """Return how the last run of the policy ended; None before the first."""
        kept = self._ledger.preferences.get(self._tenant.key, LAST)
        if not kept:
            return None
        record = json.loads(kept)
        return RetentionState(
            at=datetime.fromisoformat(record["at"]), rows=record["rows"], files=tuple(record["files"]), fault=record["fault"]
        )

    def _days(self, days: int | None) -> int:
        days = self._settings.retention_days if days is None else days
        if not 1 <= days <= MAX_DAYS:
            accepted = f"a number of days from 1 to {MAX_DAYS:,}; the setting 0 keeps all runs"
            raise BadInput("WFM_RETENTION_DAYS", days, accepted)
        return days

    def _found(self, days: int, before: datetime) -> RetentionReport:
        expired = self._ledger.retention.expired(self._tenant.key, before)
        return RetentionReport(days=days, before=before, dry_run=True, **asdict(expired))

    def _retain(self, days: int) -> RetentionReport:
        before = self._clock() - timedelta(days=days)
        files: list[Path] = []
        rows = 0
        fault = ""
        drop(self.archive_folder / PART)
        try:
            rows, file = self._finish()
            files += [file] if file is not None else []
            while (written := self._archive(before)) is not None:
                files.append(written[0])
                rows += self._take_out(*written, before)
        except DeskError as error:
            fault = str(error)
            raise
        finally:
            record = {"at": self._clock().isoformat(), "rows": rows, "files": [file.name for file in files], "fault": fault}
            self._ledger.preferences.set(self._tenant.key, LAST, json.dumps(record))
        return replace(self._found(days, before), dry_run=False, rows=rows, files=tuple(files))

    def _archive(self, before: datetime) -> tuple[Path, list[str]] | None:
        """Write the oldest runs that may go to one file and return it with their ids; None when there are none."""
        if not self._ledger.retention.oldest_expired(self._tenant.key, before, limit=1):
            return None
        part, run_ids = write_archive(self.archive_folder, self._oldest(before))
        whole = name_for(self.archive_folder, run_ids)
        note = {"file": str(whole.absolute()), "before": before.isoformat()}
        self._ledger.preferences.set(self._tenant.key, UNFINISHED, json.dumps(note))
        settle_name(part, whole)
        return whole, run_ids

    def _oldest(self, before: datetime) -> Iterator[dict[str, object]]:
        after, count = None, 0
        while count < MAX_RUNS_PER_FILE:
            limit = min(BATCH, MAX_RUNS_PER_FILE - count)
            runs = self._ledger.retention.oldest_expired(self._tenant.key, before, after=after, limit=limit)
            for run, exchanges in runs:
                after = run.id
                yield archive_record(run, exchanges)
            count += len(runs)
            if len(runs) < limit:
                return

    def _take_out(self, file: Path, run_ids: list[str], before: datetime) -> int:
        gone = 0
        for start in range(0, len(run_ids), BATCH):
            gone += self._ledger.retention.delete_expired(self._tenant.key, run_ids[start : start + BATCH], before)
        if gone == 0 and self._ledger.retention.expired_among(self._tenant.key, run_ids[:BATCH], before):
            raise StoreFault(f"The runs archived in {file} could not be taken out of the history. They are kept in both.")
        self._ledger.preferences.set(self._tenant.key, UNFINISHED, "")
        return gone

    def _finish(self) -> tuple[int, Path | None]:
        """Delete what an earlier run archived and could not delete before it was killed."""
        note = self._ledger.preferences.get(self._tenant.key, UNFINISHED)
        if not note:
            return 0, None
        unfinished = json.loads(note)
        file, before = Path(unfinished["file"]), datetime.fromisoformat(unfinished["before"])
        gone = 0
        if file.is_file():
            try:
                for batch in read_archive(file):
                    archived = {str(row["run"]): row for row in batch}
                    here = self._ledger.retention.expired_among(self._tenant.key, list(archived), before)
                    # What has changed since, or is not whole there, is archived again with what is left.
                    same = [run.id for run, tried in here if same_record(archive_record(run, tried), archived[run.id])]
                    gone += self._ledger.retention.delete_expired(self._tenant.key, same, before) if same else 0
            except OSError:
                pass  # a damaged file deletes nothing
        self._ledger.preferences.set(self._tenant.key, UNFINISHED, "")
        return gone, file if gone else None
