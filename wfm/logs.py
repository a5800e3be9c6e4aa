"""Logs of the processes beside the dashboard: appended to and bounded, so that a crash loop leaves a trace."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import BinaryIO

from wfm.domain.text import InertFormatter

LOG_FILE = "DESK_LOG_FILE"
"""Environment variable of a worker that the launcher starts: the file of its output."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MAX_LOG_BYTES = 2_000_000
KEPT_LOGS = 3
"""Full logs that are kept beside the one in use: NAME.1 is the newest."""
MAX_WORDS = 300
_BEGUN = "--- started"


class BoundedLog(RotatingFileHandler):
    """A log that also takes the process's own output: both move on to a new file together."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=MAX_LOG_BYTES, backupCount=KEPT_LOGS, encoding="utf-8")

    def doRollover(self) -> None:  # noqa: N802 - the name is of the standard library
        super().doRollover()
        if self.stream is not None:
            for output in (1, 2):
                os.dup2(self.stream.fileno(), output)


def set_up() -> None:
    """Log to standard error, or to the file that the launcher named; control characters in messages are made harmless."""
    file = os.environ.get(LOG_FILE)
    handler: logging.Handler = BoundedLog(Path(file)) if file else logging.StreamHandler()
    handler.setFormatter(InertFormatter(LOG_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    engine = logging.getLogger("dbos")  # otherwise it would add a handler that writes messages unchanged
    engine.addHandler(handler)
    engine.propagate = False


def open_log(file: Path, what: str) -> BinaryIO:
    """Open the file to append a new process's output to, and write a first line with the time. Raises OSError."""
    if file.exists() and file.stat().st_size >= MAX_LOG_BYTES:
        RotatingFileHandler(file, backupCount=KEPT_LOGS, delay=True).doRollover()
    log = file.open("ab")
    try:
        log.write(f"{_BEGUN} {what} {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        log.flush()
    except OSError:
        log.close()
        raise
    return log


def lines_since_start(file: Path) -> list[str]:
    """Return what the newest process has written to its log; nothing where the log can't be read."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    begun = max((number for number, line in enumerate(lines, start=1) if line.startswith(_BEGUN)), default=0)
    return lines[begun:]


def last_words(file: Path) -> str:
    """Return the last sentence of the newest process: why it failed, if it did. Empty where it wrote nothing."""
    lines = [line for line in lines_since_start(file) if line.strip() and not line.startswith(" ")]
    return lines[-1].strip()[:MAX_WORDS] if lines else ""
