"""Exports of a whole filter: their types, their memory, what is written meanwhile, and a reader who goes away."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.desk.history.old_runs import ADMIN, NOW, House, bring, failed, record
from tests.ledger.ledger_world import World
from wfm.domain.errors import BadInput
from wfm.domain.operations import ItemState, Outcome, RunFilter
from wfm.domain.redaction import HIDDEN
from wfm.domain.spreadsheet_cells import original_cell
from wfm.files.exports import COLUMNS, parquet_bytes
from wfm.ui.shell.web.routes import _file


def parquet_of(desk: Any, which: RunFilter | None = None) -> bytes:
    return b"".join(desk.runs.export(which or RunFilter(), "parquet"))


def test_every_format_holds_the_same_runs_in_the_same_order(house: House) -> None:
    bring(house.desk, [failed(n, note="=1+1") if n % 2 else record(n) for n in range(30)])
    lines = [json.loads(line) for line in b"".join(house.desk.runs.export(RunFilter(), "jsonl")).splitlines()]
    table = pq.read_table(io.BytesIO(parquet_of(house.desk))).to_pylist()
    text = b"".join(house.desk.runs.export(RunFilter(), "csv")).decode("utf-8-sig")
    cells = list(csv.DictReader(io.StringIO(text)))
    assert [one["run"] for one in lines] == [one["run"] for one in table] == [one["run"] for one in cells]
    assert len(lines) == 30
    for line, row, cell in zip(lines, table, cells, strict=True):
        assert row["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z") == line["time"] == cell["time"]
        assert [row[name] for name in COLUMNS if name not in ("time", "finished")] == [
            line[name] for name in COLUMNS if name not in ("time", "finished")
        ]
        assert original_cell(cell["note"]) == line["note"]
        assert not cell["note"].startswith("=")
    with pytest.raises(BadInput, match="format"):
        house.desk.runs.export(RunFilter(), "xlsx")


def test_a_filter_is_a_filter_in_parquet_too(house: House) -> None:
    bring(house.desk, [failed(n) if n % 3 == 0 else record(n) for n in range(9)])
    table = pq.read_table(io.BytesIO(parquet_of(house.desk, RunFilter(outcome=Outcome.FAILED))))
    assert table.column("agent_id").to_pylist() == ["agent-0", "agent-3", "agent-6"]
    empty = pq.read_table(io.BytesIO(parquet_of(house.desk, RunFilter(outcome=Outcome.SKIPPED))))
    assert (empty.num_rows, empty.column_names) == (0, list(COLUMNS))


def test_pandas_opens_parquet_with_the_right_types(house: House) -> None:
    World(house.ledger, house.url).in_effect(("anna", "bo"), states={"bo": ItemState.FAILED})
    bring(house.desk, [record(1, status=None, outcome="skipped", durationMs=3_000_000_000), failed(2)])
    frame = pd.read_parquet(io.BytesIO(parquet_of(house.desk)))
    assert str(frame.dtypes["time"].tz) == "UTC"
    assert str(frame.dtypes["finished"].tz) == "UTC"
    whole = {name: str(frame.dtypes[name]) for name in ("status", "attempts", "duration_ms", "retryable", "example")}
    assert whole == {
        "status": "Int16",
        "attempts": "Int32",
        "duration_ms": "Int64",
        "retryable": "boolean",
        "example": "boolean",
    }
    by_agent = frame.set_index("agent_id")
    assert by_agent["status"]["agent-1"] is pd.NA
    assert by_agent["status"]["bo"] == 403
    assert by_agent["retryable"]["agent-1"] is pd.NA
    assert not by_agent["retryable"]["bo"]
    assert by_agent["duration_ms"]["agent-1"] == 2_000_000_000
    assert list(by_agent["missing"]["bo"]) == ["wfm:schedule:update"]
    assert pd.isna(by_agent["operation_id"]["agent-1"])
    assert by_agent["time"]["agent-1"] == pd.Timestamp(NOW - timedelta(days=1, seconds=1))


def test_parquet_of_ten_times_as_many_runs_takes_no_more_memory() -> None:
    """Row groups of 5,000 leave one after the other; benchmarks/imports.py measures a million."""

    def records(n: int) -> Iterator[Mapping[str, object]]:
        blank = dict.fromkeys(COLUMNS)
        for number in range(n):
            text = f"{number} " * 20
            yield {**blank, "time": NOW.isoformat(), "run": str(number), "note": text, "missing": [], "status": 200}

    peaks, sizes = [], []
    for n in (5_000, 30_000):
        before = pa.total_allocated_bytes()
        arrow = size = 0
        tracemalloc.start()
        try:
            for piece in parquet_bytes(records(n)):
                size += len(piece)
                arrow = max(arrow, pa.total_allocated_bytes() - before)
            peaks.append(tracemalloc.get_traced_memory()[1] + arrow)
        finally:
            tracemalloc.stop()
        sizes.append(size)
    assert sizes[1] > 4 * sizes[0]
    assert peaks[1] < peaks[0] * 1.3, peaks


def test_long_payloads_leave_in_smaller_groups() -> None:
    blank = dict.fromkeys(COLUMNS)
    rows: Iterator[dict[str, object]] = (
        {**blank, "run": str(n), "missing": [], "exchanges": "x" * 100_000} for n in range(400)
    )
    data = b"".join(parquet_bytes(rows, payloads=True))
    metadata = pq.read_metadata(io.BytesIO(data))
    assert (metadata.num_rows, metadata.num_row_groups) == (400, 5)


def test_an_export_holds_what_was_there_while_runs_come_and_old_ones_go(house: House) -> None:
    bring(house.desk, [record(n, days=1) for n in range(1_200)])
    young = {run.id for batch in house.ledger.runs.batches(house.desk.tenant.key, RunFilter()) for run in batch}
    bring(house.desk, [record(n, days=60) for n in range(300)])
    stop = threading.Event()

    def write() -> None:
        other = house.another()
        n = 0
        while not stop.is_set():
            bring(other, [record(n, days=0.001, userId=f"new-{n}")])
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found: list[str] = []
        for piece in house.desk.runs.export(RunFilter(), "jsonl"):
            found += [json.loads(line)["run"] for line in piece.splitlines()]
            house.another().retention.run(ADMIN)
    finally:
        stop.set()
        writer.join(timeout=60)
    assert len(found) == len(set(found))
    assert young <= set(found)


class _Leaving:
    """An ASGI client that takes a few pieces and goes."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            self.left -= 1
            if self.left == 0:
                self.gone.set()
                await asyncio.sleep(0)


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "parquet"])
def test_a_reader_who_goes_away_releases_everything(house: House, fmt: str) -> None:
    bring(house.desk, [record(n, note="x" * 1_900) for n in range(1_100)])
    ended: list[bool] = []

    def watched() -> Iterator[bytes]:
        try:
            for piece in house.desk.runs.export(RunFilter(), fmt):
                yield piece
                yield b""
        finally:
            ended.append(True)

    async def visit(pieces: int) -> None:
        client = _Leaving(pieces)
        response = _file(watched(), fmt, NOW)
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}
        await asyncio.wait_for(response(scope, client.receive, client.send), timeout=60)
        assert ended == [True]

    asyncio.run(visit(2))
    pool = house.ledger.database.engine.pool
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    bring(house.desk, [record(5_000)])


def test_secrets_do_not_leave_in_any_format(house: House) -> None:
    secret = "hunter2hunter2"
    World(house.ledger, house.url).in_effect(("anna",), title=f"Upgrade password={secret}", states={"anna": ItemState.FAILED})
    for fmt in ("csv", "jsonl"):
        text = b"".join(house.desk.runs.export(RunFilter(), fmt)).decode()
        assert HIDDEN in text
        assert secret not in text
    shown = str(pq.read_table(io.BytesIO(parquet_of(house.desk))).to_pylist())
    assert (HIDDEN in shown, secret in shown) == (True, False)
