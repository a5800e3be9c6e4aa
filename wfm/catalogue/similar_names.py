"""The published name that is meant by one that does not exist: plural, hyphens and verb put right together.

A verb keeps its class: who asks to read is never given a write, and nothing becomes a deletion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache

MAX_NAME = 200
"""Of a longer name so many characters are looked at."""

ALIKE = 0.75
"""Below this share of common letters two names resemble nothing."""

_CLASSES = {
    "view": "read get list query search export fetch see retrieve show readonly download find lookup",
    "edit": "publish write update modify change manage save patch put approve set enable disable",
    "add": "create insert new post import",
    "delete": "remove destroy erase purge del",
    "execute": "run invoke call trigger perform exec",
}
_MEANS = {word: verb for verb, words in _CLASSES.items() for word in (verb, *words.split())}
"""What other systems call an action, by the word that the platform has for it. By letters alone "publish" is like "delete"."""

_DOMAINS = {"workforcemanagement": "wfm", "workforce": "wfm", "integration": "integration", "flow": "architect"}
_SHORT_FOR = {("wfm", "timeoff"): "timeoffrequest"}
"""What is said for short, where several published names begin so."""

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in parts for comparing: small letters, no plural, no hyphen. A scope's only part is its place."""

    name: str
    domain: str
    entity: str
    words: frozenset[str]
    action: str
    verb: str

    def fits(self, verb: str) -> bool:
        """Whether a verb of that class is meant; a bare scope is everything but reading."""
        return self.verb == verb or (not self.action and verb != "view")


def nearest_name(name: str, pool: frozenset[str]) -> str:
    """The permission or scope of the pool that this one means or resembles most, "" where none of the same class does."""
    known = _index(pool)
    given = _parse(name[:MAX_NAME], known)
    if not given.verb and given.action:
        return ""
    fitting = [one for one in known.names if one.fits(given.verb)]
    entity = _SHORT_FOR.get((given.domain, given.entity), given.entity)
    same = [one for one in known.names if one.domain == given.domain and one.entity == entity]
    if same:  # the thing exists: where nothing of this class can be done with it, another thing is no answer
        return _choose(given, [one for one in same if one.fits(given.verb)])
    if found := _choose(given, [one for one in fitting if one.words == given.words]):
        return found
    elsewhere = [one for one in fitting if one.entity == entity]
    if len({one.domain for one in elsewhere}) == 1 and (found := _choose(given, elsewhere)):
        return found  # "users:user:read": only one area has such a thing
    if found := _choose(given, _alike(given.entity, [one for one in fitting if one.domain == given.domain])):
        return found
    return _choose(given, _alike(given.domain + given.entity, fitting, whole=True))


def _alike(wanted: str, among: Iterable[_Name], *, whole: bool = False) -> list[_Name]:
    """Those whose thing is spelt most like the wanted one."""
    by_spelling: dict[str, list[_Name]] = {}
    for one in among:
        by_spelling.setdefault(one.domain + one.entity if whole else one.entity, []).append(one)
    close = get_close_matches(wanted, by_spelling, n=1, cutoff=ALIKE)
    return by_spelling[close[0]] if close else []


def _choose(given: _Name, among: Iterable[_Name]) -> str:
    """Of names for the same thing the one with the same verb, else the plain verb of its class, else the most alike."""

    def rank(one: _Name) -> tuple[bool, bool, float, str]:
        alike = SequenceMatcher(None, one.action.casefold(), given.action.casefold()).ratio()
        return one.action.casefold() == given.action.casefold(), one.action == given.verb, alike, one.name

    # "view" is not "viewOwn", nor "delete" "deleteAll".
    plain = [one for one in among if len(_words(one.action)) <= max(1, len(_words(given.action)))]
    return max(plain, key=rank).name if plain else ""


@dataclass(frozen=True, slots=True)
class _Index:
    names: tuple[_Name, ...]
    verbs: Mapping[str, str]


@cache
def _index(pool: frozenset[str]) -> _Index:
    """The names of a pool in parts, and its verbs with their classes."""
    actions = {_split(name)[2] for name in pool} - {""}
    verbs = {**{action.casefold(): _class_of(action) or action.casefold() for action in actions}, **_MEANS}
    empty = _Index(names=(), verbs=verbs)
    return _Index(names=tuple(_parse(name, empty) for name in sorted(pool)), verbs=verbs)


def _parse(name: str, known: _Index) -> _Name:
    domain, entity, action = _split(name)
    area, thing = ("".join(_words(part)) for part in (domain, entity))
    verb = known.verbs.get(action.casefold(), "") or _class_of(action) or _misspelt(action.casefold(), known.verbs)
    return _Name(
        name=name,
        domain=_DOMAINS.get(area, area),
        entity=thing,
        words=frozenset((*_words(domain), *_words(entity))),
        action=action,
        verb=verb,
    )


def _split(name: str) -> tuple[str, str, str]:
    """Domain, entity and action; of a scope the domain is empty, and so is the action unless it says readonly."""
    place, _, action = name.rpartition(":")
    if not place:
        return "", action, ""
    domain, _, entity = place.rpartition(":")
    return domain, entity, action


def _words(text: str) -> list[str]:
    return [_singular(part.casefold()) for part in _PARTS.findall(text)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _class_of(action: str) -> str:
    """The class of a verb in several words, by the first that has one: "viewOwn", "selfView"."""
    return next((_MEANS[word] for word in map(str.casefold, _PARTS.findall(action)) if word in _MEANS), "")


def _misspelt(action: str, verbs: Mapping[str, str]) -> str:
    """The class of a verb with a typing error; "delegate" is like "delete", so nothing is taken for a deletion."""
    close = get_close_matches(action, [verb for verb in verbs if verb[:1] == action[:1]], n=1, cutoff=ALIKE)
    return verbs[close[0]] if close and verbs[close[0]] != "delete" else ""
