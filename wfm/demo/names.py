"""Names from many languages, and the ASCII form that an e-mail address needs.

The lists are Faker's own (one module a language); picking is ours, because it must give the same people for the same
seed, 50,000 of them in a second.
"""

from __future__ import annotations

import importlib
import random
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

LANGUAGES = (
    "de_DE", "es_CO", "tr_TR", "fr_FR", "pt_PT", "cs_CZ", "it_IT", "sv_SE", "hu_HU", "ro_RO", "fi_FI", "en_IN",
    "hr_HR", "nl_NL", "da_DK", "yo_NG", "vi_VN", "en_GB", "uk_UA", "el_GR", "ja_JP",
)  # fmt: skip
"""Faker's person providers that the demo tenant uses."""

# What Unicode decomposition leaves behind: letters with a stroke, ligatures, Cyrillic, Greek.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z",
        "и": "y", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p",
        "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
        "ь": "", "ю": "iu", "я": "ia", "ы": "y", "э": "e", "ъ": "", "ё": "e",
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
        "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
        "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name as its bearer writes it, and in ASCII for an e-mail address."""

    shown: str
    ascii: str


def fold(name: str) -> str:
    """Return lower-case ASCII letters, digits and hyphens of a name. Empty for a script that is not known here."""
    # й and ї are letters of their own: translated before decomposition takes their marks away.
    lowered = name.lower().translate(_LETTERS)
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", bare.translate(_LETTERS)).strip("-")


@cache
def _pool(language: str) -> tuple[tuple[Spelling, ...], tuple[Spelling, ...]]:
    provider = importlib.import_module(f"faker.providers.person.{language}").Provider
    if hasattr(provider, "first_name_pairs"):  # Japanese: (kanji, kana, romanised)
        firsts = [Spelling(pair[0], fold(pair[2])) for pair in provider.first_name_pairs]
        lasts = [Spelling(pair[0], fold(pair[2])) for pair in provider.last_name_pairs]
    else:
        given = [*provider.first_names_female, *provider.first_names_male]
        firsts = [Spelling(name, fold(name)) for name in given]
        lasts = [Spelling(name, fold(name)) for name in provider.last_names]
    return _usable(firsts), _usable(lasts)


def _usable(names: list[Spelling]) -> tuple[Spelling, ...]:
    return tuple(name for name in dict.fromkeys(names) if name.ascii and len(name.shown) <= 24)


class NameMaker:
    """Yields (name, e-mail local part) pairs; local parts never repeat."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pools = [_pool(language) for language in LANGUAGES]
        self._used: dict[str, int] = {}

    def next(self) -> tuple[str, str]:
        """Return the next person's name and the local part of their e-mail address."""
        firsts, lasts = self._rng.choice(self._pools)
        first, last = self._rng.choice(firsts), self._rng.choice(lasts)
        local = f"{first.ascii}.{last.ascii}"
        times = self._used.get(local, 0) + 1
        self._used[local] = times
        return f"{first.shown} {last.shown}", local if times == 1 else f"{local}.{times}"
