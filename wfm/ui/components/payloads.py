"""Raw requests and responses, ready to be read: indented where they are JSON, cut where they are long."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wfm.domain.operations import Exchange
from wfm.domain.redaction import redact_headers, redact_text
from wfm.domain.text import inert, neutral
from wfm.ui.components.times import milliseconds

MAX_BODY = 20_000
ONE_LINE = 70
"""JSON up to this many characters stays on one line."""


def pretty(body: str | None) -> str:
    """The body to be read: JSON indented, anything else as it came. Plain, for coloured tokens lack contrast."""
    if body is None or body == "":
        return "(empty)"
    try:
        value = json.loads(body)
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > ONE_LINE:
            text = json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        text = body
    text = redact_text(text)
    if len(text) > MAX_BODY:
        text = f"{text[:MAX_BODY]}\n… {len(text) - MAX_BODY:,} more characters: download the run to read them"
    return raw(text)


def raw(text: str) -> str:
    """Lines of others as a block of code: nothing in them is hidden or turns the line round."""
    return neutral(inert(text, lines=True))


def headers(values: Mapping[str, str]) -> str:
    """Headers a line each, secrets out, in alphabetical order."""
    return raw("\n".join(f"{name}: {value}" for name, value in sorted(redact_headers(values).items()))) or "(none)"


def answer_line(exchange: Exchange) -> str:
    """How one attempt was answered: "403 after 41 ms", "no answer: timeout after 10.0 s", "403" where nobody measured."""
    ended = str(exchange.status) if exchange.status is not None else f"no answer: {exchange.fault or 'unknown'}"
    return f"{ended} after {milliseconds(exchange.duration_ms)}" if exchange.duration_ms else ended
