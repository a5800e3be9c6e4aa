"""The OAuth clients that the desk can act with."""

from __future__ import annotations

from wfm.desk.connections import CLIENT_PREFERENCE
from wfm.desk.dependencies import DeskDependencies, DeskPart
from wfm.desk.values import ClientChoice
from wfm.domain.errors import NotFound
from wfm.domain.people import Actor, Capability


class Clients(DeskPart):
    """OAuth clients: the configured one on a real tenant, those of the demo tenant on the demo tenant."""

    def __init__(self, dependencies: DeskDependencies) -> None:
        super().__init__(dependencies)
        self._demo_admin = dependencies.demo_admin

    def all(self) -> tuple[ClientChoice, ...]:
        """Return the clients with their scopes. Raises BadInput where none is configured, GenesysError."""
        current = self._connections.current_id()
        if self._demo_admin is not None and self._settings.genesys_client_id is None:
            return tuple(
                ClientChoice(id=client.id, name=client.name, scopes=tuple(client.scopes), current=client.id == current)
                for client in self._demo_admin.info().clients
            )
        facts = self._connections.get(current).reader.token()
        return (ClientChoice(id=current, name=facts.client_name, scopes=facts.scopes, current=True),)

    @property
    def current(self) -> ClientChoice:
        """The client that plans are made with now. An operation keeps the one it was planned with."""
        return next(choice for choice in self.all() if choice.current)

    def use(self, name: str, actor: Actor) -> None:
        """Plan with another client from now on (demo tenant), given by name or id. Raises NotAllowed, NotFound."""
        actor.require(Capability.EXECUTE)
        chosen = next((choice for choice in self.all() if name in (choice.name, choice.id)), None)
        if chosen is None:
            raise NotFound(f"This tenant has no OAuth client “{name}” that the desk knows.")
        self._ledger.preferences.set(self._tenant.key, CLIENT_PREFERENCE, chosen.id)
