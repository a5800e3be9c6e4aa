"""Filters of the history under names that their owners gave them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from wfm.domain.errors import NotFound, Refused
from wfm.ledger.bulk_rows import put_rows
from wfm.ledger.records import SavedView
from wfm.ledger.schema import saved_views
from wfm.ledger.tenants import Repository

MAX_VIEWS = 100


class SavedViews(Repository):
    """Saved views, each of one person (`subject`) and tenant."""

    def all(self, subject: str, tenant_key: str) -> list[SavedView]:
        """A person's saved views of the history, by name."""
        with self._db.read() as connection:
            mine = _of(self._tenants.known(connection, tenant_key), subject)
            rows = connection.execute(sa.select(saved_views).where(*mine).order_by(saved_views.c.name)).all()
        return [SavedView(name=row.name, query=row.query, is_default=row.is_default, changed_at=row.changed_at) for row in rows]

    def save(
        self, subject: str, tenant_key: str, name: str, query: Mapping[str, str], *, is_default: bool, now: datetime
    ) -> None:
        """Keep a view under its name, in place of one of that name. A new default takes the place of the one before.

        Raises Refused beyond 100 views: no one finds anything in a longer list.
        """

        def work(connection: sa.Connection) -> None:
            tenant = self._tenants.number(connection, tenant_key)
            self._db.lock(connection, "views", tenant, subject)
            mine = _of(tenant, subject)
            others = sa.select(sa.func.count()).where(*mine, saved_views.c.name != name)
            if (connection.scalar(others) or 0) >= MAX_VIEWS:
                raise Refused("policy", f"You have {MAX_VIEWS} saved views, which is as many as are kept. Delete one first.")
            if is_default:
                connection.execute(sa.update(saved_views).where(*mine).values(is_default=False))
            row = {
                "tenant_id": tenant,
                "subject": subject,
                "name": name,
                "query": dict(query),
                "is_default": is_default,
                "changed_at": now,
            }
            keys = ["tenant_id", "subject", "name"]
            put_rows(connection, saved_views, [row], keys=keys, replaced=["query", "is_default", "changed_at"])

        self._db.write(work)

    def delete(self, subject: str, tenant_key: str, name: str) -> None:
        """Delete a view. Raises NotFound."""

        def work(connection: sa.Connection) -> None:
            mine = _of(self._tenants.number(connection, tenant_key), subject)
            if connection.execute(sa.delete(saved_views).where(*mine, saved_views.c.name == name)).rowcount == 0:
                raise NotFound(f"You have no saved view “{name}”.")

        self._db.write(work)


def _of(tenant: int | None, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return saved_views.c.tenant_id == tenant, saved_views.c.subject == subject
