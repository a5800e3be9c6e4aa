"""Agents: the directory of the tenant, and the agents that a selection, a file or a pasted text names."""

from __future__ import annotations

from wfm.desk.connections import Connections
from wfm.domain.agent_lists import AgentList
from wfm.domain.agents import Agent, Directory, Group, GroupKind
from wfm.domain.plans import ResolvedSelection, Selection, refuse_signs
from wfm.preview.agent_lists import agent_list, pasted_list


class Agents:
    """Agents and groups of the tenant, read with the current client. Every method raises GenesysError."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def directory(self, *, fresh: bool = False) -> Directory:
        """Return all agents and groups, at most ten minutes old unless `fresh`."""
        return self._connections.get().reader.directory(fresh=fresh)

    def groups(self, kind: GroupKind) -> tuple[Group, ...]:
        """Return the groups of one kind, by name."""
        groups = (group for group in self.directory().groups if group.kind is kind)
        return tuple(sorted(groups, key=lambda group: group.name.casefold()))

    def search(self, text: str, limit: int = 50) -> tuple[Agent, ...]:
        """Return agents whose name or e-mail contains every word of the text, by name. Case and accents do not count."""
        if not text.strip():
            return ()
        return self.resolve(Selection(search=text)).agents[:limit]

    def resolve(self, selection: Selection) -> ResolvedSelection:
        """Return the agents of a selection. Raises BadInput for an unknown group, an empty selection or control characters."""
        refuse_signs(selection)
        return self._connections.get().previewer.resolve(selection)

    def in_file(self, data: bytes, column: int | None = None) -> AgentList:
        """Return the agents that a file names, in the column of this index or in the one that its cells point to.

        Raises BadInput for a file that is not a list.
        """
        return agent_list(data, self._connections.get().previewer.index(), column)

    def in_text(self, text: str, column: int | None = None) -> AgentList:
        """Return the agents that a pasted text names, and its words that name no one. A table is read by rows."""
        return pasted_list(text, self._connections.get().previewer.index(), column)
