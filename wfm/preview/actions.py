"""The Data Action a plan runs, and its counterpart that makes agents available again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wfm import catalogue
from wfm.domain.errors import BadInput
from wfm.genesys.parse import inside
from wfm.routes.data_action import MEANINGS, STATUS, USER_ID

RawAction = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenAction:
    """The action that makes agents unavailable. `restore_id` is None where nothing undoes it; `call` is the inner call where
    the catalogue knows it; `client` the OAuth client of its integration where that is known.
    """

    id: str
    name: str
    restore_id: str | None
    call: catalogue.PlatformOperation | None
    client: str | None


def choose(word: str | None, actions: Sequence[RawAction]) -> ChosenAction:
    """Return the action of that id or name, with its counterpart.

    Raises BadInput when no action is named, none or several match, or it requires inputs the desk doesn't fill.
    """
    names = sorted({str(action.get("name")) for action in actions})
    offered = f"the name or id of a Data Action: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
    if not names:
        offered = "the name or id of a Data Action; this tenant has none that the token may see"
    if not word or not word.strip():
        raise BadInput("action", None, offered)
    wanted = word.strip().casefold()
    matches = [action for action in actions if str(action.get("id")).casefold() == wanted]
    matches = matches or [action for action in actions if str(action.get("name")).casefold() == wanted]
    if len(matches) > 1:
        ids = " or ".join(str(action.get("id")) for action in matches[:3])
        raise BadInput("action", word, f"its id, because {len(matches)} actions have this name: {ids}")
    if not matches:
        raise BadInput("action", word, offered)
    action = matches[0]
    _check_contract(action)
    back = _counterpart(action, actions)
    request = _request(action)
    return ChosenAction(
        id=str(action.get("id")),
        name=str(action.get("name")),
        restore_id=str(back.get("id")) if back else None,
        call=_inner(str(request.get("requestType") or ""), str(request.get("requestUrlTemplate") or "")),
        client=str(action["credentialClient"]) if action.get("credentialClient") else None,
    )


def _check_contract(action: RawAction) -> None:
    """Raise BadInput for a contract that requires what the desk doesn't know, or takes no agent."""
    schema = inside(action, "contract", "input", "inputSchema")
    properties, required = inside(schema, "properties") or {}, inside(schema, "required") or []
    others = sorted(name for name in map(str, required) if _meaning(name) is None)
    if others:
        raise BadInput("action", action.get("name"), f"an action that requires only userId, status and reason, not {others[0]}")
    if properties and USER_ID not in map(_meaning, properties):
        raise BadInput("action", action.get("name"), "an action with an input userId")


def _counterpart(action: RawAction, actions: Sequence[RawAction]) -> RawAction | None:
    """Return the action named like this one with "available" for "unavailable", of the same integration if there is one;
    else the action itself where it takes a status and its template, if it can be read, uses it.
    """
    name = str(action.get("name"))
    back = re.sub(r"un(?=available)", "", name, flags=re.IGNORECASE).casefold()
    if back != name.casefold():
        named = [other for other in actions if str(other.get("name")).casefold() == back]
        same = [other for other in named if other.get("integrationId") == action.get("integrationId")]
        if len(same or named) == 1:
            return (same or named)[0]
    template = str(_request(action).get("requestTemplate") or "")
    takes_status = STATUS in map(_meaning, inside(action, "contract", "input", "inputSchema", "properties") or {})
    uses_it = not template or re.search(r"input\.status|rawRequest", template, re.IGNORECASE)
    return action if takes_status and uses_it else None


def _meaning(name: str) -> str | None:
    """Return which of the desk's values an input of this name gets, as the route data_action reads names."""
    return MEANINGS.get(name.replace("_", "").casefold())


def _inner(verb: str, url: str) -> catalogue.PlatformOperation | None:
    path = re.sub(r"\$\{[^}]*\}|\{\{[^}]*\}\}", "x", url)
    return catalogue.match(verb, path) if verb and path else None


def _request(action: RawAction) -> Mapping[str, Any]:
    found = inside(action, "config", "request")
    return found if isinstance(found, Mapping) else {}
