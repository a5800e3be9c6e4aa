"""Saved views: filters of the run history that a person keeps under a name, one of them the default."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.desk.dependencies import DeskPart
from wfm.domain.errors import BadInput, refuse_controls
from wfm.domain.people import Actor, Capability
from wfm.ledger.records import SavedView

MAX_NAME_LENGTH = 80
MAX_QUERY_LENGTH = 4_000


class SavedViews(DeskPart):
    """Views that a person saved in this tenant. Every method raises NotAllowed unless the person may look."""

    def all(self, actor: Actor) -> tuple[SavedView, ...]:
        """Return the views of the actor, by name."""
        actor.require(Capability.VIEW)
        return tuple(self._ledger.saved_views.all(actor.subject, self._tenant.key))

    def default(self, actor: Actor) -> SavedView | None:
        """Return the view that the history opens with; None when none was chosen."""
        return next((view for view in self.all(actor) if view.is_default), None)

    def save(self, name: str, query: Mapping[str, str], actor: Actor, *, is_default: bool = False) -> SavedView:
        """Save the parameters of an address under a name, in place of a view of that name. Raises BadInput, Refused."""
        actor.require(Capability.VIEW)
        refuse_controls("name", name)
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise BadInput("name", name or None, f"a name of 1 to {MAX_NAME_LENGTH} characters")
        if sum(len(key) + len(value) for key, value in query.items()) > MAX_QUERY_LENGTH:
            raise BadInput("query", "a very long filter", f"up to {MAX_QUERY_LENGTH:,} characters of parameters")
        for key, value in query.items():
            refuse_controls(key, value)
        now = self._clock()
        self._ledger.saved_views.save(actor.subject, self._tenant.key, name, query, is_default=is_default, now=now)
        return SavedView(name=name, query=dict(query), is_default=is_default, changed_at=now)

    def delete(self, name: str, actor: Actor) -> None:
        """Delete a view. Raises NotFound."""
        actor.require(Capability.VIEW)
        self._ledger.saved_views.delete(actor.subject, self._tenant.key, name)
