"""Bounds and cleaning: whatever comes in, the work stays small and the strings that go out can be stored and shown."""

from __future__ import annotations

import codecs
import re
import zlib

from wfm.domain.redaction import redact_text

MAX_BYTES = 256 * 1024
"""A longer body is read as text."""

MAX_DEPTH = 200
"""A deeper body is read as text."""

HEAD, TAIL = 8_000, 2_000
"""Of a text, so many characters at its start and at its end are looked at."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)  # a string left open reaches to the end, tried once
_WHOLE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_CONTROL = {code: None for code in range(32) if code not in (9, 10)} | {127: None}
_GZIP = b"\x1f\x8b\x08"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(body: bytes | str | None) -> tuple[str, bool]:
    """The body as text, and whether it was cut at MAX_BYTES. Bytes that are no UTF-8 are replaced, never refused."""
    if body is None:
        return "", False
    cut = len(body) > MAX_BYTES
    if isinstance(body, str):
        return body[:MAX_BYTES], cut
    raw = bytes(body[:MAX_BYTES])
    if raw.startswith(_GZIP):
        raw, cut = _unpacked(raw, cut)
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace"), cut
    if raw[1:2] == b"\0" and raw[:1] in b'{[<"':  # UTF-16 without its mark: every other byte of such a start is nothing
        return raw.decode("utf-16-le", "replace"), cut
    if raw[:1] == b"\0" and raw[1:2] in (b"{", b"[", b"<", b'"'):
        return raw.decode("utf-16-be", "replace"), cut
    return raw.decode("utf-8", "replace"), cut


def _unpacked(raw: bytes, cut: bool) -> tuple[bytes, bool]:
    """What a gzip'd body holds, up to MAX_BYTES; of a torn one the part that is there. Never more work than that."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        found = unpack.decompress(raw, MAX_BYTES)
    except zlib.error:
        return raw, cut
    return (found, bool(unpack.unconsumed_tail)) if found else (raw, cut)


def too_deep(text: str) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH. Counting first keeps the ordinary case free of a scan."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in "]}":
            depth = max(0, depth - 1)
    return False


def closed(text: str) -> str:
    """The text with the brackets closed that it left open; "" where it breaks off inside a string."""
    open_ones: list[str] = []
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token[0] == '"' and not _WHOLE.fullmatch(token):
            return ""
        if token in "[{":
            open_ones.append("]" if token == "[" else "}")
        elif token in "]}" and open_ones:
            open_ones.pop()
    return text.rstrip().rstrip(",") + "".join(reversed(open_ones))


def excerpt(text: str) -> str:
    """The start and the end of a long text: sentences stand first, identifiers last."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]}\n…\n{text[-TAIL:]}"


def tidy(text: str, limit: int = 1_000) -> str:
    """Text that can be encoded: no lone surrogates, no control characters, cut at `limit`. Secrets are still in it."""
    text = text[: limit * 2]
    if not text.isascii() or not text.isprintable():
        text = text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROL)
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clean(text: str, limit: int = 1_000) -> str:
    """Text that can leave this room, to be stored and shown: tidy, and without secrets."""
    return tidy(redact_text(text[: limit * 2]), limit)
