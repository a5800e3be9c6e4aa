"""Text of others, made safe to stand inside our Markdown."""

from __future__ import annotations

import re

from wfm.domain.text import bounded, echoed, inert, isolated

MAX_SHOWN = 10_000
"""Characters of one text of others on a screen."""
_APART = r"\s,;()<>\[\]“”"
_MADE_OF_TEXT = re.compile(
    rf"((?:https?://|www\.)[^{_APART}]*[^.:!?{_APART}]"
    rf"|(?<![^:{_APART}])[^:{_APART}]+@[^{_APART}]*[^.{_APART}]"
    r"|:(?:material/[^\s:]+|streamlit):)",
    re.IGNORECASE,
)
"""Addresses, e-mails and icons. They are found in the text after Markdown is read, where no backslash protects them."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")


def escape_markdown(text: str) -> str:
    """Names, causes, sentences: whatever holds words of others, shown as they are and never as Markdown, a link or an icon.

    Everything of others that reaches Markdown (text, labels, titles of boxes, captions, help, toasts) goes through here, or
    through `code` where it is an id. On one line: a line break would begin a list or a heading.
    """
    parts = _MADE_OF_TEXT.split(inert(" ".join(bounded(text, MAX_SHOWN).split())))
    shown = "".join(code(part) if number % 2 else _SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))
    return isolated(shown, sentence=True)


def code(text: str) -> str:
    """The text as inline code, whatever backticks it holds."""
    clean = isolated(inert(" ".join(bounded(text, MAX_SHOWN).split())))
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {clean} {fence}" if longest else f"`{clean}`"


def cell(text: str) -> str:
    """The text of others as a table's cell, an option of a list or a chart's label, none of which is Markdown.

    On one line, inert, isolated from what stands beside it, and of bounded length.
    """
    return isolated(echoed(text))
