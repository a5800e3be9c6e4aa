"""Text search over names, codes, correlation ids and payloads: the same words on SQLite (FTS5) and PostgreSQL (GIN).

Both databases are given words that are cut here, so that no punctuation in a query can be read as their syntax and a
query finds the same on both. A word is a run of letters and digits; case and accents don't count; Chinese, Japanese and
Korean characters are words of their own. What a person writes without a space ("wfm:schedule:update", a correlation
id) is looked for as these words in this order; its last word may be the beginning of a longer one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_WORDS = 2_000
MAX_WORD_LENGTH = 200
MIN_PREFIX_LENGTH = 3

_PLAIN = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
_EACH_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_EACH_CHARACTER}]|(?:(?![{_EACH_CHARACTER}])[^\W_])+")
_ASCII_WORD = re.compile("[a-z0-9]+")


def fold(text: str) -> str:
    """The text without case and accents, for comparing what people type with what is stored."""
    if text.isascii():
        return text.lower()
    return _without_marks(_without_marks(text).casefold()).translate(_PLAIN)


def words_of(text: str) -> list[str]:
    folded = fold(text)
    # Most texts are plain, and each that is settled comes through here.
    found = (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)
    return found if len(folded) <= MAX_WORD_LENGTH else [word[:MAX_WORD_LENGTH] for word in found]


def document(parts: Iterable[str | None]) -> list[str]:
    """The words under which a run is found; at most 2,000, the first parts first."""
    words: list[str] = []
    for part in parts:
        if part:
            # A body may be long; no more of it than can still be kept is cut into words.
            words += words_of(part[: MAX_WORDS * 20])
            if len(words) >= MAX_WORDS:
                return words[:MAX_WORDS]
    return words


def sqlite_document(words: list[str]) -> str:
    """What FTS5 keeps."""
    return " ".join(words)


def postgres_document(words: list[str]) -> str:
    """The literal of a tsvector: every word with its place. PostgreSQL puts the places of one word together, up to 255."""
    return " ".join([f"'{word}':{place}" for place, word in enumerate(words, start=1)])


def sqlite_query(text: str, *, open_ended: bool = True) -> str | None:
    """The FTS5 expression for what a person typed; None when it holds no letter and no digit.

    With `open_ended=False` last words are whole ones: it finds fewer runs, but can give the newest without gathering all.
    """
    phrases = _phrases(text)
    if not phrases:
        return None
    return " AND ".join(f'"{" ".join(phrase)}"' + (" *" if open_ended and _open_ended(phrase) else "") for phrase in phrases)


def sqlite_patterns(text: str) -> list[str]:
    """What stands in a document, with a space before and behind it, that `sqlite_query` finds: all of these."""
    return [f" {' '.join(phrase)}" + ("" if _open_ended(phrase) else " ") for phrase in _phrases(text)]


def postgres_query(text: str) -> str | None:
    """The literal of a tsquery for what a person typed; None when it holds no letter and no digit."""
    phrases = _phrases(text)
    if not phrases:
        return None
    parts = []
    for phrase in phrases:
        quoted = [f"'{word}'" for word in phrase]
        if _open_ended(phrase):
            quoted[-1] += ":*"
        parts.append("(" + " <-> ".join(quoted) + ")")
    return " & ".join(parts)


def _phrases(text: str) -> list[list[str]]:
    return [words for given in text.split() if (words := words_of(given))]


def _open_ended(phrase: list[str]) -> bool:
    # A short beginning alone would match half of all words.
    return len(phrase) > 1 or len(phrase[-1]) >= MIN_PREFIX_LENGTH


def _without_marks(text: str) -> str:
    # Hangul is kept composed: one syllable, one word.
    if text.isascii():
        return text
    stripped = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", stripped)
