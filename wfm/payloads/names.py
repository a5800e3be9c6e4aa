"""Names inside sentences: permissions, scopes, licences and divisions, and what only looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wfm import catalogue
from wfm.payloads.correlation import UUID
from wfm.payloads.held_vs_missing import Span, missing_and_held, tells_of_holding

MAX_NAMES = 60

Params = tuple[tuple[str, str], ...]

_PART = r"[A-Za-z]\w{0,60}(?:-[A-Za-z]\w{0,40}){0,3}"  # no published one has a hyphen, people's spellings do
_PERMISSION = re.compile(rf"(?<![\w:/.-])({_PART}):({_PART}|\*):([A-Za-z]\w{{0,60}}|\*)(?::({UUID}))?(?![\w/]|[:-]\w)")
_NOT_DOMAINS = frozenset({"urn", "arn", "http", "https", "file", "java", "org", "com"})
_BEARER = re.compile(
    r"\b(?:clients?|roles?|users?|subjects?|principals?|accounts?|apps?|applications?|groups?|teams?|agents?|integrations?"
    r"|polic(?:y|ies))(?: named)?[ :=]{1,2}(['\"“‘])[^'\"“”‘’\n]{1,100}['\"”’]",
    re.IGNORECASE,
)
_SCOPE_WORD = r"[a-z][a-z0-9_.-]{1,60}(?::[a-zA-Z0-9_.*-]{1,60}){0,3}"
_SCOPE = re.compile(_SCOPE_WORD)
_SCOPE_LIST = re.compile(r"\bscopes?\b[^\[\]\n]{0,60}\[([^\[\]]{1,2000})\]", re.IGNORECASE)
_SCOPE_AFTER = re.compile(
    rf"(\buse\s+)?\bscopes?\b(?:\(s\))?\s*(?:is|are|of|named)?\s*((?:[:=]>?|->)?\s*['\"`‘“(]?)({_SCOPE_WORD})['\"`’”]?"
    rf"((?:\s*(?:,|\bor\b|\band\b|\|)\s*['\"`‘“]?{_SCOPE_WORD}(?![\w.-]|['\"]?\s*:)['\"`’”]?){{0,20}})",
    re.IGNORECASE,
)
_SCOPE_BEFORE = re.compile(rf"['\"`‘“]({_SCOPE_WORD})['\"`’”]\s+(?:oauth\s+)?scopes?\b|(?<![\w:.-])({_SCOPE_WORD})\s+scopes?\b")
_SCOPE_WANTED = re.compile(
    rf"\b(?:needs?|requires?|include|contain|have|hold|carry|lacks?|missing|wanted|expected)(?: (?:any|one|all) of)?[:=]?\s+"
    rf"(?:the )?['\"`‘“\[]?({_SCOPE_WORD})",
    re.IGNORECASE,
)
_BEFORE_SCOPE = re.compile(
    r"(?:\b(?:needs?|requires?|required|includes?|contains?|have|has|holds?|carr(?:y|ies)|lacks?|missing|wanted|expected|got|add"
    r"|scopes?|consent(?:ed)? (?:for|to)) |['\"`‘“\[(:=,]\s?)$",
    re.IGNORECASE,
)
_ONE_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}(?::[A-Za-z0-9_.*-]{1,60}){0,3}")
_BETWEEN = re.compile(r"[\s,;|\[\]{}()]+")
_LICENCE_LIST = re.compile(r"\b(?:licen[sc]es?|products?)\b[^\[\]\n]{0,60}\[([^\[\]]{1,2000})\]", re.IGNORECASE)
_LICENCE_QUOTED = re.compile(r"\b(?:licen[sc]es?|products?)\b[^'\"“\n]{0,40}['\"“]([\w .-]{2,60})['\"”]", re.IGNORECASE)
_LICENCE_BARE = re.compile(r"\b(?:[Ll]icen[sc]es?|[Pp]roducts?) ([A-Z][A-Z0-9]{1,20}(?:-[A-Z0-9]{1,20}){0,3})\b")
_DIVISION_LIST = re.compile(r"\bdivisions?\b(?:\(s\))?[^\[\]\n]{0,60}\[([^\[\]]{1,2000})\]", re.IGNORECASE)
_DIVISION_ONE = re.compile(
    rf"\bdivisions?\b(?:\(s\))?(?:\s+ids?)?[\s:='\"]{{1,4}}((?:{UUID}(?:[,\s'\"]|\band\b|\bor\b){{0,5}}){{1,20}})",
    re.IGNORECASE,
)
_UUID = re.compile(UUID)
_WORDS = frozenset(
    word
    for line in (
        "a an the to for of in on is are was not or and any all with by this that these those it its your token tokens app",
        "required require requires missing needed needs granted insufficient invalid denied error errors has have must",
        "following one least at more than exceeded unknown undefined null none access oauth allowed enforced enforcement",
        "settings from be being before after which does did as if check add contact please need got do include",
        "client-credentials",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class Names:
    """What a text names as lacking, each in the order found and once. `held` are the permissions it says are held."""

    permissions: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def find_names(text: str, params: Params, correlation_id: str | None, *, of_scopes: bool = False) -> Names:
    """Reads what is lacking out of sentences and message parameters.

    What a caller holds is named beside what it lacks ("has scopes [a:b] but requires c:d"): `holding` tells them apart.
    The quoted name of a client or role may look like a permission ("Role 'Team:Lead:EU'") and is none. Brackets need not
    hold permissions ("Retry the request in [9] seconds"), a permission may be printed as a Java class name (observed),
    and a fourth part that is a UUID is a division (observed). `of_scopes` says that the code speaks of scopes, so that the
    sentence need not.
    """
    text = _without_bearers(text)
    wanted = tuple((name, value) for name, value in params if not tells_of_holding(name))
    missing, held = missing_and_held(text, _permission_spans(text))
    filled = "\n".join(value for _, value in wanted)
    return Names(
        permissions=_once((*(span.name for span in missing), *(span.name for span in _permission_spans(filled)))),
        scopes=_scopes(text, wanted, of_scopes),
        licences=_licences(text, wanted),
        divisions=_divisions(text, params, correlation_id),
        held=_once(span.name for span in held),
    )


def names_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every permission and every scope that a text names, held or missing."""
    text = _without_bearers(text)
    scopes = (span.name for stage in _scope_spans(text) for span in stage)
    return _once(span.name for span in _permission_spans(text)), _once(scopes)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def _without_bearers(text: str) -> str:
    """The text with the quoted names of clients, roles and users left blank, everything else at its place."""
    return _BEARER.sub(lambda found: " " * len(found.group()), text) if ":" in text else text


