"""Large imports, exports and archives: `python -m benchmarks.imports [--megabytes 200] [--runs 1000000]`.

Each part runs in a process of its own, whose largest size is measured before and after: what the part itself took.
`make bench` runs all of them. The embedded database is in a temporary folder.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wfm.desk import Desk, ImportFormat
from wfm.domain.imported_runs import Unreadable
from wfm.domain.operations import RunFilter
from wfm.domain.people import Actor, Role
from wfm.domain.tenant import Tenant
from wfm.files.exports import COLUMNS, parquet_bytes
from wfm.files.imports import ImportContext, read_csv, read_json_lines
from wfm.ledger import Ledger
from wfm.settings import Settings

Line = Callable[..., None]

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ADMIN = Actor(subject="bench", name="Bench", role=Role.ADMIN)
BODY = {"code": "forbidden", "message": "Insufficient permissions for resource access", "contextId": "", "details": "…"}
PADDING = 1_500
"""Characters of each answer beside the error: pages of a proxy, stack traces."""


def imports(line: Line, megabytes: int = 200, runs: int = 1_000_000) -> None:
    """Measure every part and print its figures."""
    for part, what, amount, aim in (
        ("read-jsonl", f"read {megabytes} MB of JSON Lines", megabytes, "constant memory"),
        ("read-csv", f"read {megabytes} MB of CSV, cells over several lines", megabytes, "constant memory"),
        ("import", f"import {megabytes} MB of JSON Lines into SQLite", megabytes, "constant memory"),
        ("parquet", f"Parquet of {runs:,} runs", runs, "constant memory"),
        ("retain", f"archive {min(runs, 100_000):,} runs and take them out", min(runs, 100_000), ""),
    ):
        command = [sys.executable, "-m", "benchmarks.imports", "--part", part, "--amount", str(amount)]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        line(what, f"{figures['seconds']:.1f} s, {figures['mebibytes']:+.0f} MiB", aim)
        line("  ", f"{figures['n'] / figures['seconds']:,.0f} runs/s", figures["said"])


def _records(megabytes: float) -> Iterator[dict[str, object]]:
    """Yield this many megabytes of runs, a tenth of them failed, as another program would log them."""
    made = number = 0
    padding = "x" * PADDING
    while made < megabytes * 1_000_000:
        failed = number % 10 == 0
        record: dict[str, object] = {
            "timestamp": (NOW - timedelta(days=3, seconds=number % 5_000_000, milliseconds=number % 997)).isoformat(),
            "userId": f"agent-{number % 5_000:05d}",
            "action": "set_agent_unavailable",
            "correlationId": f"c-{number:09d}",
            "status": 403 if failed else 200,
            "response": json.dumps(BODY | {"details": padding}) if failed else f'{{"ok": true,\n "more": "{padding}"}}',
        }
        made += PADDING + 260
        number += 1
        yield record


def _json_lines(megabytes: float) -> Iterator[bytes]:
    for record in _records(megabytes):
        yield json.dumps(record).encode() + b"\n"


def _csv(megabytes: float) -> Iterator[bytes]:
    yield b"timestamp;userId;action;correlationId;status;response\r\n"
    for record in _records(megabytes):
        cells = (str(value).replace('"', '""') for value in record.values())
        yield (";".join(f'"{cell}"' for cell in cells) + "\r\n").encode()


class _Source(io.RawIOBase):
    """A file that is generated while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, bytearray()

    def read(self, size: int = -1, /) -> bytes:
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        found = bytes(self._held[:size])
        del self._held[:size]
        return found


def _desk(folder: str) -> Desk:
    tenant = Tenant(
        api_url="https://api.example.com",
        login_url="https://login.example.com",
        organization_id="bench",
        organization_name="Bench",
        is_demo=False,
    )
    settings = Settings(data_dir=Path(folder), _env_file=None)
    return Desk(settings, tenant, Ledger(f"sqlite:///{folder}/desk.sqlite"), None, lambda: NOW)


def _read(fmt: str, megabytes: int) -> tuple[int, str]:
    reading = ImportContext(now=NOW)
    found = read_json_lines(_json_lines(megabytes), reading) if fmt == "jsonl" else read_csv(_csv(megabytes), reading)
    runs = unreadable = 0
    for one in found:
        runs += 1
        unreadable += isinstance(one, Unreadable)
    return runs, f"{runs:,} runs, {unreadable} unreadable"


def _import(folder: str, megabytes: int) -> tuple[int, str]:
    desk = _desk(folder)
    report = desk.imports.add(_Source(_json_lines(megabytes)), ImportFormat.JSON_LINES, ADMIN)  # type: ignore[arg-type]
    total = desk.runs.page(RunFilter()).total
    desk.close()
    return report.added, f"{report.added:,} added, {total:,} in the history"


def _parquet(runs: int) -> tuple[int, str]:
    def records() -> Iterator[Mapping[str, object]]:
        blank = dict.fromkeys(COLUMNS)
        for number in range(runs):
            yield {
                **blank,
                "time": NOW.isoformat(),
                "agent_id": f"agent-{number % 5_000}",
                "run": f"{number:013d}",
                "cause": f"The OAuth client lacks a scope ({number}).",
                "missing": ["wfm:schedule:update"],
                "status": 403,
                "retryable": False,
            }

    size = sum(map(len, parquet_bytes(records())))
    return runs, f"{size / 1_000_000:.0f} MB"


def _retain(folder: str, runs: int) -> tuple[int, str]:
    desk = _desk(folder)
    source = _Source(_json_lines(runs * (PADDING + 260) / 1_000_000))
    added = desk.imports.add(source, ImportFormat.JSON_LINES, ADMIN).added  # type: ignore[arg-type]
    before = _size()
    began = time.perf_counter()
    report = desk.retention.run(ADMIN, 1)
    took = time.perf_counter() - began
    sizes = sum(file.stat().st_size for file in report.files)
    desk.close()
    _told(took, before, report.rows, f"of {added:,}; {len(report.files)} files, {sizes / 1_000_000:.0f} MB")
    return 0, ""


def _size() -> float:
    """Return the peak memory of this process in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage starts with the parent's figure
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def _told(seconds: float, before: float, n: int, said: str) -> None:
    print(json.dumps({"seconds": seconds, "mebibytes": _size() - before, "n": n, "said": said}))


def _part(part: str, amount: int) -> None:
    import pyarrow.parquet  # noqa: F401 - libraries are not what is measured

    with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder:
        if part == "retain":
            _retain(folder, amount)
            return
        if part == "import":
            warm = _desk(folder)
            warm.imports.add(io.BytesIO(b"".join(_json_lines(0.01))), ImportFormat.JSON_LINES, ADMIN)
            warm.close()
        before, began = _size(), time.perf_counter()
        if part == "parquet":
            n, said = _parquet(amount)
        elif part == "import":
            n, said = _import(folder, amount)
        else:
            n, said = _read(part.removeprefix("read-"), amount)
        _told(time.perf_counter() - began, before, n, said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--part", help="one part, in this process")
    parser.add_argument("--amount", type=int, default=0)
    given = parser.parse_args()
    if given.part:
        _part(given.part, given.amount)
        return

    def line(what: str, figure: str, aim: str = "") -> None:
        print(f"{what:<58} {figure:>26}   {aim}", flush=True)

    imports(line, given.megabytes, given.runs)


if __name__ == "__main__":
    main()
