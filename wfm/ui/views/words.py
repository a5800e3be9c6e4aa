"""Text of others, made safe to stand inside our Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")


def plain(text: str) -> str:
    """Names, causes, URLs: whatever comes from a tenant or an address bar, shown as it is and never as Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """The text as inline code, whatever backticks it holds."""
    clean = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {clean} {fence}" if longest else f"`{clean}`"


def listed(words: list[str] | tuple[str, ...], joint: str = "and") -> str:
    """Words as a person lists them: "a, b and c"."""
    return f"{', '.join(words[:-1])} {joint} {words[-1]}" if len(words) > 1 else "".join(words)


def count(number: int, one: str, many: str = "") -> str:
    """A number with its word: "1 run", "212 runs"."""
    return f"{number:,}".replace(",", "\u202f") + " " + (one if number == 1 else many or one + "s")
