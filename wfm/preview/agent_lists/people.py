"""Who is named in a cell or a line of text, looked up in the directory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from wfm.files.agent_words import (
    GUID_LENGTH,
    bare_word,
    fold_name,
    is_bare,
    is_sure,
    joined,
    parts,
    pieces,
    sure_words,
    without,
)
from wfm.preview.selection import Index

MAX_CELL = 20_000
MAX_AROUND = 40
"""Characters around a word (a name before an e-mail) with which a cell is still that word, and not a sentence with it."""
MAX_TOGETHER = 50
MAX_NAME_WORDS = 5
_WORD = re.compile(r"[^\s<>,;:\"“”()\[\]{}|=&?/]+")
_OPENERS = frozenset({"", "<", "(", "[", "-", "–", ":", ",", "](mailto:", "](", "<mailto:"})
"""Between a name and its e-mail or id."""
_TAIL = ".!?'’-–—@*#_~+%$"
"""What may stand behind a word and is none of it."""
_HEAD = "*_~#+−-"
"""And before it."""
BY_ID, BY_EMAIL, BY_NAME = "id", "e-mail", "name"


class Hit(NamedTuple):
    """One word of a cell: the agent it names, None where it names nobody or (`several`) more than one."""

    word: str
    agent: str | None
    several: bool = False


def _is_named_by(name: Hit, sure: Hit, between: str) -> bool:
    """Whether a name and the id or e-mail behind it are the same person's."""
    same = name.agent == sure.agent or (name.several and sure.agent is not None)
    return same and not is_sure(name.word) and between.strip() in _OPENERS


class People:
    """Who is named in a cell or line. Remembers cells: a column repeats its teams and queues."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._groups = frozenset(fold_name(group.name) for group in index.directory.groups)
        self._seen: dict[str, tuple[tuple[Hit, ...], bool]] = {}

    def named(self, cell: str) -> tuple[Hit, ...]:
        """The words of a cell, each with whom it names. A name may hold a comma, and two ids a blank between."""
        return self.look(cell)[0]

    def somebody(self, cell: str) -> bool:
        """Whether a cell names agents, and nothing but agents."""
        return self.look(cell)[1]

    def look(self, cell: str) -> tuple[tuple[Hit, ...], bool]:
        """`named` and `somebody` at once."""
        found = self._seen.get(cell)
        if found is None:
            hits = tuple(self._look(cell[:MAX_CELL])) if cell and not cell.isspace() else ()
            only = bool(hits) and all(hit.agent or hit.several for hit in hits)
            only = only and len(cell) <= sum(len(hit.word) + MAX_AROUND for hit in hits)
            found = self._seen[cell] = hits, only
        return found

    def is_group(self, cell: str) -> bool:
        """Whether a cell is the name of a team, queue, unit or division of this tenant."""
        return fold_name(cell) in self._groups

    def is_named(self, cell: str) -> bool:
        """Whether a cell is an id, an e-mail or a name of this tenant as it stands. Quicker than `somebody`."""
        return bool(self._index.agents_called(cell))

    def around(self, line: str) -> tuple[tuple[Hit, ...], tuple[str, ...]]:
        """(the agents anywhere in a line, by id, e-mail or full name; the texts before, between and behind them)."""
        line = line[:MAX_CELL]
        if whole := self._whole(line):
            return (whole,), ("", "")
        hits, texts = list[Hit](), list[str]()
        words = [
            (one.end() - len(one[0].lstrip(_HEAD)), one.start() + len(word))
            for one in _WORD.finditer(line)
            if any(map(str.isalnum, word := one[0].rstrip(_TAIL)))
        ]
        at, end = 0, 0
        while at < len(words):
            most = 1 if is_sure(line[slice(*words[at])]) else min(MAX_NAME_WORDS, len(words) - at)
            for many in range(most, 0 if most == 1 else 1, -1):  # a name of one word may be any word
                start, stop = words[at][0], words[at + many - 1][1]
                text = line[start:stop]
                if most > 1 and not all(any(map(str.isalpha, line[slice(*words[place])])) for place in (at, at + many - 1)):
                    continue  # a number beside a name is none of it
                if is_sure(text) == (most == 1) and (hit := self._hit(text)) is not None:
                    if hits and most == 1 and _is_named_by(hits[-1], hit, line[end:start]):
                        hits[-1] = hit  # “Bo Lindqvist <bo@example.com>” is one mention
                    else:
                        hits.append(hit)
                        texts.append(line[end:start])
                    at, end = at + many - 1, stop
                    break
            at += 1
        return tuple(hits), (*texts, line[end:])

    def _whole(self, line: str) -> Hit | None:
        """Whom a line is an id, an e-mail or a name of, with nothing beside it."""
        return self._hit(line) if self._index.agents_called(bare_word(line)) else None

    def text_of(self, agent_id: str) -> str:
        """The agent's name and the local part of the e-mail."""
        agent = self._index.directory.agents[agent_id]
        return f"{agent.name} {agent.email.partition('@')[0]}"

    def kind(self, hit: Hit) -> str:
        """How a hit names its agent: by id, e-mail or name."""
        if hit.agent and hit.word.lower() == hit.agent.lower():
            return BY_ID
        return BY_EMAIL if "@" in hit.word else BY_NAME

    def _look(self, cell: str) -> Iterable[Hit]:
        if whole := self._hit(cell):
            return (whole,)
        if together := self._together(cell):
            return together
        if is_bare(cell) or (len(cell) < GUID_LENGTH and not any(map(str.isalpha, cell))):
            return (Hit(cell, None),) if any(map(str.isalnum, cell)) else ()
        found: list[Hit] = []
        for piece in pieces(cell):
            if piece != cell and (hit := self._hit(piece)):
                found.append(hit)
                continue
            for part in parts(piece):
                if part != cell and (together := self._together(part)):
                    found += together
                    continue
                sure = sure_words(part)
                only = bool(sure) and not any(map(str.isalnum, without(part, sure)))
                words = sure if only else (part,)
                found += ((self._hit(word) if word != piece else None) or Hit(bare_word(word), None) for word in words)
        return dict.fromkeys(hit for hit in found if any(map(str.isalnum, hit.word)))

    def _together(self, text: str) -> tuple[Hit, ...]:
        """“Bo Lindqvist & Aylin Şahin”: those between “and”, if each is somebody."""
        words = joined(text)
        if not 2 <= len(words) <= MAX_TOGETHER:
            return ()
        hits = [self._hit(word) for word in words]
        return tuple(hit for hit in hits if hit is not None) if all(hits) else ()

    def _hit(self, text: str) -> Hit | None:
        agents = self._index.agents_named(text)
        if not agents:
            return None
        word = bare_word(text)
        if len(agents) == 1 and (sure := sure_words(word)):
            word = sure[0]
        return Hit(word, agents[0].id) if len(agents) == 1 else Hit(word, None, several=True)
