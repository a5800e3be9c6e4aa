"""Saved views: filters of the run history that a person keeps under a name, one of them the default."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.desk.core import DeskCore
from wfm.domain.errors import BadInput, refuse_controls
from wfm.domain.people import Actor, Capability
from wfm.ledger.records import SavedView

LONGEST_NAME = 80
LONGEST_QUERY = 4_000


class ViewDesk(DeskCore):
    """A person's own views in this tenant. Whoever may look may keep views; nobody sees another's."""

    def views(self, actor: Actor) -> tuple[SavedView, ...]:
        """The actor's saved views, by name."""
        self.allow(actor, Capability.VIEW)
        return tuple(self.ledger.saved_views.all(actor.subject, self.tenant.key))

    def default_view(self, actor: Actor) -> SavedView | None:
        """The view that the history opens with, None when none was chosen."""
        return next((view for view in self.views(actor) if view.is_default), None)

    def save_view(self, name: str, query: Mapping[str, str], actor: Actor, *, is_default: bool = False) -> SavedView:
        """Keeps the parameters of an address under a name, in place of a view of that name. Raises BadInput, Refused."""
        self.allow(actor, Capability.VIEW)
        refuse_controls("name", name)
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadInput("name", name or None, f"a name of 1 to {LONGEST_NAME} characters")
        if sum(len(key) + len(value) for key, value in query.items()) > LONGEST_QUERY:
            raise BadInput("query", "a very long filter", f"up to {LONGEST_QUERY:,} characters of parameters")
        for key, value in query.items():
            refuse_controls(key, value)
        now = self.clock()
        self.ledger.saved_views.save(actor.subject, self.tenant.key, name, query, is_default=is_default, now=now)
        return SavedView(name=name, query=dict(query), is_default=is_default, changed_at=now)

    def delete_view(self, name: str, actor: Actor) -> None:
        """Forgets a view. Raises NotFound."""
        self.allow(actor, Capability.VIEW)
        self.ledger.saved_views.delete(actor.subject, self.tenant.key, name)
