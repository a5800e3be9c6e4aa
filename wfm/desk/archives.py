"""Archive files: flushed to disk and read back before runs are deleted; never overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from wfm.domain.errors import StoreFault
from wfm.domain.operations import Exchange, Run
from wfm.domain.redaction import redact_json
from wfm.files.exports import COLUMNS, parquet_bytes, run_payload, well_formed

PART = ".being-written"
"""The name of a file that is still being written. The next run of the policy removes what a killed one left."""
_ROWS = 500


def archive_record(run: Run, exchanges: Iterable[Exchange]) -> dict[str, object]:
    """A run as a row of an archive: all columns of an export, and its attempts as JSON text."""
    payload = run_payload(run, exchanges)
    payload["exchanges"] = json.dumps(redact_json(payload["exchanges"]), ensure_ascii=False)
    return payload


def write_archive(folder: Path, records: Iterable[Mapping[str, object]]) -> tuple[Path, list[str]]:
    """Write the records to a file that is not an archive yet; return it and the ids of its runs.

    The file is flushed to the disk, read back and compared record by record. Raises StoreFault, and leaves no file then.
    """
    part = folder / PART
    run_ids: list[str] = []
    given = hashlib.sha256()

    def noted() -> Iterator[Mapping[str, object]]:
        for record in records:
            run_ids.append(str(record["run"]))
            given.update(_compared(record))
            yield record

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for piece in parquet_bytes(noted(), payloads=True):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        back = hashlib.sha256()
        for batch in read_archive(part):
            for row in batch:
                back.update(_compared(row))
    except OSError as error:
        drop(part)
        raise StoreFault(
            f"The archive in {folder} can't be written ({error.strerror or error}). No run was deleted. "
            "Free space, or make the folder writable; the next run goes on."
        ) from error
    if back.digest() != given.digest():
        drop(part)
        raise StoreFault(f"The archive in {folder} reads back otherwise than it was written. No run was deleted.")
    return part, run_ids


def name_for(folder: Path, run_ids: list[str]) -> Path:
    """Return a name that no file has, made of the first and the last run id, which sort by time."""
    stem = f"runs-{run_ids[0]}-{run_ids[-1]}"
    names = chain([f"{stem}.parquet"], (f"{stem}-{n}.parquet" for n in count(2)))
    return next(path for name in names if not (path := folder / name).exists())


def settle_name(part: Path, whole: Path) -> None:
    """Rename the file and flush its folder to disk. Raises StoreFault."""
    try:
        part.replace(whole)
        folder = os.open(whole.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        drop(part)
        raise StoreFault(
            f"The archive {whole} can't be named ({error.strerror}). No run was deleted. The next run goes on."
        ) from error


def read_archive(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of an archive in batches. Raises OSError where it can't be read or is damaged."""
    import pyarrow as pa  # a large library, loaded only when something is archived
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS):
                yield batch.to_pylist()
    except pa.ArrowException as error:
        raise OSError(f"it is damaged: {type(error).__name__}") from error


def same_record(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Return whether two records, written or read back, hold the same values."""
    return _compared(one) == _compared(other)


def _compared(record: Mapping[str, object]) -> bytes:
    shown = {name: _plain(record.get(name)) for name in (*COLUMNS, "exchanges")}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return well_formed(value)


def drop(part: Path) -> None:
    """Remove a file that is not an archive yet, if it is there."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
