"""A Parquet file that a desk wrote, an archive of the retention or an export, read back run by run in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from io import SEEK_END
from typing import Any, BinaryIO

from wfm.domain.errors import BadInput
from wfm.domain.imported_runs import Unreadable
from wfm.domain.operations import Exchange
from wfm.files.exports import COLUMNS
from wfm.files.imports.cell_values import number_of
from wfm.files.imports.column_mapping import MEANINGS
from wfm.files.imports.records import ImportContext, Read, run_from

MAX_ROW_GROUP_BYTES = 256_000_000
"""Bytes of one row group unpacked. The desk's own hold 5,000 runs, some megabytes."""

_NEEDED = ("time", "agent_id", "outcome", "run")
_ROWS = 500


def read_parquet(source: BinaryIO, context: ImportContext, progress: Callable[[int], None] | None = None) -> Iterator[Read]:
    """The runs of the file. `line` is the row, from 1; `progress` is told its share of the file's bytes.

    Raises BadInput for a file that no desk wrote or that is damaged.
    """
    import pyarrow as pa  # a large library, loaded only by who reads Parquet
    import pyarrow.parquet as pq

    accepted = "a Parquet file that the desk wrote: an archive or an export"
    if not source.seekable():
        raise BadInput("file", "a stream", "a Parquet file as a whole: its contents are listed at its end")
    size = source.seek(0, SEEK_END)
    source.seek(0)
    try:
        file = pq.ParquetFile(source)
        names = set(file.schema_arrow.names)
        groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
        if max((group.total_byte_size for group in groups), default=0) > MAX_ROW_GROUP_BYTES:
            raise BadInput("file", "row groups above 256 MB", accepted)
        if lacking := [name for name in _NEEDED if name not in names]:
            raise BadInput("file", f"Parquet without the column {lacking[0]}", accepted)
        line = 0
        for batch in file.iter_batches(_ROWS, columns=[name for name in (*COLUMNS, "exchanges") if name in names]):
            for row in batch.to_pylist():
                line += 1
                yield _run(line, row, context)
            if progress is not None:
                progress(size * line // file.metadata.num_rows)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise BadInput("file", f"damaged Parquet ({type(error).__name__})", accepted) from None


def _run(line: int, row: dict[str, Any], context: ImportContext) -> Read:
    try:
        exchanges = tuple(_exchange(one) for one in json.loads(row.pop("exchanges", None) or "[]"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Unreadable(line=line, why="The attempts of this run can't be read.")
    found = run_from(line, row, {name: name for name in MEANINGS if name in row}, context, own=True)
    if isinstance(found, Unreadable) or not exchanges:
        return found
    return replace(found, exchanges=exchanges)


def _exchange(given: Mapping[str, Any]) -> Exchange:
    status = number_of(given["status"])
    return Exchange(
        number=int(given["number"]),
        method=str(given["method"]),
        url=str(given["url"]),
        request_body=given["request_body"],
        status=None if status is None else int(status),
        response_headers={str(name): str(value) for name, value in dict(given["response_headers"]).items()},
        response_body=given["response_body"],
        correlation_id=given["correlation_id"],
        fault=str(given["fault"]),
        started_at=datetime.fromisoformat(given["started"]),
        duration_ms=int(given["duration_ms"]),
    )
