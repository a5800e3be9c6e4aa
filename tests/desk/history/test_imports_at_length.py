"""Large imports: killed in the middle and begun again, at once from several processes, and in constant memory."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk.history.old_runs import ADMIN, House, as_lines, bring, came, everything, failed, record
from tests.ledger.audit import check_all
from wfm.desk import ImportFormat, imports
from wfm.domain.operations import RunFilter

ROOT = Path(__file__).resolve().parents[3]

IMPORTING = """
import sys, time
from pathlib import Path
from tests.desk.history.old_runs import ADMIN, House
from wfm.desk import ImportFormat, imports
imports.BATCH = 20
house = House(Path(sys.argv[1]), sys.argv[2])
real = house.ledger.imports.record
def told(*args):
    found = real(*args)
    print(found, flush=True)
    time.sleep(float(sys.argv[4]))
    return found
house.ledger.imports.record = told
with open(sys.argv[3], "rb") as source:
    house.desk.imports.add(source, ImportFormat.JSON_LINES, ADMIN)
"""


def importing(house: House, file: Path, pause: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", IMPORTING, str(house.folder), house.url, str(file), str(pause)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_process_killed_with_nine_in_the_middle_is_completed_by_importing_again(house: House, tmp_path: Path) -> None:
    data = as_lines(failed(n) if n % 2 else record(n) for n in range(400))
    file = tmp_path / "runs.jsonl"
    file.write_bytes(data)
    process = importing(house, file, 0.02)
    assert process.stdout is not None
    for _ in range(4):
        assert process.stdout.readline() == "20\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    kept = len(everything(house.desk))
    assert 80 <= kept < 400
    check_all(house.ledger)
    assert came(bring(house.desk, data)) == (400 - kept, kept, 0)
    assert house.desk.runs.page(RunFilter()).total == 400


def test_two_processes_at_once_add_each_run_once(house: House, tmp_path: Path) -> None:
    """Files that overlap: the first 300 and the last 300 of 400 runs."""
    for name, numbers in (("first", range(300)), ("last", range(100, 400))):
        (tmp_path / name).write_bytes(as_lines(failed(n) for n in numbers))
    both = [importing(house, tmp_path / name, 0) for name in ("first", "last")]
    added = 0
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        added += sum(map(int, out.split()))
    assert added == 400
    assert house.desk.runs.page(RunFilter()).total == 400


class Streamed(io.RawIOBase):
    """A file that is made while it is read, and can't be gone back in."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int = -1, /) -> bytes:
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        found, self._held = self._held[:size], self._held[size:]
        return found


@pytest.mark.parametrize("fmt", [ImportFormat.JSON_LINES, ImportFormat.CSV])
def test_importing_more_takes_no_more_memory(house: House, fmt: ImportFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole imports, diagnosed and stored, of 0.4 and 4 MB; benchmarks/imports.py does 200 MB."""
    monkeypatch.setattr(imports, "BATCH", 10)  # what is held: here a quarter of the smaller file
    body = "x" * 10_000

    def pieces(first: int, n: int) -> Iterator[bytes]:
        if fmt is ImportFormat.CSV:
            yield b"timestamp,userId,status,response\r\n"
        for number in range(first, first + n):
            one = failed(number, response=body, userId=f"agent-{number % 50}")
            if fmt is ImportFormat.CSV:
                yield f'{one["timestamp"]},{one["userId"]},403,"{body}"\r\n'.encode()
            else:
                yield as_lines([one])

    peaks = []
    bring(house.desk, [failed(9_999)])  # what is loaded once counts for neither
    for first, n in ((0, 40), (100, 400)):
        tracemalloc.start()
        try:
            report = house.desk.imports.add(Streamed(pieces(first, n)), fmt, ADMIN)  # type: ignore[arg-type]
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert report.added == n
    assert peaks[1] - peaks[0] < 1_500_000, peaks  # 3.6 MB more were read