def _permission_spans(text: str) -> list[Span]:
    """Where a text names permissions. Published ones begin with a small letter: beside one, "Sales:EMEA:Tier1" is a thing."""
    if text.count(":") < 2:
        return []
    found = [
        Span(one.start(), one.end(), ":".join(one.group(1, 2, 3)))
        for one in _PERMISSION.finditer(text)
        if one.group(1).casefold() not in _NOT_DOMAINS
    ]
    small = [span for span in found if span.name[0].islower()]
    return small or found


def _scopes(text: str, params: Params, of_scopes: bool) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for stage in _scope_spans(text, of_scopes):
        missing, _ = missing_and_held(text, stage)
        found.update(dict.fromkeys(span.name for span in missing))
        if found:
            break
    for key, value in params:
        if "scope" in key.casefold() or (key == "needed" and not _PERMISSION.search(value)):
            given = (name.strip("'\"`.") for name in _BETWEEN.split(value))
            found.update(dict.fromkeys(name for name in given if _ONE_SCOPE.fullmatch(name) and _is_scope(name)))
    return tuple(found)[:MAX_NAMES]


def _scope_spans(text: str, of_scopes: bool = False) -> Iterator[list[Span]]:
    """Where a text names scopes, the surest signs first: lists after the word "scope", then names anywhere."""
    yield [span for listed in _SCOPE_LIST.finditer(text) for span in _tokens(listed, 1)]
    if of_scopes or "scope" in text.casefold():
        wanted = (span for found in _SCOPE_WANTED.finditer(text) for span in _tokens(found, 1))
        known = (_span(found, 0) for found in _SCOPE.finditer(text))
        beside = (span for span in _beside_the_word(text) if _is_scope(span.name))
        yield sorted({*beside, *filter(_looks_like_scope, wanted), *(span for span in known if _is_published(text, span))})


