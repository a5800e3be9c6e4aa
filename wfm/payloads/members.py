"""The members of an error: texts under any spelling, the values that fill a sentence, the entries of details[]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from wfm.payloads.held_vs_missing import tells_of_holding
from wfm.payloads.limits import tidy

MAX_ITEMS = 50

# Names are compared as `key_of` has them: error_code, errorCode and Error-Code are one.
CODE_KEYS = ("code", "errorcode", "scimtype", "errortype", "faultcode", "exceptioncode", "errcode", "__type")
_NAMED = re.compile(
    r"^\w{0,30}?(?:scopes?|permissions?|privileges?|divisions?|divisionids?|licen[sc]es?)"
    r"(?:required|missing|needed|names?|held|granted)?$|^(?:needed|missing|required)$"
)
DETAIL_LISTS = ("details", "invalidparams", "violations", "constraintviolations", "fielderrors")
_ASIDE = ("context", "details", "data", "extensions", "meta", "metadata", "properties", "parameters", "required", "missing")
_VERDICTS = ("result", "status", "state", "decision", "effect", "outcome", "access")
_YES = frozenset(
    {"allow", "allowed", "grant", "granted", "pass", "passed", "permit", "permitted", "ok", "yes", "held", "present"}
)
_NAME_KEYS = ("permission", "scope", "name", "value", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One entry of details[]: which field or entity, and what about it."""

    code: str = ""
    field: str = ""
    message: str = ""
    entity_id: str = ""
    entity_name: str = ""


def key_of(name: object) -> str:
    """A member's name for comparing: letters and digits only, lower case; the one that AWS writes as __type stays so."""
    return _key_of(str(name)[:200])


@lru_cache(maxsize=2_048)
def _key_of(name: str) -> str:
    return name if name == "__type" else "".join(filter(str.isalnum, name)).casefold()


def text_of(members: Mapping[str, object], keys: tuple[str, ...], limit: int) -> str:
    for key in keys:
        value = members.get(key)
        if isinstance(value, dict):  # OData: {"lang": "en", "value": "…"}
            value = value.get("value", value.get("text"))
        if isinstance(value, str) and value.strip():
            return tidy(value, limit)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12:
            if keys is CODE_KEYS and 200 <= value < 300:
                continue  # the status of an answer that went well
            return str(value)
    return ""


def params_of(members: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for filled in (members.get("messageparams"), members.get("userparams")):
        if isinstance(filled, dict):
            pairs += [(str(key), _flat(value)) for key, value in list(filled.items())[:MAX_ITEMS]]
        for number, entry in enumerate(filled[:MAX_ITEMS] if isinstance(filled, list) else ()):
            if isinstance(entry, dict):
                pairs.append((_flat(entry.get("key", entry.get("name", ""))), _flat(entry.get("value", ""))))
            else:
                pairs.append((str(number), _flat(entry)))
    aside = [members[name] for name in _ASIDE if isinstance(members.get(name), dict)]
    for name, entries in members.items():
        if isinstance(entries, list) and entries and (name in DETAIL_LISTS or _tells_names(entries[0])):
            aside += entries[:MAX_ITEMS]
    for given in (members, *aside):
        items = [(key_of(key), value) for key, value in list(given.items())[:500]] if isinstance(given, dict) else []
        if not any(_says_held(key, value) for key, value in items):
            pairs += [pair for key, value in items if _NAMED.match(key) for pair in _named(key, value)]
    return tuple((tidy(key, 100), tidy(value, 2_000)) for key, value in pairs[:MAX_ITEMS])


def _tells_names(entry: object) -> bool:
    """Whether an entry of a list says of a right how it stands: {"permission": "a:b:c", "result": "DENY"}."""
    return isinstance(entry, dict) and any(_NAMED.match(key_of(key)) for key in list(entry)[:20])


def _says_held(key: str, value: object) -> bool:
    """Whether an entry such as {"permission": "a:b:c", "granted": true} says that its name is held."""
    if isinstance(value, str):
        return key in _VERDICTS and value.casefold() in _YES
    return (value is True and tells_of_holding(key)) or (value is False and key in ("missing", "lacking", "denied"))


def _named(key: str, value: object) -> list[tuple[str, str]]:
    """The names under a member, with what is said of them: plain, by state {"missing": […]}, or each with yes or no."""
    if not isinstance(value, dict) or _triples(value):
        return [(key, _flat(value))]
    pairs = []
    for name, inner in list(value.items())[:MAX_ITEMS]:
        if isinstance(inner, bool):
            pairs += [] if inner else [(key, str(name))]
        else:
            pairs.append((f"{key_of(name)}_{key}", _flat(inner)))
    return pairs


def _triples(value: Mapping[object, object]) -> list[str]:
    """The permissions of a policy in parts, as roles have them (published: domain, entityName, actionSet)."""
    members = {key_of(key): item for key, item in list(value.items())[:MAX_ITEMS]}
    domain, entity = text_of(members, ("domain",), 60), text_of(members, ("entity", "entityname"), 60)
    actions = next((members[name] for name in ("action", "actions", "actionset") if name in members), None)
    listed = actions if isinstance(actions, list) else [actions]
    return [f"{domain}:{entity}:{one}" for one in listed[:MAX_ITEMS] if isinstance(one, str)] if domain and entity else []


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(_triples(value)) or text_of({key_of(key): item for key, item in value.items()}, _NAME_KEYS, 200)
    if isinstance(value, list):
        return ", ".join(_flat(item) for item in value[:MAX_ITEMS] if not isinstance(item, list))
    return str(value) if isinstance(value, (str, int, float)) else ""


def details_of(value: object) -> tuple[Detail, ...]:
    """The entries of details[]. A single object counts where it names a field, or holds what is wrong by field (Rails)."""
    if isinstance(value, dict):
        named = tuple(detail for detail in details_of([value]) if detail.field)
        by_field = [(str(name), inner) for name, inner in list(value.items())[:MAX_ITEMS] if isinstance(inner, list)]
        inside = (replace(detail, field=tidy(name, 200)) for name, inner in by_field for detail in details_of(inner))
        return named or tuple(detail for detail in inside if detail.message)
    if not isinstance(value, list):
        return ()
    found = []
    for entry in value[:MAX_ITEMS]:
        if isinstance(entry, dict):
            members = {key_of(key): item for key, item in list(entry.items())[:MAX_ITEMS]}
            found.append(
                Detail(
                    code=text_of(members, ("errorcode", "code"), 200),
                    field=text_of(
                        members, ("fieldname", "field", "target", "property", "propertypath", "pointer", "name"), 200
                    ),
                    message=text_of(members, ("message", "description", "reason", "issue", "error"), 1_000),
                    entity_id=text_of(members, ("entityid",), 200),
                    entity_name=text_of(members, ("entityname",), 200),
                )
            )
    return tuple(found)
