"""From the bytes of a file, whatever wrote it, to numbered lines of text in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from wfm.domain.errors import BadInput

MAX_LINE_BYTES = 1_000_000
"""Bytes of one line. A longer one is named and left out; no more of it than this is ever held."""

_SNIFFED = 64_000
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = (
    (b"\x1f\x8b", "a gzip file", "the file unpacked"),
    (b"PK\x03\x04", "a ZIP file or a workbook", "the file unpacked, or the sheet saved as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old workbook", "the sheet saved as CSV"),
    (b"BZh", "a bzip2 file", "the file unpacked"),
    (b"\xfd7zXZ\x00", "an xz file", "the file unpacked"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "the file unpacked"),
    (b"PAR1", "a Parquet file", "the format “parquet” for it"),
)
"""Unpacking is left to people: a few kilobytes may hold gigabytes."""


def as_utf8(chunks: Iterable[bytes], notes: list[str] | None = None) -> Iterator[bytes]:
    """The same text as UTF-8 (or an 8-bit encoding, see `text_of`) with lines ended by a line feed, in pieces.

    UTF-16 and UTF-32 are known by their mark, UTF-16 also by its zero bytes; lone carriage returns by the lack of line
    feeds. Raises BadInput for a packed file.
    """
    coming = iter(chunks)
    first = b""
    for chunk in coming:
        first += chunk
        if len(first) >= _SNIFFED:
            break
    for magic, what, accepted in _PACKED:
        if first.startswith(magic):
            raise BadInput("file", what, accepted)
    encoding = next((name for mark, name in _MARKS if first.startswith(mark)), None) or _unmarked(first)
    if encoding is not None:
        if notes is not None:
            notes.append(f"The file is {encoding.upper()[:6]}, and was read as such.")
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        first = decoder.decode(first).encode("utf-8", "replace")
        coming = _decoded(coming, decoder)
    pieces = chain([first], coming) if first else iter(())
    if b"\r" in first and b"\n" not in first:
        return (piece.replace(b"\r", b"\n") for piece in pieces)
    return iter(pieces)


def _unmarked(first: bytes) -> str | None:
    """UTF-16 without a mark: of plain text every other byte is zero."""
    start = first[:1_000]
    even, odd = start[0::2], start[1::2]
    if len(start) < 8:
        return None
    if odd.count(0) > len(odd) * 0.6 and even.count(0) < len(even) * 0.1:
        return "utf-16-le"
    if even.count(0) > len(even) * 0.6 and odd.count(0) < len(odd) * 0.1:
        return "utf-16-be"
    return None


def _decoded(pieces: Iterable[bytes], decoder: codecs.IncrementalDecoder) -> Iterator[bytes]:
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def lines_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines of a file that comes in pieces; None for one that is longer than 1 MB."""
    number, held, too_long = 0, b"", False
    for chunk in chunks:
        held += chunk
        if b"\n" in chunk:
            *whole, held = held.split(b"\n")
            for line in whole:
                number += 1
                yield number, None if too_long or len(line) > MAX_LINE_BYTES else line
                too_long = False
        if len(held) > MAX_LINE_BYTES:
            held, too_long = b"", True
    if held or too_long:
        yield number + 1, None if too_long else held


def text_of(number: int, line: bytes, notes: list[str]) -> str:
    """A line as text, without its end and without zero characters. What is no UTF-8 is read as Windows-1252, and said."""
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("cp1252", "replace")
        if not any("Windows-1252" in note for note in notes):
            notes.append(f"Line {number:,} is no UTF-8. It, and others like it, were read as Windows-1252.")
    return text.rstrip("\r").replace("\0", "")
