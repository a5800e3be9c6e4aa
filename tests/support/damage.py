"""Ways in which a SQLite file comes to harm, and a disk that is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096


def _zero_page(data: bytes) -> bytes:
    middle = len(data) // PAGE // 2 * PAGE
    assert middle >= PAGE, "too small to have a middle"
    return data[:middle] + bytes(PAGE) + data[middle + PAGE :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda data: os.urandom(len(data)),
    "truncated": lambda data: data[: len(data) // 2],
    "cut within its head": lambda data: data[:50],
    "a zero page in the middle": _zero_page,
    "another type of file": lambda data: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
}


def damage_file(file: Path, how: str) -> bytes:
    """Damages a file that nobody has open; its bytes from then on."""
    damaged = DAMAGES[how](file.read_bytes())
    file.write_bytes(damaged)
    for side in ("-wal", "-shm"):
        Path(f"{file}{side}").unlink(missing_ok=True)
    return damaged


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A disk of its own at this folder, so many KB in size. Skips the test where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here (that takes root): {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(folder: Path, name: str = "filler") -> Path:
    """A file that takes all the room that is left on the folder's disk; unlink it to make room again."""
    filler = folder / name
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(PAGE)):
                pass
        except OSError:
            pass
    return filler
