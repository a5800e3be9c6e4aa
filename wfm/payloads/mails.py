"""The head of a mail in a pasted text: it tells when the mail was sent and nothing of what failed."""

from __future__ import annotations

import re

_NAMES = (
    "from|to|cc|bcc|date|sent|subject|reply-to|message-id|importance|"
    "von|an|datum|gesendet|betreff|de|à|para|envoyé|enviado|fecha|objet|asunto|data|assunto|da|a|oggetto|inviato|"
    "van|aan|verzonden|onderwerp"
)
_LINE = rf"\*?(?:{_NAMES})\*?[ \t]*:.*(?:\n[ \t]+\S.*)*"
_HEAD = re.compile(rf"^{_LINE}(?:\n{_LINE})+", re.IGNORECASE | re.MULTILINE)
"""Two such lines or more, one after the other: one alone may be any text with a colon."""
_SENT = re.compile(
    r"^\*?(?:date|sent|datum|gesendet|envoyé|enviado|fecha|data|inviato|verzonden)\*?[ \t]*:\*?[ \t]*(.+)$",
    re.IGNORECASE | re.MULTILINE,
)


def without_heads(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text with blanks where mails have their heads, and for each head (where it ends, when the mail says it was sent)."""
    heads: list[tuple[int, str]] = []

    def blanked(found: re.Match[str]) -> str:
        sent = _SENT.search(found.group())
        heads.append((found.end(), sent[1].strip() if sent else ""))
        return re.sub(r"[^\n]", " ", found.group())

    return _HEAD.sub(blanked, text), heads
