"""Raw requests and responses, ready to be read: indented where they are JSON, cut where they are long."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st

from wfm.domain.operations import Exchange
from wfm.domain.redaction import redact_headers, redact_text
from wfm.domain.text import inert, neutral
from wfm.ui.components import ids
from wfm.ui.components.markdown import code, escape_markdown
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


def request_line(exchange: Exchange) -> str:
    """Method and address, once each: of an import the address may hold both."""
    line = f"{exchange.method} {exchange.url}"
    return exchange.url if exchange.url.startswith(f"{exchange.method} ") else line


def show_exchange(exchange: Exchange, *, when: str = "", correlation_id: str | None = None) -> None:
    """Draw one attempt. `when` follows its answer; `correlation_id` is shown where the answer has none."""
    st.markdown(f"Request {code(request_line(exchange))}")
    st.code(pretty(exchange.request_body), language=None, wrap_lines=True)
    st.markdown(f"Response **{escape_markdown(answer_line(exchange))}**{when}")
    answer = pretty(exchange.response_body) if exchange.status is not None else raw(f"no answer: {exchange.fault or 'unknown'}")
    st.code(answer, language=None, wrap_lines=True)
    ids.correlation(exchange.correlation_id or correlation_id)
