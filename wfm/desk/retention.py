"""How long runs are kept: older ones are written to Parquet files first and then taken out, once a night.

One run of the policy at a time, of all workers and dashboards. Each file: written, flushed to the disk, read back; its name
noted in the ledger; named; then its runs are taken out in short transactions, and the note removed. Killed anywhere, nothing
is lost: the next run finds the note and takes out what that file holds unchanged, or writes a new file where there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wfm.desk.archives import PART, archive_record, drop, name_for, read_archive, same_record, settle_name, write_archive
from wfm.desk.core import DeskCore
from wfm.domain.errors import BadInput, DeskError, Refused, StoreFault
from wfm.domain.people import Actor, Capability

NIGHT_HOUR = 2
"""UTC hour from which the nightly run is due."""
RUNS_A_FILE = 100_000
BATCH = 500
LONGEST_DAYS = 36_500
TASK = "retention"
LAST_NIGHT = "retention.night"
UNFINISHED = "retention.unfinished"
LAST = "retention.last"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a run of the policy did, or would do (`dry_run`). `files` are the archives; `before` bounds the runs' start.

    Older runs that stay: those of operations that hold agents (`open_windows`), those whose outcome nobody knows yet
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
    """How the last run of the policy went. `fault` is a sentence where it broke off, else ""; it is tried again by itself."""

    at: datetime
    rows: int
    files: tuple[str, ...]
    fault: str


class RetentionDesk(DeskCore):
    """The policy WFM_RETENTION_DAYS, on this tenant's runs."""

    @property
    def archive_folder(self) -> Path:
        """Where archives are written: in the data folder, one folder a tenant."""
        return self.settings.data_dir / "archive" / re.sub(r"[^A-Za-z0-9.-]+", "_", self.tenant.key)

    def retention_dry_run(self, days: int | None = None) -> RetentionReport:
        """How many runs the policy (or another number of days) would take out now, and which stay. Changes nothing.

        Raises BadInput.
        """
        days = self._days(days)
        return self._found(days, self.clock() - timedelta(days=days))

    def retain(self, actor: Actor, days: int | None = None) -> RetentionReport:
        """Archives and takes out what is older than the policy. For admins.

        Raises NotAllowed, BadInput, StoreFault, and Refused (busy) while another run of the policy goes on.
        """
        self.allow(actor, Capability.ADMINISTER)
        days = self._days(days)
        with self.ledger.locks.exclusive(self.tenant.key, TASK) as ours:
            if not ours:
                raise Refused("busy", "Runs are being archived just now by another process. Look again in some minutes.")
            return self._retain(days)

    def nightly(self) -> RetentionReport | None:
        """What the worker calls now and then: does the night's work once a day after 02:00 UTC, else None at once.

        None too where WFM_RETENTION_DAYS is 0, and while another worker does it. Raises StoreFault when the archive can't be
        written: nothing is deleted then.
        """
        now = self.clock()
        if not self.settings.retention_days or now.hour < NIGHT_HOUR:
            return None
        tonight = f"{now:%Y-%m-%d}"
        if self.ledger.preferences.get(self.tenant.key, LAST_NIGHT) == tonight:
            return None
        days = self._days(self.settings.retention_days)
        with self.ledger.locks.exclusive(self.tenant.key, TASK) as ours:
            # Asked again: another worker may have done it since.
            if not ours or self.ledger.preferences.get(self.tenant.key, LAST_NIGHT) == tonight:
                return None
            report = self._retain(days)
            # Only a night that ended counts: one that broke off is tried again, and what is gone already is gone.
            self.ledger.preferences.set(self.tenant.key, LAST_NIGHT, tonight)
            return report

    def retention_state(self) -> RetentionState | None:
        """How the last run of the policy went; None before the first."""
        kept = self.ledger.preferences.get(self.tenant.key, LAST)
        if not kept:
            return None
        said = json.loads(kept)
        return RetentionState(
            at=datetime.fromisoformat(said["at"]), rows=said["rows"], files=tuple(said["files"]), fault=said["fault"]
        )

    def _days(self, days: int | None) -> int:
        days = self.settings.retention_days if days is None else days
        if not 1 <= days <= LONGEST_DAYS:
            accepted = f"a number of days from 1 to {LONGEST_DAYS:,}; the setting 0 keeps all runs"
            raise BadInput("WFM_RETENTION_DAYS", days, accepted)
        return days

    def _found(self, days: int, before: datetime) -> RetentionReport:
        found = self.ledger.retention.expired(self.tenant.key, before)
        return RetentionReport(
            days=days,
            before=before,
            dry_run=True,
            rows=found.rows,
            open_windows=found.open_windows,
            unsettled=found.unsettled,
            examples=found.examples,
        )

    def _retain(self, days: int) -> RetentionReport:
        before = self.clock() - timedelta(days=days)
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
            said = {"at": self.clock().isoformat(), "rows": rows, "files": [file.name for file in files], "fault": fault}
            self.ledger.preferences.set(self.tenant.key, LAST, json.dumps(said))
        left = self._found(days, before)
        return RetentionReport(
            days=days,
            before=before,
            dry_run=False,
            rows=rows,
            files=tuple(files),
            open_windows=left.open_windows,
            unsettled=left.unsettled,
            examples=left.examples,
        )

    def _archive(self, before: datetime) -> tuple[Path, list[str]] | None:
        """Writes the oldest runs that may go to one file and gives it with their ids; None when there are none."""
        if not self.ledger.retention.oldest_expired(self.tenant.key, before, limit=1):
            return None
        part, run_ids = write_archive(self.archive_folder, self._oldest(before))
        whole = name_for(self.archive_folder, run_ids)
        note = {"file": str(whole.absolute()), "before": before.isoformat()}
        self.ledger.preferences.set(self.tenant.key, UNFINISHED, json.dumps(note))
        settle_name(part, whole)
        return whole, run_ids

    def _oldest(self, before: datetime) -> Iterator[dict[str, object]]:
        after, count = None, 0
        while count < RUNS_A_FILE:
            limit = min(BATCH, RUNS_A_FILE - count)
            found = self.ledger.retention.oldest_expired(self.tenant.key, before, after=after, limit=limit)
            for run, exchanges in found:
                after = run.id
                yield archive_record(run, exchanges)
            count += len(found)
            if len(found) < limit:
                return

    def _take_out(self, file: Path, run_ids: list[str], before: datetime) -> int:
        gone = 0
        for start in range(0, len(run_ids), BATCH):
            gone += self.ledger.retention.delete_expired(self.tenant.key, run_ids[start : start + BATCH], before)
        if gone == 0 and self.ledger.retention.expired_among(self.tenant.key, run_ids[:BATCH], before):
            raise StoreFault(f"The runs archived in {file} could not be taken out of the history. They are kept in both.")
        self.ledger.preferences.set(self.tenant.key, UNFINISHED, "")
        return gone

    def _finish(self) -> tuple[int, Path | None]:
        """Takes out what an earlier run archived and could not take out before it was killed."""
        note = self.ledger.preferences.get(self.tenant.key, UNFINISHED)
        if not note:
            return 0, None
        said = json.loads(note)
        file, before = Path(said["file"]), datetime.fromisoformat(said["before"])
        gone = 0
        if file.is_file():
            try:
                for batch in read_archive(file):
                    archived = {str(row["run"]): row for row in batch}
                    here = self.ledger.retention.expired_among(self.tenant.key, list(archived), before)
                    # What has changed since, or is not whole there, is archived again with what is left.
                    same = [run.id for run, tried in here if same_record(archive_record(run, tried), archived[run.id])]
                    gone += self.ledger.retention.delete_expired(self.tenant.key, same, before) if same else 0
            except OSError:
                pass  # a damaged file takes nothing out
        self.ledger.preferences.set(self.tenant.key, UNFINISHED, "")
        return gone, file if gone else None
