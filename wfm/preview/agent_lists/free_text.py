"""Whom a text names that is no table: one a line, with commas between, in a mail or a sentence.

The labels of the text are respected: those whom it calls somebody else (“Supervisor: …”, “From: …”, a signature) are listed
with their lines and not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from wfm.domain.agent_lists import BadRow
from wfm.files.agent_tables import MAX_WORD
from wfm.files.agent_words import bare_word, sure_words
from wfm.files.column_headers import Whose, column_key, is_head, is_section, leaves_out, whose
from wfm.files.header_words import CLOSINGS, GREETINGS, LETTER_LABELS
from wfm.preview.agent_lists.people import Hit, People

_LABEL = re.compile(r"[\W_]*([^\W\d_][^:：<>@,;|\t]{0,60}?)\s*[:：]\s*(.*)", re.DOTALL)
_PLAIN = re.compile(r"(?<![^\s,.;:(])[a-zà-ÿ]{2,}(?![^\s,.;:!?)])")
_MIN_PROSE = 2
"""Words in small letters beside a name or address, from which on a line is a sentence."""
_MAX_SAID = 120
"""Characters before a person in which a role is looked for."""
MAX_CLOSING = 40
"""Characters of a line that says goodbye."""
_ASKS = frozenset({"de", "di", "for", "to", "für", "por", "för", "voor"})
_SIGNATURE = frozenset({"--", "—", "–"})
_PAIRED = re.compile(r"[\"'\s]*(?::|=|[-=]+>|→|<[-=]*>)[\"'\s]*")
"""Between two people one of whom is something of the other's."""
_BREAK = re.compile(r"[.!?;\n]")
_BEHIND = re.compile(r"\s*[(\[–—,:-]+\s*([^()\[\],;:…]{2,40}?)\s*(?:[)\],;]|[\s(–—-]*$)")
_GOES_ON = re.compile(r"[\s,;<>/&+]*(?:and|und|et|y|e|en|og|och)?[\s,;<>/&+]*", re.IGNORECASE)
"""Between two people of the same role."""


@dataclass(slots=True)
class Text:
    """What was found. `words` is (line, word) by agent, or by the word where it names nobody; `in_sentences` word by agent."""

    words: dict[str, tuple[int, str]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    above: tuple[int, ...] = ()
    in_sentences: dict[str, str] = field(default_factory=dict)
    left_out: set[tuple[int, str]] = field(default_factory=set)


def read_text(text: str, people: People) -> Text:
    """Whom the lines of a text name; each agent once."""
    found = Text()
    section = of_line = ""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for place, (number, line) in enumerate(lines):
        if line.strip() in _SIGNATURE:
            section = line.strip()
            continue
        label = _label(line, people)
        if label is not None and not label[1].strip():  # alone it is the head of what stands below it
            section = of_line = label[0] if _is_other(label[0]) else ""
            found.above = (number,) if place == 0 else found.above
            continue
        if label is not None:
            section = "" if column_key(label[0]) in LETTER_LABELS else section
            of_line = label[0] if _is_other(label[0]) else section
        elif not line[0].isspace():  # the lines of a mail's head go on with a blank
            of_line = section
        if line.rstrip().endswith((":", "：")):  # “Team of Kim Becker:” is a title
            of_line = of_line or line.strip()
        for hit, role in _named(line if label is None else label[1], of_line, people):
            section = role if _closes(role) else section
            _take(found, number, hit, role)
            if hit.agent and not role and is_prose(line, hit.word, people):
                found.in_sentences.setdefault(hit.agent, hit.word)
    return found


def is_prose(line: str, word: str, people: People) -> bool:
    """Whether somebody is named in the middle of other words, or beside somebody else (“Kim → Bo”)."""
    if any(_PAIRED.fullmatch(before) for _, before in people.inside(line)[1:]):
        return True
    return len(_PLAIN.findall(line.replace(word, " "))) >= _MIN_PROSE


def _label(line: str, people: People) -> tuple[str, str] | None:
    """(the label that a line begins with, what stands behind it)."""
    bare = bare_word(line).strip(" *#-•").rstrip(":：,. ")
    role = whose(bare) is Whose.SOMEBODY_ELSE and len(bare.split()) <= 3 and "@" not in bare
    if (is_head(bare) or is_section(line.strip()) or role) and not people.inside(bare) and not people.somebody(bare):
        return bare, ""
    if _closes(bare) and len(bare) <= MAX_CLOSING and not people.inside(bare):
        return bare, ""
    found = _LABEL.fullmatch(line)
    if found is None or not (column_key(found[1]) in LETTER_LABELS or whose(found[1]) is not Whose.NOTHING_SAID):
        return None
    return found[1], found[2]


def _is_other(label: str) -> bool:
    key = column_key(label)
    return not LETTER_LABELS[key] if key in LETTER_LABELS else whose(label).is_other or _closes(label) or leaves_out(label)


def _closes(said: str) -> bool:
    """Whether a text ends as a mail does, before the name of who wrote it."""
    words = re.findall(r"[^\W_]+", said.casefold())
    # “Merci de …”, “thanks for …” ask for something.
    return any(word in CLOSINGS and then not in _ASKS for word, then in pairwise([*words, ""][-4:]))


def _is_role(said: str) -> bool:
    """Whether words say a role of somebody else; “merci de …” is none."""
    return whose(said).is_other and not CLOSINGS & set(re.findall(r"[^\W_]+", said.casefold()))


def _greets(said: str) -> bool:
    """Whether a mail greets whom it names next."""
    return bool(GREETINGS & set(re.findall(r"[^\W_]+", said.casefold())[-3:]))


def _role_behind(after: str) -> str:
    """The role in brackets or behind a dash that belongs to the person before it: “Kim Becker (supervisor)”."""
    found = _BEHIND.match(after)
    return found[1].strip() if found is not None and is_head(found[1]) and whose(found[1]).is_other else ""


def _named(line: str, role: str, people: People) -> Iterator[tuple[Hit, str]]:
    """The people of a line, each with the words that make it somebody else; "" where none do. `role`: of the whole line."""
    hits, inside = people.named(line), people.inside(line)
    behind = [f"{before}…" for _, before in inside[1:]] + [people.behind(line)] * bool(inside)
    roles, now = list[str](), role
    for (_, before), after in zip(inside, behind, strict=True):
        said = _BREAK.split(before[-_MAX_SAID:])[-1].strip(" ,(<[:=-")
        if _closes(said) or _greets(said) or leaves_out(said) or _is_role(said):
            now = said
        elif whose(said) is Whose.AGENT or not _GOES_ON.fullmatch(before):
            now = "" if whose(said) is Whose.AGENT else role
        roles.append(now or _role_behind(after))
    if {hit.agent for hit, _ in inside} <= {hit.agent for hit in hits} and not any(roles):
        yield from ((hit, role) for hit in hits)
        return
    yield from zip((hit for hit, _ in inside), roles, strict=True)
    yield from ((hit, role) for hit in hits if not hit.agent and sure_words(hit.word) == (hit.word,))


def _take(found: Text, number: int, hit: Hit, role: str) -> None:
    word = hit.word[:MAX_WORD]
    if not role:
        found.words.setdefault(hit.agent or word, (number, word))
    elif hit.agent and (number, hit.agent) not in found.left_out:
        found.left_out.add((number, hit.agent))
        found.bad.append(BadRow(number, word[:80], f"after “{role[-40:]}”"))