def _beside_the_word(text: str) -> Iterator[Span]:
    for found in _SCOPE_AFTER.finditer(text):
        use, mark, first, _ = found.groups()
        # A bare word after "scope" is a name only where something says so: "scope: users", "to use scope users".
        if use or mark.strip() or ":" in first or "-" in first or first.casefold() in catalogue.published_scopes():
            yield _span(found, 3)
            yield from _tokens(found, 4)
    for found in _SCOPE_BEFORE.finditer(text):
        span = _span(found, 1 if found.group(1) else 2)
        if found.group(1) or any(mark in span.name for mark in ":-_."):
            yield span


def _tokens(found: re.Match[str], group: int) -> Iterator[Span]:
    """The names in a list that a pattern caught."""
    for token in _SCOPE.finditer(found.string, *found.span(group)):
        if token.group() not in ("and", "or"):
            yield _span(token, 0)


def _span(found: re.Match[str], group: int) -> Span:
    name = found.group(group).rstrip(".")
    return Span(found.start(group), found.start(group) + len(name), name)


def _is_scope(name: str) -> bool:
    return name.casefold() not in _WORDS and not _UUID.fullmatch(name)


def _looks_like_scope(span: Span) -> bool:
    return _is_scope(span.name) and (span.name.count(":") == 1 or (":" not in span.name and "-" in span.name))


def _is_published(text: str, span: Span) -> bool:
    """Whether a published scope is named: "presence:readonly" is one wherever it stands, "users" only where it is asked for."""
    if span.name not in catalogue.published_scopes():
        return False
    return ":" in span.name or "-" in span.name or bool(_BEFORE_SCOPE.search(text[max(0, span.begin - 16) : span.begin]))


def _licences(text: str, params: Params) -> tuple[str, ...]:
    listed = [part for pattern in (_LICENCE_LIST, _LICENCE_QUOTED, _LICENCE_BARE) for part in pattern.finditer(text)]
    missing, _ = missing_and_held(text, (Span(*found.span(1), found.group(1)) for found in listed))
    given = [span.name for span in missing]
    given += [value for key, value in params if re.search("licen[sc]e", key, re.IGNORECASE)]
    names = (name.strip(" '\"[]") for one in given for name in one.split(","))
    return _once(name for name in names if 1 < len(name) < 80 and not _UUID.search(name))


def _divisions(text: str, params: Params, correlation_id: str | None) -> tuple[str, ...]:
    filled = "\n".join(value for _, value in params)
    whole = f"{text}\n{filled}"
    behind = _PERMISSION.finditer(whole) if whole.count(":") > 2 else ()  # a:b:c:{division}
    found = dict.fromkeys(part.group(4) for part in behind if part.group(4))
    for listed in (*_DIVISION_LIST.findall(text), *_DIVISION_ONE.findall(text)):
        found.update(dict.fromkeys(_UUID.findall(listed)))
    for name, value in params:
        if "division" in name.casefold():
            found.update(dict.fromkeys(_UUID.findall(value)))
    if correlation_id:
        found.pop(correlation_id, None)
    return tuple(found)[:MAX_NAMES]
