"""State that survives a kill -9: an append-only file of JSON lines, written before the answer is sent.

A line handed to the operating system survives the death of the process (not of the machine: this is a demo). The file
is compacted at start: read, reduced to what still matters, written beside and renamed into place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from wfm.domain.errors import BadInput

FORMAT = 1


class Journal:
    """The file behind `--state`; without a path it keeps nothing. Raises BadInput for a file that is in use."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._lock: FileLock | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(f"{path}.lock")
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise BadInput("state", path, "a file that no other running demo tenant uses") from None

    def read(self) -> Iterator[dict[str, Any]]:
        """Read every whole line. Raises BadInput for a damaged one.

        A line cut short at the end (killed while writing) was never answered for and is dropped.
        """
        if self.path is None or not self.path.exists():
            return
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                if number == len(lines):
                    return
                accepted = f"a whole state file (line {number} of this one is damaged; move it away to start afresh)"
                raise BadInput("state", self.path, accepted) from None
            yield record

    def compact(self, records: Iterable[dict[str, Any]]) -> None:
        """Replace the file by these records and open it for appending."""
        if self.path is None:
            return
        if self._file is not None:
            self._file.close()
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("wb") as new:
            for record in records:
                new.write(orjson.dumps(record) + b"\n")
            new.flush()
            os.fsync(new.fileno())
        beside.replace(self.path)
        # Unbuffered: when write() returns, the line belongs to the operating system.
        self._file = FileIO(self.path, "ab")

    def append(self, record: dict[str, Any]) -> None:
        """Write one record; when this returns it survives the process. Raises OSError, and then nothing happened."""
        if self._file is None:
            return
        line = orjson.dumps(record) + b"\n"
        at = self._file.seek(0, os.SEEK_END)
        if self._file.write(line) != len(line):
            self._file.truncate(at)
            raise OSError("the state file takes no more")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
