"""Short ways to read a text as a file of some format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from wfm.domain.imported_runs import ImportedRun, Unreadable
from wfm.files.imports import ImportContext, Read, read_csv, read_flow_data, read_json_lines, read_payloads

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
AT = "2026-11-20T10:00:00Z"
Found = tuple[list[ImportedRun], dict[int, str]]


def fresh(**more: object) -> ImportContext:
    return ImportContext(now=NOW, **more)  # type: ignore[arg-type]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def split(found: Iterable[Read]) -> Found:
    """The runs, and the sentences by line."""
    runs: list[ImportedRun] = []
    problems: dict[int, str] = {}
    for one in found:
        if isinstance(one, Unreadable):
            assert one.line not in problems, f"line {one.line} is named twice"
            problems[one.line] = one.why
        else:
            runs.append(one)
    return runs, problems


def csv_of(text: str | bytes, context: ImportContext | None = None, *, size: int = 7) -> Found:
    data = text.encode() if isinstance(text, str) else text
    return split(read_csv(pieces(data, size), context or fresh()))


def lines_of(text: str | bytes, context: ImportContext | None = None, *, size: int = 7) -> Found:
    data = text.encode() if isinstance(text, str) else text
    return split(read_json_lines(pieces(data, size), context or fresh()))


def flow_of(text: str | bytes, context: ImportContext | None = None) -> Found:
    data = text.encode() if isinstance(text, str) else text
    return split(read_flow_data(data, context or fresh()))


def paste_of(text: str, context: ImportContext | None = None) -> Found:
    return split(read_payloads(text, context or fresh()))
