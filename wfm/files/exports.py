"""Runs as files: CSV for a spreadsheet, JSON Lines for a program. Pure: iterators in, bytes out, constant memory.

A cell that a spreadsheet would run as a formula is made text by a leading apostrophe (source: OWASP, CSV injection).
Payloads are redacted before they are stored; text is cleaned by shape once more on its way out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from wfm.domain.operations import Exchange, Run
from wfm.domain.redaction import redact_text
from wfm.domain.spreadsheet_cells import safe_cell

COLUMNS = (
    *("time", "agent", "agent_id", "operation", "operation_id", "phase", "route", "action", "via", "call", "outcome", "status"),
    *("code", "kind", "cause", "missing", "retryable", "correlation_id", "attempts", "duration_ms", "finished", "fingerprint"),
    *("example", "note", "run"),
)
"""Columns of the CSV and members of the JSON Lines, in this order. Times are UTC, durations milliseconds."""

_BATCH_BYTES = 64_000


@lru_cache(maxsize=8_192)
def _clean(text: str) -> str:
    """`redact_text` of what stands in run after run: names, titles, calls, causes."""
    return redact_text(text)


def run_record(run: Run) -> dict[str, object]:
    """One run as JSON values: every member of COLUMNS, None where nothing is known."""
    return {
        "time": _instant(run.started_at),
        "agent": _clean(run.agent_name),
        "agent_id": run.agent_id,
        "operation": _clean(run.operation_title),
        "operation_id": run.operation_id,
        "phase": run.phase.value,
        "route": run.route,
        "action": None if run.action is None else _clean(run.action),
        "via": run.via,
        "call": _clean(run.call),
        "outcome": run.outcome.value,
        "status": run.status,
        "code": None if run.code is None else _clean(run.code),
        "kind": run.kind.value if run.kind else None,
        "cause": _clean(run.cause),
        "missing": list(run.missing),
        "retryable": run.retryable,
        "correlation_id": run.correlation_id,
        "attempts": run.attempts,
        "duration_ms": run.duration_ms,
        "finished": _instant(run.finished_at),
        "fingerprint": run.fingerprint,
        "example": run.example,
        "note": _clean(run.note),
        "run": run.id,
    }


def csv_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """The runs as CSV (RFC 4180, UTF-8 with a byte-order mark, so that spreadsheets read the names right).

    Yields chunks of some 64 KB; the header comes even when there is no run.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for run in runs:
        writer.writerow([_cell(value) for value in run_record(run).values()])
        if buffer.tell() > _BATCH_BYTES:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "replace")


def json_lines(runs: Iterable[Run]) -> Iterator[bytes]:
    """The runs as JSON Lines, UTF-8, one object a line. Yields chunks of some 64 KB, nothing when there is no run."""
    lines: list[bytes] = []
    size = 0
    for run in runs:
        line = json.dumps(run_record(run), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        lines.append(line)
        size += len(line)
        if size > _BATCH_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)


_PARQUET_ROWS = 5_000
_PARQUET_CHARACTERS = 8_000_000
"""Of one row group: payloads may be long."""
_WHOLE = {"status": "Int16", "attempts": "Int32", "duration_ms": "Int64", "retryable": "boolean", "example": "boolean"}
_FOR_PANDAS = {
    "columns": [
        {"name": name, "field_name": name, "pandas_type": kind.lower(), "numpy_type": kind, "metadata": None}
        for name, kind in _WHOLE.items()
    ],
    "index_columns": [],
    "column_indexes": [],
}
"""Without it pandas makes a float of every whole number that may be missing, and an object of every such truth."""


class _Drain(io.RawIOBase):
    """A file that is only written to, and emptied as it fills."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(self.pieces[-1])

    def take(self) -> bytes:
        found, self.pieces = b"".join(self.pieces), []
        return found


def parquet_bytes(records: Iterable[Mapping[str, object]], *, payloads: bool = False) -> Iterator[bytes]:
    """Records as `run_record` gives them as one Parquet file, in pieces.

    A row group of 5,000 runs, or of fewer long ones, is held at a time. `payloads` adds the column `exchanges`: the attempts
    as JSON text. Text is text in Parquet: nothing is run as a formula.
    """
    import pyarrow as pa  # a large library, loaded only by who writes Parquet
    import pyarrow.parquet as pq

    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, pa.string())
    kinds |= dict.fromkeys(("time", "finished"), pa.timestamp("ms", tz="UTC"))
    kinds |= {"status": pa.int16(), "attempts": pa.int32(), "duration_ms": pa.int64(), "missing": pa.list_(pa.string())}
    kinds |= dict.fromkeys(("retryable", "example"), pa.bool_())
    if payloads:
        kinds["exchanges"] = pa.string()
    schema = pa.schema(list(kinds.items()), metadata={"pandas": json.dumps(_FOR_PANDAS)})
    drain = _Drain()
    with pq.ParquetWriter(pa.PythonFile(drain, mode="w"), schema, compression="zstd") as writer:
        batch: list[dict[str, object]] = []
        size = 0
        for record in records:
            batch.append(_parquet_row(record))
            size += sum(len(value) for value in record.values() if isinstance(value, str))
            if len(batch) == _PARQUET_ROWS or size > _PARQUET_CHARACTERS:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch, size = [], 0
                yield drain.take()
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema))
    yield drain.take()


def _parquet_row(record: Mapping[str, object]) -> dict[str, object]:
    row = {name: well_formed(value) for name, value in record.items()}
    for name in ("time", "finished"):
        value = row[name]
        row[name] = datetime.fromisoformat(value) if isinstance(value, str) else None
    return row


def well_formed(value: object) -> object:
    """Text without half characters, which Parquet refuses."""
    if isinstance(value, list | tuple):
        return [well_formed(one) for one in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def run_payload(run: Run, exchanges: Iterable[Exchange]) -> dict[str, object]:
    """One run with every attempt, as the download of a single run gives it."""
    return run_record(run) | {"exchanges": [_exchange(exchange) for exchange in exchanges]}


def _exchange(exchange: Exchange) -> dict[str, object]:
    return {
        "number": exchange.number,
        "method": exchange.method,
        "url": redact_text(exchange.url),
        "request_body": exchange.request_body,
        "status": exchange.status,
        "response_headers": dict(exchange.response_headers),
        "response_body": exchange.response_body,
        "correlation_id": exchange.correlation_id,
        "fault": exchange.fault,
        "started": _instant(exchange.started_at),
        "duration_ms": exchange.duration_ms,
    }


def _cell(value: object) -> str:
    if isinstance(value, str):
        return safe_cell(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return safe_cell(" ".join(str(part) for part in value))
    return str(value)  # numbers are ours and may be negative; only text can carry a formula


def _instant(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None
