"""Which agent a typed word means."""

from __future__ import annotations

from wfm.desk import Desk
from wfm.domain.errors import DeskError


def agent_named(desk: Desk, text: str) -> tuple[str | None, str]:
    """The agent id that a word means, and a sentence where it means nobody or several.

    Without a tenant the word is taken as an id: the history outlives the people in it.
    """
    if not text:
        return None, ""
    try:
        if text in desk.agents.directory().agents:
            return text, ""
        matches = desk.agents.search(text, limit=6)
    except DeskError:
        return text, ""
    if len(matches) == 1:
        return matches[0].id, ""
    if not matches:
        return text, f"Agent: no one in the directory matches “{text[:40]}”, so it is taken as an id."
    names = [agent.name for agent in matches[:5]]
    more = " and others" if len(matches) > 5 else ""
    return None, f"Agent: “{text[:40]}” matches {', '.join(names)}{more}. Type more of the name, or the id."
