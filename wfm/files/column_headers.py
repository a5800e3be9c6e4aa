"""What the head of a column says of the people below it, in the languages that exports are written in.

A head is a hint only: what a column holds is judged by its cells. It decides where two columns hold people.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

from wfm.files import header_words as words_of


class Whose(IntEnum):
    """Whom the cells below a head name. The higher, the likelier these are the agents that a list is about."""

    SOMEBODY_ELSE = 0
    """The manager, who approved it, who made the file."""
    UNCLEAR = 1
    """A role that may be the agent's or another's (evaluator, captain), or what is said of somebody (assigned, customer)."""
    NOTHING_SAID = 2
    PERSON = 3
    """An id, an e-mail, a name: it says whose nowhere."""
    AGENT = 4

    @property
    def is_other(self) -> bool:
        """Whether the head names a role beside the agent's."""
        return self < Whose.NOTHING_SAID


_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_UNMARKED = str.maketrans("łŁøØđĐıæÆœŒ", "lLoOdDiaAoO")
"""Letters that keep their stroke or form when accents are taken away."""
_KNOWN = words_of.OTHER_WORDS | words_of.UNCLEAR_WORDS | words_of.AGENT_WORDS | words_of.PERSON_WORDS


def column_key(name: object) -> str:
    """A head without case, accents and everything but letters and digits."""
    text = str(name)
    return re.sub(r"[\W_]", "", (text if text.isascii() else _without_accents(text)).casefold())


@lru_cache(maxsize=4_096)
def whose(head: str) -> Whose:
    """Whom a head says that its cells name. “Agent’s manager” names managers, “customer service agent” agents."""
    order = _words(head[:200])
    words, key = frozenset(order), column_key(head[:200])

    def says(parts: frozenset[str], whole: frozenset[str]) -> bool:
        return bool(words & whole) or key in whole or any(part in key for part in parts)

    if says(words_of.OTHER_PARTS, words_of.OTHER_WORDS) or _is_made_by(order):
        return Whose.SOMEBODY_ELSE
    if says(words_of.AGENT_PARTS, words_of.AGENT_WORDS):
        # “Agent lead”: a rank that stands last is what the column holds.
        ranks = [place for place, word in enumerate(order) if word in words_of.RANKS]
        agents = [place for place, word in enumerate(order) if _is_agent(word)]
        role = words & words_of.ROLE_WORDS or any(part in key for part in words_of.UNCLEAR_PARTS - words_of.SAID_OF_AGENTS)
        return Whose.SOMEBODY_ELSE if ranks and max(ranks) > max(agents, default=-1) else Whose.UNCLEAR if role else Whose.AGENT
    if says(words_of.UNCLEAR_PARTS, words_of.UNCLEAR_WORDS):
        return Whose.UNCLEAR
    return Whose.PERSON if says(words_of.PERSON_PARTS, words_of.PERSON_WORDS) else Whose.NOTHING_SAID


def _is_agent(word: str) -> bool:
    return word in words_of.AGENT_WORDS or any(part in word for part in words_of.AGENT_PARTS)


def _is_made_by(order: tuple[str, ...]) -> bool:
    return any(one in words_of.MADE and other in words_of.MADE_BY for one, other in pairwise(order))


@lru_cache(maxsize=65_536)
def is_head(cell: str) -> bool:
    """Whether every word of a cell is one that heads of people are made of, so that it is nobody's name."""
    if len(cell) > 80:
        return False
    words = frozenset(_words(cell))
    known = bool(words - words_of.FILLERS) and all(
        word in words_of.FILLERS or word in words_of.MADE or whose(word) is not Whose.NOTHING_SAID for word in words
    )
    return known or column_key(cell) in _KNOWN or column_key(cell) in words_of.OTHER_PARTS


def names_groups(head: str) -> bool:
    """Whether the cells below a head are teams, sites and the like."""
    return not words_of.GROUPS.isdisjoint(_words(head))


def leaves_out(text: str) -> bool:
    """Whether the last words of a text leave out whom it names next: “all of them, but not”."""
    return bool(words_of.EXCEPTIONS & set(re.findall(r"[^\W_]+", text.casefold())[-3:]))


def is_section(cell: str) -> bool:
    """Whether a text of its own is a head of what stands below it: “Supervisors”, “Do not include:”."""
    return is_head(cell) or (len(cell) <= 40 and cell.rstrip().endswith((":", "：")) and _says_of_whom(cell))


def _says_of_whom(cell: str) -> bool:
    return leaves_out(cell) or whose(cell) is not Whose.NOTHING_SAID


def _words(head: str) -> tuple[str, ...]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", head)
    found = re.findall(r"[^\W_]+", _without_accents(apart).casefold())
    # Words of Japanese, Chinese and Korean stand without blanks: “ユーザーID” is two.
    return tuple(
        part for word in found for part in (re.findall(r"[a-z0-9]+|[^a-z0-9]+", word) if _EASTERN.search(word) else [word])
    )


def _without_accents(text: str) -> str:
    # The marks of kana make another letter of one, those of Latin letters only its accent.
    parts = unicodedata.normalize("NFKD", text).translate(_UNMARKED)
    kept = "".join(one for one in parts if not unicodedata.combining(one) or one in "\u3099\u309a")
    return unicodedata.normalize("NFC", kept)
