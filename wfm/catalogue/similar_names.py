"""The published name that a nonexistent one means: plural, hyphens and verb are corrected together.

A verb keeps its class: a read never becomes a write, and nothing becomes a deletion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache

MAX_NAME = 200
"""Characters of a name that are compared."""

ALIKE = 0.75
"""Minimum share of common letters of names that resemble each other."""

_CLASSES = {
    "view": "read get list query search export fetch see retrieve show readonly download find lookup",
    "edit": "publish write update modify change manage save patch put approve set enable disable",
    "add": "create insert new post import",
    "delete": "remove destroy erase purge del",
    "execute": "run invoke call trigger perform exec",
}
_MEANS = {word: verb for verb, words in _CLASSES.items() for word in (verb, *words.split())}
"""Names of an action in other systems, by the platform's word for it. By letters alone "publish" resembles "delete"."""

_DOMAINS = {"workforcemanagement": "wfm", "workforce": "wfm", "integration": "integration", "flow": "architect"}
_SHORT_FOR = {("wfm", "timeoff"): "timeoffrequest"}
"""Short forms, where several published names begin with the same word."""

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in parts to compare: lower case, no plural, no hyphen. A scope's only part is its place."""

    name: str
    domain: str
    entity: str
    words: frozenset[str]
    action: str
    verb: str

    def fits(self, verb: str) -> bool:
        """Return whether the name has a verb of that class; a bare scope is everything but reading."""
        return self.verb == verb or (not self.action and verb != "view")


def nearest_name(name: str, pool: frozenset[str]) -> str:
    """Return the permission or scope of the pool that this one means or resembles most, "" where none of its class does."""
    known = _index(pool)
    given = _parse(name[:MAX_NAME], known)
    if not given.verb and given.action:
        return ""
    fitting = [one for one in known.names if one.fits(given.verb)]
    entity = _SHORT_FOR.get((given.domain, given.entity), given.entity)
    same = [one for one in known.names if one.domain == given.domain and one.entity == entity]
    if same:  # the entity exists: if it has no action of this class, another entity is no answer
        return _choose(given, [one for one in same if one.fits(given.verb)])
    if nearest := _choose(given, [one for one in fitting if one.words == given.words]):
        return nearest
    elsewhere = [one for one in fitting if one.entity == entity]
    if len({one.domain for one in elsewhere}) == 1 and (nearest := _choose(given, elsewhere)):
        return nearest  # "users:user:read": only one domain has such an entity
    if nearest := _choose(given, _alike(given.entity, [one for one in fitting if one.domain == given.domain])):
        return nearest
    return _choose(given, _alike(given.domain + given.entity, fitting, whole=True))


def _alike(wanted: str, among: Iterable[_Name], *, whole: bool = False) -> list[_Name]:
    """Return the names whose entity is spelled most like the wanted one."""
    by_spelling: dict[str, list[_Name]] = {}
    for name in among:
        by_spelling.setdefault(name.domain + name.entity if whole else name.entity, []).append(name)
    close = get_close_matches(wanted, by_spelling, n=1, cutoff=ALIKE)
    return by_spelling[close[0]] if close else []


def _choose(given: _Name, among: Iterable[_Name]) -> str:
    """Return, of names of one entity, the one with the same verb, else the plain verb of its class, else the most alike."""

    def rank(name: _Name) -> tuple[bool, bool, float, str]:
        alike = SequenceMatcher(None, name.action.casefold(), given.action.casefold()).ratio()
        return name.action.casefold() == given.action.casefold(), name.action == given.verb, alike, name.name

    # "view" is not "viewOwn", nor "delete" "deleteAll".
    no_longer_than_given = [one for one in among if len(_words(one.action)) <= max(1, len(_words(given.action)))]
    return max(no_longer_than_given, key=rank).name if no_longer_than_given else ""


@dataclass(frozen=True, slots=True)
class _Index:
    names: tuple[_Name, ...]
    verbs: Mapping[str, str]


@cache
def _index(pool: frozenset[str]) -> _Index:
    """Return the names of a pool in parts, and its verbs with their classes."""
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
    """Split a name into domain, entity and action. A scope has no domain, and no action unless it says readonly."""
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
    """Return the class of a verb of several words, by the first that has one: "viewOwn", "selfView"."""
    return next((_MEANS[word] for word in map(str.casefold, _PARTS.findall(action)) if word in _MEANS), "")


def _misspelt(action: str, verbs: Mapping[str, str]) -> str:
    """Return the class of a verb with a typing error; "delegate" resembles "delete", so nothing is taken for a deletion."""
    close = get_close_matches(action, [verb for verb in verbs if verb[:1] == action[:1]], n=1, cutoff=ALIKE)
    return verbs[close[0]] if close and verbs[close[0]] != "delete" else ""
