"""Words that name agents, as files and people write them: ids, e-mails and names, and what stands around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

EMAIL = re.compile(r"[^\s<>,;:\"“”()\[\]{}|@/]+@[^\s<>,;:\"“”()\[\]{}|@/]+")
GUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_BREAKS = re.compile(r"[\n\r\v\f\t;|\u2028\u2029；]+")
_COMMAS = re.compile(r"[,，、]+")
_QUOTES = "\"'“”„‟‘’‚‛«»`´"
_PAIRS = frozenset({"{}", "<>", "()", "[]", "＜＞", "「」"})
_MARK = re.compile(r"[^\w .#&+/-]|^\s|\s$")
GUID_LENGTH = 36
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Signs without a shape, which travel along when people copy."""
_FORMULA = re.compile(r'=\s*"(.*)"', re.DOTALL)


def fold_name(name: str) -> str:
    """A name for looking up: without case, and without regard to blanks and to how its accents are stored."""
    return " ".join((name if name.isascii() else unicodedata.normalize("NFKC", name)).casefold().split())


def is_bare(text: str) -> bool:
    """Whether a text is one word or name, with nothing around it and no id inside. Most cells are: this is quick."""
    return _MARK.search(text) is None and (len(text) < GUID_LENGTH or GUID.search(text) is None)


def bare_word(text: str) -> str:
    """A word without what stands around it in files: blanks, quotes, brackets, braces, `mailto:`, a formula's mark."""
    if is_bare(text):
        return text
    word = _UNSEEN.sub("", text).strip(" \t\r\n\u00a0\u3000;,")
    if formula := _FORMULA.fullmatch(word):
        word = formula[1]
    while len(word) > 1:
        inner = word.strip(_QUOTES).strip()
        if inner[:1] + inner[-1:] in _PAIRS and len(inner) > 1:
            inner = inner[1:-1].strip()
        if inner[:7].lower() == "mailto:":
            inner = inner[7:].strip()
        if inner == word:
            break
        word = inner
    return word


def sure_words(text: str) -> tuple[str, ...]:
    """The e-mails and ids in a text, each once: what is known by its form alone."""
    found = (*(EMAIL.findall(text) if "@" in text else ()), *(GUID.findall(text) if len(text) >= GUID_LENGTH else ()))
    if not found:
        return ()
    return tuple(
        dict.fromkeys(word for one in found if (word := one.strip(f"{_QUOTES}.!?")) and "@" not in (word[0], word[-1]))
    )


def pieces(text: str) -> tuple[str, ...]:
    """What stands between line breaks, tabs, semicolons and bars."""
    return tuple(piece for part in _BREAKS.split(text) if (piece := part.strip()))


def parts(piece: str) -> tuple[str, ...]:
    """What stands between the commas of a piece."""
    return tuple(part for one in _COMMAS.split(piece) if (part := one.strip()))


def without(text: str, words: Iterable[str]) -> str:
    """A text with these words taken out."""
    for word in words:
        text = text.replace(word, " ")
    return text
