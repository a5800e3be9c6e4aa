"""Names inside sentences: permissions, scopes, licences and divisions, and what only looks like one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wfm.diagnosis.sentences import UUID

MAX_NAMES = 60

_PERMISSION = re.compile(
    rf"(?<![\w:/.-])([A-Za-z]\w{{0,60}}):([A-Za-z]\w{{0,60}}|\*):([A-Za-z]\w{{0,60}}|\*)(?::({UUID}))?(?![\w/]|[:-]\w)"
)
_NOT_DOMAINS = frozenset({"urn", "arn", "http", "https", "file", "java", "org", "com"})
_SCOPE_WORD = r"[a-z][a-z0-9_.-]{1,60}(?::[a-zA-Z0-9_.*-]{1,60}){0,3}"
_NAME = r"[\w.-]{1,60}(?::[\w.*-]{1,60}){1,3}"
_HELD = re.compile(
    r"(?<!must )(?<!not )(?<!n't )(?<!to )(?<!should )\b(?:has|have|holds?|holding|grants?|granted|carries|provided|actual)\b"
    rf"(?: (?!not\b|no\b)\w+){{0,3}}\s*[:=]?\s*(?:\[[^\[\]]{{1,2000}}\]|{_NAME}(?:\s*(?:,|\band\b)\s*{_NAME}){{0,20}})",
    re.IGNORECASE,
)
_SCOPE_LIST = re.compile(r"\bscopes?\b[^\[\]\n]{0,60}\[([^\[\]]{1,2000})\]", re.IGNORECASE)
_SCOPE_AFTER = re.compile(
    rf"(\buse\s+)?\bscopes?\b(?:\(s\))?\s*(?:is|are|of|named)?\s*([:=]?\s*['\"`‘“]?)({_SCOPE_WORD})['\"`’”]?"
    rf"((?:\s*(?:,|\bor\b|\band\b|\|)\s*['\"`‘“]?{_SCOPE_WORD}['\"`’”]?){{0,20}})",
    re.IGNORECASE,
)
_SCOPE_BEFORE = re.compile(rf"['\"`‘“]({_SCOPE_WORD})['\"`’”]\s+(?:oauth\s+)?scopes?\b|(?<![\w:.-])({_SCOPE_WORD})\s+scopes?\b")
_SCOPE_TOKEN = re.compile(_SCOPE_WORD)
_ONE_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}(?::[A-Za-z0-9_.*-]{1,60}){0,3}")
_BETWEEN = re.compile(r"[\s,;|\[\]{}()]+")
_LICENCE_LIST = re.compile(r"\b(?:licen[sc]es?|products?)\b[^\[\]\n]{0,60}\[([^\[\]]{1,2000})\]", re.IGNORECASE)
_LICENCE_QUOTED = re.compile(r"\b(?:licen[sc]es?|products?)\b[^'\n]{0,40}'([\w .-]{2,60})'", re.IGNORECASE)
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
        "settings from be being before after which does did as if check add contact please",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class Names:
    """What a text names, each in the order found and once."""

    permissions: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()


def find_names(text: str, params: tuple[tuple[str, str], ...], correlation_id: str | None) -> Names:
    """Reads the names out of sentences and message parameters.

    What a caller holds is named beside what it lacks ("has scopes [a:b] but requires c:d"): the held ones are left out.
    Brackets need not hold permissions ("Retry the request in [9] seconds"), a permission may be printed as a Java
    class name (observed), and a fourth part that is a UUID is a division (observed).
    """
    lacking = _HELD.sub(" ", text)
    if lacking != text:
        found = _find(lacking, params, correlation_id)
        if found.permissions or found.scopes:
            return found
    return _find(text, params, correlation_id)


def _find(text: str, params: tuple[tuple[str, str], ...], correlation_id: str | None) -> Names:
    permissions: dict[str, None] = {}
    divisions: dict[str, None] = {}
    filled = "\n".join(value for _, value in params)
    for domain, entity, action, division in _PERMISSION.findall(f"{text}\n{filled}"):
        if domain.casefold() not in _NOT_DOMAINS:
            permissions[f"{domain}:{entity}:{action}"] = None
            if division:
                divisions[division] = None
    for listed in (*_DIVISION_LIST.findall(text), *_DIVISION_ONE.findall(text)):
        divisions.update(dict.fromkeys(_UUID.findall(listed)))
    for name, value in params:
        if "division" in name.casefold():
            divisions.update(dict.fromkeys(_UUID.findall(value)))
    if correlation_id:
        divisions.pop(correlation_id, None)
    return Names(
        permissions=tuple(permissions)[:MAX_NAMES],
        scopes=_scopes(text, params),
        licences=_licences(text, params),
        divisions=tuple(divisions)[:MAX_NAMES],
    )


def _scopes(text: str, params: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for listed in _SCOPE_LIST.findall(text):
        found.update(dict.fromkeys(_SCOPE_TOKEN.findall(listed)))
    if not found:
        for use, mark, first, more in _SCOPE_AFTER.findall(text):
            names = [name.rstrip(".") for name in (first, *_SCOPE_TOKEN.findall(more))]
            # A bare word after "scope" is a name only where something says so: "scope: users", "to use scope users".
            if use or mark.strip() or ":" in first or "-" in first:
                found.update(dict.fromkeys(name for name in names if _is_scope(name)))
        for quoted, bare in _SCOPE_BEFORE.findall(text):
            name = quoted or bare
            if _is_scope(name) and (quoted or ":" in name or "-" in name):
                found[name] = None
    for key, value in params:
        if "scope" in key.casefold() or (key == "needed" and not _PERMISSION.search(value)):
            given = (name.strip("'\"`.") for name in _BETWEEN.split(value))
            found.update(dict.fromkeys(name for name in given if _ONE_SCOPE.fullmatch(name) and _is_scope(name)))
    return tuple(found)[:MAX_NAMES]


def _is_scope(name: str) -> bool:
    return name.casefold() not in _WORDS and not _UUID.fullmatch(name)


def _licences(text: str, params: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    listed = [*_LICENCE_LIST.findall(text), *_LICENCE_QUOTED.findall(text)]
    listed += [value for key, value in params if re.search("licen[sc]e", key, re.IGNORECASE)]
    names = (name.strip(" '\"[]") for one in listed for name in one.split(","))
    return tuple(dict.fromkeys(name for name in names if 1 < len(name) < 80))[:MAX_NAMES]
