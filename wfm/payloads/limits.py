"""Limits and cleaning: whatever comes in, the work stays small and the strings that go out can be stored and shown."""

from __future__ import annotations

from wfm.domain.redaction import redact_text

MAX_BYTES = 256 * 1024
"""A longer body is read as text."""

HEAD, TAIL = 8_000, 2_000
"""Of a text, so many characters at its start and at its end are looked at."""

_CONTROL = {code: None for code in range(32) if code not in (9, 10)} | {127: None}


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
