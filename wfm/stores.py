"""What the desk's own databases share: faults that pass by themselves, full disks, and damaged files without facts.

`engine.sqlite` and `pacing.sqlite` hold what can be made again (workflows, a minute of counters), so a damaged one is set
aside and made again. The ledger is never touched here.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

from filelock import FileLock

from wfm.domain.errors import StoreFault

log = logging.getLogger(__name__)

ENGINE_FILE = "engine.sqlite"
PACING_FILE = "pacing.sqlite"
WITHOUT_FACTS = frozenset({ENGINE_FILE, PACING_FILE})
"""The only files that are ever set aside."""

MIN_FREE_BYTES = 64 * 1024
"""With less free space, SQLite can't grow its files by a step: the shared memory beside a database grows by 32 KB."""
CHECK_TIMEOUT_S = 2.0
SIDES = ("-wal", "-shm", "")
"""The file itself last: a new one beside an old -wal would read its content."""
SET_ASIDE_HERE: list[Path] = []
"""What this process has set aside and logged."""
DAMAGED = ".damaged-"
STAMP = "%Y%m%dT%H%M%SZ"


class PassingFault(StoreFault):
    """A store that is locked, full, restarting or out of reach: the same question may be answered in a moment.

    `what` is the clause that says so, without a full stop; `advice` are the sentences after it.
    """

    def __init__(self, what: str, advice: str) -> None:
        self.what = what
        super().__init__(f"{what}. {advice}")


def disk_full(place: Path) -> bool:
    """Return whether the disk of this file or folder is full. False where that can't be determined."""
    folder = place if place.is_dir() else place.parent
    try:
        if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
            return True
        left = os.statvfs(folder) if hasattr(os, "statvfs") else None
    except OSError:
        return False
    return left is not None and left.f_files > 0 and left.f_favail == 0  # no room for one more file


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Raise errors of the disk while the block writes a file: PassingFault for a full disk, else StoreFault."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PassingFault(f"{file} can't be written: the disk is full", "Free some space and try again.") from error
        raise StoreFault(
            f"{file} can't be written: {error.strerror or error}. Make it writable, or set WFM_DATA_DIR to another folder."
        ) from error


def set_aside_if_damaged(file: Path, module: ModuleType = sqlite3) -> Path | None:
    """Rename a damaged file without facts, with its -wal and -shm, to `NAME.damaged-UTC TIME`; None where nothing was done.

    A file that is locked, may not be read, or is no file is left alone: opening it reports that. Raises StoreFault where a
    damaged one can't be renamed. `module` as for `damage`.
    """
    if file.name not in WITHOUT_FACTS or damage(file, module) is None:
        return None
    try:
        with FileLock(f"{file}.lock"):
            why = damage(file, module)  # two processes may find the damage together: the second one finds the new file
            if why is None:
                return None
            aside = _free_name(file, datetime.now(UTC))
            for side in SIDES:
                if Path(f"{file}{side}").exists():
                    Path(f"{file}{side}").rename(f"{aside}{side}")
    except OSError as error:
        raise StoreFault(f"{file} is damaged and can't be set aside ({error.strerror}). Move it away by hand.") from error
    SET_ASIDE_HERE.append(aside)
    log.warning("%s (%s)", damage_sentence(aside), why)
    return aside


def set_aside_since(folder: Path, since: datetime) -> list[Path]:
    """Return the files in the folder that any process set aside at `since` or later; the oldest first."""
    begins = f"{since.astimezone(UTC):{STAMP}}"
    aside = [(path.name.partition(DAMAGED)[2], path) for path in folder.glob(f"*{DAMAGED}*")]
    return [path for stamp, path in sorted(aside) if stamp >= begins and not path.name.endswith(("-wal", "-shm"))]


def damage_sentence(aside: Path) -> str:
    """Say what happened to a damaged file, in a sentence for people."""
    return f"{aside.name.partition(DAMAGED)[0]} was damaged. It is kept as {aside}, and a new one was made. It held no facts."


def damage(file: Path, module: ModuleType = sqlite3) -> str | None:
    """Return what is wrong with a readable SQLite file; None for a whole one, and for one that can't be checked now.

    `module` is what this process opens the file with: a second library, closing it, would release the first one's locks.
    """
    if not file.is_file():
        return None
    try:
        # Read only, so that the check changes nothing and leaves the -wal of a damaged file where it is.
        connection = module.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=CHECK_TIMEOUT_S)
        with closing(connection):
            verdicts = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
    except module.DatabaseError as error:
        return str(error) if "malformed" in str(error) or "not a database" in str(error) else None
    return None if verdicts == ["ok"] else str(verdicts[0]).splitlines()[-1]


def _free_name(file: Path, now: datetime) -> Path:
    name, more = f"{file}{DAMAGED}{now:{STAMP}}", 1
    aside = Path(name)
    while aside.exists():
        more += 1
        aside = Path(f"{name}-{more}")
    return aside
