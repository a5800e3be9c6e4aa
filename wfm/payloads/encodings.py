"""From the bytes of a file, whatever wrote it, to numbered lines of text in constant memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from wfm.domain.errors import BadInput
from wfm.payloads.limits import MAX_BYTES

MAX_LINE_BYTES = 1_000_000
"""Bytes of one line. A longer one is named and left out; no more of it than this is ever held."""

_SNIFFED = 64_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NATIONAL = ("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp1253")
"""Of scripts that are not Latin, whose texts leave no doubt. What is Latin and no UTF-8 is read as Windows-1252."""
_MIN_FOREIGN = 20
"""Bytes above ASCII from which on the encoding of a text can be told: below, some Latin names pass for Cyrillic ones."""
_ASCII = bytes(range(128))
_NAMES = {"cp932": "Shift-JIS", "cp949": "EUC-KR", "cp1251": "Windows-1251", "cp1253": "Windows-1253"}
_GZIP = b"\x1f\x8b\x08"
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


def decode(body: bytes | str | None) -> tuple[str, bool]:
    """Return a body as text, and whether it was cut at MAX_BYTES. Gzip is unpacked; no bytes are refused."""
    if body is None:
        return "", False
    cut = len(body) > MAX_BYTES
    if isinstance(body, str):
        return body[:MAX_BYTES], cut
    raw = bytes(body[:MAX_BYTES])
    if raw.startswith(_GZIP):
        raw, cut = _unpacked(raw, cut)
    return raw.decode(encoding_of(raw) or "utf-8", "replace"), cut


def _unpacked(raw: bytes, cut: bool) -> tuple[bytes, bool]:
    """What a gzip'd body holds, up to MAX_BYTES; of a truncated one the part that is there. Never more work than that."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        found = unpack.decompress(raw, MAX_BYTES)
    except zlib.error:
        return raw, cut
    return (found, bool(unpack.unconsumed_tail)) if found else (raw, cut)


def encoding_of(start: bytes) -> str | None:
    """Return the encoding of a text by its first bytes: UTF-16 and UTF-32, those of scripts that are not Latin; else None."""
    return _unicode_encoding(start) or (None if start.isascii() else _national_encoding(start[:_SNIFFED]))


def _national_encoding(start: bytes) -> str | None:
    """A text of one encoding without any mark. Lines that are UTF-8 beside some that are not are not one text."""
    foreign = [line for line in start.split(b"\n") if not line.isascii()]
    if len(start.translate(None, _ASCII)) < _MIN_FOREIGN or sum(map(_is_utf8, foreign)) * 2 >= len(foreign):
        return None
    from charset_normalizer import from_bytes  # 0.1 s to load, needed for few files

    guess = from_bytes(start, cp_isolation=[*_NATIONAL, "cp1252"]).best()
    return guess.encoding if guess is not None and guess.encoding in _NATIONAL else None


def _is_utf8(line: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)  # the last line may break off inside a character
    except UnicodeDecodeError:
        return False
    return True


def _unicode_encoding(start: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    start = start[:1_000]
    even, odd = start[0::2], start[1::2]
    if odd[:1] == b"\0" and even[:1] in (b"{", b"[", b"<", b'"'):
        return "utf-16-le"
    if even[:1] == b"\0" and odd[:1] in (b"{", b"[", b"<", b'"'):
        return "utf-16-be"
    if len(start) >= 8 and odd.count(0) > len(odd) * 0.6 and even.count(0) < len(even) * 0.1:
        return "utf-16-le"
    if len(start) >= 8 and even.count(0) > len(even) * 0.6 and odd.count(0) < len(odd) * 0.1:
        return "utf-16-be"
    return None


def as_utf8(chunks: Iterable[bytes], notes: list[str] | None = None) -> Iterator[bytes]:
    """The same text as UTF-8 (or Windows-1252, see `text_of`) with lines ended by a line feed, in pieces.

    Lone carriage returns are known by the lack of line feeds. Raises BadInput for a packed file.
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
    encoding = encoding_of(first)
    if encoding is not None and not encoding.startswith("utf-8"):
        if notes is not None:
            notes.append(f"The file is {_shown(encoding)}, and was read as such.")
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        first = decoder.decode(first).encode("utf-8", "replace")
        coming = _decoded(coming, decoder)
    pieces = chain([first], coming) if first else iter(())
    if b"\r" in first and b"\n" not in first:
        return (piece.replace(b"\r", b"\n") for piece in pieces)
    return iter(pieces)


def _shown(encoding: str) -> str:
    """The name of an encoding as people know it: UTF-16, Shift-JIS."""
    if encoding.startswith("utf"):
        return encoding.upper()[:6]
    return _NAMES.get(encoding, encoding.upper().replace("_", "-"))


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
