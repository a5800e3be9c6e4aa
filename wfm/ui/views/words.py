"""Text of others, made safe to stand inside our Markdown."""

from __future__ import annotations

import re

_LINKED = re.compile(r"((?:https?://|www\.)[^\s,;]+|[^\s,;:()<>“”]+@[^\s,;()<>“”]*[^\s.,;()<>“”])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")


def plain(text: str) -> str:
    """Names, causes, URLs: whatever comes from a tenant or an address bar, shown as it is and never as Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def prose(text: str) -> str:
    """A sentence that quotes others: as `plain`, and an e-mail or address in it is no link either."""
    return "".join(code(part) if number % 2 else plain_part(part) for number, part in enumerate(_LINKED.split(text)))


def plain_part(text: str) -> str:
    """As `plain`, keeping the spaces at both ends."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", text))


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
