"""Whom a text names that is no table: one a line, with commas between, in a mail, a chat or a sentence.

A text of nothing but people is a list. Of any other a person is shown who is named and where (`doubt`) before anybody counts:
what a sentence means, only a reader knows. Proposed are those whom no label, mark or word beside them calls somebody else;
who is left out in one place is not proposed for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wfm.domain.agent_lists import BadRow
from wfm.domain.sentences import first_of
from wfm.files.agent_tables import MAX_WORD
from wfm.files.agent_words import bare_word, likeness, sure_words, tidy
from wfm.files.column_headers import Whose, column_key, is_head, is_section, leaves_out, whose
from wfm.files.header_words import CLOSINGS, GREETINGS, LETTER_LABELS, STAYS
from wfm.preview.agent_lists.people import MAX_CELL, Hit, People

_LABEL = re.compile(r"[\W_]*([^\W\d_][^:：<>@,;|\t]{0,60}?)\s*[:：](?!\d)\s*(.*)", re.DOTALL)
_MAX_SAID = 120
"""Characters before a person in which a role is looked for."""
MAX_CLOSING = 40
"""Characters of a line that says goodbye."""
_ASKS = frozenset({"de", "di", "for", "to", "für", "por", "för", "voor"})
_SIGNATURE = frozenset({"--", "—", "–"})
_BREAK = re.compile(r"[.!?;\n]")
_STOP = re.compile(r"[,.!?;\n]")
_BEHIND = re.compile(r"\s*[(\[–—,:-]+\s*([^()\[\],;:…]{2,40}?)\s*(?:[)\],;]|[\s(–—-]*$)")
_GOES_ON = re.compile(r"[\s,;<>/&+]*(?:and|und|et|y|e|en|og|och)?[\s,;<>/&+]*", re.IGNORECASE)
"""Between two people of the same role."""
_BETWEEN = re.compile(
    r"[\s\d)\]>\"'”.]*(?:(?:[,;|&]|\b(?:and|und|et|y|e|i|en|og|och)\b)[\s\d,;/|&(\[<\"'“„]*|\s)", re.IGNORECASE
)
_AROUND = re.compile(r"[\s\d,;/|&*•·.:<>()\[\]{}\"'“”„@_–—-]*")
"""What stands between the people of a list, and around them: nothing that says anything."""
_BOX = re.compile(r"[\[(]\s+[\])]")
_LEFT_OUT_MARK = re.compile(r"[\[(]\s+[\])]|[☐❌❎✖✗✘🚫⛔➖]|~~")
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_STAMP = re.compile(
    r"(?::\w+:|[\W\d_]|\b(?:today|yesterday|at|am|pm|says?|heute|gestern|um|hoy|ayer|hier|à|le)\b)*", re.IGNORECASE
)
_SENDER = re.compile(r"\b(?:from|von|de)\s*$", re.IGNORECASE)
"""The time of a message, and what a chat writes beside it."""


@dataclass(slots=True)
class Mention:
    """A place where somebody is named. `why` is what makes it somebody who is not meant, "" where nothing does.

    `is_soft`: a mark or a time, which says nothing where it stands beside all. `is_addressed`: behind the “To:” of a mail.
    """

    line: int
    hit: Hit
    why: str
    is_soft: bool = False
    is_addressed: bool = False


@dataclass(slots=True)
class Text:
    """What was found. `words` are (line, word), each agent once; `doubt` says why a person must look first, "" for a list."""

    words: list[tuple[int, str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    above: tuple[int, ...] = ()
    doubt: str = ""


def read_text(text: str, people: People) -> Text:
    """Whom the lines of a text name."""
    found = Text()
    lines = [(number, tidy(part)) for number, line in enumerate(text.splitlines(), start=1) for part in _parts(line)]
    mentions, unread = list[Mention](), dict[int, None]()
    section = of_line = ""
    is_letter_head = False
    filled = [(number, line) for number, line in lines if line.strip()]
    for (number, line), (_, below) in pairwise([*filled, (0, "")]):
        label = _label(line, people)
        if line.strip() in _SIGNATURE or (label is not None and not label[1].strip()):  # the head of what stands below it
            section = line.strip() if label is None else label[0] if _is_other(label[0]) else ""
            of_line, is_letter_head = section, False
            found.above = (number,) if number == filled[0][0] else found.above
            if section or number != filled[0][0] or not is_head(bare_word(line).strip(" *#-•:：")):
                unread[number] = None
            continue
        rest, key = (line, "") if label is None else (label[1], column_key(label[0]))
        if label is not None:
            is_letter_head = key in LETTER_LABELS
            section = "" if is_letter_head else section
            of_line = label[0] if _is_other(label[0]) else section
        elif not (is_letter_head and line[0].isspace()):  # the lines of a mail's head go on with a blank
            of_line = section
        if line.rstrip().endswith((":", "：")):  # “Team of Kim Becker:” is a title
            of_line = of_line or line.strip()
        hits, texts = people.around(rest)
        if not _is_list(hits, texts) or (label is not None and not (whose(label[0]) is Whose.AGENT and is_head(label[0]))):
            unread[number] = None
        for hit, why, is_soft in _roles(hits, texts, of_line, below):
            section = why if _closes(why) else section
            if hit.agent:
                mentions.append(Mention(number, hit, why, is_soft, LETTER_LABELS.get(key, False)))
            else:
                found.bad.append(BadRow(number, hit.word[:80], "several agents have this name"))
        strays = [hit.word for hit in people.named(rest) if not hit.agent and not people.around(hit.word)[0]]
        if label is None and all(map(_may_be_somebody, strays)):
            found.bad += (BadRow(number, word[:80], "matches nobody here") for word in strays)
            if strays and all(map(sure_words, strays)) and not hits:
                unread.pop(number, None)  # an address that nobody has is one of the list all the same
    _settle(found, mentions, lines)
    found.doubt = _doubt(found, mentions, list(unread), lines)
    return found


def _parts(line: str) -> list[str]:
    """The line; one that is longer than a line of text, at its commas: a list of thousands is pasted so too."""
    return [line] if len(line) <= MAX_CELL else [part.strip() for part in re.split(r"[,;]", line)]


# --- a list, or more than that -------------------------------------------------------------------------------------------


def _is_list(hits: Sequence[Hit], texts: Sequence[str]) -> bool:
    """Whether a line holds people and nothing else that says anything."""
    if not hits or texts[0].endswith(("-", "−")) or _BOX.search(texts[0]) or _BOX.search(texts[-1]):
        return False
    between = zip(texts[1:-1], pairwise(hits), strict=True)
    ends = all(_AROUND.fullmatch(end) and not _CLOCK.search(end) for end in (texts[0], texts[-1]))
    return ends and all((_AROUND if one.agent == other.agent else _BETWEEN).fullmatch(text) for text, (one, other) in between)


def _may_be_somebody(word: str) -> bool:
    """Whether a word that names nobody may have been meant to: no sentence, and no single word of one."""
    return bool(sure_words(word)) or likeness(word) == "id" or (" " in word and likeness(word) == "name")


def _doubt(found: Text, mentions: Sequence[Mention], unread: Sequence[int], lines: Sequence[tuple[int, str]]) -> str:
    """Why a person must look at whom a text names; "" for a list."""
    if not mentions:
        return "" if found.bad else "This names no agent of this tenant."
    places: dict[str, list[int]] = {}
    for one in mentions:
        places.setdefault(one.hit.agent or "", []).append(one.line)
    again = next((agent for agent, at in places.items() if len(set(at)) > 1), None)
    named = {one.line for one in mentions}
    depths = {len(line) - len(line.lstrip()) for number, line in lines if number in named}
    if unread:
        says = f"{_lines(unread)} more than names."
    elif again is not None:
        word = next(one.hit.word for one in mentions if one.hit.agent == again)
        says = f"“{word[:80]}” stands in lines {places[again][0]:,} and {places[again][-1]:,}."
    elif len(depths) > 1:
        says = "Some names stand further in than others, as below a manager."
    elif any(one.why for one in mentions):
        says = "A name stands alone at the end, as a signature does."
    else:
        return ""
    return f"{says} Check who would be added."


def _lines(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"Line {numbers[0]:,} holds"
    return f"Lines {first_of([f'{number:,}' for number in numbers], 4)} hold"


def _settle(found: Text, mentions: Sequence[Mention], lines: Sequence[tuple[int, str]]) -> None:
    """Write down whom the mentions propose, and whom not and why."""
    if not any(not one.why and not one.is_addressed for one in mentions):
        for one in mentions:  # what stands beside all of them says nothing
            one.why = "" if one.is_soft else one.why
    if any(not one.why and not one.is_addressed for one in mentions):
        for one in mentions:
            one.why = one.why or ("after “To”" if one.is_addressed else "")
    if (last := _signed(mentions, lines)) is not None:
        last.why = "alone at the end, as a signature"
    left = {one.hit.agent: one.line for one in mentions if one.why}
    taken, said = set[str | None](), set[tuple[int, str | None]]()
    for one in mentions:
        agent, word = one.hit.agent, one.hit.word[:MAX_WORD]
        if agent not in left and agent not in taken:
            taken.add(agent)
            found.words.append((one.line, word))
        elif agent in left and (one.line, agent) not in said:
            said.add((one.line, agent))
            found.bad.append(BadRow(one.line, word[:80], one.why or f"left out in line {left[agent]:,}", word))
    found.bad.sort(key=lambda row: row.line)


def _signed(mentions: Sequence[Mention], lines: Sequence[tuple[int, str]]) -> Mention | None:
    """The one who stands alone below the last empty line, where those above it stand together."""
    block, block_of = 0, dict[int, int]()
    for number, line in lines:
        block += not line.strip()
        block_of[number] = block
    by_block: dict[int, list[Mention]] = {}
    for one in mentions:
        by_block.setdefault(block_of[one.line], []).append(one)
    of_names = list(by_block.values())
    if len(of_names) < 2 or len({one.hit.agent for one in of_names[-1]}) != 1 or len(of_names[-1]) > 2:
        return None
    last = of_names[-1][0]
    return last if not last.why and max(len({one.line for one in block}) for block in of_names[:-1]) > 1 else None


# --- what is said of somebody --------------------------------------------------------------------------------------------


def _label(line: str, people: People) -> tuple[str, str] | None:
    """(the label that a line begins with, what stands behind it)."""
    bare = bare_word(line).strip(" *#-•").rstrip(":：,. ")
    nobody = not people.around(bare)[0]
    role = whose(bare) is Whose.SOMEBODY_ELSE and len(bare.split()) <= 3 and "@" not in bare
    if nobody and (is_head(bare) or is_section(line.strip()) or role or (_closes(bare) and len(bare) <= MAX_CLOSING)):
        return bare, ""
    found = _LABEL.fullmatch(line)
    if found is None or not (column_key(found[1]) in LETTER_LABELS or whose(found[1]) is not Whose.NOTHING_SAID):
        return None
    return None if people.around(found[1])[0] or _closes(found[1]) else (found[1], found[2])


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
    words = re.findall(r"[^\W_]+", said.casefold())
    last = " ".join(words[-2:])
    return not CLOSINGS & set(words) and (whose(said) is Whose.SOMEBODY_ELSE or (is_head(last) and whose(last).is_other))


def _greets(said: str) -> bool:
    """Whether a mail greets whom it names next."""
    return bool(GREETINGS & set(re.findall(r"[^\W_]+", said.casefold())[-3:]))


def _roles(hits: Sequence[Hit], texts: Sequence[str], role: str, below: str) -> Iterator[tuple[Hit, str, bool]]:
    """The people of a line, each with why it is somebody who is not meant; "" where nothing says so. `role`: of the line."""
    now = f"after “{role[-40:]}”" if role else ""
    of_line = now
    for at, (hit, before, behind) in enumerate(zip(hits, texts, texts[1:], strict=False)):
        said = _BREAK.split(before[-_MAX_SAID:])[-1].strip(" ,(<[:=-")
        is_closing = _closes(said) and not before.rstrip().endswith((":", "："))
        if is_closing or _greets(said) or leaves_out(said) or _is_role(said):
            now = f"after “{said[-40:]}”"
        elif whose(said) is Whose.AGENT or not _GOES_ON.fullmatch(before):
            now = "" if whose(said) is Whose.AGENT else of_line
        why = now or _said_behind(behind, is_last=at == len(hits) - 1)
        soft = "" if why else _mark(before, behind) or (_stamp(before, behind, below) if len(texts) == 2 or at == 0 else "")
        yield hit, why or soft, bool(soft)


def _said_behind(text: str, *, is_last: bool) -> str:
    """What is said behind somebody and leaves them out: “Kim Becker (supervisor)”, “Kim Becker stays”."""
    found = _BEHIND.match(text if is_last else f"{text}…")
    if found is not None and is_head(found[1]) and whose(found[1]).is_other:
        return f"before “{found[1].strip()}”"
    if not is_last and not _STOP.search(text):
        return ""  # it belongs to the next one
    said = _STOP.split(text)[0].strip(" ()[]-–—:")
    return f"before “{said[:40]}”" if not STAYS.isdisjoint(re.findall(r"[^\W_]+", said.casefold())) else ""


def _mark(before: str, behind: str) -> str:
    found = _LEFT_OUT_MARK.search(before) or _LEFT_OUT_MARK.search(behind)
    return f"marked “{found[0]}”" if found is not None else ""


def _stamp(before: str, behind: str, below: str) -> str:
    """The time that stands beside somebody as beside who writes in a chat: before, behind, or alone in the line below."""
    before, tail = _SENDER.sub("", before), _STAMP.match(behind)
    starts = (
        _CLOCK.search(before)
        and _STAMP.fullmatch(before)
        and (behind.lstrip()[:1] in ("", ":", "(") or behind.startswith(" to "))
    )
    alone = not behind.strip() and _STAMP.fullmatch(below) and _CLOCK.search(below)
    return "beside a time, as who writes" if starts or alone or (tail and _CLOCK.search(tail[0])) else ""
